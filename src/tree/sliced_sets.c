#include "tree/sliced.h"

#include <stdlib.h>

#define NO_TEST UINT32_MAX

/* ---- layout ---- */

enum { BELOW = -1 };

/* A node that is still to be laid out, and where. */
struct waiting {
    int32_t number;
    int32_t place;
    int32_t levels; /* that the full tree has from here on, or BELOW it */
    uint32_t step;  /* in the full tree: its step, */
    uint32_t exit;  /* and the first of its exits */
};

struct laying {
    const struct ensemble *ensemble;
    const struct tree_node *nodes; /* the tree's */
    struct sliced_sets *sets;
    struct split_list *splits;
    size_t steps;   /* that come before those of nodes below the full trees */
    size_t tests;   /* categorical splits of full trees that have been laid out */
    int32_t *exits; /* the tree's, or NULL */
    struct waiting *stack;
};

static void lay_leaf(const struct laying *laying, const struct tree_node *node, int32_t place)
{
    struct set_node *leaf = &laying->sets->nodes[place];
    *leaf = (struct set_node){.child = place};
    if (laying->ensemble->vector_leaves)
        leaf->number = (uint32_t)node->right;
    else
        leaf->leaf = node->leaf;
}

/* Until they are planned, a split's column is the number of its step, and its set of its test. */
static void lay_split(struct laying *laying, const struct tree_node *node, const struct waiting *at)
{
    bool full = at->levels > 0;
    size_t step = full ? at->step : laying->steps + (size_t)at->place;
    size_t test = full ? laying->tests : laying->splits->category_count;
    laying->sets->nodes[at->place] = (struct set_node){
        .child = (int32_t)laying->sets->count,
        .column = (uint32_t)step,
        .set = node->categorical ? (uint32_t)test : NO_TEST,
    };
    laying->sets->count += 2;
    if (full)
        laying->tests += node->categorical;
    else
        split_list_add(laying->splits, node, step, NO_SLOT);
}

/* Puts the children of a split on the stack, the left one to be next. */
static size_t put_children(const struct laying *laying, const struct waiting *at, size_t waiting)
{
    const struct tree_node *node = &laying->nodes[at->number];
    int32_t child = laying->sets->nodes[at->place].child;
    int32_t levels = at->levels > 0 ? at->levels - 1 : BELOW;
    uint32_t half = at->levels > 0 ? 1u << levels : 0;
    laying->stack[waiting++] =
        (struct waiting){node->right, child + 1, levels, at->step + half, at->exit + half};
    laying->stack[waiting++] = (struct waiting){node->left, child, levels, at->step + 1, at->exit};
    return waiting;
}

/* A node, its left child's subtree, its right child's: the order of the full trees' splits. */
static int32_t lay_tree(struct laying *laying, const struct sliced_tree *tree)
{
    int32_t root = (int32_t)laying->sets->count++;
    size_t waiting = 1;
    laying->stack[0] = (struct waiting){0, root, (int32_t)tree->levels, (uint32_t)tree->steps, 0};
    while (waiting) {
        const struct waiting at = laying->stack[--waiting];
        const struct tree_node *node = &laying->nodes[at.number];
        bool leaf = node->left == NO_CHILD, leaves = at.levels == 0 || (leaf && at.levels > 0);
        for (uint32_t i = 0; laying->exits && leaves && i < 1u << at.levels; i++)
            laying->exits[at.exit + i] = at.place;
        if (leaf) {
            lay_leaf(laying, node, at.place);
        } else {
            lay_split(laying, node, &at);
            waiting = put_children(laying, &at, waiting);
        }
    }
    return root;
}

static void lay_trees(const struct sliced *sliced, struct laying *laying)
{
    const struct ensemble *ensemble = laying->ensemble;
    for (size_t t = 0; t < ensemble->tree_count; t++) {
        const struct sliced_tree *tree = &sliced->trees[t];
        laying->nodes = ensemble->nodes + ensemble->trees[t].first;
        laying->exits = tree->exits == NO_EXITS ? NULL : laying->sets->exits + tree->exits;
        laying->sets->roots[t] = lay_tree(laying, tree);
    }
}

