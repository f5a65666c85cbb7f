/* Experiments: SageMaker's, under the name that MLflow's users gave them. */
#include <string.h>

#include "base/clock.h"
#include "service/mlflow/mlflow_inside.h"
#include "service/sagemaker/sagemaker.h"

enum { NAME_LIMIT = 500, KEY_LIMIT = 250, VALUE_LIMIT = 20000, LOCATION_LIMIT = 2048 };

#define DEFAULT_ID "0"
#define DEFAULT_NAME "Default"
#define LONGEST_ENTITY 120

/* ---- names and ids ---- */

bool mlflow_is_entity_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > LONGEST_ENTITY || *name == '-' || name[length - 1] == '-')
        return false;
    for (const char *at = name; *at; at++)
        if (!g_ascii_isalnum(*at) && *at != '-')
            return false;
    return true;
}

/* 18 digits, as those of MLflow's file store: of the name, and so the same at any time. */
char *mlflow_experiment_id(const char *resource_name)
{
    if (g_ascii_strcasecmp(resource_name, DEFAULT_NAME) == 0)
        return g_strdup(DEFAULT_ID);
    g_autofree char *lower = g_ascii_strdown(resource_name, -1);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, lower, -1);
    digest[16] = '\0';
    guint64 number = g_ascii_strtoull(digest, NULL, 16);
    return g_strdup_printf("%" G_GUINT64_FORMAT, number % G_GUINT64_CONSTANT(900000000000000000) +
                                                     G_GUINT64_CONSTANT(100000000000000000));
}

/* A name of SageMaker's for one that is none, or that differs from another in case alone. */
static char *entity_name(const char *name)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
    g_autoptr(GString) text = g_string_new("mlflow");
    for (const char *at = name; *at && text->len < 100; at++)
        if (g_ascii_isalnum(*at))
            g_string_append_c(text, *at);
        else if (text->str[text->len - 1] != '-')
            g_string_append_c(text, '-');
    if (text->str[text->len - 1] != '-')
        g_string_append_c(text, '-');
    g_string_append_len(text, digest, 8);
    return g_strdup(text->str);
}

static const char *name_of(const struct resource *experiment)
{
    const char *own = json_text_at(experiment->body, "Mlflow.Name");
    return own ? own : experiment->name;
}

char *mlflow_experiment_location(const struct resource *experiment)
{
    const char *own = json_text_at(experiment->body, "Mlflow.Location");
    g_autofree char *id = mlflow_experiment_id(experiment->name);
    return own ? g_strdup(own) : g_strconcat("mlflow-artifacts:/", id, NULL);
}

const char *mlflow_lifecycle(const struct resource *resource)
{
    return strcmp(resource->status, MLFLOW_DELETED) == 0 ? "deleted" : "active";
}

bool mlflow_is_viewed(const struct resource *resource, const char *view)
{
    bool is_deleted = strcmp(resource->status, MLFLOW_DELETED) == 0;
    if (g_strcmp0(view, "ALL") == 0)
        return true;
    return g_strcmp0(view, "DELETED_ONLY") == 0 ? is_deleted : !is_deleted;
}

/* ---- making ---- */

struct making {
    struct store *store;
    struct resource *resource;
    const char *name; /* MLflow's */
    bool *taken;
};

/* In the change that gives it: two that ask for one name at once do not both get it. Renamed ones
 * keep the name that they have in the store. */
static bool is_free_within(struct store_connection *connection, const char *name, const char *own,
                           bool *is_free, GError **error)
{
    const struct resource_query query = {.kind = experiment_kind.word};
    g_autoptr(GPtrArray) all = resource_list_within(connection, &query, error);
    *is_free = true;
    for (guint i = 0; all && i < all->len; i++) {
        const struct resource *other = g_ptr_array_index(all, i);
        if (strcmp(name_of(other), name) == 0 && g_strcmp0(other->name, own) != 0)
            *is_free = false;
    }
    return all != NULL;
}

static bool make_within(struct store_connection *connection, void *data, GError **error)
{
    const struct making *making = data;
    bool is_free;
    if (!is_free_within(connection, making->name, NULL, &is_free, error))
        return false;
    *making->taken = !is_free;
    return is_free ? resource_create_within(connection, making->store, making->resource,
                                            making->taken, error)
                   : error_set(error, ERROR_IN_USE, "%s is taken", making->name);
}

/* name: MLflow's. */
static bool make(const struct call *call, const char *entity, const char *name, const json_t *own,
                 bool *taken, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(entity, -1);
    g_autofree char *arn = mlflow_arn(call, experiment_kind.word, lower);
    g_autoptr(json_auto) body = json_pack("{sssO}", "DisplayName", entity, "Mlflow", (json_t *)own);
    struct resource resource = {.kind = (char *)experiment_kind.word,
                                .name = (char *)entity,
                                .arn = arn,
                                .status = (char *)"",
                                .parent = (char *)"",
                                .body = body,
                                .any_case = true};
    struct making making = {call->lathe->store, &resource, name, taken};
    return store_write(call->lathe->store, make_within, &making, error);
}

