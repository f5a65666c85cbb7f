"""Training jobs' lives: what is refused, stopped, found, and cut off by a crash."""

import json
import pathlib
import re
import shutil
import time

import numpy as np
import pytest
import xgboost
from botocore.exceptions import ClientError

from sagemaker_jobs import (XGBOOST, XGBOOST_1, booster, channel, deploy, model_bytes, scores, train,
                            training_request, unique, wait_for_job)

ROWS = "".join(f"{i % 2},{i},{i * 7 % 13}\n" for i in range(200))


@pytest.fixture
def prepared(server, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="train/rows.csv", Body=ROWS)
    return bucket


def request_for(bucket, **settings):
    return training_request(bucket, [channel("train", f"s3://{bucket}/train/")], **settings)


@pytest.mark.parametrize("text, words", [
    ("", ["train"]),
    ("label,a,b\n1,2,3\n", ["rows.csv", "header"]),
    ("1,2,3\n0,4\n", ["rows.csv", "line 2"]),
    ("1,2,3\n0,4,five\n", ["rows.csv", "line 2", "column 3", "five"]),
    ("1,2,3\n7,4,5\n", ["label", "7"]),
])
def test_bad_rows_fail_the_job_with_a_reason_that_names_the_place(server, bucket, text, words):
    server.client("s3").put_object(Bucket=bucket, Key="train/rows.csv", Body=text)
    job = train(server, request_for(bucket))
    assert job["TrainingJobStatus"] == "Failed"
    for word in words:
        assert word in job["FailureReason"]
    assert "Contents" not in server.client("s3").list_objects_v2(Bucket=bucket, Prefix="out/")


@pytest.mark.parametrize("kind", ["S3Prefix", "ManifestFile"])
@pytest.mark.parametrize("bucket_there", [True, False])
def test_inputs_without_objects_are_told_at_creation(server, bucket, kind, bucket_there):
    bucket_name = bucket if bucket_there else "nowhere-" + bucket
    uri = f"s3://{bucket_name}/train"
    request = training_request(bucket, [channel("train", uri)])
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataType"] = kind
    with pytest.raises(ClientError) as refused:
        server.client("sagemaker").create_training_job(**request)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert refused.value.response["Error"]["Message"] == (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists '
        f'in the selected region (us-east-1), that objects exist under that S3 prefix, and that the role '
        f'"{request["RoleArn"]}" has "s3:ListBucket" permissions on bucket "{bucket_name}".')
    with pytest.raises(ClientError):
        server.client("sagemaker").describe_training_job(TrainingJobName=request["TrainingJobName"])


@pytest.mark.parametrize("change", [{"OutputDataConfig": {"S3OutputPath": "s3://nowhere-at-all/out"}},
                                    {"CheckpointConfig": {"S3Uri": "s3://nowhere-at-all/out"}}])
def test_a_missing_output_bucket_is_the_clients_fault_and_no_round_is_trained(server, prepared, change):
    job = train(server, {**request_for(prepared), **change})
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ") and "s3://nowhere-at-all/out" in job["FailureReason"]
    assert "Training" not in [one["Status"] for one in job["SecondaryStatusTransitions"]]


def test_describe_has_what_aws_always_sends(server, prepared):
    job = train(server, request_for(prepared))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    for member in "EnableNetworkIsolation", "EnableManagedSpotTraining", "EnableInterContainerTrafficEncryption":
        assert job[member] is False
    assert job["ProfilingStatus"] == "Disabled" and job["OutputDataConfig"]["KmsKeyId"] == ""
    assert {job["InputDataConfig"][0][member] for member in ("CompressionType", "RecordWrapperType")} == {"None"}
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1
    assert [one["Status"] for one in job["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Uploading", "Completed"]
    asked = train(server, {**request_for(prepared), "EnableNetworkIsolation": True})
    assert asked["EnableNetworkIsolation"] is True and asked["EnableManagedSpotTraining"] is False


def test_several_instances_are_one_host_and_the_log_says_so(server, prepared):
    request = request_for(prepared)
    alone, two = train(server, request), train(server, {
        **request, "TrainingJobName": request["TrainingJobName"] + "-two",
        "ResourceConfig": {**request["ResourceConfig"], "InstanceCount": 2}})
    assert two["TrainingJobStatus"] == "Completed" and two["ResourceConfig"]["InstanceCount"] == 2
    models = [model_bytes(server, job["ModelArtifacts"]["S3ModelArtifacts"]) for job in (alone, two)]
    assert models[0] == models[1]
    messages = [event["message"] for event in server.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs",
        logStreamNamePrefix=two["TrainingJobName"])["events"]]
    assert messages[0].startswith("InstanceCount is 2: the job runs on one host, algo-1")


