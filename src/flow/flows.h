/* flows.h: the engine that runs workflows. One thread drives all executions: it wakes when the
 * store's change feed tells that an execution was started or stopped, or that something a step
 * waits for reached its end.
 *
 * To start an execution, create its resource (kind FLOW_EXECUTION, status Executing); to stop it,
 * make its status Stopping; to retry it, make its failed steps Starting and its status Executing.
 * Nothing else is said to the engine. */
#ifndef LATHE_FLOW_FLOWS_H
#define LATHE_FLOW_FLOWS_H

#include "operation/operation.h"
#include "store/store.h"

/* An execution: name is its id, parent the pipeline. Body:
 *     PipelineName, PipelineArn, Region, PipelineVersionId (a FLOW_VERSION of the pipeline)
 *     Parameters                 name -> typed value
 *     ParallelismConfiguration   as given
 *     Steps                      those begun, oldest first (execution.h)
 *     FailureReason              where its status is Failed */
#define FLOW_EXECUTION "pipeline-execution"

/* A definition that a pipeline has or had: name "<pipeline>/<version>", parent the pipeline. Body:
 * PipelineDefinition (its text). It never changes. */
#define FLOW_VERSION "pipeline-version"
char *flow_version_name(const char *pipeline, gint64 version); /* g_free */

struct flows;

/* Takes up again what was under way, then runs until it is closed. Both must outlive it. */
struct flows *flows_open(struct store *store, const struct operations *operations, GError **error);

/* Ends the thread. What is under way stays so in the store: the next start goes on with it. */
void flows_close(struct flows *flows);

#endif
