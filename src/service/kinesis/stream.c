/* Data streams: creating, telling, changing, deleting. */
#include <string.h>

#include "base/id.h"
#include "base/page.h"
#include "service/kinesis/kinesis_inside.h"

#define LISTING "kinesis ListStreams"
#define LIST_PAGE 100
#define SHARDS_PAGE 100
#define ON_DEMAND_SHARDS 4
#define SHORTEST_HOURS 24
#define LONGEST_HOURS 8760
#define RECORD_KIB 1024

/* ---- CreateStream ---- */

static bool is_on_demand(const json_t *request)
{
    return g_strcmp0(json_text_at(request, "StreamModeDetails.StreamMode"), "ON_DEMAND") == 0;
}

/* 0 and an error where it is not told. */
static guint shards_wanted(const json_t *request, GError **error)
{
    gint64 count = json_integer_at(request, "ShardCount", 0);
    if (is_on_demand(request) && !count)
        return ON_DEMAND_SHARDS;
    if (is_on_demand(request) || !count) {
        error_set(error, ERROR_VALIDATION,
                  is_on_demand(request)
                      ? "ShardCount: a stream in ON_DEMAND mode has no shard count of its own."
                      : "ShardCount is missing: a stream in PROVISIONED mode has to have one.");
        return 0;
    }
    return (guint)MIN(count, G_MAXINT32);
}

static bool check_name(const char *name, GError **error)
{
    return (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "StreamName %s is the name of a folder's own place; a letter or a digit would "
                     "make it a name.",
                     name);
}

static json_t *body_of(const struct call *call, const json_t *request, const struct shards *shards)
{
    g_autofree char *word = id_word(20);
    g_autofree char *end = id_word(3);
    json_t *body = json_pack("{sosssIsIsIso}", "Id", json_sprintf("%s-%s", word, end), "Mode",
                             is_on_demand(request) ? "ON_DEMAND" : "PROVISIONED", "Hours",
                             (json_int_t)SHORTEST_HOURS, "Origin", (json_int_t)kinesis_now(call),
                             "MaxRecordSizeInKiB",
                             (json_int_t)json_integer_at(request, "MaxRecordSizeInKiB", RECORD_KIB),
                             "Shards", shards_to_json(shards));
    static const char *const kept[] = {"WarmThroughputMiBps", NULL};
    json_copy_members(body, request, kept);
    return body;
}

static bool write_stream(const struct call *call, struct resource *stream, GError **error)
{
    bool taken = false;
    if (resource_create(call->lathe->store, stream, &taken, error))
        return true;
    if (!taken)
        return false;
    g_clear_error(error);
    return error_set(error, ERROR_IN_USE_EXCEPTION, "Stream %s under account %s already exists.",
                     stream->name, call->account);
}

static bool create(const struct call *call, struct resource *stream, GError **error)
{
    if (!write_stream(call, stream, error))
        return false;
    if (kinesis_open_stream(call->lathe, stream, error))
        return true;
    resource_delete(call->lathe->store, DATA_STREAM_KIND, stream->name, NULL, NULL);
    return false;
}

bool create_stream(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    (void)reply;
    const char *name = json_text_at(request, "StreamName");
    guint count = check_name(name, error) ? shards_wanted(request, error) : 0;
    if (!count || !kinesis_check_limit(call, count, error))
        return false;
    g_autoptr(shards_auto) shards = shards_new(count, clock_wall(call->lathe->clock));
    g_autoptr(json_auto) body = body_of(call, request, shards);
    g_autoptr(json_auto) tags = kinesis_tags(request);
    g_autofree char *arn =
        g_strdup_printf("arn:aws:kinesis:%s:%s:stream/%s", call->region, call->account, name);
    struct resource stream = {.kind = (char *)DATA_STREAM_KIND,
                              .name = (char *)name,
                              .arn = arn,
                              .status = (char *)"ACTIVE",
                              .parent = (char *)"",
                              .body = body,
                              .tags = tags};
    stream.created = stream.modified = clock_wall(call->lathe->clock);
    return create(call, &stream, error);
}

/* ---- telling ---- */

static json_t *mode_of(const struct resource *stream)
{
    return json_pack("{sO}", "StreamMode", json_object_get(stream->body, "Mode"));
}

static json_t *describe(const struct resource *stream)
{
    return json_pack(
        "{sssssssosOsfs[{s[]}]ss}", "StreamName", stream->name, "StreamARN", stream->arn,
        "StreamStatus", stream->status, "StreamModeDetails", mode_of(stream),
        "RetentionPeriodHours", json_object_get(stream->body, "Hours"), "StreamCreationTimestamp",
        stream->created, "EnhancedMonitoring", "ShardLevelMetrics", "EncryptionType", "NONE");
}

