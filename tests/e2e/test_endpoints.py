"""Endpoints under traffic: variants and weights, updates that fail no request, captured records."""

import json
import threading

import pytest
from botocore.exceptions import ClientError

from sagemaker_jobs import (ROLE, XGBOOST, channel, deploy, scores, train, training_request, unique)


@pytest.fixture(scope="module")
def models(server):
    """Two models of one feature: the first says yes from 50 on, the second below."""
    bucket = unique("models")
    server.client("s3").create_bucket(Bucket=bucket)
    uris = []
    for label in (lambda i: int(i >= 50), lambda i: int(i < 50)):
        server.client("s3").put_object(
            Bucket=bucket, Key=f"{len(uris)}/rows.csv",
            Body="".join(f"{label(i)},{i},0\n" for i in range(100)))
        job = train(server, training_request(
            bucket, [channel("train", f"s3://{bucket}/{len(uris)}/")]))
        uris.append(job["ModelArtifacts"]["S3ModelArtifacts"])
    return uris


def make_config(server, variants, **more):
    """variants: (name, model, weight); the configuration's name."""
    name = unique("config")
    server.client("sagemaker").create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[
            {"VariantName": variant, "ModelName": model, "InitialInstanceCount": 1,
             "InstanceType": "ml.m5.large", "InitialVariantWeight": weight}
            for variant, model, weight in variants], **more)
    return name


def make_model(server, uri):
    name = unique("model")
    server.client("sagemaker").create_model(
        ModelName=name, ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": XGBOOST, "ModelDataUrl": uri})
    return name


def in_service(server, name):
    sagemaker = server.client("sagemaker")
    answer = server.wait_for(lambda: sagemaker.describe_endpoint(EndpointName=name),
                             "EndpointStatus", ("InService", "Failed"))
    assert answer["EndpointStatus"] == "InService", answer.get("FailureReason")
    return answer


def test_traffic_follows_the_weights_and_the_target(server, models):
    sagemaker, runtime = server.client("sagemaker"), server.client("sagemaker-runtime")
    a = make_model(server, models[0])
    b = make_model(server, models[1].replace("s3://", "https://s3.us-east-1.amazonaws.com/"))
    name = unique("endpoint")
    sagemaker.create_endpoint(EndpointName=name,
                              EndpointConfigName=make_config(server, [("A", a, 3), ("B", b, 1)]))
    in_service(server, name)

    def ask(**target):
        reply = runtime.invoke_endpoint(EndpointName=name, Body=b"80,0", ContentType="text/csv",
                                        **target)
        variant = reply["InvokedProductionVariant"]
        # Each variant's answer is its own model's.
        assert (scores(reply["Body"].read())[0] > 0.5) == (variant == "A")
        return variant

    counts = [ask() for _ in range(200)]
    assert 140 <= counts.count("A") <= 160
    assert {ask(TargetVariant="B") for _ in range(5)} == {"B"}
    with pytest.raises(ClientError) as missing:
        ask(TargetVariant="C")
    assert missing.value.response["Error"]["Code"] == "ValidationError"
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "A", "DesiredWeight": 0}])
    described = in_service(server, name)
    assert {v["VariantName"]: v["CurrentWeight"] for v in described["ProductionVariants"]} == \
        {"A": 0, "B": 1}
    assert {ask() for _ in range(20)} == {"B"}


def test_an_update_fails_no_request(server, models):
    sagemaker = server.client("sagemaker")
    name = deploy(server, models[0])
    configs = [make_config(server, [("v", make_model(server, uri), 1)]) for uri in models]
    stop, failures, answers = threading.Event(), [], set()

    def ask():
        runtime = server.client("sagemaker-runtime")
        while not stop.is_set():
            try:
                body = runtime.invoke_endpoint(EndpointName=name, Body=b"80,0",
                                               ContentType="text/csv")["Body"].read()
                answers.add(scores(body)[0] > 0.5)
            except ClientError as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(10):
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=configs[i % 2])
        assert in_service(server, name)["EndpointConfigName"] == configs[i % 2]
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert answers == {True, False}


