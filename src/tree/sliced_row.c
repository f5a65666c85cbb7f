/* One row: what counts is the time until its answer, not how many rows pass at once. The codes are
 * one byte a column, and the steps of eight trees are taken in turn, so that their memory accesses
 * overlap; a step is a load, a comparison and an addition, without a branch to mispredict. */
#include "tree/sliced.h"

#include <stdlib.h>
#include <string.h>

enum { ABREAST = 8, STACK_CODES = 4096 };

struct walker {
    const struct cut_step *step;
    uint32_t number; /* of the leaf, its bits gathered from the top */
    size_t tests;    /* where the tree's categorical splits begin */
};

/* Categorical splits are asked where they are met, the others by their columns. */
static inline uint32_t goes_right(const struct category_plan *plan, const struct walker *walker,
                                  const int8_t *codes)
{
    size_t column = walker->step->column / BLOCK_ROWS;
    if (plan->test_count && column >= plan->outcomes)
        return category_goes_right(plan, &plan->tests[walker->tests + column - plan->outcomes],
                                   codes, 1, 0);
    return codes[column] >= (int8_t)walker->step->threshold;
}

/* Takes trees of the same number of levels down to their leaves. */
static inline void walk_abreast(const struct category_plan *plan, struct walker *walkers,
                                size_t count, uint32_t levels, const int8_t *codes)
{
    for (uint32_t half = 1u << (levels - 1); half; half >>= 1)
        for (size_t i = 0; i < count; i++) {
            const struct cut_step *step = walkers[i].step;
            uint32_t right = goes_right(plan, &walkers[i], codes);
            /* products, for a conditional would become a branch that is wrong half the time */
            walkers[i].number += right * half;
            walkers[i].step = step + 1 + right * (half - 1);
        }
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
    const struct row_source source = {.rows = row};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sliced->tables; k++)
            out[sliced->trees[first + i].output + k] +=
                sliced_leaf(sliced, ensemble, first + i, k, numbers[i], &source, 0);
}

size_t sliced_few_rows(const struct sliced *sliced)
{
    /* a block of bits costs about the same however many rows are in it */
    return sliced->row_bytes ? 96 : sliced->row_plan ? 32 : 16;
}

bool sliced_row(const struct sliced *sliced, const struct ensemble *ensemble, const float *row,
                float *out)
{
    if (sliced->row_plan || sliced->row_bytes) {
        sliced->way->row(sliced, ensemble, row, out);
        return true;
    }
    int8_t stack[STACK_CODES];
    const struct category_plan *plan = &sliced->plan.categories;
    size_t columns = plan->outcomes; /* which are not made */
    int8_t *codes = columns <= STACK_CODES ? stack : malloc(columns);
    if (!codes)
        return false;
    cuts_apply(&sliced->plan, &(struct row_source){.rows = row}, 0, 1, codes, 1);
    memcpy(out, ensemble->base_margin, ensemble->outputs * sizeof *out);
    size_t t = 0;
    while (t < sliced->tree_count) {
        uint32_t levels = sliced->trees[t].levels;
        struct walker walkers[ABREAST];
        size_t count = 0;
        while (count < ABREAST && t + count < sliced->tree_count &&
               sliced->trees[t + count].levels == levels) {
            const struct sliced_tree *tree = &sliced->trees[t + count];
            walkers[count] = (struct walker){sliced->steps + tree->steps, 0, tree->tests};
            count++;
        }
        if (count == ABREAST)
            walk_abreast(plan, walkers, ABREAST, levels, codes);
        else
            walk_abreast(plan, walkers, count, levels, codes);
        uint32_t numbers[ABREAST];
        for (size_t i = 0; i < count; i++)
            numbers[i] = walkers[i].number;
        sliced_add_row(sliced, ensemble, t, count, numbers, row, out);
        t += count;
    }
    if (codes != stack)
        free(codes);
    return true;
}
