"""Workflows as SageMaker Pipelines, driven by boto3 from definitions in the SDK's form."""

import json

import pytest
from botocore.exceptions import ClientError

from pipelines import (compare, condition, create, definition, endpoint, finish, get, join, model,
                       operation, parameter, run, start, statuses, step, steps_of, training)
from sagemaker_jobs import ROLE, XGBOOST, scores, unique


@pytest.fixture
def rows(server, bucket):
    """A bucket with training rows: y = 2 a + b."""
    text = "".join(f"{2 * a + b},{a},{b}\n" for a in range(20) for b in range(20))
    server.client("s3").put_object(Bucket=bucket, Key="train.csv", Body=text)
    return f"s3://{bucket}/train.csv"


RMSE = get("Steps.Train.FinalMetricDataList['train:rmse'].Value")


def test_from_rows_to_an_endpoint(server, bucket, rows):
    made = definition(
        training("Train", bucket, rows, settings={"num_round": join("", get("Parameters.Rounds"))}),
        condition("Check", [compare("LessThan", RMSE, get("Parameters.Limit"))],
                  [model("Create-CreateModel", "Train"), *endpoint("Create-CreateModel")],
                  [step("TooWeak", "Fail", {"ErrorMessage": join(" ", "RMSE above",
                                                                 get("Parameters.Limit"))})]),
        parameters=[parameter("Rounds", "Integer", 20), parameter("Limit", "Float", 5.5)])
    arn, end, steps = run(server, made)
    assert end["PipelineExecutionStatus"] == "Succeeded", end
    assert {name: one["StepStatus"] for name, one in steps.items()} == {
        "Train": "Succeeded", "Check": "Succeeded", "Create-CreateModel": "Succeeded",
        "Configure": "Succeeded", "Deploy": "Succeeded"}
    assert steps["Check"]["Metadata"]["Condition"]["Outcome"] == "True"
    identity = arn.rsplit("/", 1)[1]
    assert len(identity) == 12
    job = steps["Train"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[1]
    assert job.startswith(f"pipelines-{identity}-train-")
    described = server.client("sagemaker").describe_training_job(
        TrainingJobName=job.replace("-train-", "-Train-"))
    assert described["HyperParameters"]["num_round"] == "20"
    answer = server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=f"live-{identity}", ContentType="text/csv", Body="3,4\n")
    assert abs(scores(answer["Body"].read())[0] - 10) < 3

    # The same definition, other parameters, the other branch.
    name = arn.split("/")[1]
    arn = start(server, name, Limit="0.0001", Rounds="1")
    end = finish(server, arn)
    steps = steps_of(server, arn)
    assert end["PipelineExecutionStatus"] == "Failed"
    assert "TooWeak: RMSE above 0.0001" in end["FailureReason"]
    assert steps["Check"]["Metadata"]["Condition"]["Outcome"] == "False"
    assert steps["TooWeak"]["Metadata"]["Fail"]["ErrorMessage"] == "RMSE above 0.0001"
    assert "Create-CreateModel" not in steps
