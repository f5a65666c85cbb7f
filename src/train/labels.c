#include "train/labels.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

/* The labels an objective takes, and XGBoost's words for them. */
struct label_rule {
    const char *objective;
    double low, high;
    bool low_open;
    const char *rule;
};

static const struct label_rule rules[] = {
    {"binary:logistic", 0, 1, false, "label must be in [0,1] for logistic regression"},
    {"binary:logitraw", 0, 1, false, "label must be in [0,1] for logistic regression"},
    {"binary:hinge", 0, 1, false, "label must be 0 or 1"},
    {"reg:logistic", 0, 1, false, "label must be in [0,1] for logistic regression"},
    {"count:poisson", 0, INFINITY, false, "PoissonRegression: label must be nonnegative"},
    {"reg:gamma", 0, INFINITY, true, "GammaRegression: label must be positive"},
    {"reg:tweedie", 0, INFINITY, false, "TweedieRegression: label must be nonnegative"},
    {"reg:squaredlogerror", -1, INFINITY, true,
     "label must be greater than -1 for rmsle so that log(label + 1) can be valid"},
    {"rank:ndcg", 0, INFINITY, false, "relevance degrees must be nonnegative"},
    {"rank:map", 0, 1, false, "relevance must be 0 or 1"},
};

static bool fail_label(const struct channel *channel, size_t row, const char *rule, GError **error)
{
    g_autofree char *place = channel_place(channel, row);
    return error_set(error, ERROR_VALIDATION, "%s: the label (first column) is %.9g: %s", place,
                     (double)channel->labels[row], rule);
}

static bool check_classes(const struct channel *channel, gint64 num_class, GError **error)
{
    for (size_t row = 0; row < channel->rows; row++) {
        float label = channel->labels[row];
        if (!(label >= 0 && label < (float)num_class) || label != floorf(label)) {
            g_autofree char *rule = g_strdup_printf(
                "label must be in [0, num_class), a whole number from 0 to %d", (int)num_class - 1);
            return fail_label(channel, row, rule, error);
        }
    }
    return true;
}

static bool check_rule(const struct channel *channel, const struct label_rule *rule, GError **error)
{
    bool two_values = strcmp(rule->objective, "binary:hinge") == 0;
    for (size_t row = 0; row < channel->rows; row++) {
        double label = (double)channel->labels[row];
        bool above = rule->low_open ? label > rule->low : label >= rule->low;
        if (!above || label > rule->high || (two_values && label != 0 && label != 1))
            return fail_label(channel, row, rule->rule, error);
    }
    return true;
}

static bool check_weights(const struct channel *channel, GError **error)
{
    for (size_t row = 0; channel->weights && row < channel->rows; row++) {
        float weight = channel->weights[row];
        if (!(weight >= 0) || isinf(weight)) {
            g_autofree char *place = channel_place(channel, row);
            return error_set(error, ERROR_VALIDATION,
                             "%s: the weight (second column, csv_weights=1) is %.9g: a weight must "
                             "be a finite number and not negative",
                             place, (double)weight);
        }
    }
    return true;
}

bool labels_check(const struct channel *channel, const char *objective, gint64 num_class,
                  GError **error)
{
    for (size_t row = 0; row < channel->rows; row++)
        if (!isfinite(channel->labels[row]))
            return fail_label(channel, row, "every row needs a finite number as its label", error);
    if (!check_weights(channel, error))
        return false;
    if (g_str_has_prefix(objective, "multi:"))
        return check_classes(channel, num_class, error);
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        if (strcmp(rules[i].objective, objective) == 0)
            return check_rule(channel, &rules[i], error);
    return true;
}
