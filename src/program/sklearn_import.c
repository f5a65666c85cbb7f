#include "program/sklearn_import.h"

#include <string.h>

#include "base/archive.h"
#include "base/error.h"
#include "base/file.h"
#include "feature/bundle.h"
#include "feature/fit.h"
#include "script/python_files.h"

#define TOOL "lathe_import_sklearn.py"

/* ---- the tool ---- */

static bool write_tool(const char *path, GError **error)
{
    const struct python_file *file = python_files;
    while (strcmp(file->name, TOOL) != 0)
        file++;
    return g_file_set_contents(path, file->text, -1, error);
}

/* The last line that it wrote, without the newline. */
static const char *last_line(char *text)
{
    g_strchomp(text);
    const char *newline = strrchr(text, '\n');
    return newline ? newline + 1 : text;
}

/* Runs the tool: reads the file, writes the description. */
static bool run_tool(const char *python, const char *tool, const char *file, const char *output,
                     GError **error)
{
    const char *argv[] = {python, tool, file, output, NULL};
    g_autofree char *said = NULL;
    gint status = 0;
    g_autoptr(GError) cause = NULL;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL,
                      NULL, NULL, NULL, &said, &status, &cause))
        return error_set(error, ERROR_VALIDATION,
                         "the Python '%s' cannot be run (%s): set LATHE_PYTHON to one that has "
                         "scikit-learn",
                         python, cause->message);
    return g_spawn_check_wait_status(status, NULL) ||
           error_set(error, ERROR_VALIDATION, "the Python '%s' failed: %s", python,
                     last_line(said));
}

static json_t *read_description(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize size;
    if (!g_file_get_contents(path, &text, &size, error))
        return NULL;
    return json_parse(text, size, "what the Python tool says", error);
}

/* In a folder of its own that holds the tool and what it writes. */
static json_t *describe_in(const char *folder, const char *python, const char *path, GError **error)
{
    g_autofree char *tool = g_build_filename(folder, TOOL, NULL);
    g_autofree char *output = g_build_filename(folder, "description.json", NULL);
    if (!write_tool(tool, error) || !run_tool(python, tool, path, output, error))
        return NULL;
    return read_description(output, error);
}

static json_t *describe(const char *python, const char *path, GError **error)
{
    g_autofree char *folder = g_dir_make_tmp("lathe-import-XXXXXX", error);
    if (!folder)
        return NULL;
    json_t *description = describe_in(folder, python, path, error);
    file_remove_tree(folder, NULL);
    const char *refused = json_text_at(description, "error");
    if (!refused)
        return description;
    error_set(error, ERROR_VALIDATION, "%s: %s", path, refused);
    json_decref(description);
    return NULL;
}

/* ---- the pipeline ---- */

/* All its stages are fitted, so that no rows are needed. */
static struct pipeline *fitted(const char *specification, GError **error)
{
    struct lathe_error cause;
    struct fit *fit = fit_open(specification, strlen(specification), &cause);
    bool started = fit && fit_start(fit, NULL, 0, &cause);
    struct pipeline *pipeline = started ? fit_take(fit, &cause) : NULL;
    fit_close(fit);
    if (!pipeline)
        error_set_lathe(error, ERROR_VALIDATION, &cause);
    return pipeline;
}

struct pipeline *sklearn_import(const char *python, const char *path, GError **error)
{
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        error_set(error, ERROR_VALIDATION, "%s is not a file", path);
        return NULL;
    }
    g_autoptr(json_auto) description = describe(python, path, error);
    const char *specification = json_text_at(description, "specification");
    return specification ? fitted(specification, error) : NULL;
}

/* ---- the bundle ---- */

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

static bool write_archive(const struct pipeline *pipeline, const char *path, GError **error)
{
    g_autoptr(archive_file_auto) archive = archive_file_new(path, error);
    struct lathe_error cause;
    if (!archive)
        return false;
    if (!bundle_write(pipeline, add_to_archive, archive, &cause))
        return error_set_lathe(error, ERROR_INTERNAL, &cause);
    return archive_file_finish(archive, error);
}

static bool write_zip(const struct pipeline *pipeline, const char *path, GError **error)
{
    void *bytes;
    size_t size;
    struct lathe_error cause;
    if (!bundle_write_zip(pipeline, &bytes, &size, &cause))
        return error_set_lathe(error, ERROR_INTERNAL, &cause);
    bool written = g_file_set_contents_full(path, bytes, (gssize)size,
                                            G_FILE_SET_CONTENTS_CONSISTENT, 0666, error);
    free(bytes);
    return written;
}

bool sklearn_import_write(const struct pipeline *pipeline, const char *path, GError **error)
{
    return g_str_has_suffix(path, ".tar.gz") ? write_archive(pipeline, path, error)
                                             : write_zip(pipeline, path, error);
}
