/* group.h: appending by many at once: one of the callers that wait writes for all of them, with one
 * fsync; who comes meanwhile is in the next group. */
#ifndef LATHE_STREAM_GROUP_H
#define LATHE_STREAM_GROUP_H

#include <pthread.h>

#include "stream/spool.h"

/* What one caller has to be written. */
struct group_put {
    struct spool_piece piece; /* frames */
    gint64 bytes;             /* of its records */
    size_t records;
    guint64 first; /* for its owner's use: the number of its first record */
    bool done;
    GError *failure;
};

/* What belongs to the files that are written; all of it is called under the lock. */
struct group_owner {
    /* The file that the next group goes to, made where there is none. */
    struct spool *(*file)(void *data, GError **error);
    /* Bytes that it takes until it is full: a group has at least one put, and ends when it is. */
    gint64 (*room)(const void *data);
    /* The puts (struct group_put) of a group, in the order in which they were written. Where that
     * failed, the file is as it was before, or there was none. */
    void (*wrote)(void *data, const GPtrArray *puts, const GError *failure);
};

/* All of it under its owner's lock. */
struct group {
    pthread_mutex_t *lock;
    pthread_cond_t *changed; /* broadcast when a group was written */
    const struct group_owner *owner;
    void *data;     /* for the owner's functions */
    GQueue waiting; /* struct group_put */
    bool writing;   /* one of those that wait writes, without the lock */
};

/* Under the lock, which is let go meanwhile: returns when the put is on the disk, or could not be
 * written. The order of callers is the order in the file. */
bool group_append(struct group *group, struct group_put *put, GError **error);
/* Under the lock: nothing waits, and nothing is being written. */
bool group_is_idle(const struct group *group);

#endif
