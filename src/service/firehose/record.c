/* PutRecord and PutRecordBatch. */
#include "base/id.h"
#include "service/firehose/firehose_inside.h"

#define MOST_BYTES ((size_t)4 << 20) /* of a batch's records */

static void add_record(struct spool_records *records, const json_t *record)
{
    const char *text = json_text_at(record, "Data");
    gsize size = 0;
    g_autofree guchar *bytes = text ? g_base64_decode(text, &size) : NULL;
    spool_records_add(records, bytes, size);
}

/* Whoever puts records knows one error to wait for, whatever there is no room in. */
static bool back_off(GError **error)
{
    if (error && g_error_matches(*error, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE))
        (*error)->code = ERROR_BACK_OFF;
    return false;
}

static bool put(const struct call *call, const json_t *request, const struct spool_records *records,
                size_t *taken, GError **error)
{
    const char *name = json_text_at(request, "DeliveryStreamName");
    g_autoptr(delivery_stream_auto) stream = delivery_streams_find(call->lathe->streams, name);
    if (!stream)
        return firehose_missing(call, name, error);
    return delivery_stream_put(stream, records, taken, error) || back_off(error);
}

bool put_record(const struct call *call, const json_t *request, struct reply *reply, GError **error)
{
    g_autoptr(spool_records_auto) records = spool_records_new();
    size_t taken;
    add_record(records, json_object_get(request, "Record"));
    if (!put(call, request, records, &taken, error))
        return false;
    g_autofree char *id = id_hex(48);
    reply->output = json_pack("{sssb}", "RecordId", id, "Encrypted", 0);
    return true;
}

/* Ids that begin alike, each with its place: nothing is asked of the kernel for each of them. */
static json_t *responses(size_t count, size_t taken)
{
    g_autofree char *id = id_hex(44);
    json_t *list = json_array();
    for (size_t i = 0; i < taken; i++)
        json_array_append_new(list, json_pack("{so}", "RecordId", json_sprintf("%s%04zx", id, i)));
    for (size_t i = taken; i < count; i++)
        json_array_append_new(list, json_pack("{ssss}", "ErrorCode", "ServiceUnavailableException",
                                              "ErrorMessage", "Slow down."));
    return list;
}

bool put_record_batch(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    g_autoptr(spool_records_auto) records = spool_records_new();
    const json_t *given = json_object_get(request, "Records");
    size_t count = json_array_size(given), taken = 0;
    for (size_t i = 0; i < count; i++)
        add_record(records, json_array_get(given, i));
    if (records->bytes > MOST_BYTES)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "Records size exceeds 4 MB limit: they have %zu bytes, and at most %zu "
                         "may be put at once.",
                         records->bytes, MOST_BYTES);
    if (!put(call, request, records, &taken, error))
        return false;
    reply->output = json_pack("{sIsbso}", "FailedPutCount", (json_int_t)(count - taken),
                              "Encrypted", 0, "RequestResponses", responses(count, taken));
    return true;
}
