/* What resources tell of lineage: jobs by their trial components, model packages, endpoints. */
#include <string.h>

#include "service/sagemaker/experiments.h"
#include "service/sagemaker/lineage.h"

/* ---- artifacts and their like ---- */

static void speak_of(struct lineage *lineage, const char *arn)
{
    g_auto(GStrv) parts = g_strsplit(arn, ":", 6);
    parts[5][0] = '\0';
    g_free(lineage->prefix);
    lineage->prefix = g_strjoinv(":", parts);
}

static const char *add_artifact(struct lineage *lineage, const char *uri, const char *type,
                                double created)
{
    json_t *body =
        json_pack("{s{sss[]}ss}", "Source", "SourceUri", uri, "SourceTypes", "ArtifactType", type);
    g_autofree char *id = lineage_artifact_id(json_object_get(body, "Source"));
    return lineage_add(lineage, &artifact_kind, id, body, created);
}

/* A context or an action that stands for the resource of that ARN. */
static json_t *standing_for(const char *arn, const char *type_member, const char *type)
{
    return json_pack("{s{ssss}ss}", "Source", "SourceUri", arn, "SourceType", "ARN", type_member,
                     type);
}

/* Every resource of the kind but the one that is left out. */
static GPtrArray *those_of(const struct lineage *lineage, const struct kind *kind, GError **error)
{
    struct resource_query query = {.kind = kind->word};
    g_autoptr(GPtrArray) all = resource_list(lineage->lathe->store, &query, NULL, error);
    for (guint i = all ? all->len : 0; i-- > 0;) {
        const struct resource *one = g_ptr_array_index(all, i);
        if (lineage->without && strcmp(one->arn, lineage->without) == 0)
            g_ptr_array_remove_index(all, i);
    }
    return g_steal_pointer(&all);
}

static void index_those(GHashTable *index, const GPtrArray *resources, bool by_arn)
{
    for (guint i = 0; i < resources->len; i++) {
        struct resource *one = g_ptr_array_index((GPtrArray *)resources, i);
        g_hash_table_insert(index, by_arn ? one->arn : one->name, one);
    }
}

/* ---- containers ---- */

struct telling {
    struct lineage *lineage;
    GPtrArray *models, *packages, *configs;
    GPtrArray *jobs;                            /* an array of each kind */
    GHashTable *model, *package, *config, *job; /* by name; packages and jobs by ARN */
};

/* What a container is made of contributed to the destination. */
static void tell_container(struct telling *telling, const json_t *container,
                           const char *destination, bool serves, double created)
{
    struct lineage *lineage = telling->lineage;
    static const char *const parts[][2] = {{"Image", "Image"}, {"ModelDataUrl", "Model"}};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const char *place = json_text_at(container, parts[i][0]);
        if (!place)
            continue;
        const char *part = add_artifact(lineage, place, parts[i][1], created);
        lineage_join(lineage, part, destination, "ContributedTo", created);
        if (serves && i == 1)
            lineage_join(lineage, destination, part, "AssociatedWith", created);
    }
}

static const struct resource *package_of(struct telling *telling, const char *name_or_arn)
{
    const struct resource *found = g_hash_table_lookup(telling->package, name_or_arn);
    for (guint i = 0; !found && i < telling->packages->len; i++) {
        const struct resource *package = g_ptr_array_index(telling->packages, i);
        found = strcmp(package->name, name_or_arn) == 0 ? package : NULL;
    }
    return found;
}

/* The same of a model's container, which may be a model package. */
static void tell_model_container(struct telling *telling, const json_t *container,
                                 const char *destination, bool serves, double created)
{
    struct lineage *lineage = telling->lineage;
    const char *name = json_text_at(container, "ModelPackageName");
    const struct resource *package = name ? package_of(telling, name) : NULL;
    if (package) {
        const char *part = add_artifact(lineage, package->arn, "Model", package->created);
        lineage_join(lineage, part, destination, "ContributedTo", created);
        if (serves)
            lineage_join(lineage, destination, part, "AssociatedWith", created);
        container = json_at(package->body, "InferenceSpecification.Containers[0]");
    }
    tell_container(telling, container, destination, serves && !package, created);
}

static void tell_model(struct telling *telling, const char *name, const char *destination,
                       bool serves, double created)
{
    const struct resource *model = g_hash_table_lookup(telling->model, name);
    if (!model)
        return;
    tell_model_container(telling, json_object_get(model->body, "PrimaryContainer"), destination,
                         serves, created);
    size_t i;
    const json_t *container;
    json_array_foreach(json_object_get(model->body, "Containers"), i, container)
        tell_model_container(telling, container, destination, serves, created);
}

