"""Glue's crawlers and classifiers: what lies in the lake becomes tables. boto3; files as PyArrow,
Python's json, csv and gzip write them."""

import csv
import gzip
import io
import json
import random
import struct
import time
import uuid

import pyarrow
import pyarrow.parquet
import pytest

ROLE = "arn:aws:iam::000000000000:role/R"


def unique(word):
    return f"{word}-{uuid.uuid4().hex[:8]}"


class Lake:
    """A bucket, a database and crawlers over it, of one test."""

    def __init__(self, server):
        self.server, self.glue, self.s3 = server, server.client("glue"), server.client("s3")
        self.bucket, self.database = unique("lake"), unique("db").replace("-", "_")
        self.s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": self.database})

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def delete(self, key):
        self.s3.delete_object(Bucket=self.bucket, Key=key)

    def crawler(self, *paths, name=None, **more):
        name = name or unique("crawler")
        more.setdefault("Targets", {"S3Targets": [{"Path": f"s3://{self.bucket}/{path}"}
                                                  for path in paths or [""]]})
        self.glue.create_crawler(Name=name, Role=ROLE, DatabaseName=self.database, **more)
        return name

    def crawl(self, name):
        """Runs it; its last crawl."""
        self.glue.start_crawler(Name=name)
        return self.wait(name)

    def wait(self, name):
        while (told := self.glue.get_crawler(Name=name)["Crawler"])["State"] != "READY":
            time.sleep(0.02)
        return told["LastCrawl"]

    def summary(self, name):
        return json.loads(self.glue.list_crawls(CrawlerName=name)["Crawls"][0]["Summary"])

    def tables(self):
        return {one["Name"]: one
                for one in self.glue.get_tables(DatabaseName=self.database)["TableList"]}

    def columns(self, table):
        told = self.glue.get_table(DatabaseName=self.database, Name=table)["Table"]
        return {one["Name"]: one["Type"] for one in told["StorageDescriptor"]["Columns"]}

    def partitions(self, table):
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=self.database, TableName=table)
        return {tuple(one["Values"]): one["StorageDescriptor"]["Location"]
                for page in pages for one in page["Partitions"]}


@pytest.fixture
def lake(server):
    return Lake(server)


def code_of(call, **request):
    with pytest.raises(call.__self__.exceptions.ClientError) as failed:
        call(**request)
    return failed.value.response["Error"]["Code"]


def rows(count=20, **more):
    return "id,name,speed\n" + "".join(f"{i},n{i},{i / 4}\n" for i in range(count))


# ---- tables and partitions ----

def test_a_partitioned_table_as_the_workshop_has_it(lake):
    for kind in "LMH":
        lake.put(f"raw/ai4i/type={kind}/part-0.csv", rows())
    name = lake.crawler("raw/ai4i/", TablePrefix="raw_")
    last = lake.crawl(name)
    assert last["Status"] == "SUCCEEDED" and last["LogGroup"] == "/aws-glue/crawlers"
    table = lake.tables()["raw_ai4i"]
    descriptor = table["StorageDescriptor"]
    assert lake.columns("raw_ai4i") == {"id": "bigint", "name": "string", "speed": "double"}
    assert table["PartitionKeys"] == [{"Name": "type", "Type": "string"}]
    assert descriptor["Location"] == f"s3://{lake.bucket}/raw/ai4i/"
    assert descriptor["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": ",", "serialization.format": ","}}
    parameters = table["Parameters"]
    assert {key: parameters[key] for key in ("classification", "skip.header.line.count", "delimiter",
                                             "objectCount", "UPDATED_BY_CRAWLER")} == {
        "classification": "csv", "skip.header.line.count": "1", "delimiter": ",",
        "objectCount": "3", "UPDATED_BY_CRAWLER": name}
    assert int(parameters["recordCount"]) == pytest.approx(60, rel=0.1)
    assert lake.partitions("raw_ai4i") == {
        (kind,): f"s3://{lake.bucket}/raw/ai4i/type={kind}/" for kind in "HLM"}
    metrics, = lake.glue.get_crawler_metrics(CrawlerNameList=[name])["CrawlerMetricsList"]
    assert metrics["TablesCreated"] == 1 and metrics["LastRuntimeSeconds"] > 0
    events = lake.server.client("logs").get_log_events(
        logGroupName=last["LogGroup"], logStreamName=last["LogStream"], startFromHead=True)["events"]
    assert all(last["MessagePrefix"] in event["message"] for event in events)
    assert any("Created table raw_ai4i" in event["message"] for event in events)


