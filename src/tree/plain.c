#include "tree/forest_inside.h"

#include <string.h>

/* gblinear: bias and base first, then the features in order; missing ones are left out. */
static void linear_margins(const struct ensemble *ensemble, const struct row_source *source,
                           size_t row, float *out)
{
    size_t outputs = ensemble->outputs;
    const float *weights = ensemble->linear, *biases = weights + ensemble->features * outputs;
    for (size_t k = 0; k < outputs; k++) {
        float sum = biases[k] + ensemble->base_margin[k];
        for (size_t i = 0; i < ensemble->features; i++) {
            float value = row_value(source, row, i);
            if (value == value)
                sum += value * weights[i * outputs + k];
        }
        out[k] = sum;
    }
}

void plain_margins(const struct ensemble *ensemble, const struct row_source *source, size_t first,
                   size_t count, float *out)
{
    size_t outputs = ensemble->outputs;
    for (size_t r = first; r < first + count; r++, out += outputs) {
        if (ensemble->linear) {
            linear_margins(ensemble, source, r, out);
            continue;
        }
        memcpy(out, ensemble->base_margin, outputs * sizeof *out);
        for (size_t t = 0; t < ensemble->tree_count; t++) {
            const struct tree *tree = &ensemble->trees[t];
            const struct tree_node *leaf =
                &ensemble->nodes[tree->first + (size_t)tree_leaf(ensemble, tree, source, r)];
            if (!ensemble->vector_leaves) {
                out[tree->output] += leaf->leaf;
                continue;
            }
            const float *values = ensemble->leaves + (size_t)leaf->right * outputs;
            for (size_t k = 0; k < outputs; k++)
                out[k] += values[k];
        }
    }
}
