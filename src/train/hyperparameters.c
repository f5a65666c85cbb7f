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
    const char *fallback; /* what XGBoost takes where it is not given; NULL: that depends, or is
                             nothing */
    const char *about;
    const char *alias;               /* NULL: it has one name; since ALIASES_SINCE */
    enum xgboost_image since, until; /* of the releases that have it, as release_is_in takes them */
};

#define ALIASES_SINCE IMAGE_0_90_2

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
    {"num_round", INTEGER, FROM(1), NULL, NULL, .about = "rounds of boosting"},
    {"csv_weights", INTEGER, WITHIN(0, 1), NULL, "0",
     .about = "1: the second column of CSV is the rows' weights"},
    {"early_stopping_rounds", INTEGER, FROM(1), NULL, NULL,
     .about = "rounds without a better metric after which training ends"},
    {"booster", CHOICE, ANY, LIST("gbtree", "gblinear", "dart"), "gbtree",
     .about = "what is boosted"},
    {"silent", INTEGER, WITHIN(0, 1), NULL, "0", .about = "1: no messages", .until = IMAGE_1_0_1},
    {"verbosity", INTEGER, WITHIN(0, 3), NULL, "1",
     .about = "how much is logged, from 0 (nothing) to 3"},
    {"nthread", INTEGER, FROM(1), NULL, NULL, .about = "threads, as many as cores unless given"},
    {"eta", NUMBER, WITHIN(0, 1), NULL, "0.3",
     .about = "the share that a new tree adds of its answer", .alias = "learning_rate"},
    {"gamma", NUMBER, FROM(0), NULL, "0", .about = "the loss that a split must save",
     .alias = "min_split_loss"},
    {"max_depth", INTEGER, FROM(0), NULL, "6", .about = "the levels of a tree, 0 for no limit"},
    {"min_child_weight", NUMBER, FROM(0), NULL, "1", .about = "the hessian that a leaf must hold"},
    {"max_delta_step", NUMBER, FROM(0), NULL, "0",
     .about = "the most that a leaf may say, 0 for no limit"},
    {"subsample", NUMBER, WITHIN_ABOVE(0, 1), NULL, "1",
     .about = "the share of rows that a tree sees"},
    {"colsample_bytree", NUMBER, WITHIN_ABOVE(0, 1), NULL, "1",
     .about = "the share of features that a tree sees"},
    {"colsample_bylevel", NUMBER, WITHIN_ABOVE(0, 1), NULL, "1",
     .about = "the share of those that a level sees"},
    {"colsample_bynode", NUMBER, WITHIN_ABOVE(0, 1), NULL, "1",
     .about = "the share of those that a split sees"},
    {"lambda", NUMBER, FROM(0), NULL, "1", .about = "L2 regularization of leaves",
     .alias = "reg_lambda"},
    {"alpha", NUMBER, FROM(0), NULL, "0", .about = "L1 regularization of leaves",
     .alias = "reg_alpha"},
    {"tree_method", CHOICE, ANY, LIST("auto", "exact", "approx", "hist", "gpu_hist"), "auto",
     .about = "how splits are found"},
    {"sketch_eps", NUMBER, BETWEEN(0, 1), NULL, "0.03", .about = "how fine approx cuts features"},
    {"scale_pos_weight", NUMBER, ABOVE(0), NULL, "1", .about = "what a positive row weighs"},
    {"updater", CHOICES, ANY,
     LIST("grow_colmaker", "distcol", "grow_histmaker", "grow_local_histmaker", "grow_skmaker",
          "grow_quantile_histmaker", "sync", "refresh", "prune", "shotgun", "coord_descent"),
     NULL, .about = "the steps that grow a tree"},
    {"dsplit", CHOICE, ANY, LIST("row", "col"), NULL,
     .about = "how data would be divided among machines"},
    {"refresh_leaf", INTEGER, WITHIN(0, 1), NULL, "1",
     .about = "1: a refresh also renews what leaves say"},
    {"process_type", CHOICE, ANY, LIST("default", "update"), "default",
     .about = "update: trees that exist are revised"},
    {"grow_policy", CHOICE, ANY, LIST("depthwise", "lossguide"), "depthwise",
     .about = "which leaf is split next"},
    {"max_leaves", INTEGER, FROM(0), NULL, "0", .about = "the leaves of a tree, 0 for no limit"},
    {"max_bin", INTEGER, FROM(0), NULL, "256", .about = "the bins of a feature's histogram"},
    {"predictor", CHOICE, ANY, LIST("auto", "cpu_predictor", "gpu_predictor"), "auto",
     .about = "who predicts while training"},
    {"monotone_constraints", SIGNS, WITHIN(-1, 1), NULL, NULL,
     .about = "for each feature 1 (rising), -1 (falling) or 0", .since = IMAGE_1_0_1},
    {"interaction_constraints", GROUPS, FROM(1), NULL, NULL,
     .about = "groups of features that may meet in a tree", .since = IMAGE_1_0_1},
    {"sample_type", CHOICE, ANY, LIST("uniform", "weighted"), "uniform",
     .about = "how dart chooses the trees it drops"},
    {"normalize_type", CHOICE, ANY, LIST("tree", "forest"), "tree",
     .about = "how dart weighs what comes instead"},
    {"rate_drop", NUMBER, WITHIN(0, 1), NULL, "0", .about = "the share of trees that dart drops"},
    {"one_drop", INTEGER, WITHIN(0, 1), NULL, "0", .about = "1: dart drops a tree at least"},
    {"skip_drop", NUMBER, WITHIN(0, 1), NULL, "0", .about = "how likely dart drops none"},
    {"lambda_bias", NUMBER, WITHIN(0, 1), NULL, "0", .about = "L2 regularization of the bias"},
    {"tweedie_variance_power", NUMBER, BETWEEN(1, 2), NULL, "1.5",
     .about = "the variance of the Tweedie distribution"},
    {"objective", CHOICE, ANY,
     LIST("binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "multi:softmax",
          "multi:softprob", "rank:pairwise", "rank:ndcg", "rank:map", "reg:linear",
          "reg:squarederror", "reg:logistic", "reg:gamma", "reg:pseudohubererror",
          "reg:squaredlogerror", "reg:absoluteerror", "reg:tweedie", "survival:aft",
          "survival:cox"),
     "reg:squarederror", .about = "what is learnt"},
    {"num_class", INTEGER, FROM(2), NULL, NULL, .about = "classes, for multi: objectives"},
    {"base_score", NUMBER, FROM(0), NULL, NULL, .about = "the prediction before the first tree"},
    {"_kfold", INTEGER, FROM(2), NULL, NULL, .about = "parts of cross-validation",
     .since = IMAGE_1_2_2},
    {"_num_cv_round", INTEGER, FROM(1), NULL, "1",
     .about = "how often cross-validation is repeated", .since = IMAGE_1_2_2},
    {"_tuning_objective_metric", TUNED, ANY, NULL, NULL, .about = "what a tuning job looks at"},
    {"eval_metric", METRICS, ANY, NULL, NULL, .about = "what is measured each round"},
    {"seed", INTEGER, BETWEEN(-2147483648.0, 2147483647.0), NULL, "0",
     .about = "of random numbers"},
    {"num_parallel_tree", INTEGER, FROM(1), NULL, "1", .about = "trees a round: more make a forest",
     .since = IMAGE_0_90_2},
    {"save_model_on_termination", CHOICE, ANY, LIST("true", "false"), "false",
     .about = "true: a stopped job leaves the model so far", .since = IMAGE_1_0_1},
    {"aft_loss_distribution", CHOICE, ANY, LIST("normal", "logistic", "extreme"), "normal",
     .about = "the noise that survival:aft assumes", .since = IMAGE_1_2_1},
    {"aft_loss_distribution_scale", NUMBER, FROM(0), NULL, "1", .about = "how wide it is",
     .since = IMAGE_1_2_1},
    {"single_precision_histogram", CHOICE, ANY, LIST("true", "false"), "false",
     .about = "true: sums in 32 bits", .since = IMAGE_1_2_1, .until = IMAGE_1_5_1},
    {"deterministic_histogram", CHOICE, ANY, LIST("true", "false"), "true",
     .about = "false: sums in any order", .since = IMAGE_1_2_1},
    {"sampling_method", CHOICE, ANY, LIST("uniform", "gradient_based"), "uniform",
     .about = "how subsample chooses rows", .since = IMAGE_1_3_1},
    {"prob_buffer_row", INTEGER, ABOVE(1), NULL, NULL,
     .about = "the ratio of rows kept in a buffer", .since = IMAGE_1_3_1},
    {"use_dask_gpu_training", CHOICE, ANY, LIST("true", "false"), "false",
     .about = "true: many GPUs", .since = IMAGE_1_7_1},
};

