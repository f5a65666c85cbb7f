/* The names, ranges and texts are those of the public SageMaker XGBoost container
 * (algorithm_mode/hyperparameter_validation.py and the toolkit under it). */
#include "train/hyperparameters.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "parse/near_word.h"
#include "train/hyperparameter_releases.h"
#include "train/hyperparameter_rules.h"
#include "train/metrics.h"

struct interval {
    double low, high;
    bool low_open, high_open;
};

enum kind {
    INTEGER,
    NUMBER,
    CHOICE,
    CHOICES, /* a comma between two */
    METRICS, /* CHOICES of the metrics' names, some with a threshold: error@0.7 */
    TUNED,   /* CHOICE of the metrics' names behind "validation:" */
    SIGNS,   /* (1,0,-1), one a feature */
    GROUPS,  /* [[1,2],[3,4]]: features that may meet in a tree */
};

struct hyperparameter {
    const char *name;
    enum kind kind;
    struct interval range;
    const char *const *choices;
};

#define LIST(...)         \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }
#define ANY                             \
    {                                   \
        -INFINITY, INFINITY, true, true \
    }
#define FROM(low)                    \
    {                                \
        (low), INFINITY, false, true \
    }
#define ABOVE(low)                  \
    {                               \
        (low), INFINITY, true, true \
    }
#define WITHIN(low, high)           \
    {                               \
        (low), (high), false, false \
    }
#define WITHIN_ABOVE(low, high)    \
    {                              \
        (low), (high), true, false \
    }
#define BETWEEN(low, high)        \
    {                             \
        (low), (high), true, true \
    }

