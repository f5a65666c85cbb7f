/* Tags of whatever has an ARN. */
#include <string.h>

#include "service/glue/glue_inside.h"
#include "store/resource.h"

json_t *glue_tags(const json_t *tags)
{
    if (!json_object_size(tags))
        return NULL;
    json_t *list = json_array();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)tags, key, value)
        json_array_append_new(list, json_pack("{sssO}", "Key", key, "Value", value));
    return list;
}

bool glue_has_tags(const struct call *call, const struct resource *resource, const json_t *wanted)
{
    g_autoptr(json_auto) list = resource_tags(call->lathe->store, resource->arn, NULL);
    size_t i, found = 0;
    const json_t *tag;
    json_array_foreach(list, i, tag)
    {
        const char *value = json_string_value(json_object_get(wanted, json_text_at(tag, "Key")));
        found += value && strcmp(value, json_text_at(tag, "Value")) == 0;
    }
    return found == json_object_size(wanted);
}

/* Of a database, which is the catalog's. */
static bool find_database(const struct call *call, const char *name, GError **error)
{
    g_autoptr(json_auto) found = catalog_database_get(call->lathe->catalog, name, error);
    return found != NULL;
}

static bool find(const struct call *call, const json_t *request, GError **error)
{
    const char *arn = json_text_at(request, "ResourceArn");
    const char *database = strstr(arn, ":database/");
    GError *cause = NULL;
    if (database)
        return find_database(call, strchr(database, '/') + 1, error);
    g_autoptr(resource_auto) found = resource_get_by_arn(call->lathe->store, arn, &cause);
    if (cause)
        g_propagate_error(error, cause);
    return found ||
           (!cause && error_set(error, ERROR_ENTITY_NOT_FOUND, "Resource %s not found.", arn));
}

bool tag_resource(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    (void)reply;
    g_autoptr(json_auto) tags = glue_tags(json_object_get(request, "TagsToAdd"));
    return find(call, request, error) &&
           (!tags || resource_tags_put(call->lathe->store, json_text_at(request, "ResourceArn"),
                                       tags, error));
}

bool untag_resource(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    (void)reply;
    return find(call, request, error) &&
           resource_tags_remove(call->lathe->store, json_text_at(request, "ResourceArn"),
                                json_object_get(request, "TagsToRemove"), error);
}

bool get_tags(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    g_autoptr(json_auto) tags =
        find(call, request, error)
            ? resource_tags(call->lathe->store, json_text_at(request, "ResourceArn"), error)
            : NULL;
    json_t *map = tags ? json_object() : NULL;
    size_t i;
    json_t *tag;
    json_array_foreach(tags, i, tag)
        json_object_set(map, json_text_at(tag, "Key"), json_object_get(tag, "Value"));
    return glue_reply(reply, "Tags", map);
}
