#include "tree/sliced_row_bytes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if TARGET_X86 || TARGET_NEON
#include "tree/lay_row.h"

/* Where in `upper` the node is that has place p in a heap whose root is at 1. */
static size_t upper_place(uint32_t p)
{
    if (p < 8)
        return 8 * (size_t)(p - 1) + 7;
    uint32_t level = p < 16 ? 0 : p < 32 ? 1 : 2, subtree = (p >> level) - 8;
    return 8 * (size_t)subtree + (p - ((subtree + 8) << level)) + (1u << level) - 1;
}

/* Where no node is either side of it will do. */
static struct node_place place_of(struct node node, int8_t *least)
{
    bool nothing = node.threshold == CODE_LOWEST;
    *least = (int8_t)(nothing ? CODE_HIGHEST : node.threshold - 1);
    return nothing ? node_place(0, false) : node_place(node.band, node.missing_right);
}

static void put_upper(struct upper *upper, uint32_t place, struct node node)
{
    size_t number = upper_place(place);
    struct node_place at = place_of(node, &upper->least[number]);
    upper->first[number] = at.first;
    upper->second[number] = at.second;
}

static void put_lower(struct lower *lower, uint32_t which, struct node node)
{
    lower->first[which] = place_of(node, &lower->least[which]).lower;
}

static void lay_nothing(struct upper *upper, struct lower *lower)
{
    memset(upper, 0, sizeof *upper);
    memset(upper->least, CODE_HIGHEST, NODES);
    for (size_t i = 0; lower && i < NODES; i++) {
        lower[i] = (struct lower){{0}, {0}};
        memset(lower[i].least, CODE_HIGHEST, sizeof lower[i].least);
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
    bool deep = has_lower(sliced);
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
    lay_heaps(sliced, trees, plan->upper, plan->lower);
    lay_leaves(sliced, trees, plan->leaves);
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
