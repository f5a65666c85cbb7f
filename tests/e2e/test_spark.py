"""Processing jobs on Spark: real PySpark, by what the SageMaker SDK's processors send. What Spark wrote
is read by PyArrow; what it ought to be is computed in Python."""

import io
import json
import subprocess
import sys

import pyarrow.parquet
import pytest
from scripts import wait_for_processing
from sagemaker_jobs import unique
from spark_jobs import (CODE, JAVA_OPTIONS, compile_jar, keys, log_lines, run_spark, spark_request,
                        spark_server)

pytestmark = pytest.mark.full

# ---- by the SDK ----

# What a notebook would hold; its folder is its first argument.
PROGRAM = """
import json, sys, time
pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, 0.2))
from sagemaker.spark.processing import PySparkProcessor, SparkJarProcessor
import sagemaker

folder, role = sys.argv[1], "arn:aws:iam::000000000000:role/SageMakerRole"
session = sagemaker.Session()
bucket = session.default_bucket()
session.upload_data(f"{folder}/rows.csv", bucket, "raw")
settings = dict(framework_version="3.3", role=role, instance_count=2, instance_type="ml.m5.xlarge",
                sagemaker_session=session, env={"JAVA_TOOL_OPTIONS": sys.argv[2]})
processor = PySparkProcessor(base_job_name="python", **settings)
processor.run(
    submit_app=f"{folder}/app.py", submit_py_files=[f"{folder}/helper.py"],
    submit_files=[f"{folder}/words.txt"],
    arguments=["--from", f"s3a://{bucket}/raw/rows.csv", "--to", f"s3://{bucket}/made"],
    configuration=[{"Classification": "spark-defaults",
                    "Properties": {"spark.sql.shuffle.partitions": "3", "spark.own.word": "a b"}},
                   {"Classification": "core-site", "Properties": {"own.site": "there"}},
                   {"Classification": "spark-env", "Properties": {}, "Configurations": [
                       {"Classification": "export", "Properties": {"OWN_VARIABLE": "x"}}]}],
    spark_event_logs_s3_uri=f"s3://{bucket}/events", logs=True)
jar = SparkJarProcessor(**settings)
jar.run(submit_app=f"{folder}/app.jar", submit_class="own.Copies",
        arguments=[f"s3://{bucket}/made/rows", f"s3a://{bucket}/copied"], logs=False)
print()
print(json.dumps({"bucket": bucket, "python": processor.latest_job.describe(),
                  "java": jar.latest_job.describe()}, default=str))
"""

APP = """
import argparse, os
import helper
from pyspark import SparkFiles
from pyspark.sql import SparkSession, functions as F

parser = argparse.ArgumentParser()
parser.add_argument("--from", dest="source")
parser.add_argument("--to")
given = parser.parse_args()
spark = SparkSession.builder.appName("own").getOrCreate()
rows = spark.read.option("header", True).option("inferSchema", True).csv(given.source)
made = rows.withColumn("doubled", F.udf(helper.double, "long")("n")).groupBy("part").agg(
    F.sum("doubled").alias("total"), F.count("*").alias("rows"))
made.write.mode("overwrite").parquet(given.to + "/totals")
rows.write.partitionBy("part").parquet(given.to + "/rows")
conf = spark.sparkContext.getConf()
words = open(SparkFiles.get("words.txt")).read().strip()
print("TOLD", conf.get("spark.own.word"), spark.conf.get("spark.sql.shuffle.partitions"), words,
      spark.sparkContext._jsc.hadoopConfiguration().get("own.site"), os.environ["OWN_VARIABLE"])
"""

JAVA = """
package own;
import org.apache.spark.sql.SparkSession;

public class Copies {
    public static void main(String[] given) {
        SparkSession spark = SparkSession.builder().getOrCreate();
        spark.read().parquet(given[0]).coalesce(1).write().parquet(given[1]);
        spark.stop();
    }
}
"""

ROWS = [(n, f"p{n % 3}") for n in range(600)]


@pytest.fixture(scope="module")
def server(server_factory, tmp_path_factory):
    return spark_server(server_factory, tmp_path_factory.mktemp("spark"))


