#include "job/layout.h"

#include <string.h>

#include "base/error.h"
#include "sandbox/sandbox.h"

#define ROOT "/opt/ml/"
#define PROCESSING ROOT "processing/"

/* ---- paths ---- */

/* A LocalPath as it is below the job's folder, without ".", ".." and needless slashes; g_free. NULL
 * where it is not below `root`, which ends with a slash. */
static char *place_of(const char *what, const char *local_path, const char *root, GError **error)
{
    g_autofree char *path = local_path ? g_canonicalize_filename(local_path, "/") : NULL;
    if (path && g_str_has_prefix(path, root))
        return g_strdup(path + strlen(ROOT));
    error_set(error, ERROR_VALIDATION, "%s: the LocalPath %s is not a path below %.*s.", what,
              local_path ? local_path : "(none)", (int)strlen(root) - 1, root);
    return NULL;
}

/* ---- training ---- */

static json_t *or_empty(const json_t *object)
{
    return object ? json_deep_copy(object) : json_object();
}

/* inputdataconfig.json */
static json_t *channel_config(const struct layout_training *given)
{
    static const char *const members[] = {"ContentType", "CompressionType", "RecordWrapperType",
                                          NULL};
    json_t *config = json_object();
    size_t i;
    const json_t *channel;
    json_array_foreach((json_t *)given->channels, i, channel)
    {
        const char *own = json_text_at(channel, "InputMode");
        json_t *entry = json_pack("{ss*ss}", "TrainingInputMode", own ? own : given->input_mode,
                                  "S3DistributionType", "FullyReplicated");
        json_copy_members(entry, channel, members);
        json_object_set_new(config, json_text_at(channel, "ChannelName"), entry);
    }
    return config;
}

static void add_channels(struct job_plan *plan, const json_t *channels)
{
    size_t i;
    const json_t *channel;
    json_array_foreach((json_t *)channels, i, channel)
    {
        const char *name = json_text_at(channel, "ChannelName");
        g_autofree char *folder = g_strconcat("input/data/", name, NULL);
        job_plan_input(plan, g_strdup_printf("channel %s", name), folder,
                       json_at(channel, "DataSource.S3DataSource"));
    }
}

/* Those of an earlier job of the same CheckpointConfig come in: training resumes from them. Without
 * the folder the program keeps none. */
static void add_checkpoints(struct job_plan *plan, const char *uri)
{
    const char *slash = g_str_has_suffix(uri, "/") ? "" : "/";
    g_autoptr(json_auto) source = json_pack("{so}", "S3Uri", json_sprintf("%s%s", uri, slash));
    static const char folder[] = "checkpoints", what[] = "CheckpointConfig.S3Uri";
    job_plan_input(plan, g_strdup(what), folder, source)->may_be_empty = true;
    job_plan_output(plan, g_strdup(what), folder, uri)->when = JOB_OUTPUT_COMES;
}

static void add_results(struct job_plan *plan, const char *folder, const char *prefix,
                        const char *name)
{
    g_autofree char *uri = g_strconcat(prefix, name, NULL);
    struct job_output *output =
        job_plan_output(plan, g_strdup("OutputDataConfig.S3OutputPath"), folder, uri);
    output->archive = true;
    output->when = JOB_OUTPUT_STOPPED;
}

/* resourceconfig.json */
static json_t *hosts_config(const char *instance_type)
{
    const char *type = instance_type ? instance_type : "local";
    static const char host[] = "algo-1", group[] = "homogeneousCluster";
    return json_pack("{ss ss ss s[s] s[{ss ss s[s]}] ss}", "current_host", host,
                     "current_instance_type", type, "current_group_name", group, "hosts", host,
                     "instance_groups", "instance_group_name", group, "instance_type", type,
                     "hosts", host, "network_interface_name", "lo");
}

/* Several instances would share what this machine, which is one, does alone; their programs are
 * written for as many hosts as resourceconfig.json names. */
static void run_as_one(struct job_plan *plan, gint64 instances)
{
    if (instances > 1)
        plan->remark = g_strdup_printf("InstanceCount is %" G_GINT64_FORMAT
                                       ": the job runs on one host, algo-1, which has all of the "
                                       "data and all of this machine.",
                                       instances);
}