def test_folders_without_keys_are_partitions_by_their_place(lake):
    for month in ("01", "02"):
        for day in ("05", "06"):
            lake.put(f"s/2026/{month}/{day}/a.csv", rows())
    lake.crawl(lake.crawler("s/"))
    table = lake.tables()["s"]
    assert [key["Name"] for key in table["PartitionKeys"]] == [f"partition_{i}" for i in range(3)]
    assert sorted(lake.partitions("s")) == [("2026", month, day) for month in ("01", "02")
                                            for day in ("05", "06")]


def test_unlike_folders_are_tables_of_their_own(lake):
    lake.put("all/cars/1.csv", "price,doors\n1.5,4\n2.5,2\n")
    lake.put("all/flights/year=2007/1.csv", rows())
    lake.put("all/flights/year=2008/1.csv", rows())
    lake.put("all/events/1.json", '{"a": 1}\n{"a": 2}\n')
    lake.put("all/mixed/a.csv", rows())
    lake.put("all/mixed/b.json", '{"a": 1}\n')
    lake.crawl(lake.crawler("all"))
    tables = lake.tables()
    assert sorted(tables) == ["a_csv", "b_json", "cars", "events", "flights"]
    assert tables["a_csv"]["StorageDescriptor"]["Location"] == f"s3://{lake.bucket}/all/mixed/a.csv"
    assert sorted(lake.partitions("flights")) == [("2007",), ("2008",)]


def test_levels_grouping_and_exclusions(lake):
    lake.put("x/t/k=1/a.csv", rows())
    lake.put("x/t/k=2/a.csv", "id,name,speed,more\n1,a,2.5,7\n2,b,1.5,8\n")
    lake.put("x/t/k=3/a.csv", "id,name\n1,a\n2,b\n")
    lake.put("x/t/k=4/skip.tmp", '{"a": 1}')
    targets = {"S3Targets": [{"Path": f"s3://{lake.bucket}/x/", "Exclusions": ["**.tmp"]}]}
    split = lake.crawler(Targets=targets, TablePrefix="split_")
    lake.crawl(split)
    assert len(lake.tables()) > 1
    lake.glue.delete_database(Name=lake.database)
    joined = lake.crawler(Targets=targets, Configuration=json.dumps({
        "Version": 1.0, "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas",
                                     "TableLevelConfiguration": 3}}))
    lake.crawl(joined)
    assert list(lake.tables()) == ["t"]
    assert list(lake.columns("t")) == ["id", "name", "speed", "more"]
    assert sorted(lake.partitions("t")) == [("1",), ("2",), ("3",)]


def test_a_single_object_and_a_whole_bucket(lake):
    lake.put("one.csv", rows())
    lake.crawl(lake.crawler("one.csv"))
    assert list(lake.tables()) == ["one_csv"]
    lake.crawl(lake.crawler())
    assert set(lake.tables()) == {"one_csv", lake.bucket.replace("-", "_")}


# ---- again ----

def test_a_second_crawl_reads_nothing_and_changes_nothing(lake):
    for i in range(30):
        lake.put(f"t/k={i}/a.csv", rows())
    name = lake.crawler("t/")
    lake.crawl(name)
    assert lake.summary(name)["ObjectsRead"] == 30
    before = lake.tables()["t"]
    lake.crawl(name)
    assert lake.summary(name) == {"ObjectsRead": 0,
                                  "TABLE": {"ADD": 0, "UPDATE": 0, "DELETE": 0},
                                  "PARTITION": {"ADD": 0, "UPDATE": 0, "DELETE": 0}}
    assert lake.tables()["t"] == before
    lake.put("t/k=30/a.csv", rows())
    lake.crawl(name)
    assert lake.summary(name)["ObjectsRead"] == 1
    assert lake.summary(name)["PARTITION"]["ADD"] == 1 and len(lake.partitions("t")) == 31


