/* GetShardIterator and GetRecords. */
#include <math.h>
#include <string.h>

#include "base/page.h"
#include "service/kinesis/kinesis_inside.h"

#define ITERATOR "kinesis GetShardIterator"
#define MOST_RECORDS 10000
#define MOST_BYTES ((size_t)10 << 20)
#define MOST_SCANNED ((size_t)64 << 20) /* bytes of all shards that one call looks at */

/* ---- iterators ---- */

struct iterator {
    char *stream, *id; /* g_free */
    guint32 shard;
    guint64 from; /* the number of the first record that may come */
    gint64 made;  /* milliseconds since 1970 */
};

static void clear_iterator(struct iterator *iterator)
{
    g_free(iterator->stream);
    g_free(iterator->id);
}

static char *iterator_text(const struct iterator *iterator)
{
    g_autofree char *place =
        g_strdup_printf("%s %s %u %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT, iterator->stream,
                        iterator->id, iterator->shard, iterator->from, iterator->made);
    return page_token(ITERATOR, place);
}

static bool check_age(const struct call *call, const struct iterator *iterator, GError **error)
{
    gint64 now = kinesis_now(call);
    if (now - iterator->made <= KINESIS_ITERATOR_MILLIS)
        return true;
    g_autofree char *made = clock_iso((double)iterator->made / 1000);
    g_autofree char *today = clock_iso((double)now / 1000);
    return error_set(error, ERROR_EXPIRED_ITERATOR,
                     "Iterator expired. The iterator was created at time %s while right now it is "
                     "%s which is further in the future than the tolerated delay of %d "
                     "milliseconds.",
                     made, today, KINESIS_ITERATOR_MILLIS);
}

static bool read_iterator(const struct call *call, const char *text, struct iterator *iterator,
                          GError **error)
{
    g_autofree char *place = page_place(ITERATOR, text, ERROR_INVALID_ARGUMENT_EXCEPTION, NULL);
    if (!place)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION, "Invalid ShardIterator.");
    g_auto(GStrv) words = g_strsplit(place, " ", 5);
    iterator->stream = g_strdup(words[0]);
    iterator->id = g_strdup(words[1]);
    iterator->shard = (guint32)g_ascii_strtoull(words[2], NULL, 10);
    iterator->from = g_ascii_strtoull(words[3], NULL, 10);
    iterator->made = g_ascii_strtoll(words[4], NULL, 10);
    return check_age(call, iterator, error);
}

/* ---- GetShardIterator ---- */

struct place {
    const struct call *call;
    const json_t *request;
    struct data_stream *stream;
    const struct shard *shard;
};

static bool from_number(const struct place *place, bool behind, guint64 *from, GError **error)
{
    const char *text = json_text_at(place->request, "StartingSequenceNumber");
    guint32 shard;
    if (!text)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "Must specify StartingSequenceNumber with the ShardIteratorType %s.",
                         json_text_at(place->request, "ShardIteratorType"));
    guint64 end = place->shard->last ? place->shard->last : data_stream_next(place->stream);
    if (!sequence_parse(data_stream_origin(place->stream), text, from, &shard) ||
        shard != place->shard->id || *from < place->shard->first || *from > end)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "StartingSequenceNumber %s used in GetShardIterator on shard %s in stream "
                         "%s under account %s is invalid because it did not come from this stream.",
                         text, json_text_at(place->request, "ShardId"),
                         data_stream_name(place->stream), place->call->account);
    *from += behind;
    return true;
}

static bool arrived_by(const struct data_seen *record, void *data)
{
    return record->millis < *(const gint64 *)data;
}

