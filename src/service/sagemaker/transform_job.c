/* Transform jobs: files through a model, answers to files. What a model's containers are is an
 * endpoint's business too; here they are brought to the job's folder. */
#include <string.h>

#include "base/json_path.h"
#include "base/s3_uri.h"
#include "job/layout.h"
#include "service/sagemaker/job_state.h"
#include "service/script.h"

#define PROGRAM "transform"
enum { USUAL_PAYLOAD = 6, LARGEST_PAYLOADS = 100 /* MB, all that are sent at once */ };

/* ---- what is refused before a job exists ---- */

static bool check_places(const json_t *request, GError **error)
{
    static const char *const places[] = {"TransformInput.DataSource.S3DataSource.S3Uri",
                                         "TransformOutput.S3OutputPath",
                                         "DataCaptureConfig.DestinationS3Uri"};
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        const char *uri = json_text_at(request, places[i]);
        if (uri && !s3_uri_is(uri))
            return error_set(error, ERROR_VALIDATION, "%s: %s does not begin with s3://.",
                             places[i], uri);
    }
    return true;
}

static bool check_sizes(const json_t *request, GError **error)
{
    gint64 payload = json_integer_at(request, "MaxPayloadInMB", USUAL_PAYLOAD);
    gint64 at_once = json_integer_at(request, "MaxConcurrentTransforms", 1);
    bool fits = payload <= LARGEST_PAYLOADS && at_once <= LARGEST_PAYLOADS &&
                payload * MAX(at_once, 1) <= LARGEST_PAYLOADS;
    return fits ||
           error_set(error, ERROR_VALIDATION,
                     "MaxPayloadInMB %" G_GINT64_FORMAT
                     " times MaxConcurrentTransforms %" G_GINT64_FORMAT " is more than %d MB.",
                     payload, MAX(at_once, 1), LARGEST_PAYLOADS);
}

static const char *word_at(const json_t *request, const char *path, const char *missing)
{
    const char *word = json_text_at(request, path);
    return word && *word ? word : missing;
}

static bool check_path(const json_t *request, const char *member, bool csv, bool *filters,
                       GError **error)
{
    struct json_path *path = json_path_parse(word_at(request, member, "$"), error);
    guint steps = path ? path->steps->len : 0;
    bool right = path != NULL;
    if (right && csv && steps > 1)
        right = error_set(error, ERROR_VALIDATION,
                          "%s %s: a row of CSV is an array of its fields, which has no members and "
                          "no arrays in it.",
                          member, path->text);
    *filters |= steps > 0;
    json_path_free(path);
    return right;
}

static bool is_csv(const char *type)
{
    return g_ascii_strncasecmp(type, "text/csv", strlen("text/csv")) == 0;
}

static bool is_json(const char *type)
{
    return g_ascii_strncasecmp(type, "application/json", strlen("application/json")) == 0;
}

/* Both sides of a join are written alike. */
static bool check_join(const json_t *request, const char *type, GError **error)
{
    const char *accept = word_at(request, "TransformOutput.Accept", type);
    const char *split = word_at(request, "TransformInput.SplitType", "None");
    const char *assembly = word_at(request, "TransformOutput.AssembleWith", "None");
    if (is_csv(type) != is_csv(accept) || is_json(type) != is_json(accept))
        return error_set(error, ERROR_VALIDATION,
                         "With JoinSource Input the ContentType (%s) and Accept (%s) have to be "
                         "the same.",
                         type, accept);
    return strcmp(split, assembly) == 0 ||
           error_set(error, ERROR_VALIDATION,
                     "With JoinSource Input SplitType (%s) and AssembleWith (%s) have to be the "
                     "same.",
                     split, assembly);
}

