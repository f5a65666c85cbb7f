"""MLflow's own client and SageMaker's plugin for it, in an environment of their own (`./dev setup
full`; LATHE_MLFLOW_PYTHON names its Python)."""

import os
import pathlib
import subprocess

import pytest

pytestmark = [pytest.mark.full]
ROOT = pathlib.Path(__file__).resolve().parents[2]

# What every script begins with: one that cannot ask has failed, and does not ask again for minutes.
BEGIN = """
import logging, os, sys, warnings
warnings.simplefilter("ignore")
import boto3, mlflow, numpy
logging.getLogger("mlflow.tracking.request_header.registry").setLevel(logging.ERROR)  # the plugin's, which is
# there for other URIs, too
url = os.environ["AWS_ENDPOINT_URL"]
tracked = mlflow.MlflowClient
"""


@pytest.fixture
def client(server, tmp_path):
    """client(text) runs a script with MLflow."""
    python = os.environ.get("LATHE_MLFLOW_PYTHON", ROOT / "build/venv-mlflow/bin/python")
    if not pathlib.Path(python).exists():
        pytest.skip(f"{python}, an environment with tests/requirements-mlflow.txt, is not there")

    def run(text):
        script = tmp_path / "script.py"
        script.write_text(BEGIN + text)
        environment = {**server.environment(), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
                       "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": server.url, "MLFLOW_DISABLE_TELEMETRY": "true",
                       "MLFLOW_TRACKING_URI": f"{server.url}/mlflow", "GIT_PYTHON_REFRESH": "quiet"}
        done = subprocess.run([python, script], env=environment, cwd=tmp_path, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout

    return run


def test_runs_are_logged_and_found(client):
    client("""
mlflow.set_experiment("client / runs")
with mlflow.start_run(run_name="parent") as parent:
    for loss in (0.5, 0.25, float("nan")):
        with mlflow.start_run(nested=True):
            mlflow.log_params({"kind": "tree", "eta": 0.1})
            for step in range(3):
                mlflow.log_metric("loss", loss / (step + 1), step=step)
            mlflow.log_metrics({"a": 1, "b": float("inf")}, step=1)
            mlflow.set_tags({"k": "v"})
            mlflow.log_text("hello", "notes/a.txt")
            mlflow.log_dict({"a": 1}, "b.json")
found = mlflow.search_runs(filter_string="metrics.loss < 0.2 and params.kind = 'tree'",
                           order_by=["metrics.loss DESC"])
assert list(found["metrics.loss"]) == [0.5 / 3, 0.25 / 3], found
assert set(found["tags.mlflow.parentRunId"]) == {parent.info.run_id}
assert set(found["metrics.b"]) == {float("inf")}
run = tracked().get_run(found["run_id"][0])
assert run.data.params == {"kind": "tree", "eta": "0.1"} and run.info.status == "FINISHED"
assert [one.value for one in tracked().get_metric_history(run.info.run_id, "loss")] == [0.5, 0.25, 0.5 / 3]
assert [one.path for one in tracked().list_artifacts(run.info.run_id)] == ["b.json", "notes"]
assert mlflow.artifacts.load_text(run.info.artifact_uri + "/notes/a.txt") == "hello"
data = mlflow.data.from_numpy(numpy.ones((3, 2)), name="rows")
with mlflow.start_run(run_id=run.info.run_id):
    mlflow.log_input(data, context="train")
inputs = tracked().get_run(run.info.run_id).inputs.dataset_inputs
assert [(one.dataset.name, one.tags[0].value) for one in inputs] == [("rows", "train")]
tracked().delete_run(run.info.run_id)
assert len(mlflow.search_runs()) == 3
""")


def test_autologging_and_the_registry(client):
    client("""
import xgboost
from sklearn.linear_model import LogisticRegression
mlflow.set_experiment("client / autologging")
mlflow.autolog(silent=True)
rows = numpy.random.default_rng(0).normal(size=(200, 4))
labels = (rows[:, 0] > 0).astype(int)
with mlflow.start_run() as linear:
    fitted = LogisticRegression().fit(rows, labels)
matrix = xgboost.DMatrix(rows, labels)
with mlflow.start_run() as trees:
    xgboost.train({"max_depth": 2, "objective": "binary:logistic"}, matrix, 5, evals=[(matrix, "train")],
                  verbose_eval=False)
assert tracked().get_run(linear.info.run_id).data.metrics["training_score"] > 0.9
run = tracked().get_run(trees.info.run_id)
assert run.data.params["max_depth"] == "2" and run.data.metrics["train-logloss"] < 0.5
assert len(tracked().get_metric_history(run.info.run_id, "train-logloss")) == 5
models = {one.source_run_id: one for one in mlflow.search_logged_models(output_format="list")}
assert {one.status.value for one in models.values()} == {"READY"}
uri = "models:/" + models[linear.info.run_id].model_id
assert (mlflow.sklearn.load_model(uri).predict(rows) == fitted.predict(rows)).all()
for source in models.values():
    mlflow.register_model(f"models:/{source.model_id}", "client-churn")
names = tracked()
names.set_registered_model_alias("client-churn", "champion", 2)
version = names.get_model_version_by_alias("client-churn", "champion")
assert version.run_id in models and version.aliases == ["champion"]
loaded = mlflow.pyfunc.load_model("models:/client-churn@champion")
assert len(loaded.predict(rows)) == 200
names.transition_model_version_stage("client-churn", 1, "Production")
assert [one.version for one in names.get_latest_versions("client-churn", ["Production"])] == ["1"]
assert len(names.search_model_versions("name = 'client-churn'")) == 2
names.delete_registered_model("client-churn")
""")


def test_large_artifacts_go_in_parts(client):
    client("""
os.environ.update(MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD="true", MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD="true",
                  MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE=str(6 << 20),
                  MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE=str(5 << 20))
content = os.urandom(17 << 20)
open("large", "wb").write(content)
with mlflow.start_run() as run:
    mlflow.log_artifact("large", "below")
got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="below/large")
assert open(got, "rb").read() == content
""")


def test_a_tracking_server_is_named_by_its_arn(client):
    client("""
sagemaker, s3 = boto3.client("sagemaker"), boto3.client("s3")
s3.create_bucket(Bucket="client-artifacts")
arn = sagemaker.create_mlflow_tracking_server(
    TrackingServerName="client", ArtifactStoreUri="s3://client-artifacts/ml",
    RoleArn="arn:aws:iam::000000000000:role/any")["TrackingServerArn"]
mlflow.set_tracking_uri(arn)
mlflow.set_experiment("client / by ARN")
with mlflow.start_run() as run:
    mlflow.log_metric("m", 1.5)
    mlflow.log_text("direct", "t.txt")
assert run.info.artifact_uri.startswith("s3://client-artifacts/ml/")
os.environ["SAGEMAKER_PRESIGNED_URL_UPLOAD_ENABLED"] = "true"
with mlflow.start_run(run_id=run.info.run_id):
    mlflow.log_text("presigned", "d/p.txt")
assert mlflow.artifacts.load_text(run.info.artifact_uri + "/d/p.txt") == "presigned"
names = [one["Key"] for one in s3.list_objects_v2(Bucket="client-artifacts")["Contents"]]
assert sorted(name.split("/artifacts/")[1] for name in names) == ["d/p.txt", "t.txt"]
mlflow.set_experiment("Default")
with mlflow.start_run() as other:
    mlflow.log_text("both ways", "t.txt")
mlflow.set_tracking_uri(url + "/mlflow")
assert mlflow.artifacts.load_text(f"runs:/{other.info.run_id}/t.txt") == "both ways"
assert tracked().get_run(run.info.run_id).data.metrics == {"m": 1.5}
""")


def test_an_app_is_named_by_its_arn(client):
    client("""
sagemaker, s3 = boto3.client("sagemaker"), boto3.client("s3")
s3.create_bucket(Bucket="app-artifacts")
arn = sagemaker.create_mlflow_app(
    Name="Client", ArtifactStoreUri="s3://app-artifacts/ml",
    RoleArn="arn:aws:iam::000000000000:role/any")["Arn"]
mlflow.set_tracking_uri(arn)
mlflow.set_experiment("client / by an app's ARN")
with mlflow.start_run() as run:
    mlflow.log_metric("m", 1.5)
    mlflow.log_text("direct", "t.txt")
assert run.info.artifact_uri.startswith("s3://app-artifacts/ml/")
assert tracked().get_run(run.info.run_id).data.metrics == {"m": 1.5}
sagemaker.delete_mlflow_app(Arn=arn)
""")


def test_filters_are_taken_and_refused_as_mlflow_does(client):
    client("""
import random
from mlflow.exceptions import MlflowException
from mlflow.utils.search_utils import SearchUtils
KINDS = (SearchUtils.is_metric, SearchUtils.is_param, SearchUtils.is_tag, SearchUtils.is_dataset)
NAMES = ["metrics.a", "metric.`a b`", 'params."x y"', "param.k", "tags.t", "tag.`m.n`", "status", "start_time",
         "attributes.run_id", "attr.end_time", "dataset.name", "datasets.digest", "foo.x", "attributes.nix"]
COMPARATORS = ["=", "!=", "<", ">=", ">", "<=", "LIKE", "ilike", "IN", "NOT IN", "is null", "IS NOT NULL"]
VALUES = ["'x'", '"y"', "5", "-1.5", "1e3", "x", "''", "'a%'", "'it''s'"]
LISTS = ["('a')", "('a', 'b')", "(1)"]

def is_fine(text):
    try:
        for clause in SearchUtils.parse_search_filter(text):
            comparator, key = clause["comparator"].upper(), SearchUtils.translate_key_alias(clause["key"])
            [kind(clause["type"], comparator) for kind in KINDS]
            SearchUtils.is_string_attribute(clause["type"], key, comparator)
            SearchUtils.is_numeric_attribute(clause["type"], key, comparator)
        return True
    except MlflowException:
        return False

chance = random.Random(7)
counts = {True: 0, False: 0}
for _ in range(600):
    clauses = []
    for _ in range(chance.choice([1, 1, 2])):
        comparator = chance.choice(COMPARATORS)
        values = [""] if "null" in comparator.lower() else LISTS if "IN" in comparator else VALUES
        clauses.append(f"{chance.choice(NAMES)} {comparator} {chance.choice(values)}".strip())
    text = chance.choice([" AND ", " and "]).join(clauses)
    try:
        tracked().search_runs(["0"], text)
        taken = True
    except MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE", (text, error)
        taken = False
    assert taken == is_fine(text), text
    counts[taken] += 1
assert min(counts.values()) > 50, counts
""")
