"""Data streams with boto3: what was acknowledged is read in the order in which it was put, as often
as anybody likes, by each shard, through splits, merges and kills; limits and errors are AWS's."""

import hashlib
import os
import random
import re
import threading
import time
import urllib.error
import urllib.request
from datetime import timedelta

import botocore.exceptions
import pytest
from botocore.config import Config

from sagemaker_jobs import unique

HOUR = 3600
ALL_KEYS = 1 << 128


@pytest.fixture(scope="module")
def server(server_factory):
    return server_factory(["--test-clock"])


@pytest.fixture(scope="module")
def kinesis(server):
    return server.client("kinesis")


def create(kinesis, shards=1, **more):
    name = unique("data")
    kinesis.create_stream(StreamName=name, ShardCount=shards, **more)
    return name


def shards_of(kinesis, name, **more):
    pages = kinesis.get_paginator("list_shards").paginate(StreamName=name, **more)
    return [shard for page in pages for shard in page["Shards"]]


def open_shards(kinesis, name):
    return shards_of(kinesis, name, ShardFilter={"Type": "AT_LATEST"})


def iterator(kinesis, name, shard="shardId-000000000000", kind="TRIM_HORIZON", **more):
    return kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType=kind,
                                      **more)["ShardIterator"]


def read(kinesis, name, shard="shardId-000000000000", kind="TRIM_HORIZON", limit=10000, **more):
    """The shard's records, to its tip or its end."""
    at, records = iterator(kinesis, name, shard, kind, **more), []
    while at:
        page = kinesis.get_records(ShardIterator=at, Limit=limit)
        records += page["Records"]
        if not page["MillisBehindLatest"]:
            break
        at = page.get("NextShardIterator")
    return records


def bodies(records):
    return [record["Data"] for record in records]


def put(kinesis, name, *records):
    answer = kinesis.put_records(StreamName=name, Records=[
        {"Data": data, "PartitionKey": key} for key, data in records])
    assert answer["FailedRecordCount"] == 0
    return answer["Records"]


def refused(call, code, text=""):
    with pytest.raises(botocore.exceptions.ClientError) as told:
        call()
    assert told.value.response["Error"]["Code"] == code, told.value
    assert re.search(text, told.value.response["Error"]["Message"]), told.value


def hash_of(key):
    return int.from_bytes(hashlib.md5(key.encode()).digest(), "big")


def holds(shard, key):
    keys = shard["HashKeyRange"]
    return int(keys["StartingHashKey"]) <= key <= int(keys["EndingHashKey"])


def check_cover(shards):
    """The ranges are all keys, each once."""
    ranges = sorted((int(shard["HashKeyRange"]["StartingHashKey"]),
                     int(shard["HashKeyRange"]["EndingHashKey"])) for shard in shards)
    assert ranges[0][0] == 0 and ranges[-1][1] == ALL_KEYS - 1
    assert all(one[1] + 1 == other[0] for one, other in zip(ranges, ranges[1:]))
    return ranges


# --- putting and reading -------------------------------------------------------------------------

