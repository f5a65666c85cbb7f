/* Processing jobs: inputs to local paths, a program, local paths to outputs. */
#include <string.h>

#include "base/s3_uri.h"
#include "job/layout.h"
#include "runtime/runtime.h"
#include "runtime/settings.h"
#include "runtime/spark.h"
#include "service/sagemaker/job_state.h"
#include "service/script.h"

#define LONGEST_UNASKED 86400 /* seconds */

/* What the image RUNTIME_SPARK begins with. */
#define SMSPARK_SUBMIT "smspark-submit"

/* ---- what is refused before a job exists ---- */

/* Names are how steps of workflows refer to inputs and outputs. */
static bool check_names(const json_t *entries, const char *member, GError **error)
{
    size_t i;
    const json_t *entry;
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    json_array_foreach((json_t *)entries, i, entry)
    {
        const char *name = json_text_at(entry, member);
        if (!g_hash_table_add(seen, (char *)name))
            return error_set(error, ERROR_VALIDATION, "%s: the name %s is given twice.", member,
                             name);
    }
    return true;
}

static bool check_inputs(const json_t *inputs, GError **error)
{
    size_t i;
    const json_t *input;
    json_array_foreach((json_t *)inputs, i, input)
    {
        const char *name = json_text_at(input, "InputName");
        const json_t *source = json_object_get(input, "S3Input");
        const char *uri = json_text_at(source, "S3Uri");
        if (!s3_uri_is(uri))
            return error_set(
                error, ERROR_VALIDATION,
                "Input %s needs an S3Input with an S3Uri that begins with s3://; other "
                "sources are not supported.",
                name);
        if (g_strcmp0(json_text_at(source, "S3InputMode"), "Pipe") == 0)
            return error_set(error, ERROR_VALIDATION,
                             "Input %s: S3InputMode Pipe is not supported; use File.", name);
    }
    return check_names(inputs, "InputName", error);
}

static bool check_outputs(const json_t *outputs, GError **error)
{
    size_t i;
    const json_t *output;
    json_array_foreach((json_t *)outputs, i, output)
    {
        const char *name = json_text_at(output, "OutputName");
        const json_t *target = json_object_get(output, "S3Output");
        const char *uri = json_text_at(target, "S3Uri");
        if (!s3_uri_is(uri))
            return error_set(error, ERROR_VALIDATION,
                             "Output %s needs an S3Output with an S3Uri that begins with s3://.",
                             name);
    }
    return check_names(outputs, "OutputName", error);
}

static const json_t *entrypoint_of(const json_t *request)
{
    return json_at(request, "AppSpecification.ContainerEntrypoint");
}

static const char *image_of(const json_t *request)
{
    return json_text_at(request, "AppSpecification.ImageUri");
}

static const char *first_word(const json_t *request)
{
    const char *word = json_string_value(json_array_get(entrypoint_of(request), 0));
    return word ? word : "";
}

/* Whether the request's program is one for Spark: by its image, or that image's entry point. */
static bool uses_spark(const json_t *request)
{
    return runtime_is(image_of(request), RUNTIME_SPARK) ||
           strcmp(first_word(request), SMSPARK_SUBMIT) == 0;
}

/* Whether the request's program is its image's own, which a container engine has to run. */
static bool runs_image(const json_t *request)
{
    return !entrypoint_of(request) &&
           !runtime_role(image_of(request), RUNTIME_PROCESSES, false, NULL);
}

static const struct runtime_role *role_of(const struct call *call, const json_t *request,
                                          GError **error)
{
    bool by_engine = runs_image(request) && call->lathe->settings->engine;
    return runtime_role(image_of(request), RUNTIME_PROCESSES,
                        by_engine || entrypoint_of(request) != NULL, error);
}

/* What a script may not do itself it is not to do by way of the server. */
static bool check_image(const struct call *call, const json_t *request, GError **error)
{
    return !call->within || !runs_image(request) ||
           error_set(error, ERROR_VALIDATION,
                     "The image %s would be run by %s, which scripts in a sandbox may not start, "
                     "neither themselves nor by a pipeline that they wrote, started or retried.",
                     image_of(request), call->lathe->settings->engine);
}