def test_what_changes_is_updated_as_the_policies_say(lake):
    lake.put("t/k=1/a.csv", rows())
    lake.put("u/a.csv", rows())
    names = {delete: lake.crawler("t/", "u/", TablePrefix=f"{delete[:3].lower()}_",
                                  SchemaChangePolicy={"UpdateBehavior": update,
                                                      "DeleteBehavior": delete})
             for update, delete in (("UPDATE_IN_DATABASE", "DELETE_FROM_DATABASE"),
                                    ("UPDATE_IN_DATABASE", "DEPRECATE_IN_DATABASE"),
                                    ("LOG", "LOG"))}
    lake.crawl(names["DELETE_FROM_DATABASE"])
    tables = lake.tables()
    lake.crawl(names["LOG"])  # the same places have their tables already
    assert lake.tables().keys() == tables.keys() == {"del_t", "del_u"}
    lake.put("t/k=2/a.csv", "id,name,speed,more\n1,a,2.5,7\n1.5,b,1.5,8\n")
    lake.crawl(names["LOG"])
    assert lake.columns("del_t") == {"id": "bigint", "name": "string", "speed": "double"}
    lake.crawl(names["DELETE_FROM_DATABASE"])
    assert lake.columns("del_t") == {"id": "double", "name": "string", "speed": "double",
                                     "more": "bigint"}
    versions = lake.glue.get_table_versions(DatabaseName=lake.database, TableName="del_t")
    assert len(versions["TableVersions"]) > 1
    lake.delete("t/k=1/a.csv")
    lake.delete("u/a.csv")
    lake.crawl(names["DELETE_FROM_DATABASE"])
    assert list(lake.tables()) == ["del_t"] and list(lake.partitions("del_t")) == [("2",)]
    lake.glue.delete_table(DatabaseName=lake.database, Name="del_t")
    lake.crawl(names["DEPRECATE_IN_DATABASE"])
    lake.delete("t/k=2/a.csv")
    lake.crawl(names["DEPRECATE_IN_DATABASE"])
    assert "DEPRECATED_BY_CRAWLER" in lake.tables()["dep_t"]["Parameters"]
    lake.put("t/k=2/a.csv", rows())
    lake.crawl(names["DEPRECATE_IN_DATABASE"])
    assert "DEPRECATED_BY_CRAWLER" not in lake.tables()["dep_t"]["Parameters"]


def test_new_folders_only_leaves_the_others_alone(lake):
    lake.put("t/k=1/a.csv", rows())
    name = lake.crawler("t/", RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
                        SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})
    lake.crawl(name)
    lake.put("t/k=1/b.json", '{"a": 1}\n')  # in a folder that is known
    lake.put("t/k=2/a.csv", rows())
    lake.crawl(name)
    assert lake.summary(name)["ObjectsRead"] == 1
    assert list(lake.tables()) == ["t"] and sorted(lake.partitions("t")) == [("1",), ("2",)]
    assert code_of(lake.glue.create_crawler, Name=unique("c"), Role=ROLE, DatabaseName="d",
                   Targets={"S3Targets": [{"Path": "s3://bucket/x"}]},
                   RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
                   SchemaChangePolicy={"UpdateBehavior": "UPDATE_IN_DATABASE"}
                   ) == "InvalidInputException"