/* Records are looked into where they are CSV or JSON. */
static bool check_processing(const json_t *request, GError **error)
{
    const char *type = word_at(request, "TransformInput.ContentType", "none");
    const char *split = word_at(request, "TransformInput.SplitType", "None");
    bool joins = strcmp(word_at(request, "DataProcessing.JoinSource", "None"), "Input") == 0;
    bool filters = json_true_at(request, "DataCaptureConfig.GenerateInferenceId"),
         csv = is_csv(type);
    if (!check_path(request, "DataProcessing.InputFilter", csv, &filters, error) ||
        !check_path(request, "DataProcessing.OutputFilter", csv, &filters, error))
        return false;
    if (!joins && !filters)
        return true;
    if ((!csv && !is_json(type)) || g_str_has_suffix(split, "Record") || *split == 'R')
        return error_set(error, ERROR_VALIDATION,
                         "DataProcessing needs records of text/csv, application/json or "
                         "application/jsonlines, and SplitType Line or None; TransformInput has "
                         "the ContentType %s and SplitType %s.",
                         type, split);
    return !joins || check_join(request, type, error);
}

static bool check_request(const json_t *request, GError **error)
{
    return check_places(request, error) && check_sizes(request, error) &&
           check_processing(request, error);
}

/* ---- the model ---- */

/* What AWS sets for containers in batches, and what the request does. */
static json_t *batch_environment(const json_t *request)
{
    bool single = strcmp(word_at(request, "BatchStrategy", "MultiRecord"), "SingleRecord") == 0;
    gint64 payload = json_integer_at(request, "MaxPayloadInMB", USUAL_PAYLOAD);
    gint64 at_once = json_integer_at(request, "MaxConcurrentTransforms", 0);
    at_once = at_once ? at_once : g_get_num_processors();
    json_t *environment =
        json_pack("{sssssoso}", "SAGEMAKER_BATCH", "true", "SAGEMAKER_BATCH_STRATEGY",
                  single ? "SINGLE_RECORD" : "MULTI_RECORD", "SAGEMAKER_MAX_PAYLOAD_IN_MB",
                  json_sprintf("%d", (int)payload), "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",
                  json_sprintf("%d", (int)at_once));
    json_object_update(environment, json_object_get(request, "Environment"));
    return environment;
}

/* As it was when the job was created: a job goes on where its model is deleted. */
static json_t *containers_of(const struct call *call, const json_t *request, GError **error)
{
    const char *name = json_text_at(request, "ModelName");
    g_autoptr(resource_auto) model = sagemaker_get(call, &model_kind, name, error);
    g_autoptr(json_auto) given = model ? model_containers(call->lathe, model->body, error) : NULL;
    g_autoptr(json_auto) containers = given ? json_deep_copy(given) : NULL;
    g_autoptr(json_auto) batch = batch_environment(request);
    size_t i;
    json_t *container;
    json_array_foreach(containers, i, container)
    {
        if (g_strcmp0(json_text_at(container, "Mode"), "MultiModel") == 0) {
            error_set(error, ERROR_VALIDATION,
                      "The model %s has a container in Mode MultiModel, which batch transforms do "
                      "not support: nothing says which of its models is to answer.",
                      name);
            return NULL;
        }
        json_t *environment = json_object();
        json_object_update(environment, json_object_get(container, "Environment"));
        json_object_update(environment, batch);
        json_object_set_new(container, "Environment", environment);
    }
    return g_steal_pointer(&containers);
}

/* The objects that containers name: an artifact, and a script's source. */
static json_t *objects_of(const json_t *containers)
{
    static const char *const members[] = {"ModelDataUrl", "Environment.SAGEMAKER_SUBMIT_DIRECTORY"};
    g_autoptr(json_auto) seen = json_object();
    json_t *objects = json_array();
    size_t i;
    const json_t *container;
    json_array_foreach((json_t *)containers, i, container)
    {
        for (size_t m = 0; m < G_N_ELEMENTS(members); m++) {
            const char *uri = json_text_at(container, members[m]);
            if (!s3_uri_is(uri) || json_object_get(seen, uri))
                continue;
            json_object_set_new(seen, uri, json_true());
            json_array_append_new(objects, json_string(uri));
        }
    }
    return objects;
}

/* ---- request to plan, end to members ---- */

