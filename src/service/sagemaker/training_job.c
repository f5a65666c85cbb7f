/* Training jobs: CreateTrainingJob and its family. What a request becomes is in training.c; how a
 * job lives, in job_state.c and job/. */
#include <string.h>

#include "base/clock.h"
#include "base/s3_uri.h"
#include "flow/tuning/tuning.h"
#include "runtime/runtime.h"
#include "script/metrics.h"
#include "service/sagemaker/data_place.h"
#include "service/sagemaker/debug_rules.h"
#include "service/sagemaker/job_state.h"
#include "service/sagemaker/training.h"
#include "service/script.h"
#include "store/entry.h"

/* ---- what is refused before a job exists ---- */

static bool check_channels(const json_t *channels, GError **error)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    size_t i;
    const json_t *channel;
    json_array_foreach((json_t *)channels, i, channel)
    {
        const char *name = json_text_at(channel, "ChannelName");
        if (!g_hash_table_add(names, (char *)name))
            return error_set(error, ERROR_VALIDATION, "Duplicate channel name: %s", name);
        const char *uri = json_text_at(channel, "DataSource.S3DataSource.S3Uri");
        if (!uri)
            return error_set(error, ERROR_VALIDATION,
                             "Channel %s has no S3DataSource, the only data source that lathe "
                             "reads.",
                             name);
        if (!s3_uri_is(uri))
            return error_set(error, ERROR_VALIDATION,
                             "Channel %s: the S3Uri %s does not begin with s3://.", name, uri);
    }
    return true;
}

/* The data has to be there when the job is created, as with AWS. */
static bool check_inputs(const struct call *call, const json_t *request, GError **error)
{
    const char *role = json_text_at(request, "RoleArn");
    size_t i;
    const json_t *channel;
    json_array_foreach(json_object_get(request, "InputDataConfig"), i, channel)
    {
        const json_t *source = json_at(channel, "DataSource.S3DataSource");
        if (!data_place_check_input(call, source, role, error))
            return false;
    }
    return true;
}

/* AWS's own sentences. */
static bool check_spot_times(const json_t *request, GError **error)
{
    bool spot = json_true_at(request, "EnableManagedSpotTraining");
    const json_t *wait = json_at(request, "StoppingCondition.MaxWaitTimeInSeconds");
    json_int_t longest = json_integer_at(request, "StoppingCondition.MaxRuntimeInSeconds", 86400);
    if (wait && !spot)
        return error_set(error, ERROR_VALIDATION,
                         "Invalid MaxWaitTimeInSeconds. It is only supported when "
                         "EnableManagedSpotTraining is set to true");
    if (spot && (!wait || json_integer_value(wait) < longest))
        return error_set(error, ERROR_VALIDATION,
                         "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or "
                         "equal to MaxRuntimeInSeconds");
    return true;
}

static bool check_profiler(const json_t *request, GError **error)
{
    static const json_int_t known[] = {100, 200, 500, 1000, 5000, 60000};
    const json_t *given = json_at(request, "ProfilerConfig.ProfilingIntervalInMilliseconds");
    for (size_t i = 0; given && i < G_N_ELEMENTS(known); i++)
        if (json_integer_value(given) == known[i])
            return true;
    return !given ||
           error_set(error, ERROR_VALIDATION,
                     "ProfilerConfig.ProfilingIntervalInMilliseconds is %" JSON_INTEGER_FORMAT
                     "; it may be 100, 200, 500, 1000, 5000 or 60000.",
                     json_integer_value(given));
}

static bool check_request(const struct call *call, const json_t *request, GError **error)
{
    const char *image = json_text_at(request, "AlgorithmSpecification.TrainingImage");
    if (!image)
        return error_set(error, ERROR_VALIDATION,
                         "AlgorithmSpecification has no TrainingImage; algorithms by AlgorithmName "
                         "are not supported.");
    const struct runtime_role *role = training_role(request, error);
    if (!role || (training_is_script(request) && !script_check(call, error)))
        return false;
    if (json_at(request, "ResourceConfig.InstanceGroups"))
        return error_set(error, ERROR_VALIDATION,
                         "ResourceConfig: lathe trains on one host, which has no groups; "
                         "InstanceGroups must be absent.");
    const char *output = json_text_at(request, "OutputDataConfig.S3OutputPath");
    if (!s3_uri_is(output))
        return error_set(error, ERROR_VALIDATION,
                         "OutputDataConfig.S3OutputPath %s does not begin with s3://.", output);
    return (!role->check || role->check(request, error)) && check_spot_times(request, error) &&
           debug_rules_check(request, error) && check_profiler(request, error) &&
           check_channels(json_object_get(request, "InputDataConfig"), error) &&
           metrics_check(json_at(request, "AlgorithmSpecification.MetricDefinitions"), error);
}

bool training_check(const struct call *call, const json_t *request, GError **error)
{
    return check_request(call, request, error) && check_inputs(call, request, error);
}

/* ---- operations ---- */

/* Sets a member that AWS shows whether it was asked for or not. value is taken. */
static void show_always(json_t *object, const char *member, json_t *value)
{
    if (json_object_get(object, member))
        json_decref(value);
    else
        json_object_set_new(object, member, value);
}

