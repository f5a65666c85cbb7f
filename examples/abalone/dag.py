"""The age of abalones by Airflow, with the operators of its Amazon provider: rows cleaned by Spark on
two instances, features, training or tuning, an inference pipeline behind an endpoint, a batch
transform, and in the end nothing left.

    airflow dags test abalone -f examples/abalone/dag.py --conf '{"rows": "abalone.csv"}'

The connection aws_default says where lathe is (see README.md)."""

import json
import pathlib
from datetime import timedelta

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook
from airflow.providers.amazon.aws.operators.s3 import S3CreateBucketOperator
from airflow.providers.amazon.aws.operators.sagemaker import (
    SageMakerEndpointConfigOperator,
    SageMakerEndpointOperator,
    SageMakerModelOperator,
    SageMakerProcessingOperator,
    SageMakerTrainingOperator,
    SageMakerTransformOperator,
    SageMakerTuningOperator,
)
from airflow.providers.amazon.aws.sensors.sagemaker import (
    SageMakerEndpointSensor,
    SageMakerTransformSensor,
)
from airflow.sdk import DAG, Param, task, teardown
from botocore.exceptions import ClientError

HERE = pathlib.Path(__file__).parent
ACCOUNT = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
XGBOOST = f"{ACCOUNT}/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::000000000000:role/lathe"
BUCKET = "{{ params.bucket }}"
# Models and configurations of endpoints cannot be changed: each run has its own.
RUN = "abalone-{{ dag_run.run_after.strftime('%Y%m%d-%H%M%S%f') }}"
RUNS = f"s3://{BUCKET}/{RUN}"
MACHINE = {"InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 10}
LIMIT = {"MaxRuntimeInSeconds": 3600}
MEASURES = ["length", "diameter", "height", "whole", "shucked", "viscera", "shell"]
SCHEMA = {
    "input": [{"name": "sex", "type": "string"},
              *({"name": name, "type": "double"} for name in MEASURES)],
    "output": {"name": "features", "type": "double", "struct": "vector"},
}


def given(name, uri):
    folder = f"/opt/ml/processing/input/{name}"
    return {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": folder,
                                           "S3DataType": "S3Prefix", "S3InputMode": "File"}}


def made(name):
    return {"OutputName": name, "S3Output": {"S3Uri": f"{RUNS}/{name}", "S3UploadMode": "EndOfJob",
                                             "LocalPath": f"/opt/ml/processing/output/{name}"}}


def channel(name):
    return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {
        "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{RUNS}/{name}"}}}


def processing(name, instances, application, inputs, outputs):
    return {
        "ProcessingJobName": name, "RoleArn": ROLE, "AppSpecification": application,
        "ProcessingResources": {"ClusterConfig": {**MACHINE, "InstanceCount": instances}},
        "ProcessingInputs": inputs, "ProcessingOutputConfig": {"Outputs": outputs},
        "StoppingCondition": LIMIT,
    }


CLEANING = processing(
    "abalone-clean", 2,
    {"ImageUri": "173754725891.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.3-cpu-py39-v1",
     "ContainerEntrypoint": ["smspark-submit", "/opt/ml/processing/input/code/clean.py"],
     "ContainerArguments": [f"s3://{BUCKET}/raw/", RUNS]},
    [given("code", f"s3://{BUCKET}/code/clean.py")], [])
FEATURES = processing(
    "abalone-features", 1, {"ImageUri": "lathe-features"},
    [given("config", f"s3://{BUCKET}/code/features.yaml"), given("data", f"{RUNS}/clean/")],
    [made(name) for name in ("train", "validation", "test", "bundle")])

HYPERPARAMETERS = {
    "objective": "reg:squarederror", "num_round": "{{ params.rounds }}", "eta": "0.05",
    "subsample": "0.5", "colsample_bytree": "0.3", "lambda": "5", "seed": "1", "tree_method": "hist",
}
JOB = {
    "RoleArn": ROLE, "InputDataConfig": [channel("train"), channel("validation")],
    "OutputDataConfig": {"S3OutputPath": f"{RUNS}/models"},
    "ResourceConfig": {**MACHINE, "InstanceCount": 1}, "StoppingCondition": LIMIT,
}
ALGORITHM = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}
TRAINING = {"TrainingJobName": "abalone", "AlgorithmSpecification": ALGORITHM,
            "HyperParameters": {**HYPERPARAMETERS, "max_depth": "5"}, **JOB}
TUNING = {
    "HyperParameterTuningJobName": RUN,
    "HyperParameterTuningJobConfig": {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {
            "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "3", "MaxValue": "7"}],
            "ContinuousParameterRanges": [
                {"Name": "min_child_weight", "MinValue": "5", "MaxValue": "40"}]},
    },
    "TrainingJobDefinition": {"AlgorithmSpecification": ALGORITHM,
                              "StaticHyperParameters": HYPERPARAMETERS, **JOB},
}
MODEL = {
    "ModelName": RUN, "ExecutionRoleArn": ROLE,
    "Containers": [
        {"Image": f"{ACCOUNT}/sagemaker-sparkml-serving:3.3",
         "ModelDataUrl": f"{RUNS}/bundle/model.tar.gz",
         "Environment": {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(SCHEMA)}},
        {"Image": XGBOOST, "ModelDataUrl": "{{ ti.xcom_pull('chosen') }}"},
    ],
}
CONFIGURATION = {"EndpointConfigName": RUN, "ProductionVariants": [
    {"VariantName": "AllTraffic", "ModelName": RUN, "InstanceType": "ml.m5.large",
     "InitialInstanceCount": "1"}]}
