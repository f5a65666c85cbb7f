/* Trial components: what one try was given and what came of it; and the trials that they belong to.
 * What those of jobs tell is in job_component.c. */
#include <string.h>

#include "service/sagemaker/experiments.h"

/* ---- what is told of it ---- */

static bool tell_component(struct lathe *lathe, const struct resource *resource,
                           json_t *description);

static bool describe_trial_component(const struct call *call, const json_t *request,
                                     struct reply *reply, GError **error)
{
    const struct kind *kind = &trial_component_kind;
    const char *name = json_text_at(request, "TrialComponentName");
    g_autoptr(resource_auto) found = sagemaker_get(call, kind, name, error);
    if (!found)
        return false;
    reply->output = sagemaker_describe(kind, found);
    tell_component(call->lathe, found, reply->output);
    kind_fit_description(kind, reply->output);
    return true;
}

/* ---- listing ---- */

struct wanted {
    const char *experiment, *trial, *source; /* NULL: any */
};

static bool is_wanted(const struct resource *component, const void *data)
{
    const struct wanted *wanted = data;
    const char *source = json_text_at(component->body, "Source.SourceArn");
    if (wanted->source && (!source || g_ascii_strcasecmp(source, wanted->source) != 0))
        return false;
    bool any = !wanted->experiment && !wanted->trial;
    size_t i;
    const json_t *parent;
    json_array_foreach(json_object_get(component->body, "Parents"), i, parent)
    {
        const char *experiment = json_text_at(parent, "ExperimentName");
        const char *trial = json_text_at(parent, "TrialName");
        any |= (!wanted->experiment || strcmp(experiment, wanted->experiment) == 0) &&
               (!wanted->trial || strcmp(trial, wanted->trial) == 0);
    }
    return any;
}

static bool list_trial_components(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    const char *experiment = json_text_at(request, "ExperimentName");
    const char *trial = json_text_at(request, "TrialName");
    g_autoptr(resource_auto) of = NULL, in = NULL;
    if ((experiment && !(of = sagemaker_get(call, &experiment_kind, experiment, error))) ||
        (trial && !(in = sagemaker_get(call, &trial_kind, trial, error))))
        return false;
    struct wanted wanted = {of ? of->name : NULL, in ? in->name : NULL,
                            json_text_at(request, "SourceArn")};
    struct experiments_list list = {
        .kind = &trial_component_kind, .keep = is_wanted, .data = &wanted};
    return experiments_list(call, &list, request, reply, error);
}

/* ---- changing ---- */

static bool create_trial_component(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    return sagemaker_create(call, &trial_component_kind, request, "",
                            experiments_body(&trial_component_kind, request), reply, error);
}

static bool change_component(struct resource *resource, void *data, GError **error)
{
    (void)error;
    static const char *const members[] = {"DisplayName", "Status", "StartTime", "EndTime", NULL};
    static const char *const maps[][2] = {{"Parameters", "ParametersToRemove"},
                                          {"InputArtifacts", "InputArtifactsToRemove"},
                                          {"OutputArtifacts", "OutputArtifactsToRemove"}};
    json_copy_members(resource->body, data, members);
    for (size_t i = 0; i < G_N_ELEMENTS(maps); i++)
        experiments_change_map(resource->body, data, maps[i][0], maps[i][1]);
    return true;
}

static bool update_trial_component(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    const struct kind *kind = &trial_component_kind;
    g_autoptr(resource_auto) found =
        sagemaker_get(call, kind, json_text_at(request, kind->name), error);
    return found && sagemaker_update(call, kind, found->name, change_component, (void *)request,
                                     json_pack("{ss}", kind->arn, found->arn), reply, error);
}

static bool check_alone(struct resource *resource, void *data, GError **error)
{
    (void)data;
    size_t trials = json_array_size(json_object_get(resource->body, "Parents"));
    return trials == 0 || error_set(error, ERROR_VALIDATION,
                                    "%s cannot be deleted: it is associated with %zu trials, from "
                                    "which it has to be disassociated first.",
                                    resource->arn, trials);
}

static bool delete_trial_component(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    const char *name = json_text_at(request, "TrialComponentName");
    g_autoptr(resource_auto) found = sagemaker_get(call, &trial_component_kind, name, error);
    if (!found || !resource_delete_checked(call->lathe->store, found->kind, found->name,
                                           check_alone, NULL, error))
        return false;
    reply->output = json_pack("{ss}", "TrialComponentArn", found->arn);
    return true;
}

/* ---- associations ---- */

struct association {
    struct store *store;
    const char *component, *trial, *experiment;
    bool changed;
};

static size_t find_parent(const json_t *parents, const char *trial)
{
    size_t i;
    const json_t *parent;
    json_array_foreach((json_t *)parents, i, parent)
    {
        if (strcmp(json_text_at(parent, "TrialName"), trial) == 0)
            return i;
    }
    return json_array_size(parents);
}

static bool add_parent(struct resource *component, void *data, GError **error)
{
    (void)error;
    struct association *association = data;
    if (!json_object_get(component->body, "Parents"))
        json_object_set_new(component->body, "Parents", json_array());
    json_t *parents = json_object_get(component->body, "Parents");
    if (find_parent(parents, association->trial) < json_array_size(parents))
        return true;
    json_array_append_new(parents, json_pack("{ssss}", "TrialName", association->trial,
                                             "ExperimentName", association->experiment));
    association->changed = true;
    return true;
}

