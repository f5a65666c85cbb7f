/* Tags of delivery streams. */
#include "service/firehose/firehose_inside.h"
#include "service/tags.h"

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

bool tag_delivery_stream(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) stream = firehose_get(call, request, error);
    g_autoptr(json_auto) tags = stream ? firehose_tags(request, error) : NULL;
    return tags &&
           tags_put(call->lathe->store, stream->arn, tags, ERROR_LIMIT_EXCEEDED_EXCEPTION, error);
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
    reply->output = stream ? tags_page(call->lathe->store, stream->arn, request, error) : NULL;
    return reply->output != NULL;
}
