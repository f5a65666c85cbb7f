/* Tags of data streams, in both forms: by a stream's name, and by its ARN. */
#include <string.h>

#include "service/kinesis/kinesis_inside.h"
#include "service/tags.h"

json_t *kinesis_tags(const json_t *request)
{
    json_t *tags = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(request, "Tags"), key, value)
        json_array_append_new(tags, json_pack("{sssO}", "Key", key, "Value", value));
    return tags;
}

/* The stream, or the consumer of one, that ResourceARN names. */
static struct resource *get_by_arn(const struct call *call, const json_t *request, GError **error)
{
    const char *arn = json_text_at(request, "ResourceARN");
    if (arn && strstr(arn, "/consumer/"))
        return kinesis_consumer_by_arn(call, arn, error);
    g_autoptr(json_auto) named =
        json_pack("{sOsO*}", "StreamARN", json_object_get(request, "ResourceARN"), "StreamId",
                  json_object_get(request, "StreamId"));
    return kinesis_get(call, named, error);
}

static bool put(const struct call *call, const struct resource *stream, const json_t *request,
                GError **error)
{
    g_autoptr(json_auto) tags = kinesis_tags(request);
    return tags_put(call->lathe->store, stream->arn, tags, ERROR_INVALID_ARGUMENT_EXCEPTION, error);
}

bool add_tags_to_stream(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) stream = kinesis_get(call, request, error);
    return stream && put(call, stream, request, error);
}

bool kinesis_tag_resource(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) stream = get_by_arn(call, request, error);
    return stream && put(call, stream, request, error);
}

static bool take_off(const struct call *call, const struct resource *stream, const json_t *request,
                     GError **error)
{
    return resource_tags_remove(call->lathe->store, stream->arn,
                                json_object_get(request, "TagKeys"), error);
}

bool remove_tags_from_stream(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) stream = kinesis_get(call, request, error);
    return stream && take_off(call, stream, request, error);
}

bool kinesis_untag_resource(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) stream = get_by_arn(call, request, error);
    return stream && take_off(call, stream, request, error);
}

bool list_tags_for_stream(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    g_autoptr(resource_auto) stream = kinesis_get(call, request, error);
    reply->output = stream ? tags_page(call->lathe->store, stream->arn, request, error) : NULL;
    return reply->output != NULL;
}

bool kinesis_list_tags_for_resource(const struct call *call, const json_t *request,
                                    struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) stream = get_by_arn(call, request, error);
    json_t *tags = stream ? resource_tags(call->lathe->store, stream->arn, error) : NULL;
    reply->output = tags ? json_pack("{so}", "Tags", tags) : NULL;
    return tags != NULL;
}
