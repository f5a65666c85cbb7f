/* The versions of the registry's models: where their files are, and in which stage each is. */
#include <stdlib.h>
#include <string.h>

#include "service/mlflow/mlflow_inside.h"

static const char *const stages[] = {"None", "Staging", "Production", "Archived", NULL};

/* ---- finding ---- */

char *mlflow_version_name(const char *model, const char *version)
{
    return g_strconcat(model, "/", version, NULL);
}

gint64 mlflow_version_number(const struct resource *version)
{
    return g_ascii_strtoll(strrchr(version->name, '/') + 1, NULL, 10);
}

static bool check_number(const char *version, GError **error)
{
    size_t digits = strspn(version, "0123456789");
    return (digits && digits <= 18 && !version[digits]) ||
           error_set(error, ERROR_MLFLOW_VALUE,
                     "Parameter 'version' must be an integer, got '%.256s'.", version);
}

struct resource *mlflow_version(const struct call *call, const char *model, const char *version,
                                GError **error)
{
    if (!check_number(version, error))
        return NULL;
    g_autofree char *plain =
        g_strdup_printf("%" G_GINT64_FORMAT, g_ascii_strtoll(version, NULL, 10));
    g_autofree char *name = mlflow_version_name(model, plain);
    return mlflow_get(call, MLFLOW_VERSION, name, error,
                      "Model Version (name=%.256s, version=%.64s) not found", model, plain);
}

static struct resource *named_in(const struct call *call, const json_t *request, GError **error)
{
    const char *model = mlflow_text(request, "name", error);
    const char *version = model ? mlflow_text(request, "version", error) : NULL;
    return version ? mlflow_version(call, model, version, error) : NULL;
}

static int newest_first(const void *a, const void *b)
{
    gint64 one = mlflow_version_number(*(struct resource *const *)a);
    gint64 other = mlflow_version_number(*(struct resource *const *)b);
    return (one < other) - (one > other);
}

GPtrArray *mlflow_versions_of(const struct call *call, const char *model, GError **error)
{
    const struct resource_query query = {.kind = MLFLOW_VERSION, .parent = model};
    GPtrArray *versions = resource_list(call->lathe->store, &query, NULL, error);
    if (versions)
        g_ptr_array_sort(versions, newest_first);
    return versions;
}

/* ---- what is told of it ---- */

static json_t *aliases_of(const struct resource *model, const char *version)
{
    json_t *aliases = json_array();
    const char *alias;
    json_t *number;
    json_object_foreach(model ? json_object_get(model->body, "Aliases") : NULL, alias, number)
    {
        if (strcmp(json_string_value(number), version) == 0)
            json_array_append_new(aliases, json_string(alias));
    }
    return aliases;
}

json_t *mlflow_version_view(const struct call *call, const json_t *request,
                            const struct resource *version, const struct resource *model)
{
    const char *number = strrchr(version->name, '/') + 1;
    g_autofree char *source = place_shown(call, request, json_text_at(version->body, "Source"));
    json_t *told = json_pack(
        "{sssssIsIsssssssssssoso}", "name", version->parent, "version", number,
        "creation_timestamp", (json_int_t)mlflow_milliseconds(version->created),
        "last_updated_timestamp", (json_int_t)mlflow_milliseconds(version->modified),
        "current_stage", json_text_at(version->body, "Stage"), "source", source, "status", "READY",
        "user_id", "", "run_id", json_text_at(version->body, "Run"), "tags",
        mlflow_pairs(json_object_get(version->body, "Tags")), "aliases", aliases_of(model, number));
    static const char *const members[][2] = {
        {"description", "Description"}, {"run_link", "RunLink"}, {"model_id", "Model"}};
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        json_put(told, members[i][0], json_incref(json_object_get(version->body, members[i][1])));
    return told;
}

