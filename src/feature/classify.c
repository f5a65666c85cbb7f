#include "feature/classify.h"

#include <math.h>

const char *const CLASSIFIER_PORTS[CLASSIFIER_OUTPUTS] = {"raw_prediction", "probability",
                                                          "prediction"};

bool read_classifier_ports(struct bundle_node *node)
{
    return node_ports(node, "features", CLASSIFIER_PORTS, CLASSIFIER_OUTPUTS);
}

bool read_regression_ports(struct bundle_node *node)
{
    return node_ports(node, "features", &CLASSIFIER_PORTS[PREDICTION], 1);
}

bool read_thresholds(struct bundle_node *node, size_t classes, const double **thresholds)
{
    size_t count = classes;
    return node_vector(node, "thresholds", thresholds, &count) &&
           (count == classes || node_needs(node, "thresholds", "one number a class"));
}

struct feature_column make_classifier(size_t i, size_t classes)
{
    bool vector = i != PREDICTION;
    return (struct feature_column){NULL, FEATURE_NUMBER, vector, vector ? classes : 1};
}

void logistic_probabilities(const struct work *work, const struct step *step, double scale)
{
    const double *raw = raw_out(work, step, 0);
    double *first = probability_out(work, step, 2, 0), *second = probability_out(work, step, 2, 1);
    for (size_t row = 0; row < work->rows; row++) {
        first[row] = 1.0 / (1.0 + exp(-scale * raw[row]));
        second[row] = 1.0 - first[row];
    }
}

/* The sums of the raw predictions, in the prediction's column. */
static const double *sum_raw(const struct work *work, const struct step *step, size_t classes)
{
    double *sum = numbers_out(work, step->out[2 * classes]);
    memset(sum, 0, work->rows * sizeof *sum);
    for (size_t c = 0; c < classes; c++) {
        const double *raw = raw_out(work, step, c);
        for (size_t row = 0; row < work->rows; row++)
            sum[row] += raw[row];
    }
    return sum;
}

void normalized_probabilities(const struct work *work, const struct step *step, size_t classes)
{
    const double *sum = sum_raw(work, step, classes);
    for (size_t c = 0; c < classes; c++) {
        const double *raw = raw_out(work, step, c);
        double *probability = probability_out(work, step, classes, c);
        for (size_t row = 0; row < work->rows; row++)
            probability[row] = sum[row] != 0 ? raw[row] / sum[row] : raw[row];
    }
}

void predict_class(const struct work *work, const struct step *step, size_t classes,
                   const double *thresholds)
{
    double *prediction = numbers_out(work, step->out[2 * classes]);
    for (size_t row = 0; row < work->rows; row++) {
        double most = thresholds ? -INFINITY : raw_out(work, step, 0)[row];
        size_t best = 0;
        for (size_t c = 0; c < classes; c++) {
            double value = thresholds ? probability_out(work, step, classes, c)[row] / thresholds[c]
                                      : raw_out(work, step, c)[row];
            if (value > most) {
                most = value;
                best = c;
            }
        }
        prediction[row] = (double)best;
    }
}

void sum_products(const struct work *work, const struct step *step, const double *coefficients,
                  double *out)
{
    memset(out, 0, work->rows * sizeof *out);
    for (size_t i = 0; i < step->in_count; i++) {
        const double *in = numbers_in(work, step->in[i]);
        for (size_t row = 0; row < work->rows; row++)
            out[row] += in[row] * coefficients[i];
    }
}

enum { LANES = 4, BLOCK = 64 };

/* Sums of every fourth product, of a few rows, fused with the additions. */
static void add_lanes(const struct work *work, const struct step *step, const double *coefficients,
                      size_t row, size_t rows, double sums[LANES][BLOCK])
{
    for (size_t i = 0; i < step->in_count / LANES * LANES; i++) {
        const double *in = numbers_in(work, step->in[i]) + row;
        double *sum = sums[i % LANES];
        for (size_t r = 0; r < rows; r++)
            sum[r] = fma(in[r], coefficients[i], sum[r]);
    }
}

static void dot_dense(const struct work *work, const struct step *step, const double *coefficients,
                      size_t row, size_t rows, double *out)
{
    double sums[LANES][BLOCK] = {{0}};
    add_lanes(work, step, coefficients, row, rows, sums);
    for (size_t r = 0; r < rows; r++)
        out[r] = sums[0][r] + sums[1][r] + sums[2][r] + sums[3][r];
    for (size_t i = step->in_count / LANES * LANES; i < step->in_count; i++) {
        const double *in = numbers_in(work, step->in[i]) + row;
        for (size_t r = 0; r < rows; r++)
            out[r] = fma(in[r], coefficients[i], out[r]);
    }
}

/* In order, for those rows that Spark keeps sparse. */
static void dot_sparse(const struct work *work, const struct step *step, const double *coefficients,
                       size_t row, size_t rows, double *out)
{
    double sums[BLOCK] = {0}, present[BLOCK] = {0};
    for (size_t i = 0; i < step->in_count; i++) {
        const double *in = numbers_in(work, step->in[i]) + row;
        for (size_t r = 0; r < rows; r++) {
            sums[r] += in[r] * coefficients[i];
            present[r] += in[r] != 0;
        }
    }
    for (size_t r = 0; r < rows; r++)
        if (step->form == FORM_SPARSE || 1.5 * (present[r] + 1) < (double)step->in_count)
            out[r] = sums[r];
}

void dot_products(const struct work *work, const struct step *step, const double *coefficients,
                  double *out)
{
    for (size_t row = 0; row < work->rows; row += BLOCK) {
        size_t rows = work->rows - row < BLOCK ? work->rows - row : BLOCK;
        if (step->form != FORM_SPARSE)
            dot_dense(work, step, coefficients, row, rows, out + row);
        if (step->form != FORM_DENSE)
            dot_sparse(work, step, coefficients, row, rows, out + row);
    }
}