@pytest.mark.parametrize("change, words", [
    ({"HyperParameters": {"num_round": "10", "max_depht": "3"}}, "max_depth"),
    ({"HyperParameters": {"num_round": "ten"}}, "num_round"),
])
def test_wrong_hyperparameters_fail_before_training(server, prepared, change, words):
    job = train(server, {**request_for(prepared), **change})
    assert job["TrainingJobStatus"] == "Failed"
    assert words in job["FailureReason"]


@pytest.mark.parametrize("change, code, words", [
    ({"ResourceConfig": {"VolumeSizeInGB": 1, "InstanceGroups": [
        {"InstanceGroupName": "one", "InstanceType": "ml.m5.large", "InstanceCount": 1}]}},
     "ValidationException", "InstanceGroups"),
    ({"AlgorithmSpecification": {"TrainingImage": "1.dkr.ecr.x.amazonaws.com/tensorflow:2",
                                 "TrainingInputMode": "File"}},
     "ValidationException", "tensorflow"),
    ({"TrainingJobName": "no_underscores"}, "ValidationException", "trainingJobName"),
    ({"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90}},
     "ValidationException", "Invalid MaxWaitTimeInSeconds. It is only supported when "
                            "EnableManagedSpotTraining is set to true"),
    ({"StoppingCondition": {"MaxRuntimeInSeconds": 60}, "EnableManagedSpotTraining": True},
     "ValidationException", "Invalid MaxWaitTimeInSeconds. It must be present"),
    ({"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59},
      "EnableManagedSpotTraining": True}, "ValidationException",
     "greater than or equal to MaxRuntimeInSeconds"),
])
def test_what_cannot_run_is_refused_at_once(server, prepared, change, code, words):
    with pytest.raises(ClientError) as refused:
        server.client("sagemaker").create_training_job(**{**request_for(prepared), **change})
    assert refused.value.response["Error"]["Code"] == code
    assert words in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize("global_mode, channel_mode", [("Pipe", None), ("File", "Pipe"), ("Pipe", "FastFile")])
def test_the_first_image_trains_from_pipes_into_a_pickle(server, prepared, global_mode, channel_mode):
    request = request_for(prepared, silent=0, unheard_of=1,
                          image="811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1")
    request["AlgorithmSpecification"]["TrainingInputMode"] = global_mode
    if channel_mode:
        request["InputDataConfig"][0]["InputMode"] = channel_mode
    job = train(server, request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert b"xgboost.core\nBooster" in model_bytes(server, job["ModelArtifacts"]["S3ModelArtifacts"])
    messages = [event["message"] for event in server.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs",
        logStreamNamePrefix=job["TrainingJobName"] + "/")["events"]]
    assert any("Running XGBoost 0.72 of the image 0.72" in message for message in messages)
    last = [message for message in messages if message.startswith("[9]")][0]
    final = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert final == {"train:" + name: float(value) for name, value in re.findall(r"train-(\S+?):(\S+)", last)}


def test_an_early_images_pickle_is_served(server, prepared):
    first, later = (train(server, request_for(prepared, image=image))["ModelArtifacts"]["S3ModelArtifacts"]
                    for image in ("811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1", XGBOOST_1))
    endpoint = deploy(server, first, image=XGBOOST_1.replace("1.7-1", "0.90-2-cpu-py3"))
    rows = [[float(i), float(i * 7 % 13)] for i in range(20)]
    answer = server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="text/csv", Body="\n".join(f"{a},{b}" for a, b in rows))
    expected = booster(server, later).predict(xgboost.DMatrix(np.array(rows, np.float32)))
    assert scores(answer["Body"].read()) == pytest.approx(list(map(float, expected)), abs=1e-6)