static bool answer(const struct call *call, const json_t *request, const char *model_name,
                   const char *number, struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) model = mlflow_registered_model(call, model_name, error);
    g_autoptr(resource_auto) version =
        model ? mlflow_version(call, model_name, number, error) : NULL;
    if (!version)
        return false;
    reply->output =
        json_pack("{so}", "model_version", mlflow_version_view(call, request, version, model));
    return true;
}

bool mlflow_get_version(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    const char *model = mlflow_text(request, "name", error);
    const char *version = model ? mlflow_text(request, "version", error) : NULL;
    return version && answer(call, request, model, version, reply, error);
}

/* ---- stages ---- */

/* As MLflow spells it; NULL: there is none. */
static const char *stage_named(const char *text, GError **error)
{
    for (size_t i = 0; stages[i]; i++)
        if (g_ascii_strcasecmp(stages[i], text) == 0)
            return stages[i];
    error_set(error, ERROR_MLFLOW_VALUE,
              "Invalid Model Version stage: %.64s. Value must be one of None, Staging, Production, "
              "Archived.",
              text);
    return NULL;
}

/* Whether a stage is among those asked for; of none: any. false with an error: one is none. */
static bool is_wanted(const char *stage, const json_t *wanted, GError **error)
{
    size_t i;
    const json_t *one;
    json_array_foreach((json_t *)wanted, i, one)
    {
        const char *named = stage_named(json_string_value(one), error);
        if (!named || strcmp(named, stage) == 0)
            return named != NULL;
    }
    return json_array_size(wanted) == 0;
}

json_t *mlflow_latest_versions(const struct call *call, const json_t *request,
                               const struct resource *model, const json_t *wanted, GError **error)
{
    g_autoptr(GPtrArray) versions = mlflow_versions_of(call, model->name, error);
    if (!versions)
        return NULL;
    g_autoptr(json_auto) latest = json_array();
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < versions->len; i++) {
        const struct resource *version = g_ptr_array_index(versions, i);
        const char *stage = json_text_at(version->body, "Stage");
        GError *cause = NULL;
        bool fits = is_wanted(stage, wanted, &cause);
        if (cause) {
            g_propagate_error(error, cause);
            return NULL;
        }
        if (fits && g_hash_table_add(seen, (char *)stage))
            json_array_append_new(latest, mlflow_version_view(call, request, version, model));
    }
    return g_steal_pointer(&latest);
}

struct transition {
    const struct call *call;
    const struct resource *version;
    GPtrArray *others; /* those that are to be archived; or NULL */
    const char *stage;
};

static bool put_stage(struct resource *version, void *data, GError **error)
{
    (void)error;
    json_object_set_new(version->body, "Stage", json_string(data));
    return true;
}

static bool touch(struct resource *model, void *data, GError **error)
{
    (void)model, (void)data, (void)error;
    return true;
}

static bool transition_within(struct store_connection *connection, void *data, GError **error)
{
    const struct transition *transition = data;
    struct store *store = transition->call->lathe->store;
    for (guint i = 0; transition->others && i < transition->others->len; i++) {
        const struct resource *other = g_ptr_array_index(transition->others, i);
        bool is_there = strcmp(json_text_at(other->body, "Stage"), transition->stage) == 0;
        if (is_there && strcmp(other->name, transition->version->name) != 0 &&
            !resource_update_within(connection, store, other->kind, other->name, put_stage,
                                    (void *)"Archived", error))
            return false;
    }
    return resource_update_within(connection, store, MLFLOW_VERSION, transition->version->name,
                                  put_stage, (void *)transition->stage, error) &&
           resource_update_within(connection, store, MLFLOW_MODEL, transition->version->parent,
                                  touch, NULL, error);
}

bool mlflow_transition_stage(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    g_autoptr(resource_auto) version = named_in(call, request, error);
    const char *text = version ? mlflow_text(request, "stage", error) : NULL;
    const char *stage = text ? stage_named(text, error) : NULL;
    bool archives = json_true_at(request, "archive_existing_versions");
    if (!stage)
        return false;
    if (archives && strcmp(stage, "Staging") != 0 && strcmp(stage, "Production") != 0)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "Model version transition cannot archive existing model versions because "
                         "'%s' is not an Active stage. Valid stages are ['Staging', 'Production']",
                         text);
    g_autoptr(GPtrArray) others =
        archives ? mlflow_versions_of(call, version->parent, error) : NULL;
    struct transition transition = {call, version, others, stage};
    return (!archives || others) &&
           store_write(call->lathe->store, transition_within, &transition, error) &&
           answer(call, request, version->parent, json_text_at(request, "version"), reply, error);
}

