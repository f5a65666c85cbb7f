/* Pipelines: definitions of workflows under a name. What runs is an execution
 * (pipeline_execution.c). */
#include "service/sagemaker/pipeline.h"

#include <string.h>

#include "base/clock.h"
#include "flow/pipeline/definition.h"
#include "flow/pipeline/pipeline.h"

#define LONGEST_DEFINITION (1 << 20)

struct resource *pipeline_find(const struct call *call, const char *name_or_arn, GError **error)
{
    if (!g_str_has_prefix(name_or_arn, "arn:"))
        return sagemaker_get(call, &pipeline_kind, name_or_arn, error);
    GError *cause = NULL;
    struct resource *pipeline = resource_get_by_arn(call->lathe->store, name_or_arn, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!pipeline)
        error_set(error, ERROR_NOT_FOUND, "Pipeline '%s' does not exist.", name_or_arn);
    return pipeline;
}

/* ---- definitions ---- */

static char *read_location(const struct call *call, const json_t *location, GError **error)
{
    g_autoptr(json_auto) request = json_pack("{ssss}", "Bucket", json_text_at(location, "Bucket"),
                                             "Key", json_text_at(location, "ObjectKey"));
    json_put(request, "VersionId", json_incref(json_object_get(location, "VersionId")));
    struct call_context context = {
        .region = call->region, .request_id = call->request_id, .within = call->within};
    struct reply reply = {0};
    g_autoptr(GBytes) bytes = NULL;
    if (operation_call(call->lathe->operations, &context, "s3", "GetObject", request, &reply,
                       error))
        bytes = stream_read_all(reply.body, LONGEST_DEFINITION, error);
    else
        g_prefix_error(error, "PipelineDefinitionS3Location: ");
    reply_clear(&reply);
    if (!bytes)
        return NULL;
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);
    return g_strndup(text ? text : "", size);
}

/* The definition that a request gives in one way or the other, g_free; NULL and no error where it
 * gives none. */
static char *given_definition(const struct call *call, const json_t *request, GError **error)
{
    const json_t *location = json_object_get(request, "PipelineDefinitionS3Location");
    const char *text = json_text_at(request, "PipelineDefinition");
    if (text && location) {
        error_set(error, ERROR_VALIDATION,
                  "Exactly one of PipelineDefinition and PipelineDefinitionS3Location can be "
                  "given.");
        return NULL;
    }
    return location ? read_location(call, location, error) : g_strdup(text);
}

static bool check_definition(const struct call *call, const char *text, GError **error)
{
    g_autoptr(definition_auto) definition = definition_parse(text, services, error);
    if (!definition) {
        g_prefix_error(error, "Unable to parse pipeline definition: ");
        if (error && *error)
            (*error)->code = ERROR_VALIDATION;
        return false;
    }
    for (guint i = 0; i < definition->steps->len; i++) {
        const struct definition_step *step = g_ptr_array_index(definition->steps, i);
        if (step->type == STEP_CALL &&
            !operation_find(call->lathe->operations, step->service, step->operation))
            return error_set(error, ERROR_VALIDATION,
                             "Unable to parse pipeline definition: step %s: there is no operation "
                             "%s of %s in lathe",
                             step->name, step->operation, step->service);
    }
    return true;
}

static bool check_request(const json_t *request, GError **error)
{
    const json_t *limit = json_at(request, "ParallelismConfiguration.MaxParallelExecutionSteps");
    return !limit || json_integer_value(limit) >= 1 ||
           error_set(error, ERROR_VALIDATION,
                     "ParallelismConfiguration.MaxParallelExecutionSteps must be at least 1.");
}

/* ---- operations ---- */

static bool create_with_version(struct store_connection *connection, void *data, GError **error)
{
    const struct creation *creation = data;
    const char *name = json_text_at(creation->request, "PipelineName");
    return pipeline_version_keep(connection, creation->call, name, creation->body, error) &&
           pipeline_version_alias(connection, creation->call, name, 1,
                                  json_object_get(creation->request, "PipelineVersionAliases"),
                                  error) &&
           sagemaker_create_within(connection, creation, error);
}

