/* file.h: files that survive: written aside, synced, renamed; and folders of them. */
#ifndef LATHE_BASE_FILE_H
#define LATHE_BASE_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Makes the folder and those above it, mode 0700. */
bool file_make_folders(const char *path, GError **error);
/* Removes a file or folder and all below it; follows no link. A missing one is no error. */
bool file_remove_tree(const char *path, GError **error);
/* Flushes a folder's entries to the disk. */
bool file_sync_folder(const char *path, GError **error);
/* Writes all bytes to the descriptor. */
bool file_write_all(int fd, const void *bytes, size_t size, GError **error);
/* Replaces path by these bytes, or leaves it as it was: temporary file, fsync, rename, fsync of
 * the folder. */
bool file_replace(const char *path, const void *bytes, size_t size, GError **error);
/* The same for whoever looks at the folder meanwhile (for a moment there may be neither file), and
 * not for a machine that fails: nothing is synced, as what a job leaves need not be. Until it is
 * whole, its name has a dot before it. */
bool file_put(const char *path, const void *bytes, size_t size, GError **error);
/* Calls visit for every file below folder, in order of their names, folder by folder: its path, and
 * its name with slashes relative to folder. Stops where visit fails. Links, and what else is
 * neither file nor folder, are passed over: who wrote them may not read what they lead to. */
bool file_each(const char *folder,
               bool (*visit)(const char *path, const char *name, void *data, GError **error),
               void *data, GError **error);
/* What lies at path, a file or a folder with all below it; links are not followed, and what is gone
 * or cannot be read counts nothing. */
struct file_sum {
    guint64 files;
    guint64 bytes;
};
struct file_sum file_sum(const char *path);
/* A new file with the bytes of another, of that mode; shares the blocks where the disk can. */
bool file_copy(const char *from, const char *to, mode_t mode, GError **error);
/* Opens a file of a folder that somebody else may be changing: no link on the way is followed, and
 * what is no file is refused. -1 with an error. */
int file_open_below(const char *folder, const char *name, GError **error);
/* All bytes of such a file, `most` at most. NULL with an error. */
GBytes *file_read_below(const char *folder, const char *name, gsize most, GError **error);
/* Whether name is a folder that is reached from `folder` without a link on the way. */
bool file_has_folder(const char *folder, const char *name);
/* Whether a relative path from outside stays below the folder it is put in: no "..", not absolute,
 * no empty parts, no NUL. */
bool file_is_inside(const char *relative);

#endif
