/* ensemble.h: the trees of a model as the file has them, checked, before any layout made for
 * speed. The readers of model files build one through ensemble_add_tree and ensemble_finish;
 * nobody outside this folder sees it. */
#ifndef LATHE_TREE_ENSEMBLE_H
#define LATHE_TREE_ENSEMBLE_H

#include "parse/fail.h"
#include "tree/kept_categories.h"
#include "tree/objective.h"
#include "tree/row_source.h"

enum {
    MOST_FEATURES = 1 << 24,
    MOST_OUTPUTS = 1 << 20,
    NO_CHILD = -1,
};

/* 16 bytes, so four to a cache line. Children are node numbers within the tree, as in the file. */
struct tree_node {
    int32_t left, right; /* a leaf has no left; a vector leaf's row of `leaves` is in right */
    uint32_t feature : 24;
    uint32_t default_left : 1;
    uint32_t categorical : 1;
    uint32_t unused : 6; /* named, so that a node is written without reading what was there */
    union {
        float threshold; /* left where the row's value is less */
        float leaf;
        uint32_t set; /* categorical: right where the category is in this set */
    };
};

/* Categories: as bits, a slice of ensemble.set_bits, where there are not much fewer than there
 * could be below the largest one; else a list, ascending, a slice of ensemble.categories. */
struct category_set {
    uint32_t end;         /* one more than the largest; 0: there are none */
    uint32_t words, bits; /* how many words of bits, and where; or none, and then */
    uint32_t count, first;
};

struct tree {
    size_t first; /* in ensemble.nodes */
    uint32_t count;
    uint32_t output; /* the output that its leaves add to; 0 with vector leaves */
    uint32_t depth;
};

struct ensemble {
    size_t features, outputs, depth;
    const struct objective *objective;
    const char *booster;
    float *base_margin;                      /* outputs */
    char **feature_names;                    /* features, or NULL */
    struct kept_categories *kept_categories; /* of the features, or NULL: none has any */

    struct tree *trees;
    struct tree_node *nodes;
    float *gain, *cover; /* a node each; zero where the file has none; in the block of nodes */
    size_t tree_count, node_count;
    size_t tree_room, node_room;
    uint32_t used_features; /* one more than the highest that is split on, else 0 */

    struct category_set *sets;
    int32_t *categories;
    uint64_t *set_bits;
    size_t set_count, set_room, category_count, category_room, word_count, word_room;

    bool vector_leaves;
    float *leaves;                           /* vector leaves: rows of `leaf_size` */
    size_t leaf_size, leaf_count, leaf_room; /* count and room in floats */

    float *linear; /* gblinear: (features + 1) x outputs, the biases last */

    float base_score;     /* as the file has it, of the first output */
    bool score_is_margin; /* which is already the margin, as before XGBoost 1.0 */
    bool unestimated;     /* the base score was left to be found, and nothing was trained */

    int64_t best_ntree_limit; /* the attribute: trees an output up to the best round; 0: none */
};

/* One tree as columns, a value a node, borrowed for the call. */
struct tree_columns {
    size_t count;
    const int32_t *left, *right, *feature, *default_left;
    const float *value;         /* thresholds and leaves */
    const float *gain, *cover;  /* or NULL */
    const int32_t *categorical; /* or NULL: none are */

    /* the categorical nodes, ascending, and where each one's categories lie */
    const int32_t *category_nodes, *category_starts, *category_sizes, *categories;
    size_t category_node_count, category_count;

    /* vector leaves: rows of leaf_size (above 1); by leaf number, which is then in `right`, or
     * (before XGBoost 3.2) by node number */
    const float *leaves;
    size_t leaf_size, leaf_count;
    bool leaves_by_node;
};

/* What a model file says besides its trees. Counts are as read, unchecked. */
struct model_facts {
    int64_t features, classes, targets;
    const float *base_score;
    size_t base_score_count;
    bool base_score_is_margin; /* before XGBoost 1.0 */
    const char *objective, *booster;
    const int32_t *tree_outputs; /* or NULL: all 0 */
    size_t tree_output_count;
    const float *tree_weights; /* dart, else NULL */
    size_t tree_weight_count;
    float *linear; /* gblinear: taken over on success */
    size_t linear_count;
};

