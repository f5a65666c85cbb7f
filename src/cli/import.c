/* What other libraries have fitted, as bundles that lathe opens. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "program/sklearn_import.h"

static const char *user_python(void)
{
    const char *python = g_getenv("LATHE_PYTHON");
    return python && *python ? python : "python3";
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
    struct pipeline *pipeline = sklearn_import(user_python(), path, error);
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
