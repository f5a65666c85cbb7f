#include "serve/captures.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/s3_uri.h"
#include "base/stream.h"
#include "base/tasks.h"
#include "lake/lake.h"
#include "monitor/capture.h"

#define FULL (1 << 20) /* bytes of a file that does not wait for its time */
/* That may be on their way to the disk. What comes faster than it takes them is left out, as this
 * is a sample. */
#define MOST_ON_THEIR_WAY (32 << 20)

struct captures {
    struct lake *lake;
    struct clock *clock;
    struct tasks *writer;
    atomic_size_t on_their_way; /* bytes that the writer has yet to write */
};

/* Lines on their way into a file. */
struct gathered {
    GString *lines;
    double since; /* the steady time of the first line */
};

struct endpoint_capture {
    atomic_int references;
    struct captures *captures;
    char *endpoint;
    char *destination; /* s3://bucket/prefix, without a slash at its end */
    unsigned percentage;
    bool input, output;
    GStrv csv_types, json_types;
    atomic_ullong turn;   /* of the next request */
    pthread_mutex_t lock; /* of what follows; taken by requests that are in the sample alone */
    GHashTable *pending;  /* the folder's URI -> struct gathered */
    guint64 alarm;        /* the last that was set, for what is oldest */
    bool alarm_waits;
};

/* ---- delivering ---- */

static void gathered_free(void *data)
{
    struct gathered *gathered = data;
    g_string_free(gathered->lines, TRUE);
    g_free(gathered);
}

static GHashTable *new_pending(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, gathered_free);
}

struct delivery {
    struct captures *captures;
    GHashTable *files; /* as what is pending */
    size_t size;
};

static void write_file(struct captures *captures, const char *folder, const GString *lines)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *bucket = NULL;
    g_autofree char *prefix = NULL;
    g_autofree char *now = clock_iso(clock_wall(captures->clock));
    g_autofree char *id = id_uuid();
    if (s3_uri_parse(folder, &bucket, &prefix, &error)) {
        /* Minutes, seconds and thousandths, then something unique: names sort by time. */
        g_autofree char *name =
            g_strdup_printf("%.2s-%.2s-%.3s-%s.jsonl", now + 14, now + 17, now + 20, id);
        g_autofree char *key = g_strconcat(prefix, name, NULL);
        g_autoptr(GBytes) bytes = g_bytes_new(lines->str, lines->len);
        g_autoptr(stream_auto) body = stream_from_bytes(bytes);
        lake_put(captures->lake, bucket, key, body, "application/jsonl", &error);
    }
    if (error)
        g_warning("data capture to %s: %s", folder, error->message);
}

/* On the writer's thread. */
static void deliver(void *data)
{
    struct delivery *delivery = data;
    GHashTableIter entries;
    gpointer folder, value;
    g_hash_table_iter_init(&entries, delivery->files);
    while (g_hash_table_iter_next(&entries, &folder, &value))
        write_file(delivery->captures, folder, ((const struct gathered *)value)->lines);
    g_hash_table_unref(delivery->files);
    atomic_fetch_sub(&delivery->captures->on_their_way, delivery->size);
    g_free(delivery);
}

/* Takes the files, unless there is none. */
static void send(struct captures *captures, GHashTable *files)
{
    struct delivery *delivery = g_new(struct delivery, 1);
    *delivery = (struct delivery){captures, files, 0};
    GHashTableIter entries;
    gpointer value;
    g_hash_table_iter_init(&entries, files);
    while (g_hash_table_iter_next(&entries, NULL, &value))
        delivery->size += ((const struct gathered *)value)->lines->len;
    atomic_fetch_add(&captures->on_their_way, delivery->size);
    tasks_add(captures->writer, deliver, delivery);
}

struct captures *captures_new(struct lake *lake, struct clock *clock)
{
    struct captures *captures = g_new0(struct captures, 1);
    captures->lake = lake;
    captures->clock = clock;
    captures->writer = tasks_new();
    return captures;
}

