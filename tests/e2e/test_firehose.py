"""Delivery streams with boto3: what was acknowledged is delivered once, whatever happens; objects are
named, prefixed and packed as Firehose does; limits and errors are AWS's."""

import base64
import gzip
import hashlib
import io
import json
import os
import pty
import re
import struct
import subprocess
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import botocore.exceptions
import pyarrow
import pyarrow.parquet
import pytest
from botocore.config import Config

from sagemaker_jobs import unique

ROLE = "arn:aws:iam::000000000000:role/firehose"
MIB = 1 << 20


@pytest.fixture(scope="module")
def server(server_factory):
    server = server_factory(["--test-clock"])
    server.client("s3").create_bucket(Bucket="lake")
    return server


@pytest.fixture(scope="module")
def firehose(server):
    return server.client("firehose")


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


def processing(kind, **parameters):
    return {"Enabled": True, "Processors": [{"Type": kind, "Parameters": [
        {"ParameterName": key, "ParameterValue": value} for key, value in parameters.items()]}]}


@pytest.mark.parametrize("parameters,delimiter", [
    ({"Delimiter": "\\n"}, b"\n"), ({}, b"\n"), ({"Delimiter": "|\\t"}, b"|\t")])
def test_a_delimiter_follows_each_record(server, parameters, delimiter):
    name = create(server, ProcessingConfiguration=processing("AppendDelimiterToRecord",
                                                             **parameters))
    put(server, name, b'{"a": 1}', b"", b"x\n")
    server.move_clock(61)
    assert list(delivered(server, f"{name}/").values()) == [
        b'{"a": 1}' + delimiter + delimiter + b"x\n" + delimiter]


def processors(*kinds):
    """("Type", {parameters}) ..."""
    return {"ProcessingConfiguration": {"Enabled": True, "Processors": [
        processing(kind, **parameters)["Processors"][0] for kind, parameters in kinds]}}


EXTRACTION = ("MetadataExtraction", {"JsonParsingEngine": "JQ-1.6",
                                     "MetadataExtractionQuery": "{kind: .kind}"})
WRONG_PROCESSORS = [
    ([("Lambda", {"LambdaArn": "arn"})], "processor Lambda is not supported"),
    ([("MetadataExtraction", {"JsonParsingEngine": "JQ-1.6"})], "needs a MetadataExtractionQuery"),
    ([("MetadataExtraction", {"MetadataExtractionQuery": "{a: .a}"})], "JsonParsingEngine JQ-1.6"),
    ([EXTRACTION], "only be present when Dynamic Partitioning is enabled"),
    ([("RecordDeAggregation", {"SubRecordType": "XML"})], "SubRecordType JSON or DELIMITED"),
    ([("RecordDeAggregation", {"SubRecordType": "DELIMITED"})], "needs a Delimiter, in base64"),
    ([("Decompression", {"CompressionFormat": "ZIP"})], "CompressionFormat GZIP"),
    ([("CloudWatchLogProcessing", {"DataMessageExtraction": "true"})], "needs .* Decompression"),
    ([("Decompression", {}), ("Decompression", {})], "is there twice"),
    ([("Decompression", {"Delimiter": "x"})], "has no parameter Delimiter"),
]


@pytest.mark.parametrize("kinds,text", WRONG_PROCESSORS)
def test_wrong_processors_are_refused(server, kinds, text):
    refused(lambda: create(server, **processors(*kinds)), "InvalidArgumentException", text)
    wrong = processors(*kinds)
    wrong["ProcessingConfiguration"]["Enabled"] = False
    create(server, **wrong)


