/* What other libraries have fitted, as bundles that lathe opens. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "program/sklearn_import.h"
#include "runtime/settings.h"

/* A script's, but that it reaches nothing: the users' Python as the home has it set. */
static json_t *sandbox_of(const char *home, GError **error)
{
    struct settings *settings = settings_read(home, NULL, error);
    json_t *sandbox = NULL;
    if (settings && !settings->python)
        error_set(error, ERROR_VALIDATION,
                  "there is no Python: install python3, or name one that has scikit-learn as "
                  "runtime.python in %s/" SETTINGS_FILE,
                  home);
    else if (settings)
        sandbox =
            json_pack("{ss ss s[] sI sI}", "Python", settings->python, "Isolation",
                      settings->isolated ? "bubblewrap" : "none", "Masked", "Memory",
                      (json_int_t)settings->memory, "Processes", (json_int_t)settings->processes);
    settings_free(settings);
    if (sandbox && g_file_test(home, G_FILE_TEST_IS_DIR))
        json_array_append_new(json_object_get(sandbox, "Masked"), json_string(home));
    return sandbox;
}

/* "preprocess.joblib" becomes "preprocess.zip". */
static char *output_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    bool has_ending = dot && dot > (slash ? slash + 1 : path);
    g_autofree char *stem = g_strndup(path, has_ending ? (gsize)(dot - path) : strlen(path));
    return g_strconcat(stem, ".zip", NULL);
}

static bool import_sklearn(const char *path, const char *output, GError **error)
{
    g_autofree char *home = g_canonicalize_filename(cli_home(), NULL);
    g_autoptr(json_auto) sandbox = sandbox_of(home, error);
    struct pipeline *pipeline = sandbox ? sklearn_import(sandbox, path, error) : NULL;
    bool done = pipeline && sklearn_import_write(pipeline, output, error);
    pipeline_close(pipeline);
    return done;
}

int cli_import(int argc, char **argv)
{
    g_autofree char *output = NULL;
    const GOptionEntry options[] = {
        {"output", 0, 0, G_OPTION_ARG_FILENAME, &output, NULL, NULL},
        {0},
    };
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    if (argc != 3 || strcmp(argv[1], "sklearn") != 0) {
        fprintf(stderr, "lathe import: sklearn and one file are needed: lathe import sklearn "
                        "preprocess.joblib\n");
        return CLI_USAGE;
    }
    if (!output)
        output = output_of(argv[2]);
    GError *error = NULL;
    return import_sklearn(argv[2], output, &error) ? CLI_OK : cli_error(error);
}
