"""The main job with boto3: rows up, a model trained, followed, downloaded, deployed and asked, on the
real AI4I rows, against XGBoost's own answers."""

import json

import numpy
import pytest
import xgboost
from botocore.exceptions import ClientError

from sagemaker_jobs import (XGBOOST, XGBOOST_1, ai4i_rows, booster, channel, deploy, scores, to_csv,
                            train, training_request, unique)

LOGS = "/aws/sagemaker/TrainingJobs"


@pytest.fixture(scope="module")
def rows(data):
    return ai4i_rows(data("ai4i2020/ai4i2020.csv.gz"))


@pytest.fixture(scope="module", params=[XGBOOST, XGBOOST_1], ids=["xgboost-3", "xgboost-1.7"])
def trained(server, rows, request):
    """A finished job on the first 8,000 rows; the last 2,000 are for validation and tests."""
    bucket, s3 = unique("main"), server.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="train/part-0.csv", Body=to_csv(rows[:4000]))
    s3.put_object(Bucket=bucket, Key="train/part-1.csv", Body=to_csv(rows[4000:8000]))
    s3.put_object(Bucket=bucket, Key="validation/rows.csv", Body=to_csv(rows[8000:]))
    job = training_request(bucket, [channel("train", f"s3://{bucket}/train"),
                                    channel("validation", f"s3://{bucket}/validation/")],
                           image=request.param, num_round=30, eval_metric="auc")
    answer = train(server, job)
    assert answer["TrainingJobStatus"] == "Completed", answer.get("FailureReason")
    return answer


def test_the_model_is_what_xgboost_makes_of_the_same_rows(server, rows, trained):
    model = booster(server, trained["ModelArtifacts"]["S3ModelArtifacts"])
    matrix = xgboost.DMatrix(numpy.array([x for _, x in rows[8000:]], numpy.float32))
    answers = model.predict(matrix)
    assert len(answers) == 2000
    if "xgboost:3" not in trained["AlgorithmSpecification"]["TrainingImage"]:
        return  # 1.7 has another library than this Python
    reference = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 4},
        xgboost.DMatrix(numpy.array([x for _, x in rows[:8000]], numpy.float32),
                        [y for y, _ in rows[:8000]]), 30)
    numpy.testing.assert_allclose(answers, reference.predict(matrix), rtol=1e-5)


def test_the_log_and_the_metrics_say_what_happened(server, trained):
    logs, name = server.client("logs"), trained["TrainingJobName"]
    streams = logs.describe_log_streams(logGroupName=LOGS, logStreamNamePrefix=name + "/")
    assert "nextToken" not in streams  # the SDK would ask for ever
    stream = streams["logStreams"][0]["logStreamName"]
    page = logs.get_log_events(logGroupName=LOGS, logStreamName=stream, startFromHead=True)
    messages = [event["message"] for event in page["events"]]
    rounds = [m for m in messages if "#011validation-auc:" in m]
    assert len(rounds) == 30 and "[29]#011train-auc:" in rounds[-1]
    rest = logs.get_log_events(logGroupName=LOGS, logStreamName=stream,
                               nextToken=page["nextForwardToken"])
    assert rest["events"] == [] and rest["nextForwardToken"] == page["nextForwardToken"]
    filtered = logs.filter_log_events(logGroupName=LOGS, logStreamNamePrefix=name + "/",
                                      filterPattern='"validation-auc"')
    assert [event["message"] for event in filtered["events"]] == rounds

    final = {m["MetricName"]: m["Value"] for m in trained["FinalMetricDataList"]}
    assert final["validation:auc"] == pytest.approx(
        float(rounds[-1].split("validation-auc:")[1]), abs=1e-5)
    points = server.client("cloudwatch").get_metric_statistics(
        Namespace=LOGS, MetricName="validation:auc", Period=60, Statistics=["SampleCount"],
        Dimensions=[{"Name": "TrainingJobName", "Value": name}],
        StartTime=trained["TrainingStartTime"], EndTime=trained["TrainingEndTime"])
    assert sum(point["SampleCount"] for point in points["Datapoints"]) == 30


