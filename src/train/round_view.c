#include "train/round_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "train/booster.h"
#include "train/hyperparameters.h"
#include "tree/forest.h"

enum { CONTRIBUTION_ROWS = 50 }; /* of the whole: contributions cost more than all else */

/* ---- whatever it is of ---- */

static void clear_feature(void *of)
{
    g_free(((struct round_feature *)of)->name);
}

GArray *round_features_new(void)
{
    GArray *features = g_array_new(FALSE, FALSE, sizeof(struct round_feature));
    g_array_set_clear_func(features, clear_feature);
    return features;
}

void round_view_clear(struct round_view *view)
{
    g_clear_pointer(&view->importances, g_hash_table_unref);
    g_clear_pointer(&view->own_labels, g_array_unref);
    g_clear_pointer(&view->own_predicted, g_array_unref);
}

bool round_view_predictions(struct round_view *view, GError **error)
{
    return view->predictions || view->source->predict(view, error);
}

const GArray *round_view_importance(struct round_view *view, const char *kind, GError **error)
{
    if (!view->importances)
        view->importances =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    GArray *features = g_hash_table_lookup(view->importances, kind);
    if (features)
        return features;
    features = round_features_new();
    g_hash_table_insert(view->importances, g_strdup(kind), features);
    return view->source->weigh(view, kind, features, error) ? features : NULL;
}

bool round_view_nodes(struct round_view *view, GError **error)
{
    view->has_nodes = view->has_nodes || view->source->walk(view, error);
    return view->has_nodes;
}

GArray *round_view_contributions(struct round_view *view, GError **error)
{
    g_autoptr(GArray) features = round_features_new();
    return view->source->contribute(view, features, error) ? g_steal_pointer(&features) : NULL;
}

const char *round_view_text(const struct round_view *view, const char *hyperparameter)
{
    const char *text = json_text_at(view->hyperparameters, hyperparameter);
    return text ? text : "";
}

/* ---- of a booster ---- */

static const struct watched *judged(const struct round_view *view)
{
    return &view->sets[view->set_count - 1];
}

static bool has_trees(const struct round_view *view)
{
    return strcmp(hyperparameter_text(view->hyperparameters, "booster"), "gblinear") != 0;
}

static bool predict(struct round_view *view, GError **error)
{
    return booster_predict(view->xgboost, view->booster, judged(view)->matrix, PREDICT_ANSWER,
                           &view->predictions, &view->width, error);
}

static bool ask_weights(struct round_view *view, const char *kind, GArray *features, GError **error)
{
    g_autofree char *config = g_strdup_printf("{\"importance_type\":\"%s\"}", kind);
    uint64_t count = 0, dimensions = 0;
    const char **names = NULL;
    const uint64_t *shape = NULL;
    const float *scores = NULL;
    double sum = 0;
    if (view->xgboost->booster_feature_score(view->booster, config, &count, &names, &dimensions,
                                             &shape, &scores) != 0)
        return xgboost_fail(view->xgboost, error, "asking for the features' importance");
    for (uint64_t i = 0; i < count; i++)
        sum += (double)scores[i];
    for (uint64_t i = 0; i < count; i++) {
        struct round_feature one = {g_strdup(names[i]), (double)scores[i], (double)scores[i] / sum};
        g_array_append_val(features, one);
    }
    return true;
}

/* What a feature's splits have together, a split: the division is XGBoost's own. */
static bool divide(struct round_view *view, const char *total, GArray *features, GError **error)
{
    const GArray *sums = round_view_importance(view, total, error);
    const GArray *splits = sums ? round_view_importance(view, "weight", error) : NULL;
    double sum = 0;
    for (guint i = 0; splits && i < sums->len; i++) {
        const struct round_feature *whole = &g_array_index(sums, struct round_feature, i);
        double count = g_array_index(splits, struct round_feature, i).value;
        float each = (float)whole->value / (float)count;
        struct round_feature one = {g_strdup(whole->name), (double)each, 0};
        g_array_append_val(features, one);
        sum += one.value;
    }
    for (guint i = 0; i < features->len; i++) {
        struct round_feature *one = &g_array_index(features, struct round_feature, i);
        one->share = one->value / sum;
    }
    return splits != NULL;
}

/* Each question takes XGBoost a walk through all trees: means are made of sums, which whoever wants
 * all kinds asks for, too. */
static bool weigh(struct round_view *view, const char *kind, GArray *features, GError **error)
{
    if (strcmp(kind, "gain") == 0)
        return divide(view, "total_gain", features, error);
    if (strcmp(kind, "cover") == 0)
        return divide(view, "total_cover", features, error);
    return ask_weights(view, kind, features, error);
}

/* A tree's text has a line a node, which begins with its number. */
static guint64 largest_number(const char *dump)
{
    guint64 largest = 0;
    for (const char *line = dump; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        guint64 number = strtoull(line + strspn(line, "\t "), NULL, 10);
        largest = MAX(largest, number);
    }
    return largest;
}

