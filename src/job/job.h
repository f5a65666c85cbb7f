/* job.h: running jobs. A job is a plan (plan.h) that becomes a folder in the /opt/ml layout, a
 * child process, and objects; what it is for only the room that submits it knows.
 *
 * As many run at once as there are slots (cores), the others wait in order. Each slot is a thread
 * that lives as long as the server: it stages in, runs the child while it reads its output (log
 * lines, of one log or of two) and its report pipe (JSON lines), stages out, and hands the end
 * back. */
#ifndef LATHE_JOB_JOB_H
#define LATHE_JOB_JOB_H

#include "job/plan.h"
#include "store/store.h"

struct clock;
struct jobs;
struct job;
struct lake;
struct logs;

struct jobs_settings {
    const char *folder; /* of the jobs' folders */
    struct logs *logs;
    struct lake *lake;
    unsigned slots;       /* 0: as many as cores */
    double close_seconds; /* what a job gets of jobs_close to end by itself; 0: 10 */
    struct clock *clock;  /* that says when a job has run long enough */
};
struct jobs *jobs_open(const struct jobs_settings *settings, GError **error);
/* Stops what runs, also what was told to stop and has time left, forgets what waits, joins the
 * slots. Jobs that end by this are cut off. */
void jobs_close(struct jobs *jobs);

/* Removes folders of jobs that have ended, which could not be removed then. */
void jobs_tidy(struct jobs *jobs);

/* How a job ended. */
struct job_end {
    enum { JOB_COMPLETED, JOB_FAILED, JOB_STOPPED, JOB_TIMED_OUT } how;
    const char *reason;    /* why it failed, in AWS's words ("ClientError: ..."); else NULL */
    const char *message;   /* the program's last words (output/message), or NULL */
    bool cut_off;          /* it failed because the server ended, by no fault of its own */
    double started, ended; /* seconds since 1970; started is 0 where it never left the queue */
};

/* The end of a job whose server went away under it. */
struct job_end job_end_of_crash(void);

/* On its way. */
enum job_phase {
    JOB_STARTS, /* its inputs are brought in */
    JOB_RUNS,   /* its program is about to run */
    JOB_STORES, /* its program has ended, its outputs are stored */
};

/* What the submitting room knows. Calls come one after another, from the job's slot (end also from
 * jobs_stop, where the job was still waiting). */
struct job_actor {
    /* False: what the room keeps of the job says that it is to stop. This closes the gap between
     * making a job known and submitting it, in which a Stop finds nothing to stop. */
    bool (*enters)(struct job *job, enum job_phase phase, void *data);
    /* The child reported a JSON object. */
    void (*report)(const json_t *report, void *data);
    /* What was reported in one go is over: what was gathered of it may go on. May be NULL. */
    void (*reported)(void *data);
    /* Part of the one change of the store that also stores the job's outputs: both happen or
     * neither. Called again where that change failed. */
    bool (*end)(struct store_connection *connection, const struct job_end *end, void *data,
                GError **error);
    void (*free)(void *data);
};

struct job_order {
    const char *id; /* unique among jobs that have not ended; its folder's name */
    const char *log_group, *log_stream;
    const char *errors_group; /* where what it writes to its standard error goes, and what we say
                               * of it, in a stream of the same name; NULL: into its log */
    struct job_plan *plan;    /* taken */
    const struct job_actor *actor;
    void *data;
};

/* Queues a job. */
void jobs_submit(struct jobs *jobs, const struct job_order *order);
/* Asks a job to stop: one that waits ends at once, one that runs gets SIGTERM, later SIGKILL.
 * False where there is none of that id. */
bool jobs_stop(struct jobs *jobs, const char *id);

/* A line into the job's log, from us; into that of its errors where it has one. */
void job_log(struct job *job, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