def test_new_columns_are_merged_where_that_is_asked(lake):
    lake.put("t/a.csv", rows())
    name = lake.crawler("t/", Configuration=json.dumps({
        "Version": 1.0, "CrawlerOutput": {"Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
                                          "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}}}))
    lake.crawl(name)
    table = lake.glue.get_table(DatabaseName=lake.database, Name="t")["Table"]
    table["StorageDescriptor"]["Columns"][0]["Type"] = "int"  # by hand
    lake.glue.update_table(DatabaseName=lake.database, TableInput={
        key: table[key] for key in ("Name", "StorageDescriptor", "Parameters", "PartitionKeys")})
    lake.put("t/a.csv", "id,name,speed,more\n1,a,2.5,x\n2,b,1.5,y\n")
    lake.crawl(name)
    assert lake.columns("t") == {"id": "int", "name": "string", "speed": "double", "more": "string"}


# ---- formats ----

def test_parquet_as_pyarrow_writes_it(lake):
    schema = {"i8": pyarrow.int8(), "i16": pyarrow.int16(), "i32": pyarrow.int32(),
              "i64": pyarrow.int64(), "u32": pyarrow.uint32(), "f": pyarrow.float32(),
              "d": pyarrow.float64(), "Text": pyarrow.string(), "b": pyarrow.bool_(),
              "day": pyarrow.date32(), "at": pyarrow.timestamp("us"),
              "money": pyarrow.decimal128(10, 2), "bytes": pyarrow.binary(),
              "list": pyarrow.list_(pyarrow.int64()),
              "map": pyarrow.map_(pyarrow.string(), pyarrow.list_(pyarrow.float64())),
              "struct": pyarrow.struct([("x", pyarrow.int32()),
                                        ("y", pyarrow.list_(pyarrow.struct([("z", pyarrow.string())])))])}
    table = pyarrow.schema(list(schema.items())).empty_table()
    for version in ("1.0", "2.6"):
        out = io.BytesIO()
        pyarrow.parquet.write_table(table, out, version=version)
        lake.put(f"p/{version}.parquet", out.getvalue())
    out = io.BytesIO()
    wide = pyarrow.table({f"c{i}": [float(i)] * 3 for i in range(3000)})
    pyarrow.parquet.write_table(wide, out)  # its footer is longer than what is read of the beginning
    lake.put("wide/w.parquet", out.getvalue())
    lake.crawl(lake.crawler("p/", "wide/"))
    assert lake.columns("p") == {
        "i8": "tinyint", "i16": "smallint", "i32": "int", "i64": "bigint", "u32": "bigint",
        "f": "float", "d": "double", "text": "string", "b": "boolean", "day": "date",
        "at": "timestamp", "money": "decimal(10,2)", "bytes": "binary", "list": "array<bigint>",
        "map": "map<string,array<double>>", "struct": "struct<x:int,y:array<struct<z:string>>>"}
    assert len(lake.columns("wide")) == 3000
    assert lake.tables()["p"]["Parameters"]["classification"] == "parquet"
    assert lake.tables()["wide"]["Parameters"]["recordCount"] == "3"


def avro_file(schema):
    """A file's head, as the specification has it: magic, a map of texts, a marker."""
    def long(value):
        value, out = (value << 1) ^ (value >> 63), b""
        while value > 0x7f:
            out, value = out + bytes([value & 0x7f | 0x80]), value >> 7
        return out + bytes([value])

    def text(value):
        return long(len(value)) + value

    pairs = [(b"avro.codec", b"null"), (b"avro.schema", json.dumps(schema).encode())]
    return (b"Obj\1" + long(len(pairs)) + b"".join(text(k) + text(v) for k, v in pairs) +
            long(0) + b"m" * 16)


def test_avro_by_its_schema(lake):
    lake.put("a/1.avro", avro_file({"type": "record", "name": "r", "fields": [
        {"name": "Id", "type": "long"}, {"name": "n", "type": ["null", "int"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "e", "type": {"type": "enum", "name": "e", "symbols": ["A"]}},
        {"name": "again", "type": ["null", "e"]},
        {"name": "l", "type": {"type": "array", "items": {"type": "record", "name": "s", "fields": [
            {"name": "m", "type": {"type": "map", "values": "double"}}]}}},
        {"name": "self", "type": ["null", "r"]},
        {"name": "money", "type": {"type": "bytes", "logicalType": "decimal", "precision": 8,
                                   "scale": 3}}]}))
    lake.crawl(lake.crawler("a/"))
    columns = lake.columns("a")
    assert columns.pop("self").startswith("struct<id:bigint")
    assert columns == {"id": "bigint", "n": "int", "at": "timestamp", "e": "string",
                       "again": "string", "l": "array<struct<m:map<string,double>>>",
                       "money": "decimal(8,3)"}
    table = lake.tables()["a"]
    assert json.loads(table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["avro.schema.literal"])


def test_json_lines_nested_packed_and_apart(lake):
    lines = [json.dumps({"a": i, "Big": 2**40, "b": {"x": [1.5], "y": None}, "t": "u", "ok": True})
             for i in range(5)]
    lake.put("j/1.json.gz", gzip.compress("\n".join(lines).encode()))
    lake.put("j/2.json", json.dumps({"a": 1.5, "b": {"y": [{"z": 1}]}, "new": None}))
    lake.put("array/1.json", json.dumps([{"a": 1}, {"a": 2, "b": "c"}]))
    lake.crawl(lake.crawler("j/", "array/"))
    assert lake.columns("array") == {"array": "array<struct<a:int,b:string>>"}
    names = {"1_json_gz", "2_json"}  # two of five columns are alike
    assert names < set(lake.tables())
    assert lake.columns("1_json_gz") == {
        "a": "int", "big": "bigint", "b": "struct<x:array<double>,y:string>", "t": "string",
        "ok": "boolean"}


def test_csv_as_it_comes(lake):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([["id", "words", "n"], [1, "a, b", 2.5], [2, 'say "so"', 3.5]])
    lake.put("quoted/1.csv", out.getvalue())
    lake.put("texts/1.csv", "first,second\na,b\nc,d\n")
    lake.put("lone/1.csv", "first,second,n\na,b,1\nc,d,\n")
    lake.put("lone/2.csv", "first,second,n\nx,y,\nz,w,\n")  # whose header no one can tell alone
    lake.put("mixed/1.csv", "a,b\n1,1\n2,x\n")
    lake.put("mixed/2.csv", "a,b\n1.5,3\n")
    lake.put("mixed/3.csv", "")
    lake.put("mixed/_SUCCESS", "")
    lake.put("packed/1.csv.gz", gzip.compress(rows(5000).encode()))
    lake.put("spaced/1.txt", "".join(f"{i} {i / 2} -0.5  \n" for i in range(9)))
    lake.put("tabs/1.tsv", "a\tb\n1\t2\n3\t4\n")
    lake.crawl(lake.crawler())
    assert lake.columns("quoted") == {"id": "bigint", "words": "string", "n": "double"}
    serde = lake.tables()["quoted"]["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"].endswith("OpenCSVSerde")
    assert lake.columns("texts") == {"col0": "string", "col1": "string"}
    assert "skip.header.line.count" not in lake.tables()["texts"]["Parameters"]
    assert lake.columns("lone") == {"first": "string", "second": "string", "n": "bigint"}
    assert lake.columns("mixed") == {"a": "double", "b": "string"}
    assert lake.columns("packed")["speed"] == "double"
    assert lake.tables()["packed"]["Parameters"]["compressionType"] == "gzip"
    assert lake.columns("spaced") == {"col0": "bigint", "col1": "double", "col2": "double"}
    assert lake.columns("tabs") == {"a": "bigint", "b": "bigint"}


def test_what_stands_far_behind_counts_too(lake):
    numbers = "".join(f"{i},n\n" for i in range(90_000))
    lake.put("end/1.csv", "a,b\n" + numbers + "0.5,n\n")
    lake.put("middle/1.csv", "a,b\n" + numbers + "x,n\n" * 60_000 + numbers)
    lines = "".join(json.dumps({"a": i}) + "\n" for i in range(50_000))
    lake.put("json/1.json", lines + '{"a": 1.5, "b": "t"}\n')
    lake.crawl(lake.crawler())
    assert lake.columns("end") == {"a": "double", "b": "string"}
    assert lake.columns("middle") == {"a": "string", "b": "string"}
    assert lake.columns("json") == {"a": "double", "b": "string"}


def test_a_sample_of_each_folder_is_read_where_that_is_asked(lake):
    for k in range(3):
        for i in range(5):
            lake.put(f"t/k={k}/{i}.csv", rows())
    name = lake.crawler(Targets={"S3Targets": [{"Path": f"s3://{lake.bucket}/t/", "SampleSize": 2}]})
    lake.crawl(name)
    assert lake.summary(name)["ObjectsRead"] == 6
    assert lake.tables()["t"]["Parameters"]["objectCount"] == "15"


def test_logs_of_apache(lake):
    line = ('10.0.0.{0} - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 {0}326 '
            '"http://x.example/" "Mozilla/4.08 [en]"\n')
    lake.put("log/1.log", "".join(line.format(i) for i in range(9)))
    lake.crawl(lake.crawler("log/"))
    table = lake.tables()["log"]
    assert table["Parameters"]["classification"] == "combined_apache"
    assert list(lake.columns("log")) == [
        "clientip", "ident", "auth", "timestamp", "verb", "request", "httpversion", "rawrequest",
        "response", "bytes", "referrer", "agent"]


@pytest.mark.parametrize("key, body, name", [
    ("x/1.orc", b"ORC\x08\x03\x10\x00", "ORC"), ("x/1.ion", b"\xe0\x01\x00\xea\x21\x01", "Ion"),
    ("x/_delta_log/00000000000000000000.json", b"{}", "Delta"),
    ("x/.hoodie/hoodie.properties", b"a=b", "Hudi"),
    ("x/metadata/v1.metadata.json", b"{}", "Iceberg"), ("x/1.csv.bz2", b"BZh91AY&SY", "bzip2")])
def test_what_is_not_read_is_named(lake, key, body, name):
    lake.put(key, body)
    lake.put("y/1.csv", rows())
    last = lake.crawl(lake.crawler())
    assert last["Status"] == "FAILED" and f"is {name}, which is not supported" in last["ErrorMessage"]
    assert [table for table in lake.tables() if "1_csv_bz2" not in table]


def test_wrong_files_do_no_harm(lake):
    whole = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"a": [1, 2]}), whole)
    chance = random.Random(3)
    for i in range(20):
        body = bytearray(whole.getvalue())
        for _ in range(chance.randrange(1, 9)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        lake.put(f"wrong/p{i}.parquet", bytes(body[:chance.randrange(4, len(body) + 1)]))
        lake.put(f"wrong/g{i}.gz", gzip.compress(rows(999).encode())[:chance.randrange(3, 900)])
        lake.put(f"wrong/r{i}", chance.randbytes(chance.randrange(1, 2000)))
    lake.put("wrong/footer.parquet", b"PAR1" + b"\xff" * 50 + struct.pack("<I", 10**9) + b"PAR1")
    lake.put("good/1.csv", rows())
    assert lake.crawl(lake.crawler())["Status"] in ("SUCCEEDED", "FAILED")
    assert "good" in lake.tables()


# ---- and then SQL ----

def query(lake, sql):
    """The rows that Athena answers, less their header."""
    athena = lake.server.client("athena")
    id = athena.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": lake.database},
        ResultConfiguration={"OutputLocation": f"s3://{lake.bucket}/results/"})["QueryExecutionId"]
    while (told := athena.get_query_execution(QueryExecutionId=id)["QueryExecution"]["Status"])[
            "State"] in ("QUEUED", "RUNNING"):
        time.sleep(0.02)
    assert told["State"] == "SUCCEEDED", told
    rows = athena.get_query_results(QueryExecutionId=id)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]


def test_sql_reads_what_was_crawled(lake):
    for kind in "LM":
        lake.put(f"d/csv/type={kind}/1.csv", rows(4))
    lake.put("d/quoted/1.csv", 'id,words,n\n1,"a, b",2.5\n2,"c",3.5\n')
    lake.put("d/json/1.json", '{"a": 1, "B": {"x": [1.5]}}\n{"a": 2}\n')
    lake.put("d/spaced/1.txt.gz", gzip.compress(b"1 0.5  \n2 1.5  \n"))
    lake.put("d/log/1.log", '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 7\n' * 3)
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"Id": [1, 2], "l": [[1], [2, 3]]}), out)
    lake.put("d/parquet/1.parquet", out.getvalue())
    lake.crawl(lake.crawler("d/"))
    assert query(lake, "SELECT type, count(*), sum(speed) FROM csv GROUP BY type ORDER BY 1") == [
        ["L", "4", "1.5"], ["M", "4", "1.5"]]
    assert query(lake, "SELECT words, n FROM quoted WHERE id = 1") == [["a, b", "2.5"]]
    assert query(lake, "SELECT a, b.x FROM json WHERE b IS NOT NULL") == [["1", "[1.5]"]]
    assert query(lake, "SELECT sum(col0), sum(col1) FROM spaced") == [["3", "2.0"]]
    assert query(lake, "SELECT clientip, request, response, count(*) FROM log GROUP BY 1, 2, 3") == [
        ["10.0.0.1", "/a", "200", "3"]]
    assert query(lake, "SELECT id, cardinality(l) FROM parquet ORDER BY id") == [["1", "1"], ["2", "2"]]


