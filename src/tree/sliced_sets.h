/* sliced_sets.h: the trees of a forest with categorical splits, node by node: what is below the
 * full trees, and whole trees for single rows. Each split is a set of codes, the numeric ones too,
 * so that a step is the same for both and needs no branch, which would be mispredicted as often as
 * the kinds change. Numeric splits share a set for each threshold, 8 kB that stay in the
 * first-level cache.
 *
 * Size: 16 bytes a node. */
#ifndef LATHE_TREE_SLICED_SETS_H
#define LATHE_TREE_SLICED_SETS_H

#include "tree/cuts.h"

#include <string.h>

struct sliced;

enum { MOST_CODES = 1 << 23 }; /* of a row, so that a block's are told apart by 32 bits */

/* Goes on at `child`, or at the one after it where the row's code is in the set; a leaf, whose set
 * is empty, stays. */
struct set_node {
    int32_t child;
    uint32_t column; /* of a row's codes */
    uint32_t set;    /* where in the plan's sets it begins, in SET_WORDs */
    union {
        float leaf;
        uint32_t number; /* of a vector leaf: its row of ensemble.leaves */
    };
};

struct sliced_sets {
    struct set_node *nodes; /* a tree's side by side, children in pairs */
    size_t count;
    int32_t *roots; /* by tree */
    int32_t *exits; /* by sliced.exits' places: the node there, be it a leaf */
    size_t codes;   /* of a row: of each column of numbers, of each categorical feature, and 0 */
};

/* Lays the trees of a forest with categories out, as sliced->sets, and lists the splits below the
 * full trees, whose steps come after the others; and takes the steps once they are planned. */
bool sliced_sets_lay(struct sliced *sliced, const struct ensemble *ensemble,
                     struct split_list *splits, struct lathe_error *error);
void sliced_sets_step(struct sliced *sliced);
void sliced_sets_free(struct sliced_sets *sets);

/* sets->codes of each of `count` rows, side by side, by their codes in columns that are `pitch`
 * apart. */
void sliced_sets_code(const struct sliced *sliced, const int8_t *columns, size_t pitch,
                      size_t count, uint16_t *codes);

/* The node that a row, whose codes these are, goes to from another. */
static inline int32_t set_step(const struct set_node *node, const uint8_t *sets,
                               const uint16_t *codes)
{
    size_t code = codes[node->column];
    uint32_t word;
    memcpy(&word, sets + SET_WORD * (node->set + code / 32), sizeof word);
    return node->child + (int32_t)(word >> code % 32 & 1);
}

#endif
