/* Rules that compare labels with what is predicted for them. */
#include <math.h>
#include <string.h>

#include "train/rules_inside.h"

/* More are no classes, but numbers. */
#define MOST_CLASSES 1000

static size_t class_of(const struct round_view *view, size_t row)
{
    const float *values = view->predictions + row * view->width;
    size_t best = 0;
    if (view->width == 1)
        return (size_t)MAX(lroundf(values[0]), 0);
    for (size_t i = 1; i < view->width; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

/* How many classes the labels have; 0 where they are none. */
static size_t count_classes(const struct round_view *view)
{
    float largest = 1;
    for (size_t row = 0; row < view->rows; row++) {
        float label = view->labels[row];
        if (!(label >= 0 && label < MOST_CLASSES) || label != floorf(label))
            return 0;
        largest = MAX(largest, label);
    }
    return (size_t)largest + 1;
}

static bool count_pairs(struct rule *rule, struct round_view *view, gint64 *pairs, GError **error)
{
    if (!round_view_predictions(view, error))
        return false;
    for (size_t row = 0; row < view->rows; row++) {
        size_t label = (size_t)view->labels[row], predicted = class_of(view, row);
        pairs[label * rule->classes + MIN(predicted, rule->classes - 1)]++;
    }
    return true;
}

/* The pairs of this step; NULL and no error: labels are no classes. */
static gint64 *pairs_of(struct rule *rule, struct round_view *view, GError **error)
{
    rule->classes = count_classes(view);
    if (!rule->classes)
        return NULL;
    gint64 *pairs = g_new0(gint64, rule->classes * rule->classes);
    if (count_pairs(rule, view, pairs, error))
        return pairs;
    g_free(pairs);
    return NULL;
}

static gint64 sum_of(const gint64 *from, size_t count, size_t stride)
{
    gint64 sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += from[i * stride];
    return sum;
}

bool check_class_imbalance(struct rule *rule, struct round_view *view, bool *met, GError **error)
{
    GError *cause = NULL;
    g_autofree gint64 *pairs = pairs_of(rule, view, &cause);
    double wrong = rule_number(rule, "threshold_misprediction", 0.7);
    gint64 largest = 0, smallest = G_MAXINT64;
    if (cause)
        g_propagate_error(error, cause);
    if (!pairs || view->rows < rule_number(rule, "samples", 500))
        return !cause;
    for (size_t label = 0; label < rule->classes; label++) {
        const gint64 *row = pairs + label * rule->classes;
        gint64 count = sum_of(row, rule->classes, 1);
        largest = MAX(largest, count);
        smallest = MIN(smallest, count);
        *met = *met || (count && (double)(count - row[label]) > wrong * (double)count);
    }
    *met =
        *met || (double)largest > rule_number(rule, "threshold_imbalance", 10) * (double)smallest;
    return true;
}

/* As the documentation has it: an element of the diagonal against the diagonal's sum, one beside it
 * against its column's. */
bool check_confusion(struct rule *rule, struct round_view *view, bool *met, GError **error)
{
    GError *cause = NULL;
    g_autofree gint64 *pairs = pairs_of(rule, view, &cause);
    double least = rule_number(rule, "min_diag", 0.9),
           most = rule_number(rule, "max_off_diag", 0.1);
    if (cause)
        g_propagate_error(error, cause);
    if (!pairs)
        return !cause;
    size_t classes = rule->classes;
    double diagonal = (double)sum_of(pairs, classes, classes + 1);
    for (size_t i = 0; i < classes; i++) {
        double column = (double)sum_of(pairs + i, classes, classes);
        *met = *met || (double)pairs[i * classes + i] < least * diagonal;
        for (size_t j = 0; j < classes; j++)
            *met = *met || (j != i && (double)pairs[j * classes + i] > most * column);
    }
    return true;
}
