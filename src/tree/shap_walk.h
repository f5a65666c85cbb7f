/* shap_walk.h: one tree's contributions to eight rows, compiled for each instruction set: the file
 * that includes it says for which (WALK_TARGET), how wide its registers are (WALK_BYTES), and what
 * the entry is called (WALK_NAME).
 *
 * See shap_inside.h for what is computed. Down the tree go the products of a path's factors at each
 * point, up come the sums over the leaves below, and each edge credits its feature. */
#include "parse/target.h"
#include "tree/shap_inside.h"

#include <string.h>

enum { PARTS = SHAP_ROWS * sizeof(double) / WALK_BYTES, LANES = SHAP_ROWS / PARTS };

typedef double part __attribute__((vector_size(WALK_BYTES)));
typedef int32_t whole_part __attribute__((vector_size(WALK_BYTES / 2)));
typedef float floats __attribute__((vector_size(SHAP_ROWS * sizeof(float))));
typedef int32_t truths __attribute__((vector_size(SHAP_ROWS * sizeof(int32_t))));

/* A number for each row, in registers as wide as there are. */
struct lanes {
    part of[PARTS];
};

#define EACH_PART(p) UNROLL for (int p = 0; p < PARTS; p++)

/* Which rows go left at a categorical split whose set is bits: no branch, for none would foresee a
 * row's category. */
WALK_TARGET static ALWAYS_INLINE void leave_set(const struct shap_walk *walk,
                                                const struct tree_node *node, const floats *values,
                                                truths *goes)
{
    const struct category_set *set = &walk->ensemble->sets[node->set];
    const uint64_t *bits = walk->ensemble->set_bits + set->bits;
    const float limit = (float)(set->words * 64);
    for (size_t r = 0; r < SHAP_ROWS; r++) {
        float value = (*values)[r];
        bool there = value >= 0 && value < limit;
        uint32_t category = there ? (uint32_t)value : 0;
        bool within = there & (bits[category / 64] >> category % 64);
        (*goes)[r] = -(int32_t)(value != value ? node->default_left : !within);
    }
}

/* 1 in the lanes of rows that go left, else 0. */
WALK_TARGET static void go_left(const struct shap_walk *walk, const struct tree_node *node,
                                struct lanes *left)
{
    const floats values = ((const floats *)walk->values)[node->feature];
    const int32_t missing = node->default_left ? -1 : 0;
    truths goes = (values < node->threshold) | ((values != values) & missing);
    if (node->categorical && walk->ensemble->sets[node->set].words)
        leave_set(walk, node, &values, &goes);
    else if (node->categorical)
        for (size_t r = 0; r < SHAP_ROWS; r++)
            goes[r] = tree_step(walk->ensemble, node, values[r]) == node->left ? -1 : 0;
    EACH_PART(p)
    {
        whole_part some;
        memcpy(&some, (const int32_t *)&goes + p * LANES, sizeof some);
        left->of[p] = __builtin_convertvector(-some, part);
    }
}

/* An edge: its feature's share of covers and whether the row passes, over all edges of the path so
 * far that ask about it; and the edge before that did, or NULL. */
struct edge {
    double share, own_share;
    struct lanes passes;
    const struct edge *same;
};

/* What an edge credits its feature with at a point, by what comes from the leaves below. */
WALK_TARGET static ALWAYS_INLINE struct lanes credit_at(const struct shap_points *points, size_t k,
                                                        const struct edge *edge)
{
    double share = edge->share, t = points->at[k], fails = points->fails[k];
    double passes = (1 - share) / (share + (1 - share) * t);
    struct lanes credit;
    if (!edge->same) {
        EACH_PART(p) credit.of[p] = fails + edge->passes.of[p] * (passes - fails);
        return credit;
    }
    /* what the edge above of this feature is credited with too much for these leaves */
    double before = edge->same->share, undone = (1 - before) / (before + (1 - before) * t);
    EACH_PART(p)
    credit.of[p] =
        edge->passes.of[p] * (passes - fails) + edge->same->passes.of[p] * (fails - undone);
    return credit;
}

/* What the leaves below an edge credit its feature with. */
WALK_TARGET static void credit(const struct shap_walk *walk, const struct edge *edge,
                               const struct lanes *sums, struct lanes *out)
{
    struct lanes total = *out;
    for (size_t k = 0; k < walk->points->count; k++) {
        struct lanes credit = credit_at(walk->points, k, edge);
        EACH_PART(p) total.of[p] += sums[k].of[p] * credit.of[p];
    }
    *out = total;
}

/* Before what is below an edge is walked: its credits, for the pairs with edges there. */
WALK_TARGET static void enter_pairs(const struct shap_walk *walk, const struct edge *edge,
                                    uint32_t feature, size_t level)
{
    const struct shap_pairs *pairs = walk->pairs;
    struct lanes *credits = (struct lanes *)pairs->credits + level * walk->points->count;
    pairs->path[level] = pairs->places[feature];
    for (size_t k = 0; k < walk->points->count; k++)
        credits[k] = credit_at(walk->points, k, edge);
}

