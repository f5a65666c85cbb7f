/* Any bytes as a model file: refused, or a forest whose every path gives the same bits and whose
 * other answers stay within their memory. */
#include "tree/forest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 70, MOST_CELLS = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static float some_value(size_t i)
{
    static const float values[] = {0.0f, -0.0f,    1.0f,      -1.5f, 3.0f, 1e-45f, 1e30f,
                                   NAN,  INFINITY, -INFINITY, 0.3f,  7.0f, 200.5f};
    return values[(i * 7 + i / 13) % (sizeof values / sizeof *values)];
}

static void same_bits(const float *found, const float *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&found[i], &expected[i], sizeof *found) != 0 && !isnan(expected[i]))
            abort();
}

/* All rows at once, row by row, and from columns. */
static void predict_by(const struct forest *forest, const float *rows, const float *expected)
{
    const struct forest_info *info = forest_describe(forest);
    size_t features = info->features, outputs = info->outputs;
    float *found = malloc((outputs * ROWS + 1) * sizeof *found);
    forest_margins(forest, rows, ROWS, features, found);
    same_bits(found, expected, outputs * ROWS);
    for (size_t r = 0; r < ROWS; r++)
        forest_margins(forest, rows + r * features, 1, features, found + r * outputs);
    same_bits(found, expected, outputs * ROWS);
    double *values = malloc((features * ROWS + 1) * sizeof *values);
    const double **columns = malloc((features + 1) * sizeof *columns);
    for (size_t f = 0; f < features; f++) {
        columns[f] = forest_asks(forest, f) ? values + f * ROWS : NULL;
        for (size_t r = 0; r < ROWS; r++)
            values[f * ROWS + r] = (double)rows[r * features + f];
    }
    forest_margins_columns(forest, columns, ROWS, found);
    same_bits(found, expected, outputs * ROWS);
    free(columns);
    free(values);
    free(found);
}

static void explain_pairs(const struct forest *forest, const float *rows)
{
    enum { MOST = 1 << 16 };
    struct lathe_error error;
    size_t width = forest_interaction_values(forest);
    float *pairs = width <= MOST ? malloc((width + 1) * sizeof *pairs) : NULL;
    if (pairs)
        forest_interactions(forest, rows, 1, forest_describe(forest)->features, pairs, &error);
    free(pairs);
}

static void explain(const struct forest *forest, const float *rows)
{
    const struct forest_info *info = forest_describe(forest);
    struct lathe_error error;
    float *explained = malloc((info->outputs * (info->features + 1) + 1) * sizeof *explained);
    uint32_t *leaves = malloc((info->trees + 1) * sizeof *leaves);
    float *importance = malloc((3 * info->features + 1) * sizeof *importance);
    forest_contributions(forest, rows, 1, info->features, explained, &error);
    explain_pairs(forest, rows);
    forest_leaves(forest, rows, 1, info->features, leaves);
    forest_importance(forest, importance, importance + info->features,
                      importance + 2 * info->features);
    free(explained);
    free(leaves);
    free(importance);
}

/* The same file on each path that this CPU has; `forest` is the plain one. */
static void predict(const struct forest *forest, const uint8_t *bytes, size_t size)
{
    const struct forest_info *info = forest_describe(forest);
    if (info->features * ROWS > MOST_CELLS || info->outputs * ROWS > MOST_CELLS)
        return;
    float *rows = malloc((info->features * ROWS + 1) * sizeof *rows);
    float *plain = malloc((info->outputs * ROWS + 1) * sizeof *plain);
    for (size_t i = 0; i < info->features * ROWS; i++)
        rows[i] = some_value(i);
    forest_margins(forest, rows, ROWS, info->features, plain);
    for (int path = FOREST_PLAIN; path < FOREST_PATHS; path++) {
        struct forest *other = forest_open_path(bytes, size, (enum forest_path)path, NULL);
        if (other)
            predict_by(other, rows, plain);
        forest_close(other);
    }
    explain(forest, rows);
    forest_transform(forest, plain, ROWS, plain);
    free(rows);
    free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lathe_error error;
    struct forest *forest = forest_open_path(bytes, size, FOREST_PLAIN, &error);
    if (forest) {
        predict(forest, bytes, size);
        forest_close(forest);
    }
    return 0;
}
