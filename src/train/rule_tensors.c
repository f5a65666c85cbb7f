/* Rules that look at tensors of collections: scores, labels, predictions and features' importance,
 * under the names under which the hook saves them. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "train/metrics.h"
#include "train/rules_inside.h"

/* A tensor of a step, and what is made of it. */
typedef bool tensor_check(struct rule *rule, const char *name, const double *values, size_t count);

/* ---- which of them ---- */

static const char *const collections[] = {"metrics", "losses", "predictions", "labels",
                                          "feature_importance"};

static bool has_word(const char *words, const char *word)
{
    g_auto(GStrv) all = g_strsplit(words ? words : "", ",", -1);
    for (char **one = all; *one; one++)
        if (strcmp(g_strstrip(*one), word) == 0)
            return true;
    return false;
}

static const char *parameter(const struct rule *rule, const char *name)
{
    return json_text_at(rule->parameters, name);
}

static bool check_collections(const struct rule *rule, GError **error)
{
    const char *named = parameter(rule, "collection_names");
    if (!named && !parameter(rule, "tensor_regex"))
        return error_set(error, ERROR_VALIDATION,
                         "one of the parameters collection_names and tensor_regex is needed");
    g_auto(GStrv) all = g_strsplit(named ? named : "", ",", -1);
    for (char **one = all; *one; one++) {
        bool known = !**one;
        for (size_t i = 0; i < G_N_ELEMENTS(collections); i++)
            known = known || strcmp(g_strstrip(*one), collections[i]) == 0;
        if (!known)
            return error_set(error, ERROR_VALIDATION,
                             "the collection %s is not looked at by rules; metrics, losses, "
                             "predictions, labels and feature_importance are",
                             *one);
    }
    return true;
}

/* Patterns hold from the name's beginning on, as Python's re.match has them. */
static bool is_chosen(const struct rule *rule, const char *collection, const char *name)
{
    if (has_word(parameter(rule, "collection_names"), collection))
        return true;
    const char *patterns = parameter(rule, "tensor_regex");
    g_auto(GStrv) all = g_strsplit(patterns ? patterns : "", ",", -1);
    for (char **one = all; *one; one++)
        if (*g_strstrip(*one) && g_regex_match_simple(*one, name, 0, G_REGEX_MATCH_ANCHORED))
            return true;
    return false;
}

/* ---- going through them ---- */

static bool shows(const struct round_view *view, const char *collection)
{
    return !view->source->shows || view->source->shows(view, collection);
}

static void look_at_scores(struct rule *rule, struct round_view *view, tensor_check *check,
                           bool *met)
{
    for (guint i = 0; i < view->scores->len; i++) {
        const struct score *score = &g_array_index(view->scores, struct score, i);
        const struct train_metric *metric = train_metric_find(score->metric);
        bool loss = !(metric && metric->maximize);
        double value = score->value;
        g_autofree char *name = g_strconcat(score->data, "-", score->metric, NULL);
        if (is_chosen(rule, "metrics", name) || (loss && is_chosen(rule, "losses", name)))
            *met = check(rule, name, &value, 1) || *met;
    }
}

static bool check_floats(struct rule *rule, tensor_check *check, const char *name,
                         const float *values, size_t count)
{
    g_autofree double *all = g_new(double, count + 1);
    for (size_t i = 0; i < count; i++)
        all[i] = (double)values[i];
    return check(rule, name, all, count);
}

static bool look_at_rows(struct rule *rule, struct round_view *view, tensor_check *check, bool *met,
                         GError **error)
{
    if (view->labels && is_chosen(rule, "labels", "labels"))
        *met = check_floats(rule, check, "labels", view->labels, view->rows) || *met;
    if (!shows(view, "predictions") || !is_chosen(rule, "predictions", "predictions"))
        return true;
    if (!round_view_predictions(view, error))
        return false;
    *met = check_floats(rule, check, "predictions", view->predictions, view->rows * view->width) ||
           *met;
    return true;
}

