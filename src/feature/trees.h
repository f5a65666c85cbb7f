/* trees.h: decision trees, forests and boosted trees as Spark ML has them and MLeap writes them.
 * (XGBoost's, which are served at speed, are the room tree's.) */
#ifndef LATHE_FEATURE_TREES_H
#define LATHE_FEATURE_TREES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nodes are in the order of MLeap: a node, its left side, its right side. */
struct feature_tree_node {
    int32_t feature; /* -1: a leaf */
    uint32_t right;  /* the left child is the next node */
    bool categorical;
    bool listed_left;    /* categorical: those listed are on the left, else the others */
    bool unseen_left;    /* where a category goes that the tree has never seen */
    uint32_t categories; /* how many it has seen */
    uint32_t listed;     /* how many are listed */
    union {
        double threshold;     /* the left side: up to it */
        const uint32_t *list; /* ascending */
        const double *values; /* of a leaf: one, or one a class */
    };
};

struct feature_tree {
    const struct feature_tree_node *nodes;
    size_t count;
};

struct feature_forest {
    const struct feature_tree *trees;
    const double *weights; /* a tree */
    size_t count, classes; /* 0 classes: a regression */
    const double *thresholds;
};

#endif
