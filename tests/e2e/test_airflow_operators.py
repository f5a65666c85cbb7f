"""Single operators, sensors and triggers of Airflow's Amazon provider against lathe
(tests/e2e/dags), and what an older SDK wrote for the operators of its time."""

import json
import subprocess
import sys
import threading

import pipelines
import pytest
import xgboost

from airflow_runs import ROOT, Airflow
from sagemaker_jobs import ROLE, XGBOOST, booster, unique

pytestmark = [pytest.mark.full, pytest.mark.airflow]


@pytest.fixture(scope="module")
def airflow(server, tmp_path_factory):
    return Airflow(server, tmp_path_factory.mktemp("airflow"), ROOT / "tests/e2e/dags")


@pytest.fixture(scope="module")
def lake(airflow):
    return airflow.test("lake")


def test_every_operator_of_the_lake_succeeds(lake):
    tasks, log = lake
    assert {task["state"] for task in tasks.values()} == {"success"}, log[-20000:]
    result = {name: task["result"] for name, task in tasks.items()}
    assert result["tags"] == [{"Key": "for", "Value": "tests"}]
    assert sorted(result["keys"]) == ["raw/words/day=1/a.csv", "raw/words/day=2/a.csv"]
    assert sorted(result["prefixes"]) == ["code/", "copied/", "raw/"]


def test_jobs_and_queries_give_their_results(lake):
    tasks, log = lake
    assert tasks["words"]["result"] == [["two", "3"], ["three", "5"]]
    assert "TOLD of the task" in log
    state, reason = tasks["failing_query"]["result"]
    assert state == "FAILED" and "COLUMN_NOT_FOUND" in reason and "nothing" in reason


def test_the_lake_leaves_nothing(server, lake):
    glue = server.client("glue")
    assert not {"count", "shell"} & set(glue.list_jobs()["JobNames"])
    assert "words" not in glue.list_crawlers()["CrawlerNames"]
    assert "lake" not in [database["Name"] for database in glue.get_databases()["DatabaseList"]]
    assert "lake" not in [each["Name"] for each in server.client("s3").list_buckets()["Buckets"]]


def test_failures_reach_the_tasks_with_their_reasons(server, airflow, bucket):
    s3, sagemaker, taken = server.client("s3"), server.client("sagemaker"), unique("taken")
    s3.put_object(Bucket=bucket, Key="good/rows.csv", Body="1,2\n3,4\n" * 20)
    s3.put_object(Bucket=bucket, Key="bad/rows.csv", Body="1,2\n3,what is this\n")
    s3.put_object(Bucket=bucket, Key="m.tar.gz", Body=b"")
    sagemaker.create_model(ModelName=taken, ExecutionRoleArn=ROLE, PrimaryContainer={
        "Image": XGBOOST, "ModelDataUrl": f"s3://{bucket}/m.tar.gz"})
    name = unique("job")
    tasks, log = airflow.test("refused", "failed", bucket=bucket, name=name, taken=taken)
    assert {task: told["state"] for task, told in tasks.items()} == {
        "good": "success", "waited": "success", **dict.fromkeys(
            ("taken", "deferred", "waiting", "model", "endpoint", "processing"), "failed")}
    assert f"A SageMaker job with name {name} already exists." in log
    assert "Cannot create already existing model" in log
    assert "Could not find endpoint" in log
    assert "train-rmse:" in log  # the sensor shows the job's own log
    reason, = {job["FailureReason"] for job in (
        sagemaker.describe_training_job(TrainingJobName=each["TrainingJobName"])
        for each in sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"])
        if job["TrainingJobStatus"] == "Failed"}
    assert "what is this" in reason
    # Once by the trigger, once by the operator that waited itself.
    assert log.count(reason.split("\n")[0]) >= 2


def test_pipelines_packages_and_experiments(server, airflow, bucket):
    s3, sagemaker, name = server.client("s3"), server.client("sagemaker"), unique("flow")
    s3.put_object(Bucket=bucket, Key="rows/rows.csv", Body="1,2\n3,4\n" * 2000)
    s3.put_object(Bucket=bucket, Key="m.tar.gz", Body=b"")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={
        "Image": XGBOOST, "ModelDataUrl": f"s3://{bucket}/m.tar.gz"})
    rounds, pipeline = pipelines.parameter("Rounds", "String", "1"), f"{name}-steps"
    sagemaker.create_pipeline(  # it makes an experiment of its own name
        PipelineName=pipeline, ClientRequestToken="x" * 32, RoleArn=ROLE,
        PipelineDefinition=json.dumps(pipelines.definition(
            pipelines.training("Train", bucket, f"s3://{bucket}/rows/", settings={
                "num_round": pipelines.get("Parameters.Rounds")}), parameters=[rounds])))
    tasks, log = airflow.test("flow", name=name, bucket=bucket, pipeline=pipeline, short="2",
                              long="10000000", watched="3")
    assert tasks.pop("there")["state"] == "skipped"
    assert {task["state"] for task in tasks.values()} == {"success"}
    assert "Cannot stop pipeline execution, as it was not running" in log
    assert "Model Package Group already exists" in log
    executions = {each["PipelineExecutionArn"]: each["PipelineExecutionStatus"] for each in
                  sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]}
    assert executions == {tasks["short"]["result"]: "Succeeded", tasks["long"]["result"]: "Stopped",
                          tasks["watched"]["result"]: "Succeeded"}
    versions = sagemaker.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]
    assert {each["ModelPackageArn"] for each in versions} == {
        tasks["first_version"]["result"], tasks["second_version"]["result"]}
    told = sagemaker.describe_experiment(ExperimentName=name)
    assert told["Description"] == "by Airflow"
    assert name not in tasks["models"]["result"]


