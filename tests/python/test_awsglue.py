"""The module awsglue over a real Spark: what scripts of Glue's do, and what passes between their runs.
What is expected is what Glue's documentation says of the same calls."""

import json
import os
import pathlib
import subprocess
import uuid

import pytest

pytestmark = pytest.mark.full
HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = HERE.parent.parent / "src/python/packages"

ORDERS = [
    {"id": 1, "price": 10, "name": {"first": "a", "last": "b"},
     "tags": [{"key": "x", "value": 1}, {"key": "y", "value": 2}]},
    {"id": 2, "price": "12 dollars", "name": {"first": "c", "last": None}, "tags": []},
    {"id": 3, "price": 2.5, "name": None, "tags": [{"key": "z", "value": 3}]},
]
PEOPLE = 'name,age\nAnn,33\n"Bob",52\nCid,17\n'
TAGS = "array<struct<key:string,value:bigint>>"
CHOICE = "struct<double:double,long:bigint,string:string>"

EXPECTED = {
    "a choice's types": CHOICE,
    "cast:double": [{"price": 10.0}, {"price": None}, {"price": 2.5}],
    "project:long": [{"price": 10}, {"price": None}, {"price": None}],
    "make_cols": [
        {"price_double": None, "price_long": 10, "price_string": None},
        {"price_double": None, "price_long": None, "price_string": "12 dollars"},
        {"price_double": 2.5, "price_long": None, "price_string": None}],
    "make_struct": [
        {"price": {"double": None, "long": 10, "string": None}},
        {"price": {"double": None, "long": None, "string": "12 dollars"}},
        {"price": {"double": 2.5, "long": None, "string": None}}],
    "all choices": "string",
    "toDF": "double",
    "ApplyMapping": {
        "types": {"number": "string", "who": "struct<given:string>", "price": "double"},
        "rows": [{"number": "1", "who": {"given": "a"}, "price": 10.0},
                 {"number": "2", "who": {"given": "c"}, "price": None},
                 {"number": "3", "who": {"given": None}, "price": 2.5}]},
    "SelectFields": {"name": "struct<first:string>", "id": "bigint"},
    "DropFields": {"id": "bigint", "name": "struct<first:string>", "tags": "array<struct<key:string>>"},
    "RenameField": "struct<last:string,given:string>",
    "SplitFields": [{"age": "string"}, {"name": "string"}],
    "DropNullFields": {"a": "int", "e": "struct<d:int>"},
    "Filter": [{"name": "Ann", "age": "33"}, {"name": "Bob", "age": "52"}],
    "Map": {"types": {"name": "string", "age": "bigint", "of": "struct<town:string>"},
            "rows": [{"name": "Ann", "age": 34, "of": {"town": "x"}},
                     {"name": "Cid", "age": 18, "of": {"town": "x"}}],
            "errors": 1, "text": "RuntimeError: Bob stays as he is"},
    "too many errors": True,
    "Join": [{"name": "Ann", "age": "33", ".name": "Ann", ".age": 34},
             {"name": "Cid", "age": "17", ".name": "Cid", ".age": 18}],
    "SplitRows": [[{"name": "Ann", "age": 34, "of": {"town": "x"}}],
                  [{"name": "Cid", "age": 18, "of": {"town": "x"}}]],
    "Unbox": [{"t": {"a": 1, "b": "x"}}],
    "FlatMap": ["age", "name"],
    "Relationalize": {
        "orders": {"id": "bigint", "name.first": "string", "name.last": "string", "price": CHOICE,
                   "tags": "bigint"},
        "orders_tags": {"id": "bigint", "index": "int", "tags.val.key": "string",
                        "tags.val.value": "bigint"}},
    "Relationalize joins": [{"id": 1, "tags.val.key": "x"}, {"id": 1, "tags.val.key": "y"},
                            {"id": 3, "tags.val.key": "z"}],
    "from_catalog": {
        "types": {"number": "bigint", "text": "string", "value": "struct<long:bigint,string:string>",
                  "year": "string", "month": "int"},
        "rows": [
            {"number": 2, "text": "x,y", "value": {"long": 2, "string": None}, "year": "2024", "month": 2},
            {"number": 3, "text": None, "value": {"long": None, "string": "hm"}, "year": "2024",
             "month": 2},
            {"number": 4, "text": "z", "value": {"long": None, "string": None}, "year": "2024",
             "month": 3}]},
    "getSink": [
        {"number": 2, "text": "x,y", "value": 2.0, "year": "2024", "month": 2},
        {"number": 3, "text": None, "value": None, "year": "2024", "month": 2},
        {"number": 4, "text": "z", "value": None, "year": "2024", "month": 3}],
    "no table": "EntityNotFoundException: Table absent not found.",
    "SQL over the catalog": [{"n": 2}],
    "a connection": {
        "vendor": "postgresql", "user": "u", "password": "p", "url": "jdbc:postgresql://db:5432",
        "fullUrl": "jdbc:postgresql://db:5432/dev", "enforceSSL": "false", "customJDBCCert": "",
        "customJDBCCertString": "", "skipCustomJDBCCertValidation": "false"},
    "the catalog's schema":
        "struct<number:bigint,text:string,value:double,year:string,month:int>",
    "redshift": "JDBC connections are not there: redshift3",
    "streaming": "getStreamingSource: Streaming jobs are not there",
    "quality": "EvaluateDataQuality: data quality rules (DQDL) are not there; a script that only moves "
               "rows goes on without this call",
    "jdbc": "Connections of type mysql are not there: s3 is",
    "ion": "The format ion is not there; there are avro, csv, glueparquet, json, orc, parquet, xml",
}


