#include "program/sklearn_import.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "feature/bundle.h"
#include "feature/fit.h"
#include "program/bundle_file.h"
#include "sandbox/sandbox.h"
#include "script/python_files.h"
#include "script/reason.h"

/* In the folder that the tool sees as /opt/ml. */
#define FITTED "fitted"
#define DESCRIPTION "description.json"
enum { LARGEST = 64 << 20 }; /* bytes of a description */

/* ---- the tool ---- */

static bool lay_out(const char *folder, const json_t *settings, const char *path, GError **error)
{
    g_autofree char *own = g_build_filename(folder, SANDBOX_FOLDER, NULL);
    g_autofree char *file = g_build_filename(folder, SANDBOX_FILE, NULL);
    g_autofree char *fitted = g_build_filename(folder, FITTED, NULL);
    g_autofree char *text = json_text_of(settings);
    return file_make_folders(own, error) && g_file_set_contents(file, text, -1, error) &&
           python_files_write(folder, error) && file_copy(path, fitted, 0644, error);
}

static void hear(const char *bytes, size_t size, void *data)
{
    reason_hear(data, bytes, size);
}

static bool run_tool(const struct sandbox *sandbox, GError **error)
{
    const char *ours = sandbox_python(sandbox);
    g_autofree char *tool = g_build_filename(ours, "lathe_import_sklearn.py", NULL);
    g_autofree char *stand_ins = g_build_filename(ours, "site", NULL);
    g_autoptr(json_auto) environment = json_pack("{ss}", "PYTHONPATH", stand_ins);
    const char *argv[] = {sandbox->python, tool, "/opt/ml/" FITTED, "/opt/ml/" DESCRIPTION, NULL};
    g_autoptr(GString) text = g_string_new(NULL);
    struct reason_tail tail = {text};
    const struct sandbox_command command = {
        .argv = (char *const *)argv, .environment = environment, .hear = hear, .data = &tail};
    struct sandbox_end end;
    sandbox_run(sandbox, &command, &end);
    g_autofree char *reason =
        end.reason ? g_strdup(end.reason) : reason_of(&tail, 1, end.status, sandbox->python);
    bool done = !end.reason && !end.status;
    sandbox_end_clear(&end);
    return done || error_set(error, ERROR_VALIDATION, "the Python %s failed: %s", sandbox->python,
                             reason ? reason : "it says nothing");
}

/* What is below the folder is the tool's, or of what it unpickled. */
static char *read_below(const char *folder, size_t *size, GError **error)
{
    int fd = file_open_below(folder, DESCRIPTION, error);
    if (fd < 0)
        return NULL;
    char *text = g_malloc(LARGEST);
    ssize_t n;
    for (*size = 0; (n = read(fd, text + *size, LARGEST - *size)) > 0;)
        *size += (size_t)n;
    close(fd);
    return text;
}

static json_t *read_description(const struct sandbox *sandbox, GError **error)
{
    size_t size = 0;
    sandbox_be_user(sandbox, true);
    g_autofree char *text = read_below(sandbox->folder, &size, error);
    sandbox_be_user(sandbox, false);
    return text ? json_parse(text, size, "what the Python tool says", error) : NULL;
}

static json_t *describe_in(const char *folder, const json_t *settings, const char *path,
                           GError **error)
{
    if (!lay_out(folder, settings, path, error))
        return NULL;
    g_autoptr(sandbox_auto) sandbox = sandbox_read(folder, error);
    return sandbox && run_tool(sandbox, error) ? read_description(sandbox, error) : NULL;
}

static json_t *describe(const json_t *settings, const char *path, GError **error)
{
    g_autofree char *folder = g_dir_make_tmp("lathe-import-XXXXXX", error);
    if (!folder)
        return NULL;
    json_t *description = describe_in(folder, settings, path, error);
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

struct pipeline *sklearn_import(const json_t *sandbox, const char *path, GError **error)
{
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        error_set(error, ERROR_VALIDATION, "%s is not a file", path);
        return NULL;
    }
    g_autoptr(json_auto) description = describe(sandbox, path, error);
    const char *specification = json_text_at(description, "specification");
    return specification ? fitted(specification, error) : NULL;
}

/* ---- the bundle ---- */

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
    return g_str_has_suffix(path, ".tar.gz") ? bundle_file_write(pipeline, path, error)
                                             : write_zip(pipeline, path, error);
}
