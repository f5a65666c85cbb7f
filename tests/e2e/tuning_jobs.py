"""What the tests of tuning jobs say again and again."""

from sagemaker_jobs import ROLE, XGBOOST, channel, unique

ENDS = ("Completed", "Failed", "Stopped")
ROWS = "".join(f"{(i * i) % 17 / 4 + i % 5},{i % 5},{(i * i) % 17}\n" for i in range(300))
# Found in a script's log.
METRIC = [{"Name": "loss", "Regex": "loss=([-+0-9.eE]+|nan)"}]


def ranges(integers=(), continuous=(), categories=()):
    numbers = ("Name", "MinValue", "MaxValue", "ScalingType")
    return {"IntegerParameterRanges": [dict(zip(numbers, map(str, one))) for one in integers],
            "ContinuousParameterRanges": [dict(zip(numbers, map(str, one))) for one in continuous],
            "CategoricalParameterRanges": [{"Name": name, "Values": values} for name, values in categories]}


RANGES = ranges(integers=[("max_depth", 1, 6)], continuous=[("eta", 0.05, 0.5)])


def definition(bucket, image=XGBOOST, **static):
    fixed = {"objective": "reg:squarederror", "num_round": "5", **{key: str(value) for key, value in static.items()}}
    return {"StaticHyperParameters": fixed, "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "InputDataConfig": [channel("train", f"s3://{bucket}/rows/"),
                                channel("validation", f"s3://{bucket}/rows/")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600}}


def request(bucket, jobs=4, parallel=2, name=None, strategy="Random", searched=None,
            metric="validation:rmse", kind="Minimize", **config):
    limits = {"MaxParallelTrainingJobs": parallel}
    if jobs:
        limits["MaxNumberOfTrainingJobs"] = jobs
    return {"HyperParameterTuningJobName": name or unique("tune")[:32],
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy, "ResourceLimits": limits,
                "HyperParameterTuningJobObjective": {"Type": kind, "MetricName": metric},
                "ParameterRanges": RANGES if searched is None else searched, **config},
            "TrainingJobDefinition": definition(bucket)}


def put_rows(server, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="rows/rows.csv", Body=ROWS)
    return bucket


def describe(server, name):
    return server.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def wait(server, name):
    return server.wait_for(lambda: describe(server, name), "HyperParameterTuningJobStatus", ENDS)


def tune(server, asked):
    """Runs a tuning job to its end; its description."""
    server.client("sagemaker").create_hyper_parameter_tuning_job(**asked)
    return wait(server, asked["HyperParameterTuningJobName"])


def trials(server, name, **options):
    """All summaries, through as many pages as there are."""
    found, token = [], None
    while True:
        page = server.client("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name, **options, **({"NextToken": token} if token else {}))
        found += page["TrainingJobSummaries"]
        token = page.get("NextToken")
        if not token:
            return found


def value(trial):
    return trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