@pytest.mark.parametrize("kinds,records,expected", [
    ([("RecordDeAggregation", {"SubRecordType": "JSON"}), ("AppendDelimiterToRecord", {})],
     [b'{"a": 1}{"a":"}{"} \n [1, {}]', b"no {JSON}", b'{"b": 1.50}'],
     b'{"a": 1}\n{"a":"}{"}\n[1, {}]\nno {JSON}\n{"b": 1.50}\n'),
    ([("RecordDeAggregation", {"SubRecordType": "DELIMITED", "Delimiter": "IyMjIw=="}),
      ("AppendDelimiterToRecord", {"Delimiter": "|"})],
     [b"one####two##three####", b"four"], b"one|two##three|four|"),
    ([("RecordDeAggregation", {"SubRecordType": "DELIMITED", "Delimiter": "LA=="}),
      ("AppendDelimiterToRecord", {"Delimiter": ";"})],
     [b",".join([b"x"] * 500), b",".join([b"y"] * 501)],
     b"x;" * 500 + b",".join([b"y"] * 501) + b";"),
    ([("Decompression", {"CompressionFormat": "GZIP"})],
     [gzip.compress(b"packed "), gzip.compress(b"in two ") + gzip.compress(b"members")],
     b"packed in two members"),
])
def test_records_are_unpacked_and_taken_apart(server, kinds, records, expected):
    name = create(server, **processors(*kinds))
    put(server, name, *records)
    server.move_clock(61)
    assert list(delivered(server, f"{name}/").values()) == [expected]


def failures(server, prefix):
    """{key: [what stands in its lines]}"""
    return {key: [json.loads(line) for line in body.decode().splitlines()]
            for key, body in delivered(server, prefix).items()}


def test_messages_of_log_events(server):
    name = create(server, ErrorOutputPrefix="failed-logs-", **processors(
        ("Decompression", {"CompressionFormat": "GZIP"}),
        ("CloudWatchLogProcessing", {"DataMessageExtraction": "true"}),
        ("AppendDelimiterToRecord", {})))

    def record(kind, *messages):
        return gzip.compress(json.dumps({
            "messageType": kind, "owner": "1", "logGroup": "g", "logStream": "s",
            "subscriptionFilters": ["f"], "logEvents": [
                {"id": "1", "timestamp": 1, "message": message} for message in messages]}).encode())
    wrong = [b"not packed", gzip.compress(b"not JSON"), gzip.compress(b"cut off" * 99)[:-9]]
    put(server, name, record("DATA_MESSAGE", "one", "two \u00fc"), *wrong,
        record("CONTROL_MESSAGE", "CWL CONTROL MESSAGE: Checking health"),
        record("DATA_MESSAGE", "three"))
    server.move_clock(61)
    assert list(delivered(server, f"{name}/").values()) == ["one\ntwo \u00fc\nthree\n".encode()]
    (key, found), = failures(server, "failed-logs-processing-failed/2").items()
    assert re.match(rf"failed-logs-processing-failed/\d{{4}}/\d\d/\d\d/\d\d/{name}-1-", key)
    assert [base64.b64decode(one["rawData"]) for one in found] == wrong
    assert "not in GZIP format" in found[0]["errorMessage"]
    assert "none of CloudWatch Logs" in found[1]["errorMessage"]


# --- dynamic partitioning ------------------------------------------------------------------------

def partitioned(server, query, prefix, kinds=(), **more):
    name = unique("parts")
    extraction = ("MetadataExtraction", {"JsonParsingEngine": "JQ-1.6",
                                         "MetadataExtractionQuery": query})
    return create(server, name=name, prefix=f"{name}/{prefix}", size=64, **{
        "ErrorOutputPrefix": f"failed/{name}/!{{firehose:error-output-type}}/",
        "DynamicPartitioningConfiguration": {"Enabled": True},
        **processors(*kinds, extraction), **more})


def by_folder(server, name):
    """{what stands between the stream's and the object's name: bytes}"""
    found = {}
    for key, body in delivered(server, f"{name}/").items():
        folder = key[len(name) + 1:key.rindex("/")]
        assert folder not in found
        found[folder] = body
    return found


