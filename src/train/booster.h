/* booster.h: a booster's parameters, and its model files. */
#ifndef LATHE_TRAIN_BOOSTER_H
#define LATHE_TRAIN_BOOSTER_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "train/library.h"

/* Sets XGBoost's parameters from checked hyperparameters; those that steer the job itself
 * (num_round, early stopping ...) are not XGBoost's. eval_metric is set to metrics, a NULL-ended
 * list; where it is empty XGBoost takes its objective's default. */
bool booster_configure(const struct xgboost *xgboost, void *booster, const json_t *hyperparameters,
                       const char *const *metrics, GError **error);

/* Writes the model as UBJSON, which every release from 1.6 on opens, whatever this one's own
 * default is; aside and renamed, so that no reader sees half a model. */
bool booster_write(const struct xgboost *xgboost, void *booster, const char *path, GError **error);

/* The same in the form in which the image leaves its models (xgboost_release's `model`). */
bool booster_write_model(const struct xgboost *xgboost, void *booster, const char *path,
                         GError **error);

/* As UBJSON, XGBoost's own until it is next called. NULL and an error. */
const char *booster_bytes(const struct xgboost *xgboost, void *booster, uint64_t *size,
                          GError **error);

enum prediction { PREDICT_ANSWER = 0, PREDICT_MARGIN = 1 };

/* What the booster says of a matrix's rows: *width values a row, XGBoost's until it is next called.
 * An answer is what Python's predict() gives (a probability, a number, multi:softmax's class), a
 * margin what it is made from. */
bool booster_predict(const struct xgboost *xgboost, void *booster, void *matrix,
                     enum prediction prediction, const float **values, size_t *width,
                     GError **error);

/* Reads a model file into an empty booster. */
bool booster_read(const struct xgboost *xgboost, void *booster, const char *path, GError **error);

#endif