/* ---- sources ---- */

static bool invalid_source(GError **error, const char *source)
{
    return error_set(error, ERROR_MLFLOW_VALUE,
                     "Invalid model version source: '%.512s'. It is s3://bucket/prefix of this "
                     "home, mlflow-artifacts:/path, runs:/<run>/path or models:/<model>, without "
                     "'..', fragments, queries and encoded characters; paths of files are no "
                     "sources.",
                     source);
}

/* runs:/<id>/path and models:/<id>: what is behind the scheme, or NULL. */
static const char *behind(const char *source, const char *scheme)
{
    return g_str_has_prefix(source, scheme) && source[strlen(scheme)] != '/'
               ? source + strlen(scheme)
               : NULL;
}

static bool check_source(const char *source, GError **error)
{
    const char *rest = behind(source, "runs:/");
    rest = rest ? rest : behind(source, "models:/");
    if (rest)
        return (*rest && !strpbrk(rest, "?%") && place_check_path(rest, NULL)) ||
               invalid_source(error, source);
    return place_check_location(source, NULL) || invalid_source(error, source);
}

/* Of a run that the source names; g_free. */
static char *location_in_run(const struct call *call, const char *rest, GError **error)
{
    g_autofree char *id = g_strndup(rest, strcspn(rest, "/"));
    g_autoptr(resource_auto) run = mlflow_run(call, id, error);
    g_autofree char *root = run ? mlflow_run_location(call, run, error) : NULL;
    return root ? g_strconcat(root, rest + strlen(id), NULL) : NULL;
}

static char *location_of(const struct call *call, const char *source, GError **error);

/* models:/m-... is a logged model, models:/name/3 another version. */
static char *location_of_model(const struct call *call, const char *rest, GError **error)
{
    const char *slash = strchr(rest, '/');
    if (!slash) {
        g_autoptr(resource_auto) model = mlflow_logged_model(call, rest, error);
        return model ? mlflow_logged_model_location(model) : NULL;
    }
    g_autofree char *name = g_strndup(rest, (gsize)(slash - rest));
    g_autoptr(resource_auto) version = mlflow_version(call, name, slash + 1, error);
    return version ? g_strdup(json_text_at(version->body, "Location")) : NULL;
}

static char *location_of(const struct call *call, const char *source, GError **error)
{
    const char *run = behind(source, "runs:/"), *model = behind(source, "models:/");
    if (run)
        return location_in_run(call, run, error);
    return model ? location_of_model(call, model, error) : g_strdup(source);
}

bool mlflow_get_download_uri(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    g_autoptr(resource_auto) version = named_in(call, request, error);
    if (!version)
        return false;
    g_autofree char *shown = place_shown(call, request, json_text_at(version->body, "Location"));
    reply->output = json_pack("{ss}", "artifact_uri", shown);
    return true;
}

bool mlflow_get_version_artifact(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    const char *path = mlflow_path_in(request, "path", error);
    g_autoptr(resource_auto) version = path ? named_in(call, request, error) : NULL;
    return version &&
           mlflow_send_artifact(call, json_text_at(version->body, "Location"), path, reply, error);
}

/* ---- creating ---- */

struct version_creation {
    const struct call *call;
    const char *model;
    json_t *body;
    gint64 number; /* out; 0: there is no such model any more */
};

static bool count_up(struct resource *model, void *data, GError **error)
{
    (void)error;
    struct version_creation *creation = data;
    creation->number = json_integer_at(model->body, "Last", 0) + 1;
    json_object_set_new(model->body, "Last", json_integer(creation->number));
    return true;
}

