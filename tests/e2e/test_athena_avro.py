"""SQL over Avro's files: found by crawlers, and in tables made by hand. The files are written by
`avro_files`, by Avro's specification."""

import datetime
import json

import pytest

from avro_files import CODECS, MARKER, Branch, Coded, avro_file, long, text
from e2e.test_athena import Asker
from e2e.test_crawlers import Lake

SERDE = "org.apache.hadoop.hive.serde2.avro.AvroSerDe"


def record(*fields, name="r"):
    return {"type": "record", "name": name,
            "fields": [{"name": field, "type": kind} for field, kind in fields]}


def decimal(value, size=None):
    digits = int(value.replace(".", ""))
    return digits.to_bytes(size or max(1, (digits.bit_length() + 8) // 8), "big", signed=True)


@pytest.fixture(scope="module")
def lake(server):
    return Lake(server)


@pytest.fixture(scope="module")
def asker(server, lake):
    return Asker(server, lake.bucket)


def made(lake, asker, name, columns, more=""):
    asker.succeed(f"CREATE EXTERNAL TABLE {name} ({columns}) {more} STORED AS AVRO "
                  f"LOCATION 's3://{lake.bucket}/{name}/'", lake.database)


def rows(lake, asker, sql):
    return asker.rows(asker.succeed(sql, lake.database))[1:]


EVERY = record(
    ("Id", "long"), ("small", "int"), ("ok", "boolean"), ("f", "float"), ("d", "double"),
    ("word", ["null", "string"]), ("raw", "bytes"), ("day", {"type": "int", "logicalType": "date"}),
    ("ms", {"type": "long", "logicalType": "timestamp-millis"}),
    ("us", ["null", {"type": "long", "logicalType": "timestamp-micros"}]),
    ("money", {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 3}),
    ("fix", {"type": "fixed", "name": "f8", "size": 8, "logicalType": "decimal", "precision": 10,
             "scale": 2}),
    ("e", {"type": "enum", "name": "e", "symbols": ["A", "B"]}), ("again", ["null", "e"]),
    ("l", {"type": "array", "items": ["null", record(
        ("m", {"type": "map", "values": "double"}), name="s")]}))
MOMENT = int(datetime.datetime(2024, 2, 29, 12, 30, 15, tzinfo=datetime.timezone.utc).timestamp())


def every(i):
    return {"Id": i * 2**40 - 5, "small": -i, "ok": i % 2 == 0, "f": i / 4, "d": i / 8,
            "word": f"word {i}" if i % 3 else None, "raw": bytes([i % 256, 255]), "day": 19782 + i,
            "ms": MOMENT * 1000 + i, "us": (MOMENT * 1000 + i) * 1000 if i % 5 else None,
            "money": decimal(f"{i * 10**13}.125"), "fix": decimal(f"-{i}.25", 8), "e": "AB"[i % 2],
            "again": Coded(long(1) + long(1)) if i % 2 else None,
            "l": [None, {"m": {"a": i / 2, "b": 1.5}}] if i % 4 else []}


def expected(i):
    moment = datetime.datetime.fromtimestamp(MOMENT, datetime.timezone.utc)
    moment = moment.strftime("%Y-%m-%d %H:%M:%S") + f".{i:03}"
    day = datetime.date.fromordinal(datetime.date(1970, 1, 1).toordinal() + 19782 + i)
    return [str(i * 2**40 - 5), str(-i), str(i % 2 == 0).lower(), str(i / 4), str(i / 8),
            f"word {i}" if i % 3 else None, f"{i % 256:02x} ff", str(day), moment,
            moment if i % 5 else None, f"{i * 10**13}.125", f"-{i}.25" if i else "-0.25",
            "AB"[i % 2], "B" if i % 2 else None,
            f"[null, {{m={{a={i / 2}, b=1.5}}}}]" if i % 4 else "[]"]


@pytest.mark.parametrize("codec", CODECS)
def test_a_crawled_table_of_every_type(lake, asker, codec):
    lake.put(f"{codec}/y=1/1.avro", avro_file(EVERY, [every(i) for i in range(150)], codec, 40))
    lake.put(f"{codec}/y=2/2.avro", avro_file(EVERY, [every(i) for i in range(150, 200)], codec,
                                              sized=True))
    lake.crawl(lake.crawler(f"{codec}/"))
    found = rows(lake, asker, f'SELECT * FROM "{codec}" ORDER BY small DESC')
    assert found == [expected(i) + ["1" if i < 150 else "2"] for i in range(200)]
    assert rows(lake, asker, f'SELECT count(*), sum(d) FROM "{codec}" WHERE y = \'1\'') == [
        ["150", str(sum(i / 8 for i in range(150)))]]
    assert rows(lake, asker, f'SELECT count(*) FROM "{codec}"') == [["200"]]


def test_columns_by_name_aliases_and_defaults(lake, asker):
    """Files of several ages of a schema, read by the table's own."""
    old, new = record(("a", "int"), ("gone", "string")), record(("B", "string"), ("renamed", "int"))
    lake.put("ages/1.avro", avro_file(old, [{"a": 1, "gone": "x"}]))
    lake.put("ages/2.avro", avro_file(new, [{"B": "b", "renamed": 2}], "deflate"))
    literal = record(("b", "string"), ("a", "int"), ("l", {"type": "array", "items": "int"}))
    literal["fields"][0]["default"] = "none"
    literal["fields"][1]["aliases"] = ["renamed"]
    literal["fields"][2]["default"] = [7, 8]
    made(lake, asker, "ages", "b string, a bigint, l array<int>, missing double",
         f"ROW FORMAT SERDE '{SERDE}' WITH SERDEPROPERTIES ('avro.schema.literal'="
         f"'{json.dumps(literal)}')")
    assert rows(lake, asker, "SELECT * FROM ages ORDER BY a") == [
        ["none", "1", "[7, 8]", None], ["b", "2", "[7, 8]", None]]


def test_unions_widen_and_text_takes_all(lake, asker):
    mixed = record(("n", ["int", "null", "double"]), ("t", ["string", "long", "boolean", "double"]))
    lake.put("mixed/1.avro", avro_file(mixed, [
        {"n": Branch(0, 3), "t": Branch(0, "s")}, {"n": Branch(2, 0.5), "t": Branch(1, -9)},
        {"n": None, "t": Branch(2, True)}, {"n": Branch(0, 1), "t": Branch(3, 1e10)}]))
    made(lake, asker, "mixed", "n double, t string")
    assert rows(lake, asker, "SELECT * FROM mixed") == [
        ["3.0", "s"], ["0.5", "-9"], [None, "true"], ["1.0", "1.0E10"]]


def test_a_large_file_is_read_in_parts(lake, asker):
    """Of 60 MB: several threads begin behind the markers next to their parts."""
    schema = record(("i", "long"), ("pad", "string"))
    body = avro_file(schema, [{"i": i, "pad": "x" * 3000} for i in range(20000)], block=70)
    lake.put("large/1.avro", body)
    made(lake, asker, "large", "i bigint, pad string")
    told = asker.succeed("SELECT count(*), count(DISTINCT i), sum(i), min(length(pad)) FROM large",
                         lake.database)
    assert asker.rows(told)[1] == ["20000", "20000", str(20000 * 19999 // 2), "3000"]


def test_errors_name_the_file(lake, asker):
    whole = avro_file(record(("a", "int")), [{"a": i} for i in range(5000)], "snappy")
    short = record(("a", "long"))
    bad = {"cut": (whole[:-700], "cut off"), "changed": (
        whole[:1500] + bytes([whole[1500] ^ 1]) + whole[1501:], "damaged"),
        "text": (b"a,b\n1,2\n", "no data file of Avro's"), "empty": (b"Obj\1", "head is cut off"),
        "wide": (avro_file(short, [{"a": 2**40}]), "column a of Avro file"),
        "other": (avro_file(record(("a", "string")), [{"a": "1"}]),
                  "Avro's type string is none of the table's type integer"),
        "codec": (whole.replace(b"snappy", b"lz4abc"), "not supported")}
    for name, (body, words) in bad.items():
        lake.put(f"{name}/1.avro", body)
        made(lake, asker, name, "a int")
        told = asker.fail(f"SELECT sum(a) FROM {name}", lake.database)
        assert told.startswith("HIVE_"), told
        assert words in told and f"s3://{lake.bucket}/{name}/1.avro" in told


def test_hostile_sizes_are_refused(lake, asker):
    """Counts and sizes that no memory holds."""
    schema = json.dumps(record(("a", {"type": "array", "items": "null"}))).encode()
    head = b"Obj\1" + long(1) + text("avro.schema") + text(schema) + long(0) + MARKER
    blocks = {"elements": long(1) + long(10) + long(2**60) + b"\0" * 8, "rows": long(1) + long(2**61),
              "negative": long(-1) + long(0), "sized": long(1) + long(3) + long(-2)[:1] + b"\x7f\0"}
    for name, block in blocks.items():
        lake.put(f"h{name}/1.avro", head + block + MARKER)
        made(lake, asker, f"h{name}", "a array<int>")
        assert asker.fail(f"SELECT a FROM h{name}", lake.database).startswith("HIVE_")
