/* Spark's LinearRegression and LogisticRegression. */
#include "feature/classify.h"

#include <float.h>
#include <math.h>

enum { MOST_CLASSES = 10000 };

/* ---- bundles ---- */

/* One row of coefficients with its intercept. */
static bool read_row(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    double *intercept = arena_take(node->arena, 1, sizeof *intercept);
    stage->of.linear.intercepts = intercept;
    if (!intercept)
        return fail_memory(node->error, "a bundle");
    return node_numbers(node, "coefficients", &stage->of.linear.coefficients, &stage->width) &&
           node_number(node, "intercept", intercept);
}

static bool read_linear(struct bundle_node *node)
{
    return read_regression_ports(node) && read_row(node);
}

/* MLeap writes the matrix column by column. */
static bool read_matrix(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    size_t count, rows, columns, intercepts;
    const double *matrix;
    if (!node_numbers(node, "coefficient_matrix", &matrix, &count) ||
        !node_matrix(node, "coefficient_matrix", &rows, &columns) ||
        !node_numbers(node, "intercept_vector", &stage->of.linear.intercepts, &intercepts))
        return false;
    if (rows != stage->of.linear.classes || rows * columns != count)
        return node_needs(node, "coefficient_matrix", "a matrix of a row a class");
    if (intercepts != rows)
        return node_needs(node, "intercept_vector", "one number a class");
    double *by_row = arena_take(node->arena, count, sizeof *by_row);
    if (!by_row)
        return fail_memory(node->error, "a bundle");
    for (size_t i = 0; i < count; i++)
        by_row[i % rows * columns + i / rows] = matrix[i];
    stage->of.linear.coefficients = by_row;
    stage->width = columns;
    return true;
}

static bool read_threshold(struct bundle_node *node)
{
    double *threshold = arena_take(node->arena, 1, sizeof *threshold);
    if (!threshold)
        return fail_memory(node->error, "a bundle");
    *threshold = 0.5;
    node->stage.of.linear.thresholds = threshold;
    return node_number(node, "threshold", threshold);
}

static bool read_logistic(struct bundle_node *node)
{
    size_t *classes = &node->stage.of.linear.classes;
    if (!read_classifier_ports(node) || !node_whole(node, "num_classes", 1, MOST_CLASSES, classes))
        return false;
    if (*classes > 2)
        return read_matrix(node) &&
               read_thresholds(node, *classes, &node->stage.of.linear.thresholds);
    *classes = 2;
    return read_row(node) && read_threshold(node);
}

/* ---- rows ---- */

static void add_margins(const struct work *work, const struct step *step, size_t class, double *out)
{
    const struct feature_stage *stage = step->stage;
    const double *coefficients = stage->of.linear.coefficients + class * stage->width;
    if (stage->of.linear.classes > 2)
        sum_products(work, step, coefficients, out);
    else
        dot_products(work, step, coefficients, out);
    for (size_t row = 0; row < work->rows; row++)
        out[row] += stage->of.linear.intercepts[class];
}

static bool step_linear(const struct work *work, const struct step *step)
{
    add_margins(work, step, 0, numbers_out(work, step->out[0]));
    return true;
}

/* Spark holds the margin against the logit of the threshold. */
static void step_binary(const struct work *work, const struct step *step)
{
    double threshold = step->stage->of.linear.thresholds[0];
    double least = threshold <= 0   ? -INFINITY
                   : threshold >= 1 ? INFINITY
                                    : log(threshold / (1 - threshold));
    double *against = raw_out(work, step, 0), *margins = raw_out(work, step, 1);
    double *prediction = numbers_out(work, step->out[4]);
    add_margins(work, step, 0, margins);
    for (size_t row = 0; row < work->rows; row++) {
        against[row] = -margins[row];
        prediction[row] = margins[row] > least;
    }
    logistic_probabilities(work, step, 1);
}

/* Spark's softmax of one row: an infinite margin takes all. */
static void softmax(const struct work *work, const struct step *step, size_t classes, size_t row)
{
    double most = -DBL_MAX, sum = 0;
    size_t certain = classes;
    for (size_t c = 0; c < classes && certain == classes; c++) {
        double margin = raw_out(work, step, c)[row];
        most = margin > most ? margin : most;
        certain = isinf(margin) && margin > 0 ? c : certain;
    }
    for (size_t c = 0; c < classes; c++) {
        double value = certain < classes ? c == certain : exp(raw_out(work, step, c)[row] - most);
        probability_out(work, step, classes, c)[row] = value;
        sum += value;
    }
    for (size_t c = 0; c < classes; c++)
        probability_out(work, step, classes, c)[row] *= 1 / sum;
}

static bool step_logistic(const struct work *work, const struct step *step)
{
    size_t classes = step->stage->of.linear.classes;
    if (classes == 2) {
        step_binary(work, step);
        return true;
    }
    for (size_t c = 0; c < classes; c++)
        add_margins(work, step, c, raw_out(work, step, c));
    for (size_t row = 0; row < work->rows; row++)
        softmax(work, step, classes, row);
    predict_class(work, step, classes, step->stage->of.linear.thresholds);
    return true;
}

static struct feature_column make_logistic(const struct feature_stage *stage, size_t i,
                                           size_t total)
{
    (void)total;
    return make_classifier(i, stage->of.linear.classes);
}

const struct kind KIND_LINEAR = {
    .name = "LinearRegression",
    .op = "linear_regression",
    .read = read_linear,
    .ask = ask_vector,
    .apply = step_linear,
};

const struct kind KIND_LOGISTIC = {
    .name = "LogisticRegression",
    .op = "logistic_regression",
    .read = read_logistic,
    .ask = ask_vector,
    .make = make_logistic,
    .apply = step_logistic,
};
