"""Training: what lathe adds to XGBoost's own time, and a whole job beside a Python program."""

import io
import json
import subprocess
import sys
import tarfile
import threading
import time

import numpy as np
import xgboost

from harness import ROOT, Row, descendants, rows, share_of_memory, status_value

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
LIBRARY = ROOT / "build/deps/xgboost/libxgboost.so"
PEERS = ROOT / "bench/peers"
OVERHEAD_FACTOR, OVERHEAD_MS = 1.5, 100
POLL_S = 0.005


def train(server, name, channel_uri, parameters):
    """Runs a training job: (seconds from CreateTrainingJob to Completed, its description)."""
    sagemaker = server.client("sagemaker")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": channel_uri,
                               "S3DataDistributionType": "FullyReplicated"}}
    started = time.perf_counter()
    sagemaker.create_training_job(
        TrainingJobName=name, RoleArn="arn:aws:iam::123456789012:role/bench",
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={key: str(value) for key, value in parameters.items()},
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": source}],
        OutputDataConfig={"S3OutputPath": "s3://bench/models"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 3600})
    job = server.wait_for(lambda: sagemaker.describe_training_job(TrainingJobName=name),
                          "TrainingJobStatus", ("Completed", "Failed", "Stopped"), pause=POLL_S)
    took = time.perf_counter() - started
    if job["TrainingJobStatus"] != "Completed":
        raise RuntimeError(f"the job {job['TrainingJobStatus']}: {job.get('FailureReason')}")
    return took, job


def model_of(server, job):
    """The trained model, opened by XGBoost."""
    bucket, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").split("/", 1)
    archive = server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        content = files.extractfile("xgboost-model").read()
    booster = xgboost.Booster()
    booster.load_model(bytearray(content))
    return booster


class PeakOfTree:
    """The peak of what a process and its descendants hold, sampled: the sum of each one's own, or
    of the shares in what several hold, which take longer to find."""

    def __init__(self, pid, shares=False):
        self.pid, self.peak, self._done = pid, 0, threading.Event()
        self._hold = share_of_memory if shares else lambda one: status_value(one, "VmRSS")
        self._pause = 0.05 if shares else 0.01
        self._thread = threading.Thread(target=self._sample)

    def _sample(self):
        while not self._done.wait(self._pause):
            now = sum(self._hold(pid) for pid in descendants(self.pid))
            self.peak = max(self.peak, now)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()


