#include "script/python_files.h"

#include "base/file.h"
#include "sandbox/sandbox.h"

bool python_files_write(const char *folder, GError **error)
{
    for (const struct python_file *file = python_files; file->name; file++) {
        g_autofree char *path = g_build_filename(folder, SANDBOX_PYTHON_FOLDER, file->name, NULL);
        g_autofree char *above = g_path_get_dirname(path);
        if (!file_make_folders(above, error) ||
            !g_file_set_contents_full(path, file->bytes, (gssize)file->size,
                                      G_FILE_SET_CONTENTS_NONE, 0644, error))
            return false;
    }
    return true;
}
