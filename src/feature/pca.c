/* PCA: a vector in terms of its principal components. */
#include "feature/classify.h"

#include <math.h>

static bool read_pca(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    size_t count, rows, columns;
    if (!node_shape(node, 1, 1) ||
        !node_numbers(node, "principal_components", &stage->of.pca.components, &count) ||
        !node_matrix(node, "principal_components", &rows, &columns))
        return false;
    if (rows * columns != count || !count)
        return node_needs(node, "principal_components", "a matrix of its shape");
    stage->width = rows;
    stage->of.pca.count = columns;
    return true;
}

static struct feature_column make_pca(const struct feature_stage *stage, size_t i, size_t total)
{
    (void)i;
    (void)total;
    return (struct feature_column){NULL, FEATURE_NUMBER, true, stage->of.pca.count};
}

static bool step_pca(const struct work *work, const struct step *step)
{
    for (size_t k = 0; k < step->out_count; k++)
        sum_products(work, step, step->stage->of.pca.components + k * step->in_count,
                     numbers_out(work, step->out[k]));
    return true;
}

const struct kind KIND_PCA = {
    .name = "PCA",
    .op = "pca",
    .read = read_pca,
    .ask = ask_vector,
    .make = make_pca,
    .form = form_dense,
    .apply = step_pca,
};
