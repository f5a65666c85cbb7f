/* From the records of a file to an object of the lake. */
#include <math.h>
#include <unistd.h>

#include "base/error.h"
#include "store/entry.h"
#include "stream/aggregated.h"
#include "stream/parcels.h"

#define FIRST_RETRY 5.0 /* seconds; each next one waits twice as long */
#define LAST_RETRY 300.0

/* ---- one delivery ---- */

#define ASK_RECORDS 500 /* that are asked for their partition keys at once */
#define ASK_BYTES ((size_t)1 << 20)

/* Records on their way into objects, and what the store then knows. */
struct delivery {
    const struct delivery_stream *stream;
    const struct delivery_config *config;
    struct parcels *parcels;
    GPtrArray *asked; /* GBytes: records that wait for their partition keys */
    size_t asked_bytes;
    unsigned slow; /* queries */
    size_t records;
    double time;    /* at which the record arrived, or the file's first one */
    guint64 number; /* up to which the stream is delivered then */
    /* Calls take_record for each record. */
    bool (*read)(struct delivery *delivery, GError **error);
    struct spool *spool; /* that is read; or, of the source: */
    guint64 from, end;   /* the numbers between which it is read */
    gint64 bytes;        /* that were read */
    bool full;           /* there were more than make an object */
    GError *failure;
};

static bool add_with_keys(struct delivery *delivery, GBytes *record, const json_t *keys,
                          GError **error)
{
    gsize size;
    const void *bytes = g_bytes_get_data(record, &size);
    if (json_is_object(keys))
        return parcels_add(delivery->parcels, keys, delivery->time, bytes, size, error);
    struct parcel_failure failure = {.type = "metadata-extraction-failed",
                                     .code = "DynamicPartitioning.MetadataExtractionFailed",
                                     .why = json_string_value(keys)};
    return parcels_fail(delivery->parcels, &failure, delivery->time, bytes, size, error);
}

/* What waits for its partition keys goes its way. */
static bool ask_for_keys(struct delivery *delivery, GError **error)
{
    g_autoptr(json_auto) keys =
        extractor_run(delivery->stream->streams->extractor, delivery->config->query,
                      delivery->asked, &delivery->slow, error);
    for (guint i = 0; keys && i < delivery->asked->len; i++)
        if (!add_with_keys(delivery, g_ptr_array_index(delivery->asked, i), json_array_get(keys, i),
                           error))
            return false;
    g_ptr_array_set_size(delivery->asked, 0);
    delivery->asked_bytes = 0;
    return keys != NULL;
}

static bool take_processed(const void *bytes, size_t size, void *data, GError **error)
{
    struct delivery *delivery = data;
    if (!delivery->config->query)
        return parcels_add(delivery->parcels, NULL, delivery->time, bytes, size, error);
    g_ptr_array_add(delivery->asked, g_bytes_new(bytes, size));
    delivery->asked_bytes += size;
    bool enough = delivery->asked->len == ASK_RECORDS || delivery->asked_bytes >= ASK_BYTES;
    return !enough || ask_for_keys(delivery, error);
}

static bool take_record(const void *bytes, size_t size, void *data, GError **error)
{
    struct delivery *delivery = data;
    g_autofree char *why = NULL;
    delivery->records++;
    bool taken = processing_run(&delivery->config->processing, bytes, size, take_processed,
                                delivery, &why, error);
    struct parcel_failure failure = {
        .type = "processing-failed", .code = "Firehose.ProcessingFailed", .why = why};
    return taken &&
           (!why || parcels_fail(delivery->parcels, &failure, delivery->time, bytes, size, error));
}

/* In the change that makes the objects visible: so far the stream is delivered. */
static bool mark(struct store_connection *connection, void *data, GError **error)
{
    const struct delivery *delivery = data;
    g_autoptr(json_auto) body =
        json_pack("{sssI}", "Id", delivery->stream->id, "Delivered", (json_int_t)delivery->number);
    return entry_put(connection, DELIVERY_STREAM_KIND, delivery->stream->name, 1, NULL, body,
                     error);
}

static bool send(struct delivery *delivery, GError **error)
{
    g_autoptr(lake_batch_auto) batch = lake_batch_new(delivery->stream->streams->lake);
    return parcels_send(delivery->parcels, batch, error) &&
           lake_batch_commit_with(batch, mark, delivery, error);
}

/* The objects are there and the stream marked, or neither. Without a whole record (a file that a
 * crash cut off) there are none. */
static bool make_objects(struct delivery *delivery, GError **error)
{
    g_autoptr(parcels_auto) parcels = parcels_new(delivery->stream, delivery->config);
    g_autoptr(GPtrArray) asked = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    delivery->parcels = parcels;
    delivery->asked = asked;
    return delivery->read(delivery, error) && (!asked->len || ask_for_keys(delivery, error)) &&
           (!delivery->records || send(delivery, error));
}

/* ---- what is due ---- */

/* Under the lock. */
static bool waits(const struct delivery_stream *stream)
{
    if (stream->source.stream)
        return stream->source.next < stream->source.end;
    return stream->active && stream->active_used;
}

