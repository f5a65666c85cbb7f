#include "service/sagemaker/training.h"

#include "base/clock.h"
#include "job/layout.h"
#include "runtime/runtime.h"
#include "service/sagemaker/job_state.h"

/* ---- request to plan ---- */

char *training_output_prefix(const json_t *request, const char *name)
{
    const char *path = json_text_at(request, "OutputDataConfig.S3OutputPath");
    const char *slash = g_str_has_suffix(path, "/") ? "" : "/";
    return g_strconcat(path, slash, name, "/output/", NULL);
}

static struct job_plan *plan(const json_t *request, GError **error)
{
    const char *image = json_text_at(request, "AlgorithmSpecification.TrainingImage");
    const struct runtime *runtime = runtime_find(image, error);
    if (!runtime)
        return NULL;
    g_autofree char *output =
        training_output_prefix(request, json_text_at(request, "TrainingJobName"));
    struct layout_training layout = {
        .program = runtime->trains->program,
        .image = image,
        .hyperparameters = json_object_get(request, "HyperParameters"),
        .environment = json_object_get(request, "Environment"),
        .channels = json_object_get(request, "InputDataConfig"),
        .input_mode = json_text_at(request, "AlgorithmSpecification.TrainingInputMode"),
        .checkpoints = json_text_at(request, "CheckpointConfig.S3Uri"),
        .output = output,
    };
    return layout_training(&layout);
}

/* ---- end to members ---- */

/* Enters a secondary status: ends the last transition, begins the next. */
static void move_to(json_t *body, const char *secondary, const char *message)
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

static void enter(json_t *body, enum job_phase phase, double at)
{
    static const char *const steps[][2] = {
        [JOB_STARTS] = {"Downloading", "Downloading input data"},
        [JOB_RUNS] = {"Training", "Training in progress"},
        [JOB_STORES] = {"Uploading", "Uploading generated training model"},
    };
    if (phase == JOB_RUNS)
        json_object_set_new(body, "TrainingStartTime", json_real(at));
    move_to(body, steps[phase][0], steps[phase][1]);
}

static void stop(json_t *body)
{
    move_to(body, "Stopping", "Stopping the training job");
}

static void tell_times(json_t *body, const struct job_end *end)
{
    json_object_set_new(body, "TrainingEndTime", json_real(end->ended));
    if (end->started == 0)
        return;
    /* Whole seconds, as AWS counts them, and at least one: clients divide by it. */
    json_int_t seconds = (json_int_t)(end->ended - end->started + 0.999);
    json_object_set_new(body, "TrainingTimeInSeconds", json_integer(MAX(seconds, 1)));
    json_object_set_new(body, "BillableTimeInSeconds", json_integer(MAX(seconds, 1)));
}

static const char *end(json_t *body, const struct job_end *end, const json_t *metrics)
{
    static const char *const steps[][3] = {
        [JOB_COMPLETED] = {"Completed", "Completed", "Training job completed"},
        [JOB_FAILED] = {"Failed", "Failed", NULL},
        [JOB_STOPPED] = {"Stopped", "Stopped", "Training job stopped"},
        [JOB_TIMED_OUT] = {"Stopped", "MaxRuntimeExceeded",
                           "The training job ran longer than MaxRuntimeInSeconds"},
    };
    const char *const *step = steps[end->how];
    tell_times(body, end);
    if (json_array_size(metrics))
        json_object_set(body, "FinalMetricDataList", (json_t *)metrics);
    move_to(body, step[1], step[2] ? step[2] : end->reason);
    return step[0];
}

const struct job_life training_life = {&training_job_kind, plan, enter, stop, end};
