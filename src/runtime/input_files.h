/* input_files.h: the files of a job's input, as the containers see them: in order of their names,
 * through all folders, without those that begin with "." or "_" (markers such as _SUCCESS are not
 * data). */
#ifndef LATHE_RUNTIME_INPUT_FILES_H
#define LATHE_RUNTIME_INPUT_FILES_H

#include <glib.h>

/* The paths below folder (char *, freed with the array). */
GPtrArray *input_files(const char *folder, GError **error);

/* A file's bytes, unpacked where it is gzip. */
GByteArray *input_file_read(const char *path, GError **error);

#endif
