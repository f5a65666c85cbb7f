#include "service/sagemaker/training.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "job/job.h"
#include "job/stage.h"
#include "lake/lake.h"
#include "runtime/runtime.h"
#include "service/sagemaker/data_place.h"
#include "service/sagemaker/job_state.h"
#include "store/metric.h"

#define CHECKPOINT_SECONDS 5

/* A job while it is on its way. */
struct training {
    struct lathe *lathe;
    char *name;
    json_t *request;
    json_t *metrics;         /* name -> FinalMetricDataList's entry, in order of appearance */
    GHashTable *checkpoints; /* names of those that are in the lake */
    double checkpointed;     /* when they were last looked at */
    double started;
    bool uploading;
};

/* --- statuses ----------------------------------------------------------------------------------
 */

void training_enter(json_t *body, const char *secondary, const char *message)
{
    double now = clock_now();
    json_t *transitions = json_object_get(body, "SecondaryStatusTransitions");
    json_t *last = json_array_get(transitions, json_array_size(transitions) - 1);
    if (last && !json_object_get(last, "EndTime"))
        json_object_set_new(last, "EndTime", json_real(now));
    json_array_append_new(transitions, json_pack("{sssssf}", "Status", secondary, "StatusMessage",
                                                 message, "StartTime", now));
    json_object_set_new(body, "SecondaryStatus", json_string(secondary));
}

struct step {
    const char *status; /* NULL: as it is */
    const char *secondary, *message;
    json_t *members; /* to set beside them, or NULL */
};

static bool take_step(struct resource *resource, void *data, GError **error)
{
    (void)error;
    const struct step *step = data;
    if (step->status)
        sagemaker_set_status(resource, step->status);
    training_enter(resource->body, step->secondary, step->message);
    if (step->members)
        json_object_update(resource->body, step->members);
    return true;
}

/* A step that cannot be written (a full disk) is told in the job's log; the next one may be. Only
 * the last has to be on the disk: a job that was cut off has failed wherever it was. */
static void move_to(const struct training *training, struct job *job, const struct step *step)
{
    struct store *store = training->lathe->store;
    const char *kind = training_job_kind.word;
    g_autoptr(GError) error = NULL;
    bool moved =
        step->status
            ? resource_update(store, kind, training->name, take_step, (void *)step, NULL, &error)
            : resource_update_ordered(store, kind, training->name, take_step, (void *)step, &error);
    if (!moved && job)
        job_log(job, "The status %s could not be recorded: %s", step->secondary, error->message);
}

/* --- before the child ----------------------------------------------------------------------------
 */

static bool write_config(const char *folder, const char *name, const json_t *value, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = json_text_of(value);
    return g_file_set_contents(path, text, -1, error);
}

/* The files of input/config, as SageMaker's containers find them, and environment.json. A container
 * has the request's Environment as its own; our programs do not, since the loader and libraries
 * obey variables (LD_PRELOAD) and a job is its user's, not the server's: they may read it by name.
 */
static bool write_configs(const json_t *request, const char *job_folder_path, GError **error)
{
    g_autofree char *folder = g_build_filename(job_folder_path, "input", "config", NULL);
    g_autoptr(json_auto) none = json_object();
    g_autoptr(json_auto) channels = json_object();
    const char *mode = json_text_at(request, "AlgorithmSpecification.TrainingInputMode");
    size_t i;
    const json_t *channel;
    json_array_foreach(json_object_get(request, "InputDataConfig"), i, channel)
    {
        static const char *const members[] = {"ContentType", "CompressionType", "RecordWrapperType",
                                              NULL};
        const char *own = json_text_at(channel, "InputMode");
        json_t *entry = json_pack("{ssss}", "TrainingInputMode", own ? own : mode,
                                  "S3DistributionType", "FullyReplicated");
        json_copy_members(entry, channel, members);
        json_object_set_new(channels, json_text_at(channel, "ChannelName"), entry);
    }
    g_autoptr(json_auto) resources = json_pack("{sss[s]ss}", "current_host", "algo-1", "hosts",
                                               "algo-1", "network_interface_name", "lo");
    json_t *hyperparameters = json_object_get(request, "HyperParameters");
    json_t *environment = json_object_get(request, "Environment");
    return file_make_folders(folder, error) &&
           write_config(folder, "hyperparameters.json", hyperparameters ? hyperparameters : none,
                        error) &&
           write_config(folder, "inputdataconfig.json", channels, error) &&
           write_config(folder, "resourceconfig.json", resources, error) &&
           write_config(folder, "environment.json", environment ? environment : none, error);
}

