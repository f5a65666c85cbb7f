#include "train/evaluate.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "train/booster.h"
#include "train/hyperparameters.h"
#include "train/log_loss.h"
#include "train/metrics.h"
#include "train/own_metric.h"

struct evaluator {
    const struct xgboost *xgboost;
    const struct watched *sets;
    size_t set_count;
    GPtrArray *xgboost_metrics; /* names, NULL-ended */
    GPtrArray *own_metrics;     /* const struct train_metric * */
    bool log_loss_alone;        /* it is XGBoost's one metric, and log_loss can stand in */
    const char *stood_in_for; /* XGBoost's one metric, the objective's own, where ours of that name
                                 takes its place: known once XGBoost has told it */
    char *stopping_metric;
    GStringChunk *texts;
};

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of eval_metric and the tuner's; the container sorts them where it has both. */
static GPtrArray *united_metrics(const json_t *hyperparameters, const char *tuned)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *given = hyperparameter_text(hyperparameters, "eval_metric");
    g_auto(GStrv) parts = g_strsplit(given ? given : "", ",", -1);
    for (size_t i = 0; parts[i]; i++)
        if (!g_ptr_array_find_with_equal_func(names, parts[i], g_str_equal, NULL))
            g_ptr_array_add(names, g_strdup(parts[i]));
    if (!tuned)
        return names;
    if (!g_ptr_array_find_with_equal_func(names, tuned, g_str_equal, NULL))
        g_ptr_array_add(names, g_strdup(tuned));
    g_ptr_array_sort(names, compare_names);
    return names;
}

/* Whether logloss, which binary:logistic has by default, is all that XGBoost would compute, of
 * labels and releases that log_loss knows: Debian's release tells fewer digits of it. */
static bool is_log_loss_alone(const struct evaluator *evaluator, const json_t *hyperparameters)
{
    const char *objective = hyperparameter_text(hyperparameters, "objective");
    const GPtrArray *names = evaluator->xgboost_metrics;
    bool alone = names->len == 0 || (names->len == 1 && strcmp(names->pdata[0], "logloss") == 0);
    if (!alone || evaluator->xgboost->major < 3 || !objective ||
        strcmp(objective, "binary:logistic") != 0)
        return false;
    for (size_t i = 0; i < evaluator->set_count; i++) {
        const struct watched *set = &evaluator->sets[i];
        if (set->weighted || !log_loss_is_of(set->labels, set->rows))
            return false;
    }
    return true;
}

struct evaluator *evaluator_new(const struct xgboost *xgboost, const json_t *hyperparameters,
                                const struct watched *sets, size_t set_count)
{
    struct evaluator *evaluator = g_new0(struct evaluator, 1);
    evaluator->xgboost = xgboost;
    evaluator->sets = sets;
    evaluator->set_count = set_count;
    evaluator->xgboost_metrics = g_ptr_array_new_with_free_func(g_free);
    evaluator->own_metrics = g_ptr_array_new();
    evaluator->texts = g_string_chunk_new(256);

    const char *tuned = hyperparameter_text(hyperparameters, "_tuning_objective_metric");
    tuned = !tuned ? NULL : strchr(tuned, ':') + 1;
    const char *given = hyperparameter_text(hyperparameters, "eval_metric");
    const char *comma = !given ? NULL : strrchr(given, ',');
    evaluator->stopping_metric = g_strdup(tuned ? tuned : (!comma ? given : comma + 1));

    g_autoptr(GPtrArray) names = united_metrics(hyperparameters, tuned);
    for (guint i = 0; i < names->len; i++) {
        const struct train_metric *metric = train_metric_find(names->pdata[i]);
        if (metric && metric->computed_by_us)
            g_ptr_array_add(evaluator->own_metrics, (gpointer)metric);
        else
            g_ptr_array_add(evaluator->xgboost_metrics, g_strdup(names->pdata[i]));
    }
    evaluator->log_loss_alone = is_log_loss_alone(evaluator, hyperparameters);
    g_ptr_array_add(evaluator->xgboost_metrics, NULL);
    return evaluator;
}

