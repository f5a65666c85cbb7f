/* row_source.h: where the values of rows come from: a matrix of floats, or columns of doubles. */
#ifndef LATHE_TREE_ROW_SOURCE_H
#define LATHE_TREE_ROW_SOURCE_H

#include <stddef.h>

struct row_source {
    const double *const *columns; /* columns[feature][row]; or NULL, and then */
    const float *rows;            /* row r starts at rows + r * stride */
    size_t stride;
};

static inline float row_value(const struct row_source *source, size_t row, size_t feature)
{
    return source->columns ? (float)source->columns[feature][row]
                           : source->rows[row * source->stride + feature];
}

#endif
