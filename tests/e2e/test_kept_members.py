"""What tools/operations says is kept of a request, its description shows: every such member is sent,
with a random value that fits its shape."""

import importlib.util
import pathlib
import re

import botocore.session
import members
import pytest

from sagemaker_jobs import ROLE, XGBOOST, channel, train, training_request, unique, wait_for_job
from transforms import transform_request

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


values = load("values", ROOT / "tests/wire/values.py")
MODEL = botocore.session.get_session().get_service_model("sagemaker")
KEPT = {operation: [one[1] for one in decisions if one[0] == "kept"]
        for operations, decisions in members.read(ROOT / "tools/operations/sagemaker.txt")
        for operation in operations}


def steps_of(path):
    return re.findall(r"[^.\[\]]+|\[\]", path)


def shape_at(shape, steps):
    for step in steps:
        if shape is None:
            return None
        shape = shape.member if step == "[]" else shape.members.get(step)
    return shape


def put(value, steps, made):
    if steps[0] == "[]":
        for element in value:
            put(element, steps[1:], made)
    elif len(steps) == 1:
        value.setdefault(steps[0], made)
    else:
        put(value.setdefault(steps[0], {}), steps[1:], made)


def found_at(value, steps):
    for step in steps:
        value = value[0] if step == "[]" else value.get(step)
        if value is None:
            return None
    return value


@pytest.fixture(scope="module")
def base(server):
    """{operation: (a request with what it needs, Describe's operation, its name member)}"""
    bucket, model = unique("kept"), unique("model")
    server.client("s3").create_bucket(Bucket=bucket)
    server.client("s3").put_object(Bucket=bucket, Key="rows.csv",
                                   Body="".join(f"{i % 2},{i},0\n" for i in range(100)))
    training = training_request(bucket, [channel("train", f"s3://{bucket}/rows.csv")])
    uri = train(server, training)["ModelArtifacts"]["S3ModelArtifacts"]
    container = {"Image": XGBOOST, "ModelDataUrl": uri}
    server.client("sagemaker").create_model(ModelName=model, ExecutionRoleArn=ROLE,
                                            PrimaryContainer=container)
    # The kept switch and what has to come with it.
    spot = {"EnableManagedSpotTraining": True, "CheckpointConfig": {"S3Uri": f"s3://{bucket}/c"},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
            "DebugRuleConfigurations": [{"RuleConfigurationName": "r", "RuleEvaluatorImage": "i"}]}
    return {
        "CreateTrainingJob": ({**training, **spot, "TrainingJobName": unique("job")},
                              "describe_training_job", "TrainingJobName"),
        "CreateTransformJob": (transform_request(model, f"s3://{bucket}/rows.csv",
                                                 f"s3://{bucket}/out", DataCaptureConfig={
                                                     "DestinationS3Uri": f"s3://{bucket}/seen"}),
                               "describe_transform_job", "TransformJobName"),
        "CreateModel": ({"ModelName": unique("model"), "Containers": [container, container]},
                        "describe_model", "ModelName"),
        "CreateEndpointConfig": (
            {"EndpointConfigName": unique("config"),
             "ProductionVariants": [{"VariantName": "A", "ModelName": model}],
             "DataCaptureConfig": {"InitialSamplingPercentage": 5, "EnableCapture": False,
                                   "DestinationS3Uri": f"s3://{bucket}/captured",
                                   "CaptureOptions": [{"CaptureMode": "Input"}]}},
            "describe_endpoint_config", "EndpointConfigName"),
        "CreateModelPackageGroup": ({"ModelPackageGroupName": unique("group")},
                                    "describe_model_package_group", "ModelPackageGroupName"),
        "CreateModelPackage": (
            {"ModelPackageName": unique("package"),
             "InferenceSpecification": {"Containers": [{**container, "Environment": {"A": "b"}}],
                                        "SupportedContentTypes": ["text/csv"]}},
            "describe_model_package", "ModelPackageName"),
        "CreatePipeline": (
            {"PipelineName": unique("pipeline"), "ClientRequestToken": unique("token") + "x" * 20,
             "PipelineDefinition": '{"Version": "2020-12-01", "Steps": [{"Name": "F", "Type": '
                                   '"Fail", "Arguments": {"ErrorMessage": "x"}}]}'},
            "describe_pipeline", "PipelineName"),
    }


@pytest.mark.parametrize("operation", ["CreateTrainingJob", "CreateTransformJob", "CreateModel",
                                       "CreateEndpointConfig",
                                       "CreateModelPackageGroup", "CreateModelPackage",
                                       "CreatePipeline"])
def test_what_is_kept_is_shown(server, base, operation):
    request, describe, name = base[operation]
    model = MODEL.operation_model(operation)
    output = MODEL.operation_model("Describe" + operation.removeprefix("Create")).output_shape
    make = values.Values(operation, optional=1)
    paths = [path for path in KEPT[operation] if not path.startswith("PrimaryContainer")]
    for path in paths:
        put(request, steps_of(path), make.value(shape_at(model.input_shape, steps_of(path))))
    sagemaker = server.client("sagemaker")
    getattr(sagemaker, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())(**request)
    told = getattr(sagemaker, describe)(**{name: request[name]})
    checked = 0
    for path in paths:
        if shape_at(output, steps_of(path)):
            sent = found_at(request, steps_of(path))
            assert values.seen(found_at(told, steps_of(path))) == values.seen(sent), path
            checked += 1
    assert checked >= min(len(paths), 3)
    if operation == "CreateTrainingJob":
        assert wait_for_job(server, request[name])["TrainingJobStatus"] == "Completed"
