#include "tree/sliced_row_bytes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if TARGET_X86 || TARGET_NEON
struct laying {
    const struct node_place *places; /* by column of `sliced` */
    struct upper *upper;
    struct lower *lower;
};

/* Where in `upper` the node is that has place p in a heap whose root is at 1. */
static size_t upper_place(uint32_t p)
{
    if (p < 8)
        return 8 * (size_t)(p - 1) + 7;
    uint32_t level = p < 16 ? 0 : p < 32 ? 1 : 2, subtree = (p >> level) - 8;
    return 8 * (size_t)subtree + (p - ((subtree + 8) << level)) + (1u << level) - 1;
}

/* Copies a subtree's steps, which lie in the order of use, to the places from `place` in a heap. */
static void lay_steps(const struct laying *laying, const struct cut_step *step, uint32_t levels,
                      uint32_t place)
{
    if (levels == 0)
        return;
    int threshold = (int8_t)step->threshold;
    struct node_place at = laying->places[step->column / BLOCK_ROWS];
    /* where no node is either side will do */
    int8_t least = (int8_t)(threshold == CODE_LOWEST ? CODE_HIGHEST : threshold - 1);
    if (threshold == CODE_LOWEST)
        at = node_place(0, false);
    if (place < NODES) {
        size_t number = upper_place(place);
        laying->upper->first[number] = at.first;
        laying->upper->second[number] = at.second;
        laying->upper->least[number] = least;
    } else if (laying->lower) { /* as it is where a tree is so deep */
        bool child = place >= 2 * NODES;
        struct lower *lower = &laying->lower[(child ? place / 2 : place) - NODES];
        lower->first[child ? 1 + place % 2 : 0] = at.lower;
        lower->least[child ? 1 + place % 2 : 0] = least;
    }
    lay_steps(laying, step + 1, levels - 1, 2 * place);
    lay_steps(laying, step + ((size_t)1 << (levels - 1)), levels - 1, 2 * place + 1);
}

/* A tree that every row leaves at the left end. */
static void lay_nothing(const struct laying *laying)
{
    memset(laying->upper, 0, sizeof *laying->upper);
    memset(laying->upper->least, CODE_HIGHEST, NODES);
    for (size_t i = 0; laying->lower && i < NODES; i++) {
        laying->lower[i] = (struct lower){{0}, {0}};
        memset(laying->lower[i].least, CODE_HIGHEST, sizeof laying->lower[i].least);
    }
}

static void place_columns(const struct cut_plan *plan, struct node_place *places)
{
    for (size_t b = 0; b < plan->band_count; b++) {
        const struct band *band = &plan->bands[b];
        if (band->low != NO_COLUMN)
            places[band->low] = node_place(b, false);
        if (band->high != NO_COLUMN)
            places[band->high] = node_place(b, true);
    }
}

/* To a whole number of units with trees whose leaf is the one after all others. A tree of fewer
 * levels hangs at the left end of a full one, below nodes that send every row left. */
static void lay_trees(const struct sliced *sliced, struct row_bytes *plan, size_t room)
{
    struct node_place places[2 * ROOM] = {{0}};
    place_columns(&sliced->plan, places);
    uint32_t depth = plan->lower ? MOST_LEVELS : UPPER;
    for (size_t t = 0; t < room; t++) {
        bool real = t < sliced->tree_count;
        const struct sliced_tree *tree = &sliced->trees[real ? t : sliced->tree_count];
        struct laying laying = {places, &plan->upper[t],
                                plan->lower ? plan->lower + t * NODES : NULL};
        lay_nothing(&laying);
        if (real)
            lay_steps(&laying, sliced->steps + tree->steps, tree->levels,
                      1u << (depth - tree->levels));
        plan->leaves[t] = tree->leaves;
    }
}

static void lay_bands(const struct cut_plan *cuts, struct row_bytes *plan)
{
    /* NaN where there is no cut: nothing is at or above it */
    for (size_t i = 0; i < ROOM; i++) {
        const struct band *band = i < cuts->band_count ? &cuts->bands[i] : NULL;
        struct lanes *lanes = &plan->lanes[i / LANES];
        size_t lane = i % LANES;
        lanes->features[lane] = band ? (int32_t)band->feature : 0;
        bool follows = lane == 0 || !band ||
                       (lanes->there[0] && lanes->features[lane - 1] + 1 == lanes->features[lane]);
        lanes->there[lane] = band ? -1 : 0;
        if (!follows)
            memset(lanes->there, 0, sizeof lanes->there);
        for (size_t k = 0; k < SIXTEEN - 1; k++)
            lanes->every[k][lane] = band && SIXTEEN * k + SIXTEEN - 1 < band->count
                                        ? cuts->cuts[band->first + SIXTEEN * k + SIXTEEN - 1]
                                        : NAN;
        for (size_t k = 0; band && k < CUTS; k++)
            plan->cuts[i * CUTS + k] = k < band->count ? cuts->cuts[band->first + k] : NAN;
    }
}

/* For all outcomes of seven nodes, a root, its children and theirs, where they lead. */
static void lay_ways(struct row_bytes *plan)
{
    for (unsigned bits = 0; bits < 128; bits++) {
        unsigned root = bits & 1, child = bits >> (1 + root) & 1;
        unsigned last = bits >> (3 + 2 * root + child) & 1;
        plan->leaf[bits] = (uint8_t)(4 * root + 2 * child + last);
        plan->subtree[bits] = (uint8_t)(8 * plan->leaf[bits]);
    }
}

bool row_bytes_make(struct sliced *sliced, struct lathe_error *error)
{
    size_t bands = sliced->plan.band_count, trees = (sliced->tree_count + UNIT - 1) / UNIT * UNIT;
    if (bands > ROOM || sliced->plan.categories.test_count)
        return true;
    bool deep = false;
    for (size_t t = 0; t < sliced->tree_count; t++)
        deep = deep || sliced->trees[t].levels > UPPER;
    struct row_bytes *plan = calloc(1, sizeof *plan);
    sliced->row_bytes = plan;
    if (plan) {
        plan->bands = bands;
        plan->upper = aligned_alloc(64, trees * sizeof *plan->upper);
        plan->lower = deep ? aligned_alloc(64, trees * NODES * sizeof *plan->lower) : NULL;
        plan->leaves = malloc(trees * sizeof *plan->leaves);
        plan->lanes = aligned_alloc(64, ROOM / LANES * sizeof *plan->lanes);
        plan->cuts = aligned_alloc(64, (bands + 1) * CUTS * sizeof *plan->cuts);
    }
    if (!plan || !plan->upper || (deep && !plan->lower) || !plan->leaves || !plan->lanes ||
        !plan->cuts)
        return fail_memory(error, "the layout of single rows");
    sliced->leaves[sliced->trees[sliced->tree_count].leaves] = -0.0f; /* added to no effect */
    lay_trees(sliced, plan, trees);
    lay_bands(&sliced->plan, plan);
    lay_ways(plan);
    return true;
}

void row_bytes_free(struct row_bytes *plan)
{
    if (!plan)
        return;
    free(plan->upper);
    free(plan->lower);
    free(plan->leaves);
    free(plan->lanes);
    free(plan->cuts);
    free(plan);
}
#endif