@pytest.fixture(scope="module")
def spark_python():
    python = os.environ.get("LATHE_SPARK_PYTHON", "")
    if not pathlib.Path(python).exists():
        pytest.skip("LATHE_SPARK_PYTHON names no Python with pyspark")
    return python


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("glue")
    for name, text in {
            "orders/a.json": "\n".join(map(json.dumps, ORDERS)), "people/a.csv": PEOPLE,
            "logs/2024/1/a.csv": "number,text,value\n1,x,2\n",
            "logs/2024/2/a.csv": 'number,text,value\n2,"x,y",2\n3,,hm\n',
            "logs/2024/3/a b.csv": "number,text,value\n4,z,\n"}.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return made


@pytest.fixture(scope="module")
def database(server, folder):
    """Tables over the folder's files, some in partitions that are not named key=value."""
    glue, name = server.client("glue"), f"etl_{uuid.uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": name})

    def storage(place):
        columns = {"number": "bigint", "text": "string", "value": "bigint"}
        return {"Location": f"file://{folder}/{place}/",
                "Columns": [{"Name": column, "Type": word} for column, word in columns.items()],
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                    "Parameters": {"field.delim": ","}}}

    def table(table_name, place, keys):
        glue.create_table(DatabaseName=name, TableInput={
            "Name": table_name, "StorageDescriptor": storage(place), "PartitionKeys": keys,
            "Parameters": {"classification": "csv", "skip.header.line.count": "1"}})

    table("flat", "logs/2024/2", [])
    table("logs", "logs", [{"Name": "year", "Type": "string"}, {"Name": "month", "Type": "int"}])
    for month in "123":
        glue.create_partition(DatabaseName=name, TableName="logs", PartitionInput={
            "Values": ["2024", month], "StorageDescriptor": storage(f"logs/2024/{month}")})
    glue.create_connection(ConnectionInput={
        "Name": "base", "ConnectionType": "JDBC", "ConnectionProperties": {
            "JDBC_CONNECTION_URL": "jdbc:postgresql://db:5432/dev", "USERNAME": "u", "PASSWORD": "p"}})
    yield name
    glue.delete_connection(ConnectionName="base")
    glue.delete_database(Name=name)


