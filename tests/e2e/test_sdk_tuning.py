"""Tuning as the SageMaker SDK's users do it: HyperparameterTuner, and a pipeline's TuningStep."""

import json
import subprocess
import sys

import pytest

from tuning_jobs import ROWS

pytestmark = pytest.mark.full

BEGINNING = """
import json, pathlib, sys, time
# The SDK looks again every 5 to 30 s; here jobs take less than one.
pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, 0.2))

import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner, IntegerParameter

folder, role = pathlib.Path(sys.argv[1]), "arn:aws:iam::000000000000:role/SageMakerRole"
image = sagemaker.image_uris.retrieve("xgboost", "us-east-1", "3.0-5")

def told(**what):
    print()
    print(json.dumps(what, default=str))

def estimator_of(session):
    return Estimator(image, role, instance_count=1, instance_type="ml.m5.xlarge", sagemaker_session=session,
                     hyperparameters={"objective": "reg:squarederror", "num_round": 8})

def channels_of(session):
    uri = session.upload_data(str(folder / "rows.csv"), session.default_bucket(), "rows")
    return {name: TrainingInput(uri, content_type="text/csv") for name in ("train", "validation")}

RANGES = {"max_depth": IntegerParameter(1, 6), "eta": ContinuousParameter(0.05, 0.5),
          "booster": CategoricalParameter(["gbtree", "dart"])}
"""

TUNER = """
from sagemaker.serializers import CSVSerializer
session = sagemaker.Session()
tuner = HyperparameterTuner(estimator_of(session), "validation:rmse", RANGES, objective_type="Minimize",
                            max_jobs=8, max_parallel_jobs=2)
tuner.fit(channels_of(session))
frame = tuner.analytics().dataframe()
best = tuner.best_training_job()
attached = HyperparameterTuner.attach(tuner.latest_tuning_job.name, sagemaker_session=session)
predictor = attached.deploy(1, "ml.m5.large", serializer=CSVSerializer())
answer = predictor.predict([[1, 2], [3, 4]]).decode()
predictor.delete_endpoint()
long = HyperparameterTuner(estimator_of(session), "validation:rmse", RANGES, objective_type="Minimize",
                           strategy="Random", max_jobs=200, max_parallel_jobs=2, base_tuning_job_name="long")
long.fit(channels_of(session), wait=False)
long.stop_tuning_job()
long.wait()
values = frame["FinalObjectiveValue"]  # trees of dart, which drops none here, can be those of gbtree
told(rows=len(frame), best=best, lowest=list(frame[values == values.min()]["TrainingJobName"]),
     columns=sorted(frame.columns), model=tuner.best_estimator().model_data, answer=answer,
     ranges=attached.hyperparameter_ranges(), stopped=long.describe()["HyperParameterTuningJobStatus"],
     static=attached.estimator.hyperparameters() if attached.estimator else None)
"""

SCRIPT = """
from sagemaker.sklearn import SKLearn
(folder / "train.py").write_text(
    "import argparse\\n"
    "parser = argparse.ArgumentParser()\\n"
    "parser.add_argument('--width', type=float)\\n"
    "parser.add_argument('--kind')\\n"
    "given = parser.parse_args()\\n"
    "for epoch in range(3):\\n"
    "    print(f'epoch {epoch} loss={(given.width - 3) ** 2 + epoch / 100 + (given.kind == \\"bad\\")};')\\n")
session = sagemaker.Session()
estimator = SKLearn("train.py", source_dir=str(folder), role=role, instance_type="ml.m5.large",
                    framework_version="1.2-1", sagemaker_session=session)
tuner = HyperparameterTuner(estimator, "loss", {"width": ContinuousParameter(0, 10),
                                                "kind": CategoricalParameter(["good", "bad"])},
                            metric_definitions=[{"Name": "loss", "Regex": "loss=([0-9.e-]+);"}],
                            objective_type="Minimize", strategy="Random", max_jobs=3, max_parallel_jobs=3)
tuner.fit()
rows = tuner.analytics().dataframe()
told(rows=rows[["width", "kind", "FinalObjectiveValue"]].values.tolist(),
     best=tuner.best_estimator().hyperparameters())
"""