static const struct hyperparameter known[] = {
    {"num_round", INTEGER, FROM(1), NULL},
    {"csv_weights", INTEGER, WITHIN(0, 1), NULL},
    {"early_stopping_rounds", INTEGER, FROM(1), NULL},
    {"booster", CHOICE, ANY, LIST("gbtree", "gblinear", "dart")},
    {"silent", INTEGER, WITHIN(0, 1), NULL},
    {"verbosity", INTEGER, WITHIN(0, 3), NULL},
    {"nthread", INTEGER, FROM(1), NULL},
    {"eta", NUMBER, WITHIN(0, 1), NULL},
    {"gamma", NUMBER, FROM(0), NULL},
    {"max_depth", INTEGER, FROM(0), NULL},
    {"min_child_weight", NUMBER, FROM(0), NULL},
    {"max_delta_step", NUMBER, FROM(0), NULL},
    {"subsample", NUMBER, WITHIN_ABOVE(0, 1), NULL},
    {"colsample_bytree", NUMBER, WITHIN_ABOVE(0, 1), NULL},
    {"colsample_bylevel", NUMBER, WITHIN_ABOVE(0, 1), NULL},
    {"colsample_bynode", NUMBER, WITHIN_ABOVE(0, 1), NULL},
    {"lambda", NUMBER, FROM(0), NULL},
    {"alpha", NUMBER, FROM(0), NULL},
    {"tree_method", CHOICE, ANY, LIST("auto", "exact", "approx", "hist", "gpu_hist")},
    {"sketch_eps", NUMBER, BETWEEN(0, 1), NULL},
    {"scale_pos_weight", NUMBER, ABOVE(0), NULL},
    {"updater", CHOICES, ANY,
     LIST("grow_colmaker", "distcol", "grow_histmaker", "grow_local_histmaker", "grow_skmaker",
          "grow_quantile_histmaker", "sync", "refresh", "prune", "shotgun", "coord_descent")},
    {"dsplit", CHOICE, ANY, LIST("row", "col")},
    {"refresh_leaf", INTEGER, WITHIN(0, 1), NULL},
    {"process_type", CHOICE, ANY, LIST("default", "update")},
    {"grow_policy", CHOICE, ANY, LIST("depthwise", "lossguide")},
    {"max_leaves", INTEGER, FROM(0), NULL},
    {"max_bin", INTEGER, FROM(0), NULL},
    {"predictor", CHOICE, ANY, LIST("auto", "cpu_predictor", "gpu_predictor")},
    {"monotone_constraints", SIGNS, WITHIN(-1, 1), NULL},
    {"interaction_constraints", GROUPS, FROM(1), NULL},
    {"sample_type", CHOICE, ANY, LIST("uniform", "weighted")},
    {"normalize_type", CHOICE, ANY, LIST("tree", "forest")},
    {"rate_drop", NUMBER, WITHIN(0, 1), NULL},
    {"one_drop", INTEGER, WITHIN(0, 1), NULL},
    {"skip_drop", NUMBER, WITHIN(0, 1), NULL},
    {"lambda_bias", NUMBER, WITHIN(0, 1), NULL},
    {"tweedie_variance_power", NUMBER, BETWEEN(1, 2), NULL},
    {"objective", CHOICE, ANY,
     LIST("binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "multi:softmax",
          "multi:softprob", "rank:pairwise", "rank:ndcg", "rank:map", "reg:linear",
          "reg:squarederror", "reg:logistic", "reg:gamma", "reg:pseudohubererror",
          "reg:squaredlogerror", "reg:absoluteerror", "reg:tweedie", "survival:aft",
          "survival:cox")},
    {"num_class", INTEGER, FROM(2), NULL},
    {"base_score", NUMBER, FROM(0), NULL},
    {"_kfold", INTEGER, FROM(2), NULL},
    {"_num_cv_round", INTEGER, FROM(1), NULL},
    {"_tuning_objective_metric", TUNED, ANY, NULL},
    {"eval_metric", METRICS, ANY, NULL},
    {"seed", INTEGER, BETWEEN(-2147483648.0, 2147483647.0), NULL},
    {"num_parallel_tree", INTEGER, FROM(1), NULL},
    {"save_model_on_termination", CHOICE, ANY, LIST("true", "false")},
    {"aft_loss_distribution", CHOICE, ANY, LIST("normal", "logistic", "extreme")},
    {"aft_loss_distribution_scale", NUMBER, FROM(0), NULL},
    {"single_precision_histogram", CHOICE, ANY, LIST("true", "false")},
    {"deterministic_histogram", CHOICE, ANY, LIST("true", "false")},
    {"sampling_method", CHOICE, ANY, LIST("uniform", "gradient_based")},
    {"prob_buffer_row", INTEGER, ABOVE(1), NULL},
    {"use_dask_gpu_training", CHOICE, ANY, LIST("true", "false")},
};

static const struct {
    const char *alias, *name;
} aliases[] = {
    {"learning_rate", "eta"},
    {"min_split_loss", "gamma"},
    {"reg_lambda", "lambda"},
    {"reg_alpha", "alpha"},
};

