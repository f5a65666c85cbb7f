"""Jobs that fail, names that are taken, and those who wait for them: what the provider makes of it."""

from airflow.providers.amazon.aws.operators.sagemaker import (
    SageMakerModelOperator,
    SageMakerProcessingOperator,
    SageMakerTrainingOperator,
)
from airflow.providers.amazon.aws.sensors.sagemaker import (
    SageMakerEndpointSensor,
    SageMakerProcessingSensor,
    SageMakerTrainingSensor,
)
from airflow.sdk import DAG

ROLE = "arn:aws:iam::000000000000:role/R"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
BUCKET = "{{ dag_run.conf['bucket'] }}"


def training(rows):
    return {
        "TrainingJobName": "{{ dag_run.conf['name'] }}", "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        "HyperParameters": {"objective": "reg:squarederror", "num_round": "1"},
        "InputDataConfig": [{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{rows}/"}}}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600}}


with DAG("refused", schedule=None, catchup=False):
    # One task each: none waits for another, and each fails in its own way.
    good = SageMakerTrainingOperator(task_id="good", config=training("good"), check_interval=1,
                                     print_log=False, wait_for_completion=False)
    waited = SageMakerTrainingSensor(task_id="waited", job_name="{{ dag_run.conf['name'] }}",
                                     poke_interval=1)
    good >> waited
    waited >> [
        SageMakerTrainingOperator(task_id="taken", config=training("good"),
                                  action_if_job_exists="fail"),
        SageMakerTrainingOperator(task_id="deferred", config=training("bad"), deferrable=True,
                                  check_interval=1),
        SageMakerTrainingOperator(task_id="waiting", config=training("bad"), check_interval=1,
                                  print_log=False),
        SageMakerModelOperator(task_id="model", config={
            "ModelName": "{{ dag_run.conf['taken'] }}", "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {"Image": XGBOOST, "ModelDataUrl": f"s3://{BUCKET}/m.tar.gz"}}),
        SageMakerEndpointSensor(task_id="endpoint", endpoint_name="nowhere"),
        SageMakerProcessingSensor(task_id="processing", job_name="nowhere"),
    ]
