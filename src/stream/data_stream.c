#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "stream/data_stream_inside.h"

#define HOUR 3600.0
#define LONGEST_OPEN HOUR /* a file takes no more after it: so what is past its time can go */

/* ---- files of the log ---- */

static void free_file(void *data)
{
    struct data_file *file = data;
    spool_free(file->spool);
    g_array_unref(file->marks);
    g_free(file);
}

static struct data_file *add_file(struct data_stream *stream, struct spool *spool, gint64 length,
                                  double last)
{
    struct data_file *file = g_new0(struct data_file, 1);
    file->spool = spool;
    file->length = length;
    file->last = last;
    file->marks = g_array_new(FALSE, FALSE, sizeof(struct data_mark));
    g_ptr_array_add(stream->files, file);
    return file;
}

static struct data_file *last_file(const struct data_stream *stream)
{
    return stream->files->len ? g_ptr_array_index(stream->files, stream->files->len - 1) : NULL;
}

/* Under the lock. */
static void close_last(struct data_stream *stream)
{
    if (stream->writes)
        spool_close(last_file(stream)->spool);
    stream->writes = false;
}

/* Under the lock. */
static void remove_file(struct data_stream *stream, guint i)
{
    struct data_file *file = g_ptr_array_index(stream->files, i);
    stream->kept -= spool_frames(file->spool);
    unlink(file->spool->path);
    g_ptr_array_remove_index(stream->files, i);
}

/* ---- writing, as the group's owner ---- */

static gint64 room_in_last(const void *data)
{
    const struct data_stream *stream = data;
    return stream->writes ? stream->streams->file - last_file(stream)->length
                          : stream->streams->file;
}

static struct spool *open_last(void *data, GError **error)
{
    struct data_stream *stream = data;
    double now = clock_wall(stream->streams->clock);
    if (stream->writes && now - last_file(stream)->spool->time > LONGEST_OPEN)
        close_last(stream);
    if (stream->writes)
        return last_file(stream)->spool;
    struct spool *spool = spool_new(stream->folder, stream->next, now, error);
    if (!spool)
        return NULL;
    add_file(stream, spool, 0, now);
    stream->writes = true;
    return spool;
}

/* Under the lock. */
static void tell_watchers(const struct data_stream *stream, gint64 bytes)
{
    for (guint i = 0; i < stream->watchers->len; i++) {
        const struct data_watcher *watcher =
            &g_array_index(stream->watchers, struct data_watcher, i);
        watcher->grew(stream->next, bytes, watcher->data);
    }
}

static void number_puts(struct data_stream *stream, const GPtrArray *puts)
{
    gint64 bytes = 0;
    for (guint i = 0; i < puts->len; i++) {
        struct group_put *put = g_ptr_array_index(puts, i);
        put->first = stream->next;
        stream->next += put->records;
        bytes += put->bytes;
    }
    tell_watchers(stream, bytes);
}

/* A file that could not be written to takes nothing more. One that has nothing goes. */
static void give_last_up(struct data_stream *stream, const GPtrArray *puts)
{
    for (guint i = 0; i < puts->len; i++)
        stream->kept -= (gint64)((const struct group_put *)g_ptr_array_index(puts, i))->piece.size;
    bool empty = stream->writes && !last_file(stream)->length;
    close_last(stream);
    if (empty)
        remove_file(stream, stream->files->len - 1);
}

static void end_group(void *data, const GPtrArray *puts, const GError *failure)
{
    struct data_stream *stream = data;
    struct data_file *file = last_file(stream);
    if (failure) {
        give_last_up(stream, puts);
        return;
    }
    file->length = file->spool->length;
    file->last = clock_wall(stream->streams->clock);
    number_puts(stream, puts);
    if (room_in_last(stream) <= 0)
        close_last(stream);
}

static const struct group_owner logging = {open_last, room_in_last, end_group};

/* ---- putting ---- */

static struct spool_records *frames_of(const struct data_stream *stream,
                                       const struct shards *shards,
                                       const struct data_record *records, size_t count,
                                       struct data_place *places)
{
    struct spool_records *frames = spool_records_new();
    gint64 millis = (gint64)(clock_wall(stream->streams->clock) * 1000);
    for (size_t i = 0; i < count; i++) {
        const struct data_record *record = &records[i];
        size_t key_size = strlen(record->partition_key);
        places[i].shard = shards_of_key(shards, record->key)->id;
        struct data_head head = {.millis = GINT64_TO_LE(millis),
                                 .shard = GUINT32_TO_LE(places[i].shard),
                                 .key_size = GUINT32_TO_LE((guint32)key_size)};
        struct spool_piece pieces[] = {
            {&head, sizeof head}, {record->partition_key, key_size}, {record->bytes, record->size}};
        spool_records_add_pieces(frames, pieces, G_N_ELEMENTS(pieces));
    }
    return frames;
}

