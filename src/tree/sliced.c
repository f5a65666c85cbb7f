#include "tree/sliced.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How many categorical splits each of a tree's upper levels has. Recurses MOST_LEVELS deep. */
static void count_tests(const struct tree_node *nodes, int32_t number, uint32_t level,
                        uint32_t *counts)
{
    const struct tree_node *node = &nodes[number];
    if (level == MOST_LEVELS || node->left == NO_CHILD)
        return;
    counts[level] += node->categorical;
    count_tests(nodes, node->left, level + 1, counts);
    count_tests(nodes, node->right, level + 1, counts);
}

/* How many levels of a tree are taken whole: a categorical split takes so much longer for a block
 * than a numeric one that where a level has many, rows go on node by node sooner. */
static uint32_t levels_of(const struct ensemble *ensemble, const struct tree *tree,
                          const struct sliced_way *way)
{
    uint32_t counts[MOST_LEVELS] = {0}, levels = LEAST_LEVELS;
    if (ensemble->set_count)
        count_tests(ensemble->nodes + tree->first, 0, 0, counts);
    while (levels < MOST_LEVELS && levels < tree->depth && counts[levels] <= way->most_tests)
        levels++;
    return levels;
}

static size_t plane_size(uint32_t levels)
{
    return levels < 6 ? 64 : (size_t)1 << levels;
}

/* Where each tree's parts begin; the totals are left in the last, one past the trees. */
static void place_trees(struct sliced *sliced, const struct ensemble *ensemble)
{
    struct sliced_tree at = {0};
    size_t exits = 0;
    for (size_t t = 0; t < ensemble->tree_count; t++) {
        const struct tree *tree = &ensemble->trees[t];
        uint32_t levels = levels_of(ensemble, tree, sliced->way);
        at.levels = levels;
        at.output = tree->output;
        at.exits = tree->depth > levels ? exits : NO_EXITS;
        sliced->trees[t] = at;
        at.steps += ((size_t)1 << levels) - 1;
        at.leaves += sliced->tables << levels;
        at.planes += sliced->tables * 4 * plane_size(levels);
        exits += tree->depth > levels ? (size_t)1 << levels : 0;
    }
    at.exits = exits;
    sliced->trees[ensemble->tree_count] = at;
}

struct laying {
    const struct ensemble *ensemble;
    const struct tree_node *nodes; /* the tree's */
    struct split_list *splits;
    float *leaves;
    int32_t *exits;
    size_t tables;
    size_t tests; /* of the trees before */
    uint32_t levels;
};

/* At the places from `place` on, `width` of them: below where the tree has its leaf already. */
static void lay_leaf(const struct laying *laying, int32_t number, size_t place, size_t width)
{
    const struct ensemble *ensemble = laying->ensemble;
    const struct tree_node *node = &laying->nodes[number];
    if (node->left != NO_CHILD) {
        assert(laying->exits); /* a tree of more levels has them */
        laying->exits[place] = number;
        return;
    }
    for (size_t k = 0; k < laying->tables; k++) {
        float *leaves = laying->leaves + (k << laying->levels) + place;
        float leaf = ensemble->vector_leaves
                         ? ensemble->leaves[(size_t)node->right * ensemble->outputs + k]
                         : node->leaf;
        for (size_t i = 0; i < width; i++)
            leaves[i] = leaf;
    }
}

/* Lays out the leaves of the subtree at a node of the full tree, and lists its splits. Recurses
 * MOST_LEVELS deep. */
static void lay_node(const struct laying *laying, int32_t number, uint32_t levels, size_t step,
                     size_t place)
{
    const struct tree_node *node = &laying->nodes[number];
    if (levels == 0 || node->left == NO_CHILD) {
        lay_leaf(laying, number, place, (size_t)1 << levels);
        return;
    }
    split_list_add(laying->splits, node, step, laying->tests);
    size_t half = (size_t)1 << (levels - 1);
    lay_node(laying, node->left, levels - 1, step + 1, place);
    lay_node(laying, node->right, levels - 1, step + half, place + half);
}

/* Of eight at a time, for which compilers use wide registers; a tree has no fewer. */
static void lay_planes(const float *leaves, uint32_t levels, size_t tables, uint8_t *planes)
{
    enum { EIGHT = 1 << LEAST_LEVELS };
    size_t slots = (size_t)1 << levels, size = plane_size(levels);
    for (size_t k = 0; k < tables; k++, leaves += slots, planes += 4 * size)
        for (size_t i = 0; i < slots; i += EIGHT) {
            uint32_t bits[EIGHT];
            memcpy(bits, leaves + i, sizeof bits);
            for (size_t p = 0; p < 4; p++)
                for (size_t e = 0; e < EIGHT; e++)
                    planes[p * size + i + e] = (uint8_t)(bits[e] >> (8 * p));
        }
}

