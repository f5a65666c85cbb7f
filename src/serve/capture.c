#include "serve/capture.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/stream.h"
#include "lake/lake.h"
#include "monitor/capture.h"

#define FULL (1 << 20) /* bytes of a file that does not wait for its time */
/* What comes faster than the disk takes it is left out, as this is a sample. */
#define LARGEST_FILE (8 << 20)

/* What is captured of one endpoint. */
struct plan {
    char *destination; /* s3://bucket/prefix, without a slash at its end */
    unsigned percentage;
    unsigned turn; /* of the next request, from 0 to 99 */
    bool input, output;
    json_t *csv_types, *json_types; /* arrays, or NULL */
};

/* Lines on their way into a file. */
struct gathered {
    char *endpoint;
    GString *lines;
    double since; /* the time of the first line */
    bool due;     /* whatever the time */
};

struct captures {
    struct lake *lake;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* something is due, or the end has come */
    bool closing;
    double seconds;      /* that lines gather for */
    GHashTable *plans;   /* endpoint -> struct plan */
    GHashTable *pending; /* the folder's URI -> struct gathered */
    pthread_t thread;
};

/* --- plans
 * ---------------------------------------------------------------------------------------- */

static void plan_free(void *data)
{
    struct plan *plan = data;
    g_free(plan->destination);
    json_decref(plan->csv_types);
    json_decref(plan->json_types);
    g_free(plan);
}

static struct plan *plan_new(const json_t *config)
{
    struct plan *plan = g_new0(struct plan, 1);
    plan->destination = g_strdup(json_text_at(config, "DestinationS3Uri"));
    while (g_str_has_suffix(plan->destination, "/"))
        plan->destination[strlen(plan->destination) - 1] = '\0';
    plan->percentage = (unsigned)json_integer_at(config, "InitialSamplingPercentage", 100);
    size_t i;
    const json_t *option;
    json_array_foreach(json_object_get(config, "CaptureOptions"), i, option)
    {
        const char *mode = json_text_at(option, "CaptureMode");
        plan->input |= strstr(mode, "Input") != NULL;
        plan->output |= strstr(mode, "Output") != NULL;
    }
    plan->csv_types = json_incref(json_at(config, "CaptureContentTypeHeader.CsvContentTypes"));
    plan->json_types = json_incref(json_at(config, "CaptureContentTypeHeader.JsonContentTypes"));
    return plan;
}

/* What an endpoint's traffic was, before it changes, waits no longer. */
static void release(struct captures *captures, const char *endpoint)
{
    GHashTableIter entries;
    gpointer value;
    g_hash_table_iter_init(&entries, captures->pending);
    while (g_hash_table_iter_next(&entries, NULL, &value)) {
        struct gathered *gathered = value;
        gathered->due |= strcmp(gathered->endpoint, endpoint) == 0;
    }
    pthread_cond_signal(&captures->changed);
}

void captures_set(struct captures *captures, const char *endpoint, const json_t *config)
{
    pthread_mutex_lock(&captures->lock);
    release(captures, endpoint);
    if (json_true_at(config, "EnableCapture"))
        g_hash_table_replace(captures->plans, g_strdup(endpoint), plan_new(config));
    else
        g_hash_table_remove(captures->plans, endpoint);
    pthread_mutex_unlock(&captures->lock);
}

/* Whether the next request is in the sample: request n is where the whole part of
 * n * percentage / 100 grows. */
static bool plan_takes(struct plan *plan)
{
    unsigned turn = plan->turn++;
    plan->turn %= 100;
    return (turn + 1) * plan->percentage / 100 > turn * plan->percentage / 100;
}

static bool lists(const json_t *types, const char *content_type)
{
    size_t length = strcspn(content_type, ";"), i;
    const json_t *type;
    json_array_foreach((json_t *)types, i, type)
    {
        const char *name = json_string_value(type);
        if (strlen(name) == length && g_ascii_strncasecmp(name, content_type, length) == 0)
            return true;
    }
    return false;
}

static enum capture_encoding encoding_of(const struct plan *plan, const char *content_type)
{
    if (lists(plan->csv_types, content_type))
        return CAPTURE_CSV;
    return lists(plan->json_types, content_type) ? CAPTURE_JSON : CAPTURE_BASE64;
}

/* --- gathering
 * ------------------------------------------------------------------------------------- */

static char *folder_of(const struct plan *plan, const char *endpoint, const char *variant,
                       double time)
{
    time_t seconds = (time_t)time;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return g_strdup_printf("%s/%s/%s/%04d/%02d/%02d/%02d/", plan->destination, endpoint, variant,
                           tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour);
}

/* Takes the folder's name. */
static struct gathered *gathered_in(struct captures *captures, const char *endpoint, char *folder,
                                    double time)
{
    struct gathered *gathered = g_hash_table_lookup(captures->pending, folder);
    if (gathered) {
        g_free(folder);
        return gathered;
    }
    gathered = g_new0(struct gathered, 1);
    *gathered = (struct gathered){g_strdup(endpoint), g_string_new(NULL), time, false};
    g_hash_table_insert(captures->pending, folder, gathered);
    if (g_hash_table_size(captures->pending) == 1)
        pthread_cond_signal(&captures->changed); /* there is something to wait for */
    return gathered;
}