/* Under the lock: how many of the records may be kept, and their frames' size. */
static size_t admit(struct data_stream *stream, const struct spool_records *frames, size_t *size)
{
    gint64 room = stream->streams->most - stream->kept;
    size_t count = frames->ends->len;
    while (count && (gint64)g_array_index(frames->ends, size_t, count - 1) > room)
        count--;
    *size = count ? g_array_index(frames->ends, size_t, count - 1) : 0;
    stream->kept += (gint64)*size;
    return count;
}

static bool refuse(const struct data_stream *stream, GError **error)
{
    if (stream->ended)
        return error_set(error, ERROR_NOT_FOUND_EXCEPTION, "The stream %s is being deleted.",
                         stream->name);
    return error_set(error, ERROR_THROUGHPUT,
                     "Rate exceeded for the stream %s: it keeps %" G_GINT64_FORMAT
                     " bytes of the %" G_GINT64_FORMAT
                     " that it may, until the oldest are past its retention period.",
                     stream->name, stream->kept, stream->streams->most);
}

/* Under the lock. */
static bool put_frames(struct data_stream *stream, const struct spool_records *frames,
                       struct data_place *places, size_t *taken, GError **error)
{
    size_t size;
    *taken = stream->ended ? 0 : admit(stream, frames, &size);
    if (!*taken)
        return refuse(stream, error);
    struct group_put put = {
        .piece = {frames->frames->data, size}, .bytes = (gint64)size, .records = *taken};
    if (!group_append(&stream->group, &put, error))
        return false;
    for (size_t i = 0; i < *taken; i++)
        places[i].number = put.first + i;
    return true;
}

/* Under the lock. */
static void wait_for_shards(struct data_stream *stream)
{
    while (stream->changing)
        pthread_cond_wait(&stream->changed, &stream->lock);
}

/* Frames name shards: where those change while the frames are made, they are made anew. */
bool data_stream_put(struct data_stream *stream, const struct data_record *records, size_t count,
                     struct data_place *places, size_t *taken, GError **error)
{
    g_autoptr(shards_auto) shards = data_stream_shards(stream);
    g_autoptr(spool_records_auto) frames = frames_of(stream, shards, records, count, places);
    pthread_mutex_lock(&stream->lock);
    wait_for_shards(stream);
    while (stream->shards != shards) {
        pthread_mutex_unlock(&stream->lock);
        shards_free(shards);
        shards = data_stream_shards(stream);
        spool_records_free(frames);
        frames = frames_of(stream, shards, records, count, places);
        pthread_mutex_lock(&stream->lock);
        wait_for_shards(stream);
    }
    bool put = put_frames(stream, frames, places, taken, error);
    pthread_mutex_unlock(&stream->lock);
    return put;
}

/* ---- shards ---- */

struct shards *data_stream_shards(struct data_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    struct shards *shards = shards_ref(stream->shards);
    pthread_mutex_unlock(&stream->lock);
    return shards;
}

/* Under the lock: from here on nothing is put. */
static struct shards *begin_change(struct data_stream *stream)
{
    wait_for_shards(stream);
    stream->changing = true;
    while (!group_is_idle(&stream->group))
        pthread_cond_wait(&stream->changed, &stream->lock);
    struct shards *shards = shards_copy(stream->shards);
    shards->next = stream->next;
    return shards;
}

/* Under the lock. Numbers were skipped: the next record begins a file. */
static void take_shards(struct data_stream *stream, struct shards *shards)
{
    shards_free(stream->shards);
    stream->shards = shards;
    stream->next = shards->next;
    close_last(stream);
}

bool data_stream_reshard(struct data_stream *stream, data_stream_change *change, void *data,
                         GError **error)
{
    pthread_mutex_lock(&stream->lock);
    struct shards *shards = begin_change(stream);
    pthread_mutex_unlock(&stream->lock);
    bool changed = change(shards, data, error);
    pthread_mutex_lock(&stream->lock);
    if (changed)
        take_shards(stream, shards);
    else
        shards_free(shards);
    stream->changing = false;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
    return changed;
}

/* ---- looking ---- */

const char *data_stream_name(const struct data_stream *stream)
{
    return stream->name;
}

