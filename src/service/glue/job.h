/* job.h: jobs, their runs and bookmarks, between the files that have them.
 *
 * A job is a resource without a status: its definition. Each of its runs is one of its own, whose
 * status is AWS's JobRunState, and which a driver moves (job_run.c). Which of them are on their way
 * the job itself says, so that starting one and counting them is one change. */
#ifndef LATHE_SERVICE_GLUE_JOB_H
#define LATHE_SERVICE_GLUE_JOB_H

#include "flow/driver.h"
#include "operation/kind.h"
#include "service/glue/glue_inside.h"
#include "store/resource.h"

#define JOB_KIND "glue-job"
#define JOB_RUN_KIND "job-run"

extern const struct kind job_run_kind;
extern const struct flow_driver job_run_driver;

/* What runs a job: by its Command.Name. */
enum job_command { JOB_SPARK, JOB_PYTHON, JOB_SQL, JOB_UNKNOWN };
enum job_command job_command_of(const json_t *command);

/* ERROR_ENTITY_NOT_FOUND. */
bool job_missing(const char *name, GError **error);
/* NULL and an error where there is none. */
struct resource *job_find(const struct call *call, const char *name, GError **error);
/* A definition (Command, WorkerType, ...) as AWS tells it: with what nobody set. A new reference.
 */
json_t *job_with_defaults(const json_t *definition);
/* Whether a job, or a run, may ask for these capacities. ERROR_INVALID_INPUT_EXCEPTION. */
bool job_check_capacity(const json_t *definition, GError **error);

operation_function create_job, get_job, get_jobs, list_jobs, batch_get_jobs, update_job, delete_job;

#endif
