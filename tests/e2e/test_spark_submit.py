"""What spark-submit is told: by one that only repeats it, so that it takes no Java and no Spark."""

import json

import pytest
from scripts import wait_for_processing
from sagemaker_jobs import unique
from spark_jobs import log_lines, spark_request

SUBMIT = """#!/bin/sh
for word; do echo "WORD $word"; done
echo "FOLDER $SPARK_CONF_DIR"
sed 's/^/CONF /' "$SPARK_CONF_DIR/spark-defaults.conf"
"""


def place(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture(scope="module")
def server(server_factory, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spark")
    place(folder / "java/bin/java")
    place(folder / "spark/bin/spark-submit", SUBMIT)
    place(folder / "spark/lathe.jsa")
    for jar in ("hadoop-aws-3.4.1.jar", "spark-hadoop-cloud_2.13-4.0.1.jar"):
        place(folder / "spark/jars" / jar)
    place(folder / "lathe.yaml", "runtime:\n  engine: none\n  network: host\n  spark:\n"
          f"    home: {folder}/spark\n    master: spark://127.0.0.1:7077\n")
    return server_factory(["--config", str(folder / "lathe.yaml")],
                          environment={"JAVA_HOME": str(folder / "java")})


def submit(server, bucket, options=(), properties=None, instances=1, arguments=(), files=(), more=()):
    """The words and the properties that spark-submit found, the folder of these as FOLDER."""
    s3, name = server.client("s3"), unique("spark")
    request = spark_request(bucket, name, "app.py", arguments, options, instances)
    s3.put_object(Bucket=bucket, Key=f"{name}/app.py", Body="")
    for file in files:
        s3.put_object(Bucket=bucket, Key=f"{name}/{file}", Body="x")
    s3.put_object(Bucket=bucket, Key=f"{name}-conf/configuration.json", Body=json.dumps(
        [{"Classification": "spark-defaults", "Properties": properties or {}}, *more]))
    request["ProcessingInputs"][0]["S3Input"]["S3Uri"] = f"s3://{bucket}/{name}/"
    request["ProcessingInputs"].append({"InputName": "conf", "S3Input": {
        "S3Uri": f"s3://{bucket}/{name}-conf/", "S3DataType": "S3Prefix", "S3InputMode": "File",
        "LocalPath": "/opt/ml/processing/input/conf"}})
    server.client("sagemaker").create_processing_job(**request)
    ended = wait_for_processing(server, name)
    assert ended["ProcessingJobStatus"] == "Completed", ended
    lines = log_lines(server, name)
    return ([line[5:] for line in lines if line.startswith("WORD ")],
            dict(line.removeprefix("CONF ").split(" ", 1) for line in lines
                 if line.startswith(("CONF ", "FOLDER "))))


def test_lists_and_folders_become_what_spark_takes(server, bucket):
    code = "/opt/ml/processing/input/code"
    words, _ = submit(server, bucket, files=("jars/a.jar", "jars/b.jar"), options=(
        "--jars", f"s3://b/c.jar,{code}/jars", "--class=own.Main", "-v"),
        arguments=("--jars", "of the application"))
    assert words == ["--class", "own.Main", "--jars",
                     f"s3://b/c.jar,{code}/jars/a.jar,{code}/jars/b.jar", "--verbose",
                     f"{code}/app.py", "--jars", "of the application"]


def test_instances_are_executors_of_as_many_cores_as_the_user_says(server, bucket):
    _, found = submit(server, bucket, instances=3)
    assert found["spark.master"] == "spark://127.0.0.1:7077"
    assert (found["spark.executor.cores"], found["spark.cores.max"]) == ("1", "3")
    _, found = submit(server, bucket, instances=3,
                      properties={"spark.executor.cores": "2"})
    assert (found["spark.executor.cores"], found["spark.cores.max"]) == ("2", "6")
    _, found = submit(server, bucket, instances=3, properties={"spark.cores.max": "5"})
    assert found["spark.cores.max"] == "5"


def test_the_users_properties_count_for_more_than_ours(server, bucket):
    _, found = submit(server, bucket, properties={
        "spark.hadoop.fs.s3a.committer.name": "directory", "spark.master": "yarn"})
    assert found["spark.hadoop.fs.s3a.committer.name"] == "directory"
    assert found["spark.hadoop.fs.s3a.endpoint"] == server.url
    assert found["spark.master"] == "spark://127.0.0.1:7077"


def test_java_is_told_of_the_archive_of_classes_and_finds_no_folder_in_their_path(server, bucket):
    _, found = submit(server, bucket)
    assert "/spark/lathe.jsa" in found["spark.driver.defaultJavaOptions"]
    assert found["FOLDER"].endswith(":")  # which ends a name in a class path
    _, found = submit(server, bucket, more=[
        {"Classification": "spark-log4j", "Properties": {"rootLogger.level": "error"}}])
    assert not found["FOLDER"].endswith(":")  # the file is looked for as a class is