gint64 data_stream_origin(const struct data_stream *stream)
{
    return stream->origin;
}

size_t data_stream_longest(const struct data_stream *stream)
{
    return atomic_load(&stream->longest);
}

void data_stream_set_longest(struct data_stream *stream, size_t longest)
{
    atomic_store(&stream->longest, longest);
}

const char *data_stream_id(const struct data_stream *stream)
{
    return stream->id;
}

guint64 data_stream_next(struct data_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    guint64 next = stream->next;
    pthread_mutex_unlock(&stream->lock);
    return next;
}

double data_stream_horizon(struct data_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    double hours = stream->hours;
    pthread_mutex_unlock(&stream->lock);
    return clock_wall(stream->streams->clock) - hours * HOUR;
}

void data_stream_set_hours(struct data_stream *stream, double hours)
{
    pthread_mutex_lock(&stream->lock);
    stream->hours = hours;
    pthread_mutex_unlock(&stream->lock);
}

void data_stream_watch(struct data_stream *stream, data_stream_grew *grew, void *data)
{
    struct data_watcher watcher = {grew, data};
    pthread_mutex_lock(&stream->lock);
    g_array_append_val(stream->watchers, watcher);
    pthread_mutex_unlock(&stream->lock);
}

void data_stream_unwatch(struct data_stream *stream, void *data)
{
    pthread_mutex_lock(&stream->lock);
    for (guint i = stream->watchers->len; i-- > 0;)
        if (g_array_index(stream->watchers, struct data_watcher, i).data == data)
            g_array_remove_index(stream->watchers, i);
    pthread_mutex_unlock(&stream->lock);
}

/* ---- what is past its time ---- */

/* Under the lock. The newest file with records stays, however old: its name tells the numbers that
 * were given. */
static void trim(struct data_stream *stream, double horizon)
{
    while (stream->files->len > 1) {
        const struct data_file *first = g_ptr_array_index(stream->files, 0);
        const struct data_file *second = g_ptr_array_index(stream->files, 1);
        if (first->last >= horizon || !second->length)
            return;
        remove_file(stream, 0);
    }
}

void data_streams_trim(struct data_streams *streams)
{
    GHashTableIter entries;
    gpointer value;
    pthread_mutex_lock(&streams->lock);
    g_hash_table_iter_init(&entries, streams->by_name);
    while (g_hash_table_iter_next(&entries, NULL, &value)) {
        struct data_stream *stream = value;
        double horizon = data_stream_horizon(stream);
        pthread_mutex_lock(&stream->lock);
        trim(stream, horizon);
        pthread_mutex_unlock(&stream->lock);
    }
    pthread_mutex_unlock(&streams->lock);
}

/* ---- opening ---- */

struct data_stream *data_stream_ref(struct data_stream *stream)
{
    atomic_fetch_add(&stream->references, 1);
    return stream;
}

void data_stream_unref(struct data_stream *stream)
{
    if (!stream || atomic_fetch_sub(&stream->references, 1) > 1)
        return;
    g_ptr_array_unref(stream->files);
    g_array_unref(stream->watchers);
    shards_free(stream->shards);
    pthread_cond_destroy(&stream->changed);
    pthread_mutex_destroy(&stream->lock);
    g_free(stream->name);
    g_free(stream->id);
    g_free(stream->folder);
    g_free(stream);
}

static struct data_stream *new_stream(struct data_streams *streams,
                                      const struct data_stream_plan *plan)
{
    struct data_stream *stream = g_new0(struct data_stream, 1);
    atomic_init(&stream->references, 1);
    stream->streams = streams;
    stream->name = g_strdup(plan->name);
    stream->id = g_strdup(plan->id);
    stream->folder = folders_path(streams->folders, plan->name, plan->id);
    stream->origin = plan->origin;
    atomic_init(&stream->longest, plan->longest);
    stream->shards = plan->shards;
    stream->next = plan->shards->next;
    stream->hours = plan->hours;
    stream->files = g_ptr_array_new_with_free_func(free_file);
    stream->watchers = g_array_new(FALSE, FALSE, sizeof(struct data_watcher));
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->changed, NULL);
    stream->group = (struct group){
        .lock = &stream->lock, .changed = &stream->changed, .owner = &logging, .data = stream};
    return stream;
}

