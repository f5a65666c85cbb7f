"""Processing jobs with boto3: features and evaluations, what is refused, failed, stopped, listed,
and cut off by a crash."""

import io
import json
import tarfile
import time

import numpy
import pytest
import xgboost
from botocore.exceptions import ClientError
from sklearn import metrics

from sagemaker_jobs import ROLE, XGBOOST, unique

REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com/"
FEATURES, EVALUATE = REGISTRY + "lathe-features:latest", REGISTRY + "lathe-evaluate"
LOGS = "/aws/sagemaker/ProcessingJobs"
ENDS = ("Completed", "Failed", "Stopped")
SPECIFICATION = """
labelCol: y
split: {train: 0.7, test: 0.3, seed: 1}
stages:
  - {type: StringIndexer, inputCol: kind, outputCol: index, stringOrderType: alphabetAsc}
  - {type: VectorAssembler, inputCols: [id, index], outputCol: features}
"""


def data(rows):
    return "id,kind,y\n" + "".join(f"{i},{'ab'[i % 2]},{i % 2}\n" for i in range(rows))


def source(name, uri, folder=None):
    return {"InputName": name, "S3Input": {
        "S3Uri": uri, "LocalPath": folder or f"/opt/ml/processing/input/{name}",
        "S3DataType": "S3Prefix", "S3InputMode": "File"}}


def target(name, uri, folder=None):
    return {"OutputName": name, "S3Output": {
        "S3Uri": uri, "LocalPath": folder or f"/opt/ml/processing/output/{name}",
        "S3UploadMode": "EndOfJob"}}


def request_for(image, inputs, outputs, **more):
    return {"ProcessingJobName": unique("processing"), "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": image}, "ProcessingInputs": inputs,
            "ProcessingOutputConfig": {"Outputs": outputs},
            "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "VolumeSizeInGB": 1,
                                                      "InstanceType": "ml.m5.large"}}, **more}


@pytest.fixture
def prepared(server, bucket):
    """The request of a job that fits features on 200 rows of the bucket."""
    s3 = server.client("s3")
    s3.put_object(Bucket=bucket, Key="config/features.yaml", Body=SPECIFICATION)
    s3.put_object(Bucket=bucket, Key="data/rows.csv", Body=data(200))
    return features_request(bucket)


def features_request(bucket, **more):
    return request_for(
        FEATURES, [source("config", f"s3://{bucket}/config"),
                   source("data", f"s3://{bucket}/data/")],
        [target(name, f"s3://{bucket}/out/{name}") for name in ("train", "test", "bundle")], **more)


def describe(server, name):
    return server.client("sagemaker").describe_processing_job(ProcessingJobName=name)


def finish(server, name):
    return server.wait_for(lambda: describe(server, name), "ProcessingJobStatus", ENDS)


def run(server, request):
    server.client("sagemaker").create_processing_job(**request)
    return finish(server, request["ProcessingJobName"])


def read(server, bucket, key):
    return server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def keys(server, bucket, prefix):
    listed = server.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", [])]


def messages(server, name):
    """The log's lines; the job's end and its last line are written by different threads."""
    logs = server.client("logs")
    streams = logs.describe_log_streams(logGroupName=LOGS, logStreamNamePrefix=name + "/")
    [stream] = [stream["logStreamName"] for stream in streams["logStreams"]]
    events = logs.get_log_events(logGroupName=LOGS, logStreamName=stream, startFromHead=True)
    return [event["message"] for event in events["events"]]


# --- what jobs do -------------------------------------------------------------------------------


def test_features_are_fitted_and_their_outputs_stored(server, bucket, prepared):
    job = run(server, prepared)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert keys(server, bucket, "out/") == ["out/bundle/model.tar.gz", "out/test/test.csv",
                                            "out/train/train.csv"]
    parts = [numpy.loadtxt(io.BytesIO(read(server, bucket, f"out/{part}/{part}.csv")),
                           delimiter=",") for part in ("train", "test")]
    assert [len(part) for part in parts] == [140, 60]
    rows = numpy.concatenate(parts)
    assert sorted(rows[:, 1]) == [*range(200)]
    assert (rows[:, 0] == rows[:, 1] % 2).all() and (rows[:, 2] == rows[:, 1] % 2).all()
    with tarfile.open(fileobj=io.BytesIO(read(server, bucket, "out/bundle/model.tar.gz"))) as tar:
        assert any(name.endswith("bundle.json") for name in tar.getnames())
    assert any("train: 140 rows" in line
               for line in messages(server, prepared["ProcessingJobName"]))