static bool look_at_importance(struct rule *rule, struct round_view *view, tensor_check *check,
                               bool *met, GError **error)
{
    if (!shows(view, "feature_importance") ||
        !is_chosen(rule, "feature_importance", "feature_importance/weight"))
        return true;
    const GArray *features = round_view_importance(view, "weight", error);
    for (guint i = 0; features && i < features->len; i++) {
        const struct round_feature *one = &g_array_index(features, struct round_feature, i);
        g_autofree char *name = g_strconcat("feature_importance/weight/", one->name, NULL);
        *met = check(rule, name, &one->share, 1) || *met;
    }
    return features != NULL;
}

/* Every tensor is looked at, also behind one that meets the condition: the check remembers it. */
static bool look(struct rule *rule, struct round_view *view, tensor_check *check, bool *met,
                 GError **error)
{
    if (!check_collections(rule, error))
        return false;
    look_at_scores(rule, view, check, met);
    return look_at_rows(rule, view, check, met, error) &&
           look_at_importance(rule, view, check, met, error);
}

/* ---- the rules ---- */

static bool is_zero(struct rule *rule, const char *name, const double *values, size_t count)
{
    (void)name;
    size_t zeros = 0;
    for (size_t i = 0; i < count; i++)
        zeros += values[i] == 0;
    return count && 100.0 * (double)zeros / (double)count >= rule_number(rule, "threshold", 100);
}

bool check_all_zero(struct rule *rule, struct round_view *view, bool *met, GError **error)
{
    return look(rule, view, is_zero, met, error);
}

static bool varies_much_or_little(struct rule *rule, const char *name, const double *values,
                                  size_t count)
{
    (void)name;
    double mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    double variance = count ? squares / (double)count : 0;
    return variance > rule_number(rule, "max_threshold", 10) ||
           variance < rule_number(rule, "min_threshold", 0);
}

bool check_tensor_variance(struct rule *rule, struct round_view *view, bool *met, GError **error)
{
    return look(rule, view, varies_much_or_little, met, error);
}

static void free_tensor(void *of)
{
    struct rule_tensor *tensor = of;
    g_free(tensor->values);
    g_free(tensor);
}

/* numpy.allclose. */
static bool are_close(const struct rule *rule, const struct rule_tensor *before,
                      const double *values, size_t count)
{
    double relative = rule_number(rule, "rtol", 1e-5), absolute = rule_number(rule, "atol", 1e-8);
    const char *equal = parameter(rule, "equal_nan");
    bool equal_nan = equal && g_ascii_strcasecmp(equal, "true") == 0;
    bool close = before->count == count;
    for (size_t i = 0; close && i < count; i++) {
        double a = before->values[i], b = values[i];
        bool nans = isnan(a) && isnan(b) && equal_nan;
        close = a == b || nans || fabs(a - b) <= absolute + relative * fabs(b);
    }
    return close;
}

/* The last num_steps of its steps are close, each to the next. */
static bool stays(struct rule *rule, const char *name, const double *values, size_t count)
{
    if (!rule->tensors)
        rule->tensors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_tensor);
    struct rule_tensor *tensor = g_hash_table_lookup(rule->tensors, name);
    bool is_new = !tensor;
    if (is_new) {
        tensor = g_new0(struct rule_tensor, 1);
        g_hash_table_insert(rule->tensors, g_strdup(name), tensor);
    }
    bool close = !is_new && are_close(rule, tensor, values, count);
    tensor->same = close ? tensor->same + 1 : 1;
    g_free(tensor->values);
    tensor->values = g_new(double, count + 1);
    memcpy(tensor->values, values, count * sizeof(double));
    tensor->count = count;
    return tensor->same >= rule_number(rule, "num_steps", 3);
}

bool check_unchanged_tensor(struct rule *rule, struct round_view *view, bool *met, GError **error)
{
    return look(rule, view, stays, met, error);
}
