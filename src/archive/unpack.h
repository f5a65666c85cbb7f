/* unpack.h: the files in a zip, a tar or a tar.gz, all in memory.
 *
 * What an archive says of itself is not believed: sizes are held against limits and against what
 * is really there, names that leave the archive's folder are refused. */
#ifndef LATHE_ARCHIVE_UNPACK_H
#define LATHE_ARCHIVE_UNPACK_H

#include "lathe.h"

enum {
    UNPACK_FILES = 100000,       /* files in an archive */
    UNPACK_FILE = 1024 << 20,    /* bytes of one file that is kept or asked for: models are large */
    UNPACK_KEPT = 1024 << 20,    /* bytes of all files that are kept or asked for */
    UNPACK_INFLATED = 1024 << 20 /* bytes that a tar.gz inflates to */
};

struct unpack;

/* Tells the form by the bytes, which must outlive the archive. Of a tar, only files for which
 * keep returns true are kept; NULL keeps all. Files larger than UNPACK_FILE are not there.
 * NULL with LATHE_INVALID_MODEL, LATHE_LIMIT, LATHE_UNSUPPORTED or LATHE_NO_MEMORY. */
struct unpack *unpack_open(const void *bytes, size_t size, bool (*keep)(const char *name),
                           struct lathe_error *error);
void unpack_close(struct unpack *archive);

/* The names of the files (no folders), as they stand in the archive less a leading "./". */
size_t unpack_count(const struct unpack *archive);
const char *unpack_name(const struct unpack *archive, size_t index);

/* The index of the file of that name, or unpack_count. */
size_t unpack_find(const struct unpack *archive, const char *name);

/* The bytes of a file, which live as long as the archive, followed by a NUL that does not count.
 * Not to be called by two threads at once. NULL where they are corrupt or too many. */
const char *unpack_bytes(struct unpack *archive, size_t index, size_t *size,
                         struct lathe_error *error);

#endif