/* There is one in each home; it is made when it is first asked for. */
static struct resource *default_experiment(const struct call *call, GError **error)
{
    GError *cause = NULL;
    struct resource *found =
        resource_get_any_case(call->lathe->store, experiment_kind.word, DEFAULT_NAME, &cause);
    if (cause)
        g_propagate_error(error, cause);
    if (found || cause)
        return found;
    g_autoptr(json_auto) own = json_object();
    bool taken = false;
    g_autoptr(GError) ignored = NULL;
    if (!make(call, DEFAULT_NAME, DEFAULT_NAME, own, &taken, &ignored) && !taken) {
        g_propagate_error(error, g_steal_pointer(&ignored));
        return NULL;
    }
    return resource_get_any_case(call->lathe->store, experiment_kind.word, DEFAULT_NAME, error);
}

/* ---- finding ---- */

static GPtrArray *all_experiments(const struct call *call, GError **error)
{
    g_autoptr(resource_auto) first = default_experiment(call, error);
    const struct resource_query query = {.kind = experiment_kind.word};
    return first ? resource_list(call->lathe->store, &query, NULL, error) : NULL;
}

typedef bool is_it(const struct resource *experiment, const char *text);

static bool has_id(const struct resource *experiment, const char *text)
{
    g_autofree char *id = mlflow_experiment_id(experiment->name);
    return strcmp(id, text) == 0;
}

static bool has_name(const struct resource *experiment, const char *text)
{
    return strcmp(name_of(experiment), text) == 0;
}

/* Its name in the store, g_free; NULL without an error where there is none. */
static char *find(const struct call *call, is_it *fits, const char *text, GError **error)
{
    g_autoptr(GPtrArray) all = all_experiments(call, error);
    for (guint i = 0; all && i < all->len; i++) {
        const struct resource *experiment = g_ptr_array_index(all, i);
        if (fits(experiment, text))
            return g_strdup(experiment->name);
    }
    return NULL;
}

/* NULL without an error where there is none. */
static struct resource *found_by(const struct call *call, is_it *fits, const char *text,
                                 GError **error)
{
    g_autofree char *name = find(call, fits, text, error);
    return name ? resource_get(call->lathe->store, experiment_kind.word, name, error) : NULL;
}

struct resource *mlflow_experiment(const struct call *call, const char *id, GError **error)
{
    if (strcmp(id, DEFAULT_ID) == 0)
        return default_experiment(call, error);
    GError *cause = NULL;
    struct resource *found = found_by(call, has_id, id, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!found)
        error_set(error, ERROR_MLFLOW_MISSING, "No Experiment with id=%.256s exists", id);
    return found;
}

struct resource *mlflow_active_experiment(const struct call *call, const char *id, GError **error)
{
    g_autoptr(resource_auto) found = mlflow_experiment(call, id, error);
    if (found && *found->status) {
        error_set(error, ERROR_MLFLOW_VALUE,
                  "The experiment %s must be in the 'active' state. Current state is %s.", id,
                  mlflow_lifecycle(found));
        return NULL;
    }
    return g_steal_pointer(&found);
}

static struct resource *named_in(const struct call *call, const json_t *request, GError **error)
{
    const char *id = mlflow_text(request, "experiment_id", error);
    return id ? mlflow_experiment(call, id, error) : NULL;
}

/* ---- what is told of it ---- */

static json_t *view(const struct call *call, const json_t *request,
                    const struct resource *experiment)
{
    g_autofree char *id = mlflow_experiment_id(experiment->name);
    g_autofree char *location = mlflow_experiment_location(experiment);
    g_autofree char *shown = place_shown(call, request, location);
    return json_pack("{sssssssssIsIso}", "experiment_id", id, "name", name_of(experiment),
                     "artifact_location", shown, "lifecycle_stage", mlflow_lifecycle(experiment),
                     "creation_time", (json_int_t)mlflow_milliseconds(experiment->created),
                     "last_update_time", (json_int_t)mlflow_milliseconds(experiment->modified),
                     "tags", mlflow_pairs(json_at(experiment->body, "Mlflow.Tags")));
}

bool mlflow_get_experiment(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    g_autoptr(resource_auto) found = named_in(call, request, error);
    if (!found)
        return false;
    reply->output = json_pack("{so}", "experiment", view(call, request, found));
    return true;
}

