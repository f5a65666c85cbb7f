#include "tree/sliced_row_sets.h"

#include <stdlib.h>
#include <string.h>

enum { THRESHOLDS = 256, THRESHOLD_BYTES = THRESHOLDS / 8 };

/* For each threshold, as codes from 0 are: the codes at or above it. */
static void lay_thresholds(uint8_t *sets)
{
    for (unsigned threshold = 0; threshold < THRESHOLDS; threshold++)
        for (unsigned code = threshold; code < THRESHOLDS; code++)
            sets[threshold * THRESHOLD_BYTES + code / 8] |= (uint8_t)(1 << code % 8);
}

/* The steps of a tree, whose categorical splits are the plan's tests from `tests` on. */
static void lay_tree(const struct sliced *sliced, const struct sliced_tree *tree,
                     struct set_node *nodes)
{
    const struct category_plan *plan = &sliced->plan.categories;
    for (size_t i = tree->steps; i < tree[1].steps; i++) {
        const struct cut_step *step = &sliced->steps[i];
        size_t column = step->column / BLOCK_ROWS;
        if (column < plan->outcomes) {
            uint8_t threshold = (uint8_t)(step->threshold ^ CODE_BIAS);
            nodes[i] = (struct set_node){threshold * THRESHOLD_BYTES, (uint32_t)column};
        } else {
            const struct category_test *test = &plan->tests[tree->tests + column - plan->outcomes];
            nodes[i] = (struct set_node){THRESHOLDS * THRESHOLD_BYTES + test->set, test->column};
        }
    }
}

static bool have_single_pages(const struct category_plan *plan)
{
    for (size_t i = 0; i < plan->feature_count; i++)
        if (category_pages(plan->features[i].codes) > 1)
            return false;
    return true;
}

bool row_sets_make(struct sliced *sliced, struct lathe_error *error)
{
    const struct category_plan *plan = &sliced->plan.categories;
    if (!plan->test_count || !have_single_pages(plan))
        return true;
    const struct category_test *last = &plan->tests[plan->test_count - 1];
    size_t bytes = (size_t)last->set + last->size, steps = sliced->trees[sliced->tree_count].steps;
    struct row_sets *sets = calloc(1, sizeof *sets);
    sliced->row_sets = sets;
    if (sets) {
        sets->nodes = malloc((steps + 1) * sizeof *sets->nodes);
        sets->sets = calloc(THRESHOLDS * THRESHOLD_BYTES + bytes, 1);
    }
    if (!sets || !sets->nodes || !sets->sets)
        return fail_memory(error, "the layout of single rows");
    lay_thresholds(sets->sets);
    memcpy(sets->sets + THRESHOLDS * THRESHOLD_BYTES, plan->sets, bytes);
    for (size_t t = 0; t < sliced->tree_count; t++)
        lay_tree(sliced, &sliced->trees[t], sets->nodes);
    return true;
}

void row_sets_free(struct row_sets *plan)
{
    if (!plan)
        return;
    free(plan->nodes);
    free(plan->sets);
    free(plan);
}

void row_sets_code(const struct sliced *sliced, const int8_t *columns, struct set_code *codes)
{
    const struct category_plan *plan = &sliced->plan.categories;
    for (size_t i = 0; i < plan->outcomes; i++) {
        uint8_t code = (uint8_t)columns[i] ^ CODE_BIAS;
        codes[i] = (struct set_code){code / 8, (uint8_t)(1 << code % 8)};
    }
    for (size_t i = 0; i < plan->feature_count; i++) {
        size_t column = plan->features[i].column;
        codes[column] = (struct set_code){(uint8_t)columns[column], (uint8_t)columns[column + 1]};
    }
}