struct job_plan *layout_training(const struct layout_training *given)
{
    struct job_plan *plan = job_plan_new(given->program, given->image);
    job_plan_file(plan, "input/config/hyperparameters.json", or_empty(given->hyperparameters));
    job_plan_file(plan, "input/config/inputdataconfig.json", channel_config(given));
    job_plan_file(plan, "input/config/resourceconfig.json", hosts_config(given->instance_type));
    /* A container has the request's Environment as its own; our programs do not, since the loader
     * and libraries obey variables (LD_PRELOAD) and a job is its user's, not the server's: they may
     * read it by name. */
    job_plan_file(plan, "input/config/environment.json", or_empty(given->environment));
    run_as_one(plan, given->instances);
    add_channels(plan, given->channels);
    if (given->checkpoints)
        add_checkpoints(plan, given->checkpoints);
    add_results(plan, "output/data", given->output, "output.tar.gz");
    add_results(plan, "model", given->output, "model.tar.gz");
    return plan;
}

/* ---- scripts ---- */

#define SOURCE_FOLDER SANDBOX_FOLDER "/source"

/* Checkpoints: what is brought in is among what is stored. */
static bool comes_back(const struct job_plan *plan, const char *folder)
{
    for (guint i = 0; i < plan->outputs->len; i++) {
        const struct job_output *output = g_ptr_array_index(plan->outputs, i);
        if (strcmp(output->folder, folder) == 0)
            return true;
    }
    return false;
}

/* One input may lie in another's folder, which then covers it. */
static bool lies_in_another(const struct job_plan *plan, const char *folder)
{
    for (guint i = 0; i < plan->inputs->len; i++) {
        const struct job_input *other = g_ptr_array_index(plan->inputs, i);
        size_t length = strlen(other->folder);
        if (strncmp(folder, other->folder, length) == 0 && folder[length] == '/')
            return true;
    }
    return false;
}

void layout_script(struct job_plan *plan, json_t *settings, const char *source)
{
    json_t *overlaid = json_array();
    bool is_image = json_object_get(settings, "Image") != NULL; /* engines mount no overlays */
    for (guint i = 0; i < plan->inputs->len; i++) {
        struct job_input *input = g_ptr_array_index(plan->inputs, i);
        input->copied = is_image || comes_back(plan, input->folder);
        if (!input->copied && !lies_in_another(plan, input->folder))
            json_array_append_new(overlaid, json_string(input->folder));
    }
    json_object_set_new(settings, "Overlaid", overlaid);
    g_clear_pointer(&plan->image, g_free); /* no script's process asks, and all may be of one */
    plan->is_warm = true;
    if (source) {
        g_autoptr(json_auto) place = json_pack("{ss}", "S3Uri", source);
        job_plan_input(plan, g_strdup("sagemaker_submit_directory"), SOURCE_FOLDER, place)->copied =
            true;
    }
    job_plan_file(plan, SANDBOX_FILE, settings);
}

bool layout_debugger(struct job_plan *plan, const json_t *hook, const char *job, GError **error)
{
    static const char what[] = "DebugHookConfig";
    const char *path = json_text_at(hook, "LocalPath");
    g_autofree char *folder =
        place_of(what, path ? path : ROOT "output/tensors", ROOT "output/", error);
    if (!folder)
        return false;
    const char *uri = json_text_at(hook, "S3OutputPath");
    const char *slash = g_str_has_suffix(uri, "/") ? "" : "/";
    g_autofree char *place = g_strconcat(uri, slash, job, "/debug-output", NULL);
    job_plan_file(plan, "input/config/debughookconfig.json", json_deep_copy(hook));
    job_plan_output(plan, g_strdup(what), folder, place)->when = JOB_OUTPUT_COMES;
    return true;
}

void layout_rules(struct job_plan *plan, const json_t *rules, const json_t *hook,
                  const char *folder, const char *output)
{
    job_plan_output(plan, g_strdup("the rules' output"), folder, output)->when = JOB_OUTPUT_STOPPED;
    job_plan_file(plan, "input/config/debugrules.json",
                  json_pack("{sO sO* ss}", "Rules", rules, "Hook", hook, "Profile", JOB_PROFILE));
}

void layout_profiler(struct job_plan *plan, const json_t *config, const char *job,
                     const char *usual)
{
    const char *own = json_text_at(config, "S3OutputPath");
    const char *uri = own ? own : usual;
    const char *slash = g_str_has_suffix(uri, "/") ? "" : "/";
    g_autofree char *place = g_strconcat(uri, slash, job, "/profiler-output", NULL);
    json_int_t usual_interval = 1000;
    plan->profile_seconds =
        (double)json_integer_at(config, "ProfilingIntervalInMilliseconds", usual_interval) / 1000;
    job_plan_output(plan, g_strdup("ProfilerConfig"), JOB_PROFILE, place)->when = JOB_OUTPUT_COMES;
}