def test_describe_repeats_the_request_and_tells_the_times(server, prepared):
    prepared = {**prepared, "Environment": {"WHY": "because"}, "StoppingCondition":
                {"MaxRuntimeInSeconds": 60}, "AppSpecification": {"ImageUri": FEATURES}}
    job = run(server, prepared)
    for member in ("ProcessingJobName", "ProcessingInputs", "AppSpecification", "RoleArn",
                   "Environment", "StoppingCondition"):
        assert job[member] == prepared[member]
    assert job["ProcessingJobArn"].endswith(":processing-job/" + job["ProcessingJobName"])
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    assert "FailureReason" not in job
    unlimited = {name: value for name, value in prepared.items() if name != "StoppingCondition"}
    job = run(server, {**unlimited, "ProcessingJobName": unique("job")})
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}


def test_a_model_is_evaluated(server, bucket):
    random = numpy.random.default_rng(3)
    rows = random.standard_normal((500, 3)).astype(numpy.float32).round(3)
    labels = (rows[:, 0] + random.standard_normal(500) / 3 > 0).astype(int)
    model = xgboost.train({"objective": "binary:logistic", "nthread": 1},
                          xgboost.DMatrix(rows[:300], labels[:300]), 10)
    archive, raw = io.BytesIO(), bytes(model.save_raw("ubj"))
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("xgboost-model")
        entry.size = len(raw)
        tar.addfile(entry, io.BytesIO(raw))
    s3 = server.client("s3")
    s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=archive.getvalue())
    s3.put_object(Bucket=bucket, Key="test/test.csv", Body="".join(
        f"{y},{','.join(map(str, x))}\n" for y, x in zip(labels[300:], rows[300:].tolist())))
    request = request_for(EVALUATE, [source("model", f"s3://{bucket}/model.tar.gz"),
                                     source("test", f"s3://{bucket}/test")],
                          [target("evaluation", f"s3://{bucket}/evaluation/")])
    job = run(server, request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    report = json.loads(read(server, bucket, "evaluation/evaluation.json"))
    got = report["binary_classification_metrics"]
    scores = model.predict(xgboost.DMatrix(rows[300:]))
    assert got["auc"]["value"] == pytest.approx(metrics.roc_auc_score(labels[300:], scores))
    assert got["f1"]["value"] == pytest.approx(metrics.f1_score(labels[300:], scores >= 0.5))
    assert any(line.startswith("auc ") for line in messages(server, job["ProcessingJobName"]))


def test_an_output_that_the_job_did_not_write_is_empty(server, bucket, prepared):
    prepared["ProcessingOutputConfig"]["Outputs"].append(
        target("validation", f"s3://{bucket}/out/validation"))
    assert run(server, prepared)["ProcessingJobStatus"] == "Completed"
    assert keys(server, bucket, "out/validation") == []


# --- what stays as it is ------------------------------------------------------------------------


PLACES = "/opt/ml/processing/"


@pytest.mark.parametrize("inputs, outputs, words", [
    (["output/train"], ["output/train"], ["input i0 and output o0 overlap"]),
    (["x", "output/train/below"], ["y", "output/train"], ["input i1 and output o1 overlap"]),
    (["output"], ["output/train"], ["input i0", "/opt/ml/processing/output/train"]),
    (["z/../output//train/"], ["output/./train"], ["input i0 and output o0 overlap"]),
    ([], ["output/a", "output/a/b"], ["output o0 and output o1 overlap"]),
    (["../data"], [], ["../data"]),
])
def test_places_that_overlap_are_refused(server, bucket, inputs, outputs, words):
    request = request_for(
        FEATURES, [source(f"i{n}", f"s3://{bucket}/in", PLACES + at) for n, at in enumerate(inputs)],
        [target(f"o{n}", f"s3://{bucket}/out", PLACES + at) for n, at in enumerate(outputs)])
    with pytest.raises(ClientError) as refused:
        server.client("sagemaker").create_processing_job(**request)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    for word in words:
        assert word in refused.value.response["Error"]["Message"]


def test_places_that_only_look_alike_do_not_overlap(server, bucket, prepared):
    """Names that begin alike, a needless slash, and an input below another."""
    prepared["ProcessingInputs"] += [
        source("alike", f"s3://{bucket}/data/", PLACES + "output/training/"),
        source("below", f"s3://{bucket}/data/", PLACES + "output/training/more")]
    assert run(server, prepared)["ProcessingJobStatus"] == "Completed"


def test_objects_stay_whole_where_a_job_writes_over_its_inputs(server, bucket, prepared):
    """The program writes these files whether or not they were asked for as outputs."""
    s3, objects = server.client("s3"), {"train/train.csv": b"x" * 300_000, "small/test.csv": b"y",
                                        "bundle/model.tar.gz": b"z" * 100_000}
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=f"old/{key}", Body=body)
    prepared["ProcessingInputs"] += [
        source(name, f"s3://{bucket}/old/{name}/", f"{PLACES}output/{place}")
        for name, place in (("train", "train"), ("small", "test"), ("bundle", "bundle"))]
    prepared["ProcessingOutputConfig"]["Outputs"] = [
        target("config", f"s3://{bucket}/out/", PLACES + "elsewhere")]
    job = run(server, prepared)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    for key, body in objects.items():
        assert read(server, bucket, f"old/{key}") == body


