/* Records that are framed by their length, which are cut and never looked into. */
#include <stdint.h>
#include <string.h>

#include "rows/rows_inside.h"

#define RECORDIO_MAGIC 0xced7230au

static guint32 read_32(const char *bytes)
{
    guint32 number;
    memcpy(&number, bytes, sizeof number);
    return GUINT32_FROM_LE(number);
}

/* MXNet's: a magic number; two words in one, the place among the parts of a record (0: it is the
 * only one, 1 the first, 2 one between, 3 the last) and its size; the bytes, filled up to four. */
static gssize recordio_part(const char *bytes, size_t size, unsigned *place)
{
    if (size < 8)
        return 0;
    if (read_32(bytes) != RECORDIO_MAGIC)
        return -1;
    guint32 word = read_32(bytes + 4);
    size_t whole = 8 + (((size_t)(word & ((1u << 29) - 1)) + 3) & ~(size_t)3);
    *place = word >> 29;
    return *place > 3 ? -1 : whole <= size ? (gssize)whole : 0;
}

static gssize recordio_size(const char *bytes, size_t size)
{
    size_t whole = 0;
    for (;;) {
        unsigned place = 0;
        gssize part = recordio_part(bytes + whole, size - whole, &place);
        if (part <= 0)
            return part;
        bool begins = place < 2;
        if (begins != (whole == 0))
            return -1;
        whole += (size_t)part;
        if (place == 0 || place == 3)
            return (gssize)whole;
    }
}

/* TensorFlow's: the size and its checksum, the bytes and theirs. The checksums are for who reads
 * them. */
static gssize tfrecord_size(const char *bytes, size_t size)
{
    if (size < 12)
        return 0;
    guint64 length = read_32(bytes) | (guint64)read_32(bytes + 4) << 32;
    if (length > (guint64)1 << 31) /* none is that long: this is something else */
        return -1;
    return length + 16 <= size ? (gssize)(length + 16) : 0;
}

gssize rows_frame_size(enum rows_split split, const char *bytes, size_t size)
{
    return split == ROWS_SPLIT_RECORDIO ? recordio_size(bytes, size) : tfrecord_size(bytes, size);
}

size_t rows_record_size(enum rows_split split, const char *bytes, size_t size)
{
    if (split == ROWS_SPLIT_NONE || !size)
        return size;
    if (split != ROWS_SPLIT_LINES)
        return (size_t)MAX(rows_frame_size(split, bytes, size), 0);
    const char *end = memchr(bytes, '\n', size);
    return end ? (size_t)(end + 1 - bytes) : size;
}
