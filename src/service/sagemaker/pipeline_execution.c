/* Executions of pipelines. Their driver (flow/pipeline/) runs them; here they are created, told and
 * asked to stop or go on. */
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/page.h"
#include "flow/pipeline/definition.h"
#include "flow/pipeline/expression.h"
#include "flow/pipeline/pipeline.h"
#include "flow/pipeline/selection.h"
#include "service/sagemaker/experiments.h"
#include "service/sagemaker/pipeline.h"
#include "store/entry.h"

#define ID_CHARACTERS 12

static struct resource *find_execution(const struct call *call, const json_t *request,
                                       GError **error)
{
    const char *arn = json_text_at(request, "PipelineExecutionArn");
    if (!arn) {
        error_set(error, ERROR_VALIDATION, "PipelineExecutionArn is needed.");
        return NULL;
    }
    GError *cause = NULL;
    struct resource *execution = resource_get_by_arn(call->lathe->store, arn, &cause);
    if (cause)
        g_propagate_error(error, cause);
    else if (!execution)
        error_set(error, ERROR_NOT_FOUND, "Pipeline execution %s does not exist.", arn);
    return execution;
}

static bool is_under_way(const struct resource *execution)
{
    return strcmp(execution->status, "Executing") == 0 ||
           strcmp(execution->status, "Stopping") == 0;
}

/* ---- starting ---- */

static bool check_start(const json_t *request, GError **error)
{
    const json_t *limit = json_at(request, "ParallelismConfiguration.MaxParallelExecutionSteps");
    return !limit || json_integer_value(limit) >= 1 ||
           error_set(error, ERROR_VALIDATION,
                     "ParallelismConfiguration.MaxParallelExecutionSteps must be at least 1.");
}

/* Takes parameters. What a script in a sandbox defined or starts does no more than the script may.
 */
static json_t *first_body(const struct call *call, const json_t *request,
                          const struct resource *pipeline, const json_t *defined, gint64 version,
                          json_t *parameters)
{
    static const char *const mark[] = {CALL_WITHIN, NULL};
    static const char *const kept[] = {"PipelineExecutionDisplayName",
                                       "PipelineExecutionDescription", "RoleArn",
                                       PIPELINE_SELECTION, NULL};
    json_t *body =
        json_pack("{sssssIso}", "PipelineName", pipeline->name, "PipelineArn", pipeline->arn,
                  "PipelineVersionId", (json_int_t)version, "Parameters", parameters);
    json_copy_members(body, request, kept);
    json_copy_members(body, defined, mark);
    call_keep(call, body);
    json_t *limit = json_object_get(request, "ParallelismConfiguration");
    if (!limit)
        limit = json_object_get(pipeline->body, "ParallelismConfiguration");
    if (limit)
        json_object_set(body, "ParallelismConfiguration", limit);
    return body;
}

struct start {
    const struct call *call;
    const struct resource *pipeline;
    gint64 version;
    struct resource *execution;
    const json_t *reused;     /* entries by their steps' names */
    const json_t *experiment; /* its jobs'; or NULL */
    const json_t *answer;
};

/* ---- of some steps ---- */

static bool is_source(const struct resource *source, const char *arn, const char *pipeline,
                      GError **error)
{
    if (!source || strcmp(source->kind, PIPELINE_EXECUTION) != 0 ||
        strcmp(source->parent, pipeline) != 0)
        return error_set(error, ERROR_VALIDATION,
                         "SelectiveExecutionConfig.SourcePipelineExecutionArn: %s is no execution "
                         "of the pipeline %s.",
                         arn, pipeline);
    return !is_under_way(source) ||
           error_set(error, ERROR_VALIDATION,
                     "SelectiveExecutionConfig.SourcePipelineExecutionArn: %s is still %s.", arn,
                     source->status);
}

/* struct entry of the execution that the selection names. */
static GPtrArray *source_entries(struct store *store, const char *arn, const char *pipeline,
                                 GError **error)
{
    GError *cause = NULL;
    g_autoptr(resource_auto) source = resource_get_by_arn(store, arn, &cause);
    if (cause)
        g_propagate_error(error, cause);
    if (cause || !is_source(source, arn, pipeline, error))
        return NULL;
    struct entry_query query = {.kind = PIPELINE_EXECUTION, .owner = source->name};
    return entry_list(store, &query, error);
}

