"""Delivery streams with boto3: what was acknowledged is delivered once, whatever happens; objects are
named, prefixed and packed as Firehose does; limits and errors are AWS's."""

import gzip
import hashlib
import io
import os
import pty
import re
import struct
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import botocore.exceptions
import pyarrow
import pytest

from delivery_streams import (
    create, delivered, processors, Publisher, put, refused, ROLE, wait_for_delivery)
from sagemaker_jobs import unique

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(server_factory):
    server = server_factory(["--test-clock"])
    server.client("s3").create_bucket(Bucket="lake")
    return server


@pytest.fixture(scope="module")
def firehose(server):
    return server.client("firehose")


# --- buffering, names and prefixes ---------------------------------------------------------------

def test_records_are_delivered_by_age_as_they_came(server):
    name = create(server, interval=60)
    ids = put(server, name, b"one,", b"two\n", b"\x00\xff")
    answer = server.client("firehose").put_record(DeliveryStreamName=name, Record={"Data": b"end"})
    assert len({*ids, answer["RecordId"]}) == 4
    server.move_clock(59)
    assert delivered(server, f"{name}/") == {}
    server.move_clock(2)
    (key, body), = delivered(server, f"{name}/").items()
    assert body == b"one,two\n\x00\xffend"
    uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    assert re.fullmatch(rf"{name}/\d{{4}}/\d\d/\d\d/\d\d/{name}-1-(\d+-){{6}}{uuid}", key)
    put(server, name, b"later")
    server.move_clock(61)
    assert sorted(delivered(server, f"{name}/").values()) == sorted([body, b"later"])


def test_a_full_buffer_does_not_wait(server):
    name = create(server, interval=900, size=1)
    records = [bytes([65 + i]) * 300_000 for i in range(4)]
    for record in records:
        put(server, name, record)
    found = wait_for_delivery(server, f"{name}/", len)
    assert list(found.values()) == [b"".join(records)]


def test_without_a_prefix_the_hour_is_first(server):
    name = create(server, prefix="")
    put(server, name, b"x")
    server.move_clock(61)
    keys = [key for key in delivered(server, "2") if f"/{name}-" in key]
    assert len(keys) == 1 and re.match(rf"\d{{4}}/\d\d/\d\d/\d\d/{name}-1-", keys[0])


def clock_of(key):
    return datetime(*map(int, re.search(r"-1-(\d+)-(\d+)-(\d+)-(\d+)-(\d+)-(\d+)-", key).groups()),
                    tzinfo=timezone.utc)


PATTERNS = [  # Java's pattern, Python's
    ("yyyy/MM/dd/HH", "%Y/%m/%d/%H"),
    ("'year='yyyy'/month='MM'/day='dd", "year=%Y/month=%m/day=%d"),
    ("yyyy-MM-dd''HH", "%Y-%m-%d'%H"),
    ("yy.DDD.mm.ss", "%y.%j.%M.%S"),
    ("E EEEE MMM MMMM a hh", "%a %A %b %B %p %I"),
]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
@pytest.mark.parametrize("java,python", PATTERNS)
def test_timestamps_of_prefixes(server, java, python, zone):
    root = unique("times")
    name = create(server, prefix=f"{root}/a=!{{timestamp:{java}}}/", CustomTimeZone=zone,
                  ErrorOutputPrefix="failed/!{firehose:error-output-type}/")
    put(server, name, b"x")
    server.move_clock(61)
    key, = delivered(server, f"{root}/")
    local = clock_of(key).astimezone(ZoneInfo(zone))
    assert key.startswith(f"{root}/a={local.strftime(python)}/{name}-1-")


def test_a_random_string_and_an_extension(server):
    root = unique("random")
    name = create(server, prefix=f"{root}/!{{firehose:random-string}}/", FileExtension=".jsonl",
                  ErrorOutputPrefix="failed/!{firehose:error-output-type}/",
                  CompressionFormat="GZIP")
    for _ in range(2):
        put(server, name, b"x")
        server.move_clock(61)
    keys = [re.fullmatch(rf"{root}/([a-z0-9]{{11}})/{name}-1-.*\.jsonl", key)
            for key in delivered(server, f"{root}/")]
    assert len({key[1] for key in keys}) == 2


