/* The service sagemaker-metrics: numbers that a try reports of itself. They are the component's
 * series, which its description sums up. */
#include <math.h>
#include <string.h>

#include "service/sagemaker/experiments.h"

/* ---- summing up ---- */

json_t *metric_summary_member(const struct series_summary *summary, const char *name,
                              const char *source)
{
    return json_pack("{sssssfsfsfsfsIsfsf}", "MetricName", name, "SourceArn", source, "TimeStamp",
                     (double)summary->time / 1000, "Max", summary->maximum, "Min", summary->minimum,
                     "Last", summary->last, "Count", (json_int_t)summary->count, "Avg",
                     summary->mean, "StdDev", summary->deviation);
}

/* A series of nothing but what is no number has no summary. */
void trial_component_tell_metrics(struct store *store, const struct resource *component,
                                  json_t *description)
{
    g_autoptr(GPtrArray) all = series_list(store, component->kind, component->name, NULL);
    for (guint i = 0; all && i < all->len; i++) {
        const struct series *series = g_ptr_array_index(all, i);
        if (!series->summary.count)
            continue;
        if (!json_object_get(description, "Metrics"))
            json_object_set_new(description, "Metrics", json_array());
        json_array_append_new(
            json_object_get(description, "Metrics"),
            metric_summary_member(&series->summary, series->name, component->arn));
    }
}

/* ---- putting ---- */

struct batch {
    struct store *store;
    const char *component;
    const json_t *data;
};

static GArray *points_of(const json_t *data)
{
    GArray *points = g_array_new(FALSE, FALSE, sizeof(struct series_point));
    size_t i;
    const json_t *datum;
    json_array_foreach((json_t *)data, i, datum)
    {
        struct series_point point = {
            .name = json_text_at(datum, "MetricName"),
            .time = (gint64)llround(json_number_at(datum, "Timestamp", 0) * 1000),
            .step = json_integer_at(datum, "Step", SERIES_NO_STEP),
            .value = json_number_at(datum, "Value", 0)};
        g_array_append_val(points, point);
    }
    return points;
}

static bool touch(struct resource *component, void *data, GError **error)
{
    (void)component, (void)error;
    *(bool *)data = true;
    return true;
}

static bool write_batch(struct store_connection *connection, void *data, GError **error)
{
    const struct batch *batch = data;
    const char *word = trial_component_kind.word;
    g_autoptr(GArray) points = points_of(batch->data);
    bool found = false; /* or the component has just been deleted */
    return resource_update_within(connection, batch->store, word, batch->component, touch, &found,
                                  error) &&
           (!found || series_add(connection, word, batch->component,
                                 (const struct series_point *)(void *)points->data, points->len,
                                 true, error));
}

static bool batch_put_metrics(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    (void)reply; /* it has no members but for errors */
    const char *name = json_text_at(request, "TrialComponentName");
    g_autoptr(resource_auto) component = sagemaker_get(call, &trial_component_kind, name, error);
    if (!component)
        return false;
    struct batch batch = {call->lathe->store, component->name,
                          json_object_get(request, "MetricData")};
    return store_write(call->lathe->store, write_batch, &batch, error);
}

/* ---- getting ---- */

struct point {
    gint64 x;
    struct series_summary summary;
};

static gint64 seconds_of(const char *period)
{
    static const struct {
        const char *name;
        gint64 seconds;
    } periods[] = {{"OneMinute", 60}, {"FiveMinute", 300}, {"OneHour", 3600}};
    for (size_t i = 0; i < G_N_ELEMENTS(periods); i++)
        if (strcmp(periods[i].name, period) == 0)
            return periods[i].seconds;
    return 0;
}

/* Where on the axis a value lies: its step, or when its period began. False: nowhere. */
static bool place(const json_t *query, const struct series_point *value, gint64 *x)
{
    gint64 period = seconds_of(json_text_at(query, "Period"));
    if (!isfinite(value->value) || (!period && value->step == SERIES_NO_STEP))
        return false;
    gint64 at = period ? value->time / 1000 : value->step;
    *x = period ? at - at % period : at;
    return at >= json_integer_at(query, "Start", G_MININT64) &&
           at <= json_integer_at(query, "End", G_MAXINT64);
}

