"""Spark's programs as jobs, beside the same programs alone."""

import os
import pathlib
import shutil
import subprocess
import time

import duckdb
from harness import ROOT, Row, rows

POLL_S = 0.02
FILES, ROWS, GROUPS = 8, 150_000, 1000
OVERHEAD = 1.1

# Runs unchanged under both: what it reads and writes are its arguments.
SCRIPT = """
import argparse
from pyspark.sql import SparkSession, functions as F

parser = argparse.ArgumentParser()
parser.add_argument("--source")
parser.add_argument("--target")
given, _ = parser.parse_known_args()
spark = SparkSession.builder.appName("bench").getOrCreate()
rows = spark.read.schema("id long, station int, at long, value double").csv(given.source)
spread = rows.groupBy("station").agg(F.avg("value").alias("mean"), F.stddev("value").alias("spread"))
far = rows.join(spread, "station").where("abs(value - mean) > spread")
far.orderBy("id").write.mode("overwrite").parquet(given.target + "/far")
spread.orderBy("station").write.mode("overwrite").parquet(given.target + "/spread")
"""


def spark_home():
    found = sorted(ROOT.glob("build/venv-spark/lib/python3*/site-packages/pyspark"))
    if not found or not shutil.which("java"):
        raise FileNotFoundError("no Spark and Java: ./dev setup spark brings them")
    return found[0]


def write_rows(folder, number):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{number}.csv", "w", encoding="utf-8") as file:
        for i in range(number * ROWS, (number + 1) * ROWS):
            file.write(f"{i},{i * 7919 % GROUPS},{1_600_000_000 + i},{(i * 2654435761 % 10007) / 7}\n")


def sums(folder):
    """What tells two tables apart, whatever files they are in; sums of floats to ten digits."""
    [row] = duckdb.sql(f"SELECT count(*), round(sum(COLUMNS(*)), 3) "
                       f"FROM read_parquet('{folder}/*.parquet')").fetchall()
    return [float(f"{value:.10g}") for value in row]


def run_glue(glue, name):
    started = time.perf_counter()
    run = glue.start_job_run(JobName=name)["JobRunId"]
    while True:
        state = glue.get_job_run(JobName=name, RunId=run)["JobRun"]
        if state["JobRunState"] not in ("STARTING", "RUNNING", "WAITING"):
            return time.perf_counter() - started, state
        time.sleep(POLL_S)


@rows(Row("spark-overhead", 1, "time", "s",
          f"a Glue job (glueetl) of {FILES * ROWS / 1e6:.1f} million rows of CSV in S3, StartJobRun "
          "to SUCCEEDED", f"{OVERHEAD} times the same script by spark-submit on local files"))
def spark_overhead(bench):
    home, local = spark_home(), bench.scratch / "local"
    configuration = bench.scratch / "lathe.yaml"
    configuration.write_text(f"runtime:\n  spark: {home}\n")
    server = bench.server(arguments=["--config", str(configuration)]).start()
    s3, glue = server.client("s3"), server.client("glue")
    s3.create_bucket(Bucket="bench")
    script = bench.scratch / "script.py"
    script.write_text(SCRIPT)
    s3.upload_file(str(script), "bench", "script.py")
    for number in range(FILES):
        write_rows(local / "in", number)
        s3.upload_file(str(local / f"in/{number}.csv"), "bench", f"in/{number}.csv")
    glue.create_job(Name="spread", Role="r", GlueVersion="4.0",
                    Command={"Name": "glueetl", "ScriptLocation": "s3://bench/script.py"},
                    DefaultArguments={"--source": "s3://bench/in/", "--target": "s3://bench/out"})

    def ours():
        seconds, run = run_glue(glue, "spread")
        bench.check(run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage"))
        return seconds

    def alone():
        environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
        started = time.perf_counter()
        subprocess.run([home / "bin/spark-submit", script, "--source", f"file://{local}/in",
                        "--target", f"file://{local}/out"],
                       check=True, env=environment, cwd=bench.scratch,
                       # As a job has one: a busy kernel shares its time among sessions.
                       start_new_session=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - started

    ours(), alone()
    for part in ("far", "spread"):
        mine = bench.scratch / f"mine-{part}"
        mine.mkdir()
        for entry in s3.list_objects_v2(Bucket="bench", Prefix=f"out/{part}/")["Contents"]:
            if entry["Key"].endswith(".parquet"):
                s3.download_file("bench", entry["Key"], str(mine / pathlib.Path(entry["Key"]).name))
        bench.check(sums(mine) == sums(local / f"out/{part}"), f"{part}: other rows")
    bench.note("local[*] both; the job reads through the sandbox's forwarder and commits by "
               "completing uploads")
    for number in bench.rounds:
        first, second = (ours, alone) if number % 2 else (alone, ours)
        measured = {first: first()}
        measured[second] = second()
        yield {"spark-overhead": (measured[ours], measured[alone] * OVERHEAD)}
