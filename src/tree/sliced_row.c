/* One row: what counts is the time until its answer, not how many rows pass at once. The codes are
 * one byte a column, and the steps of eight trees are taken in turn, so that their memory accesses
 * overlap; a step is a load, a comparison and an addition, without a branch to mispredict. */
#include "tree/sliced.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TREES_ABREAST = 8, STACK_CODES = 4096 };
static_assert((int)TREES_ABREAST <= (int)ROW_TREES, "they are added together");

struct walker {
    size_t step;
    uint32_t number; /* of the leaf, its bits gathered from the top */
};

/* Takes trees of the same number of levels down to their leaves. */
static ALWAYS_INLINE void walk_levels(const struct sliced *sliced, struct walker *walkers,
                                      size_t count, uint32_t levels, const int8_t *codes)
{
    for (uint32_t half = 1u << (levels - 1); half; half >>= 1)
        for (size_t i = 0; i < count; i++) {
            const struct cut_step *step = &sliced->steps[walkers[i].step];
            uint32_t right = codes[step->column / BLOCK_ROWS] >= (int8_t)step->threshold;
            /* products, for a conditional would become a branch that is wrong half the time */
            walkers[i].number += right * half;
            walkers[i].step += 1 + right * (half - 1);
        }
}

static void walk_abreast(const struct sliced *sliced, struct walker *walkers, size_t count,
                         uint32_t levels, const int8_t *codes)
{
    if (count == TREES_ABREAST)
        walk_levels(sliced, walkers, TREES_ABREAST, levels, codes);
    else
        walk_levels(sliced, walkers, count, levels, codes);
}

/* A step on below the full tree, by the row's floats. */
static inline int32_t step_on(const struct ensemble *ensemble, const struct tree_node *node,
                              const float *row)
{
    float value = row[node->feature];
    if (node->categorical)
        return tree_step(ensemble, node, value);
    /* by bits, for a conditional would become a branch that is wrong half the time */
    uint32_t left = (value < node->threshold) | (node->default_left & (value != value));
    uint32_t mask = 0 - left;
    return (int32_t)(((uint32_t)node->left & mask) | ((uint32_t)node->right & ~mask));
}

/* One row on its way in some trees. */
struct going {
    const struct tree_node *nodes[ROW_TREES]; /* each tree's, */
    int32_t at[ROW_TREES];                    /* and where among them the row is, */
    uint32_t trees[ROW_TREES];                /* and which it is of those that are added */
    size_t count;
};

/* Level by level, so that what one tree waits for another does not; those left behind that have
 * arrived. */
static void walk_on(const struct ensemble *ensemble, struct going *going, const float *row)
{
    uint32_t order[ROW_TREES];
    size_t count = 0;
    for (; count < going->count; count++)
        order[count] = (uint32_t)count;
    while (count) {
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
            uint32_t which = order[i];
            const struct tree_node *nodes = going->nodes[which];
            int32_t next = step_on(ensemble, &nodes[going->at[which]], row);
            going->at[which] = next;
            order[kept] = which;
            kept += nodes[next].left != NO_CHILD;
        }
        count = kept;
    }
}

/* The leaf of each tree where that is below the full tree, else NULL. */
static void find_deep(const struct sliced *sliced, const struct ensemble *ensemble, size_t first,
                      size_t count, const uint32_t *numbers, const float *row,
                      const struct tree_node **leaves)
{
    struct going going;
    going.count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sliced_tree *part = &sliced->trees[first + i];
        int32_t at = part->exits == NO_EXITS ? NO_CHILD : sliced->exits[part->exits + numbers[i]];
        leaves[i] = NULL;
        if (at == NO_CHILD)
            continue;
        going.nodes[going.count] = ensemble->nodes + ensemble->trees[first + i].first;
        going.at[going.count] = at;
        going.trees[going.count++] = (uint32_t)i;
    }
    walk_on(ensemble, &going, row);
    for (size_t i = 0; i < going.count; i++)
        leaves[going.trees[i]] = &going.nodes[i][going.at[i]];
}