WRONG_PREFIXES = [
    ("a/!{timestamp:yyyy}/", None, "ErrorOutputPrefix cannot be null or empty when Prefix contains"),
    ("a/!{firehose:error-output-type}/", "b/!{firehose:error-output-type}", "Prefix cannot contain"),
    ("a/", "b/!{timestamp:yyyy}/", "at least one instance of !{firehose:error-output-type}"),
    ("a/!{timestamp:yyyy", "b/!{firehose:error-output-type}", "can only appear in"),
    ("a/!{timestamp:yyyy'}", "b/!{firehose:error-output-type}", "a quote that never ends"),
    ("a/!{timestamp:YYYY}", "b/!{firehose:error-output-type}", "has a letter that is not supported"),
    ("a/!{timestamp:ddd}", "b/!{firehose:error-output-type}", "repeats a letter too often"),
    ("a/!{firehose:name}", "b/!{firehose:error-output-type}", r"expression !\{firehose:name\}"),
    ("a/!{partitionKeyFromQuery:x}", "b/!{firehose:error-output-type}", "dynamic partitioning"),
    ("a" * 513, None, "513 characters"),
    ("\u20ac" * 300, None, "900 bytes"),
]


@pytest.mark.parametrize("prefix,error_prefix,text", WRONG_PREFIXES)
def test_wrong_prefixes_are_refused(server, prefix, error_prefix, text):
    more = {"ErrorOutputPrefix": error_prefix} if error_prefix else {}
    refused(lambda: create(server, prefix=prefix, **more), "InvalidArgumentException", text)


# --- compression and delimiters ------------------------------------------------------------------

def unframed(data):
    """Snappy's framing format, its blocks by PyArrow."""
    snappy = pyarrow.Codec("snappy")
    assert data[:10] == b"\xff\x06\x00\x00sNaPpY"
    at, out = 10, []
    while at < len(data):
        kind, size = data[at], int.from_bytes(data[at + 1:at + 4], "little")
        checksum, body = struct.unpack("<I", data[at + 4:at + 8])[0], data[at + 8:at + 4 + size]
        plain = body if kind == 1 else snappy.decompress(body, varint(body), asbytes=True)
        crc = crc32c(plain)
        assert checksum == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        out.append(plain)
        at += 4 + size
    return b"".join(out)


def unblocked(data):
    """Hadoop's blocks: a length, then chunks of Snappy, each with its own."""
    snappy = pyarrow.Codec("snappy")
    at, out = 0, []
    while at < len(data):
        whole, got = int.from_bytes(data[at:at + 4], "big"), 0
        at += 4
        while got < whole:
            size = int.from_bytes(data[at:at + 4], "big")
            body = data[at + 4:at + 4 + size]
            out.append(snappy.decompress(body, varint(body), asbytes=True))
            got += len(out[-1])
            at += 4 + size
    return b"".join(out)