def test_describe_tells_the_job_as_clients_read_it(server, trained):
    assert trained["SecondaryStatus"] == "Completed"
    steps = [step["Status"] for step in trained["SecondaryStatusTransitions"]]
    assert steps == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(step["StatusMessage"] for step in trained["SecondaryStatusTransitions"])
    assert trained["OutputDataConfig"]["KmsKeyId"] == ""
    assert trained["TrainingJobArn"].endswith(":training-job/" + trained["TrainingJobName"])
    assert trained["BillableTimeInSeconds"] >= 1
    assert trained["HyperParameters"]["num_round"] == "30"


def test_the_endpoint_answers_what_xgboost_would_have_said(server, rows, trained):
    uri = trained["ModelArtifacts"]["S3ModelArtifacts"]
    name = deploy(server, uri, trained["AlgorithmSpecification"]["TrainingImage"])
    runtime, test = server.client("sagemaker-runtime"), rows[8000:]
    expected = booster(server, uri).predict(
        xgboost.DMatrix(numpy.array([x for _, x in test], numpy.float32)))
    reply = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv",
                                    Body=to_csv(test, label=False))
    got = numpy.array(scores(reply["Body"].read()), numpy.float32)
    numpy.testing.assert_array_max_ulp(got, expected, 1)
    assert reply["InvokedProductionVariant"] == "AllTraffic"
    assert reply["ContentType"].startswith("text/csv")
    as_json = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv",
                                      Accept="application/json",
                                      Body=to_csv(test[:3], label=False).rstrip("\n"))
    values = [p["score"] for p in json.loads(as_json["Body"].read())["predictions"]]
    numpy.testing.assert_array_max_ulp(numpy.array(values, numpy.float32), expected[:3], 1)


@pytest.mark.parametrize("body, kind, accept, status, words", [
    (b"1,2,3,4,5,6,7,8\n", "text/csv", "text/csv", 400, "(6 vs. 8)"),
    (b"1,2,3,x,5,6\n", "text/csv", "text/csv", 415, "column 4"),
    (b"{}", "application/x-parquet", "text/csv", 415, "not supported"),
    (b"1,2,3,4,5,6\n", "text/csv", "image/png", 406, "image/png"),
])
def test_what_the_model_refuses_comes_back_as_a_model_error(server, trained, body, kind, accept,
                                                            status, words):
    name = deploy(server, trained["ModelArtifacts"]["S3ModelArtifacts"])
    with pytest.raises(ClientError) as refused:
        server.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=name, Body=body, ContentType=kind, Accept=accept)
    answer = refused.value.response
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == status
    assert words in answer["OriginalMessage"]


def test_an_endpoint_survives_a_restart_and_a_model_that_is_none_is_refused(server_factory, rows):
    server = server_factory()
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="restart")
    s3.put_object(Bucket="restart", Key="train.csv", Body=to_csv(rows[:500]))
    job = train(server, training_request("restart", [channel("train", "s3://restart/train.csv")]))
    name = deploy(server, job["ModelArtifacts"]["S3ModelArtifacts"])
    body = to_csv(rows[500:510], label=False)

    def ask():
        return server.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=name, ContentType="text/csv", Body=body)["Body"].read()

    before = ask()
    server.kill()
    server.start()
    assert ask() == before

    s3.put_object(Bucket="restart", Key="broken.tar.gz", Body=b"no archive at all")
    sagemaker.create_model(ModelName="broken", ExecutionRoleArn="arn:aws:iam::000000000000:role/R",
                           PrimaryContainer={"Image": XGBOOST,
                                             "ModelDataUrl": "s3://restart/broken.tar.gz"})
    sagemaker.create_endpoint_config(EndpointConfigName="broken", ProductionVariants=[
        {"VariantName": "v", "ModelName": "broken", "InitialInstanceCount": 1,
         "InstanceType": "ml.m5.large"}])
    sagemaker.create_endpoint(EndpointName="broken", EndpointConfigName="broken")
    answer = server.wait_for(lambda: sagemaker.describe_endpoint(EndpointName="broken"),
                             "EndpointStatus", ("InService", "Failed"))
    assert answer["EndpointStatus"] == "Failed"
    assert "s3://restart/broken.tar.gz" in answer["FailureReason"]
