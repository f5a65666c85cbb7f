#include "train/log_loss.h"

#include <math.h>

#define LEAST_CHANCE 1e-16F
/* So many chances share one logarithm, that of their product: no less than 1e-256, which a double
 * holds without loss. */
#define TOGETHER 16

bool log_loss_is_of(const float *labels, size_t rows)
{
    for (size_t row = 0; row < rows; row++)
        if (labels[row] != 0 && labels[row] != 1)
            return false;
    return true;
}

/* The chances of what came true, multiplied. */
static double product(const float *labels, const float *chances, size_t rows)
{
    double product = 1;
    for (size_t row = 0; row < rows; row++) {
        float chance = labels[row] == 1 ? chances[row] : 1 - chances[row];
        product *= (double)(chance < LEAST_CHANCE ? LEAST_CHANCE : chance); /* NaN stays NaN */
    }
    return product;
}

double log_loss(const float *labels, const float *chances, size_t rows)
{
    double sum = 0;
    for (size_t row = 0; row < rows; row += TOGETHER) {
        size_t left = rows - row;
        sum -= log(product(labels + row, chances + row, left < TOGETHER ? left : TOGETHER));
    }
    return sum / (double)rows;
}