def varint(data):
    value = 0
    for i, byte in enumerate(data):
        value |= (byte & 127) << 7 * i
        if byte < 128:
            return value


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def unzipped(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        member, = archive.namelist()
        return archive.read(member)


FORMATS = {"GZIP": (".gz", gzip.decompress), "ZIP": (".zip", unzipped),
           "Snappy": (".snappy", unframed), "HADOOP_SNAPPY": (".snappy", unblocked)}


@pytest.mark.parametrize("compression", FORMATS)
def test_compression(server, compression):
    name = create(server, CompressionFormat=compression)
    records = [b"%d,some text that comes again and again\n" % i for i in range(2500)]
    records += [bytes(i * j % 251 for j in range(i)) for i in range(300, 400)]
    for start in range(0, len(records), 500):
        put(server, name, *records[start:start + 500])
    server.move_clock(61)
    (key, body), = delivered(server, f"{name}/").items()
    extension, unpack = FORMATS[compression]
    assert key.endswith(extension)
    assert len(body) < len(b"".join(records)) and unpack(body) == b"".join(records)


# --- the streams' own operations -----------------------------------------------------------------

def test_a_stream_is_described_as_it_was_created(server, firehose):
    name = unique("described")
    arn = firehose.create_delivery_stream(
        DeliveryStreamName=name, DeliveryStreamType="DirectPut",
        S3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"},
        Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])["DeliveryStreamARN"]
    told = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    assert arn.endswith(f":deliverystream/{name}") and told["DeliveryStreamARN"] == arn
    assert told["DeliveryStreamStatus"] == "ACTIVE" and told["DeliveryStreamType"] == "DirectPut"
    assert told["VersionId"] == "1" and told["HasMoreDestinations"] is False
    destination, = told["Destinations"]
    for shown in (destination["S3DestinationDescription"],
                  destination["ExtendedS3DestinationDescription"]):
        assert shown["BucketARN"] == "arn:aws:s3:::lake" and shown["RoleARN"] == ROLE
        assert shown["BufferingHints"] == {"SizeInMBs": 5, "IntervalInSeconds": 300}
        assert shown["CompressionFormat"] == "UNCOMPRESSED"
        assert shown["EncryptionConfiguration"] == {"NoEncryptionConfig": "NoEncryption"}
    tags = firehose.list_tags_for_delivery_stream(DeliveryStreamName=name)
    assert tags["Tags"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]


def test_listing_goes_on_behind_a_name(server, firehose):
    names = sorted(create(server, name=f"zz-{i}-{unique('list')}") for i in range(5))
    found, last = [], "zz-"
    while True:
        page = firehose.list_delivery_streams(Limit=2, ExclusiveStartDeliveryStreamName=last)
        assert len(page["DeliveryStreamNames"]) <= 2
        found += page["DeliveryStreamNames"]
        last = found[-1]
        if not page["HasMoreDeliveryStreams"]:
            break
    assert found == names
    assert firehose.list_delivery_streams(
        DeliveryStreamType="MSKAsSource")["DeliveryStreamNames"] == []


