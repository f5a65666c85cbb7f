#include "monitor/quality.h"

#include <math.h>
#include <stdlib.h>

/* A curve of every row would be larger than the model. */
#define CURVE_POINTS 1000

/* SageMaker's reports have a standard deviation beside each value, "NaN" where rows are not
 * resampled. */
static void put_metric(json_t *metrics, const char *name, double value)
{
    json_t *number = isfinite(value) ? json_real(value) : json_string("NaN");
    json_object_set_new(metrics, name,
                        json_pack("{soss}", "value", number, "standard_deviation", "NaN"));
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* F-beta of precision p and recall r: (1 + b^2) p r / (b^2 p + r). */
static double f_score(double beta, double precision, double recall)
{
    double square = beta * beta;
    return ratio((1 + square) * precision * recall, square * precision + recall);
}

/* ---- regression ---- */

json_t *quality_regression(const double *labels, const double *predictions, size_t rows)
{
    double absolute = 0, squared = 0, sum = 0, spread = 0;
    for (size_t i = 0; i < rows; i++) {
        double difference = predictions[i] - labels[i];
        absolute += fabs(difference);
        squared += difference * difference;
        sum += labels[i];
    }
    double count = (double)rows, mean = ratio(sum, count);
    for (size_t i = 0; i < rows; i++)
        spread += (labels[i] - mean) * (labels[i] - mean);
    json_t *metrics = json_object();
    put_metric(metrics, "mae", ratio(absolute, count));
    put_metric(metrics, "mse", ratio(squared, count));
    put_metric(metrics, "rmse", sqrt(ratio(squared, count)));
    put_metric(metrics, "r2", spread > 0 ? 1 - squared / spread : NAN);
    return metrics;
}

/* ---- binary ---- */

struct scored {
    double score, label;
};

static int by_score_descending(const void *a, const void *b)
{
    double left = ((const struct scored *)a)->score, right = ((const struct scored *)b)->score;
    return left < right ? 1 : left > right ? -1 : 0;
}

static struct scored *sorted(const double *labels, const double *scores, size_t rows)
{
    struct scored *order = g_new(struct scored, rows + 1);
    for (size_t i = 0; i < rows; i++)
        order[i] = (struct scored){scores[i], labels[i]};
    qsort(order, rows, sizeof *order, by_score_descending);
    return order;
}

/* Walks the rows from the highest score down, a step for each distinct score: step i says how many
 * of each label score at least that much. */
struct sweep {
    double score, true_positives, false_positives;
};

static GArray *sweep_of(const double *labels, const double *scores, size_t rows)
{
    g_autofree struct scored *order = sorted(labels, scores, rows);
    GArray *sweep = g_array_new(FALSE, FALSE, sizeof(struct sweep));
    struct sweep at = {0};
    for (size_t i = 0; i < rows; i++) {
        at.score = order[i].score;
        if (order[i].label > 0.5)
            at.true_positives++;
        else
            at.false_positives++;
        if (i + 1 == rows || order[i + 1].score < order[i].score)
            g_array_append_val(sweep, at);
    }
    return sweep;
}

#define STEP(sweep, i) (&g_array_index(sweep, struct sweep, i))

double quality_best_threshold(const double *labels, const double *scores, size_t rows)
{
    g_autoptr(GArray) sweep = sweep_of(labels, scores, rows);
    double positives = sweep->len ? STEP(sweep, sweep->len - 1)->true_positives : 0;
    double best = -1, threshold = 0.5;
    for (guint i = 0; i < sweep->len; i++) {
        const struct sweep *step = STEP(sweep, i);
        /* F1 = 2 TP / (positives + predicted positives) */
        double f1 = ratio(2 * step->true_positives,
                          positives + step->true_positives + step->false_positives);
        if (f1 <= best)
            continue;
        best = f1;
        double next = i + 1 < sweep->len ? STEP(sweep, i + 1)->score : step->score;
        threshold = next + (step->score - next) / 2;
    }
    return threshold;
}

/* The area under the ROC curve by trapezoids, which counts ties half. */
static double auc_of(const GArray *sweep, double positives, double negatives)
{
    double area = 0;
    struct sweep last = {0};
    for (guint i = 0; i < sweep->len; i++) {
        const struct sweep *step = STEP(sweep, i);
        area += (step->false_positives - last.false_positives) *
                (step->true_positives + last.true_positives) / 2;
        last = *step;
    }
    return positives > 0 && negatives > 0 ? area / positives / negatives : NAN;
}

static void put_curves(json_t *metrics, const GArray *sweep, double positives, double negatives)
{
    json_t *false_rates = json_pack("[f]", 0.0), *true_rates = json_pack("[f]", 0.0);
    json_t *precisions = json_pack("[f]", 1.0), *recalls = json_pack("[f]", 0.0);
    guint pace = sweep->len / CURVE_POINTS + 1;
    for (guint i = 0; i < sweep->len; i++) {
        if (i % pace && i + 1 != sweep->len)
            continue;
        const struct sweep *step = STEP(sweep, i);
        double recall = ratio(step->true_positives, positives);
        json_array_append_new(false_rates, json_real(ratio(step->false_positives, negatives)));
        json_array_append_new(true_rates, json_real(recall));
        json_array_append_new(recalls, json_real(recall));
        json_array_append_new(
            precisions,
            json_real(ratio(step->true_positives, step->true_positives + step->false_positives)));
    }
    json_object_set_new(metrics, "receiver_operating_characteristic_curve",
                        json_pack("{soso}", "false_positive_rates", false_rates,
                                  "true_positive_rates", true_rates));
    json_object_set_new(metrics, "precision_recall_curve",
                        json_pack("{soso}", "precisions", precisions, "recalls", recalls));
}

json_t *quality_binary(const double *labels, const double *scores, size_t rows, double threshold)
{
    double counts[2][2] = {{0}}; /* [label][prediction] */
    for (size_t i = 0; i < rows; i++)
        counts[labels[i] > 0.5][scores[i] >= threshold]++;
    double negatives = counts[0][0] + counts[0][1], positives = counts[1][0] + counts[1][1];
    double precision = ratio(counts[1][1], counts[0][1] + counts[1][1]);
    double recall = ratio(counts[1][1], positives);
    json_t *metrics = json_object();
    json_object_set_new(metrics, "confusion_matrix",
                        json_pack("{s{sIsI}s{sIsI}}", "0", "0", (json_int_t)counts[0][0], "1",
                                  (json_int_t)counts[0][1], "1", "0", (json_int_t)counts[1][0], "1",
                                  (json_int_t)counts[1][1]));
    put_metric(metrics, "accuracy", ratio(counts[0][0] + counts[1][1], (double)rows));
    put_metric(metrics, "precision", precision);
    put_metric(metrics, "recall", recall);
    put_metric(metrics, "f0_5", f_score(0.5, precision, recall));
    put_metric(metrics, "f1", f_score(1, precision, recall));
    put_metric(metrics, "f2", f_score(2, precision, recall));
    put_metric(metrics, "true_positive_rate", recall);
    put_metric(metrics, "true_negative_rate", ratio(counts[0][0], negatives));
    put_metric(metrics, "false_positive_rate", ratio(counts[0][1], negatives));
    put_metric(metrics, "false_negative_rate", ratio(counts[1][0], positives));
    g_autoptr(GArray) sweep = sweep_of(labels, scores, rows);
    put_metric(metrics, "auc", auc_of(sweep, positives, negatives));
    put_metric(metrics, "threshold", threshold);
    put_curves(metrics, sweep, positives, negatives);
    return metrics;
}

/* ---- multiclass ---- */

static char *class_name(const char *const *names, size_t class)
{
    return names ? g_strdup(names[class]) : g_strdup_printf("%zu", class);
}

static json_t *confusion_matrix(const double *counts, size_t classes, const char *const *names)
{
    json_t *matrix = json_object();
    for (size_t label = 0; label < classes; label++) {
        json_t *row = json_object();
        for (size_t prediction = 0; prediction < classes; prediction++) {
            g_autofree char *name = class_name(names, prediction);
            json_object_set_new(row, name,
                                json_integer((json_int_t)counts[label * classes + prediction]));
        }
        g_autofree char *name = class_name(names, label);
        json_object_set_new(matrix, name, row);
    }
    return matrix;
}

json_t *quality_multiclass(const double *labels, const double *predictions, size_t rows,
                           size_t classes, const char *const *names)
{
    g_autofree double *counts = g_new0(double, classes *classes + 1);
    for (size_t i = 0; i < rows; i++)
        counts[(size_t)labels[i] * classes + (size_t)predictions[i]]++;
    double right = 0, sums[5] = {0}; /* precision, recall, f0_5, f1, f2, weighted by the labels */
    for (size_t c = 0; c < classes; c++) {
        double of_label = 0, of_prediction = 0, both = counts[c * classes + c];
        for (size_t other = 0; other < classes; other++) {
            of_label += counts[c * classes + other];
            of_prediction += counts[other * classes + c];
        }
        double precision = ratio(both, of_prediction), recall = ratio(both, of_label);
        const double values[5] = {precision, recall, f_score(0.5, precision, recall),
                                  f_score(1, precision, recall), f_score(2, precision, recall)};
        for (int i = 0; i < 5; i++)
            sums[i] += values[i] * of_label;
        right += both;
    }
    static const char *const weighted[5] = {"weighted_precision", "weighted_recall",
                                            "weighted_f0_5", "weighted_f1", "weighted_f2"};
    json_t *metrics =
        json_pack("{so}", "confusion_matrix", confusion_matrix(counts, classes, names));
    put_metric(metrics, "accuracy", ratio(right, (double)rows));
    for (int i = 0; i < 5; i++)
        put_metric(metrics, weighted[i], ratio(sums[i], (double)rows));
    return metrics;
}
