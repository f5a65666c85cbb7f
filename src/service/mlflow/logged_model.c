/* Logged models, as MLflow 3 has them: what a run put out, with parameters and metrics of its own.
 */
#include <string.h>

#include "base/id.h"
#include "service/mlflow/mlflow_inside.h"
#include "service/sagemaker/sagemaker.h"

enum { KEY_LIMIT = 250, PARAMETER_LIMIT = 6000, TAG_LIMIT = 8000 };

/* ---- finding ---- */

struct resource *mlflow_logged_model(const struct call *call, const char *id, GError **error)
{
    g_autoptr(resource_auto) found = mlflow_get(call, MLFLOW_LOGGED_MODEL, id, error,
                                                "Logged model with ID '%.256s' not found.", id);
    if (found && *found->status) {
        error_set(error, ERROR_MLFLOW_MISSING, "Logged model with ID '%.256s' not found.", id);
        return NULL;
    }
    return g_steal_pointer(&found);
}

static struct resource *named_in(const struct call *call, const json_t *request, GError **error)
{
    const char *id = mlflow_text(request, "model_id", error);
    return id ? mlflow_logged_model(call, id, error) : NULL;
}

char *mlflow_logged_model_location(const struct resource *model)
{
    return g_strdup(json_text_at(model->body, "Location"));
}

/* ---- what is told of it ---- */

static json_t *list_at(const struct resource *model, const char *member)
{
    json_t *list = json_object_get(model->body, member);
    return list ? json_incref(list) : json_array();
}

static json_t *view(const struct call *call, const json_t *request, const struct resource *model)
{
    g_autofree char *location = mlflow_logged_model_location(model);
    g_autofree char *shown = place_shown(call, request, location);
    g_autofree char *experiment = mlflow_experiment_id(model->parent);
    json_t *info =
        json_pack("{sssssOsIsIssssso}", "model_id", model->name, "experiment_id", experiment,
                  "name", json_object_get(model->body, "Name"), "creation_timestamp_ms",
                  (json_int_t)mlflow_milliseconds(model->created), "last_updated_timestamp_ms",
                  (json_int_t)mlflow_milliseconds(model->modified), "artifact_uri", shown, "status",
                  json_text_at(model->body, "Status"), "tags",
                  mlflow_pairs(json_object_get(model->body, "Tags")));
    static const char *const members[][2] = {{"model_type", "ModelType"},
                                             {"source_run_id", "SourceRun"}};
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        json_put(info, members[i][0], json_incref(json_object_get(model->body, members[i][1])));
    return json_pack("{sos{soso}}", "info", info, "data", "params",
                     mlflow_pairs(json_object_get(model->body, "Params")), "metrics",
                     list_at(model, "Metrics"));
}

bool mlflow_get_logged_model(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    g_autoptr(resource_auto) model = named_in(call, request, error);
    if (!model)
        return false;
    reply->output = json_pack("{so}", "model", view(call, request, model));
    return true;
}

static bool answer_again(const struct call *call, const json_t *request, const char *id,
                         struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) model = mlflow_logged_model(call, id, error);
    if (!model)
        return false;
    reply->output = json_pack("{so}", "model", view(call, request, model));
    return true;
}

/* ---- creating ---- */

static bool check_pairs(const json_t *pairs, const char *what, size_t limit, GError **error)
{
    size_t i;
    const json_t *pair;
    json_array_foreach((json_t *)pairs, i, pair)
    {
        const char *key = json_text_at(pair, "key"), *value = json_text_at(pair, "value");
        if (!key || !*key)
            return mlflow_missing(error, "key");
        if (!mlflow_check_length("key", KEY_LIMIT, key, error) ||
            !mlflow_check_length(what, limit, value ? value : "", error))
            return false;
    }
    return true;
}

/* Names become parts of paths. */
static bool check_name(const char *name, GError **error)
{
    static const char bad[] = "/:.%\"'";
    return !name || !strpbrk(name, bad) ||
           error_set(error, ERROR_MLFLOW_VALUE,
                     "Invalid model name (%.256s) provided. Model name must be a non-empty string "
                     "and cannot contain the following characters: ('/', ':', '.', '%%', '\"', "
                     "\"'\")",
                     name);
}

