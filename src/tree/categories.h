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
};

struct category_feature {
    uint32_t feature;
    uint32_t codes;  /* how many there are; above MOST_CATEGORY + CODE_FIRST none */
    uint32_t column; /* its first */
};

/* A split: right where the code is in the set. */
struct category_test {
    uint32_t column; /* the first of its feature's */
    uint32_t pages;
    uint32_t set;   /* in category_plan.sets: PAGE_BYTES a page, or, of a single page, */
    uint32_t size;  /* so many, a multiple of SET_UNIT */
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
    uint8_t *sets;   /* a page longer than what is used */
    size_t outcomes; /* the first column of outcomes, where a tree's tests are, by their slots */
};

static inline uint32_t category_pages(uint32_t codes)
{
    return (codes + PAGE_CODES - 1) / PAGE_CODES;
}

/* Whether a row, whose code is at `row` of columns that are `pitch` apart, goes right. */
static inline bool category_goes_right(const struct category_plan *plan,
                                       const struct category_test *test, const int8_t *columns,
                                       size_t pitch, size_t row)
{
    const int8_t *index = columns + test->column * pitch + row;
    const uint8_t *set = plan->sets + test->set;
    uint8_t found = 0;
    for (uint32_t page = 0; page < test->pages; page++, index += 2 * pitch, set += PAGE_BYTES)
        found |= set[(uint8_t)*index] & (uint8_t)index[pitch];
    return found;
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