bool mlflow_get_experiment_by_name(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    const char *name = mlflow_text(request, "experiment_name", error);
    GError *cause = NULL;
    g_autoptr(resource_auto) found = name ? found_by(call, has_name, name, &cause) : NULL;
    if (cause)
        g_propagate_error(error, cause);
    if (!found)
        return !name || cause ? false
                              : error_set(error, ERROR_MLFLOW_MISSING,
                                          "Could not find experiment with name '%.512s'", name);
    reply->output = json_pack("{so}", "experiment", view(call, request, found));
    return true;
}

/* ---- searching ---- */

static const char *const attributes[] = {"name", "experiment_id", "creation_time",
                                         "last_update_time", NULL};
static const char *const numbers[] = {"creation_time", "last_update_time", NULL};
static const char *const lists[] = {"experiment_id", NULL};
static const struct filter_language language = {attributes, attributes, numbers, lists, false};

/* What filters look at, and under "view" what is answered. */
static json_t *subject_of(json_t *view)
{
    json_t *tags = json_object();
    mlflow_put_pairs(tags, json_object_get(view, "tags"));
    return json_pack("{sOsosO}", "attribute", view, "tag", tags, "view", view);
}

static json_t *searched(const struct call *call, const json_t *request,
                        const struct resource *experiment, GError **error)
{
    (void)error;
    if (!mlflow_is_viewed(experiment, json_text_at(request, "view_type")))
        return NULL;
    g_autoptr(json_auto) told = view(call, request, experiment);
    return subject_of(told);
}

bool mlflow_search_experiments(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    static const char *const usual[] = {"creation_time DESC", "experiment_id ASC", NULL};
    static const char *const behind[] = {"experiment_id DESC", NULL};
    bool is_ordered = json_array_size(json_object_get(request, "order_by")) > 0;
    g_autoptr(GPtrArray) all = all_experiments(call, error);
    struct search search = {
        &language, is_ordered ? behind : usual, NULL, searched, "experiments", 1000, 50000};
    return search_resources(call, request, &search, all, reply, error);
}

/* ---- creating ---- */

static bool check_tag(const char *key, const char *value, GError **error)
{
    return mlflow_check_key("key", key, error) &&
           mlflow_check_length("key", KEY_LIMIT, key, error) &&
           mlflow_check_length("value", VALUE_LIMIT, value, error);
}

static bool check_creation(const json_t *request, const char *name, GError **error)
{
    const char *location = json_text_at(request, "artifact_location");
    return mlflow_check_length("name", NAME_LIMIT, name, error) &&
           (!location || !*location ||
            (mlflow_check_length("artifact_location", LOCATION_LIMIT, location, error) &&
             place_check_location(location, error))) &&
           mlflow_check_tags(json_object_get(request, "tags"), VALUE_LIMIT, error);
}

static bool taken(GError **error, const char *name)
{
    return error_set(error, ERROR_MLFLOW_TAKEN, "Experiment(name=%.512s) already exists.", name);
}

/* Under which name of SageMaker's it is to be; NULL where the experiment is there. */
static char *free_entity(const struct call *call, const char *name, GError **error)
{
    GError *cause = NULL;
    g_autofree char *present = find(call, has_name, name, &cause);
    g_autoptr(resource_auto) other =
        cause || present
            ? NULL
            : resource_get_any_case(call->lathe->store, experiment_kind.word, name, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (present)
        taken(error, name);
    if (cause || present)
        return NULL;
    return other || !mlflow_is_entity_name(name) ? entity_name(name) : g_strdup(name);
}

/* Of a request without a location: where its tracking server keeps them. */
static void put_location(const struct call *call, const json_t *request, const char *id,
                         json_t *own)
{
    const char *given = json_text_at(request, "artifact_location");
    g_autofree char *root = place_of_server(call, request);
    if (given && *given)
        json_object_set_new(own, "Location", json_string(given));
    else if (root)
        json_object_set_new(own, "Location", json_sprintf("%s/%s", root, id));
}

bool mlflow_create_experiment(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    const char *name = mlflow_text(request, "name", error);
    if (!name || !check_creation(request, name, error))
        return false;
    g_autofree char *entity = free_entity(call, name, error);
    if (!entity)
        return false;
    g_autofree char *id = mlflow_experiment_id(entity);
    g_autoptr(json_auto) own = json_pack("{ss}", "Name", name);
    put_location(call, request, id, own);
    mlflow_put_pairs(mlflow_object_in(own, "Tags"), json_object_get(request, "tags"));
    bool there = false;
    if (!make(call, entity, name, own, &there, error)) {
        if (there)
            g_clear_error(error);
        return there ? taken(error, name) : false;
    }
    reply->output = json_pack("{ss}", "experiment_id", id);
    return true;
}

/* ---- changing ---- */

struct renaming {
    struct store *store;
    const struct resource *experiment;
    const char *name;
};

static bool rename_it(struct resource *experiment, void *data, GError **error)
{
    if (*experiment->status)
        return error_set(error, ERROR_MLFLOW_STATE, "Cannot rename a non-active experiment.");
    json_object_set_new(mlflow_object_in(experiment->body, "Mlflow"), "Name", json_string(data));
    return true;
}

static bool rename_within(struct store_connection *connection, void *data, GError **error)
{
    const struct renaming *renaming = data;
    const struct resource *experiment = renaming->experiment;
    bool is_free;
    g_autofree char *status = NULL;
    return is_free_within(connection, renaming->name, experiment->name, &is_free, error) &&
           (is_free || taken(error, renaming->name)) &&
           resource_status_within(connection, experiment->kind, experiment->name, &status, error) &&
           (status ||
            error_set(error, ERROR_MLFLOW_MISSING, "%s has just been deleted", renaming->name)) &&
           resource_update_within(connection, renaming->store, experiment->kind, experiment->name,
                                  rename_it, (void *)renaming->name, error);
}

bool mlflow_update_experiment(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) found = named_in(call, request, error);
    const char *name = found ? mlflow_text(request, "new_name", error) : NULL;
    if (!name || !mlflow_check_length("name", NAME_LIMIT, name, error))
        return false;
    struct renaming renaming = {call->lathe->store, found, name};
    return store_write(call->lathe->store, rename_within, &renaming, error);
}

