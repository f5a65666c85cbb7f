"""What the tests of delivery streams share."""

import json
import re
import threading
import time

import botocore.exceptions
import pytest
from botocore.config import Config

from sagemaker_jobs import unique

ROLE = "arn:aws:iam::000000000000:role/firehose"


def create(server, prefix=None, bucket="lake", interval=60, size=1, name=None, **more):
    """A stream that delivers below a prefix of its own; its name."""
    name = name or unique("stream")
    server.client("firehose").create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}",
            "Prefix": f"{name}/" if prefix is None else prefix,
            "BufferingHints": {"SizeInMBs": size, "IntervalInSeconds": interval}, **more})
    return name


def put(server, name, *records):
    answer = server.client("firehose").put_record_batch(
        DeliveryStreamName=name, Records=[{"Data": record} for record in records])
    assert answer["FailedPutCount"] == 0
    return [response["RecordId"] for response in answer["RequestResponses"]]


def delivered(server, prefix, bucket="lake"):
    """{key: bytes} in order of the keys."""
    s3 = server.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def wait_for_delivery(server, prefix, enough, bucket="lake"):
    """For what is delivered without the clock."""
    deadline = time.monotonic() + 60
    while not enough(found := delivered(server, prefix, bucket)):
        assert time.monotonic() < deadline, f"{len(found)} objects came"
        time.sleep(0.05)
    return found


def refused(call, code, text=""):
    with pytest.raises(botocore.exceptions.ClientError) as told:
        call()
    assert told.value.response["Error"]["Code"] == code
    assert re.search(text, told.value.response["Error"]["Message"]), told.value
    return told.value.response


def processing(kind, **parameters):
    return {"Enabled": True, "Processors": [{"Type": kind, "Parameters": [
        {"ParameterName": key, "ParameterValue": value} for key, value in parameters.items()]}]}


def processors(*kinds):
    """("Type", {parameters}) ..."""
    return {"ProcessingConfiguration": {"Enabled": True, "Processors": [
        processing(kind, **parameters)["Processors"][0] for kind, parameters in kinds]}}


def failures(server, prefix):
    """{key: [what stands in its lines]}"""
    return {key: [json.loads(line) for line in body.decode().splitlines()]
            for key, body in delivered(server, prefix).items()}


class Publisher(threading.Thread):
    """Puts numbered records until the server dies; knows which were acknowledged."""

    service = "firehose"

    def __init__(self, server, stream, number, acknowledged):
        super().__init__(daemon=True)
        self.client = server.client(self.service, config=Config(connect_timeout=2, read_timeout=20))
        self.stream, self.number, self.acknowledged = stream, number, acknowledged
        self.refusal = None

    def run(self):
        try:
            for i in range(1 << 30):
                lines = [f"{self.number} {i} {j} {'x' * 400}" for j in range(100)]
                answer = self.client.put_record_batch(
                    DeliveryStreamName=self.stream,
                    Records=[{"Data": f"{line}\n"} for line in lines])
                assert answer["FailedPutCount"] == 0
                self.acknowledged.update(lines)
        except botocore.exceptions.ClientError as error:
            self.refusal = error
        except (botocore.exceptions.BotoCoreError, OSError):
            pass
