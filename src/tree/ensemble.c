#include "tree/ensemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ensemble_grow(void **array, size_t *room, size_t count, size_t size, struct lathe_error *error)
{
    if (count <= *room)
        return true;
    size_t larger = *room > count / 2 ? *room * 2 : count;
    void *moved = larger <= SIZE_MAX / 2 / size ? realloc(*array, larger * size) : NULL;
    if (!moved)
        return fail(error, LATHE_NO_MEMORY, "no memory for the %zu elements of a model", larger);
    *array = moved;
    *room = larger;
    return true;
}

/* Names what is wrong with a node. */
static bool refuse_node(const struct tree_columns *columns, size_t i, struct lathe_error *error)
{
    if (columns->left[i] == NO_CHILD)
        return fail(error, LATHE_INVALID_MODEL, "node %zu: the leaf's value is not a number", i);
    if (columns->feature[i] < 0 || columns->feature[i] >= MOST_FEATURES)
        return fail(error, LATHE_INVALID_MODEL, "node %zu: a split on feature %d", i,
                    columns->feature[i]);
    return fail(error, LATHE_INVALID_MODEL, "node %zu: the threshold is not a number", i);
}

/* Nodes as the columns have them; their children are checked by the walk that follows. Which nodes
 * are leaves nobody can foresee, so no branch asks. */
static bool convert_nodes(struct ensemble *ensemble, const struct tree_columns *columns,
                          struct tree_node *nodes, struct lathe_error *error)
{
    const int32_t *left = columns->left, *right = columns->right, *feature = columns->feature;
    const int32_t *default_left = columns->default_left, *categorical = columns->categorical;
    const float *value = columns->value;
    bool scalar = columns->leaf_size == 1;
    uint32_t most = ensemble->used_features;
    for (size_t i = 0; i < columns->count; i++) {
        bool inner = left[i] != NO_CHILD, set = categorical && categorical[i] != 0;
        uint32_t asked = (uint32_t)feature[i] & (0u - inner), used = asked + inner;
        bool number = (inner & !set) | (!inner & scalar);
        if ((asked >= MOST_FEATURES) | (number & (value[i] != value[i])))
            return refuse_node(columns, i, error);
        most = used > most ? used : most;
        nodes[i] = (struct tree_node){.left = left[i],
                                      .right = right[i],
                                      .feature = asked & (MOST_FEATURES - 1),
                                      .default_left = inner & (default_left[i] != 0),
                                      .categorical = inner & set,
                                      .threshold = value[i]};
    }
    ensemble->used_features = most;
    return true;
}

/* Leads vector leaves to their rows among all trees' leaves. */
static bool place_leaves(const struct ensemble *ensemble, const struct tree_columns *columns,
                         struct tree_node *nodes, struct lathe_error *error)
{
    size_t first = ensemble->leaf_count / columns->leaf_size;
    for (size_t i = 0; i < columns->count; i++) {
        if (nodes[i].left != NO_CHILD)
            continue;
        int64_t row = columns->leaves_by_node ? (int64_t)i : nodes[i].right;
        if (row < 0 || (size_t)row >= columns->leaf_count)
            return fail(error, LATHE_INVALID_MODEL, "node %zu: leaf %lld of %zu", i, (long long)row,
                        columns->leaf_count);
        nodes[i].right = (int32_t)(first + (size_t)row);
    }
    return true;
}

/* Walks from the root, level by level: each node at most once (so no cycle and no shared child).
 * Nodes that are not reached are left over from pruning. Sets the tree's depth. `open` has room
 * for two nodes more than the tree has, `seen`, all false, for one more. */
static bool walk_levels(const struct tree_node *nodes, struct tree *tree, uint32_t *open,
                        bool *seen, struct lathe_error *error)
{
    uint32_t count = tree->count;
    size_t waiting = 1, level_end = 1;
    open[0] = 0;
    seen[0] = true;
    for (size_t next = 0; next < waiting; next++) {
        if (next == level_end) {
            tree->depth++;
            level_end = waiting;
        }
        const struct tree_node *node = &nodes[open[next]];
        bool inner = node->left != NO_CHILD;
        /* instead of a branch: a leaf's children are a node that is none, and not taken */
        uint32_t left = (uint32_t)node->left, right = (uint32_t)node->right;
        left = inner ? left : count;
        right = inner ? right : count;
        if (inner & ((left >= count) | (right >= count)))
            return fail(error, LATHE_INVALID_MODEL, "node %u: its child %d is none of %u nodes",
                        open[next], left >= count ? node->left : node->right, count);
        if (inner & (seen[left] | seen[right] | (left == right)))
            return fail(error, LATHE_INVALID_MODEL, "node %u is reached in two ways",
                        seen[left] ? left : right);
        seen[left] = seen[right] = true;
        open[waiting] = left;
        open[waiting + 1] = right;
        waiting += inner ? 2 : 0;
    }
    return true;
}