def test_names_are_unique_listed_searched_and_tagged(server, prepared):
    sagemaker = server.client("sagemaker")
    request = {**request_for(prepared), "Tags": [{"Key": "team", "Value": unique("blue")}]}
    job = train(server, request)
    name = request["TrainingJobName"]
    with pytest.raises(ClientError) as taken:
        sagemaker.create_training_job(**request)
    assert taken.value.response["Error"]["Code"] == "ResourceInUse"
    with pytest.raises(ClientError) as missing:
        sagemaker.describe_training_job(TrainingJobName="no-such-job")
    assert missing.value.response["Error"]["Code"] == "ValidationException"
    assert "not found" in missing.value.response["Error"]["Message"].lower()

    listed = sagemaker.list_training_jobs(NameContains=name[4:], StatusEquals="Completed")
    assert [entry["TrainingJobName"] for entry in listed["TrainingJobSummaries"]] == [name]
    tags = sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert tags == request["Tags"]

    def found(name_, value, operator="Equals"):
        results = sagemaker.search(Resource="TrainingJob", SearchExpression={
            "Filters": [{"Name": name_, "Operator": operator, "Value": value}]})["Results"]
        return [result["TrainingJob"]["TrainingJobName"] for result in results]

    assert found("ModelArtifacts.S3ModelArtifacts",
                 job["ModelArtifacts"]["S3ModelArtifacts"]) == [name]
    assert found("Tags.team", tags[0]["Value"]) == [name]
    assert found("TrainingJobName", "no-such-job") == []
    assert name in found("HyperParameters.num_round", "9", "GreaterThan")
    assert name not in found("HyperParameters.num_round", "10", "GreaterThan")


def slow_request(bucket):
    """Enough rounds to be caught running."""
    return request_for(bucket, num_round=1000000, save_model_on_termination="true")


def wait_until_training(server, name):
    sagemaker = server.client("sagemaker")
    server.wait_for(lambda: sagemaker.describe_training_job(TrainingJobName=name),
                    "SecondaryStatus", ("Training", "Failed", "Completed"))
    logs = server.client("logs")
    while not logs.filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs",
                                     logStreamNamePrefix=name + "/",
                                     filterPattern="train-logloss")["events"]:
        time.sleep(0.05)


def test_a_job_can_be_stopped_and_keeps_its_model(server, prepared):
    sagemaker, request = server.client("sagemaker"), slow_request(prepared)
    name = request["TrainingJobName"]
    sagemaker.create_training_job(**request)
    wait_until_training(server, name)
    sagemaker.stop_training_job(TrainingJobName=name)
    job = wait_for_job(server, name)
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith(f"{name}/output/model.tar.gz")
    with pytest.raises(ClientError) as refused:
        sagemaker.stop_training_job(TrainingJobName=name)
    assert "Stopped" in refused.value.response["Error"]["Message"]


def test_a_job_that_runs_too_long_is_stopped(server, prepared):
    request = {**slow_request(prepared), "StoppingCondition": {"MaxRuntimeInSeconds": 1}}
    job = train(server, request)
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_checkpoints_are_stored_and_resumed_from(server, prepared):
    uri = f"s3://{prepared}/checkpoints"
    checkpoints = {"CheckpointConfig": {"S3Uri": uri}}
    first = train(server, {**request_for(prepared, num_round=7), **checkpoints})
    assert first["TrainingJobStatus"] == "Completed"
    keys = [entry["Key"] for entry in server.client("s3").list_objects_v2(
        Bucket=prepared, Prefix="checkpoints/")["Contents"]]
    assert keys and all("xgboost-checkpoint" in key for key in keys)
    second = train(server, {**request_for(prepared, num_round=9), **checkpoints})
    assert second["TrainingJobStatus"] == "Completed"
    messages = [event["message"] for event in server.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs",
        logStreamNamePrefix=second["TrainingJobName"] + "/")["events"]]
    rounds = [m for m in messages if "#011train-" in m]
    assert len(rounds) == 2 and rounds[-1].startswith("[8]") or "[8]#011" in rounds[-1]


