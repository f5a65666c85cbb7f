/* nodes.h: a forest as its model file has it, node by node, for whoever writes it down in another
 * form. Predictions do not come through here. */
#ifndef LATHE_TREE_NODES_H
#define LATHE_TREE_NODES_H

#include "tree/forest.h"

struct forest_tree {
    size_t nodes;  /* numbered from 0, the root, as in the file */
    size_t output; /* which margin the leaves add to; 0 where leaves are vectors */
};

/* A split, or, where left is negative, a leaf. Pointers live as long as the forest. */
struct forest_node {
    int32_t left, right;
    uint32_t feature;
    bool default_left; /* where a missing value goes */
    bool categorical;
    float threshold; /* where it is not: left where the value is less */
    /* Where it is: right where the value, its fraction cut off, is in the set; left where it is
     * not, where it is negative, and from 2^24 on. */
    uint32_t set;
    /* A leaf's: one, or, where forest_vector_leaves, one an output. */
    const float *values;
};

struct forest_tree forest_tree(const struct forest *forest, size_t tree);
struct forest_node forest_node(const struct forest *forest, size_t tree, size_t node);
/* A set's least category from `least` on, or -1. */
int64_t forest_category(const struct forest *forest, uint32_t set, uint32_t least);
bool forest_vector_leaves(const struct forest *forest);

/* Of a linear model (which has no trees): (features + 1) x outputs weights, the biases last; a
 * margin is its bias, the base margin, then each feature's product, in order, but for missing
 * ones. Otherwise NULL. */
const float *forest_linear(const struct forest *forest);

#endif