void captures_free(struct captures *captures)
{
    if (!captures)
        return;
    tasks_free(captures->writer);
    g_free(captures);
}

void captures_wait(struct captures *captures)
{
    tasks_wait(captures->writer);
}

/* ---- gathering ---- */

static void wake(void *data);

/* Under the lock: what is old enough, or full, goes out of what is pending; for the oldest of the
 * rest the clock is set. */
static GHashTable *take_due(struct endpoint_capture *capture, double now)
{
    GHashTable *due = new_pending();
    double next = INFINITY;
    GHashTableIter entries;
    gpointer folder, value;
    g_hash_table_iter_init(&entries, capture->pending);
    while (g_hash_table_iter_next(&entries, &folder, &value)) {
        const struct gathered *gathered = value;
        double when = gathered->since + CAPTURE_SECONDS;
        if (now >= when || gathered->lines->len >= FULL) {
            g_hash_table_iter_steal(&entries);
            g_hash_table_insert(due, folder, value);
        } else {
            next = fmin(next, when);
        }
    }
    if (!capture->alarm_waits && !isinf(next)) {
        capture->alarm = clock_set(capture->captures->clock, CLOCK_STEADY, next, wake, capture);
        capture->alarm_waits = true;
    }
    return due;
}

static void send_due(struct endpoint_capture *capture, GHashTable *due)
{
    if (g_hash_table_size(due))
        send(capture->captures, due);
    else
        g_hash_table_unref(due);
}

/* On the clock's thread. */
static void wake(void *data)
{
    struct endpoint_capture *capture = data;
    double now = clock_steady(capture->captures->clock);
    pthread_mutex_lock(&capture->lock);
    capture->alarm_waits = false;
    GHashTable *due = take_due(capture, now);
    pthread_mutex_unlock(&capture->lock);
    send_due(capture, due);
}

/* Takes the folder's name and the line. */
static void gather(struct endpoint_capture *capture, char *folder, GString *line)
{
    double now = clock_steady(capture->captures->clock);
    pthread_mutex_lock(&capture->lock);
    struct gathered *gathered = g_hash_table_lookup(capture->pending, folder);
    if (gathered) {
        g_string_append_len(gathered->lines, line->str, (gssize)line->len);
        g_string_free(line, TRUE);
        g_free(folder);
    } else {
        gathered = g_new(struct gathered, 1);
        *gathered = (struct gathered){line, now};
        g_hash_table_insert(capture->pending, folder, gathered);
    }
    GHashTable *due = NULL;
    if (!capture->alarm_waits || gathered->lines->len >= FULL)
        due = take_due(capture, now);
    pthread_mutex_unlock(&capture->lock);
    if (due)
        send_due(capture, due);
}

/* ---- records ---- */

static bool lists(const GStrv types, const char *content_type)
{
    size_t length = strcspn(content_type, ";");
    for (char **type = types; type && *type; type++)
        if (strlen(*type) == length && g_ascii_strncasecmp(*type, content_type, length) == 0)
            return true;
    return false;
}

static enum capture_encoding encoding_of(const struct endpoint_capture *capture,
                                         const char *content_type)
{
    if (lists(capture->csv_types, content_type))
        return CAPTURE_CSV;
    return lists(capture->json_types, content_type) ? CAPTURE_JSON : CAPTURE_BASE64;
}

static char *folder_of(const struct endpoint_capture *capture, const char *variant, double time)
{
    time_t seconds = (time_t)time;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return g_strdup_printf("%s/%s/%s/%04d/%02d/%02d/%02d/", capture->destination, capture->endpoint,
                           variant, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour);
}

