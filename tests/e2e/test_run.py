"""`lathe run`: workflows from a file, as a user types them."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest

from pipelines import (compare, condition, definition, endpoint, get, join, model, operation,
                       parameter, step, training)
from sagemaker_jobs import ROLE, scores

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "examples"
ROWS = "".join(f"{2 * a + b},{a},{b}\n" for a in range(20) for b in range(20))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path


def write(folder, made, name="try.json"):
    (folder / name).write_text(json.dumps(made))
    return str(folder / name)


def small(rounds=5, **more):
    """Trains on the file beside the definition and deploys what is good enough."""
    return definition(
        operation("Bucket", "CreateBucket", {"Bucket": "try-out"}, service="s3"),
        training("Train", "try-out", get("Parameters.Rows"), DependsOn=["Bucket"],
                 settings={"num_round": get("Parameters.Rounds")}, **more),
        condition("Good", [compare("LessThan", get(
            "Steps.Train.FinalMetricDataList['train:rmse'].Value"), 5)],
            [model("Create", "Train"), *endpoint("Create")],
            [step("Weak", "Fail", {"ErrorMessage": "too weak"})]),
        parameters=[parameter("Rows", "String", "file://rows.csv"),
                    parameter("Rounds", "Integer", rounds)])


@pytest.fixture
def run(lathe, tmp_path):
    def run_verb(*arguments, home=None, **options):
        environment = {**os.environ, "LATHE_HOME": str(home or tmp_path / "home")}
        return subprocess.run([str(lathe), "run", *arguments], env=environment, text=True,
                              capture_output=True, timeout=100, **options)
    return run_verb


def test_without_a_server_a_file_is_run_in_this_process(run, folder, tmp_path):
    ran = run(write(folder, small()), cwd="/")  # file:// is relative to the definition
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert any(re.match(r"Train +Succeeded +\d+\.\d s  \[4\] train-rmse:", one) for one in lines)
    assert any(re.match(r"Train: train:rmse \d", one) for one in lines)
    assert "Good: the condition holds" in lines
    assert any(re.match(r"endpoint live-\w{12} is in service", one) for one in lines)
    assert lines[-1].startswith("Succeeded after")
    assert not ran.stderr

    weak = run(write(folder, small()), "-p", "Rounds=1")
    assert weak.returncode == 1
    assert "Weak: too weak" in weak.stdout and "the condition does not hold" in weak.stdout


@pytest.mark.parametrize("definition, rows", [("try.json", "file://rows.csv"),
                                              ("try.json", "file://{folder}/rows.csv"),
                                              ("sub/../try.json", "file://./rows.csv")])
def test_relative_and_absolute_paths_are_found(run, folder, definition, rows):
    (folder / "sub").mkdir()
    write(folder, small())
    ran = run(definition, "-p", "Rows=" + rows.format(folder=folder), cwd=folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_yaml_is_another_way_to_write_it(run, folder):
    (folder / "one.yaml").write_text("""
Version: "2020-12-01"
Parameters:
  - {Name: Bucket, Type: String, DefaultValue: one}
Steps:
  - Name: Make
    Type: Operation
    Service: s3
    Operation: CreateBucket
    Arguments: {Bucket: {Get: Parameters.Bucket}}
""")
    ran = run(str(folder / "one.yaml"), "--json")
    told = json.loads(ran.stdout)
    assert ran.returncode == 0 and told["PipelineExecutionStatus"] == "Succeeded"
    assert told["PipelineArn"].endswith(":pipeline/one")
    assert [one["StepName"] for one in told["PipelineExecutionSteps"]] == ["Make"]


@pytest.mark.parametrize("given, bucket", [([], "lathe-car"), (["-p", "Bucket=mine"], "mine")])
def test_a_copied_example_runs_wherever_it_lies(run, lathe, tmp_path, server_factory, given,
                                                bucket):
    """The definition names its bucket once; the folder's name is that of the pipeline only."""
    copy, server = tmp_path / "my-own", server_factory()
    shutil.copytree(EXAMPLES / "car", copy)
    rows = subprocess.run([lathe, "sample", "car", "--rows", "500", "--seed", "1"], check=True,
                          stdout=subprocess.PIPE).stdout
    (copy / "rows.csv").write_bytes(rows)
    ran = run("pipeline.yaml", "-p", "InputData=file://rows.csv", "-p", "Rounds=3", "-p",
              "MinimumAccuracy=0", *given, "--json", cwd=copy, home=server.home)
    told = json.loads(ran.stdout)
    assert told["PipelineExecutionStatus"] == "Succeeded", ran.stdout
    assert told["PipelineArn"].endswith(":pipeline/my-own")
    s3 = server.client("s3")
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == [bucket]
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert any(key.startswith("files/") and key.endswith("/rows.csv") for key in keys)
    assert any(key.startswith("runs/") and key.endswith("/model.tar.gz") for key in keys)