static bool check_shape(const struct tree_node *nodes, struct tree *tree, struct lathe_error *error)
{
    uint32_t *open = malloc(((size_t)tree->count + 2) * sizeof *open);
    bool *seen = calloc((size_t)tree->count + 1, sizeof *seen);
    bool good = open && seen;
    if (!good)
        fail(error, LATHE_NO_MEMORY, "no memory to check a tree of %u nodes", tree->count);
    good = good && walk_levels(nodes, tree, open, seen, error);
    free(open);
    free(seen);
    return good;
}

static bool add_categories(struct ensemble *ensemble, const struct tree_columns *columns,
                           struct tree_node *nodes, struct lathe_error *error)
{
    if (!columns->categorical && !columns->category_node_count)
        return true;
    size_t taken = 0;
    for (size_t k = 0; k < columns->category_node_count; k++) {
        int32_t i = columns->category_nodes[k];
        if (i < 0 || (size_t)i >= columns->count || nodes[i].left == NO_CHILD ||
            !nodes[i].categorical)
            return fail(error, LATHE_INVALID_MODEL, "categories for node %d, which has none", i);
        nodes[i].set = (uint32_t)ensemble->set_count;
        /* until the end marks the nodes that still wait for their categories */
        nodes[i].categorical = false;
        if (!category_set_add(ensemble, columns, k, &taken, error))
            return false;
    }
    for (size_t i = 0; i < columns->count; i++)
        if (nodes[i].categorical && nodes[i].left != NO_CHILD)
            return fail(error, LATHE_INVALID_MODEL,
                        "node %zu: a categorical split without categories", i);
    for (size_t k = 0; k < columns->category_node_count; k++)
        nodes[columns->category_nodes[k]].categorical = true;
    return true;
}

static bool add_leaves(struct ensemble *ensemble, const struct tree_columns *columns,
                       struct tree_node *nodes, struct lathe_error *error)
{
    bool vector = columns->leaf_size > 1;
    if (ensemble->tree_count == 0) {
        ensemble->vector_leaves = vector;
        ensemble->leaf_size = vector ? columns->leaf_size : 1;
    }
    if (ensemble->leaf_size != (vector ? columns->leaf_size : 1))
        return fail(error, LATHE_INVALID_MODEL, "leaves of %zu values after trees with %zu",
                    columns->leaf_size, ensemble->leaf_size);
    if (!vector)
        return true;
    size_t added = columns->leaf_count * columns->leaf_size;
    if (!added)
        return fail(error, LATHE_INVALID_MODEL, "a tree has no values at its leaves");
    if ((ensemble->leaf_count + added) / columns->leaf_size > INT32_MAX)
        return fail(error, LATHE_LIMIT, "more than %d leaves", INT32_MAX);
    if (!place_leaves(ensemble, columns, nodes, error) ||
        !GROW(ensemble->leaves, ensemble->leaf_room, ensemble->leaf_count + added, error))
        return false;
    for (size_t i = 0; i < added; i++)
        if (isnan(columns->leaves[i]))
            return fail(error, LATHE_INVALID_MODEL, "a leaf's value is not a number");
    memcpy(ensemble->leaves + ensemble->leaf_count, columns->leaves,
           added * sizeof *columns->leaves);
    ensemble->leaf_count += added;
    return true;
}

bool ensemble_expect(struct ensemble *ensemble, size_t count, struct lathe_error *error)
{
    size_t used = ensemble->node_count, room = 2 * ensemble->node_room;
    if (used + count <= ensemble->node_room)
        return true;
    room = room > used + count ? room : used + count;
    /* all three in one block, which the allocator can give back and take again as a whole */
    enum { NODE_BYTES = sizeof(struct tree_node) + 2 * sizeof(float) };
    struct tree_node *nodes = room <= SIZE_MAX / NODE_BYTES ? malloc(room * NODE_BYTES) : NULL;
    if (!nodes)
        return fail(error, LATHE_NO_MEMORY, "no memory for the %zu nodes of a model", room);
    float *gain = (float *)(nodes + room), *cover = gain + room;
    if (used) {
        memcpy(nodes, ensemble->nodes, used * sizeof *nodes);
        memcpy(gain, ensemble->gain, used * sizeof *gain);
        memcpy(cover, ensemble->cover, used * sizeof *cover);
    }
    free(ensemble->nodes);
    ensemble->nodes = nodes;
    ensemble->gain = gain;
    ensemble->cover = cover;
    ensemble->node_room = room;
    return true;
}

