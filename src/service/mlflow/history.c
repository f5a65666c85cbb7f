/* A metric's values over a run's time. */
#include <string.h>

#include "base/page.h"
#include "service/mlflow/mlflow_inside.h"
#include "service/sagemaker/sagemaker.h"

enum { MOST_RUNS = 100, MOST_SAMPLES = 2500, MOST_POINTS = 25000 };

static json_t *metric_of(const struct series_point *point, const char *key)
{
    return json_pack("{sssosIsI}", "key", key, "value", mlflow_number(point->value), "timestamp",
                     (json_int_t)point->time, "step",
                     (json_int_t)(point->step == SERIES_NO_STEP ? 0 : point->step));
}

static json_t *metrics_of(const GArray *points, guint count, const char *key)
{
    json_t *metrics = json_array();
    for (guint i = 0; i < count; i++)
        json_array_append_new(metrics,
                              metric_of(&g_array_index(points, struct series_point, i), key));
    return metrics;
}

/* ---- one run's, in pages ---- */

static bool read_place(const struct call *call, const json_t *request, gint64 *offset,
                       gint64 *limit, GError **error)
{
    const char *token = json_text_at(request, "page_token");
    *offset = 0;
    *limit = json_integer_at(request, "max_results", MOST_POINTS);
    if (*limit < 1)
        return mlflow_invalid(error, "max_results", json_object_get(request, "max_results"),
                              "It must be a positive integer");
    *limit = MIN(*limit, MOST_POINTS);
    return !token || !*token ||
           page_position(call->operation, token, offset, ERROR_MLFLOW_VALUE, error);
}

bool mlflow_get_history(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    const char *id = mlflow_run_id_in(request, error);
    g_autoptr(resource_auto) run = id ? mlflow_run(call, id, error) : NULL;
    const char *key = run ? mlflow_text(request, "metric_key", error) : NULL;
    gint64 offset, limit;
    if (!key || !read_place(call, request, &offset, &limit, error))
        return false;
    const struct series_query query = {run->kind, run->name, key, false, offset, limit + 1};
    g_autoptr(GArray) points = series_points(call->lathe->store, &query, error);
    if (!points)
        return false;
    bool more = points->len > limit;
    g_autofree char *next = more ? page_token_at(call->operation, offset + limit) : NULL;
    reply->output =
        json_pack("{soss*}", "metrics", metrics_of(points, more ? (guint)limit : points->len, key),
                  "next_page_token", next);
    return true;
}

/* ---- several runs', sampled ---- */

static bool is_between(const json_t *request, gint64 step)
{
    return step >= json_integer_at(request, "start_step", G_MININT64) &&
           step <= json_integer_at(request, "end_step", G_MAXINT64);
}

static GArray *points_between(const struct call *call, const json_t *request, const char *run,
                              GError **error)
{
    const struct series_query query = {.kind = trial_component_kind.word,
                                       .owner = run,
                                       .name = json_text_at(request, "metric_key"),
                                       .by_step = true};
    GArray *points = series_points(call->lathe->store, &query, error);
    guint kept = 0;
    for (guint i = 0; points && i < points->len; i++) {
        struct series_point *point = &g_array_index(points, struct series_point, i);
        point->step = point->step == SERIES_NO_STEP ? 0 : point->step;
        if (is_between(request, point->step))
            g_array_index(points, struct series_point, kept++) = *point;
    }
    if (points)
        g_array_set_size(points, kept);
    return points;
}

/* As SQL's ntile deals rows out: the first of each bucket, and the last of all. */
static void add_samples(const GArray *points, gint64 most, const char *key, const char *run,
                        json_t *metrics)
{
    gint64 count = points->len, buckets = MIN(most, count), size = buckets ? count / buckets : 0;
    gint64 larger = buckets ? count % buckets : 0, at = 0;
    for (gint64 bucket = 0; bucket < buckets; bucket++) {
        gint64 place = bucket == buckets - 1 && buckets == most ? count - 1 : at;
        json_t *metric = metric_of(&g_array_index(points, struct series_point, (guint)place), key);
        json_object_set_new(metric, "run_id", json_string(run));
        json_array_append_new(metrics, metric);
        at += size + (bucket < larger);
    }
}

