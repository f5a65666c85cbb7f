/* What SageMaker's resources have in common: create, describe, list, delete. */
#include <string.h>

#include "service/sagemaker/sagemaker.h"

static char *arn_of(const struct call *call, const struct kind *kind, const char *name)
{
    g_autofree char *written = kind->small_arn ? g_ascii_strdown(name, -1) : g_strdup(name);
    return call_arn(call, kind->word, written);
}

/* The kind's message about one ARN. The table's formats have exactly one %s. */
static bool about(GError **error, enum error_code code, const char *message, const char *arn)
{
    g_auto(GStrv) parts = g_strsplit(message, "%s", 2);
    return error_set(error, code, "%s%s%s", parts[0], parts[1] ? arn : "",
                     parts[1] ? parts[1] : "");
}

/* NULL without an error where there is none. */
static struct resource *look_up(const struct call *call, const struct kind *kind, const char *name,
                                GError **error)
{
    struct store *store = call->lathe->store;
    return kind->any_case ? resource_get_any_case(store, kind->word, name, error)
                          : resource_get(store, kind->word, name, error);
}

bool sagemaker_check_free(const struct call *call, const struct kind *kind, const char *name,
                          GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) present = look_up(call, kind, name, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    return !present || about(error, kind->taken_code, kind->taken, present->arn);
}

/* A name that is taken fails with the kind's own error. */
static bool write_resource(struct store_connection *connection, const struct creation *creation,
                           struct resource *resource, GError **error)
{
    const struct kind *kind = creation->kind;
    bool taken = false;
    if (resource_create_within(connection, creation->call->lathe->store, resource, &taken, error))
        return true;
    if (!taken)
        return false;
    g_clear_error(error);
    return about(error, kind->taken_code, kind->taken, resource->arn);
}

bool sagemaker_create_within(struct store_connection *connection, const struct creation *creation,
                             GError **error)
{
    const struct call *call = creation->call;
    const struct kind *kind = creation->kind;
    const json_t *request = creation->request;
    g_autoptr(json_auto) kept = json_copy(creation->body ? creation->body : (json_t *)request);
    json_object_del(kept, kind->name);
    json_object_del(kept, "Tags");
    const char *name = json_text_at(request, kind->name);
    const char *parent = kind->parent ? json_text_at(request, kind->parent) : NULL;
    g_autofree char *arn = arn_of(call, kind, name);
    struct resource resource = {.kind = (char *)kind->word,
                                .name = (char *)name,
                                .arn = arn,
                                .status = (char *)creation->status,
                                .parent = (char *)(parent ? parent : ""),
                                .body = kept,
                                .any_case = kind->any_case,
                                .tags = json_object_get(request, "Tags")};
    if (!write_resource(connection, creation, &resource, error))
        return false;
    creation->reply->output = json_pack("{ss}", kind->arn, arn);
    return call_remember(call, connection, creation->reply->output, error);
}

static bool create(struct store_connection *connection, void *data, GError **error)
{
    return sagemaker_create_within(connection, data, error);
}

bool sagemaker_write(const struct call *call, store_work *work, void *data, struct reply *reply,
                     GError **error)
{
    struct store *store = call->lathe->store;
    if ((call->is_step ? store_write_step : store_write)(store, work, data, error))
        return true;
    json_decref(reply->output);
    reply->output = NULL;
    return false;
}

bool sagemaker_create(const struct call *call, const struct kind *kind, const json_t *request,
                      const char *status, json_t *body, struct reply *reply, GError **error)
{
    struct creation creation = {call, kind, request, status, body, reply};
    bool created = sagemaker_check_tags(json_object_get(request, "Tags"), error) &&
                   sagemaker_write(call, create, &creation, reply, error);
    json_decref(body);
    return created;
}

/* ---- changing ---- */

struct update {
    const struct call *call;
    const struct kind *kind;
    const char *name;
    resource_change *change;
    void *data;
    const json_t *answer;
};

static bool update(struct store_connection *connection, void *data, GError **error)
{
    const struct update *update = data;
    const struct call *call = update->call;
    return resource_update_within(connection, call->lathe->store, update->kind->word, update->name,
                                  update->change, update->data, error) &&
           call_remember(call, connection, update->answer, error);
}

bool sagemaker_update(const struct call *call, const struct kind *kind, const char *name,
                      resource_change *change, void *data, json_t *answer, struct reply *reply,
                      GError **error)
{
    struct update whole = {call, kind, name, change, data, answer};
    bool updated = store_write_spare(call->lathe->store, update, &whole, error);
    if (updated)
        reply->output = json_incref(answer);
    json_decref(answer);
    return updated;
}

/* ---- telling ---- */

struct resource *sagemaker_get(const struct call *call, const struct kind *kind, const char *name,
                               GError **error)
{
    GError *cause = NULL;
    struct resource *resource = look_up(call, kind, name, &cause);
    if (cause) {
        g_propagate_error(error, cause);
    } else if (!resource) {
        g_autofree char *arn = arn_of(call, kind, name);
        about(error, kind->missing_code, kind->missing, arn);
    }
    return resource;
}

