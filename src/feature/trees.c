/* Spark's models of trees: read from bundles, and applied. */
#include "feature/trees.h"

#include "feature/classify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_CLASSES = 10000, MOST_TREES = 100000 };

/* ---- one tree: a node a line ---- */

struct tree_reading {
    struct bundle_node *node;
    const char *file;
    struct feature_tree_node *nodes;
    size_t count;   /* of nodes so far */
    size_t *open;   /* inner nodes whose right side is yet to come */
    size_t waiting; /* of them */
    size_t values;  /* of a leaf */
};

static bool tree_needs(const struct tree_reading *tree, const char *what)
{
    return fail(tree->node->error, LATHE_INVALID_MODEL, "%.200s, node %zu: %s", tree->file,
                tree->count + 1, what);
}

static const double *read_leaf(const struct tree_reading *tree, const struct json *line)
{
    const struct json *list = json_member(line, "values");
    bool whole = list && list->kind == JSON_ARRAY && list->size == tree->values;
    double *values = whole ? arena_take(tree->node->arena, tree->values, sizeof *values) : NULL;
    size_t count = 0;
    for (const struct json *value = values ? list->first : NULL; value; value = value->next) {
        if (value->kind != JSON_NUMBER && value->kind != JSON_NULL)
            return NULL;
        values[count++] = value->kind == JSON_NUMBER ? value->number : NAN;
    }
    return values;
}

/* A whole number that is less than `end`; SIZE_MAX: it is not. */
static size_t index_of(const struct json *number, size_t end)
{
    if (!number || number->kind != JSON_NUMBER ||
        !(number->number >= 0 && number->number < (double)end))
        return SIZE_MAX;
    return (size_t)number->number;
}

