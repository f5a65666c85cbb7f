#include "tree/nodes.h"

#include "tree/forest_inside.h"

struct forest_tree forest_tree(const struct forest *forest, size_t tree)
{
    const struct tree *found = &forest->ensemble.trees[tree];
    return (struct forest_tree){found->count, found->output};
}

struct forest_node forest_node(const struct forest *forest, size_t tree, size_t node)
{
    const struct ensemble *ensemble = &forest->ensemble;
    const struct tree_node *found = &ensemble->nodes[ensemble->trees[tree].first + node];
    if (found->left == NO_CHILD) {
        const float *values = ensemble->vector_leaves
                                  ? ensemble->leaves + (size_t)found->right * ensemble->leaf_size
                                  : &found->leaf;
        return (struct forest_node){.left = NO_CHILD, .right = NO_CHILD, .values = values};
    }
    struct forest_node split = {.left = found->left,
                                .right = found->right,
                                .feature = found->feature,
                                .default_left = found->default_left,
                                .categorical = found->categorical};
    if (found->categorical)
        split.set = found->set;
    else
        split.threshold = found->threshold;
    return split;
}

int64_t forest_category(const struct forest *forest, uint32_t set, uint32_t least)
{
    return category_set_next(&forest->ensemble, set, least);
}

bool forest_vector_leaves(const struct forest *forest)
{
    return forest->ensemble.vector_leaves;
}

const float *forest_linear(const struct forest *forest)
{
    return forest->ensemble.linear;
}