static struct job_plan *plan(const struct call *call, const json_t *request, GError **error)
{
    g_autoptr(json_auto) containers = containers_of(call, request, error);
    if (!containers)
        return NULL;
    g_autoptr(json_auto) config = json_copy((json_t *)request);
    g_autoptr(json_auto) objects = objects_of(containers);
    json_object_del(config, "Tags");
    json_object_set(config, "Containers", containers);
    json_object_set_new(config, "Sandbox", script_sandbox(call->lathe, call->region));
    return layout_transform(&(struct layout_transform){PROGRAM, config, objects});
}

static void enter(json_t *body, enum job_phase phase, double at)
{
    if (phase == JOB_RUNS)
        json_object_set_new(body, "TransformStartTime", json_real(at));
}

static const char *end(json_t *body, const struct job_end *end, const json_t *metrics)
{
    static const char *const statuses[] = {[JOB_COMPLETED] = "Completed",
                                           [JOB_FAILED] = "Failed",
                                           [JOB_STOPPED] = "Stopped",
                                           [JOB_TIMED_OUT] = "Failed"};
    (void)metrics; /* its shape has no member for them */
    json_object_set_new(body, "TransformEndTime", json_real(end->ended));
    return statuses[end->how];
}

static const struct job_life transform_life = {
    .kind = &transform_job_kind, .plan = plan, .enter = enter, .end = end};

/* ---- operations ---- */

/* What AWS tells whether it was asked for or not. */
static json_t *first_body(const json_t *request)
{
    json_t *body = json_deep_copy(request);
    g_autoptr(json_auto) usual =
        json_pack("{s{ssss}s{ssss}s{ssssss}}", "TransformInput", "CompressionType", "None",
                  "SplitType", "None", "TransformOutput", "AssembleWith", "None", "KmsKeyId", "",
                  "DataProcessing", "InputFilter", "$", "OutputFilter", "$", "JoinSource", "None");
    const char *member;
    json_t *defaults;
    json_object_foreach(usual, member, defaults)
    {
        if (!json_object_get(body, member))
            json_object_set_new(body, member, json_object());
        json_object_update_missing(json_object_get(body, member), defaults);
    }
    return body;
}

static bool create_transform_job(const struct call *call, const json_t *request,
                                 struct reply *reply, GError **error)
{
    const char *name = json_text_at(request, "TransformJobName");
    return sagemaker_check_free(call, &transform_job_kind, name, error) &&
           check_request(request, error) &&
           sagemaker_create_job(call, &transform_life, request, first_body(request), reply, error);
}

static bool describe_transform_job(const struct call *call, const json_t *request,
                                   struct reply *reply, GError **error)
{
    return sagemaker_describe_call(call, &transform_job_kind, request, reply, error);
}

static bool list_transform_jobs(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    return sagemaker_list(call, &transform_job_kind, request, reply, error);
}

static bool stop_transform_job(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    (void)reply;
    return sagemaker_stop_job(call, &transform_life, request, error);
}

static bool recover(struct lathe *lathe, GError **error)
{
    return sagemaker_recover_jobs(lathe, &transform_life, error);
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"CreateTransformJob", create_transform_job, OPERATION_BLOCKING},
    {"DescribeTransformJob", describe_transform_job, OPERATION_BLOCKING},
    {"ListTransformJobs", list_transform_jobs, OPERATION_BLOCKING},
    {"StopTransformJob", stop_transform_job, OPERATION_BLOCKING},
};

const struct kind transform_job_kind = {
    .service = "sagemaker",
    .word = "transform-job",
    .noun = "TransformJob",
    KIND_WORDS("TransformJob"),
    KIND_JOB("TransformJob"),
    .log_group = "/aws/sagemaker/TransformJobs",
    .title = "transform jobs",
    .step = "Transform",
    .step_metadata = "TransformJob",
    .step_is_cached = true,
    .missing_code = ERROR_VALIDATION,
    .missing = "Requested resource not found.",
    .taken_code = ERROR_IN_USE,
    .taken = "Transform job names must be unique within an AWS account and region, and a transform "
             "job with this name already exists (%s)",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .recover = recover,
};
