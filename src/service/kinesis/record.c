/* PutRecord and PutRecords. */
#include <string.h>

#include "service/kinesis/kinesis_inside.h"
#include "service/plain_put.h"

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
    struct data_stream *stream;
    struct data_record *records;
    struct data_place *places;
    size_t count, taken;
};

static void put_init(struct put *put, struct data_stream *stream, size_t count)
{
    put->stream = stream;
    put->records = g_new0(struct data_record, count);
    put->places = g_new0(struct data_place, count);
    put->count = count;
}

static void clear_put(struct put *put)
{
    g_free(put->records);
    g_free(put->places);
    data_stream_unref(put->stream);
}

static void free_bytes(struct put *put)
{
    for (size_t i = 0; i < put->count; i++)
        g_free((void *)put->records[i].bytes);
}

static size_t bytes_of(const struct put *put)
{
    size_t bytes = 0;
    for (size_t i = 0; i < put->count; i++)
        bytes += put->records[i].size + strlen(put->records[i].partition_key);
    return bytes;
}

static bool read_records(struct put *put, const json_t *const *given, GError **error)
{
    size_t longest = data_stream_longest(put->stream);
    for (size_t i = 0; i < put->count; i++)
        if (!read_record(given[i], longest, &put->records[i], error))
            return false;
    return bytes_of(put) <= MOST_BYTES ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "Records size exceeds 10 MB limit: they have %zu bytes with their partition "
                     "keys, and at most %zu may be put at once.",
                     bytes_of(put), MOST_BYTES);
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

static bool put_given(struct put *put, const json_t *const *given, GError **error)
{
    bool done = read_records(put, given, error) && put_all(put, error);
    free_bytes(put);
    return done;
}

/* ---- PutRecord ---- */

/* It only says that the record comes behind that one, which every record here does. */
static bool check_ordering(const struct put *put, const json_t *request, GError **error)
{
    const char *text = json_text_at(request, "SequenceNumberForOrdering");
    guint64 number;
    guint32 shard;
    return !text ||
           (sequence_parse(data_stream_origin(put->stream), text, &number, &shard) &&
            number < data_stream_next(put->stream)) ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "ExclusiveMinimumSequenceNumber %s used in PutRecord on stream %s under "
                     "account %s is invalid because it did not come from this stream.",
                     text, data_stream_name(put->stream), put->call->account);
}

static json_t *placed(const struct put *put)
{
    const struct data_place *place = &put->places[0];
    g_autofree char *shard = shard_name(place->shard);
    g_autofree char *number =
        sequence_text(data_stream_origin(put->stream), place->number, place->shard);
    return json_pack("{ssssss}", "ShardId", shard, "SequenceNumber", number, "EncryptionType",
                     "NONE");
}

bool kinesis_put_record(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    struct put put = {.call = call};
    struct data_stream *stream = kinesis_find(call, request, error);
    if (!stream)
        return false;
    put_init(&put, stream, 1);
    bool done = check_ordering(&put, request, error) && put_given(&put, &request, error);
    if (done)
        reply->output = placed(&put);
    clear_put(&put);
    return done;
}

/* ---- PutRecords ---- */

static void add_placed(GString *text, const struct put *put, size_t i)
{
    const struct data_place *place = &put->places[i];
    g_autofree char *number =
        sequence_text(data_stream_origin(put->stream), place->number, place->shard);
    g_string_append_printf(text, "{\"ShardId\":\"" SHARD_FORMAT "\",\"SequenceNumber\":\"",
                           place->shard);
    g_string_append(text, number);
    g_string_append(text, "\"}");
}

static void add_refused(GString *text, const struct put *put, size_t i)
{
    g_string_append_printf(text,
                           "{\"ErrorCode\":\"ProvisionedThroughputExceededException\","
                           "\"ErrorMessage\":\"Rate exceeded for shard " SHARD_FORMAT
                           " in stream %s under account %s.\"}",
                           put->places[i].shard, data_stream_name(put->stream), put->call->account);
}

/* The answer as JSON. */
static char *results(const struct put *put)
{
    GString *text = g_string_sized_new(100 + 130 * put->count);
    g_string_append_printf(text, "{\"FailedRecordCount\":%zu,\"Records\":[",
                           put->count - put->taken);
    for (size_t i = 0; i < put->count; i++) {
        if (i)
            g_string_append_c(text, ',');
        if (i < put->taken)
            add_placed(text, put, i);
        else
            add_refused(text, put, i);
    }
    g_string_append(text, "],\"EncryptionType\":\"NONE\"}");
    return g_string_free(text, FALSE);
}

static bool put_list(struct put *put, const json_t *list, GError **error)
{
    g_autofree const json_t **given = g_new(const json_t *, put->count);
    for (size_t i = 0; i < put->count; i++)
        given[i] = json_array_get(list, i);
    return put_given(put, given, error);
}

bool kinesis_put_records(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    struct put put = {.call = call};
    const json_t *list = json_object_get(request, "Records");
    struct data_stream *stream = kinesis_find(call, request, error);
    if (!stream)
        return false;
    put_init(&put, stream, json_array_size(list));
    if (put_list(&put, list, error)) {
        g_autofree char *text = results(&put);
        reply->output = json_parse(text, strlen(text), "the answer", error);
    }
    clear_put(&put);
    return reply->output != NULL;
}

/* False: a record is too large, or all of them are. */
static bool take_plain(struct put *put, const struct plain_put *plain)
{
    size_t longest = data_stream_longest(put->stream);
    for (size_t i = 0; i < put->count; i++) {
        const struct plain_record *given = &g_array_index(plain->records, struct plain_record, i);
        const char *key = (const char *)plain->keys->data + given->key;
        if (given->size + strlen(key) > longest)
            return false;
        put->records[i] = (struct data_record){hash_key_of(key), key,
                                               plain->bytes->data + given->at, given->size};
    }
    return bytes_of(put) <= MOST_BYTES;
}

static enum operation_way put_plain(const struct call *call, const struct plain_put *plain,
                                    struct data_stream *stream, struct reply *reply, GError **error)
{
    struct put put = {.call = call};
    enum operation_way way = OPERATION_GENERAL;
    put_init(&put, stream, plain->records->len);
    if (take_plain(&put, plain))
        way = put_all(&put, error) ? OPERATION_DONE : OPERATION_FAILED;
    if (way == OPERATION_DONE)
        reply->text = results(&put);
    clear_put(&put);
    return way;
}

enum operation_way kinesis_put_records_directly(const struct call *call, const char *body,
                                                size_t size, struct reply *reply, GError **error)
{
    struct plain_put plain;
    bool read = plain_put_read(&plain, "StreamName", true, body, size);
    struct data_stream *stream =
        read ? data_streams_find(call->lathe->data_streams, plain.stream) : NULL;
    enum operation_way way =
        stream ? put_plain(call, &plain, stream, reply, error) : OPERATION_GENERAL;
    plain_put_clear(&plain);
    return way;
}
