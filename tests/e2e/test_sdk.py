"""The SageMaker SDK as its users drive it: nothing is set but what `lathe env` prints. The SDK runs in
a process of its own, since it reads its settings while it is imported."""

import json
import re
import subprocess
import sys

import numpy
import pytest
import xgboost

from sagemaker_jobs import ai4i_rows, booster, to_csv

pytestmark = pytest.mark.full

# What a notebook would hold. It tells what it saw on its last line; the log goes before it.
PROGRAM = """
import json, pathlib, sys, time
# The SDK looks again every 5 to 30 s; here jobs take less than one.
pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, 0.2))

import sagemaker
from sagemaker.analytics import TrainingJobAnalytics
from sagemaker.deserializers import CSVDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.serializers import CSVSerializer

folder, role = pathlib.Path(sys.argv[1]), "arn:aws:iam::000000000000:role/SageMakerRole"
session = sagemaker.Session()
bucket = session.default_bucket()
channels = {name: TrainingInput(session.upload_data(str(folder / f"{name}.csv"), bucket,
                                                    f"rows/{name}"), content_type="text/csv")
            for name in ("train", "validation")}
estimator = Estimator(sagemaker.image_uris.retrieve("xgboost", "us-east-1", "3.0-5"), role,
                      instance_count=1, instance_type="ml.m5.xlarge", sagemaker_session=session,
                      hyperparameters={"objective": "binary:logistic", "num_round": 30,
                                       "max_depth": 4, "eval_metric": "auc"})
estimator.fit(channels, wait=True, logs="All")
job = estimator.latest_training_job
frame = TrainingJobAnalytics(job.name, ["validation:auc"], sagemaker_session=session).dataframe()
attached = Estimator.attach(job.name, sagemaker_session=session)

predictor = attached.deploy(1, "ml.m5.large", serializer=CSVSerializer(),
                            deserializer=CSVDeserializer())
rows = [line.split(",") for line in (folder / "test.csv").read_text().split()]
answer = predictor.predict(rows)
predictor.update_endpoint(initial_instance_count=2, instance_type="ml.m5.xlarge")
again = predictor.predict(rows)
predictor.delete_model()
predictor.delete_endpoint()
sagemaker_client = session.sagemaker_client
print()
print(json.dumps({
    "bucket": bucket, "model_data": estimator.model_data, "attached": attached.model_data,
    "hyperparameters": attached.hyperparameters(),
    "points": len(frame), "auc": float(frame["value"].iloc[-1]), "answer": answer, "again": again,
    "models": len(sagemaker_client.list_models()["Models"]),
    "endpoints": len(sagemaker_client.list_endpoints()["Endpoints"]),
    "configs": len(sagemaker_client.list_endpoint_configs()["EndpointConfigs"])}))
"""


@pytest.fixture(scope="module")
def rows(data):
    return ai4i_rows(data("ai4i2020/ai4i2020.csv.gz"))


@pytest.fixture(scope="module")
def session(server_factory, lathe, rows, tmp_path_factory):
    """A server, what the program printed, and what it told."""
    pytest.importorskip("sagemaker", reason="the SageMaker SDK (tests/requirements.txt)")
    server, folder = server_factory(), tmp_path_factory.mktemp("sdk")
    (folder / "train.csv").write_text(to_csv(rows[:8000]))
    (folder / "validation.csv").write_text(to_csv(rows[8000:]))
    (folder / "test.csv").write_text(to_csv(rows[8000:], label=False))
    (folder / "program.py").write_text(PROGRAM)
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LATHE_HOME": str(server.home)}
    done = subprocess.run(
        ["bash", "-c", 'eval "$("$1" env)" && exec "$2" "$3" "$4"', "bash", lathe, sys.executable,
         folder / "program.py", folder],
        env=clean, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return server, done.stdout, json.loads(done.stdout.splitlines()[-1])


def test_fit_follows_the_log_to_the_end(session):
    _, printed, _ = session
    rounds = [line for line in printed.splitlines() if "#011validation-auc:" in line]
    assert len(rounds) == 30 and "[29]" in rounds[-1]
    assert "Training - Training in progress" in printed
    assert "Uploading - Uploading generated training model" in printed
    assert re.search(r"Billable seconds: [1-9]", printed)


def test_the_job_is_found_again_with_its_metrics(session):
    _, printed, told = session
    assert told["bucket"] == "sagemaker-us-east-1-000000000000"
    assert told["model_data"] == told["attached"]
    assert told["model_data"].startswith(f"s3://{told['bucket']}/")
    assert told["hyperparameters"]["num_round"] == "30"
    logged = [float(line.split("validation-auc:")[1].split("#")[0])
              for line in printed.splitlines() if "#011validation-auc:" in line]
    assert told["points"] >= 1
    # A minute's average, as CloudWatch keeps it.
    assert min(logged) <= told["auc"] <= max(logged)


def test_predictions_are_xgboosts(session, rows):
    server, _, told = session
    expected = booster(server, told["model_data"]).predict(
        xgboost.DMatrix(numpy.array([x for _, x in rows[8000:]], numpy.float32)))
    for name in ("answer", "again"):
        got = numpy.array([float(v) for line in told[name] for v in line if v], numpy.float32)
        numpy.testing.assert_array_max_ulp(got, expected, 1)


def test_deleting_deletes(session):
    _, _, told = session
    assert told["models"] == told["endpoints"] == 0
    assert told["configs"] == 1  # update_endpoint leaves the one that it replaced