/* What the execution begins with; empty where all steps are run. */
static json_t *reused_entries(const struct call *call, const json_t *request,
                              const struct definition *definition, const char *pipeline,
                              GError **error)
{
    const json_t *config = json_object_get(request, PIPELINE_SELECTION);
    const char *arn = json_text_at(config, "SourcePipelineExecutionArn");
    if (!config)
        return json_object();
    g_autoptr(GPtrArray) source =
        arn ? source_entries(call->lathe->store, arn, pipeline, error) : NULL;
    return arn && !source ? NULL : selection_reused(definition, config, source, error);
}

static bool put_reused(struct store_connection *connection, const struct start *start,
                       GError **error)
{
    gint64 number = 0;
    const char *step;
    json_t *entry;
    json_object_foreach((json_t *)start->reused, step, entry)
    {
        if (!entry_put(connection, PIPELINE_EXECUTION, start->execution->name, ++number, NULL,
                       entry, error))
            return false;
    }
    return true;
}

static bool keep_version(struct store_connection *connection, const struct start *start,
                         GError **error)
{
    const struct resource *pipeline = start->pipeline;
    return (start->version != pipeline_present_version(pipeline) ||
            pipeline_version_keep(connection, start->call, pipeline->name, pipeline->body,
                                  error)) &&
           pipeline_version_mark_run(connection, start->call, pipeline->name, start->version,
                                     start->execution->arn, error);
}

/* Makes the execution's experiment, or its trial, unless it is there. */
static bool create_in(struct store_connection *connection, const struct start *start,
                      const struct kind *kind, GError **error)
{
    g_autofree char *present = NULL;
    if (!resource_status_within(connection, kind->word, json_text_at(start->experiment, kind->name),
                                &present, error) ||
        present)
        return present != NULL;
    g_autoptr(json_auto) body = experiments_body(kind, start->experiment);
    if (kind == &experiment_kind)
        json_object_del(body, trial_kind.name);
    return experiments_make_within(connection, start->call, kind, body, error);
}

/* Which these are, in the spelling of those that there are. */
static bool find_experiment(const struct call *call, const struct definition *definition,
                            const struct resource *execution, json_t **config, GError **error)
{
    const struct kind *const kinds[] = {&experiment_kind, &trial_kind};
    if (!pipeline_experiment(definition, execution, config, error))
        return false;
    for (size_t i = 0; *config && i < G_N_ELEMENTS(kinds); i++) {
        const char *name = json_text_at(*config, kinds[i]->name);
        g_autoptr(resource_auto) found =
            resource_get_any_case(call->lathe->store, kinds[i]->word, name, NULL);
        if (found)
            json_object_set_new(*config, kinds[i]->name, json_string(found->name));
    }
    return true;
}

/* The experiment and the trial of its jobs are there from its start. */
static bool put_experiment(struct store_connection *connection, const struct start *start,
                           GError **error)
{
    return !start->experiment || (create_in(connection, start, &experiment_kind, error) &&
                                  create_in(connection, start, &trial_kind, error));
}

static bool start_within(struct store_connection *connection, void *data, GError **error)
{
    const struct start *start = data;
    const struct call *call = start->call;
    return keep_version(connection, start, error) && put_experiment(connection, start, error) &&
           pipeline_mark_run(call, connection, start->pipeline->name, error) &&
           resource_create_within(connection, call->lathe->store, start->execution, NULL, error) &&
           put_reused(connection, start, error) &&
           call_remember(call, connection, start->answer, error);
}

