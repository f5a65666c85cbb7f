"""What becomes of records on their way through a delivery stream: unpacked, taken apart, partitioned by
a query, converted to Parquet; and of those that cannot be."""

import base64
import gzip
import io
import json
import re
import time
from datetime import date, datetime
from decimal import Decimal

import botocore.exceptions
import pyarrow.parquet
import pytest

from delivery_streams import (
    create, delivered, failures, processing, processors, Publisher, put, refused, ROLE)
from sagemaker_jobs import unique


@pytest.fixture(scope="module")
def server(server_factory):
    server = server_factory(["--test-clock"])
    server.client("s3").create_bucket(Bucket="lake")
    return server


@pytest.fixture(scope="module")
def firehose(server):
    return server.client("firehose")


# --- processors ----------------------------------------------------------------------------------

@pytest.mark.parametrize("parameters,delimiter", [
    ({"Delimiter": "\\n"}, b"\n"), ({}, b"\n"), ({"Delimiter": "|\\t"}, b"|\t")])
def test_a_delimiter_follows_each_record(server, parameters, delimiter):
    name = create(server, ProcessingConfiguration=processing("AppendDelimiterToRecord",
                                                             **parameters))
    put(server, name, b'{"a": 1}', b"", b"x\n")
    server.move_clock(61)
    assert list(delivered(server, f"{name}/").values()) == [
        b'{"a": 1}' + delimiter + delimiter + b"x\n" + delimiter]


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


# --- kills ---------------------------------------------------------------------------------------

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
@pytest.mark.parametrize("kills", [
    3, pytest.param(10, marks=pytest.mark.full), pytest.param(40, marks=pytest.mark.campaign)])
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
