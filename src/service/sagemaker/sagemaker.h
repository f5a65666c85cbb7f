/* sagemaker.h: SageMaker's operations, a file a resource, and what those files share. */
#ifndef LATHE_SERVICE_SAGEMAKER_SAGEMAKER_H
#define LATHE_SERVICE_SAGEMAKER_SAGEMAKER_H

#include "operation/kind.h"
#include "operation/operation.h"
#include "service/home.h"
#include "store/resource.h"

/* Its kinds. Each is a row in the file of its resource, NAME_kind, with its operations: to add one,
 * write that file and name it here. */
#define SAGEMAKER_KINDS(X) \
    X(training_job)        \
    X(processing_job)      \
    X(tuning_job)          \
    X(transform_job)       \
    X(model_package_group) \
    X(model_package)       \
    X(model)               \
    X(endpoint_config)     \
    X(endpoint)            \
    X(pipeline)            \
    X(pipeline_execution)  \
    X(experiment)          \
    X(trial)               \
    X(trial_component)     \
    X(artifact)            \
    X(context)             \
    X(action)              \
    X(tracking_server)     \
    X(mlflow_app)

#define DECLARE_KIND(name) extern const struct kind name##_kind;
SAGEMAKER_KINDS(DECLARE_KIND)
#undef DECLARE_KIND

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

/* ---- between single files ---- */

operation_function add_tags, list_tags, delete_tags;
operation_function describe_domain, describe_user_profile, describe_space,
    describe_notebook_instance;
operation_function search;
operation_function add_association, delete_association, list_associations;
operation_function query_lineage;
operation_function invoke_endpoint;
enum pace invoke_pace(struct lathe *lathe, const struct call_head *head);

/* A model's containers, ready to be opened: [{"Image", "ModelDataUrl", "Environment"}], those given
 * by a model package resolved. */
json_t *model_containers(struct lathe *lathe, const json_t *model, GError **error);

/* In bodies: when an endpoint's last update was, and a model package's last approval; where there
 * has been none, it is the creation. Numbers, seconds since 1970. */
#define ENDPOINT_DEPLOYED "DeployedTime"
#define MODEL_PACKAGE_DECIDED "DecidedTime"

/* A model package by its name ("group/3") or ARN, or an error. */
struct resource *model_package_find(struct lathe *lathe, const char *name_or_arn, GError **error);

#endif
