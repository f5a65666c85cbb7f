/* feature_bench: fits AI4I's features on a CSV file and applies them, for ./dev bench.
 *
 *   feature_bench SPECIFICATION.json ROWS.csv [LABEL]
 *
 * The header names the columns. Reads the file for every pass, and in it the columns that the pass
 * needs, as a job on more rows than memory would; prints the seconds of fitting and of applying,
 * the rows, the width of the features, and a sum over them, which says that the work was done. */
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
    const char *text, *end;
    struct csv_column *columns; /* as the pipeline's inputs */
    struct csv_column *read;    /* those of them that are read */
    union feature_values *values;
    size_t count, read_count;
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

static void open_columns(struct rows *rows, const struct feature_column *inputs, size_t count)
{
    rows->count = count;
    rows->columns = calloc(count, sizeof *rows->columns);
    rows->read = calloc(count, sizeof *rows->read);
    rows->values = calloc(count, sizeof *rows->values);
    for (size_t i = 0; i < count; i++) {
        struct csv_column *column = &rows->columns[i];
        bool text = inputs[i].type == FEATURE_TEXT;
        *column = (struct csv_column){.name = inputs[i].name, .type = text ? CSV_TEXT : CSV_NUMBER};
        if (text)
            rows->values[i].texts = column->texts = malloc(CHUNK * sizeof *column->texts);
        else
            rows->values[i].numbers = column->numbers = malloc(CHUNK * sizeof *column->numbers);
    }
}

typedef bool take_batch(void *context, const struct feature_batch *batch,
                        struct lathe_error *error);

static void each_batch(const struct rows *rows, take_batch *take, void *context)
{
    struct lathe_error error = {0};
    struct csv_columns_options options = {.dialect = {.delimiter = ',', .quote = '"'}};
    struct csv_columns *reader = csv_columns_open(rows->read, rows->read_count, &options, &error);
    const char *at = rows->text;
    if (!reader || !csv_columns_header(reader, &at, rows->end, &error))
        stop(error.message);
    for (size_t first = 1, read = CHUNK; read == CHUNK; first += read) {
        if (!csv_columns_read(reader, &at, rows->end, CHUNK, &read, &error))
            stop(error.message);
        struct feature_batch batch = {read, first, rows->values};
        if (!take(context, &batch, &error))
            stop(error.message);
    }
    csv_columns_close(reader);
}

static bool learn(void *context, const struct feature_batch *batch, struct lathe_error *error)
{
    return fit_add(context, batch, error);
}

struct application {
    const struct plan *plan;
    void *scratch;
    size_t rows, width;
    double sum;
    float *matrix; /* of one batch, row by row, as a model takes it */
};

static bool apply(void *context, const struct feature_batch *batch, struct lathe_error *error)
{
    struct application *application = context;
    struct feature_result result;
    if (!plan_apply(application->plan, batch, application->scratch, &result, error))
        return false;
    size_t width = application->width;
    for (size_t e = 0; e < width; e++)
        for (size_t row = 0; row < batch->rows; row++)
            application->matrix[row * width + e] = (float)result.values[e].numbers[row];
    for (size_t row = 0; row < batch->rows; row++)
        application->sum += (double)application->matrix[row * width];
    application->rows += batch->rows;
    return true;
}

int main(int count, char **arguments)
{
    if (count < 3)
        stop("usage: feature_bench SPECIFICATION.json ROWS.csv");
    struct lathe_error error = {0};
    size_t size, inputs_count, outputs_count;
    struct rows rows = {0};
    const char *specification = map(arguments[1], &size);
    double start = seconds();
    struct fit *fit = fit_open(specification, size, &error);
    if (!fit)
        stop(error.message);
    rows.text = map(arguments[2], &size);
    rows.end = rows.text + size;
    const struct feature_column *inputs = fit_inputs(fit, &inputs_count);
    open_columns(&rows, inputs, inputs_count);
    bool fitted = fit_start(fit, NULL, 0, &error);
    while (fitted && fit_pass(fit)) {
        rows.read_count = 0;
        for (size_t i = 0; i < rows.count; i++)
            if (fit_reads(fit, i))
                rows.read[rows.read_count++] = rows.columns[i];
        each_batch(&rows, learn, fit);
        fitted = fit_end_pass(fit, &error);
    }
    struct pipeline *pipeline = fitted ? fit_take(fit, &error) : NULL;
    if (!pipeline)
        stop(error.message);
    double middle = seconds();
    const char *wanted = "features";
    struct plan *plan = plan_open(pipeline, NULL, 0, &wanted, 1, &error);
    if (!plan)
        stop(error.message);
    struct application application = {.plan = plan, .scratch = malloc(plan_scratch(plan, CHUNK))};
    application.width = plan_outputs(plan, &outputs_count)->width;
    application.matrix = malloc(CHUNK * application.width * sizeof *application.matrix);
    rows.read = rows.columns;
    rows.read_count = rows.count;
    each_batch(&rows, apply, &application);
    double end = seconds();
    printf("fit %.3f s, apply %.3f s, %zu rows, %zu features, sum %.17g\n", middle - start,
           end - middle, application.rows, application.width, application.sum);
    return 0;
}
