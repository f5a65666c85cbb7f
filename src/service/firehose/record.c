/* PutRecord and PutRecordBatch. */
#include <string.h>

#include "base/id.h"
#include "service/firehose/firehose_inside.h"
#include "service/plain_put.h"

#define MOST_BYTES ((size_t)4 << 20) /* of a batch's records */

#define REFUSED                                       \
    "{\"ErrorCode\":\"ServiceUnavailableException\"," \
    "\"ErrorMessage\":\"Slow down.\"}"

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

/* ---- PutRecordBatch ---- */

/* The answer as JSON. Ids begin alike, each with its place: nothing is asked of the kernel for each
 * of them. */
static char *responses(size_t count, size_t taken)
{
    g_autofree char *id = id_hex(44);
    GString *text = g_string_sized_new(80 + 70 * count);
    g_string_append_printf(text,
                           "{\"FailedPutCount\":%zu,\"Encrypted\":false,"
                           "\"RequestResponses\":[",
                           count - taken);
    for (size_t i = 0; i < count; i++) {
        char place[5];
        g_snprintf(place, sizeof place, "%04x", (unsigned)i & 0xffff);
        const char *const parts[] = {i ? "," : "", "{\"RecordId\":\"", id, place, "\"}"};
        for (size_t p = 0; i < taken && p < G_N_ELEMENTS(parts); p++)
            g_string_append(text, parts[p]);
        if (i >= taken)
            g_string_append_printf(text, "%s" REFUSED, i ? "," : "");
    }
    g_string_append(text, "]}");
    return g_string_free(text, FALSE);
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
    g_autofree char *text = responses(count, taken);
    reply->output = json_parse(text, strlen(text), "the answer", error);
    return reply->output != NULL;
}

static enum operation_way put_plain(const struct plain_put *put, struct delivery_stream *stream,
                                    struct reply *reply, GError **error)
{
    g_autoptr(spool_records_auto) records = spool_records_new();
    size_t taken;
    for (guint i = 0; i < put->records->len; i++) {
        const struct plain_record *record = &g_array_index(put->records, struct plain_record, i);
        spool_records_add(records, put->bytes->data + record->at, record->size);
    }
    if (records->bytes > MOST_BYTES)
        return OPERATION_GENERAL;
    if (!delivery_stream_put(stream, records, &taken, error)) {
        back_off(error);
        return OPERATION_FAILED;
    }
    reply->text = responses(put->records->len, taken);
    return OPERATION_DONE;
}

enum operation_way put_record_batch_directly(const struct call *call, const char *body, size_t size,
                                             struct reply *reply, GError **error)
{
    struct plain_put put;
    bool plain = plain_put_read(&put, "DeliveryStreamName", false, body, size);
    g_autoptr(delivery_stream_auto) stream =
        plain ? delivery_streams_find(call->lathe->streams, put.stream) : NULL;
    enum operation_way way = stream ? put_plain(&put, stream, reply, error) : OPERATION_GENERAL;
    plain_put_clear(&put);
    return way;
}
