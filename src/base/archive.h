/* archive.h: tar.gz archives of folders. (What comes from outside and stays in memory is read on
 * floor 0: archive/unpack.h.) */
#ifndef LATHE_BASE_ARCHIVE_H
#define LATHE_BASE_ARCHIVE_H

#include <glib.h>
#include <stdbool.h>

/* Writes every file below folder, under its name relative to it, as tar.gz.
 * ERROR_SERVICE_UNAVAILABLE where the disk is full. */
bool archive_write(const char *folder, const char *path, GError **error);

/* Puts the files of an archive (tar, plain or compressed, or zip) below folder, which is made where
 * it is missing. Names and links that would lead out of it, hard links, devices, and more than
 * ARCHIVE_UNPACK_FILES files or ARCHIVE_UNPACK_BYTES are refused: ERROR_VALIDATION. */
enum { ARCHIVE_UNPACK_FILES = 100000 };
#define ARCHIVE_UNPACK_BYTES ((gint64)64 << 30)
bool archive_unpack(GBytes *archive, const char *folder, GError **error);

/* The same of a file, however large, of one form, within other bounds. Links are left out, and what
 * gzip says of the whole is checked. */
enum archive_form { ARCHIVE_TAR /* plain or through gzip */, ARCHIVE_ZIP };
struct archive_bounds {
    gint64 bytes;
    unsigned members;
};
bool archive_unpack_file(const char *path, enum archive_form form, const char *folder,
                         const struct archive_bounds *bounds, GError **error);

/* The text of one file of an archive, of at most `limit` bytes; NULL where it has none of that
 * name, or with an error where it cannot be read. g_free. */
char *archive_find_text(GBytes *bytes, const char *wanted, gsize limit, GError **error);

/* The same of members in memory, one after the other. What is freed without being finished leaves
 * no whole archive at the path. */
struct archive_file;
struct archive_file *archive_file_new(const char *path, GError **error);
bool archive_file_add(struct archive_file *file, const char *name, const void *bytes, size_t size,
                      GError **error);
bool archive_file_finish(struct archive_file *file, GError **error);
void archive_file_free(struct archive_file *file);
typedef struct archive_file archive_file_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(archive_file_auto, archive_file_free)

#endif
