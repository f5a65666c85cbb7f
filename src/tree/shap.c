/* Path-dependent TreeSHAP: Lundberg, Erion, Lee, "Consistent Individualized Feature Attribution for
 * Tree Ensembles" (2018), algorithm 2, as XGBoost's pred_contribs has it. For each leaf the path
 * from the root is kept as a list of its distinct features, with the share of rows that would pass
 * if the feature were unknown (by cover) and whether this row passes; `weight` is the share of the
 * orderings of so many known features. All in double. */
#include "tree/forest_parts.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 1024, NO_FEATURE = -1 };

struct path_part {
    int32_t feature;
    double zero, one; /* the shares that pass without and with knowing the feature */
    double weight;
};

struct explanation {
    const struct ensemble *ensemble;
    const struct tree *tree;
    const float *row;
    double *out; /* outputs x (features + 1) */
};

static void extend(struct path_part *path, size_t depth, double zero, double one, int32_t feature)
{
    path[depth] = (struct path_part){feature, zero, one, depth == 0 ? 1.0 : 0.0};
    double all = (double)depth + 1;
    for (size_t i = depth; i-- > 0;) {
        path[i + 1].weight += one * path[i].weight * (double)(i + 1) / all;
        path[i].weight *= zero * (double)(depth - i) / all;
    }
}

/* Takes part `index` out again, as if it had never been in the path. */
static void unwind(struct path_part *path, size_t depth, size_t index)
{
    double zero = path[index].zero, one = path[index].one, next = path[depth].weight;
    double all = (double)depth + 1;
    for (size_t i = depth; i-- > 0;) {
        if (one != 0) {
            double before = path[i].weight;
            path[i].weight = next * all / ((double)(i + 1) * one);
            next = before - path[i].weight * zero * (double)(depth - i) / all;
        } else {
            path[i].weight = path[i].weight * all / (zero * (double)(depth - i));
        }
    }
    for (size_t i = index; i < depth; i++) {
        path[i].feature = path[i + 1].feature;
        path[i].zero = path[i + 1].zero;
        path[i].one = path[i + 1].one;
    }
}

/* The weights' sum if part `index` were taken out. */
static double unwound_sum(const struct path_part *path, size_t depth, size_t index)
{
    double zero = path[index].zero, one = path[index].one, next = path[depth].weight, sum = 0;
    double all = (double)depth + 1;
    for (size_t i = depth; i-- > 0;) {
        if (one != 0) {
            double weight = next * all / ((double)(i + 1) * one);
            sum += weight;
            next = path[i].weight - weight * zero * (double)(depth - i) / all;
        } else if (zero != 0) {
            sum += path[i].weight / zero / ((double)(depth - i) / all);
        }
    }
    return sum;
}

static double leaf_value(const struct ensemble *ensemble, const struct tree_node *leaf, size_t k)
{
    return (double)(ensemble->vector_leaves
                        ? ensemble->leaves[(size_t)leaf->right * ensemble->outputs + k]
                        : leaf->leaf);
}

static size_t tables_of(const struct ensemble *ensemble)
{
    return ensemble->vector_leaves ? ensemble->outputs : 1;
}

static void credit_leaf(const struct explanation *explanation, const struct tree_node *leaf,
                        const struct path_part *path, size_t depth)
{
    const struct ensemble *ensemble = explanation->ensemble;
    size_t width = ensemble->features + 1;
    for (size_t i = 1; i <= depth; i++) {
        double share = unwound_sum(path, depth, i) * (path[i].one - path[i].zero);
        for (size_t k = 0; k < tables_of(ensemble); k++)
            explanation->out[(explanation->tree->output + k) * width + (size_t)path[i].feature] +=
                share * leaf_value(ensemble, leaf, k);
    }
}

/* Each level works on its own copy of the path, behind its parent's. */
static void explain(const struct explanation *explanation, int32_t number, struct path_part *parent,
                    size_t depth, double zero, double one, int32_t feature)
{
    const struct ensemble *ensemble = explanation->ensemble;
    const struct tree_node *nodes = ensemble->nodes + explanation->tree->first;
    const float *cover = ensemble->cover + explanation->tree->first;
    const struct tree_node *node = &nodes[number];
    struct path_part *path = parent + depth;
    memcpy(path, parent, depth * sizeof *path);
    extend(path, depth, zero, one, feature);
    if (node->left == NO_CHILD) {
        credit_leaf(explanation, node, path, depth);
        return;
    }
    int32_t hot = tree_step(ensemble, node, explanation->row[node->feature]);
    int32_t cold = hot == node->left ? node->right : node->left;
    double all = (double)cover[number];
    double hot_share = all > 0 ? (double)cover[hot] / all : 0.5;
    double cold_share = all > 0 ? (double)cover[cold] / all : 0.5;
    double so_far_zero = 1, so_far_one = 1;
    /* a feature met before counts once: its part is replaced */
    size_t index = 1;
    while (index <= depth && path[index].feature != (int32_t)node->feature)
        index++;
    if (index <= depth) {
        so_far_zero = path[index].zero;
        so_far_one = path[index].one;
        unwind(path, depth, index);
        depth--;
    }
    int32_t split = (int32_t)node->feature;
    explain(explanation, hot, path, depth + 1, hot_share * so_far_zero, so_far_one, split);
    explain(explanation, cold, path, depth + 1, cold_share * so_far_zero, 0, split);
}

