/* sliced_bits.h: which masks trees choose among; see walk_bits.h. */
#ifndef LATHE_TREE_SLICED_BITS_H
#define LATHE_TREE_SLICED_BITS_H

#include "tree/cuts.h"

enum { MOST_MASKS = 8192 }; /* a group's: 256 kB, so that they stay in a cache */

/* Splits of one column, each a mask. */
struct split_run {
    uint32_t column;
    uint32_t first; /* in sliced_bits.thresholds */
    uint32_t count;
    uint32_t mask; /* the first one's place among the group's */
};

/* Trees whose different numeric splits are MOST_MASKS or fewer. */
struct bit_group {
    size_t first_tree, last_tree;
    size_t first_run, last_run;
    uint32_t test_mask; /* the first categorical split's of the tree that is walked */
};

struct sliced_bits {
    struct bit_group *groups;
    size_t group_count;
    struct split_run *runs;
    size_t run_count;
    uint8_t *thresholds; /* codes from 0: a row goes left below it */
    size_t threshold_count;
    uint16_t *masks; /* by step: its mask among the group's; 0: of no node */
    size_t most;     /* masks that a group has, with those of one tree's categorical splits */
};

#endif