def test_records_go_to_the_objects_of_their_keys(server):
    name = partitioned(
        server, "{kind: .kind, year: (.time[0:4]), warm: (.t > 20), n: .n}",
        "kind=!{partitionKeyFromQuery:kind}/!{partitionKeyFromQuery:year}/"
        "warm=!{partitionKeyFromQuery:warm}/n=!{partitionKeyFromQuery:n}/"
        "at=!{timestamp:yyyy}/", [("AppendDelimiterToRecord", {})])
    expected = {}
    for i in range(1200):
        record = {"kind": f"k{i % 3} \u00fc", "time": f"{2020 + i % 2}-01-01", "t": i % 40, "n": i % 2 + 0.5}
        line = json.dumps(record).encode()
        folder = (f"kind={record['kind']}/{record['time'][:4]}/"
                  f"warm={'true' if record['t'] > 20 else 'false'}/n={record['n']}/at=")
        expected.setdefault(folder, []).append(line)
    lines = sorted((line for lines in expected.values() for line in lines),
                   key=lambda line: hash(line) % 97)
    for folder in expected:
        expected[folder] = b"".join(line + b"\n" for line in lines if line in expected[folder])
    for start in range(0, len(lines), 400):
        put(server, name, *lines[start:start + 400])
    server.move_clock(61)
    found = {folder[:folder.index("at=") + 3]: body
             for folder, body in by_folder(server, name).items()}
    assert found == expected


def test_parts_of_a_record_have_keys_of_their_own(server):
    name = partitioned(server, "{kind: .kind}", "!{partitionKeyFromQuery:kind}/",
                       [("RecordDeAggregation", {"SubRecordType": "JSON"})])
    put(server, name, b'{"kind":"a"}{"kind":"b"}\n{"kind":"a","x":1}', b'{"kind":"b"}')
    many = b'{"kind":"c"}' * 501
    put(server, name, many)
    server.move_clock(61)
    assert by_folder(server, name) == {"a": b'{"kind":"a"}{"kind":"a","x":1}',
                                       "b": b'{"kind":"b"}{"kind":"b"}'}
    (_, (found,)), = failures(server, f"failed/{name}/metadata-extraction-failed/").items()
    assert found["errorMessage"] == "Non JSON record provided"
    assert base64.b64decode(found["rawData"]) == many


