#include "train/hyperparameter_rules.h"

#include <string.h>

#include "base/error.h"
#include "train/hyperparameters.h"
#include "train/metrics.h"

#define WORDS(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

static bool has(const json_t *values, const char *name, const char *value)
{
    return g_strcmp0(hyperparameter_text(values, name), value) == 0;
}

static bool all_in(char **parts, const char *const *words)
{
    for (size_t i = 0; parts[i]; i++)
        if (!g_strv_contains(words, parts[i]))
            return false;
    return true;
}

static bool check_updater(const json_t *values, GError **error)
{
    if (!hyperparameter_given(values, "updater"))
        return true;
    g_auto(GStrv) parts = g_strsplit(hyperparameter_text(values, "updater"), ",", -1);
    if (has(values, "booster", "gblinear")) {
        return (g_strv_length(parts) == 1 && all_in(parts, WORDS("shotgun", "coord_descent"))) ||
               error_set(error, ERROR_VALIDATION,
                         "Linear updater should be one of these options: 'shotgun', "
                         "'coord_descent'.");
    }
    if (has(values, "process_type", "update")) {
        return all_in(parts, WORDS("refresh", "prune")) ||
               error_set(error, ERROR_VALIDATION,
                         "process_type 'update' can only be used with updater 'refresh' and "
                         "'prune'");
    }
    static const char *const growers[] = {"grow_colmaker", "distcol", "grow_histmaker",
                                          "grow_quantile_histmaker", NULL};
    int growing = 0;
    for (size_t i = 0; parts[i]; i++) {
        growing += g_strv_contains(growers, parts[i]) ? 1 : 0;
        if (g_strv_contains(WORDS("shotgun", "coord_descent"), parts[i])) {
            return error_set(error, ERROR_VALIDATION,
                             "Tree updater should be selected from these options: 'grow_colmaker', "
                             "'distcol', 'grow_histmaker', 'grow_skmaker', "
                             "'grow_quantile_histmaker', 'sync', 'refresh', 'prune'.");
        }
    }
    return growing <= 1 ||
           error_set(error, ERROR_VALIDATION,
                     "Only one tree grow plugin can be selected. Choose one from the following: "
                     "'grow_colmaker', 'distcol', 'grow_histmaker', 'grow_quantile_histmaker'");
}

static bool check_classes(const json_t *values, GError **error)
{
    bool multi = g_str_has_prefix(hyperparameter_text(values, "objective"), "multi:");
    bool given = hyperparameter_given(values, "num_class");
    if (multi && !given) {
        return error_set(error, ERROR_VALIDATION,
                         "Require input for parameter 'num_class' for multi-classification");
    }
    if (!multi && given) {
        return error_set(error, ERROR_VALIDATION,
                         "Do not need to setup parameter 'num_class' for learning task other than "
                         "multi-classification: the objective is %s",
                         hyperparameter_text(values, "objective"));
    }
    return true;
}

/* What the container finds out while it computes a metric of its own, told before it trains. */
static bool check_own_metric(const struct train_metric *metric, const char *objective,
                             GError **error)
{
    bool multi = g_str_has_prefix(objective, "multi:");
    bool classes =
        multi || g_str_has_prefix(objective, "binary:") || strcmp(objective, "reg:logistic") == 0;
    if (metric->of_classes && !classes) {
        return error_set(error, ERROR_VALIDATION,
                         "Metric '%s' compares classes and cannot be applied to objective '%s'; "
                         "use it with a binary: or multi: objective",
                         metric->name, objective);
    }
    bool two_classes = g_strv_contains(WORDS("f1_binary", "precision", "recall"), metric->name);
    if (multi && two_classes) {
        return error_set(error, ERROR_VALIDATION,
                         "Metric '%s': Target is multiclass but average='binary'. Please choose "
                         "another average setting, such as '%s_macro'",
                         metric->name,
                         strcmp(metric->name, "f1_binary") == 0 ? "f1" : metric->name);
    }
    if (multi && !metric->of_classes) {
        return error_set(error, ERROR_VALIDATION,
                         "Metric '%s' compares numbers and cannot be applied to objective '%s'",
                         metric->name, objective);
    }
    return true;
}

static bool check_metric(const char *name, const char *objective, GError **error)
{
    if (strcmp(name, "auc") == 0 && !g_str_has_prefix(objective, "binary:") &&
        !g_str_has_prefix(objective, "rank:")) {
        return error_set(error, ERROR_VALIDATION,
                         "Metric 'auc' can only be applied for classification and ranking "
                         "problems.");
    }
    if (strcmp(name, "aft-nloglik") == 0 && strcmp(objective, "survival:aft") != 0) {
        return error_set(error, ERROR_VALIDATION,
                         "Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.");
    }
    const struct train_metric *metric = train_metric_find(name);
    return !metric || !metric->computed_by_us || check_own_metric(metric, objective, error);
}

static bool check_metrics(const json_t *values, GError **error)
{
    const char *objective = hyperparameter_text(values, "objective");
    const char *metrics = hyperparameter_text(values, "eval_metric");
    g_auto(GStrv) names = g_strsplit(metrics ? metrics : "", ",", -1);
    for (size_t i = 0; names[i]; i++)
        if (!check_metric(names[i], objective, error))
            return false;
    const char *tuned = hyperparameter_text(values, "_tuning_objective_metric");
    return !tuned || check_metric(strchr(tuned, ':') + 1, objective, error);
}

static bool check_constraints(const json_t *values, GError **error)
{
    bool exact_or_hist = has(values, "tree_method", "exact") || has(values, "tree_method", "hist");
    if (hyperparameter_given(values, "monotone_constraints") && !exact_or_hist) {
        return error_set(error, ERROR_VALIDATION,
                         "monotone_constraints can be used only when the tree_method parameter is "
                         "set to either 'exact' or 'hist'.");
    }
    if (hyperparameter_given(values, "interaction_constraints") && !exact_or_hist &&
        !has(values, "tree_method", "approx")) {
        return error_set(error, ERROR_VALIDATION,
                         "interaction_constraints can be used only when the tree_method parameter "
                         "is set to either 'exact', 'hist' or 'approx'.");
    }
    return true;
}

static bool check_early_stopping(const json_t *values, GError **error)
{
    /* A linear model has no rounds to cut back to the best one. */
    return !hyperparameter_given(values, "early_stopping_rounds") ||
           !has(values, "booster", "gblinear") ||
           error_set(error, ERROR_VALIDATION,
                     "early_stopping_rounds keeps the model of the best round, which booster "
                     "'gblinear' has not: use booster 'gbtree' or 'dart', or a smaller num_round");
}

bool hyperparameter_rules_check(const json_t *values, GError **error)
{
    if (has(values, "use_dask_gpu_training", "true")) {
        return error_set(error, ERROR_VALIDATION,
                         "use_dask_gpu_training: this machine's training runs on the CPU; leave it "
                         "out or set it to 'false'");
    }
    return check_updater(values, error) && check_classes(values, error) &&
           check_metrics(values, error) && check_constraints(values, error) &&
           check_early_stopping(values, error);
}
