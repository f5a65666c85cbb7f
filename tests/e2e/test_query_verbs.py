"""`lathe query`, `lathe tables` and `lathe describe TABLE`."""

import json
import os
import subprocess

import pyarrow.parquet
import pytest


@pytest.fixture(scope="module")
def ask(server_factory, lathe):
    """The verbs, asking a server that has a small table."""
    server = server_factory()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="rows")
    s3.put_object(Bucket="rows", Key="t/a.csv", Body="1,x,0.5\n2,,1.5\n30,zz,2.5\n")

    def run(*arguments, status=0):
        done = subprocess.run([str(lathe), *arguments], text=True, capture_output=True, timeout=60,
                              env={**os.environ, "LATHE_HOME": str(server.home)}, check=False)
        assert done.returncode == status, done.stderr
        return done.stderr if status else done.stdout

    run("query", "CREATE EXTERNAL TABLE t (a int, b string, c double) ROW FORMAT DELIMITED FIELDS "
        "TERMINATED BY ',' LOCATION 's3://rows/t/'")
    return run


def test_a_query_as_a_table(ask):
    assert [line.rstrip() for line in ask("query", "SELECT a, b FROM t ORDER BY a").splitlines()] == [
        " a  b", "--  --", " 1  x", " 2", "30  zz"]
    assert ask("query", "SHOW TABLES") == "t\n"


def test_a_query_as_text_for_programs(ask):
    sql = "SELECT a, b, c FROM t WHERE a > 1 ORDER BY a"
    assert ask("query", sql, "--format", "csv") == '"a","b","c"\n"2","","1.5"\n"30","zz","2.5"\n'
    assert [json.loads(line) for line in ask("query", sql, "--format", "json").splitlines()] == [
        {"a": 2, "b": "", "c": 1.5}, {"a": 30, "b": "zz", "c": 2.5}]


def test_a_query_as_files(ask, tmp_path):
    sql = "SELECT a, b, c FROM t WHERE a > 1 ORDER BY a"
    ask("query", sql, "--format", "csv", "--output", str(tmp_path / "rows.csv"))
    assert (tmp_path / "rows.csv").read_text() == '"a","b","c"\n"2","","1.5"\n"30","zz","2.5"\n'
    ask("query", sql, "--format", "parquet", "--output", str(tmp_path / "rows.parquet"))
    assert pyarrow.parquet.read_table(tmp_path / "rows.parquet").to_pylist() == [
        {"a": 2, "b": "", "c": 1.5}, {"a": 30, "b": "zz", "c": 2.5}]
    ask("query", sql, "--format", "parquet", status=2)


def test_sql_may_begin_with_a_comment(ask):
    csv = '"n"\n"3"\n'
    for sql in ("-- how many\nSELECT count(*) AS n FROM t", "--\nSELECT count(*) AS n FROM t"):
        assert ask("query", sql, "--format", "csv") == csv
        assert ask("query", "--format", "csv", sql) == csv
        assert ask("query", "--format", "csv", "--", sql) == csv
    assert ask("query", "--format", "csv", "--", "--how many\nSELECT count(*) AS n FROM t") == csv
    assert ask("query", "--format", "csv", "--", "SELECT count(*) AS n FROM t") == csv
    assert "--how" in ask("query", "--how many\nSELECT 1", status=2)
    assert "one statement" in ask("query", "-- one\nSELECT 1", "SELECT 2", status=2)
    assert "one statement" in ask("query", "--", "SELECT 1", "-- two\nSELECT 2", status=2)


def test_what_is_wrong_is_said(ask):
    assert "COLUMN_NOT_FOUND: line 1:8" in ask("query", "SELECT nope FROM t", status=1)
    assert "json or parquet" in ask("query", "SELECT 1", "--format", "xml", status=2)
    assert "nowhere not found" in ask("tables", "nowhere", status=1)


def test_tables_and_what_is_in_one(ask):
    line, = ask("tables").splitlines()
    assert line.split()[0] == "default.t" and "3 columns" in line and "s3://rows/t" in line
    lines = ask("describe", "t").splitlines()
    assert lines[0].split() == ["t", "s3://rows/t"]
    assert lines[1].split() == ["rows", "3"]
    columns = {line.split()[0]: line.split() for line in lines[4:]}
    assert columns["a"][1:7] == ["int", "0", "3", "1", "30", "11.0"]
    assert columns["c"][1:7] == ["double", "0", "3", "0.5", "2.5", "1.5"]
    assert columns["a"][7].count("█") == 1
    assert "nothere not found" in ask("describe", "nothere", status=1)
