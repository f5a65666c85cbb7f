#define _GNU_SOURCE /* memmem */
#include "stream/processing.h"

#include <string.h>
#include <zlib.h>

#include "base/json.h"

#define MOST_PLAIN ((size_t)64 << 20) /* bytes that a record is unpacked to */

/* ---- Decompression ---- */

/* One member of a gzip file, or the first; false where it is none, or too large. */
static bool inflate_member(z_stream *stream, GByteArray *plain)
{
    guint8 room[16384];
    int status = Z_OK;
    while (status == Z_OK && plain->len < MOST_PLAIN) {
        stream->next_out = room;
        stream->avail_out = sizeof room;
        status = inflate(stream, Z_NO_FLUSH);
        g_byte_array_append(plain, room, (guint)(sizeof room - stream->avail_out));
    }
    return status == Z_STREAM_END;
}

/* NULL and *why where it is no gzip. */
static GByteArray *gunzip(const void *bytes, size_t size, char **why)
{
    z_stream stream = {.next_in = (Bytef *)bytes, .avail_in = (uInt)size};
    g_autoptr(GByteArray) plain = g_byte_array_new();
    if (inflateInit2(&stream, 15 + 16) != Z_OK)
        g_error("zlib has no memory");
    bool whole = inflate_member(&stream, plain);
    while (whole && stream.avail_in)
        whole = inflateReset(&stream) == Z_OK && inflate_member(&stream, plain);
    inflateEnd(&stream);
    if (whole)
        return g_steal_pointer(&plain);
    *why = g_strdup_printf("the record is not in GZIP format, is cut off, or has more than %zu "
                           "bytes when it is unpacked",
                           MOST_PLAIN);
    return NULL;
}

/* ---- RecordDeAggregation ---- */

struct part {
    const char *bytes;
    size_t size;
};

/* The parts of consecutive JSON values; false where they are none. */
static bool parse_parts(const char *bytes, size_t size, GArray *parts)
{
    const char *at = bytes, *end = bytes + size;
    while (parts->len <= PROCESSING_MOST_PARTS) {
        while (at < end && strchr(" \t\r\n", *at))
            at++;
        if (at == end)
            return true;
        json_error_t place;
        json_t *value = json_loadb(at, (size_t)(end - at), JSON_DISABLE_EOF_CHECK, &place);
        struct part part = {at, value ? (size_t)place.position : 0};
        json_decref(value);
        if (!value)
            return false;
        g_array_append_val(parts, part);
        at += part.size;
    }
    return false;
}

static bool split_parts(const char *bytes, size_t size, GBytes *between, GArray *parts)
{
    gsize width;
    const char *word = g_bytes_get_data(between, &width), *end = bytes + size;
    while (bytes < end && parts->len <= PROCESSING_MOST_PARTS) {
        const char *next = memmem(bytes, (size_t)(end - bytes), word, width);
        struct part part = {bytes, (size_t)((next ? next : end) - bytes)};
        if (part.size)
            g_array_append_val(parts, part);
        bytes = next ? next + width : end;
    }
    return parts->len <= PROCESSING_MOST_PARTS;
}

/* What cannot be taken apart, or into too many, stays whole: it is for who looks into it to say. */
static bool take_apart(const struct processing *processing, const void *bytes, size_t size,
                       processing_emit *emit, void *data, GError **error)
{
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(struct part));
    bool apart = processing->parts == PARTS_JSON ? parse_parts(bytes, size, parts)
                 : processing->parts == PARTS_DELIMITED
                     ? split_parts(bytes, size, processing->between, parts)
                     : false;
    if (!apart)
        return emit(bytes, size, data, error);
    for (guint i = 0; i < parts->len; i++) {
        const struct part *part = &g_array_index(parts, struct part, i);
        if (!emit(part->bytes, part->size, data, error))
            return false;
    }
    return true;
}

/* ---- CloudWatchLogProcessing ---- */

static bool take_messages(const struct processing *processing, const void *bytes, size_t size,
                          processing_emit *emit, void *data, char **why, GError **error)
{
    g_autoptr(json_auto) record = json_parse(bytes, size, "the record", NULL);
    const char *type = json_text_at(record, "messageType");
    const json_t *events = json_object_get(record, "logEvents");
    if (!type || !json_is_array(events)) {
        *why = g_strdup("the record is none of CloudWatch Logs: it has no messageType and "
                        "logEvents");
        return true;
    }
    bool done = true;
    for (size_t i = 0; done && strcmp(type, "DATA_MESSAGE") == 0 && i < json_array_size(events);
         i++) {
        const char *message = json_text_at(json_array_get(events, i), "message");
        done = !message || take_apart(processing, message, strlen(message), emit, data, error);
    }
    return done;
}

/* ---- all of them ---- */

bool processing_run(const struct processing *processing, const void *bytes, size_t size,
                    processing_emit *emit, void *data, char **why, GError **error)
{
    *why = NULL;
    g_autoptr(GByteArray) plain = processing->gunzip ? gunzip(bytes, size, why) : NULL;
    if (*why)
        return true;
    if (plain) {
        bytes = plain->len ? plain->data : (const void *)"";
        size = plain->len;
    }
    return processing->messages ? take_messages(processing, bytes, size, emit, data, why, error)
                                : take_apart(processing, bytes, size, emit, data, error);
}
