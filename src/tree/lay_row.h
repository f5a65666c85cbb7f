/* lay_row.h: full trees as heaps, for single rows: a tree's root is at place 1, and below place p
 * are 2 p and 2 p + 1. The file that includes it says how a heap's nodes are kept: the UPPER levels
 * of a tree, which are NODES less one, in a `struct upper`; and, where trees have more, each node
 * of the next level with its children in a `struct lower`. There are at most ROOM bands. */
#include "tree/sliced.h"

/* A split: a row goes right whose code in the band, less 128, is not below the threshold. */
struct node {
    uint8_t band;
    bool missing_right;
    int8_t threshold;
};

/* What the includer has. A node at a place of the upper levels; of the lower ones the first of
 * three, or its left or right child; and a tree that every row leaves at the left end (of lower
 * ones NODES, or NULL). */
static void put_upper(struct upper *upper, uint32_t place, struct node node);
static void put_lower(struct lower *lower, uint32_t which, struct node node);
static void lay_nothing(struct upper *upper, struct lower *lower);

struct laying {
    const struct node *columns; /* of `sliced`, but for the threshold */
    struct upper *upper;
    struct lower *lower; /* NODES, or NULL */
};

/* Copies a subtree's steps, which lie in the order of use, to the places from `place` on. */
static void lay_steps(const struct laying *laying, const struct cut_step *step, uint32_t levels,
                      uint32_t place)
{
    if (levels == 0)
        return;
    struct node node = laying->columns[step->column / BLOCK_ROWS];
    node.threshold = (int8_t)step->threshold;
    if (place < NODES) {
        put_upper(laying->upper, place, node);
    } else if (laying->lower) { /* as it is where a tree is so deep */
        bool child = place >= 2 * NODES;
        put_lower(&laying->lower[(child ? place / 2 : place) - NODES], child ? 1 + place % 2 : 0,
                  node);
    }
    lay_steps(laying, step + 1, levels - 1, 2 * place);
    lay_steps(laying, step + ((size_t)1 << (levels - 1)), levels - 1, 2 * place + 1);
}

/* All trees, and up to `room` of them trees that every row leaves at the left end. A tree of fewer
 * levels hangs at the left end of a full one. `lower`: NULL where none has more than the
 * upper levels. */
static void lay_heaps(const struct sliced *sliced, size_t room, struct upper *upper,
                      struct lower *lower)
{
    struct node columns[2 * ROOM] = {{0}};
    for (size_t b = 0; b < sliced->plan.band_count; b++) {
        const struct band *band = &sliced->plan.bands[b];
        if (band->low != NO_COLUMN)
            columns[band->low] = (struct node){.band = (uint8_t)b};
        if (band->high != NO_COLUMN)
            columns[band->high] = (struct node){.band = (uint8_t)b, .missing_right = true};
    }
    uint32_t depth = lower ? MOST_LEVELS : UPPER;
    for (size_t t = 0; t < room; t++) {
        const struct laying laying = {columns, upper + t, lower ? lower + t * NODES : NULL};
        const struct sliced_tree *tree = &sliced->trees[t];
        lay_nothing(laying.upper, laying.lower);
        if (t < sliced->tree_count)
            lay_steps(&laying, sliced->steps + tree->steps, tree->levels,
                      1u << (depth - tree->levels));
    }
}

/* Whether a tree has more than the upper levels. */
static bool has_lower(const struct sliced *sliced)
{
    bool found = false;
    for (size_t t = 0; t < sliced->tree_count; t++)
        found = found || sliced->trees[t].levels > UPPER;
    return found;
}

/* Where in sliced.leaves the leaves of `room` trees begin: those beyond the last one have the leaf
 * after all others, which is added to no effect. */
static void lay_leaves(const struct sliced *sliced, size_t room, size_t *leaves)
{
    sliced->leaves[sliced->trees[sliced->tree_count].leaves] = -0.0f;
    for (size_t t = 0; t < room; t++)
        leaves[t] = sliced->trees[t < sliced->tree_count ? t : sliced->tree_count].leaves;
}
