"""Queries by boto3: what they read, what they write, and that it happens whole or not at all."""

import csv
import io
import json
import time

import pyarrow.parquet
import pytest

from e2e.test_athena import Asker, refused
from sagemaker_jobs import unique

ROWS = [(i, f"name {i % 7}", i / 4, 2000 + i % 3) for i in range(3000)]


@pytest.fixture(scope="module")
def bucket(server):
    name = unique("queries")
    server.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def asker(server, bucket):
    return Asker(server, bucket)


@pytest.fixture(scope="module")
def table(server, asker, bucket):
    """A table of CSV files, partitioned by the year."""
    s3 = server.client("s3")
    for year in (2000, 2001, 2002):
        lines = "".join(f"{i},{name},{v}\n" for i, name, v, y in ROWS if y == year)
        s3.put_object(Bucket=bucket, Key=f"t/y={year}/rows.csv", Body=f"id,name,v\n{lines}")
    s3.put_object(Bucket=bucket, Key="t/y=2000/_hidden", Body=b"9,9,9\n")
    name = unique("t").replace("-", "_")
    asker.succeed(
        f"CREATE EXTERNAL TABLE {name} (id bigint, name string, v double) PARTITIONED BY (y int) "
        f"ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://{bucket}/t/' "
        "TBLPROPERTIES ('skip.header.line.count'='1')")
    asker.succeed(f"MSCK REPAIR TABLE {name}")
    return name


