/* sagemaker.h: SageMaker's operations, a file a resource, and what those files share. */
#ifndef LATHE_SERVICE_SAGEMAKER_SAGEMAKER_H
#define LATHE_SERVICE_SAGEMAKER_SAGEMAKER_H

#include "operation/kind.h"
#include "operation/operation.h"
#include "service/lathe.h"
#include "store/resource.h"

extern const struct kind training_job_kind;
extern const struct kind processing_job_kind;
extern const struct kind model_package_group_kind;
extern const struct kind model_package_kind;
extern const struct kind model_kind;
extern const struct kind endpoint_config_kind;
extern const struct kind endpoint_kind;
extern const struct kind pipeline_kind;
extern const struct kind pipeline_execution_kind;
extern const struct kind *const sagemaker_kinds[];

/* Fails where AWS refuses tags: a reserved key, or one that is there twice. */
bool sagemaker_check_tags(const json_t *tags, GError **error);

/* Fails with the kind's `taken` error where the name is. */
bool sagemaker_check_free(const struct call *call, const struct kind *kind, const char *name,
                          GError **error);

/* Creates the resource that a Create request describes, with its tags and the answer to its client
 * token, in one change: its body is the request without name and tags; the reply gets the ARN. body
 * (taken, may be NULL) replaces the request as body. */
bool sagemaker_create(const struct call *call, const struct kind *kind, const json_t *request,
                      const char *status, json_t *body, struct reply *reply, GError **error);
/* The same as part of a change that does more, and last in it; the tags have been checked. */
struct creation {
    const struct call *call;
    const struct kind *kind;
    const json_t *request;
    const char *status;
    json_t *body; /* stays the caller's */
    struct reply *reply;
};
bool sagemaker_create_within(struct store_connection *connection, const struct creation *creation,
                             GError **error);
/* store_write for such changes: a reply of one that failed is taken back. */
bool sagemaker_write(const struct call *call, store_work *work, void *data, struct reply *reply,
                     GError **error);

/* Changes a resource and answers; answer is taken. A repeat of the request's client token gets it
 * again. */
bool sagemaker_update(const struct call *call, const struct kind *kind, const char *name,
                      resource_change *change, void *data, json_t *answer, struct reply *reply,
                      GError **error);

/* The resource that a request names, or the kind's error. */
struct resource *sagemaker_get(const struct call *call, const struct kind *kind, const char *name,
                               GError **error);

/* What is told of it: name, ARN, status, times, and what of the body its shape has members for. */
json_t *sagemaker_describe(const struct kind *kind, const struct resource *resource);

/* The whole of Describe<Kind> for kinds without anything special. */
bool sagemaker_describe_call(const struct call *call, const struct kind *kind,
                             const json_t *request, struct reply *reply, GError **error);

/* What a List request's common members ask for: NameContains, StatusEquals,
 * CreationTimeAfter/Before, LastModifiedTimeAfter/Before, SortBy, SortOrder, MaxResults, NextToken.
 * Strings stay the request's. Default: newest first, limit 100 (AWS's largest page). */
struct resource_query sagemaker_query(const struct kind *kind, const json_t *request);

/* The whole of List<Kind>s. A summary has what its shape has members for. */
bool sagemaker_list(const struct call *call, const struct kind *kind, const json_t *request,
                    struct reply *reply, GError **error);

/* The same for a query that the caller has completed. */
bool sagemaker_list_query(const struct call *call, const struct kind *kind,
                          const struct resource_query *query, struct reply *reply, GError **error);

/* The whole of Delete<Kind>; answer, where requests have client tokens, is for a repeat. */
bool sagemaker_delete(const struct call *call, const struct kind *kind, const json_t *request,
                      const json_t *answer, GError **error);

/* Sets a resource's status. */
void sagemaker_set_status(struct resource *resource, const char *status);

/* --- the files' operations, for the table in sagemaker.c ----------------------------------------
 */

operation_function create_training_job, describe_training_job, list_training_jobs,
    stop_training_job, delete_training_job;
operation_function create_processing_job, describe_processing_job, list_processing_jobs,
    stop_processing_job, delete_processing_job;
operation_function create_model_package_group, describe_model_package_group,
    list_model_package_groups, delete_model_package_group;
operation_function create_model_package, describe_model_package, list_model_packages,
    update_model_package, delete_model_package;
operation_function create_model, describe_model, list_models, delete_model;
operation_function create_endpoint_config, describe_endpoint_config, list_endpoint_configs,
    delete_endpoint_config;
operation_function create_endpoint, describe_endpoint, list_endpoints, update_endpoint,
    update_endpoint_weights_and_capacities, delete_endpoint;
operation_function create_pipeline, describe_pipeline, list_pipelines, update_pipeline,
    delete_pipeline;
operation_function start_pipeline_execution, stop_pipeline_execution, retry_pipeline_execution,
    update_pipeline_execution, describe_pipeline_execution,
    describe_pipeline_definition_for_execution, list_pipeline_executions,
    list_pipeline_execution_steps, list_pipeline_parameters_for_execution;
operation_function add_tags, list_tags, delete_tags;
operation_function search;
operation_function invoke_endpoint;
bool invoke_is_quick(struct lathe *lathe, const struct call_head *head);

/* A model's containers, ready to be opened: [{"Image", "ModelDataUrl", "Environment"}], those given
 * by a model package resolved. */
json_t *model_containers(struct lathe *lathe, const json_t *model, GError **error);

/* A model package by its name ("group/3") or ARN, or an error. */
struct resource *model_package_find(struct lathe *lathe, const char *name_or_arn, GError **error);

/* At start: fails the jobs that a crash or a stop of the server cut off; brings back endpoints. */
bool training_jobs_recover(struct lathe *lathe, GError **error);
bool processing_jobs_recover(struct lathe *lathe, GError **error);
bool endpoints_recover(struct lathe *lathe, GError **error);

#endif
