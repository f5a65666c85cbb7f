#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "store/entry.h"
#include "stream/delivery_stream_inside.h"

#define DELIVERERS 4

/* ---- configurations ---- */

struct delivery_config *delivery_config_new(void)
{
    return g_atomic_rc_box_new0(struct delivery_config);
}

struct delivery_config *delivery_config_ref(struct delivery_config *config)
{
    return g_atomic_rc_box_acquire(config);
}

static void clear_config(void *data)
{
    struct delivery_config *config = data;
    g_free(config->version);
    g_free(config->bucket);
    g_free(config->prefix);
    g_free(config->error_prefix);
    g_clear_pointer(&config->processing.between, g_bytes_unref);
    g_free(config->query);
    conversion_clear(&config->conversion);
    g_free(config->time_zone);
    g_free(config->extension);
    g_free(config->delimiter);
}

void delivery_config_unref(struct delivery_config *config)
{
    if (config)
        g_atomic_rc_box_release_full(config, clear_config);
}

/* ---- one stream ---- */

static void free_spool(void *spool)
{
    spool_free(spool);
}

struct delivery_stream *delivery_stream_ref(struct delivery_stream *stream)
{
    atomic_fetch_add(&stream->references, 1);
    return stream;
}

void delivery_stream_unref(struct delivery_stream *stream)
{
    if (!stream || atomic_fetch_sub(&stream->references, 1) > 1)
        return;
    spool_free(stream->active);
    data_stream_unref(stream->source.stream);
    g_queue_clear_full(&stream->full, free_spool);
    delivery_config_unref(stream->config);
    pthread_cond_destroy(&stream->changed);
    pthread_mutex_destroy(&stream->lock);
    g_free(stream->name);
    g_free(stream->id);
    g_free(stream->folder);
    g_free(stream);
}

/* ---- the file that puts are gathered in, as their group's owner ---- */

static struct spool *make_active(void *data, GError **error)
{
    struct delivery_stream *stream = data;
    struct clock *clock = stream->streams->clock;
    if (stream->active)
        return stream->active;
    stream->active = spool_new(stream->folder, stream->last_number + 1, clock_wall(clock), error);
    if (!stream->active)
        return NULL;
    stream->last_number++;
    stream->active_used = false;
    stream->active_bytes = 0;
    stream->active_due = clock_steady(clock) + stream->config->interval;
    return stream->active;
}

static gint64 room_in_active(const void *data)
{
    const struct delivery_stream *stream = data;
    return stream->config->size - (stream->active ? stream->active_bytes : 0);
}

/* A file that could not be written to takes nothing more: what it has is delivered, what has
 * nothing is removed. */
static void give_active_up(struct delivery_stream *stream)
{
    if (!stream->active)
        return;
    if (stream->active->length) {
        delivery_stream_close_active(stream);
        delivery_stream_request_delivery(stream);
        return;
    }
    unlink(stream->active->path);
    g_clear_pointer(&stream->active, spool_free);
}

static void count_puts(struct delivery_stream *stream, const GPtrArray *puts, bool failed)
{
    for (guint i = 0; i < puts->len; i++) {
        const struct group_put *put = g_ptr_array_index(puts, i);
        if (failed)
            stream->kept -= (gint64)put->piece.size;
        else
            stream->active_bytes += put->bytes;
    }
}

static void end_group(void *data, const GPtrArray *puts, const GError *failure)
{
    struct delivery_stream *stream = data;
    count_puts(stream, puts, failure != NULL);
    if (failure)
        give_active_up(stream);
    else
        stream->active_used = true;
    if (stream->active && stream->active_bytes >= stream->config->size) {
        delivery_stream_close_active(stream);
        delivery_stream_request_delivery(stream);
    }
    delivery_stream_watch_age(stream);
}

static const struct group_owner gathering = {make_active, room_in_active, end_group};

/* ---- putting ---- */

/* Under the lock: how many of the records may be kept, and their frames' size. */
static size_t admit(struct delivery_stream *stream, const struct spool_records *records,
                    size_t *size)
{
    gint64 room = stream->streams->backlog - stream->kept;
    size_t count = records->ends->len;
    while (count && (gint64)g_array_index(records->ends, size_t, count - 1) > room)
        count--;
    *size = count ? g_array_index(records->ends, size_t, count - 1) : 0;
    stream->kept += (gint64)*size;
    return count;
}

