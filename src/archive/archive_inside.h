/* archive_inside.h: an archive's table of files; between unpack.c, unpack_tar.c. */
#ifndef LATHE_ARCHIVE_ARCHIVE_INSIDE_H
#define LATHE_ARCHIVE_ARCHIVE_INSIDE_H

#include "archive/unpack.h"
#include "csv/labels.h"
#include "parse/arena.h"

struct unpack_file {
    const char *name;
    const char *bytes; /* once they are there */
    size_t size;
    /* Of a zip: where the file is, still deflated. */
    const unsigned char *packed;
    size_t packed_size;
    bool deflated;
    unsigned long crc;
};

struct unpack {
    struct arena arena;
    struct labels *names; /* an index in it is an index of files */
    struct unpack_file *files;
    size_t count, capacity;
    size_t kept; /* bytes of the files that are in memory */
};

enum { UNPACK_NAME = 4096 }; /* the longest name */

/* Where a name is in its archive: what stands there less "./" in front, as `tar -C dir .` writes
 * it. False with an error where that is outside of the archive's folder. */
bool unpack_locate(const char **name, size_t *size, struct lathe_error *error);

/* Enters a file under its name, which is copied and checked; a second one of the same name takes
 * the first one's place. NULL with an error. */
struct unpack_file *unpack_enter(struct unpack *archive, const char *name, size_t size,
                                 struct lathe_error *error);

/* Reads a tar, or a tar that gzip has compressed. */
bool unpack_read_tar(struct unpack *archive, const unsigned char *bytes, size_t size,
                     bool (*keep)(const char *name), struct lathe_error *error);

#endif
