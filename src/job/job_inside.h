/* job_inside.h: between the files of this room. */
#ifndef LATHE_JOB_JOB_INSIDE_H
#define LATHE_JOB_JOB_INSIDE_H

#include <pthread.h>

#include "base/process.h"
#include "job/job.h"
#include "lake/lake.h"

struct jobs {
    char *folder;
    struct logs *logs;
    struct lake *lake;
    double close_seconds;
    struct clock *clock;
    struct tasks *slots;
    struct tasks *sweeper; /* what removes folders, so that no slot waits for it */
    pthread_mutex_t lock;  /* of what follows */
    GQueue queue;          /* of struct job that wait */
    GPtrArray *live;       /* those and the ones that run */
    GPtrArray *warmed;     /* struct warmed that wait for work */
    guint64 cools;         /* the alarm that ends them; 0: none is set */
    guint64 gone;          /* folders that were disowned */
    bool closing;
};

struct job {
    struct jobs *jobs;
    char *id, *log_group, *errors_group, *log_stream, *folder;
    struct job_plan *plan;
    const struct job_actor *actor;
    void *data;

    struct log_writer *log, *errors; /* errors: NULL where the log has them */
    struct process process;
    struct warmed *warmed; /* what the process was forked from, or NULL */
    int wake;              /* eventfd: job_wish has changed */
    GHashTable *taken;     /* marks of files of outputs that come: those that are stored */
    double looked;         /* when they were last looked for */
    guint64 logged;        /* bytes of its logs */
    bool ran;              /* there may be outputs */
    bool lent;             /* its slot: it waits */
    bool told;             /* why it failed stands in its log */

    bool stop_wanted; /* under jobs->lock; so is */
    bool late;        /* it has run as long as it may */
};

/* Why a job is to end: a Stop counts for more than the server's end, that for more than time. */
struct job_wish {
    bool stop, closing, late;
};
struct job_wish job_wish(struct job *job);
/* An alarm's (base/clock.h): the job's time has run out. */
void job_is_late(void *data);
/* A job whose program waits, perhaps for another job, lends its slot meanwhile. */
void job_lend(struct job *job, bool waits);
void job_hear_wake(const struct job *job);
/* Its folder goes, beside what its slot does next. */
void job_leave_folder(struct job *job);
/* errors: what it wrote to its standard error. */
void job_log_text(struct job *job, bool errors, const char *text, size_t size);
/* Its logs are held back, or are not any more (log/log_stream.h). */
void job_hold_log(const struct job *job, bool held);

/* What the program wrote for us into a file of its folder, whatever it is; g_free. NULL: nothing,
 * or more than a reason could be. */
char *job_words(const struct job *job, const char *path);

/* How a program ended: reason is to be freed, and in AWS's words. */
struct child_end {
    int how; /* of struct job_end */
    char *reason;
    bool cut_off;
};

/* warmed.c: the job's process, forked from one that has loaded what its program needs; that waits
 * a few seconds for another job once it is given back. False: it cannot be had. */
struct warmed;
bool warmed_start(struct job *job, char *const *environment);
void warmed_give_back(struct job *job);
void warmed_free(void *data);

/* profile.c: records what the child uses, where the plan asks for it and it is time; the seconds to
 * the next time, or 0. */
struct profile {
    double looked; /* by the monotonic clock; 0: not yet */
    struct process_usage usage;
    bool failed;
};
double profile_look(struct job *job, struct profile *profile);

/* child.c: runs the plan's program on the folder to its end. */
bool child_run(struct job *job, struct child_end *end, GError **error);

/* run.c: one job from its start to its end. */
void job_run(struct job *job);
/* The end of one that never started. False: the store takes no changes now. */
bool job_end_waiting(struct job *job);
/* Stores the files of outputs that come as they come; what fails is tried again. */
void job_take_outputs(struct job *job);

#endif
