"""Users' own programs: what the sandbox and the job around them cost."""

import http.server
import json
import os
import statistics
import subprocess
import sys
import threading
import time

from harness import ROOT, Row, fsync_milliseconds, rows

POLL_S = 0.003
OVERHEAD_MS = 60
SYNCS = 2  # changes of the store that a job's beginning and its end wait for
CODE = "/opt/ml/processing/input/code"


def processing_request(name):
    return {
        "ProcessingJobName": name, "RoleArn": "arn:aws:iam::000000000000:role/Role",
        "ProcessingResources": {"ClusterConfig": {
            "InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
        "AppSpecification": {"ImageUri": "python:3",
                             "ContainerEntrypoint": ["python3", f"{CODE}/script.py"]},
        "ProcessingInputs": [{"InputName": "code", "S3Input": {
            "S3Uri": "s3://bench/script.py", "LocalPath": CODE, "S3DataType": "S3Prefix",
            "S3InputMode": "File"}}]}


@rows(Row("processing-overhead", 1, "time", "ms",
          "a processing job whose script is print(\"hi\"), CreateProcessingJob to Completed",
          f"the same script run by the same python3, plus {OVERHEAD_MS} ms and {SYNCS} fsyncs"))
def processing_overhead(bench):
    script = bench.scratch / "script.py"
    script.write_text('print("hi")\n')
    server = bench.server().start()
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="bench")
    s3.upload_file(str(script), "bench", "script.py")

    def ours(name):
        started = time.perf_counter()
        sagemaker.create_processing_job(**processing_request(name))
        while True:
            job = sagemaker.describe_processing_job(ProcessingJobName=name)
            if job["ProcessingJobStatus"] != "InProgress":
                break
            time.sleep(POLL_S)
        bench.check(job["ProcessingJobStatus"] == "Completed", job.get("FailureReason"))
        return (time.perf_counter() - started) * 1000

    def alone():
        started = time.perf_counter()
        subprocess.run([sys.executable, script], check=True, stdout=subprocess.DEVNULL)
        return (time.perf_counter() - started) * 1000

    ours("first"), alone()
    bench.note(f"the sandbox included; a job waits for {SYNCS} changes of the store to be on the disk, and "
               "as many fsyncs of 4 KiB, measured beside, are the peer's; a client that asks every "
               f"{POLL_S * 1000:.0f} ms. A round is the median of ten jobs one after the other, the "
               "server's first not among them")
    for number in bench.rounds:
        took, plain = [], []
        for one in range(10):
            took.append(ours(f"job-{number}-{one}"))
            plain.append(alone())
        yield {"processing-overhead": (statistics.median(took),
                                       statistics.median(plain) + OVERHEAD_MS
                                       + SYNCS * fsync_milliseconds(bench))}


# --- the SDK's fit --------------------------------------------------------------------------------

MARGIN_MS = 200
TESTS_PYTHON = ROOT / "build/venv-test/bin/python"  # has the SDK
CONFIGURATION = """
SchemaVersion: "1.0"
SageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true, Session: {DefaultS3Bucket: bench}}}}
"""


class Stub(http.server.BaseHTTPRequestHandler):
    """Answers what `fit` asks at once: the job is done before it has begun."""

    protocol_version = "HTTP/1.1"
    job = {"TrainingJobName": "job", "TrainingJobArn": "arn:aws:sagemaker:us-east-1:000000000000:"
           "training-job/job", "TrainingJobStatus": "Completed", "SecondaryStatus": "Completed",
           "ModelArtifacts": {"S3ModelArtifacts": "s3://bench/model.tar.gz"},
           "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
           "StoppingCondition": {"MaxRuntimeInSeconds": 86400}, "CreationTime": 1e9,
           "LastModifiedTime": 1e9, "TrainingStartTime": 1e9, "TrainingEndTime": 1e9,
           "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": "x"},
           "SecondaryStatusTransitions": [{"Status": "Completed", "StartTime": 1e9,
                                           "StatusMessage": "Training job completed"}]}

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        answer = {"logStreams": []} if operation == "DescribeLogStreams" else self.job
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Fits:
    """The SDK in a process of its own, with that endpoint."""

    def __init__(self, url, configuration):
        environment = {**os.environ, "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test",
                       "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
                       "SAGEMAKER_USER_CONFIG_OVERRIDE": str(configuration)}
        self.process = subprocess.Popen(
            [TESTS_PYTHON, ROOT / "bench/peers/sdk_fit.py", "s3://bench/train/", "s3://bench/out"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment)

    def __call__(self):
        """Milliseconds of one fit."""
        self.process.stdin.write("fit\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("took "):
                return float(line.split()[1]) * 1000
        raise RuntimeError("the SDK's fit has failed")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def training_folder(folder, rows):
    """What a job with the same request finds as its /opt/ml."""
    settings = {"objective": "reg:squarederror", "num_round": "20", "max_depth": "5", "eta": "0.2"}
    channel = {"train": {"ContentType": "text/csv", "TrainingInputMode": "File",
                         "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}}
    for name, content in {"hyperparameters": settings, "inputdataconfig": channel}.items():
        path = folder / f"input/config/{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    (folder / "input/data/train").mkdir(parents=True)
    (folder / "input/data/train/rows.csv").write_bytes(rows)


@rows(Row("fit-overhead", 1, "time", "ms",
          "estimator.fit of the SageMaker SDK on Abalone, less its time where a stub answers at once",
          f"the training alone, `lathe job xgboost`, plus {MARGIN_MS} ms"))
def fit_overhead(bench):
    table = [line.split(",") for line in bench.data("abalone/abalone.csv").read_text().splitlines()]
    numbers = [row for row in table if row[-1].isdigit()]
    train = "".join(",".join([row[-1], *row[1:-1]]) + "\n" for row in numbers).encode()
    configuration, folder = bench.scratch / "sdk.yaml", bench.scratch / "opt-ml"
    configuration.write_text(CONFIGURATION)
    training_folder(folder, train)
    server = bench.server().start()
    server.client("s3").create_bucket(Bucket="bench")
    server.client("s3").put_object(Bucket="bench", Key="train/rows.csv", Body=train)
    stub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=stub.serve_forever, daemon=True).start()
    ours = Fits(server.url, configuration)
    nobody = Fits(f"http://127.0.0.1:{stub.server_port}", configuration)

    def alone():
        started = time.perf_counter()
        subprocess.run([bench.binary, "job", "xgboost", folder], check=True, env=environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return (time.perf_counter() - started) * 1000

    environment = {**os.environ, "LATHE_IMAGE": "sagemaker-xgboost:3.0-5"}
    try:
        ours(), nobody(), alone()
        bench.note("the SDK looks at a job every some seconds, and both sides wait for that; what the "
                   "server's changes take on the disk is in its number")
        for _ in bench.rounds:
            yield {"fit-overhead": (max(ours() - nobody(), 1), alone() + MARGIN_MS)}
    finally:
        ours.close()
        nobody.close()
        stub.shutdown()
