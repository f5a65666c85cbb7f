"""Pipelines, packages and experiments of SageMaker by the provider's operators."""

from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook
from airflow.providers.amazon.aws.operators.sagemaker import (
    SageMakerConditionOperator,
    SageMakerCreateExperimentOperator,
    SageMakerDeleteModelOperator,
    SageMakerRegisterModelVersionOperator,
    SageMakerStartPipelineOperator,
    SageMakerStopPipelineOperator,
)
from airflow.providers.amazon.aws.sensors.sagemaker import SageMakerPipelineSensor
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
NAME, BUCKET = "{{ dag_run.conf['name'] }}", "{{ dag_run.conf['bucket'] }}"


def start(task_id, **more):
    """Rounds are a parameter: what it is started with."""
    return SageMakerStartPipelineOperator(
        task_id=task_id, pipeline_name="{{ dag_run.conf['pipeline'] }}", check_interval=1,
        pipeline_params={"Rounds": "{{ dag_run.conf['" + task_id + "'] }}"}, **more)


def stop(task_id, of, **more):
    return SageMakerStopPipelineOperator(
        task_id=task_id, pipeline_exec_arn="{{ ti.xcom_pull('" + of + "') }}", check_interval=1, **more)


def register(task_id):
    return SageMakerRegisterModelVersionOperator(
        task_id=task_id, image_uri=XGBOOST, package_group_name=NAME,
        model_url=f"s3://{BUCKET}/m.tar.gz")


@task
def models():
    return [each["ModelName"] for each in SageMakerHook().conn.list_models()["Models"]]


with DAG("flow", schedule=None, catchup=False):
    steps = [
        start("short", deferrable=True),
        start("long"),
        stop("stop", "long", wait_for_completion=True),
        stop("stop_again", "long"),
        start("watched"),
        SageMakerPipelineSensor(task_id="sensor", poke_interval=1,
                                pipeline_exec_arn="{{ ti.xcom_pull('watched') }}"),
        register("first_version"),
        register("second_version"),
        SageMakerCreateExperimentOperator(task_id="experiment", name=NAME, description="by Airflow",
                                          tags={"for": "tests"}),
        SageMakerDeleteModelOperator(task_id="delete", config={"ModelName": NAME}),
        models(),
        SageMakerConditionOperator(
            task_id="condition", condition_type="In", left_value=NAME, if_task_ids="there",
            right_value="{{ ti.xcom_pull('models') }}", else_task_ids="gone"),
    ]
    for before, after in zip(steps, steps[1:]):
        before >> after
    steps[-1] >> [EmptyOperator(task_id="there"), EmptyOperator(task_id="gone")]