/* A logged model's tag lists the versions that were made of it, in the words of Python's json. */
static bool tell_version(struct resource *logged, void *data, GError **error)
{
    (void)error;
    static const char tag[] = "mlflow.modelVersions";
    const struct version_creation *creation = data;
    json_t *tags = mlflow_object_in(logged->body, "Tags");
    const char *before = json_string_value(json_object_get(tags, tag));
    json_t *versions = before ? json_loads(before, 0, NULL) : NULL;
    g_autoptr(json_auto) all = json_is_array(versions) ? versions : json_array();
    if (all != versions)
        json_decref(versions);
    json_array_append_new(
        all, json_pack("{sssI}", "name", creation->model, "version", (json_int_t)creation->number));
    char *text = json_dumps(all, 0);
    json_object_set_new(tags, tag, json_string(text));
    free(text);
    return true;
}

static bool create_within(struct store_connection *connection, void *data, GError **error)
{
    struct version_creation *creation = data;
    const struct call *call = creation->call;
    struct store *store = call->lathe->store;
    if (!resource_update_within(connection, store, MLFLOW_MODEL, creation->model, count_up,
                                creation, error))
        return false;
    if (!creation->number)
        return error_set(error, ERROR_MLFLOW_MISSING, "Registered Model with name=%.256s not found",
                         creation->model);
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, creation->number);
    g_autofree char *name = mlflow_version_name(creation->model, number);
    g_autofree char *arn = mlflow_arn(call, MLFLOW_VERSION, name);
    struct resource version = {.kind = (char *)MLFLOW_VERSION,
                               .name = name,
                               .arn = arn,
                               .status = (char *)"",
                               .parent = (char *)creation->model,
                               .body = creation->body};
    const char *logged = json_text_at(creation->body, "Model");
    return resource_create_within(connection, store, &version, NULL, error) &&
           (!logged || resource_update_within(connection, store, MLFLOW_LOGGED_MODEL, logged,
                                              tell_version, creation, error));
}

/* The run that it came from, where only its logged model says so; g_free. */
static char *run_in(const struct call *call, const json_t *request, GError **error)
{
    const char *run = json_text_at(request, "run_id"), *id = json_text_at(request, "model_id");
    if ((run && *run) || !id || !*id)
        return g_strdup(run ? run : "");
    g_autoptr(resource_auto) model = mlflow_logged_model(call, id, error);
    const char *source = model ? json_text_at(model->body, "SourceRun") : NULL;
    return model ? g_strdup(source ? source : "") : NULL;
}

static json_t *first_body(const struct call *call, const json_t *request, const char *source,
                          GError **error)
{
    static const char *const members[][2] = {
        {"description", "Description"}, {"run_link", "RunLink"}, {"model_id", "Model"}};
    g_autofree char *location = location_of(call, source, error);
    g_autofree char *run = location ? run_in(call, request, error) : NULL;
    if (!run)
        return NULL;
    json_t *body = json_pack("{ssssssss}", "Source", source, "Location", location, "Stage", "None",
                             "Run", run);
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        json_put(body, members[i][1], json_incref(json_object_get(request, members[i][0])));
    mlflow_put_pairs(mlflow_object_in(body, "Tags"), json_object_get(request, "tags"));
    return body;
}

bool mlflow_create_version(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    const char *name = mlflow_text(request, "name", error);
    g_autoptr(resource_auto) model = name ? mlflow_registered_model(call, name, error) : NULL;
    const char *source = model ? mlflow_text(request, "source", error) : NULL;
    if (!source || !check_source(source, error) ||
        !registry_check_tags(json_object_get(request, "tags"), error))
        return false;
    g_autoptr(json_auto) body = first_body(call, request, source, error);
    struct version_creation creation = {call, model->name, body, 0};
    if (!body || !store_write(call->lathe->store, create_within, &creation, error))
        return false;
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, creation.number);
    return answer(call, request, name, number, reply, error);
}

/* ---- changing ---- */

