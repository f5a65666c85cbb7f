#include "train/own_metric.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

/* Of one class: rows that are it and are called it, rows that are it, rows that are called it. */
struct tally {
    double hits, labelled, predicted;
};

/* More classes than this are labels of another kind: a row number, a price. */
#define MAX_CLASSES 100000

static double ratio(double part, double whole)
{
    return whole == 0 ? 0 : part / whole;
}

static double tally_precision(const struct tally *tally)
{
    return ratio(tally->hits, tally->predicted);
}

static double tally_recall(const struct tally *tally)
{
    return ratio(tally->hits, tally->labelled);
}

static double tally_f1(const struct tally *tally)
{
    return ratio(2 * tally->hits, tally->labelled + tally->predicted);
}

/* The mean over the classes that occur among labels or predictions. */
static double macro_mean(const GArray *tallies, double (*score)(const struct tally *))
{
    double sum = 0;
    double classes = 0;
    for (guint i = 0; i < tallies->len; i++) {
        const struct tally *tally = &g_array_index(tallies, struct tally, i);
        if (tally->labelled > 0 || tally->predicted > 0) {
            sum += score(tally);
            classes += 1;
        }
    }
    return ratio(sum, classes);
}

/* The mean recall over the classes that occur among the labels. */
static double balanced_accuracy(const GArray *tallies)
{
    double sum = 0;
    double classes = 0;
    for (guint i = 0; i < tallies->len; i++) {
        const struct tally *tally = &g_array_index(tallies, struct tally, i);
        if (tally->labelled > 0) {
            sum += tally_recall(tally);
            classes += 1;
        }
    }
    return ratio(sum, classes);
}

static double accuracy(const GArray *tallies, size_t rows)
{
    double hits = 0;
    for (guint i = 0; i < tallies->len; i++)
        hits += g_array_index(tallies, struct tally, i).hits;
    return ratio(hits, (double)rows);
}

static bool count_classes(const float *labels, const float *predictions, size_t rows,
                          GArray *tallies, const char *metric, GError **error)
{
    g_array_set_size(tallies, 2);
    for (size_t row = 0; row < rows; row++) {
        float label = labels[row];
        float greatest = fmaxf(label, predictions[row]);
        if (!(label >= 0) || label != floorf(label) || greatest >= MAX_CLASSES) {
            return error_set(error, ERROR_VALIDATION,
                             "Metric '%s' compares classes, whole numbers from 0; a label is %.9g",
                             metric, (double)label);
        }
        if (greatest >= (float)tallies->len)
            g_array_set_size(tallies, (guint)greatest + 1);
        g_array_index(tallies, struct tally, (guint)label).labelled += 1;
        g_array_index(tallies, struct tally, (guint)predictions[row]).predicted += 1;
        if (label == predictions[row])
            g_array_index(tallies, struct tally, (guint)label).hits += 1;
    }
    return true;
}

static double class_metric(const char *name, const GArray *tallies, size_t rows)
{
    const struct tally *one = &g_array_index(tallies, struct tally, 1);
    if (strcmp(name, "balanced_accuracy") == 0)
        return balanced_accuracy(tallies);
    if (strcmp(name, "f1") == 0 || strcmp(name, "f1_macro") == 0)
        return macro_mean(tallies, tally_f1);
    if (strcmp(name, "precision_macro") == 0)
        return macro_mean(tallies, tally_precision);
    if (strcmp(name, "recall_macro") == 0)
        return macro_mean(tallies, tally_recall);
    if (strcmp(name, "f1_binary") == 0)
        return tally_f1(one);
    if (strcmp(name, "precision") == 0)
        return tally_precision(one);
    if (strcmp(name, "recall") == 0)
        return tally_recall(one);
    /* Every row has one label and one prediction, so precision and recall over all rows, their
     * "micro" means, are the accuracy. */
    return accuracy(tallies, rows);
}

static double number_metric(const char *name, const float *labels, const float *predictions,
                            size_t rows)
{
    double sum = 0;
    for (size_t row = 0; row < rows; row++)
        sum += (double)labels[row];
    double mean = sum / (double)rows;
    double absolute = 0;
    double squares = 0;
    double spread = 0;
    for (size_t row = 0; row < rows; row++) {
        double difference = (double)labels[row] - (double)predictions[row];
        double deviation = (double)labels[row] - mean;
        absolute += fabs(difference);
        squares += difference * difference;
        spread += deviation * deviation;
    }
    if (strcmp(name, "mae") == 0)
        return absolute / (double)rows;
    if (strcmp(name, "mse") == 0)
        return squares / (double)rows;
    if (strcmp(name, "rmse") == 0)
        return sqrt(squares / (double)rows);
    /* r2; scikit-learn calls a perfect fit of a constant 1 and any other 0. */
    if (spread == 0)
        return squares == 0 ? 1 : 0;
    return 1 - squares / spread;
}

bool own_metric(const struct train_metric *metric, const float *labels, const float *predictions,
                size_t rows, double *value, GError **error)
{
    if (!metric->of_classes) {
        *value = number_metric(metric->name, labels, predictions, rows);
        return true;
    }
    g_autoptr(GArray) tallies = g_array_new(FALSE, TRUE, sizeof(struct tally));
    if (!count_classes(labels, predictions, rows, tallies, metric->name, error))
        return false;
    *value = class_metric(metric->name, tallies, rows);
    return true;
}
