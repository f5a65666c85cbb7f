/* What is logged to a run: metrics, parameters, tags, data sets and models. One call is one change
 * of the store's. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "service/mlflow/mlflow_inside.h"
#include "service/sagemaker/sagemaker.h"

enum {
    KEY_LIMIT = 250,
    PARAMETER_LIMIT = 6000,
    TAG_LIMIT = 8000,
    MOST_METRICS = 1000,
    MOST_PAIRS = 100,
    MOST_ENTITIES = 1000,
    MOST_DATASETS = 1000,
};

/* What one call logs. */
struct logging {
    const struct call *call;
    const char *run;
    GArray *points;       /* struct series_point */
    const json_t *models; /* metrics that are models', too: [{..., "model_id"}] */
    const json_t *parameters, *tags;
    bool is_batch;
};

/* ---- reading metrics ---- */

static char *within(const char *path, const char *member)
{
    return *path ? g_strdup_printf("%s.%s", path, member) : g_strdup(member);
}

static bool missing_in(GError **error, const char *path, const char *member)
{
    g_autofree char *whole = within(path, member);
    return mlflow_missing(error, whole);
}

/* path: "metrics[3]"; "" of a request that is the metric. */
static bool read_value(const json_t *metric, const char *path, double *value, GError **error)
{
    const json_t *given = json_object_get(metric, "value");
    if (!given)
        return missing_in(error, path, "value");
    if (mlflow_number_of(given, value))
        return true;
    g_autofree char *whole = within(path, "value");
    g_autofree char *why =
        g_strdup_printf("(timestamp=%" G_GINT64_FORMAT "). Please specify value as a valid double "
                        "(64-bit floating point)",
                        json_integer_at(metric, "timestamp", 0));
    return mlflow_invalid(error, whole, given, why);
}

static bool check_time(const json_t *metric, const char *path, gint64 time, GError **error)
{
    if (time >= 0)
        return true;
    g_autofree char *whole = within(path, "timestamp");
    g_autofree char *why =
        g_strdup_printf("metric '%s'. Timestamp must be a nonnegative long (64-bit integer) ",
                        json_text_at(metric, "key"));
    return mlflow_invalid(error, whole, json_object_get(metric, "timestamp"), why);
}

static bool check_metric_key(const char *path, const char *key, GError **error)
{
    if (mlflow_check_key("name", key, NULL))
        return mlflow_check_length("Metric name", KEY_LIMIT, key, error);
    g_autofree char *whole = within(path, "name");
    return mlflow_check_key(whole, key, error);
}

static bool read_point(const json_t *metric, const char *path, struct series_point *point,
                       GError **error)
{
    point->name = json_string_value(json_object_get(metric, "key"));
    point->time = json_integer_at(metric, "timestamp", -1);
    point->step = json_integer_at(metric, "step", 0);
    if (!point->name || !*point->name)
        return missing_in(error, path, "key");
    if (!json_object_get(metric, "timestamp"))
        return missing_in(error, path, "timestamp");
    return read_value(metric, path, &point->value, error) &&
           check_metric_key(path, point->name, error) &&
           check_time(metric, path, point->time, error);
}

static bool read_points(const json_t *metrics, GArray *points, GError **error)
{
    size_t i;
    const json_t *metric;
    json_array_foreach((json_t *)metrics, i, metric)
    {
        struct series_point point;
        char path[32] = "";
        if (!read_point(metric, path, &point, NULL)) { /* once more, to say where */
            g_snprintf(path, sizeof path, "metrics[%zu]", i);
            return read_point(metric, path, &point, error);
        }
        g_array_append_val(points, point);
    }
    return true;
}

/* ---- checking parameters and tags ---- */

static bool check_pair(const json_t *pair, const char *path, bool is_tag, GError **error)
{
    const char *key = json_text_at(pair, "key"), *value = json_text_at(pair, "value");
    if (!key || !*key)
        return missing_in(error, path, "key");
    g_autofree char *key_path = within(path, "key");
    g_autofree char *value_path = within(path, "value");
    return mlflow_check_key(key_path, key, error) &&
           mlflow_check_length(is_tag ? key_path : "Param key", KEY_LIMIT, key, error) &&
           mlflow_check_length(is_tag ? value_path : "Param value",
                               is_tag ? TAG_LIMIT : PARAMETER_LIMIT, value ? value : "", error);
}

static bool check_pairs(const json_t *pairs, const char *member, bool is_tag, GError **error)
{
    size_t i;
    const json_t *pair;
    json_array_foreach((json_t *)pairs, i, pair)
    {
        char path[32];
        g_snprintf(path, sizeof path, "%s[%zu]", member, i);
        if (!check_pair(pair, path, is_tag, error))
            return false;
    }
    return true;
}

