/* PutRecord and PutRecords. */
#include <string.h>

#include "service/kinesis/kinesis_inside.h"

#define MOST_BYTES ((size_t)10 << 20) /* of the records of one request, with their keys */

/* ---- one record ---- */

static bool key_of(const json_t *given, hash_key *key, GError **error)
{
    const char *digits = json_text_at(given, "ExplicitHashKey");
    const char *partition_key = json_text_at(given, "PartitionKey");
    if (!partition_key)
        return error_set(error, ERROR_VALIDATION,
                         "1 validation error detected: Value null at 'partitionKey' failed to "
                         "satisfy constraint: Member must not be null");
    if (!digits)
        *key = hash_key_of(partition_key);
    return !digits || hash_key_parse(digits, key) ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
                     "Specified value was %s",
                     digits);
}

static bool check_size(const struct data_record *record, size_t most, GError **error)
{
    size_t size = record->size + strlen(record->partition_key);
    return size <= most ||
           error_set(error, ERROR_VALIDATION,
                     "1 validation error detected: Value at 'data' failed to satisfy constraint: "
                     "Member must have length less than or equal to %zu; with its partition key "
                     "it has %zu bytes",
                     most, size);
}

/* The record's bytes are to be freed. */
static bool read_record(const json_t *given, size_t most, struct data_record *record,
                        GError **error)
{
    gsize size = 0;
    if (!key_of(given, &record->key, error))
        return false;
    record->bytes = g_base64_decode(json_text_at(given, "Data"), &size);
    record->size = size;
    record->partition_key = json_text_at(given, "PartitionKey");
    return check_size(record, most, error);
}

/* ---- several ---- */

struct put {
    const struct call *call;
    struct resource *resource;
    struct data_stream *stream;
    struct data_record *records;
    struct data_place *places;
    size_t count, taken;
};

static void clear_put(struct put *put)
{
    for (size_t i = 0; i < put->count; i++)
        g_free((void *)put->records[i].bytes);
    g_free(put->records);
    g_free(put->places);
    resource_free(put->resource);
    data_stream_unref(put->stream);
}

static bool find(struct put *put, const json_t *request, GError **error)
{
    put->resource = kinesis_get(put->call, request, error);
    put->stream = put->resource ? kinesis_find(put->call, request, error) : NULL;
    return put->stream != NULL;
}

static bool read_records(struct put *put, const json_t *const *given, size_t count, GError **error)
{
    size_t most = (size_t)json_integer_at(put->resource->body, "MaxRecordSizeInKiB", 1024) << 10;
    size_t bytes = 0;
    put->records = g_new0(struct data_record, count);
    put->places = g_new0(struct data_place, count);
    put->count = count;
    for (size_t i = 0; i < count; i++) {
        if (!read_record(given[i], most, &put->records[i], error))
            return false;
        bytes += put->records[i].size + strlen(put->records[i].partition_key);
    }
    return bytes <= MOST_BYTES ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "Records size exceeds 10 MB limit: they have %zu bytes with their partition "
                     "keys, and at most %zu may be put at once.",
                     bytes, MOST_BYTES);
}

/* Whoever puts records knows one error to wait for, whatever there is no room in. */
static bool back_off(GError **error)
{
    if (error && g_error_matches(*error, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE))
        (*error)->code = ERROR_THROUGHPUT;
    return false;
}

static bool put_all(struct put *put, GError **error)
{
    return data_stream_put(put->stream, put->records, put->count, put->places, &put->taken,
                           error) ||
           back_off(error);
}

static json_t *placed(const struct put *put, size_t i)
{
    const struct data_place *place = &put->places[i];
    g_autofree char *shard = shard_name(place->shard);
    g_autofree char *number =
        sequence_text(kinesis_origin(put->resource), place->number, place->shard);
    return json_pack("{ssss}", "ShardId", shard, "SequenceNumber", number);
}

/* ---- PutRecord ---- */

/* It only says that the record comes behind that one, which every record here does. */
static bool check_ordering(const struct put *put, const json_t *request, GError **error)
{
    const char *text = json_text_at(request, "SequenceNumberForOrdering");
    guint64 number;
    guint32 shard;
    return !text ||
           (sequence_parse(kinesis_origin(put->resource), text, &number, &shard) &&
            number < data_stream_next(put->stream)) ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "ExclusiveMinimumSequenceNumber %s used in PutRecord on stream %s under "
                     "account %s is invalid because it did not come from this stream.",
                     text, put->resource->name, put->call->account);
}

bool kinesis_put_record(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    struct put put = {.call = call};
    bool done = find(&put, request, error) && check_ordering(&put, request, error) &&
                read_records(&put, &request, 1, error) && put_all(&put, error);
    if (done) {
        reply->output = placed(&put, 0);
        json_object_set_new(reply->output, "EncryptionType", json_string("NONE"));
    }
    clear_put(&put);
    return done;
}

/* ---- PutRecords ---- */

static json_t *refused(const struct put *put, size_t i)
{
    g_autofree char *shard = shard_name(put->places[i].shard);
    return json_pack("{ssso}", "ErrorCode", "ProvisionedThroughputExceededException",
                     "ErrorMessage",
                     json_sprintf("Rate exceeded for shard %s in stream %s under account %s.",
                                  shard, put->resource->name, put->call->account));
}

static json_t *results(const struct put *put)
{
    json_t *list = json_array();
    for (size_t i = 0; i < put->count; i++)
        json_array_append_new(list, i < put->taken ? placed(put, i) : refused(put, i));
    return json_pack("{sIsoss}", "FailedRecordCount", (json_int_t)(put->count - put->taken),
                     "Records", list, "EncryptionType", "NONE");
}

static bool read_list(struct put *put, const json_t *list, GError **error)
{
    size_t count = json_array_size(list);
    g_autofree const json_t **given = g_new(const json_t *, count);
    for (size_t i = 0; i < count; i++)
        given[i] = json_array_get(list, i);
    return read_records(put, given, count, error);
}

bool kinesis_put_records(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    struct put put = {.call = call};
    bool done = find(&put, request, error) &&
                read_list(&put, json_object_get(request, "Records"), error) && put_all(&put, error);
    if (done)
        reply->output = results(&put);
    clear_put(&put);
    return done;
}
