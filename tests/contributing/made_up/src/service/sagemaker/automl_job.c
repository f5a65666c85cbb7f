/* A kind of job that is made up: it counts its input's files. */
#include "service/sagemaker/job_state.h"

/* ---- request to plan, end to members ---- */

static struct job_plan *plan(const struct call *call, const json_t *request, GError **error)
{
    (void)call;
    (void)error;
    const json_t *source = json_at(request, "InputDataConfig[0].DataSource.S3DataSource");
    const char *uri = json_text_at(request, "OutputDataConfig.S3OutputPath");
    struct job_plan *plan = job_plan_new("count", NULL);
    job_plan_input(plan, g_strdup("the rows"), "processing/input/rows", source);
    job_plan_output(plan, g_strdup("the count"), "processing/output", uri);
    return plan;
}

static void enter(json_t *body, enum job_phase phase, double at)
{
    (void)at;
    if (phase == JOB_RUNS)
        json_object_set_new(body, "AutoMLJobSecondaryStatus", json_string("TrainingModels"));
}

static const char *end(json_t *body, const struct job_end *end, const json_t *metrics)
{
    static const char *const statuses[] = {[JOB_COMPLETED] = "Completed",
                                           [JOB_FAILED] = "Failed",
                                           [JOB_STOPPED] = "Stopped",
                                           [JOB_TIMED_OUT] = "Failed"};
    (void)metrics;
    json_object_set_new(body, "AutoMLJobSecondaryStatus", json_string(statuses[end->how]));
    json_object_set_new(body, "EndTime", json_real(end->ended));
    return statuses[end->how];
}

static const struct job_life life = {
    .kind = &automl_job_kind, .plan = plan, .enter = enter, .end = end};

/* ---- operations ---- */

static bool create(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    json_t *body = json_deep_copy(request);
    json_object_set_new(body, "AutoMLJobSecondaryStatus", json_string("Starting"));
    return sagemaker_create_job(call, &life, request, body, reply, error);
}

static bool describe(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    return sagemaker_describe_call(call, &automl_job_kind, request, reply, error);
}

static bool list(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    return sagemaker_list(call, &automl_job_kind, request, reply, error);
}

static bool stop(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    (void)reply;
    return sagemaker_stop_job(call, &life, request, error);
}

static bool recover(struct lathe *lathe, GError **error)
{
    return sagemaker_recover_jobs(lathe, &life, error);
}

/* ---- what it is ---- */

static const struct operation operations[] = {
    {"CreateAutoMLJob", create, OPERATION_BLOCKING},
    {"DescribeAutoMLJob", describe, OPERATION_BLOCKING},
    {"ListAutoMLJobs", list, OPERATION_BLOCKING},
    {"StopAutoMLJob", stop, OPERATION_BLOCKING},
};

const struct kind automl_job_kind = {
    .service = "sagemaker",
    .word = "automl-job",
    .noun = "AutoMLJob",
    .name = "AutoMLJobName",
    .arn = "AutoMLJobArn",
    .status = "AutoMLJobStatus",
    .reason = "FailureReason",
    .summaries = "AutoMLJobSummaries",
    .create = "CreateAutoMLJob",
    .describe = "DescribeAutoMLJob",
    .list = "ListAutoMLJobs",
    .stop = "StopAutoMLJob",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .good = {"Completed"},
    .bad = {"Failed"},
    .stopped = {"Stopped"},
    .going = "InProgress",
    .stopping = "Stopping",
    .recover = recover,
    .log_group = "/aws/sagemaker/AutoMLJobs",
    .title = "AutoML jobs",
    .missing_code = ERROR_VALIDATION,
    .missing = "Requested resource not found.",
    .taken_code = ERROR_IN_USE,
    .taken = "AutoML job already exists: %s",
};