PIPELINE = """
from sagemaker.model import Model
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.parameters import ParameterInteger
from sagemaker.workflow.steps import TuningStep
from sagemaker.workflow.model_step import ModelStep
session = PipelineSession()
estimator = estimator_of(session)
rounds = ParameterInteger("Rounds", 6)
estimator.set_hyperparameters(num_round=rounds)
tuner = HyperparameterTuner(estimator, "validation:rmse", RANGES, objective_type="Minimize", strategy="Random",
                            max_jobs=4, max_parallel_jobs=2)
tuning = TuningStep("Tune", step_args=tuner.fit(channels_of(sagemaker.Session())))
best = Model(image, role=role, sagemaker_session=session, model_data=tuning.get_top_model_s3_uri(
    top_k=0, s3_bucket=session.default_bucket()))
second = Model(image, role=role, sagemaker_session=session, model_data=tuning.get_top_model_s3_uri(
    top_k=1, s3_bucket=session.default_bucket()))
steps = [tuning, ModelStep("Best", best.create(instance_type="ml.m5.large")),
         ModelStep("Second", second.create(instance_type="ml.m5.large"))]
pipeline = Pipeline("tuned", parameters=[rounds], steps=steps, sagemaker_session=session)
pipeline.upsert(role)
execution = pipeline.start()
execution.wait(delay=1, max_attempts=300)
client = sagemaker.Session().sagemaker_client
entries = {step["StepName"]: step for step in execution.list_steps()}
name = entries["Tune"]["Metadata"]["TuningJob"]["Arn"].rsplit("/", 1)[1]
trials = client.list_training_jobs_for_hyper_parameter_tuning_job(
    HyperParameterTuningJobName=name, SortBy="FinalObjectiveMetricValue")["TrainingJobSummaries"]
models = [client.describe_model(ModelName=entries[f"{step}-CreateModel"]["Metadata"]["Model"]["Arn"].rsplit("/", 1)[1])
          ["PrimaryContainer"]["ModelDataUrl"] for step in ("Best", "Second")]
told(statuses={step["StepName"]: step["StepStatus"] for step in entries.values()}, name=name,
     trials=[one["TrainingJobName"] for one in trials], models=models,
     rounds=client.describe_training_job(TrainingJobName=trials[0]["TrainingJobName"])["HyperParameters"]["num_round"])
"""


@pytest.fixture
def run(server_factory, lathe, tmp_path):
    """run(program): what it tells on its last line."""
    pytest.importorskip("sagemaker", reason="the SageMaker SDK (tests/requirements.txt)")
    server = server_factory()

    def go(program):
        (tmp_path / "rows.csv").write_text(ROWS)
        (tmp_path / "program.py").write_text(BEGINNING + program)
        clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LATHE_HOME": str(server.home)}
        done = subprocess.run(
            ["bash", "-c", 'eval "$("$1" env)" && exec "$2" "$3" "$4"', "bash", lathe, sys.executable,
             tmp_path / "program.py", tmp_path], env=clean, capture_output=True, text=True, timeout=500)
        reasons = [one.get("FailureReason") for job in server.client("sagemaker").list_training_jobs(StatusEquals="Failed")
                   ["TrainingJobSummaries"] for one in [server.client("sagemaker").describe_training_job(
                       TrainingJobName=job["TrainingJobName"])]]
        assert done.returncode == 0, f"{reasons}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
        return json.loads(done.stdout.splitlines()[-1])
    return go


def test_fit_analytics_attach_deploy_and_stop(run):
    found = run(TUNER)
    assert found["rows"] == 8 and found["best"] in found["lowest"]
    assert {"max_depth", "eta", "booster", "FinalObjectiveValue", "TrainingElapsedTimeSeconds"} <= set(found["columns"])
    assert found["best"] in found["model"] and len(found["answer"].split()) == 2
    assert found["stopped"] == "Stopped"
    assert found["ranges"]["IntegerParameterRanges"][0]["Name"] == "max_depth"


def test_a_scripts_log_is_searched_for_the_objective(run):
    found = run(SCRIPT)
    assert len(found["rows"]) == 3
    for width, kind, value in found["rows"]:
        assert value == pytest.approx((width - 3) ** 2 + 0.02 + ("bad" in kind), rel=1e-4)


def test_a_pipelines_step_gives_its_best_models(run):
    found = run(PIPELINE)
    assert set(found["statuses"].values()) == {"Succeeded"}
    assert len(found["name"]) <= 32 and found["rounds"] == "6"
    for model, trial in zip(found["models"], found["trials"]):
        assert model.endswith(f"/{trial}/output/model.tar.gz")