def test_an_update_changes_what_it_says(server, firehose):
    name = create(server, interval=60, CompressionFormat="GZIP")
    update = {"DeliveryStreamName": name, "DestinationId": "destinationId-000000000001",
              "ExtendedS3DestinationUpdate": {
                  "Prefix": f"{name}/new/", "CompressionFormat": "UNCOMPRESSED",
                  "BufferingHints": {"SizeInMBs": 2, "IntervalInSeconds": 600}}}
    refused(lambda: firehose.update_destination(**update, CurrentDeliveryStreamVersionId="7"),
            "ConcurrentModificationException", "current version id: 1")
    put(server, name, b"before")
    firehose.update_destination(**update, CurrentDeliveryStreamVersionId="1")
    told = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    shown = told["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert told["VersionId"] == "2" and "LastUpdateTimestamp" in told
    assert shown["BucketARN"] == "arn:aws:s3:::lake" and shown["Prefix"] == f"{name}/new/"
    server.move_clock(61)
    assert delivered(server, f"{name}/") == {}
    server.move_clock(600)
    (key, body), = delivered(server, f"{name}/new/").items()
    assert f"/{name}-2-" in key and body == b"before"
    wrong = {**update, "DestinationId": "destinationId-2"}
    refused(lambda: firehose.update_destination(**wrong, CurrentDeliveryStreamVersionId="2"),
            "InvalidArgumentException", "destinationId-2")
    update["ExtendedS3DestinationUpdate"]["Prefix"] = "!{timestamp:yyyy}"
    refused(lambda: firehose.update_destination(**update, CurrentDeliveryStreamVersionId="2"),
            "InvalidArgumentException", "ErrorOutputPrefix")


def test_deleting_delivers_what_was_accepted(server, firehose):
    name = create(server, interval=900)
    put(server, name, b"last words")
    firehose.delete_delivery_stream(DeliveryStreamName=name)
    assert list(delivered(server, f"{name}/").values()) == [b"last words"]
    for call in (firehose.describe_delivery_stream, firehose.delete_delivery_stream):
        refused(lambda: call(DeliveryStreamName=name), "ResourceNotFoundException",
                f"Firehose {name} under account 000000000000 not found.")
    assert not (server.home / "streams" / name).exists()
    create(server, name=name)
    put(server, name, b"another")
    server.move_clock(61)
    assert sorted(delivered(server, f"{name}/").values()) == [b"another", b"last words"]


def test_a_stream_without_its_bucket_can_be_deleted(server, firehose):
    name = create(server, bucket="never-there")
    put(server, name, b"lost")
    firehose.delete_delivery_stream(DeliveryStreamName=name)
    assert f"{name}: " in server.log_text() and "its last records with it" in server.log_text()
    assert not (server.home / "streams" / name).exists()
    server.client("s3").create_bucket(Bucket="never-there")
    server.move_clock(400)
    assert delivered(server, "", "never-there") == {}


def test_tags(server, firehose):
    name = create(server)
    of = {"DeliveryStreamName": name}
    firehose.tag_delivery_stream(**of, Tags=[{"Key": f"k{i:02}", "Value": str(i)}
                                             for i in range(50)])
    refused(lambda: firehose.tag_delivery_stream(**of, Tags=[{"Key": "more", "Value": "x"}]),
            "LimitExceededException")
    page = firehose.list_tags_for_delivery_stream(**of, Limit=3, ExclusiveStartTagKey="k45")
    assert [tag["Key"] for tag in page["Tags"]] == ["k46", "k47", "k48"] and page["HasMoreTags"]
    firehose.untag_delivery_stream(**of, TagKeys=[f"k{i:02}" for i in range(49)])
    page = firehose.list_tags_for_delivery_stream(**of)
    assert page["Tags"] == [{"Key": "k49", "Value": "49"}] and not page["HasMoreTags"]


def test_errors_are_awss(server, firehose):
    name = create(server)
    refused(lambda: create(server, name=name), "ResourceInUseException",
            f"Firehose {name} under accountId 000000000000 already exists")
    refused(lambda: firehose.create_delivery_stream(DeliveryStreamName="none"),
            "InvalidArgumentException", "Exactly one destination")
    destination = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}
    refused(lambda: firehose.create_delivery_stream(
        DeliveryStreamName="both", S3DestinationConfiguration=destination,
        ExtendedS3DestinationConfiguration=destination),
        "InvalidArgumentException", "Exactly one destination")
    refused(lambda: create(server, name=".."), "InvalidArgumentException")
    refused(lambda: create(server, CustomTimeZone="Mars/Base"), "InvalidArgumentException", "Mars")
    refused(lambda: create(server, BufferingHints={"SizeInMBs": 3}), "InvalidArgumentException",
            "IntervalInSeconds is missing")
    refused(lambda: firehose.put_record(DeliveryStreamName="gone", Record={"Data": b"x"}),
            "ResourceNotFoundException", "Firehose gone under account 000000000000 not found")
    refused(lambda: firehose.start_delivery_stream_encryption(DeliveryStreamName=name),
            "UnknownOperationException", "StartDeliveryStreamEncryption")


def test_limits_of_records(server, firehose):
    name = create(server, size=64, interval=60)
    largest = b"x" * (1000 * 1024)
    firehose.put_record(DeliveryStreamName=name, Record={"Data": largest})
    refused(lambda: firehose.put_record(DeliveryStreamName=name, Record={"Data": largest + b"x"}),
            "ValidationException", "length less than or equal to 1024000")
    refused(lambda: put(server, name, *[b"x"] * 501), "ValidationException", "equal to 500")
    whole = [b"y" * (MIB // 2)] * 8
    put(server, name, *whole)
    refused(lambda: put(server, name, *whole, b"z"), "InvalidArgumentException",
            "Records size exceeds 4 MB limit")
    put(server, name, *[b"z"] * 500)
    server.move_clock(61)
    assert list(delivered(server, f"{name}/").values()) == [largest + b"".join(whole) + b"z" * 500]


# --- what goes wrong -----------------------------------------------------------------------------

def test_records_wait_for_their_bucket(server):
    name = create(server, bucket="not-yet")
    put(server, name, b"patient ")
    server.move_clock(61)
    put(server, name, b"records")
    server.move_clock(61)
    server.client("s3").create_bucket(Bucket="not-yet")
    server.move_clock(400)
    found = delivered(server, f"{name}/", "not-yet")
    assert b"".join(found[key] for key in sorted(found, key=clock_of)) == b"patient records"
    assert "not-yet" in server.log_text() and name in server.log_text()


def test_one_file_holds_the_records_of_many_at_once(server):
    name = create(server, interval=600, size=128)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: put(server, name, *[b"%d.%d\n" % (i, j) for j in range(50)]),
                      range(40)))
    server.move_clock(601)
    body, = delivered(server, f"{name}/").values()
    lines = body.decode().split()
    assert sorted(lines) == sorted(f"{i}.{j}" for i in range(40) for j in range(50))
    by_batch = {}
    for line in lines:
        batch, place = map(int, line.split("."))
        by_batch.setdefault(batch, []).append(place)
    assert all(places == list(range(50)) for places in by_batch.values())


