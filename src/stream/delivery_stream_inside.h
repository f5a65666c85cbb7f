/* delivery_stream_inside.h: between the files of this room. */
#ifndef LATHE_STREAM_DELIVERY_STREAM_INSIDE_H
#define LATHE_STREAM_DELIVERY_STREAM_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/tasks.h"
#include "stream/delivery_stream.h"
#include "stream/folders.h"
#include "stream/group.h"
#include "table/engine.h"

struct delivery_streams {
    struct folders *folders;
    struct store *store;
    struct lake *lake;
    struct clock *clock;
    gint64 backlog;
    struct tasks *deliverers;
    struct extractor *extractor;
    struct catalog *catalog;
    struct engine *engine;
    atomic_bool closing;
    pthread_mutex_t lock; /* of the table */
    GHashTable *by_name;  /* name -> struct delivery_stream */
};

/* What waits in the data stream that is read in place of puts. */
struct waiting_source {
    struct data_stream *stream; /* NULL: there is none, or it was deleted */
    guint64 next;               /* the first record that is not delivered */
    guint64 end;                /* the number behind the last one */
    gint64 bytes;               /* of those between, as far as they came in this run */
    bool behind;                /* more waits than was told: it waits no longer */
};

struct delivery_stream {
    atomic_int references;
    struct delivery_streams *streams;
    char *name, *id, *folder;

    pthread_mutex_t lock;   /* of what follows */
    pthread_cond_t changed; /* of any of it */
    struct delivery_config *config;
    struct group group;   /* of the puts under way; while one writes, `active` is its own */
    struct spool *active; /* what is gathered; or NULL */
    bool active_used;     /* something in it was acknowledged */
    gint64 active_bytes;  /* of the records in it */
    double active_due;    /* steady time at which it (or what waits in the source) is old enough */
    bool reads;           /* a source, in place of puts */
    struct waiting_source source;
    GQueue full; /* struct spool: to be delivered, in order */
    guint64 last_number;
    gint64 kept; /* bytes accepted (or about to be) and not delivered */
    bool delivering;
    bool ended;
    double retry_delay, retry_at; /* after a delivery that failed; 0: there was none */
    guint64 age_alarm, retry_alarm;
    bool age_alarm_waits, retry_alarm_waits;
};

/* Under the stream's lock: has what is due delivered, by a thread that does so. */
void delivery_stream_request_delivery(struct delivery_stream *stream);
/* Under the lock: goes on to the next file when this one is big or old enough. */
void delivery_stream_close_active(struct delivery_stream *stream);
/* Under the lock: sees to it that the age of what is gathered is looked at in time. */
void delivery_stream_watch_age(struct delivery_stream *stream);
/* Takes the lock; no alarm of the stream goes off any more, and none is set. */
void delivery_stream_lock_without_alarms(struct delivery_stream *stream);
struct delivery_stream *delivery_stream_ref(struct delivery_stream *stream);
/* From now on it hears of what comes to its source; and no more. */
void delivery_stream_follow(struct delivery_stream *stream);
void delivery_stream_unfollow(struct delivery_stream *stream);

#endif