/* ---- transform ---- */

/* Each in a folder of its own; where, the program reads. */
static json_t *add_objects(struct job_plan *plan, const json_t *uris)
{
    json_t *paths = json_object();
    size_t i;
    const json_t *uri;
    json_array_foreach((json_t *)uris, i, uri)
    {
        const char *text = json_string_value(uri);
        g_autofree char *folder = g_strdup_printf("containers/%zu", i);
        g_autofree char *name = g_path_get_basename(text);
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autoptr(json_auto) source = json_pack("{ss}", "S3Uri", text);
        job_plan_input(plan, g_strdup("the model's artifacts"), folder, source);
        json_object_set_new(paths, text, json_string(path));
    }
    return paths;
}

/* Manifests of what went in and came out; of an input that a manifest lists, that is needed. */
static void add_capture(struct job_plan *plan, const json_t *config, const json_t *source)
{
    const char *uri = json_text_at(config, "DataCaptureConfig.DestinationS3Uri");
    if (!uri)
        return;
    job_plan_output(plan, g_strdup("DataCaptureConfig.DestinationS3Uri"), "capture", uri);
    if (g_strcmp0(json_text_at(source, "S3DataType"), "ManifestFile") != 0)
        return;
    g_autoptr(json_auto) manifest = json_pack("{ss}", "S3Uri", json_text_at(source, "S3Uri"));
    job_plan_input(plan, g_strdup("the manifest"), "config/manifest", manifest);
}

struct job_plan *layout_transform(const struct layout_transform *given)
{
    struct job_plan *plan = job_plan_new(given->program, NULL);
    const json_t *source = json_at(given->config, "TransformInput.DataSource.S3DataSource");
    const char *output = json_text_at(given->config, "TransformOutput.S3OutputPath");
    json_t *config = json_copy((json_t *)given->config);
    json_object_set_new(config, "Objects", add_objects(plan, given->objects));
    job_plan_file(plan, "config/transformjob.json", config);
    job_plan_input(plan, g_strdup("TransformInput"), "input", source);
    job_plan_output(plan, g_strdup("TransformOutput.S3OutputPath"), "results", output)->when =
        JOB_OUTPUT_FAILED;
    add_capture(plan, given->config, source);
    plan->whole_reason = true;
    return plan;
}

/* ---- processing ---- */

static bool add_input(struct job_plan *plan, const json_t *input, GError **error)
{
    const json_t *source = json_object_get(input, "S3Input");
    g_autofree char *what = g_strdup_printf("input %s", json_text_at(input, "InputName"));
    g_autofree char *folder = place_of(what, json_text_at(source, "LocalPath"), PROCESSING, error);
    if (folder)
        job_plan_input(plan, g_steal_pointer(&what), folder, source);
    return folder != NULL;
}

static bool add_output(struct job_plan *plan, const json_t *output, GError **error)
{
    const json_t *target = json_object_get(output, "S3Output");
    g_autofree char *what = g_strdup_printf("output %s", json_text_at(output, "OutputName"));
    g_autofree char *folder = place_of(what, json_text_at(target, "LocalPath"), PROCESSING, error);
    struct job_output *made = folder ? job_plan_output(plan, g_steal_pointer(&what), folder,
                                                       json_text_at(target, "S3Uri"))
                                     : NULL;
    if (made && g_strcmp0(json_text_at(target, "S3UploadMode"), "Continuous") == 0)
        made->when = JOB_OUTPUT_COMES;
    return folder != NULL;
}

struct job_plan *layout_processing(const struct layout_processing *given, GError **error)
{
    g_autoptr(job_plan_auto) plan = job_plan_new(given->program, given->image);
    job_plan_file(plan, "config/processingjobconfig.json", json_deep_copy(given->config));
    job_plan_file(plan, "config/resourceconfig.json",
                  json_pack("{sss[s]}", "current_host", "algo-1", "hosts", "algo-1"));
    run_as_one(plan, given->instances);
    size_t i;
    const json_t *entry;
    json_array_foreach((json_t *)given->inputs, i,
                       entry) if (!add_input(plan, entry, error)) return NULL;
    json_array_foreach((json_t *)given->outputs, i,
                       entry) if (!add_output(plan, entry, error)) return NULL;
    return g_steal_pointer(&plan);
}
