#include "flow/call.h"

#include <string.h>

#include "base/checksum.h"
#include "base/s3_uri.h"
#include "operation/shape.h"

#define LONGEST_DOCUMENT (16 << 20)
#define LONGEST_KEPT_BODY (64 << 10)
#define TOKEN_DIGITS 32 /* what every operation's token can hold */

static const struct shape_operation *shape_of(const char *service, const char *operation)
{
    const struct shape_service *shapes = shape_service_find(service);
    return shapes ? shape_operation_find(shapes, operation) : NULL;
}

static const char *payload_name(const struct shape *shape)
{
    const struct shape_member *payload = shape ? shape_payload(shape) : NULL;
    bool bytes = payload && payload->shape->type == SHAPE_BLOB;
    return bytes ? payload->name : NULL;
}

/* Moves the request's body from its JSON into a stream. */
static struct stream *take_body(const struct shape_operation *shape, json_t *request)
{
    const char *name = shape ? payload_name(shape->input) : NULL;
    const char *text = name ? json_text_at(request, name) : NULL;
    if (!text)
        return NULL;
    struct stream *body = stream_from_text(g_strdup(text));
    json_object_del(request, name);
    return body;
}

static bool keep_body(const struct shape_operation *shape, struct reply *reply, GError **error)
{
    const char *name = payload_name(shape->output);
    gint64 length = stream_length(reply->body);
    if (!name || length < 0 || length > LONGEST_KEPT_BODY)
        return true;
    g_autoptr(GBytes) bytes = stream_read_all(reply->body, LONGEST_KEPT_BODY, error);
    if (!bytes)
        return false;
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);
    if (text && g_utf8_validate(text, (gssize)size, NULL))
        json_put(reply->output, name, json_stringn(text, size));
    return true;
}

json_t *flow_call(const struct operations *operations, const struct call_context *asker,
                  const char *service, const char *operation, const json_t *request, GError **error)
{
    const struct shape_operation *shape = shape_of(service, operation);
    g_autoptr(json_auto) asked = json_copy((json_t *)request);
    g_autoptr(stream_auto) body = take_body(shape, asked);
    struct call_context context = *asker;
    context.body = body;
    context.is_step = true;
    struct reply reply = {0};
    json_t *answer = NULL;
    if (operation_call(operations, &context, service, operation, asked, &reply, error)) {
        if (!reply.output)
            reply.output = json_object();
        if (!reply.body || keep_body(shape, &reply, error))
            answer = json_incref(reply.output);
    }
    reply_clear(&reply);
    return answer;
}

struct call_context flow_asker_copy(const struct call_context *asker)
{
    return (struct call_context){.region = g_strdup(asker->region), .within = asker->within};
}

void flow_asker_clear(struct call_context *asker)
{
    g_free((char *)asker->region);
    asker->region = NULL;
}

json_t *flow_read_document(const struct operations *operations, const struct call_context *asker,
                           const char *uri, GError **error)
{
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    if (!s3_uri_parse(uri, &bucket, &key, error))
        return NULL;
    g_autoptr(json_auto) request = json_pack("{ssss}", "Bucket", bucket, "Key", key);
    struct reply reply = {0};
    json_t *document = NULL;
    if (operation_call(operations, asker, "s3", "GetObject", request, &reply, error)) {
        g_autoptr(GBytes) bytes = stream_read_all(reply.body, LONGEST_DOCUMENT, error);
        gsize size = 0;
        const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
        if (bytes)
            document = json_parse(text ? text : "", size, uri, error);
    } else {
        g_prefix_error(error, "%s: ", uri);
    }
    reply_clear(&reply);
    return document;
}

void flow_set_token(const char *service, const char *operation, json_t *request, const char *seed)
{
    const struct shape_operation *shape = shape_of(service, operation);
    for (size_t i = 0; shape && shape->input && i < shape->input->member_count; i++) {
        const struct shape_member *member = &shape->input->members[i];
        if (!(member->flags & MEMBER_TOKEN) || json_object_get(request, member->name))
            continue;
        g_autofree char *digest = checksum_hex_of(CHECKSUM_SHA256, seed, strlen(seed));
        json_object_set_new(request, member->name, json_stringn(digest, TOKEN_DIGITS));
    }
}