/* Under the lock. */
static bool put_admitted(struct delivery_stream *stream, const struct spool_records *records,
                         size_t *taken, GError **error)
{
    size_t size;
    if (stream->reads)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "This operation is not permitted on KinesisStreamAsSource delivery stream "
                         "type.");
    if (stream->ended)
        return error_set(error, ERROR_NOT_FOUND_EXCEPTION, "The stream %s is being deleted.",
                         stream->name);
    *taken = admit(stream, records, &size);
    if (!*taken)
        return error_set(error, ERROR_SERVICE_UNAVAILABLE,
                         "Slow down. The stream %s has %" G_GINT64_FORMAT
                         " bytes that are not delivered yet, and keeps at most %" G_GINT64_FORMAT
                         ".",
                         stream->name, stream->kept, stream->streams->backlog);
    /* Of a part of them a little more is counted: what their frames are. */
    gint64 bytes = *taken == records->ends->len ? (gint64)records->bytes : (gint64)size;
    struct group_put put = {.piece = {records->frames->data, size}, .bytes = bytes};
    return group_append(&stream->group, &put, error);
}

bool delivery_stream_put(struct delivery_stream *stream, const struct spool_records *records,
                         size_t *taken, GError **error)
{
    pthread_mutex_lock(&stream->lock);
    bool put = put_admitted(stream, records, taken, error);
    pthread_mutex_unlock(&stream->lock);
    return put;
}

/* ---- changing and ending ---- */

/* Updates of one stream may come here in another order than the store saw them. */
static bool is_newer(const struct delivery_config *config, const struct delivery_config *than)
{
    return g_ascii_strtoll(config->version, NULL, 10) > g_ascii_strtoll(than->version, NULL, 10);
}

/* Under the lock. */
static void replace_config(struct delivery_stream *stream, struct delivery_config *config)
{
    stream->active_due += config->interval - stream->config->interval;
    stream->retry_at = 0;
    delivery_config_unref(stream->config);
    stream->config = config;
}

void delivery_stream_update(struct delivery_stream *stream, struct delivery_config *config)
{
    delivery_stream_lock_without_alarms(stream);
    if (is_newer(config, stream->config))
        replace_config(stream, config);
    else
        delivery_config_unref(config);
    delivery_stream_watch_age(stream);
    delivery_stream_request_delivery(stream);
    pthread_mutex_unlock(&stream->lock);
}

bool delivery_stream_end(struct delivery_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool first = !stream->ended;
    stream->ended = true;
    while (stream->delivering || !group_is_idle(&stream->group))
        pthread_cond_wait(&stream->changed, &stream->lock);
    stream->retry_at = 0;
    if (first)
        delivery_stream_request_delivery(stream);
    while (stream->delivering)
        pthread_cond_wait(&stream->changed, &stream->lock);
    pthread_mutex_unlock(&stream->lock);
    return first;
}

void delivery_stream_go_on(struct delivery_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->ended = false;
    delivery_stream_watch_age(stream);
    delivery_stream_request_delivery(stream);
    pthread_mutex_unlock(&stream->lock);
}

void delivery_streams_remove(struct delivery_streams *streams, struct delivery_stream *stream)
{
    delivery_stream_unfollow(stream);
    delivery_stream_lock_without_alarms(stream);
    pthread_mutex_unlock(&stream->lock);
    pthread_mutex_lock(&streams->lock);
    if (g_hash_table_lookup(streams->by_name, stream->name) == stream)
        g_hash_table_remove(streams->by_name, stream->name);
    pthread_mutex_unlock(&streams->lock);
    folders_remove(streams->folders, stream->name, stream->id);
}

/* ---- opening ---- */

static struct delivery_stream *new_stream(struct delivery_streams *streams, const char *name,
                                          const char *id, struct delivery_config *config)
{
    struct delivery_stream *stream = g_new0(struct delivery_stream, 1);
    atomic_init(&stream->references, 1);
    stream->streams = streams;
    stream->name = g_strdup(name);
    stream->id = g_strdup(id);
    stream->folder = folders_path(streams->folders, name, id);
    stream->config = config;
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->changed, NULL);
    stream->group = (struct group){
        .lock = &stream->lock, .changed = &stream->changed, .owner = &gathering, .data = stream};
    return stream;
}

/* How far it was delivered, by the store. */
static bool find_mark(struct delivery_stream *stream, guint64 *delivered, GError **error)
{
    struct entry_query query = {.kind = DELIVERY_STREAM_KIND, .owner = stream->name};
    g_autoptr(GPtrArray) entries = entry_list(stream->streams->store, &query, error);
    for (guint i = 0; entries && i < entries->len; i++) {
        const struct entry *entry = g_ptr_array_index(entries, i);
        if (g_strcmp0(json_text_at(entry->body, "Id"), stream->id) == 0)
            *delivered = (guint64)json_integer_at(entry->body, "Delivered", 0);
    }
    return entries != NULL;
}

