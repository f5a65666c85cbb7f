/* job_state.h: what the lives of all kinds of jobs share. */
#ifndef LATHE_SERVICE_SAGEMAKER_JOB_STATE_H
#define LATHE_SERVICE_SAGEMAKER_JOB_STATE_H

#include "service/sagemaker/sagemaker.h"

/* The whole of Stop<Kind>: InProgress becomes Stopping (change may edit the body), the job is asked
 * to stop. */
bool sagemaker_stop_job(const struct call *call, const struct sagemaker_kind *kind,
                        const json_t *request, resource_change *change, GError **error);

/* Queues the job of a resource. The actor's data is handed on to it. */
struct job_actor;
void sagemaker_submit_job(struct lathe *lathe, const struct sagemaker_kind *kind, const char *name,
                          const char *log_group, const json_t *request,
                          const struct job_actor *actor, void *data);

/* At start: gives every job that is not at its end to fail, which does what has to be done (and
 * whose change of the resource is its own). */
bool sagemaker_each_unfinished(struct lathe *lathe, const struct sagemaker_kind *kind,
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
