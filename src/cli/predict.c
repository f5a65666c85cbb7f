/* Rows through a predictor, from a file or a pipe. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "lathe.h"
#include "rows/rows.h"

/* Whether the last argument is rows and not an artifact: "-", what its name says to be rows, or
 * text that is no JSON. */
static bool is_rows(const char *path)
{
    if (strcmp(path, "-") == 0 || rows_format_of(path) != ROWS_CSV ||
        g_str_has_suffix(path, ".csv.gz"))
        return true;
    unsigned char start[512];
    FILE *file = g_file_test(path, G_FILE_TEST_IS_REGULAR) ? fopen(path, "rb") : NULL;
    size_t size = file ? fread(start, 1, sizeof start, file) : 0;
    if (file)
        fclose(file);
    for (size_t i = 0; i < size; i++)
        if (start[i] < ' ' && !strchr("\t\r\n", start[i]))
            return false;
    return size && start[0] != '{' && !g_str_has_suffix(path, ".json");
}

/* format: as the user says it; NULL: by the file's name. */
static bool find_format(const char *format, const char *path, enum rows_format *found,
                        GError **error)
{
    static const char *const names[] = {
        [ROWS_CSV] = "csv", [ROWS_LIBSVM] = "libsvm", [ROWS_JSON_LINES] = "jsonl"};
    *found = rows_format_of(path);
    for (size_t i = 0; format && i < G_N_ELEMENTS(names); i++) {
        *found = (enum rows_format)i;
        if (g_strcmp0(names[i], format) == 0)
            return true;
    }
    return !format || error_set(error, ERROR_VALIDATION,
                                "rows are written as csv, jsonl or libsvm, not as %s", format);
}

static bool predict(const struct lathe_predictor *predictor, const char *path, const char *said,
                    GError **error)
{
    enum rows_format format;
    g_autoptr(GPtrArray) files = rows_one_file(path);
    return find_format(said, path, &format, error) &&
           rows_predict(predictor, files, format, STDOUT_FILENO, error);
}

int cli_predict(int argc, char **argv)
{
    g_autofree char *format = NULL;
    const GOptionEntry options[] = {
        {"format", 0, 0, G_OPTION_ARG_STRING, &format, "how the rows are written", "FORMAT"}, {0}};
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    bool named = argc > 2 && is_rows(argv[argc - 1]);
    const char *rows = named ? argv[argc - 1] : "-";
    size_t artifacts = (size_t)argc - 1 - named;
    if (!artifacts) {
        fprintf(stderr, "lathe predict: an artifact is needed: a model file, a model.tar.gz or a "
                        "bundle\n");
        return CLI_USAGE;
    }
    struct lathe_error cause;
    struct lathe_predictor *predictor =
        lathe_predictor_open_files((const char *const *)argv + 1, artifacts, &cause);
    GError *error = NULL;
    bool done = predictor ? predict(predictor, rows, format, &error)
                          : error_set(&error, ERROR_VALIDATION, "%s", cause.message);
    lathe_predictor_close(predictor);
    return done ? CLI_OK : cli_error(error);
}