def run(spark_python, script, tree, server, *arguments):
    """One run of a job's; what it printed as JSON, by case."""
    environment = dict(os.environ, PYTHONPATH=str(PACKAGES), LATHE_ML_FOLDER=str(tree),
                       SPARK_LOCAL_IP="127.0.0.1", AWS_ENDPOINT_URL=server.url,
                       PYSPARK_SUBMIT_ARGS="--master local[2] --conf spark.ui.enabled=false "
                       "--conf spark.sql.shuffle.partitions=2 pyspark-shell")
    ended = subprocess.run([spark_python, script, "--JOB_NAME", "j", *arguments], env=environment,
                           capture_output=True, text=True, check=False, cwd=tree)
    assert ended.returncode == 0, ended.stderr[-3000:]
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    return {line["case"]: line["value"] for line in lines}


def test_what_scripts_do(spark_python, folder, database, server, tmp_path):
    told = run(spark_python, HERE / "glue_cases.py", tmp_path, server, "--folder", str(folder),
               "--database", database, "--enable-glue-datacatalog", "true")
    assert {case: value for case, value in told.items() if value != EXPECTED.get(case)} == {}
    assert set(told) == set(EXPECTED)


BOOKMARKED = """
import json, os, pathlib, sys
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job
glue = GlueContext(SparkContext.getOrCreate())
tree, data = pathlib.Path(os.environ["LATHE_ML_FOLDER"]), pathlib.Path(sys.argv[-1])
told, bookmark, kept = [], tree / "input/config/bookmark.json", []
for step in json.loads(sys.argv[-2]):
    for name, text in step["files"].items():
        (data / name).write_text(text)
    if step["range"]:
        first, last = (kept[place] for place in step["range"])
        bookmark.write_text(json.dumps({"states": first["states"], "until": last["states"]}))
    job = Job(glue)
    job.init("j", {"job_bookmark_option": "job-bookmark-" + step["option"]})
    frame = glue.create_dynamic_frame.from_options(
        "s3", {"paths": [str(data)]}, "csv", {"withHeader": True}, transformation_ctx="people").toDF()
    told.append(sorted(row["name"] for row in frame.collect()) if frame.columns else [])
    if step["commits"]:
        job.commit()
    after = tree / "output/bookmark.json"
    if after.exists():  # what the server does when a run has succeeded
        after.replace(bookmark)
        kept.append(json.loads(bookmark.read_text()))
print(json.dumps({"case": "read", "value": told}))
"""


def test_a_bookmark_lets_only_what_is_new_through(spark_python, server, tmp_path):
    """Runs of a job after one another: what appears between them, and what each reads."""
    script, data, tree = tmp_path / "script.py", tmp_path / "data", tmp_path / "tree"
    script.write_text(BOOKMARKED)
    data.mkdir()
    (tree / "input/config").mkdir(parents=True)

    def step(option="enable", commits=True, between=None, **files):
        return {"option": option, "commits": commits, "range": between,
                "files": {name + ".csv": text for name, text in files.items()}}

    steps = {
        "not committed": (step(commits=False, a="name\nAnn\n"), ["Ann"]),
        "the first": (step(), ["Ann"]),
        "nothing new": (step(), []),
        "paused": (step("pause", b="name\nBob\n"), ["Bob"]),
        "after the pause": (step(), ["Bob"]),
        "changed": (step(a="name\nAnn\nCid\n"), ["Ann", "Cid"]),
        "what the third run read": (step("pause", between=(0, 2)), ["Bob"]),
        "disabled": (step("disable"), ["Ann", "Bob", "Cid"]),
    }
    told = run(spark_python, script, tree, server, json.dumps([one for one, _ in steps.values()]),
               str(data))
    assert dict(zip(steps, told["read"])) == {name: expected for name, (_, expected) in steps.items()}
