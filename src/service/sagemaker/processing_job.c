/* Processing jobs: inputs to local paths, a program, local paths to outputs. The child finds what
 * it was asked in config/processingjobconfig.json, as SageMaker's containers do. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "job/job.h"
#include "job/stage.h"
#include "lake/lake.h"
#include "runtime/runtime.h"
#include "service/sagemaker/data_place.h"
#include "service/sagemaker/job_state.h"

#define ROOT "/opt/ml/"

struct processing {
    struct lathe *lathe;
    char *name;
    json_t *request;
    double started;
};

/* --- what is refused before a job exists -------------------------------------------------------
 */

/* A LocalPath as it is below the job's folder, without ".", ".." and needless slashes; NULL where
 * it is not below /opt/ml/processing. g_free. */
static char *path_below_root(const char *local_path)
{
    g_autofree char *path = local_path ? g_canonicalize_filename(local_path, "/") : NULL;
    return path && g_str_has_prefix(path, ROOT "processing/") ? g_strdup(path + strlen(ROOT))
                                                              : NULL;
}

static bool check_local_path(const char *what, const char *path, GError **error)
{
    g_autofree char *below = path_below_root(path);
    if (below)
        return true;
    return error_set(error, ERROR_VALIDATION,
                     "%s: the LocalPath %s is not a path below /opt/ml/processing.", what,
                     path ? path : "(none)");
}

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
        if (!uri || !g_str_has_prefix(uri, "s3://"))
            return error_set(
                error, ERROR_VALIDATION,
                "Input %s needs an S3Input with an S3Uri that begins with s3://; other "
                "sources are not supported.",
                name);
        if (g_strcmp0(json_text_at(source, "S3InputMode"), "Pipe") == 0)
            return error_set(error, ERROR_VALIDATION,
                             "Input %s: S3InputMode Pipe is not supported; use File.", name);
        if (!check_local_path(name, json_text_at(source, "LocalPath"), error))
            return false;
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
        if (!uri || !g_str_has_prefix(uri, "s3://"))
            return error_set(error, ERROR_VALIDATION,
                             "Output %s needs an S3Output with an S3Uri that begins with s3://.",
                             name);
        if (g_strcmp0(json_text_at(target, "S3UploadMode"), "Continuous") == 0)
            return error_set(error, ERROR_VALIDATION,
                             "Output %s: S3UploadMode Continuous is not supported; use EndOfJob.",
                             name);
        if (!check_local_path(name, json_text_at(target, "LocalPath"), error))
            return false;
    }
    return check_names(outputs, "OutputName", error);
}

static bool is_or_is_below(const char *path, const char *above)
{
    size_t length = strlen(above);
    return strncmp(path, above, length) == 0 && (!path[length] || path[length] == '/');
}

static bool check_apart(const json_t *entry, const char *place, const json_t *output,
                        GError **error)
{
    static const char *const names[] = {"InputName", "OutputName"};
    const char *path = json_text_at(entry, place);
    const char *output_path = json_text_at(output, "S3Output.LocalPath");
    g_autofree char *one = path_below_root(path);
    g_autofree char *other = path_below_root(output_path);
    if (!is_or_is_below(one, other) && !is_or_is_below(other, one))
        return true;
    bool is_output = json_text_at(entry, names[1]) != NULL;
    return error_set(
        error, ERROR_VALIDATION,
        "%s %s and output %s overlap: the LocalPath of one, %s, is or is below that of "
        "the other, %s.",
        is_output ? "Output" : "Input", json_text_at(entry, names[is_output]),
        json_text_at(output, names[1]), path, output_path);
}

/* What a job writes lies apart from what it reads, and each output from the others. */
static bool check_overlaps(const json_t *inputs, const json_t *outputs, GError **error)
{
    for (size_t o = 0; o < json_array_size(outputs); o++) {
        const json_t *output = json_array_get(outputs, o);
        for (size_t i = 0; i < json_array_size(inputs); i++)
            if (!check_apart(json_array_get(inputs, i), "S3Input.LocalPath", output, error))
                return false;
        for (size_t i = 0; i < o; i++)
            if (!check_apart(json_array_get(outputs, i), "S3Output.LocalPath", output, error))
                return false;
    }
    return true;
}

static bool check_request(const json_t *request, GError **error)
{
    const char *image = json_text_at(request, "AppSpecification.ImageUri");
    const struct runtime *runtime = runtime_find(image, error);
    if (!runtime)
        return false;
    if (!runtime->processes)
        return error_set(error, ERROR_VALIDATION, "The image %s does not run processing jobs.",
                         image);
    if (json_integer_at(request, "ProcessingResources.ClusterConfig.InstanceCount", 1) > 1)
        return error_set(
            error, ERROR_VALIDATION,
            "ProcessingResources: lathe runs on one instance; InstanceCount must be 1.");
    const json_t *inputs = json_object_get(request, "ProcessingInputs");
    const json_t *outputs = json_at(request, "ProcessingOutputConfig.Outputs");
    return (!runtime->processes->check || runtime->processes->check(request, error)) &&
           check_inputs(inputs, error) && check_outputs(outputs, error) &&
           check_overlaps(inputs, outputs, error);
}