static void record(struct captures *captures, const struct plan *plan,
                   const struct invocation *invocation, const struct invocation_reply *reply)
{
    const char *sent = invocation->content_type ? invocation->content_type : "text/csv";
    const char *answered = reply->content_type ? reply->content_type : "text/csv";
    g_autofree char *id = id_uuid();
    struct capture_event event = {
        .id = id,
        .time = clock_now(),
        .inference_id = invocation->inference_id,
        .custom_attributes = invocation->custom_attributes,
        .input = {plan->input ? sent : NULL, encoding_of(plan, sent), invocation->bytes,
                  invocation->size},
        .output = {plan->output ? answered : NULL, encoding_of(plan, answered), reply->body.bytes,
                   reply->body.size},
    };
    struct gathered *gathered =
        gathered_in(captures, invocation->endpoint,
                    folder_of(plan, invocation->endpoint, reply->variant, event.time), event.time);
    if (gathered->lines->len < LARGEST_FILE)
        capture_write(gathered->lines, &event);
    if (gathered->lines->len >= FULL && !gathered->due) {
        gathered->due = true;
        pthread_cond_signal(&captures->changed);
    }
}

void captures_observe(const struct invocation *invocation, const struct invocation_reply *reply,
                      void *data)
{
    struct captures *captures = data;
    pthread_mutex_lock(&captures->lock);
    struct plan *plan = g_hash_table_lookup(captures->plans, invocation->endpoint);
    if (plan && plan_takes(plan))
        record(captures, plan, invocation, reply);
    pthread_mutex_unlock(&captures->lock);
}

/* --- delivering
 * ------------------------------------------------------------------------------------- */

static void gathered_free(void *data)
{
    struct gathered *gathered = data;
    g_free(gathered->endpoint);
    g_string_free(gathered->lines, TRUE);
    g_free(gathered);
}

static GHashTable *new_pending(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, gathered_free);
}

static void deliver(struct captures *captures, const char *folder, const GString *lines)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *bucket = NULL;
    g_autofree char *prefix = NULL;
    g_autofree char *now = clock_iso(clock_now());
    g_autofree char *id = id_uuid();
    if (lake_parse_uri(folder, &bucket, &prefix, &error)) {
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

/* Takes what is due out of what is pending, and says when the next will be. */
static GHashTable *take_due(struct captures *captures, double now, double *next)
{
    GHashTable *due = new_pending();
    GHashTableIter entries;
    gpointer folder, value;
    *next = INFINITY;
    g_hash_table_iter_init(&entries, captures->pending);
    while (g_hash_table_iter_next(&entries, &folder, &value)) {
        const struct gathered *gathered = value;
        double when = gathered->since + captures->seconds;
        if (gathered->due || now >= when || captures->closing) {
            g_hash_table_iter_steal(&entries);
            g_hash_table_insert(due, folder, value);
        } else {
            *next = fmin(*next, when);
        }
    }
    return due;
}

/* Under the lock, which is open while it writes. */
static double deliver_due(struct captures *captures, double now)
{
    double next;
    GHashTable *due = take_due(captures, now, &next);
    pthread_mutex_unlock(&captures->lock);
    GHashTableIter entries;
    gpointer folder, value;
    g_hash_table_iter_init(&entries, due);
    while (g_hash_table_iter_next(&entries, &folder, &value))
        deliver(captures, folder, ((const struct gathered *)value)->lines);
    g_hash_table_unref(due);
    pthread_mutex_lock(&captures->lock);
    return next;
}

double captures_tick(struct captures *captures, double now)
{
    pthread_mutex_lock(&captures->lock);
    double next = deliver_due(captures, now);
    pthread_mutex_unlock(&captures->lock);
    return next;
}

void captures_pace(struct captures *captures, double seconds)
{
    pthread_mutex_lock(&captures->lock);
    captures->seconds = seconds;
    pthread_cond_signal(&captures->changed);
    pthread_mutex_unlock(&captures->lock);
}

/* Whether nothing has become due while the lock was open. */
static bool nothing_due(struct captures *captures)
{
    GHashTableIter entries;
    gpointer value;
    g_hash_table_iter_init(&entries, captures->pending);
    while (g_hash_table_iter_next(&entries, NULL, &value))
        if (((const struct gathered *)value)->due)
            return false;
    return true;
}

static void *run(void *data)
{
    struct captures *captures = data;
    pthread_mutex_lock(&captures->lock);
    for (;;) {
        bool last = captures->closing;
        double next = deliver_due(captures, clock_now());
        if (last)
            break;
        if (captures->closing || !nothing_due(captures))
            continue;
        if (isinf(next) && g_hash_table_size(captures->pending) == 0) {
            pthread_cond_wait(&captures->changed, &captures->lock);
            continue;
        }
        double wait = fmin(next, clock_now() + captures->seconds);
        struct timespec until = {(time_t)wait, (long)((wait - floor(wait)) * 1e9)};
        pthread_cond_timedwait(&captures->changed, &captures->lock, &until);
    }
    pthread_mutex_unlock(&captures->lock);
    return NULL;
}

struct captures *captures_new(struct lake *lake)
{
    struct captures *captures = g_new0(struct captures, 1);
    captures->lake = lake;
    captures->seconds = CAPTURE_SECONDS;
    captures->plans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, plan_free);
    captures->pending = new_pending();
    pthread_mutex_init(&captures->lock, NULL);
    pthread_cond_init(&captures->changed, NULL);
    pthread_create(&captures->thread, NULL, run, captures);
    return captures;
}

void captures_free(struct captures *captures)
{
    if (!captures)
        return;
    pthread_mutex_lock(&captures->lock);
    captures->closing = true;
    pthread_cond_signal(&captures->changed);
    pthread_mutex_unlock(&captures->lock);
    pthread_join(captures->thread, NULL);
    g_hash_table_unref(captures->plans);
    g_hash_table_unref(captures->pending);
    pthread_mutex_destroy(&captures->lock);
    pthread_cond_destroy(&captures->changed);
    g_free(captures);
}