def test_a_select_and_its_object(server, asker, table):
    told = asker.succeed(f"SELECT id, name AS n, v, y FROM {table} WHERE id < 3 ORDER BY id")
    assert (told["StatementType"], told["SubstatementType"]) == ("DML", "SELECT")
    place = told["ResultConfiguration"]["OutputLocation"]
    assert place == f"{asker.output}{told['QueryExecutionId']}.csv"
    bucket, key = place.removeprefix("s3://").split("/", 1)
    body = server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert body == ('"id","n","v","y"\n"0","name 0","0.0","2000"\n"1","name 1","0.25","2001"\n'
                    '"2","name 2","0.5","2002"\n')
    results = asker.athena.get_query_results(QueryExecutionId=told["QueryExecutionId"])
    assert [(each["Name"], each["Type"], each["Precision"]) for each in
            results["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]] == [
        ("id", "bigint", 19), ("n", "varchar", 2147483647), ("v", "double", 17),
        ("y", "integer", 10)]
    assert asker.rows(told)[1] == ["0", "name 0", "0.0", "2000"]


def test_partitions_are_pruned(server, asker, table, bucket):
    whole = asker.succeed(f"SELECT id FROM {table}")["Statistics"]["DataScannedInBytes"]
    sizes = {each["Key"]: each["Size"] for each in server.client("s3").list_objects_v2(
        Bucket=bucket, Prefix="t/")["Contents"]}
    assert whole == sum(size for key, size in sizes.items() if "_hidden" not in key)
    for condition in ("y = 2001", "y BETWEEN 2001 AND 2001", "y > 2000 AND y < 2002 AND id >= 0"):
        told = asker.succeed(f"SELECT id FROM {table} WHERE {condition}")
        assert told["Statistics"]["DataScannedInBytes"] == sizes["t/y=2001/rows.csv"]
        assert len(asker.rows(told)) == 1 + 1000
    assert len(asker.rows(asker.succeed(f"SELECT id FROM {table} WHERE y = 1999"))) == 1


def test_pages(asker, table):
    told = asker.succeed(f"SELECT id FROM {table} ORDER BY id")
    pages = list(asker.athena.get_paginator("get_query_results").paginate(
        QueryExecutionId=told["QueryExecutionId"], PaginationConfig={"PageSize": 700}))
    assert [len(page["ResultSet"]["Rows"]) for page in pages] == [700, 700, 700, 700, 201]
    ids = [row["Data"][0]["VarCharValue"] for page in pages for row in page["ResultSet"]["Rows"]]
    assert ids == ["id"] + [str(i) for i in range(3000)]


def test_quotes_nulls_and_newlines_in_results(server, asker):
    told = asker.succeed("SELECT * FROM (VALUES ('a\"b', 1), ('c\nd', NULL), (NULL, 3), ('', 4)) "
                         "AS t (x, \"Y\"\"\")")
    assert asker.rows(told)[1:] == [['a"b', "1"], ["c\nd", None], [None, "3"], ["", "4"]]
    bucket, key = told["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").split("/", 1)
    text = server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert list(csv.reader(io.StringIO(text)))[1:] == [
        ['a"b', "1"], ["c\nd", ""], ["", "3"], ["", "4"]]
    assert '\n,"3"\n"","4"\n' in text


def written(server, told):
    """What the manifest names, as bytes."""
    s3 = server.client("s3")
    bucket, key = told["Statistics"]["DataManifestLocation"].removeprefix("s3://").split("/", 1)
    places = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().split()
    return {place: s3.get_object(Bucket=place.split("/")[2], Key=place.split("/", 3)[3])
            ["Body"].read() for place in places}


def test_ctas_insert_and_what_the_catalog_has_of_them(server, asker, table, bucket):
    name = unique("made").replace("-", "_")
    told = asker.succeed(
        f"CREATE TABLE {name} WITH (format = 'PARQUET', external_location = 's3://{bucket}/{name}/', "
        f"partitioned_by = ARRAY['y']) AS SELECT id, v, y FROM {table} WHERE id < 100")
    assert told["StatementType"] == "DDL"
    assert told["SubstatementType"] == "CREATE_TABLE_AS_SELECT"
    files = written(server, told)
    assert sum(pyarrow.parquet.read_table(io.BytesIO(body)).num_rows for body in files.values()) == 100
    assert all(place.startswith(f"s3://{bucket}/{name}/y=200") for place in files)
    glue = server.client("glue")
    made = glue.get_table(DatabaseName="default", Name=name)["Table"]
    assert [column["Type"] for column in made["StorageDescriptor"]["Columns"]] == ["bigint", "double"]
    assert made["PartitionKeys"] == [{"Name": "y", "Type": "int"}]
    results = asker.athena.get_query_results(QueryExecutionId=told["QueryExecutionId"])
    assert results["UpdateCount"] == 100 and results["ResultSet"]["Rows"] == []
    place, key = told["Statistics"]["DataManifestLocation"].removeprefix("s3://").split("/", 1)
    server.client("s3").head_object(Bucket=place, Key=key.replace("-manifest.csv", ".metadata"))
    (counted,) = results["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert (counted["Name"], counted["Type"], counted["Precision"]) == ("rows", "bigint", 19)
    told = asker.succeed(f"INSERT INTO {name} SELECT id, v, 2009 FROM {table} WHERE id < 5")
    assert (told["StatementType"], told["SubstatementType"]) == ("DML", "INSERT")
    assert asker.lines(f"SHOW PARTITIONS {name}") == ["y=2000", "y=2001", "y=2002", "y=2009"]
    told = asker.succeed(f"SELECT id, y FROM {name} WHERE y = 2009 ORDER BY id")
    assert asker.rows(told)[1:] == [[str(i), "2009"] for i in range(5)]
    assert "already exists" in asker.fail(f"CREATE TABLE {name} AS SELECT 1 AS a")
    asker.succeed(f"CREATE TABLE IF NOT EXISTS {name} AS SELECT 1 AS a")
    asker.succeed(f"DROP TABLE {name}")
    assert "HIVE_PATH_ALREADY_EXISTS" in asker.fail(
        f"CREATE TABLE {name} WITH (external_location = 's3://{bucket}/{name}/') AS SELECT 1 AS a")


def test_a_ctas_that_fails_leaves_nothing(server, asker, table, bucket):
    name = unique("none").replace("-", "_")
    reason = asker.fail(
        f"CREATE TABLE {name} WITH (external_location = 's3://{bucket}/{name}/') AS "
        f"SELECT 1 / (id - 2999) AS x FROM {table}")
    assert reason.startswith("DIVISION_BY_ZERO")
    assert "Contents" not in server.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{name}/")
    assert "does not exist" in asker.fail(f"SELECT * FROM {name}")


def test_text_tables_take_inserts(server, asker, bucket):
    name = unique("text").replace("-", "_")
    asker.succeed(f"CREATE EXTERNAL TABLE {name} (a int, b string) ROW FORMAT DELIMITED FIELDS "
                  f"TERMINATED BY '|' LOCATION 's3://{bucket}/{name}/'")
    asker.succeed(f"INSERT INTO {name} VALUES (1, 'x'), (2, NULL)")
    asker.succeed(f"INSERT INTO {name} (b) VALUES ('y')")
    rows = asker.rows(asker.succeed(f"SELECT a, b FROM {name} ORDER BY a"))
    assert rows[1:] == [["1", "x"], ["2", None], [None, "y"]]


def test_unload(server, asker, table, bucket):
    place = f"s3://{bucket}/{unique('unloaded')}/"
    told = asker.succeed(f"UNLOAD (SELECT id, v FROM {table} WHERE id < 10) TO '{place}' "
                         "WITH (format = 'JSON', compression = 'none')")
    files = written(server, told)
    rows = [json.loads(line) for body in files.values() for line in body.decode().splitlines()]
    assert sorted(rows, key=lambda row: row["id"]) == [{"id": i, "v": i / 4} for i in range(10)]
    assert "HIVE_PATH_ALREADY_EXISTS" in asker.fail(
        f"UNLOAD (SELECT 1 AS a) TO '{place}' WITH (format = 'PARQUET')")
    assert "needs a format" in asker.fail(f"UNLOAD (SELECT 1 AS a) TO '{place}x/'")


def test_views_and_the_information_schema(asker, table):
    view = unique("v").replace("-", "_")
    asker.succeed(f"CREATE VIEW {view} AS SELECT id, y FROM {table} WHERE id < 4")
    assert asker.rows(asker.succeed(f"SELECT id FROM {view} WHERE y = 2000 ORDER BY 1"))[1:] == [
        ["0"], ["3"]]
    assert "already exists" in asker.fail(f"CREATE VIEW {view} AS SELECT 1 AS a")
    asker.succeed(f"CREATE OR REPLACE VIEW {view} AS SELECT 5 AS a; -- and no more")
    assert asker.rows(asker.succeed(f"SELECT * FROM {view}")) == [["a"], ["5"]]
    assert view in asker.lines("SHOW VIEWS")
    assert asker.lines(f"SHOW CREATE VIEW {view}")[1] == "SELECT 5 AS a"
    rows = asker.rows(asker.succeed(
        "SELECT column_name, data_type, ordinal_position FROM information_schema.columns WHERE "
        f"table_schema = 'default' AND table_name = '{table}' ORDER BY ordinal_position"))
    assert rows[1:] == [["id", "bigint", "1"], ["name", "varchar", "2"], ["v", "double", "3"],
                        ["y", "integer", "4"]]
    rows = asker.rows(asker.succeed(f'SELECT y FROM "{table}$partitions" ORDER BY y'))
    assert rows[1:] == [["2000"], ["2001"], ["2002"]]
    assert "is a view" in asker.fail(f"SHOW CREATE TABLE {view}")
    asker.succeed(f"DROP VIEW {view}")


def test_parameters(server, asker, table):
    sql = f"SELECT id FROM {table} WHERE id = ? AND name = ?"
    for given in ("'name 0'", "name 0"):
        told = asker.succeed(sql, ExecutionParameters=["7", given])
        assert asker.rows(told)[1:] == [["7"]]
    told = asker.succeed("SELECT ?, ?, ?", ExecutionParameters=["it's", "null", "DATE '2020-01-31'"])
    assert asker.rows(told)[1:] == [["it's", None, "2020-01-31"]]
    name = unique("s").replace("-", "_")
    asker.succeed(f"PREPARE {name} FROM {sql}")
    told = asker.succeed(f"EXECUTE {name} USING 8, 'name 1'")
    assert asker.rows(told)[1:] == [["8"]]
    told = asker.succeed(f"EXECUTE {name}", ExecutionParameters=["9", "'name 2'"])
    assert asker.rows(told)[1:] == [["9"]]
    told = asker.succeed("EXECUTE IMMEDIATE 'SELECT ? + 1' USING 41")
    assert asker.rows(told)[1:] == [["42"]]
    asker.succeed(f"DEALLOCATE PREPARE {name}")
    assert "was not found" in asker.fail(f"EXECUTE {name} USING 1, 'a'")


def test_rows_tell_their_files(asker, table, bucket):
    rows = asker.rows(asker.succeed(
        f'SELECT "$path", "$file_size" > 0, count(*) FROM {table} WHERE y = 2001 GROUP BY 1, 2'))
    assert rows[1:] == [[f"s3://{bucket}/t/y=2001/rows.csv", "true", "1000"]]
    assert "$path" not in asker.rows(asker.succeed(f"SELECT * FROM {table} LIMIT 1"))[0]
    name = unique("paths").replace("-", "_")
    told = asker.succeed(f"CREATE TABLE {name} AS SELECT 1 AS a")
    rows = asker.rows(asker.succeed(f'SELECT x.a, x."$path" FROM {name} x'))
    assert rows[1][0] == "1" and rows[1][1].startswith(told["ResultConfiguration"]["OutputLocation"])


def test_results_are_reused(server, asker, table):
    reuse = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 60}}
    sql = f"SELECT id FROM {table} WHERE id = 11"
    first = asker.succeed(sql)
    again = asker.succeed(sql, ResultReuseConfiguration=reuse)
    assert again["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"] is True
    assert again["Statistics"]["DataScannedInBytes"] == 0
    assert again["ResultConfiguration"] == first["ResultConfiguration"]
    assert asker.rows(again) == asker.rows(first)
    other = asker.succeed(sql)
    assert other["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"] is False