/* --- the job -------------------------------------------------------------------------------------
 */

static char *in_folder(const struct job *job, const char *local_path)
{
    g_autofree char *below = path_below_root(local_path);
    return g_build_filename(job_folder(job), below, NULL);
}

static bool stage_inputs(const struct processing *processing, const struct job *job, GError **error)
{
    size_t i;
    const json_t *input;
    json_array_foreach(json_object_get(processing->request, "ProcessingInputs"), i, input)
    {
        const json_t *source = json_object_get(input, "S3Input");
        g_autofree char *folder = in_folder(job, json_text_at(source, "LocalPath"));
        if (!stage_in(processing->lathe->lake, source, folder, error)) {
            g_prefix_error(error, "ClientError: Data download failed for input %s: ",
                           json_text_at(input, "InputName"));
            return false;
        }
    }
    return true;
}

static bool check_buckets(const struct processing *processing, GError **error)
{
    size_t i;
    const json_t *output;
    json_array_foreach(json_at(processing->request, "ProcessingOutputConfig.Outputs"), i, output)
    {
        g_autofree char *name = g_strdup_printf("output %s", json_text_at(output, "OutputName"));
        const char *uri = json_text_at(output, "S3Output.S3Uri");
        if (!data_place_check_output(processing->lathe, name, uri, error))
            return false;
    }
    return true;
}

static bool make_output_folders(const struct processing *processing, const struct job *job,
                                GError **error)
{
    size_t i;
    const json_t *output;
    json_array_foreach(json_at(processing->request, "ProcessingOutputConfig.Outputs"), i, output)
    {
        g_autofree char *folder = in_folder(job, json_text_at(output, "S3Output.LocalPath"));
        if (!file_make_folders(folder, error))
            return false;
    }
    return true;
}

/* The request's Environment is in it, as data: see training.c. */
static bool write_config(const struct processing *processing, const struct job *job, GError **error)
{
    g_autofree char *config = g_build_filename(job_folder(job), "config", NULL);
    g_autofree char *output = g_build_filename(job_folder(job), "output", NULL);
    g_autofree char *path = g_build_filename(config, "processingjobconfig.json", NULL);
    g_autofree char *text = json_text_of(processing->request);
    return file_make_folders(config, error) && file_make_folders(output, error) &&
           g_file_set_contents(path, text, -1, error);
}

static bool set_started(struct resource *resource, void *data, GError **error)
{
    (void)error;
    json_object_set_new(resource->body, "ProcessingStartTime", json_real(*(double *)data));
    return true;
}

static bool prepare(struct job *job, void *data, GError **error)
{
    struct processing *processing = data;
    processing->started = clock_now();
    const char *image = json_text_at(processing->request, "AppSpecification.ImageUri");
    const struct runtime *runtime = runtime_find(image, error);
    if (!runtime || !check_buckets(processing, error) || !write_config(processing, job, error) ||
        !stage_inputs(processing, job, error) || !make_output_folders(processing, job, error) ||
        !resource_update_ordered(processing->lathe->store, processing_job_kind.word,
                                 processing->name, set_started, &processing->started, error))
        return false;
    job_execute(job, runtime->processes->program, NULL);
    return true;
}

static bool add_outputs(const struct processing *processing, const struct job *job,
                        struct lake_batch *batch, GError **error)
{
    size_t i;
    const json_t *output;
    json_array_foreach(json_at(processing->request, "ProcessingOutputConfig.Outputs"), i, output)
    {
        const json_t *target = json_object_get(output, "S3Output");
        g_autofree char *folder = in_folder(job, json_text_at(target, "LocalPath"));
        if (!stage_out(batch, folder, json_text_at(target, "S3Uri"), error)) {
            g_prefix_error(error, "output %s: ", json_text_at(output, "OutputName"));
            return false;
        }
    }
    return true;
}

/* A job's last words: a report, or a completion with something to say (output/message). */
static void read_exit_message(const struct job *job, json_t *members)
{
    g_autofree char *path = g_build_filename(job_folder(job), "output", "message", NULL);
    g_autofree char *text = NULL;
    if (g_file_get_contents(path, &text, NULL, NULL))
        json_put(members, "ExitMessage", json_string(g_strstrip(text)));
}

struct ending {
    const char *status;
    const json_t *members;
};

static bool end_job(struct resource *resource, void *data, GError **error)
{
    (void)error;
    const struct ending *ending = data;
    sagemaker_set_status(resource, ending->status);
    json_object_update(resource->body, (json_t *)ending->members);
    return true;
}

