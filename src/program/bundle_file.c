#include "program/bundle_file.h"

#include "base/archive.h"
#include "base/error.h"
#include "feature/bundle.h"

static bool add_to_archive(void *archive, const char *path, const void *bytes, size_t size,
                           struct lathe_error *error)
{
    g_autoptr(GError) cause = NULL;
    if (archive_file_add(archive, path, bytes, size, &cause))
        return true;
    error->code = LATHE_IO;
    g_strlcpy(error->message, cause->message, sizeof error->message);
    return false;
}

bool bundle_file_write(const struct pipeline *pipeline, const char *path, GError **error)
{
    g_autoptr(archive_file_auto) archive = archive_file_new(path, error);
    struct lathe_error cause;
    if (!archive)
        return false;
    if (!bundle_write(pipeline, add_to_archive, archive, &cause))
        return error_set_lathe(error, ERROR_INTERNAL, &cause);
    return archive_file_finish(archive, error);
}
