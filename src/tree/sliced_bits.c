#include "tree/sliced_bits.h"

#include "tree/sliced.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_BITS = 8, WORD_BITS = 64 };

/* The different splits of the group that is being gathered: a key is a column and a threshold, and
 * its bit is set in a word. */
struct gathering {
    struct sliced *sliced;
    uint64_t *words;   /* of all keys */
    uint32_t *before;  /* by word: the place of its first key's mask */
    uint32_t *touched; /* words that are not zero */
    size_t touched_count;
    size_t distinct;
    size_t tests; /* the most categorical splits that a tree has */
    size_t group_room, run_room, threshold_room;
};

/* False for the step of no node, which no mask is needed for, and of a categorical split. */
static bool key_of(const struct sliced *sliced, const struct cut_step *step, size_t *key)
{
    size_t column = step->column / BLOCK_ROWS;
    *key = column << KEY_BITS | (uint8_t)(step->threshold ^ CODE_BIAS);
    return (int8_t)step->threshold != CODE_LOWEST && column < sliced->plan.categories.outcomes;
}

static size_t steps_of(const struct sliced_tree *tree)
{
    return ((size_t)1 << tree->levels) - 1;
}

static void gather_tree(struct gathering *gathering, const struct sliced_tree *tree)
{
    const struct cut_step *steps = gathering->sliced->steps + tree->steps;
    size_t tests = tree[1].tests - tree->tests;
    gathering->tests = tests > gathering->tests ? tests : gathering->tests;
    for (size_t i = 0; i < steps_of(tree); i++) {
        size_t key;
        if (!key_of(gathering->sliced, &steps[i], &key))
            continue;
        uint64_t *word = &gathering->words[key / WORD_BITS];
        uint64_t bit = (uint64_t)1 << key % WORD_BITS;
        if (*word == 0)
            gathering->touched[gathering->touched_count++] = (uint32_t)(key / WORD_BITS);
        gathering->distinct += (*word & bit) == 0;
        *word |= bit;
    }
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Appends a split to the group's runs. */
static bool add_split(struct gathering *gathering, size_t key, bool first, uint32_t mask,
                      struct lathe_error *error)
{
    struct sliced_bits *layout = gathering->sliced->bits;
    uint32_t column = (uint32_t)(key >> KEY_BITS);
    if (!ensemble_grow((void **)&layout->thresholds, &gathering->threshold_room,
                       layout->threshold_count + 1, 1, error) ||
        !ensemble_grow((void **)&layout->runs, &gathering->run_room, layout->run_count + 1,
                       sizeof *layout->runs, error))
        return false;
    if (first || layout->runs[layout->run_count - 1].column != column)
        layout->runs[layout->run_count++] =
            (struct split_run){column, (uint32_t)layout->threshold_count, 0, mask};
    layout->runs[layout->run_count - 1].count++;
    layout->thresholds[layout->threshold_count++] = (uint8_t)key;
    return true;
}

/* By column, then threshold. */
static bool add_splits(struct gathering *gathering, struct lathe_error *error)
{
    uint32_t mask = 1;
    qsort(gathering->touched, gathering->touched_count, sizeof *gathering->touched, ascending);
    for (size_t i = 0; i < gathering->touched_count; i++) {
        size_t word = gathering->touched[i];
        gathering->before[word] = mask;
        for (uint64_t rest = gathering->words[word]; rest; rest &= rest - 1, mask++)
            if (!add_split(gathering, word * WORD_BITS + (size_t)__builtin_ctzll(rest), mask == 1,
                           mask, error))
                return false;
    }
    return true;
}

/* tests: the mask of each tree's first categorical split. */
static uint32_t mask_of(const struct gathering *gathering, const struct cut_step *step,
                        uint32_t tests)
{
    const struct sliced *sliced = gathering->sliced;
    size_t key, column = step->column / BLOCK_ROWS;
    if ((int8_t)step->threshold == CODE_LOWEST)
        return 0;
    if (!key_of(sliced, step, &key))
        return tests + (uint32_t)(column - sliced->plan.categories.outcomes);
    size_t word = key / WORD_BITS;
    uint64_t below = gathering->words[word] & (((uint64_t)1 << key % WORD_BITS) - 1);
    return gathering->before[word] + (uint32_t)__builtin_popcountll(below);
}

static void number_steps(const struct gathering *gathering, const struct bit_group *group)
{
    const struct sliced *sliced = gathering->sliced;
    const struct sliced_tree *trees = sliced->trees;
    for (size_t i = trees[group->first_tree].steps; i < trees[group->last_tree].steps; i++)
        sliced->bits->masks[i] = (uint16_t)mask_of(gathering, &sliced->steps[i], group->test_mask);
}

/* Makes a group of what was gathered, the trees from `first` up to `last`. */
static bool close_group(struct gathering *gathering, size_t first, size_t last,
                        struct lathe_error *error)
{
    struct sliced_bits *layout = gathering->sliced->bits;
    size_t run = layout->run_count, numbers = gathering->distinct + 1;
    if (!ensemble_grow((void **)&layout->groups, &gathering->group_room, layout->group_count + 1,
                       sizeof *layout->groups, error) ||
        !add_splits(gathering, error))
        return false;
    struct bit_group *group = &layout->groups[layout->group_count++];
    *group = (struct bit_group){first, last, run, layout->run_count, (uint32_t)numbers};
    number_steps(gathering, group);
    if (numbers + gathering->tests > layout->most)
        layout->most = numbers + gathering->tests;
    for (size_t i = 0; i < gathering->touched_count; i++)
        gathering->words[gathering->touched[i]] = 0;
    gathering->touched_count = gathering->distinct = gathering->tests = 0;
    return true;
}

static bool gather_all(struct gathering *gathering, struct lathe_error *error)
{
    const struct sliced *sliced = gathering->sliced;
    size_t first = 0;
    for (size_t t = 0; t < sliced->tree_count; t++) {
        const struct sliced_tree *tree = &sliced->trees[t];
        if (gathering->distinct + steps_of(tree) >= MOST_MASKS) {
            if (!close_group(gathering, first, t, error))
                return false;
            first = t;
        }
        gather_tree(gathering, tree);
    }
    return close_group(gathering, first, sliced->tree_count, error);
}

bool sliced_bits_make(struct sliced *sliced, struct lathe_error *error)
{
    size_t words = (sliced->plan.categories.outcomes + 1) << KEY_BITS >> 6;
    size_t steps = sliced->trees[sliced->tree_count].steps;
    sliced->bits = calloc(1, sizeof *sliced->bits);
    struct gathering gathering = {
        .sliced = sliced,
        .words = calloc(words, sizeof *gathering.words),
        .before = malloc(words * sizeof *gathering.before),
        .touched = malloc(words * sizeof *gathering.touched),
    };
    if (sliced->bits)
        sliced->bits->masks = malloc((steps + 1) * sizeof *sliced->bits->masks);
    bool good = sliced->bits && sliced->bits->masks && gathering.words && gathering.before &&
                gathering.touched;
    if (good)
        good = gather_all(&gathering, error);
    else
        fail(error, LATHE_NO_MEMORY, "no memory for the layout of %zu splits", steps);
    free(gathering.words);
    free(gathering.before);
    free(gathering.touched);
    return good;
}

void sliced_bits_free(struct sliced_bits *bits)
{
    if (!bits)
        return;
    free(bits->groups);
    free(bits->runs);
    free(bits->thresholds);
    free(bits->masks);
    free(bits);
}
