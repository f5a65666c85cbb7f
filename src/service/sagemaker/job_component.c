/* Trial components of jobs: made with the job, of a trial where its ExperimentConfig says so, told
 * from the job as long as there is the job, and left with its last state. */
#include <math.h>
#include <string.h>

#include "service/sagemaker/experiments.h"
#include "store/metric.h"

/* ---- what a job tells ---- */

/* "<job>-aws-training-job": of whatever kind the job is. g_free. */
static char *name_of(const struct kind *kind, const char *job)
{
    g_autofree char *lower = g_ascii_strdown(job, -1);
    return g_strdup_printf("%s-aws-%s", lower, kind->word);
}

/* Where requests of the kinds say their instances. */
static const json_t *resources_of(const json_t *job)
{
    static const char *const places[] = {"ResourceConfig", "ProcessingResources.ClusterConfig",
                                         "TransformResources"};
    const json_t *found = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(places) && !found; i++)
        found = json_at(job, places[i]);
    return found;
}

/* TrainingStartTime: what the kind's job does, and the word. */
static void put_time(json_t *description, const char *word, const struct kind *kind,
                     const json_t *job)
{
    int doing = (int)(strlen(kind->noun) - strlen("Job"));
    g_autofree char *member = g_strdup_printf("%.*s%s", doing, kind->noun, word);
    json_put(description, word, json_incref(json_object_get(job, member)));
}

/* What a user wrote into the component stays. */
static void put_missing(json_t *description, const char *map, const char *name, json_t *value)
{
    json_t *members = json_object_get(description, map);
    if (!members) {
        members = json_object();
        json_object_set_new(description, map, members);
    }
    if (json_object_get(members, name))
        json_decref(value);
    else
        json_object_set_new(members, name, value);
}

static json_t *parameter(const char *text)
{
    char *end;
    double number = g_ascii_strtod(text, &end);
    bool is_number = *text && !*end && isfinite(number);
    return is_number ? json_pack("{sf}", "NumberValue", number)
                     : json_pack("{ss}", "StringValue", text);
}

static void tell_parameters(const json_t *job, json_t *description)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(job, "HyperParameters"), name, value)
        put_missing(description, "Parameters", name, parameter(json_string_value(value)));
    static const char *const numbers[] = {"InstanceCount", "VolumeSizeInGB"};
    const json_t *resources = resources_of(job);
    const char *type = json_text_at(resources, "InstanceType");
    if (type)
        put_missing(description, "Parameters", "SageMaker.InstanceType",
                    json_pack("{ss}", "StringValue", type));
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autofree char *full = g_strconcat("SageMaker.", numbers[i], NULL);
        double number = json_number_at(resources, numbers[i], 0);
        if (number > 0)
            put_missing(description, "Parameters", full, json_pack("{sf}", "NumberValue", number));
    }
}

/* A media type with parameters ("text/csv; charset=utf-8") breaks the pattern of its member. */
static void put_artifact(json_t *description, const char *map, const char *name, const char *place,
                         const char *media)
{
    if (!name || !place)
        return;
    json_t *artifact = json_pack("{ss}", "Value", place);
    if (media && *media && !strpbrk(media, "; .,"))
        json_object_set_new(artifact, "MediaType", json_string(media));
    put_missing(description, map, name, artifact);
}

static const struct {
    const char *map, *name, *place, *type; /* type: of its artifact in lineage */
} artifacts[] = {
    {"InputArtifacts", "SageMaker.ImageUri", "AlgorithmSpecification.TrainingImage", "Image"},
    {"InputArtifacts", "SageMaker.ImageUri", "AppSpecification.ImageUri", "Image"},
    {"InputArtifacts", "SageMaker.ModelName", "ModelName", "Model"},
    {"InputArtifacts", "SageMaker.TransformInput", "TransformInput.DataSource.S3DataSource.S3Uri",
     "DataSet"},
    {"OutputArtifacts", "SageMaker.TransformOutput", "TransformOutput.S3OutputPath", "DataSet"},
    {"OutputArtifacts", "SageMaker.ModelArtifact", "ModelArtifacts.S3ModelArtifacts", "Model"},
    {"OutputArtifacts", "SageMaker.CheckpointS3Uri", "CheckpointConfig.S3Uri", "Checkpoint"},
};

const char *job_component_artifact_type(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(artifacts); i++)
        if (strcmp(artifacts[i].name, name) == 0)
            return artifacts[i].type;
    return "DataSet";
}

