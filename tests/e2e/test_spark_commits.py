"""What Spark writes to s3:// while things end under it: nothing half written is ever seen, and
_SUCCESS stands for all. And the same on a cluster of Spark's own."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request

import pyarrow.parquet
import pytest
from scripts import wait_for_processing
from sagemaker_jobs import unique
from spark_jobs import (JAVA_OPTIONS, keys, log_lines, spark_home, spark_request, spark_server,
                        start_spark)

pytestmark = pytest.mark.full

ROWS, FILES = 1200, 40
WRITES = f"""
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
rows = spark.range(0, {ROWS}, 1, 8).selectExpr("id AS n", "id % 5 AS part")
rows.write.mode("overwrite").partitionBy("part").parquet(sys.argv[1])
print("EXECUTORS", spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1)
"""


def numbers_of(server, bucket, prefix="out/"):
    """All that is seen: every file has to be a whole one."""
    s3, numbers, files = server.client("s3"), [], 0
    for key in keys(server, bucket, prefix):
        if key.endswith(".parquet") and "__magic" not in key:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            numbers += pyarrow.parquet.ParquetFile(io.BytesIO(body)).read()["n"].to_pylist()
            files += 1
    return numbers, files


def wait_until(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def assert_whole(server, bucket):
    numbers, files = numbers_of(server, bucket)
    assert sorted(numbers) == list(range(ROWS)) and files == FILES
    assert "out/_SUCCESS" in keys(server, bucket)


def is_pending(server, bucket):
    return bool(server.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads"))


def test_a_server_that_is_killed_leaves_nothing_half_written(server_factory, tmp_path_factory):
    server = spark_server(server_factory, tmp_path_factory.mktemp("kill"))
    bucket = unique("kill")
    server.client("s3").create_bucket(Bucket=bucket)

    # While tasks write.
    name = start_spark(server, bucket, WRITES, arguments=[f"s3://{bucket}/out"])
    wait_until(lambda: is_pending(server, bucket))
    server.kill()
    server.start()
    assert wait_for_processing(server, name)["ProcessingJobStatus"] == "Failed"
    assert numbers_of(server, bucket) == ([], 0)
    assert "out/_SUCCESS" not in keys(server, bucket)

    # While the job commits.
    name = start_spark(server, bucket, WRITES, arguments=[f"s3a://{bucket}/out"])
    wait_until(lambda: numbers_of(server, bucket)[1] > 0)
    server.kill()
    server.start()
    wait_for_processing(server, name)
    numbers, files = numbers_of(server, bucket)
    assert 0 < files <= FILES and len(set(numbers)) == len(numbers)
    assert ("out/_SUCCESS" in keys(server, bucket)) <= (files == FILES)

    # And again, over what was left.
    name = start_spark(server, bucket, WRITES, arguments=[f"s3://{bucket}/out"])
    assert wait_for_processing(server, name)["ProcessingJobStatus"] == "Completed"
    assert_whole(server, bucket)
    assert not [key for key in keys(server, bucket) if "__magic" in key]
    assert not is_pending(server, bucket)


# ---- a cluster ----

def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@contextlib.contextmanager
def daemon(folder, *arguments):
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(spark_home()),
                   "SPARK_DAEMON_JAVA_OPTS": JAVA_OPTIONS, "SPARK_DAEMON_MEMORY": "256m"}
    with open(folder / "log", "ab") as log:
        process = subprocess.Popen([spark_home() / "bin/spark-class", *map(str, arguments)],
                                   cwd=folder, env=environment, stdout=log, stderr=log,
                                   start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    """The address of a standalone master with two workers, all of them on 127.0.0.1."""
    folder, port, page = tmp_path_factory.mktemp("cluster"), free_port(), free_port()
    deploy, local = "org.apache.spark.deploy", ("--host", "127.0.0.1")
    address = f"spark://127.0.0.1:{port}"

    def workers():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer:
                return json.load(answer)["aliveworkers"]
        except OSError:
            return 0

    with contextlib.ExitStack() as cluster:
        cluster.enter_context(daemon(folder, f"{deploy}.master.Master", *local, "--port", port,
                                     "--webui-port", page))
        for _ in range(2):
            cluster.enter_context(daemon(folder, f"{deploy}.worker.Worker", *local, "--webui-port",
                                         0, "--cores", 1, "--memory", "1g", address))
        wait_until(lambda: workers() == 2)
        yield address


def test_a_cluster_has_as_many_executors_as_instances(server_factory, tmp_path_factory, master):
    server = spark_server(server_factory, tmp_path_factory.mktemp("host"),
                          runtime="  network: host\n", more=f"    master: {master}\n")
    bucket = unique("cluster")
    s3, name = server.client("s3"), unique("spark")
    s3.create_bucket(Bucket=bucket)
    request = spark_request(bucket, name, "app.py", arguments=[f"s3://{bucket}/out"], instances=2)
    s3.put_object(Bucket=bucket, Key=f"{name}/app.py", Body=WRITES)
    s3.put_object(Bucket=bucket, Key=f"{name}-conf/configuration.json", Body=json.dumps(
        [{"Classification": "spark-defaults", "Properties": {
            "spark.scheduler.minRegisteredResourcesRatio": "1.0",
            "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s",
            "spark.executor.memory": "512m", "spark.executor.extraJavaOptions": JAVA_OPTIONS}}]))
    request["ProcessingInputs"].append({"InputName": "conf", "S3Input": {
        "S3Uri": f"s3://{bucket}/{name}-conf/", "S3DataType": "S3Prefix", "S3InputMode": "File",
        "LocalPath": "/opt/ml/processing/input/conf"}})
    server.client("sagemaker").create_processing_job(**request)
    assert wait_for_processing(server, name)["ProcessingJobStatus"] == "Completed"
    assert any(line.endswith("EXECUTORS 2") for line in log_lines(server, name))
    assert_whole(server, bucket)


def test_a_cluster_needs_the_machines_network(server_factory, tmp_path_factory):
    server = spark_server(server_factory, tmp_path_factory.mktemp("lathe"),
                          more="    master: spark://127.0.0.1:7077\n")
    client = server.client("sagemaker")
    with pytest.raises(client.exceptions.ClientError, match="set runtime.network: host"):
        client.create_processing_job(**spark_request("nowhere", unique("spark"), "app.py"))
