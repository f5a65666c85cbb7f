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
};

/* Takes trees of the same number of levels down to their leaves. */
static inline void walk_abreast(struct walker *walkers, size_t count, uint32_t levels,
                                const int8_t *codes)
{
    for (uint32_t half = 1u << (levels - 1); half; half >>= 1)
        for (size_t i = 0; i < count; i++) {
            const struct cut_step *step = walkers[i].step;
            uint32_t right = codes[step->column / BLOCK_ROWS] >= (int8_t)step->threshold;
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
    size_t columns = sliced->plan.columns;
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
            walkers[count] = (struct walker){sliced->steps + sliced->trees[t + count].steps, 0};
            count++;
        }
        if (count == ABREAST)
            walk_abreast(walkers, ABREAST, levels, codes);
        else
            walk_abreast(walkers, count, levels, codes);
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