static bool start_pipeline_execution(const struct call *call, const json_t *request,
                                     struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) pipeline =
        pipeline_find(call, json_text_at(request, "PipelineName"), error);
    if (!pipeline || !check_start(request, error))
        return false;
    g_autoptr(resource_auto) defined = pipeline_version_find(call, pipeline, request, error);
    g_autoptr(definition_auto) definition =
        defined
            ? definition_parse(json_text_at(defined->body, "PipelineDefinition"), services, error)
            : NULL;
    json_t *parameters =
        definition ? definition_parameters(definition,
                                           json_object_get(request, "PipelineParameters"), error)
                   : NULL;
    if (!parameters)
        return false;
    g_autoptr(json_auto) reused = reused_entries(call, request, definition, pipeline->name, error);
    if (!reused) {
        json_decref(parameters);
        return false;
    }
    gint64 version = pipeline_version_number(defined);
    g_autoptr(json_auto) body =
        first_body(call, request, pipeline, defined->body, version, parameters);
    g_autofree char *id = id_word(ID_CHARACTERS);
    g_autofree char *arn = g_strdup_printf("%s/execution/%s", pipeline->arn, id);
    struct resource execution = {.kind = (char *)PIPELINE_EXECUTION,
                                 .name = id,
                                 .arn = arn,
                                 .status = (char *)"Executing",
                                 .parent = pipeline->name,
                                 .body = body,
                                 .created = clock_now()};
    g_autoptr(json_auto) experiment = NULL;
    if (!find_experiment(call, definition, &execution, &experiment, error))
        return false;
    if (experiment)
        json_object_set(body, PIPELINE_EXPERIMENT, experiment);
    reply->output = json_pack("{ss}", "PipelineExecutionArn", arn);
    struct start start = {call, pipeline, version, &execution, reused, experiment, reply->output};
    return sagemaker_write(call, start_within, &start, reply, error);
}

/* ---- stopping, retrying, changing ---- */

struct asked {
    const struct call *call;
    const json_t *request;
};

static bool change_execution(const struct call *call, const json_t *request,
                             resource_change *change, struct reply *reply, GError **error)
{
    struct asked asked = {call, request};
    g_autoptr(resource_auto) execution = find_execution(call, request, error);
    return execution &&
           sagemaker_update(call, &pipeline_execution_kind, execution->name, change, &asked,
                            json_pack("{ss}", "PipelineExecutionArn", execution->arn), reply,
                            error);
}

/* Airflow looks for these words, which are AWS's. */
static bool begin_to_stop(struct resource *execution, void *data, GError **error)
{
    (void)data;
    if (!is_under_way(execution))
        return error_set(error, ERROR_VALIDATION,
                         "Pipeline execution with ARN %s status '%s'. Only pipelines with "
                         "'Executing' status can be stopped.",
                         execution->arn, execution->status);
    sagemaker_set_status(execution, "Stopping");
    return true;
}

static bool stop_pipeline_execution(const struct call *call, const json_t *request,
                                    struct reply *reply, GError **error)
{
    return change_execution(call, request, begin_to_stop, reply, error);
}

/* Its driver begins again what did not succeed. */
static bool begin_retry(struct resource *execution, void *data, GError **error)
{
    const struct asked *asked = data;
    const json_t *limit = json_object_get(asked->request, "ParallelismConfiguration");
    if (strcmp(execution->status, "Failed") != 0 && strcmp(execution->status, "Stopped") != 0)
        return error_set(error, ERROR_VALIDATION,
                         "Pipeline execution with ARN %s is %s; only one that is Failed or Stopped "
                         "can be retried.",
                         execution->arn, execution->status);
    json_object_set_new(execution->body, PIPELINE_RETRY, json_true());
    if (limit)
        json_object_set(execution->body, "ParallelismConfiguration", (json_t *)limit);
    json_object_del(execution->body, "FailureReason");
    call_mark(asked->call, execution->body);
    sagemaker_set_status(execution, "Executing");
    return true;
}

static bool retry_pipeline_execution(const struct call *call, const json_t *request,
                                     struct reply *reply, GError **error)
{
    return change_execution(call, request, begin_retry, reply, error);
}

static bool change_words(struct resource *execution, void *data, GError **error)
{
    (void)error;
    const struct asked *asked = data;
    static const char *const members[] = {"PipelineExecutionDescription",
                                          "PipelineExecutionDisplayName",
                                          "ParallelismConfiguration", NULL};
    json_copy_members(execution->body, asked->request, members);
    return true;
}

static bool update_pipeline_execution(const struct call *call, const json_t *request,
                                      struct reply *reply, GError **error)
{
    return change_execution(call, request, change_words, reply, error);
}

/* ---- telling ---- */

