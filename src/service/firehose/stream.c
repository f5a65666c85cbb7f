/* Delivery streams: creating, telling, updating, deleting. */
#include <string.h>

#include "base/id.h"
#include "service/firehose/destination.h"
#include "service/firehose/firehose_inside.h"
#include "service/kinesis/kinesis.h"

#define DESTINATION_ID "destinationId-000000000001"
#define LIST_PAGE 10

bool firehose_missing(const struct call *call, const char *name, GError **error)
{
    return error_set(error, ERROR_NOT_FOUND_EXCEPTION, "Firehose %s under account %s not found.",
                     name, call->account);
}

struct resource *firehose_get(const struct call *call, const json_t *request, GError **error)
{
    const char *name = json_text_at(request, "DeliveryStreamName");
    GError *cause = NULL;
    struct resource *stream = resource_get(call->lathe->store, DELIVERY_STREAM_KIND, name, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!stream)
        firehose_missing(call, name, error);
    return stream;
}

/* ---- CreateDeliveryStream ---- */

/* The name is a folder's. */
static bool check_name(const char *name, GError **error)
{
    return (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "DeliveryStreamName %s is the name of a folder's own place; a letter or a "
                     "digit would make it a name.",
                     name);
}

/* Before any change of the store, which would wait for it. */
static bool check_query(const struct call *call, const json_t *given, GError **error)
{
    return destination_check_query(given, delivery_streams_extractor(call->lathe->streams), error);
}

/* The data stream of a request, and where it is then; NULL where records are put. */
static bool check_source(const struct call *call, const json_t *request,
                         struct data_stream **source, GError **error)
{
    const char *type = json_text_at(request, "DeliveryStreamType");
    const char *arn = json_text_at(request, "KinesisStreamSourceConfiguration.KinesisStreamARN");
    bool reads = g_strcmp0(type, "KinesisStreamAsSource") == 0;
    *source = NULL;
    if (reads != (arn != NULL))
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         reads ? "KinesisStreamSourceConfiguration is required for the delivery "
                                 "stream type KinesisStreamAsSource."
                               : "KinesisStreamSourceConfiguration is for the delivery stream type "
                                 "KinesisStreamAsSource alone.");
    const char *name = arn ? kinesis_name_in_arn(arn, error) : NULL;
    *source = name ? data_streams_find(call->lathe->data_streams, name) : NULL;
    return !arn || *source ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "Stream %s under account %s not found.", name, call->account);
}

static void describe_source(const struct call *call, const json_t *request,
                            struct data_stream *source, json_t *body)
{
    json_t *direct = json_object_get(request, "DirectPutSourceConfiguration");
    if (direct)
        json_object_set_new(body, "Source",
                            json_pack("{sO}", "DirectPutSourceDescription", direct));
    if (!source)
        return;
    json_t *told = json_copy(json_object_get(request, "KinesisStreamSourceConfiguration"));
    json_object_set_new(told, "DeliveryStartTimestamp", json_real(clock_wall(call->lathe->clock)));
    json_object_set_new(body, "Source", json_pack("{so}", "KinesisStreamSourceDescription", told));
    json_object_set_new(body, "From",
                        json_pack("{sssI}", "StreamId", data_stream_id(source), "Number",
                                  (json_int_t)data_stream_next(source)));
}

static json_t *body_of(const struct call *call, const json_t *request, json_t *destination,
                       struct data_stream *source)
{
    g_autofree char *id = id_word(12);
    json_t *body = json_pack("{sssssssO}", "Id", id, "DeliveryStreamType",
                             source ? "KinesisStreamAsSource" : "DirectPut", "VersionId", "1",
                             "Destination", destination);
    describe_source(call, request, source, body);
    return body;
}

static struct data_stream *find_source(struct lathe *lathe, const struct resource *stream)
{
    const char *arn =
        json_text_at(stream->body, "Source.KinesisStreamSourceDescription.KinesisStreamARN");
    const char *id = json_text_at(stream->body, "From.StreamId");
    g_autoptr(data_stream_auto) found =
        arn ? data_streams_find(lathe->data_streams, kinesis_name_in_arn(arn, NULL)) : NULL;
    return found && strcmp(data_stream_id(found), id) == 0 ? g_steal_pointer(&found) : NULL;
}

