/* archive.h: tar.gz archives, written from and unpacked into folders. */
#ifndef LATHE_BASE_ARCHIVE_H
#define LATHE_BASE_ARCHIVE_H

#include <glib.h>
#include <stdbool.h>

/* Writes every file below folder, under its name relative to it, as tar.gz. */
bool archive_write(const char *folder, const char *path, GError **error);

/* What an archive from outside may be. */
struct archive_limits {
    gint64 bytes; /* unpacked, in all */
    unsigned members;
};

/* Unpacks a tar.gz (or tar, or zip) below folder. Refuses members that would land outside of it,
 * links, devices, and more than the limits. */
bool archive_extract(const char *path, const char *folder, const struct archive_limits *limits,
                     GError **error);

#endif
