/* forest.h: a tree ensemble (or linear model) read from an XGBoost model file, and its answers.
 *
 * Immutable after forest_open, so any number of threads may predict with one forest. */
#ifndef LATHE_TREE_FOREST_H
#define LATHE_TREE_FOREST_H

#include "lathe.h"
#include "tree/kept_categories.h"

struct forest;

/* How to walk. FOREST_BEST is the fastest that the CPU and the forest can. Every path gives
 * identical bits. */
enum forest_path {
    FOREST_BEST,
    FOREST_PLAIN,
    FOREST_WORD,
    FOREST_AVX2,
    FOREST_AVX512,
    FOREST_NEON,
    FOREST_PATHS
};

struct xgboost_release;

/* Reads a model in any form that XGBoost 0.90 to 3.4 writes (JSON, UBJSON, old binary, a pickled
 * Booster) from memory. The bytes are not kept. NULL with LATHE_INVALID_MODEL (cut, corrupt,
 * hostile), LATHE_UNSUPPORTED or LATHE_NO_MEMORY. */
struct forest *forest_open(const void *bytes, size_t size, struct lathe_error *error);
/* The same as an image's release reads it (NULL: as above, all of it): those of XGBoost 1 predict
 * with no more trees than the training found best. */
struct forest *forest_open_for(const void *bytes, size_t size,
                               const struct xgboost_release *release, struct lathe_error *error);
/* The same as a CPU opens it that has no more than the path needs, for tests and benchmarks. NULL
 * with LATHE_UNSUPPORTED where this CPU lacks that. */
struct forest *forest_open_path(const void *bytes, size_t size, enum forest_path path,
                                struct lathe_error *error);
void forest_close(struct forest *forest);

/* What an ensemble asks and answers. Pointers live as long as the forest. */
struct forest_info {
    size_t features; /* columns of a row */
    size_t outputs;  /* margins a row: classes, targets, or 1 */
    size_t trees;
    size_t nodes;                     /* over all trees, leaves included */
    size_t depth;                     /* edges on the longest path */
    const char *booster;              /* "gbtree", "dart" or "gblinear" */
    const char *objective;            /* XGBoost's name, such as "binary:logistic" */
    const float *base_margin;         /* `outputs` values that every row's sums start from */
    const char *const *feature_names; /* `features` names, or NULL where the file has none */
    const struct kept_categories *categories; /* of the features, or NULL: none has any */
    bool pickled;                             /* the file is a pickled Booster */
    enum forest_path path;                    /* which is walked: never FOREST_BEST */
};
const struct forest_info *forest_describe(const struct forest *forest);

/* Margins (raw scores before the objective's transformation) of `count` rows: row r starts at
 * rows + r * stride (stride in floats, at least `features`), NaN is missing; out receives
 * count x outputs floats. Equal, bit for bit, to XGBoost's predict(DMatrix, output_margin=True);
 * for infinities, which a DMatrix refuses, to its in-place prediction. Cannot fail. */
void forest_margins(const struct forest *forest, const float *rows, size_t count, size_t stride,
                    float *out);

/* Fewer rows than these forest_margins takes one by one, which is then faster than a block that is
 * mostly empty; from columns there is no such way. */
size_t forest_few_rows(const struct forest *forest);

/* The same margins from columns: columns[f] has `count` values of feature f, NaN where missing,
 * each of which is taken as (float)value. It may be NULL for a feature that nothing asks about. */
void forest_margins_columns(const struct forest *forest, const double *const *columns, size_t count,
                            float *out);

/* Whether any split (or, in a linear model, weight) asks about the feature. */
bool forest_asks(const struct forest *forest, size_t feature);

/* How many values a row has after the objective's transformation: `outputs`, except multi:softmax,
 * whose answer is one class number. */
size_t forest_answers(const struct forest *forest);

/* From margins (count x outputs) to what XGBoost's predict() returns (count x answers): the
 * sigmoid, softmax, exp, arg max ... of the objective. May work in place. */
void forest_transform(const struct forest *forest, const float *margins, size_t count, float *out);

/* How many values a row has of the two that follow: its class's number (or one for each of several
 * targets), and the classes' probabilities (of two both). 0: the objective has none. */
size_t forest_labels(const struct forest *forest);
size_t forest_probabilities(const struct forest *forest);

/* From margins to them. Not in place. */
void forest_label(const struct forest *forest, const float *margins, size_t count, float *out);
void forest_tell(const struct forest *forest, const float *margins, size_t count, float *out);

/* The number of the leaf, as the model file numbers a tree's nodes, that each row reaches in each
 * tree: count x trees. XGBoost's pred_leaf. */
void forest_leaves(const struct forest *forest, const float *rows, size_t count, size_t stride,
                   uint32_t *out);

/* How much each feature contributed to each margin: path-dependent TreeSHAP, XGBoost's
 * pred_contribs. count x outputs x (features + 1) floats, the last of each the bias; they sum to
 * the margin. The work is proportional to the leaves times their depth. False with
 * LATHE_UNSUPPORTED where the file lacks the nodes' covers, LATHE_LIMIT where a tree is deeper
 * than 1,024, or LATHE_NO_MEMORY. */
bool forest_contributions(const struct forest *forest, const float *rows, size_t count,
                          size_t stride, float *out, struct lathe_error *error);

/* How much of each contribution each pair of features has only together: XGBoost's
 * pred_interactions. count x outputs x (features + 1) x (features + 1) floats, symmetric; a
 * feature's row sums to its contribution, the bias is the last place. Fails as
 * forest_contributions, and with LATHE_LIMIT where a row would have more than 2^28 values. */
bool forest_interactions(const struct forest *forest, const float *rows, size_t count,
                         size_t stride, float *out, struct lathe_error *error);

/* How many values that is for a row; 0: too many. */
size_t forest_interaction_values(const struct forest *forest);

/* For each of the `features`: in how many splits it is, and the gain and the cover of these
 * splits together; XGBoost's "weight", "total_gain" and "total_cover" (its "gain" and "cover" are
 * the latter two divided by the first). A linear model has weights only, those of its first
 * output. */
void forest_importance(const struct forest *forest, float *weight, float *gain, float *cover);

#endif
