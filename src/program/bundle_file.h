/* bundle_file.h: a fitted pipeline as a model.tar.gz, an MLeap bundle. */
#ifndef LATHE_PROGRAM_BUNDLE_FILE_H
#define LATHE_PROGRAM_BUNDLE_FILE_H

#include <glib.h>
#include <stdbool.h>

struct pipeline;

/* Writes it at path, whole or not at all. */
bool bundle_file_write(const struct pipeline *pipeline, const char *path, GError **error);

#endif