static void copy_or_zero(float *to, const float *from, size_t count)
{
    if (from)
        memcpy(to, from, count * sizeof *to);
    else
        memset(to, 0, count * sizeof *to);
}

bool ensemble_add_tree(struct ensemble *ensemble, const struct tree_columns *columns,
                       struct lathe_error *error)
{
    size_t count = columns->count;
    if (count == 0 || count > INT32_MAX)
        return fail(error, LATHE_INVALID_MODEL, "tree %zu: %zu nodes", ensemble->tree_count, count);
    if (!ensemble_expect(ensemble, count, error) ||
        !GROW(ensemble->trees, ensemble->tree_room, ensemble->tree_count + 1, error))
        return false;
    struct tree tree = {.first = ensemble->node_count, .count = (uint32_t)count};
    struct tree_node *nodes = ensemble->nodes + tree.first;
    if (!convert_nodes(ensemble, columns, nodes, error) ||
        !add_leaves(ensemble, columns, nodes, error) || !check_shape(nodes, &tree, error) ||
        !add_categories(ensemble, columns, nodes, error))
        return fail_prefix(error, "tree %zu: ", ensemble->tree_count);
    copy_or_zero(ensemble->gain + tree.first, columns->gain, count);
    copy_or_zero(ensemble->cover + tree.first, columns->cover, count);
    ensemble->trees[ensemble->tree_count++] = tree;
    ensemble->node_count += count;
    ensemble->depth = tree.depth > ensemble->depth ? tree.depth : ensemble->depth;
    return true;
}

static bool place_trees(struct ensemble *ensemble, const struct model_facts *facts,
                        struct lathe_error *error)
{
    if (ensemble->vector_leaves && ensemble->leaf_size != ensemble->outputs)
        return fail(error, LATHE_INVALID_MODEL, "leaves of %zu values in a model of %zu outputs",
                    ensemble->leaf_size, ensemble->outputs);
    if (facts->tree_outputs && facts->tree_output_count != ensemble->tree_count)
        return fail(error, LATHE_INVALID_MODEL, "tree_info: %zu entries for %zu trees",
                    facts->tree_output_count, ensemble->tree_count);
    for (size_t i = 0; i < ensemble->tree_count && facts->tree_outputs; i++) {
        int32_t output = facts->tree_outputs[i];
        if (output < 0 || (size_t)output >= ensemble->outputs)
            return fail(error, LATHE_INVALID_MODEL, "tree_info: tree %zu adds to output %d of %zu",
                        i, output, ensemble->outputs);
        ensemble->trees[i].output = ensemble->vector_leaves ? 0 : (uint32_t)output;
    }
    return true;
}

/* dart: XGBoost adds `leaf * weight`, rounded in between; so the product can be taken now. */
static bool weigh_trees(struct ensemble *ensemble, const struct model_facts *facts,
                        struct lathe_error *error)
{
    if (!facts->tree_weights)
        return true;
    if (facts->tree_weight_count != ensemble->tree_count)
        return fail(error, LATHE_INVALID_MODEL, "weight_drop: %zu weights for %zu trees",
                    facts->tree_weight_count, ensemble->tree_count);
    if (ensemble->vector_leaves)
        return fail(error, LATHE_UNSUPPORTED, "dart with vector leaves");
    for (size_t t = 0; t < ensemble->tree_count; t++) {
        struct tree_node *nodes = ensemble->nodes + ensemble->trees[t].first;
        for (uint32_t i = 0; i < ensemble->trees[t].count; i++)
            if (nodes[i].left == NO_CHILD)
                nodes[i].leaf *= facts->tree_weights[t];
    }
    return true;
}

static bool set_base(struct ensemble *ensemble, const struct model_facts *facts,
                     struct lathe_error *error)
{
    size_t outputs = ensemble->outputs;
    if (facts->base_score_count != 1 && facts->base_score_count != outputs)
        return fail(error, LATHE_INVALID_MODEL, "base_score: %zu values for %zu outputs",
                    facts->base_score_count, outputs);
    ensemble->base_margin = malloc(outputs * sizeof *ensemble->base_margin);
    if (!ensemble->base_margin)
        return fail(error, LATHE_NO_MEMORY, "no memory for %zu outputs", outputs);
    ensemble->base_score = facts->base_score[0];
    ensemble->score_is_margin = facts->base_score_is_margin;
    for (size_t i = 0; i < outputs; i++) {
        float score = facts->base_score[facts->base_score_count == 1 ? 0 : i];
        ensemble->base_margin[i] = score;
        if (!facts->base_score_is_margin &&
            !objective_base_margin(ensemble->objective, score, &ensemble->base_margin[i]))
            return fail(error, LATHE_INVALID_MODEL, "base_score: %g is outside what %s allows",
                        (double)score, ensemble->objective->name);
    }
    return true;
}

