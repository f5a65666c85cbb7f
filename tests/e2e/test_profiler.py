"""What jobs use, recorded as SageMaker Debugger's profiler does (smdebug's SystemMetricsReader reads these
files: a line of JSON a value, in a file a minute)."""

import json
import re

import pytest
from botocore.exceptions import ClientError

import scripts
from sagemaker_jobs import train
from test_debug_rules import CLEAR, Outline, request_of, rule

DIMENSIONS = {("cpu", "CPUUtilization"), ("memory", "MemoryUsedPercent"), ("memory", "MemoryUsedBytes"),
              ("disk", "ReadBytesPerSecond"), ("disk", "WriteBytesPerSecond")}
BUSY = """
import subprocess, sys, time
data = bytearray(200_000_000)
end = time.monotonic() + 2
subprocess.run([sys.executable, "-c", f"import time\\nwhile time.monotonic() < {end}: pass"])
"""


def events_of(server, bucket, prefix):
    s3 = server.client("s3")
    found = []
    for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        name = one["Key"].removeprefix(prefix)
        hour, minute = re.fullmatch(r"system/incremental/(\d{10})/(\d{10})\.algo-1\.json", name).groups()
        lines = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode().splitlines()
        events = [json.loads(line) for line in lines]
        assert all(0 <= event["Timestamp"] - int(minute) < 61 for event in events), (hour, minute)
        found += events
    return found


def test_what_a_script_uses_is_recorded(server, bucket):
    job, log = scripts.script_training(server, bucket, {"train.py": BUSY}, ProfilerConfig={
        "S3OutputPath": f"s3://{bucket}/profiled", "ProfilingIntervalInMilliseconds": 100})
    assert job["TrainingJobStatus"] == "Completed", log
    assert job["ProfilingStatus"] == "Enabled"
    events = events_of(server, bucket, f"profiled/{job['TrainingJobName']}/profiler-output/")
    assert {(event["Type"], event["Dimension"]) for event in events} == DIMENSIONS
    assert {event["NodeId"] for event in events} == {"algo-1"}
    values = {dimension: [event["Value"] for event in events if event["Dimension"] == dimension]
              for _, dimension in DIMENSIONS}
    # Of its child's time, too, and of memory that it holds.
    assert 0 < max(values["CPUUtilization"]) <= 100
    assert max(values["MemoryUsedBytes"]) > 200_000_000


def test_what_was_used_stands_in_the_report(server, bucket):
    request = request_of(server, bucket, CLEAR, [rule("CreateXgboostReport")], num_round=2000)
    job = train(server, {**request, "ProfilerConfig": {"ProfilingIntervalInMilliseconds": 100}})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    name = job["TrainingJobName"]
    html, told = (server.client("s3").get_object(
        Bucket=bucket, Key=f"out/{name}/rule-output/CreateXgboostReport/xgboost_report.{end}")["Body"].read()
        for end in ("html", "json"))
    assert "What the job used, by seconds" in Outline(html.decode()).headings
    system = json.loads(told)["system"]
    assert set(system) == {dimension for _, dimension in DIMENSIONS}
    recorded = events_of(server, bucket, f"out/{name}/profiler-output/")
    cpu = [event["Value"] for event in recorded if event["Dimension"] == "CPUUtilization"]
    shown = [value for _, value in system["CPUUtilization"]]
    assert shown and shown == cpu[:len(shown)]


def test_profiling_is_refused_or_left_alone(server, bucket):
    request = request_of(server, bucket, CLEAR, [rule("Overfit")])
    with pytest.raises(ClientError, match="ProfilingIntervalInMilliseconds is 7; it may be 100, 200"):
        train(server, {**request, "ProfilerConfig": {"ProfilingIntervalInMilliseconds": 7}})
    job = train(server, {**request, "ProfilerConfig": {"DisableProfiler": True}})
    assert job["TrainingJobStatus"] == "Completed" and job["ProfilingStatus"] == "Disabled"
