/* channel_files.h: the data files of a channel's folder. */
#ifndef LATHE_TRAIN_CHANNEL_FILES_H
#define LATHE_TRAIN_CHANNEL_FILES_H

#include <glib.h>

/* The paths of the data files below a folder (or the folder itself where it is a file), relative to
 * it, in byte order: so the rows come in the same order on every machine. Files and folders whose
 * names start with . or _ (_SUCCESS, .part.crc) are none. A missing folder has no files. Each path
 * is g_free'd with the array. NULL and an error where a folder cannot be read. */
GPtrArray *channel_files_list(const char *folder, GError **error);

#endif
