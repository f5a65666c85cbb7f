/* The service sagemaker-metrics: numbers that a try reports of itself. A component's description
 * sums them up; each batch is an entry of the component's beside it, from which they are read. */
#include <math.h>
#include <string.h>

#include "service/sagemaker/experiments.h"
#include "store/entry.h"

/* How many there are: in the component's body, and no member of its description. */
#define BATCHES "MetricBatches"

/* ---- summing up ---- */

/* By Welford's method, which does not cancel; in terms that no finite values make overflow. */
void metric_summary_add(struct metric_summary *summary, double value, double time)
{
    bool first = summary->count++ == 0;
    double count = (double)summary->count;
    double half_distance = value / 2 - summary->mean / 2;
    summary->deviation = first ? 0
                               : hypot(summary->deviation * sqrt((count - 1) / count),
                                       half_distance * (2 * sqrt(count - 1) / count));
    summary->mean += value / count - summary->mean / count;
    summary->minimum = first ? value : MIN(summary->minimum, value);
    summary->maximum = first ? value : MAX(summary->maximum, value);
    if (!first && time < summary->time)
        return;
    summary->last = value;
    summary->time = time;
}

struct metric_summary metric_summary_read(const json_t *member)
{
    return (struct metric_summary){
        .count = json_integer_at(member, "Count", 0),
        .minimum = json_number_at(member, "Min", 0),
        .maximum = json_number_at(member, "Max", 0),
        .mean = json_number_at(member, "Avg", 0),
        .last = json_number_at(member, "Last", 0),
        .time = json_number_at(member, "TimeStamp", 0),
        .deviation = json_number_at(member, "StdDev", 0),
    };
}

json_t *metric_summary_member(const struct metric_summary *summary, const char *name,
                              const char *source)
{
    return json_pack("{sssssfsfsfsfsIsfsf}", "MetricName", name, "SourceArn", source, "TimeStamp",
                     summary->time, "Max", summary->maximum, "Min", summary->minimum, "Last",
                     summary->last, "Count", (json_int_t)summary->count, "Avg", summary->mean,
                     "StdDev", summary->deviation);
}

/* ---- putting ---- */

struct batch {
    struct store *store;
    const char *component;
    const json_t *data;
    gint64 number; /* 0: the component has just been deleted */
};

static size_t find_metric(const json_t *metrics, const char *name)
{
    size_t i;
    const json_t *metric;
    json_array_foreach((json_t *)metrics, i, metric)
    {
        if (strcmp(json_text_at(metric, "MetricName"), name) == 0)
            return i;
    }
    return json_array_size(metrics);
}

static void add_datum(json_t *metrics, const json_t *datum, const char *arn)
{
    const char *name = json_text_at(datum, "MetricName");
    size_t at = find_metric(metrics, name);
    struct metric_summary summary = metric_summary_read(json_array_get(metrics, at));
    metric_summary_add(&summary, json_number_at(datum, "Value", 0),
                       json_number_at(datum, "Timestamp", 0));
    json_t *member = metric_summary_member(&summary, name, arn);
    if (at < json_array_size(metrics))
        json_array_set_new(metrics, at, member);
    else
        json_array_append_new(metrics, member);
}

static bool sum_up(struct resource *component, void *data, GError **error)
{
    (void)error;
    struct batch *batch = data;
    batch->number = json_integer_at(component->body, BATCHES, 0) + 1;
    json_object_set_new(component->body, BATCHES, json_integer(batch->number));
    if (!json_object_get(component->body, "Metrics"))
        json_object_set_new(component->body, "Metrics", json_array());
    json_t *metrics = json_object_get(component->body, "Metrics");
    size_t i;
    const json_t *datum;
    json_array_foreach((json_t *)batch->data, i, datum) add_datum(metrics, datum, component->arn);
    return true;
}

static bool write_batch(struct store_connection *connection, void *data, GError **error)
{
    struct batch *batch = data;
    const char *word = trial_component_kind.word;
    if (!resource_update_within(connection, batch->store, word, batch->component, sum_up, batch,
                                error))
        return false;
    g_autoptr(json_auto) body = json_pack("{sO}", "MetricData", (json_t *)batch->data);
    return !batch->number ||
           entry_put(connection, word, batch->component, batch->number, NULL, body, error);
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
                          json_object_get(request, "MetricData"), 0};
    return store_write(call->lathe->store, write_batch, &batch, error);
}

/* ---- getting ---- */

struct point {
    gint64 x;
    struct metric_summary summary;
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

/* Where on the axis a datum lies: its step, or when its period began. False: nowhere. */
static bool place(const json_t *query, const json_t *datum, gint64 *x)
{
    gint64 period = seconds_of(json_text_at(query, "Period"));
    if (!period && !json_object_get(datum, "Step"))
        return false;
    gint64 at =
        period ? (gint64)json_number_at(datum, "Timestamp", 0) : json_integer_at(datum, "Step", 0);
    *x = period ? at - at % period : at;
    return strcmp(json_text_at(datum, "MetricName"), json_text_at(query, "MetricName")) == 0 &&
           at >= json_integer_at(query, "Start", G_MININT64) &&
           at <= json_integer_at(query, "End", G_MAXINT64);
}

static void add_point(GArray *points, gint64 x, const json_t *datum)
{
    guint at = 0;
    while (at < points->len && g_array_index(points, struct point, at).x < x)
        at++;
    if (at == points->len || g_array_index(points, struct point, at).x != x) {
        struct point point = {.x = x};
        g_array_insert_val(points, at, point);
    }
    metric_summary_add(&g_array_index(points, struct point, at).summary,
                       json_number_at(datum, "Value", 0), json_number_at(datum, "Timestamp", 0));
}

static GArray *points_of(struct store *store, const char *component, const json_t *query,
                         GError **error)
{
    struct entry_query wanted = {.kind = trial_component_kind.word, .owner = component};
    g_autoptr(GPtrArray) batches = entry_list(store, &wanted, error);
    if (!batches)
        return NULL;
    GArray *points = g_array_new(FALSE, FALSE, sizeof(struct point));
    for (guint i = 0; i < batches->len; i++) {
        const struct entry *batch = g_ptr_array_index(batches, i);
        size_t d;
        const json_t *datum;
        gint64 x;
        json_array_foreach(json_object_get(batch->body, "MetricData"), d, datum)
        {
            if (place(query, datum, &x))
                add_point(points, x, datum);
        }
    }
    return points;
}

static double statistic(const struct metric_summary *summary, const char *name)
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
    g_autoptr(GArray) points = points_of(call->lathe->store, component->name, query, error);
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