void sliced_add_row(const struct sliced *sliced, const struct ensemble *ensemble, size_t first,
                    size_t count, const uint32_t *numbers, const float *row, float *out)
{
    /* the usual case, whose sum stays in a register: each addition waits for the one before it */
    if (ensemble->outputs == 1 && sliced->trees[sliced->tree_count].exits == 0) {
        float sum = *out;
        for (size_t i = 0; i < count; i++)
            sum += sliced->leaves[sliced->trees[first + i].leaves + numbers[i]];
        *out = sum;
        return;
    }
    const struct tree_node *deep[ROW_TREES];
    find_deep(sliced, ensemble, first, count, numbers, row, deep);
    for (size_t i = 0; i < count; i++) {
        const struct sliced_tree *part = &sliced->trees[first + i];
        for (size_t k = 0; k < sliced->tables; k++)
            out[part->output + k] +=
                deep[i] ? ensemble_leaf(ensemble, deep[i], k)
                        : sliced->leaves[part->leaves + (k << part->levels) + numbers[i]];
    }
}

size_t sliced_few_rows(const struct sliced *sliced)
{
    /* a block of bits costs about the same however many rows are in it */
    if (sliced->row_bytes || (sliced->sets && sliced->bits))
        return 96;
    return sliced->row_plan || sliced->sets ? 32 : 16;
}

/* All trees of a forest of numbers, some at a time. */
static void walk_trees(const struct sliced *sliced, const struct ensemble *ensemble,
                       const int8_t *codes, const float *row, float *out)
{
    size_t t = 0;
    while (t < sliced->tree_count) {
        uint32_t levels = sliced->trees[t].levels, numbers[TREES_ABREAST];
        struct walker walkers[TREES_ABREAST];
        size_t count = 0;
        while (count < TREES_ABREAST && t + count < sliced->tree_count &&
               sliced->trees[t + count].levels == levels)
            walkers[count] = (struct walker){sliced->trees[t + count].steps, 0}, count++;
        walk_abreast(sliced, walkers, count, levels, codes);
        for (size_t i = 0; i < count; i++)
            numbers[i] = walkers[i].number;
        sliced_add_row(sliced, ensemble, t, count, numbers, row, out);
        t += count;
    }
}

/* Adds the leaves of some trees. */
static void add_found(const struct sliced *sliced, const struct ensemble *ensemble, size_t first,
                      size_t count, const int32_t *nodes, float *out)
{
    /* the usual case, whose sum stays in a register: each addition waits for the one before it */
    if (ensemble->outputs == 1) {
        float sum = *out;
        for (size_t i = 0; i < count; i++)
            sum += sliced_found(sliced, ensemble, nodes[i], 0);
        *out = sum;
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sliced->tables; k++)
            out[ensemble->trees[first + i].output + k] +=
                sliced_found(sliced, ensemble, nodes[i], k);
}

/* All trees of a forest with categories, as a block of one row. */
static void walk_sets(const struct sliced *sliced, const struct ensemble *ensemble, uint16_t *codes,
                      float *out)
{
    const uint32_t rows[ABREAST] = {0};
    const struct row_block block = {.codes = codes};
    for (size_t t = 0; t < sliced->tree_count; t += ABREAST) {
        int32_t nodes[ABREAST];
        uint32_t levels = 0;
        size_t left = sliced->tree_count - t, count = left < ABREAST ? left : ABREAST;
        for (size_t i = 0; i < ABREAST; i++) {
            size_t tree = t + (i < count ? i : 0);
            uint32_t depth = ensemble->trees[tree].depth;
            nodes[i] = sliced->sets->roots[tree];
            levels = depth > levels ? depth : levels;
        }
        sliced_walk_on(sliced, &block, levels, rows, ABREAST, nodes);
        add_found(sliced, ensemble, t, count, nodes, out);
    }
}

bool sliced_row(const struct sliced *sliced, const struct ensemble *ensemble, const float *row,
                float *out)
{
    if (sliced->row_plan || sliced->row_bytes) {
        sliced->way->row(sliced, ensemble, row, out);
        return true;
    }
    uint16_t stack[STACK_CODES / 2];
    size_t columns = sliced->plan.categories.outcomes; /* which are not made */
    size_t sets = sliced->sets ? sliced->sets->codes : 0, bytes = 2 * sets + columns;
    uint16_t *codes = bytes > sizeof stack ? malloc(bytes) : stack;
    if (!codes)
        return false;
    int8_t *numbers = (int8_t *)(codes + sets);
    cuts_apply(&sliced->plan, &(struct row_source){.rows = row}, 0, 1, numbers, 1);
    memcpy(out, ensemble->base_margin, ensemble->outputs * sizeof *out);
    if (sliced->sets) {
        sliced_sets_code(sliced, numbers, 1, 1, codes);
        walk_sets(sliced, ensemble, codes, out);
    } else {
        walk_trees(sliced, ensemble, numbers, row, out);
    }
    if (codes != stack)
        free(codes);
    return true;
}