# --- what fails, and why ------------------------------------------------------------------------


@pytest.mark.parametrize("key, text, words", [
    ("data/rows.csv", "id,kind,y\n1,a,0\n2,b\n", ["rows.csv", "line 3"]),
    ("data/rows.csv", "id,kind,y\n1,a,zero\n", ["rows.csv", "line 2", "zero"]),
    ("data/rows.csv", "id,kind\n1,a\n", ["rows.csv", "y"]),
    ("data/rows.csv", "", ["no rows"]),
    ("config/features.yaml", "labelCol: y\nstagess: []\n", ["features.yaml", "stagess"]),
    ("config/features.yaml", "labelCol: [y\n", ["features.yaml"]),
    ("config/second.yaml", "labelCol: y\n", ["features.yaml", "second.yaml"]),
])
def test_a_failure_says_what_was_wrong_and_where(server, bucket, prepared, key, text, words):
    server.client("s3").put_object(Bucket=bucket, Key=key, Body=text)
    job = run(server, prepared)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ")
    assert job["FailureReason"].endswith("exit code: 1")
    for word in words:
        assert word in job["FailureReason"]
    assert keys(server, bucket, "out/") == []
    assert any(words[0] in line for line in messages(server, job["ProcessingJobName"]))


def test_an_input_that_is_not_there_fails_the_job(server, bucket, prepared):
    prepared["ProcessingInputs"][1] = source("data", f"s3://{bucket}/nothing/")
    job = run(server, prepared)
    assert job["ProcessingJobStatus"] == "Failed"
    assert f"s3://{bucket}/nothing/" in job["FailureReason"]
    assert "data" in job["FailureReason"]


def test_an_output_bucket_that_is_not_there_fails_the_job(server, prepared):
    nowhere = unique("nowhere")
    prepared["ProcessingOutputConfig"]["Outputs"][0] = target("train", f"s3://{nowhere}/train")
    job = run(server, prepared)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(
        f"ClientError: output train: the bucket {nowhere} of s3://{nowhere}/train")


# --- what is refused at once --------------------------------------------------------------------


def changed(request, path, value):
    """The request with one member, by its path, set to a value."""
    request = json.loads(json.dumps(request))
    *folders, last = path
    at = request
    for folder in folders:
        at = at[folder]
    at[last] = value
    return request


@pytest.mark.parametrize("path, value, words", [
    (["AppSpecification", "ImageUri"], "1.dkr.ecr.x.amazonaws.com/tensorflow:2", ["tensorflow"]),
    (["AppSpecification", "ImageUri"], XGBOOST, ["sagemaker-xgboost", "processing"]),
    (["AppSpecification", "ContainerArguments"], ["--fast"], ["ContainerArguments"]),
    (["ProcessingInputs", 0, "S3Input", "S3InputMode"], "Pipe", ["config", "Pipe"]),
    (["ProcessingInputs", 0, "S3Input", "S3Uri"], "https://x/y", ["config", "s3://"]),
    (["ProcessingInputs", 0, "S3Input", "LocalPath"], "/etc", ["config", "/etc"]),
    (["ProcessingInputs", 0, "S3Input", "LocalPath"], "/opt/ml/processing/../../etc", ["config"]),
    (["ProcessingOutputConfig", "Outputs", 0, "S3Output", "LocalPath"], "/tmp", ["train", "/tmp"]),
    (["ProcessingOutputConfig", "Outputs", 0, "S3Output", "S3Uri"], "https://x/y",
     ["train", "s3://"]),
    (["ProcessingInputs", 1, "InputName"], "config", ["config"]),
    (["ProcessingOutputConfig", "Outputs", 1, "OutputName"], "train", ["train"]),
    (["ProcessingJobName"], "no_underscores", ["processingJobName"]),
])
def test_what_cannot_run_is_refused(server, prepared, path, value, words):
    with pytest.raises(ClientError) as refused:
        server.client("sagemaker").create_processing_job(**changed(prepared, path, value))
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    for word in words:
        assert word in refused.value.response["Error"]["Message"]


