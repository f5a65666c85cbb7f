#include "stream/aggregated.h"

#include <stdbool.h>
#include <string.h>

#include "base/checksum.h"
#include "parse/protobuf.h"

static const guint8 magic[] = {0xF3, 0x89, 0x9A, 0xC2};
#define DIGEST 16

enum { RECORDS = 3, DATA = 3 }; /* fields: of the message, of a record in it */

/* A record's data; false where it has none. */
static bool take_record(struct protobuf record, GPtrArray *parts)
{
    struct protobuf_field field;
    struct protobuf data = {0};
    while (record.at < record.end) {
        if (!protobuf_next(&record, &field))
            return false;
        if (field.number == DATA)
            data = field.bytes;
    }
    if (!data.at)
        return false;
    g_ptr_array_add(parts, g_bytes_new_static(data.at, protobuf_size(data)));
    return true;
}

static bool take_message(struct protobuf message, GPtrArray *parts)
{
    struct protobuf_field field;
    while (message.at < message.end) {
        if (!protobuf_next(&message, &field))
            return false;
        if (field.number == RECORDS && (!field.bytes.at || !take_record(field.bytes, parts)))
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
    if (!has_digest(at, size) || !take_message((struct protobuf){at, at + size}, parts))
        return NULL;
    return g_steal_pointer(&parts);
}
