/* round_view.h: what a round of a training showed, to rules, to the hook and to the report. Each is
 * found out when it is first asked for: of the booster, or of the tensors that a hook saved
 * (saved_steps.h). */
#ifndef LATHE_TRAIN_ROUND_VIEW_H
#define LATHE_TRAIN_ROUND_VIEW_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "train/evaluate.h"

struct round_view;

/* A number of a feature: what XGBoost says, and its share of all features'. */
struct round_feature {
    char *name;
    double value, share;
};

/* Where a view comes from. */
struct round_source {
    /* Whether there is anything of this collection in this round; NULL: always. */
    bool (*shows)(const struct round_view *view, const char *collection);
    bool (*predict)(struct round_view *view, GError **error);
    /* Adds struct round_feature of the features that are used; kind: "weight", "gain", ... */
    bool (*weigh)(struct round_view *view, const char *kind, GArray *features, GError **error);
    /* Sets largest_node. */
    bool (*walk)(struct round_view *view, GError **error);
    /* Adds each feature's mean contribution to what is predicted, whatever its direction; none
     * where they are not to be had. */
    bool (*contribute)(struct round_view *view, GArray *features, GError **error);
};

struct round_view {
    const struct round_source *source;
    int round;
    const GArray *scores;          /* struct score */
    const json_t *hyperparameters; /* texts */

    /* The rows that are judged: the validation's, or the training's where there are none. */
    const char *rows_of; /* "validation" */
    const float *labels; /* NULL: there are none */
    size_t rows;
    const float *predictions; /* `width` a row; NULL until they are asked for */
    size_t width;

    /* The source's own. */
    const struct xgboost *xgboost;
    void *booster;
    const struct watched *sets;
    size_t set_count;
    GHashTable *tensors;                /* name -> struct saved_tensor */
    GArray *own_labels, *own_predicted; /* float */

    /* Kept once it was asked for. */
    GHashTable *importances; /* kind -> GArray */
    guint64 largest_node;    /* of the round's trees; a root alone is 0 */
    bool has_nodes;
};

/* Of a booster after a round. */
struct round_view round_view_of(const struct xgboost *xgboost, void *booster,
                                const json_t *hyperparameters, const struct watched *sets,
                                size_t set_count, int round, const GArray *scores);
void round_view_clear(struct round_view *view);

bool round_view_predictions(struct round_view *view, GError **error);
/* struct round_feature in XGBoost's order, the view's; NULL and an error. */
const GArray *round_view_importance(struct round_view *view, const char *kind, GError **error);
bool round_view_nodes(struct round_view *view, GError **error);
/* struct round_feature, the caller's. */
GArray *round_view_contributions(struct round_view *view, GError **error);

/* A hyperparameter's text; "" where there is none. */
const char *round_view_text(const struct round_view *view, const char *hyperparameter);

/* An array of struct round_feature. */
GArray *round_features_new(void);

#endif
