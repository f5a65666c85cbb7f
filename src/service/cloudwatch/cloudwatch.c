/* CloudWatch metrics: what clients put and what jobs publish, aggregated by periods. */
#include "service/home.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/page.h"
#include "store/metric.h"

/* ---- PutMetricData ---- */

static void add_value(GArray *data, struct metric_datum *datum, double value, double count)
{
    datum->sum = value * count;
    datum->minimum = datum->maximum = value;
    datum->count = count;
    g_array_append_val(data, *datum);
}

static bool add_values(GArray *data, struct metric_datum *datum, const json_t *values,
                       const json_t *counts, GError **error)
{
    if (counts && json_array_size(counts) != json_array_size(values))
        return error_set(error, ERROR_INVALID_PARAMETER_VALUE,
                         "The metric %s has %zu Values and %zu Counts; there must be as many.",
                         datum->name, json_array_size(values), json_array_size(counts));
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *count = json_array_get(counts, i);
        add_value(data, datum, json_number_value(json_array_get(values, i)),
                  count ? json_number_value(count) : 1);
    }
    return true;
}

/* A datum comes as one Value, as a StatisticValues set, or as Values with Counts. */
static bool add_datum(GArray *data, const char *name_space, const json_t *entry, GError **error)
{
    struct metric_datum datum = {
        .name_space = name_space,
        .name = json_text_at(entry, "MetricName"),
        .dimensions = json_object_get(entry, "Dimensions"),
        .time = json_number_at(entry, "Timestamp", clock_now()),
        .unit = json_text_at(entry, "Unit"),
    };
    const json_t *values = json_object_get(entry, "Values");
    const json_t *set = json_object_get(entry, "StatisticValues");
    const json_t *value = json_object_get(entry, "Value");
    if (set) {
        datum.sum = json_number_at(set, "Sum", 0);
        datum.minimum = json_number_at(set, "Minimum", 0);
        datum.maximum = json_number_at(set, "Maximum", 0);
        datum.count = json_number_at(set, "SampleCount", 0);
        g_array_append_val(data, datum);
    } else if (value) {
        add_value(data, &datum, json_number_value(value), 1);
    } else if (!json_array_size(values)) {
        return error_set(error, ERROR_INVALID_PARAMETER_VALUE,
                         "The metric %s has none of Value, Values and StatisticValues.",
                         datum.name);
    }
    return add_values(data, &datum, values, json_object_get(entry, "Counts"), error);
}

static bool put_metric_data(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    g_autoptr(GArray) data = g_array_new(FALSE, FALSE, sizeof(struct metric_datum));
    const char *name_space = json_text_at(request, "Namespace");
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(request, "MetricData"), i,
                       entry) if (!add_datum(data, name_space, entry, error)) return false;
    return metric_put(call->lathe->store, data, error);
}

/* ---- statistics ---- */

static double statistic(const struct metric_period *period, const char *name)
{
    if (strcmp(name, "Sum") == 0)
        return period->sum;
    if (strcmp(name, "Minimum") == 0)
        return period->minimum;
    if (strcmp(name, "Maximum") == 0)
        return period->maximum;
    if (strcmp(name, "SampleCount") == 0)
        return period->count;
    return period->sum / period->count;
}