/* Afterwards: the pairs with the edges above. Multiplies the sums by the edge's own credits. */
WALK_TARGET static void credit_pairs(const struct shap_walk *walk, size_t level, struct lanes *sums)
{
    const struct shap_pairs *pairs = walk->pairs;
    size_t count = walk->points->count, feature = pairs->path[level];
    const struct lanes *credits = (const struct lanes *)pairs->credits;
    struct lanes *out = (struct lanes *)pairs->out + feature * pairs->features;
    for (size_t k = 0; k < count; k++)
        EACH_PART(p) sums[k].of[p] *= credits[level * count + k].of[p];
    for (size_t above = 0; above < level; above++, credits += count) {
        if (pairs->path[above] == feature)
            continue;
        struct lanes total = out[pairs->path[above]];
        for (size_t k = 0; k < count; k++)
            EACH_PART(p) total.of[p] += sums[k].of[p] * credits[k].of[p];
        out[pairs->path[above]] = total;
    }
}

/* The products below an edge. */
WALK_TARGET static void pass(const struct shap_walk *walk, const struct edge *edge,
                             const struct lanes *left, const struct lanes *products,
                             struct lanes *below)
{
    double share = edge->share, before = edge->same ? edge->same->share : 0.0;
    for (size_t k = 0; k < walk->points->count; k++) {
        double t = walk->points->at[k];
        double fails = share * (1 - t);
        if (!edge->same) {
            EACH_PART(p) below[k].of[p] = products[k].of[p] * (fails + left->of[p] * t);
            continue;
        }
        /* the feature's factor so far is divided out: where it failed already only shares are left
         * of both, so that no share of 0 divides */
        double own = edge->own_share, passed = before + (1 - before) * t;
        fails = fails / passed - own;
        EACH_PART(p)
        below[k].of[p] = products[k].of[p] *
                         (own + edge->same->passes.of[p] * (fails + left->of[p] * (t / passed)));
    }
}

WALK_TARGET static void explain(const struct shap_walk *walk, int32_t number, size_t level);

/* One child: adds its sums to the node's. */
WALK_TARGET static void explain_child(const struct shap_walk *walk, int32_t number, int32_t child,
                                      const struct lanes *left, size_t level)
{
    size_t count = walk->points->count;
    const float *cover = walk->cover;
    double all = (double)cover[number];
    uint32_t feature = walk->nodes[number].feature;
    struct edge edge = {.same = walk->latest[feature]};
    edge.own_share = all > 0 ? (double)cover[child] / all : 0.5;
    edge.share = edge.own_share * (edge.same ? edge.same->share : 1.0);
    edge.passes = *left;
    if (edge.same)
        EACH_PART(p) edge.passes.of[p] *= edge.same->passes.of[p];
    struct lanes *products = (struct lanes *)walk->products + level * count;
    struct lanes *sums = (struct lanes *)walk->sums + level * count;
    pass(walk, &edge, left, products, products + count);
    walk->latest[feature] = &edge;
    if (walk->pairs)
        enter_pairs(walk, &edge, feature, level);
    explain(walk, child, level + 1);
    walk->latest[feature] = edge.same;
    credit(walk, &edge, sums + count, (struct lanes *)walk->out + feature);
    for (size_t k = 0; k < count; k++)
        EACH_PART(p) sums[k].of[p] += sums[count + k].of[p];
    if (walk->pairs)
        credit_pairs(walk, level, sums + count);
}

WALK_TARGET static void explain(const struct shap_walk *walk, int32_t number, size_t level)
{
    const struct tree_node *node = &walk->nodes[number];
    size_t count = walk->points->count;
    const struct lanes *products = (const struct lanes *)walk->products + level * count;
    struct lanes *sums = (struct lanes *)walk->sums + level * count;
    if (node->left == NO_CHILD) {
        double value = shap_leaf(walk->ensemble, node, walk->output);
        for (size_t k = 0; k < count; k++)
            EACH_PART(p) sums[k].of[p] = products[k].of[p] * (walk->points->weight[k] * value);
        return;
    }
    struct lanes left, right;
    go_left(walk, node, &left);
    EACH_PART(p) right.of[p] = 1 - left.of[p];
    memset(sums, 0, count * sizeof *sums);
    explain_child(walk, number, node->left, &left, level);
    explain_child(walk, number, node->right, &right, level);
}

WALK_TARGET void WALK_NAME(const struct shap_walk *walk)
{
    struct lanes *products = (struct lanes *)walk->products;
    for (size_t k = 0; k < walk->points->count; k++)
        for (size_t r = 0; r < SHAP_ROWS; r++)
            products[k].of[r / LANES][r % LANES] = 1;
    explain(walk, 0, 0);
}
