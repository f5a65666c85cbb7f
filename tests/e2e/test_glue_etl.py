"""Runs of glueetl jobs: scripts as Glue's users write them, on real PySpark. What they wrote is asked
of Athena."""

import io
import json
import textwrap
import zipfile

import pytest
from spark_jobs import JAVA_OPTIONS, compile_jar, spark_home, spark_server

from e2e.glue_jobs import Jobs

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def jobs(server_factory, tmp_path_factory):
    return Jobs(spark_server(server_factory, tmp_path_factory.mktemp("spark"),
                             environment={"JAVA_TOOL_OPTIONS": JAVA_OPTIONS}))


def etl(jobs, script, arguments=None, **more):
    return jobs.make("glueetl", textwrap.dedent(script), arguments, GlueVersion="4.0",
                     WorkerType="G.1X", NumberOfWorkers=2, **more)


BEGIN = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket", "database"])
context = GlueContext(SparkContext())
job = Job(context)
job.init(args["JOB_NAME"], args)
"""
MOVE = BEGIN + """
frame = context.create_dynamic_frame.from_catalog(
    database=args["database"], table_name="raw", transformation_ctx="source")
mapped = ApplyMapping.apply(frame=frame, mappings=[("id", "int", "number", "long"),
                                                   ("word", "string", "word", "string")])
context.write_dynamic_frame.from_options(
    frame=mapped, connection_type="s3", format="parquet",
    connection_options={"path": f"s3://{args['bucket']}/good/"})