static bool describe_pipeline_execution(const struct call *call, const json_t *request,
                                        struct reply *reply, GError **error)
{
    static const char *const members[] = {"PipelineArn",
                                          "PipelineExecutionDisplayName",
                                          "PipelineExecutionDescription",
                                          "FailureReason",
                                          "ParallelismConfiguration",
                                          "PipelineVersionId",
                                          "RoleArn",
                                          PIPELINE_SELECTION,
                                          PIPELINE_EXPERIMENT,
                                          NULL};
    g_autoptr(resource_auto) execution = find_execution(call, request, error);
    if (!execution)
        return false;
    reply->output = json_pack("{sssssfsf}", "PipelineExecutionArn", execution->arn,
                              "PipelineExecutionStatus", execution->status, "CreationTime",
                              execution->created, "LastModifiedTime", execution->modified);
    json_copy_members(reply->output, execution->body, members);
    json_put(reply->output, "CreatedBy", json_object());
    json_put(reply->output, "LastModifiedBy", json_object());
    return true;
}

static bool describe_pipeline_definition_for_execution(const struct call *call,
                                                       const json_t *request, struct reply *reply,
                                                       GError **error)
{
    g_autoptr(resource_auto) execution = find_execution(call, request, error);
    if (!execution)
        return false;
    g_autofree char *name = pipeline_version_name(
        execution->parent, json_integer_at(execution->body, "PipelineVersionId", 1));
    GError *cause = NULL;
    g_autoptr(resource_auto) version =
        resource_get(call->lathe->store, PIPELINE_VERSION, name, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    if (!version)
        return error_set(error, ERROR_NOT_FOUND, "The definition of %s is gone.", execution->arn);
    reply->output = json_pack("{sOsf}", "PipelineDefinition",
                              json_object_get(version->body, "PipelineDefinition"), "CreationTime",
                              version->created);
    return true;
}

static json_t *execution_summary(const struct resource *execution)
{
    static const char *const members[] = {"PipelineExecutionDisplayName",
                                          "PipelineExecutionDescription", NULL};
    json_t *summary = json_pack("{sssfss}", "PipelineExecutionArn", execution->arn, "StartTime",
                                execution->created, "PipelineExecutionStatus", execution->status);
    json_copy_members(summary, execution->body, members);
    json_t *reason = json_object_get(execution->body, "FailureReason");
    if (reason)
        json_object_set(summary, "PipelineExecutionFailureReason", reason);
    return summary;
}

static bool list_pipeline_executions(const struct call *call, const json_t *request,
                                     struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) pipeline =
        pipeline_find(call, json_text_at(request, "PipelineName"), error);
    if (!pipeline)
        return false;
    struct resource_query query = pipeline_query(pipeline_execution_kind.word, pipeline, request);
    if (g_strcmp0(json_text_at(request, "SortBy"), "PipelineExecutionArn") == 0)
        query.order = RESOURCE_BY_NAME;
    g_autofree char *token = NULL;
    g_autoptr(GPtrArray) executions = resource_list(call->lathe->store, &query, &token, error);
    if (!executions)
        return false;
    json_t *summaries = json_array();
    for (guint i = 0; i < executions->len; i++)
        json_array_append_new(summaries, execution_summary(g_ptr_array_index(executions, i)));
    reply->output = json_pack("{so}", "PipelineExecutionSummaries", summaries);
    if (token)
        json_put(reply->output, "NextToken", json_string(token));
    return true;
}

static char *listing_of(const struct call *call, const json_t *request)
{
    return g_strdup_printf("%s\n%s\n%s", call->operation,
                           json_text_at(request, "PipelineExecutionArn"),
                           json_text_at(request, "SortOrder"));
}

static json_t *step_of(const json_t *entry)
{
    static const char *const members[] = {
        "StepName",      "StartTime", "EndTime",        "StepStatus",
        "FailureReason", "Metadata",  "CacheHitResult", "SelectiveExecutionResult",
        "AttemptCount",  NULL};
    json_t *step = json_object();
    json_copy_members(step, entry, members);
    return step;
}

static bool list_pipeline_execution_steps(const struct call *call, const json_t *request,
                                          struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) execution = find_execution(call, request, error);
    g_autofree char *listing = listing_of(call, request);
    size_t limit = (size_t)json_integer_at(request, "MaxResults", 100);
    struct entry_query query = {
        .kind = PIPELINE_EXECUTION,
        .newest_first = g_strcmp0(json_text_at(request, "SortOrder"), "Ascending") != 0,
        .limit = limit + 1, /* whether there is another page */
    };
    const char *token = json_text_at(request, "NextToken");
    if (!execution ||
        (token && *token && !page_position(listing, token, &query.after, ERROR_VALIDATION, error)))
        return false;
    query.owner = execution->name;
    g_autoptr(GPtrArray) entries = entry_list(call->lathe->store, &query, error);
    if (!entries)
        return false;
    json_t *steps = json_array();
    for (guint i = 0; i < MIN(entries->len, limit); i++)
        json_array_append_new(steps,
                              step_of(((struct entry *)g_ptr_array_index(entries, i))->body));
    reply->output = json_pack("{so}", "PipelineExecutionSteps", steps);
    if (entries->len > limit) {
        const struct entry *last = g_ptr_array_index(entries, limit - 1);
        g_autofree char *next = page_token_at(listing, last->number);
        json_put(reply->output, "NextToken", json_string(next));
    }
    return true;
}