void evaluator_free(struct evaluator *evaluator)
{
    if (!evaluator)
        return;
    g_ptr_array_free(evaluator->xgboost_metrics, TRUE);
    g_ptr_array_free(evaluator->own_metrics, TRUE);
    g_string_chunk_free(evaluator->texts);
    g_free(evaluator->stopping_metric);
    g_free(evaluator);
}

const char *const *evaluator_xgboost_metrics(const struct evaluator *evaluator)
{
    return (const char *const *)evaluator->xgboost_metrics->pdata;
}

const char *evaluator_stopping_metric(const struct evaluator *evaluator)
{
    return evaluator->stopping_metric;
}

/* Takes the scores of one data set from XGBoost's line "[3]\ttrain-rmse:0.5\tvalidation-rmse:1". */
static void parse_line(struct evaluator *evaluator, char *const *fields, const char *data,
                       GArray *scores)
{
    size_t length = strlen(data);
    for (size_t i = 1; fields[0] && fields[i]; i++) {
        const char *colon = strrchr(fields[i], ':');
        if (!colon || strncmp(fields[i], data, length) != 0 || fields[i][length] != '-')
            continue;
        const char *metric = fields[i] + length + 1;
        g_autofree char *name = g_strndup(metric, (size_t)(colon - metric));
        struct score score = {.data = data,
                              .metric = g_string_chunk_insert_const(evaluator->texts, name),
                              .value = g_ascii_strtod(colon + 1, NULL)};
        g_array_append_val(scores, score);
    }
}

/* One number a row: the class with the greatest margin (two classes: 1 above a margin of 0), or
 * what predict() answers. Margins, because for multi:softmax that is a class number and for binary
 * objectives a probability. */
static float *predict(const struct xgboost *xgboost, void *booster, const struct watched *set,
                      bool classes, GError **error)
{
    const float *values;
    size_t width;
    if (!booster_predict(xgboost, booster, set->matrix, classes ? PREDICT_MARGIN : PREDICT_ANSWER,
                         &values, &width, error))
        return NULL;
    float *answers = g_new(float, set->rows);
    for (size_t row = 0; row < set->rows; row++) {
        const float *of_row = values + row * width;
        size_t best = 0;
        for (size_t i = 1; i < width; i++)
            best = of_row[i] > of_row[best] ? i : best;
        answers[row] = !classes ? of_row[0] : (width > 1 ? (float)best : (float)(of_row[0] > 0));
    }
    return answers;
}

static struct score *find_score(GArray *scores, const char *data, const char *metric)
{
    for (guint i = 0; i < scores->len; i++) {
        struct score *score = &g_array_index(scores, struct score, i);
        if (strcmp(score->data, data) == 0 && strcmp(score->metric, metric) == 0)
            return score;
    }
    return NULL;
}

static bool add_own(const struct train_metric *metric, const struct watched *set,
                    const float *predictions, GArray *scores, GError **error)
{
    struct score score = {.data = set->name, .metric = metric->name};
    if (!own_metric(metric, set->labels, predictions, set->rows, &score.value, error))
        return false;
    /* The container's pass through a text with six places, and early stopping compares what comes
     * out. */
    g_autofree char *text = g_strdup_printf("%f", score.value);
    score.value = g_ascii_strtod(text, NULL);
    /* XGBoost's default metric may have the same name; ours stands in its place. */
    struct score *same = find_score(scores, set->name, metric->name);
    if (same)
        same->value = score.value;
    else
        g_array_append_val(scores, score);
    return true;
}

static bool add_owns(struct evaluator *evaluator, void *booster, const struct watched *set,
                     GArray *scores, GError **error)
{
    g_autofree float *classes = NULL;
    g_autofree float *numbers = NULL;
    for (guint i = 0; i < evaluator->own_metrics->len; i++) {
        const struct train_metric *metric = evaluator->own_metrics->pdata[i];
        float **predictions = metric->of_classes ? &classes : &numbers;
        if (!*predictions)
            *predictions = predict(evaluator->xgboost, booster, set, metric->of_classes, error);
        if (!*predictions || !add_own(metric, set, *predictions, scores, error))
            return false;
    }
    return true;
}