# ---- classifiers of the user's ----

def test_classifiers_are_kept_changed_and_deleted(lake):
    glue, name = lake.glue, unique("classifier")
    glue.create_classifier(CsvClassifier={"Name": name, "Delimiter": ";", "QuoteSymbol": '"',
                                          "ContainsHeader": "PRESENT"})
    told = glue.get_classifier(Name=name)["Classifier"]["CsvClassifier"]
    assert (told["Delimiter"], told["Version"]) == (";", 1) and told["CreationTime"]
    glue.update_classifier(CsvClassifier={"Name": name, "Delimiter": "|"})
    told = glue.get_classifier(Name=name)["Classifier"]["CsvClassifier"]
    assert (told["Delimiter"], told["QuoteSymbol"], told["Version"]) == ("|", '"', 2)
    assert name in str(glue.get_classifiers()["Classifiers"])
    assert code_of(glue.create_classifier, JsonClassifier={"Name": name, "JsonPath": "$"}
                   ) == "AlreadyExistsException"
    assert code_of(glue.update_classifier, JsonClassifier={"Name": name, "JsonPath": "$"}
                   ) == "InvalidInputException"
    glue.delete_classifier(Name=name)
    for call in (glue.get_classifier, glue.delete_classifier):
        assert code_of(call, Name=name) == "EntityNotFoundException"
    assert code_of(glue.create_classifier) == "InvalidInputException"
    for wrong in ({"GrokClassifier": {"Name": "g", "Classification": "c", "GrokPattern": "%{NO:x}"}},
                  {"CsvClassifier": {"Name": "c", "Delimiter": ",", "QuoteSymbol": ","}},
                  {"CsvClassifier": {"Name": "c", "CustomDatatypes": ["COLOUR"]}},
                  {"JsonClassifier": {"Name": "j", "JsonPath": "$.a[?(@.x)]"}}):
        assert code_of(glue.create_classifier, **wrong) == "InvalidInputException"