def test_with_a_server_it_runs_there_and_stays(run, folder, server_factory):
    server = server_factory()
    ran = run(write(folder, small(), "workflow.json"), "--name", "kept", home=server.home)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    name = re.search(r"endpoint (live-\w+) is in service", ran.stdout).group(1)
    assert f"{server.url}/endpoints/{name}/invocations" in ran.stdout
    answer = server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Body="3,4\n")
    assert len(scores(answer["Body"].read())) == 1
    sagemaker = server.client("sagemaker")
    assert sagemaker.describe_pipeline(PipelineName="kept")["PipelineStatus"] == "Active"
    objects = server.client("s3").list_objects_v2(Bucket="lathe-kept")["Contents"]
    assert [one["Key"].rsplit("/", 1)[1] for one in objects] == ["rows.csv"]


@pytest.mark.parametrize("made, arguments, words", [
    ({"Version": "2020-12-01", "Steps": "x"}, [], ["Steps"]),
    (definition(step("T", "EMR", {})), [], ["step T", "not supported yet"]),
    (small(), ["-p", "Rounds"], ["Rounds", "Name=Value"]),
    (small(), ["-p", "Rounds=x"], ["Rounds", "Integer"]),
    (small(), ["-p", "Rows=file://nowhere.csv"], ["nowhere.csv"]),
])
def test_what_cannot_be_run_is_said(run, folder, made, arguments, words):
    ran = run(write(folder, made), *arguments)
    assert ran.returncode == 1
    assert all(word in ran.stderr for word in words), ran.stderr


def test_wrong_words(run):
    assert run().returncode == 2
    assert run("/nowhere.json").returncode == 1


def test_ctrl_c_stops_the_execution(lathe, folder, tmp_path):
    made = small(rounds=1000000)
    process = subprocess.Popen([str(lathe), "run", write(folder, made)], text=True,
                               env={**os.environ, "LATHE_HOME": str(tmp_path / "home")},
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in process.stdout:
        if re.match(r"Train +Executing", line):
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Stopped after" in out and re.search(r"Train +Stopped", out)
    assert "stopping" in errors


def test_with_serve_the_endpoint_can_be_asked_afterwards(lathe, folder, tmp_path):
    process = subprocess.Popen(
        [str(lathe), "run", write(folder, small()), "--serve", "--listen", "127.0.0.1:0"],
        env={**os.environ, "LATHE_HOME": str(tmp_path / "home")}, text=True,
        stdout=subprocess.PIPE)
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("lathe listens on"):
            break
    url = re.search(r"http://\S+/endpoints/live-\w+/invocations", "".join(said)).group(0)
    assert url.startswith(said[-1].split()[-1])
    asked = urllib.request.Request(url, b"3,4\n", {"Content-Type": "text/csv"})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        assert len(scores(answer.read())) == 1
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_features_training_and_evaluation_as_one_workflow(run, folder):
    """The processing images, a property file, a condition on it, an evaluation in the summary."""
    (folder / "rows.csv").write_text("y,a,b\n" + ROWS)
    (folder / "features.yaml").write_text("""
labelCol: y
split: {train: 0.7, test: 0.3, seed: 7}
stages:
  - {type: VectorAssembler, outputCol: features, inputCols: [a, b]}
""")

    def processing(name, image, inputs, outputs, **more):
        local = "/opt/ml/processing"
        return step(name, "Processing", {
            "RoleArn": ROLE, "AppSpecification": {"ImageUri": image},
            "ProcessingResources": {"ClusterConfig": {
                "InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
            "ProcessingInputs": [
                {"InputName": key, "S3Input": {
                    "S3Uri": uri, "LocalPath": f"{local}/input/{key}", "S3DataType": "S3Prefix",
                    "S3InputMode": "File"}} for key, uri in inputs.items()],
            "ProcessingOutputConfig": {"Outputs": [
                {"OutputName": key, "S3Output": {
                    "S3Uri": join("/", "s3://try-out", get("Execution.PipelineExecutionId"), name,
                                  key),
                    "LocalPath": f"{local}/output/{key}", "S3UploadMode": "EndOfJob"}}
                for key in outputs]}}, **more)

    def output(name, key):
        return get(f"Steps.{name}.ProcessingOutputConfig.Outputs['{key}'].S3Output.S3Uri")

    rmse = {"Std:JsonGet": {"PropertyFile": get("Steps.Evaluate.PropertyFiles.Report"),
                            "Path": "regression_metrics.rmse.value"}}
    made = definition(
        operation("Bucket", "CreateBucket", {"Bucket": "try-out"}, service="s3"),
        processing("Prepare", "lathe-features",
                   {"config": "file://features.yaml", "data": "file://rows.csv"},
                   ["train", "test", "bundle"], DependsOn=["Bucket"],
                   CacheConfig={"Enabled": True, "ExpireAfter": "PT1H"}),
        training("Train", "try-out", output("Prepare", "train"), settings={"num_round": "50"}),
        processing("Evaluate", "lathe-evaluate",
                   {"model": get("Steps.Train.ModelArtifacts.S3ModelArtifacts"),
                    "test": output("Prepare", "test")}, ["evaluation"],
                   PropertyFiles=[{"PropertyFileName": "Report", "OutputName": "evaluation",
                                   "FilePath": "evaluation.json"}]),
        condition("Good", [compare("LessThan", rmse, 5)]))
    ran = run(write(folder, made))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^Evaluate: .*rmse \d", ran.stdout, re.M)
    assert "Good: the condition holds" in ran.stdout
