/* job_state.h: what the lives of all kinds of jobs share. */
#ifndef LATHE_SERVICE_SAGEMAKER_JOB_STATE_H
#define LATHE_SERVICE_SAGEMAKER_JOB_STATE_H

#include "service/sagemaker/sagemaker.h"

/* The whole of Stop<Kind>: InProgress becomes Stopping (change may edit the body), the job is asked
 * to stop. */
bool sagemaker_stop_job(const struct call *call, const struct kind *kind, const json_t *request,
                        resource_change *change, GError **error);

/* The whole of Delete<Kind>: a job at its end goes, with its log and its metrics. */
bool sagemaker_delete_job(const struct call *call, const struct kind *kind, const json_t *request,
                          GError **error);

/* Queues the job of a resource. The actor's data is handed on to it. */
struct job_actor;
void sagemaker_submit_job(struct lathe *lathe, const struct kind *kind, const char *name,
                          const json_t *request, const struct job_actor *actor, void *data);

/* Writes how a job ended in one change with what it left: a crash leaves both or none. */
struct job_ending {
    struct lathe *lathe;
    const struct kind *kind;
    const char *name;
    resource_change *change;
    void *data;
};
struct lake_batch;
bool sagemaker_end_job(const struct job_ending *ending, struct lake_batch *results, GError **error);
/* Whether results that could not be stored are to be tried again later: the disk is full. */
bool sagemaker_end_may_wait(const GError *error);

/* At start: gives every job that is not at its end to fail, which does what has to be done (and
 * whose change of the resource is its own). */
bool sagemaker_each_unfinished(struct lathe *lathe, const struct kind *kind,
                               bool (*fail)(struct lathe *lathe, const struct resource *job,
                                            GError **error),
                               GError **error);

/* What became of a job whose server went away under it. */
#define JOB_CUT_OFF                                                                           \
    "InternalServerError: lathe ended unexpectedly while the job was running; start the job " \
    "again "                                                                                  \
    "under another name."
#define JOB_ABANDONED_REASON                                                                       \
    "InternalServerError: lathe was stopped while the job was running; start the job again under " \
    "another name."

#endif