def test_custom_classifiers_come_first(lake):
    glue = lake.glue
    names = {kind: unique(kind) for kind in ("csv", "grok", "json", "xml")}
    glue.create_classifier(CsvClassifier={
        "Name": names["csv"], "Delimiter": " ", "ContainsHeader": "ABSENT",
        "Header": ["unit", "cycle", "setting"], "CustomDatatypeConfigured": True,
        "CustomDatatypes": ["INT", "LONG", "STRING"]})
    glue.create_classifier(GrokClassifier={
        "Name": names["grok"], "Classification": "machine",
        "GrokPattern": "%{MACHINE:machine} %{NUMBER:heat:double} %{WORD:state}",
        "CustomPatterns": "MACHINE M[0-9]+"})
    glue.create_classifier(JsonClassifier={"Name": names["json"], "JsonPath": "$.records[*]"})
    glue.create_classifier(XMLClassifier={"Name": names["xml"], "Classification": "parts",
                                          "RowTag": "part"})
    lake.put("s/1.txt", "1 1 a  \n1 2 b  \n")
    lake.put("m/1.log", "M1 20.5 up\nM22 21 down\n")
    lake.put("r/1.json", json.dumps({"records": [{"a": 1, "b": "x"}, {"a": 2.5}]}))
    lake.put("p/1.xml", "<all><part id='1'><name>bolt</name><size>2.5</size></part>"
                        "<part id='2'><name>nut</name></part></all>")
    lake.crawl(lake.crawler("s/", Classifiers=[names["csv"]]))
    lake.crawl(lake.crawler("m/", "r/", "p/", Classifiers=[names["grok"], names["json"],
                                                           names["xml"]]))
    assert lake.columns("s") == {"unit": "int", "cycle": "bigint", "setting": "string"}
    assert lake.columns("m") == {"machine": "string", "heat": "double", "state": "string"}
    assert lake.tables()["m"]["Parameters"]["classification"] == "machine"
    assert lake.columns("r") == {"a": "double", "b": "string"}
    assert lake.columns("p") == {"id": "bigint", "name": "string", "size": "double"}
    assert code_of(glue.create_crawler, Name=unique("c"), Role=ROLE, DatabaseName="d",
                   Targets={"S3Targets": [{"Path": "s3://bucket/x"}]}, Classifiers=["none"]
                   ) == "InvalidInputException"