static bool is_called(const struct hyperparameter *hyperparameter, const char *name)
{
    return strcmp(hyperparameter->name, name) == 0 || g_strcmp0(hyperparameter->alias, name) == 0;
}

/* By either name. */
static const struct hyperparameter *find_known(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (is_called(&known[i], name))
            return &known[i];
    return NULL;
}

static bool knows(const struct xgboost_release *release,
                  const struct hyperparameter *hyperparameter, const char *name)
{
    bool alias = g_strcmp0(hyperparameter->alias, name) == 0;
    return release_is_in(release, alias ? ALIASES_SINCE : hyperparameter->since,
                         hyperparameter->until);
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
    for (size_t i = 0; all[i]; i++)
        if (release_has_value(release, hyperparameter->name, all[i]))
            choices[found++] = all[i];
    return choices;
}

static bool one_of(const char *name, const char *value, const char *const *choices, GError **error)
{
    if (g_strv_contains(choices, value))
        return true;
    g_autofree char *list = g_strjoinv("', '", (char **)choices);
    const char *near = near_word_of(value, choices);
    return error_set(error, ERROR_VALIDATION, "Hyperparameter %s: %s is not in ['%s']%s%s%s", name,
                     value, list, !near ? "" : "; did you mean '", !near ? "" : near,
                     !near ? "" : "'?");
}