/* ---- jobs ---- */

static void tell_artifacts(struct telling *telling, const struct resource *component,
                           const json_t *description, bool output)
{
    struct lineage *lineage = telling->lineage;
    const char *name;
    const json_t *artifact;
    json_t *map = json_object_get(description, output ? "OutputArtifacts" : "InputArtifacts");
    json_object_foreach(map, name, artifact)
    {
        const char *place = json_text_at(artifact, "Value");
        if (strcmp(name, "SageMaker.ModelName") == 0) {
            tell_model(telling, place, component->arn, false, component->created);
            continue;
        }
        const char *type = job_component_artifact_type(name);
        const char *arn = add_artifact(lineage, place, type, component->created);
        lineage_join(lineage, output ? component->arn : arn, output ? arn : component->arn,
                     output ? "Produced" : "ContributedTo", component->created);
    }
}

static void tell_component(struct telling *telling, const struct resource *component)
{
    const char *arn = json_text_at(component->body, "Source.SourceArn");
    const char *type = json_text_at(component->body, "Source.SourceType");
    if (!arn || !type || !g_str_has_suffix(type, "Job"))
        return;
    const struct resource *job = g_hash_table_lookup(telling->job, arn);
    g_autoptr(json_auto) description = json_object();
    static const char *const members[] = {"InputArtifacts", "OutputArtifacts", NULL};
    json_copy_members(description, component->body, members);
    if (job)
        job_component_tell_artifacts(job->body, description);
    speak_of(telling->lineage, component->arn);
    tell_artifacts(telling, component, description, false);
    tell_artifacts(telling, component, description, true);
}

static void tell_jobs(struct telling *telling)
{
    g_autoptr(GPtrArray) components = lineage_entities(telling->lineage, trial_component_kind.word);
    for (guint i = 0; i < components->len; i++)
        tell_component(telling, g_ptr_array_index(components, i));
}

/* ---- model packages ---- */

static const char *add_approval(struct lineage *lineage, const struct resource *package)
{
    double decided = json_number_at(package->body, MODEL_PACKAGE_DECIDED, package->created);
    g_autofree char *flat = g_strdelimit(g_strdup(package->name), "/", '-');
    g_autofree char *name =
        g_strdup_printf("%s-%s-%.0f-aws-model-group", flat, package->status, decided);
    json_t *body = standing_for(package->arn, "ActionType", "Approval");
    json_object_set_new(body, "Status", json_string("Completed"));
    json_object_set_new(body, "Properties",
                        json_pack("{ss}", "ModelApprovalStatus", package->status));
    json_put(body, "MetadataProperties",
             json_incref(json_object_get(package->body, "MetadataProperties")));
    return lineage_add(lineage, &action_kind, name, body, decided);
}

static const char *add_group(struct lineage *lineage, const struct resource *package)
{
    g_autofree char *name = g_strconcat(package->parent, "-aws-model-group", NULL);
    g_autofree char *arn =
        g_strconcat(lineage->prefix, model_package_group_kind.word, "/", package->parent, NULL);
    json_t *body = standing_for(arn, "ContextType", "ModelGroup");
    const char *by = json_text_at(package->body, "MetadataProperties.GeneratedBy");
    const char *execution = by ? strstr(by, "/execution/") : NULL;
    const char *end = execution ? strchr(execution + strlen("/execution/"), '/') : NULL;
    if (execution)
        json_object_set_new(
            body, "Properties",
            json_pack("{so}", "PipelineExecutionArn",
                      end ? json_stringn(by, (size_t)(end - by)) : json_string(by)));
    return lineage_add(lineage, &context_kind, name, body, package->created);
}

static void tell_package(struct telling *telling, const struct resource *package)
{
    struct lineage *lineage = telling->lineage;
    speak_of(lineage, package->arn);
    double created = package->created;
    const char *artifact = add_artifact(lineage, package->arn, "Model", created);
    const char *approval = add_approval(lineage, package);
    lineage_join(lineage, approval, artifact, "ContributedTo", created);
    if (*package->parent)
        lineage_join(lineage, artifact, add_group(lineage, package), "AssociatedWith", created);
    size_t i;
    const json_t *container;
    json_array_foreach(json_at(package->body, "InferenceSpecification.Containers"), i, container)
        tell_container(telling, container, artifact, false, created);
}

/* ---- endpoints ---- */

