/* The registry's models: names with versions, tags and aliases. */
#include <string.h>

#include "service/mlflow/mlflow_inside.h"

enum { ALIAS_LIMIT = 255, NAME_LIMIT = 256 };

/* ---- names ---- */

static bool check_name(const char *name, GError **error)
{
    if (!name[strspn(name, " \t\r\n")])
        return error_set(error, ERROR_MLFLOW_VALUE, "Missing value for required parameter 'name'.");
    if (strpbrk(name, "/:"))
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "Invalid model name '%.512s'. Names cannot contain '/' or ':'.", name);
    return mlflow_check_length("name", NAME_LIMIT, name, error);
}

/* The request's name, which may be a model's. */
static const char *name_in(const json_t *request, const char *member, GError **error)
{
    const char *name = mlflow_text(request, member, error);
    return name && check_name(name, error) ? name : NULL;
}

struct resource *mlflow_registered_model(const struct call *call, const char *name, GError **error)
{
    return mlflow_get(call, MLFLOW_MODEL, name, error,
                      "Registered Model with name=%.256s not found", name);
}

static struct resource *named_in(const struct call *call, const json_t *request, GError **error)
{
    const char *name = name_in(request, "name", error);
    return name ? mlflow_registered_model(call, name, error) : NULL;
}

/* ---- what is told of it ---- */

static json_t *aliases_of(const struct resource *model)
{
    json_t *aliases = json_array();
    const char *alias;
    json_t *version;
    json_object_foreach(json_object_get(model->body, "Aliases"), alias, version)
        json_array_append_new(aliases, json_pack("{sssO}", "alias", alias, "version", version));
    return aliases;
}

static json_t *view(const struct call *call, const json_t *request, const struct resource *model,
                    GError **error)
{
    json_t *latest = mlflow_latest_versions(call, request, model, NULL, error);
    if (!latest)
        return NULL;
    json_t *told = json_pack(
        "{sssIsIsososo}", "name", model->name, "creation_timestamp",
        (json_int_t)mlflow_milliseconds(model->created), "last_updated_timestamp",
        (json_int_t)mlflow_milliseconds(model->modified), "latest_versions", latest, "tags",
        mlflow_pairs(json_object_get(model->body, "Tags")), "aliases", aliases_of(model));
    json_put(told, "description", json_incref(json_object_get(model->body, "Description")));
    return told;
}

static bool answer(const struct call *call, const json_t *request, const char *name,
                   struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) model = mlflow_registered_model(call, name, error);
    json_t *told = model ? view(call, request, model, error) : NULL;
    if (told)
        reply->output = json_pack("{so}", "registered_model", told);
    return told != NULL;
}

bool mlflow_get_model(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    const char *name = name_in(request, "name", error);
    return name && answer(call, request, name, reply, error);
}

bool mlflow_get_latest_versions(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    g_autoptr(resource_auto) model = named_in(call, request, error);
    json_t *latest = model ? mlflow_latest_versions(call, request, model,
                                                    json_object_get(request, "stages"), error)
                           : NULL;
    if (latest)
        reply->output = json_pack("{so}", "model_versions", latest);
    return latest != NULL;
}

/* ---- creating ---- */

static bool taken(GError **error, const char *name)
{
    return error_set(error, ERROR_MLFLOW_TAKEN, "Registered Model (name=%.256s) already exists.",
                     name);
}

bool mlflow_create_model(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    const char *name = name_in(request, "name", error);
    if (!name || !registry_check_tags(json_object_get(request, "tags"), error))
        return false;
    g_autoptr(json_auto) body = json_object();
    json_put(body, "Description", json_incref(json_object_get(request, "description")));
    mlflow_put_pairs(mlflow_object_in(body, "Tags"), json_object_get(request, "tags"));
    g_autofree char *arn = mlflow_arn(call, MLFLOW_MODEL, name);
    struct resource model = {.kind = (char *)MLFLOW_MODEL,
                             .name = (char *)name,
                             .arn = arn,
                             .status = (char *)"",
                             .parent = (char *)"",
                             .body = body};
    bool there = false;
    if (resource_create(call->lathe->store, &model, &there, error))
        return answer(call, request, name, reply, error);
    if (there)
        g_clear_error(error);
    return there ? taken(error, name) : false;
}

/* ---- renaming ---- */

struct renaming {
    const struct call *call;
    const struct resource *model;
    const char *name;
    GPtrArray *versions;
    bool taken;
};