/* Makes room for `count` more nodes; for whoever can tell beforehand about how many there will be.
 */
bool ensemble_expect(struct ensemble *ensemble, size_t count, struct lathe_error *error);

/* Appends a tree if it is one: every node reached at most once from the root, thresholds and
 * leaves numbers. Names what is wrong otherwise. */
bool ensemble_add_tree(struct ensemble *ensemble, const struct tree_columns *columns,
                       struct lathe_error *error);

/* Holds trees and facts against each other and sets the rest. */
bool ensemble_finish(struct ensemble *ensemble, struct model_facts *facts,
                     struct lathe_error *error);

/* Leaves only the first trees, `limit` for each output (0: all). */
void ensemble_cut(struct ensemble *ensemble, int64_t limit);

void ensemble_clear(struct ensemble *ensemble);

/* The two readers. Both leave the ensemble to be cleared by the caller when they fail. */
bool model_read_document(struct ensemble *ensemble, bool ubjson, const void *bytes, size_t size,
                         struct lathe_error *error);
bool model_read_binary(struct ensemble *ensemble, const void *bytes, size_t size,
                       struct lathe_error *error);

/* Makes *array hold at least `count` elements of `size` bytes, at least doubling its *room. */
bool ensemble_grow(void **array, size_t *room, size_t count, size_t size,
                   struct lathe_error *error);

/* Grows *array, whose elements' size it tells. */
#define GROW(array, room, count, error) \
    ensemble_grow((void **)&(array), &(room), (count), sizeof *(array), (error))

/* Appends the k-th categorical node's categories as a set. *taken is how many of the tree's list
 * are in sets already: no two have the same. */
bool category_set_add(struct ensemble *ensemble, const struct tree_columns *columns, size_t k,
                      size_t *taken, struct lathe_error *error);

/* The set's least category from `least` on, or -1. */
int64_t category_set_next(const struct ensemble *ensemble, uint32_t set, uint32_t least);

/* Whether a set's list has a category. */
bool category_listed(const struct ensemble *ensemble, uint32_t set, uint32_t category);

/* Whether a categorical split sends the value right, as XGBoost decides: never for what is no
 * category (negative, or 2^24 and above); fractions are dropped. Not for NaN. */
static inline bool category_in_set(const struct ensemble *ensemble, uint32_t set, float value)
{
    if (!(value >= 0.0f && value < 16777216.0f))
        return false;
    const struct category_set *found = &ensemble->sets[set];
    uint32_t category = (uint32_t)value;
    if (!found->words)
        return category_listed(ensemble, set, category);
    return category / 64 < found->words &&
           (ensemble->set_bits[found->bits + category / 64] >> category % 64 & 1);
}

/* The node that a row's value of the node's feature leads to. */
static inline int32_t tree_step(const struct ensemble *ensemble, const struct tree_node *node,
                                float value)
{
    if (value != value)
        return node->default_left ? node->left : node->right;
    if (node->categorical)
        return category_in_set(ensemble, node->set, value) ? node->right : node->left;
    return value < node->threshold ? node->left : node->right;
}

/* What a leaf adds to an output; `output` counts where leaves are vectors. */
static inline float ensemble_leaf(const struct ensemble *ensemble, const struct tree_node *leaf,
                                  size_t output)
{
    return ensemble->vector_leaves
               ? ensemble->leaves[(size_t)leaf->right * ensemble->outputs + output]
               : leaf->leaf;
}

/* The number of the leaf that a row reaches. */
static inline int32_t tree_leaf(const struct ensemble *ensemble, const struct tree *tree,
                                const struct row_source *source, size_t row)
{
    const struct tree_node *nodes = ensemble->nodes + tree->first;
    int32_t at = 0;
    while (nodes[at].left != NO_CHILD)
        at = tree_step(ensemble, &nodes[at], row_value(source, row, nodes[at].feature));
    return at;
}

#endif
