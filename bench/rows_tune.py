"""A tuning job of random trials, beside Optuna."""

import csv
import json
import pathlib
import subprocess
import sys
import time

from harness import Row, rows

PEER = pathlib.Path(__file__).resolve().parent / "peers/optuna_random.py"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"
TRIALS, TRAINED = 50, 3_300
SEXES = ("M", "F", "I")


def channels(bench):
    """Abalone's rings first, then its measures and its sex one-hot: the files of both channels."""
    with bench.data("abalone/abalone.csv").open() as file:
        table = [[row[8], *row[1:8], *(int(row[0] == sex) for sex in SEXES)] for row in csv.reader(file)]
    files = bench.scratch / "train.csv", bench.scratch / "validation.csv"
    for path, part in zip(files, (table[:TRAINED], table[TRAINED:])):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(part)
    return files


def channel(name):
    return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": {
        "S3DataType": "S3Prefix", "S3Uri": f"s3://bench/{name}/"}}}


def tune(sagemaker, name):
    """Seconds from CreateHyperParameterTuningJob to Completed."""
    began = time.monotonic()
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random", "RandomSeed": 1,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": TRIALS, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "eta", "MinValue": "0.01", "MaxValue": "0.5", "ScalingType": "Logarithmic"},
                    {"Name": "subsample", "MinValue": "0.5", "MaxValue": "1"}],
                "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "3", "MaxValue": "9"}]}},
        TrainingJobDefinition={
            "StaticHyperParameters": {"num_round": "100", "objective": "reg:squarederror"},
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": ROLE, "OutputDataConfig": {"S3OutputPath": "s3://bench/out"},
            "InputDataConfig": [channel("train"), channel("validation")],
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600}})
    while True:
        told = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        if told["HyperParameterTuningJobStatus"] != "InProgress":
            break
        time.sleep(0.1)  # a client that asks more often takes the cores that train
    assert told["TrainingJobStatusCounters"]["Completed"] == TRIALS, told
    return time.monotonic() - began


def trials_of(sagemaker, name):
    """[[the parameters that a trial had, the value that it reached]], in the order of their creation."""
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name, SortBy="CreationTime", SortOrder="Ascending")
    return [[one["TunedHyperParameters"], one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]]
            for page in pages for one in page["TrainingJobSummaries"]]


def optuna(files, trials):
    """Seconds, and the value that each trial reached."""
    done = subprocess.run([sys.executable, PEER, *files], check=True, text=True, stdout=subprocess.PIPE,
                          input=json.dumps([parameters for parameters, _ in trials]))
    seconds, *values = map(float, done.stdout.split())
    return seconds, values


@rows(Row("tune", 1, "time", "s", f"{TRIALS} random trials of Abalone, 100 rounds each, two at once",
          "Optuna's random sampler and XGBoost in one process"))
def measure(bench):
    files = channels(bench)
    server = bench.server().start()
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="bench")
    for path in files:
        s3.upload_file(str(path), "bench", f"{path.stem}/{path.name}")
    bench.note("Optuna is given lathe's random parameters: others take other times; trial by trial both "
               "reach the same validation loss")
    for number in bench.rounds:
        ours = tune(sagemaker, f"tune-{number}")
        trials = trials_of(sagemaker, f"tune-{number}")
        peer, values = optuna(files, trials)
        bench.check(same_values([value for _, value in trials], values), "the trials' losses differ")
        yield {"tune": (ours, peer)}


def same_values(ours, theirs):
    """lathe tells five decimals, as XGBoost's log does."""
    return len(ours) == len(theirs) == TRIALS and \
        all(abs(one - other) < 1e-5 for one, other in zip(ours, theirs))