/* What AWS tells of a job that asked for nothing of it. */
static void show_defaults(json_t *body)
{
    static const char *const switches[] = {"EnableNetworkIsolation", "EnableManagedSpotTraining",
                                           "EnableInterContainerTrafficEncryption"};
    for (size_t i = 0; i < G_N_ELEMENTS(switches); i++)
        show_always(body, switches[i], json_false());
    show_always(json_object_get(body, "AlgorithmSpecification"), "EnableSageMakerMetricsTimeSeries",
                json_false());
    show_always(json_object_get(body, "OutputDataConfig"), "KmsKeyId", json_string(""));
    size_t i;
    json_t *channel;
    json_array_foreach(json_object_get(body, "InputDataConfig"), i, channel)
    {
        show_always(channel, "CompressionType", json_string("None"));
        show_always(channel, "RecordWrapperType", json_string("None"));
    }
}

/* What Describe says of a job that was just created, beside the echo of its request. */
static json_t *first_body(const struct call *call, const json_t *request)
{
    json_t *body = json_deep_copy(request);
    show_defaults(body);
    /* Its shape wants the place from the start, where the model will be if there comes to be one.
     */
    g_autofree char *prefix =
        training_output_prefix(request, json_text_at(request, "TrainingJobName"));
    json_object_set_new(
        body, "ModelArtifacts",
        json_pack("{so}", "S3ModelArtifacts", json_sprintf("%smodel.tar.gz", prefix)));
    json_object_set_new(body, "SecondaryStatus", json_string("Starting"));
    json_object_set_new(body, "SecondaryStatusTransitions",
                        json_pack("[{sssssf}]", "Status", "Starting", "StatusMessage",
                                  "Starting the training job", "StartTime", clock_now()));
    debug_rules_begin(call, json_text_at(request, "TrainingJobName"), body);
    return body;
}

/* A tuning job's trial is in the store before its training job is created. */
static bool show_tuning_job(const struct call *call, json_t *body, const char *name, GError **error)
{
    struct store *store = call->lathe->store;
    g_autoptr(GPtrArray) trials = entry_find(store, TUNING_JOB, name, error);
    if (!trials || !trials->len)
        return trials != NULL;
    const struct entry *trial = g_ptr_array_index(trials, 0);
    GError *cause = NULL;
    g_autoptr(resource_auto) tuning = resource_get(store, TUNING_JOB, trial->owner, &cause);
    if (tuning)
        json_object_set_new(body, "TuningJobArn", json_string(tuning->arn));
    else if (cause)
        g_propagate_error(error, cause);
    return !cause;
}

static bool create(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    g_autoptr(json_auto) body = first_body(call, request);
    return show_tuning_job(call, body, json_text_at(request, "TrainingJobName"), error) &&
           sagemaker_create_job(call, &training_life, request, g_steal_pointer(&body), reply,
                                error);
}

static bool create_training_job(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    /* A taken name comes first, as with AWS: Airflow and the SDK look for that error. */
    const char *name = json_text_at(request, "TrainingJobName");
    return sagemaker_check_free(call, &training_job_kind, name, error) &&
           training_check(call, request, error) && create(call, request, reply, error);
}

static bool describe_training_job(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    if (!sagemaker_describe_call(call, &training_job_kind, request, reply, error))
        return false;
    const char *profiling = training_is_profiled(reply->output) ? "Enabled" : "Disabled";
    show_always(reply->output, "ProfilingStatus", json_string(profiling)); /* not in Search's */
    return true;
}

static bool list_training_jobs(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    return sagemaker_list(call, &training_job_kind, request, reply, error);
}

static bool stop_training_job(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    (void)reply;
    return sagemaker_stop_job(call, &training_life, request, error);
}

static bool delete_training_job(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    (void)reply;
    return sagemaker_delete_job(call, &training_job_kind, request, error);
}

static bool recover(struct lathe *lathe, GError **error)
{
    return sagemaker_recover_jobs(lathe, &training_life, error);
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"CreateTrainingJob", create_training_job, OPERATION_BLOCKING},
    {"DescribeTrainingJob", describe_training_job, OPERATION_BLOCKING},
    {"ListTrainingJobs", list_training_jobs, OPERATION_BLOCKING},
    {"StopTrainingJob", stop_training_job, OPERATION_BLOCKING},
    {"DeleteTrainingJob", delete_training_job, OPERATION_BLOCKING},
};

const struct kind training_job_kind = {
    .service = "sagemaker",
    .word = "training-job",
    .noun = "TrainingJob",
    KIND_WORDS("TrainingJob"),
    KIND_JOB("TrainingJob"),
    .log_group = "/aws/sagemaker/TrainingJobs",
    .title = "training jobs",
    .step = "Training",
    .step_metadata = "TrainingJob",
    .step_is_cached = true,
    .searchable = true,
    .always = "{\"EnableNetworkIsolation\": false, \"EnableManagedSpotTraining\": false,"
              " \"EnableInterContainerTrafficEncryption\": false}",
    .missing_code = ERROR_VALIDATION,
    .missing = "Requested resource not found.",
    .taken_code = ERROR_IN_USE,
    .taken = "Training job names must be unique within an AWS account and region, and a training "
             "job with this name already exists (%s)",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .recover = recover,
};