def test_an_update_to_a_model_that_is_none_leaves_the_endpoint_in_service(server, models, bucket):
    sagemaker = server.client("sagemaker")
    name = deploy(server, models[0])
    server.client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=b"no archive")
    broken = make_model(server, f"s3://{bucket}/model.tar.gz")
    sagemaker.update_endpoint(EndpointName=name,
                              EndpointConfigName=make_config(server, [("v", broken, 1)]))
    answer = in_service(server, name)
    assert "model.tar.gz" in answer["FailureReason"]
    assert scores(server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, Body=b"80,0", ContentType="text/csv")["Body"].read())[0] > 0.5


def test_an_endpoint_whose_model_is_gone_is_failed_after_a_restart(server_factory):
    server = server_factory()
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="rows.csv", Body="".join(f"{i % 2},{i},0\n" for i in range(50)))
    uri = train(server, training_request("kept", [channel("train", "s3://kept/rows.csv")]))[
        "ModelArtifacts"]["S3ModelArtifacts"]
    s3.copy_object(Bucket="kept", Key="copy.tar.gz", CopySource=uri.removeprefix("s3://"))
    stays, goes = deploy(server, uri), deploy(server, "s3://kept/copy.tar.gz")
    s3.delete_object(Bucket="kept", Key="copy.tar.gz")
    server.restart()
    answer = sagemaker.describe_endpoint(EndpointName=goes)
    assert answer["EndpointStatus"] == "Failed"
    assert "copy.tar.gz" in answer["FailureReason"]
    assert sagemaker.describe_endpoint(EndpointName=stays)["EndpointStatus"] == "InService"
    # Once its model is back, an update brings it back to service.
    s3.copy_object(Bucket="kept", Key="copy.tar.gz", CopySource=uri.removeprefix("s3://"))
    sagemaker.update_endpoint(EndpointName=goes, EndpointConfigName=goes)
    assert "FailureReason" not in in_service(server, goes)
    for name in stays, goes:
        server.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"1,0",
                                                           ContentType="text/csv")


def test_captured_traffic_lands_in_the_lake(server, models, bucket):
    sagemaker, runtime = server.client("sagemaker"), server.client("sagemaker-runtime")
    config = make_config(server, [("v", make_model(server, models[0]), 1)], DataCaptureConfig={
        "EnableCapture": True, "InitialSamplingPercentage": 50,
        "DestinationS3Uri": f"s3://{bucket}/capture/",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]}})
    name = unique("endpoint")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert in_service(server, name)["DataCaptureConfig"]["CaptureStatus"] == "Started"
    sent = [f"{i},0" for i in range(20)]
    got = [runtime.invoke_endpoint(EndpointName=name, Body=row, ContentType="text/csv",
                                   InferenceId=f"id-{row}")["Body"].read().decode()
           for row in sent]

    def records():
        lines = []
        for entry in server.client("s3").list_objects_v2(
                Bucket=bucket, Prefix=f"capture/{name}/v/").get("Contents", []):
            body = server.client("s3").get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            lines += [json.loads(line) for line in body.splitlines()]
        return lines

    assert not records()  # a minute after the first, and not before
    server.move_clock(60)
    lines = records()
    assert len(lines) == 10  # half of twenty, exactly
    for line in lines:
        data, metadata = line["captureData"], line["eventMetadata"]
        row = data["endpointInput"]["data"]
        assert data["endpointInput"]["encoding"] == "CSV"
        assert data["endpointInput"]["mode"] == "INPUT"
        assert data["endpointOutput"]["data"] == got[sent.index(row)]
        assert metadata["inferenceId"] == f"id-{row}"
        assert line["eventVersion"] == "0" and metadata["inferenceTime"].endswith("Z")


def test_what_is_deleted_is_gone(server, models):
    sagemaker = server.client("sagemaker")
    name = deploy(server, models[0])
    assert name in [e["EndpointName"] for e in
                    sagemaker.list_endpoints(NameContains=name)["Endpoints"]]
    with pytest.raises(ClientError) as taken:
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert taken.value.response["Error"]["Message"].startswith(
        "Cannot create already existing endpoint")
    sagemaker.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError) as gone:
        sagemaker.describe_endpoint(EndpointName=name)
    assert gone.value.response["Error"]["Code"] == "ValidationException"
    assert "Could not find endpoint" in gone.value.response["Error"]["Message"]
    with pytest.raises(ClientError) as unanswered:
        server.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"1",
                                                           ContentType="text/csv")
    assert unanswered.value.response["Error"]["Code"] == "ValidationError"
    assert unanswered.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_model(ModelName=name)
    with pytest.raises(ClientError):
        sagemaker.delete_model(ModelName=name)
