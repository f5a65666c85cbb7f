/* Consumers that are registered with a stream: names, which clients register, look at and take
 * away. What they would read by, SubscribeToShard, there is not. */
#include <string.h>

#include "base/page.h"
#include "service/kinesis/kinesis_inside.h"

#define KIND "stream-consumer" /* named "<the stream's id>/<the consumer>" */
#define LISTING "kinesis ListStreamConsumers"
#define PAGE 100
#define MOST 20 /* of a stream */

static const char *id_of(const struct resource *stream)
{
    return json_text_at(stream->body, "Id");
}

GPtrArray *kinesis_consumers(const struct call *call, const struct resource *stream, GError **error)
{
    struct resource_query query = {
        .kind = KIND, .parent = id_of(stream), .order = RESOURCE_BY_NAME, .ascending = true};
    return resource_list(call->lathe->store, &query, NULL, error);
}

/* ---- RegisterStreamConsumer ---- */

static bool check_room(const struct call *call, const struct resource *stream, GError **error)
{
    g_autoptr(GPtrArray) all = kinesis_consumers(call, stream, error);
    return all &&
           (all->len < MOST ||
            error_set(error, ERROR_LIMIT_EXCEEDED_EXCEPTION,
                      "Stream %s under account %s has %d registered consumers, which is the limit.",
                      stream->name, call->account, MOST));
}

static json_t *describe(const struct resource *consumer)
{
    return json_pack("{sOsssssf}", "ConsumerName", json_object_get(consumer->body, "Name"),
                     "ConsumerARN", consumer->arn, "ConsumerStatus", consumer->status,
                     "ConsumerCreationTimestamp", consumer->created);
}

static bool write_consumer(const struct call *call, struct resource *consumer, GError **error)
{
    bool taken = false;
    if (resource_create(call->lathe->store, consumer, &taken, error))
        return true;
    if (!taken)
        return false;
    g_clear_error(error);
    return error_set(error, ERROR_IN_USE_EXCEPTION,
                     "Consumer %s of the stream %s under account %s already exists.",
                     json_text_at(consumer->body, "Name"),
                     json_text_at(consumer->body, "StreamARN"), call->account);
}

bool register_stream_consumer(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    g_autoptr(resource_auto) stream = kinesis_get(call, request, error);
    if (!stream || !check_room(call, stream, error))
        return false;
    const char *name = json_text_at(request, "ConsumerName");
    double now = clock_wall(call->lathe->clock);
    g_autofree char *full = g_strdup_printf("%s/%s", id_of(stream), name);
    g_autofree char *arn =
        g_strdup_printf("%s/consumer/%s:%" G_GINT64_FORMAT, stream->arn, name, (gint64)now);
    g_autoptr(json_auto) body = json_pack("{ssss}", "Name", name, "StreamARN", stream->arn);
    g_autoptr(json_auto) tags = kinesis_tags(request);
    struct resource consumer = {.kind = (char *)KIND,
                                .name = full,
                                .arn = arn,
                                .status = (char *)"ACTIVE",
                                .parent = (char *)id_of(stream),
                                .body = body,
                                .created = now,
                                .modified = now,
                                .tags = tags};
    if (!write_consumer(call, &consumer, error))
        return false;
    reply->output = json_pack("{so}", "Consumer", describe(&consumer));
    return true;
}

/* ---- which one ---- */

static bool missing(const char *name, GError **error)
{
    return error_set(error, ERROR_NOT_FOUND_EXCEPTION, "Consumer %s was not found.", name);
}

/* {"StreamARN", "ConsumerName"} of an ARN, "<the stream's>/consumer/<name>:<seconds>"; NULL: it is
 * no consumer's. */
static json_t *parse_arn(const char *arn)
{
    const char *part = strstr(arn, "/consumer/"), *name = part ? part + strlen("/consumer/") : NULL;
    const char *colon = name ? strrchr(name, ':') : NULL;
    return colon ? json_pack("{ss%ss%}", "StreamARN", arn, (size_t)(part - arn), "ConsumerName",
                             name, (size_t)(colon - name))
                 : NULL;
}