def test_a_kill_of_the_server_fails_its_jobs_and_touches_nothing_else(server_factory):
    server = server_factory()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="crash")
    s3.put_object(Bucket="crash", Key="train/rows.csv", Body=ROWS)
    request = slow_request("crash")
    place = f"out/{request['TrainingJobName']}/output/"
    own = {place + name: name.encode() for name in ("model.tar.gz", "notes.txt", "checkpoints/1")}
    for key, body in own.items():
        s3.put_object(Bucket="crash", Key=key, Body=body)
    server.client("sagemaker").create_training_job(**request)
    wait_until_training(server, request["TrainingJobName"])
    server.kill()
    server.start()
    job = server.client("sagemaker").describe_training_job(
        TrainingJobName=request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Failed"
    assert "ended unexpectedly" in job["FailureReason"]
    listed = s3.list_objects_v2(Bucket="crash", Prefix="out/")["Contents"]
    assert {item["Key"]: s3.get_object(Bucket="crash", Key=item["Key"])["Body"].read()
            for item in listed} == own, "what a user had put there is not as it was"
    again = train(server, request_for("crash"))
    assert again["TrainingJobStatus"] == "Completed"


def test_parquet_trains_the_same_model_as_csv(server, bucket):
    arrow = pytest.importorskip("pyarrow")
    import io

    import pyarrow.parquet

    columns = {"label": [i % 2 for i in range(200)], "a": [float(i) for i in range(200)],
               "b": [None if i % 11 == 0 else i * 7 % 13 for i in range(200)]}
    file = io.BytesIO()
    pyarrow.parquet.write_table(arrow.table(columns), file)
    s3 = server.client("s3")
    s3.put_object(Bucket=bucket, Key="parquet/rows.parquet", Body=file.getvalue())
    s3.put_object(Bucket=bucket, Key="csv/rows.csv", Body="".join(
        f"{y},{a},{'' if b is None else b}\n" for y, a, b in zip(*columns.values())))
    dumps = []
    for kind, content_type in (("parquet", "application/x-parquet"), ("csv", "text/csv")):
        job = train(server, training_request(
            bucket, [channel("train", f"s3://{bucket}/{kind}/", content_type)]))
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        dumps.append(booster(server, job["ModelArtifacts"]["S3ModelArtifacts"]).get_dump())
    assert dumps[0] == dumps[1]


def test_jobs_run_on_when_the_program_is_replaced_under_the_server(server_factory, lathe, tmp_path):
    program = tmp_path / "lathe"
    shutil.copy(lathe, program)
    server = server_factory(start=False)
    server.binary = program
    server.start()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="upgrade")
    s3.put_object(Bucket="upgrade", Key="train/rows.csv", Body=ROWS)
    program.unlink()
    job = train(server, request_for("upgrade", image=XGBOOST_1))  # a library of the system
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


def processes_of(folder):
    return [path.parent for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")
            if str(folder).encode() in path.read_bytes()]


def test_what_a_request_calls_its_environment_does_not_reach_the_loader(server, prepared):
    """What runs is the server's program as the server's user: LD_PRELOAD and its like would make it
    run an object that somebody uploaded."""
    given = {"LD_PRELOAD": "input/data/train/rows.csv", "LD_AUDIT": "input/data/train/rows.csv",
             "LATHE_XGBOOST_LIBRARY": "input/data/train/rows.csv", "GLIBC_TUNABLES": "glibc.x=1",
             "MALLOC_PERTURB_": "7", "OMP_NUM_THREADS": "63", "LATHE_REPORT_FD": "1"}
    request = {**slow_request(prepared), "Environment": given}
    sagemaker, name = server.client("sagemaker"), request["TrainingJobName"]
    sagemaker.create_training_job(**request)
    wait_until_training(server, name)
    folder = server.home / "jobs" / f"training-job-{name}"
    [process] = processes_of(folder)
    environment = (process / "environ").read_bytes().decode().split("\0")
    assert not {f"{key}={value}" for key, value in given.items()} & set(environment)
    assert json.loads((folder / "input/config/environment.json").read_text()) == given
    sagemaker.stop_training_job(TrainingJobName=name)
    assert wait_for_job(server, name)["TrainingJobStatus"] == "Stopped"
