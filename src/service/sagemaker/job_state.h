/* job_state.h: the life of a job of any kind, from its creation to its end and after a crash. What
 * a kind of job adds is a row: pure functions from a request to a plan, and from an end to members.
 */
#ifndef LATHE_SERVICE_SAGEMAKER_JOB_STATE_H
#define LATHE_SERVICE_SAGEMAKER_JOB_STATE_H

#include "job/job.h"
#include "service/sagemaker/sagemaker.h"

struct job_life {
    const struct kind *kind;
    /* The plan of a request that has been checked. */
    struct job_plan *(*plan)(const struct call *call, const json_t *request, GError **error);
    /* What a phase shows in the description; at is when the job left the queue. */
    void (*enter)(json_t *body, enum job_phase phase, double at);
    /* What a Stop shows beside the status; or NULL. */
    void (*stop)(json_t *body);
    /* What the program reports beside metrics, as JSON lines; *stop: the job is to be stopped for
     * it. False: it says nothing of the job. Or NULL. */
    bool (*hear)(json_t *body, const json_t *report, bool *stop);
    /* What an end shows; returns the status. metrics: FinalMetricDataList's entries, or empty. */
    const char *(*end)(json_t *body, const struct job_end *end, const json_t *metrics);
    /* What else is written of it in the change in which it is created, heard or ends; or NULL. */
    bool (*beside)(struct store_connection *connection, struct store *store, const char *name,
                   const json_t *body, GError **error);
};

/* The whole of Create<Kind>, once the request has been checked: plan, resource, queue. body (taken)
 * as in sagemaker_create. */
bool sagemaker_create_job(const struct call *call, const struct job_life *life,
                          const json_t *request, json_t *body, struct reply *reply, GError **error);

/* The whole of Stop<Kind>: InProgress becomes Stopping, the job is asked to stop. */
bool sagemaker_stop_job(const struct call *call, const struct job_life *life, const json_t *request,
                        GError **error);

/* The whole of Delete<Kind>: a job at its end goes, with its log and its metrics. */
bool sagemaker_delete_job(const struct call *call, const struct kind *kind, const json_t *request,
                          GError **error);

/* At start: fails those that a crash cut off. */
bool sagemaker_recover_jobs(struct lathe *lathe, const struct job_life *life, GError **error);

#endif