def test_records_without_keys_go_to_the_error_prefix(server):
    name = partitioned(server, "{a: .a, b: (.b // 1)}", "!{partitionKeyFromQuery:a}/"
                       "!{partitionKeyFromQuery:b}/")
    wrong = {b"no JSON": "Non JSON record provided", b'{"a": 1} {"a": 2}': "Non JSON record",
             b"": "Non JSON record", b"{}": "must not be null or empty",
             b'{"a": ""}': "must not be null or empty", b'{"a": [1]}': "must not be null or empty",
             b"[1]": "Cannot index array", b'{"a": "%s"}' % (b"x" * 600): "at most 512",
             b'{"a": "\xff"}': None}
    put(server, name, b'{"a": "good"}', *wrong, b'{"a": "good", "b": 2}')
    server.move_clock(61)
    found = by_folder(server, name)
    assert found.pop("good/1") == b'{"a": "good"}' and found.pop("good/2")
    assert set(found.values()) <= {b'{"a": "\xff"}'}
    (key, lines), = failures(server, f"failed/{name}/").items()
    assert key.startswith(f"failed/{name}/metadata-extraction-failed/{name}-1-")
    raw = [base64.b64decode(line["rawData"]) for line in lines]
    assert raw == [one for one in wrong if one in raw] and len(raw) >= len(wrong) - 1
    for line, record in zip(lines, raw):
        assert line["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"
        assert wrong[record] is None or wrong[record] in line["errorMessage"]
        assert line["attemptsMade"] == 1
        assert line["arrivalTimestamp"] <= line["attemptEndingTimestamp"]


def test_a_missing_key_and_too_many_partitions(server):
    name = partitioned(server, "{a: .a}", "!{partitionKeyFromQuery:b}/")
    put(server, name, b'{"a": 1}')
    server.move_clock(61)
    (_, (found,)), = failures(server, f"failed/{name}/metadata-extraction-failed/").items()
    assert "has no partition key b" in found["errorMessage"]
    name = partitioned(server, "{a: .a}", "!{partitionKeyFromQuery:a}/")
    for start in (0, 300):
        put(server, name, *[b'{"a": %d}' % i for i in range(start, start + 300)])
    server.move_clock(61)
    assert len(by_folder(server, name)) == 500
    (key, lines), = failures(server, f"failed/{name}/").items()
    assert len(lines) == 100
    assert lines[0]["errorCode"] == "DynamicPartitioning.ActivePartitionsLimitExceeded"


def test_queries_have_limits_and_see_nothing(server):
    name = partitioned(
        server, '{a: (if .grow then reduce range(40) as $i ("x" * 4000; . + .) else ($ENV | length | tostring) end)}',
        "!{partitionKeyFromQuery:a}/")
    put(server, name, b'{"i": 1}', b'{"grow": true}', b'{"i": 2}')
    server.move_clock(61)
    assert by_folder(server, name) == {"0": b'{"i": 1}{"i": 2}'}
    (_, (found,)), = failures(server, f"failed/{name}/").items()
    assert "more time or memory" in found["errorMessage"]


WRONG_PARTITIONING = [
    ("{a: .a", "!{partitionKeyFromQuery:a}/", {}, "no query of jq 1.6"),
    (" import \"a\" as a; {a: 1}", "!{partitionKeyFromQuery:a}/", {}, "modules"),
    ("{a: .a}", "plain/", {}, "at least one"),
    ("{a: .a}", "!{partitionKeyFromLambda:a}/", {}, "at least one|no functions"),
    ("{a: .a}", "!{partitionKeyFromQuery:}/", {}, "name a key"),
    ("{a: .a}", "!{partitionKeyFromQuery:a}/",
     {"BufferingHints": {"SizeInMBs": 63, "IntervalInSeconds": 60}}, "at least 64"),
    ("{a: .a}", "!{partitionKeyFromQuery:a}/",
     {"ProcessingConfiguration": {"Enabled": False}}, "needs a MetadataExtraction"),
    ("{a: .a}", "!{partitionKeyFromQuery:a}/", {"ErrorOutputPrefix": ""}, "ErrorOutputPrefix"),
    ("{a: .a}", "!{partitionKeyFromQuery:a}/",
     {"ErrorOutputPrefix": "!{firehose:error-output-type}/!{partitionKeyFromQuery:a}/"},
     "for Prefix alone"),
]


@pytest.mark.parametrize("query,prefix,more,text", WRONG_PARTITIONING)
def test_wrong_partitioning_is_refused(server, query, prefix, more, text):
    refused(lambda: partitioned(server, query, prefix, **more), "InvalidArgumentException", text)


def test_partitioning_is_updated_but_not_switched(server, firehose):
    name = partitioned(server, "{a: .a}", "!{partitionKeyFromQuery:a}/")

    def update(version, **what):
        firehose.update_destination(
            DeliveryStreamName=name, DestinationId="destinationId-000000000001",
            CurrentDeliveryStreamVersionId=version, ExtendedS3DestinationUpdate=what)
    refused(lambda: update("1", DynamicPartitioningConfiguration={"Enabled": False}),
            "InvalidArgumentException", "cannot be updated")
    refused(lambda: update("1", **processors(("MetadataExtraction", {
        "JsonParsingEngine": "JQ-1.6", "MetadataExtractionQuery": "}"}))),
        "InvalidArgumentException", "no query of jq 1.6")
    update("1", **processors(("MetadataExtraction", {
        "JsonParsingEngine": "JQ-1.6", "MetadataExtractionQuery": "{a: .b}"})))
    put(server, name, b'{"a": 1, "b": 2}')
    server.move_clock(61)
    assert by_folder(server, name) == {"2": b'{"a": 1, "b": 2}'}


def test_what_is_not_done_is_refused(server):
    refused(lambda: create(server, S3BackupMode="Enabled"), "ValidationException", "S3BackupMode")
    refused(lambda: converted(server, "any", output={"OrcSerDe": {"Compression": "ZLIB"}}), "ValidationException",
            "ORC is not written")


# --- conversion to Parquet -----------------------------------------------------------------------

COLUMNS = [("id", "bigint"), ("small", "tinyint"), ("name", "string"), ("short", "varchar(3)"),
           ("t", "double"), ("price", "decimal(7,2)"), ("ok", "boolean"), ("day", "date"),
           ("at", "timestamp"), ("tags", "array<string>"), ("counts", "map<string,int>"),
           ("place", "struct<x:int,name:string>")]


@pytest.fixture(scope="module")
def table(server):
    """Makes a table of those columns; its name."""
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "streams"})

    def make(columns):
        name = unique("table").replace("-", "_")
        glue.create_table(DatabaseName="streams", TableInput={"Name": name, "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": kind} for column, kind in columns],
            "Location": "s3://lake/x/"}})
        return name
    return make


