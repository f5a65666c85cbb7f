/* Amazon Kinesis Data Streams: records kept in order for hours, read by many. */
#include "service/kinesis/kinesis_inside.h"

#include <math.h>
#include <string.h>

/* ---- names ---- */

const char *kinesis_name_in_arn(const char *arn, GError **error)
{
    const char *name = strstr(arn, ":stream/");
    if (name)
        return name + strlen(":stream/");
    error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
              "%s is not the ARN of a stream, arn:aws:kinesis:<region>:<account>:stream/<name>.",
              arn);
    return NULL;
}

const char *kinesis_name(const json_t *request, GError **error)
{
    const char *name = json_text_at(request, "StreamName");
    const char *arn = json_text_at(request, "StreamARN");
    if (!name && !arn) {
        error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                  "Either StreamName or StreamARN has to name the stream.");
        return NULL;
    }
    const char *in_arn = arn ? kinesis_name_in_arn(arn, error) : name;
    if (in_arn && name && strcmp(in_arn, name) != 0) {
        error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                  "StreamName %s and StreamARN %s name different streams.", name, arn);
        return NULL;
    }
    return in_arn;
}

bool kinesis_missing(const struct call *call, const char *name, GError **error)
{
    return error_set(error, ERROR_NOT_FOUND_EXCEPTION, "Stream %s under account %s not found.",
                     name, call->account);
}

static bool is_meant(const json_t *request, const char *id)
{
    const char *wanted = json_text_at(request, "StreamId");
    return !wanted || strcmp(wanted, id) == 0;
}

struct resource *kinesis_get(const struct call *call, const json_t *request, GError **error)
{
    const char *name = kinesis_name(request, error);
    GError *cause = NULL;
    g_autoptr(resource_auto) stream =
        name ? resource_get(call->lathe->store, DATA_STREAM_KIND, name, &cause) : NULL;
    if (cause)
        g_propagate_error(error, cause);
    else if (stream && is_meant(request, json_text_at(stream->body, "Id")))
        return g_steal_pointer(&stream);
    else if (name)
        kinesis_missing(call, name, error);
    return NULL;
}

struct data_stream *kinesis_find(const struct call *call, const json_t *request, GError **error)
{
    const char *name = kinesis_name(request, error);
    if (!name)
        return NULL;
    g_autoptr(data_stream_auto) stream = data_streams_find(call->lathe->data_streams, name);
    if (stream && is_meant(request, data_stream_id(stream)))
        return g_steal_pointer(&stream);
    kinesis_missing(call, name, error);
    return NULL;
}

gint64 kinesis_now(const struct call *call)
{
    return llround(clock_wall(call->lathe->clock) * 1000);
}

/* ---- sequence numbers: 56 digits, as AWS's have ---- */

#define SEQUENCE_FORMAT "49%013" G_GINT64_FORMAT "%027" G_GUINT64_FORMAT "%014u"
#define SEQUENCE_DIGITS 56

char *sequence_text(gint64 origin, guint64 number, guint32 shard)
{
    return g_strdup_printf(SEQUENCE_FORMAT, origin, number, shard);
}

static bool parse_digits(const char *text, size_t count, guint64 *number)
{
    g_autofree char *digits = g_strndup(text, count);
    return g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT64, number, NULL);
}

bool sequence_parse(gint64 origin, const char *text, guint64 *number, guint32 *shard)
{
    guint64 id;
    if (strlen(text) != SEQUENCE_DIGITS || !parse_digits(text + 15, 27, number) ||
        !parse_digits(text + 42, 14, &id))
        return false;
    *shard = (guint32)id;
    g_autofree char *same = sequence_text(origin, *number, *shard);
    return strcmp(same, text) == 0;
}

gint64 kinesis_origin(const struct resource *stream)
{
    return json_integer_at(stream->body, "Origin", 0);
}

/* ---- the service ---- */

bool kinesis_open_stream(struct lathe *lathe, const struct resource *stream, GError **error)
{
    struct data_stream_plan plan = {
        .name = stream->name,
        .id = json_text_at(stream->body, "Id"),
        .shards = shards_from_json(json_object_get(stream->body, "Shards")),
        .hours = json_number_at(stream->body, "Hours", 24),
        .longest = (size_t)json_integer_at(stream->body, "MaxRecordSizeInKiB", 1024) << 10,
        .origin = json_integer_at(stream->body, "Origin", 0)};
    return data_streams_add(lathe->data_streams, &plan, error);
}