static void record(struct endpoint_capture *capture, const struct invocation *invocation,
                   const struct invocation_reply *reply)
{
    const char *sent = invocation->content_type ? invocation->content_type : "text/csv";
    const char *answered = reply->content_type ? reply->content_type : "text/csv";
    g_autofree char *id = id_uuid();
    const struct capture_event event = {
        .id = id,
        .time = clock_wall(capture->captures->clock),
        .inference_id = invocation->inference_id,
        .custom_attributes = invocation->custom_attributes,
        .input = {capture->input ? sent : NULL, encoding_of(capture, sent), invocation->bytes,
                  invocation->size},
        .output = {capture->output ? answered : NULL, encoding_of(capture, answered),
                   reply->body.bytes, reply->body.size},
    };
    GString *line = g_string_new(NULL);
    capture_write(line, &event);
    gather(capture, folder_of(capture, reply->variant, event.time), line);
}

/* Whether the next request is in the sample: request n is where the whole part of
 * n * percentage / 100 grows. */
static bool takes(struct endpoint_capture *capture)
{
    unsigned turn = (unsigned)(atomic_fetch_add(&capture->turn, 1) % 100);
    return (turn + 1) * capture->percentage / 100 > turn * capture->percentage / 100;
}

void endpoint_capture_see(struct endpoint_capture *capture, const struct invocation *invocation,
                          const struct invocation_reply *reply)
{
    if (takes(capture) && atomic_load(&capture->captures->on_their_way) < MOST_ON_THEIR_WAY)
        record(capture, invocation, reply);
}

/* ---- plans ---- */

static GStrv texts_of(const json_t *list)
{
    g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
    size_t i;
    const json_t *text;
    json_array_foreach((json_t *)list, i, text) g_strv_builder_add(texts, json_string_value(text));
    return g_strv_builder_end(texts);
}

static void read_config(struct endpoint_capture *capture, const json_t *config)
{
    capture->destination = g_strdup(json_text_at(config, "DestinationS3Uri"));
    while (g_str_has_suffix(capture->destination, "/"))
        capture->destination[strlen(capture->destination) - 1] = '\0';
    capture->percentage = (unsigned)json_integer_at(config, "InitialSamplingPercentage", 100);
    size_t i;
    const json_t *option;
    json_array_foreach(json_object_get(config, "CaptureOptions"), i, option)
    {
        const char *mode = json_text_at(option, "CaptureMode");
        capture->input |= strstr(mode, "Input") != NULL;
        capture->output |= strstr(mode, "Output") != NULL;
    }
    capture->csv_types = texts_of(json_at(config, "CaptureContentTypeHeader.CsvContentTypes"));
    capture->json_types = texts_of(json_at(config, "CaptureContentTypeHeader.JsonContentTypes"));
}

struct endpoint_capture *endpoint_capture_new(struct captures *captures, const char *endpoint,
                                              const json_t *config)
{
    if (!json_true_at(config, "EnableCapture"))
        return NULL;
    struct endpoint_capture *capture = g_new0(struct endpoint_capture, 1);
    atomic_init(&capture->references, 1);
    capture->captures = captures;
    capture->endpoint = g_strdup(endpoint);
    read_config(capture, config);
    pthread_mutex_init(&capture->lock, NULL);
    capture->pending = new_pending();
    return capture;
}

struct endpoint_capture *endpoint_capture_ref(struct endpoint_capture *capture)
{
    if (capture)
        atomic_fetch_add(&capture->references, 1);
    return capture;
}

/* One that goes off meanwhile may have set the next: until there is none. */
static void cancel_alarm(struct endpoint_capture *capture)
{
    guint64 alarm = 0, before;
    do {
        before = alarm;
        pthread_mutex_lock(&capture->lock);
        alarm = capture->alarm;
        pthread_mutex_unlock(&capture->lock);
        clock_cancel(capture->captures->clock, alarm);
    } while (alarm != before);
}

void endpoint_capture_unref(struct endpoint_capture *capture)
{
    if (!capture || atomic_fetch_sub(&capture->references, 1) > 1)
        return;
    cancel_alarm(capture);
    send_due(capture, capture->pending);
    pthread_mutex_destroy(&capture->lock);
    g_strfreev(capture->csv_types);
    g_strfreev(capture->json_types);
    g_free(capture->destination);
    g_free(capture->endpoint);
    g_free(capture);
}
