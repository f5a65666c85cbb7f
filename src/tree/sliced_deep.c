#include "tree/sliced.h"

#include <stdlib.h>
#include <string.h>

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
    laying->deep->nodes[place] = (struct deep_node){.child = (int32_t)laying->deep->count};
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

/* The node at a place below the full tree, or the leaf above it. */
static int32_t node_at(const struct laying *laying, uint32_t levels, size_t place)
{
    int32_t at = 0;
    while (levels-- && laying->nodes[at].left != NO_CHILD)
        at = place >> levels & 1 ? laying->nodes[at].right : laying->nodes[at].left;
    return at;
}

/* Leaves too, so that all rows go on. */
static void lay_trees(const struct sliced *sliced, struct laying *laying)
{
    const struct ensemble *ensemble = laying->ensemble;
    for (size_t t = 0; t < ensemble->tree_count; t++) {
        const struct sliced_tree *tree = &sliced->trees[t];
        laying->nodes = ensemble->nodes + ensemble->trees[t].first;
        for (size_t i = 0; tree->exits != NO_EXITS && i < (size_t)1 << tree->levels; i++)
            laying->deep->exits[tree->exits + i] =
                lay_subtree(laying, node_at(laying, tree->levels, i));
    }
}

bool sliced_deep_lay(struct sliced *sliced, const struct ensemble *ensemble,
                     struct split_list *splits, struct lathe_error *error)
{
    const struct sliced_tree *whole = &sliced->trees[ensemble->tree_count];
    struct sliced_deep *deep = &sliced->deep;
    struct laying laying = {
        .ensemble = ensemble, .deep = deep, .splits = splits, .steps = whole->steps};
    size_t most = ensemble->node_count + whole->exits;
    deep->nodes = malloc(most * sizeof *deep->nodes);
    deep->more = malloc(most * sizeof *deep->more);
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
        if (node->threshold == CODE_LOWEST)
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

enum { STRIDE = 4 }; /* levels, before those that have arrived are left out */

/* Rows down some levels; a leaf stays. What a row waits for is memory, so none waits for another,
 * and no branch is mispredicted. */
static ALWAYS_INLINE void walk_codes(const struct sliced *sliced, const int8_t *columns,
                                     uint32_t levels, const uint32_t *rows, int32_t *at)
{
    const struct deep_node *nodes = sliced->deep.nodes;
    for (uint32_t level = 0; level < levels; level++) {
        UNROLL
        for (size_t i = 0; i < ABREAST; i++) {
            const struct deep_node *node = &nodes[at[i]];
            int32_t right = columns[(size_t)node->column * BLOCK_ROWS + rows[i]] >= node->threshold;
            at[i] = node->child + right;
        }
    }
}

/* The same by sets. */
static ALWAYS_INLINE void walk_sets(const struct sliced *sliced, const uint16_t *codes,
                                    uint32_t levels, const uint32_t *rows, int32_t *nodes)
{
    const struct set_node *from = sliced->sets->nodes;
    const uint8_t *sets = sliced->plan.categories.sets;
    int32_t at[ABREAST];
    memcpy(at, nodes, sizeof at);
    for (uint32_t level = 0; level < levels; level++) {
        UNROLL
        for (size_t i = 0; i < ABREAST; i++)
            at[i] = set_step(&from[at[i]], sets, codes + rows[i]);
    }
    memcpy(nodes, at, sizeof at);
}

static void walk_all(const struct sliced *sliced, const struct row_block *block, uint32_t levels,
                     const uint32_t *rows, size_t count, int32_t *nodes)
{
    for (size_t i = 0; i < count; i += ABREAST)
        if (sliced->sets)
            walk_sets(sliced, block->codes, levels, rows + i, nodes + i);
        else
            walk_codes(sliced, block->columns, levels, rows + i, nodes + i);
}

/* Rows that are still on their way: which, at which nodes, and where among the unit's those are to
 * be. There is room to fill the last that walk abreast. */
struct going {
    uint32_t rows[BLOCK_ROWS + ABREAST];
    int32_t nodes[BLOCK_ROWS + ABREAST];
    uint32_t slots[BLOCK_ROWS + ABREAST];
    size_t count;
};

/* Children come after their parents, and a leaf is its own child, or has one before it. */
static bool is_leaf(const struct sliced *sliced, int32_t node)
{
    return (sliced->sets ? sliced->sets->nodes[node].child : sliced->deep.nodes[node].child) <=
           node;
}

/* Leaves out who has arrived. */
static void close_ranks(const struct sliced *sliced, struct going *going)
{
    size_t kept = 0;
    for (size_t i = 0; i < going->count; i++) {
        going->rows[kept] = going->rows[i];
        going->nodes[kept] = going->nodes[i];
        going->slots[kept] = going->slots[i];
        kept += !is_leaf(sliced, going->nodes[i]);
    }
    going->count = kept;
    for (; kept && kept % ABREAST; kept++) { /* the first once more */
        going->rows[kept] = going->rows[0];
        going->nodes[kept] = going->nodes[0];
    }
}

/* On from the first levels, in trees some of whose rows have a long way. */
static void walk_far(const struct sliced *sliced, const struct row_block *block, uint32_t levels,
                     const uint32_t *rows, size_t count, int32_t *nodes)
{
    struct going going;
    going.count = count;
    for (size_t i = 0; i < count; i++) {
        going.rows[i] = rows[i];
        going.nodes[i] = nodes[i];
        going.slots[i] = (uint32_t)i;
    }
    for (uint32_t level = 0; level < levels; level += STRIDE) {
        close_ranks(sliced, &going);
        walk_all(sliced, block, STRIDE, going.rows, going.count, going.nodes);
        for (size_t i = 0; i < going.count; i++)
            nodes[going.slots[i]] = going.nodes[i];
    }
}

void sliced_walk_on(const struct sliced *sliced, const struct row_block *block, uint32_t levels,
                    const uint32_t *rows, size_t count, int32_t *nodes)
{
    uint32_t first = levels < 2 * STRIDE ? levels : STRIDE;
    walk_all(sliced, block, first, rows, count, nodes);
    if (levels > first)
        walk_far(sliced, block, levels - first, rows, count, nodes);
}

static inline size_t place_of(const uint8_t *places, size_t row)
{
    return places ? (row & ~(size_t)63) + places[row & 63] : row;
}

static void add_found(const struct sliced *sliced, const struct ensemble *ensemble, size_t output,
                      const int32_t *nodes, size_t count, float *sums)
{
    if (ensemble->vector_leaves)
        for (size_t i = 0; i < count; i++)
            sums[i] += sliced_found(sliced, ensemble, nodes[i], output);
    else if (sliced->sets)
        for (size_t i = 0; i < count; i++)
            sums[i] += sliced->sets->nodes[nodes[i]].leaf;
    else
        for (size_t i = 0; i < count; i++)
            sums[i] += sliced->deep.more[nodes[i]].leaf;
}

/* Without the layout: one by one. */
static void add_plainly(const struct sliced *sliced, const struct ensemble *ensemble, size_t tree,
                        const struct row_block *block, size_t first, size_t unit,
                        const uint8_t *numbers, const uint8_t *places)
{
    size_t last = block->count - first < unit ? block->count : first + unit;
    for (size_t k = 0; k < sliced->tables; k++) {
        float *sums = block->sums + (sliced->trees[tree].output + k) * BLOCK_ROWS;
        for (size_t r = first; r < last; r++)
            sums[place_of(places, r)] += sliced_leaf(sliced, ensemble, tree, k, numbers[r - first],
                                                     block->source, block->first + r);
    }
}

void sliced_add_deep(const struct sliced *sliced, const struct ensemble *ensemble, size_t tree,
                     const struct row_block *block, size_t first, size_t unit,
                     const uint8_t *numbers, const uint8_t *places)
{
    const struct sliced_tree *part = &sliced->trees[tree];
    uint32_t rows[BLOCK_ROWS];
    int32_t nodes[BLOCK_ROWS];
    const int32_t *exits = sliced->sets ? sliced->sets->exits : sliced->deep.exits;
    if (!exits) {
        add_plainly(sliced, ensemble, tree, block, first, unit, numbers, places);
        return;
    }
    size_t i = 0, codes = sliced->sets ? sliced->sets->codes : 1;
    do {
        /* whose sum is there: places are their own inverse */
        size_t row = place_of(places, i);
        rows[i] = (uint32_t)((first + row) * codes);
        nodes[i] = exits[part->exits + numbers[row]];
    } while (++i < unit);
    sliced_walk_on(sliced, block, ensemble->trees[tree].depth - part->levels, rows, unit, nodes);
    for (size_t k = 0; k < sliced->tables; k++)
        add_found(sliced, ensemble, k, nodes, unit,
                  block->sums + (part->output + k) * BLOCK_ROWS + first);
}
