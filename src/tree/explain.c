#include "tree/forest_inside.h"

#include <string.h>

void forest_leaves(const struct forest *forest, const float *rows, size_t count, size_t stride,
                   uint32_t *out)
{
    const struct ensemble *ensemble = &forest->ensemble;
    const struct row_source source = {.rows = rows, .stride = stride};
    for (size_t r = 0; r < count; r++)
        for (size_t t = 0; t < ensemble->tree_count; t++)
            *out++ = (uint32_t)tree_leaf(ensemble, &ensemble->trees[t], &source, r);
}

void forest_importance(const struct forest *forest, float *weight, float *gain, float *cover)
{
    const struct ensemble *ensemble = &forest->ensemble;
    memset(weight, 0, ensemble->features * sizeof *weight);
    memset(gain, 0, ensemble->features * sizeof *gain);
    memset(cover, 0, ensemble->features * sizeof *cover);
    for (size_t i = 0; ensemble->linear && i < ensemble->features; i++)
        weight[i] = ensemble->linear[i * ensemble->outputs];
    for (size_t t = 0; t < ensemble->tree_count; t++) {
        const struct tree *tree = &ensemble->trees[t];
        for (size_t i = tree->first; i < tree->first + tree->count; i++) {
            const struct tree_node *node = &ensemble->nodes[i];
            if (node->left == NO_CHILD)
                continue;
            weight[node->feature] += 1.0f;
            gain[node->feature] += ensemble->gain[i];
            cover[node->feature] += ensemble->cover[i];
        }
    }
}
