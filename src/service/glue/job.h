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
extern const struct flow_driver job_run_driver; /* job_life.c */

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

/* ---- runs (job_run.c, job_life.c) ---- */

/* How a run is begun. */
struct job_run_start {
    const struct call *call;
    const json_t *request;        /* of StartJobRun */
    const char *trigger;          /* that starts it, or NULL */
    const struct resource *retry; /* the run that it repeats, or NULL */
    char *id;                     /* comes out; g_free */
    bool queued;                  /* comes out: it waits for another to end */
};
/* Within a change of the store's. ERROR_ENTITY_NOT_FOUND, ERROR_CONCURRENT_RUNS,
 * ERROR_INVALID_INPUT_EXCEPTION. */
bool job_run_start_within(struct store_connection *connection, struct job_run_start *start,
                          GError **error);

/* How a run ended. */
struct job_run_end {
    const char *id;
    const char *state;                    /* SUCCEEDED, FAILED, STOPPED or TIMEOUT */
    const char *message;                  /* or NULL */
    const json_t *state_of_script, *read; /* for its bookmark; or NULL */
    gint64 version; /* of the bookmark that it began with; -1: it moves none */
};
/* Its end, with all that follows: a retry, one that waited, its bookmark. Nothing where it has
 * ended already. */
bool job_run_end_within(struct store_connection *connection, struct lathe *lathe,
                        const struct job_run_end *end, GError **error);
/* The run that would repeat one that failed: "jr_..._attempt_1"; g_free. */
char *job_run_retry_name(const struct resource *run);
/* A run as AWS tells it; json_decref. */
json_t *job_run_describe(const struct resource *run, bool predecessors);
/* The names of a job's runs; json_decref. */
json_t *job_runs_named(struct store *store, const char *job, GError **error);
/* Within the change that removes a job: those of its runs that are on their way (`going`) are to
 * stop, and go then; the others go. */
bool job_runs_forget_within(struct store_connection *connection, struct lathe *lathe,
                            const json_t *going, const json_t *others, GError **error);

/* Runs that ended are told for 90 days, as by AWS. */
void job_runs_tidy(struct lathe *lathe, double now);

/* What a run was begun with: the value of an argument ("--TempDir"), or NULL. */
const char *job_run_option(const struct resource *run, const char *name);
/* "/aws-glue/jobs" and "/aws-glue/jobs/output": where its log is told to be, and is. */
const char *job_run_group(const json_t *command);
char *job_run_log(const json_t *command, const char *stream); /* g_free */
/* Tells why a run failed where AWS tells errors. */
void job_run_tell(struct lathe *lathe, const json_t *command, const char *id, const char *message);

/* ---- plans of those that are processes (job_plan.c) ---- */

struct job_plan;
/* A run's plan; bookmark: what the script is told of it, or NULL. */
struct job_plan *job_run_plan(const struct call *call, const struct resource *run, json_t *bookmark,
                              GError **error);

/* ---- SQL (sql_run.c) ---- */

struct sql_run;
/* Runs a script's statements to the end, on a thread of its own; `stop` may be called meanwhile. */
struct sql_run *sql_run_new(struct lathe *lathe, const char *id);
/* A life and its errand have it, which may outlive each other. */
struct sql_run *sql_run_ref(struct sql_run *sql);
void sql_run_unref(struct sql_run *sql);
void sql_run_stop(struct sql_run *sql);
/* False and an error where it failed (ERROR_CANCELLED: it was stopped, or the server ends): then
 * its end is still to be written. */
bool sql_run_all(struct sql_run *sql, GError **error);
/* Below the home; before any runs: what a crash left of statements goes. */
bool sql_runs_open(struct lathe *lathe, GError **error);

/* ---- bookmarks (bookmark.c) ---- */

enum bookmark_option { BOOKMARK_DISABLED, BOOKMARK_ENABLED, BOOKMARK_PAUSED };
/* By --job-bookmark-option; ERROR_INVALID_INPUT_EXCEPTION where it is none of its values. */
bool bookmark_option_of(const json_t *options, enum bookmark_option *option, GError **error);

/* What a run begins with. */
struct bookmark {
    enum bookmark_option option;
    gint64 version, run;
    json_t *states;   /* of a script */
    GHashTable *seen; /* of SQL: ids of objects that earlier runs read */
    /* The same up to the run that --job-bookmark-to names, what is later being left out; or NULL.
     */
    json_t *last_states;
    GHashTable *last_seen;
};
bool bookmark_read(struct lathe *lathe, const struct resource *run, struct bookmark *bookmark,
                   GError **error);
void bookmark_clear(struct bookmark *bookmark);
/* Within the change that ends a run well: its step. */
bool bookmark_step_within(struct store_connection *connection, struct store *store,
                          const struct resource *run, const struct job_run_end *end,
                          GError **error);
bool bookmark_delete_within(struct store_connection *connection, struct store *store,
                            const char *job, GError **error);

operation_function get_job_bookmark, reset_job_bookmark;
operation_function create_job, get_job, get_jobs, list_jobs, batch_get_jobs, update_job, delete_job;

#endif