bool describe_stream(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    g_autoptr(resource_auto) stream = kinesis_get(call, request, error);
    if (!stream)
        return false;
    g_autoptr(shards_auto) shards = shards_from_json(json_object_get(stream->body, "Shards"));
    double horizon =
        clock_wall(call->lathe->clock) - json_number_at(stream->body, "Hours", 0) * 3600;
    shards_expire(shards, horizon);
    bool more;
    json_t *page = kinesis_shards_page(
        stream, shards, json_text_at(request, "ExclusiveStartShardId"),
        (size_t)json_integer_at(request, "Limit", SHARDS_PAGE), NULL, NULL, &more);
    json_t *description = describe(stream);
    json_object_set_new(description, "Shards", page);
    json_object_set_new(description, "HasMoreShards", json_boolean(more));
    reply->output = json_pack("{so}", "StreamDescription", description);
    return true;
}

static void add_throughput(json_t *summary, const struct resource *stream)
{
    json_t *warm = json_object_get(stream->body, "WarmThroughputMiBps");
    if (warm)
        json_object_set_new(summary, "WarmThroughput",
                            json_pack("{sOsO}", "TargetMiBps", warm, "CurrentMiBps", warm));
}

bool describe_stream_summary(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    g_autoptr(resource_auto) stream = kinesis_get(call, request, error);
    g_autoptr(GPtrArray) consumers = stream ? kinesis_consumers(call, stream, error) : NULL;
    if (!consumers)
        return false;
    g_autoptr(shards_auto) shards = shards_from_json(json_object_get(stream->body, "Shards"));
    json_t *summary = describe(stream);
    json_object_set(summary, "StreamId", json_object_get(stream->body, "Id"));
    json_object_set_new(summary, "OpenShardCount", json_integer(shards_open(shards)));
    json_object_set_new(summary, "ConsumerCount", json_integer(consumers->len));
    json_object_set(summary, "MaxRecordSizeInKiB",
                    json_object_get(stream->body, "MaxRecordSizeInKiB"));
    add_throughput(summary, stream);
    reply->output = json_pack("{so}", "StreamDescriptionSummary", summary);
    return true;
}

static json_t *summary_of(const struct resource *stream)
{
    return json_pack("{sssssssosf}", "StreamName", stream->name, "StreamARN", stream->arn,
                     "StreamStatus", stream->status, "StreamModeDetails", mode_of(stream),
                     "StreamCreationTimestamp", stream->created);
}

/* A token is the last name of its page. */
static char *listed_up_to(const json_t *request, GError **error)
{
    const char *token = json_text_at(request, "NextToken");
    if (!token)
        return g_strdup(json_text_at(request, "ExclusiveStartStreamName"));
    return page_place(LISTING, token, ERROR_INVALID_ARGUMENT_EXCEPTION, error);
}

static void list_behind(const GPtrArray *all, const char *after, size_t limit, struct reply *reply)
{
    json_t *names = json_array(), *summaries = json_array();
    const char *last = NULL;
    bool more = false;
    for (guint i = 0; i < all->len && !more; i++) {
        const struct resource *stream = g_ptr_array_index(all, i);
        if (after && strcmp(stream->name, after) <= 0)
            continue;
        more = json_array_size(names) == limit;
        if (more)
            break;
        last = stream->name;
        json_array_append_new(names, json_string(last));
        json_array_append_new(summaries, summary_of(stream));
    }
    reply->output = json_pack("{sosbso}", "StreamNames", names, "HasMoreStreams", more,
                              "StreamSummaries", summaries);
    g_autofree char *token = more ? page_token(LISTING, last) : NULL;
    json_put(reply->output, "NextToken", token ? json_string(token) : NULL);
}

