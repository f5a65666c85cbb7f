/* Reading a data stream's log from a number on. */
#include <errno.h>
#include <string.h>

#include "stream/data_stream_inside.h"

#define MARK_EVERY ((gint64)64 << 10) /* bytes of a file between its marks */

bool data_seen_in(const struct spool_piece *frame, struct data_seen *seen)
{
    struct data_head head;
    if (frame->size < sizeof head)
        return false;
    memcpy(&head, frame->bytes, sizeof head);
    size_t key_size = GUINT32_FROM_LE(head.key_size);
    if (key_size > frame->size - sizeof head)
        return false;
    seen->millis = GINT64_FROM_LE(head.millis);
    seen->shard = GUINT32_FROM_LE(head.shard);
    seen->partition_key = (const char *)frame->bytes + sizeof head;
    seen->key_size = key_size;
    seen->bytes = seen->partition_key + key_size;
    seen->size = frame->size - sizeof head - key_size;
    return true;
}

gint64 data_seen_bytes(const struct data_seen *record)
{
    return (gint64)(SPOOL_FRAME_HEAD + sizeof(struct data_head) + record->key_size + record->size);
}

/* A stretch of one file. */
struct stretch {
    guint64 file;  /* its number */
    guint64 at;    /* the number of the record that the reader comes to */
    guint64 limit; /* no record of the file has this number or a greater one */
    struct spool_reader *reader;
    GArray *marks; /* new ones */
    gint64 marked; /* where the last one is */
};

/* Under the lock: the file that has the record of that number, or the first one behind it. */
static struct data_file *file_of(const struct data_stream *stream, guint64 number, guint64 *limit)
{
    guint low = 0, high = stream->files->len;
    while (low < high) { /* the first file that begins behind the number */
        guint middle = (low + high) / 2;
        const struct data_file *file = g_ptr_array_index(stream->files, middle);
        if (file->spool->number > number)
            high = middle;
        else
            low = middle + 1;
    }
    guint i = low ? low - 1 : 0;
    if (i >= stream->files->len)
        return NULL;
    const struct data_file *next =
        i + 1 < stream->files->len ? g_ptr_array_index(stream->files, i + 1) : NULL;
    *limit = next ? next->spool->number : stream->next;
    return g_ptr_array_index(stream->files, i);
}

static struct data_mark mark_before(const struct data_file *file, guint64 number)
{
    struct data_mark best = {0, file->spool->number};
    guint low = 0, high = file->marks->len;
    while (low < high) {
        guint middle = (low + high) / 2;
        const struct data_mark *mark = &g_array_index(file->marks, struct data_mark, middle);
        if (mark->number > number) {
            high = middle;
        } else {
            best = *mark;
            low = middle + 1;
        }
    }
    return best;
}

/* Under the lock. False where nothing acknowledged has that number or a greater one; or with an
 * error. */
static bool open_stretch(const struct data_stream *stream, guint64 number, struct stretch *stretch,
                         GError **error)
{
    struct data_file *file = file_of(stream, number, &stretch->limit);
    if (!file || number >= stream->next || !file->length)
        return false;
    struct data_mark mark = mark_before(file, number);
    stretch->file = file->spool->number;
    stretch->at = mark.number;
    stretch->marked = mark.offset;
    stretch->reader = spool_reader_new(file->spool->path, mark.offset, file->length, error);
    if (!stretch->reader)
        return false;
    stretch->marks = g_array_new(FALSE, FALSE, sizeof(struct data_mark));
    return true;
}

/* Under the lock: what was learnt on the way. */
static void keep_marks(const struct data_stream *stream, const struct stretch *stretch)
{
    guint64 limit;
    struct data_file *file = file_of(stream, stretch->file, &limit);
    if (!file || file->spool->number != stretch->file)
        return;
    for (guint i = 0; i < stretch->marks->len; i++) {
        struct data_mark mark = g_array_index(stretch->marks, struct data_mark, i);
        if (mark_before(file, G_MAXUINT64).number < mark.number)
            g_array_append_val(file->marks, mark);
    }
}

static void mark(struct stretch *stretch)
{
    struct data_mark mark = {spool_reader_at(stretch->reader), stretch->at};
    if (mark.offset - stretch->marked < MARK_EVERY)
        return;
    g_array_append_val(stretch->marks, mark);
    stretch->marked = mark.offset;
}

/* True where visit took all of the file from that number on; else *next is the first it did not. */
static bool read_stretch(struct stretch *stretch, guint64 from, data_visit *visit, void *data,
                         guint64 *next, GError **error)
{
    struct spool_piece frame;
    GError *cause = NULL;
    while (stretch->at < stretch->limit && spool_reader_next(stretch->reader, &frame, &cause)) {
        struct data_seen seen = {.number = stretch->at};
        if (stretch->at >= from && data_seen_in(&frame, &seen) && !visit(&seen, data)) {
            *next = stretch->at;
            return false;
        }
        stretch->at++;
        mark(stretch);
    }
    if (cause)
        g_propagate_error(error, cause);
    *next = MAX(from, stretch->limit);
    return !cause;
}

bool data_stream_read(struct data_stream *stream, guint64 from, data_visit *visit, void *data,
                      guint64 *next, GError **error)
{
    GError *cause = NULL;
    bool more = true;
    *next = from;
    while (more && !cause) {
        struct stretch stretch = {0};
        pthread_mutex_lock(&stream->lock);
        more = open_stretch(stream, *next, &stretch, &cause);
        pthread_mutex_unlock(&stream->lock);
        if (!more)
            break;
        more = read_stretch(&stretch, *next, visit, data, next, &cause);
        pthread_mutex_lock(&stream->lock);
        keep_marks(stream, &stretch);
        pthread_mutex_unlock(&stream->lock);
        spool_reader_free(stretch.reader);
        g_array_unref(stretch.marks);
    }
    if (cause)
        g_propagate_error(error, cause);
    return !cause;
}

guint64 data_stream_since(struct data_stream *stream, gint64 millis)
{
    double time = (double)millis / 1000 - 1; /* clocks of callers that came together */
    pthread_mutex_lock(&stream->lock);
    guint64 number = stream->files->len ? 0 : stream->next;
    for (guint i = 0; i < stream->files->len; i++) {
        const struct data_file *file = g_ptr_array_index(stream->files, i);
        if (!number || file->spool->time < time)
            number = file->spool->number;
    }
    pthread_mutex_unlock(&stream->lock);
    return number;
}