static struct resource *find(const struct call *call, const json_t *named, const char *arn,
                             GError **error)
{
    const char *name = json_text_at(named, "ConsumerName");
    g_autoptr(resource_auto) stream = kinesis_get(call, named, error);
    if (!stream)
        return NULL;
    g_autofree char *full = g_strdup_printf("%s/%s", id_of(stream), name);
    GError *cause = NULL;
    g_autoptr(resource_auto) consumer = resource_get(call->lathe->store, KIND, full, &cause);
    if (consumer && (!arn || strcmp(arn, consumer->arn) == 0))
        return g_steal_pointer(&consumer);
    if (cause)
        g_propagate_error(error, cause);
    else
        missing(arn ? arn : name, error);
    return NULL;
}

struct resource *kinesis_consumer_by_arn(const struct call *call, const char *arn, GError **error)
{
    g_autoptr(json_auto) named = parse_arn(arn);
    if (named)
        return find(call, named, arn, error);
    error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
              "%s is not the ARN of a consumer, "
              "arn:aws:kinesis:<region>:<account>:stream/<name>/consumer/<name>:<time>.",
              arn);
    return NULL;
}

/* The consumer that a request names, by its ARN, or by its stream's ARN and its name. */
static struct resource *get(const struct call *call, const json_t *request, GError **error)
{
    const char *arn = json_text_at(request, "ConsumerARN");
    const char *name = json_text_at(request, "ConsumerName");
    if (!arn && name && json_text_at(request, "StreamARN"))
        return find(call, request, NULL, error);
    g_autoptr(resource_auto) consumer = arn ? kinesis_consumer_by_arn(call, arn, error) : NULL;
    const char *stream = json_text_at(request, "StreamARN");
    if (!arn)
        error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                  "Either ConsumerARN, or StreamARN and ConsumerName have to name the consumer.");
    else if (consumer &&
             ((name && strcmp(name, json_text_at(consumer->body, "Name")) != 0) ||
              (stream && strcmp(stream, json_text_at(consumer->body, "StreamARN")) != 0)))
        error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                  "ConsumerARN %s is not of that StreamARN and ConsumerName.", arn);
    else
        return g_steal_pointer(&consumer);
    return NULL;
}

/* ---- the others ---- */

bool describe_stream_consumer(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    g_autoptr(resource_auto) consumer = get(call, request, error);
    if (!consumer)
        return false;
    json_t *description = describe(consumer);
    json_object_set(description, "StreamARN", json_object_get(consumer->body, "StreamARN"));
    reply->output = json_pack("{so}", "ConsumerDescription", description);
    return true;
}

bool list_stream_consumers(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    g_autoptr(resource_auto) stream = kinesis_get(call, request, error);
    if (stream && !kinesis_was_created_then(stream, request))
        return kinesis_missing(call, stream->name, error);
    g_autoptr(GPtrArray) all = stream ? kinesis_consumers(call, stream, error) : NULL;
    if (!all)
        return false;
    g_autoptr(json_auto) list = json_array();
    for (guint i = 0; i < all->len; i++)
        json_array_append_new(list, describe(all->pdata[i]));
    struct page_listing listing = {LISTING, PAGE, ERROR_INVALID_ARGUMENT_EXCEPTION};
    return page_put(&reply->output, "Consumers", list, &listing, request, error);
}

static bool drop(const struct call *call, const struct resource *consumer, GError **error)
{
    bool found = false;
    return resource_delete(call->lathe->store, KIND, consumer->name, &found, error);
}

bool deregister_stream_consumer(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    (void)reply;
    g_autoptr(resource_auto) consumer = get(call, request, error);
    return consumer && drop(call, consumer, error);
}

bool kinesis_drop_consumers(const struct call *call, const struct resource *stream, bool enforced,
                            GError **error)
{
    g_autoptr(GPtrArray) all = kinesis_consumers(call, stream, error);
    if (all && all->len && !enforced)
        return error_set(error, ERROR_IN_USE_EXCEPTION,
                         "Stream %s under account %s has registered consumers: they have to be "
                         "deregistered, or EnforceConsumerDeletion has to be true.",
                         stream->name, call->account);
    for (guint i = 0; all && i < all->len; i++)
        if (!drop(call, all->pdata[i], error))
            return false;
    return all != NULL;
}