def test_names_are_unique_and_listed(server, prepared):
    sagemaker = server.client("sagemaker")
    name = run(server, prepared)["ProcessingJobName"]
    with pytest.raises(ClientError) as taken:
        sagemaker.create_processing_job(**prepared)
    assert taken.value.response["Error"]["Code"] == "ResourceInUse"
    with pytest.raises(ClientError) as missing:
        describe(server, "no-such-job")
    assert missing.value.response["Error"]["Code"] == "ValidationException"
    assert "Could not find requested job" in missing.value.response["Error"]["Message"]

    [entry] = sagemaker.list_processing_jobs(NameContains=name[3:],
                                             StatusEquals="Completed")["ProcessingJobSummaries"]
    assert entry["ProcessingJobName"] == name and entry["ProcessingEndTime"]
    assert sagemaker.list_processing_jobs(NameContains=name,
                                          StatusEquals="Failed")["ProcessingJobSummaries"] == []
    pages = sagemaker.get_paginator("list_processing_jobs").paginate(
        PaginationConfig={"PageSize": 1})
    assert name in [job["ProcessingJobName"] for page in pages
                    for job in page["ProcessingJobSummaries"]]


# --- stopped, and cut off -----------------------------------------------------------------------


def slow(server, bucket):
    """The request of a job that takes seconds: many passes over many rows."""
    s3 = server.client("s3")
    stages, last = [], "id"
    for number in range(30):
        stages += [{"type": "VectorAssembler", "inputCols": [last], "outputCol": f"v{number}"},
                   {"type": "StandardScaler", "inputCol": f"v{number}", "outputCol": f"s{number}"}]
        stages.append({"type": "Imputer", "inputCol": "id", "outputCol": f"i{number}",
                       "strategy": "median"})
        last = f"i{number}"
        if number:
            stages[-1]["inputCol"] = f"i{number - 1}"
    stages.append({"type": "VectorAssembler", "inputCols": [last], "outputCol": "features"})
    s3.put_object(Bucket=bucket, Key="config/features.json",
                  Body=json.dumps({"labelCol": "y", "stages": stages}))
    s3.put_object(Bucket=bucket, Key="data/rows.csv", Body=data(1_000_000))
    return features_request(bucket)


def wait_until_started(server, name):
    while "ProcessingStartTime" not in describe(server, name):
        time.sleep(0.02)
    assert describe(server, name)["ProcessingJobStatus"] == "InProgress"


def test_a_job_can_be_stopped(server, bucket):
    sagemaker, request = server.client("sagemaker"), slow(server, bucket)
    name = request["ProcessingJobName"]
    sagemaker.create_processing_job(**request)
    wait_until_started(server, name)
    sagemaker.stop_processing_job(ProcessingJobName=name)
    job = finish(server, name)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert keys(server, bucket, "out/") == []
    with pytest.raises(ClientError) as refused:
        sagemaker.stop_processing_job(ProcessingJobName=name)
    assert "Stopped" in refused.value.response["Error"]["Message"]


def test_a_job_that_runs_too_long_fails(server, bucket):
    request = {**slow(server, bucket), "StoppingCondition": {"MaxRuntimeInSeconds": 1}}
    job = run(server, request)
    assert job["ProcessingJobStatus"] == "Failed"
    assert "MaxRuntimeInSeconds" in job["FailureReason"]


def test_a_job_that_a_crash_cut_off_has_failed(server_factory):
    server = server_factory()
    server.client("s3").create_bucket(Bucket="crash")
    request = slow(server, "crash")
    name = request["ProcessingJobName"]
    server.client("sagemaker").create_processing_job(**request)
    wait_until_started(server, name)
    server.kill()
    server.start()
    job = finish(server, name)
    assert job["ProcessingJobStatus"] == "Failed" and job["ProcessingEndTime"]
    assert job["FailureReason"]
    again = {**request, "ProcessingJobName": unique("again"),
             "StoppingCondition": {"MaxRuntimeInSeconds": 600}}
    server.client("s3").delete_object(Bucket="crash", Key="config/features.json")
    server.client("s3").put_object(Bucket="crash", Key="config/f.yaml", Body=SPECIFICATION)
    assert run(server, again)["ProcessingJobStatus"] == "Completed"