# ---- crawlers ----

def test_a_crawler_is_kept_told_changed_and_deleted(lake):
    glue = lake.glue
    name = lake.crawler("t/", Description="d", Tags={"a": "b"}, LineageConfiguration={
        "CrawlerLineageSettings": "ENABLE"})
    told = glue.get_crawler(Name=name)["Crawler"]
    assert told["State"] == "READY" and "LastCrawl" not in told and told["Version"] == 1
    assert told["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_EVERYTHING"}
    assert told["SchemaChangePolicy"] == {"UpdateBehavior": "UPDATE_IN_DATABASE",
                                          "DeleteBehavior": "DEPRECATE_IN_DATABASE"}
    assert told["LineageConfiguration"] == {"CrawlerLineageSettings": "ENABLE"}
    assert name in glue.list_crawlers(Tags={"a": "b"})["CrawlerNames"]
    assert name not in glue.list_crawlers(Tags={"a": "c"})["CrawlerNames"]
    glue.update_crawler(Name=name, TablePrefix="p_")
    told, = glue.batch_get_crawlers(CrawlerNames=[name, "none"])["Crawlers"]
    assert (told["TablePrefix"], told["Description"], told["Version"]) == ("p_", "d", 2)
    assert code_of(glue.create_crawler, Name=name, Role=ROLE, DatabaseName="d",
                   Targets={"S3Targets": [{"Path": "s3://bucket/x"}]}) == "AlreadyExistsException"
    for targets in ({"JdbcTargets": [{"ConnectionName": "c", "Path": "p"}]},
                    {"DynamoDBTargets": [{"Path": "p"}]}, {"IcebergTargets": [{"Paths": ["p"]}]}):
        assert code_of(glue.create_crawler, Name=unique("c"), Role=ROLE, DatabaseName="d",
                       Targets=targets) == "ValidationException"
    assert code_of(glue.create_crawler, Name=unique("c"), Role=ROLE, DatabaseName="d",
                   Targets={"S3Targets": [{"Path": "s3://bucket/x", "Exclusions": ["[a"]}]}
                   ) == "InvalidInputException"
    assert code_of(glue.stop_crawler, Name=name) == "CrawlerNotRunningException"
    glue.delete_crawler(Name=name)
    for call in (glue.get_crawler, glue.start_crawler, glue.stop_crawler, glue.delete_crawler):
        assert code_of(call, Name=name) == "EntityNotFoundException"
    assert code_of(glue.list_crawls, CrawlerName=name) == "EntityNotFoundException"