def test_a_restart_delivers_what_was_left(server_factory):
    server = server_factory()
    server.client("s3").create_bucket(Bucket="lake")
    name = create(server, interval=900)
    put(server, name, b"kept")
    server.restart()
    found = wait_for_delivery(server, f"{name}/", len)
    assert list(found.values()) == [b"kept"]
    (server.home / "streams" / "gone" / "old").mkdir(parents=True)
    server.restart()
    assert sorted(path.name for path in (server.home / "streams").iterdir()) == [name]
    put(server, name, b"more")
    server.restart()
    found = wait_for_delivery(server, f"{name}/", lambda found: len(found) == 2)
    assert sorted(found.values()) == [b"kept", b"more"]


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kills", [
    8, pytest.param(20, marks=pytest.mark.full), pytest.param(60, marks=pytest.mark.campaign)])
def test_a_killed_server_loses_nothing_and_delivers_nothing_twice(server_factory, kills):
    server = server_factory()
    server.client("s3").create_bucket(Bucket="lake")
    streams = [create(server, size=1, interval=interval, CompressionFormat=compression)
               for interval, compression in ((0, "GZIP"), (900, "UNCOMPRESSED"))]
    acknowledged = {stream: set() for stream in streams}
    for round_ in range(kills):
        publishers = [Publisher(server, stream, f"{round_}-{i}", acknowledged[stream])
                      for stream in streams for i in range(2)]
        for publisher in publishers:
            publisher.start()
        time.sleep(0.15 + 0.1 * (round_ % 5))
        server.kill()
        for publisher in publishers:
            publisher.join(60)
            assert not publisher.is_alive() and publisher.refusal is None, publisher.refusal
        server.start()
    server.restart()  # what is left at a start is delivered at once
    for stream in streams:
        def lines_of(found):
            unpack = gzip.decompress if stream == streams[0] else bytes
            return b"".join(map(unpack, found.values())).decode().splitlines()
        found = lines_of(wait_for_delivery(
            server, f"{stream}/", lambda found: acknowledged[stream] <= set(lines_of(found))))
        assert acknowledged[stream], "it was killed before it did anything"
        assert len(found) == len(set(found)), "something was delivered twice"
        assert all(len(line.split(" ")[3]) == 400 for line in found), "half a record was delivered"
    deadline = time.monotonic() + 30
    while any(path.is_file() for path in (server.home / "streams").rglob("*")):
        assert time.monotonic() < deadline, "delivered records were not removed"
        time.sleep(0.05)


# --- from a data stream --------------------------------------------------------------------------

def create_source(server, shards=2):
    name = unique("source")
    server.client("kinesis").create_stream(StreamName=name, ShardCount=shards)
    return name


def create_reading(server, source, interval=60, size=1, **more):
    name = unique("reading")
    server.client("firehose").create_delivery_stream(
        DeliveryStreamName=name, DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={
            "KinesisStreamARN": f"arn:aws:kinesis:us-east-1:000000000000:stream/{source}",
            "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake", "Prefix": f"{name}/",
            "BufferingHints": {"SizeInMBs": size, "IntervalInSeconds": interval}, **more})
    return name