/* The file's records, up to `most`; its time, and how far they reach. */
static bool look_into(struct spool *spool, guint64 most, guint64 *records, GError **error)
{
    g_autoptr(spool_reader_auto) reader = spool_reader_new(spool->path, 0, spool->length, error);
    struct spool_piece frame;
    GError *cause = NULL;
    *records = 0;
    while (reader && *records < most && spool_reader_next(reader, &frame, &cause))
        ++*records;
    if (cause)
        g_propagate_error(error, cause);
    if (!reader || cause)
        return false;
    spool->time = spool_reader_time(reader);
    return true;
}

/* The newest files may have been cut off before anything in them was acknowledged: those go. The
 * newest that has records says which number is next. */
static bool find_end(struct data_stream *stream, GPtrArray *left, GError **error)
{
    while (left->len) {
        guint64 records;
        struct spool *spool = g_ptr_array_index(left, left->len - 1);
        if (!look_into(spool, G_MAXUINT64, &records, error))
            return false;
        stream->next = MAX(stream->next, spool->number + records);
        if (records)
            return true;
        unlink(spool->path);
        g_ptr_array_set_size(left, (gint)left->len - 1);
    }
    return true;
}

/* Of a file only the beginning is read: the next one's number says where it ends. */
static bool take_file(struct data_stream *stream, GPtrArray *left, GError **error)
{
    guint64 records;
    struct spool *spool = g_ptr_array_index(left, 0);
    if (!look_into(spool, 1, &records, error))
        return false;
    g_ptr_array_steal_index(left, 0);
    if (stream->files->len)
        last_file(stream)->last = spool->time;
    add_file(stream, spool, spool->length, clock_wall(stream->streams->clock));
    stream->kept += spool_frames(spool);
    return true;
}

static bool take_up(struct data_stream *stream, GError **error)
{
    g_autoptr(GPtrArray) left = spool_find(stream->folder, error);
    if (!left || !find_end(stream, left, error))
        return false;
    while (left->len)
        if (!take_file(stream, left, error))
            return false;
    return true;
}

bool data_streams_add(struct data_streams *streams, const struct data_stream_plan *plan,
                      GError **error)
{
    struct data_stream *stream = new_stream(streams, plan);
    if (!folders_make(streams->folders, plan->name, plan->id, error) || !take_up(stream, error)) {
        g_prefix_error(error, "the data stream %s: ", plan->name);
        data_stream_unref(stream);
        return false;
    }
    pthread_mutex_lock(&streams->lock);
    g_hash_table_replace(streams->by_name, stream->name, stream);
    pthread_mutex_unlock(&streams->lock);
    return true;
}

struct data_stream *data_streams_find(struct data_streams *streams, const char *name)
{
    pthread_mutex_lock(&streams->lock);
    struct data_stream *stream = g_hash_table_lookup(streams->by_name, name);
    if (stream)
        data_stream_ref(stream);
    pthread_mutex_unlock(&streams->lock);
    return stream;
}

static char *id_of(const char *name, void *data)
{
    g_autoptr(data_stream_auto) stream = data_streams_find(data, name);
    return stream ? g_strdup(stream->id) : NULL;
}

bool data_streams_clean(struct data_streams *streams, GError **error)
{
    return folders_clean(streams->folders, id_of, streams, error);
}

/* What is being written is waited for. */
void data_streams_remove(struct data_streams *streams, struct data_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->ended = true;
    wait_for_shards(stream);
    while (!group_is_idle(&stream->group))
        pthread_cond_wait(&stream->changed, &stream->lock);
    close_last(stream);
    g_ptr_array_set_size(stream->files, 0);
    pthread_mutex_unlock(&stream->lock);
    pthread_mutex_lock(&streams->lock);
    if (g_hash_table_lookup(streams->by_name, stream->name) == stream)
        g_hash_table_remove(streams->by_name, stream->name);
    pthread_mutex_unlock(&streams->lock);
    folders_remove(streams->folders, stream->name, stream->id);
}

struct data_streams *data_streams_open(const struct data_streams_settings *settings, GError **error)
{
    struct folders *folders = folders_open(settings->folder, error);
    if (!folders)
        return NULL;
    struct data_streams *streams = g_new0(struct data_streams, 1);
    streams->folders = folders;
    streams->clock = settings->clock;
    streams->most = settings->most;
    streams->file = settings->file;
    pthread_mutex_init(&streams->lock, NULL);
    streams->by_name =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)data_stream_unref);
    return streams;
}

void data_streams_close(struct data_streams *streams)
{
    if (!streams)
        return;
    g_hash_table_unref(streams->by_name);
    pthread_mutex_destroy(&streams->lock);
    folders_close(streams->folders);
    g_free(streams);
}