/* One whose source was deleted is there, and delivers nothing more. */
static bool open_stream(struct lathe *lathe, const struct resource *stream, GError **error)
{
    struct delivery_config *config = destination_config(
        json_object_get(stream->body, "Destination"), json_text_at(stream->body, "VersionId"));
    g_autoptr(data_stream_auto) data_stream = find_source(lathe, stream);
    struct delivery_source source = {data_stream,
                                     (guint64)json_integer_at(stream->body, "From.Number", 0)};
    return delivery_streams_add(lathe->streams, stream->name, json_text_at(stream->body, "Id"),
                                config, json_object_get(stream->body, "From") ? &source : NULL,
                                error);
}

static bool write_stream(const struct call *call, struct resource *stream, GError **error)
{
    bool taken = false;
    if (resource_create(call->lathe->store, stream, &taken, error))
        return true;
    if (!taken)
        return false;
    g_clear_error(error);
    return error_set(error, ERROR_IN_USE_EXCEPTION, "Firehose %s under accountId %s already exists",
                     stream->name, call->account);
}

static bool create(const struct call *call, struct resource *stream, GError **error)
{
    if (!write_stream(call, stream, error))
        return false;
    if (open_stream(call->lathe, stream, error))
        return true;
    resource_delete(call->lathe->store, DELIVERY_STREAM_KIND, stream->name, NULL, NULL);
    return false;
}

static char *arn_of(const struct call *call, const char *name)
{
    return g_strdup_printf("arn:aws:firehose:%s:%s:deliverystream/%s", call->region, call->account,
                           name);
}

bool create_delivery_stream(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    const char *name = json_text_at(request, "DeliveryStreamName");
    const json_t *given = destination_in(request, "Configuration", error);
    g_autoptr(json_auto) tags = firehose_tags(request, given ? error : NULL);
    g_autoptr(json_auto) destination =
        given && tags && check_name(name, error) && check_query(call, given, error)
            ? destination_merge(NULL, given, error)
            : NULL;
    g_autoptr(data_stream_auto) source = NULL;
    if (!destination || !check_source(call, request, &source, error))
        return false;
    g_autoptr(json_auto) body = body_of(call, request, destination, source);
    g_autofree char *arn = arn_of(call, name);
    struct resource stream = {.kind = (char *)DELIVERY_STREAM_KIND,
                              .name = (char *)name,
                              .arn = arn,
                              .status = (char *)"ACTIVE",
                              .parent = (char *)"",
                              .body = body,
                              .tags = tags};
    if (!create(call, &stream, error))
        return false;
    reply->output = json_pack("{ss}", "DeliveryStreamARN", arn);
    return true;
}

/* ---- telling ---- */

static json_t *describe(const struct resource *stream)
{
    json_t *destination = destination_describe(json_object_get(stream->body, "Destination"));
    json_object_set_new(destination, "DestinationId", json_string(DESTINATION_ID));
    return json_pack("{sssssssOsOsfs[o]sbsO*}", "DeliveryStreamName", stream->name,
                     "DeliveryStreamARN", stream->arn, "DeliveryStreamStatus", stream->status,
                     "DeliveryStreamType", json_object_get(stream->body, "DeliveryStreamType"),
                     "VersionId", json_object_get(stream->body, "VersionId"), "CreateTimestamp",
                     stream->created, "Destinations", destination, "HasMoreDestinations", 0,
                     "Source", json_object_get(stream->body, "Source"));
}

bool describe_delivery_stream(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    g_autoptr(resource_auto) stream = firehose_get(call, request, error);
    if (!stream)
        return false;
    json_t *description = describe(stream);
    if (strcmp(json_text_at(description, "VersionId"), "1") != 0)
        json_object_set_new(description, "LastUpdateTimestamp", json_real(stream->modified));
    if (json_object_get(request, "ExclusiveStartDestinationId"))
        json_array_clear(json_object_get(description, "Destinations"));
    reply->output = json_pack("{so}", "DeliveryStreamDescription", description);
    return true;
}

bool list_delivery_streams(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    struct resource_query query = {
        .kind = DELIVERY_STREAM_KIND, .order = RESOURCE_BY_NAME, .ascending = true};
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    const char *after = json_text_at(request, "ExclusiveStartDeliveryStreamName");
    const char *type = json_text_at(request, "DeliveryStreamType");
    size_t limit = (size_t)json_integer_at(request, "Limit", LIST_PAGE);
    json_t *names = json_array();
    bool more = false;
    for (guint i = 0; all && i < all->len; i++) {
        const struct resource *stream = g_ptr_array_index(all, i);
        if ((after && strcmp(stream->name, after) <= 0) ||
            (type && strcmp(type, json_text_at(stream->body, "DeliveryStreamType")) != 0))
            continue;
        more = json_array_size(names) == limit;
        if (more)
            break;
        json_array_append_new(names, json_string(stream->name));
    }
    reply->output =
        json_pack("{sosb}", "DeliveryStreamNames", names, "HasMoreDeliveryStreams", more);
    return all != NULL;
}

