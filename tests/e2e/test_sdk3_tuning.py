"""Tuning as users of the SageMaker SDK 3 do it: HyperparameterTuner over a ModelTrainer. It cannot stand beside SDK 2:
LATHE_SDK3_PYTHON names the Python of an environment with sagemaker-train (1.27 was tried)."""

import json
import os
import subprocess

import pytest

from tuning_jobs import ROWS

pytestmark = pytest.mark.full

BEGINNING = """
import json, pathlib, sys, time
# The SDK looks again every 5 s; here jobs take less than one.
pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, 0.2))

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter
from sagemaker.core.training.configs import Compute, InputData, SourceCode
from sagemaker.train.model_trainer import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

folder, role = pathlib.Path(sys.argv[1]), "arn:aws:iam::000000000000:role/SageMakerRole"
session = Session()

def told(**what):
    print()
    print(json.dumps(what, default=str))

def trainer_of(image, **more):
    return ModelTrainer(training_image=image, role=role, sagemaker_session=session,
                        compute=Compute(instance_type="ml.m5.xlarge", instance_count=1), **more)
"""

TUNER = """
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, TrainingJob
from sagemaker.core.shapes import (ContainerDefinition, HyperParameterTuningJobWarmStartConfig,
                                   ParentHyperParameterTuningJob, ProductionVariant)
image = image_uris.retrieve("xgboost", "us-east-1", "3.0-5")
uri = session.upload_data(str(folder / "rows.csv"), session.default_bucket(), "rows")
inputs = [InputData(channel_name=name, data_source=uri, content_type="text/csv") for name in ("train", "validation")]
trainer = trainer_of(image, hyperparameters={"objective": "reg:squarederror", "num_round": 8, "eta": 0.3})
ranges = {"max_depth": IntegerParameter(1, 6), "eta": ContinuousParameter(0.05, 0.5),
          "booster": CategoricalParameter(["gbtree", "dart"])}

# The SDK's names differ by the minute.
def tuner_of(name, jobs, **more):
    return HyperparameterTuner(trainer, "validation:rmse", ranges, objective_type="Minimize", max_jobs=jobs,
                               max_parallel_jobs=2, base_tuning_job_name=name, **more)

tuner = tuner_of("first", 6)
tuner.tune(inputs)
frame, best = tuner.analytics().dataframe(), tuner.best_training_job()
name = tuner.latest_tuning_job.hyper_parameter_tuning_job_name
warm = tuner_of("warm", 2, warm_start_config=HyperParameterTuningJobWarmStartConfig(
    warm_start_type="IdenticalDataAndAlgorithm",
    parent_hyper_parameter_tuning_jobs=[ParentHyperParameterTuningJob(hyper_parameter_tuning_job_name=name)]))
warm.tune(inputs)
ended = warm.describe()

trained = TrainingJob.get(best)
Model.create(model_name="best", execution_role_arn=role, primary_container=ContainerDefinition(
    image=image, model_data_url=trained.model_artifacts.s3_model_artifacts))
EndpointConfig.create(endpoint_config_name="best", production_variants=[ProductionVariant(
    variant_name="all", model_name="best", instance_type="ml.m5.large", initial_instance_count=1)])
endpoint = Endpoint.create(endpoint_name="best", endpoint_config_name="best")
endpoint.wait_for_status("InService")
answer = endpoint.invoke(body=b"1,2\\n3,4\\n", content_type="text/csv").body.read().decode()

long = tuner_of("long", 200, strategy="Random")
long.tune(inputs, wait=False)
long.stop_tuning_job()
long.wait()
values = frame["FinalObjectiveValue"]  # trees of dart, which drops none here, can be those of gbtree
told(status=tuner.describe().hyper_parameter_tuning_job_status, columns=sorted(frame.columns), values=list(values),
     best=best, lowest=list(frame[values == values.min()]["TrainingJobName"]), lowest_value=values.min(),
     hyperparameters=trained.hyper_parameters, answer=answer,
     warm=ended.hyper_parameter_tuning_job_status,
     overall=ended.overall_best_training_job.final_hyper_parameter_tuning_job_objective_metric.value,
     stopped=long.describe().hyper_parameter_tuning_job_status)
"""

SCRIPT = """
(folder / "code").mkdir()
(folder / "code/train.py").write_text(
    "import argparse\\n"
    "parser = argparse.ArgumentParser()\\n"
    "parser.add_argument('--width', type=float)\\n"
    "parser.add_argument('--kind')\\n"
    "given = parser.parse_args()\\n"
    "for epoch in range(3):\\n"
    "    print(f'epoch {epoch} loss={(given.width - 3) ** 2 + epoch / 100 + (given.kind == \\"bad\\")};')\\n")
trainer = trainer_of(image_uris.retrieve("sklearn", "us-east-1", "1.2-1", instance_type="ml.m5.large"),
                     source_code=SourceCode(source_dir=str(folder / "code"), entry_script="train.py"))
tuner = HyperparameterTuner(trainer, "loss", {"width": ContinuousParameter(0, 10),
                                              "kind": CategoricalParameter(["good", "bad"])},
                            metric_definitions=[{"Name": "loss", "Regex": "loss=([0-9.e-]+);"}],
                            objective_type="Minimize", strategy="Random", max_jobs=3, max_parallel_jobs=3)
tuner.tune()
told(rows=tuner.analytics().dataframe()[["width", "kind", "FinalObjectiveValue"]].values.tolist())
"""


@pytest.fixture
def run(server_factory, lathe, tmp_path):
    """run(program): what it tells on its last line."""
    python = os.environ.get("LATHE_SDK3_PYTHON")
    if not python:
        pytest.skip("LATHE_SDK3_PYTHON names no Python that has sagemaker-train")
    server = server_factory()

    def go(program):
        (tmp_path / "rows.csv").write_text(ROWS)
        (tmp_path / "program.py").write_text(BEGINNING + program)
        clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LATHE_HOME": str(server.home)}
        done = subprocess.run(
            ["bash", "-c", 'eval "$("$1" env)" && exec "$2" "$3" "$4"', "bash", lathe, python,
             tmp_path / "program.py", tmp_path], env=clean, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
        return json.loads(done.stdout.splitlines()[-1])
    return go


def test_tune_analytics_warm_start_deploy_and_stop(run):
    found = run(TUNER)
    assert found["status"] == "Completed" and len(found["values"]) == 6 and found["best"] in found["lowest"]
    assert {"max_depth", "eta", "booster", "FinalObjectiveValue", "TrainingElapsedTimeSeconds"} <= set(found["columns"])
    assert found["hyperparameters"]["num_round"] == "8" and 0.05 <= float(found["hyperparameters"]["eta"]) <= 0.5
    assert len(found["answer"].split()) == 2
    assert found["warm"] == "Completed" and found["overall"] <= found["lowest_value"]
    assert found["stopped"] == "Stopped"


def test_a_scripts_log_is_searched_for_the_objective(run):
    found = run(SCRIPT)
    assert len(found["rows"]) == 3
    for width, kind, value in found["rows"]:
        assert value == pytest.approx((width - 3) ** 2 + 0.02 + ("bad" in kind), rel=1e-4)
