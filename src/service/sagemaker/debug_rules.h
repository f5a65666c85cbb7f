/* debug_rules.h: SageMaker Debugger's rules of a training job: what requests say of them, and the
 * statuses that descriptions show. Evaluated they are in the job's process (train/rules.h,
 * train/saved_steps.h). */
#ifndef LATHE_SERVICE_SAGEMAKER_DEBUG_RULES_H
#define LATHE_SERVICE_SAGEMAKER_DEBUG_RULES_H

#include "job/job.h"
#include "operation/operation.h"

/* At most 20, each with a name of its own, whose actions are ones that are taken. ERROR_VALIDATION.
 */
bool debug_rules_check(const json_t *request, GError **error);

/* Sets DebugRuleEvaluationStatuses as a job begins. */
void debug_rules_begin(const struct call *call, const char *job, json_t *body);
/* struct job_life's hear: *stop where a rule that is not content stops the training. */
bool debug_rules_hear(json_t *body, const json_t *report, bool *stop);
void debug_rules_end(json_t *body, const struct job_end *end);

#endif