/* The same resource under another name. */
static bool move(struct store_connection *connection, const struct renaming *renaming,
                 const struct resource *old, const char *name, const char *parent, bool *is_taken,
                 GError **error)
{
    struct store *store = renaming->call->lathe->store;
    g_autofree char *arn = mlflow_arn(renaming->call, old->kind, name);
    struct resource moved = {.kind = old->kind,
                             .name = (char *)name,
                             .arn = arn,
                             .status = old->status,
                             .parent = (char *)parent,
                             .body = old->body,
                             .created = old->created};
    return resource_create_within(connection, store, &moved, is_taken, error) &&
           resource_delete_within(connection, store, old->kind, old->name, NULL, error);
}

static bool rename_within(struct store_connection *connection, void *data, GError **error)
{
    struct renaming *renaming = data;
    if (!move(connection, renaming, renaming->model, renaming->name, "", &renaming->taken, error))
        return false;
    for (guint i = 0; i < renaming->versions->len; i++) {
        const struct resource *version = g_ptr_array_index(renaming->versions, i);
        g_autofree char *number =
            g_strdup_printf("%" G_GINT64_FORMAT, mlflow_version_number(version));
        g_autofree char *name = mlflow_version_name(renaming->name, number);
        if (!move(connection, renaming, version, name, renaming->name, NULL, error))
            return false;
    }
    return true;
}

bool mlflow_rename_model(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_autoptr(resource_auto) model = named_in(call, request, error);
    const char *name = model ? name_in(request, "new_name", error) : NULL;
    g_autoptr(GPtrArray) versions = name ? mlflow_versions_of(call, model->name, error) : NULL;
    if (!versions)
        return false;
    struct renaming renaming = {call, model, name, versions, false};
    if (store_write(call->lathe->store, rename_within, &renaming, error))
        return answer(call, request, name, reply, error);
    if (renaming.taken)
        g_clear_error(error);
    return renaming.taken ? taken(error, name) : false;
}

/* ---- changing ---- */

static bool describe(struct resource *model, void *data, GError **error)
{
    (void)error;
    const char *text = json_text_at(data, "description");
    json_object_set_new(model->body, "Description", json_string(text ? text : ""));
    return true;
}

bool mlflow_update_model(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_autoptr(resource_auto) model = named_in(call, request, error);
    return model && mlflow_change(call, model, describe, (void *)request, error) &&
           answer(call, request, model->name, reply, error);
}

bool mlflow_set_model_tag(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) model = named_in(call, request, error);
    return model && registry_put_tag(call, model, request, error);
}

bool mlflow_delete_model_tag(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) model = named_in(call, request, error);
    return model && registry_drop_tag(call, model, request, error);
}

/* ---- deleting ---- */

struct removal {
    struct store *store;
    const struct resource *model;
    GPtrArray *versions;
};

static bool remove_within(struct store_connection *connection, void *data, GError **error)
{
    const struct removal *removal = data;
    for (guint i = 0; i < removal->versions->len; i++) {
        const struct resource *version = g_ptr_array_index(removal->versions, i);
        if (!resource_delete_within(connection, removal->store, version->kind, version->name, NULL,
                                    error))
            return false;
    }
    return resource_delete_within(connection, removal->store, removal->model->kind,
                                  removal->model->name, NULL, error);
}

bool mlflow_delete_model(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) model = named_in(call, request, error);
    g_autoptr(GPtrArray) versions = model ? mlflow_versions_of(call, model->name, error) : NULL;
    struct removal removal = {call->lathe->store, model, versions};
    return versions && store_write_spare(call->lathe->store, remove_within, &removal, error);
}

/* ---- aliases ---- */

static bool check_alias(const char *alias, GError **error)
{
    for (const char *at = alias; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);
        if (!g_unichar_isalnum(character) && character != '_' && character != '-')
            return error_set(error, ERROR_MLFLOW_VALUE,
                             "Invalid alias name: '%.256s'. Names may only contain alphanumerics, "
                             "underscores (_), and dashes (-).",
                             alias);
    }
    return mlflow_check_length("Registered model alias name", ALIAS_LIMIT, alias, error);
}

static const char *alias_in(const json_t *request, GError **error)
{
    const char *alias = mlflow_text(request, "alias", error);
    return alias && check_alias(alias, error) ? alias : NULL;
}

