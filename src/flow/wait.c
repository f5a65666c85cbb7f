#include "flow/wait.h"

#include <string.h>

/* Rows without `status` are done when they answer; their describe tells, after a crash, whether the
 * call happened, and is what the properties of a workflow's step are read from. */
static const struct wait_row rows[] = {
    {
        .service = "sagemaker",
        .operation = "CreateTrainingJob",
        .name = "TrainingJobName",
        .arn = "TrainingJobArn",
        .describe = "DescribeTrainingJob",
        .describe_name = "TrainingJobName",
        .kind = "training-job",
        .status = "TrainingJobStatus",
        .good = {"Completed"},
        .bad = {"Failed"},
        .stopped = {"Stopped"},
        .reason = "FailureReason",
        .stop = "StopTrainingJob",
        .step_metadata = "TrainingJob",
    },
    {
        .service = "sagemaker",
        .operation = "CreateProcessingJob",
        .name = "ProcessingJobName",
        .arn = "ProcessingJobArn",
        .describe = "DescribeProcessingJob",
        .describe_name = "ProcessingJobName",
        .kind = "processing-job",
        .status = "ProcessingJobStatus",
        .good = {"Completed"},
        .bad = {"Failed"},
        .stopped = {"Stopped"},
        .reason = "FailureReason",
        .stop = "StopProcessingJob",
        .step_metadata = "ProcessingJob",
    },
    {
        .service = "sagemaker",
        .operation = "CreateEndpoint",
        .name = "EndpointName",
        .arn = "EndpointArn",
        .describe = "DescribeEndpoint",
        .describe_name = "EndpointName",
        .kind = "endpoint",
        .status = "EndpointStatus",
        .good = {"InService"},
        .bad = {"Failed", "OutOfService"},
        .reason = "FailureReason",
        .step_metadata = "Endpoint",
    },
    {
        .service = "sagemaker",
        .operation = "UpdateEndpoint",
        .name = "EndpointName",
        .arn = "EndpointArn",
        .describe = "DescribeEndpoint",
        .describe_name = "EndpointName",
        .kind = "endpoint",
        .status = "EndpointStatus",
        .good = {"InService"},
        .bad = {"Failed", "OutOfService"},
        .reason = "FailureReason",
        .shows = "EndpointConfigName",
        .step_metadata = "Endpoint",
    },
    {
        .service = "sagemaker",
        .operation = "StartPipelineExecution",
        .arn = "PipelineExecutionArn",
        .describe = "DescribePipelineExecution",
        .describe_name = "PipelineExecutionArn",
        .kind = "pipeline-execution",
        .status = "PipelineExecutionStatus",
        .good = {"Succeeded"},
        .bad = {"Failed"},
        .stopped = {"Stopped"},
        .reason = "FailureReason",
        .stop = "StopPipelineExecution",
    },
    {
        .service = "sagemaker",
        .operation = "CreateModel",
        .name = "ModelName",
        .arn = "ModelArn",
        .describe = "DescribeModel",
        .describe_name = "ModelName",
        .step_metadata = "Model",
    },
    {
        .service = "sagemaker",
        .operation = "CreateEndpointConfig",
        .name = "EndpointConfigName",
        .arn = "EndpointConfigArn",
        .describe = "DescribeEndpointConfig",
        .describe_name = "EndpointConfigName",
        .step_metadata = "EndpointConfig",
    },
    {
        .service = "sagemaker",
        .operation = "CreateModelPackage",
        .arn = "ModelPackageArn",
        .describe = "DescribeModelPackage",
        .describe_name = "ModelPackageName",
        .list = "ListModelPackages",
        .list_by = "ModelPackageGroupName",
        .list_items = "ModelPackageSummaryList",
        .step_metadata = "RegisterModel",
    },
    {
        .service = "sagemaker",
        .operation = "CreateModelPackageGroup",
        .name = "ModelPackageGroupName",
        .arn = "ModelPackageGroupArn",
        .describe = "DescribeModelPackageGroup",
        .describe_name = "ModelPackageGroupName",
    },
};

const struct wait_row *wait_row_find(const char *service, const char *operation)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].operation, operation) == 0 && strcmp(rows[i].service, service) == 0)
            return &rows[i];
    return NULL;
}

bool wait_kind_matters(const char *kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].kind && strcmp(rows[i].kind, kind) == 0)
            return true;
    return false;
}

json_t *wait_describe_request(const struct wait_row *row, const json_t *request,
                              const json_t *reply)
{
    const char *name = row->name ? json_text_at(request, row->name) : json_text_at(reply, row->arn);
    return name ? json_pack("{ss}", row->describe_name, name) : NULL;
}

const char *wait_feed_name(const struct wait_row *row, const json_t *describe_request)
{
    const char *name = json_text_at(describe_request, row->describe_name);
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static bool is_among(const char *const *values, const char *status)
{
    for (size_t i = 0; i < WAIT_VALUES && values[i]; i++)
        if (strcmp(values[i], status) == 0)
            return true;
    return false;
}

enum wait_outcome wait_outcome(const struct wait_row *row, const json_t *request,
                               const json_t *description)
{
    if (!row->status)
        return WAIT_GOOD;
    const char *status = json_text_at(description, row->status);
    if (!status)
        return WAIT_GOING_ON;
    if (is_among(row->bad, status))
        return WAIT_BAD;
    if (is_among(row->stopped, status))
        return WAIT_STOPPED;
    if (!is_among(row->good, status))
        return WAIT_GOING_ON;
    const char *asked = row->shows && request ? json_text_at(request, row->shows) : NULL;
    return !asked || g_strcmp0(asked, json_text_at(description, row->shows)) == 0 ? WAIT_GOOD
                                                                                  : WAIT_BAD;
}

const char *wait_reason(const struct wait_row *row, const json_t *description)
{
    const char *reason = row->reason ? json_text_at(description, row->reason) : NULL;
    return reason ? reason : "it failed without a reason";
}

bool wait_was_interrupted(const struct wait_row *row, const json_t *description)
{
    /* The two reasons that jobs get when their server goes away under them. */
    const char *reason = wait_reason(row, description);
    return g_str_has_prefix(reason, "InternalServerError: lathe ended unexpectedly") ||
           g_str_has_prefix(reason, "InternalServerError: lathe was stopped");
}
