/* csv_predict: from the text of rows to the text of predictions, for ./dev bench.
 *
 *   csv_predict fit SPECIFICATION.json ROWS.csv BUNDLE.zip    fits features on rows with a header
 *   csv_predict run ROWS.csv ROUNDS OUT ARTIFACT...           predicts rows with a header; prints
 * the seconds of each round, in one thread csv_predict row ROWS.csv ROUNDS ARTIFACT... the first
 * row alone: seconds each */
#include "csv/columns.h"
#include "feature/bundle.h"
#include "feature/fit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void stop(const char *what)
{
    fprintf(stderr, "csv_predict: %s\n", what);
    exit(1);
}

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        stop(path);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size)
        stop(path);
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        stop(path);
}

static void fit(const char *specification, const char *rows, const char *bundle)
{
    enum { ROOM = 1 << 20 };
    struct lathe_error error;
    size_t size, count, read;
    const char *json = read_file(specification, &size);
    struct fit *fit = fit_open(json, size, &error);
    if (!fit)
        stop(error.message);
    const struct feature_column *inputs = fit_inputs(fit, &count);
    struct csv_column *columns = calloc(count, sizeof *columns);
    union feature_values *values = calloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        columns[i].name = inputs[i].name;
        columns[i].type = inputs[i].type == FEATURE_TEXT ? CSV_TEXT : CSV_NUMBER;
        if (columns[i].type == CSV_TEXT)
            values[i].texts = columns[i].texts = calloc(ROOM, sizeof *columns[i].texts);
        else
            values[i].numbers = columns[i].numbers = calloc(ROOM, sizeof *columns[i].numbers);
    }
    const char *text = read_file(rows, &size), *at = text;
    struct csv_columns *reader = csv_columns_open(columns, count, NULL, &error);
    if (!reader || !csv_columns_header(reader, &at, text + size, &error) ||
        !csv_columns_read(reader, &at, text + size, ROOM, &read, &error) ||
        !fit_start(fit, NULL, 0, &error))
        stop(error.message);
    const struct feature_batch batch = {read, 1, values};
    while (fit_pass(fit))
        if (!fit_add(fit, &batch, &error) || !fit_end_pass(fit, &error))
            stop(error.message);
    void *zip;
    struct pipeline *pipeline = fit_take(fit, &error);
    if (!pipeline || !bundle_write_zip(pipeline, &zip, &size, &error))
        stop(error.message);
    write_file(bundle, zip, size);
}

static void run(const char *path, int rounds, const char *out, int count, char **artifacts,
                bool one_row)
{
    struct lathe_error error;
    struct lathe_predictor *predictor =
        lathe_predictor_open_files((const char *const *)artifacts, (size_t)count, &error);
    if (!predictor)
        stop(error.message);
    size_t size;
    const char *rows = read_file(path, &size);
    if (one_row) { /* and the header */
        const char *first = (char *)memchr(rows, '\n', size) + 1;
        size = (size_t)((char *)memchr(first, '\n', size - (size_t)(first - rows)) - rows);
    }
    int repeats = one_row ? 100000 : 1;
    struct lathe_text answer = {0};
    for (int round = 0; round < rounds; round++) {
        double start = seconds();
        for (int i = 0; i < repeats; i++)
            if (!lathe_predict_text(predictor, LATHE_CSV_HEADER, rows, size, LATHE_CSV_TABLE,
                                    &answer, &error))
                stop(error.message);
        printf("%.9f\n", (seconds() - start) / repeats);
    }
    if (out)
        write_file(out, answer.bytes, answer.size);
    lathe_text_clear(&answer);
    lathe_predictor_close(predictor);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "fit") == 0)
        fit(argv[2], argv[3], argv[4]);
    else if (argc > 5 && strcmp(argv[1], "run") == 0)
        run(argv[2], atoi(argv[3]), argv[4], argc - 5, argv + 5, false);
    else if (argc > 4 && strcmp(argv[1], "row") == 0)
        run(argv[2], atoi(argv[3]), NULL, argc - 4, argv + 4, true);
    else
        stop("see the comment at the top of bench/csv_predict.c");
    return 0;
}