void job_component_tell_artifacts(const json_t *job, json_t *description)
{
    static const struct {
        const char *map, *list, *name, *place, *media;
    } lists[] = {
        {"InputArtifacts", "InputDataConfig", "ChannelName", "DataSource.S3DataSource.S3Uri",
         "ContentType"},
        {"InputArtifacts", "ProcessingInputs", "InputName", "S3Input.S3Uri", "none"},
        {"OutputArtifacts", "ProcessingOutputConfig.Outputs", "OutputName", "S3Output.S3Uri",
         "none"},
    };
    for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
        size_t i;
        const json_t *entry;
        json_array_foreach(json_at(job, lists[l].list), i, entry)
            put_artifact(description, lists[l].map, json_text_at(entry, lists[l].name),
                         json_text_at(entry, lists[l].place), json_text_at(entry, lists[l].media));
    }
    for (size_t a = 0; a < G_N_ELEMENTS(artifacts); a++)
        put_artifact(description, artifacts[a].map, artifacts[a].name,
                     json_text_at(job, artifacts[a].place), NULL);
}

/* Of all values that the job reported, where they are still kept; else of the last. */
static struct series_summary summary_of(struct store *store, const struct resource *job,
                                        const struct kind *kind, const json_t *last)
{
    g_autoptr(json_auto) dimensions = json_pack("[{ssss}]", "Name", kind->name, "Value", job->name);
    g_autoptr(GArray) values =
        metric_values(store, kind->log_group, json_text_at(last, "MetricName"), dimensions, NULL);
    struct series_summary summary = {0};
    gint64 time = (gint64)llround(json_number_at(last, "Timestamp", 0) * 1000);
    for (guint i = 0; values && i < values->len; i++)
        series_summary_add(&summary, g_array_index(values, double, i), time);
    double value = json_number_at(last, "Value", 0);
    if (!summary.count)
        series_summary_add(&summary, value, time);
    summary.last = value;
    return summary;
}

static bool has_metric(const json_t *metrics, const char *name)
{
    size_t i;
    const json_t *metric;
    json_array_foreach((json_t *)metrics, i, metric)
    {
        if (strcmp(json_text_at(metric, "MetricName"), name) == 0)
            return true;
    }
    return false;
}

static void tell_metrics(struct store *store, const struct resource *job, const struct kind *kind,
                         json_t *description)
{
    size_t i;
    const json_t *last;
    json_t *metrics = json_object_get(description, "Metrics");
    metrics = metrics ? json_incref(metrics) : json_array();
    json_array_foreach(json_object_get(job->body, "FinalMetricDataList"), i, last)
    {
        const char *name = json_text_at(last, "MetricName");
        struct series_summary summary = summary_of(store, job, kind, last);
        if (!has_metric(metrics, name))
            json_array_append_new(metrics, metric_summary_member(&summary, name, job->arn));
    }
    json_object_set_new(description, "Metrics", metrics);
}

static void tell_status(const struct kind *kind, const struct resource *job, json_t *description)
{
    const char *reason = json_text_at(job->body, "FailureReason");
    json_t *status = json_pack("{ss}", "PrimaryStatus", job->status);
    g_autofree char *message = g_strndup(reason ? reason : "", 1024);
    g_strdelimit(message, "\n", ' ');
    if (reason && g_utf8_validate(message, -1, NULL))
        json_object_set_new(status, "Message", json_string(message));
    json_object_set_new(description, "Status", status);
    put_time(description, "StartTime", kind, job->body);
    put_time(description, "EndTime", kind, job->body);
}

bool job_component_tell(struct lathe *lathe, const char *arn, json_t *description)
{
    g_autoptr(resource_auto) job = arn ? resource_get_by_arn(lathe->store, arn, NULL) : NULL;
    const struct kind *kind = job ? kind_of_word(services, job->kind) : NULL;
    if (!kind || !kind->going)
        return false;
    tell_status(kind, job, description);
    tell_parameters(job->body, description);
    job_component_tell_artifacts(job->body, description);
    tell_metrics(lathe->store, job, kind, description);
    return true;
}

/* ---- their making ---- */

void job_component_free(struct job_component *component)
{
    if (!component)
        return;
    g_free(component->component);
    g_free(component->arn);
    g_free(component->job_arn);
    g_free(component->experiment);
    g_free(component->trial);
    g_free(component->source_type);
    g_free(component);
}

/* A trial is in one experiment: where both are named they have to go together. */
static bool find_trial(const struct call *call, struct job_component *found, GError **error)
{
    const char *name = json_text_at(found->config, "TrialName");
    g_autoptr(resource_auto) trial = name ? sagemaker_get(call, &trial_kind, name, error) : NULL;
    if (!name)
        return true;
    if (!trial)
        return false;
    if (found->experiment && strcmp(found->experiment, trial->parent) != 0)
        return error_set(error, ERROR_VALIDATION,
                         "ExperimentConfig: trial %s belongs to experiment %s, not to %s.",
                         trial->name, trial->parent, found->experiment);
    g_free(found->experiment);
    found->experiment = g_strdup(trial->parent);
    found->trial = g_strdup(trial->name);
    return true;
}

