/* What is told of a run: a trial component as MLflow sees it, whoever made it. */
#include <string.h>

#include "service/mlflow/mlflow_inside.h"
#include "service/sagemaker/experiments.h"

/* ---- where it belongs ---- */

const char *mlflow_run_experiment(const struct resource *run)
{
    const char *name = json_text_at(run->body, "Parents[0].ExperimentName");
    return name ? name : "";
}

char *mlflow_run_location(const struct call *call, const struct resource *run, GError **error)
{
    const char *own = json_text_at(run->body, "Mlflow.Location");
    if (own)
        return g_strdup(own);
    g_autoptr(resource_auto) experiment = resource_get_any_case(
        call->lathe->store, experiment_kind.word, mlflow_run_experiment(run), error);
    g_autofree char *root =
        experiment ? mlflow_experiment_location(experiment) : g_strdup("mlflow-artifacts:/0");
    return g_strdup_printf("%s/%s/artifacts", root, run->name);
}

/* ---- its parts ---- */

static const char *status_of(const json_t *told)
{
    static const char *const words[][2] = {{"InProgress", "RUNNING"},
                                           {"Completed", "FINISHED"},
                                           {"Failed", "FAILED"},
                                           {"Stopping", "KILLED"},
                                           {"Stopped", "KILLED"}};
    const char *status = json_text_at(told, "Status.PrimaryStatus");
    const char *message = json_text_at(told, "Status.Message");
    if (g_strcmp0(message, "SCHEDULED") == 0)
        return message;
    for (size_t i = 0; status && i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i][0], status) == 0)
            return words[i][1];
    return "FINISHED"; /* nobody says that it goes on */
}

static const char *name_of(const struct resource *run)
{
    static const char *const places[] = {"Mlflow.Name", "RunName", "DisplayName"};
    const char *name = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(places) && !name; i++)
        name = json_text_at(run->body, places[i]);
    return name ? name : run->name;
}

static void put_time(json_t *info, const char *member, const json_t *told, const char *from)
{
    double seconds = json_number_at(told, from, 0);
    if (seconds > 0)
        json_object_set_new(info, member, json_integer(mlflow_milliseconds(seconds)));
}

static json_t *info_of(const struct call *call, const json_t *request, const struct resource *run,
                       const json_t *told)
{
    g_autofree char *location = mlflow_run_location(call, run, NULL);
    g_autofree char *shown = place_shown(call, request, location);
    const char *experiment = mlflow_run_experiment(run);
    g_autofree char *id = mlflow_experiment_id(*experiment ? experiment : "Default");
    const char *user = json_text_at(run->body, "Mlflow.User");
    json_t *info =
        json_pack("{ssssssssssssssss}", "run_id", run->name, "run_uuid", run->name, "run_name",
                  name_of(run), "experiment_id", id, "user_id", user ? user : "", "status",
                  status_of(told), "artifact_uri", shown, "lifecycle_stage", mlflow_lifecycle(run));
    json_object_set_new(info, "start_time", json_integer(mlflow_milliseconds(run->created)));
    put_time(info, "start_time", told, "StartTime");
    put_time(info, "end_time", told, "EndTime");
    return info;
}

/* The shortest text that reads as the number. */
static json_t *text_of_number(double number)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        g_autofree char *format = g_strdup_printf("%%.%dg", digits);
        g_ascii_formatd(text, sizeof text, format, number);
        if (g_ascii_strtod(text, NULL) == number)
            break;
    }
    return json_string(text);
}

static json_t *parameters_of(const json_t *told)
{
    json_t *pairs = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(told, "Parameters"), key, value)
    {
        json_t *text = json_object_get(value, "StringValue");
        text = text ? json_incref(text) : text_of_number(json_number_at(value, "NumberValue", 0));
        json_array_append_new(pairs, json_pack("{ssso}", "key", key, "value", text));
    }
    return pairs;
}

static json_t *tags_of(const struct resource *run)
{
    g_autoptr(json_auto) tags = json_object();
    json_object_set_new(tags, "mlflow.runName", json_string(name_of(run)));
    json_object_update(tags, json_at(run->body, "Mlflow.Tags"));
    return mlflow_pairs(tags);
}

static json_t *metric_of(const struct series *series)
{
    gint64 step = series->latest.step;
    return json_pack("{sssosIsI}", "key", series->name, "value",
                     mlflow_number(series->latest.value), "timestamp",
                     (json_int_t)series->latest.time, "step",
                     (json_int_t)(step == SERIES_NO_STEP ? 0 : step));
}

/* What its job told, which is not its own. */
static void add_metrics_of_job(const json_t *told, const char *arn, json_t *metrics)
{
    size_t i;
    const json_t *metric;
    json_array_foreach(json_object_get(told, "Metrics"), i, metric)
    {
        if (g_strcmp0(json_text_at(metric, "SourceArn"), arn) == 0)
            continue;
        gint64 time = mlflow_milliseconds(json_number_at(metric, "TimeStamp", 0));
        json_array_append_new(metrics,
                              json_pack("{sOsOsIsi}", "key", json_object_get(metric, "MetricName"),
                                        "value", json_object_get(metric, "Last"), "timestamp",
                                        (json_int_t)time, "step", 0));
    }
}

static json_t *metrics_of(const struct call *call, const struct resource *run, const json_t *told)
{
    json_t *metrics = json_array();
    g_autoptr(GPtrArray) all = series_list(call->lathe->store, run->kind, run->name, NULL);
    for (guint i = 0; all && i < all->len; i++)
        json_array_append_new(metrics, metric_of(g_ptr_array_index(all, i)));
    add_metrics_of_job(told, run->arn, metrics);
    return metrics;
}

static json_t *list_at(const struct resource *run, const char *path)
{
    json_t *list = json_at(run->body, path);
    return list ? json_incref(list) : json_array();
}

/* With what its job tells, where it is a job's. */
static json_t *told_of(const struct call *call, const struct resource *run)
{
    json_t *told = json_deep_copy(run->body);
    const char *job = json_text_at(run->body, "Source.SourceArn");
    if (job)
        job_component_tell(call->lathe, job, told);
    return told;
}

json_t *mlflow_run_view(const struct call *call, const json_t *request, const struct resource *run)
{
    g_autoptr(json_auto) told = told_of(call, run);
    json_t *data = json_pack("{sososo}", "metrics", metrics_of(call, run, told), "params",
                             parameters_of(told), "tags", tags_of(run));
    return json_pack("{soso s{soso} s{so}}", "info", info_of(call, request, run, told), "data",
                     data, "inputs", "dataset_inputs", list_at(run, "Mlflow.Datasets"),
                     "model_inputs", list_at(run, "Mlflow.ModelInputs"), "outputs", "model_outputs",
                     list_at(run, "Mlflow.ModelOutputs"));
}
