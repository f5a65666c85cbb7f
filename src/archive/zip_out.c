/* Writing a zip. */
#include "archive/zip_out.h"

#include "parse/fail.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MADE_BY = 20, UTF8_NAMES = 0x800, DEFLATED = 8, FIRST_OF_JANUARY_1980 = 0x21 };

static void put_two(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)value;
    at[1] = (unsigned char)(value >> 8);
}

static void put_four(unsigned char *at, uint32_t value)
{
    put_two(at, value);
    put_two(at + 2, value >> 16);
}

static bool reserve(unsigned char **bytes, size_t size, size_t *capacity, size_t more)
{
    if (more <= *capacity - size)
        return true;
    size_t larger = *capacity * 2 > size + more ? *capacity * 2 : size + more;
    unsigned char *moved = realloc(*bytes, larger);
    if (!moved)
        return false;
    *bytes = moved;
    *capacity = larger;
    return true;
}

/* The fields that a file's own header and its entry in the directory share, from the version
 * needed on: 26 bytes. */
static void put_shared(unsigned char *at, uint32_t crc, size_t packed, size_t size, size_t name)
{
    put_two(at, MADE_BY);
    put_two(at + 2, UTF8_NAMES);
    put_two(at + 4, DEFLATED);
    put_two(at + 6, 0);
    put_two(at + 8, FIRST_OF_JANUARY_1980);
    put_four(at + 10, crc);
    put_four(at + 14, (uint32_t)packed);
    put_four(at + 18, (uint32_t)size);
    put_two(at + 22, (uint32_t)name);
    put_two(at + 24, 0);
}

static bool deflate_file(const void *bytes, size_t size, unsigned char *out, size_t room,
                         size_t *packed)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes,
                       .avail_in = (unsigned)size,
                       .next_out = out,
                       .avail_out = (unsigned)room};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    int status = deflate(&stream, Z_FINISH);
    *packed = stream.total_out;
    deflateEnd(&stream);
    return status == Z_STREAM_END;
}

bool zip_add(struct zip_out *zip, const char *name, const void *bytes, size_t size,
             struct lathe_error *error)
{
    size_t name_size = strlen(name), room = size + size / 1000 + 64, packed;
    if (zip->count == 65535 || name_size > 65535 || size > ZIP_FILE ||
        zip->size > UINT32_MAX - room - name_size - 30)
        return fail(error, LATHE_LIMIT, "'%.100s' does not fit into a zip archive", name);
    if (!reserve(&zip->bytes, zip->size, &zip->capacity, 30 + name_size + room) ||
        !reserve(&zip->directory, zip->directory_size, &zip->directory_capacity, 46 + name_size))
        return fail_memory(error, "a zip archive");
    unsigned char *local = zip->bytes + zip->size;
    if (!deflate_file(bytes, size, local + 30 + name_size, room, &packed))
        return fail_memory(error, "a zip archive");
    uint32_t crc = (uint32_t)crc32(0, bytes, (unsigned)size);
    put_four(local, 0x04034b50);
    put_shared(local + 4, crc, packed, size, name_size);
    memcpy(local + 30, name, name_size);
    unsigned char *entry = zip->directory + zip->directory_size;
    memset(entry, 0, 46);
    put_four(entry, 0x02014b50);
    put_two(entry + 4, MADE_BY);
    put_shared(entry + 6, crc, packed, size, name_size);
    put_four(entry + 42, (uint32_t)zip->size);
    memcpy(entry + 46, name, name_size);
    zip->size += 30 + name_size + packed;
    zip->directory_size += 46 + name_size;
    zip->count++;
    return true;
}

bool zip_finish(struct zip_out *zip, struct lathe_error *error)
{
    if (!reserve(&zip->bytes, zip->size, &zip->capacity, zip->directory_size + 22))
        return fail_memory(error, "a zip archive");
    if (zip->directory_size)
        memcpy(zip->bytes + zip->size, zip->directory, zip->directory_size);
    unsigned char *end = zip->bytes + zip->size + zip->directory_size;
    memset(end, 0, 22);
    put_four(end, 0x06054b50);
    put_two(end + 8, (uint32_t)zip->count);
    put_two(end + 10, (uint32_t)zip->count);
    put_four(end + 12, (uint32_t)zip->directory_size);
    put_four(end + 16, (uint32_t)zip->size);
    zip->size += zip->directory_size + 22;
    free(zip->directory);
    zip->directory = NULL;
    return true;
}

void zip_clear(struct zip_out *zip)
{
    free(zip->bytes);
    free(zip->directory);
    *zip = (struct zip_out){0};
}