static const struct hyperparameter *find_known(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (strcmp(known[i].name, name) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

static const char **metric_names(const struct xgboost_release *release, const char *prefix,
                                 GStringChunk *texts)
{
    size_t count;
    const struct train_metric *metrics = train_metrics(&count);
    const char **names = g_new0(const char *, count + 1);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (release_has_value(release, "eval_metric", metrics[i].name)) {
            g_autofree char *name = g_strconcat(prefix, metrics[i].name, NULL);
            names[found++] = g_string_chunk_insert(texts, name);
        }
    }
    return names;
}

/* Those of the choices that the release has. */
static const char **choices_of(const struct xgboost_release *release,
                               const struct hyperparameter *hyperparameter)
{
    const char *const *all = hyperparameter->choices;
    const char **choices = g_new0(const char *, g_strv_length((char **)all) + 1);
    size_t found = 0;
    for (size_t i = 0; all[i] != NULL; i++) {
        if (release_has_value(release, hyperparameter->name, all[i])) {
            choices[found++] = all[i];
        }
    }
    return choices;
}

static bool one_of(const char *name, const char *value, const char *const *choices, GError **error)
{
    if (g_strv_contains(choices, value)) {
        return true;
    }
    g_autofree char *list = g_strjoinv("', '", (char **)choices);
    const char *near = near_word_of(value, choices);
    return error_set(error, ERROR_VALIDATION, "Hyperparameter %s: %s is not in ['%s']%s%s%s", name,
                     value, list, near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
                     near == NULL ? "" : "'?");
}

static bool one_of_choices(const struct xgboost_release *release,
                           const struct hyperparameter *hyperparameter, const char *value,
                           GError **error)
{
    g_autofree const char **choices = choices_of(release, hyperparameter);
    bool gpu = strstr(value, "gpu") != NULL;
    if (gpu && !g_strv_contains(choices, value) &&
        g_strv_contains(hyperparameter->choices, value)) {
        return error_set(error, ERROR_VALIDATION, "GPU training is not supported yet.");
    }
    return one_of(hyperparameter->name, value, choices, error);
}

static bool one_of_metrics(const struct xgboost_release *release, const char *name,
                           const char *value, const char *prefix, GError **error)
{
    GStringChunk *texts = g_string_chunk_new(1024);
    g_autofree const char **names = metric_names(release, prefix, texts);
    bool is_one = one_of(name, value, names, error);
    g_string_chunk_free(texts);
    return is_one;
}

/* error@t, ndcg@n and map@n take a threshold; no other metric does. */
static bool check_metric(const struct xgboost_release *release, const char *name, const char *value,
                         GError **error)
{
    const char *at = strchr(value, '@');
    if (at == NULL) {
        return one_of_metrics(release, name, value, "", error);
    }
    g_autofree char *metric = g_strndup(value, (size_t)(at - value));
    if (!g_strv_contains(LIST("error", "ndcg", "map"), metric)) {
        return error_set(error, ERROR_VALIDATION,
                         "Metric '%s' is not supported. Parameter 'eval_metric' with customized "
                         "threshold should be one of these options: 'error', 'ndcg', 'map'.",
                         value);
    }
    char *end;
    g_ascii_strtod(at + 1, &end);
    /* ndcg@5-: XGBoost's own spelling for "a list without positives counts as 0". */
    if (end == at + 1 || (*end != '\0' && strcmp(end, "-") != 0)) {
        return error_set(error, ERROR_VALIDATION,
                         "Threshold value 't' in '%s@t' expects float input, found '%s'.", metric,
                         at + 1);
    }
    return true;
}

static char *interval_text(const struct interval *range)
{
    GString *text = g_string_new(NULL);
    if (isinf(range->low)) {
        g_string_append(text, "(-inf, ");
    } else {
        g_string_append_printf(text, "%c%.10g, ", range->low_open ? '(' : '[', range->low);
    }
    if (isinf(range->high)) {
        g_string_append(text, "+inf)");
    } else {
        g_string_append_printf(text, "%.10g%c", range->high, range->high_open ? ')' : ']');
    }
    return g_string_free(text, FALSE);
}

static bool in_range(const char *name, const char *value, double number,
                     const struct interval *range, GError **error)
{
    bool above = range->low_open ? number > range->low : number >= range->low;
    bool below = range->high_open ? number < range->high : number <= range->high;
    if (above && below) {
        return true;
    }
    g_autofree char *text = interval_text(range);
    return error_set(error, ERROR_VALIDATION, "Hyperparameter %s: %s is not in %s", name, value,
                     text);
}

static bool check_number(const struct hyperparameter *hyperparameter, const char *value,
                         GError **error)
{
    bool whole = hyperparameter->kind == INTEGER || hyperparameter->kind == SIGNS;
    char *end;
    errno = 0;
    double number = whole ? (double)g_ascii_strtoll(value, &end, 10) : g_ascii_strtod(value, &end);
    bool hexadecimal = strpbrk(value, "xX") != NULL;
    if (end == value || *end != '\0' || (whole && errno == ERANGE) || hexadecimal) {
        g_autofree char *range = interval_text(&hyperparameter->range);
        return error_set(error, ERROR_VALIDATION,
                         "Hyperparameter %s: could not parse value '%s': %s in %s is expected",
                         hyperparameter->name, value, whole ? "an integer" : "a number", range);
    }
    /* XGBoost keeps its integers in 32 bits. */
    if (whole && (number > 2147483647.0 || number < -2147483648.0)) {
        return error_set(error, ERROR_VALIDATION,
                         "Hyperparameter %s: %s is not in [-2147483648, 2147483647]",
                         hyperparameter->name, value);
    }
    return in_range(hyperparameter->name, value, number, &hyperparameter->range, error);
}

/* The parts between commas, each trimmed; empty ones stay and are refused by what checks them. */
static char **split_list(const char *value)
{
    char **parts = g_strsplit(value, ",", -1);
    for (size_t i = 0; parts[i] != NULL; i++) {
        g_strstrip(parts[i]);
    }
    return parts;
}

static bool check_list(const struct xgboost_release *release,
                       const struct hyperparameter *hyperparameter, char **value, GError **error)
{
    g_auto(GStrv) parts = split_list(*value);
    if (parts[0] == NULL) {
        return error_set(error, ERROR_VALIDATION, "Hyperparameter %s: the list is empty",
                         hyperparameter->name);
    }
    for (size_t i = 0; parts[i] != NULL; i++) {
        bool good = hyperparameter->kind == METRICS
                        ? check_metric(release, hyperparameter->name, parts[i], error)
                        : one_of_choices(release, hyperparameter, parts[i], error);
        if (!good) {
            return false;
        }
    }
    g_free(*value);
    *value = g_strjoinv(",", parts);
    return true;
}

/* Python's tuple or list, (1,-1) or [1, -1], becomes (1,-1). */
static bool check_signs(const struct hyperparameter *hyperparameter, char **value, GError **error)
{
    size_t length = strlen(*value);
    bool tuple = length >= 2 && (*value)[0] == '(' && (*value)[length - 1] == ')';
    bool list = length >= 2 && (*value)[0] == '[' && (*value)[length - 1] == ']';
    if (!tuple && !list) {
        return error_set(error, ERROR_VALIDATION,
                         "Hyperparameter %s: could not parse value '%s': one of -1, 0 and 1 for "
                         "each feature is expected, such as (1,0,-1)",
                         hyperparameter->name, *value);
    }
    g_autofree char *inner = g_strndup(*value + 1, length - 2);
    if (g_str_has_suffix(inner, ",")) {
        inner[strlen(inner) - 1] = '\0'; /* Python's tuple of one: (1,) */
    }
    g_auto(GStrv) parts = split_list(inner);
    for (size_t i = 0; parts[i] != NULL; i++) {
        if (!check_number(hyperparameter, parts[i], error)) {
            return false;
        }
    }
    g_autofree char *joined = g_strjoinv(",", parts);
    g_free(*value);
    *value = g_strdup_printf("(%s)", joined);
    return true;
}

static bool check_groups(const struct hyperparameter *hyperparameter, const char *value,
                         GError **error)
{
    g_autoptr(json_auto) groups = json_parse(value, strlen(value), hyperparameter->name, NULL);
    bool lists = json_is_array(groups);
    for (size_t i = 0; lists && i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);
        lists = json_is_array(group);
        for (size_t j = 0; lists && j < json_array_size(group); j++) {
            const json_t *feature = json_array_get(group, j);
            lists = json_is_integer(feature);
            if (lists && !in_range(hyperparameter->name, value, json_number_value(feature),
                                   &hyperparameter->range, error)) {
                return false;
            }
        }
    }
    return lists || error_set(error, ERROR_VALIDATION,
                              "Hyperparameter %s: could not parse value '%s': lists of feature "
                              "numbers are expected, such as [[1,2],[3,4]]",
                              hyperparameter->name, value);
}

