/* The tests' way to a forest: forest_answers MODEL ROWS COLUMNS OUT KIND...
 *
 * ROWS is a file of native float32, row-major. For each KIND the answers go to OUT.KIND as
 * float32. Kinds: best, plain, word, avx2, avx512, neon (margins of all rows at once by that path),
 * the same with -columns (from columns of doubles) or -single (one row at a time), the path's
 * contributions and interactions with -contributions and -interactions, answers, leaves,
 * importance. A kind that this CPU or forest cannot do makes no file. Exit status 1 and the error's
 * text where the model is refused. */
#include "tree/forest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    long length = ftell(file);
    rewind(file);
    /* exactly as large as the file, so that a sanitizer sees a read past its end */
    void *bytes = malloc(length ? (size_t)length : 1);
    *size = fread(bytes, 1, (size_t)length, file);
    fclose(file);
    return bytes;
}

static void write_file(const char *stem, const char *kind, const float *values, size_t count)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.%s", stem, kind);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(values, sizeof *values, count, file) != count || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

struct job {
    const void *model;
    size_t model_size;
    const struct forest *forest;
    const float *rows;
    size_t count, columns;
    const char *out;
};

/* A column of doubles, none of them a float, that round to the floats; NULL where nothing asks. */
static double *column_of(const struct job *job, size_t feature)
{
    if (!forest_asks(job->forest, feature))
        return NULL;
    double *column = malloc(job->count ? job->count * sizeof *column : 1);
    for (size_t r = 0; r < job->count; r++) {
        double value = (double)job->rows[r * job->columns + feature];
        column[r] = nextafter(value, signbit(value) ? -INFINITY : INFINITY);
    }
    return column;
}

static void margins_of_columns(const struct job *job, const struct forest *forest, float *values)
{
    double **columns = malloc((job->columns + 1) * sizeof *columns);
    for (size_t f = 0; f < job->columns; f++)
        columns[f] = column_of(job, f);
    forest_margins_columns(forest, (const double *const *)columns, job->count, values);
    for (size_t f = 0; f < job->columns; f++)
        free(columns[f]);
    free(columns);
}

static void margins_of_single(const struct job *job, const struct forest *forest, float *values)
{
    size_t outputs = forest_describe(forest)->outputs;
    for (size_t r = 0; r < job->count; r++)
        forest_margins(forest, job->rows + r * job->columns, 1, job->columns, values + r * outputs);
}

static void contributions(const struct job *job, const struct forest *forest, const char *kind)
{
    const struct forest_info *info = forest_describe(forest);
    size_t total = job->count * info->outputs * (info->features + 1);
    float *values = malloc((total + 1) * sizeof *values);
    if (forest_contributions(forest, job->rows, job->count, job->columns, values, NULL))
        write_file(job->out, kind, values, total);
    free(values);
}

static void interactions(const struct job *job, const struct forest *forest, const char *kind)
{
    size_t total = job->count * forest_interaction_values(forest);
    float *values = malloc((total + 1) * sizeof *values);
    if (forest_interactions(forest, job->rows, job->count, job->columns, values, NULL))
        write_file(job->out, kind, values, total);
    free(values);
}

static bool margins(const struct job *job, const char *kind)
{
    static const char *const paths[] = {"best", "plain", "word", "avx2", "avx512", "neon"};
    size_t path = 0, outputs = forest_describe(job->forest)->outputs, length = strcspn(kind, "-");
    while (path < FOREST_PATHS &&
           (strlen(paths[path]) != length || memcmp(kind, paths[path], length) != 0))
        path++;
    if (path == FOREST_PATHS)
        return false;
    struct forest *forest =
        forest_open_path(job->model, job->model_size, (enum forest_path)path, NULL);
    if (!forest)
        return true;
    bool shares = strcmp(kind + length, "-contributions") == 0;
    if (shares)
        contributions(job, forest, kind);
    else if (strcmp(kind + length, "-interactions") == 0)
        interactions(job, forest, kind);
    else if (path == FOREST_BEST || forest_describe(forest)->path == (enum forest_path)path) {
        float *values = malloc((job->count * outputs + 1) * sizeof *values);
        if (strcmp(kind + length, "-columns") == 0)
            margins_of_columns(job, forest, values);
        else if (strcmp(kind + length, "-single") == 0)
            margins_of_single(job, forest, values);
        else
            forest_margins(forest, job->rows, job->count, job->columns, values);
        write_file(job->out, kind, values, job->count * outputs);
        free(values);
    }
    forest_close(forest);
    return true;
}

static void answers(const struct job *job, const char *kind)
{
    size_t outputs = forest_describe(job->forest)->outputs;
    float *values = malloc((job->count * outputs + 1) * sizeof *values);
    forest_margins(job->forest, job->rows, job->count, job->columns, values);
    forest_transform(job->forest, values, job->count, values);
    write_file(job->out, kind, values, job->count * forest_answers(job->forest));
    free(values);
}

static void leaves(const struct job *job, const char *kind)
{
    size_t trees = forest_describe(job->forest)->trees, total = job->count * trees;
    uint32_t *numbers = malloc((total + 1) * sizeof *numbers);
    float *values = malloc((total + 1) * sizeof *values);
    forest_leaves(job->forest, job->rows, job->count, job->columns, numbers);
    for (size_t i = 0; i < total; i++)
        values[i] = (float)numbers[i];
    write_file(job->out, kind, values, total);
    free(numbers);
    free(values);
}

/* Three times `features` values: weights, gains, covers. The rows do not matter. */
static void importance(const struct job *job, const char *kind)
{
    size_t features = forest_describe(job->forest)->features;
    float *values = malloc((3 * features + 1) * sizeof *values);
    forest_importance(job->forest, values, values + features, values + 2 * features);
    write_file(job->out, kind, values, 3 * features);
    free(values);
}

int main(int count, char **arguments)
{
    if (count < 6) {
        fprintf(stderr, "usage: forest_answers MODEL ROWS COLUMNS OUT KIND...\n");
        return 2;
    }
    size_t model_size = 0, rows_size = 0;
    void *model = read_file(arguments[1], &model_size), *rows = read_file(arguments[2], &rows_size);
    size_t columns = strtoul(arguments[3], NULL, 10);
    struct lathe_error error = {0};
    struct forest *forest = forest_open(model, model_size, &error);
    if (!forest) {
        free(model);
        free(rows);
        fprintf(stderr, "%s\n", error.message);
        return error.code == LATHE_INVALID_MODEL || error.code == LATHE_UNSUPPORTED ||
                       error.code == LATHE_LIMIT
                   ? 1
                   : 2;
    }
    struct job job = {
        .model = model,
        .model_size = model_size,
        .forest = forest,
        .rows = rows,
        .count = columns ? rows_size / sizeof(float) / columns : 0,
        .columns = columns,
        .out = arguments[4],
    };
    for (int i = 5; i < count; i++) {
        if (strcmp(arguments[i], "answers") == 0)
            answers(&job, arguments[i]);
        else if (strcmp(arguments[i], "leaves") == 0)
            leaves(&job, arguments[i]);
        else if (strcmp(arguments[i], "importance") == 0)
            importance(&job, arguments[i]);
        else if (!margins(&job, arguments[i]))
            fprintf(stderr, "unknown kind %s\n", arguments[i]);
    }
    forest_close(forest);
    free(model);
    free(rows);
    return 0;
}
