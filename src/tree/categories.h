/* categories.h: categorical splits, many rows at a time. A row's category becomes a code, once for
 * all splits of its feature; a split is a set of codes, a bit each, and asking whether a code is in
 * it takes a byte from the set and a bit from the byte. Values that are missing, or no category of
 * any split, have codes too, so that every split answers for them as for the others.
 *
 * A code is kept as the byte's place and the bit, in a column of bytes each; of a feature with more
 * codes than a byte can place there are such a pair for each PAGE_CODES of them, and the bit is 0
 * where the code is in another. */
#ifndef LATHE_TREE_CATEGORIES_H
#define LATHE_TREE_CATEGORIES_H

#include "tree/ensemble.h"

enum {
    MOST_CATEGORY = 4096,
    CODE_NONE = 0, /* in no set */
    CODE_MISSING = 1,
    CODE_FIRST = 2, /* category 0 */
    PAGE_CODES = 2048,
    PAGE_BYTES = PAGE_CODES / 8,
    SET_UNIT = 16, /* sets are a multiple of so many bytes */
    SET_WORD = 4,
    THRESHOLDS = 256,
    THRESHOLD_BYTES = THRESHOLDS / 8,
};

struct category_feature {
    uint32_t feature;
    uint32_t codes;  /* how many there are; above MOST_CATEGORY + CODE_FIRST none */
    uint32_t column; /* its first */
};

/* A split: right where the code is in the set. */
struct category_test {
    uint32_t feature; /* in category_plan.features */
    uint32_t column;  /* the first of the feature's */
    uint32_t set;     /* in category_plan.sets: PAGE_BYTES a page, or, of a single page, */
    uint16_t size;    /* so many, a multiple of SET_UNIT */
    uint16_t pages;
    uint64_t units; /* which SET_UNITs of the set are not empty, a bit each */
};

/* A split to be planned, by its node: its step, and its number among its tree's, or UINT32_MAX
 * where it needs no column of outcomes. */
struct category_split {
    const struct tree_node *node;
    uint32_t step, slot;
};

struct category_plan {
    struct category_feature *features;
    size_t feature_count;
    struct category_test *tests; /* in the order of the splits */
    size_t test_count;
    uint8_t *sets;   /* those of thresholds, then of splits; a page longer than what is used */
    size_t first;    /* column that is of categories */
    size_t outcomes; /* the first column of outcomes, where a tree's tests are, by their slots */
};

static inline uint32_t category_pages(uint32_t codes)
{
    return (codes + PAGE_CODES - 1) / PAGE_CODES;
}

/* Where in category_plan.sets the codes are that are not below a threshold of numbers: they are
 * sets as well for whoever asks about both alike. */
static inline uint32_t threshold_set(uint32_t threshold)
{
    return threshold * THRESHOLD_BYTES;
}

/* Plans tests, and columns from *columns on: the features' codes, then the outcomes. False without
 * an error where that is not worth it (categories beyond MOST_CATEGORY, sets that would outgrow the
 * trees), with LATHE_NO_MEMORY in error->code where memory ran out. */
bool categories_plan(struct category_plan *plan, const struct ensemble *ensemble,
                     const struct category_split *splits, size_t count, size_t *columns,
                     struct lathe_error *error);
void categories_clear(struct category_plan *plan);

/* Codes of `count` rows from `first` on; column c starts at columns + c * pitch. */
void categories_code(const struct category_plan *plan, const struct row_source *source,
                     size_t first, size_t count, int8_t *columns, size_t pitch);

#endif