print("COUNT", mapped.count())
job.commit()
"""


TABLES = """
CREATE EXTERNAL TABLE raw (id int, word string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','
  LOCATION 's3://${bucket}/raw/';
CREATE EXTERNAL TABLE good (number bigint, word string) STORED AS PARQUET
  LOCATION 's3://${bucket}/good/'
"""


def test_a_script_of_glues_moves_what_is_new(jobs):
    jobs.succeed(jobs.sql(TABLES))
    name = etl(jobs, MOVE, {"--job-bookmark-option": "job-bookmark-enable", "--enable-metrics": "true",
                            "--enable-glue-datacatalog": "true",
                            "--TempDir": f"s3://{jobs.bucket}/temporary/"})
    jobs.put("raw/a.csv", "1,one\n2,two\n")
    told = jobs.succeed(name)
    assert told["LogGroupName"] == "/aws-glue/jobs" and "COUNT 2" in jobs.log(told)
    jobs.put("raw/b.csv", "3,three\n")
    jobs.succeed(name)
    rows = "SELECT number, word FROM good ORDER BY number"
    assert jobs.ask(rows) == [["1", "one"], ["2", "two"], ["3", "three"]]
    entry = jobs.glue.get_job_bookmark(JobName=name)["JobBookmarkEntry"]
    assert entry["Run"] == 2 and "source" in json.loads(entry["JobBookmark"])
    jobs.glue.reset_job_bookmark(JobName=name)
    assert "COUNT 3" in jobs.log(jobs.succeed(name))


def test_files_properties_and_modules_of_a_script(jobs):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("inner/__init__.py", "def double(x): return 2 * x\n")
    jobs.put("lib/inner.zip", archive.getvalue())
    jobs.put("lib/side.py", "word = 'beside'\n")
    name = etl(jobs, BEGIN + """
import inner, side
spark = context.spark_session
numbers = spark.sparkContext.parallelize([1, 2]).map(inner.double).collect()
print("SEEN", numbers, side.word, spark.conf.get("spark.sql.shuffle.partitions"),
      spark.conf.get("spark.own.word"))
frame = DynamicFrame.fromDF(spark.createDataFrame([(1, "a")], ["n", "word"]), context, "frame")
context.write_dynamic_frame.from_options(
    frame=frame, connection_type="s3", format="glueparquet",
    connection_options={"path": f"s3://{args['bucket']}", "partitionKeys": ["word"]})
print("ARCHIVE", any(" org.apache.hadoop.fs.s3a.S3AFileSystem source: shared objects file (top)" in line
                     for line in open("/tmp/classes.txt")))
""", {"--extra-py-files": f"s3://{jobs.bucket}/lib/inner.zip,s3://{jobs.bucket}/lib/side.py",
      "--conf": "spark.sql.shuffle.partitions=3 --conf spark.own.word=a=b "
                "--conf spark.driver.extraJavaOptions=-Xlog:class+load:file=/tmp/classes.txt"})
    log = jobs.log(jobs.succeed(name))
    assert "SEEN [2, 4] beside 3 a=b" in log
    assert f"ARCHIVE {(spark_home() / 'lathe.jsa').exists()}" in log
    assert len([key for key in jobs.keys("word=a/") if key.endswith(".parquet")]) == 1


def test_a_script_that_fails_moves_no_bookmark(jobs):
    name = etl(jobs, BEGIN + """
job.commit()
context.spark_session.sparkContext.parallelize([1]).foreach(lambda _: print("in a worker"))
print("to the output")
print("to the errors", file=sys.stderr)
raise ValueError('the reason')
""", {"--job-bookmark-option": "job-bookmark-enable"})
    told = jobs.run(name)
    assert told["JobRunState"] == "FAILED" and "the reason" in told["ErrorMessage"]
    assert jobs.log(told) == ["to the output"]
    errors = jobs.log(told, "error")
    assert "to the errors" in errors and "ValueError: the reason" in errors
    assert any(line.startswith("Traceback") for line in errors)
    with pytest.raises(jobs.glue.exceptions.EntityNotFoundException):
        jobs.glue.get_job_bookmark(JobName=name)


def test_a_run_is_stopped_with_its_jvm(jobs):
    name = etl(jobs, BEGIN + "print('READY', flush=True)\nimport time\ntime.sleep(600)\n")
    run = jobs.start(name)
    jobs.wait(name, run, ("RUNNING",))
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    assert jobs.wait(name, run)["JobRunState"] == "STOPPED"


def test_a_run_that_a_kill_cut_off_moves_no_bookmark(jobs):
    jobs = Jobs(jobs.server)
    jobs.succeed(jobs.sql(TABLES))
    script = MOVE.replace("job.commit()", """
job.commit()
if not sys.argv[sys.argv.index("--JOB_RUN_ID") + 1].endswith("_attempt_1"):
    import time
    time.sleep(600)
""")
    jobs.put("raw/c.csv", "4,four\n")
    name = etl(jobs, script, {"--job-bookmark-option": "job-bookmark-enable"}, MaxRetries=1)
    run = jobs.start(name)
    while not jobs.keys("good/"):
        assert jobs.told(name, run)["JobRunState"] in ("STARTING", "RUNNING")
    jobs.server.kill()
    jobs.server.start()
    assert jobs.wait(name, run)["JobRunState"] == "FAILED"
    again = jobs.wait(name, f"{run}_attempt_1")
    assert again["JobRunState"] == "SUCCEEDED", again
    assert "COUNT 1" in jobs.log(again)
    assert jobs.glue.get_job_bookmark(JobName=name)["JobBookmarkEntry"]["RunId"] == again["Id"]


WORDS = """
package own;

public class Words {
    public static String of(String bucket) { return "s3://" + bucket + "/by-java/"; }
}
"""
APP = """
package own;
import org.apache.spark.sql.SparkSession;

public class App {
    public static void main(String[] given) {
        SparkSession spark = SparkSession.builder().getOrCreate();
        java.util.List<String> words = java.util.Arrays.asList(given);
        String bucket = words.get(words.indexOf("--bucket") + 1);
        spark.range(3).write().csv(Words.of(bucket));
        spark.stop();
    }
}
"""


def test_a_jar_by_its_class_with_jars_beside_it(jobs, tmp_path):
    words = compile_jar(tmp_path, "words.jar", "Words", WORDS)
    app = compile_jar(tmp_path, "app.jar", "App", APP, [words])
    jobs.put("code/words.jar", words.read_bytes())
    name = jobs.make("glueetl", app.read_bytes(), {
        "--class": "own.App", "--job-language": "scala",
        "--extra-jars": f"s3://{jobs.bucket}/code/words.jar"}, form="jar", GlueVersion="4.0")
    jobs.succeed(name)
    written = [jobs.s3.get_object(Bucket=jobs.bucket, Key=key)["Body"].read().decode()
               for key in jobs.keys("by-java/part-")]
    assert sorted("".join(written).split()) == ["0", "1", "2"]
    told = jobs.run(name, {"--class": "own.None"})
    assert told["JobRunState"] == "FAILED" and "own.None" in told["ErrorMessage"]


def test_a_job_in_scala_names_what_is_missing(jobs):
    name = etl(jobs, "object GlueApp {}")
    key = f"code/{name}.scala"
    jobs.put(key, "object GlueApp {}")
    jobs.glue.update_job(JobName=name, JobUpdate={"Role": "r", "Command": {
        "Name": "glueetl", "ScriptLocation": f"s3://{jobs.bucket}/{key}"}})
    told = jobs.run(name)
    assert told["JobRunState"] == "FAILED" and "Scala" in told["ErrorMessage"]


def test_without_spark_a_run_says_what_brings_it(server_factory):
    none = Jobs(server_factory(environment={"PATH": "/usr/bin:/bin", "SPARK_HOME": ""}))
    told = none.run(etl(none, BEGIN))
    assert told["JobRunState"] == "FAILED" and "runtime.spark" in told["ErrorMessage"]
