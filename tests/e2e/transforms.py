"""What the tests of batch transforms say again and again."""

import io
import tarfile
import textwrap

from sagemaker_jobs import ROLE, XGBOOST, unique

LOGS = "/aws/sagemaker/TransformJobs"
ENDS = ("Completed", "Failed", "Stopped")


def packed(files):
    """A tar.gz of {name: bytes or text}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            content = textwrap.dedent(content).encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def make_model(server, *containers):
    """The name of a model of (image, archive's bytes, environment)s."""
    sagemaker, s3, name = server.client("sagemaker"), server.client("s3"), unique("model")
    s3.create_bucket(Bucket=name)
    described = []
    for i, (image, archive, environment) in enumerate(containers):
        s3.put_object(Bucket=name, Key=f"{i}/model.tar.gz", Body=archive)
        described.append({"Image": image, "Environment": environment,
                          "ModelDataUrl": f"s3://{name}/{i}/model.tar.gz"})
    given = {"PrimaryContainer": described[0]} if len(described) == 1 else {"Containers": described}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, **given)
    return name


def make_tree_model(server, booster, image=XGBOOST, **environment):
    archive = packed({"xgboost-model": bytes(booster.save_raw("ubj"))})
    return make_model(server, (image, archive, environment))


def transform_request(model, uri, output, kind="S3Prefix", content_type="text/csv", split="Line",
                      assemble="Line", compression=None, accept=None, **more):
    source = {"DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}},
              "ContentType": content_type, "SplitType": split, "CompressionType": compression}
    target = {"S3OutputPath": output, "AssembleWith": assemble, "Accept": accept}
    return {"TransformJobName": unique("transform"), "ModelName": model,
            "TransformInput": {k: v for k, v in source.items() if v},
            "TransformOutput": {k: v for k, v in target.items() if v},
            "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"}, **more}


def describe(server, name):
    return server.client("sagemaker").describe_transform_job(TransformJobName=name)


def finish(server, name):
    return server.wait_for(lambda: describe(server, name), "TransformJobStatus", ENDS)


def run(server, request):
    server.client("sagemaker").create_transform_job(**request)
    return finish(server, request["TransformJobName"])


def transformed(server, bucket, model, files, **given):
    """Puts files {name: bytes} below in/, and gives what is below out/ after a job."""
    s3, folder = server.client("s3"), unique("t")
    for name, content in files.items():
        s3.put_object(Bucket=bucket, Key=f"{folder}/in/{name}", Body=content)
    job = run(server, transform_request(model, f"s3://{bucket}/{folder}/in/",
                                        f"s3://{bucket}/{folder}/out", **given))
    return job, objects(server, bucket, f"{folder}/out/")


def objects(server, bucket, prefix):
    s3, found = server.client("s3"), {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            found[item["Key"].removeprefix(prefix)] = body
    return found


def completed(result):
    job, found = result
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    return found


def failed(result):
    job, found = result
    assert job["TransformJobStatus"] == "Failed"
    return job["FailureReason"], found


def messages(server, name):
    logs = server.client("logs")
    streams = logs.describe_log_streams(logGroupName=LOGS, logStreamNamePrefix=name + "/")
    [stream] = [stream["logStreamName"] for stream in streams["logStreams"]]
    events = logs.get_log_events(logGroupName=LOGS, logStreamName=stream, startFromHead=True)
    return [event["message"] for event in events["events"]]