/* Values come in order of x. */
static void add_value(GArray *points, gint64 x, const struct series_point *value)
{
    if (!points->len || g_array_index(points, struct point, points->len - 1).x != x) {
        struct point point = {.x = x};
        g_array_append_val(points, point);
    }
    series_summary_add(&g_array_index(points, struct point, points->len - 1).summary, value->value,
                       value->time);
}

static GArray *points_asked_for(struct store *store, const char *component, const json_t *query,
                                GError **error)
{
    const struct series_query wanted = {.kind = trial_component_kind.word,
                                        .owner = component,
                                        .name = json_text_at(query, "MetricName"),
                                        .by_step = !seconds_of(json_text_at(query, "Period"))};
    g_autoptr(GArray) values = series_points(store, &wanted, error);
    if (!values)
        return NULL;
    GArray *points = g_array_new(FALSE, FALSE, sizeof(struct point));
    for (guint i = 0; i < values->len; i++) {
        const struct series_point *value = &g_array_index(values, struct series_point, i);
        gint64 x;
        if (place(query, value, &x))
            add_value(points, x, value);
    }
    return points;
}

static double statistic(const struct series_summary *summary, const char *name)
{
    if (strcmp(name, "Min") == 0)
        return summary->minimum;
    if (strcmp(name, "Max") == 0)
        return summary->maximum;
    if (strcmp(name, "Avg") == 0)
        return summary->mean;
    if (strcmp(name, "Count") == 0)
        return (double)summary->count;
    return strcmp(name, "Last") == 0 ? summary->last : summary->deviation;
}

static json_t *result_of(const GArray *points, const char *wanted)
{
    json_t *xs = json_array(), *values = json_array();
    for (guint i = 0; i < points->len; i++) {
        const struct point *point = &g_array_index(points, struct point, i);
        json_array_append_new(xs, json_integer(point->x));
        json_array_append_new(values, json_real(statistic(&point->summary, wanted)));
    }
    return json_pack("{sssoso}", "Status", "Complete", "XAxisValues", xs, "MetricValues", values);
}

static json_t *invalid(const char *message)
{
    return json_pack("{sssss[]s[]}", "Status", "ValidationError", "Message", message, "XAxisValues",
                     "MetricValues");
}

/* What is wrong with one query is told in its place, and the others are answered. */
static json_t *answer(const struct call *call, const json_t *query, GError **error)
{
    bool by_step = strcmp(json_text_at(query, "XAxisType"), "IterationNumber") == 0;
    if (by_step != !seconds_of(json_text_at(query, "Period")))
        return invalid("The Period IterationNumber goes with the XAxisType IterationNumber, and "
                       "all others with Timestamp.");
    GError *cause = NULL;
    g_autoptr(resource_auto) component =
        resource_get_by_arn(call->lathe->store, json_text_at(query, "ResourceArn"), &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return NULL;
    }
    if (!component || strcmp(component->kind, trial_component_kind.word) != 0)
        return invalid("The ResourceArn is of no trial component that there is.");
    g_autoptr(GArray) points = points_asked_for(call->lathe->store, component->name, query, error);
    return points ? result_of(points, json_text_at(query, "MetricStat")) : NULL;
}

static bool batch_get_metrics(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    g_autoptr(json_auto) results = json_array();
    size_t i;
    const json_t *query;
    json_array_foreach(json_object_get(request, "MetricQueries"), i, query)
    {
        json_t *result = answer(call, query, error);
        if (!result)
            return false;
        json_array_append_new(results, result);
    }
    reply->output = json_pack("{sO}", "MetricQueryResults", results);
    return true;
}

static const struct operation operations[] = {
    {"BatchPutMetrics", batch_put_metrics, OPERATION_BLOCKING},
    {"BatchGetMetrics", batch_get_metrics, OPERATION_BLOCKING},
};

const struct service sagemaker_metrics_service = {
    .name = "sagemaker-metrics",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