static json_t *first_body(const json_t *request, const struct resource *experiment, const char *id)
{
    const char *name = json_text_at(request, "name");
    g_autofree char *other = name && *name ? NULL : mlflow_random_name();
    g_autofree char *root = mlflow_experiment_location(experiment);
    json_t *body =
        json_pack("{ssssso}", "Name", other ? other : name, "Status", "LOGGED_MODEL_PENDING",
                  "Location", json_sprintf("%s/models/%s/artifacts", root, id));
    json_put(body, "ModelType", json_incref(json_object_get(request, "model_type")));
    json_put(body, "SourceRun", json_incref(json_object_get(request, "source_run_id")));
    mlflow_put_pairs(mlflow_object_in(body, "Params"), json_object_get(request, "params"));
    mlflow_put_pairs(mlflow_object_in(body, "Tags"), json_object_get(request, "tags"));
    return body;
}

static bool create(const struct call *call, const json_t *request,
                   const struct resource *experiment, const char *id, GError **error)
{
    g_autofree char *arn = mlflow_arn(call, MLFLOW_LOGGED_MODEL, id);
    g_autoptr(json_auto) body = first_body(request, experiment, id);
    struct resource model = {.kind = (char *)MLFLOW_LOGGED_MODEL,
                             .name = (char *)id,
                             .arn = arn,
                             .status = (char *)"",
                             .parent = experiment->name,
                             .body = body};
    return resource_create(call->lathe->store, &model, NULL, error);
}

bool mlflow_create_logged_model(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    const char *experiment_id = mlflow_text(request, "experiment_id", error);
    g_autoptr(resource_auto) experiment =
        experiment_id ? mlflow_active_experiment(call, experiment_id, error) : NULL;
    if (!experiment || !check_name(json_text_at(request, "name"), error) ||
        !check_pairs(json_object_get(request, "params"), "Param value", PARAMETER_LIMIT, error) ||
        !check_pairs(json_object_get(request, "tags"), "value", TAG_LIMIT, error) ||
        !place_prepare(call, error))
        return false;
    g_autofree char *hex = id_hex(32);
    g_autofree char *id = g_strconcat("m-", hex, NULL);
    return create(call, request, experiment, id, error) &&
           answer_again(call, request, id, reply, error);
}

/* ---- changing ---- */

static bool set_status(struct resource *model, void *data, GError **error)
{
    (void)error;
    json_object_set_new(model->body, "Status", json_string(data));
    return true;
}

bool mlflow_finalize_logged_model(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    static const char *const statuses[] = {"LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED",
                                           "LOGGED_MODEL_PENDING", NULL};
    g_autoptr(resource_auto) model = named_in(call, request, error);
    const char *status = model ? mlflow_text(request, "status", error) : NULL;
    if (status && !g_strv_contains(statuses, status))
        return mlflow_invalid(error, "status", json_object_get(request, "status"),
                              "it is one of LOGGED_MODEL_READY, LOGGED_MODEL_UPLOAD_FAILED and "
                              "LOGGED_MODEL_PENDING");
    return status && mlflow_change(call, model, set_status, (void *)status, error) &&
           answer_again(call, request, model->name, reply, error);
}

static bool delete_it(struct resource *model, void *data, GError **error)
{
    (void)data, (void)error;
    g_free(model->status);
    model->status = g_strdup(MLFLOW_DELETED);
    return true;
}

bool mlflow_delete_logged_model(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) model = named_in(call, request, error);
    return model && mlflow_change(call, model, delete_it, NULL, error);
}

static bool put_tags(struct resource *model, void *data, GError **error)
{
    (void)error;
    mlflow_put_pairs(mlflow_object_in(model->body, "Tags"), json_object_get(data, "tags"));
    return true;
}

bool mlflow_set_logged_model_tags(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) model = named_in(call, request, error);
    return model && check_pairs(json_object_get(request, "tags"), "value", TAG_LIMIT, error) &&
           mlflow_change(call, model, put_tags, (void *)request, error) &&
           answer_again(call, request, model->name, reply, error);
}