/* Checks one value by itself and brings it into the one form that XGBoost reads. */
static bool check_value(const struct xgboost_release *release,
                        const struct hyperparameter *hyperparameter, char **value, GError **error)
{
    switch (hyperparameter->kind) {
    case INTEGER:
    case NUMBER:
        return check_number(hyperparameter, *value, error);
    case CHOICE:
        return one_of_choices(release, hyperparameter, *value, error);
    case TUNED:
        return one_of_metrics(release, hyperparameter->name, *value, "validation:", error);
    case CHOICES:
    case METRICS:
        return check_list(release, hyperparameter, value, error);
    case SIGNS:
        return check_signs(hyperparameter, value, error);
    case GROUPS:
        return check_groups(hyperparameter, *value, error);
    }
    return false;
}

static bool refuse_unknown(const struct xgboost_release *release, const char *name, GError **error)
{
    const char *names[G_N_ELEMENTS(known) + G_N_ELEMENTS(aliases) + 1] = {NULL};
    size_t found = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(known) + G_N_ELEMENTS(aliases); i++) {
        bool own = i < G_N_ELEMENTS(known);
        const char *each = own ? known[i].name : aliases[i - G_N_ELEMENTS(known)].alias;
        if (release_has_hyperparameter(release, each)) {
            names[found++] = each;
        }
    }
    const char *near = near_word_of(name, names);
    return error_set(error, ERROR_VALIDATION, "Extraneous hyperparameter found: %s%s%s%s", name,
                     near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
                     near == NULL ? "" : "?");
}

