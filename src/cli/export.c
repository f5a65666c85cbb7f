/* A predictor as one C file, for where no library can go. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "lathe.h"

/* Letters, digits and underscores, as C wants them. */
static bool is_identifier(const char *name)
{
    for (const char *at = name; *at; at++)
        if (!g_ascii_isalpha(*at) && *at != '_' && (at == name || !g_ascii_isdigit(*at)))
            return false;
    return *name;
}

static bool export_c(const struct lathe_predictor *predictor, const char *name, GError **error)
{
    struct lathe_text text = {0};
    struct lathe_error cause;
    bool done = lathe_export_c(predictor, name, &text, &cause);
    if (done)
        fwrite(text.bytes, 1, text.size, stdout);
    else
        error_set(error, ERROR_VALIDATION, "%s", cause.message);
    lathe_text_clear(&text);
    return done;
}

int cli_export(int argc, char **argv)
{
    g_autofree char *name = NULL;
    const GOptionEntry options[] = {
        {"name", 0, 0, G_OPTION_ARG_STRING, &name, NULL, NULL},
        {0},
    };
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    if (argc < 3 || strcmp(argv[1], "c") != 0 || (name && !is_identifier(name))) {
        fprintf(stderr, "lathe export: c, artifacts and a --name that C allows are needed\n");
        return CLI_USAGE;
    }
    struct lathe_error cause;
    struct lathe_predictor *predictor =
        lathe_predictor_open_files((const char *const *)argv + 2, (size_t)argc - 2, &cause);
    GError *error = NULL;
    bool done = predictor ? export_c(predictor, name ? name : "predict", &error)
                          : error_set(&error, ERROR_VALIDATION, "%s", cause.message);
    lathe_predictor_close(predictor);
    return done ? CLI_OK : cli_error(error);
}
