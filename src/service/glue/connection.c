/* Connections: recorded, and opened by nobody here. */
#include <string.h>

#include "service/glue/glue_inside.h"
#include "store/resource.h"

#define KIND "glue-connection"
#define LIST_PAGE 100

static bool missing(const char *name, GError **error)
{
    return error_set(error, ERROR_ENTITY_NOT_FOUND, "Connection %s not found.", name);
}

bool create_connection(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    json_t *input = json_object_get(request, "ConnectionInput");
    const char *name = json_text_at(input, "Name");
    g_autofree char *arn = glue_arn(call, "connection", name);
    g_autoptr(json_auto) tags = glue_tags(json_object_get(request, "Tags"));
    struct resource connection = {.kind = (char *)KIND,
                                  .name = (char *)name,
                                  .arn = arn,
                                  .status = (char *)"READY",
                                  .parent = (char *)"",
                                  .body = input,
                                  .tags = tags};
    bool taken = false;
    if (!glue_catalog(call, request, error))
        return false;
    if (resource_create(call->lathe->store, &connection, &taken, error))
        return glue_reply(reply, "CreateConnectionStatus", json_string("READY"));
    if (!taken)
        return false;
    g_clear_error(error);
    return error_set(error, ERROR_ALREADY_EXISTS, "Connection already exists.");
}

static json_t *describe(const struct resource *connection, bool hide)
{
    json_t *described = json_deep_copy(connection->body);
    json_object_del(described, "ValidateCredentials"); /* asked, and told by nobody */
    json_object_del(described, "ValidateForComputeEnvironments");
    json_t *properties = json_object_get(described, "ConnectionProperties");
    if (hide)
        json_object_del(properties, "PASSWORD");
    json_object_set_new(described, "Name", json_string(connection->name));
    json_object_set_new(described, "CreationTime", json_real(connection->created));
    json_object_set_new(described, "LastUpdatedTime", json_real(connection->modified));
    json_object_set_new(described, "Status", json_string(connection->status));
    json_object_set_new(described, "ConnectionSchemaVersion", json_integer(1));
    return described;
}

bool get_connection(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    const char *name = json_text_at(request, "Name");
    if (!glue_catalog(call, request, error))
        return false;
    GError *cause = NULL;
    g_autoptr(resource_auto) connection = resource_get(call->lathe->store, KIND, name, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    if (!connection)
        return missing(name, error);
    return glue_reply(reply, "Connection",
                      describe(connection, json_true_at(request, "HidePassword")));
}

/* A connection fits criteria where it has all of them. */
static bool has_all(const json_t *have, const json_t *wanted)
{
    size_t i, j;
    const json_t *one, *other;
    json_array_foreach((json_t *)wanted, i, one)
    {
        bool found = false;
        json_array_foreach((json_t *)have, j, other) found |= json_equal(one, other);
        if (!found)
            return false;
    }
    return true;
}

static bool is_wanted(const struct resource *connection, const json_t *filter)
{
    const char *type = json_text_at(filter, "ConnectionType");
    return (!type || g_strcmp0(json_text_at(connection->body, "ConnectionType"), type) == 0) &&
           has_all(json_object_get(connection->body, "MatchCriteria"),
                   json_object_get(filter, "MatchCriteria"));
}

bool get_connections(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    struct resource_query query = {.kind = KIND, .order = RESOURCE_BY_NAME, .ascending = true};
    if (!glue_catalog(call, request, error))
        return false;
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    json_t *list = all ? json_array() : NULL;
    for (guint i = 0; all && i < all->len; i++)
        if (is_wanted(all->pdata[i], json_object_get(request, "Filter")))
            json_array_append_new(list,
                                  describe(all->pdata[i], json_true_at(request, "HidePassword")));
    return glue_reply_page(call, request, NULL, "ConnectionList", list, LIST_PAGE, reply, error);
}

static bool replace(struct resource *connection, void *data, GError **error)
{
    (void)error;
    json_decref(connection->body);
    connection->body = json_incref(data);
    return true;
}

bool update_connection(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "Name");
    json_t *input = json_object_get(request, "ConnectionInput");
    bool found;
    if (!glue_catalog(call, request, error))
        return false;
    if (strcmp(name, json_text_at(input, "Name")) != 0)
        return error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                         "The connection %s cannot be renamed to %s.", name,
                         json_text_at(input, "Name"));
    return resource_update(call->lathe->store, KIND, name, replace, input, &found, error) &&
           (found || missing(name, error));
}

static bool delete_one(const struct call *call, const char *name, GError **error)
{
    bool found;
    return resource_delete(call->lathe->store, KIND, name, &found, error) &&
           (found || missing(name, error));
}

bool delete_connection(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    (void)reply;
    return glue_catalog(call, request, error) &&
           delete_one(call, json_text_at(request, "ConnectionName"), error);
}

bool batch_delete_connection(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    if (!glue_catalog(call, request, error))
        return false;
    json_t *gone = json_array(), *errors = json_object();
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(request, "ConnectionNameList"), i, name)
    {
        g_autoptr(GError) cause = NULL;
        if (delete_one(call, json_string_value(name), &cause))
            json_array_append(gone, name);
        else
            json_object_set_new(errors, json_string_value(name), glue_error_detail(cause));
    }
    reply->output = json_pack("{soso}", "Succeeded", gone, "Errors", errors);
    return true;
}