def converted(server, table, serde=None, output=None, kinds=(), **more):
    name = unique("parquet")
    return create(server, name=name, **{
        "size": 64, "ErrorOutputPrefix": f"failed/{name}/",
        "DataFormatConversionConfiguration": {
            "Enabled": True,
            "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "streams", "TableName": table,
                                    "Region": "us-east-1", "VersionId": "LATEST"},
            "InputFormatConfiguration": {"Deserializer": serde or {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": output or {"ParquetSerDe": {}}}},
        **(processors(*kinds) if kinds else {}), **more})


def put_json(server, name, *records):
    put(server, name, *[record if isinstance(record, bytes) else json.dumps(record).encode()
                        for record in records])


def rows(server, prefix):
    """Of all Parquet objects below it."""
    found = []
    for key, body in delivered(server, prefix).items():
        assert key.endswith(".parquet")
        found += pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
    return found


def test_records_become_parquet_by_a_tables_schema(server, table):
    name = converted(server, table(COLUMNS))
    whole = {"id": 2 ** 62, "SMALL": "-7", "name": "\u00fc \"x\"", "short": "abc", "t": 1.1,
             "price": 12345.678, "ok": True, "day": "2026-03-01", "at": "2026-03-01 10:20:30.5",
             "tags": ["a", None], "counts": {"A": 1}, "place": {"X": 5, "more": 1}, "more": {}}
    texts = {"id": "5", "name": 1.1, "t": "2.5", "price": "3", "ok": "false",
             "at": "2026-03-01T10:20:30Z", "place": None}
    put_json(server, name, whole, texts, {}, {"id": 9, "name": {"a": [1]}, "at": 1772360430,
                                              "t": 3}, {"at": 1772360430123})
    server.move_clock(61)
    at = datetime(2026, 3, 1, 10, 20, 30)
    nothing = dict.fromkeys(column for column, _ in COLUMNS)
    assert rows(server, f"{name}/") == [
        {"id": 2 ** 62, "small": -7, "name": '\u00fc "x"', "short": "abc", "t": 1.1,
         "price": Decimal("12345.68"), "ok": True, "day": date(2026, 3, 1),
         "at": at.replace(microsecond=500000), "tags": ["a", None], "counts": [("A", 1)],
         "place": {"x": 5, "name": None}},
        {**nothing, "id": 5, "name": "1.1", "t": 2.5, "price": Decimal("3.00"), "ok": False,
         "at": at},
        nothing, {**nothing, "id": 9, "name": '{"a":[1]}', "at": at, "t": 3.0},
        {**nothing, "at": at.replace(microsecond=123000)}]
    assert not delivered(server, f"failed/{name}/")


def test_misfits_go_to_the_error_prefix(server, table):
    used = table(COLUMNS)
    name = converted(server, used)
    wrong = [{"id": "x"}, {"id": True}, {"small": 128}, {"t": "1,5"}, {"price": 123456}, {"ok": 1},
             {"day": "2026-02-30"}, {"at": "soon"}, {"tags": "a"}, {"counts": {"a": "b"}},
             {"place": {"x": "y"}}, {"place": 1}]
    broken = [b"no JSON", b"[1]", b'{"id": 1', b'{"id": 1}{"id": 2}', b"", b'"\xff"']
    put_json(server, name, {"id": 1}, *wrong, *broken, {"id": 2})
    server.move_clock(61)
    assert [row["id"] for row in rows(server, f"{name}/")] == [1, 2]
    (key, lines), = failures(server, f"failed/{name}/").items()
    assert re.match(rf"failed/{name}/format-conversion-failed/\d{{4}}/\d\d/\d\d/\d\d/", key)
    raw = [base64.b64decode(line["rawData"]) for line in lines]
    assert raw == [json.dumps(one).encode() for one in wrong] + broken
    for line in lines[:len(wrong)]:
        assert line["lastErrorCode"] == "DataFormatConversion.MalformedData"
        assert "does not match the schema" in line["lastErrorMessage"]
    for line in lines[len(wrong):]:
        assert line["lastErrorCode"] == "DataFormatConversion.ParseError"
        assert line["dataCatalogTable"]["tableName"] == used
    assert "128 of the column small is no tinyint" in lines[2]["lastErrorMessage"]


def test_options_of_the_deserializers(server, table):
    used = table([("device_id", "string"), ("at", "timestamp"), ("n", "int")])
    openx = converted(server, used, {"OpenXJsonSerDe": {
        "ConvertDotsInJsonKeysToUnderscores": True, "CaseInsensitive": False,
        "ColumnToJsonKeyMappings": {"n": "Number"}}})
    put_json(server, openx, {"device.id": "a", "Number": 1, "n": 5, "AT": 7},
             {"Device.id": "b", "number": 2})
    hive = converted(server, used, {"HiveJsonSerDe": {"TimestampFormats": ["millis"]}},
                     {"ParquetSerDe": {"Compression": "GZIP"}})
    put_json(server, hive, {"Device_Id": "a", "at": 1500, "n": 3})
    server.move_clock(61)
    assert rows(server, f"{openx}/") == [{"device_id": "a", "at": None, "n": 1},
                                         {"device_id": None, "at": None, "n": None}]
    assert rows(server, f"{hive}/") == [
        {"device_id": "a", "at": datetime(1970, 1, 1, 0, 0, 1, 500000), "n": 3}]
    for stream, codec in ((openx, "SNAPPY"), (hive, "GZIP")):
        body, = delivered(server, f"{stream}/").values()
        group = pyarrow.parquet.ParquetFile(io.BytesIO(body)).metadata.row_group(0)
        assert group.column(0).compression == codec


def test_conversion_waits_for_its_table_and_follows_it(server, table):
    glue = server.client("glue")
    name = converted(server, "not_yet_there")
    put_json(server, name, {"a": 1})
    server.move_clock(61)
    assert "not_yet_there" in server.log_text() and not delivered(server, f"{name}/")

    def table_input(*columns):
        return {"Name": "not_yet_there", "StorageDescriptor": {"Columns": [
            {"Name": column, "Type": "int"} for column in columns], "Location": "s3://lake/y/"}}
    glue.create_table(DatabaseName="streams", TableInput=table_input("a"))
    server.move_clock(400)
    glue.update_table(DatabaseName="streams", TableInput=table_input("a", "b"))
    put_json(server, name, {"a": 2, "b": 3})
    server.move_clock(61)
    found = sorted(rows(server, f"{name}/"), key=lambda row: row["a"])
    assert found == [{"a": 1}, {"a": 2, "b": 3}]


def test_partitions_are_converted_too(server, table):
    used = table([("kind", "string"), ("n", "int")])
    root = unique("both")
    name = converted(server, used, kinds=[("MetadataExtraction", {
        "JsonParsingEngine": "JQ-1.6", "MetadataExtractionQuery": "{kind: .kind}"})],
        prefix=f"{root}/!{{partitionKeyFromQuery:kind}}/",
        ErrorOutputPrefix=f"failed/{root}/!{{firehose:error-output-type}}/",
        DynamicPartitioningConfiguration={"Enabled": True})
    put_json(server, name, {"kind": "a", "n": 1}, {"kind": "b", "n": 2}, {"kind": "a", "n": "x"},
             {"n": 4}, {"kind": "a", "n": 5})
    server.move_clock(61)
    assert [row["n"] for row in rows(server, f"{root}/a/")] == [1, 5]
    assert [row["n"] for row in rows(server, f"{root}/b/")] == [2]
    assert len(failures(server, f"failed/{root}/format-conversion-failed/")) == 1
    assert len(failures(server, f"failed/{root}/metadata-extraction-failed/")) == 1


WRONG_CONVERSIONS = [
    ({"CompressionFormat": "GZIP"}, "CompressionFormat must be UNCOMPRESSED"),
    ({"BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 60}}, "at least 64"),
    ({"serde": {}}, "one of OpenXJsonSerDe and HiveJsonSerDe"),
    ({"serde": {"HiveJsonSerDe": {"TimestampFormats": ["yyyy"]}}}, "yyyy is not supported"),
    ({"output": {}}, "ParquetSerDe"),
]


@pytest.mark.parametrize("more,text", WRONG_CONVERSIONS)
def test_wrong_conversions_are_refused(server, more, text):
    more = dict(more)
    serde, output = more.pop("serde", {"OpenXJsonSerDe": {}}), more.pop("output", {"ParquetSerDe": {}})
    conversion = {"DataFormatConversionConfiguration": {
        "Enabled": True, "SchemaConfiguration": {"DatabaseName": "d", "TableName": "t"},
        "InputFormatConfiguration": {"Deserializer": serde},
        "OutputFormatConfiguration": {"Serializer": output}}}
    refused(lambda: create(server, **{"size": 64, **conversion, **more}),
            "InvalidArgumentException", text)


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


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kills", [8, pytest.param(60, marks=pytest.mark.full)])
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
@pytest.mark.parametrize("kills", [6, pytest.param(60, marks=pytest.mark.full)])
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


class PartsPublisher(Publisher):
    """JSON records of several kinds, some without one, with a number each."""

    def run(self):
        try:
            for i in range(1 << 30):
                records = [{"kind": "abc"[j % 3], "id": f"{self.number} {i} {j}"} if j % 7 else
                           {"id": f"{self.number} {i} {j}"} for j in range(60)]
                answer = self.client.put_record_batch(DeliveryStreamName=self.stream, Records=[
                    {"Data": json.dumps(record)} for record in records])
                assert answer["FailedPutCount"] == 0
                self.acknowledged.update((record.get("kind"), record["id"]) for record in records)
        except botocore.exceptions.ClientError as error:
            self.refusal = error
        except (botocore.exceptions.BotoCoreError, OSError):
            pass


def parts_delivered(server, name, in_parquet):
    """[(kind, id)] of all objects, those that failed with None, each from where it has to be."""
    found = []
    for key, body in delivered(server, f"{name}/").items():
        records = (pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist() if in_parquet else
                   [json.loads(line) for line in body.decode().splitlines()])
        assert {f"{name}/{record['kind']}" for record in records} == {key.rsplit("/", 1)[0]}
        found += [(record["kind"], record["id"]) for record in records]
    for lines in failures(server, f"failed/{name}/metadata-extraction-failed/").values():
        found += [(None, json.loads(base64.b64decode(line["rawData"]))["id"]) for line in lines]
    return found


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.full)])
@pytest.mark.parametrize("in_parquet", [False, True])
def test_a_killed_server_delivers_all_partitions_or_none(server_factory, kills, in_parquet):
    server = server_factory()
    server.client("s3").create_bucket(Bucket="lake")
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "streams"})
    glue.create_table(DatabaseName="streams", TableInput={"Name": "parts", "StorageDescriptor": {
        "Columns": [{"Name": "kind", "Type": "string"}, {"Name": "id", "Type": "string"}],
        "Location": "s3://lake/x/"}})
    more = {"BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 0},
            "DynamicPartitioningConfiguration": {"Enabled": True}}
    kinds = [("MetadataExtraction", {"JsonParsingEngine": "JQ-1.6",
                                     "MetadataExtractionQuery": "{kind: .kind}"})]
    name = unique("killed")
    prefixes = {"prefix": f"{name}/!{{partitionKeyFromQuery:kind}}/",
                "ErrorOutputPrefix": f"failed/{name}/!{{firehose:error-output-type}}/"}
    if in_parquet:
        stream = converted(server, "parts", kinds=kinds, **prefixes, **more)
    else:
        stream = create(server, **prefixes, **more, **processors(
            *kinds, ("AppendDelimiterToRecord", {})))
    acknowledged = set()
    for round_ in range(kills):
        publishers = [PartsPublisher(server, stream, f"{round_}-{i}", acknowledged)
                      for i in range(2)]
        for publisher in publishers:
            publisher.start()
        time.sleep(0.6 + 0.2 * (round_ % 4))
        server.kill()
        for publisher in publishers:
            publisher.join(60)
            assert not publisher.is_alive() and publisher.refusal is None, publisher.refusal
        server.start()
    deadline = time.monotonic() + 120
    while not acknowledged <= set(found := parts_delivered(server, name, in_parquet)):
        assert time.monotonic() < deadline, "something that was acknowledged is not delivered"
        time.sleep(0.1)
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
