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
    static const struct {
        const char *name;
        enum rows_format format;
    } names[] = {{"csv", ROWS_CSV},
                 {"libsvm", ROWS_LIBSVM},
                 {"jsonl", ROWS_JSON_LINES},
                 {"jsonlines", ROWS_JSON_LINES}};
    *found = rows_format_of(path);
    for (size_t i = 0; format && i < G_N_ELEMENTS(names); i++) {
        *found = names[i].format;
        if (strcmp(names[i].name, format) == 0)
            return true;
    }
    return !format || error_set(error, ERROR_VALIDATION,
                                "rows are written as csv, jsonlines or libsvm, not as %s", format);
}

/* output: as the user says it; NULL: predictions. Labels are what a pipeline answers that ends in
 * a bundle: it has made words of them. */
static bool find_output(const char *output, const struct lathe_predictor *predictor,
                        enum lathe_answer *what, GError **error)
{
    static const char *const names[] = {[LATHE_PREDICTION] = "predictions",
                                        [LATHE_MARGIN] = "margins",
                                        [LATHE_LEAVES] = "leaves",
                                        [LATHE_CONTRIBUTIONS] = "contributions",
                                        [LATHE_INTERACTIONS] = "interactions",
                                        [LATHE_PROBABILITIES] = "probabilities",
                                        [LATHE_LABELS] = "labels"};
    size_t i = 0;
    while (output && i < G_N_ELEMENTS(names) && strcmp(names[i], output) != 0)
        i++;
    *what = (enum lathe_answer)i;
    if (*what == LATHE_LABELS && lathe_predictor_ends_in_bundle(predictor))
        *what = LATHE_PREDICTION;
    return i < G_N_ELEMENTS(names) ||
           error_set(error, ERROR_VALIDATION,
                     "answers are predictions, labels, probabilities, margins, leaves, "
                     "contributions or interactions, not %s",
                     output);
}

struct wishes {
    char *format, *output;
};

static bool predict(const struct lathe_predictor *predictor, const char *path,
                    const struct wishes *wishes, GError **error)
{
    enum rows_format format;
    enum lathe_answer what;
    g_autoptr(GPtrArray) files = rows_one_file(path);
    return find_format(wishes->format, path, &format, error) &&
           find_output(wishes->output, predictor, &what, error) &&
           rows_predict(predictor, what, files, format, STDOUT_FILENO, error);
}

static int predict_files(char **artifacts, size_t count, const char *rows,
                         const struct wishes *wishes)
{
    struct lathe_error cause;
    struct lathe_predictor *predictor =
        lathe_predictor_open_files((const char *const *)artifacts, count, &cause);
    GError *error = NULL;
    bool done = predictor ? predict(predictor, rows, wishes, &error)
                          : error_set(&error, ERROR_VALIDATION, "%s", cause.message);
    lathe_predictor_close(predictor);
    return done ? CLI_OK : cli_error(error);
}

int cli_predict(int argc, char **argv)
{
    struct wishes wishes = {0};
    const GOptionEntry options[] = {
        {"format", 0, 0, G_OPTION_ARG_STRING, &wishes.format, "how the rows are written", "FORMAT"},
        {"output", 0, 0, G_OPTION_ARG_STRING, &wishes.output, "what is to be answered", "OUTPUT"},
        {0}};
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    bool named = argc > 2 && is_rows(argv[argc - 1]);
    const char *rows = named ? argv[argc - 1] : "-";
    size_t artifacts = (size_t)argc - 1 - named;
    if (!artifacts)
        fprintf(stderr, "lathe predict: an artifact is needed: a model file, a model.tar.gz or a "
                        "bundle\n");
    int code = artifacts ? predict_files(argv + 1, artifacts, rows, &wishes) : CLI_USAGE;
    g_free(wishes.format);
    g_free(wishes.output);
    return code;
}