static bool find_experiment(const struct call *call, struct job_component *found, GError **error)
{
    const char *name = json_text_at(found->config, "ExperimentName");
    g_autoptr(resource_auto) experiment =
        name ? sagemaker_get(call, &experiment_kind, name, error) : NULL;
    if (name && !experiment)
        return false;
    found->experiment = g_strdup(experiment ? experiment->name : NULL);
    return true;
}

bool job_component_find(const struct call *call, const struct kind *kind, const json_t *request,
                        struct job_component **component, GError **error)
{
    const json_t *config = json_object_get(request, "ExperimentConfig");
    const char *job = json_text_at(request, kind->name);
    g_autoptr(job_component_auto) found = g_new0(struct job_component, 1);
    found->config = config;
    found->source_type = g_strconcat("SageMaker", kind->noun, NULL);
    found->component = name_of(kind, job);
    found->arn = call_arn(call, trial_component_kind.word, found->component);
    found->job_arn = call_arn(call, kind->word, job);
    if (!find_experiment(call, found, error) || !find_trial(call, found, error))
        return false;
    found->makes_trial = found->experiment && !found->trial;
    if (found->makes_trial)
        found->trial = g_strconcat(job, "-trial", NULL);
    *component = g_steal_pointer(&found);
    return true;
}

static json_t *first_body(const struct job_component *component)
{
    const char *display = json_text_at(component->config, "TrialComponentDisplayName");
    json_t *source =
        json_pack("{ssss}", "SourceArn", component->job_arn, "SourceType", component->source_type);
    json_t *body = json_pack("{sssOs[O]}", "DisplayName", display ? display : component->component,
                             "Source", source, "Sources", source);
    json_decref(source);
    json_put(body, "RunName", json_incref(json_object_get(component->config, "RunName")));
    return body;
}

/* A job of a name that was free again goes on in the component of the one before. */
static bool make_component(struct store_connection *connection, const struct call *call,
                           const struct job_component *component, GError **error)
{
    g_autoptr(json_auto) body = first_body(component);
    struct resource resource = {.kind = (char *)trial_component_kind.word,
                                .name = component->component,
                                .arn = component->arn,
                                .status = (char *)"",
                                .parent = (char *)"",
                                .body = body,
                                .any_case = true};
    bool taken = false;
    if (resource_create_within(connection, call->lathe->store, &resource, &taken, error))
        return true;
    if (taken)
        g_clear_error(error);
    return taken;
}

static bool make_trial(struct store_connection *connection, const struct call *call,
                       const struct job_component *component, GError **error)
{
    g_autoptr(json_auto) body =
        json_pack("{ssssss}", "TrialName", component->trial, "DisplayName", component->trial,
                  "ExperimentName", component->experiment);
    return experiments_make_within(connection, call, &trial_kind, body, error);
}

bool job_component_create_within(struct store_connection *connection, const struct call *call,
                                 const struct job_component *component, GError **error)
{
    if (!make_component(connection, call, component, error) ||
        (component->makes_trial && !make_trial(connection, call, component, error)))
        return false;
    return !component->trial ||
           trial_component_associate_within(connection, call->lathe->store, component, error);
}

static bool keep_members(struct resource *component, void *data, GError **error)
{
    (void)error;
    static const char *const members[] = {
        "Status",         "StartTime",       "EndTime", "Parameters",
        "InputArtifacts", "OutputArtifacts", "Metrics", NULL};
    json_copy_members(component->body, data, members);
    return true;
}

/* The component's own series stay where they are. */
static void drop_own_metrics(json_t *description, const char *arn)
{
    json_t *metrics = json_object_get(description, "Metrics");
    for (size_t i = json_array_size(metrics); i-- > 0;)
        if (g_strcmp0(json_text_at(json_array_get(metrics, i), "SourceArn"), arn) == 0)
            json_array_remove(metrics, i);
}

bool job_component_keep(struct lathe *lathe, const struct kind *kind, const char *job,
                        GError **error)
{
    g_autofree char *name = name_of(kind, job);
    GError *cause = NULL;
    g_autoptr(resource_auto) component =
        resource_get(lathe->store, trial_component_kind.word, name, &cause);
    if (cause)
        g_propagate_error(error, cause);
    if (!component)
        return !cause;
    g_autoptr(json_auto) description = sagemaker_describe(&trial_component_kind, component);
    bool has_job = trial_component_kind.tell(lathe, component, description);
    drop_own_metrics(description, component->arn);
    return !has_job || resource_update(lathe->store, component->kind, component->name, keep_members,
                                       description, NULL, error);
}
