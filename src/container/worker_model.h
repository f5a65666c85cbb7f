/* worker_model.h: a model that processes answer for (worker/workers.h), in the words of exchange.h.
 *
 * What becomes of a call: what the process answers, or refuses with its status and text; 500 and
 * why where its process ended, which no other call notices; SageMaker's words for an invocation
 * that timed out where it took longer than the plan's call_seconds; ERROR_SERVICE_UNAVAILABLE where
 * more wait than the plan lets. */
#ifndef LATHE_CONTAINER_WORKER_MODEL_H
#define LATHE_CONTAINER_WORKER_MODEL_H

#include "container/model.h"
#include "worker/workers.h"

/* Bodies up to this size, beside the time of its processes, take no time worth a thread. */
#define WORKER_QUICK_BYTES ((size_t)64 << 10)

/* Whether, and how long, it is waited for a process to come to work. */
struct model_wait {
    bool waits;
    bool (*given_up)(void *data); /* asked now and then; NULL: never */
    void *data;
};

/* The plan is copied, but for its data. Where it waits: NULL and its reason where the first process
 * that was tried did not come to work, or it was given up. */
struct served_model *worker_model_open(const struct workers_plan *plan,
                                       const struct model_wait *wait, GError **error);

#endif
