"""Processing jobs on Spark, for the tests."""

import os
import pathlib
import shutil
import subprocess
import zipfile

import pytest
from sagemaker_jobs import ROLE, unique

from scripts import wait_for_processing

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
IMAGE = "173754725891.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.3-cpu-py39-v1"
# Programs of some seconds are not worth the second compiler of Java.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"
CODE = "/opt/ml/processing/input/code"


def spark_home():
    """Spark with what it needs for S3, or the test is skipped."""
    python = pathlib.Path(os.environ.get("LATHE_SPARK_PYTHON", ROOT / "build/venv-spark/bin/python"))
    found = sorted(python.parent.parent.glob("lib/python3*/site-packages/pyspark/jars/hadoop-aws-*"))
    if not found:
        pytest.skip(f"no Spark with S3 beside {python}: ./dev setup spark brings it")
    if not shutil.which("java"):
        pytest.skip("no Java in the PATH: ./dev setup spark brings it")
    return found[0].parent.parent


def compile_jar(folder, jar, name, source, beside=()):
    """A jar of the one class own.NAME, for which the jars beside it are there, too."""
    (folder / "own").mkdir(exist_ok=True)
    (folder / f"own/{name}.java").write_text(source)
    classes = ":".join([f"{spark_home()}/jars/*", *map(str, beside)])
    subprocess.run(["javac", "-proc:none", "--release", "17", "-implicit:none", "-sourcepath", "",
                    "-cp", classes, f"own/{name}.java"], cwd=folder, check=True)
    with zipfile.ZipFile(folder / jar, "w") as archive:
        archive.write(folder / f"own/{name}.class", f"own/{name}.class")
    return folder / jar


def spark_server(server_factory, folder, more="", runtime="", **given):
    """A server whose lathe.yaml names that Spark."""
    configuration = folder / "lathe.yaml"
    configuration.write_text(f"runtime:\n  engine: none\n{runtime}"
                             f"  spark:\n    home: {spark_home()}\n{more}")
    return server_factory(["--config", str(configuration)], **given)


def spark_request(bucket, name, application, arguments=(), options=(), instances=1):
    return {
        "ProcessingJobName": name, "RoleArn": ROLE,
        "ProcessingResources": {"ClusterConfig": {
            "InstanceType": "ml.m5.xlarge", "InstanceCount": instances, "VolumeSizeInGB": 20}},
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["smspark-submit", *options, f"{CODE}/{application}"],
            **({"ContainerArguments": list(arguments)} if arguments else {})},
        "Environment": {"JAVA_TOOL_OPTIONS": JAVA_OPTIONS},
        "ProcessingInputs": [{"InputName": "code", "S3Input": {
            "S3Uri": f"s3://{bucket}/{name}/{application}", "LocalPath": CODE,
            "S3DataType": "S3Prefix", "S3InputMode": "File"}}]}


def start_spark(server, bucket, program, **given):
    name = unique("spark")
    server.client("s3").put_object(Bucket=bucket, Key=f"{name}/app.py", Body=program)
    server.client("sagemaker").create_processing_job(
        **spark_request(bucket, name, "app.py", **given))
    return name


def run_spark(server, bucket, program, **given):
    return wait_for_processing(server, start_spark(server, bucket, program, **given))


def log_lines(server, name):
    events = server.client("logs").get_paginator("filter_log_events").paginate(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=name)
    return [event["message"] for page in events for event in page["events"]]


def keys(server, bucket, prefix=""):
    pages = server.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket,
                                                                        Prefix=prefix)
    return sorted(entry["Key"] for page in pages for entry in page.get("Contents", ()))
