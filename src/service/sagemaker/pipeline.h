/* pipeline.h: what the files of pipelines and of their executions share. */
#ifndef LATHE_SERVICE_SAGEMAKER_PIPELINE_H
#define LATHE_SERVICE_SAGEMAKER_PIPELINE_H

#include "service/sagemaker/sagemaker.h"

/* The pipeline of a name or an ARN, or ResourceNotFound. Its body holds PipelineDefinition (text)
 * and PipelineVersionId, which counts its updates. */
struct resource *pipeline_find(const struct call *call, const char *name_or_arn, GError **error);

/* Removes what an already deleted or stopped pipeline's executions left. */
bool pipeline_executions_delete(const struct call *call, const char *pipeline, GError **error);

/* ---- versions (pipeline_version.c) ---- */

gint64 pipeline_present_version(const struct resource *pipeline);

/* The version that a request names by PipelineVersionId or PipelineVersionAlias, else the present
 * one; or an error. Its body has PipelineDefinition, and CALL_WITHIN where a script in a sandbox
 * wrote it. */
struct resource *pipeline_version_find(const struct call *call, const struct resource *pipeline,
                                       const json_t *request, GError **error);
gint64 pipeline_version_number(const struct resource *version);

/* Gives a description the version's words and aliases. */
void pipeline_version_tell(const struct resource *version, json_t *description);

/* Within a change of the store: keeps a pipeline's body as the version that it is, where it has not
 * been; says that an execution of it has begun; gives it aliases, which no other version of the
 * pipeline has then (NULL: none). */
bool pipeline_version_keep(struct store_connection *connection, const struct call *call,
                           const char *pipeline, const json_t *body, GError **error);
bool pipeline_version_mark_run(struct store_connection *connection, const struct call *call,
                               const char *pipeline, gint64 version, const char *execution,
                               GError **error);
bool pipeline_version_alias(struct store_connection *connection, const struct call *call,
                            const char *pipeline, gint64 version, const json_t *aliases,
                            GError **error);

operation_function list_pipeline_versions, update_pipeline_version;

/* ---- between both ---- */

/* What a list of a pipeline's executions or versions asks for. */
struct resource_query pipeline_query(const char *kind, const struct resource *pipeline,
                                     const json_t *request);

/* Sets LastRunTime, within a change of the store. */
bool pipeline_mark_run(const struct call *call, struct store_connection *connection,
                       const char *pipeline, GError **error);

#endif
