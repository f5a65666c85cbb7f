#include "service/sagemaker/training.h"

#include "base/clock.h"
#include "base/s3_uri.h"
#include "job/layout.h"
#include "runtime/runtime.h"
#include "sandbox/sandbox.h"
#include "service/sagemaker/debug_rules.h"
#include "service/sagemaker/job_state.h"
#include "service/sagemaker/rule_jobs.h"
#include "service/script.h"

/* ---- request to plan ---- */

char *training_output_prefix(const json_t *request, const char *name)
{
    const char *path = json_text_at(request, "OutputDataConfig.S3OutputPath");
    const char *slash = g_str_has_suffix(path, "/") ? "" : "/";
    return g_strconcat(path, slash, name, "/output/", NULL);
}

/* A text of a hyperparameter that the SDK sends as JSON: "\"train.py\""; g_free. */
static char *plain_hyperparameter(const json_t *request, const char *name)
{
    const char *text =
        json_string_value(json_object_get(json_object_get(request, "HyperParameters"), name));
    g_autoptr(json_auto) value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    return g_strdup(json_is_string(value) ? json_string_value(value) : text);
}

bool training_is_script(const json_t *request)
{
    return json_at(request, "AlgorithmSpecification.ContainerEntrypoint") ||
           json_at(request, "HyperParameters.sagemaker_program");
}

bool training_is_profiled(const json_t *request)
{
    const json_t *config = json_object_get(request, "ProfilerConfig");
    return config && !json_true_at(config, "DisableProfiler");
}

const struct runtime_role *training_role(const json_t *request, GError **error)
{
    const char *image = json_text_at(request, "AlgorithmSpecification.TrainingImage");
    return runtime_role(image, RUNTIME_TRAINS, training_is_script(request), error);
}

static void add_script(const struct call *call, const json_t *request, struct job_plan *plan)
{
    const char *name = json_text_at(request, "TrainingJobName");
    g_autofree char *arn = call_arn(call, training_job_kind.word, name);
    const json_t *metrics = json_at(request, "AlgorithmSpecification.MetricDefinitions");
    const char *image = json_text_at(request, "AlgorithmSpecification.TrainingImage");
    g_autoptr(json_auto) own = metrics ? NULL : runtime_metric_definitions(image);
    struct script script = {
        .entrypoint = json_at(request, "AlgorithmSpecification.ContainerEntrypoint"),
        .arguments = json_at(request, "AlgorithmSpecification.ContainerArguments"),
        .environment = json_object_get(request, "Environment"),
        .metrics = metrics ? metrics : own,
        .name_variable = "TRAINING_JOB_NAME",
        .name = name,
        .arn_variable = "TRAINING_JOB_ARN",
        .arn = arn,
        .volume = json_integer_at(request, "ResourceConfig.VolumeSizeInGB", 0),
    };
    g_autofree char *source = plain_hyperparameter(request, "sagemaker_submit_directory");
    bool is_archive = !script.entrypoint && s3_uri_is(source);
    layout_script(plan, script_settings(call, &script), is_archive ? source : NULL);
}

/* <S3OutputPath>/<job>/rule-output, where the SDK's users look for reports. */
static void add_rules(const json_t *request, const json_t *rules, const json_t *hook,
                      struct job_plan *plan)
{
    const char *path = json_text_at(request, "OutputDataConfig.S3OutputPath");
    const char *slash = g_str_has_suffix(path, "/") ? "" : "/";
    g_autofree char *output =
        g_strconcat(path, slash, json_text_at(request, "TrainingJobName"), "/rule-output", NULL);
    bool is_script = training_is_script(request);
    layout_rules(plan, rules, hook, is_script ? SANDBOX_RULES : "output/rules", output);
}

/* A tuning job's trials are many, and follow each other at once. */
static bool is_trial(const json_t *request)
{
    return json_at(request, "HyperParameters._tuning_objective_metric") != NULL;
}

static struct job_plan *plan(const struct call *call, const json_t *request, GError **error)
{
    const struct runtime_role *role = training_role(request, error);
    if (!role)
        return NULL;
    g_autofree char *output =
        training_output_prefix(request, json_text_at(request, "TrainingJobName"));
    const json_t *rules = json_object_get(request, "DebugRuleConfigurations");
    bool is_ruled = training_is_script(request) && json_array_size(rules) > 0;
    struct layout_training layout = {
        .program = is_ruled ? RUNTIME_RULED_SCRIPT : role->program,
        .image = json_text_at(request, "AlgorithmSpecification.TrainingImage"),
        .instance_type = json_text_at(request, "ResourceConfig.InstanceType"),
        .instances = json_integer_at(request, "ResourceConfig.InstanceCount", 1),
        .hyperparameters = json_object_get(request, "HyperParameters"),
        .environment = json_object_get(request, "Environment"),
        .channels = json_object_get(request, "InputDataConfig"),
        .input_mode = json_text_at(request, "AlgorithmSpecification.TrainingInputMode"),
        .checkpoints = json_text_at(request, "CheckpointConfig.S3Uri"),
        .output = output,
    };
    g_autoptr(job_plan_auto) made = layout_training(&layout);
    const json_t *hook = json_object_get(request, "DebugHookConfig");
    if (json_array_size(rules))
        add_rules(request, rules, hook, made);
    if (training_is_profiled(request))
        layout_profiler(made, json_object_get(request, "ProfilerConfig"),
                        json_text_at(request, "TrainingJobName"),
                        json_text_at(request, "OutputDataConfig.S3OutputPath"));
    if (hook && !layout_debugger(made, hook, json_text_at(request, "TrainingJobName"), error))
        return NULL;
    if (training_is_script(request))
        add_script(call, request, made);
    made->is_warm = made->is_warm || is_trial(request);
    return g_steal_pointer(&made);
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
    debug_rules_end(body, end);
    return step[0];
}

const struct job_life training_life = {.kind = &training_job_kind,
                                       .plan = plan,
                                       .enter = enter,
                                       .stop = stop,
                                       .hear = debug_rules_hear,
                                       .end = end,
                                       .beside = rule_jobs_write};