static bool from_time(const struct place *place, guint64 *from, GError **error)
{
    const json_t *time = json_object_get(place->request, "Timestamp");
    gint64 now = kinesis_now(place->call);
    if (!time)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "Must specify timestamp with the ShardIteratorType AT_TIMESTAMP.");
    gint64 millis = llround(json_number_value(time) * 1000);
    if (millis > now)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "The timestampInMillis parameter cannot be greater than the "
                         "currentTimestampInMillis. timestampInMillis: %" G_GINT64_FORMAT
                         ", currentTimestampInMillis: %" G_GINT64_FORMAT,
                         millis, now);
    return data_stream_read(place->stream, data_stream_since(place->stream, millis), arrived_by,
                            &millis, from, error);
}

static bool from_type(const struct place *place, guint64 *from, GError **error)
{
    const char *type = json_text_at(place->request, "ShardIteratorType");
    *from = place->shard->first;
    if (strcmp(type, "LATEST") == 0)
        *from = data_stream_next(place->stream);
    else if (strcmp(type, "AT_TIMESTAMP") == 0)
        return from_time(place, from, error);
    else if (strcmp(type, "TRIM_HORIZON") != 0)
        return from_number(place, strcmp(type, "AFTER_SEQUENCE_NUMBER") == 0, from, error);
    return true;
}

static bool iterate(struct place *place, struct reply *reply, GError **error)
{
    g_autoptr(shards_auto) shards = data_stream_shards(place->stream);
    struct iterator iterator = {.stream = (char *)data_stream_name(place->stream),
                                .id = (char *)data_stream_id(place->stream),
                                .made = kinesis_now(place->call)};
    place->shard = kinesis_shard(place->call, data_stream_name(place->stream), shards,
                                 json_text_at(place->request, "ShardId"), error);
    if (!place->shard || !from_type(place, &iterator.from, error))
        return false;
    iterator.shard = place->shard->id;
    g_autofree char *text = iterator_text(&iterator);
    reply->output = json_pack("{ss}", "ShardIterator", text);
    return true;
}

bool get_shard_iterator(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    g_autoptr(data_stream_auto) stream = kinesis_find(call, request, error);
    struct place place = {call, request, stream, NULL};
    return stream && iterate(&place, reply, error);
}

/* ---- GetRecords ---- */

struct gathering {
    gint64 origin;
    const struct shard *shard;
    gint64 horizon; /* milliseconds: what came before is past its time */
    size_t most, bytes, scanned;
    json_t *records;
    gint64 stopped_at; /* when the record at which it stopped arrived; 0: it came to the end */
};

static json_t *show(const struct gathering *gathering, const struct data_seen *record)
{
    g_autofree char *number = sequence_text(gathering->origin, record->number, record->shard);
    g_autofree char *data = g_base64_encode(record->bytes, record->size);
    return json_pack("{sssfssss%ss}", "SequenceNumber", number, "ApproximateArrivalTimestamp",
                     (double)record->millis / 1000, "EncryptionType", "NONE", "PartitionKey",
                     record->partition_key, record->key_size, "Data", data);
}

static bool is_full(const struct gathering *gathering, const struct data_seen *record)
{
    size_t count = json_array_size(gathering->records);
    return count == gathering->most ||
           (count && gathering->bytes + record->size + record->key_size > MOST_BYTES);
}

static bool stop_at(struct gathering *gathering, const struct data_seen *record)
{
    gathering->stopped_at = record->millis;
    return false;
}

/* The shard's records, until there are enough. Then it goes on to the next of them, which says that
 * there are more. */
static bool gather(const struct data_seen *record, void *data)
{
    struct gathering *gathering = data;
    if (gathering->shard->last && record->number > gathering->shard->last)
        return false;
    gathering->scanned += record->size + record->key_size + sizeof *record;
    if (gathering->scanned > MOST_SCANNED)
        return stop_at(gathering, record);
    if (record->shard != gathering->shard->id || record->millis < gathering->horizon)
        return true;
    if (is_full(gathering, record))
        return stop_at(gathering, record);
    gathering->bytes += record->size + record->key_size;
    json_array_append_new(gathering->records, show(gathering, record));
    return true;
}

