/* retry.h: a step's RetryPolicies: which failures are tried again, how often and when. */
#ifndef LATHE_FLOW_PIPELINE_RETRY_H
#define LATHE_FLOW_PIPELINE_RETRY_H

#include "base/json.h"

/* The kinds of failures that policies name. */
enum retry_cause {
    RETRY_NEVER,
    RETRY_SERVICE_FAULT,  /* Step.SERVICE_FAULT: the call failed on our side */
    RETRY_THROTTLING,     /* Step.THROTTLING */
    RETRY_JOB_INTERNAL,   /* SageMaker.JOB_INTERNAL_ERROR */
    RETRY_CAPACITY,       /* SageMaker.CAPACITY_ERROR */
    RETRY_RESOURCE_LIMIT, /* SageMaker.RESOURCE_LIMIT */
};

/* Refuses policies that would not be obeyed; policies may be NULL. */
bool retry_check(const char *step, const json_t *policies, GError **error);

/* What a call's error, or a job's FailureReason, counts as. */
enum retry_cause retry_cause_of_error(const GError *error);
enum retry_cause retry_cause_of_reason(const char *reason);

/* Whether a step that failed in its attempt-th attempt (from 1), first begun at `begun`, is tried
 * again now, and after how many seconds. */
bool retry_wanted(const json_t *policies, enum retry_cause cause, int attempt, double begun,
                  double now, double *seconds);

#endif
