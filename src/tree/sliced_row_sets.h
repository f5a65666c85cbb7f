/* sliced_row_sets.h: how a forest with categorical splits is laid out for single rows: each split
 * is a set of codes, the numeric ones too, so that a step is the same for both and needs no branch,
 * which would be mispredicted as often as the kinds change. Numeric splits share a set for each
 * threshold, 8 kB that stay in the first-level cache.
 *
 * Size: 8 bytes a step, and the sets of categories a second time. */
#ifndef LATHE_TREE_SLICED_ROW_SETS_H
#define LATHE_TREE_SLICED_ROW_SETS_H

#include "tree/sliced.h"

/* Right where the code is in the set: a bit of one of its bytes. */
struct set_node {
    uint32_t set;    /* in row_sets.sets */
    uint32_t column; /* in a block's columns; of a category the first of its two */
};

struct row_sets {
    struct set_node *nodes; /* by step */
    uint8_t *sets;
};

/* A row's code in a column: which byte of a set, and its bit there. */
struct set_code {
    uint8_t place, bit;
};

/* Lays it out where there are categories, all of few enough codes: sliced->row_sets. */
bool row_sets_make(struct sliced *sliced, struct lathe_error *error);
void row_sets_free(struct row_sets *plan);

/* The codes of a row, by its codes in `columns`. */
void row_sets_code(const struct sliced *sliced, const int8_t *columns, struct set_code *codes);

static inline uint32_t set_goes_right(const struct row_sets *plan, const struct set_node *node,
                                      const struct set_code *codes)
{
    const struct set_code *code = &codes[node->column];
    return (plan->sets[node->set + code->place] & code->bit) != 0;
}

#endif