@pytest.fixture
def mortal(server_factory):
    """A server that may be killed, with a bucket of rows."""
    server = server_factory()
    server.client("s3").create_bucket(Bucket="mortal")
    server.client("s3").put_object(Bucket="mortal", Key="rows/rows.csv", Body="1,2\n3,4\n5,1\n" * 300)
    return server


def test_a_task_survives_the_servers_crash(mortal, tmp_path):
    """Whatever became of its job: the client's and Airflow's retries bring one that completes."""
    airflow = Airflow(mortal, tmp_path, ROOT / "tests/e2e/dags")
    sagemaker, failure = mortal.client("sagemaker"), []

    def crash():
        try:
            mortal.wait_for(lambda: (sagemaker.list_training_jobs()["TrainingJobSummaries"] or
                                     [{"TrainingJobStatus": ""}])[0], "TrainingJobStatus",
                            ("InProgress",))
            mortal.kill()
            mortal.start()
        except BaseException as error:
            failure.append(error)

    crashing = threading.Thread(target=crash)
    crashing.start()
    tasks, _ = airflow.test("retried", bucket="mortal", rounds="20000")
    crashing.join()
    assert not failure
    told = tasks["train"]["result"]["Training"]
    assert told["TrainingJobStatus"] == "Completed"
    assert booster(mortal, told["ModelArtifacts"]["S3ModelArtifacts"]).num_boosted_rounds() == 20000


