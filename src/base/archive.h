/* archive.h: tar.gz archives of folders. (What comes from outside is read on floor 0:
 * feature/unpack.h.) */
#ifndef LATHE_BASE_ARCHIVE_H
#define LATHE_BASE_ARCHIVE_H

#include <glib.h>
#include <stdbool.h>

/* Writes every file below folder, under its name relative to it, as tar.gz. */
bool archive_write(const char *folder, const char *path, GError **error);

#endif