@pytest.fixture(scope="module")
def session(server, lathe, tmp_path_factory):
    """What the SDK's program printed, and what it told."""
    pytest.importorskip("sagemaker", reason="the SageMaker SDK (tests/requirements.txt)")
    folder = tmp_path_factory.mktemp("sdk")
    (folder / "rows.csv").write_text("n,part\n" + "".join(f"{n},{part}\n" for n, part in ROWS))
    (folder / "helper.py").write_text("def double(n):\n    return 2 * n\n")
    (folder / "words.txt").write_text("words\n")
    (folder / "app.py").write_text(APP)
    compile_jar(folder, "app.jar", "Copies", JAVA)
    (folder / "program.py").write_text(PROGRAM)
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LATHE_HOME": str(server.home)}
    done = subprocess.run(
        ["bash", "-c", 'eval "$("$1" env)" && exec "$2" "$3" "$4" "$5"', "bash", lathe,
         sys.executable, folder / "program.py", folder, JAVA_OPTIONS],
        env=clean, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout, json.loads(done.stdout.splitlines()[-1])


def read_parquet(server, bucket, prefix):
    s3 = server.client("s3")
    rows = []
    for key in keys(server, bucket, prefix):
        if key.endswith(".parquet"):
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            partition = dict(part.split("=") for part in key.split("/") if "=" in part)
            table = pyarrow.parquet.ParquetFile(io.BytesIO(body)).read()
            rows += [{**row, **partition} for row in table.to_pylist()]
    return rows


def test_pyspark_processor_runs_the_script_with_all_that_was_submitted(session):
    printed, told = session
    assert told["python"]["ProcessingJobStatus"] == "Completed"
    line = next(line for line in printed.splitlines() if "TOLD" in line)
    assert line.endswith("TOLD a b 3 words there x")


def test_what_spark_wrote_is_whole_and_nothing_else(server, session):
    _, told = session
    totals = {row["part"]: (row["total"], row["rows"])
              for row in read_parquet(server, told["bucket"], "made/totals/")}
    assert totals == {f"p{part}": (sum(2 * n for n in range(part, 600, 3)), 200)
                      for part in range(3)}
    rows = read_parquet(server, told["bucket"], "made/rows/")
    assert sorted((row["n"], row["part"]) for row in rows) == ROWS
    made = keys(server, told["bucket"], "made/")
    assert not [key for key in made if "_temporary" in key or "__magic" in key]
    success = json.loads(server.client("s3").get_object(
        Bucket=told["bucket"], Key="made/rows/_SUCCESS")["Body"].read())
    assert success["committer"] == "magic"
    assert {key.split("/")[-1] for key in success["filenames"]} == {
        key.split("/")[-1] for key in made if key.startswith("made/rows/part=") and
        key.endswith(".parquet")}
    assert "Uploads" not in server.client("s3").list_multipart_uploads(Bucket=told["bucket"])


def test_event_logs_are_kept_where_the_sdk_asks(server, session):
    _, told = session
    [key] = [key for key in keys(server, told["bucket"], "events/") if not key.endswith("/")]
    body = server.client("s3").get_object(Bucket=told["bucket"], Key=key)["Body"].read()
    events = [json.loads(line)["Event"] for line in body.splitlines()]
    assert "SparkListenerApplicationStart" in events and "SparkListenerApplicationEnd" in events


def test_jar_processor_runs_the_class(server, session):
    _, told = session
    assert told["java"]["ProcessingJobStatus"] == "Completed"
    rows = read_parquet(server, told["bucket"], "copied/")
    assert sorted((row["n"], row["part"]) for row in rows) == ROWS


# ---- what fails ----

def test_the_reason_is_sparks_own(server, bucket):
    ended = run_spark(server, bucket, "from pyspark.sql import SparkSession\n"
                                      "spark = SparkSession.builder.getOrCreate()\n"
                                      "spark.sql('SELECT a FROM nowhere')\n")
    assert ended["ProcessingJobStatus"] == "Failed"
    reason = ended["FailureReason"]
    assert "AnalysisException: [TABLE_OR_VIEW_NOT_FOUND]" in reason and "`nowhere`" in reason
    assert f"({CODE}/app.py, line 3)" in reason
    assert "exit code: 1" in reason


@pytest.mark.parametrize("options, configuration, words", [
    (["--conf", "a=b"], None, "--conf"),
    (["--jars", "/opt/ml/nowhere"], None, "/opt/ml/nowhere is not there"),
    ([], [{"Classification": "spark-default", "Properties": {}}],
     "Invalid classification: spark-default"),
    ([], [{"Classification": "spark-env", "Properties": {}}], "require a sub-configuration")])
def test_what_cannot_be_submitted_is_told_before_java_is_started(server, bucket, options,
                                                                configuration, words):
    s3, name = server.client("s3"), unique("spark")
    request = spark_request(bucket, name, "app.py", options=options)
    s3.put_object(Bucket=bucket, Key=f"{name}/app.py", Body="")
    if configuration:
        s3.put_object(Bucket=bucket, Key=f"{name}-conf/configuration.json",
                      Body=json.dumps(configuration))
        request["ProcessingInputs"].append({"InputName": "conf", "S3Input": {
            "S3Uri": f"s3://{bucket}/{name}-conf/", "S3DataType": "S3Prefix",
            "S3InputMode": "File", "LocalPath": "/opt/ml/processing/input/conf"}})
    server.client("sagemaker").create_processing_job(**request)
    ended = wait_for_processing(server, name)
    assert ended["ProcessingJobStatus"] == "Failed" and words in ended["FailureReason"]


def refusal(server, **changes):
    request = spark_request("nowhere", unique("spark"), "app.py")
    request["AppSpecification"].update(changes)
    client = server.client("sagemaker")
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.create_processing_job(**request)
    return refused.value.response["Error"]["Message"]


def test_the_history_server_is_refused_by_name(server):
    words = refusal(server, ContainerEntrypoint=["smspark-history-server"])
    assert "lathe has no Spark history server" in words


def test_without_java_or_spark_a_job_is_refused_with_what_would_bring_it(server_factory,
                                                                         tmp_path_factory):
    bare = tmp_path_factory.mktemp("bin")
    (bare / "python3").symlink_to("/usr/bin/python3")
    (bare / "bwrap").symlink_to("/usr/bin/bwrap")
    environment = {"PATH": str(bare), "JAVA_HOME": "", "SPARK_HOME": ""}
    java = spark_server(server_factory, tmp_path_factory.mktemp("java"), environment=environment)
    assert "Spark needs Java" in refusal(java)
    spark = server_factory(environment=environment)
    assert "This job needs Spark" in refusal(spark)