static bool stage_channels(struct training *training, const char *folder, GError **error)
{
    size_t i;
    const json_t *channel;
    json_array_foreach(json_object_get(training->request, "InputDataConfig"), i, channel)
    {
        const char *name = json_text_at(channel, "ChannelName");
        g_autofree char *below = g_build_filename(folder, "input", "data", name, NULL);
        if (!stage_in(training->lathe->lake, json_at(channel, "DataSource.S3DataSource"), below,
                      error)) {
            g_prefix_error(error, "ClientError: Data download failed for channel %s: ", name);
            return false;
        }
    }
    return true;
}

/* The checkpoints of an earlier job of the same CheckpointConfig: training resumes from them. */
static bool stage_checkpoints(struct training *training, const char *folder, GError **error)
{
    const char *uri = json_text_at(training->request, "CheckpointConfig.S3Uri");
    if (!uri) /* without the folder the child keeps none */
        return true;
    g_autofree char *below = g_build_filename(folder, "checkpoints", NULL);
    if (!file_make_folders(below, error))
        return false;
    g_autofree char *bucket = NULL;
    g_autofree char *prefix = NULL;
    if (!lake_parse_uri(uri, &bucket, &prefix, error))
        return false;
    g_autoptr(GPtrArray) present = lake_list(training->lathe->lake, bucket, prefix, error);
    if (!present || !present->len)
        return present != NULL;
    g_autofree char *slashed = g_strconcat(uri, g_str_has_suffix(uri, "/") ? "" : "/", NULL);
    g_autoptr(json_auto) source = json_pack("{ss}", "S3Uri", slashed);
    return stage_in(training->lathe->lake, source, below, error);
}

static bool make_folders(const char *folder, GError **error)
{
    static const char *const needed[] = {"model", "output/data"};
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++) {
        g_autofree char *path = g_build_filename(folder, needed[i], NULL);
        if (!file_make_folders(path, error))
            return false;
    }
    return true;
}

static bool check_buckets(const struct training *training, GError **error)
{
    static const char *const outputs[] = {"OutputDataConfig.S3OutputPath",
                                          "CheckpointConfig.S3Uri"};
    for (size_t i = 0; i < G_N_ELEMENTS(outputs); i++) {
        const char *uri = json_text_at(training->request, outputs[i]);
        if (uri && !data_place_check_output(training->lathe, outputs[i], uri, error))
            return false;
    }
    return true;
}

static bool prepare(struct job *job, void *data, GError **error)
{
    struct training *training = data;
    const char *folder = job_folder(job);
    training->started = clock_now();
    move_to(training, job, &(struct step){NULL, "Downloading", "Downloading input data", NULL});
    const char *image = json_text_at(training->request, "AlgorithmSpecification.TrainingImage");
    const struct runtime *runtime = runtime_find(image, error);
    if (!runtime || !check_buckets(training, error) || !make_folders(folder, error) ||
        !write_configs(training->request, folder, error) ||
        !stage_channels(training, folder, error) || !stage_checkpoints(training, folder, error))
        return false;
    g_autoptr(json_auto) members = json_pack("{sf}", "TrainingStartTime", training->started);
    move_to(training, job, &(struct step){NULL, "Training", "Training in progress", members});
    char *setting = g_strdup_printf("LATHE_IMAGE=%s", image);
    job_execute(job, runtime->trains->program, setting);
    return true;
}

/* --- while it trains ----------------------------------------------------------------------------
 */

