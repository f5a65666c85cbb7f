#include "tree/sliced.h"

#include <stdlib.h>

/* ---- layout ---- */

/* A node that is still to be laid out, and where. */
struct waiting {
    int32_t number;
    int32_t place;
};

struct laying {
    const struct ensemble *ensemble;
    const struct tree_node *nodes; /* the tree's */
    struct sliced_deep *deep;
    struct split_list *splits;
    size_t steps; /* that come before the deep nodes' */
    struct waiting *stack;
};

static void lay_leaf(const struct laying *laying, const struct tree_node *node, int32_t place)
{
    laying->deep->nodes[place] = (struct deep_node){.threshold = CODE_LOWEST, .child = place - 1};
    if (laying->ensemble->vector_leaves)
        laying->deep->more[place].number = (uint32_t)node->right;
    else
        laying->deep->more[place].leaf = node->leaf;
}

static void lay_split(const struct laying *laying, const struct tree_node *node, int32_t place)
{
    laying->deep->nodes[place] =
        (struct deep_node){.categorical = node->categorical, .child = (int32_t)laying->deep->count};
    laying->deep->more[place].test = (uint32_t)laying->splits->category_count;
    laying->deep->count += 2;
    split_list_add(laying->splits, node, laying->steps + (size_t)place, NO_SLOT);
}

/* The left child's subtree first, then the right one's. */
static int32_t lay_subtree(const struct laying *laying, int32_t root)
{
    int32_t first = (int32_t)laying->deep->count++;
    size_t waiting = 1;
    laying->stack[0] = (struct waiting){root, first};
    while (waiting) {
        struct waiting at = laying->stack[--waiting];
        const struct tree_node *node = &laying->nodes[at.number];
        if (node->left == NO_CHILD) {
            lay_leaf(laying, node, at.place);
            continue;
        }
        lay_split(laying, node, at.place);
        int32_t child = laying->deep->nodes[at.place].child;
        laying->stack[waiting++] = (struct waiting){node->right, child + 1};
        laying->stack[waiting++] = (struct waiting){node->left, child};
    }
    return first;
}

static void lay_trees(const struct sliced *sliced, struct laying *laying)
{
    const struct ensemble *ensemble = laying->ensemble;
    for (size_t t = 0; t < ensemble->tree_count; t++) {
        const struct sliced_tree *tree = &sliced->trees[t];
        laying->nodes = ensemble->nodes + ensemble->trees[t].first;
        for (size_t i = 0; tree->exits != NO_EXITS && i < (size_t)1 << tree->levels; i++) {
            int32_t exit = sliced->exits[tree->exits + i];
            laying->deep->exits[tree->exits + i] =
                exit == NO_CHILD ? NO_CHILD : lay_subtree(laying, exit);
        }
    }
}

bool sliced_deep_lay(struct sliced *sliced, const struct ensemble *ensemble,
                     struct split_list *splits, struct lathe_error *error)
{
    const struct sliced_tree *whole = &sliced->trees[ensemble->tree_count];
    struct sliced_deep *deep = &sliced->deep;
    struct laying laying = {
        .ensemble = ensemble, .deep = deep, .splits = splits, .steps = whole->steps};
    deep->nodes = malloc(ensemble->node_count * sizeof *deep->nodes);
    deep->more = malloc(ensemble->node_count * sizeof *deep->more);
    deep->exits = malloc(whole->exits * sizeof *deep->exits);
    laying.stack = malloc((ensemble->depth + 2) * sizeof *laying.stack);
    bool good = deep->nodes && deep->more && deep->exits && laying.stack;
    if (good)
        lay_trees(sliced, &laying);
    free(laying.stack);
    return good || fail(error, LATHE_NO_MEMORY, "no memory for the layout of %zu nodes",
                        ensemble->node_count);
}

void sliced_deep_step(struct sliced *sliced)
{
    const struct sliced_tree *whole = &sliced->trees[sliced->tree_count];
    const struct cut_step *steps = sliced->steps + whole->steps;
    for (size_t i = 0; i < sliced->deep.count; i++) {
        struct deep_node *node = &sliced->deep.nodes[i];
        if (node->categorical || node->threshold == CODE_LOWEST)
            continue;
        node->column = (uint16_t)(steps[i].column / BLOCK_ROWS);
        node->threshold = (int8_t)steps[i].threshold;
    }
}

void sliced_deep_clear(struct sliced_deep *deep)
{
    free(deep->nodes);
    free(deep->more);
    free(deep->exits);
    *deep = (struct sliced_deep){0};
}

/* ---- the walk ---- */

enum { ABREAST = 16 };

/* Rows that go on, and the nodes at which they are; room to fill the last of those that walk
 * abreast. */
