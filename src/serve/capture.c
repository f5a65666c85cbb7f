#include "serve/capture.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/stream.h"
#include "lake/lake.h"
#include "monitor/capture.h"

#define DELIVERY_SECONDS 1
/* Lines of one file; what comes faster than it can be delivered waits for the next. */
#define LARGEST_FILE (8 << 20)

/* What is captured of one endpoint. */
struct plan {
    char *destination; /* s3://bucket/prefix, without a slash at its end */
    unsigned percentage;
    unsigned turn; /* of the next request, from 0 to 99 */
    bool input, output;
    json_t *csv_types, *json_types; /* arrays, or NULL */
};

struct captures {
    struct lake *lake;
    pthread_mutex_t lock;
    pthread_cond_t closing_changed;
    bool closing;
    GHashTable *plans;   /* endpoint -> struct plan */
    GHashTable *pending; /* the folder's URI -> GString of lines */
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

void captures_set(struct captures *captures, const char *endpoint, const json_t *config)
{
    pthread_mutex_lock(&captures->lock);
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

static GString *pending_lines(struct captures *captures, char *folder)
{
    GString *lines = g_hash_table_lookup(captures->pending, folder);
    if (lines) {
        g_free(folder);
        return lines;
    }
    lines = g_string_new(NULL);
    g_hash_table_insert(captures->pending, folder, lines);
    return lines;
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
    GString *lines =
        pending_lines(captures, folder_of(plan, invocation->endpoint, reply->variant, event.time));
    if (lines->len < LARGEST_FILE) /* else the disk does not keep up, and this is a sample */
        capture_write(lines, &event);
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

static void free_lines(void *lines)
{
    g_string_free(lines, TRUE);
}

static GHashTable *new_pending(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_lines);
}

static void deliver(struct captures *captures, const char *folder, GString *lines)
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

static void deliver_pending(struct captures *captures)
{
    GHashTable *taken = captures->pending;
    captures->pending = new_pending();
    pthread_mutex_unlock(&captures->lock);
    GHashTableIter entries;
    gpointer folder, lines;
    g_hash_table_iter_init(&entries, taken);
    while (g_hash_table_iter_next(&entries, &folder, &lines))
        deliver(captures, folder, lines);
    g_hash_table_unref(taken);
    pthread_mutex_lock(&captures->lock);
}

static void *run(void *data)
{
    struct captures *captures = data;
    pthread_mutex_lock(&captures->lock);
    while (!captures->closing) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += DELIVERY_SECONDS;
        pthread_cond_timedwait(&captures->closing_changed, &captures->lock, &until);
        if (g_hash_table_size(captures->pending))
            deliver_pending(captures);
    }
    pthread_mutex_unlock(&captures->lock);
    return NULL;
}

struct captures *captures_new(struct lake *lake)
{
    struct captures *captures = g_new0(struct captures, 1);
    captures->lake = lake;
    captures->plans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, plan_free);
    captures->pending = new_pending();
    pthread_mutex_init(&captures->lock, NULL);
    pthread_cond_init(&captures->closing_changed, NULL);
    pthread_create(&captures->thread, NULL, run, captures);
    return captures;
}

void captures_free(struct captures *captures)
{
    if (!captures)
        return;
    pthread_mutex_lock(&captures->lock);
    captures->closing = true;
    pthread_cond_signal(&captures->closing_changed);
    pthread_mutex_unlock(&captures->lock);
    pthread_join(captures->thread, NULL);
    g_hash_table_unref(captures->plans);
    g_hash_table_unref(captures->pending);
    pthread_mutex_destroy(&captures->lock);
    pthread_cond_destroy(&captures->closing_changed);
    g_free(captures);
}