static void lay_trees(struct sliced *sliced, const struct ensemble *ensemble,
                      struct split_list *splits)
{
    size_t steps = sliced->trees[ensemble->tree_count].steps;
    for (size_t i = 0; i < steps; i++)
        sliced->steps[i] = (struct cut_step){0, 0x01010101u * (uint8_t)CODE_LOWEST};
    for (size_t t = 0; t < ensemble->tree_count; t++) {
        struct sliced_tree *tree = &sliced->trees[t];
        tree->tests = splits->category_count;
        struct laying laying = {
            .ensemble = ensemble,
            .nodes = ensemble->nodes + ensemble->trees[t].first,
            .splits = splits,
            .leaves = sliced->leaves + tree->leaves,
            .exits = tree->exits == NO_EXITS ? NULL : sliced->exits + tree->exits,
            .tables = sliced->tables,
            .tests = tree->tests,
            .levels = tree->levels,
        };
        lay_node(&laying, 0, tree->levels, tree->steps, 0);
        if (sliced->planes)
            lay_planes(laying.leaves, tree->levels, sliced->tables, sliced->planes + tree->planes);
    }
    sliced->trees[ensemble->tree_count].tests = splits->category_count;
}

struct parting {
    uint32_t levels, walked;
    struct lookup *lookups;
};

/* Parts a subtree into the steps of the levels that are walked, in their order, and the others.
 * `number` is its place on its level, `depth` how many are above. */
static void part_steps(const struct parting *parting, const struct cut_step *from, uint32_t depth,
                       uint32_t number, struct cut_step *to)
{
    if (depth == parting->levels)
        return;
    size_t half = (size_t)1 << (parting->levels - depth - 1);
    size_t half_walked = depth < parting->walked ? (size_t)1 << (parting->walked - depth - 1) : 0;
    if (depth < parting->walked) {
        *to = *from;
    } else {
        struct lookup *lookup = &parting->lookups[depth - parting->walked];
        lookup->columns[number] = (uint8_t)(from->column / BLOCK_ROWS);
        lookup->thresholds[number] = (int8_t)from->threshold;
    }
    part_steps(parting, from + 1, depth + 1, 2 * number, to + (half_walked ? 1 : 0));
    part_steps(parting, from + half, depth + 1, 2 * number + 1, to + half_walked);
}

bool sliced_part_trees(struct sliced *sliced, struct lathe_error *error)
{
    size_t columns = sliced->plan.columns, steps = 0, lookups = 0;
    sliced->walked = columns <= 16 ? 4 : columns <= 32 ? 5 : columns <= 64 ? 6 : MOST_LEVELS;
    for (size_t t = 0; t < sliced->tree_count; t++) {
        struct sliced_tree *tree = &sliced->trees[t];
        if (!sliced_looks_up(sliced, tree))
            continue;
        tree->upper = steps;
        tree->lookups = lookups;
        steps += ((size_t)1 << sliced->walked) - 1;
        lookups += tree->levels - sliced->walked;
    }
    if (lookups == 0)
        return true;
    sliced->column_room = (size_t)1 << sliced->walked;
    sliced->upper = malloc(steps * sizeof *sliced->upper);
    sliced->lookups = aligned_alloc(64, lookups * sizeof *sliced->lookups);
    if (!sliced->upper || !sliced->lookups)
        return fail(error, LATHE_NO_MEMORY, "no memory for the layout of %zu trees",
                    sliced->tree_count);
    memset(sliced->lookups, 0, lookups * sizeof *sliced->lookups);
    for (size_t t = 0; t < sliced->tree_count; t++) {
        const struct sliced_tree *tree = &sliced->trees[t];
        struct parting parting = {tree->levels, sliced->walked, sliced->lookups + tree->lookups};
        if (sliced_looks_up(sliced, tree))
            part_steps(&parting, sliced->steps + tree->steps, 0, 0, sliced->upper + tree->upper);
    }
    return true;
}

/* Full trees of vector leaves can be far larger than the trees they are made from, and a block has
 * sums for every output: with a great many outputs only the plain walk is offered. */
