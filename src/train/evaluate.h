/* evaluate.h: a booster's metrics on the data sets that are watched. */
#ifndef LATHE_TRAIN_EVALUATE_H
#define LATHE_TRAIN_EVALUATE_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "train/library.h"
#include "train/report.h"

/* A data set to watch. */
struct watched {
    const char *name; /* "train" */
    void *matrix;
    const float *labels;
    size_t rows;
    bool weighted; /* the matrix has weights */
};

struct evaluator;

/* Which metrics: eval_metric and the tuner's, as the container unites them. What is given is
 * borrowed and has to outlive the evaluator. */
struct evaluator *evaluator_new(const struct xgboost *xgboost, const json_t *hyperparameters,
                                const struct watched *sets, size_t set_count);
void evaluator_free(struct evaluator *evaluator);

/* The metrics that XGBoost computes, for booster_configure; a NULL-ended list, the evaluator's. */
const char *const *evaluator_xgboost_metrics(const struct evaluator *evaluator);

/* The metric that early stopping watches: the tuner's, or the last of eval_metric; NULL where
 * neither was given. */
const char *evaluator_stopping_metric(const struct evaluator *evaluator);

/* The scores after a round: struct score, data sets in their order, XGBoost's metrics before ours.
 * Their texts live as long as the evaluator. NULL and an error. */
GArray *evaluate(struct evaluator *evaluator, void *booster, int round, GError **error);

/* "[12]#011train-rmse:0.31000#011validation-rmse:0.59000", with score_text's digits; g_free it. */
char *evaluation_line(int round, const GArray *scores, bool six_digits);

/* The score of a metric on a data set; error@0.5 also finds "error", as XGBoost shortens it. NULL
 * where there is none. */
const struct score *evaluation_find(const GArray *scores, const char *data, const char *metric);

typedef struct evaluator evaluator_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(evaluator_auto, evaluator_free)

#endif