static bool describe(struct resource *version, void *data, GError **error)
{
    (void)error;
    const char *text = json_text_at(data, "description");
    json_object_set_new(version->body, "Description", json_string(text ? text : ""));
    return true;
}

bool mlflow_update_version(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    g_autoptr(resource_auto) version = named_in(call, request, error);
    return version && mlflow_change(call, version, describe, (void *)request, error) &&
           answer(call, request, version->parent, json_text_at(request, "version"), reply, error);
}

bool mlflow_set_version_tag(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) version = named_in(call, request, error);
    return version && registry_put_tag(call, version, request, error);
}

bool mlflow_delete_version_tag(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) version = named_in(call, request, error);
    return version && registry_drop_tag(call, version, request, error);
}

/* ---- deleting ---- */

/* Its aliases go with it. data: its number. */
static bool drop_aliases(struct resource *model, void *data, GError **error)
{
    (void)error;
    const char *alias;
    json_t *number;
    void *next;
    json_object_foreach_safe(json_object_get(model->body, "Aliases"), next, alias, number)
    {
        if (strcmp(json_string_value(number), data) == 0)
            json_object_del(json_object_get(model->body, "Aliases"), alias);
    }
    return true;
}

static bool remove_within(struct store_connection *connection, void *data, GError **error)
{
    const struct transition *removal = data;
    struct store *store = removal->call->lathe->store;
    const char *number = strrchr(removal->version->name, '/') + 1;
    return resource_delete_within(connection, store, MLFLOW_VERSION, removal->version->name, NULL,
                                  error) &&
           resource_update_within(connection, store, MLFLOW_MODEL, removal->version->parent,
                                  drop_aliases, (void *)number, error);
}

bool mlflow_delete_version(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) version = named_in(call, request, error);
    struct transition removal = {.call = call, .version = version};
    return version && store_write_spare(call->lathe->store, remove_within, &removal, error);
}

/* ---- searching ---- */

static const char *const attributes[] = {"name", "version_number", "run_id", "source_path", NULL};
static const char *const orders[] = {"name", "version_number", "creation_timestamp",
                                     "last_updated_timestamp", NULL};
static const char *const numbers[] = {"version_number", "creation_timestamp",
                                      "last_updated_timestamp", NULL};
static const char *const lists[] = {"name", "run_id", NULL};
static const struct filter_language language = {attributes, orders, numbers, lists, false};

static json_t *subject_of(const struct resource *version, json_t *view)
{
    json_t *members = json_copy(view);
    json_object_set_new(members, "version_number", json_integer(mlflow_version_number(version)));
    json_object_set(members, "source_path", json_object_get(view, "source"));
    json_t *tags = json_incref(json_object_get(version->body, "Tags"));
    return json_pack("{sososO}", "attribute", members, "tag", tags, "view", view);
}

static bool is_hidden_prompt(const struct resource *version, const json_t *request)
{
    const char *filter = json_text_at(request, "filter");
    const json_t *tags = json_object_get(version->body, "Tags");
    return json_object_get(tags, "mlflow.prompt.is_prompt") &&
           (!filter || !strstr(filter, "mlflow.prompt.is_prompt"));
}

static json_t *searched(const struct call *call, const json_t *request,
                        const struct resource *version, GError **error)
{
    GError *cause = NULL;
    if (is_hidden_prompt(version, request))
        return NULL;
    g_autoptr(resource_auto) model =
        resource_get(call->lathe->store, MLFLOW_MODEL, version->parent, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return NULL;
    }
    g_autoptr(json_auto) view = mlflow_version_view(call, request, version, model);
    return subject_of(version, view);
}

bool mlflow_search_versions(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    static const char *const last[] = {"last_updated_timestamp DESC", "name", "version_number DESC",
                                       NULL};
    const struct resource_query query = {.kind = MLFLOW_VERSION};
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    struct search search = {&language, last, NULL, searched, "model_versions", 10000, 200000};
    return search_resources(call, request, &search, all, reply, error);
}