bool list_streams(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    GError *cause = NULL;
    g_autofree char *after = listed_up_to(request, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    struct resource_query query = {
        .kind = DATA_STREAM_KIND, .order = RESOURCE_BY_NAME, .ascending = true};
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    if (all)
        list_behind(all, after, (size_t)json_integer_at(request, "Limit", LIST_PAGE), reply);
    return all != NULL;
}

/* ---- changing ---- */

struct update {
    const json_t *request;
    bool longer; /* of a retention period */
};

/* Changes the body of the stream that the request means. */
static bool update_stream(const struct call *call, resource_change *change, struct update *update,
                          GError **error)
{
    bool found = false;
    g_autoptr(resource_auto) stream = kinesis_get(call, update->request, error);
    if (!stream || !resource_update(call->lathe->store, DATA_STREAM_KIND, stream->name, change,
                                    update, &found, error))
        return false;
    return found || kinesis_missing(call, stream->name, error);
}

static bool check_hours(const char *name, gint64 now, gint64 wanted, bool longer, GError **error)
{
    if (wanted < SHORTEST_HOURS || wanted > LONGEST_HOURS)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "%s allowed retention period is %d hours. Requested retention period "
                         "(%" G_GINT64_FORMAT " hours) is too %s.",
                         wanted < SHORTEST_HOURS ? "Minimum" : "Maximum",
                         wanted < SHORTEST_HOURS ? SHORTEST_HOURS : LONGEST_HOURS, wanted,
                         wanted < SHORTEST_HOURS ? "short" : "long");
    if (longer ? wanted >= now : wanted <= now)
        return true;
    return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "Requested retention period (%" G_GINT64_FORMAT
                     " hours) for stream %s can not be %s than existing retention period "
                     "(%" G_GINT64_FORMAT " hours). Use %sRetentionPeriod API.",
                     wanted, name, longer ? "shorter" : "longer", now,
                     longer ? "Decrease" : "Increase");
}

static bool set_hours(struct resource *stream, void *data, GError **error)
{
    const struct update *update = data;
    json_t *wanted = json_object_get(update->request, "RetentionPeriodHours");
    if (!check_hours(stream->name, json_integer_at(stream->body, "Hours", 0),
                     json_integer_value(wanted), update->longer, error))
        return false;
    json_object_set(stream->body, "Hours", wanted);
    return true;
}

static bool change_hours(const struct call *call, const json_t *request, bool longer,
                         GError **error)
{
    struct update update = {request, longer};
    if (!update_stream(call, set_hours, &update, error))
        return false;
    g_autoptr(data_stream_auto) stream = kinesis_find(call, request, NULL);
    if (stream)
        data_stream_set_hours(stream, json_number_at(request, "RetentionPeriodHours", 0));
    return true;
}

bool increase_stream_retention_period(const struct call *call, const json_t *request,
                                      struct reply *reply, GError **error)
{
    (void)reply;
    return change_hours(call, request, true, error);
}

bool decrease_stream_retention_period(const struct call *call, const json_t *request,
                                      struct reply *reply, GError **error)
{
    (void)reply;
    return change_hours(call, request, false, error);
}

static bool set_mode(struct resource *stream, void *data, GError **error)
{
    (void)error;
    const struct update *update = data;
    static const char *const kept[] = {"WarmThroughputMiBps", NULL};
    json_object_set(stream->body, "Mode", json_at(update->request, "StreamModeDetails.StreamMode"));
    json_copy_members(stream->body, update->request, kept);
    return true;
}

bool update_stream_mode(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    (void)reply;
    struct update update = {.request = request};
    return update_stream(call, set_mode, &update, error);
}

static bool set_record_size(struct resource *stream, void *data, GError **error)
{
    (void)error;
    const struct update *update = data;
    json_object_set(stream->body, "MaxRecordSizeInKiB",
                    json_object_get(update->request, "MaxRecordSizeInKiB"));
    return true;
}

bool update_max_record_size(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    struct update update = {.request = request};
    if (!update_stream(call, set_record_size, &update, error))
        return false;
    g_autoptr(data_stream_auto) stream = kinesis_find(call, request, NULL);
    if (stream)
        data_stream_set_longest(stream, (size_t)json_integer_at(request, "MaxRecordSizeInKiB", 0)
                                            << 10);
    return true;
}

static bool drop_stream(const struct call *call, const char *name, GError **error)
{
    bool found = false;
    return resource_delete(call->lathe->store, DATA_STREAM_KIND, name, &found, error) &&
           (found || kinesis_missing(call, name, error));
}

bool delete_stream(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    (void)reply;
    bool enforced = json_true_at(request, "EnforceConsumerDeletion");
    g_autoptr(data_stream_auto) stream = kinesis_find(call, request, error);
    g_autoptr(resource_auto) resource = stream ? kinesis_get(call, request, error) : NULL;
    if (!resource || !kinesis_drop_consumers(call, resource, enforced, error) ||
        !drop_stream(call, resource->name, error))
        return false;
    data_streams_remove(call->lathe->data_streams, stream);
    return true;
}
