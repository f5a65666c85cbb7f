/* workers.h: processes that live longer than a job, a pool of equal ones for one purpose: what asks
 * DuckDB, what runs a user's serving script. A call is bytes to one of them and bytes back.
 *
 * A process that ends, is too slow, or takes too much memory fails the call that it had, and no
 * other: another is started in its place, at once the first time, later after ever longer pauses
 * where it does not even come to work. Calls beyond those that may wait are refused: nothing grows
 * without bound.
 *
 * The errors of a call: what the process itself answered, with its code; ERROR_PROCESS_ENDED where
 * it ended, did not come to work, held too much memory or spoke nonsense; ERROR_PROCESS_LATE where
 * the call took too long; ERROR_CANCELLED; and ERROR_SERVICE_UNAVAILABLE where no process had it:
 * too many wait, or the pool is being closed. */
#ifndef LATHE_WORKER_WORKERS_H
#define LATHE_WORKER_WORKERS_H

#include <glib.h>
#include <stdbool.h>

struct workers;

struct workers_plan {
    const char *name; /* what they are for, in errors: "the model 'abalone'" */
    /* What to execute, in which environment and folder (process.h); it talks on its descriptor
     * PROCESS_REPORT, as serve.h does for programs of ours. */
    char *const *argv, *const *environment;
    const char *folder;
    unsigned count;       /* processes at once; 0: one */
    unsigned waiting;     /* calls that may wait beside those that run */
    size_t memory;        /* bytes that a process and its children may hold; 0: no limit */
    size_t longest_reply; /* bytes; 0: 64 MiB */
    double start_seconds; /* for a process to say that it is ready; 0: 60 */
    double call_seconds;  /* for one call; 0: no limit */
    double grace_seconds; /* for a cancelled call to end by itself, its process kept; 0: none */
    double idle_seconds;  /* without a call, after which a process ends; 0: it stays */
    bool warm;            /* started at once, not with the first call */
    /* A line that a process wrote, with the number of the process, from 0; may be NULL. Comes from
     * a thread of the pool. */
    void (*log)(unsigned process, const char *line, size_t size, void *data);
    void *data;
};

/* The plan is copied, but for `data`. */
struct workers *workers_open(const struct workers_plan *plan, GError **error);
/* Fails what waits or runs, and all that is still to come (ERROR_SERVICE_UNAVAILABLE); the
 * processes are being ended. */
void workers_end(struct workers *workers);
/* The same, and joins the processes' threads. */
void workers_close(struct workers *workers);

/* How a call ended: the reply's bytes, or NULL and why. Called once, from a thread of the pool. The
 * bytes are borrowed. Must not close the pool. */
typedef void worker_done(GBytes *reply, const GError *error, void *data);
/* Queues a call; takes a reference of the request. Its id, or 0 and an error (too many wait). */
guint64 workers_submit(struct workers *workers, GBytes *request, worker_done *done, void *data,
                       GError **error);
/* Ends a call that waits or runs, with ERROR_CANCELLED; nothing where it has ended. */
void workers_cancel(struct workers *workers, guint64 id);

/* Submits and waits: the reply, or NULL and an error. */
GBytes *workers_call(struct workers *workers, GBytes *request, GError **error);

/* Waits until a process has come to work; false and why where the first one that was tried failed
 * to, or where given_up (NULL: never), which is asked now and then, says so. For pools that are
 * warm. */
bool workers_wait_ready(struct workers *workers, bool (*given_up)(void *data), void *data,
                        GError **error);

/* What there is now, for status pages and tests. */
struct workers_count {
    unsigned alive, running; /* processes; calls */
    unsigned waiting;        /* calls */
    guint64 started;         /* processes since the pool was opened */
};
struct workers_count workers_count(struct workers *workers);

#endif