/* Under the lock. */
static bool is_due(const struct delivery_stream *stream)
{
    gint64 size = stream->config->size;
    bool full = stream->source.stream ? stream->source.behind || stream->source.bytes >= size
                                      : stream->active_bytes >= size;
    return waits(stream) &&
           (stream->ended || full || clock_steady(stream->streams->clock) >= stream->active_due);
}

/* Under the lock: what is old enough joins what is full. Whoever writes is waited for. */
static void close_what_is_due(struct delivery_stream *stream)
{
    while (is_due(stream) && stream->group.writing)
        pthread_cond_wait(&stream->changed, &stream->lock);
    if (is_due(stream))
        delivery_stream_close_active(stream);
}

/* Under the lock. */
static bool may_deliver(const struct delivery_stream *stream)
{
    return !atomic_load(&stream->streams->closing) &&
           clock_steady(stream->streams->clock) >= stream->retry_at;
}

static void wake_to_retry(void *data)
{
    struct delivery_stream *stream = data;
    pthread_mutex_lock(&stream->lock);
    stream->retry_alarm_waits = false;
    delivery_stream_request_delivery(stream);
    pthread_mutex_unlock(&stream->lock);
}

/* Under the lock. An alarm must not outlive its stream. */
static bool may_set_alarms(const struct delivery_stream *stream)
{
    return !stream->ended && !atomic_load(&stream->streams->closing);
}

static void tell_failure(const struct delivery_stream *stream, const GError *error)
{
    if (stream->ended)
        g_warning("the delivery stream %s: %s; it is being deleted, and its last records with it",
                  stream->name, error->message);
    else
        g_warning("the delivery stream %s: %s; its records are kept, and it is tried again in "
                  "%.0f s",
                  stream->name, error->message, stream->retry_delay);
}

/* Under the lock. */
static void retry_later(struct delivery_stream *stream, const GError *error)
{
    struct clock *clock = stream->streams->clock;
    stream->retry_delay =
        stream->retry_at > 0 ? fmin(stream->retry_delay * 2, LAST_RETRY) : FIRST_RETRY;
    stream->retry_at = clock_steady(clock) + stream->retry_delay;
    tell_failure(stream, error);
    if (stream->retry_alarm_waits || !may_set_alarms(stream))
        return;
    stream->retry_alarm_waits = true;
    stream->retry_alarm = clock_set(clock, CLOCK_STEADY, stream->retry_at, wake_to_retry, stream);
}

/* Under the lock, which it lets go meanwhile. */
static bool deliver_one(struct delivery_stream *stream, struct delivery *delivery)
{
    g_autoptr(GError) error = NULL;
    struct delivery_config *config = delivery_config_ref(stream->config);
    pthread_mutex_unlock(&stream->lock);
    delivery->stream = stream;
    delivery->config = config;
    bool delivered = make_objects(delivery, &error);
    delivery_config_unref(config);
    pthread_mutex_lock(&stream->lock);
    if (delivered)
        stream->retry_at = 0;
    else
        retry_later(stream, error);
    return delivered;
}

/* ---- what was put ---- */

static bool take_spooled(const void *bytes, size_t size, void *data, GError **error)
{
    struct delivery *delivery = data;
    delivery->time = delivery->spool->time;
    return take_record(bytes, size, delivery, error);
}

static bool read_spool(struct delivery *delivery, GError **error)
{
    return spool_each(delivery->spool, take_spooled, delivery, error);
}

/* Under the lock. */
static void forget_delivered(struct delivery_stream *stream)
{
    struct spool *spool = g_queue_pop_head(&stream->full);
    stream->kept -= spool_frames(spool);
    unlink(spool->path); /* one that stays is known by its number to be delivered */
    spool_free(spool);
}

/* Under the lock. False where nothing is due, or it failed. */
static bool deliver_next_spool(struct delivery_stream *stream)
{
    close_what_is_due(stream);
    struct spool *spool = may_deliver(stream) ? g_queue_peek_head(&stream->full) : NULL;
    if (!spool)
        return false;
    struct delivery delivery = {.read = read_spool, .spool = spool, .number = spool->number};
    if (!deliver_one(stream, &delivery))
        return false;
    forget_delivered(stream);
    return true;
}

/* ---- what came to the source ---- */

/* A record, or those that the Kinesis Producer Library packed into it. */
static bool take_parts(struct delivery *delivery, const struct data_seen *record)
{
    g_autoptr(GPtrArray) parts = aggregated_parts(record->bytes, record->size);
    if (!parts)
        return take_record(record->bytes, record->size, delivery, &delivery->failure);
    for (guint i = 0; i < parts->len; i++) {
        gsize size;
        const void *bytes = g_bytes_get_data(g_ptr_array_index(parts, i), &size);
        if (!take_record(bytes ? bytes : "", size, delivery, &delivery->failure))
            return false;
    }
    return true;
}

