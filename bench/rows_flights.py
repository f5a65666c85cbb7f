"""Flights: from raw files to a scored model, whole process beside whole process."""

import json
import re
import time

from harness import ROOT, Row, rows
from rows_etl import settle
from rows_train import IMAGE, PeakOfTree, run_peer

ROLE = "arn:aws:iam::000000000000:role/lathe"
PARAMETERS = {"objective": "binary:logistic", "num_round": 100, "max_depth": 6, "tree_method": "hist"}
MACHINE = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
# What the schedule says, and whether the flight was late. A code is a number in the base of 36.
CHANNELS = """CREATE TABLE schedule WITH (format = 'PARQUET', write_compression = 'SNAPPY',
    external_location = 's3://lathe-flights/schedule/', partitioned_by = ARRAY['part']) AS
SELECT if(arrdelay >= 15, 1, 0) AS late, dayofweek, crsdeptime, crsarrtime, crselapsedtime, distance,
       from_base(uniquecarrier, 36) AS carrier, from_base(origin, 36) AS origin,
       from_base(dest, 36) AS dest, if(month < 3, 'train', 'test') AS part
FROM ontime WHERE arrdelay IS NOT NULL"""


def definition():
    """The example's table of the raw files."""
    text = (ROOT / "examples/flights/tables.sql").read_text()
    return re.search(r"CREATE EXTERNAL TABLE ontime.*?(?=;)", text, re.S)[0]


class Flights:
    """One server's way from the files to what it says of March."""

    def __init__(self, server):
        self.s3, self.athena = server.client("s3"), server.client("athena")
        self.sagemaker = server.client("sagemaker")

    def ask(self, sql):
        query = self.athena.start_query_execution(QueryString=sql, ResultConfiguration={
            "OutputLocation": "s3://lathe-flights/results/"})["QueryExecutionId"]
        ended = settle(lambda: self.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"][
            "Status"]["State"], ("QUEUED", "RUNNING"), pause=0.02)
        if ended != "SUCCEEDED":
            raise RuntimeError(self.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"])

    def end(self, describe, state, **name):
        ended = settle(lambda: describe(**name)[state], ("InProgress",), pause=0.02)
        if ended != "Completed":
            raise RuntimeError(describe(**name))
        return describe(**name)

    def train(self):
        self.sagemaker.create_training_job(
            TrainingJobName="schedule", RoleArn=ROLE, ResourceConfig=MACHINE,
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            HyperParameters={name: str(value) for name, value in PARAMETERS.items()},
            InputDataConfig=[{"ChannelName": "train", "ContentType": "application/x-parquet",
                              "DataSource": {"S3DataSource": {
                                  "S3DataType": "S3Prefix",
                                  "S3Uri": "s3://lathe-flights/schedule/part=train/"}}}],
            OutputDataConfig={"S3OutputPath": "s3://lathe-flights/models"},
            StoppingCondition={"MaxRuntimeInSeconds": 3600})
        job = self.end(self.sagemaker.describe_training_job, "TrainingJobStatus",
                       TrainingJobName="schedule")
        return job["ModelArtifacts"]["S3ModelArtifacts"]

    def evaluate(self, model):
        local = "/opt/ml/processing"
        self.sagemaker.create_processing_job(
            ProcessingJobName="schedule", RoleArn=ROLE,
            AppSpecification={"ImageUri": "lathe-evaluate"},
            ProcessingResources={"ClusterConfig": MACHINE},
            ProcessingInputs=[
                {"InputName": name, "S3Input": {
                    "S3Uri": uri, "S3DataType": "S3Prefix", "S3InputMode": "File",
                    "LocalPath": f"{local}/input/{name}"}}
                for name, uri in (("model", model), ("test", "s3://lathe-flights/schedule/part=test/"))],
            ProcessingOutputConfig={"Outputs": [{"OutputName": "evaluation", "S3Output": {
                "S3UploadMode": "EndOfJob", "LocalPath": f"{local}/output/evaluation",
                "S3Uri": "s3://lathe-flights/evaluation"}}]})
        self.end(self.sagemaker.describe_processing_job, "ProcessingJobStatus",
                 ProcessingJobName="schedule")
        body = self.s3.get_object(Bucket="lathe-flights", Key="evaluation/evaluation.json")["Body"]
        told = json.load(body)
        return {"tested": told["dataset"]["item_count"],
                "auc": told["binary_classification_metrics"]["auc"]["value"]}

    def run(self, files):
        self.s3.create_bucket(Bucket="lathe-flights")
        for path in files:
            with open(path, "rb") as body:
                self.s3.put_object(Bucket="lathe-flights", Key=f"raw/ontime/{path.name}", Body=body)
        self.ask(definition())
        self.ask(CHANNELS)
        return self.evaluate(self.train())


def ours(bench, files):
    """(seconds, peak bytes, what came out) of a server that starts on an empty home."""
    server = bench.server().start()
    flights = Flights(server)  # boto3's own time, of which `lathe call` has none, is not lathe's
    server.stop()
    began = time.perf_counter()
    server.start()
    with PeakOfTree(server.pid, shares=True) as memory:
        told = flights.run(files)
        server.stop()
    return time.perf_counter() - began, memory.peak, told


@rows(Row("flights-end-to-end", 1 / 0.75, "time", "s",
          "three months of flights, gzip CSV, to a scored model: a server that starts, puts, SQL, a training "
          "job, an evaluation", "Python with polars and the same XGBoost"),
      Row("flights-end-to-end-memory", 3, "size", "MB", "the server's and its processes' peak together",
          "the peak of Python with pandas and the same XGBoost"))
def flights_end_to_end(bench):
    folder = bench.data("bts_ontime_2008")
    files = sorted(folder.glob("ontime_2008_0[123].csv.gz"))
    asked = json.dumps(PARAMETERS)
    bench.note("memory: pages that several processes have mapped count once (Pss)")
    bench.note(f"{PARAMETERS}, on eight columns of the schedule: trained on January and February, scored "
               "on March")
    for number in bench.rounds:
        seconds, peak, told = ours(bench, files)
        polars, polars_seconds, _ = run_peer("flights_polars.py", folder, asked)
        pandas, _, pandas_peak = run_peer("flights_pandas.py", folder, asked, shares=True)
        for name, other in (("polars", polars), ("pandas", pandas)):
            bench.check(told["tested"] == other["tested"] and abs(told["auc"] - other["auc"]) < 0.005,
                        f"lathe has {told}, {name} {other}")
        if number == 0:
            bench.note(f"AUC on March: lathe {told['auc']:.4f}, polars {polars['auc']:.4f}, pandas "
                       f"{pandas['auc']:.4f}")
        yield {"flights-end-to-end": (seconds, polars_seconds),
               "flights-end-to-end-memory": (peak / 1e6, pandas_peak / 1e6)}