static bool put_checkpoint(struct training *training, const char *path, const char *name,
                           GError **error)
{
    const char *uri = json_text_at(training->request, "CheckpointConfig.S3Uri");
    g_autofree char *bucket = NULL;
    g_autofree char *prefix = NULL;
    if (!lake_parse_uri(uri, &bucket, &prefix, error))
        return false;
    bool slash = !*prefix || g_str_has_suffix(prefix, "/");
    g_autofree char *key = g_strconcat(prefix, slash ? "" : "/", name, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set_errno(error, errno, "opening the checkpoint %s", path);
    g_autoptr(stream_auto) bytes = stream_from_file(fd, 0, status.st_size);
    return lake_put(training->lathe->lake, bucket, key, bytes, NULL, error);
}

/* Puts the checkpoints that are new into the lake. XGBoost's are written aside and renamed, so what
 * has a name without a leading dot is whole. */
static void put_checkpoints(struct training *training, struct job *job)
{
    if (!json_text_at(training->request, "CheckpointConfig.S3Uri"))
        return;
    training->checkpointed = clock_monotonic();
    g_autofree char *folder = g_build_filename(job_folder(job), "checkpoints", NULL);
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *entry;
    while (entries && (entry = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(folder, entry, NULL);
        g_autoptr(GError) error = NULL;
        if (*entry == '.' || g_hash_table_contains(training->checkpoints, entry))
            continue;
        if (put_checkpoint(training, path, entry, &error))
            g_hash_table_add(training->checkpoints, g_strdup(entry));
        else
            job_log(job, "The checkpoint %s could not be stored: %s", entry, error->message);
    }
}

/* A metric's last value becomes final; all of them go to CloudWatch, where the SDK plots them from.
 */
static void take_metric(struct training *training, const char *name, double value, double time)
{
    json_object_set_new(
        training->metrics, name,
        json_pack("{sssfsf}", "MetricName", name, "Value", value, "Timestamp", time));
    g_autoptr(json_auto) dimensions =
        json_pack("[{ssss}]", "Name", "TrainingJobName", "Value", training->name);
    struct metric_datum datum = {
        training_job_kind.log_group, name, dimensions, time, NULL, value, value, value, 1};
    metric_put(training->lathe->store, &datum);
}

static void report(struct job *job, const json_t *line, void *data)
{
    struct training *training = data;
    const char *metric = json_text_at(line, "metric");
    if (metric)
        take_metric(training, metric, json_number_at(line, "value", 0),
                    json_number_at(line, "time", clock_now()));
    if (clock_monotonic() - training->checkpointed > CHECKPOINT_SECONDS)
        put_checkpoints(training, job);
}

/* --- after the child -----------------------------------------------------------------------------
 */

static bool has_files(const char *folder)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    return entries && g_dir_read_name(entries);
}

char *training_output_prefix(const json_t *request, const char *name)
{
    const char *path = json_text_at(request, "OutputDataConfig.S3OutputPath");
    const char *slash = g_str_has_suffix(path, "/") ? "" : "/";
    return g_strconcat(path, slash, name, "/output/", NULL);
}

/* Adds model/ and output/data/ as archives, where there is anything in them. */
static bool add_results(const struct training *training, const struct job *job,
                        struct lake_batch *batch, GError **error)
{
    static const char *const folders[][2] = {{"output/data", "output.tar.gz"},
                                             {"model", "model.tar.gz"}};
    g_autofree char *prefix = training_output_prefix(training->request, training->name);
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_build_filename(job_folder(job), folders[i][0], NULL);
        g_autofree char *uri = g_strconcat(prefix, folders[i][1], NULL);
        if (has_files(folder) && !stage_out_archive(batch, folder, uri, error))
            return false;
    }
    return true;
}

static json_t *final_members(const struct training *training, const struct job_end *end)
{
    json_t *members = json_pack("{sf}", "TrainingEndTime", end->ended);
    if (training->started > 0) {
        /* Whole seconds, as AWS counts them, and at least one: clients divide by it. */
        json_int_t seconds = (json_int_t)(end->ended - training->started + 0.999);
        json_object_set_new(members, "TrainingTimeInSeconds", json_integer(MAX(seconds, 1)));
        json_object_set_new(members, "BillableTimeInSeconds", json_integer(MAX(seconds, 1)));
    }
    json_t *metrics = json_array();
    const char *name;
    json_t *metric;
    json_object_foreach(training->metrics, name, metric) json_array_append(metrics, metric);
    if (json_array_size(metrics))
        json_object_set(members, "FinalMetricDataList", metrics);
    json_decref(metrics);
    return members;
}