static int by_category(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* MLeap lists the smaller side of the categories, and says which that is. Spark sends what is on
 * neither side to the larger one; where both are as large, to the right. */
static bool read_categories(const struct tree_reading *tree, const struct json *split,
                            struct feature_tree_node *node)
{
    const struct json *list = json_member(split, "categories");
    const struct json *is_left = json_member(split, "isLeft");
    size_t count = index_of(json_member(split, "numCategories"), BUILD_CATEGORIES);
    if (count == SIZE_MAX || !list || list->kind != JSON_ARRAY || list->size > count)
        return tree_needs(tree, "it needs the categories of one side, and numCategories");
    uint32_t *listed = arena_take(tree->node->arena, list->size, sizeof *listed);
    if (!listed)
        return fail_memory(tree->node->error, "a bundle");
    for (const struct json *category = list->first; category; category = category->next) {
        size_t index = index_of(category, count);
        if (index == SIZE_MAX)
            return tree_needs(tree, "its categories must be below numCategories");
        listed[node->listed++] = (uint32_t)index;
    }
    qsort(listed, node->listed, sizeof *listed, by_category);
    node->categorical = true;
    node->listed_left = is_left && is_left->kind == JSON_BOOL && is_left->truth;
    node->unseen_left = (node->listed_left ? list->size : count - list->size) > count / 2;
    node->categories = (uint32_t)count;
    node->list = listed;
    return true;
}

static bool read_split(const struct tree_reading *tree, const struct json *split,
                       struct feature_tree_node *node)
{
    size_t feature = index_of(json_member(split, "featureIndex"), tree->node->stage.width);
    const struct json *type = json_member(split, "type"), *at = json_member(split, "threshold");
    if (feature == SIZE_MAX)
        return tree_needs(tree, "its featureIndex must be below the model's num_features");
    node->feature = (int32_t)feature;
    if (type && type->kind == JSON_STRING && strcmp(type->string, "categorical") == 0)
        return read_categories(tree, split, node);
    if (!at || at->kind != JSON_NUMBER)
        return tree_needs(tree, "it needs a threshold");
    node->threshold = at->number;
    return true;
}

/* Puts a node where it belongs: left of the one before it or, after a leaf, right of the last one
 * that has no right side. */
static bool place_node(struct tree_reading *tree)
{
    if (tree->count == 0 || tree->nodes[tree->count - 1].feature >= 0)
        return true;
    if (!tree->waiting)
        return tree_needs(tree, "the tree is whole without it");
    tree->nodes[tree->open[--tree->waiting]].right = (uint32_t)tree->count;
    return true;
}

static bool add_node(struct tree_reading *tree, const struct json *line)
{
    struct feature_tree_node *node = &tree->nodes[tree->count];
    const struct json *type = json_member(line, "type"), *split = json_member(line, "split");
    if (!place_node(tree))
        return false;
    if (!type || type->kind != JSON_STRING)
        return tree_needs(tree, "it has no type");
    node->feature = -1;
    if (strcmp(type->string, "internal") == 0) {
        if (!read_split(tree, split, node))
            return false;
        tree->open[tree->waiting++] = tree->count;
    } else if (!(node->values = read_leaf(tree, line)))
        return tree_needs(tree, tree->values == 1 ? "it must have one value"
                                                  : "it must have a value a class");
    tree->count++;
    return true;
}

static bool add_lines(struct tree_reading *tree, const char *bytes, size_t size)
{
    for (size_t at = 0, end; at < size; at = end + 1) {
        const char *newline = memchr(bytes + at, '\n', size - at);
        end = newline ? (size_t)(newline - bytes) : size;
        if (end == at)
            continue;
        struct arena lines = {0};
        const struct json *line = json_read(&lines, bytes + at, end - at, tree->node->error);
        bool added = line ? add_node(tree, line)
                          : fail_prefix(tree->node->error, "%.200s, node %zu: ", tree->file,
                                        tree->count + 1);
        arena_free(&lines);
        if (!added)
            return false;
    }
    bool whole = tree->count && !tree->waiting && tree->nodes[tree->count - 1].feature < 0;
    return whole || tree_needs(tree, "the tree ends before it is whole");
}

static bool read_tree(struct bundle_node *node, const char *file, size_t values,
                      struct feature_tree *out)
{
    const char *bytes;
    char *loaded;
    size_t size, lines = 1;
    if (!node_file(node, file, &bytes, &size, &loaded))
        return false;
    for (size_t i = 0; i < size; i++)
        lines += bytes[i] == '\n';
    struct tree_reading tree = {.node = node, .file = file, .values = values};
    tree.nodes = arena_take(node->arena, lines, sizeof *tree.nodes);
    tree.open = calloc(lines, sizeof *tree.open);
    bool read = tree.nodes && tree.open && lines < UINT32_MAX
                    ? add_lines(&tree, bytes, size)
                    : fail_memory(node->error, "a bundle");
    free(tree.open);
    free(loaded);
    *out = (struct feature_tree){tree.nodes, tree.count};
    return read;
}

/* ---- models ---- */

static struct feature_forest *new_forest(struct bundle_node *node, size_t count,
                                         struct feature_tree **trees_out)
{
    struct feature_forest *forest = arena_take(node->arena, 1, sizeof *forest);
    struct feature_tree *trees = arena_take(node->arena, count, sizeof *trees);
    if (!forest || !trees) {
        fail_memory(node->error, "a bundle");
        return NULL;
    }
    forest->trees = *trees_out = trees;
    forest->count = count;
    node->stage.of.forest.forest = forest;
    return forest;
}

/* The attributes that all have. */
static bool read_classes(struct bundle_node *node, bool classifier, struct feature_forest *forest)
{
    if (!node_whole(node, "num_features", 0, BUILD_WIDTH, &node->stage.width))
        return false;
    if (!classifier)
        return read_regression_ports(node);
    return read_classifier_ports(node) &&
           node_whole(node, "num_classes", 1, MOST_CLASSES, &forest->classes) &&
           read_thresholds(node, forest->classes, &forest->thresholds);
}

static bool read_single(struct bundle_node *node, bool classifier)
{
    struct feature_tree *tree;
    struct feature_forest *forest = new_forest(node, 1, &tree);
    return forest && read_classes(node, classifier, forest) &&
           read_tree(node, "tree.json", classifier ? forest->classes : 1, tree);
}

/* Each in a folder of its own, whose name is in the list. */
static bool read_trees(struct bundle_node *node, const struct json *names, size_t values,
                       struct feature_tree *trees)
{
    for (const struct json *name = names->first; name; name = name->next) {
        char file[512];
        if (name->kind != JSON_STRING || strlen(name->string) != name->size || !name->size ||
            strchr(name->string, '/') || strchr(name->string, '\\'))
            return node_needs(node, "trees", "a list of names without slashes");
        if (snprintf(file, sizeof file, "%s/tree.json", name->string) >= (int)sizeof file)
            return node_needs(node, "trees", "a list of short names");
        if (!read_tree(node, file, values, trees++))
            return false;
    }
    return true;
}

static bool read_forest(struct bundle_node *node, bool classifier, bool boosted)
{
    const struct json *names;
    size_t weights;
    if (!node_list(node, "trees", "string", &names))
        return false;
    if (!names || !names->size || names->size > MOST_TREES)
        return node_needs(node, "trees", "a list of at least one and at most 100000 names");
    struct feature_tree *trees;
    struct feature_forest *forest = new_forest(node, names->size, &trees);
    if (!forest || !read_classes(node, classifier, forest) ||
        !node_numbers(node, "tree_weights", &forest->weights, &weights))
        return false;
    if (weights != names->size)
        return node_needs(node, "tree_weights", "one number a tree");
    if (classifier && boosted && forest->classes != 2)
        return node_needs(node, "num_classes", "2");
    return read_trees(node, names, classifier && !boosted ? forest->classes : 1, trees);
}

static bool read_tree_classifier(struct bundle_node *node)
{
    return read_single(node, true);
}

static bool read_tree_regression(struct bundle_node *node)
{
    return read_single(node, false);
}

static bool read_forest_classifier(struct bundle_node *node)
{
    return read_forest(node, true, false);
}

static bool read_forest_regression(struct bundle_node *node)
{
    return read_forest(node, false, false);
}

static bool read_gbt_classifier(struct bundle_node *node)
{
    return read_forest(node, true, true);
}

static bool read_gbt_regression(struct bundle_node *node)
{
    return read_forest(node, false, true);
}

static struct feature_column make_classes(const struct feature_stage *stage, size_t i, size_t total)
{
    (void)total;
    return make_classifier(i, stage->of.forest.forest->classes);
}

/* ---- rows ---- */

static bool goes_left(const struct feature_tree_node *node, double value)
{
    if (!node->categorical)
        return value <= node->threshold;
    if (!(value >= 0 && value < node->categories) || value != floor(value))
        return node->unseen_left;
    uint32_t category = (uint32_t)value;
    bool listed = bsearch(&category, node->list, node->listed, sizeof category, by_category);
    return listed == node->listed_left;
}

static const double *leaf_of(const struct work *work, const struct step *step,
                             const struct feature_tree *tree, size_t row)
{
    const struct feature_tree_node *node = tree->nodes;
    while (node->feature >= 0) {
        double value = numbers_in(work, step->in[node->feature])[row];
        node = goes_left(node, value) ? node + 1 : tree->nodes + node->right;
    }
    return node->values;
}

static bool step_tree_classifier(const struct work *work, const struct step *step)
{
    const struct feature_forest *forest = step->stage->of.forest.forest;
    for (size_t row = 0; row < work->rows; row++) {
        const double *counts = leaf_of(work, step, forest->trees, row);
        for (size_t c = 0; c < forest->classes; c++)
            raw_out(work, step, c)[row] = counts[c];
    }
    normalized_probabilities(work, step, forest->classes);
    predict_class(work, step, forest->classes, forest->thresholds);
    return true;
}

/* One tree's vote on a row: what part of its leaf's rows was of each class. */
static void vote(const struct work *work, const struct step *step, const double *counts, size_t row)
{
    size_t classes = step->stage->of.forest.forest->classes;
    double total = 0;
    for (size_t c = 0; c < classes; c++)
        total += counts[c];
    for (size_t c = 0; c < classes && total != 0; c++)
        raw_out(work, step, c)[row] += counts[c] / total;
}

static bool step_forest_classifier(const struct work *work, const struct step *step)
{
    const struct feature_forest *forest = step->stage->of.forest.forest;
    for (size_t c = 0; c < forest->classes; c++)
        memset(raw_out(work, step, c), 0, work->rows * sizeof(double));
    for (size_t t = 0; t < forest->count; t++)
        for (size_t row = 0; row < work->rows; row++)
            vote(work, step, leaf_of(work, step, &forest->trees[t], row), row);
    normalized_probabilities(work, step, forest->classes);
    predict_class(work, step, forest->classes, forest->thresholds);
    return true;
}

/* The sum of what the trees say, by their weights or all alike. */
static void sum_trees(const struct work *work, const struct step *step, bool weighted, double *out)
{
    const struct feature_forest *forest = step->stage->of.forest.forest;
    memset(out, 0, work->rows * sizeof *out);
    for (size_t t = 0; t < forest->count; t++) {
        double weight = weighted ? forest->weights[t] : 1;
        for (size_t row = 0; row < work->rows; row++)
            out[row] += leaf_of(work, step, &forest->trees[t], row)[0] * weight;
    }
}

/* Of a single tree, too. */
static bool step_forest_regression(const struct work *work, const struct step *step)
{
    double *out = numbers_out(work, step->out[0]);
    double count = (double)step->stage->of.forest.forest->count;
    sum_trees(work, step, false, out);
    for (size_t row = 0; row < work->rows && count != 1; row++)
        out[row] /= count;
    return true;
}

static bool step_gbt_regression(const struct work *work, const struct step *step)
{
    sum_trees(work, step, true, numbers_out(work, step->out[0]));
    return true;
}

static bool step_gbt_classifier(const struct work *work, const struct step *step)
{
    double *against = raw_out(work, step, 0), *margins = raw_out(work, step, 1);
    sum_trees(work, step, true, margins);
    for (size_t row = 0; row < work->rows; row++)
        against[row] = -margins[row];
    logistic_probabilities(work, step, 2);
    predict_class(work, step, 2, step->stage->of.forest.forest->thresholds);
    return true;
}

const struct kind KIND_TREE_CLASSIFIER = {
    .name = "DecisionTreeClassifier",
    .op = "decision_tree_classifier",
    .read = read_tree_classifier,
    .ask = ask_vector,
    .make = make_classes,
    .apply = step_tree_classifier,
};

const struct kind KIND_TREE_REGRESSION = {
    .name = "DecisionTreeRegressor",
    .op = "decision_tree_regression",
    .read = read_tree_regression,
    .ask = ask_vector,
    .apply = step_forest_regression,
};

const struct kind KIND_FOREST_CLASSIFIER = {
    .name = "RandomForestClassifier",
    .op = "random_forest_classifier",
    .read = read_forest_classifier,
    .ask = ask_vector,
    .make = make_classes,
    .apply = step_forest_classifier,
};

const struct kind KIND_FOREST_REGRESSION = {
    .name = "RandomForestRegressor",
    .op = "random_forest_regression",
    .read = read_forest_regression,
    .ask = ask_vector,
    .apply = step_forest_regression,
};

const struct kind KIND_GBT_CLASSIFIER = {
    .name = "GBTClassifier",
    .op = "gbt_classifier",
    .read = read_gbt_classifier,
    .ask = ask_vector,
    .make = make_classes,
    .apply = step_gbt_classifier,
};

const struct kind KIND_GBT_REGRESSION = {
    .name = "GBTRegressor",
    .op = "gbt_regression",
    .read = read_gbt_regression,
    .ask = ask_vector,
    .apply = step_gbt_regression,
};
