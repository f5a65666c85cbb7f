/* cuts.h: floats to bytes, exactly. Every threshold that the ensemble has on a feature is a cut;
 * a row's value becomes the number of cuts at or below it, and `x < threshold` on floats becomes
 * an equal comparison of bytes.
 *
 * A band is a slice of at most 255 ascending cuts of one feature; a feature with more has several,
 * each counting its own, so a code is always one byte. Codes are stored less 128: AVX2 compares
 * signed bytes only.
 *
 * Missing values go where a node says. A column is a band's codes with the missing ones on one
 * side: lowest for the nodes that send them left, highest for those that send them right; a band
 * has up to two. Categorical splits (categories.h) have columns of outcomes, which are made before
 * a tree is walked. So each split is `column[row] < threshold`, whatever its kind. */
#ifndef LATHE_TREE_CUTS_H
#define LATHE_TREE_CUTS_H

#include "tree/categories.h"
#include "tree/ensemble.h"

#include <string.h>

enum {
    BLOCK_ROWS = 256, /* rows that are cut and walked together: 4 vectors of 64 bytes */
    MOST_CUTS = 255,
    CODE_BIAS = 128,
    CODE_LOWEST = -128, /* as a threshold: nothing is below it, always right */
    CODE_HIGHEST = 127,
    SEARCH_FLOATS = 256,
};

#define NO_COLUMN UINT32_MAX

struct band {
    uint32_t feature;
    uint32_t first, count; /* in cut_plan.cuts */
    uint32_t levels;       /* of a search tree that holds them: count < 2^levels */
    uint32_t low, high;    /* columns with missing values lowest, highest; or NO_COLUMN */
};

struct cut_plan {
    struct band *bands; /* by feature, then ascending */
    size_t band_count;
    float *cuts;
    size_t cut_count;
    struct category_plan categories;
    size_t columns;
    float *search; /* the vectors' search trees, SEARCH_FLOATS a band; NULL where not used */
};

/* Where a split looks and what it compares with. */
struct cut_step {
    uint32_t column;    /* its place in a block's columns, in bytes */
    uint32_t threshold; /* left below it; the byte four times, to be broadcast without a shuffle */
};

/* Splits, each with the number of the step that it becomes. The numeric ones are kept as small as
 * they can be, for they are sorted. */
struct split {
    uint32_t threshold, feature;
    uint32_t step : 31, default_left : 1;
};

enum { MOST_STEPS = INT32_MAX };

struct split_list {
    struct split *numbers;
    struct category_split *categories;
    size_t number_count, category_count;
};

/* Floats as unsigned numbers in the same order, -0.0 and 0.0 being one. */
static inline uint32_t cut_order(float value)
{
    uint32_t bits;
    value += 0.0f; /* -0.0 becomes 0.0 */
    memcpy(&bits, &value, sizeof bits);
    return bits ^ ((bits >> 31 ? 0x7FFFFFFFu : 0) | 0x80000000u);
}

#define NO_SLOT SIZE_MAX

/* Adds a node to a list that has room for it. tree: how many categorical splits are those of trees
 * before its own; or NO_SLOT, where nobody wants its outcomes in a column. */
static inline void split_list_add(struct split_list *list, const struct tree_node *node,
                                  size_t step, size_t tree)
{
    if (node->categorical) {
        uint32_t slot = tree == NO_SLOT ? NO_COLUMN : (uint32_t)(list->category_count - tree);
        list->categories[list->category_count++] =
            (struct category_split){node, (uint32_t)step, slot};
    } else {
        list->numbers[list->number_count++] =
            (struct split){.threshold = cut_order(node->threshold),
                           .feature = node->feature,
                           .step = (uint32_t)step & MOST_STEPS,
                           .default_left = node->default_left};
    }
}

/* Plans the columns for the splits (which it changes) and sets the step of each. Linear in
 * the splits. False without an error where they are of a kind that bytes do not serve (categories
 * beyond MOST_CATEGORY, tables that would outgrow the trees): the plain walk does; false with
 * LATHE_NO_MEMORY in error->code where memory ran out. */
bool cuts_plan(struct cut_plan *plan, const struct ensemble *ensemble, struct split_list *list,
               struct cut_step *steps, struct lathe_error *error);
void cuts_clear(struct cut_plan *plan);

/* Codes of `count` (at most BLOCK_ROWS) rows from `first` on; column c starts at
 * columns + c * pitch. Places beyond count are left as they are. */
void cuts_apply(const struct cut_plan *plan, const struct row_source *source, size_t first,
                size_t count, int8_t *columns, size_t pitch);

/* Lays out the search trees of cuts_block_avx512 and cuts_block_avx2. */
bool cuts_lay_search(struct cut_plan *plan, struct lathe_error *error);

#endif
