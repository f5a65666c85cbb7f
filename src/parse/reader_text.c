/* The reader's texts: UTF-8, and the escapes of JSON strings (RFC 8259, section 7). */
#include "parse/reader_inside.h"
#include "parse/word.h"

#include <string.h>

bool reader_utf8(const unsigned char *text, size_t size)
{
    const unsigned char *end = text + size;
    while (text < end) {
        if (end - text >= 8 && !(word_load((const char *)text) & word_of((char)0x80))) {
            text += 8;
            continue;
        }
        if (*text < 0x80) {
            text++;
            continue;
        }
        int more = *text >= 0xC2 && *text <= 0xDF ? 1 : (*text & 0xF0) == 0xE0 ? 2 : 3;
        if (*text < 0xC2 || *text > 0xF4 || end - text <= more)
            return false;
        /* overlong forms, surrogates, and what lies beyond U+10FFFF show in the second byte */
        if ((*text == 0xE0 && text[1] < 0xA0) || (*text == 0xED && text[1] > 0x9F) ||
            (*text == 0xF0 && text[1] < 0x90) || (*text == 0xF4 && text[1] > 0x8F))
            return false;
        for (int i = 1; i <= more; i++)
            if ((text[i] & 0xC0) != 0x80)
                return false;
        text += more + 1;
    }
    return true;
}

/* The four hexadecimal digits at text, or -1. */
static int hexadecimal(const unsigned char *text)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = text[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The character that the \u escape at text stands for; *used gets 6, or 12 for a pair of
 * surrogates. -1 where it is malformed. */
static int32_t unicode_escape(const unsigned char *text, const unsigned char *end, size_t *used)
{
    *used = 6;
    int high = end - text >= 6 ? hexadecimal(text + 2) : -1;
    if (high < 0xD800 || high > 0xDFFF)
        return high;
    if (high > 0xDBFF || end - text < 12 || text[6] != '\\' || text[7] != 'u')
        return -1;
    int low = hexadecimal(text + 8);
    *used = 12;
    return low >= 0xDC00 && low <= 0xDFFF ? 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00) : -1;
}

static const char escapes[] = "\"\\/bfnrt", escaped_bytes[] = "\"\\/\b\f\n\r\t";

bool reader_json_text(struct reader *reader)
{
    const unsigned char *at = reader->next + 1, *end = reader->end;
    reader->text = (const char *)at;
    reader->escaped = false;
    bool ascii = true;
    for (; at < end && *at != '"'; at++) {
        ascii = ascii && *at < 0x80;
        if (*at < 0x20) {
            reader->next = at;
            return reader_fail(reader, "a control character (%d) inside a string", *at);
        }
        if (*at != '\\')
            continue;
        size_t used = 2;
        reader->escaped = true;
        if (end - at < 2 || (at[1] == 'u' ? unicode_escape(at, end, &used) < 0
                                          : !memchr(escapes, at[1], sizeof escapes - 1))) {
            reader->next = at;
            return reader_fail(reader, "a malformed escape inside a string");
        }
        at += used - 1;
    }
    if (at == end)
        return reader_fail(reader, "a string without an end");
    reader->size = (size_t)((const char *)at - reader->text);
    if (!ascii && !reader_utf8((const unsigned char *)reader->text, reader->size))
        return reader_fail(reader, "a string that is not UTF-8");
    reader->next = at + 1;
    return true;
}

static size_t utf8_put(int32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(lead[more] | (c >> (6 * more)));
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | ((c >> (6 * (more - i))) & 0x3F));
    return more + 1;
}

size_t reader_copy(const struct reader *reader, char *out)
{
    if (!reader->escaped) {
        memcpy(out, reader->text, reader->size);
        return reader->size;
    }
    const unsigned char *at = (const unsigned char *)reader->text, *end = at + reader->size;
    size_t length = 0;
    while (at < end) {
        if (*at != '\\') {
            out[length++] = (char)*at++;
            continue;
        }
        size_t used = 2;
        if (at[1] == 'u')
            length += utf8_put(unicode_escape(at, end, &used), out + length);
        else
            out[length++] = escaped_bytes[strchr(escapes, at[1]) - escapes];
        at += used;
    }
    return length;
}

bool reader_is(const struct reader *reader, const char *word)
{
    size_t size = strlen(word);
    return reader->size == size && !reader->escaped && memcmp(reader->text, word, size) == 0;
}