static bool worth_slicing(const struct ensemble *ensemble, const struct sliced_way *way)
{
    enum { MOST_SUMS = 1 << 14, MOST_GROWTH = 64, ALWAYS_FINE = 1 << 22 };
    size_t tables = ensemble->vector_leaves ? ensemble->outputs : 1, leaves = 0;
    for (size_t t = 0; t < ensemble->tree_count; t++)
        leaves += tables << levels_of(ensemble, &ensemble->trees[t], way);
    return ensemble->outputs <= MOST_SUMS &&
           leaves <= MOST_GROWTH * (ensemble->node_count + ensemble->leaf_count) + ALWAYS_FINE;
}

/* What is below the full trees, and its sets of categories. */
static size_t deep_bytes(const struct sliced *sliced)
{
    const struct category_plan *plan = &sliced->plan.categories;
    const struct category_test *last = plan->tests + plan->test_count;
    size_t sets = plan->test_count ? last[-1].set + last[-1].size : 0;
    return sliced->sets
               ? sliced->sets->count * sizeof(struct set_node) + sets
               : sliced->deep.count * (sizeof *sliced->deep.nodes + sizeof *sliced->deep.more);
}

/* How many trees are GROUP_BYTES, on average. Walked over bits they are taken so only where what is
 * below them is more than a block's masks, which would not stay in the cache either. */
static size_t group_of(const struct sliced *sliced)
{
    enum { GROUP_BYTES = 256 << 10, MASK_BYTES = GROUP_BYTES / 8 };
    const struct sliced_tree *whole = &sliced->trees[sliced->tree_count];
    size_t bytes = whole->steps * sizeof(struct cut_step) + whole->leaves * sizeof(float) + 1;
    if (whole->exits)
        bytes += deep_bytes(sliced);
    if (sliced->bits && (!whole->exits || sliced->mask_bytes > MASK_BYTES))
        return sliced->tree_count;
    size_t trees = sliced->tree_count * (size_t)GROUP_BYTES / bytes;
    return trees ? trees : 1;
}

/* Room for the trees' parts, and for as many splits as there can be. */
static bool make_room(struct sliced *sliced, const struct ensemble *ensemble,
                      struct split_list *splits)
{
    const struct sliced_tree *whole = &sliced->trees[ensemble->tree_count];
    sliced->leaves = calloc(whole->leaves + 1, sizeof *sliced->leaves);
    sliced->exits = malloc((whole->exits + 1) * sizeof *sliced->exits);
    /* aligned for whole vectors of the planes */
    bool planes = sliced->way->planes;
    sliced->planes = planes ? aligned_alloc(64, whole->planes + 64) : NULL;
    /* a tree of n splits has n + 1 leaves */
    size_t deep = whole->exits ? ensemble->node_count + whole->exits : 0,
           most = ensemble->node_count / 2;
    most = most < whole->steps + deep ? most : whole->steps + deep;
    sliced->steps = malloc((whole->steps + deep + 1) * sizeof *sliced->steps);
    splits->numbers = malloc((most + 1) * sizeof *splits->numbers);
    splits->categories = malloc((ensemble->set_count + 1) * sizeof *splits->categories);
    if (!sliced->steps || !sliced->leaves || !sliced->exits || (planes && !sliced->planes) ||
        !splits->numbers || !splits->categories)
        return false;
    memset(sliced->exits, 0xFF, whole->exits * sizeof *sliced->exits); /* NO_CHILD */
    return true;
}

/* Plans all splits; those below the full trees only where wanted. */
static bool plan_splits(struct sliced *sliced, const struct ensemble *ensemble, bool deep,
                        struct split_list *splits, struct lathe_error *error)
{
    splits->number_count = splits->category_count = 0;
    lay_trees(sliced, ensemble, splits);
    bool sets = ensemble->set_count;
    if (sets ? !sliced_sets_lay(sliced, ensemble, splits, error)
             : deep && !sliced_deep_lay(sliced, ensemble, splits, error))
        return false;
    if (!cuts_plan(&sliced->plan, ensemble, splits, sliced->steps, error))
        return false;
    if (sets)
        sliced_sets_step(sliced);
    else if (deep)
        sliced_deep_step(sliced);
    return true;
}

/* Trees that were grown on all values and not on some hundred cuts of each feature can have so many
 * below the full trees that to cut a row takes longer than to walk there by its floats. */
