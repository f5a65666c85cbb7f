/* Tags of delivery streams. */
#include <string.h>

#include "service/firehose/firehose_inside.h"

#define LIST_PAGE 50

json_t *firehose_tags(const json_t *request, GError **error)
{
    g_autoptr(GHashTable) keys = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(json_auto) tags = json_array();
    size_t i;
    const json_t *tag;
    json_array_foreach(json_object_get(request, "Tags"), i, tag)
    {
        const char *key = json_text_at(tag, "Key"), *value = json_text_at(tag, "Value");
        if (!g_hash_table_add(keys, (char *)key)) {
            error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                      "Tags: the key %s is there twice; each key has one value.", key);
            return NULL;
        }
        json_array_append_new(tags, json_pack("{ssss}", "Key", key, "Value", value ? value : ""));
    }
    return g_steal_pointer(&tags);
}

/* There is one error for too many. */
static bool put_tags(struct store *store, const char *arn, const json_t *tags, GError **error)
{
    if (resource_tags_put(store, arn, tags, error))
        return true;
    if (error && g_error_matches(*error, LATHE_ERROR, ERROR_VALIDATION))
        (*error)->code = ERROR_LIMIT_EXCEEDED_EXCEPTION;
    return false;
}

bool tag_delivery_stream(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) stream = firehose_get(call, request, error);
    g_autoptr(json_auto) tags = stream ? firehose_tags(request, error) : NULL;
    return tags && put_tags(call->lathe->store, stream->arn, tags, error);
}

bool untag_delivery_stream(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) stream = firehose_get(call, request, error);
    return stream && resource_tags_remove(call->lathe->store, stream->arn,
                                          json_object_get(request, "TagKeys"), error);
}

bool list_tags_for_delivery_stream(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) stream = firehose_get(call, request, error);
    g_autoptr(json_auto) all =
        stream ? resource_tags(call->lathe->store, stream->arn, error) : NULL;
    if (!all)
        return false;
    const char *after = json_text_at(request, "ExclusiveStartTagKey");
    size_t limit = (size_t)json_integer_at(request, "Limit", LIST_PAGE), i;
    json_t *tags = json_array();
    json_t *tag;
    bool more = false;
    json_array_foreach(all, i, tag)
    {
        if (after && strcmp(json_text_at(tag, "Key"), after) <= 0)
            continue;
        more |= json_array_size(tags) == limit;
        if (!more)
            json_array_append(tags, tag);
    }
    reply->output = json_pack("{sosb}", "Tags", tags, "HasMoreTags", more);
    return true;
}
