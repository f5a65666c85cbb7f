"""Batch transform of a large file of rows, beside a script with pandas and XGBoost."""

import io
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tarfile
import threading
import time

import numpy
import xgboost

from harness import Row, rows

PEERS = pathlib.Path(__file__).resolve().parent / "peers"
ROWS = int(os.environ.get("LATHE_BENCH_TRANSFORM_ROWS", 10_000_000))
BLOCK, COLUMNS, MEMORY_MB = 50_000, 28, 100
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"
WHAT = f"batch transform of {ROWS:,} CSV rows of {COLUMNS} floats, 100 trees of depth 6"


def prepare(bench):
    """The server with the rows and the model; the rows' file and the model's."""
    table = numpy.random.default_rng(0).normal(size=(BLOCK, COLUMNS)).astype(numpy.float32)
    labels = table[:, :5].sum(1) + table[:, 5] * table[:, 6] > 0
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 6, "tree_method": "hist"},
                            xgboost.DMatrix(table, labels), 100)
    text = "".join(",".join(f"{value:.6g}" for value in row) + "\n" for row in table).encode()
    source, model = bench.scratch / "rows.csv", bench.scratch / "xgboost-model"
    with source.open("wb") as file:
        for _ in range(ROWS // BLOCK):
            file.write(text)
    model.write_bytes(booster.save_raw("ubj"))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(model, "xgboost-model")
    server = bench.server().start()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="bench")
    s3.upload_file(str(source), "bench", "in/rows.csv")
    s3.put_object(Bucket="bench", Key="model.tar.gz", Body=archive.getvalue())
    server.client("sagemaker").create_model(
        ModelName="bench", ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": "s3://bench/model.tar.gz"})
    return server, source, model


def proportional_mb(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1]) / 1024


def children(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


class Peak:
    """The most memory that the server and its jobs held together, looked at all the time."""

    def __init__(self, pid):
        self.pid, self.mb, self.over = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.over.wait(0.01):
            try:
                self.mb = max(self.mb, sum(map(proportional_mb, [self.pid, *children(self.pid)])))
            except OSError:
                pass  # a thread ended meanwhile

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def transform(server, name):
    """The seconds that a job took from its creation to its end. The client asks seldom: asking takes the cores
    that predict."""
    sagemaker = server.client("sagemaker")
    began = time.perf_counter()
    sagemaker.create_transform_job(
        TransformJobName=name, ModelName="bench",
        TransformInput={"ContentType": "text/csv", "SplitType": "Line", "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bench/in/"}}},
        TransformOutput={"S3OutputPath": f"s3://bench/{name}", "AssembleWith": "Line"},
        TransformResources={"InstanceCount": 1, "InstanceType": "ml.m5.large"})
    job = server.wait_for(lambda: sagemaker.describe_transform_job(TransformJobName=name),
                          "TransformJobStatus", ("Completed", "Failed"), pause=0.05, timeout=600)
    if job["TransformJobStatus"] != "Completed":
        raise RuntimeError(job["FailureReason"])
    return time.perf_counter() - began


def pin(pid, cores):
    """A job inherits its cores from the server's thread that starts it."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


def peer_seconds(source, model, target):
    done = subprocess.run([sys.executable, PEERS / "transform_pandas.py", model, source, target],
                          capture_output=True, text=True, check=True)
    return float(re.search(r"seconds=([\d.]+)", done.stdout)[1])


PARSES = """import numpy, time
text = ",".join(f"{one:.6g}" for one in numpy.random.default_rng(0).normal(size=100_000))
print(flush=True)
input()
began = time.perf_counter()
for _ in range(20):
    numpy.fromstring(text, sep=",")
print(time.perf_counter() - began)"""


def parse_at_once(count):
    """The seconds of each of so many processes that parse numbers and share nothing, the slowest's."""
    processes = [subprocess.Popen([sys.executable, "-c", PARSES], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True) for _ in range(count)]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return max(float(process.communicate()[0]) for process in processes)


def machine_scales():
    """How many times the work of one process two do at once: of two cores that are one's threads, less than 2."""
    return 2 * parse_at_once(1) / parse_at_once(2)


def same_answers(server, target):
    body = server.client("s3").get_object(Bucket="bench", Key="first/rows.csv.out")["Body"].read()
    ours, theirs = body.split(), target.read_bytes().split()
    return len(ours) == len(theirs) == ROWS and \
        [float(x) for x in ours[:BLOCK]] == [float(numpy.float32(x)) for x in theirs[:BLOCK]]


@rows(Row("transform", 10, "time", "s", WHAT, "pandas and XGBoost read, predict and write the same"),
      Row("transform-cores", 1.8, "time", "s", WHAT + ", two cores", "the same on one core"),
      Row("transform-memory", 1, "size", "MB", WHAT + ": server and job together", f"{MEMORY_MB} MB"))
def transform_rows(bench):
    server, source, model = prepare(bench)
    target, cores = bench.scratch / "answers.csv", os.sched_getaffinity(0)
    bench.note(f"{source.stat().st_size / 1e6:.0f} MB of text; from CreateTransformJob to Completed, "
               "answers stored; the peer without its imports")
    bench.note("two processes that parse numbers and share nothing do, at once, "
               f"{statistics.median(machine_scales() for _ in range(5)):.2f} times the work of one")
    transform(server, "first")
    peer_seconds(source, model, target)
    bench.check(same_answers(server, target), "the answers are not XGBoost's")
    for number in bench.rounds:
        ours = transform(server, f"all-{number}")
        with Peak(server.pid) as peak:
            transform(server, f"watched-{number}")
        two, one = (timed_on(server, number, set(sorted(cores)[:count])) for count in (2, 1))
        pin(server.pid, cores)
        yield {"transform": (ours, peer_seconds(source, model, target)),
               "transform-cores": (two, one), "transform-memory": (peak.mb, MEMORY_MB)}


def timed_on(server, number, cores):
    pin(server.pid, cores)
    return transform(server, f"on-{len(cores)}-{number}")