static json_t *child(const struct shard *shard)
{
    const guint32 parents[] = {shard->parent, shard->adjacent};
    g_autofree char *name = shard_name(shard->id);
    g_autofree char *start = hash_key_text(shard->start);
    g_autofree char *end = hash_key_text(shard->end);
    json_t *names = json_array();
    for (size_t i = 0; i < G_N_ELEMENTS(parents); i++) {
        g_autofree char *parent = shard_name(parents[i]);
        if (parents[i] != SHARD_NONE)
            json_array_append_new(names, json_string(parent));
    }
    return json_pack("{sssos{ssss}}", "ShardId", name, "ParentShards", names, "HashKeyRange",
                     "StartingHashKey", start, "EndingHashKey", end);
}

static json_t *children_of(const struct shards *shards, guint32 id)
{
    json_t *list = json_array();
    for (guint i = 0; i < shards->all->len; i++) {
        const struct shard *shard = &g_array_index(shards->all, struct shard, i);
        if (shard->parent == id || shard->adjacent == id)
            json_array_append_new(list, child(shard));
    }
    return list;
}

/* Where to go on; or, behind the end of a shard that is closed, with which others. */
static void tell_next(const struct call *call, struct iterator *iterator,
                      const struct gathering *gathering, const struct shards *shards,
                      struct reply *reply)
{
    if (gathering->shard->last && !gathering->stopped_at) {
        json_object_set_new(reply->output, "ChildShards",
                            children_of(shards, gathering->shard->id));
        return;
    }
    iterator->made = kinesis_now(call);
    g_autofree char *text = iterator_text(iterator);
    json_object_set_new(reply->output, "NextShardIterator", json_string(text));
}

/* Never 0 where there is more. */
static gint64 behind(const struct call *call, const struct gathering *gathering)
{
    return gathering->stopped_at ? MAX(kinesis_now(call) - gathering->stopped_at, 1) : 0;
}

static bool read_shard(const struct call *call, const json_t *request, struct iterator *iterator,
                       struct data_stream *stream, struct reply *reply, GError **error)
{
    g_autoptr(shards_auto) shards = data_stream_shards(stream);
    g_autofree char *name = shard_name(iterator->shard);
    struct gathering gathering = {.origin = data_stream_origin(stream),
                                  .horizon = llround(data_stream_horizon(stream) * 1000),
                                  .most = (size_t)json_integer_at(request, "Limit", MOST_RECORDS),
                                  .shard =
                                      kinesis_shard(call, iterator->stream, shards, name, error)};
    if (!gathering.shard)
        return false;
    gathering.records = json_array();
    bool read =
        data_stream_read(stream, iterator->from, gather, &gathering, &iterator->from, error);
    reply->output = json_pack("{sosI}", "Records", gathering.records, "MillisBehindLatest",
                              (json_int_t)behind(call, &gathering));
    if (read)
        tell_next(call, iterator, &gathering, shards, reply);
    return read;
}

static bool read_records(const struct call *call, const json_t *request, struct iterator *iterator,
                         struct reply *reply, GError **error)
{
    g_autoptr(data_stream_auto) stream =
        data_streams_find(call->lathe->data_streams, iterator->stream);
    const char *arn = json_text_at(request, "StreamARN");
    const char *named = arn ? kinesis_name_in_arn(arn, error) : iterator->stream;
    if (!named)
        return false;
    if (g_strcmp0(named, iterator->stream) != 0)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "The ShardIterator is one of the stream %s, and StreamARN names %s.",
                         iterator->stream, named);
    if (!stream || strcmp(data_stream_id(stream), iterator->id) != 0)
        return kinesis_missing(call, iterator->stream, error);
    return read_shard(call, request, iterator, stream, reply, error);
}

bool get_records(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    struct iterator iterator = {0};
    bool read = read_iterator(call, json_text_at(request, "ShardIterator"), &iterator, error) &&
                read_records(call, request, &iterator, reply, error);
    clear_iterator(&iterator);
    return read;
}
