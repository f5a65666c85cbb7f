#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv/matrix.h"
#include "lathe.h"
#include "model/answer.h"
#include "parse/fail.h"
#include "tree/forest.h"

struct lathe_predictor {
    struct forest *forest;
};

struct lathe_predictor *lathe_predictor_open(const struct lathe_artifact *artifacts, size_t count,
                                             struct lathe_error *error)
{
    if (count != 1) {
        fail(error, LATHE_UNSUPPORTED,
             "%zu artifacts were given; a predictor is made of one XGBoost model file", count);
        return NULL;
    }
    struct forest *forest = forest_open(artifacts[0].bytes, artifacts[0].size, error);
    if (!forest) {
        fail_prefix(error, "%s: ", artifacts[0].name);
        return NULL;
    }
    struct lathe_predictor *predictor = calloc(1, sizeof *predictor);
    if (!predictor) {
        forest_close(forest);
        fail(error, LATHE_NO_MEMORY, "no memory for a predictor");
        return NULL;
    }
    predictor->forest = forest;
    return predictor;
}

static bool read_file(const char *path, struct lathe_artifact *artifact, struct lathe_error *error)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail(error, LATHE_IO, "%s cannot be opened", path);
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    void *bytes = size >= 0 ? malloc((size_t)size + 1) : NULL;
    rewind(file);
    bool read = bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    if (!read) {
        free(bytes);
        return fail(error, LATHE_IO, "%s cannot be read", path);
    }
    *artifact = (struct lathe_artifact){path, bytes, (size_t)size};
    return true;
}

struct lathe_predictor *lathe_predictor_open_files(const char *const *paths, size_t count,
                                                   struct lathe_error *error)
{
    struct lathe_artifact *artifacts = calloc(count ? count : 1, sizeof *artifacts);
    struct lathe_predictor *predictor = NULL;
    size_t read = 0;
    if (!artifacts)
        fail(error, LATHE_NO_MEMORY, "no memory for %zu artifacts", count);
    while (artifacts && read < count && read_file(paths[read], &artifacts[read], error))
        read++;
    if (artifacts && read == count)
        predictor = lathe_predictor_open(artifacts, count, error);
    for (size_t i = 0; i < read; i++)
        free((void *)artifacts[i].bytes);
    free(artifacts);
    return predictor;
}

void lathe_predictor_close(struct lathe_predictor *predictor)
{
    if (!predictor)
        return;
    forest_close(predictor->forest);
    free(predictor);
}

size_t lathe_predictor_inputs(const struct lathe_predictor *predictor)
{
    return forest_describe(predictor->forest)->features;
}

size_t lathe_predictor_outputs(const struct lathe_predictor *predictor)
{
    return forest_describe(predictor->forest)->outputs;
}

const char *lathe_predictor_objective(const struct lathe_predictor *predictor)
{
    return forest_describe(predictor->forest)->objective;
}

void lathe_predict_floats(const struct lathe_predictor *predictor, enum lathe_answer what,
                          const float *rows, size_t count, size_t stride, float *out)
{
    forest_margins(predictor->forest, FOREST_BEST, rows, count, stride, out);
    if (what == LATHE_PREDICTION)
        forest_transform(predictor->forest, out, count, out);
}

/* XGBoost fills columns that a row lacks at its end with missing values, and refuses more columns
 * than it was trained on; a row of a prediction that lacks any is far more often a mistake. */
static bool check_columns(const struct lathe_predictor *predictor, const struct csv_matrix *matrix,
                          struct lathe_error *error)
{
    size_t features = lathe_predictor_inputs(predictor);
    if (matrix->columns == features)
        return true;
    return fail(
        error, LATHE_INVALID_DATA,
        "Feature size of csv inference data %zu is not consistent with feature size of "
        "trained model %zu: row 1 has %zu columns, %zu are expected (the label is not among "
        "them)",
        matrix->columns, features, matrix->columns, features);
}

static bool predict_matrix(const struct lathe_predictor *predictor, const struct csv_matrix *matrix,
                           enum lathe_format format, struct lathe_text *answer,
                           struct lathe_error *error)
{
    float *values = malloc(matrix->rows * lathe_predictor_outputs(predictor) * sizeof *values);
    if (!values)
        return fail(error, LATHE_NO_MEMORY, "no memory for the answers of %zu rows", matrix->rows);
    lathe_predict_floats(predictor, LATHE_PREDICTION, matrix->values, matrix->rows, matrix->columns,
                         values);
    bool written = answer_write(answer, format, values, matrix->rows,
                                forest_answers(predictor->forest), error);
    free(values);
    return written;
}

bool lathe_predict_text(const struct lathe_predictor *predictor, enum lathe_format rows_format,
                        const char *rows, size_t size, enum lathe_format answer_format,
                        struct lathe_text *answer, struct lathe_error *error)
{
    if (rows_format != LATHE_CSV)
        return fail(error, LATHE_UNSUPPORTED, "rows are read as CSV only");
    struct csv_matrix matrix = {0};
    const struct csv_options options = {.name = NULL};
    bool predicted = csv_matrix_append(&matrix, rows, size, &options, error) &&
                     check_columns(predictor, &matrix, error) &&
                     predict_matrix(predictor, &matrix, answer_format, answer, error);
    csv_matrix_clear(&matrix);
    return predicted;
}