static bool drop_tag(struct resource *model, void *data, GError **error)
{
    const char *key = json_text_at(data, "tag_key");
    return json_object_del(json_object_get(model->body, "Tags"), key) == 0 ||
           error_set(error, ERROR_MLFLOW_MISSING,
                     "No tag with key '%.256s' found for model with ID '%s'.", key, model->name);
}

bool mlflow_delete_logged_model_tag(const struct call *call, const json_t *request,
                                    struct reply *reply, GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) model = named_in(call, request, error);
    return model && mlflow_change(call, model, drop_tag, (void *)request, error);
}

static bool put_parameters(struct resource *model, void *data, GError **error)
{
    (void)error;
    mlflow_put_pairs(mlflow_object_in(model->body, "Params"), json_object_get(data, "params"));
    return true;
}

bool mlflow_log_logged_model_params(const struct call *call, const json_t *request,
                                    struct reply *reply, GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) model = named_in(call, request, error);
    return model &&
           check_pairs(json_object_get(request, "params"), "Param value", PARAMETER_LIMIT, error) &&
           mlflow_change(call, model, put_parameters, (void *)request, error);
}

bool mlflow_list_logged_model_artifacts(const struct call *call, const json_t *request,
                                        struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) model = named_in(call, request, error);
    g_autofree char *location = model ? mlflow_logged_model_location(model) : NULL;
    return location &&
           mlflow_list_place(call, request, location,
                             json_text_at(request, "artifact_directory_path"), reply, error);
}

bool mlflow_get_logged_model_artifact(const struct call *call, const json_t *request,
                                      struct reply *reply, GError **error)
{
    const char *path = mlflow_path_in(request, "artifact_file_path", error);
    g_autoptr(resource_auto) model = path ? named_in(call, request, error) : NULL;
    g_autofree char *location = model ? mlflow_logged_model_location(model) : NULL;
    return location && mlflow_send_artifact(call, location, path, reply, error);
}

/* ---- metrics ---- */

static bool is_same_metric(const json_t *one, const json_t *other)
{
    static const char *const members[] = {"key", "dataset_name", "dataset_digest"};
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        if (g_strcmp0(json_text_at(one, members[i]), json_text_at(other, members[i])) != 0)
            return false;
    return true;
}

struct model_metric {
    const char *run;
    const json_t *metric;
    bool found;
};

/* The latest of each name and data set stays. */
static bool put_metric(struct resource *model, void *data, GError **error)
{
    (void)error;
    static const char *const members[] = {"key",      "value",        "timestamp",      "step",
                                          "model_id", "dataset_name", "dataset_digest", NULL};
    struct model_metric *put = data;
    put->found = true;
    json_t *metric = json_pack("{ss}", "run_id", put->run);
    json_copy_members(metric, put->metric, members);
    if (!json_object_get(model->body, "Metrics"))
        json_object_set_new(model->body, "Metrics", json_array());
    json_t *all = json_object_get(model->body, "Metrics");
    size_t at = 0;
    while (at < json_array_size(all) && !is_same_metric(json_array_get(all, at), metric))
        at++;
    const json_t *before = json_array_get(all, at);
    if (!before)
        json_array_append_new(all, metric);
    else if (json_integer_at(before, "step", 0) <= json_integer_at(metric, "step", 0))
        json_array_set_new(all, at, metric);
    else
        json_decref(metric);
    return true;
}

bool mlflow_model_metric_within(struct store_connection *connection, const struct call *call,
                                const char *model, const char *run, const json_t *metric,
                                GError **error)
{
    struct model_metric put = {run, metric, false};
    if (!resource_update_within(connection, call->lathe->store, MLFLOW_LOGGED_MODEL, model,
                                put_metric, &put, error))
        return false;
    return put.found || error_set(error, ERROR_MLFLOW_MISSING,
                                  "Logged model with ID '%.256s' not found.", model);
}

/* ---- searching ---- */

static const char *const attributes[] = {"name",
                                         "model_id",
                                         "model_type",
                                         "status",
                                         "source_run_id",
                                         "experiment_id",
                                         "creation_timestamp",
                                         "creation_time",
                                         "last_updated_timestamp",
                                         "artifact_location",
                                         NULL};
static const char *const numbers[] = {"creation_timestamp", "creation_time",
                                      "last_updated_timestamp", NULL};