static bool add_log_loss(const struct evaluator *evaluator, void *booster,
                         const struct watched *set, GArray *scores, GError **error)
{
    const float *chances;
    size_t width;
    if (!booster_predict(evaluator->xgboost, booster, set->matrix, PREDICT_ANSWER, &chances, &width,
                         error))
        return false;
    struct score score = {set->name, "logloss", log_loss(set->labels, chances, set->rows)};
    g_array_append_val(scores, score);
    return true;
}

/* "[3]\ttrain-rmse:0.5\tvalidation-rmse:1", XGBoost's until it is next called. */
static const char *xgboosts_line(const struct evaluator *evaluator, void *booster, int round,
                                 GError **error)
{
    g_autofree void **matrices = g_new(void *, evaluator->set_count);
    g_autofree const char **names = g_new(const char *, evaluator->set_count);
    for (size_t i = 0; i < evaluator->set_count; i++) {
        matrices[i] = evaluator->sets[i].matrix;
        names[i] = evaluator->sets[i].name;
    }
    const char *line;
    if (evaluator->xgboost->booster_evaluate(booster, round, matrices, names, evaluator->set_count,
                                             &line) == 0)
        return line;
    xgboost_fail(evaluator->xgboost, error, "computing the metrics");
    return NULL;
}

/* What XGBoost computes and nobody sees need not be computed again: a tuner's trials watch the
 * objective's own metric, as ours. */
static void note_stood_in_for(struct evaluator *evaluator, const GArray *scores)
{
    bool has_own_alone = evaluator->xgboost_metrics->len == 1; /* its end */
    const struct score *first = scores->len ? &g_array_index(scores, struct score, 0) : NULL;
    for (guint i = 0; has_own_alone && first && i < evaluator->own_metrics->len; i++) {
        const struct train_metric *metric = evaluator->own_metrics->pdata[i];
        if (strcmp(metric->name, first->metric) == 0)
            evaluator->stood_in_for = metric->name;
    }
}

/* What stands before our own scores of a data set: XGBoost's, or what stands in for them. */
static bool add_xgboosts(struct evaluator *evaluator, void *booster, char *const *fields,
                         const struct watched *set, GArray *scores, GError **error)
{
    if (evaluator->log_loss_alone)
        return add_log_loss(evaluator, booster, set, scores, error);
    struct score place = {set->name, evaluator->stood_in_for, NAN};
    if (evaluator->stood_in_for)
        g_array_append_val(scores, place);
    else
        parse_line(evaluator, fields, set->name, scores);
    return true;
}

GArray *evaluate(struct evaluator *evaluator, void *booster, int round, GError **error)
{
    bool needs_none = evaluator->log_loss_alone || evaluator->stood_in_for;
    const char *line = needs_none ? "" : xgboosts_line(evaluator, booster, round, error);
    if (!line)
        return NULL;
    g_auto(GStrv) fields = g_strsplit(line, "\t", -1);
    g_autoptr(GArray) scores = g_array_new(FALSE, FALSE, sizeof(struct score));
    for (size_t i = 0; i < evaluator->set_count; i++) {
        const struct watched *set = &evaluator->sets[i];
        if (!add_xgboosts(evaluator, booster, fields, set, scores, error) ||
            !add_owns(evaluator, booster, set, scores, error))
            return NULL;
    }
    if (!needs_none)
        note_stood_in_for(evaluator, scores);
    return g_steal_pointer(&scores);
}

char *evaluation_line(int round, const GArray *scores, bool six_digits)
{
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "[%d]", round);
    for (guint i = 0; i < scores->len; i++) {
        const struct score *score = &g_array_index(scores, struct score, i);
        g_autofree char *value = score_text(score->value, six_digits);
        g_string_append_printf(line, "#011%s-%s:%s", score->data, score->metric, value);
    }
    return g_string_free(line, FALSE);
}

const struct score *evaluation_find(const GArray *scores, const char *data, const char *metric)
{
    const struct score *same_kind = NULL;
    size_t length = strcspn(metric, "@");
    for (guint i = 0; i < scores->len; i++) {
        const struct score *score = &g_array_index(scores, struct score, i);
        if (strcmp(score->data, data) != 0)
            continue;
        if (strcmp(score->metric, metric) == 0)
            return score;
        if (strncmp(score->metric, metric, length) == 0 && score->metric[length] == '\0')
            same_kind = score;
    }
    return same_kind;
}
