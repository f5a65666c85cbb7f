"""Batch transforms with the SageMaker SDK, as its users write them, and in its pipelines: nothing is
set but what `lathe env` prints."""

import json
import subprocess
import sys

import numpy
import pytest
import xgboost

from sagemaker_jobs import booster

pytestmark = pytest.mark.full

ROWS = numpy.random.default_rng(8).normal(size=(400, 4)).astype(numpy.float32)
LABELS = (ROWS[:, 0] - ROWS[:, 1] > 0).astype(int)
SCRIPT = """
def model_fn(model_dir):
    return None


def input_fn(body, content_type):
    return [[2 * float(value) for value in line.split(",")] for line in body.splitlines()]


def predict_fn(rows, model):
    return rows


def output_fn(rows, accept):
    return "\\n".join(",".join(repr(value) for value in row) for row in rows), "text/csv"
"""
PROGRAM = """
import json, pathlib, sys, time
pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, 0.2))

import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import BatchDataCaptureConfig, TrainingInput
from sagemaker.model import Model
from sagemaker.pipeline import PipelineModel
from sagemaker.sklearn.model import SKLearnModel
from sagemaker.transformer import Transformer
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionEquals
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import TransformStep

folder, role = pathlib.Path(sys.argv[1]), "arn:aws:iam::000000000000:role/SageMakerRole"
session = sagemaker.Session()
bucket = session.default_bucket()
read = lambda uri: session.read_s3_file(bucket, uri.removeprefix(f"s3://{bucket}/"))
image = sagemaker.image_uris.retrieve("xgboost", "us-east-1", "3.0-5")
train = session.upload_data(str(folder / "train.csv"), bucket, "rows")
batch = session.upload_data(str(folder / "batch.csv"), bucket, "batch/sub")
estimator = Estimator(image, role, instance_count=1, instance_type="ml.m5.xlarge",
                      sagemaker_session=session, output_path=f"s3://{bucket}/models",
                      hyperparameters={"objective": "binary:logistic", "num_round": 10})
estimator.fit({"train": TrainingInput(train, content_type="text/csv")}, logs=False)
told = {"model_data": estimator.model_data}

transformer = estimator.transformer(2, "ml.m5.xlarge", strategy="MultiRecord",
                                    assemble_with="Line", accept="text/csv", max_payload=6,
                                    max_concurrent_transforms=1, env={"A": "b"},
                                    output_path=f"s3://{bucket}/plain")
transformer.transform(f"s3://{bucket}/batch", content_type="text/csv", split_type="Line", wait=True,
                      logs=True)
told["plain"] = read(f"s3://{bucket}/plain/sub/batch.csv.out")
attached = Transformer.attach(transformer.latest_transform_job.name, session)
told["attached"] = [attached.model_name == transformer.model_name, attached.strategy,
                    attached.assemble_with, attached.output_path]
transformer.transform(batch, content_type="text/csv", split_type="Line", input_filter="$[0:4]",
                      join_source="Input", output_filter="$[0,-1]", logs=False,
                      batch_data_capture_config=BatchDataCaptureConfig(f"s3://{bucket}/captured"))
told["joined"] = read(f"s3://{bucket}/plain/batch.csv.out")
transformer.delete_model()

scaler = SKLearnModel(session.upload_data(str(folder / "model.tar.gz"), bucket, "scaler"), role,
                      str(folder / "scale.py"), framework_version="1.2-1", sagemaker_session=session)
pipeline_model = PipelineModel([scaler, Model(image, estimator.model_data, role=role,
                                              sagemaker_session=session)], role,
                               sagemaker_session=session)
row = pipeline_model.transformer(1, "ml.m5.xlarge", assemble_with="Line", accept="text/csv",
                                 output_path=f"s3://{bucket}/row")
row.transform(batch, content_type="text/csv", split_type="Line", logs=False)
told["pipeline model"] = read(f"s3://{bucket}/row/batch.csv.out")

later = PipelineSession()
model = ModelStep("Make", step_args=Model(image, estimator.model_data, role=role,
                                          sagemaker_session=later).create("ml.m5.large"))
rows = ParameterString("Rows", default_value=batch)
step = TransformStep("Batch", step_args=Transformer(
    model.properties.ModelName, 1, "ml.m5.large", assemble_with="Line", accept="text/csv",
    output_path=f"s3://{bucket}/step", sagemaker_session=later).transform(
        rows, content_type="text/csv", split_type="Line"))
again = TransformStep("Again", step_args=Transformer(
    model.properties.ModelName, 1, "ml.m5.large", accept="text/csv",
    output_path=f"s3://{bucket}/again", sagemaker_session=later).transform(
        step.properties.TransformInput.DataSource.S3DataSource.S3Uri, content_type="text/csv",
        split_type="Line"))
wrong = FailStep("Wrong", error_message="no")
check = ConditionStep("Check", conditions=[ConditionEquals(
    step.properties.TransformJobStatus, "Completed")],
                      if_steps=[again], else_steps=[wrong])
pipeline = Pipeline("batches", [rows], steps=[model, step, check], sagemaker_session=later)
pipeline.upsert(role)
execution = pipeline.start()
execution.wait(delay=1, max_attempts=120)
steps = {one["StepName"]: one for one in execution.list_steps()}
told["steps"] = {name: one["StepStatus"] for name, one in steps.items()}
told["job"] = steps["Batch"]["Metadata"]["TransformJob"]["Arn"]
told["step"] = read(f"s3://{bucket}/step/batch.csv.out")
told["again"] = read(f"s3://{bucket}/again/batch.csv.out")
print()
print(json.dumps(told))
"""