ENDPOINT = {"EndpointName": "{{ params.endpoint }}", "EndpointConfigName": RUN}
TRANSFORM = {
    "TransformJobName": "abalone-transform", "ModelName": RUN,
    "TransformInput": {"ContentType": "text/csv", "SplitType": "Line", "DataSource": {
        "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{RUNS}/questions/"}}},
    "TransformOutput": {"S3OutputPath": f"{RUNS}/answers", "AssembleWith": "Line"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}

with DAG(
    "abalone", schedule=None, catchup=False, doc_md=__doc__,
    default_args={"retries": 1, "retry_delay": timedelta(seconds=5)},
    params={
        "rows": Param("abalone.csv", type="string", description="a CSV file on the worker"),
        "bucket": Param("lathe-abalone-airflow", type="string"),
        "endpoint": Param("abalone", type="string"),
        "rounds": Param(200, type="integer"),
        "tune": Param(False, type="boolean", description="search for the hyperparameters"),
        "keep": Param(False, type="boolean", description="leave bucket, model and endpoint"),
    },
) as dag:
    bucket = S3CreateBucketOperator(task_id="bucket", bucket_name=BUCKET)

    @task
    def prepare(params):
        s3 = S3Hook()
        for key, file in {"raw/abalone.csv": params["rows"], "code/clean.py": HERE / "clean.py",
                          "code/features.yaml": HERE / "features.yaml"}.items():
            s3.load_file(file, key, params["bucket"], replace=True)

    clean = SageMakerProcessingOperator(task_id="clean", config=CLEANING, deferrable=True,
                                        check_interval=1, max_attempts=600)
    features = SageMakerProcessingOperator(task_id="features", config=FEATURES, check_interval=1)

    @task.branch
    def tune_or_train(params):
        return "tune" if params["tune"] else "train"

    train = SageMakerTrainingOperator(task_id="train", config=TRAINING, deferrable=True,
                                      check_interval=1, max_attempts=600)
    tune = SageMakerTuningOperator(task_id="tune", config=TUNING, check_interval=1)

    @task(trigger_rule="none_failed_min_one_success")
    def chosen(ti):
        """Where the model lies: the trained one's, or the best of those that were tried."""
        if trained := ti.xcom_pull("train"):
            return trained["Training"]["ModelArtifacts"]["S3ModelArtifacts"]
        best = ti.xcom_pull("tune")["Tuning"]["BestTrainingJob"]["TrainingJobName"]
        return SageMakerHook().describe_training_job(best)["ModelArtifacts"]["S3ModelArtifacts"]

    model = SageMakerModelOperator(task_id="model", config=MODEL)
    configure = SageMakerEndpointConfigOperator(task_id="configure", config=CONFIGURATION)
    deploy = SageMakerEndpointOperator(task_id="deploy", config=ENDPOINT, wait_for_completion=False)
    in_service = SageMakerEndpointSensor(task_id="in_service", poke_interval=1,
                                         endpoint_name=ENDPOINT["EndpointName"])

    @task
    def ask(params):
        """A large female: about 11 rings."""
        runtime = SageMakerHook().get_session().client("sagemaker-runtime")
        answer = runtime.invoke_endpoint(
            EndpointName=params["endpoint"], ContentType="text/csv",
            Body="F,0.62,0.51,0.175,1.26,0.52,0.27,0.39")
        return float(answer["Body"].read())

    transform = SageMakerTransformOperator(task_id="transform", config=TRANSFORM,
                                           wait_for_completion=False)
    transformed = SageMakerTransformSensor(
        task_id="transformed", poke_interval=1,
        job_name="{{ ti.xcom_pull('transform')['Transform']['TransformJobName'] }}")

    @teardown
    def clean_up(params, dag_run):
        if params["keep"]:
            return
        sagemaker = SageMakerHook().get_conn()
        run = dag_run.run_after.strftime("abalone-%Y%m%d-%H%M%S%f")
        for delete, name in [
            (sagemaker.delete_endpoint, {"EndpointName": params["endpoint"]}),
            (sagemaker.delete_endpoint_config, {"EndpointConfigName": run}),
            (sagemaker.delete_model, {"ModelName": run}),
        ]:
            try:
                delete(**name)
            except ClientError as error:  # a run that failed made only some of them
                if error.response["Error"]["Code"] != "ValidationException":
                    raise
        S3Hook().delete_bucket(params["bucket"], force_delete=True)

    bucket >> prepare() >> clean >> features >> tune_or_train() >> [tune, train] >> chosen() >> model
    model >> configure >> deploy >> in_service >> ask() >> (end := clean_up())
    model >> transform >> transformed >> end
