/* From the records of a file to an object of the lake. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/id.h"
#include "store/entry.h"
#include "stream/delivery_stream_inside.h"
#include "stream/prefix.h"

#define FIRST_RETRY 5.0 /* seconds; each next one waits twice as long */
#define LAST_RETRY 300.0

/* ---- one object ---- */

struct delivery {
    const struct delivery_stream *stream;
    const struct delivery_config *config;
    struct spool *spool;
    struct output *output;
    size_t records;
};

static bool write_record(const void *bytes, size_t size, void *data, GError **error)
{
    struct delivery *delivery = data;
    const char *delimiter = delivery->config->delimiter;
    delivery->records++;
    return output_write(delivery->output, bytes, size, error) &&
           (!delimiter || output_write(delivery->output, delimiter, strlen(delimiter), error));
}

static bool write_output(struct delivery *delivery, const char *path, GError **error)
{
    delivery->output = output_new(path, delivery->config->format, delivery->stream->name, error);
    bool written = delivery->output && spool_each(delivery->spool, write_record, delivery, error) &&
                   output_finish(delivery->output, error);
    output_free(delivery->output);
    return written;
}

/* "<prefix><stream>-<version>-2026-11-29-09-00-00-<uuid><extension>" */
static char *key_of(const struct delivery *delivery, GError **error)
{
    const struct delivery_config *config = delivery->config;
    double time = delivery->spool->time;
    g_autoptr(GTimeZone) zone = prefix_zone(config->time_zone, error);
    if (!zone)
        return NULL;
    g_autofree char *prefix = prefix_evaluate(config->prefix, time, zone);
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc((gint64)time);
    g_autofree char *second = g_date_time_format(utc, "%Y-%m-%d-%H-%M-%S");
    g_autofree char *id = id_uuid();
    const char *extension =
        config->extension ? config->extension : output_extension(config->format);
    return g_strdup_printf("%s%s-%s-%s-%s%s", prefix, delivery->stream->name, config->version,
                           second, id, extension);
}

/* In the change that makes the object visible: so far the stream is delivered. */
static bool mark(struct store_connection *connection, void *data, GError **error)
{
    const struct delivery *delivery = data;
    g_autoptr(json_auto) body = json_pack("{sssI}", "Id", delivery->stream->id, "Delivered",
                                          (json_int_t)delivery->spool->number);
    return entry_put(connection, DELIVERY_STREAM_KIND, delivery->stream->name, 1, NULL, body,
                     error);
}

static bool store_output(struct delivery *delivery, const char *path, GError **error)
{
    struct lake *lake = delivery->stream->streams->lake;
    g_autofree char *key = key_of(delivery, error);
    g_autoptr(lake_batch_auto) batch = lake_batch_new(lake);
    return key && lake_batch_add(batch, delivery->config->bucket, key, path, error) &&
           lake_batch_commit_with(batch, mark, delivery, error);
}

/* The object is there and the file's number marked, or neither. A file without a whole record,
 * which only a crash leaves, makes no object. */
static bool deliver_spool(const struct delivery_stream *stream,
                          const struct delivery_config *config, struct spool *spool, GError **error)
{
    struct delivery delivery = {.stream = stream, .config = config, .spool = spool};
    g_autofree char *path = g_build_filename(stream->folder, "output", NULL);
    bool delivered = write_output(&delivery, path, error) &&
                     (!delivery.records || store_output(&delivery, path, error));
    unlink(path);
    return delivered;
}

/* ---- what is due ---- */

/* Under the lock. */
static bool is_due(const struct delivery_stream *stream)
{
    const struct delivery_config *config = stream->config;
    return stream->active && stream->active_used &&
           (stream->ended || stream->active_bytes >= config->size ||
            clock_steady(stream->streams->clock) >= stream->active_due);
}

/* Under the lock: what is old enough joins what is full. Whoever writes is waited for. */
static void close_what_is_due(struct delivery_stream *stream)
{
    while (is_due(stream) && stream->group.writing)
        pthread_cond_wait(&stream->changed, &stream->lock);
    if (is_due(stream))
        delivery_stream_close_active(stream);
}

/* Under the lock: the next to deliver, or NULL. */
static struct spool *next_spool(struct delivery_stream *stream)
{
    close_what_is_due(stream);
    bool may = !atomic_load(&stream->streams->closing) &&
               clock_steady(stream->streams->clock) >= stream->retry_at;
    return may ? g_queue_peek_head(&stream->full) : NULL;
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

/* Under the lock. */
static void forget_delivered(struct delivery_stream *stream)
{
    struct spool *spool = g_queue_pop_head(&stream->full);
    stream->kept -= spool_frames(spool);
    stream->retry_at = 0;
    unlink(spool->path); /* one that stays is known by its number to be delivered */
    spool_free(spool);
}

/* Under the lock, which it lets go meanwhile. */
static bool deliver_next(struct delivery_stream *stream, struct spool *spool)
{
    g_autoptr(GError) error = NULL;
    struct delivery_config *config = delivery_config_ref(stream->config);
    pthread_mutex_unlock(&stream->lock);
    bool delivered = deliver_spool(stream, config, spool, &error);
    delivery_config_unref(config);
    pthread_mutex_lock(&stream->lock);
    if (delivered)
        forget_delivered(stream);
    else
        retry_later(stream, error);
    return delivered;
}

/* On a thread of the deliverers. */
static void deliver(void *data)
{
    struct delivery_stream *stream = data;
    struct spool *spool;
    pthread_mutex_lock(&stream->lock);
    while ((spool = next_spool(stream)) && deliver_next(stream, spool))
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
    bool gathers = stream->active && stream->active_used;
    if (!gathers || stream->age_alarm_waits || !may_set_alarms(stream))
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