/* The status that a job's end means; with a reason (g_free) where it failed. */
static const char *status_of(const struct job_end *end, char **reason)
{
    switch (end->how) {
    case JOB_STOPPED:
        return "Stopped";
    case JOB_TIMED_OUT:
        *reason = g_strdup("ClientError: the processing job ran longer than MaxRuntimeInSeconds");
        break;
    case JOB_ABANDONED:
        *reason = g_strdup(JOB_ABANDONED_REASON);
        break;
    case JOB_NOT_STARTED:
        *reason = g_strdup(end->reason);
        break;
    case JOB_EXITED:
        if (end->exit_status == 0)
            return "Completed";
        *reason =
            g_strdup_printf("AlgorithmError: %s, exit code: %d", end->reason, end->exit_status);
        break;
    }
    return "Failed";
}

/* The end in one change with the batch's objects; a reason that is given makes it a failure. */
static bool write_end(const struct processing *processing, struct job *job,
                      const struct job_end *end, const char *status, const char *reason,
                      struct lake_batch *batch, GError **error)
{
    g_autoptr(json_auto) members = json_pack("{sf}", "ProcessingEndTime", end->ended);
    struct ending ending = {reason ? "Failed" : status, members};
    if (reason) {
        if (!end->again)
            job_log(job, "%s", reason);
        json_put(members, "FailureReason", json_string(reason));
        if (end->how == JOB_ABANDONED)
            json_put(members, KIND_CUT_OFF, json_true());
    }
    read_exit_message(job, members);
    struct job_ending whole = {processing->lathe, &processing_job_kind, processing->name, end_job,
                               &ending};
    return sagemaker_end_job(&whole, batch, error);
}

static bool finish(struct job *job, const struct job_end *end, void *data, GError **error)
{
    const struct processing *processing = data;
    g_autofree char *reason = NULL;
    const char *status = status_of(end, &reason);
    g_autoptr(lake_batch_auto) outputs = lake_batch_new(processing->lathe->lake);
    g_autoptr(lake_batch_auto) none = lake_batch_new(processing->lathe->lake);
    if (reason || end->how != JOB_EXITED)
        return write_end(processing, job, end, status, reason, none, error);
    GError *cause = NULL;
    if (add_outputs(processing, job, outputs, &cause) &&
        write_end(processing, job, end, status, NULL, outputs, &cause))
        return true;
    if (sagemaker_end_may_wait(cause)) {
        g_propagate_error(error, cause);
        return false;
    }
    reason =
        g_strdup_printf("InternalServerError: the outputs could not be stored: %s", cause->message);
    g_error_free(cause);
    return write_end(processing, job, end, status, reason, none, error);
}

static void processing_free(void *data)
{
    struct processing *processing = data;
    g_free(processing->name);
    json_decref(processing->request);
    g_free(processing);
}

static const struct job_actor actor = {prepare, NULL, finish, processing_free};

static void submit(struct lathe *lathe, const char *name, const json_t *request)
{
    struct processing *processing = g_new0(struct processing, 1);
    processing->lathe = lathe;
    processing->name = g_strdup(name);
    processing->request = json_deep_copy(request);
    sagemaker_submit_job(lathe, &processing_job_kind, name, request, &actor, processing);
}

/* --- operations ----------------------------------------------------------------------------------
 */

bool create_processing_job(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    const char *name = json_text_at(request, "ProcessingJobName");
    if (!sagemaker_check_free(call, &processing_job_kind, name, error) ||
        !check_request(request, error) ||
        !sagemaker_create(call, &processing_job_kind, request, "InProgress", NULL, reply, error))
        return false;
    submit(call->lathe, name, request);
    return true;
}

bool describe_processing_job(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    return sagemaker_describe_call(call, &processing_job_kind, request, reply, error);
}

bool list_processing_jobs(const struct call *call, const json_t *request, struct reply *reply,
                          GError **error)
{
    return sagemaker_list(call, &processing_job_kind, request, reply, error);
}

bool stop_processing_job(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    (void)reply;
    return sagemaker_stop_job(call, &processing_job_kind, request, NULL, error);
}

bool delete_processing_job(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    (void)reply;
    return sagemaker_delete_job(call, &processing_job_kind, request, error);
}

static bool fail_cut_off(struct lathe *lathe, const struct resource *job, GError **error)
{
    g_autoptr(json_auto) members = json_pack("{sssfsb}", "FailureReason", JOB_CUT_OFF,
                                             "ProcessingEndTime", clock_now(), KIND_CUT_OFF, 1);
    struct ending ending = {"Failed", members};
    return resource_update(lathe->store, job->kind, job->name, end_job, &ending, NULL, error);
}

bool processing_jobs_recover(struct lathe *lathe, GError **error)
{
    return sagemaker_each_unfinished(lathe, &processing_job_kind, fail_cut_off, error);
}