static bool deep_is_worth(const struct sliced *sliced, const struct ensemble *ensemble)
{
    size_t most = 4 * (size_t)ensemble->used_features + 8 * ensemble->tree_count;
    return sliced->plan.band_count <= most && sliced->plan.columns <= UINT16_MAX;
}

static bool plan_all(struct sliced *sliced, const struct ensemble *ensemble,
                     struct split_list *splits, struct lathe_error *error)
{
    bool deep = sliced->trees[ensemble->tree_count].exits;
    if (!plan_splits(sliced, ensemble, deep, splits, error) ||
        (sliced->sets && sliced->sets->codes > MOST_CODES))
        return false;
    if (!deep || sliced->sets || deep_is_worth(sliced, ensemble))
        return true;
    sliced_deep_clear(&sliced->deep);
    cuts_clear(&sliced->plan);
    sliced->plan = (struct cut_plan){0};
    return plan_splits(sliced, ensemble, false, splits, error);
}

static bool lay_out(struct sliced *sliced, const struct ensemble *ensemble,
                    struct lathe_error *error)
{
    sliced->tree_count = ensemble->tree_count;
    sliced->tables = ensemble->vector_leaves ? ensemble->outputs : 1;
    sliced->trees = malloc((ensemble->tree_count + 1) * sizeof *sliced->trees);
    if (!sliced->trees)
        return fail(error, LATHE_NO_MEMORY, "no memory for %zu trees", ensemble->tree_count);
    place_trees(sliced, ensemble);
    const struct sliced_tree *whole = &sliced->trees[ensemble->tree_count];
    if (whole->steps + whole->exits + ensemble->node_count > MOST_STEPS)
        return false;
    struct split_list splits = {0};
    bool good =
        make_room(sliced, ensemble, &splits) ||
        fail(error, LATHE_NO_MEMORY, "no memory for the layout of %zu nodes", ensemble->node_count);
    good = good && plan_all(sliced, ensemble, &splits, error);
    free(splits.numbers);
    free(splits.categories);
    return good;
}

/* Whether a block's rows go on below full trees by sets, and so need their codes. */
static bool goes_on_by_sets(const struct sliced *sliced)
{
    return sliced->sets && sliced->trees[sliced->tree_count].exits;
}

struct sliced *sliced_make(const struct ensemble *ensemble, const struct sliced_way *way,
                           struct lathe_error *error)
{
    if (!worth_slicing(ensemble, way))
        return NULL;
    struct sliced *sliced = calloc(1, sizeof *sliced);
    if (!sliced) {
        fail_memory(error, "a layout");
        return NULL;
    }
    sliced->way = way;
    bool good = lay_out(sliced, ensemble, error);
    sliced->column_room = sliced->plan.columns;
    good = good && (!way->lay || way->lay(sliced, error));
    if (good) {
        size_t sums = ensemble->outputs * BLOCK_ROWS * sizeof(float);
        size_t codes =
            goes_on_by_sets(sliced) ? sliced->sets->codes * BLOCK_ROWS * sizeof(uint16_t) : 0;
        sliced->mask_bytes = (sliced->bits ? sliced->bits->most : 0) * (BLOCK_ROWS / 8);
        sliced->mask_bytes = (sliced->mask_bytes + 63) / 64 * 64;
        sliced->block_bytes = BLOCK_ROWS * sliced->column_room + codes + sums + sliced->mask_bytes;
        sliced->group = group_of(sliced);
    }
    if (good)
        return sliced;
    sliced_free(sliced);
    return NULL;
}

void sliced_free(struct sliced *sliced)
{
    if (!sliced)
        return;
    cuts_clear(&sliced->plan);
#if TARGET_X86
    row_plan_free(sliced->row_plan);
#endif
#if TARGET_X86 || TARGET_NEON
    row_bytes_free(sliced->row_bytes);
#endif
    sliced_sets_free(sliced->sets);
    sliced_bits_free(sliced->bits);
    free(sliced->trees);
    free(sliced->steps);
    free(sliced->leaves);
    free(sliced->planes);
    free(sliced->exits);
    sliced_deep_clear(&sliced->deep);
    free(sliced->upper);
    free(sliced->lookups);
    free(sliced);
}

