/* python_files.h: the Python of ours that runs in the user's interpreter, from src/python; it is
 * part of this program. */
#ifndef LATHE_SCRIPT_PYTHON_FILES_H
#define LATHE_SCRIPT_PYTHON_FILES_H

#include <glib.h>
#include <stdbool.h>

struct python_file {
    const char *name; /* relative, with slashes */
    const char *bytes;
    size_t size;
};
/* Ends with a name that is NULL; made by tools/embed.py. */
extern const struct python_file python_files[];

/* Writes them where sandbox.h's SANDBOX_PYTHON_FOLDER is, below a job's folder. */
bool python_files_write(const char *folder, GError **error);

#endif
