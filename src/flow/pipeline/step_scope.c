/* What a step's expressions see: parameters, the execution, the steps before it, documents. */
#include "base/clock.h"
#include "base/error.h"
#include "flow/call.h"
#include "flow/pipeline/execution.h"
#include "flow/pipeline/pipeline.h"

static struct execution_step *find_step(struct execution *execution, const char *name)
{
    int index = definition_find(execution->definition, name);
    return index < 0 ? NULL : &execution->steps[index];
}

json_t *step_describe(struct execution *execution, const struct execution_step *step,
                      GError **error)
{
    return flow_call(execution->operations, &execution->asker, step->kind->service,
                     step->kind->describe, json_object_get(step->entry, "Describe"), error);
}

/* The description, with what its kind lists beside it. */
static json_t *properties_of(struct execution *execution, const struct execution_step *step,
                             GError **error)
{
    g_autoptr(json_auto) description = step_describe(execution, step, error);
    if (!description || !step->kind->step_lists)
        return g_steal_pointer(&description);
    g_autoptr(json_auto) request = step->kind->step_list_request(description);
    g_autoptr(json_auto) list =
        flow_call(execution->operations, &execution->asker, step->kind->service,
                  step->kind->step_lists, request, error);
    if (!list)
        return NULL;
    json_object_update_missing(description, list);
    return g_steal_pointer(&description);
}

/* A condition's outcome is a boolean to expressions, though its metadata spells it as Python would.
 */
static json_t *condition_properties(const struct execution_step *step)
{
    const char *outcome = json_text_at(step->entry, "Metadata.Condition.Outcome");
    return json_pack("{sb}", "Outcome", g_strcmp0(outcome, "True") == 0);
}

static json_t *scope_step(void *data, const char *name, GError **error)
{
    struct execution *execution = data;
    struct execution_step *step = find_step(execution, name);
    if (!step || !step->entry) {
        error_set(error, ERROR_VALIDATION, "step %s has not run", name);
        return NULL;
    }
    if (step->definition->type == STEP_CONDITION)
        return condition_properties(step);
    json_t *reply = json_object_get(step->entry, "Reply");
    if (!step->description)
        step->description = reply ? json_incref(reply) : properties_of(execution, step, error);
    return json_incref(step->description);
}

static char *scope_property_file(void *data, const char *name, const char *file, GError **error)
{
    struct execution *execution = data;
    const struct execution_step *step = find_step(execution, name);
    const json_t *entry = definition_property_file(step->definition, file);
    g_autofree char *path = g_strdup_printf("ProcessingOutputConfig.Outputs['%s'].S3Output.S3Uri",
                                            json_text_at(entry, "OutputName"));
    g_autoptr(json_auto) description = scope_step(data, name, error);
    const char *uri = description ? json_string_value(expression_path(description, path)) : NULL;
    if (description && !uri)
        error_set(error, ERROR_VALIDATION, "step %s has no output %s for the property file %s",
                  name, json_text_at(entry, "OutputName"), file);
    if (!uri)
        return NULL;
    return g_strconcat(uri, g_str_has_suffix(uri, "/") ? "" : "/", json_text_at(entry, "FilePath"),
                       NULL);
}

static json_t *scope_document(void *data, const char *uri, GError **error)
{
    const struct execution *execution = data;
    return flow_read_document(execution->operations, &execution->asker, uri, error);
}

static json_t *variables_of(const struct resource *resource)
{
    g_autofree char *start = clock_iso(resource->created);
    g_autofree char *now = clock_iso(clock_now());
    return json_pack("{ssssssssssss}", "PipelineName", resource->parent, "PipelineArn",
                     json_text_at(resource->body, "PipelineArn"), "PipelineExecutionId",
                     resource->name, "PipelineExecutionArn", resource->arn, "StartDateTime", start,
                     "CurrentDateTime", now);
}

json_t *step_variables(const struct execution *execution, const struct execution_step *step)
{
    json_t *variables = variables_of(execution->resource);
    if (step->definition->name_member)
        json_put(variables, step->definition->name_member,
                 json_string(json_text_at(step->entry, "JobName")));
    return variables;
}

struct expression_scope step_scope(struct execution *execution, const json_t *variables)
{
    return (struct expression_scope){
        .parameters = json_object_get(execution->resource->body, "Parameters"),
        .execution = variables,
        .step = scope_step,
        .document = scope_document,
        .property_file = scope_property_file,
        .data = execution,
    };
}

json_t *step_resolve(struct execution *execution, const struct execution_step *step,
                     const json_t *value, GError **error)
{
    g_autoptr(json_auto) variables = step_variables(execution, step);
    struct expression_scope scope = step_scope(execution, variables);
    return expression_resolve(value, &scope, error);
}

/* ---- of the whole ---- */

static json_t *no_step(void *data, const char *name, GError **error)
{
    (void)data;
    error_set(error, ERROR_VALIDATION, "it cannot refer to step %s", name);
    return NULL;
}

bool pipeline_experiment(const struct definition *definition, const struct resource *execution,
                         json_t **config, GError **error)
{
    const json_t *given = json_object_get(definition->json, "PipelineExperimentConfig");
    *config = NULL;
    if (!json_object_get(given, "ExperimentName"))
        return true;
    g_autoptr(json_auto) variables = variables_of(execution);
    struct expression_scope scope = {.parameters = json_object_get(execution->body, "Parameters"),
                                     .execution = variables,
                                     .step = no_step};
    g_autoptr(json_auto) resolved = expression_resolve(given, &scope, error);
    if (resolved && !json_object_get(resolved, "TrialName"))
        json_object_set_new(resolved, "TrialName", json_string(execution->name));
    if (resolved && json_text_at(resolved, "ExperimentName") && json_text_at(resolved, "TrialName"))
        *config = g_steal_pointer(&resolved);
    else if (resolved)
        error_set(error, ERROR_VALIDATION, "ExperimentName and TrialName have to be texts");
    if (!*config)
        g_prefix_error(error, "PipelineExperimentConfig: ");
    return *config != NULL;
}
