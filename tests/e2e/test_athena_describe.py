"""What SQL says of itself: prepared statements' parameters and results, functions."""

import json

import pytest

from e2e.test_athena import Asker
from sagemaker_jobs import unique


@pytest.fixture(scope="module")
def asker(server):
    bucket = unique("describe")
    server.client("s3").create_bucket(Bucket=bucket)
    asker = Asker(server, bucket)
    asker.succeed("CREATE EXTERNAL TABLE nation (nationkey bigint, name varchar(25), "
                  f"price decimal(20,2), at timestamp) LOCATION 's3://{bucket}/nation/'")
    asker.succeed("CREATE VIEW named AS SELECT name AS called, nationkey FROM nation")
    return asker


def rows(asker, sql):
    return asker.rows(asker.succeed(sql))


def described(asker, what, text):
    name = unique("p").replace("-", "_")
    asker.succeed(f"PREPARE {name} FROM {text}")
    found = rows(asker, f"DESCRIBE {what} {name}")
    asker.succeed(f"DEALLOCATE PREPARE {name}")
    return found


def test_describe_input(asker):
    """The first is of Trino's documentation."""
    assert described(asker, "INPUT", "SELECT ? FROM nation WHERE nationkey = ? AND name < ?") == [
        ["Position", "Type"], ["0", "unknown"], ["1", "bigint"], ["2", "varchar"]]
    assert described(asker, "INPUT", "SELECT 1")[1:] == []
    assert described(asker, "INPUT", "SELECT length(?), CAST(? AS date), coalesce(?, price), "
                     "price IN (?, 1), at BETWEEN ? AND now() FROM nation LIMIT ?")[1:] == [
        ["0", "varchar"], ["1", "unknown"], ["2", "decimal"], ["3", "decimal"], ["4", "timestamp"],
        ["5", "bigint"]]


def test_describe_output(asker):
    assert described(asker, "OUTPUT", "SELECT * FROM nation") == [
        ["Column Name", "Catalog", "Schema", "Table", "Type", "Type Size", "Aliased"],
        ["nationkey", "awsdatacatalog", "default", "nation", "bigint", "8", "false"],
        ["name", "awsdatacatalog", "default", "nation", "varchar(25)", "0", "false"],
        ["price", "awsdatacatalog", "default", "nation", "decimal(20,2)", "16", "false"],
        ["at", "awsdatacatalog", "default", "nation", "timestamp(3)", "8", "false"]]
    assert described(asker, "OUTPUT", "SELECT n.name AS a, count(*), 1 AS one, ? FROM nation n "
                     "GROUP BY n.name")[1:] == [
        ["a", "awsdatacatalog", "default", "nation", "varchar(25)", "0", "true"],
        ["_col1", "", "", "", "bigint", "8", "false"], ["one", "", "", "", "integer", "4", "true"],
        ["_col3", "", "", "", "unknown", "1", "false"]]
    assert described(asker, "OUTPUT", "WITH w AS (SELECT nationkey FROM nation) "
                     "SELECT nationkey, w.nationkey b FROM w")[1:] == [
        ["nationkey", "awsdatacatalog", "default", "nation", "bigint", "8", "false"],
        ["b", "awsdatacatalog", "default", "nation", "bigint", "8", "true"]]
    assert described(asker, "OUTPUT", "INSERT INTO nation SELECT * FROM nation")[1:] == [
        ["rows", "", "", "", "bigint", "8", "false"]]


def test_what_is_not_described(asker):
    assert asker.fail("DESCRIBE OUTPUT nosuch").startswith("PreparedStatement nosuch was not found")
    assert asker.fail("DESCRIBE INPUT nosuch").startswith("PreparedStatement nosuch was not found")
    asker.succeed("PREPARE stale FROM SELECT nothing FROM nation")
    assert asker.fail("DESCRIBE OUTPUT stale").startswith("COLUMN_NOT_FOUND: line 1:8")


def test_show_functions(asker):
    head, *found = rows(asker, "SHOW FUNCTIONS")
    assert head == ["Function", "Return Type", "Argument Types", "Function Type", "Deterministic",
                    "Description"]
    assert len(found) > 500 and found == sorted(found, key=lambda row: (
        row[0].lower(), row[1], row[2], row[3]))
    plain = {tuple(row[:5]) for row in found}
    assert {("array_max", "T", "array(T)", "scalar", "true"), ("rand", "double", None, "scalar",
            "false"), ("count", "bigint", None, "aggregate", "true"),
            ("transform", "array(U)", "array(T), function(T,U)", "scalar", "true"),
            ("row_number", "bigint", None, "window", "true")} <= {
        tuple(value or None for value in row) for row in plain}
    assert {row[0] for row in rows(asker, "SHOW FUNCTIONS LIKE 'array!_m%' ESCAPE '!'")[1:]} == {
        "array_max", "array_min"}


def plan(asker, sql):
    lines = [row[0] for row in rows(asker, sql)]
    assert lines[0] == "Query Plan"
    return "\n".join(lines[1:])


def test_explain_in_its_forms(asker):
    select = "SELECT name, count(*) AS n FROM nation GROUP BY name"
    assert "awsdatacatalog.default.nation, 0 objects" in plan(asker, f"EXPLAIN {select}")
    output = json.loads(plan(asker, f"EXPLAIN (TYPE LOGICAL, FORMAT JSON) {select}"))["0"]
    assert output["name"] == "Output" and output["outputs"] == [
        {"symbol": "name", "type": "varchar(25)"}, {"symbol": "n", "type": "bigint"}]
    scan, = output["children"]
    assert scan["descriptor"] == {"table": "awsdatacatalog:default:nation"}
    assert scan["outputs"] == [{"symbol": "name", "type": "varchar(25)"}]
    told = json.loads(plan(asker, f"EXPLAIN (TYPE IO) {select}"))["inputTableColumnInfos"]
    assert [each["table"]["schemaTable"]["table"] for each in told] == ["nation"]
    assert rows(asker, f"EXPLAIN (TYPE VALIDATE) {select}") == [["Valid"], ["true"]]
    assert "Rows: 1, bytes scanned: 0" in plan(asker, "EXPLAIN ANALYZE SELECT count(*) FROM nation")
    assert asker.fail("EXPLAIN ANALYZE SELECT 1 / 0").startswith("DIVISION_BY_ZERO")
    assert asker.fail("EXPLAIN (TYPE VALIDATE) SELECT nothing").startswith("COLUMN_NOT_FOUND")
    assert "GRAPHVIZ is not supported" in asker.fail(f"EXPLAIN (FORMAT GRAPHVIZ) {select}")
    assert asker.fail(f"EXPLAIN (FORMAT XML) {select}").startswith("SYNTAX_ERROR")


def test_show_catalogs(asker):
    for more, shown in (("", True), ("LIKE 'aws%'", True), ("LIKE 'a_s%g'", True),
                        ("LIKE 'a!_s%' ESCAPE '!'", False), ("LIKE 'b%'", False),
                        ("LIKE '%catalog'", True), ("LIKE 'awsdatacatalo'", False)):
        assert rows(asker, f"SHOW CATALOGS {more}") == [["awsdatacatalog"]] * shown