static bool check_steps(const json_t *request, GError **error)
{
    const json_t *from = json_object_get(request, "start_step");
    const json_t *to = json_object_get(request, "end_step");
    if (!from != !to)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "If either start step or end step are specified, both must be specified.");
    json_int_t first = json_integer_value(from), last = json_integer_value(to);
    return first <= last ||
           error_set(error, ERROR_MLFLOW_VALUE,
                     "end_step must be greater than start_step. Found start_step=%lld and "
                     "end_step=%lld.",
                     (long long)first, (long long)last);
}

static bool check_samples(const json_t *request, GError **error)
{
    json_int_t most = json_integer_at(request, "max_results", MOST_SAMPLES);
    size_t runs = json_array_size(json_object_get(request, "run_ids"));
    if (!runs)
        return mlflow_missing(error, "run_ids");
    if (runs > MOST_RUNS)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "GetMetricHistoryBulkInterval request must specify at most %d run_ids. "
                         "Received %zu run_ids.",
                         MOST_RUNS, runs);
    if (!mlflow_text(request, "metric_key", error))
        return false;
    if (most < 1 || most > MOST_SAMPLES)
        return error_set(error, ERROR_MLFLOW_VALUE, "max_results must be between 1 and %d.",
                         MOST_SAMPLES);
    return check_steps(request, error);
}

bool mlflow_get_history_samples(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    if (!check_samples(request, error))
        return false;
    gint64 most = json_integer_at(request, "max_results", MOST_SAMPLES);
    g_autoptr(json_auto) metrics = json_array();
    size_t i;
    const json_t *id;
    json_array_foreach(json_object_get(request, "run_ids"), i, id)
    {
        g_autoptr(resource_auto) run = mlflow_run(call, json_string_value(id), error);
        g_autoptr(GArray) points = run ? points_between(call, request, run->name, error) : NULL;
        if (!points)
            return false;
        add_samples(points, most, json_text_at(request, "metric_key"), run->name, metrics);
    }
    reply->output = json_pack("{sO}", "metrics", metrics);
    return true;
}

/* ---- several runs', the first of each ---- */

static bool check_bulk(const json_t *request, GError **error)
{
    size_t runs = json_array_size(json_object_get(request, "run_id"));
    if (!runs)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "GetMetricHistoryBulk request must specify at least one run_id.");
    if (runs > MOST_RUNS)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "GetMetricHistoryBulk request cannot specify more than %d run_ids. "
                         "Received %zu run_ids.",
                         MOST_RUNS, runs);
    return json_object_get(request, "metric_key") ||
           error_set(error, ERROR_MLFLOW_VALUE,
                     "GetMetricHistoryBulk request must specify a metric_key.");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order of the runs' ids, as MLflow's own server answers; one that is not there has no values.
 */
static GPtrArray *sorted_ids(const json_t *request)
{
    GPtrArray *ids = g_ptr_array_new();
    size_t i;
    const json_t *id;
    json_array_foreach(json_object_get(request, "run_id"), i, id)
        g_ptr_array_add(ids, (char *)json_string_value(id));
    g_ptr_array_sort(ids, by_text);
    return ids;
}

bool mlflow_get_history_bulk(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    gint64 limit;
    gint64 offset;
    if (!check_bulk(request, error) || !read_place(call, request, &offset, &limit, error))
        return false;
    const char *key = json_text_at(request, "metric_key");
    g_autoptr(GPtrArray) ids = sorted_ids(request);
    g_autoptr(json_auto) metrics = json_array();
    for (guint i = 0; i < ids->len && (gint64)json_array_size(metrics) < limit; i++) {
        const char *run = g_ptr_array_index(ids, i);
        const struct series_query query = {trial_component_kind.word,
                                           run,
                                           key,
                                           false,
                                           0,
                                           limit - (gint64)json_array_size(metrics)};
        g_autoptr(GArray) points = series_points(call->lathe->store, &query, error);
        if (!points)
            return false;
        for (guint p = 0; p < points->len; p++) {
            json_t *metric = metric_of(&g_array_index(points, struct series_point, p), key);
            json_object_set_new(metric, "run_id", json_string(run));
            json_array_append_new(metrics, metric);
        }
    }
    reply->output = json_pack("{sO}", "metrics", metrics);
    return true;
}