/* What a subtree answers on average over the rows it was trained on. */
static double mean_of(const struct ensemble *ensemble, const struct tree *tree, int32_t number,
                      size_t k)
{
    const struct tree_node *node = &ensemble->nodes[tree->first + (size_t)number];
    if (node->left == NO_CHILD)
        return leaf_value(ensemble, node, k);
    const float *cover = ensemble->cover + tree->first;
    double left = mean_of(ensemble, tree, node->left, k);
    double right = mean_of(ensemble, tree, node->right, k);
    double all = (double)cover[number];
    return all > 0 ? (left * (double)cover[node->left] + right * (double)cover[node->right]) / all
                   : (left + right) / 2;
}

/* The part that all rows share: base margins and the trees' means. */
static void common_part(const struct ensemble *ensemble, double *bias)
{
    for (size_t k = 0; k < ensemble->outputs; k++)
        bias[k] = (double)ensemble->base_margin[k];
    for (size_t t = 0; t < ensemble->tree_count; t++)
        for (size_t k = 0; k < tables_of(ensemble); k++)
            bias[ensemble->trees[t].output + k] += mean_of(ensemble, &ensemble->trees[t], 0, k);
}

static void explain_linear(const struct ensemble *ensemble, const float *row, double *out)
{
    size_t outputs = ensemble->outputs, features = ensemble->features;
    for (size_t k = 0; k < outputs; k++)
        for (size_t i = 0; i < features; i++)
            if (row[i] == row[i])
                out[k * (features + 1) + i] =
                    (double)row[i] * (double)ensemble->linear[i * outputs + k];
}

static bool has_cover(const struct ensemble *ensemble)
{
    for (size_t i = 0; i < ensemble->node_count; i++)
        if (ensemble->cover[i] > 0)
            return true;
    return ensemble->node_count == ensemble->tree_count; /* lone leaves need none */
}

bool forest_contributions(const struct forest *forest, const float *rows, size_t count,
                          size_t stride, float *out, struct lathe_error *error)
{
    const struct ensemble *ensemble = &forest->ensemble;
    size_t width = ensemble->features + 1, outputs = ensemble->outputs, depth = ensemble->depth;
    if (depth > MOST_DEPTH)
        return fail(error, LATHE_LIMIT, "contributions of trees deeper than %d", MOST_DEPTH);
    if (ensemble->tree_count && !has_cover(ensemble))
        return fail(error, LATHE_UNSUPPORTED,
                    "contributions need each node's cover (sum_hessian), which this model lacks");
    double *sums = malloc(width * outputs * sizeof *sums);
    double *bias = malloc(outputs * sizeof *bias);
    struct path_part *path = malloc((depth + 2) * (depth + 3) / 2 * sizeof *path);
    bool good = sums && bias && path;
    if (!good)
        fail(error, LATHE_NO_MEMORY, "no memory for contributions");
    if (good)
        common_part(ensemble, bias);
    for (size_t r = 0; good && r < count; r++, rows += stride, out += width * outputs) {
        memset(sums, 0, width * outputs * sizeof *sums);
        for (size_t k = 0; k < outputs; k++)
            sums[k * width + ensemble->features] =
                bias[k] + (ensemble->linear
                               ? (double)ensemble->linear[ensemble->features * outputs + k]
                               : 0.0);
        if (ensemble->linear)
            explain_linear(ensemble, rows, sums);
        for (size_t t = 0; t < ensemble->tree_count; t++) {
            struct explanation explanation = {ensemble, &ensemble->trees[t], rows, sums};
            explain(&explanation, 0, path, 0, 1, 1, NO_FEATURE);
        }
        for (size_t i = 0; i < width * outputs; i++)
            out[i] = (float)sums[i];
    }
    free(sums);
    free(bias);
    free(path);
    return good;
}