static bool set_stage(struct resource *resource, void *data, GError **error)
{
    (void)error;
    g_free(resource->status);
    resource->status = g_strdup(data);
    return true;
}

struct staging {
    struct store *store;
    const char *experiment, *stage;
    GPtrArray *runs; /* of struct resource */
};

/* The experiment with its runs, in one change. */
static bool stage_all(struct store_connection *connection, void *data, GError **error)
{
    const struct staging *staging = data;
    for (guint i = 0; i < staging->runs->len; i++) {
        const struct resource *run = g_ptr_array_index(staging->runs, i);
        if (strcmp(mlflow_run_experiment(run), staging->experiment) == 0 &&
            !resource_update_within(connection, staging->store, run->kind, run->name, set_stage,
                                    (void *)staging->stage, error))
            return false;
    }
    return resource_update_within(connection, staging->store, experiment_kind.word,
                                  staging->experiment, set_stage, (void *)staging->stage, error);
}

/* wanted: the status that it has before. */
static bool change_stage(const struct call *call, const json_t *request, const char *wanted,
                         const char *stage, GError **error)
{
    g_autoptr(resource_auto) found = named_in(call, request, error);
    if (found && strcmp(found->status, wanted) != 0)
        return error_set(error, ERROR_MLFLOW_MISSING, "No Experiment with id=%s exists",
                         json_text_at(request, "experiment_id"));
    const struct resource_query query = {.kind = trial_component_kind.word};
    g_autoptr(GPtrArray) runs =
        found ? resource_list(call->lathe->store, &query, NULL, error) : NULL;
    if (!runs)
        return false;
    struct staging staging = {call->lathe->store, found->name, stage, runs};
    return store_write_spare(call->lathe->store, stage_all, &staging, error);
}

bool mlflow_delete_experiment(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    (void)reply;
    return change_stage(call, request, "", MLFLOW_DELETED, error);
}

bool mlflow_restore_experiment(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)reply;
    return change_stage(call, request, MLFLOW_DELETED, "", error);
}

static bool put_tag(struct resource *experiment, void *data, GError **error)
{
    const json_t *request = data;
    if (*experiment->status)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "The experiment %s must be in the 'active' state. Current state is %s.",
                         json_text_at(request, "experiment_id"), mlflow_lifecycle(experiment));
    json_t *tags = mlflow_object_in(mlflow_object_in(experiment->body, "Mlflow"), "Tags");
    const char *value = json_text_at(request, "value");
    json_object_set_new(tags, json_text_at(request, "key"), json_string(value ? value : ""));
    return true;
}

bool mlflow_set_experiment_tag(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) found = named_in(call, request, error);
    const char *key = found ? mlflow_text(request, "key", error) : NULL;
    const char *value = json_text_at(request, "value");
    return key && check_tag(key, value ? value : "", error) &&
           mlflow_change(call, found, put_tag, (void *)request, error);
}

static bool drop_tag(struct resource *experiment, void *data, GError **error)
{
    const char *key = json_text_at(data, "key");
    return json_object_del(json_at(experiment->body, "Mlflow.Tags"), key) == 0 ||
           error_set(error, ERROR_MLFLOW_MISSING,
                     "No tag with name: %.256s in experiment with id %s", key,
                     json_text_at(data, "experiment_id"));
}

bool mlflow_delete_experiment_tag(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) found = named_in(call, request, error);
    return found && mlflow_text(request, "key", error) &&
           mlflow_change(call, found, drop_tag, (void *)request, error);
}