static bool remove_parent(struct resource *component, void *data, GError **error)
{
    struct association *association = data;
    json_t *parents = json_object_get(component->body, "Parents");
    size_t at = find_parent(parents, association->trial);
    if (at == json_array_size(parents))
        return error_set(error, ERROR_NOT_FOUND,
                         "Trial component %s is not associated with trial %s.", component->name,
                         association->trial);
    json_array_remove(parents, at);
    association->changed = true;
    return true;
}

static bool associate_within(struct store_connection *connection, void *data, GError **error)
{
    struct association *association = data;
    if (!resource_update_within(connection, association->store, trial_component_kind.word,
                                association->component, add_parent, association, error))
        return false;
    return !association->changed || experiments_count(connection, association->store, &trial_kind,
                                                      association->trial, 1, error);
}

static bool disassociate_within(struct store_connection *connection, void *data, GError **error)
{
    struct association *association = data;
    if (!resource_update_within(connection, association->store, trial_component_kind.word,
                                association->component, remove_parent, association, error))
        return false;
    return !association->changed || experiments_count(connection, association->store, &trial_kind,
                                                      association->trial, -1, error);
}

bool trial_component_associate_within(struct store_connection *connection, struct store *store,
                                      const struct job_component *component, GError **error)
{
    struct association association = {store, component->component, component->trial,
                                      component->experiment, false};
    return associate_within(connection, &association, error);
}

static bool change_association(const struct call *call, store_work *work, const json_t *request,
                               struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) trial =
        sagemaker_get(call, &trial_kind, json_text_at(request, "TrialName"), error);
    if (!trial)
        return false;
    g_autoptr(resource_auto) component = sagemaker_get(
        call, &trial_component_kind, json_text_at(request, "TrialComponentName"), error);
    if (!component)
        return false;
    struct association association = {call->lathe->store, component->name, trial->name,
                                      trial->parent, false};
    if (!store_write(call->lathe->store, work, &association, error))
        return false;
    reply->output =
        json_pack("{ssss}", "TrialComponentArn", component->arn, "TrialArn", trial->arn);
    return true;
}

static bool associate_trial_component(const struct call *call, const json_t *request,
                                      struct reply *reply, GError **error)
{
    return change_association(call, associate_within, request, reply, error);
}

static bool disassociate_trial_component(const struct call *call, const json_t *request,
                                         struct reply *reply, GError **error)
{
    return change_association(call, disassociate_within, request, reply, error);
}

enum { MOST_PARAMETERS = 300, LONGEST_PARAMETER = 2500 };

/* What MLflow takes for a parameter and AWS would not: cut, or left out. The run keeps all of it.
 */
static void fit_parameters(json_t *description)
{
    json_t *all = json_object_get(description, "Parameters"), *fitting = json_object();
    const char *name;
    json_t *value;
    json_object_foreach(all, name, value)
    {
        const char *text = json_text_at(value, "StringValue");
        if (json_object_size(fitting) == MOST_PARAMETERS || (text && strchr(text, '\n')))
            continue;
        if (!text || g_utf8_strlen(text, -1) <= LONGEST_PARAMETER) {
            json_object_set(fitting, name, value);
            continue;
        }
        g_autofree char *cut = g_utf8_substring(text, 0, LONGEST_PARAMETER);
        json_object_set_new(fitting, name, json_pack("{ss}", "StringValue", cut));
    }
    if (all)
        json_object_set(description, "Parameters", fitting);
    json_decref(fitting);
}

/* Takes part in searches and lists: what it belongs to, and what its job has done. */
static bool tell_component(struct lathe *lathe, const struct resource *resource,
                           json_t *description)
{
    static const char *const members[] = {"Parents", "RunName", NULL};
    json_copy_members(description, resource->body, members);
    fit_parameters(description);
    json_put(description, "TrialComponentSource",
             json_incref(json_object_get(resource->body, "Source")));
    trial_component_tell_metrics(lathe->store, resource, description);
    return job_component_tell(lathe, json_text_at(resource->body, "Source.SourceArn"), description);
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"CreateTrialComponent", create_trial_component, OPERATION_BLOCKING},
    {"DescribeTrialComponent", describe_trial_component, OPERATION_BLOCKING},
    {"ListTrialComponents", list_trial_components, OPERATION_BLOCKING},
    {"UpdateTrialComponent", update_trial_component, OPERATION_BLOCKING},
    {"DeleteTrialComponent", delete_trial_component, OPERATION_BLOCKING},
    {"AssociateTrialComponent", associate_trial_component, OPERATION_BLOCKING},
    {"DisassociateTrialComponent", disassociate_trial_component, OPERATION_BLOCKING},
};

const struct kind trial_component_kind = {
    .service = "sagemaker",
    .word = "experiment-trial-component",
    .noun = "ExperimentTrialComponent",
    .record = "TrialComponent",
    KIND_WORDS("TrialComponent"),
    .summaries = "TrialComponentSummaries",
    .any_case = true,
    .small_arn = true,
    .searchable = true,
    .tell = tell_component,
    .always = "{\"CreatedBy\": {}, \"LastModifiedBy\": {}, \"Parameters\": {}, "
              "\"InputArtifacts\": {}, \"OutputArtifacts\": {}}",
    .missing_code = ERROR_NOT_FOUND,
    .missing = "Trial component %s does not exist.",
    .taken_code = ERROR_VALIDATION,
    .taken = "Trial component names must be unique within an AWS account and region. A trial "
             "component with this name already exists (%s)",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
};
