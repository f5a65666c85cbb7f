/* own_metric.h: the metrics that the SageMaker container computes itself, with scikit-learn. */
#ifndef LATHE_TRAIN_OWN_METRIC_H
#define LATHE_TRAIN_OWN_METRIC_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "train/metrics.h"

/* A metric with computed_by_us, over `rows` labels and predictions: class numbers (of_classes) or
 * numbers. Formulas are scikit-learn's (precision_recall_fscore_support, r2_score ...), with its
 * answers for empty denominators: 0. Weights are not looked at, nor are they by the container.
 * false where a label is no class number. */
bool own_metric(const struct train_metric *metric, const float *labels, const float *predictions,
                size_t rows, double *value, GError **error);

#endif