static bool check_unique(const json_t *parameters, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    size_t i;
    const json_t *parameter;
    json_array_foreach((json_t *)parameters, i, parameter)
    {
        const char *key = json_text_at(parameter, "key");
        if (!g_hash_table_add(seen, (char *)key))
            return error_set(error, ERROR_MLFLOW_VALUE,
                             "Duplicate parameter keys have been submitted: ['%s']. Please ensure "
                             "the request contains only one param value per param key.",
                             key);
    }
    return true;
}

static bool check_count(const char *what, size_t most, size_t count, GError **error)
{
    return count <= most ||
           error_set(error, ERROR_MLFLOW_VALUE,
                     "A batch logging request can contain at most %zu %s. Got %zu %s. Please "
                     "split up %s across multiple requests and try again.",
                     most, what, count, what, what);
}

static bool check_batch(const json_t *metrics, const json_t *parameters, const json_t *tags,
                        GError **error)
{
    size_t counts[] = {json_array_size(metrics), json_array_size(parameters),
                       json_array_size(tags)};
    return check_count("metrics", MOST_METRICS, counts[0], error) &&
           check_count("params", MOST_PAIRS, counts[1], error) &&
           check_count("tags", MOST_PAIRS, counts[2], error) &&
           check_count("metrics, params, and tags", MOST_ENTITIES,
                       counts[0] + counts[1] + counts[2], error) &&
           check_pairs(parameters, "params", false, error) &&
           check_pairs(tags, "tags", true, error) && check_unique(parameters, error);
}

/* ---- writing ---- */

static char *text_of(const json_t *parameter)
{
    const char *text = json_text_at(parameter, "StringValue");
    return text ? g_strdup(text)
                : g_strdup_printf("%.17g", json_number_at(parameter, "NumberValue", 0));
}

static bool is_changed(const struct logging *logging, const char *key, const char *old,
                       const char *value, GError **error)
{
    return logging->is_batch
               ? error_set(error, ERROR_MLFLOW_VALUE,
                           "Changing param values is not allowed. Params were already logged="
                           "'[{'key': '%s', 'old_value': '%s', 'new_value': '%s'}]' for run "
                           "ID='%s'.",
                           key, old, value, logging->run)
               : error_set(error, ERROR_MLFLOW_VALUE,
                           "Changing param values is not allowed. Param with key='%s' was already "
                           "logged with value='%s' for run ID='%s'. Attempted logging new value "
                           "'%s'.",
                           key, old, logging->run, value);
}

static bool put_parameters(const struct logging *logging, json_t *body, GError **error)
{
    size_t i;
    const json_t *pair;
    if (!json_array_size(logging->parameters))
        return true;
    json_t *all = mlflow_object_in(body, "Parameters");
    json_array_foreach((json_t *)logging->parameters, i, pair)
    {
        const char *key = json_text_at(pair, "key"), *given = json_text_at(pair, "value");
        const char *value = given ? given : "";
        const json_t *present = json_object_get(all, key);
        g_autofree char *old = present ? text_of(present) : NULL;
        if (old && strcmp(old, value) != 0)
            return is_changed(logging, key, old, value, error);
        if (!old)
            json_object_set_new(all, key, json_pack("{ss}", "StringValue", value));
    }
    return true;
}

static bool change_body(struct resource *run, void *data, GError **error)
{
    const struct logging *logging = data;
    if (!mlflow_check_active(run, error) || !put_parameters(logging, run->body, error))
        return false;
    size_t i;
    const json_t *tag;
    json_array_foreach((json_t *)logging->tags, i, tag)
    {
        const char *value = json_text_at(tag, "value");
        mlflow_run_put_tag(run->body, json_text_at(tag, "key"), value ? value : "");
    }
    return true;
}

/* For metrics alone the body stays as it is. */
static bool check_run_within(struct store_connection *connection, const struct logging *logging,
                             GError **error)
{
    g_autofree char *status = NULL;
    if (!resource_status_within(connection, trial_component_kind.word, logging->run, &status,
                                error))
        return false;
    if (!status)
        return error_set(error, ERROR_MLFLOW_MISSING, "Run with id=%.256s not found", logging->run);
    const struct resource run = {.name = (char *)logging->run, .status = status};
    return mlflow_check_active(&run, error);
}

static bool put_model_metrics(struct store_connection *connection, const struct logging *logging,
                              GError **error)
{
    size_t i;
    const json_t *metric;
    json_array_foreach((json_t *)logging->models, i, metric)
    {
        const char *model = json_text_at(metric, "model_id");
        if (model && *model &&
            !mlflow_model_metric_within(connection, logging->call, model, logging->run, metric,
                                        error))
            return false;
    }
    return true;
}

static bool writes_body(const struct logging *logging)
{
    return json_array_size(logging->parameters) || json_array_size(logging->tags);
}