static bool is_statistic(const char *name)
{
    static const char *const names[] = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool get_metric_statistics(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    struct metric_query query = {
        .name_space = json_text_at(request, "Namespace"),
        .name = json_text_at(request, "MetricName"),
        .dimensions = json_object_get(request, "Dimensions"),
        .unit = json_text_at(request, "Unit"),
        .start = json_number_at(request, "StartTime", 0),
        .end = json_number_at(request, "EndTime", 0),
        .period = json_number_at(request, "Period", 60),
    };
    /* A metric of the last minute is asked for with EndTime = its own time, which is meant to be
     * among them: clients round down to the minute. */
    query.start = floor(query.start / 60) * 60;
    query.end = ceil(query.end / 60) * 60;
    g_autoptr(GArray) periods = metric_read(call->lathe->store, &query, error);
    if (!periods)
        return false;
    json_t *points = json_array();
    for (guint i = 0; i < periods->len; i++) {
        const struct metric_period *period = &g_array_index(periods, struct metric_period, i);
        json_t *point = json_pack("{sfss}", "Timestamp", period->time, "Unit", period->unit);
        size_t s;
        const json_t *name;
        json_array_foreach(json_object_get(request, "Statistics"), s, name)
        {
            double value = statistic(period, json_string_value(name));
            if (isfinite(value))
                json_object_set_new(point, json_string_value(name), json_real(value));
        }
        json_array_append_new(points, point);
    }
    reply->output = json_pack("{ssso}", "Label", query.name, "Datapoints", points);
    return true;
}

/* ---- GetMetricData ---- */

static json_t *read_query(const struct call *call, const json_t *request, const json_t *entry,
                          GError **error)
{
    const json_t *stat = json_object_get(entry, "MetricStat");
    const char *name = json_text_at(stat, "Stat");
    if (!stat || !is_statistic(name)) {
        error_set(error, ERROR_VALIDATION,
                  "The query %s: only a MetricStat with the Stat Average, Sum, Minimum, Maximum or "
                  "SampleCount is computed; percentiles are not.",
                  json_text_at(entry, "Id"));
        return NULL;
    }
    struct metric_query query = {
        .name_space = json_text_at(stat, "Metric.Namespace"),
        .name = json_text_at(stat, "Metric.MetricName"),
        .dimensions = json_at(stat, "Metric.Dimensions"),
        .unit = json_text_at(stat, "Unit"),
        .start = json_number_at(request, "StartTime", 0),
        .end = json_number_at(request, "EndTime", 0),
        .period = json_number_at(stat, "Period", 60),
    };
    g_autoptr(GArray) periods = metric_read(call->lathe->store, &query, error);
    if (!periods)
        return NULL;
    bool ascending = g_strcmp0(json_text_at(request, "ScanBy"), "TimestampAscending") == 0;
    json_t *times = json_array(), *values = json_array();
    for (guint i = 0; i < periods->len; i++) {
        guint at = ascending ? i : periods->len - 1 - i;
        const struct metric_period *period = &g_array_index(periods, struct metric_period, at);
        double value = statistic(period, name);
        if (!isfinite(value)) /* no samples, or a sum beyond a double: no point, as in CloudWatch */
            continue;
        json_array_append_new(times, json_real(period->time));
        json_array_append_new(values, json_real(value));
    }
    const char *label = json_text_at(entry, "Label");
    return json_pack("{sssssssoso}", "Id", json_text_at(entry, "Id"), "Label",
                     label ? label : query.name, "StatusCode", "Complete", "Timestamps", times,
                     "Values", values);
}

static bool get_metric_data(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    const char *token = json_text_at(request, "NextToken");
    if (token)
        return error_set(error, ERROR_INVALID_NEXT_TOKEN,
                         "The next token '%.64s' is invalid: every answer here is whole, and no "
                         "token was given out.",
                         token);
    g_autoptr(json_auto) results = json_array();
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(request, "MetricDataQueries"), i, entry)
    {
        json_t *result = read_query(call, request, entry, error);
        if (!result)
            return false;
        if (json_object_get(entry, "ReturnData") && !json_true_at(entry, "ReturnData"))
            json_decref(result);
        else
            json_array_append_new(results, result);
    }
    reply->output = json_pack("{sO}", "MetricDataResults", results);
    return true;
}

/* ---- ListMetrics ---- */

static bool has_dimensions(const json_t *metric, const json_t *filters)
{
    size_t i, d;
    const json_t *filter, *dimension;
    json_array_foreach((json_t *)filters, i, filter)
    {
        const char *value = json_text_at(filter, "Value");
        bool found = false;
        json_array_foreach(json_object_get(metric, "Dimensions"), d, dimension) found |=
            strcmp(json_text_at(dimension, "Name"), json_text_at(filter, "Name")) == 0 &&
            (!value || strcmp(json_text_at(dimension, "Value"), value) == 0);
        if (!found)
            return false;
    }
    return true;
}

#define METRICS_PAGE 500

static bool list_metrics(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_autoptr(json_auto) all = metric_list(call->lathe->store, json_text_at(request, "Namespace"),
                                           json_text_at(request, "MetricName"), error);
    if (!all)
        return false;
    g_autoptr(json_auto) fitting = json_array();
    size_t i;
    json_t *metric;
    json_array_foreach(all, i, metric)
    {
        if (has_dimensions(metric, json_object_get(request, "Dimensions")))
            json_array_append(fitting, metric);
    }
    struct page_listing listing = {"ListMetrics", METRICS_PAGE, ERROR_INVALID_PARAMETER_VALUE};
    return page_put(&reply->output, "Metrics", fitting, &listing, request, error);
}

static const struct operation operations[] = {
    {"PutMetricData", put_metric_data, OPERATION_BLOCKING},
    {"GetMetricStatistics", get_metric_statistics, OPERATION_BLOCKING},
    {"GetMetricData", get_metric_data, OPERATION_BLOCKING},
    {"ListMetrics", list_metrics, OPERATION_BLOCKING},
};

static void tidy(struct lathe *lathe, double now)
{
    g_autoptr(GError) error = NULL;
    if (!metric_trim(lathe->store, now, &error))
        g_warning("metrics that grew old: %s", error->message);
}

const struct service cloudwatch_service = {
    .name = "cloudwatch",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .tidy = tidy,
};