struct going {
    uint32_t rows[BLOCK_ROWS + ABREAST];
    int32_t nodes[BLOCK_ROWS + ABREAST];
    size_t count;
};

static void list_rows(const int32_t *exits, size_t first, size_t count, const uint8_t *numbers,
                      struct going *going)
{
    size_t listed = 0;
    for (size_t r = 0; r < count; r++) {
        int32_t exit = exits[numbers[r]];
        going->rows[listed] = (uint32_t)(first + r);
        going->nodes[listed] = exit;
        listed += exit != NO_CHILD;
    }
    going->count = listed;
    for (; listed && listed % ABREAST; listed++) { /* the first once more */
        going->rows[listed] = going->rows[0];
        going->nodes[listed] = going->nodes[0];
    }
}

/* Rows to their leaves, at most `levels` below. What a row waits for is memory, so none waits for
 * another, and no branch is mispredicted. */
static ALWAYS_INLINE void walk_abreast(const struct sliced *sliced, const int8_t *columns,
                                       uint32_t levels, const uint32_t *rows, int32_t *at,
                                       bool categories)
{
    const struct deep_node *nodes = sliced->deep.nodes;
    const struct category_plan *plan = &sliced->plan.categories;
    int32_t moved = 1;
    for (uint32_t level = 0; level < levels && moved; level++) {
        moved = 0;
        UNROLL
        for (size_t i = 0; i < ABREAST; i++) {
            const struct deep_node *node = &nodes[at[i]];
            int32_t right;
            if (categories && node->categorical)
                right = category_goes_right(plan, &plan->tests[sliced->deep.more[at[i]].test],
                                            columns, BLOCK_ROWS, rows[i]);
            else
                right = columns[(size_t)node->column * BLOCK_ROWS + rows[i]] >= node->threshold;
            int32_t next = node->child + right;
            moved |= next ^ at[i];
            at[i] = next;
        }
    }
}

static void walk_on(const struct sliced *sliced, const int8_t *columns, uint32_t levels,
                    struct going *going)
{
    bool categories = sliced->plan.categories.test_count;
    for (size_t i = 0; i < going->count; i += ABREAST)
        if (categories)
            walk_abreast(sliced, columns, levels, going->rows + i, going->nodes + i, true);
        else
            walk_abreast(sliced, columns, levels, going->rows + i, going->nodes + i, false);
}

static inline size_t place_of(const uint8_t *places, size_t row)
{
    return places ? (row & ~(size_t)63) + places[row & 63] : row;
}

/* The values that all rows have found, those that went on among them. */
static void find_leaves(const struct sliced *sliced, const struct ensemble *ensemble,
                        const float *leaves, size_t output, const uint8_t *numbers, size_t first,
                        size_t count, const struct going *going, float *found)
{
    const union deep_more *more = sliced->deep.more;
    for (size_t r = 0; r < count; r++)
        found[r] = leaves[numbers[r]];
    for (size_t i = 0; i < going->count; i++)
        found[going->rows[i] - first] =
            ensemble->vector_leaves
                ? ensemble
                      ->leaves[(size_t)more[going->nodes[i]].number * ensemble->outputs + output]
                : more[going->nodes[i]].leaf;
}

/* Without the layout: one by one. */
static void find_plainly(const struct sliced *sliced, const struct ensemble *ensemble, size_t tree,
                         size_t output, const struct row_block *block, const uint8_t *numbers,
                         size_t first, size_t count, float *found)
{
    for (size_t r = 0; r < count; r++)
        found[r] = sliced_leaf(sliced, ensemble, tree, output, numbers[r], block->source,
                               block->first + first + r);
}

void sliced_add_deep(const struct sliced *sliced, const struct ensemble *ensemble, size_t tree,
                     const struct row_block *block, size_t first, size_t unit,
                     const uint8_t *numbers, const uint8_t *places)
{
    const struct sliced_tree *part = &sliced->trees[tree];
    size_t count = block->count - first < unit ? block->count - first : unit;
    struct going going;
    float found[BLOCK_ROWS];
    if (sliced->deep.nodes) {
        list_rows(sliced->deep.exits + part->exits, first, count, numbers, &going);
        walk_on(sliced, block->columns, ensemble->trees[tree].depth - part->levels, &going);
    }
    for (size_t k = 0; k < sliced->tables; k++) {
        float *sums = block->sums + (part->output + k) * BLOCK_ROWS;
        if (sliced->deep.nodes)
            find_leaves(sliced, ensemble, sliced->leaves + part->leaves + (k << part->levels), k,
                        numbers, first, count, &going, found);
        else
            find_plainly(sliced, ensemble, tree, k, block, numbers, first, count, found);
        for (size_t r = 0; r < count; r++)
            sums[place_of(places, first + r)] += found[r];
    }
}
