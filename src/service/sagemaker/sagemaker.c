/* The tables of SageMaker's operations: to add one, add its line here. */
#include "service/sagemaker/sagemaker.h"

#include "base/tasks.h"
#include "flow/pipeline/pipeline.h"
#include "serve/captures.h"
#include "serve/endpoint.h"

static const struct operation operations[] = {
    {"CreateTrainingJob", create_training_job, OPERATION_BLOCKING},
    {"DescribeTrainingJob", describe_training_job, OPERATION_BLOCKING},
    {"ListTrainingJobs", list_training_jobs, OPERATION_BLOCKING},
    {"StopTrainingJob", stop_training_job, OPERATION_BLOCKING},
    {"DeleteTrainingJob", delete_training_job, OPERATION_BLOCKING},
    {"CreateProcessingJob", create_processing_job, OPERATION_BLOCKING},
    {"DescribeProcessingJob", describe_processing_job, OPERATION_BLOCKING},
    {"ListProcessingJobs", list_processing_jobs, OPERATION_BLOCKING},
    {"StopProcessingJob", stop_processing_job, OPERATION_BLOCKING},
    {"DeleteProcessingJob", delete_processing_job, OPERATION_BLOCKING},

    {"CreateModelPackageGroup", create_model_package_group, OPERATION_BLOCKING},
    {"DescribeModelPackageGroup", describe_model_package_group, OPERATION_BLOCKING},
    {"ListModelPackageGroups", list_model_package_groups, OPERATION_BLOCKING},
    {"DeleteModelPackageGroup", delete_model_package_group, OPERATION_BLOCKING},
    {"CreateModelPackage", create_model_package, OPERATION_BLOCKING},
    {"DescribeModelPackage", describe_model_package, OPERATION_BLOCKING},
    {"ListModelPackages", list_model_packages, OPERATION_BLOCKING},
    {"UpdateModelPackage", update_model_package, OPERATION_BLOCKING},
    {"DeleteModelPackage", delete_model_package, OPERATION_BLOCKING},

    {"CreatePipeline", create_pipeline, OPERATION_BLOCKING},
    {"DescribePipeline", describe_pipeline, OPERATION_BLOCKING},
    {"ListPipelines", list_pipelines, OPERATION_BLOCKING},
    {"UpdatePipeline", update_pipeline, OPERATION_BLOCKING},
    {"DeletePipeline", delete_pipeline, OPERATION_BLOCKING},
    {"StartPipelineExecution", start_pipeline_execution, OPERATION_BLOCKING},
    {"StopPipelineExecution", stop_pipeline_execution, OPERATION_BLOCKING},
    {"RetryPipelineExecution", retry_pipeline_execution, OPERATION_BLOCKING},
    {"UpdatePipelineExecution", update_pipeline_execution, OPERATION_BLOCKING},
    {"DescribePipelineExecution", describe_pipeline_execution, OPERATION_BLOCKING},
    {"DescribePipelineDefinitionForExecution", describe_pipeline_definition_for_execution,
     OPERATION_BLOCKING},
    {"ListPipelineExecutions", list_pipeline_executions, OPERATION_BLOCKING},
    {"ListPipelineExecutionSteps", list_pipeline_execution_steps, OPERATION_BLOCKING},
    {"ListPipelineParametersForExecution", list_pipeline_parameters_for_execution,
     OPERATION_BLOCKING},

    {"Search", search, OPERATION_BLOCKING},

    {"CreateModel", create_model, OPERATION_BLOCKING},
    {"DescribeModel", describe_model, OPERATION_BLOCKING},
    {"ListModels", list_models, OPERATION_BLOCKING},
    {"DeleteModel", delete_model, OPERATION_BLOCKING},

    {"CreateEndpointConfig", create_endpoint_config, OPERATION_BLOCKING},
    {"DescribeEndpointConfig", describe_endpoint_config, OPERATION_BLOCKING},
    {"ListEndpointConfigs", list_endpoint_configs, OPERATION_BLOCKING},
    {"DeleteEndpointConfig", delete_endpoint_config, OPERATION_BLOCKING},

    {"CreateEndpoint", create_endpoint, OPERATION_BLOCKING},
    {"DescribeEndpoint", describe_endpoint, OPERATION_BLOCKING},
    {"ListEndpoints", list_endpoints, OPERATION_BLOCKING},
    {"UpdateEndpoint", update_endpoint, OPERATION_BLOCKING},
    {"UpdateEndpointWeightsAndCapacities", update_endpoint_weights_and_capacities,
     OPERATION_BLOCKING},
    {"DeleteEndpoint", delete_endpoint, OPERATION_BLOCKING},

    {"AddTags", add_tags, OPERATION_BLOCKING},
    {"ListTags", list_tags, OPERATION_BLOCKING},
    {"DeleteTags", delete_tags, OPERATION_BLOCKING},
};

static const struct operation runtime_operations[] = {
    {"InvokeEndpoint", invoke_endpoint, OPERATION_DECIDED | OPERATION_LOOKS_UP},
};

static bool open_service(struct lathe *lathe, GError **error)
{
    (void)error;
    lathe->endpoints = endpoints_new();
    lathe->captures = captures_new(lathe->lake, lathe->clock);
    lathe->deployer = tasks_new();
    return true;
}

static bool recover_service(struct lathe *lathe, GError **error)
{
    return training_jobs_recover(lathe, error) && processing_jobs_recover(lathe, error) &&
           endpoints_recover(lathe, error);
}

static void close_service(struct lathe *lathe)
{
    tasks_free(lathe->deployer);
    endpoints_free(lathe->endpoints);
    captures_free(lathe->captures);
}

static const struct flow_driver *const drivers[] = {&pipeline_driver, NULL};

const struct service sagemaker_service = {
    .name = "sagemaker",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .kinds = sagemaker_kinds,
    .drivers = drivers,
    .open = open_service,
    .recover = recover_service,
    .close = close_service,
};
const struct service sagemaker_runtime_service = {
    .name = "sagemaker-runtime",
    .operations = runtime_operations,
    .count = G_N_ELEMENTS(runtime_operations),
    .is_quick = invoke_is_quick,
};