float sliced_leaf(const struct sliced *sliced, const struct ensemble *ensemble, size_t tree,
                  size_t output, uint32_t number, const struct row_source *source, size_t row)
{
    const struct sliced_tree *part = &sliced->trees[tree];
    const struct tree_node *nodes = ensemble->nodes + ensemble->trees[tree].first;
    int32_t at = part->exits == NO_EXITS ? NO_CHILD : sliced->exits[part->exits + number];
    if (at == NO_CHILD)
        return sliced->leaves[part->leaves + (output << part->levels) + number];
    while (nodes[at].left != NO_CHILD)
        at = tree_step(ensemble, &nodes[at], row_value(source, row, nodes[at].feature));
    return ensemble_leaf(ensemble, &nodes[at], output);
}

static inline size_t place_of(const uint8_t *places, size_t row)
{
    return places ? (row & ~(size_t)63) + places[row & 63] : row;
}

/* ---- margins of many rows ---- */

static void begin(const struct ensemble *ensemble, const struct row_block *block)
{
    for (size_t k = 0; k < ensemble->outputs; k++)
        for (size_t r = 0; r < BLOCK_ROWS; r++)
            block->sums[k * BLOCK_ROWS + r] = ensemble->base_margin[k];
}

static void finish(const struct ensemble *ensemble, const struct sliced_way *way,
                   const struct row_block *block, float *out)
{
    size_t outputs = ensemble->outputs;
    for (size_t r = 0; r < block->count; r++) {
        size_t place = place_of(way->places, r);
        for (size_t k = 0; k < outputs; k++)
            out[r * outputs + k] = block->sums[k * BLOCK_ROWS + place];
    }
}

enum { MOST_BLOCKS = 8, STACK_BYTES = 64 << 10, HEAP_BYTES = 1 << 20 };

/* Up to MOST_BLOCKS blocks through all trees, group by group. */
static void walk_blocks(const struct sliced *sliced, const struct ensemble *ensemble,
                        struct row_block *blocks, size_t count, float *out)
{
    const struct sliced_way *way = sliced->way;
    for (size_t b = 0; b < count; b++) {
        way->cut(&sliced->plan, &blocks[b], ensemble->features);
        if (goes_on_by_sets(sliced))
            sliced_sets_code(sliced, blocks[b].columns, BLOCK_ROWS, BLOCK_ROWS, blocks[b].codes);
        begin(ensemble, &blocks[b]);
    }
    for (size_t first = 0; first < sliced->tree_count; first += sliced->group) {
        size_t left = sliced->tree_count - first;
        size_t last = left < sliced->group ? sliced->tree_count : first + sliced->group;
        for (size_t b = 0; b < count; b++)
            way->add_trees(sliced, ensemble, first, last, &blocks[b]);
    }
    for (size_t b = 0; b < count; b++)
        finish(ensemble, way, &blocks[b], out + b * BLOCK_ROWS * ensemble->outputs);
}

bool sliced_margins(const struct sliced *sliced, const struct ensemble *ensemble,
                    const struct row_source *source, size_t first, size_t count, float *out)
{
    _Alignas(64) char stack[STACK_BYTES];
    size_t fit = sliced->group < sliced->tree_count ? MOST_BLOCKS : 1;
    while (fit > 1 && (fit * sliced->block_bytes > HEAP_BYTES || (fit - 1) * BLOCK_ROWS >= count))
        fit--;
    size_t bytes = fit * sliced->block_bytes;
    char *scratch = bytes <= STACK_BYTES ? stack : aligned_alloc(64, bytes);
    if (!scratch)
        return false;
    size_t done = 0;
    while (done < count) {
        struct row_block blocks[MOST_BLOCKS];
        float *margins = out + done * ensemble->outputs;
        size_t taken = 0;
        for (; taken < fit && done < count; taken++) {
            char *at = scratch + taken * sliced->block_bytes;
            char *masks = at + sliced->column_room * BLOCK_ROWS, *sums = masks + sliced->mask_bytes;
            blocks[taken] = (struct row_block){
                .source = source,
                .first = first + done,
                .count = count - done < BLOCK_ROWS ? count - done : BLOCK_ROWS,
                .more = fit == 1 && count - done >= 2 * BLOCK_ROWS,
                .columns = (int8_t *)at,
                .masks = masks,
                .sums = (float *)sums,
                .codes = (uint16_t *)(sums + ensemble->outputs * BLOCK_ROWS * sizeof(float)),
            };
            /* rows that are not there walk along: from codes that are, whatever they are */
            if (blocks[taken].count < BLOCK_ROWS)
                memset(at, 0, sliced->column_room * BLOCK_ROWS);
            done += blocks[taken].count;
        }
        walk_blocks(sliced, ensemble, blocks, taken, margins);
    }
    if (scratch != stack)
        free(scratch);
    return true;
}