def test_a_query_is_stopped_at_once(asker):
    crossed = " CROSS JOIN ".join(f"(VALUES {', '.join(str(i) for i in range(300))}) t{k} (x{k})"
                                  for k in range(5))
    sql = f"SELECT x0 FROM {crossed} WHERE x0 + x1 + x2 + x3 + x4 = -1"
    started = asker.athena.start_query_execution(
        QueryString=sql, ResultConfiguration={"OutputLocation": asker.output})["QueryExecutionId"]
    while asker.athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"][
            "State"] == "QUEUED":
        time.sleep(0.01)
    asker.athena.stop_query_execution(QueryExecutionId=started)
    assert asker.wait(started)["Status"]["State"] == "CANCELLED"
    for _ in range(4):  # its process is free for the next ones
        asker.succeed("SELECT 1")
    refused(asker.athena.get_query_results, "InvalidRequestException", "CANCELLED",
            QueryExecutionId=started)


def test_a_limit_of_bytes(server, asker, table):
    group = unique("group")
    asker.athena.create_work_group(Name=group, Configuration={
        "BytesScannedCutoffPerQuery": 10000000, "EnforceWorkGroupConfiguration": False})
    told = asker.execute(f"SELECT id FROM {table}", WorkGroup=group)
    assert told["Status"]["State"] == "SUCCEEDED"
    asker.athena.delete_work_group(WorkGroup=group, RecursiveDeleteOption=True)


def test_projected_partitions(asker, bucket, table):
    name = unique("projected").replace("-", "_")
    asker.succeed(
        f"CREATE EXTERNAL TABLE {name} (id bigint, name string, v double) PARTITIONED BY (y int) "
        f"ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://{bucket}/t/' TBLPROPERTIES ("
        "'skip.header.line.count'='1', 'projection.enabled'='true', 'projection.y.type'='integer', "
        f"'projection.y.range'='1990,2010', 'storage.location.template'='s3://{bucket}/t/y=${{y}}')")
    rows = asker.rows(asker.succeed(f"SELECT id FROM {name} WHERE y = 2002 AND id < 9 ORDER BY 1"))
    assert rows[1:] == [["2"], ["5"], ["8"]]
    assert len(asker.rows(asker.succeed(f"SELECT id FROM {name}"))) == 3001


def test_errors_are_athenas(asker, table):
    assert asker.fail(f"SELECT nope FROM {table}") == (
        "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved or requester is not "
        "authorized to access requested resources")
    assert asker.fail("SELECT 1 FROM nowhere") == (
        "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.default.nowhere' does not exist")
    assert asker.fail("SELEC 1").startswith("SYNTAX_ERROR: line 1:1: mismatched input 'SELEC'")