static bool write_within(struct store_connection *connection, void *data, GError **error)
{
    struct logging *logging = data;
    const char *word = trial_component_kind.word;
    if (!check_run_within(connection, logging, error) ||
        (writes_body(logging) &&
         !resource_update_within(connection, logging->call->lathe->store, word, logging->run,
                                 change_body, logging, error)))
        return false;
    return series_add(connection, word, logging->run,
                      (const struct series_point *)(void *)logging->points->data,
                      logging->points->len, false, error) &&
           put_model_metrics(connection, logging, error);
}

/* Metrics alone are not waited for until they are on the disk: kill -9 takes none back, and what a
 * machine's end takes back are the last ones, as of the metrics that jobs report. */
static bool write_all(struct logging *logging, GError **error)
{
    struct store *store = logging->call->lathe->store;
    return writes_body(logging) ? store_write(store, write_within, logging, error)
                                : store_write_ordered(store, write_within, logging, error);
}

/* ---- the calls ---- */

bool mlflow_log_metric(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    struct series_point point;
    const char *run = mlflow_run_id_in(request, error);
    if (!run || !read_point(request, "", &point, error))
        return false;
    g_autoptr(GArray) points = g_array_new(FALSE, FALSE, sizeof point);
    g_array_append_val(points, point);
    g_autoptr(json_auto) models = json_pack("[O]", (json_t *)request);
    struct logging logging = {.call = call, .run = run, .points = points, .models = models};
    return write_all(&logging, error);
}

static bool log_pair(const struct call *call, const json_t *request, bool is_tag, GError **error)
{
    const char *run = mlflow_run_id_in(request, error);
    if (!run || !mlflow_text(request, "key", error) || !check_pair(request, "", is_tag, error))
        return false;
    g_autoptr(json_auto) pairs = json_pack("[O]", (json_t *)request);
    g_autoptr(GArray) points = g_array_new(FALSE, FALSE, sizeof(struct series_point));
    struct logging logging = {.call = call,
                              .run = run,
                              .points = points,
                              .parameters = is_tag ? NULL : pairs,
                              .tags = is_tag ? pairs : NULL};
    return write_all(&logging, error);
}

bool mlflow_log_param(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    (void)reply;
    return log_pair(call, request, false, error);
}

bool mlflow_set_tag(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    (void)reply;
    return log_pair(call, request, true, error);
}

bool mlflow_log_batch(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    (void)reply;
    const json_t *metrics = json_object_get(request, "metrics");
    const json_t *parameters = json_object_get(request, "params");
    const json_t *tags = json_object_get(request, "tags");
    g_autoptr(GArray) points = g_array_new(FALSE, FALSE, sizeof(struct series_point));
    const char *run = mlflow_text(request, "run_id", error);
    if (!run || !read_points(metrics, points, error) ||
        !check_batch(metrics, parameters, tags, error))
        return false;
    struct logging logging = {call, run, points, metrics, parameters, tags, true};
    return write_all(&logging, error);
}

/* Names that are not valid the general way words. */
static bool has_good_names(const struct plain_batch *batch)
{
    for (guint i = 0; i < batch->names->len; i++)
        if (!check_metric_key("", g_ptr_array_index(batch->names, i), NULL))
            return false;
    return true;
}

enum operation_way mlflow_log_batch_directly(const struct call *call, const char *body, size_t size,
                                             struct reply *reply, GError **error)
{
    (void)reply;
    struct plain_batch batch;
    enum operation_way way = OPERATION_GENERAL;
    if (plain_batch_read(&batch, MOST_METRICS, body, size) && has_good_names(&batch)) {
        struct logging logging = {
            .call = call, .run = batch.run, .points = batch.points, .is_batch = true};
        way = write_all(&logging, error) ? OPERATION_DONE : OPERATION_FAILED;
    }
    plain_batch_clear(&batch);
    return way;
}

/* ---- tags that go ---- */

static bool drop_tag(struct resource *run, void *data, GError **error)
{
    const char *key = json_text_at(data, "key");
    if (!mlflow_check_active(run, error))
        return false;
    return json_object_del(json_at(run->body, "Mlflow.Tags"), key) == 0 ||
           error_set(error, ERROR_MLFLOW_MISSING, "No tag with name: %.256s in run with id %s", key,
                     run->name);
}

bool mlflow_delete_tag(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    const char *id = mlflow_run_id_in(request, error);
    g_autoptr(resource_auto) run = id ? mlflow_run(call, id, error) : NULL;
    return run && mlflow_text(request, "key", error) &&
           mlflow_change(call, run, drop_tag, (void *)request, error);
}

/* ---- models that were logged as MLflow 2 does ---- */

#define HISTORY "mlflow.log-model.history"

