/* zip_out.h: writing a zip in memory. */
#ifndef LATHE_ARCHIVE_ZIP_OUT_H
#define LATHE_ARCHIVE_ZIP_OUT_H

#include "lathe.h"

enum { ZIP_FILE = 64 << 20 }; /* bytes of one file */

/* Zero it first; the caller frees bytes. */
struct zip_out {
    unsigned char *bytes;
    size_t size, capacity;
    unsigned char *directory; /* freed by zip_finish */
    size_t directory_size, directory_capacity;
    size_t count;
};

/* name: with slashes, relative. Deflates. The same files make the same bytes. */
bool zip_add(struct zip_out *zip, const char *name, const void *bytes, size_t size,
             struct lathe_error *error);
bool zip_finish(struct zip_out *zip, struct lathe_error *error);
void zip_clear(struct zip_out *zip);

#endif