static bool open_streams(struct lathe *lathe, GError **error)
{
    struct resource_query query = {.kind = DATA_STREAM_KIND};
    g_autoptr(GPtrArray) all = resource_list(lathe->store, &query, NULL, error);
    for (guint i = 0; all && i < all->len; i++)
        if (!kinesis_open_stream(lathe, g_ptr_array_index(all, i), error))
            return false;
    return all && data_streams_clean(lathe->data_streams, error);
}

bool kinesis_open(struct lathe *lathe, GError **error)
{
    if (lathe->data_streams)
        return true;
    g_autofree char *folder = g_build_filename(lathe->home, "data-streams", NULL);
    struct data_streams_settings settings = {.folder = folder,
                                             .clock = lathe->clock,
                                             .most = DATA_STREAM_MOST,
                                             .file = DATA_STREAM_FILE};
    lathe->data_streams = data_streams_open(&settings, error);
    return lathe->data_streams && open_streams(lathe, error);
}

static void tidy(struct lathe *lathe, double now)
{
    (void)now;
    data_streams_trim(lathe->data_streams);
}

static void close_service(struct lathe *lathe)
{
    data_streams_close(lathe->data_streams);
}

static const struct operation operations[] = {
    {"CreateStream", create_stream, OPERATION_BLOCKING},
    {"DescribeStream", describe_stream, OPERATION_BLOCKING},
    {"DescribeStreamSummary", describe_stream_summary, OPERATION_BLOCKING},
    {"ListStreams", list_streams, OPERATION_BLOCKING},
    {"DeleteStream", delete_stream, OPERATION_BLOCKING},
    {"IncreaseStreamRetentionPeriod", increase_stream_retention_period, OPERATION_BLOCKING},
    {"DecreaseStreamRetentionPeriod", decrease_stream_retention_period, OPERATION_BLOCKING},
    {"UpdateStreamMode", update_stream_mode, OPERATION_BLOCKING},
    {"UpdateMaxRecordSize", update_max_record_size, OPERATION_BLOCKING},
    {"DescribeLimits", describe_limits, OPERATION_BLOCKING},
    {"ListShards", list_shards, OPERATION_BLOCKING},
    {"SplitShard", split_shard, OPERATION_BLOCKING},
    {"MergeShards", merge_shards, OPERATION_BLOCKING},
    {"UpdateShardCount", update_shard_count, OPERATION_BLOCKING},
    {"PutRecord", kinesis_put_record, OPERATION_BLOCKING},
    {"PutRecords", kinesis_put_records, OPERATION_BLOCKING},
    {"GetShardIterator", get_shard_iterator, OPERATION_BLOCKING},
    {"GetRecords", get_records, OPERATION_BLOCKING},
    {"RegisterStreamConsumer", register_stream_consumer, OPERATION_BLOCKING},
    {"DescribeStreamConsumer", describe_stream_consumer, OPERATION_BLOCKING},
    {"ListStreamConsumers", list_stream_consumers, OPERATION_BLOCKING},
    {"DeregisterStreamConsumer", deregister_stream_consumer, OPERATION_BLOCKING},
    {"AddTagsToStream", add_tags_to_stream, OPERATION_BLOCKING},
    {"RemoveTagsFromStream", remove_tags_from_stream, OPERATION_BLOCKING},
    {"ListTagsForStream", list_tags_for_stream, OPERATION_BLOCKING},
    {"TagResource", kinesis_tag_resource, OPERATION_BLOCKING},
    {"UntagResource", kinesis_untag_resource, OPERATION_BLOCKING},
    {"ListTagsForResource", kinesis_list_tags_for_resource, OPERATION_BLOCKING},
};

static const struct direct_operation direct[] = {
    {"PutRecords", kinesis_put_records_directly},
    {0},
};

const struct service kinesis_service = {
    .name = "kinesis",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .direct = direct,
    .open = kinesis_open,
    .tidy = tidy,
    .close = close_service,
};
