/* cross_validate.h: a model for each fold left out (_kfold, _num_cv_round). */
#ifndef LATHE_TRAIN_CROSS_VALIDATE_H
#define LATHE_TRAIN_CROSS_VALIDATE_H

#include <glib.h>
#include <stdbool.h>

#include "train/boost.h"

/* Trains _kfold models on each of _num_cv_round deals of the rows of `all` (a plain matrix with
 * those labels), as `plan` says; its train matrix is not used. Each model is watched on the plan's
 * sets, and the means of the last scores are a line of the log after each deal, as in the
 * container. Writes model/xgboost-model-<n>, and output/data/predictions.csv: for each row its
 * label, and what the models that had not seen it predicted (classes: the probability's mean and
 * the most frequent class; else the mean). Where SIGTERM came, keep says whether to write the
 * models there are. */
bool cross_validate(const struct boost_plan *plan, const struct watched *all, const char *opt_ml,
                    bool keep, GError **error);

#endif