static bool check_spark(const struct call *call, const json_t *request, GError **error)
{
    if (strcmp(first_word(request), "smspark-history-server") == 0)
        return error_set(error, ERROR_VALIDATION,
                         "smspark-history-server: lathe has no Spark history server. The event "
                         "logs that a job kept (spark_event_logs_s3_uri) are read by Spark's own: "
                         "sbin/start-history-server.sh.");
    return spark_check(call->lathe->settings, error);
}

/* Without an entry point an image's own program has no arguments. */
static bool check_program(const struct call *call, const json_t *request, GError **error)
{
    if (uses_spark(request))
        return check_spark(call, request, error) && script_check(call, error);
    if (entrypoint_of(request))
        return script_check(call, error);
    return !json_at(request, "AppSpecification.ContainerArguments") ||
           error_set(error, ERROR_VALIDATION,
                     "AppSpecification.ContainerArguments: %s runs its own program, which takes "
                     "none; give a ContainerEntrypoint, too.",
                     json_text_at(request, "AppSpecification.ImageUri"));
}

static gint64 instances_of(const json_t *request)
{
    return json_integer_at(request, "ProcessingResources.ClusterConfig.InstanceCount", 1);
}

static bool check_request(const struct call *call, const json_t *request, GError **error)
{
    const struct runtime_role *role = role_of(call, request, error);
    if (!role || !check_program(call, request, error) || !check_image(call, request, error))
        return false;
    const json_t *inputs = json_object_get(request, "ProcessingInputs");
    const json_t *outputs = json_at(request, "ProcessingOutputConfig.Outputs");
    return (!role->check || role->check(request, error)) && check_inputs(inputs, error) &&
           check_outputs(outputs, error);
}

/* ---- request to plan, end to members ---- */

/* How it finds Spark; NULL: it is none for that. A new reference. */
static json_t *spark_of(const struct call *call, const json_t *request)
{
    const struct lathe *lathe = call->lathe;
    return uses_spark(request)
               ? spark_settings(lathe->settings, lathe->url, call->region, instances_of(request))
               : NULL;
}

static json_t *settings_of(const struct call *call, const json_t *request)
{
    g_autoptr(json_auto) spark = spark_of(call, request);
    g_autoptr(json_auto) submit = json_pack("[s]", SMSPARK_SUBMIT);
    struct script script = {
        .spark = spark,
        .entrypoint = spark && !entrypoint_of(request) ? submit : entrypoint_of(request),
        .image = runs_image(request) ? image_of(request) : NULL,
        .arguments = json_at(request, "AppSpecification.ContainerArguments"),
        .environment = json_object_get(request, "Environment"),
        .volume = json_integer_at(request, "ProcessingResources.ClusterConfig.VolumeSizeInGB", 0),
    };
    return script_settings(call, &script);
}

/* What the program may read of its job: the SDK's load_run asks by the ARN what it belongs to. */
static json_t *config_of(const struct call *call, const json_t *request)
{
    json_t *config = json_copy((json_t *)request);
    const char *name = json_text_at(request, "ProcessingJobName");
    g_autofree char *arn = call_arn(call, processing_job_kind.word, name);
    json_object_set_new(config, "ProcessingJobArn", json_string(arn));
    return config;
}

/* What this home lets be fetched, by whom. */
static json_t *fetch_rules_of(const struct call *call)
{
    json_t *allow = json_array();
    for (char **entry = call->lathe->settings->fetch_allow; *entry; entry++)
        json_array_append_new(allow, json_string(*entry));
    g_autofree char *cache = g_build_filename(call->lathe->home, "cache", "fetch", NULL);
    return json_pack("{so sb ss}", "Allow", allow, "ListedOnly", call->within, "Cache", cache);
}

static struct job_plan *plan(const struct call *call, const json_t *request, GError **error)
{
    const struct runtime_role *role = role_of(call, request, error);
    if (!role)
        return NULL;
    g_autoptr(json_auto) config = config_of(call, request);
    struct layout_processing layout = {
        .program = role->program,
        .image = json_text_at(request, "AppSpecification.ImageUri"),
        .config = config,
        .inputs = json_object_get(request, "ProcessingInputs"),
        .outputs = json_at(request, "ProcessingOutputConfig.Outputs"),
        /* a program for Spark has as many executors */
        .instances = uses_spark(request) ? 1 : instances_of(request),
    };
    struct job_plan *made = layout_processing(&layout, error);
    if (made && (entrypoint_of(request) || runs_image(request) || uses_spark(request)))
        layout_script(made, settings_of(call, request), NULL);
    if (made && role->fetches)
        job_plan_file(made, "config/fetch.json", fetch_rules_of(call));
    return made;
}