def text_of(rows):
    return "".join(",".join(repr(float(value)) for value in row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def session(server_factory, lathe, tmp_path_factory):
    """A server, what the program printed, and what it told."""
    import tarfile

    pytest.importorskip("sagemaker", reason="the SageMaker SDK (tests/requirements.txt)")
    server, folder = server_factory(), tmp_path_factory.mktemp("sdk")
    (folder / "train.csv").write_text(text_of(numpy.column_stack([LABELS, ROWS])))
    (folder / "batch.csv").write_text(text_of(ROWS))
    (folder / "scale.py").write_text(SCRIPT)
    (folder / "empty").touch()
    with tarfile.open(folder / "model.tar.gz", "w:gz") as tar:
        tar.add(folder / "empty", "empty")
    (folder / "program.py").write_text(PROGRAM)
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LATHE_HOME": str(server.home)}
    done = subprocess.run(
        ["bash", "-c", 'eval "$("$1" env)" && exec "$2" "$3" "$4"', "bash", lathe, sys.executable,
         folder / "program.py", folder],
        env=clean, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return server, done.stdout, json.loads(done.stdout.splitlines()[-1])


def numbers(lines):
    return numpy.array([numpy.float32(line.split(",")[-1]) for line in lines.splitlines()])


@pytest.fixture(scope="module")
def model(session):
    server, _, told = session
    return booster(server, told["model_data"])


def test_an_estimators_transformer(session, model):
    _, printed, told = session
    assert (numbers(told["plain"]) == model.predict(xgboost.DMatrix(ROWS))).all()
    assert "[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6" in printed
    assert told["attached"][:3] == [True, "MultiRecord", "Line"]
    assert told["attached"][3].endswith("/plain")


def test_rows_are_joined(session, model):
    _, _, told = session
    first = [line.split(",")[0] for line in told["joined"].splitlines()]
    assert first == [repr(float(value)) for value in ROWS[:, 0]]
    assert (numbers(told["joined"]) == model.predict(xgboost.DMatrix(ROWS))).all()


def test_a_script_and_trees_in_a_row(session, model):
    _, _, told = session
    assert (numbers(told["pipeline model"]) == model.predict(xgboost.DMatrix(2 * ROWS))).all()


def test_steps_of_a_pipeline(session):
    _, _, told = session
    assert told["steps"]["Batch"] == told["steps"]["Again"] == "Succeeded"
    assert "Wrong" not in told["steps"] or told["steps"]["Wrong"] != "Succeeded"
    assert ":transform-job/pipelines-" in told["job"]
    assert told["step"] == told["again"] == told["plain"]