static const char *const lists[] = {"model_id", "name", "source_run_id", NULL};
static const struct filter_language language = {attributes, attributes, numbers, lists, true};

static json_t *attributes_of(const json_t *info)
{
    json_t *found = json_copy((json_t *)info);
    json_object_set(found, "creation_timestamp", json_object_get(info, "creation_timestamp_ms"));
    json_object_set(found, "creation_time", json_object_get(info, "creation_timestamp_ms"));
    json_object_set(found, "last_updated_timestamp",
                    json_object_get(info, "last_updated_timestamp_ms"));
    json_object_set(found, "artifact_location", json_object_get(info, "artifact_uri"));
    return found;
}

/* Whether a metric is of one of the data sets that were asked for; of none: any. */
static bool is_of(const json_t *metric, const json_t *datasets)
{
    size_t i;
    const json_t *dataset;
    json_array_foreach((json_t *)datasets, i, dataset)
    {
        const char *digest = json_text_at(dataset, "dataset_digest");
        if (g_strcmp0(json_text_at(dataset, "dataset_name"),
                      json_text_at(metric, "dataset_name")) == 0 &&
            (!digest || g_strcmp0(digest, json_text_at(metric, "dataset_digest")) == 0))
            return true;
    }
    return json_array_size(datasets) == 0;
}

static json_t *metrics_of(const json_t *view, const json_t *datasets)
{
    json_t *metrics = json_object();
    size_t i;
    const json_t *metric;
    json_array_foreach(json_at(view, "data.metrics"), i, metric)
    {
        if (is_of(metric, datasets))
            json_object_set(metrics, json_text_at(metric, "key"), json_object_get(metric, "value"));
    }
    return metrics;
}

static json_t *subject_of(json_t *view, const json_t *request)
{
    json_t *parameters = json_object(), *tags = json_object();
    mlflow_put_pairs(parameters, json_at(view, "data.params"));
    mlflow_put_pairs(tags, json_at(view, "info.tags"));
    return json_pack("{sosososos[]sO}", "attribute", attributes_of(json_object_get(view, "info")),
                     "metric", metrics_of(view, json_object_get(request, "datasets")), "parameter",
                     parameters, "tag", tags, "dataset", "view", view);
}

static bool is_wanted(const struct resource *model, const json_t *experiments)
{
    g_autofree char *id = mlflow_experiment_id(model->parent);
    size_t i;
    const json_t *wanted;
    json_array_foreach((json_t *)experiments, i, wanted)
    {
        if (strcmp(json_string_value(wanted), id) == 0)
            return !*model->status;
    }
    return false;
}

static json_t *searched(const struct call *call, const json_t *request,
                        const struct resource *model, GError **error)
{
    (void)error;
    if (!is_wanted(model, json_object_get(request, "experiment_ids")))
        return NULL;
    g_autoptr(json_auto) one = view(call, request, model);
    g_autoptr(json_auto) subject = subject_of(one, request);
    bool measured = json_object_size(json_object_get(subject, "metric")) > 0;
    bool asked = json_array_size(json_object_get(request, "datasets")) > 0;
    return asked && !measured ? NULL : g_steal_pointer(&subject);
}

/* [{"field_name", "ascending"}] as clauses. */
static json_t *clauses_of(const json_t *order)
{
    json_t *clauses = json_array();
    size_t i;
    const json_t *field;
    json_array_foreach((json_t *)order, i, field)
    {
        const json_t *ascending = json_object_get(field, "ascending");
        const char *name = json_text_at(field, "field_name");
        json_array_append_new(clauses, json_sprintf("%s %s", name ? name : "",
                                                    json_is_false(ascending) ? "DESC" : "ASC"));
    }
    return clauses;
}

bool mlflow_search_logged_models(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    static const char *const last[] = {"creation_timestamp DESC", "model_id", NULL};
    const struct resource_query query = {.kind = MLFLOW_LOGGED_MODEL};
    g_autoptr(json_auto) clauses = clauses_of(json_object_get(request, "order_by"));
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    struct search search = {&language, last, clauses, searched, "models", 100, 1000};
    return search_resources(call, request, &search, all, reply, error);
}
