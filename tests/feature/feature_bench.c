/* feature_bench: fits AI4I's features on a CSV file and applies them, for ./dev bench.
 *
 *   feature_bench SPECIFICATION.json ROWS.csv [LABEL]
 *
 * The header names the columns. Reads the columns that the features need once and keeps them;
 * prints the seconds of reading, fitting and applying, the rows, the width of the features, and a
 * sum over them, which says that the work was done. */
#include "csv/columns.h"
#include "feature/fit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 2048 };

struct rows {
    struct csv_column *columns;   /* as the pipeline's inputs; where the next rows go */
    union feature_values *values; /* all rows */
    size_t columns_count, count, capacity;
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void stop(const char *what)
{
    fprintf(stderr, "feature_bench: %s\n", what);
    exit(1);
}

static char *map(const char *path, size_t *size)
{
    int file = open(path, O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0)
        stop(path);
    *size = (size_t)status.st_size;
    char *bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED)
        stop(path);
    return bytes;
}

/* Room for another chunk, and the columns' places behind the rows read so far. */
static void reserve(struct rows *rows)
{
    bool full = rows->count + CHUNK > rows->capacity;
    if (full)
        rows->capacity = rows->capacity ? rows->capacity * 2 : 64 * CHUNK;
    for (size_t i = 0; i < rows->columns_count; i++) {
        struct csv_column *column = &rows->columns[i];
        if (column->type == CSV_TEXT) {
            struct csv_text *texts = (struct csv_text *)(uintptr_t)rows->values[i].texts;
            if (full)
                texts = realloc(texts, rows->capacity * sizeof *texts);
            rows->values[i].texts = texts;
            column->texts = texts + rows->count;
        } else {
            double *numbers = (double *)(uintptr_t)rows->values[i].numbers;
            if (full)
                numbers = realloc(numbers, rows->capacity * sizeof *numbers);
            rows->values[i].numbers = numbers;
            column->numbers = numbers + rows->count;
        }
    }
}

static void read_rows(struct rows *rows, const struct feature_column *inputs, size_t count,
                      const char *text, size_t size)
{
    struct lathe_error error = {0};
    struct csv_columns_options options = {.dialect = {.delimiter = ',', .quote = '"'}};
    rows->columns_count = count;
    rows->columns = calloc(count, sizeof *rows->columns);
    rows->values = calloc(count, sizeof *rows->values);
    for (size_t i = 0; i < count; i++)
        rows->columns[i] = (struct csv_column){
            .name = inputs[i].name, .type = inputs[i].type == FEATURE_TEXT ? CSV_TEXT : CSV_NUMBER};
    struct csv_columns *reader = csv_columns_open(rows->columns, count, &options, &error);
    const char *at = text;
    if (!reader || !csv_columns_header(reader, &at, text + size, &error))
        stop(error.message);
    for (size_t read = CHUNK; read == CHUNK; rows->count += read) {
        reserve(rows);
        if (!csv_columns_read(reader, &at, text + size, CHUNK, &read, &error))
            stop(error.message);
    }
    csv_columns_close(reader);
}

struct application {
    const struct plan *plan;
    void *scratch;
    size_t width;
    double sum;
    float *matrix; /* of one batch, row by row, as a model takes it */
};

static void apply(struct application *application, const struct feature_batch *batch)
{
    struct lathe_error error = {0};
    struct feature_result result;
    if (!plan_apply(application->plan, batch, application->scratch, &result, &error))
        stop(error.message);
    size_t width = application->width;
    for (size_t e = 0; e < width; e++)
        for (size_t row = 0; row < batch->rows; row++)
            application->matrix[row * width + e] = (float)result.values[e].numbers[row];
    for (size_t row = 0; row < batch->rows; row++)
        application->sum += (double)application->matrix[row * width];
}

/* Chunk by chunk, so that what the stages make stays in the cache. */
static void apply_all(struct application *application, const struct rows *rows)
{
    union feature_values *values = calloc(rows->columns_count, sizeof *values);
    for (size_t from = 0; from < rows->count; from += CHUNK) {
        for (size_t i = 0; i < rows->columns_count; i++)
            if (rows->columns[i].type == CSV_TEXT)
                values[i].texts = rows->values[i].texts + from;
            else
                values[i].numbers = rows->values[i].numbers + from;
        size_t left = rows->count - from;
        struct feature_batch batch = {
            .rows = left < CHUNK ? left : CHUNK, .first_row = from + 1, .values = values};
        apply(application, &batch);
    }
    free(values);
}

int main(int count, char **arguments)
{
    if (count < 3)
        stop("usage: feature_bench SPECIFICATION.json ROWS.csv");
    struct lathe_error error = {0};
    size_t size, text_size, inputs_count, outputs_count;
    struct rows rows = {0};
    const char *specification = map(arguments[1], &size);
    const char *text = map(arguments[2], &text_size);
    double start = seconds();
    struct fit *fit = fit_open(specification, size, &error);
    if (!fit)
        stop(error.message);
    const struct feature_column *inputs = fit_inputs(fit, &inputs_count);
    read_rows(&rows, inputs, inputs_count, text, text_size);
    double read = seconds();
    struct feature_batch all = {.rows = rows.count, .first_row = 1, .values = rows.values};
    bool fitted = fit_start(fit, NULL, 0, &error);
    while (fitted && fit_pass(fit))
        fitted = fit_add(fit, &all, &error) && fit_end_pass(fit, &error);
    struct pipeline *pipeline = fitted ? fit_take(fit, &error) : NULL;
    if (!pipeline)
        stop(error.message);
    double learned = seconds();
    const char *wanted = "features";
    struct plan *plan = plan_open(pipeline, NULL, 0, &wanted, 1, &error);
    if (!plan)
        stop(error.message);
    struct application application = {.plan = plan, .scratch = malloc(plan_scratch(plan, CHUNK))};
    application.width = plan_outputs(plan, &outputs_count)->width;
    application.matrix = malloc(CHUNK * application.width * sizeof *application.matrix);
    apply_all(&application, &rows);
    double end = seconds();
    printf("read %.3f s, fit %.3f s, apply %.3f s, %zu rows, %zu features, sum %.17g\n",
           read - start, learned - read, end - learned, rows.count, application.width,
           application.sum);
    return 0;
}
