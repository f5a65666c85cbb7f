/* boost.h: boosting rounds until they are done, stop improving, or are asked to stop. */
#ifndef LATHE_TRAIN_BOOST_H
#define LATHE_TRAIN_BOOST_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "train/evaluate.h"
#include "train/library.h"

struct boost_plan {
    const struct xgboost *xgboost;
    const json_t *hyperparameters; /* checked */
    void *train;                   /* the matrix to learn from */
    const struct watched *sets;    /* what to report on; early stopping watches "validation" */
    size_t set_count;
    const char *checkpoints; /* folder, or NULL */
    struct rules *rules;     /* rules.h; NULL: none */
    struct hook *hook;       /* hook.h; the same */
    int report_fd;
    int threads; /* of small data, to be chosen up to this number (pace.h); 0: no choice */
    /* Where this is one of several models (of a cross validation): its part of the progress. */
    double progress_from, progress_to;
};

struct boost_outcome {
    void *booster; /* the caller's; booster_free it */
    bool stopped;  /* by SIGTERM: fewer rounds than asked for */
    GArray *last;  /* struct score of the last round, or NULL where there was none; the texts are
                    * the evaluator's */
    struct evaluator *evaluator;
};

/* Trains. With early stopping the booster is cut back to its best round, as the container does
 * (save_best), and best_iteration and best_score are in its attributes. */
bool boost(const struct boost_plan *plan, struct boost_outcome *outcome, GError **error);
void boost_outcome_clear(const struct xgboost *xgboost, struct boost_outcome *outcome);

#endif