def put_source(server, source, *records):
    answer = server.client("kinesis").put_records(StreamName=source, Records=[
        {"Data": record, "PartitionKey": str(i)} for i, record in enumerate(records)])
    assert answer["FailedRecordCount"] == 0


def test_a_data_stream_is_delivered_from_then_on(server, firehose):
    source = create_source(server)
    put_source(server, source, b"before")
    name = create_reading(server, source)
    told = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    assert told["DeliveryStreamType"] == "KinesisStreamAsSource"
    shown = told["Source"]["KinesisStreamSourceDescription"]
    assert shown["KinesisStreamARN"].endswith(f"stream/{source}")
    assert shown["DeliveryStartTimestamp"].year >= 2026
    assert name in firehose.list_delivery_streams(
        DeliveryStreamType="KinesisStreamAsSource", Limit=1000)["DeliveryStreamNames"]
    put_source(server, source, b"one,", b"two,")
    put_source(server, source, b"three")
    server.move_clock(59)
    assert delivered(server, f"{name}/") == {}
    server.move_clock(2)
    assert list(delivered(server, f"{name}/").values()) == [b"one,two,three"]
    records = [bytes([65 + i]) * 400_000 for i in range(7)]
    for record in records:
        put_source(server, source, record)
    found = wait_for_delivery(server, f"{name}/", lambda found: len(found) == 3)
    server.move_clock(61)
    found = delivered(server, f"{name}/")
    assert b"".join(sorted(found.values())) == b"".join(records) + b"one,two,three"
    refused(lambda: put(server, name, b"x"), "InvalidArgumentException",
            "not permitted on KinesisStreamAsSource")
    put_source(server, source, b"last words")
    firehose.delete_delivery_stream(DeliveryStreamName=name)
    assert b"last words" in delivered(server, f"{name}/").values()
    put_source(server, source, b"nobody's")


def test_sources_that_are_wrong_are_refused(server, firehose):
    refused(lambda: create_reading(server, "never-there"), "InvalidArgumentException",
            "Stream never-there under account 000000000000 not found")
    destination = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}
    refused(lambda: firehose.create_delivery_stream(
        DeliveryStreamName="none", DeliveryStreamType="KinesisStreamAsSource",
        S3DestinationConfiguration=destination),
        "InvalidArgumentException", "KinesisStreamSourceConfiguration is required")
    source = create_source(server)
    name = create_reading(server, source)
    put_source(server, source, b"lost")
    server.client("kinesis").delete_stream(StreamName=source)
    server.move_clock(61)
    server.client("kinesis").create_stream(StreamName=source, ShardCount=1)
    put_source(server, source, b"another's")
    server.move_clock(61)
    assert delivered(server, f"{name}/") == {}
    refused(lambda: put(server, name, b"x"), "InvalidArgumentException", "not permitted")


def packed(*records):
    """As the Kinesis Producer Library packs them."""
    def varint(number):
        return bytes([number & 127 | (128 if number > 127 else 0)]) + (
            varint(number >> 7) if number > 127 else b"")

    def field(number, data):
        return varint(number << 3 | 2) + varint(len(data)) + data
    message = field(1, b"a key") + b"".join(
        field(3, b"\x08\x00" + field(3, record) + field(4, field(1, b"tag"))) for record in records)
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()


def test_what_a_producer_packed_is_delivered_as_records(server):
    source = create_source(server, 1)
    name = create_reading(server, source, **processors(("AppendDelimiterToRecord", {})))
    whole = packed(b"one", b"", b"x" * 300)
    others = [whole[:-1] + b"\x00", whole[:40], b"\xf3\x89\x9a\xc2",
              b"\xf3\x89\x9a\xc2\x1a\x7f" + hashlib.md5(b"\x1a\x7f").digest()]
    put_source(server, source, whole, *others, b"end")
    server.move_clock(61)
    (body,) = delivered(server, f"{name}/").values()
    assert body == b"".join(record + b"\n" for record in [b"one", b"", b"x" * 300, *others, b"end"])