static bool add_model(struct resource *run, void *data, GError **error)
{
    const json_t *tags = json_at(run->body, "Mlflow.Tags");
    const char *before = json_string_value(json_object_get(tags, HISTORY));
    g_autoptr(json_auto) all = before ? json_loads(before, 0, NULL) : json_array();
    if (!mlflow_check_active(run, error))
        return false;
    json_array_append(all, data);
    g_autofree char *text = json_text_of(all);
    if (!mlflow_check_length("value", TAG_LIMIT, text, error))
        return false;
    mlflow_run_put_tag(run->body, HISTORY, text);
    return true;
}

static json_t *model_in(const json_t *request, GError **error)
{
    static const char *const needed[] = {"artifact_path", "flavors", "utc_time_created", "run_id"};
    const char *text = mlflow_text(request, "model_json", error);
    g_autoptr(json_auto) model = text ? json_loads(text, 0, NULL) : NULL;
    if (!text)
        return NULL;
    if (!json_is_object(model)) {
        error_set(error, ERROR_MLFLOW_VALUE, "Malformed model info. \n %.512s \n not a valid JSON.",
                  text);
        return NULL;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!json_object_get(model, needed[i])) {
            error_set(error, ERROR_MLFLOW_VALUE, "Model json is missing mandatory fields: {'%s'}",
                      needed[i]);
            return NULL;
        }
    static const char *const kept[] = {"run_id",     "artifact_path", "utc_time_created",
                                       "model_uuid", "flavors",       NULL};
    json_t *tags = json_object();
    json_copy_members(tags, model, kept);
    return tags;
}

bool mlflow_log_model(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    (void)reply;
    const char *id = mlflow_text(request, "run_id", error);
    g_autoptr(resource_auto) run = id ? mlflow_run(call, id, error) : NULL;
    g_autoptr(json_auto) model = run ? model_in(request, error) : NULL;
    return model && mlflow_change(call, run, add_model, model, error);
}

/* ---- inputs and outputs ---- */

static const json_t *equal_to(const json_t *list, const json_t *one, const char *first,
                              const char *second)
{
    size_t i;
    const json_t *other;
    json_array_foreach((json_t *)list, i, other)
    {
        if (g_strcmp0(json_text_at(one, first), json_text_at(other, first)) == 0 &&
            (!second || g_strcmp0(json_text_at(one, second), json_text_at(other, second)) == 0))
            return other;
    }
    return NULL;
}

static void add_all(json_t *own, const char *member, const json_t *added, const char *first,
                    const char *second)
{
    size_t i;
    json_t *one;
    if (!json_object_get(own, member))
        json_object_set_new(own, member, json_array());
    json_t *list = json_object_get(own, member);
    json_array_foreach((json_t *)added, i, one)
    {
        if (!equal_to(list, one, first, second))
            json_array_append(list, one);
    }
}

static bool add_inputs(struct resource *run, void *data, GError **error)
{
    const json_t *request = data;
    json_t *own = mlflow_object_in(run->body, "Mlflow");
    if (!mlflow_check_active(run, error))
        return false;
    add_all(own, "Datasets", json_object_get(request, "datasets"), "dataset.name",
            "dataset.digest");
    add_all(own, "ModelInputs", json_object_get(request, "models"), "model_id", NULL);
    return true;
}

static bool check_datasets(const json_t *datasets, GError **error)
{
    size_t i;
    const json_t *input;
    if (json_array_size(datasets) > MOST_DATASETS)
        return check_count("datasets", MOST_DATASETS, json_array_size(datasets), error);
    json_array_foreach((json_t *)datasets, i, input)
    {
        if (!json_object_get(input, "dataset"))
            return mlflow_missing(error, "dataset");
        if (!json_text_at(input, "dataset.name"))
            return mlflow_missing(error, "dataset.name");
        if (!mlflow_check_length("name", 500, json_text_at(input, "dataset.name"), error))
            return false;
    }
    return true;
}

static bool log_places(const struct call *call, const json_t *request, resource_change *change,
                       GError **error)
{
    const char *id = mlflow_text(request, "run_id", error);
    g_autoptr(resource_auto) run = id ? mlflow_run(call, id, error) : NULL;
    return run && check_datasets(json_object_get(request, "datasets"), error) &&
           mlflow_change(call, run, change, (void *)request, error);
}

bool mlflow_log_inputs(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    return log_places(call, request, add_inputs, error);
}

static bool add_outputs(struct resource *run, void *data, GError **error)
{
    if (!mlflow_check_active(run, error))
        return false;
    add_all(mlflow_object_in(run->body, "Mlflow"), "ModelOutputs", json_object_get(data, "models"),
            "model_id", NULL);
    return true;
}

bool mlflow_log_outputs(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)reply;
    return log_places(call, request, add_outputs, error);
}