static const char *first_name(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++) {
        if (strcmp(name, aliases[i].alias) == 0) {
            return aliases[i].name;
        }
    }
    return name;
}

static bool check_one(const struct xgboost_release *release, const char *given_name,
                      const json_t *given, json_t *checked, GError **error)
{
    const char *name = first_name(given_name);
    const struct hyperparameter *hyperparameter = find_known(name);
    if (hyperparameter == NULL || !release_has_hyperparameter(release, given_name)) {
        return release->lenient || refuse_unknown(release, given_name, error);
    }
    if (!json_is_string(given)) {
        return error_set(error, ERROR_VALIDATION,
                         "Hyperparameter %s: the value is not a string, as all values of "
                         "HyperParameters have to be",
                         given_name);
    }
    if (json_object_get(checked, name) != NULL) {
        return error_set(error, ERROR_VALIDATION,
                         "Hyperparameter %s: it is given twice, under both of its names",
                         given_name);
    }
    g_autofree char *value = g_strstrip(g_strdup(json_string_value(given)));
    if (!check_value(release, hyperparameter, &value, error)) {
        return false;
    }
    json_object_set_new(checked, name, json_string(value));
    return true;
}

bool train_check_hyperparameters(const json_t *given, const struct xgboost_release *release,
                                 json_t **checked, GError **error)
{
    g_autoptr(json_auto) values = json_object();
    const char *name;
    json_t *value;
    /* Jansson's loop takes no const object; nothing is changed. */
    json_object_foreach((json_t *)given, name, value)
    {
        if (!check_one(release, name, value, values, error)) {
            return false;
        }
    }
    if (json_object_get(values, "num_round") == NULL) {
        return error_set(error, ERROR_VALIDATION, "Missing required hyperparameter: num_round");
    }
    if (!hyperparameter_rules_check(values, error)) {
        return false;
    }
    if (checked != NULL) {
        *checked = g_steal_pointer(&values);
    }
    return true;
}

const char *hyperparameter_text(const json_t *checked, const char *name, const char *fallback)
{
    const char *value = json_string_value(json_object_get(checked, name));
    return value == NULL ? fallback : value;
}

gint64 hyperparameter_integer(const json_t *checked, const char *name, gint64 fallback)
{
    const char *value = hyperparameter_text(checked, name, NULL);
    return value == NULL ? fallback : g_ascii_strtoll(value, NULL, 10);
}