static void enter(json_t *body, enum job_phase phase, double at)
{
    if (phase == JOB_RUNS)
        json_object_set_new(body, "ProcessingStartTime", json_real(at));
}

static const char *end(json_t *body, const struct job_end *end, const json_t *metrics)
{
    static const char *const statuses[] = {[JOB_COMPLETED] = "Completed",
                                           [JOB_FAILED] = "Failed",
                                           [JOB_STOPPED] = "Stopped",
                                           [JOB_TIMED_OUT] = "Failed"};
    (void)metrics; /* its shape has no member for them */
    json_object_set_new(body, "ProcessingEndTime", json_real(end->ended));
    if (end->message)
        json_put(body, "ExitMessage", json_string(end->message));
    if (end->how == JOB_TIMED_OUT)
        json_object_set_new(
            body, "FailureReason",
            json_string("ClientError: the processing job ran longer than MaxRuntimeInSeconds"));
    return statuses[end->how];
}

static const struct job_life processing_life = {
    .kind = &processing_job_kind, .plan = plan, .enter = enter, .end = end};

/* ---- operations ---- */

/* AWS ends those that say nothing of it after a day, and tells so. */
static json_t *with_limit(const json_t *request)
{
    json_t *limited = json_copy((json_t *)request);
    if (!json_object_get(limited, "StoppingCondition"))
        json_object_set_new(limited, "StoppingCondition",
                            json_pack("{si}", "MaxRuntimeInSeconds", LONGEST_UNASKED));
    return limited;
}

static bool create_processing_job(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    const char *name = json_text_at(request, "ProcessingJobName");
    g_autoptr(json_auto) limited = with_limit(request);
    return sagemaker_check_free(call, &processing_job_kind, name, error) &&
           check_request(call, request, error) &&
           sagemaker_create_job(call, &processing_life, limited, NULL, reply, error);
}

static bool describe_processing_job(const struct call *call, const json_t *request,
                                    struct reply *reply, GError **error)
{
    return sagemaker_describe_call(call, &processing_job_kind, request, reply, error);
}

static bool list_processing_jobs(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    return sagemaker_list(call, &processing_job_kind, request, reply, error);
}

static bool stop_processing_job(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    (void)reply;
    return sagemaker_stop_job(call, &processing_life, request, error);
}

static bool delete_processing_job(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    (void)reply;
    return sagemaker_delete_job(call, &processing_job_kind, request, error);
}

static bool recover(struct lathe *lathe, GError **error)
{
    return sagemaker_recover_jobs(lathe, &processing_life, error);
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"CreateProcessingJob", create_processing_job, OPERATION_BLOCKING},
    {"DescribeProcessingJob", describe_processing_job, OPERATION_BLOCKING},
    {"ListProcessingJobs", list_processing_jobs, OPERATION_BLOCKING},
    {"StopProcessingJob", stop_processing_job, OPERATION_BLOCKING},
    {"DeleteProcessingJob", delete_processing_job, OPERATION_BLOCKING},
};

const struct kind processing_job_kind = {
    .service = "sagemaker",
    .word = "processing-job",
    .noun = "ProcessingJob",
    KIND_WORDS("ProcessingJob"),
    KIND_JOB("ProcessingJob"),
    .log_group = "/aws/sagemaker/ProcessingJobs",
    .title = "processing jobs",
    .step = "Processing",
    .step_metadata = "ProcessingJob",
    .step_is_cached = true,
    .missing_code = ERROR_VALIDATION,
    .missing = "Could not find requested job with name: Requested resource not found.",
    .taken_code = ERROR_IN_USE,
    .taken = "Processing job names must be unique within an AWS account and region, and a "
             "processing job with this name already exists (%s)",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .recover = recover,
};
