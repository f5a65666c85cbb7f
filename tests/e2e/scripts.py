"""Jobs whose program the request brings, for the tests."""

import io
import json
import tarfile

from sagemaker_jobs import ROLE, channel, training_request, unique, wait_for_job

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
CODE = "/opt/ml/processing/input/code"


def processing_request(bucket, script, name=None, inputs=(), outputs=(), arguments=(), **more):
    """A request with the script at a key of its own; inputs and outputs as (name, uri, path)."""
    name = name or unique("script")
    local = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
    sources = [("code", f"s3://{bucket}/{name}/script.py", CODE), *inputs]
    request = {
        "ProcessingJobName": name, "RoleArn": ROLE,
        "ProcessingResources": {"ClusterConfig": {
            "InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
        "AppSpecification": {"ImageUri": IMAGE,
                             "ContainerEntrypoint": ["python3", f"{CODE}/script.py"]},
        "ProcessingInputs": [{"InputName": key, "S3Input": {"S3Uri": uri, "LocalPath": path,
                                                            **local}}
                             for key, uri, path in sources],
        **more}
    if arguments:
        request["AppSpecification"]["ContainerArguments"] = list(arguments)
    if outputs:
        request["ProcessingOutputConfig"] = {"Outputs": [
            {"OutputName": key, "S3Output": {"S3Uri": uri, "LocalPath": path,
                                             "S3UploadMode": "EndOfJob"}}
            for key, uri, path in outputs]}
    return request


def process(server, bucket, script, **given):
    """Runs a script as a processing job to its end; DescribeProcessingJob's answer."""
    start_processing(server, bucket, script, **given)
    return wait_for_processing(server, given["name"])


def start_processing(server, bucket, script, **given):
    request = processing_request(bucket, script, **given)
    name = request["ProcessingJobName"]
    server.client("s3").put_object(Bucket=bucket, Key=f"{name}/script.py", Body=script)
    server.client("sagemaker").create_processing_job(**request)
    return name


def wait_for_processing(server, name):
    sagemaker = server.client("sagemaker")
    return server.wait_for(lambda: sagemaker.describe_processing_job(ProcessingJobName=name),
                           "ProcessingJobStatus", ("Completed", "Failed", "Stopped"))


def run(server, bucket, script, **given):
    """The same under a name of its own: the answer, and the log's lines."""
    name = start_processing(server, bucket, script, **given)
    return wait_for_processing(server, name), log_of(server, "ProcessingJobs", name)


def log_of(server, kind, name):
    logs = server.client("logs")
    group = f"/aws/sagemaker/{kind}"
    stream, = logs.describe_log_streams(logGroupName=group,
                                        logStreamNamePrefix=f"{name}/")["logStreams"]
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, logStreamNames=[stream["logStreamName"]])
    return [event["message"] for page in pages for event in page["events"]]


def source(server, bucket, files, program="train.py"):
    """A sourcedir.tar.gz as the SDK makes one; the hyperparameters that name it."""
    bytes_ = io.BytesIO()
    with tarfile.open(fileobj=bytes_, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    key = f"{unique('source')}/sourcedir.tar.gz"
    server.client("s3").put_object(Bucket=bucket, Key=key, Body=bytes_.getvalue())
    return {"sagemaker_program": json.dumps(program),
            "sagemaker_submit_directory": json.dumps(f"s3://{bucket}/{key}"),
            "sagemaker_container_log_level": "20", "sagemaker_region": '"us-east-1"'}


def script_training(server, bucket, files, hyperparameters=None, program="train.py", **more):
    """Runs a training job in script mode; DescribeTrainingJob's answer and the log."""
    request = training_request(bucket, more.pop("channels", []), image=IMAGE)
    request["HyperParameters"] = {**source(server, bucket, files, program),
                                  **(hyperparameters or {})}
    if not request["InputDataConfig"]:
        del request["InputDataConfig"]
    request["AlgorithmSpecification"].update(more.pop("algorithm", {}))
    request.update(more)
    server.client("sagemaker").create_training_job(**request)
    name = request["TrainingJobName"]
    return wait_for_job(server, name), log_of(server, "TrainingJobs", name)


__all__ = ["channel"]
