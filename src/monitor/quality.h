/* quality.h: how good predictions are, in Model Monitor's words: the members of its model quality
 * statistics (regression_metrics, binary_classification_metrics,
 * multiclass_classification_metrics), each metric {"value": x, "standard_deviation": "NaN"} as
 * SageMaker's evaluation reports write them. */
#ifndef LATHE_MONITOR_QUALITY_H
#define LATHE_MONITOR_QUALITY_H

#include "base/json.h"

/* mae, mse, rmse and r2 of `rows` predictions. */
json_t *quality_regression(const double *labels, const double *predictions, size_t rows);

/* Of scores (probabilities, or any number that grows with the belief in 1) for labels 0 and 1: the
 * confusion matrix at score >= threshold, accuracy, precision, recall, f0_5, f1, f2, the four
 * rates, auc, and the points of the ROC and precision-recall curves (thinned to about a thousand).
 */
json_t *quality_binary(const double *labels, const double *scores, size_t rows, double threshold);

/* The threshold with the largest F1 on these rows: halfway between two neighbouring scores. */
double quality_best_threshold(const double *labels, const double *scores, size_t rows);

/* Of class numbers 0 .. classes - 1 (names may be NULL): the confusion matrix, accuracy, and
 * precision, recall, f0_5, f1 and f2 weighted by the classes' shares. */
json_t *quality_multiclass(const double *labels, const double *predictions, size_t rows,
                           size_t classes, const char *const *names);

#endif