static const char *known_booster(const char *name)
{
    static const char *const boosters[] = {"gbtree", "dart", "gblinear"};
    for (size_t i = 0; i < sizeof boosters / sizeof *boosters; i++)
        if (strcmp(name, boosters[i]) == 0)
            return boosters[i];
    return NULL;
}

static bool set_linear(struct ensemble *ensemble, struct model_facts *facts,
                       struct lathe_error *error)
{
    size_t needed = (ensemble->features + 1) * ensemble->outputs;
    if (facts->linear_count != needed)
        return fail(error, LATHE_INVALID_MODEL, "%zu weights for %zu features and %zu outputs",
                    facts->linear_count, ensemble->features, ensemble->outputs);
    ensemble->linear = facts->linear;
    facts->linear = NULL;
    /* XGBoost's gblinear starts every output from the first base score */
    for (size_t i = 1; i < ensemble->outputs; i++)
        ensemble->base_margin[i] = ensemble->base_margin[0];
    return true;
}

bool ensemble_finish(struct ensemble *ensemble, struct model_facts *facts,
                     struct lathe_error *error)
{
    if (facts->features < 0 || facts->features > MOST_FEATURES)
        return fail(error, LATHE_LIMIT, "num_feature: %lld, and at most %d are supported",
                    (long long)facts->features, MOST_FEATURES);
    int64_t outputs = facts->classes > facts->targets ? facts->classes : facts->targets;
    if (outputs > MOST_OUTPUTS)
        return fail(error, LATHE_LIMIT, "%lld outputs, and at most %d are supported",
                    (long long)outputs, MOST_OUTPUTS);
    ensemble->features = (size_t)facts->features;
    ensemble->outputs = outputs > 1 ? (size_t)outputs : 1;
    ensemble->objective = objective_find(facts->objective);
    if (!ensemble->objective)
        return fail(error, LATHE_UNSUPPORTED, "the objective \"%s\"", facts->objective);
    ensemble->booster = known_booster(facts->booster);
    if (!ensemble->booster)
        return fail(error, LATHE_UNSUPPORTED, "the booster \"%s\"", facts->booster);
    if (ensemble->used_features > ensemble->features)
        return fail(error, LATHE_INVALID_MODEL, "a split on feature %u of %zu",
                    ensemble->used_features - 1, ensemble->features);
    if (!set_base(ensemble, facts, error))
        return false;
    if (strcmp(ensemble->booster, "gblinear") == 0)
        return ensemble->tree_count ? fail(error, LATHE_INVALID_MODEL, "a linear model with trees")
                                    : set_linear(ensemble, facts, error);
    if (strcmp(ensemble->booster, "dart") == 0 && !facts->tree_weights && ensemble->tree_count)
        return fail(error, LATHE_INVALID_MODEL, "a dart model without weight_drop");
    return place_trees(ensemble, facts, error) && weigh_trees(ensemble, facts, error);
}

void ensemble_cut(struct ensemble *ensemble, int64_t limit)
{
    size_t each = ensemble->vector_leaves ? 1 : ensemble->outputs;
    if (limit <= 0 || (uint64_t)limit > ensemble->tree_count / each)
        return;
    size_t kept = (size_t)limit * each;
    if (kept == ensemble->tree_count)
        return;
    ensemble->tree_count = kept;
    ensemble->node_count = ensemble->trees[kept].first;
    ensemble->depth = 0;
    for (size_t i = 0; i < kept; i++)
        if (ensemble->trees[i].depth > ensemble->depth)
            ensemble->depth = ensemble->trees[i].depth;
}

void kept_categories_free(struct kept_categories *kept, size_t features)
{
    for (size_t i = 0; kept && i < features; i++) {
        free(kept[i].text);
        free(kept[i].starts);
    }
    free(kept);
}

void ensemble_clear(struct ensemble *ensemble)
{
    for (size_t i = 0; ensemble->feature_names && i < ensemble->features; i++)
        free(ensemble->feature_names[i]);
    free(ensemble->feature_names);
    kept_categories_free(ensemble->kept_categories, ensemble->features);
    free(ensemble->base_margin);
    free(ensemble->trees);
    free(ensemble->nodes);
    free(ensemble->sets);
    free(ensemble->categories);
    free(ensemble->set_bits);
    free(ensemble->leaves);
    free(ensemble->linear);
}
