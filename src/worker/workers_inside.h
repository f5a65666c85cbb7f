/* workers_inside.h: between the files of this room. */
#ifndef LATHE_WORKER_WORKERS_INSIDE_H
#define LATHE_WORKER_WORKERS_INSIDE_H

#include <pthread.h>

#include "base/lines.h"
#include "base/process.h"
#include "worker/workers.h"

struct worker_call {
    guint64 id;
    GBytes *request;
    worker_done *done;
    void *data;
    bool cancelled; /* under the pool's lock */
};

/* One process of the pool and the thread that looks after it, which alone touches what is not
 * marked otherwise. */
struct slot {
    struct workers *workers;
    unsigned number;
    pthread_t thread;
    int wake; /* an eventfd: look again at what the pool wants */

    struct process process;
    bool alive;
    bool ready; /* read by others too: set under the pool's lock */
    struct lines output;
    GByteArray *in, *out;
    char *no_start; /* why it cannot come to work, as it said itself, or NULL */
    double ready_by, idle_since, look_at_memory;
    unsigned failures; /* starts in a row that came to nothing */
    double not_before; /* when the next start may be */

    struct worker_call *call;  /* under the pool's lock */
    double call_by, cancel_by; /* 0: never */
};

struct workers {
    struct workers_plan plan;
    struct slot *slots;

    pthread_mutex_t lock; /* of what follows, and of the slots' calls */
    pthread_cond_t changed;
    GQueue waiting; /* of struct worker_call */
    guint64 last_id, started;
    unsigned alive, ready;
    GError *failed; /* why the last start came to nothing; NULL once one is ready */
    bool closing;
};

/* Tells how a call ended, and frees it. */
void worker_call_end(struct worker_call *call, GBytes *reply, const GError *error);

/* The thread of a slot. */
void *slot_run(void *slot);
/* Makes it look at what is wanted of it. */
void slot_wake(const struct slot *slot);

#endif
