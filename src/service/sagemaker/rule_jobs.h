/* rule_jobs.h: the processing jobs that evaluate debugger rules, as AWS shows them: one a rule,
 * which RuleEvaluationJobArn of DebugRuleEvaluationStatuses names. Here nothing runs for them; they
 * tell what the rule's status tells. */
#ifndef LATHE_SERVICE_SAGEMAKER_RULE_JOBS_H
#define LATHE_SERVICE_SAGEMAKER_RULE_JOBS_H

#include "operation/operation.h"
#include "store/resource.h"

/* The ARN of a new one; g_free. */
char *rule_job_arn(const struct call *call, const char *training_job, const char *rule);

/* struct job_life's beside: writes those of a training job as its statuses are now. */
bool rule_jobs_write(struct store_connection *connection, struct store *store,
                     const char *training_job, const json_t *body, GError **error);

#endif
