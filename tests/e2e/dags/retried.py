"""A training of some seconds, which is tried again where it fails."""

from datetime import timedelta

from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTrainingOperator
from airflow.sdk import DAG

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
BUCKET = "{{ dag_run.conf['bucket'] }}"

with DAG("retried", schedule=None, catchup=False,
         default_args={"retries": 3, "retry_delay": timedelta(seconds=1)}):
    SageMakerTrainingOperator(
        task_id="train", check_interval=1, print_log=False, config={
            "TrainingJobName": "retried", "RoleArn": "arn:aws:iam::000000000000:role/R",
            "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
            "HyperParameters": {"objective": "reg:squarederror",
                                "num_round": "{{ dag_run.conf['rounds'] }}"},
            "InputDataConfig": [{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/rows/"}}}],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1,
                               "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600}})