static bool check_reserved(const char *alias, GError **error)
{
    size_t digits = g_ascii_tolower(*alias) == 'v' ? strspn(alias + 1, "0123456789") : 0;
    if (g_ascii_strcasecmp(alias, "latest") == 0)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "'latest' alias name (case insensitive) is reserved.");
    return !digits || alias[1 + digits] ||
           error_set(error, ERROR_MLFLOW_VALUE, "Version alias name '%s' is reserved.", alias);
}

static bool put_alias(struct resource *model, void *data, GError **error)
{
    (void)error;
    json_object_set(mlflow_object_in(model->body, "Aliases"), json_text_at(data, "alias"),
                    json_object_get(data, "version"));
    return true;
}

bool mlflow_set_alias(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) model = named_in(call, request, error);
    const char *alias = model ? alias_in(request, error) : NULL;
    const char *number =
        alias && check_reserved(alias, error) ? mlflow_text(request, "version", error) : NULL;
    g_autoptr(resource_auto) version =
        number ? mlflow_version(call, model->name, number, error) : NULL;
    return version && mlflow_change(call, model, put_alias, (void *)request, error);
}

static bool drop_alias(struct resource *model, void *data, GError **error)
{
    (void)error;
    json_object_del(json_object_get(model->body, "Aliases"), data);
    return true;
}

bool mlflow_delete_alias(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) model = named_in(call, request, error);
    const char *alias = model ? alias_in(request, error) : NULL;
    return alias && mlflow_change(call, model, drop_alias, (void *)alias, error);
}

/* The number that an alias stands for; g_free. */
static char *version_behind(const struct call *call, const struct resource *model,
                            const char *alias, GError **error)
{
    if (g_ascii_strcasecmp(alias, "latest") != 0) {
        const char *number =
            json_string_value(json_object_get(json_object_get(model->body, "Aliases"), alias));
        if (!number)
            error_set(error, ERROR_MLFLOW_VALUE, "Registered model alias %.256s not found.", alias);
        return g_strdup(number);
    }
    g_autoptr(GPtrArray) versions = mlflow_versions_of(call, model->name, error);
    if (versions && !versions->len)
        error_set(error, ERROR_MLFLOW_MISSING, "Latest version not found for model %s.",
                  model->name);
    return versions && versions->len
               ? g_strdup_printf("%" G_GINT64_FORMAT,
                                 mlflow_version_number(g_ptr_array_index(versions, 0)))
               : NULL;
}

bool mlflow_get_by_alias(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_autoptr(resource_auto) model = named_in(call, request, error);
    const char *alias = model ? alias_in(request, error) : NULL;
    g_autofree char *number = alias ? version_behind(call, model, alias, error) : NULL;
    g_autoptr(resource_auto) version =
        number ? mlflow_version(call, model->name, number, error) : NULL;
    if (!version)
        return false;
    reply->output =
        json_pack("{so}", "model_version", mlflow_version_view(call, request, version, model));
    return true;
}

/* ---- searching ---- */

static const char *const attributes[] = {"name", NULL};
static const char *const orders[] = {"name", "timestamp", "creation_timestamp",
                                     "last_updated_timestamp", NULL};
static const char *const numbers[] = {"creation_timestamp", "last_updated_timestamp", "timestamp",
                                      NULL};
static const struct filter_language language = {attributes, orders, numbers, attributes, false};

/* Those that are prompts are found by who asks for prompts. */
static bool is_hidden_prompt(const struct resource *model, const json_t *request)
{
    const char *filter = json_text_at(request, "filter");
    const json_t *tags = json_object_get(model->body, "Tags");
    return json_object_get(tags, "mlflow.prompt.is_prompt") &&
           (!filter || !strstr(filter, "mlflow.prompt.is_prompt"));
}

static json_t *subject_of(json_t *view)
{
    json_t *tags = json_object(), *members = json_copy(view);
    mlflow_put_pairs(tags, json_object_get(view, "tags"));
    json_object_set(members, "timestamp", json_object_get(view, "last_updated_timestamp"));
    return json_pack("{sososO}", "attribute", members, "tag", tags, "view", view);
}

static json_t *searched(const struct call *call, const json_t *request,
                        const struct resource *model, GError **error)
{
    g_autoptr(json_auto) told =
        is_hidden_prompt(model, request) ? NULL : view(call, request, model, error);
    return told ? subject_of(told) : NULL;
}

bool mlflow_search_models(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    static const char *const last[] = {"name", NULL};
    const struct resource_query query = {.kind = MLFLOW_MODEL};
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    struct search search = {&language, last, NULL, searched, "registered_models", 100, 1000};
    return search_resources(call, request, &search, all, reply, error);
}
