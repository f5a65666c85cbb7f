"""What grows old goes: with the clock moved on, against what CloudWatch says it keeps."""

import datetime
import time
import urllib.error

import pytest
from botocore.exceptions import ClientError

from sagemaker_jobs import channel, train, training_request

DAY = 86400


def until(happens):
    deadline = time.monotonic() + 60
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.fixture
def aging(server_factory):
    return server_factory(["--test-clock"])


def put_log(logs, group, stream):
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    logs.put_log_events(logGroupName=group, logStreamName=stream,
                        logEvents=[{"timestamp": int(time.time() * 1000), "message": "hello"}])


def streams(logs, group):
    found = logs.describe_log_streams(logGroupName=group)["logStreams"]
    return [stream["logStreamName"] for stream in found]


def test_log_groups_are_kept_as_long_as_their_retention_says(aging):
    logs = aging.client("logs")
    for group in ("kept", "week"):
        logs.create_log_group(logGroupName=group)
        put_log(logs, group, "s")
    logs.put_retention_policy(logGroupName="week", retentionInDays=30)
    logs.put_retention_policy(logGroupName="week", retentionInDays=7)
    groups = {g["logGroupName"]: g.get("retentionInDays")
              for g in logs.describe_log_groups()["logGroups"]}
    assert groups == {"kept": None, "week": 7}
    aging.move_clock(6 * DAY)
    assert streams(logs, "week") == ["s"]
    aging.move_clock(2 * DAY)
    assert streams(logs, "week") == []
    assert streams(logs, "kept") == ["s"]


def test_a_retention_that_is_taken_back_removes_nothing(aging):
    logs = aging.client("logs")
    logs.create_log_group(logGroupName="g")
    put_log(logs, "g", "s")
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    logs.delete_retention_policy(logGroupName="g")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    aging.move_clock(400 * DAY)
    assert streams(logs, "g") == ["s"]


def test_a_retention_needs_its_group(aging):
    logs = aging.client("logs")
    for call in (lambda: logs.put_retention_policy(logGroupName="no", retentionInDays=1),
                 lambda: logs.delete_retention_policy(logGroupName="no")):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_streams_and_groups_are_deleted(aging):
    logs = aging.client("logs")
    logs.create_log_group(logGroupName="g/1")
    put_log(logs, "g/1", "s")
    put_log(logs, "g/1", "s2")
    logs.put_retention_policy(logGroupName="g/1", retentionInDays=1)
    logs.delete_log_stream(logGroupName="g/1", logStreamName="s")
    assert streams(logs, "g/1") == ["s2"]
    logs.delete_log_group(logGroupName="g/1")
    for call in (lambda: logs.delete_log_group(logGroupName="g/1"),
                 lambda: logs.delete_log_stream(logGroupName="g/1", logStreamName="s2")):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    logs.create_log_group(logGroupName="g/1")
    assert [group for group in logs.describe_log_groups()["logGroups"]
            if group["logGroupName"] == "g/1" and "retentionInDays" not in group]
    assert streams(logs, "g/1") == []


def put_data(cloudwatch, start):
    """A value a second for ten minutes, from the beginning of an hour."""
    data = [{"MetricName": "m", "Timestamp": start + datetime.timedelta(seconds=i), "Value": i}
            for i in range(600)]
    cloudwatch.put_metric_data(Namespace="n", MetricData=data)


def points(cloudwatch, start, period):
    found = cloudwatch.get_metric_statistics(
        Namespace="n", MetricName="m", StartTime=start, EndTime=start + datetime.timedelta(hours=1),
        Period=period, Statistics=["Sum", "SampleCount", "Minimum", "Maximum"])["Datapoints"]
    return [(p["Sum"], p["SampleCount"], p["Minimum"], p["Maximum"])
            for p in sorted(found, key=lambda p: p["Timestamp"])]


def test_metrics_grow_coarse_and_then_go(aging):
    cloudwatch = aging.client("cloudwatch")
    hour = datetime.datetime.now(datetime.UTC).replace(minute=0, second=0, microsecond=0)
    put_data(cloudwatch, hour)
    five = [(sum(range(300)), 300, 0, 299), (sum(range(300, 600)), 300, 300, 599)]
    whole = [(sum(range(600)), 600, 0, 599)]
    until(lambda: points(cloudwatch, hour, 300) == five)  # written behind their acknowledgement
    assert len(points(cloudwatch, hour, 60)) == 10
    aging.move_clock(16 * DAY)
    assert points(cloudwatch, hour, 60) == five  # a minute's are put together
    aging.move_clock(DAY)
    assert points(cloudwatch, hour, 300) == five  # and stay what they are
    aging.move_clock(48 * DAY)
    assert points(cloudwatch, hour, 300) == whole
    aging.move_clock(400 * DAY)
    assert points(cloudwatch, hour, 3600) == []


def test_only_a_server_for_tests_has_a_clock_to_move(server_factory):
    with pytest.raises(urllib.error.HTTPError) as caught:
        server_factory().move_clock(1)
    assert caught.value.code == 405


def test_files_that_jobs_were_given_go_and_are_made_again(aging):
    s3 = aging.client("s3")
    s3.create_bucket(Bucket="bucket")
    rows = "".join(f"{i % 2},{i}\n" for i in range(50))
    s3.put_object(Bucket="bucket", Key="rows.csv", Body=rows)  # few bytes: a row of meta.db
    cache = aging.home / "cache" / "objects"

    def completed():
        request = training_request("bucket", [channel("train", "s3://bucket/rows.csv")])
        return train(aging, request)["TrainingJobStatus"] == "Completed"

    assert completed()
    aging.move_clock(6 * DAY)
    assert [path.read_text() for path in cache.iterdir()] == [rows]
    aging.move_clock(2 * DAY)
    assert list(cache.iterdir()) == []
    assert completed()
    assert [path.read_text() for path in cache.iterdir()] == [rows]


def test_what_lies_aside_goes_while_the_server_runs(aging):
    s3 = aging.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="key", Body=b"x" * 300_000)
    aging.kill()
    lake = aging.home / "lake"
    file, = [path for path in lake.iterdir() if path.name != "owner"]
    file.with_name("0" * 24 + file.name[24:]).write_bytes(b"half")  # an upload that was cut
    aging.start()
    until(lambda: list(lake.glob("aside/*/*")))
    aging.move_clock(6 * DAY)
    assert len(list(lake.glob("aside/*/*"))) == 1
    aging.move_clock(3 * DAY)
    assert list(lake.glob("aside/*")) == []
    assert s3.get_object(Bucket="bucket", Key="key")["Body"].read() == b"x" * 300_000


def test_folders_that_ended_jobs_left_go_and_those_of_live_ones_stay(aging):
    s3 = aging.client("s3")
    sagemaker = aging.client("sagemaker")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="rows.csv", Body="".join(f"{i % 2},{i}\n" for i in range(50)))
    request = training_request("bucket", [channel("train", "s3://bucket/rows.csv")],
                               num_round=1000000)
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": 86400}
    sagemaker.create_training_job(**request)
    jobs = aging.home / "jobs"
    until(lambda: list(jobs.iterdir()))
    live, = jobs.iterdir()
    left = jobs / "training-job-long-ago" / "output" / "data"
    left.mkdir(parents=True)
    (left / "file").write_text("what a program left that could not be removed")
    aging.move_clock(3600)
    until(lambda: list(jobs.iterdir()) == [live])
    assert list(jobs.iterdir()) == [live]
    sagemaker.stop_training_job(TrainingJobName=request["TrainingJobName"])
