/* Databases of the catalog. */
#include <string.h>

#include "service/glue/glue_inside.h"
#include "store/resource.h"

#define LIST_PAGE 100

bool create_database(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    (void)reply;
    const json_t *input = json_object_get(request, "DatabaseInput");
    struct catalog *catalog = glue_catalog(call, request, error);
    if (!catalog || !catalog_database_create(catalog, input, error))
        return false;
    g_autofree char *name = g_utf8_strdown(json_text_at(input, "Name"), -1);
    g_autofree char *arn = glue_arn(call, "database", name);
    g_autoptr(json_auto) tags = glue_tags(json_object_get(request, "Tags"));
    return !tags || resource_tags_put(call->lathe->store, arn, tags, error);
}

bool get_database(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    json_t *database =
        catalog ? catalog_database_get(catalog, json_text_at(request, "Name"), error) : NULL;
    glue_dress(call, database);
    return glue_reply(reply, "Database", database);
}

/* AttributesToGet is NAME, or nothing. */
static void keep_names(json_t *list)
{
    size_t i;
    json_t *database;
    json_array_foreach(list, i, database)
    {
        json_t *name = json_pack("{sO}", "Name", json_object_get(database, "Name"));
        json_array_set_new(list, i, name);
    }
}

bool get_databases(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    json_t *list = catalog ? catalog_database_list(catalog, error) : NULL;
    glue_dress_all(call, list);
    if (json_array_size(json_object_get(request, "AttributesToGet")))
        keep_names(list);
    return glue_reply_page(call, request, NULL, "DatabaseList", list, LIST_PAGE, reply, error);
}

bool update_database(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    (void)reply;
    struct catalog *catalog = glue_catalog(call, request, error);
    return catalog && catalog_database_update(catalog, json_text_at(request, "Name"),
                                              json_object_get(request, "DatabaseInput"), error);
}

/* Another database of that name has none of them. */
static bool remove_tags(const struct call *call, const char *name, GError **error)
{
    g_autofree char *folded = g_utf8_strdown(name, -1);
    g_autofree char *arn = glue_arn(call, "database", folded);
    g_autoptr(json_auto) tags = resource_tags(call->lathe->store, arn, error);
    g_autoptr(json_auto) keys = json_array();
    size_t i;
    const json_t *tag;
    json_array_foreach(tags, i, tag) json_array_append(keys, json_object_get(tag, "Key"));
    return tags &&
           (!json_array_size(keys) || resource_tags_remove(call->lathe->store, arn, keys, error));
}

bool delete_database(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    (void)reply;
    struct catalog *catalog = glue_catalog(call, request, error);
    const char *name = json_text_at(request, "Name");
    return catalog && catalog_database_delete(catalog, name, error) &&
           remove_tags(call, name, error);
}