# What the workshop's notebook wrote into its DAG. It tells the requests on its last line.
CONFIGURATIONS = """
import json, sys
import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.processing import ProcessingInput, ProcessingOutput, Processor
from sagemaker.transformer import Transformer
from sagemaker.tuner import HyperparameterTuner, IntegerParameter
from sagemaker.workflow import airflow

bucket, name, image, role = sys.argv[1:]
session = sagemaker.Session()
machine = dict(instance_count=1, instance_type="ml.m5.xlarge")
estimator = Estimator(image, role, **machine, sagemaker_session=session,
                      output_path=f"s3://{bucket}/out",
                      hyperparameters={"objective": "reg:squarederror", "num_round": 5})
rows = {channel: TrainingInput(f"s3://{bucket}/rows/", content_type="text/csv")
        for channel in ("train", "validation")}
tuner = HyperparameterTuner(estimator, "validation:rmse", {"max_depth": IntegerParameter(2, 3)},
                            objective_type="Minimize", max_jobs=2, max_parallel_jobs=1)
processor = Processor(role, "lathe-features", **machine, sagemaker_session=session)
made = {"processing": airflow.processing_config(
            processor, [ProcessingInput(f"s3://{bucket}/features.yaml",
                                        "/opt/ml/processing/input/config", "config"),
                        ProcessingInput(f"s3://{bucket}/rows/", "/opt/ml/processing/input/data",
                                        "data")],
            [ProcessingOutput("/opt/ml/processing/output/train", f"s3://{bucket}/made", "train")],
            job_name=name),
        "training": airflow.training_config(estimator, rows, job_name=name),
        "tuning": airflow.tuning_config(tuner, rows, job_name=name)}
model = Model(image, f"s3://{bucket}/out/{name}/output/model.tar.gz", role, name=name,
              sagemaker_session=session)
made["model"] = airflow.model_config(model)
made["deploy"] = airflow.deploy_config(model, 1, "ml.m5.xlarge", endpoint_name=name)
made["transform"] = airflow.transform_config(
    Transformer(name, 1, "ml.m5.xlarge", output_path=f"s3://{bucket}/answers",
                sagemaker_session=session), f"s3://{bucket}/questions/", content_type="text/csv",
    split_type="Line", job_name=name)
print()
print(json.dumps(made))
"""
# The operators of the provider take them as they are.
SENT = """
import json, sys
from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook
hook, made = SageMakerHook(), json.loads(sys.argv[1])
name = made["training"]["TrainingJobName"]
hook.create_processing_job(made["processing"], check_interval=1)
hook.create_training_job(made["training"], check_interval=1, print_log=False)
hook.create_tuning_job(made["tuning"], check_interval=1)
hook.create_model(made["model"])
deploy = made["deploy"]
hook.create_endpoint_config(deploy["EndpointConfig"])
hook.create_endpoint(deploy["Endpoint"], check_interval=1)
hook.create_transform_job(made["transform"], check_interval=1)
print()
print(json.dumps([hook.describe_processing_job(name)["ProcessingJobStatus"],
                  hook.describe_training_job(name)["TrainingJobStatus"],
                  hook.describe_tuning_job(made["tuning"]["HyperParameterTuningJobName"])[
                      "HyperParameterTuningJobStatus"],
                  hook.describe_endpoint(name)["EndpointStatus"],
                  hook.describe_transform_job(name)["TransformJobStatus"]]))
"""
FEATURES = """
data: {header: false, columns: [y, a]}
labelCol: y
split: {train: 1.0}
stages:
  - {type: VectorAssembler, outputCol: features, inputCols: [a]}
"""


def test_configurations_that_the_sdk_wrote_are_taken(server, airflow, bucket):
    s3, name = server.client("s3"), unique("old")[:30]
    s3.put_object(Bucket=bucket, Key="rows/rows.csv", Body="1,2\n3,4\n5,6\n" * 40)
    s3.put_object(Bucket=bucket, Key="questions/rows.csv", Body="2\n6\n")
    s3.put_object(Bucket=bucket, Key="features.yaml", Body=FEATURES)
    written = subprocess.run(
        [sys.executable, "-c", CONFIGURATIONS, bucket, name, XGBOOST, ROLE], check=True, text=True,
        env=server.environment(), stdout=subprocess.PIPE).stdout.rstrip().rsplit("\n", 1)[-1]
    assert json.loads(written)["deploy"]["Model"]["ModelName"] == name
    assert airflow.python(SENT, written) == ["Completed", "Completed", "Completed", "InService",
                                             "Completed"]
    answers = s3.get_object(Bucket=bucket, Key="answers/rows.csv.out")["Body"].read().split()
    model = booster(server, f"s3://{bucket}/out/{name}/output/model.tar.gz")
    expected = model.predict(xgboost.DMatrix([[2.0], [6.0]], nthread=1))
    assert [float(answer) for answer in answers] == pytest.approx(expected.tolist(), rel=1e-6)
