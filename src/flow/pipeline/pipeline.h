/* pipeline.h: SageMaker's pipelines, as they stand in the store for the driver that runs them. */
#ifndef LATHE_FLOW_PIPELINE_PIPELINE_H
#define LATHE_FLOW_PIPELINE_PIPELINE_H

#include "base/json.h"
#include "flow/driver.h"
#include "store/resource.h"

/* An execution: name is its id, parent the pipeline. To start one, create it as Executing; to stop
 * it, make its status Stopping; to retry it, give it PIPELINE_RETRY and make its status Executing.
 * Body:
 *     PipelineName, PipelineArn, PipelineVersionId (a PIPELINE_VERSION of the pipeline)
 *     what call_keep keeps; CALL_WITHIN also where a script in a sandbox wrote the definition
 *     Parameters                 name -> typed value
 *     ParallelismConfiguration   as given
 *     SelectiveExecutionConfig   as given; its first entries are selection.h's
 *     PipelineExperimentConfig   {"ExperimentName", "TrialName"}, both there; or none
 *     FailureReason              where its status is Failed
 * Its entries are the steps that were begun (execution.h). */
#define PIPELINE_EXECUTION "pipeline-execution"
/* In its body, true: what failed or was stopped is to begin again. Gone once that is in the store.
 */
#define PIPELINE_RETRY "RetryAsked"

#define PIPELINE_SELECTION "SelectiveExecutionConfig"

/* A definition that a pipeline has or had: name "<pipeline>/<version>", parent the pipeline. Body:
 * PipelineDefinition (its text), CALL_WITHIN where a script in a sandbox wrote it: these never
 * change; PipelineVersionDisplayName, PipelineVersionDescription, PipelineVersionAliases,
 * LastExecutionPipelineExecutionArn. */
#define PIPELINE_VERSION "pipeline-version"
char *pipeline_version_name(const char *pipeline, gint64 version); /* g_free */

/* Which experiment and trial the jobs of an execution that is to be belong to, as its definition
 * says: {"ExperimentName", "TrialName"}, a new reference; NULL: to none. In bodies it is
 * PipelineExperimentConfig. */
#define PIPELINE_EXPERIMENT "PipelineExperimentConfig"
struct definition;
bool pipeline_experiment(const struct definition *definition, const struct resource *execution,
                         json_t **config, GError **error);

/* Runs executions. */
extern const struct flow_driver pipeline_driver;

#endif
