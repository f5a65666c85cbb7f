#include "service/plain_put.h"

#include <string.h>

#define LONGEST_NAME 64
#define LONGEST_KEY 256
#define MOST_RECORDS 500
#define LONGEST_DATA ((size_t)1000 << 10) /* decoded */

struct reader {
    const char *at, *end;
    struct plain_put *put;
    const char *stream_member;
    bool keyed;
};

/* ---- JSON ---- */

static void skip(struct reader *reader)
{
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) && *reader->at)
        reader->at++;
}

static bool takes(struct reader *reader, char mark)
{
    skip(reader);
    if (reader->at == reader->end || *reader->at != mark)
        return false;
    reader->at++;
    return true;
}

/* The text between quotes, of ASCII that is to be seen, without escapes. */
static bool take_text(struct reader *reader, const char **text, size_t *size)
{
    if (!takes(reader, '"'))
        return false;
    *text = reader->at;
    while (reader->at < reader->end && *reader->at != '"') {
        if (*reader->at < ' ' || *reader->at > '~' || *reader->at == '\\')
            return false;
        reader->at++;
    }
    *size = (size_t)(reader->at - *text);
    return takes(reader, '"');
}

/* A member's name with its colon. */
static bool take_name(struct reader *reader, const char **name, size_t *size)
{
    return take_text(reader, name, size) && takes(reader, ':');
}

static bool is(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(text, word, size) == 0;
}

/* ---- base64 ---- */

static const guint8 *values(void)
{
    static guint8 table[256];
    static gsize ready;
    if (g_once_init_enter(&ready)) {
        static const char alphabet[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        memset(table, 0x80, sizeof table);
        for (guint8 i = 0; i < 64; i++)
            table[(guint8)alphabet[i]] = i;
        g_once_init_leave(&ready, 1);
    }
    return table;
}

/* Whole groups of four; returns behind them. */
static const char *decode_groups(const char *at, const char *end, guint8 **out)
{
    const guint8 *table = values();
    for (; end - at >= 4; at += 4) {
        guint32 a = table[(guint8)at[0]], b = table[(guint8)at[1]], c = table[(guint8)at[2]],
                d = table[(guint8)at[3]];
        if ((a | b | c | d) & 0x80)
            break;
        guint32 bits = a << 18 | b << 12 | c << 6 | d;
        *(*out)++ = (guint8)(bits >> 16);
        *(*out)++ = (guint8)(bits >> 8);
        *(*out)++ = (guint8)bits;
    }
    return at;
}

/* The last group, of two or three letters and its padding; returns behind it. */
static const char *decode_rest(const char *at, const char *end, guint8 **out)
{
    const guint8 *table = values();
    if (end - at < 4 || at[3] != '=')
        return at;
    guint32 a = table[(guint8)at[0]], b = table[(guint8)at[1]],
            c = at[2] == '=' ? 0 : table[(guint8)at[2]];
    if ((a | b | c) & 0x80)
        return at;
    *(*out)++ = (guint8)(a << 2 | b >> 4);
    if (at[2] != '=')
        *(*out)++ = (guint8)(b << 4 | c >> 2);
    return at + 4;
}

static bool take_data(struct reader *reader, struct plain_record *record)
{
    GByteArray *bytes = reader->put->bytes; /* as large as the body: there is room */
    if (!takes(reader, '"'))
        return false;
    guint8 *out = bytes->data + bytes->len, *start = out;
    reader->at = decode_groups(reader->at, reader->end, &out);
    reader->at = decode_rest(reader->at, reader->end, &out);
    record->at = bytes->len;
    record->size = (size_t)(out - start);
    bytes->len += (guint)record->size;
    return record->size <= LONGEST_DATA && reader->at < reader->end && *reader->at++ == '"';
}

/* ---- records ---- */

static bool take_key(struct reader *reader, struct plain_record *record)
{
    const char *text;
    size_t size;
    if (!take_text(reader, &text, &size) || !size || size > LONGEST_KEY)
        return false;
    record->key = reader->put->keys->len;
    g_byte_array_append(reader->put->keys, (const guint8 *)text, (guint)size);
    g_byte_array_append(reader->put->keys, (const guint8 *)"", 1);
    return true;
}

static bool take_record(struct reader *reader)
{
    struct plain_record record = {0};
    bool data = false, key = !reader->keyed;
    if (!takes(reader, '{'))
        return false;
    do {
        const char *name;
        size_t size;
        if (!take_name(reader, &name, &size))
            return false;
        bool is_data = !data && is(name, size, "Data");
        bool is_key = !is_data && !key && is(name, size, "PartitionKey");
        if (!(is_data ? take_data(reader, &record) : is_key && take_key(reader, &record)))
            return false;
        data |= is_data;
        key |= is_key;
    } while (takes(reader, ','));
    g_array_append_val(reader->put->records, record);
    return data && key && takes(reader, '}') && reader->put->records->len <= MOST_RECORDS;
}

static bool take_records(struct reader *reader)
{
    if (!takes(reader, '['))
        return false;
    do
        if (!take_record(reader))
            return false;
    while (takes(reader, ','));
    return takes(reader, ']');
}

static bool take_stream(struct reader *reader)
{
    const char *text;
    size_t size;
    if (!take_text(reader, &text, &size) || !size || size > LONGEST_NAME)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!g_ascii_isalnum(text[i]) && !strchr("_.-", text[i]))
            return false;
    reader->put->stream = g_strndup(text, size);
    return true;
}

/* Each member once. */
static bool take_member(struct reader *reader)
{
    const char *name;
    size_t size;
    if (!take_name(reader, &name, &size))
        return false;
    if (!reader->put->stream && is(name, size, reader->stream_member))
        return take_stream(reader);
    return !reader->put->records->len && is(name, size, "Records") && take_records(reader);
}

static bool take_body(struct reader *reader)
{
    if (!takes(reader, '{'))
        return false;
    do
        if (!take_member(reader))
            return false;
    while (takes(reader, ','));
    if (!takes(reader, '}'))
        return false;
    skip(reader);
    return reader->at == reader->end && reader->put->stream && reader->put->records->len;
}

bool plain_put_read(struct plain_put *put, const char *stream_member, bool keyed, const char *body,
                    size_t size)
{
    const char *text = body ? body : ""; /* an empty body may be none */
    struct reader reader = {text, text + size, put, stream_member, keyed};
    put->stream = NULL;
    put->bytes = g_byte_array_sized_new((guint)size);
    put->keys = g_byte_array_new();
    put->records = g_array_new(FALSE, FALSE, sizeof(struct plain_record));
    return take_body(&reader);
}

void plain_put_clear(struct plain_put *put)
{
    g_free(put->stream);
    g_byte_array_unref(put->bytes);
    g_byte_array_unref(put->keys);
    g_array_unref(put->records);
}