static bool list_pipeline_parameters_for_execution(const struct call *call, const json_t *request,
                                                   struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) execution = find_execution(call, request, error);
    if (!execution)
        return false;
    g_autoptr(json_auto) list = json_array();
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(execution->body, "Parameters"), name, value)
    {
        g_autofree char *text = expression_text(value);
        json_array_append_new(list, json_pack("{ssss}", "Name", name, "Value", text));
    }
    g_autofree char *name_of_list = listing_of(call, request);
    struct page_listing listing = {name_of_list, 100, ERROR_VALIDATION};
    return page_put(&reply->output, "PipelineParameters", list, &listing, request, error);
}

/* ---- deleting ---- */

bool pipeline_executions_delete(const struct call *call, const char *pipeline, GError **error)
{
    struct store *store = call->lathe->store;
    struct resource_query query = {.kind = PIPELINE_EXECUTION, .parent = pipeline};
    struct resource_query versions_query = {.kind = PIPELINE_VERSION, .parent = pipeline};
    g_autoptr(GPtrArray) executions = resource_list(store, &query, NULL, error);
    g_autoptr(GPtrArray) versions =
        executions ? resource_list(store, &versions_query, NULL, error) : NULL;
    if (!versions)
        return false;
    for (guint i = 0; i < executions->len; i++) {
        const struct resource *execution = g_ptr_array_index(executions, i);
        if (is_under_way(execution))
            return error_set(error, ERROR_CONFLICT,
                             "Pipeline %s cannot be deleted: its execution %s is %s; stop it "
                             "first.",
                             pipeline, execution->arn, execution->status);
    }
    g_ptr_array_extend_and_steal(executions, g_steal_pointer(&versions));
    for (guint i = 0; i < executions->len; i++) {
        const struct resource *gone = g_ptr_array_index(executions, i);
        if (!resource_delete(store, gone->kind, gone->name, NULL, error))
            return false;
    }
    return true;
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"StartPipelineExecution", start_pipeline_execution, OPERATION_BLOCKING},
    {"StopPipelineExecution", stop_pipeline_execution, OPERATION_BLOCKING},
    {"RetryPipelineExecution", retry_pipeline_execution, OPERATION_BLOCKING},
    {"UpdatePipelineExecution", update_pipeline_execution, OPERATION_BLOCKING},
    {"DescribePipelineExecution", describe_pipeline_execution, OPERATION_BLOCKING},
    {"DescribePipelineDefinitionForExecution", describe_pipeline_definition_for_execution,
     OPERATION_BLOCKING},
    {"ListPipelineExecutions", list_pipeline_executions, OPERATION_BLOCKING},
    {"ListPipelineExecutionSteps", list_pipeline_execution_steps, OPERATION_BLOCKING},
    {"ListPipelineParametersForExecution", list_pipeline_parameters_for_execution,
     OPERATION_BLOCKING},
};

const struct kind pipeline_execution_kind = {
    .service = "sagemaker",
    .word = "pipeline-execution",
    .noun = "PipelineExecution",
    .arn = "PipelineExecutionArn",
    .status = "PipelineExecutionStatus",
    .reason = "FailureReason",
    .parent = "PipelineName",
    .summaries = "PipelineExecutionSummaries",
    .create = "StartPipelineExecution",
    .describe = "DescribePipelineExecution",
    .described_by = "PipelineExecutionArn",
    .named_by_reply = true,
    .list = "ListPipelineExecutions",
    .stop = "StopPipelineExecution",
    .good = {"Succeeded"},
    .bad = {"Failed"},
    .stopped = {"Stopped"},
    .missing_code = ERROR_NOT_FOUND,
    .missing = "Pipeline execution %s does not exist.",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
