/* The images of XGBoost, in algorithm mode. */
#include <string.h>

#include "base/error.h"
#include "runtime/runtime.h"
#include "train/metrics.h"

static bool check(const json_t *request, GError **error)
{
    return json_array_size(json_object_get(request, "InputDataConfig")) > 0 ||
           error_set(error, ERROR_VALIDATION,
                     "InputDataConfig is empty; XGBoost needs a channel named train.");
}

/* "validation:auc" and its like. */
static bool is_metric(const char *metric)
{
    static const char *const sets[] = {"train:", "validation:"};
    for (size_t i = 0; i < G_N_ELEMENTS(sets); i++)
        if (g_str_has_prefix(metric, sets[i]))
            return train_metric_find(metric + strlen(sets[i])) != NULL;
    return false;
}

/* AWS's sentence, which lists them all. */
static bool check_objective(const char *image, const char *metric, GError **error)
{
    if (is_metric(metric))
        return true;
    size_t count;
    const struct train_metric *metrics = train_metrics(&count);
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; i < count; i++)
        g_string_append_printf(names, "%s%s:%s", i ? ", " : "", "validation", metrics[i].name);
    return error_set(
        error, ERROR_VALIDATION,
        "The objective metric for the hyperparameter tuning job, [%s], isn't valid for "
        "the [%s] algorithm. Choose a valid objective metric: [%s], or the same with "
        "train.",
        metric, image, names->str);
}

/* As AWS shows them in every description, which has room for so many. */
#define MOST_DEFINITIONS 40

static json_t *metric_definitions(void)
{
    size_t count;
    const struct train_metric *metrics = train_metrics(&count);
    json_t *definitions = json_array();
    for (size_t i = 0; i < MIN(2 * count, MOST_DEFINITIONS); i++) {
        bool first = i < count;
        const char *data = first ? "validation" : "train";
        const char *name = metrics[first ? i : i - count].name;
        g_autofree char *regex = train_metric_regex(data, name);
        json_array_append_new(
            definitions,
            json_pack("{soss}", "Name", json_sprintf("%s:%s", data, name), "Regex", regex));
    }
    return definitions;
}

/* As AWS recommends. */
static const char ranges[] =
    "{\"ContinuousParameterRanges\": ["
    "{\"Name\": \"eta\", \"MinValue\": \"0.1\", \"MaxValue\": \"0.5\"},"
    "{\"Name\": \"min_child_weight\", \"MinValue\": \"0\", \"MaxValue\": \"120\"},"
    "{\"Name\": \"subsample\", \"MinValue\": \"0.5\", \"MaxValue\": \"1\"},"
    "{\"Name\": \"colsample_bytree\", \"MinValue\": \"0.5\", \"MaxValue\": \"1\"},"
    "{\"Name\": \"gamma\", \"MinValue\": \"0\", \"MaxValue\": \"5\"},"
    "{\"Name\": \"lambda\", \"MinValue\": \"0\", \"MaxValue\": \"1000\"},"
    "{\"Name\": \"alpha\", \"MinValue\": \"0\", \"MaxValue\": \"1000\"}],"
    " \"IntegerParameterRanges\": ["
    "{\"Name\": \"max_depth\", \"MinValue\": \"0\", \"MaxValue\": \"10\"},"
    "{\"Name\": \"num_round\", \"MinValue\": \"1\", \"MaxValue\": \"4000\"}]}";

const struct runtime_role xgboost_trains = {.program = "xgboost",
                                            .check = check,
                                            .check_objective = check_objective,
                                            .metric_definitions = metric_definitions,
                                            .ranges = ranges};