static bool walk(struct round_view *view, GError **error)
{
    void *slice;
    uint64_t count = 0;
    const char **dumps = NULL;
    if (!has_trees(view))
        return error_set(error, ERROR_VALIDATION, "the booster gblinear has no trees");
    if (view->xgboost->booster_slice(view->booster, view->round, view->round + 1, 1, &slice) != 0)
        return xgboost_fail(view->xgboost, error, "taking out the round's trees");
    bool dumped = view->xgboost->booster_dump(slice, "", 0, "text", &count, &dumps) == 0 ||
                  xgboost_fail(view->xgboost, error, "writing the round's trees");
    for (uint64_t i = 0; dumped && i < count; i++)
        view->largest_node = MAX(view->largest_node, largest_number(dumps[i]));
    view->xgboost->booster_free(slice);
    return dumped;
}

/* What XGBoost has of a few rows, NaN where it is missing; g_free. */
static float *values_of(const struct xgboost *xgboost, void *rows, size_t count, size_t columns,
                        GError **error)
{
    uint64_t present = 0;
    if (xgboost->matrix_present(rows, &present) != 0) {
        xgboost_fail(xgboost, error, "counting the values of some rows");
        return NULL;
    }
    g_autofree uint64_t *starts = g_new(uint64_t, count + 1);
    g_autofree unsigned *places = g_new(unsigned, present + 1);
    g_autofree float *found = g_new(float, present + 1);
    if (xgboost->matrix_rows(rows, "{}", starts, places, found) != 0) {
        xgboost_fail(xgboost, error, "reading some rows");
        return NULL;
    }
    float *values = g_new(float, count *columns + 1);
    for (size_t i = 0; i < count * columns; i++)
        values[i] = NAN;
    for (size_t row = 0; row < count; row++)
        for (uint64_t i = starts[row]; i < starts[row + 1]; i++)
            values[row * columns + places[i]] = found[i];
    return values;
}

static struct forest *forest_of(const struct round_view *view, GError **error)
{
    struct lathe_error cause;
    uint64_t size;
    const char *bytes = booster_bytes(view->xgboost, view->booster, &size, error);
    struct forest *forest = bytes ? forest_open(bytes, size, &cause) : NULL;
    if (bytes && !forest)
        error_set_lathe(error, ERROR_VALIDATION, &cause);
    return forest;
}

static bool sum_contributions(const struct forest *forest, const float *rows, size_t count,
                              size_t columns, GArray *features, GError **error)
{
    const struct forest_info *info = forest_describe(forest);
    size_t width = info->features + 1, answers = count * info->outputs;
    g_autofree float *values = g_new(float, answers *width);
    struct lathe_error cause;
    if (columns < info->features)
        return error_set(error, ERROR_VALIDATION,
                         "the rows have %zu columns, the trees ask for %zu", columns,
                         info->features);
    if (!forest_contributions(forest, rows, count, columns, values, &cause))
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    for (size_t i = 0; i + 1 < width; i++) {
        double sum = 0;
        for (size_t answer = 0; answer < answers; answer++)
            sum += fabs((double)values[answer * width + i]);
        struct round_feature one = {g_strdup_printf("f%zu", i), sum / (double)answers, 0};
        g_array_append_val(features, one);
    }
    return true;
}

/* By the predictor, which takes a twentieth of XGBoost's time for them. */
static bool add_contributions(struct round_view *view, void *rows, size_t count, GArray *features,
                              GError **error)
{
    uint64_t columns = 0;
    if (view->xgboost->matrix_columns(rows, &columns) != 0)
        return xgboost_fail(view->xgboost, error, "counting columns");
    g_autofree float *values = values_of(view->xgboost, rows, count, columns, error);
    struct forest *forest = values ? forest_of(view, error) : NULL;
    bool added = forest && sum_contributions(forest, values, count, columns, features, error);
    forest_close(forest);
    return added;
}

/* The training's rows may be there as histograms alone, which have none. */
static bool contribute(struct round_view *view, GArray *features, GError **error)
{
    size_t rows = judged(view)->rows, count = MIN(rows, (size_t)CONTRIBUTION_ROWS);
    g_autofree int *numbers = g_new(int, count);
    void *slice;
    if (view->set_count < 2)
        return true;
    for (size_t i = 0; i < count; i++)
        numbers[i] = (int)(i * rows / count);
    if (view->xgboost->matrix_slice(judged(view)->matrix, numbers, count, &slice, 0) != 0)
        return xgboost_fail(view->xgboost, error, "taking out some rows");
    bool added = add_contributions(view, slice, count, features, error);
    view->xgboost->matrix_free(slice);
    return added;
}

struct round_view round_view_of(const struct xgboost *xgboost, void *booster,
                                const json_t *hyperparameters, const struct watched *sets,
                                size_t set_count, int round, const GArray *scores)
{
    static const struct round_source of_booster = {NULL, predict, weigh, walk, contribute};
    const struct watched *last = &sets[set_count - 1];
    return (struct round_view){.source = &of_booster,
                               .round = round,
                               .scores = scores,
                               .hyperparameters = hyperparameters,
                               .rows_of = last->name,
                               .labels = last->labels,
                               .rows = last->rows,
                               .xgboost = xgboost,
                               .booster = booster,
                               .sets = sets,
                               .set_count = set_count};
}