/* The step that a job's end means, less what putting its results may change. reason: g_free. */
static struct step last_step(const struct job_end *end, char **reason)
{
    switch (end->how) {
    case JOB_STOPPED:
        return (struct step){"Stopped", "Stopped", "Training job stopped", NULL};
    case JOB_TIMED_OUT:
        return (struct step){"Stopped", "MaxRuntimeExceeded",
                             "The training job ran longer than MaxRuntimeInSeconds", NULL};
    case JOB_ABANDONED:
        *reason = g_strdup(JOB_ABANDONED_REASON);
        break;
    case JOB_NOT_STARTED:
        *reason = g_strdup(end->reason);
        break;
    case JOB_EXITED:
        if (end->exit_status == 0)
            return (struct step){"Completed", "Completed", "Training job completed", NULL};
        *reason =
            g_strdup_printf("AlgorithmError: %s, exit code: %d", end->reason, end->exit_status);
        break;
    }
    return (struct step){"Failed", "Failed", *reason, NULL};
}

static void training_free(void *data)
{
    struct training *training = data;
    g_free(training->name);
    json_decref(training->request);
    json_decref(training->metrics);
    g_hash_table_unref(training->checkpoints);
    g_free(training);
}

static void enter_uploading(struct training *training, struct job *job)
{
    if (!training->uploading)
        move_to(training, job,
                &(struct step){NULL, "Uploading", "Uploading generated training model", NULL});
    training->uploading = true;
}

/* The end in one change with the batch's objects; a reason that is given makes it a failure. */
static bool write_end(struct training *training, struct job *job, const struct job_end *end,
                      struct step step, const char *reason, struct lake_batch *batch,
                      GError **error)
{
    g_autoptr(json_auto) members = final_members(training, end);
    if (reason) {
        if (!end->again)
            job_log(job, "%s", reason);
        json_object_set_new(members, "FailureReason", json_string(reason));
        if (end->how == JOB_ABANDONED)
            json_object_set_new(members, KIND_CUT_OFF, json_true());
        step = (struct step){"Failed", "Failed", reason, NULL};
    }
    step.members = members;
    struct job_ending ending = {training->lathe, &training_job_kind, training->name, take_step,
                                &step};
    return sagemaker_end_job(&ending, batch, error);
}

static bool finish(struct job *job, const struct job_end *end, void *data, GError **error)
{
    struct training *training = data;
    g_autofree char *reason = NULL;
    struct step step = last_step(end, &reason);
    g_autoptr(lake_batch_auto) results = lake_batch_new(training->lathe->lake);
    g_autoptr(lake_batch_auto) none = lake_batch_new(training->lathe->lake);
    put_checkpoints(training, job);
    if (reason)
        return write_end(training, job, end, step, reason, none, error);
    enter_uploading(training, job);
    GError *cause = NULL;
    if (add_results(training, job, results, &cause) &&
        write_end(training, job, end, step, NULL, results, &cause))
        return true;
    if (sagemaker_end_may_wait(cause)) {
        g_propagate_error(error, cause);
        return false;
    }
    reason = g_strdup_printf("InternalServerError: the job's results could not be stored: %s",
                             cause->message);
    g_error_free(cause);
    return write_end(training, job, end, step, reason, none, error);
}

static const struct job_actor actor = {prepare, report, finish, training_free};

void training_submit(struct lathe *lathe, const char *name, const json_t *request)
{
    struct training *training = g_new0(struct training, 1);
    training->lathe = lathe;
    training->name = g_strdup(name);
    training->request = json_deep_copy(request);
    training->metrics = json_object();
    training->checkpoints = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    training->checkpointed = clock_monotonic();
    sagemaker_submit_job(lathe, &training_job_kind, name, request, &actor, training);
}

/* --- after a crash -------------------------------------------------------------------------------
 */

static bool fail_cut_off(struct lathe *lathe, const struct resource *job, GError **error)
{
    g_autoptr(json_auto) members = json_pack("{sssfsb}", "FailureReason", JOB_CUT_OFF,
                                             "TrainingEndTime", clock_now(), KIND_CUT_OFF, 1);
    struct step step = {"Failed", "Failed", JOB_CUT_OFF, members};
    /* Nothing is to be removed: a job's results come with its end or not at all. */
    return resource_update(lathe->store, job->kind, job->name, take_step, &step, NULL, error);
}

bool training_jobs_recover(struct lathe *lathe, GError **error)
{
    return sagemaker_each_unfinished(lathe, &training_job_kind, fail_cut_off, error);
}