bool sliced_sets_lay(struct sliced *sliced, const struct ensemble *ensemble,
                     struct split_list *splits, struct lathe_error *error)
{
    const struct sliced_tree *whole = &sliced->trees[ensemble->tree_count];
    struct sliced_sets *sets = calloc(1, sizeof *sets);
    struct laying laying = {
        .ensemble = ensemble, .sets = sets, .splits = splits, .steps = whole->steps};
    sliced->sets = sets;
    laying.stack = malloc((ensemble->depth + 2) * sizeof *laying.stack);
    if (sets) {
        sets->nodes = malloc((ensemble->node_count + 1) * sizeof *sets->nodes);
        sets->roots = malloc((ensemble->tree_count + 1) * sizeof *sets->roots);
        sets->exits = malloc((whole->exits + 1) * sizeof *sets->exits);
    }
    bool good = sets && sets->nodes && sets->roots && sets->exits && laying.stack;
    if (good)
        lay_trees(sliced, &laying);
    free(laying.stack);
    return good || fail(error, LATHE_NO_MEMORY, "no memory for the layout of %zu nodes",
                        ensemble->node_count);
}

void sliced_sets_step(struct sliced *sliced)
{
    const struct category_plan *plan = &sliced->plan.categories;
    struct sliced_sets *sets = sliced->sets;
    uint32_t nothing = (uint32_t)(plan->first + plan->feature_count);
    sets->codes = nothing + (size_t)1;
    for (size_t i = 0; i < sets->count; i++) {
        struct set_node *node = &sets->nodes[i];
        if (node->child == (int32_t)i) {
            node->column = nothing;
            node->set = threshold_set(THRESHOLDS - 1) / SET_WORD;
        } else if (node->set == NO_TEST) {
            const struct cut_step *step = &sliced->steps[node->column];
            node->column = step->column / BLOCK_ROWS;
            node->set = threshold_set((uint8_t)(step->threshold ^ CODE_BIAS)) / SET_WORD;
        } else {
            const struct category_test *test = &plan->tests[node->set];
            node->column = (uint32_t)plan->first + test->feature;
            node->set = test->set / SET_WORD;
        }
    }
}

void sliced_sets_free(struct sliced_sets *sets)
{
    if (!sets)
        return;
    free(sets->nodes);
    free(sets->roots);
    free(sets->exits);
    free(sets);
}

/* ---- codes ---- */

/* From the places and bits of a feature's pages: in all pages but its own a code has no bit. */
static uint16_t code_of(const struct category_feature *feature, const int8_t *index, size_t pitch)
{
    uint32_t pages = category_pages(feature->codes);
    for (uint32_t page = 0; page < pages; page++, index += 2 * pitch)
        if (index[pitch])
            return (uint16_t)(page * PAGE_CODES + 8u * (uint8_t)index[0] +
                              (unsigned)__builtin_ctz((uint8_t)index[pitch]));
    return CODE_NONE;
}

void sliced_sets_code(const struct sliced *sliced, const int8_t *columns, size_t pitch,
                      size_t count, uint16_t *codes)
{
    const struct category_plan *plan = &sliced->plan.categories;
    size_t stride = sliced->sets->codes;
    for (size_t c = 0; c < plan->first; c++)
        for (size_t r = 0; r < count; r++)
            codes[r * stride + c] = (uint8_t)(columns[c * pitch + r] ^ (int8_t)CODE_BIAS);
    for (size_t i = 0; i < plan->feature_count; i++) {
        const struct category_feature *feature = &plan->features[i];
        const int8_t *index = columns + feature->column * pitch;
        for (size_t r = 0; r < count; r++)
            codes[r * stride + plan->first + i] = code_of(feature, index + r, pitch);
    }
    for (size_t r = 0; r < count; r++)
        codes[r * stride + stride - 1] = 0;
}
