/* Tags of SageMaker's resources, by ARN. */
#include "base/page.h"
#include "service/sagemaker/lineage.h"

static bool resource_exists(const struct call *call, const char *arn, GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) resource = resource_get_by_arn(call->lathe->store, arn, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    bool told = false;
    if (!resource && !lineage_has(call->lathe, arn, &told, error))
        return false;
    return resource || told ||
           error_set(error, ERROR_VALIDATION, "Could not find the resource with the ARN %s.", arn);
}

static bool check_key(const char *key, GError **error)
{
    return g_ascii_strncasecmp(key, "aws:", 4) != 0 ||
           error_set(error, ERROR_VALIDATION,
                     "System prefix 'aws:' reserved for AWS usage in tag key: %s", key);
}

bool sagemaker_check_tags(const json_t *tags, GError **error)
{
    g_autoptr(GHashTable) keys = g_hash_table_new(g_str_hash, g_str_equal);
    size_t i;
    const json_t *tag;
    json_array_foreach((json_t *)tags, i, tag)
    {
        const char *key = json_text_at(tag, "Key");
        if (!check_key(key, error))
            return false;
        if (!g_hash_table_add(keys, (char *)key))
            return error_set(error, ERROR_VALIDATION, "Duplicate tag key: %s", key);
    }
    return true;
}

static bool check_keys(const json_t *keys, GError **error)
{
    size_t i;
    const json_t *key;
    json_array_foreach((json_t *)keys, i, key)
    {
        if (!check_key(json_string_value(key), error))
            return false;
    }
    return true;
}

bool add_tags(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    struct store *store = call->lathe->store;
    const char *arn = json_text_at(request, "ResourceArn");
    const json_t *given = json_object_get(request, "Tags");
    if (!sagemaker_check_tags(given, error) || !resource_exists(call, arn, error) ||
        !resource_tags_put(store, arn, given, error))
        return false;
    json_t *tags = resource_tags(store, arn, error);
    if (tags)
        reply->output = json_pack("{so}", "Tags", tags);
    return tags != NULL;
}

bool list_tags(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    const char *arn = json_text_at(request, "ResourceArn");
    if (!resource_exists(call, arn, error))
        return false;
    g_autoptr(json_auto) tags = resource_tags(call->lathe->store, arn, error);
    if (!tags)
        return false;
    g_autofree char *whose = g_strconcat("ListTags\n", arn, NULL);
    struct page_listing listing = {whose, json_array_size(tags), ERROR_VALIDATION};
    return page_put(&reply->output, "Tags", tags, &listing, request, error);
}

bool delete_tags(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    (void)reply;
    const char *arn = json_text_at(request, "ResourceArn");
    const json_t *keys = json_object_get(request, "TagKeys");
    return check_keys(keys, error) && resource_exists(call, arn, error) &&
           resource_tags_remove(call->lathe->store, arn, keys, error);
}
