/* workers_inside.h: between the files of this room. */
#ifndef LATHE_WORKER_WORKERS_INSIDE_H
#define LATHE_WORKER_WORKERS_INSIDE_H

#include <pthread.h>

#include "base/error.h"
#include "base/lines.h"
#include "base/process.h"
#include "base/waiting.h"
#include "worker/workers.h"

/* A caller that waits for its call. Two changes of threads are saved where it talks with the
 * process itself: then it is lent the slot, for as long as its call runs. */
struct worker_wait {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct waiting_lender *here; /* who is woken in its thread's place; or NULL */
    struct slot *lent;
    bool over;
    GBytes *reply;
    GError *error;
};

struct worker_call {
    guint64 id;
    GBytes *request;
    worker_done *done;
    void *data;
    struct worker_wait *wait; /* or NULL: the slot's thread talks with the process */
    bool cancelled;           /* under the pool's lock */
};

/* In whose hands a slot's conversation is. */
enum slot_hands {
    SLOT_OWN,     /* its thread's */
    SLOT_OFFERED, /* nobody's: its process is idle, and whoever has a call may take it */
    SLOT_LENT,    /* a caller's that waits */
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
    bool mute;  /* it has closed its output */
    struct lines output;
    double ready_by, look_at_memory;
    unsigned failures; /* starts in a row that came to nothing */
    double not_before; /* when the next start may be */

    struct worker_call *call; /* under the pool's lock */
    enum slot_hands hands;    /* likewise */
    double cancel_by;         /* 0: never */

    /* Of whoever has it in hand: */
    GByteArray *in, *out;
    double call_by, idle_since; /* 0: never */
    enum error_code broken;     /* why the process is to be ended, where a caller found so */
    const char *broken_why;     /* NULL: it ended by itself */
    bool is_broken;
    char *last_words; /* why it ends, or cannot come to work, as it said itself; or NULL */
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

/* slot.c: the thread of a slot, which data is. */
void *slot_run(void *data);
/* Makes it look at what is wanted of it. */
void slot_wake(const struct slot *slot);
/* For who has it in hand: sends its call, or what is left to send. */
void slot_begin_call(struct slot *slot);
void slot_send(struct slot *slot);
/* Reads what the process says; false where it has closed its end. */
bool slot_read(struct slot *slot);
/* What a process answered in place of a reply; NULL where it said why it is about to end, which is
 * told with its end. */
GError *slot_error_of(struct slot *slot, GBytes *frame);

/* lend.c: whether a pool's slots may be lent, and the slot's thread does so to the caller of its
 * call, which waits. */
bool slot_may_lend(const struct workers *workers);
void slot_lend(struct slot *slot);

/* workers.c: queues a call under the pool's lock; its id, or 0 and an error. */
guint64 workers_queue(struct workers *workers, GBytes *request, worker_done *done, void *data,
                      struct worker_wait *wait, GError **error);

#endif
