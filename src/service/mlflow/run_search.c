/* Searching runs, and the data sets that they were given. */
#include <string.h>

#include "service/mlflow/mlflow_inside.h"
#include "service/sagemaker/sagemaker.h"

static const char *const attributes[] = {"artifact_uri", "end_time", "run_id",  "run_name",
                                         "start_time",   "status",   "user_id", NULL};
static const char *const numbers[] = {"start_time", "end_time", NULL};
static const char *const lists[] = {"run_id", NULL};
static const struct filter_language language = {attributes, attributes, numbers, lists, true};

/* ---- the experiments asked for ---- */

/* Whether a run belongs to one of these, by its experiment's id. */
static bool is_within(const struct resource *run, const json_t *ids)
{
    const char *experiment = mlflow_run_experiment(run);
    g_autofree char *id = mlflow_experiment_id(experiment);
    size_t i;
    const json_t *wanted;
    json_array_foreach((json_t *)ids, i, wanted)
    {
        if (*experiment && strcmp(json_string_value(wanted), id) == 0)
            return true;
    }
    return false;
}

static GPtrArray *all_runs(const struct call *call, GError **error)
{
    const struct resource_query query = {.kind = trial_component_kind.word};
    return resource_list(call->lathe->store, &query, NULL, error);
}

/* ---- what filters look at ---- */

static json_t *object_of(const json_t *pairs)
{
    json_t *object = json_object();
    size_t i;
    const json_t *pair;
    json_array_foreach((json_t *)pairs, i, pair)
        json_object_set(object, json_text_at(pair, "key"), json_object_get(pair, "value"));
    return object;
}

static json_t *datasets_of(const json_t *view)
{
    json_t *datasets = json_array();
    size_t i;
    const json_t *input;
    json_array_foreach(json_at(view, "inputs.dataset_inputs"), i, input)
    {
        g_autoptr(json_auto) tags = object_of(json_object_get(input, "tags"));
        json_t *dataset = json_deep_copy(json_object_get(input, "dataset"));
        json_put(dataset, "context", json_incref(json_object_get(tags, "mlflow.data.context")));
        json_array_append_new(datasets, dataset);
    }
    return datasets;
}

static json_t *subject_of(json_t *view)
{
    return json_pack("{sOsososososO}", "attribute", json_object_get(view, "info"), "metric",
                     object_of(json_at(view, "data.metrics")), "parameter",
                     object_of(json_at(view, "data.params")), "tag",
                     object_of(json_at(view, "data.tags")), "dataset", datasets_of(view), "view",
                     view);
}

/* ---- searching ---- */

static json_t *searched(const struct call *call, const json_t *request, const struct resource *run,
                        GError **error)
{
    (void)error;
    if (!mlflow_is_viewed(run, json_text_at(request, "run_view_type")) ||
        !is_within(run, json_object_get(request, "experiment_ids")))
        return NULL;
    g_autoptr(json_auto) view = mlflow_run_view(call, request, run);
    return subject_of(view);
}

bool mlflow_search_runs(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    static const char *const last[] = {"start_time DESC", "run_id", NULL};
    g_autoptr(GPtrArray) all = all_runs(call, error);
    struct search search = {&language, last, NULL, searched, "runs", 1000, 50000};
    return search_resources(call, request, &search, all, reply, error);
}

/* ---- data sets ---- */

/* Each once, with the contexts that it was used in. */
static void add_datasets(const json_t *view, GHashTable *seen, json_t *found)
{
    size_t i;
    const json_t *dataset;
    g_autoptr(json_auto) datasets = datasets_of(view);
    json_array_foreach(datasets, i, dataset)
    {
        const char *name = json_text_at(dataset, "name"), *digest = json_text_at(dataset, "digest");
        const char *context = json_text_at(dataset, "context");
        json_t *summary =
            json_pack("{sOssssss*}", "experiment_id", json_at(view, "info.experiment_id"), "name",
                      name, "digest", digest, "context", context);
        g_autofree char *text = json_text_of(summary);
        if (g_hash_table_add(seen, g_steal_pointer(&text)))
            json_array_append(found, summary);
        json_decref(summary);
    }
}

static bool check_experiments(const json_t *request, GError **error)
{
    enum { MOST = 20 };
    size_t count = json_array_size(json_object_get(request, "experiment_ids"));
    if (!count)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "SearchDatasets request must specify at least one experiment_id.");
    return count <= MOST ||
           error_set(error, ERROR_MLFLOW_VALUE,
                     "SearchDatasets request cannot specify more than %d experiment_ids. Received "
                     "%zu experiment_ids.",
                     MOST, count);
}

bool mlflow_search_datasets(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    g_autoptr(GPtrArray) all = check_experiments(request, error) ? all_runs(call, error) : NULL;
    if (!all)
        return false;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    json_t *found = json_array();
    for (guint i = 0; i < all->len; i++) {
        const struct resource *run = g_ptr_array_index(all, i);
        if (!is_within(run, json_object_get(request, "experiment_ids")))
            continue;
        g_autoptr(json_auto) view = mlflow_run_view(call, request, run);
        add_datasets(view, seen, found);
    }
    reply->output = json_pack("{so}", "dataset_summaries", found);
    return true;
}