/* ---- UpdateDestination ---- */

struct update {
    const json_t *request;
    const json_t *given;
    struct delivery_config *config; /* of the update that was done */
};

static bool check_version(const struct resource *stream, const char *version, const char *wanted,
                          GError **error)
{
    return strcmp(version, wanted) == 0 ||
           error_set(error, ERROR_CONCURRENT_CHANGE,
                     "Cannot update firehose: %s since the current version id: %s and specified "
                     "version id: %s do not match",
                     stream->name, version, wanted);
}

static bool update(struct resource *stream, void *data, GError **error)
{
    struct update *update = data;
    const char *version = json_text_at(stream->body, "VersionId");
    const char *wanted = json_text_at(update->request, "CurrentDeliveryStreamVersionId");
    if (!check_version(stream, version, wanted, error))
        return false;
    json_t *destination =
        destination_merge(json_object_get(stream->body, "Destination"), update->given, error);
    if (!destination)
        return false;
    gint64 next = g_ascii_strtoll(version, NULL, 10) + 1;
    json_object_set_new(stream->body, "VersionId", json_sprintf("%" G_GINT64_FORMAT, next));
    json_object_set_new(stream->body, "Destination", destination);
    update->config = destination_config(destination, json_text_at(stream->body, "VersionId"));
    return true;
}

static bool check_destination(const json_t *request, GError **error)
{
    const char *id = json_text_at(request, "DestinationId");
    return strcmp(id, DESTINATION_ID) == 0 ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "Destination Id %s not found: a stream has one, " DESTINATION_ID ".", id);
}

bool update_destination(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "DeliveryStreamName");
    struct update change = {.request = request};
    bool found;
    change.given =
        check_destination(request, error) ? destination_in(request, "Update", error) : NULL;
    bool updated = change.given && check_query(call, change.given, error) &&
                   resource_update(call->lathe->store, DELIVERY_STREAM_KIND, name, update, &change,
                                   &found, error);
    if (updated && !found)
        return firehose_missing(call, name, error);
    g_autoptr(delivery_stream_auto) stream = delivery_streams_find(call->lathe->streams, name);
    if (updated && stream)
        delivery_stream_update(stream, change.config);
    else
        delivery_config_unref(change.config);
    return updated;
}

/* ---- DeleteDeliveryStream ---- */

static bool delete_ended(const struct call *call, struct delivery_stream *stream, const char *name,
                         GError **error)
{
    bool found;
    if (!resource_delete(call->lathe->store, DELIVERY_STREAM_KIND, name, &found, error)) {
        delivery_stream_go_on(stream);
        return false;
    }
    delivery_streams_remove(call->lathe->streams, stream);
    return true;
}

/* What was accepted is delivered before the stream is gone. */
bool delete_delivery_stream(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "DeliveryStreamName");
    g_autoptr(delivery_stream_auto) stream = delivery_streams_find(call->lathe->streams, name);
    if (!stream)
        return firehose_missing(call, name, error);
    if (!delivery_stream_end(stream))
        return error_set(error, ERROR_IN_USE_EXCEPTION,
                         "Firehose %s under account %s is being deleted.", name, call->account);
    return delete_ended(call, stream, name, error);
}

/* ---- opening ---- */

static bool open_all(struct lathe *lathe, GError **error)
{
    struct resource_query query = {.kind = DELIVERY_STREAM_KIND};
    g_autoptr(GPtrArray) all = resource_list(lathe->store, &query, NULL, error);
    for (guint i = 0; all && i < all->len; i++)
        if (!open_stream(lathe, g_ptr_array_index(all, i), error))
            return false;
    return all != NULL;
}

bool firehose_open(struct lathe *lathe, GError **error)
{
    g_autofree char *folder = g_build_filename(lathe->home, "streams", NULL);
    struct delivery_streams_settings settings = {.folder = folder,
                                                 .store = lathe->store,
                                                 .lake = lathe->lake,
                                                 .clock = lathe->clock,
                                                 .backlog = DELIVERY_STREAM_BACKLOG,
                                                 .catalog = lathe->catalog,
                                                 .engine = lathe->engine};
    if (!kinesis_open(lathe, error))
        return false;
    lathe->streams = delivery_streams_open(&settings, error);
    return lathe->streams && open_all(lathe, error) &&
           delivery_streams_clean(lathe->streams, error);
}