/* False: it is not taken, since there is enough, or it failed. */
static bool take_seen(const struct data_seen *record, void *data)
{
    struct delivery *delivery = data;
    delivery->full = delivery->bytes >= delivery->config->size;
    if (delivery->full || record->number >= delivery->end)
        return false;
    delivery->time = (double)record->millis / 1000;
    delivery->bytes += data_seen_bytes(record);
    return take_parts(delivery, record);
}

static bool read_source(struct delivery *delivery, GError **error)
{
    bool read = data_stream_read(delivery->stream->source.stream, delivery->from, take_seen,
                                 delivery, &delivery->number, error);
    if (delivery->failure)
        g_propagate_error(read ? error : NULL, delivery->failure);
    return read && !delivery->failure;
}

/* Under the lock. What is not there any more (the stream was deleted, or its records were past
 * their time) is passed over. */
static void go_on_in_source(struct delivery_stream *stream, const struct delivery *delivery,
                            double began)
{
    struct waiting_source *source = &stream->source;
    source->next = delivery->full ? delivery->number : MAX(delivery->number, delivery->end);
    source->bytes = MAX(source->bytes - delivery->bytes, 0);
    source->behind = source->behind && delivery->full;
    stream->active_due = began + stream->config->interval;
    delivery_stream_watch_age(stream);
}

/* Under the lock. False where nothing is due, or it failed. */
static bool deliver_from_source(struct delivery_stream *stream)
{
    if (!may_deliver(stream) || !is_due(stream))
        return false;
    double began = clock_steady(stream->streams->clock);
    struct delivery delivery = {
        .read = read_source, .from = stream->source.next, .end = stream->source.end};
    if (!deliver_one(stream, &delivery))
        return false;
    go_on_in_source(stream, &delivery, began);
    return true;
}

/* What came is delivered when it is old enough, or enough. */
static void hear_of_growth(guint64 end, gint64 bytes, void *data)
{
    struct delivery_stream *stream = data;
    pthread_mutex_lock(&stream->lock);
    if (!waits(stream))
        stream->active_due = clock_steady(stream->streams->clock) + stream->config->interval;
    if (!stream->ended) {
        stream->source.end = MAX(stream->source.end, end);
        stream->source.bytes += bytes;
    }
    if (is_due(stream))
        delivery_stream_request_delivery(stream);
    delivery_stream_watch_age(stream);
    pthread_mutex_unlock(&stream->lock);
}

/* What came before anybody heard of it waits no longer. */
void delivery_stream_follow(struct delivery_stream *stream)
{
    data_stream_watch(stream->source.stream, hear_of_growth, stream);
    guint64 end = data_stream_next(stream->source.stream);
    pthread_mutex_lock(&stream->lock);
    stream->source.end = MAX(stream->source.end, end);
    stream->source.behind = stream->source.next < end;
    pthread_mutex_unlock(&stream->lock);
}

void delivery_stream_unfollow(struct delivery_stream *stream)
{
    if (stream->source.stream)
        data_stream_unwatch(stream->source.stream, stream);
}

/* ---- delivering ---- */

/* On a thread of the deliverers. */
static void deliver(void *data)
{
    struct delivery_stream *stream = data;
    pthread_mutex_lock(&stream->lock);
    while (stream->source.stream ? deliver_from_source(stream) : deliver_next_spool(stream))
        continue;
    stream->delivering = false;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
    delivery_stream_unref(stream);
}

void delivery_stream_request_delivery(struct delivery_stream *stream)
{
    if (stream->delivering || atomic_load(&stream->streams->closing))
        return;
    stream->delivering = true;
    tasks_add(stream->streams->deliverers, deliver, delivery_stream_ref(stream));
}

/* ---- age ---- */

static void wake_of_age(void *data)
{
    struct delivery_stream *stream = data;
    pthread_mutex_lock(&stream->lock);
    stream->age_alarm_waits = false;
    if (is_due(stream))
        delivery_stream_request_delivery(stream);
    else
        delivery_stream_watch_age(stream);
    pthread_mutex_unlock(&stream->lock);
}

void delivery_stream_watch_age(struct delivery_stream *stream)
{
    if (!waits(stream) || stream->age_alarm_waits || !may_set_alarms(stream))
        return;
    stream->age_alarm_waits = true;
    stream->age_alarm =
        clock_set(stream->streams->clock, CLOCK_STEADY, stream->active_due, wake_of_age, stream);
}

void delivery_stream_close_active(struct delivery_stream *stream)
{
    spool_close(stream->active);
    g_queue_push_tail(&stream->full, stream->active);
    stream->active = NULL;
}

void delivery_stream_lock_without_alarms(struct delivery_stream *stream)
{
    guint64 age = 0, retry = 0;
    pthread_mutex_lock(&stream->lock);
    /* One that goes off meanwhile may have set the next: until there is none. */
    while (age != stream->age_alarm || retry != stream->retry_alarm) {
        age = stream->age_alarm;
        retry = stream->retry_alarm;
        pthread_mutex_unlock(&stream->lock);
        clock_cancel(stream->streams->clock, age);
        clock_cancel(stream->streams->clock, retry);
        pthread_mutex_lock(&stream->lock);
    }
    stream->age_alarm_waits = stream->retry_alarm_waits = false;
}