/* What an earlier run left: delivered already, or still to be. */
static bool take_up(struct delivery_stream *stream, GError **error)
{
    guint64 delivered = 0;
    g_autoptr(GPtrArray) left =
        find_mark(stream, &delivered, error) ? spool_find(stream->folder, error) : NULL;
    stream->last_number = delivered;
    stream->source.next = MAX(stream->source.next, delivered);
    while (left && left->len) {
        struct spool *spool = g_ptr_array_steal_index(left, 0);
        stream->last_number = MAX(stream->last_number, spool->number);
        if (spool->number > delivered) {
            stream->kept += spool_frames(spool);
            g_queue_push_tail(&stream->full, spool);
        } else {
            unlink(spool->path);
            spool_free(spool);
        }
    }
    return left != NULL;
}

bool delivery_streams_add(struct delivery_streams *streams, const char *name, const char *id,
                          struct delivery_config *config, const struct delivery_source *source,
                          GError **error)
{
    struct delivery_stream *stream = new_stream(streams, name, id, config);
    stream->reads = source != NULL;
    if (source && source->stream) {
        stream->source.stream = data_stream_ref(source->stream);
        stream->source.next = source->from;
    }
    if (!folders_make(streams->folders, name, id, error) || !take_up(stream, error)) {
        g_prefix_error(error, "the delivery stream %s: ", name);
        delivery_stream_unref(stream);
        return false;
    }
    if (stream->source.stream)
        delivery_stream_follow(stream);
    pthread_mutex_lock(&stream->lock);
    delivery_stream_request_delivery(stream);
    pthread_mutex_unlock(&stream->lock);
    pthread_mutex_lock(&streams->lock);
    g_hash_table_replace(streams->by_name, stream->name, stream);
    pthread_mutex_unlock(&streams->lock);
    return true;
}

struct delivery_stream *delivery_streams_find(struct delivery_streams *streams, const char *name)
{
    pthread_mutex_lock(&streams->lock);
    struct delivery_stream *stream = g_hash_table_lookup(streams->by_name, name);
    if (stream)
        delivery_stream_ref(stream);
    pthread_mutex_unlock(&streams->lock);
    return stream;
}

static char *id_of(const char *name, void *data)
{
    g_autoptr(delivery_stream_auto) stream = delivery_streams_find(data, name);
    return stream ? g_strdup(stream->id) : NULL;
}

bool delivery_streams_clean(struct delivery_streams *streams, GError **error)
{
    return folders_clean(streams->folders, id_of, streams, error);
}

static void unref_stream(void *stream)
{
    delivery_stream_unref(stream);
}

struct delivery_streams *delivery_streams_open(const struct delivery_streams_settings *settings,
                                               GError **error)
{
    struct folders *folders = folders_open(settings->folder, error);
    struct extractor *extractor = folders ? extractor_open(settings->extract, error) : NULL;
    if (!extractor) {
        folders_close(folders);
        return NULL;
    }
    struct delivery_streams *streams = g_new0(struct delivery_streams, 1);
    streams->folders = folders;
    streams->extractor = extractor;
    streams->catalog = settings->catalog;
    streams->engine = settings->engine;
    streams->store = settings->store;
    streams->lake = settings->lake;
    streams->clock = settings->clock;
    streams->backlog = settings->backlog;
    streams->deliverers = tasks_new_many(DELIVERERS);
    atomic_init(&streams->closing, false);
    pthread_mutex_init(&streams->lock, NULL);
    streams->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_stream);
    return streams;
}

struct extractor *delivery_streams_extractor(struct delivery_streams *streams)
{
    return streams->extractor;
}

void delivery_streams_wait(struct delivery_streams *streams)
{
    tasks_wait(streams->deliverers);
}

static void cancel_all_alarms(struct delivery_streams *streams)
{
    GHashTableIter entries;
    gpointer value;
    g_hash_table_iter_init(&entries, streams->by_name);
    while (g_hash_table_iter_next(&entries, NULL, &value)) {
        struct delivery_stream *stream = value;
        delivery_stream_unfollow(stream);
        delivery_stream_lock_without_alarms(stream);
        pthread_mutex_unlock(&stream->lock);
    }
}

void delivery_streams_close(struct delivery_streams *streams)
{
    if (!streams)
        return;
    atomic_store(&streams->closing, true);
    cancel_all_alarms(streams); /* none has anything delivered any more */
    tasks_free(streams->deliverers);
    extractor_close(streams->extractor);
    cancel_all_alarms(streams); /* nor was one set by a delivery that ended meanwhile */
    g_hash_table_unref(streams->by_name);
    pthread_mutex_destroy(&streams->lock);
    folders_close(streams->folders);
    g_free(streams);
}