static const char *deployment_status(const struct resource *endpoint)
{
    bool serves = strcmp(endpoint->status, "InService") == 0;
    bool goes_on = g_str_has_suffix(endpoint->status, "ing");
    return serves ? "Completed" : goes_on ? "InProgress" : "Failed";
}

static const char *add_deployment(struct lineage *lineage, const struct resource *endpoint,
                                  double deployed)
{
    g_autofree char *name = g_strdup_printf("%s-%.0f-aws-endpoint", endpoint->name, deployed);
    json_t *body = standing_for(endpoint->arn, "ActionType", "ModelDeployment");
    json_object_set_new(body, "Status", json_string(deployment_status(endpoint)));
    json_object_set_new(body, "Properties",
                        json_pack("{ss}", "EndpointConfigName",
                                  json_text_at(endpoint->body, "EndpointConfigName")));
    return lineage_add(lineage, &action_kind, name, body, deployed);
}

static void tell_endpoint(struct telling *telling, const struct resource *endpoint)
{
    struct lineage *lineage = telling->lineage;
    speak_of(lineage, endpoint->arn);
    double deployed = json_number_at(endpoint->body, ENDPOINT_DEPLOYED, endpoint->created);
    const char *action = add_deployment(lineage, endpoint, deployed);
    g_autofree char *name = g_strconcat(endpoint->name, "-aws-endpoint", NULL);
    const char *context =
        lineage_add(lineage, &context_kind, name,
                    standing_for(endpoint->arn, "ContextType", "Endpoint"), endpoint->created);
    lineage_join(lineage, action, context, "AssociatedWith", deployed);
    lineage_join(lineage, context, action, "AssociatedWith", deployed);
    const struct resource *config =
        g_hash_table_lookup(telling->config, json_text_at(endpoint->body, "EndpointConfigName"));
    size_t i;
    const json_t *variant;
    json_array_foreach(config ? json_object_get(config->body, "ProductionVariants") : NULL, i,
                       variant)
        tell_model(telling, json_text_at(variant, "ModelName"), action, true, deployed);
}

/* ---- all ---- */

static void telling_clear(struct telling *telling)
{
    GPtrArray *lists[] = {telling->models, telling->packages, telling->configs, telling->jobs};
    GHashTable *indexes[] = {telling->model, telling->package, telling->config, telling->job};
    for (size_t i = 0; i < G_N_ELEMENTS(indexes); i++)
        if (indexes[i])
            g_hash_table_unref(indexes[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        if (lists[i])
            g_ptr_array_unref(lists[i]);
}

static bool read_those(struct telling *telling, const struct kind *kind, GPtrArray **list,
                       GHashTable **index, bool by_arn, GError **error)
{
    *list = those_of(telling->lineage, kind, error);
    if (!*index)
        *index = g_hash_table_new(g_str_hash, g_str_equal);
    if (*list)
        index_those(*index, *list, by_arn);
    return *list != NULL;
}

/* Jobs are what runs a program of its own, whose log is its kind's. */
static bool read_jobs(struct telling *telling, GError **error)
{
#define IN_LIST(name) &name##_kind,
    static const struct kind *const kinds[] = {SAGEMAKER_KINDS(IN_LIST)};
#undef IN_LIST
    telling->jobs = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const struct kind *kind = kinds[i];
        GPtrArray *jobs = NULL;
        if (!kind->log_group || !kind->going ||
            (telling->lineage->narrow && kind != &transform_job_kind))
            continue;
        if (!read_those(telling, kind, &jobs, &telling->job, true, error))
            return false;
        g_ptr_array_add(telling->jobs, jobs);
    }
    return true;
}

static bool read_all(struct telling *telling, GError **error)
{
    return read_jobs(telling, error) &&
           read_those(telling, &model_kind, &telling->models, &telling->model, false, error) &&
           read_those(telling, &endpoint_config_kind, &telling->configs, &telling->config, false,
                      error) &&
           read_those(telling, &model_package_kind, &telling->packages, &telling->package, true,
                      error);
}

bool lineage_tell(struct lineage *lineage, GError **error)
{
    struct telling telling = {.lineage = lineage};
    bool read = read_all(&telling, error);
    g_autoptr(GPtrArray) endpoints = read ? those_of(lineage, &endpoint_kind, error) : NULL;
    if (endpoints) {
        tell_jobs(&telling);
        for (guint i = 0; i < telling.packages->len; i++)
            tell_package(&telling, g_ptr_array_index(telling.packages, i));
        for (guint i = 0; i < endpoints->len; i++)
            tell_endpoint(&telling, g_ptr_array_index(endpoints, i));
    }
    telling_clear(&telling);
    return endpoints != NULL;
}
