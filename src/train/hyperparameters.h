/* hyperparameters.h: the hyperparameters of the SageMaker XGBoost container, checked as it does. */
#ifndef LATHE_TRAIN_HYPERPARAMETERS_H
#define LATHE_TRAIN_HYPERPARAMETERS_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "tree/xgboost_release.h"

/* Checks a training job's HyperParameters (names to strings) before anything is read, as a release
 * of the image does: required ones, unknown ones (the nearest name is told; a lenient release
 * leaves them out), each value's type and range, and what one asks of another, with the container's
 * wording. On success *checked, where checked is not NULL, receives a
 * new object of the same values under their first names (learning_rate as eta ...), trimmed. */
bool train_check_hyperparameters(const json_t *given, const struct xgboost_release *release,
                                 json_t **checked, GError **error);

/* Of a checked object, by a hyperparameter's first name. What is not given has the default that
 * stands in the table, or NULL, or 0. */
bool hyperparameter_given(const json_t *checked, const char *name);
const char *hyperparameter_text(const json_t *checked, const char *name);
gint64 hyperparameter_integer(const json_t *checked, const char *name);

#endif
