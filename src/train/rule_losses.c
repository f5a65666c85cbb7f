/* Rules that look at losses: metrics that are the better the smaller they are. */
#include <math.h>
#include <string.h>

#include "train/metrics.h"
#include "train/rules_inside.h"

static bool is_loss(const struct score *score)
{
    const struct train_metric *metric = train_metric_find(score->metric);
    return isfinite(score->value) && !(metric && metric->maximize);
}

/* What the rule remembers of a loss; *is_new: nothing yet. */
static struct rule_loss *remembered(struct rule *rule, const struct score *score, int step,
                                    bool *is_new)
{
    g_autofree char *name = g_strconcat(score->data, "-", score->metric, NULL);
    struct rule_loss *loss = g_hash_table_lookup(rule->losses, name);
    *is_new = !loss;
    if (!loss) {
        loss = g_new(struct rule_loss, 1);
        *loss = (struct rule_loss){step, score->value, 0};
        g_hash_table_insert(rule->losses, g_steal_pointer(&name), loss);
    }
    return loss;
}

/* Compared every num_steps with the step that was at least so many before. */
bool check_loss_not_decreasing(struct rule *rule, struct round_view *view, bool *met,
                               GError **error)
{
    (void)error;
    double steps = rule_number(rule, "num_steps", 10);
    double least = rule_number(rule, "diff_percent", 0.1) / 100;
    for (guint i = 0; i < view->scores->len; i++) {
        const struct score *score = &g_array_index(view->scores, struct score, i);
        bool is_new;
        struct rule_loss *loss =
            is_loss(score) ? remembered(rule, score, view->round, &is_new) : NULL;
        if (!loss || view->round - loss->step < steps)
            continue;
        *met = *met || loss->value - score->value < least * fabs(loss->value);
        *loss = (struct rule_loss){view->round, score->value, 0};
    }
    return true;
}

/* The mean of the losses of the training's rows, or of all others'; NaN: there is none. */
static double mean_loss(const struct round_view *view, bool of_train)
{
    double sum = 0;
    unsigned count = 0;
    for (guint i = 0; i < view->scores->len; i++) {
        const struct score *score = &g_array_index(view->scores, struct score, i);
        if ((strcmp(score->data, "train") == 0) == of_train && is_loss(score)) {
            sum += score->value;
            count++;
        }
    }
    return count ? sum / count : NAN;
}

bool check_overfit(struct rule *rule, struct round_view *view, bool *met, GError **error)
{
    (void)error;
    if (view->round < rule_number(rule, "start_step", 0))
        return true;
    double train = mean_loss(view, true), validation = mean_loss(view, false);
    bool over = (validation - train) / train > rule_number(rule, "ratio_threshold", 0.1);
    rule->over = over ? rule->over + 1 : 0;
    *met = rule->over >= rule_number(rule, "patience", 1);
    return true;
}

/* Steps in a row in which a loss did not become better than its best by more than delta. */
bool check_overtraining(struct rule *rule, struct round_view *view, bool *met, GError **error)
{
    (void)error;
    double delta = rule_number(rule, "delta", 0.01);
    for (guint i = 0; i < view->scores->len; i++) {
        const struct score *score = &g_array_index(view->scores, struct score, i);
        bool is_new = true;
        struct rule_loss *loss =
            is_loss(score) ? remembered(rule, score, view->round, &is_new) : NULL;
        if (!loss || is_new)
            continue;
        bool better = loss->value - score->value > delta;
        bool train = strcmp(score->data, "train") == 0;
        *loss = (struct rule_loss){view->round, better ? score->value : loss->value,
                                   better ? 0 : loss->waited + 1};
        *met = *met ||
               loss->waited > rule_number(rule, train ? "patience_train" : "patience_validation",
                                          train ? 5 : 10);
    }
    return true;
}
