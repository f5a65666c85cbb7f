/* sliced_deep.h: what is below the full trees of a deeper forest of numbers: nodes of 8 bytes, by
 * the columns of a block, which some rows walk abreast. */
#ifndef LATHE_TREE_SLICED_DEEP_H
#define LATHE_TREE_SLICED_DEEP_H

#include "tree/cuts.h"

enum { ABREAST = 16 }; /* rows, of the one layout or the other */

/* Goes on at `child` where the column's code is below the threshold, else at the one after it; so a
 * leaf, which has the lowest threshold, and child one less than itself, stays. */
struct deep_node {
    uint16_t column;
    int8_t threshold;
    int32_t child;
};

/* What a node has besides. */
union deep_more {
    float leaf;
    uint32_t number; /* of a vector leaf: its row of ensemble.leaves */
};

struct sliced_deep {
    struct deep_node *nodes; /* a subtree's side by side, children in pairs */
    union deep_more *more;
    size_t count;
    int32_t *exits; /* by sliced.exits' places: the node there, be it a leaf */
};

#endif