def test_records_are_read_as_they_were_put(kinesis):
    name = create(kinesis)
    records = [("a", b"one"), ("b", b""), ("\u00fc" * 256, b"\x00\xff" * 1000), ("d", b"end\n")]
    placed = put(kinesis, name, *records)
    one = kinesis.put_record(StreamName=name, Data=b"more", PartitionKey="a")
    found = read(kinesis, name)
    assert [(record["PartitionKey"], record["Data"]) for record in found] == [
        *records, ("a", b"more")]
    numbers = [record["SequenceNumber"] for record in found]
    assert numbers == [answer["SequenceNumber"] for answer in [*placed, one]]
    assert numbers == sorted(numbers, key=int) and len(set(numbers)) == 5
    assert {answer["ShardId"] for answer in [*placed, one]} == {"shardId-000000000000"}
    first, = shards_of(kinesis, name)
    assert int(first["SequenceNumberRange"]["StartingSequenceNumber"]) < int(numbers[0])
    assert bodies(read(kinesis, name, limit=2)) == bodies(found)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_a_record_goes_to_the_shard_of_its_key(kinesis, count):
    name = create(kinesis, count)
    shards = shards_of(kinesis, name)
    ranges = check_cover(shards)
    assert len(ranges) == count
    assert all(abs((end - start) - ALL_KEYS // count) <= count for start, end in ranges)
    keys = [f"key {i}" for i in range(60)]
    placed = put(kinesis, name, *[(key, key.encode()) for key in keys])
    shard_by_id = {shard["ShardId"]: shard for shard in shards}
    assert all(holds(shard_by_id[answer["ShardId"]], hash_of(key))
               for key, answer in zip(keys, placed))
    for shard in shards:
        wanted = [key.encode() for key in keys if holds(shard, hash_of(key))]
        assert bodies(read(kinesis, name, shard["ShardId"])) == wanted


def test_an_explicit_hash_key_says_the_shard(kinesis):
    name = create(kinesis, 2)
    for key, shard in ((0, 0), (ALL_KEYS // 2 - 1, 0), (ALL_KEYS // 2, 1), (ALL_KEYS - 1, 1)):
        answer = kinesis.put_record(StreamName=name, Data=b"x", PartitionKey="same",
                                    ExplicitHashKey=str(key))
        assert answer["ShardId"] == f"shardId-{shard:012}"
    refused(lambda: kinesis.put_record(StreamName=name, Data=b"x", PartitionKey="same",
                                       ExplicitHashKey=str(ALL_KEYS)),
            "InvalidArgumentException", "ExplicitHashKey must be in the range")


def test_iterators_of_each_type(server, kinesis):
    name = create(kinesis)
    numbers = [put(kinesis, name, ("k", b"%d" % i))[0]["SequenceNumber"] for i in range(3)]
    server.move_clock(100)
    latest = iterator(kinesis, name, kind="LATEST")
    numbers += [put(kinesis, name, ("k", b"%d" % i))[0]["SequenceNumber"] for i in (3, 4)]

    def after(kind, **more):
        return b"".join(bodies(read(kinesis, name, kind=kind, **more)))
    assert after("AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == b"1234"
    assert after("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == b"234"
    first, = shards_of(kinesis, name)
    start = first["SequenceNumberRange"]["StartingSequenceNumber"]
    assert after("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=start) == b"01234"
    assert after("TRIM_HORIZON") == b"01234" and after("LATEST") == b""
    assert bodies(kinesis.get_records(ShardIterator=latest)["Records"]) == [b"3", b"4"]
    times = [record["ApproximateArrivalTimestamp"] for record in read(kinesis, name)]
    assert times == sorted(times) and times[3] - times[2] >= timedelta(seconds=100)
    assert after("AT_TIMESTAMP", Timestamp=times[3] - timedelta(seconds=50)) == b"34"
    assert after("AT_TIMESTAMP", Timestamp=times[3]) == b"34"
    assert after("AT_TIMESTAMP", Timestamp=times[0] - timedelta(days=3)) == b"01234"
    refused(lambda: after("AT_TIMESTAMP", Timestamp=times[4] + timedelta(days=1)),
            "InvalidArgumentException", "cannot be greater than the currentTimestampInMillis")
    refused(lambda: after("AT_TIMESTAMP"), "InvalidArgumentException", "timestamp")
    refused(lambda: after("AT_SEQUENCE_NUMBER"), "InvalidArgumentException",
            "StartingSequenceNumber")
    other = put(kinesis, create(kinesis), ("k", b"x"))[0]["SequenceNumber"]
    for wrong in (other, "0", "123", str(int(numbers[4]) + 10 ** 20)):
        refused(lambda: after("AT_SEQUENCE_NUMBER", StartingSequenceNumber=wrong),
                "InvalidArgumentException", "did not come from this stream")


def test_get_records_has_limits_and_tells_how_far_behind(server, kinesis):
    name = create(kinesis, 2)
    half = str(ALL_KEYS // 2)
    large = os.urandom(1 << 20)[:-1]
    for _ in range(2):
        kinesis.put_records(StreamName=name, Records=[
            {"Data": large, "PartitionKey": "k", "ExplicitHashKey": "0"} for _ in range(6)])
    kinesis.put_record(StreamName=name, Data=b"other", PartitionKey="k", ExplicitHashKey=half)
    server.move_clock(5)
    first = kinesis.get_records(ShardIterator=iterator(kinesis, name))
    assert len(first["Records"]) == 10 and first["MillisBehindLatest"] >= 5000
    rest = kinesis.get_records(ShardIterator=first["NextShardIterator"])
    assert len(rest["Records"]) == 2 and rest["MillisBehindLatest"] == 0
    other = kinesis.get_records(ShardIterator=iterator(kinesis, name, "shardId-000000000001"),
                                Limit=1)
    assert bodies(other["Records"]) == [b"other"] and other["MillisBehindLatest"] == 0
    small = create(kinesis)
    for i in range(21):
        put(kinesis, small, *[("k", b"%d.%d" % (i, j)) for j in range(500)])
    page = kinesis.get_records(ShardIterator=iterator(kinesis, small))
    assert len(page["Records"]) == 10000 and page["MillisBehindLatest"] > 0
    assert bodies(kinesis.get_records(ShardIterator=page["NextShardIterator"])["Records"]) == [
        b"20.%d" % j for j in range(500)]


def test_iterators_grow_old(server, kinesis):
    name = create(kinesis)
    at = iterator(kinesis, name)
    server.move_clock(299)
    at = kinesis.get_records(ShardIterator=at)["NextShardIterator"]
    server.move_clock(301)
    refused(lambda: kinesis.get_records(ShardIterator=at), "ExpiredIteratorException",
            "Iterator expired.*tolerated delay of 300000 milliseconds")
    refused(lambda: kinesis.get_records(ShardIterator="made up"), "InvalidArgumentException",
            "Invalid ShardIterator")
    at = iterator(kinesis, name)
    kinesis.delete_stream(StreamName=name)
    refused(lambda: kinesis.get_records(ShardIterator=at), "ResourceNotFoundException", name)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    refused(lambda: kinesis.get_records(ShardIterator=at), "ResourceNotFoundException", name)


def test_records_are_gone_after_the_retention_period(server, kinesis):
    name = create(kinesis)
    put(kinesis, name, ("k", b"old"))
    server.move_clock(23 * HOUR)
    put(kinesis, name, ("k", b"new"))
    assert bodies(read(kinesis, name)) == [b"old", b"new"]
    server.move_clock(2 * HOUR)
    assert bodies(read(kinesis, name)) == [b"new"]
    kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=48)
    server.move_clock(24 * HOUR)
    last = put(kinesis, name, ("k", b"last"))[0]["SequenceNumber"]
    assert bodies(read(kinesis, name)) == [b"new", b"last"]
    server.move_clock(47 * HOUR)
    put(kinesis, name, ("k", b"end"))
    files = list((server.home / "data-streams" / name).rglob("0*"))
    assert len(files) == 2, "what is past its time has to go"
    server.move_clock(100 * HOUR)
    assert read(kinesis, name) == []
    server.restart()
    server.move_clock(300 * HOUR)
    assert read(kinesis, name) == []
    assert int(put(kinesis, name, ("k", b"x"))[0]["SequenceNumber"]) > int(last) + 1


def test_retention_periods_have_bounds(kinesis):
    name = create(kinesis)
    of = {"StreamName": name}

    def hours():
        return kinesis.describe_stream(**of)["StreamDescription"]["RetentionPeriodHours"]
    assert hours() == 24
    kinesis.increase_stream_retention_period(**of, RetentionPeriodHours=8760)
    assert hours() == 8760
    more, less = kinesis.increase_stream_retention_period, kinesis.decrease_stream_retention_period
    for call, count, text in [(less, 23, "Minimum allowed.*24"), (more, 8761, "Maximum.*8760"),
                              (more, 100, "Use DecreaseRetentionPeriod")]:
        refused(lambda: call(**of, RetentionPeriodHours=count), "InvalidArgumentException", text)
    less(**of, RetentionPeriodHours=30)
    refused(lambda: less(**of, RetentionPeriodHours=31), "InvalidArgumentException",
            "Use IncreaseRetentionPeriod")
    assert hours() == 30


# --- limits of records ---------------------------------------------------------------------------

def test_limits_of_records(kinesis):
    name = create(kinesis)
    largest = b"x" * ((1 << 20) - 1)
    kinesis.put_record(StreamName=name, Data=largest, PartitionKey="k")
    for key, data in (("kk", largest), ("k", largest + b"x")):
        refused(lambda: kinesis.put_record(StreamName=name, Data=data, PartitionKey=key),
                "ValidationException", "less than or equal to 1048576")
    refused(lambda: put(kinesis, name, *[("k", b"x")] * 501), "ValidationException", "500")
    refused(lambda: put(kinesis, name, *[("k", largest)] * 11), "InvalidArgumentException",
            "exceeds 10 MB limit")
    put(kinesis, name, *[("k", largest)] * 10)
    kinesis.update_max_record_size(StreamARN=arn_of(kinesis, name), MaxRecordSizeInKiB=2048)
    kinesis.put_record(StreamName=name, Data=largest * 2, PartitionKey="kk")
    assert [len(body) for body in bodies(read(kinesis, name))] == [len(largest)] * 11 + [
        2 * len(largest)]


# --- the streams' own operations -----------------------------------------------------------------

def arn_of(kinesis, name):
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]


def test_a_stream_is_described_as_it_was_created(kinesis):
    name = create(kinesis, 3, Tags={"a": "1"})
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    told = kinesis.describe_stream(StreamName=name, Limit=2)["StreamDescription"]
    assert told["StreamStatus"] == "ACTIVE" and told["HasMoreShards"]
    assert [shard["ShardId"][-1] for shard in told["Shards"]] == ["0", "1"]
    rest = kinesis.describe_stream(StreamName=name, ExclusiveStartShardId=told["Shards"][1]["ShardId"])
    assert [shard["ShardId"][-1] for shard in rest["StreamDescription"]["Shards"]] == ["2"]
    summary = kinesis.describe_stream_summary(
        StreamARN=told["StreamARN"])["StreamDescriptionSummary"]
    assert summary["StreamName"] == name and summary["OpenShardCount"] == 3
    assert summary["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert summary["StreamARN"] == f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}"
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == [{"Key": "a", "Value": "1"}]
    name = unique("demand")
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert len(shards_of(kinesis, name)) == 4


def test_listing_streams_goes_on_behind_a_name(kinesis):
    names = []
    for i in range(5):
        names.append(f"zz-{i}-{unique('list')}")
        kinesis.create_stream(StreamName=names[-1], ShardCount=1)
    page = kinesis.list_streams(Limit=2, ExclusiveStartStreamName="zz-")
    assert page["StreamNames"] == names[:2] and page["HasMoreStreams"]
    page = kinesis.list_streams(Limit=3, NextToken=page["NextToken"])
    assert page["StreamNames"] == names[2:] and not page["HasMoreStreams"]
    assert [summary["StreamName"] for summary in page["StreamSummaries"]] == names[2:]
    found = [name for page in kinesis.get_paginator("list_streams").paginate(Limit=2)
             for name in page["StreamNames"]]
    assert found == sorted(found) and set(names) <= set(found)


def test_listing_shards(server, kinesis):
    name = create(kinesis, 5)
    page = kinesis.list_shards(StreamName=name, MaxResults=2)
    assert len(page["Shards"]) == 2
    refused(lambda: kinesis.list_shards(StreamName=name, NextToken=page["NextToken"]),
            "InvalidArgumentException", "NextToken and StreamName cannot be provided together")
    assert len(kinesis.list_shards(NextToken=page["NextToken"])["Shards"]) == 3
    server.move_clock(301)
    refused(lambda: kinesis.list_shards(NextToken=page["NextToken"]), "ExpiredNextTokenException")
    put(kinesis, name, ("k", b"now"))
    then = next(record["ApproximateArrivalTimestamp"] for shard in shards_of(kinesis, name)
                for record in read(kinesis, name, shard["ShardId"]))
    server.move_clock(HOUR)
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000002",
                        NewStartingHashKey=str(ALL_KEYS // 2))

    def ids(**shard_filter):
        return "".join(shard["ShardId"][-1]
                       for shard in shards_of(kinesis, name, ShardFilter=shard_filter))
    assert ids(Type="AT_LATEST") == "013456" and ids(Type="FROM_TRIM_HORIZON") == "0123456"
    assert ids(Type="AT_TRIM_HORIZON") == "01234"
    assert ids(Type="AFTER_SHARD_ID", ShardId="shardId-000000000003") == "456"
    assert ids(Type="AT_TIMESTAMP", Timestamp=then) == "01234"
    server.move_clock(25 * HOUR)
    assert ids(Type="FROM_TRIM_HORIZON") == "013456"
    told = kinesis.describe_stream(StreamName=name)["StreamDescription"]["Shards"]
    assert "".join(shard["ShardId"][-1] for shard in told) == "013456"


def test_tags_in_both_forms(kinesis):
    name = create(kinesis)
    of, arn = {"StreamName": name}, arn_of(kinesis, name)
    for start in range(0, 50, 10):
        kinesis.add_tags_to_stream(**of, Tags={f"k{i:02}": str(i)
                                               for i in range(start, start + 10)})
    refused(lambda: kinesis.tag_resource(ResourceARN=arn, Tags={"more": "x"}),
            "InvalidArgumentException")
    page = kinesis.list_tags_for_stream(**of, Limit=3, ExclusiveStartTagKey="k45")
    assert [tag["Key"] for tag in page["Tags"]] == ["k46", "k47", "k48"] and page["HasMoreTags"]
    kinesis.remove_tags_from_stream(**of, TagKeys=[f"k{i:02}" for i in range(48)])
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["k48"])
    kinesis.tag_resource(ResourceARN=arn, Tags={"b": "2"})
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
        {"Key": "b", "Value": "2"}, {"Key": "k49", "Value": "49"}]


def test_errors_are_awss(kinesis):
    name = create(kinesis)
    of = {"StreamName": name}
    refused(lambda: kinesis.create_stream(**of, ShardCount=1), "ResourceInUseException",
            f"Stream {name} under account 000000000000 already exists")
    refused(lambda: kinesis.create_stream(StreamName="many", ShardCount=501),
            "LimitExceededException", "exceed the shard limit for the account 000000000000")
    refused(lambda: kinesis.create_stream(StreamName="none"), "ValidationException", "ShardCount")
    refused(lambda: kinesis.create_stream(StreamName="..", ShardCount=1),
            "InvalidArgumentException")
    for call in (kinesis.describe_stream, kinesis.delete_stream, kinesis.list_shards,
                 kinesis.describe_stream_summary, kinesis.list_tags_for_stream):
        refused(lambda: call(StreamName="gone"), "ResourceNotFoundException",
                "Stream gone under account 000000000000 not found")
    refused(lambda: kinesis.put_record(StreamName="gone", Data=b"x", PartitionKey="k"),
            "ResourceNotFoundException", "gone")
    refused(lambda: kinesis.put_record(Data=b"x", PartitionKey="k"), "InvalidArgumentException",
            "StreamName or StreamARN")
    refused(lambda: kinesis.put_record(**of, Data=b"x", PartitionKey="k",
                                       SequenceNumberForOrdering="77"),
            "InvalidArgumentException", "ExclusiveMinimumSequenceNumber 77")
    refused(lambda: iterator(kinesis, name, "shardId-000000000009"), "ResourceNotFoundException",
            f"Could not find shard shardId-000000000009 in stream {name}")
    refused(lambda: kinesis.describe_stream(StreamARN=arn_of(kinesis, name), StreamName="other"),
            "InvalidArgumentException", "different streams")
    refused(lambda: kinesis.subscribe_to_shard(
        ConsumerARN=f"{arn_of(kinesis, name)}/consumer/c:1", ShardId="shardId-000000000000",
        StartingPosition={"Type": "LATEST"}), "UnknownOperationException", "SubscribeToShard")
    kinesis.delete_stream(**of)
    kinesis.get_waiter("stream_not_exists").wait(**of)


def test_consumers_are_registered_told_and_taken_away(kinesis):
    name = create(kinesis)
    stream = arn_of(kinesis, name)

    def count():
        return kinesis.describe_stream_summary(
            StreamName=name)["StreamDescriptionSummary"]["ConsumerCount"]

    made = [kinesis.register_stream_consumer(
        StreamARN=stream, ConsumerName=each, Tags={"k": each})["Consumer"] for each in "cab"]
    assert count() == 3
    for consumer, each in zip(made, "cab"):
        assert (consumer["ConsumerName"], consumer["ConsumerStatus"]) == (each, "ACTIVE")
        seconds = int(consumer["ConsumerCreationTimestamp"].timestamp())
        assert consumer["ConsumerARN"] == f"{stream}/consumer/{each}:{seconds}"
        for named in ({"ConsumerARN": consumer["ConsumerARN"]},
                      {"StreamARN": stream, "ConsumerName": each}):
            told = kinesis.describe_stream_consumer(**named)["ConsumerDescription"]
            assert told == {**consumer, "StreamARN": stream}
    pages = kinesis.get_paginator("list_stream_consumers").paginate(
        StreamARN=stream, PaginationConfig={"PageSize": 2})
    assert [[each["ConsumerName"] for each in page["Consumers"]] for page in pages] == [
        ["a", "b"], ["c"]]
    tagged = made[0]["ConsumerARN"]
    kinesis.tag_resource(ResourceARN=tagged, Tags={"more": "x"})
    assert kinesis.list_tags_for_resource(ResourceARN=tagged)["Tags"] == [
        {"Key": "k", "Value": "c"}, {"Key": "more", "Value": "x"}]
    refused(lambda: kinesis.register_stream_consumer(StreamARN=stream, ConsumerName="a"),
            "ResourceInUseException", "Consumer a")
    refused(lambda: kinesis.describe_stream_consumer(StreamARN=stream, ConsumerName="none"),
            "ResourceNotFoundException", "none")
    refused(lambda: kinesis.describe_stream_consumer(StreamARN=stream),
            "InvalidArgumentException", "ConsumerName")
    refused(lambda: kinesis.describe_stream_consumer(ConsumerARN=tagged, ConsumerName="a"),
            "InvalidArgumentException")
    refused(lambda: kinesis.deregister_stream_consumer(ConsumerARN=f"{stream}/consumer/c:1"),
            "ResourceNotFoundException")
    kinesis.deregister_stream_consumer(ConsumerARN=tagged)
    kinesis.deregister_stream_consumer(StreamARN=stream, ConsumerName="a")
    assert count() == 1
    for i in range(19):
        kinesis.register_stream_consumer(StreamARN=stream, ConsumerName=f"n{i}")
    refused(lambda: kinesis.register_stream_consumer(StreamARN=stream, ConsumerName="more"),
            "LimitExceededException", "20")
    refused(lambda: kinesis.delete_stream(StreamName=name), "ResourceInUseException",
            "EnforceConsumerDeletion")
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    assert count() == 0 and kinesis.list_stream_consumers(StreamARN=stream)["Consumers"] == []


def test_cbor_is_told_with_what_switches_it_off(server):
    request = urllib.request.Request(server.url, b"\xa0", {
        "Content-Type": "application/x-amz-cbor-1.1", "X-Amz-Target": "Kinesis_20131202.ListStreams",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, "
                         "SignedHeaders=host, Signature=0"})
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(request)
    assert told.value.code == 400 and b"AWS_CBOR_ENABLED=false" in told.value.read()


# --- splitting and merging -----------------------------------------------------------------------

def test_a_split_and_a_merge(kinesis):
    name = create(kinesis)
    put(kinesis, name, ("k", b"before"))
    at = iterator(kinesis, name)
    middle = ALL_KEYS // 2
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000",
                        NewStartingHashKey=str(middle))
    page = kinesis.get_records(ShardIterator=at)
    assert bodies(page["Records"]) == [b"before"] and "NextShardIterator" not in page
    assert [(child["ShardId"][-1], child["ParentShards"]) for child in page["ChildShards"]] == [
        ("1", ["shardId-000000000000"]), ("2", ["shardId-000000000000"])]
    for key in (0, middle):
        kinesis.put_record(StreamName=name, Data=b"%d" % (key > 0), PartitionKey="k",
                           ExplicitHashKey=str(key))
    assert bodies(read(kinesis, name, "shardId-000000000001")) == [b"0"]
    assert bodies(read(kinesis, name, "shardId-000000000002")) == [b"1"]
    kinesis.merge_shards(StreamName=name, ShardToMerge="shardId-000000000002",
                         AdjacentShardToMerge="shardId-000000000001")
    old, left, right, whole = shards_of(kinesis, name)
    assert {whole["ParentShardId"], whole["AdjacentParentShardId"]} == {
        left["ShardId"], right["ShardId"]}
    assert whole["HashKeyRange"] == old["HashKeyRange"]
    for shard in (old, left, right):
        numbers = shard["SequenceNumberRange"]
        assert int(numbers["StartingSequenceNumber"]) < int(numbers["EndingSequenceNumber"])
    assert "EndingSequenceNumber" not in whole["SequenceNumberRange"]
    refused(lambda: kinesis.split_shard(StreamName=name, ShardToSplit=left["ShardId"],
                                        NewStartingHashKey="7"), "InvalidArgumentException",
            "already been merged or split")
    for key in ("0", "1", str(ALL_KEYS - 1)):
        refused(lambda: kinesis.split_shard(StreamName=name, ShardToSplit=whole["ShardId"],
                                            NewStartingHashKey=key), "InvalidArgumentException",
                "is not both greater than one plus the shard's StartingHashKey 0")
    three = create(kinesis, 3)
    refused(lambda: kinesis.merge_shards(StreamName=three, ShardToMerge="shardId-000000000000",
                                         AdjacentShardToMerge="shardId-000000000002"),
            "InvalidArgumentException", "not an adjacent pair")


@pytest.mark.parametrize("counts", [(1, 2, 4, 2, 1), (3, 5, 4, 7, 4, 2)])
def test_a_shard_count_is_updated(kinesis, counts):
    name = create(kinesis, counts[0])
    for before, after in zip(counts, counts[1:]):
        told = kinesis.update_shard_count(StreamName=name, TargetShardCount=after,
                                          ScalingType="UNIFORM_SCALING")
        assert (told["CurrentShardCount"], told["TargetShardCount"]) == (before, after)
        ranges = check_cover(open_shards(kinesis, name))
        assert len(ranges) == after
        assert all(abs((end - start) - ALL_KEYS // after) <= after for start, end in ranges)
    for wrong, text in ((2 * counts[-1] + 1, "up over double"), (counts[-1] // 3, "down below")):
        if wrong:
            refused(lambda: kinesis.update_shard_count(
                StreamName=name, TargetShardCount=wrong, ScalingType="UNIFORM_SCALING"),
                "InvalidArgumentException", text)


def lineage(kinesis, name):
    """Reads all shards from the first to the last, children after their parents, as consumers do."""
    found, seen = [], set()
    waiting = {shard["ShardId"]: shard for shard in shards_of(kinesis, name)}
    while waiting:
        ready = [name for name, shard in waiting.items()
                 if not {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")}
                 & waiting.keys()]
        assert ready
        for shard in ready:
            records = read(kinesis, name, shard)
            found += [(shard, record) for record in records]
            seen.add(shard)
            del waiting[shard]
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, pytest.param(3, marks=pytest.mark.full)])
def test_puts_splits_merges_and_restarts_against_a_model(server_factory, seed):
    """By one client, in random order; what the model knows of each shard is what is read of it."""
    choose = random.Random(seed)
    server = server_factory()
    kinesis = server.client("kinesis")
    name = create(kinesis, 2)
    model = {}  # shard -> [(key, body, number)]
    count = 0
    for _ in range(100):
        what = choose.random()
        alive = open_shards(kinesis, name)
        if what < 0.75:
            records = [(choose.choice("abcdefgh") * choose.randint(1, 9),
                        b"%d %s" % (count + i, b"x" * choose.choice((0, 10, 3000))))
                       for i in range(choose.choice((1, 2, 40)))]
            count += len(records)
            for (key, body), place in zip(records, put(kinesis, name, *records)):
                model.setdefault(place["ShardId"], []).append(
                    (key, body, place["SequenceNumber"]))
                shard, = (one for one in alive if one["ShardId"] == place["ShardId"])
                assert holds(shard, hash_of(key))
        elif what < 0.82:
            keys = (shard := choose.choice(alive))["HashKeyRange"]
            start, end = int(keys["StartingHashKey"]), int(keys["EndingHashKey"])
            if end - start > 1000:
                kinesis.split_shard(StreamName=name, ShardToSplit=shard["ShardId"],
                                    NewStartingHashKey=str(choose.randint(start + 2, end - 1)))
        elif what < 0.88:
            alive.sort(key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))
            if len(alive) > 1:
                i = choose.randrange(len(alive) - 1)
                kinesis.merge_shards(StreamName=name, ShardToMerge=alive[i]["ShardId"],
                                     AdjacentShardToMerge=alive[i + 1]["ShardId"])
        elif what < 0.92:
            kinesis.update_shard_count(
                StreamName=name, ScalingType="UNIFORM_SCALING",
                TargetShardCount=choose.randint(least := (len(alive) + 1) // 2,
                                                max(least, min(2 * len(alive), 6))))
        else:
            server.kill()
            server.start()
        check_cover(open_shards(kinesis, name))
    found = {}
    for shard, record in lineage(kinesis, name):
        found.setdefault(shard, []).append(
            (record["PartitionKey"], record["Data"], record["SequenceNumber"]))
    assert found == model
    shard = choose.choice(sorted(model))
    for i, (_, body, number) in enumerate(model[shard]):
        if choose.random() < 20 / len(model[shard]):
            records = read(kinesis, name, shard, "AT_SEQUENCE_NUMBER",
                           StartingSequenceNumber=number)
            assert bodies(records) == [one[1] for one in model[shard][i:]]


class Publisher(threading.Thread):
    """Puts numbered records until the server dies; knows which were acknowledged, and where."""

    def __init__(self, server, stream, word):
        super().__init__(daemon=True)
        self.client = server.client("kinesis", config=Config(connect_timeout=2, read_timeout=20))
        self.stream, self.word, self.acknowledged, self.refusal = stream, word, {}, None

    def run(self):
        try:
            for i in range(1 << 30):
                lines = [f"{self.word} {i} {j} {'x' * 100}".encode() for j in range(20)]
                for line, place in zip(lines, put(self.client, self.stream,
                                                  *[(f"{self.word}{i}", line) for line in lines])):
                    self.acknowledged[line] = (place["ShardId"], place["SequenceNumber"])
        except botocore.exceptions.ClientError as error:
            self.refusal = error
        except (botocore.exceptions.BotoCoreError, OSError):
            pass


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kills", [
    6, pytest.param(15, marks=pytest.mark.full), pytest.param(60, marks=pytest.mark.campaign)])
def test_a_killed_server_loses_nothing_that_it_acknowledged(server_factory, kills):
    server = server_factory()
    kinesis = server.client("kinesis")
    name = create(kinesis, 3)
    acknowledged = {}
    for round_ in range(kills):
        publishers = [Publisher(server, name, f"{round_}-{i}-") for i in range(3)]
        for publisher in publishers:
            publisher.start()
        time.sleep(0.15 + 0.05 * (round_ % 5))
        if round_ % 2:
            shards = open_shards(kinesis, name)
            kinesis.update_shard_count(StreamName=name, ScalingType="UNIFORM_SCALING",
                                       TargetShardCount=4 if len(shards) == 3 else 3)
        server.kill()
        for publisher in publishers:
            publisher.join(60)
            assert not publisher.is_alive() and publisher.refusal is None, publisher.refusal
            acknowledged.update(publisher.acknowledged)
        server.start()
    found = lineage(kinesis, name)
    where = {record["Data"]: (shard, record["SequenceNumber"]) for shard, record in found}
    assert acknowledged and len(where) == len(found)
    assert {line: where.get(line) for line in acknowledged} == acknowledged
    for shard in {shard for shard, _ in found}:
        numbers = [int(record["SequenceNumber"]) for one, record in found if one == shard]
        assert numbers == sorted(set(numbers))
