/* job.h: running jobs. A job is a folder in the /opt/ml layout, a child process, and an exit
 * status; what it is for, and what becomes of its results, only the room that submits it knows.
 *
 * As many run at once as there are slots (cores), the others wait in order. Each slot is a thread
 * that lives as long as the server: it prepares the folder, runs the child while it reads its
 * output (log lines) and its report pipe (JSON lines), and hands the end back. */
#ifndef LATHE_JOB_JOB_H
#define LATHE_JOB_JOB_H

#include "base/json.h"

struct jobs;
struct job;
struct logs;

struct jobs_settings {
    const char *folder; /* of the jobs' folders */
    struct logs *logs;
    unsigned slots;       /* 0: as many as cores */
    double close_seconds; /* what a job gets of jobs_close to end by itself; 0: 10 */
};
struct jobs *jobs_open(const struct jobs_settings *settings, GError **error);
/* Stops what runs (how: JOB_ABANDONED), also what was told to stop and has time left, forgets what
 * waits, joins the slots. */
void jobs_close(struct jobs *jobs);

/* How a job ended. */
enum job_how {
    JOB_EXITED,      /* by itself: see exit_status */
    JOB_NOT_STARTED, /* prepare failed, or the child could not be started: see reason */
    JOB_STOPPED,     /* jobs_stop was called */
    JOB_TIMED_OUT,   /* it ran longer than max_seconds */
    JOB_ABANDONED,   /* the server is stopping */
};
struct job_end {
    enum job_how how;
    int exit_status; /* 0: well; -1 where it was killed */
    char *reason;    /* why it failed, for its user; NULL where it ended well */
    double started, ended;
    bool again; /* finish could not write it before */
};

/* What the submitting room knows. Calls come one after another, from the job's slot (finish from
 * jobs_stop, where the job was still waiting). */
struct job_actor {
    /* Fills the folder and says what to execute (job_execute). */
    bool (*prepare)(struct job *job, void *data, GError **error);
    /* The child reported a JSON object; may be NULL. */
    void (*report)(struct job *job, const json_t *report, void *data);
    /* The child has ended: store the results and the end. False: the store takes no changes now (a
     * full disk): called again, a second later and on, until it succeeds or the server stops.
     * Called last, also for a job that never started. The folder is removed afterwards. */
    bool (*finish)(struct job *job, const struct job_end *end, void *data, GError **error);
    void (*free)(void *data);
};

struct job_plan {
    const char *name; /* unique among jobs that have not ended */
    const char *log_group, *log_stream;
    double max_seconds;  /* 0: no limit */
    double stop_seconds; /* between SIGTERM and SIGKILL; 0: 120 */
    const struct job_actor *actor;
    void *data;
};

/* Queues a job. The plan's texts are copied. */
void jobs_submit(struct jobs *jobs, const struct job_plan *plan);
/* Asks a job to stop: one that waits ends at once, one that runs gets SIGTERM, later SIGKILL.
 * False where there is none of that name. */
bool jobs_stop(struct jobs *jobs, const char *name);

/* --- from within an actor ----------------------------------------------------------------------
 */

/* The job's folder: what the child sees as /opt/ml. */
const char *job_folder(const struct job *job);
/* What to execute: this program itself, as `lathe job PROGRAM FOLDER`. Its environment is a few of
 * our own variables and `setting` ("NAME=value", taken, may be NULL): never what a request says,
 * since the loader and libraries obey variables. */
void job_execute(struct job *job, const char *program, char *setting);
/* A line into the job's log, from us. */
void job_log(struct job *job, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
