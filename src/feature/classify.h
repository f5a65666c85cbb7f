/* classify.h: what Spark's models make of their margins and votes. */
#ifndef LATHE_FEATURE_CLASSIFY_H
#define LATHE_FEATURE_CLASSIFY_H

#include "feature/kind.h"

/* The outputs of a model, in the order of their ports in a bundle. */
enum { RAW_PREDICTION, PROBABILITY, PREDICTION, CLASSIFIER_OUTPUTS };
extern const char *const CLASSIFIER_PORTS[CLASSIFIER_OUTPUTS];

/* Reads "features" and the ports of a classifier, or of a regression: "prediction". */
bool read_classifier_ports(struct bundle_node *node);
bool read_regression_ports(struct bundle_node *node);

/* A number a class, of a list that may be left out. */
bool read_thresholds(struct bundle_node *node, size_t classes, const double **thresholds);

/* What output i of a classifier is: two vectors of a number a class, and a number. */
struct feature_column make_classifier(size_t i, size_t classes);

/* Its columns, class by class. */
static inline double *raw_out(const struct work *work, const struct step *step, size_t class)
{
    return numbers_out(work, step->out[class]);
}

static inline double *probability_out(const struct work *work, const struct step *step,
                                      size_t classes, size_t class)
{
    return numbers_out(work, step->out[classes + class]);
}

/* From the raw predictions of two classes, -m and m: 1 / (1 + exp(-scale m)) ... */
void logistic_probabilities(const struct work *work, const struct step *step, double scale);

/* From raw predictions, which are counts: each as a part of their sum. */
void normalized_probabilities(const struct work *work, const struct step *step, size_t classes);

/* The class of the largest raw prediction or, with thresholds, of the largest probability as a
 * part of its threshold; the first of several. */
void predict_class(const struct work *work, const struct step *step, size_t classes,
                   const double *thresholds);

/* For each row, the sum of the products of the step's inputs with as many coefficients. */
void sum_products(const struct work *work, const struct step *step, const double *coefficients,
                  double *out);

/* The same as Spark has it for one row of coefficients: of a dense vector in four sums, each
 * product fused with its addition (ddot on Java 11 and later), of a sparse one in order. */
void dot_products(const struct work *work, const struct step *step, const double *coefficients,
                  double *out);

#endif
