#include "stream/group.h"

/* Under the lock: those that wait, up to what makes the file full. */
static GPtrArray *take(struct group *group)
{
    GPtrArray *puts = g_ptr_array_new();
    gint64 room = group->owner->room(group->data);
    while (!g_queue_is_empty(&group->waiting) && (!puts->len || room > 0)) {
        struct group_put *put = g_queue_pop_head(&group->waiting);
        room -= put->bytes;
        g_ptr_array_add(puts, put);
    }
    return puts;
}

static bool append(struct spool *file, const GPtrArray *puts, GError **error)
{
    g_autofree struct spool_piece *pieces = g_new(struct spool_piece, puts->len);
    for (guint i = 0; i < puts->len; i++)
        pieces[i] = ((const struct group_put *)g_ptr_array_index(puts, i))->piece;
    return spool_append(file, pieces, puts->len, error);
}

/* Under the lock. */
static void end(struct group *group, const GPtrArray *puts, const GError *failure)
{
    group->owner->wrote(group->data, puts, failure);
    for (guint i = 0; i < puts->len; i++) {
        struct group_put *put = g_ptr_array_index(puts, i);
        put->done = true;
        put->failure = failure ? g_error_copy(failure) : NULL;
    }
    group->writing = false;
    pthread_cond_broadcast(group->changed);
}

/* Under the lock, which it lets go while it writes. */
static void write_for_all(struct group *group)
{
    g_autoptr(GError) failure = NULL;
    group->writing = true;
    g_autoptr(GPtrArray) puts = take(group);
    struct spool *file = group->owner->file(group->data, &failure);
    if (file) {
        pthread_mutex_unlock(group->lock);
        append(file, puts, &failure);
        pthread_mutex_lock(group->lock);
    }
    end(group, puts, failure);
}

bool group_append(struct group *group, struct group_put *put, GError **error)
{
    g_queue_push_tail(&group->waiting, put);
    while (!put->done) {
        if (group->writing)
            pthread_cond_wait(group->changed, group->lock);
        else
            write_for_all(group);
    }
    if (put->failure)
        g_propagate_error(error, put->failure);
    return !put->failure;
}

bool group_is_idle(const struct group *group)
{
    return !group->writing && !group->waiting.length;
}
