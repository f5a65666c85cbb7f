/* pipeline.h: what the files of pipelines and of their executions share. */
#ifndef LATHE_SERVICE_SAGEMAKER_PIPELINE_H
#define LATHE_SERVICE_SAGEMAKER_PIPELINE_H

#include "service/sagemaker/sagemaker.h"

/* The pipeline of a name or an ARN, or ResourceNotFound. Its body holds PipelineDefinition (text)
 * and PipelineVersionId, which counts its updates. */
struct resource *pipeline_find(const struct call *call, const char *name_or_arn, GError **error);

/* Removes what an already deleted or stopped pipeline's executions left. */
bool pipeline_executions_delete(const struct call *call, const char *pipeline, GError **error);

/* Sets LastRunTime, within a change of the store. */
bool pipeline_mark_run(const struct call *call, struct store_connection *connection,
                       const char *pipeline, GError **error);

#endif