class SourcePublisher(Publisher):
    """The same into a data stream."""

    service = "kinesis"

    def run(self):
        try:
            for i in range(1 << 30):
                lines = [f"{self.number} {i} {j} {'x' * 400}" for j in range(100)]
                answer = self.client.put_records(StreamName=self.stream, Records=[
                    {"Data": f"{line}\n", "PartitionKey": str(j)} for j, line in enumerate(lines)])
                assert answer["FailedRecordCount"] == 0
                self.acknowledged.update(lines)
        except botocore.exceptions.ClientError as error:
            self.refusal = error
        except (botocore.exceptions.BotoCoreError, OSError):
            pass


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kills", [
    6, pytest.param(20, marks=pytest.mark.full), pytest.param(60, marks=pytest.mark.campaign)])
def test_a_killed_server_delivers_a_data_stream_once(server_factory, kills):
    server = server_factory()
    server.client("s3").create_bucket(Bucket="lake")
    source = create_source(server)
    streams = [create_reading(server, source, interval=interval) for interval in (0, 900)]
    acknowledged = set()
    for round_ in range(kills):
        publishers = [SourcePublisher(server, source, f"{round_}-{i}", acknowledged)
                      for i in range(2)]
        for publisher in publishers:
            publisher.start()
        time.sleep(0.15 + 0.1 * (round_ % 5))
        server.kill()
        for publisher in publishers:
            publisher.join(60)
            assert not publisher.is_alive() and publisher.refusal is None, publisher.refusal
        server.start()
    server.restart()
    for stream in streams:
        def lines_of(found):
            return b"".join(found.values()).decode().splitlines()
        found = lines_of(wait_for_delivery(
            server, f"{stream}/", lambda found: acknowledged <= set(lines_of(found))))
        assert acknowledged and len(found) == len(set(found)), "something was delivered twice"


# --- lathe publish -------------------------------------------------------------------------------

def publish(server, lathe, *arguments, **options):
    return subprocess.run([lathe, "publish", *map(str, arguments)], env=server.environment(),
                          capture_output=True, **options)


def test_publish_puts_each_line_as_a_record(server, lathe, tmp_path):
    name = create(server, interval=600, size=128)
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    lines = [b"%d,%d\n" % (i, i * i) for i in range(1777)]
    first.write_bytes(b"header\n" + b"".join(lines))
    long_lines = [bytes([97 + i]) * 900_000 + b"\n" for i in range(7)]
    second.write_bytes(b"header\n" + b"".join(long_lines) + b"\x00\xff without a newline")
    done = publish(server, lathe, "--skip-header", name, first, second)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (
        0, f"{1777 + 7 + 1} records published to {name}\n", b"")
    done = publish(server, lathe, name, "-", input=b"\nend\n")
    assert done.stdout.decode() == f"2 records published to {name}\n"
    server.move_clock(601)
    assert b"".join(delivered(server, f"{name}/").values()) == (
        b"".join(lines + long_lines) + b"\x00\xff without a newline" + b"\nend\n")


def test_publish_says_what_is_wrong(server, lathe, tmp_path):
    name, file = create(server), tmp_path / "file"
    file.write_bytes(b"one\n" + b"x" * 1_024_001)
    for arguments, status, text in [
            (["none", "-"], 1, "Firehose none under account 000000000000 not found"),
            ([name, file], 1, "line 2 has more than the 1024000 bytes"),
            ([name, tmp_path], 1, "is a folder"),
            ([name, tmp_path / "gone"], 1, "gone"), ([name], 2, "FILES are needed")]:
        done = publish(server, lathe, *arguments, input=b"record\n")
        assert done.returncode == status and text in done.stderr.decode(), done.stderr


def test_publish_shows_how_far_it_is_on_a_terminal(server, lathe, tmp_path):
    name, file = create(server), tmp_path / "file"
    file.write_bytes(b"a line\n" * 3000)
    ours, theirs = pty.openpty()
    done = subprocess.run([lathe, "publish", name, file], env=server.environment(), stderr=theirs,
                          stdout=subprocess.PIPE)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0
    assert re.search(r"\[#{30}\] 100 %  3000 records  \S+\s\S+/s\r\n$", shown), shown