def test_one_crawl_at_a_time_and_one_that_is_stopped(lake):
    for i in range(400):
        lake.put(f"t/{i}.csv", rows(2000))
    name = lake.crawler("t/")
    lake.glue.start_crawler(Name=name)
    assert code_of(lake.glue.start_crawler, Name=name) == "CrawlerRunningException"
    assert code_of(lake.glue.update_crawler, Name=name, TablePrefix="x") == "CrawlerRunningException"
    assert code_of(lake.glue.delete_crawler, Name=name) == "CrawlerRunningException"
    lake.glue.stop_crawler(Name=name)
    assert lake.wait(name)["Status"] == "CANCELLED"
    assert lake.crawl(name)["Status"] == "SUCCEEDED"
    states = [one["State"] for one in lake.glue.list_crawls(CrawlerName=name)["Crawls"]]
    assert states == ["COMPLETED", "STOPPED"]
    stopped = lake.glue.list_crawls(CrawlerName=name, Filters=[
        {"FieldName": "STATE", "FilterOperator": "EQ", "FieldValue": "STOPPED"}])["Crawls"]
    assert len(stopped) == 1


def test_a_missing_bucket_is_told(lake):
    name = lake.crawler(Targets={"S3Targets": [{"Path": "s3://no-such-bucket-here/x"}]})
    last = lake.crawl(name)
    assert last["Status"] == "FAILED" and "no-such-bucket-here" in last["ErrorMessage"]


def test_schedules_go_by_the_clock(server_factory):
    lake = Lake(server_factory(["--test-clock"]))
    glue = lake.glue
    lake.put("t/1.csv", rows())
    name = lake.crawler("t/", Schedule="cron(0 * * * ? *)")

    def crawls():
        return len(glue.list_crawls(CrawlerName=name)["Crawls"])

    def an_hour_to(wanted):
        lake.server.move_clock(3600)
        while crawls() < wanted:
            time.sleep(0.02)
        lake.wait(name)
        assert crawls() == wanted

    assert glue.get_crawler(Name=name)["Crawler"]["Schedule"] == {
        "ScheduleExpression": "cron(0 * * * ? *)", "State": "SCHEDULED"}
    an_hour_to(1)
    assert list(lake.tables()) == ["t"]
    lake.server.restart()
    an_hour_to(2)
    glue.stop_crawler_schedule(CrawlerName=name)
    assert code_of(glue.stop_crawler_schedule, CrawlerName=name) == "SchedulerNotRunningException"
    lake.server.move_clock(7200)
    assert crawls() == 2
    glue.start_crawler_schedule(CrawlerName=name)
    assert code_of(glue.start_crawler_schedule, CrawlerName=name) == "SchedulerRunningException"
    an_hour_to(3)
    glue.update_crawler_schedule(CrawlerName=name, Schedule="cron(0 0 1 1 ? 2099)")
    lake.server.move_clock(7200)
    time.sleep(0.5)
    assert crawls() == 3
    glue.update_crawler_schedule(CrawlerName=name, Schedule="")
    assert "Schedule" not in glue.get_crawler(Name=name)["Crawler"]
    assert code_of(glue.start_crawler_schedule, CrawlerName=name) == "NoScheduleException"
    assert code_of(glue.update_crawler_schedule, CrawlerName=name,
                   Schedule="every day") == "InvalidInputException"
    assert crawls() == 3


# ---- killed ----

def found_by_hand(objects):
    """{table: {partition}} of csv files below tables/, as the crawler of the next test has to."""
    tables = {}
    for key in objects:
        _, table, folder, _ = key.split("/")
        tables.setdefault(table, set()).add((folder.partition("=")[2],))
    return tables


@pytest.mark.parametrize("seed", range(3))
def test_crawls_that_are_killed_end_as_if_they_were_not(server_factory, seed):
    lake = Lake(server_factory())
    chance = random.Random(seed)
    objects = set()
    config = json.dumps({"Version": 1.0, "Grouping": {"TableLevelConfiguration": 3}})
    name = lake.crawler("tables/", Configuration=config, SchemaChangePolicy={
        "UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"})
    for _ in range(4):
        for _ in range(chance.randrange(1, 40)):
            key = f"tables/t{chance.randrange(3)}/k={chance.randrange(9)}/{chance.randrange(3)}.csv"
            if key in objects and chance.random() < 0.5:
                lake.delete(key)
                objects.discard(key)
            else:
                lake.put(key, rows(chance.randrange(2, 500)))
                objects.add(key)
        lake.glue.start_crawler(Name=name)
        time.sleep(chance.random() * 0.15)
        lake.server.kill()
        lake.server.start()
        assert lake.wait(name)["Status"] == "SUCCEEDED"
        assert {table: set(lake.partitions(table)) for table in lake.tables()} == found_by_hand(objects)