static bool one_of_choices(const struct xgboost_release *release,
                           const struct hyperparameter *hyperparameter, const char *value,
                           GError **error)
{
    g_autofree const char **choices = choices_of(release, hyperparameter);
    bool gpu = strstr(value, "gpu") != NULL;
    if (gpu && !g_strv_contains(choices, value) && g_strv_contains(hyperparameter->choices, value))
        return error_set(error, ERROR_VALIDATION, "GPU training is not supported yet.");
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
    if (!at)
        return one_of_metrics(release, name, value, "", error);
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
    if (isinf(range->low))
        g_string_append(text, "(-inf, ");
    else
        g_string_append_printf(text, "%c%.10g, ", range->low_open ? '(' : '[', range->low);
    if (isinf(range->high))
        g_string_append(text, "+inf)");
    else
        g_string_append_printf(text, "%.10g%c", range->high, range->high_open ? ')' : ']');
    return g_string_free(text, FALSE);
}

static bool in_range(const char *name, const char *value, double number,
                     const struct interval *range, GError **error)
{
    bool above = range->low_open ? number > range->low : number >= range->low;
    bool below = range->high_open ? number < range->high : number <= range->high;
    if (above && below)
        return true;
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
                         "Hyperparameter %s: could not parse value '%s': %s in %s is expected (%s)",
                         hyperparameter->name, value, whole ? "an integer" : "a number", range,
                         hyperparameter->about);
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
    for (size_t i = 0; parts[i]; i++)
        g_strstrip(parts[i]);
    return parts;
}

static bool check_list(const struct xgboost_release *release,
                       const struct hyperparameter *hyperparameter, char **value, GError **error)
{
    g_auto(GStrv) parts = split_list(*value);
    if (!parts[0]) {
        return error_set(error, ERROR_VALIDATION, "Hyperparameter %s: the list is empty",
                         hyperparameter->name);
    }
    for (size_t i = 0; parts[i]; i++) {
        bool good = hyperparameter->kind == METRICS
                        ? check_metric(release, hyperparameter->name, parts[i], error)
                        : one_of_choices(release, hyperparameter, parts[i], error);
        if (!good)
            return false;
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
    if (g_str_has_suffix(inner, ","))
        inner[strlen(inner) - 1] = '\0'; /* Python's tuple of one: (1,) */
    g_auto(GStrv) parts = split_list(inner);
    for (size_t i = 0; parts[i]; i++)
        if (!check_number(hyperparameter, parts[i], error))
            return false;
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
                                   &hyperparameter->range, error))
                return false;
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
    struct near_word names = {.given = name};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (knows(release, &known[i], known[i].name))
            near_word_try(&names, known[i].name);
        if (known[i].alias && knows(release, &known[i], known[i].alias))
            near_word_try(&names, known[i].alias);
    }
    const char *near = names.nearest;
    return error_set(error, ERROR_VALIDATION, "Extraneous hyperparameter found: %s%s%s%s", name,
                     !near ? "" : "; did you mean ", !near ? "" : near, !near ? "" : "?");
}

static bool check_one(const struct xgboost_release *release, const char *given_name,
                      const json_t *given, json_t *checked, GError **error)
{
    const struct hyperparameter *hyperparameter = find_known(given_name);
    if (!hyperparameter || !knows(release, hyperparameter, given_name))
        return release->lenient || refuse_unknown(release, given_name, error);
    const char *name = hyperparameter->name;
    if (!json_is_string(given)) {
        return error_set(error, ERROR_VALIDATION,
                         "Hyperparameter %s: the value is not a string, as all values of "
                         "HyperParameters have to be",
                         given_name);
    }
    if (json_object_get(checked, name)) {
        return error_set(error, ERROR_VALIDATION,
                         "Hyperparameter %s: it is given twice, under both of its names",
                         given_name);
    }
    g_autofree char *value = g_strstrip(g_strdup(json_string_value(given)));
    if (!check_value(release, hyperparameter, &value, error))
        return false;
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
        if (!check_one(release, name, value, values, error))
            return false;
    }
    if (!json_object_get(values, "num_round"))
        return error_set(error, ERROR_VALIDATION, "Missing required hyperparameter: num_round");
    if (!hyperparameter_rules_check(values, error))
        return false;
    if (checked)
        *checked = g_steal_pointer(&values);
    return true;
}

bool hyperparameter_given(const json_t *checked, const char *name)
{
    return json_object_get(checked, name) != NULL;
}

const char *hyperparameter_text(const json_t *checked, const char *name)
{
    const char *value = json_text_at(checked, name);
    return value ? value : find_known(name)->fallback;
}

gint64 hyperparameter_integer(const json_t *checked, const char *name)
{
    const char *value = hyperparameter_text(checked, name);
    return value ? g_ascii_strtoll(value, NULL, 10) : 0;
}
