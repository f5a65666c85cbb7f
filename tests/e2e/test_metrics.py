"""CloudWatch's metrics and logs, read back."""

import time

import pytest

from sagemaker_jobs import unique


def test_what_is_no_number_has_no_timestamp_either(server):
    """An average of no samples, and a sum beyond a double, are no points."""
    cloudwatch, space, now = server.client("cloudwatch"), unique("space"), time.time()
    cloudwatch.put_metric_data(Namespace=space, MetricData=[
        {"MetricName": "a", "Timestamp": now - 300,
         "StatisticValues": {"SampleCount": 0, "Sum": 0, "Minimum": 0, "Maximum": 0}},
        {"MetricName": "a", "Timestamp": now - 100, "Value": 5.0},
        {"MetricName": "b", "Timestamp": now - 200, "Values": [1e308], "Counts": [1e308]}])

    def query(name, stat):
        return {"Id": f"{name}{stat.lower()}", "MetricStat": {
            "Metric": {"Namespace": space, "MetricName": name}, "Period": 60, "Stat": stat}}

    results = {result["Id"]: result for result in cloudwatch.get_metric_data(
        MetricDataQueries=[query("a", "Average"), query("a", "Sum"), query("b", "Average")],
        StartTime=now - 3600, EndTime=now + 60)["MetricDataResults"]}
    assert results["aaverage"]["Values"] == [5] and len(results["aaverage"]["Timestamps"]) == 1
    assert results["asum"]["Values"] == [5, 0] and len(results["asum"]["Timestamps"]) == 2
    assert results["baverage"]["Values"] == results["baverage"]["Timestamps"] == []
    points = cloudwatch.get_metric_statistics(
        Namespace=space, MetricName="a", StartTime=now - 3600, EndTime=now + 60, Period=60,
        Statistics=["Average", "SampleCount"])["Datapoints"]
    assert sorted(point["SampleCount"] for point in points) == [0, 1]
    assert [point["Average"] for point in points if "Average" in point] == [5]


def test_what_was_put_is_read_at_once_and_after_a_crash(server_factory):
    server = server_factory()
    cloudwatch = server.client("cloudwatch")

    def names():
        pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="kept")
        return sorted(metric["MetricName"] for page in pages for metric in page["Metrics"])

    wanted = []
    for i in range(100):
        some = [f"{i:02}{j}" for j in range(3)]
        cloudwatch.put_metric_data(Namespace="kept", MetricData=[
            {"MetricName": name, "Value": i} for name in some])
        wanted += some
        assert names() == wanted
    server.kill()
    server.start()
    assert names() == wanted


def test_a_wrong_datum_leaves_none_of_its_request(server):
    cloudwatch, space = server.client("cloudwatch"), unique("space")
    with pytest.raises(cloudwatch.exceptions.ClientError, match="Values and 2 Counts"):
        cloudwatch.put_metric_data(Namespace=space, MetricData=[
            {"MetricName": "good", "Value": 1.0},
            {"MetricName": "wrong", "Values": [1.0], "Counts": [1.0, 2.0]}])
    assert cloudwatch.list_metrics(Namespace=space)["Metrics"] == []


def test_the_token_of_the_last_events_leads_to_those_after(server):
    """As Airflow's Glue operators read on, while the job goes on: they keep the last token there was."""
    logs, group = server.client("logs"), unique("group")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")

    def put(message):
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[
            {"timestamp": int(time.time() * 1000), "message": message}])

    def read(**token):
        answer = logs.filter_log_events(logGroupName=group, logStreamNames=["s"], **token)
        return [event["message"] for event in answer["events"]], answer.get("nextToken")

    assert read() == ([], None)
    put("first")
    messages, token = read()
    assert messages == ["first"] and read(nextToken=token) == ([], None)
    put("second")
    assert read(nextToken=token)[0] == ["second"]
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, PaginationConfig={"PageSize": 1})
    assert [event["message"] for page in pages for event in page["events"]] == ["first", "second"]
