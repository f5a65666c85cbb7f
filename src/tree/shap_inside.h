/* shap_inside.h: path-dependent TreeSHAP, as XGBoost's pred_contribs has it (Lundberg, Erion, Lee,
 * "Consistent Individualized Feature Attribution for Tree Ensembles", 2018), in a form whose work
 * is proportional to a tree's nodes times half the features on a path.
 *
 * A leaf's path asks about d features; of feature j its edges pass on a share z_j of the training
 * rows, by their covers, and o_j is 1 where the row passes them all, else 0. The leaf credits
 * feature i with
 *
 *     value (o_i - z_i) sum over the sets S of other features of
 *         |S|! (d - |S| - 1)! / d!  (product of o_j in S) (product of z_j not in S)
 *
 * and as |S|! (d - |S| - 1)! / d! is the integral of t^|S| (1 - t)^(d - |S| - 1) from 0 to 1, the
 * sum is that of the product of the factors o_j t + z_j (1 - t), over all j but i. This is a
 * polynomial of degree d - 1, which Gauss and Legendre's d / 2 points integrate exactly; their
 * weights and all factors are positive, so that nothing cancels. At each point the product over all
 * features comes down the path, the leaf's value times it goes up again, and an edge divides its
 * own factor out: (1 - z) / (t + z (1 - t)) is its credit where the row passes, -1 / (1 - t) where
 * not. Where an edge higher up asked about the same feature, what that one is credited with for
 * these leaves is taken off. All in double, eight rows at a time.
 *
 * Interactions (Lundberg's SHAP interaction values, XGBoost's pred_interactions) are half of how
 * much feature i is credited with more where j is known than where it is not. At a leaf that is
 *
 *     value / 2 (o_i - z_i) (o_j - z_j) times the same sum over all features but i and j,
 *
 * so that an edge's credit need only be multiplied by those of the edges above it: the work is that
 * of contributions times half the depth, however many features there are. */
#ifndef LATHE_TREE_SHAP_INSIDE_H
#define LATHE_TREE_SHAP_INSIDE_H

#include "parse/target.h"
#include "tree/ensemble.h"

enum { SHAP_ROWS = 8 };

struct edge;

struct shap_points {
    size_t count;
    double *at, *weight, *fails; /* fails: -1 / (1 - at) */
};

/* What interactions need besides. Features are counted among those that are asked about. */
struct shap_pairs {
    const uint32_t *places; /* a feature's */
    size_t features;
    uint32_t *path;  /* on each level: what the edge there asks about, */
    double *credits; /* and a vector a point: what it credits by what comes from below */
    double *out;     /* for the feature of an edge and that of one above it: added to */
};

/* One tree for some rows. Vectors are of SHAP_ROWS, a row a lane, and aligned to 64 bytes. */
struct shap_walk {
    const struct ensemble *ensemble;
    const struct tree_node *nodes; /* the tree's */
    const float *cover;
    size_t output; /* of a vector leaf's values which */
    const struct shap_points *points;
    const float *values;        /* a vector a feature */
    double *products, *sums;    /* a vector a point, on each level and one more */
    const struct edge **latest; /* a feature: all NULL between trees */
    double *out;                /* a vector a feature: added to */
    struct shap_pairs *pairs;   /* NULL: contributions alone */
};

static inline double shap_leaf(const struct ensemble *ensemble, const struct tree_node *leaf,
                               size_t output)
{
    return (double)ensemble_leaf(ensemble, leaf, output);
}

void shap_walk_word(const struct shap_walk *walk);
#if TARGET_X86
void shap_walk_avx2(const struct shap_walk *walk);
void shap_walk_avx512(const struct shap_walk *walk);
#endif

#endif
