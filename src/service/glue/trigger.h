/* trigger.h: triggers, workflows and their runs, between the files that have them.
 *
 * A trigger is a resource with AWS's state; a workflow is one without. What a trigger sets going,
 * and what the triggers that wait for that set going, is one run: a life that a driver moves
 * (workflow_run.c), whose entries are its nodes: the jobs and crawlers that it starts. A run is a
 * workflow's; that of triggers on their own belongs to none, is not told, and goes when it has
 * ended.
 *
 * So conditions are met within a run alone: two firings of the same schedule do not mix, and jobs
 * that somebody started by hand fire nothing, as with AWS. */
#ifndef LATHE_SERVICE_GLUE_TRIGGER_H
#define LATHE_SERVICE_GLUE_TRIGGER_H

#include "flow/driver.h"
#include "operation/kind.h"
#include "service/glue/glue_inside.h"
#include "store/resource.h"

#define TRIGGER_KIND "trigger"
#define WORKFLOW_KIND "workflow"
#define WORKFLOW_RUN_KIND "workflow-run"

extern const struct kind trigger_kind, workflow_run_kind;
extern const struct flow_driver trigger_driver, workflow_run_driver;

/* ---- triggers (trigger.c) ---- */

/* Of a workflow, or ("") on their own; by name. NULL and an error where they cannot be read. */
GPtrArray *triggers_of(struct store *store, const char *workflow, GError **error);
json_t *trigger_describe(const struct resource *trigger); /* a new reference */
bool trigger_has_type(const struct resource *trigger, const char *type);
/* Of an action or a condition: "JOB" or "CRAWLER", and its name. */
const char *trigger_target(const json_t *part, const char **name);

/* ---- runs (workflow_run.c) ---- */

struct workflow_start {
    struct lathe *lathe;
    const json_t *asker;      /* a body for which call_keep was called */
    const char *workflow;     /* "": none */
    const char *trigger;      /* that fires first */
    const json_t *properties; /* or NULL */
    const char *previous;     /* the run that it resumes, or NULL */
    char *id;                 /* comes out; g_free */
};
/* Within a change of the store's. */
bool workflow_start_within(struct store_connection *connection, struct workflow_start *start,
                           GError **error);

/* What a run started, as its entries tell. */
#define NODE_TYPE "Type" /* "JOB", "CRAWLER" */
#define NODE_NAME "Name"
#define NODE_TRIGGER "Trigger" /* that started it */
#define NODE_ACTION "Action"   /* the trigger's action */
#define NODE_STATE "State"     /* JobRunState or CrawlState; PENDING; ERROR: it was not started */
#define NODE_RUN "Run"         /* the job's run or the crawl */
#define NODE_RUNS "Runs"       /* of a job: all attempts */
#define NODE_ERROR "Error"
bool workflow_node_ended(const json_t *node);
/* struct entry; in the order in which they began. */
GPtrArray *workflow_nodes(struct store *store, const char *run, GError **error);
/* The runs of a workflow, the newest first. */
GPtrArray *workflow_runs(struct store *store, const char *workflow, GError **error);

/* ---- graphs (workflow_graph.c) ---- */

/* WorkflowGraph, with what `run` (NULL: none) did at each node. */
json_t *workflow_graph(struct lathe *lathe, const char *workflow, const char *run, GError **error);
/* A node's UniqueId; g_free. */
char *workflow_node_id(const char *workflow, const char *type, const char *name);
/* WorkflowRunStatistics of nodes (struct entry). */
json_t *workflow_statistics(const GPtrArray *nodes);

operation_function create_trigger, get_trigger, get_triggers, list_triggers, batch_get_triggers,
    update_trigger, delete_trigger, start_trigger, stop_trigger;
operation_function create_workflow, get_workflow, list_workflows, batch_get_workflows,
    update_workflow, delete_workflow;
operation_function start_workflow_run, stop_workflow_run, resume_workflow_run, get_workflow_run,
    get_workflow_runs, get_workflow_run_properties, put_workflow_run_properties;

#endif
