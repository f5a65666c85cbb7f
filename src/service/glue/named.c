#include "service/glue/named.h"

bool named_missing(const struct named_type *type, const char *name, GError **error)
{
    return error_set(error, ERROR_ENTITY_NOT_FOUND, "%s%s%s", type->missing[0], name,
                     type->missing[1]);
}

struct resource *named_find(const struct call *call, const struct named_type *type,
                            const char *name, GError **error)
{
    GError *cause = NULL;
    struct resource *found = resource_get(call->lathe->store, type->kind, name, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!found)
        named_missing(type, name, error);
    return found;
}

/* ---- making ---- */

struct making {
    const struct named_creation *creation;
    struct resource *resource;
    bool taken;
};

static bool make(struct store_connection *connection, void *data, GError **error)
{
    struct making *making = data;
    const struct named_creation *creation = making->creation;
    return resource_create_within(connection, creation->call->lathe->store, making->resource,
                                  &making->taken, error) &&
           (!creation->also || creation->also(connection, creation, error));
}

bool named_create(const struct named_creation *creation, GError **error)
{
    const struct named_type *type = creation->type;
    const char *name = json_text_at(creation->request, "Name");
    g_autofree char *arn = glue_arn(creation->call, type->word, name);
    g_autoptr(json_auto) tags = glue_tags(json_object_get(creation->request, "Tags"));
    struct resource resource = {.kind = (char *)type->kind,
                                .name = (char *)name,
                                .arn = arn,
                                .status = (char *)creation->status,
                                .parent = (char *)creation->parent,
                                .body = creation->body,
                                .tags = tags};
    struct making making = {creation, &resource, false};
    if (store_write(creation->call->lathe->store, make, &making, error))
        return true;
    if (!making.taken)
        return false;
    g_clear_error(error);
    return error_set(error, ERROR_ALREADY_EXISTS, "%s%s%s", type->taken[0], name, type->taken[1]);
}

/* ---- listing ---- */

GPtrArray *named_list(const struct call *call, const struct named_type *type, size_t limit,
                      GError **error)
{
    struct resource_query query = {
        .kind = type->kind, .order = RESOURCE_BY_NAME, .ascending = true, .limit = limit};
    g_autofree char *next = NULL;
    return resource_list(call->lathe->store, &query, &next, error);
}

json_t *named_described(const struct call *call, const GPtrArray *all, named_describe *describe)
{
    json_t *list = all ? json_array() : NULL;
    for (guint i = 0; all && i < all->len; i++)
        json_array_append_new(list, describe(call->lathe, all->pdata[i]));
    return list;
}

json_t *named_names(const struct call *call, const GPtrArray *all, const json_t *request)
{
    json_t *list = all ? json_array() : NULL;
    for (guint i = 0; all && i < all->len; i++) {
        const struct resource *one = all->pdata[i];
        if (glue_has_tags(call, one, json_object_get(request, "Tags")))
            json_array_append_new(list, json_string(one->name));
    }
    return list;
}

void named_get_batch(const struct call *call, const struct named_type *type,
                     named_describe *describe, const json_t *names, const char *found,
                     const char *missing, struct reply *reply)
{
    json_t *told = json_array(), *absent = json_array();
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)names, i, name)
    {
        g_autoptr(resource_auto) one =
            resource_get(call->lathe->store, type->kind, json_string_value(name), NULL);
        if (one)
            json_array_append_new(told, describe(call->lathe, one));
        else
            json_array_append(absent, name);
    }
    reply->output = json_pack("{soso}", found, told, missing, absent);
}