def run_peer(program, *arguments, shares=False):
    """Runs a program of bench/peers: (what it printed as JSON, seconds, peak bytes)."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, PEERS / program, *map(str, arguments)],
                               stdout=subprocess.PIPE, text=True)
    # Not ru_maxrss: it starts at the size of the process that forked.
    with PeakOfTree(process.pid, shares) as memory:
        printed, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{program} ended with {process.returncode}")
    return json.loads(printed), time.perf_counter() - started, memory.peak


ABALONE_PARAMETERS = {"objective": "reg:squarederror", "num_round": 100, "max_depth": 5, "eta": 0.2,
                      "gamma": 4, "min_child_weight": 6}


@rows(Row("job-overhead", 1, "time", "ms",
          "a training job on Abalone, CreateTrainingJob to Completed",
          "1.5 times XGBoost's C API alone for the same rounds, plus 100 ms"))
def job_overhead(bench):
    sexes = {"M": "0", "F": "1", "I": "2"}
    lines = [line.split(",") for line in
             bench.data("abalone/abalone.csv").read_text().split()]
    table = np.array([[line[8], sexes[line[0]], *line[1:8]] for line in lines], dtype=np.float32)
    text = "\n".join(",".join([line[8], sexes[line[0]], *line[1:8]]) for line in lines) + "\n"
    np.save(bench.scratch / "abalone.npy", table)
    server = bench.server().start()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="bench")
    s3.put_object(Bucket="bench", Key="abalone/train.csv", Body=text)

    def peer():
        printed, _, _ = run_peer("xgboost_c_api.py", LIBRARY, bench.scratch / "abalone.npy",
                                 json.dumps(ABALONE_PARAMETERS), bench.scratch / "peer.ubj")
        return printed["seconds"]

    def ours(number):
        return train(server, f"abalone-{number}", "s3://bench/abalone/train.csv",
                     ABALONE_PARAMETERS)

    peer()
    _, job = ours("check")
    theirs = xgboost.Booster(model_file=bench.scratch / "peer.ubj")
    rows_in = xgboost.DMatrix(table[:, 1:])
    bench.check(np.allclose(model_of(server, job).predict(rows_in), theirs.predict(rows_in),
                            rtol=1e-4), "the two models predict differently")
    bench.note(f"XGBoost's C API: the matrix from memory, 100 rounds of {ABALONE_PARAMETERS}, each "
               "evaluated, and saving; without starting a process or loading the library. The "
               f"job: a client that asks every {POLL_S * 1000:.0f} ms")
    alone = []
    for number in bench.rounds:
        took, _ = ours(number)
        alone.append(peer())
        yield {"job-overhead": (took * 1000, alone[-1] * 1000 * OVERHEAD_FACTOR + OVERHEAD_MS)}
    bench.note(f"XGBoost's C API alone: {', '.join(f'{s * 1000:.0f}' for s in alone)} ms")


ROWS_WIDE, COLUMNS_WIDE = 1_000_000, 28
WIDE_PARAMETERS = {"objective": "binary:logistic", "num_round": 100, "max_depth": 6,
                   "tree_method": "hist"}


def write_wide_csv(path, rows_wanted, seed):
    """A label that depends on the features, and 28 numbers a row."""
    import polars

    random = np.random.default_rng(seed)
    features = random.standard_normal((rows_wanted, COLUMNS_WIDE), dtype=np.float32)
    score = (features[:, 0] * features[:, 1] + np.abs(features[:, 2]) - features[:, 3] ** 2 / 2
             + random.standard_normal(rows_wanted, dtype=np.float32) / 2)
    frame = polars.DataFrame({"label": (score > 0).astype(np.int8),
                              **{f"f{i}": features[:, i] for i in range(COLUMNS_WIDE)}})
    frame.write_csv(path, include_header=False, float_precision=6)


@rows(Row("train-rows", 1, "time", "s",
          "1 million rows of 28 numbers, a CSV object, to a model of 100 rounds",
          "the same from a CSV file by Python with polars and the same XGBoost"),
      Row("train-rows-memory", 2, "size", "MB", "the server's and the job's peak together",
          "the Python program's peak"))
def train_rows(bench):
    path, fresh = bench.scratch / "rows.csv", bench.scratch / "fresh.csv"
    write_wide_csv(path, ROWS_WIDE, seed=1)
    write_wide_csv(fresh, 20_000, seed=2)
    server = bench.server().start()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="bench")
    s3.upload_file(str(path), "bench", "wide/train.csv")
    bench.note(f"{path.stat().st_size / 1e6:.0f} MB of CSV, {WIDE_PARAMETERS}; the Python program "
               "is timed whole, imports included, its matrix is a QuantileDMatrix")

    def peer():
        _, seconds, peak = run_peer("polars_xgboost.py", path, json.dumps(WIDE_PARAMETERS),
                                    bench.scratch / "peer.ubj")
        return seconds, peak

    def ours(number):
        with PeakOfTree(server.pid) as memory:
            seconds, job = train(server, f"wide-{number}", "s3://bench/wide/train.csv",
                                 WIDE_PARAMETERS)
        return seconds, memory.peak, job

    peer()
    _, _, job = ours("check")
    check_loss(bench, fresh, model_of(server, job),
               xgboost.Booster(model_file=bench.scratch / "peer.ubj"))
    for number in bench.rounds:
        seconds, peak, _ = ours(number)
        peer_seconds, peer_peak = peer()
        yield {"train-rows": (seconds, peer_seconds),
               "train-rows-memory": (peak / 1e6, peer_peak / 1e6)}


def check_loss(bench, path, ours, theirs):
    """Both models must be as good on rows that neither has seen."""
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    loss = []
    for model in (ours, theirs):
        chance = np.clip(model.predict(xgboost.DMatrix(table[:, 1:])), 1e-7, 1 - 1e-7)
        loss.append(-np.mean(np.log(np.where(table[:, 0] > 0, chance, 1 - chance))))
    bench.note(f"log loss on 20,000 fresh rows: {loss[0]:.4f} ours, {loss[1]:.4f} the peer's")
    bench.check(abs(loss[0] / loss[1] - 1) < 0.02, f"the models are not alike: log loss {loss}")