/* All there is to tell: what of it is told, its shape says. */
static json_t *all_of(const struct kind *kind, const struct resource *resource)
{
    json_t *all = json_pack("{sssfsf}", kind->arn, resource->arn, "CreationTime", resource->created,
                            "LastModifiedTime", resource->modified);
    const char *name = kind->shows_parent && *resource->parent ? resource->parent : resource->name;
    if (kind->name)
        json_put(all, kind->name, json_string(name));
    if (kind->status)
        json_put(all, kind->status, json_string(resource->status));
    json_object_update_missing(all, resource->body);
    return all;
}

json_t *sagemaker_describe(const struct kind *kind, const struct resource *resource)
{
    json_t *description = all_of(kind, resource);
    g_autoptr(json_auto) always = kind->always ? json_loads(kind->always, 0, NULL) : NULL;
    if (always)
        json_object_update_missing(description, always);
    kind_fit_description(kind, description);
    return description;
}

bool sagemaker_describe_call(const struct call *call, const struct kind *kind,
                             const json_t *request, struct reply *reply, GError **error)
{
    const char *name = json_text_at(request, kind->name);
    g_autoptr(resource_auto) resource = sagemaker_get(call, kind, name, error);
    if (!resource)
        return false;
    reply->output = sagemaker_describe(kind, resource);
    return true;
}

struct resource_query sagemaker_query(const struct kind *kind, const json_t *request)
{
    struct resource_query query = {.kind = kind->word};
    query.name_contains = json_text_at(request, "NameContains");
    query.status = json_text_at(request, "StatusEquals");
    query.created_after = json_number_at(request, "CreationTimeAfter", 0);
    query.created_before = json_number_at(request, "CreationTimeBefore", 0);
    query.modified_after = json_number_at(request, "LastModifiedTimeAfter", 0);
    query.modified_before = json_number_at(request, "LastModifiedTimeBefore", 0);
    const char *by = json_text_at(request, "SortBy");
    if (g_strcmp0(by, "Name") == 0)
        query.order = RESOURCE_BY_NAME;
    else if (g_strcmp0(by, "Status") == 0)
        query.order = RESOURCE_BY_STATUS;
    else if (by && strstr(by, "Modified"))
        query.order = RESOURCE_BY_MODIFIED;
    query.ascending = g_strcmp0(json_text_at(request, "SortOrder"), "Ascending") == 0;
    query.limit = (size_t)json_integer_at(request, "MaxResults", 100);
    const char *token = json_text_at(request, "NextToken");
    query.token = token && *token ? token : NULL; /* an empty one means the start */
    return query;
}

bool sagemaker_list(const struct call *call, const struct kind *kind, const json_t *request,
                    struct reply *reply, GError **error)
{
    struct resource_query query = sagemaker_query(kind, request);
    return sagemaker_list_query(call, kind, &query, reply, error);
}

bool sagemaker_list_query(const struct call *call, const struct kind *kind,
                          const struct resource_query *query, struct reply *reply, GError **error)
{
    g_autofree char *token = NULL;
    g_autoptr(GPtrArray) resources = resource_list(call->lathe->store, query, &token, error);
    if (!resources)
        return false;
    json_t *summaries = json_array();
    for (guint i = 0; i < resources->len; i++) {
        json_t *summary = all_of(kind, g_ptr_array_index(resources, i));
        kind_fit_summary(kind, summary);
        json_array_append_new(summaries, summary);
    }
    reply->output = json_pack("{so}", kind->summaries, summaries);
    if (token)
        json_put(reply->output, "NextToken", json_string(token));
    return true;
}

/* ---- deleting ---- */

struct removal {
    const struct call *call;
    const struct resource *resource;
    const json_t *answer;
    bool found;
};

static bool remove_it(struct store_connection *connection, void *data, GError **error)
{
    struct removal *removal = data;
    const struct call *call = removal->call;
    const struct resource *resource = removal->resource;
    return resource_delete_within(connection, call->lathe->store, resource->kind, resource->name,
                                  &removal->found, error) &&
           (!removal->found || call_remember(call, connection, removal->answer, error));
}

bool sagemaker_delete(const struct call *call, const struct kind *kind, const json_t *request,
                      const json_t *answer, GError **error)
{
    const char *name = json_text_at(request, kind->name);
    g_autoptr(resource_auto) present = sagemaker_get(call, kind, name, error);
    struct removal removal = {call, present, answer, false};
    if (!present || !store_write_spare(call->lathe->store, remove_it, &removal, error))
        return false;
    return removal.found || about(error, kind->missing_code, kind->missing, present->arn);
}

void sagemaker_set_status(struct resource *resource, const char *status)
{
    g_free(resource->status);
    resource->status = g_strdup(status);
}