static bool create_pipeline(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    if (!sagemaker_check_free(call, &pipeline_kind, json_text_at(request, "PipelineName"), error) ||
        !check_request(request, error))
        return false;
    GError *cause = NULL;
    g_autofree char *definition = given_definition(call, request, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    if (!definition)
        return error_set(error, ERROR_VALIDATION,
                         "One of PipelineDefinition and PipelineDefinitionS3Location is needed.");
    if (!check_definition(call, definition, error))
        return false;
    g_autoptr(json_auto) body = json_deep_copy(request);
    json_object_del(body, "ClientRequestToken");
    json_object_del(body, "PipelineVersionAliases");
    json_object_del(body, "PipelineDefinitionS3Location");
    json_object_set_new(body, "PipelineDefinition", json_string(definition));
    json_object_set_new(body, "PipelineVersionId", json_integer(1));
    call_mark(call, body);
    if (!json_object_get(body, "PipelineDisplayName"))
        json_object_set(body, "PipelineDisplayName", json_object_get(request, "PipelineName"));
    struct creation creation = {call, &pipeline_kind, request, "Active", body, reply};
    return sagemaker_check_tags(json_object_get(request, "Tags"), error) &&
           sagemaker_write(call, create_with_version, &creation, reply, error);
}

struct pipeline_change {
    const struct call *call;
    const json_t *request;
    const char *name;
    const char *definition; /* NULL: as it is */
    struct store_connection *connection;
    gint64 version; /* afterwards */
};

/* Both the definition that goes and the one that comes are kept as versions. */
static bool change_pipeline(struct resource *pipeline, void *data, GError **error)
{
    struct pipeline_change *change = data;
    if (!pipeline_version_keep(change->connection, change->call, pipeline->name, pipeline->body,
                               error))
        return false;
    static const char *const members[] = {"PipelineDisplayName", "PipelineDescription", "RoleArn",
                                          "ParallelismConfiguration", NULL};
    json_copy_members(pipeline->body, change->request, members);
    change->version = pipeline_present_version(pipeline);
    if (!change->definition)
        return true;
    change->version++;
    json_object_del(pipeline->body, CALL_WITHIN); /* that of who wrote the one before */
    call_mark(change->call, pipeline->body);
    json_object_set_new(pipeline->body, "PipelineDefinition", json_string(change->definition));
    json_object_set_new(pipeline->body, "PipelineVersionId", json_integer(change->version));
    return pipeline_version_keep(change->connection, change->call, pipeline->name, pipeline->body,
                                 error);
}

static bool update_within(struct store_connection *connection, void *data, GError **error)
{
    struct pipeline_change *change = data;
    const struct call *call = change->call;
    change->connection = connection;
    return resource_update_within(connection, call->lathe->store, pipeline_kind.word, change->name,
                                  change_pipeline, change, error) &&
           pipeline_version_alias(connection, call, change->name, change->version,
                                  json_object_get(change->request, "PipelineVersionAliases"),
                                  error);
}

static bool update_pipeline(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    g_autoptr(resource_auto) pipeline =
        pipeline_find(call, json_text_at(request, "PipelineName"), error);
    if (!pipeline || !check_request(request, error))
        return false;
    GError *cause = NULL;
    g_autofree char *definition = given_definition(call, request, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    struct pipeline_change change = {
        .call = call, .request = request, .name = pipeline->name, .definition = definition};
    if ((definition && !check_definition(call, definition, error)) ||
        !store_write(call->lathe->store, update_within, &change, error))
        return false;
    reply->output = json_pack("{sssI}", "PipelineArn", pipeline->arn, "PipelineVersionId",
                              (json_int_t)change.version);
    return true;
}

static bool delete_pipeline(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    g_autoptr(resource_auto) pipeline =
        pipeline_find(call, json_text_at(request, "PipelineName"), error);
    if (!pipeline || !pipeline_executions_delete(call, pipeline->name, error))
        return false;
    g_autoptr(json_auto) answer = json_pack("{ss}", "PipelineArn", pipeline->arn);
    if (!sagemaker_delete(call, &pipeline_kind, request, answer, error))
        return false;
    reply->output = g_steal_pointer(&answer);
    return true;
}

static bool describe_pipeline(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    g_autoptr(resource_auto) pipeline =
        pipeline_find(call, json_text_at(request, "PipelineName"), error);
    if (!pipeline)
        return false;
    g_autoptr(resource_auto) version = pipeline_version_find(call, pipeline, request, error);
    if (!version)
        return false;
    reply->output = sagemaker_describe(&pipeline_kind, pipeline);
    json_object_del(reply->output, "PipelineVersionId");
    json_object_set_new(reply->output, "PipelineStatus", json_string(pipeline->status));
    json_object_set(reply->output, "PipelineDefinition",
                    json_object_get(version->body, "PipelineDefinition"));
    pipeline_version_tell(version, reply->output);
    return true;
}

static bool list_pipelines(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    struct resource_query query = sagemaker_query(&pipeline_kind, request);
    query.name_prefix = json_text_at(request, "PipelineNamePrefix");
    query.created_after = json_number_at(request, "CreatedAfter", 0);
    query.created_before = json_number_at(request, "CreatedBefore", 0);
    if (g_strcmp0(json_text_at(request, "ManagedBy"), "AWS") == 0)
        query.name_prefix = "\n"; /* no name has it: all of them are the customer's */
    return sagemaker_list_query(call, &pipeline_kind, &query, reply, error);
}

struct resource_query pipeline_query(const char *kind, const struct resource *pipeline,
                                     const json_t *request)
{
    struct resource_query query = sagemaker_query(&pipeline_kind, request);
    query.kind = kind;
    query.parent = pipeline->name;
    query.created_after = json_number_at(request, "CreatedAfter", 0);
    query.created_before = json_number_at(request, "CreatedBefore", 0);
    return query;
}

static bool mark_run(struct resource *pipeline, void *data, GError **error)
{
    (void)data;
    (void)error;
    /* A description and a summary have other words for it. */
    json_object_set_new(pipeline->body, "LastRunTime", json_real(clock_now()));
    json_object_set(pipeline->body, "LastExecutionTime",
                    json_object_get(pipeline->body, "LastRunTime"));
    return true;
}

bool pipeline_mark_run(const struct call *call, struct store_connection *connection,
                       const char *pipeline, GError **error)
{
    return resource_update_within(connection, call->lathe->store, pipeline_kind.word, pipeline,
                                  mark_run, NULL, error);
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"CreatePipeline", create_pipeline, OPERATION_BLOCKING},
    {"DescribePipeline", describe_pipeline, OPERATION_BLOCKING},
    {"ListPipelines", list_pipelines, OPERATION_BLOCKING},
    {"UpdatePipeline", update_pipeline, OPERATION_BLOCKING},
    {"DeletePipeline", delete_pipeline, OPERATION_BLOCKING},
    {"ListPipelineVersions", list_pipeline_versions, OPERATION_BLOCKING},
    {"UpdatePipelineVersion", update_pipeline_version, OPERATION_BLOCKING},
};

const struct kind pipeline_kind = {
    .service = "sagemaker",
    .word = "pipeline",
    .noun = "Pipeline",
    KIND_WORDS("Pipeline"),
    .summaries = "PipelineSummaries",
    .always = "{\"CreatedBy\": {}, \"LastModifiedBy\": {}}",
    .missing_code = ERROR_NOT_FOUND,
    .missing = "Pipeline '%s' does not exist.",
    .taken_code = ERROR_VALIDATION,
    .taken = "Pipeline names must be unique within an AWS account and region. Pipeline with name "
             "(%s) already exists.",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
