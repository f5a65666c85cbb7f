"""Pipeline definitions for the tests, in the form that the SageMaker SDK writes them."""

import json

from sagemaker_jobs import ROLE, XGBOOST, channel, unique


def get(text):
    return {"Get": text}


def join(on, *values):
    return {"Std:Join": {"On": on, "Values": list(values)}}


def parameter(name, kind, default=None, values=None):
    made = {"Name": name, "Type": kind}
    if default is not None:
        made["DefaultValue"] = default
    if values:
        made["EnumValues"] = values
    return made


def definition(*steps, parameters=()):
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": list(parameters),
            "PipelineExperimentConfig": {"ExperimentName": get("Execution.PipelineName"),
                                         "TrialName": get("Execution.PipelineExecutionId")},
            "MlflowConfig": None, "Steps": list(steps)}


def step(name, kind, arguments, **more):
    return {"Name": name, "Type": kind, "Arguments": arguments, **more}


def training(name, bucket, train, **more):
    """A Training step on one channel; hyperparameters in `settings`."""
    settings = {"objective": "reg:squarederror", "num_round": "3", "max_depth": "3",
                **more.pop("settings", {})}
    return step(name, "Training", {
        "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": XGBOOST},
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/out"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "ResourceConfig": {"VolumeSizeInGB": 30, "InstanceCount": 1,
                           "InstanceType": "ml.m5.large"},
        "RoleArn": ROLE, "InputDataConfig": [channel("train", train)],
        "HyperParameters": settings, "ProfilerConfig": {"DisableProfiler": True}}, **more)


def model(name, train):
    return step(name, "Model", {
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"Image": XGBOOST, "Environment": {},
                             "ModelDataUrl": get(f"Steps.{train}.ModelArtifacts.S3ModelArtifacts")}})


def operation(name, called, arguments, service="sagemaker", **more):
    return step(name, "Operation", arguments, Service=service, Operation=called, **more)


def endpoint(model_step):
    """The two steps that put a Model step's model to work, under the execution's id."""
    variant = {"VariantName": "AllTraffic", "ModelName": get(f"Steps.{model_step}.ModelName"),
               "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    name = join("-", "live", get("Execution.PipelineExecutionId"))
    return [operation("Configure", "CreateEndpointConfig",
                      {"EndpointConfigName": name, "ProductionVariants": [variant]}),
            operation("Deploy", "CreateEndpoint",
                      {"EndpointName": name,
                       "EndpointConfigName": get("Steps.Configure.EndpointConfigName")})]


def compare(kind, left, right):
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def condition(name, conditions, then=(), otherwise=(), **more):
    return step(name, "Condition", {"Conditions": conditions, "IfSteps": list(then),
                                    "ElseSteps": list(otherwise)}, **more)


def create(server, made, name=None, **more):
    name = name or unique("pipeline")
    server.client("sagemaker").create_pipeline(
        PipelineName=name, RoleArn=ROLE, PipelineDefinition=json.dumps(made), **more)
    return name


def start(server, name, **parameters):
    given = [{"Name": key, "Value": value} for key, value in parameters.items()]
    return server.client("sagemaker").start_pipeline_execution(
        PipelineName=name, PipelineParameters=given)["PipelineExecutionArn"]


def finish(server, arn, timeout=120):
    """Waits for an execution's end; what Describe says then."""
    sagemaker = server.client("sagemaker")
    return server.wait_for(
        lambda: sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
        "PipelineExecutionStatus", ("Succeeded", "Failed", "Stopped"), timeout)


def steps_of(server, arn):
    pages = server.client("sagemaker").get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn)
    return {one["StepName"]: one for page in pages for one in page["PipelineExecutionSteps"]}


def statuses(server, arn):
    return {name: one["StepStatus"] for name, one in steps_of(server, arn).items()}


def run(server, made, **parameters):
    """Creates and runs a pipeline: its execution's ARN, end and steps."""
    arn = start(server, create(server, made), **parameters)
    end = finish(server, arn)
    return arn, end, steps_of(server, arn)
