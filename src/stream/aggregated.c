#include "stream/aggregated.h"

#include <stdbool.h>
#include <string.h>

#include "base/checksum.h"

static const guint8 magic[] = {0xF3, 0x89, 0x9A, 0xC2};
#define DIGEST 16

enum { RECORDS = 3, DATA = 3 }; /* fields: of the message, of a record in it */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 }; /* how fields are written */

struct cursor {
    const guint8 *at, *end;
};

static bool take_varint(struct cursor *cursor, guint64 *value)
{
    *value = 0;
    for (unsigned shift = 0; cursor->at < cursor->end && shift < 64; shift += 7) {
        guint8 byte = *cursor->at++;
        *value |= (guint64)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

/* The next field's number, and the bytes of one that is bytes. */
static bool take_field(struct cursor *cursor, guint64 *number, struct cursor *value)
{
    guint64 key, size = 0;
    if (!take_varint(cursor, &key))
        return false;
    *number = key >> 3;
    *value = (struct cursor){0};
    if ((key & 7) == VARINT)
        return take_varint(cursor, &size);
    if ((key & 7) == BYTES ? !take_varint(cursor, &size)
                           : (key & 7) != FIXED64 && (key & 7) != FIXED32)
        return false;
    size = (key & 7) == FIXED64 ? 8 : (key & 7) == FIXED32 ? 4 : size;
    if (size > (guint64)(cursor->end - cursor->at))
        return false;
    *value = (struct cursor){cursor->at, cursor->at + size};
    cursor->at += size;
    return true;
}

/* A record's data; false where it has none. */
static bool take_record(struct cursor record, GPtrArray *parts)
{
    struct cursor value, data = {0};
    guint64 number;
    while (record.at < record.end) {
        if (!take_field(&record, &number, &value))
            return false;
        if (number == DATA)
            data = value;
    }
    if (!data.at)
        return false;
    g_ptr_array_add(parts, g_bytes_new_static(data.at, (gsize)(data.end - data.at)));
    return true;
}

static bool take_message(struct cursor message, GPtrArray *parts)
{
    struct cursor value;
    guint64 number;
    while (message.at < message.end) {
        if (!take_field(&message, &number, &value))
            return false;
        if (number == RECORDS && (!value.at || !take_record(value, parts)))
            return false;
    }
    return true;
}

static bool has_digest(const guint8 *bytes, size_t size)
{
    guint8 digest[CHECKSUM_LONGEST];
    g_autoptr(checksum_auto) md5 = checksum_new(CHECKSUM_MD5);
    checksum_update(md5, bytes, size);
    checksum_finish(md5, digest);
    return memcmp(digest, bytes + size, DIGEST) == 0;
}

GPtrArray *aggregated_parts(const void *bytes, size_t size)
{
    if (size < sizeof magic + DIGEST || memcmp(bytes, magic, sizeof magic) != 0)
        return NULL;
    const guint8 *at = (const guint8 *)bytes + sizeof magic;
    size -= sizeof magic + DIGEST;
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    if (!has_digest(at, size) || !take_message((struct cursor){at, at + size}, parts))
        return NULL;
    return g_steal_pointer(&parts);
}
