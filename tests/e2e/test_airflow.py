"""Airflow with its Amazon provider against lathe: the DAG of examples/abalone, run as
`airflow dags test` runs it, in a process and with a database of its own."""

import io
import json
import subprocess

import numpy
import pytest
import xgboost

from airflow_runs import ROOT, Airflow
from sagemaker_jobs import booster
from spark_jobs import spark_server

pytestmark = [pytest.mark.full, pytest.mark.airflow]


@pytest.fixture(scope="module")
def server(server_factory, tmp_path_factory):
    return spark_server(server_factory, tmp_path_factory.mktemp("configuration"))


@pytest.fixture(scope="module")
def airflow(server, tmp_path_factory):
    return Airflow(server, tmp_path_factory.mktemp("airflow"), ROOT / "examples/abalone")


@pytest.fixture(scope="module")
def rows(lathe, tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "abalone.csv"
    sampled = subprocess.run([lathe, "sample", "abalone", "--rows", "1500", "--seed", "3"], check=True,
                             text=True, stdout=subprocess.PIPE).stdout.splitlines()
    # One row twice and one without a height: the job on Spark is to drop both.
    flat = sampled[1].split(",")
    flat[3] = "0"
    path.write_text("\n".join([*sampled, sampled[0], ",".join(flat)]) + "\n")
    return path


@pytest.fixture(scope="module")
def trained(airflow, rows):
    return airflow.test("abalone", rows=str(rows), rounds=20, keep=True)


@pytest.fixture(scope="module")
def tuned(airflow, rows, trained):
    """The same again, while the first one's jobs, bucket and endpoint are there."""
    return airflow.test("abalone", rows=str(rows), rounds=20, tune=True)


def objects(server, uri):
    bucket, prefix = uri.removeprefix("s3://").split("/", 1)
    s3 = server.client("s3")
    return {entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])}


def test_every_task_of_the_chosen_branch_succeeds_at_once(trained):
    tasks, log = trained
    assert tasks.pop("tune")["state"] == "skipped"
    assert {task["state"] for task in tasks.values()} == {"success"}
    assert {task["tries"] for task in tasks.values()} <= {0, 1}
    # Results are small: what Airflow's documentation once named as the most for all databases.
    assert all(len(json.dumps(task["result"])) < 49344 for task in tasks.values())
    # Its trigger asked with the asynchronous client; a training may end before there is one.
    assert log.count("new_state=deferred") in (1, 2)


def test_spark_cleaned_on_two_instances(server, trained, rows):
    told = trained[0]["clean"]["result"]["Processing"]
    assert told["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    target = told["AppSpecification"]["ContainerArguments"][1]
    clean = b"".join(objects(server, f"{target}/clean/").values()).decode().split()
    raw = {line for line in rows.read_text().split() if float(line.split(",")[3]) > 0}
    assert len(clean) == len(raw)
    assert sorted(line.split(",")[0] for line in clean) == sorted(line.split(",")[0] for line in raw)


def test_endpoint_and_transform_answer_as_xgboost_does(server, trained):
    tasks, _ = trained
    model = booster(server, tasks["chosen"]["result"])
    told = tasks["clean"]["result"]["Processing"]
    run = told["AppSpecification"]["ContainerArguments"][1]
    # The features of the rows: by the job, which wrote them with the rings first.
    written = b"".join(body for name in ("train", "validation", "test")
                       for body in objects(server, f"{run}/{name}/").values())
    table = numpy.loadtxt(io.BytesIO(written), delimiter=",", dtype=numpy.float32)
    expected = model.predict(xgboost.DMatrix(table[:, 1:], nthread=1))
    answers = b"".join(objects(server, f"{run}/answers/").values()).split()
    assert len(answers) == len(table)
    numpy.testing.assert_allclose(numpy.sort(numpy.array(answers, numpy.float32)),
                                  numpy.sort(expected), rtol=1e-5)
    assert 5 < tasks["ask"]["result"] < 15


def test_names_that_are_taken_are_what_the_provider_expects(trained, tuned):
    first, second = trained[0], tuned[0]
    names = [(told["clean"]["result"]["Processing"]["ProcessingJobName"],
              told["features"]["result"]["Processing"]["ProcessingJobName"],
              told["transform"]["result"]["Transform"]["TransformJobName"]) for told in (first, second)]
    assert names[0] == ("abalone-clean", "abalone-features", "abalone-transform")
    assert all(again.startswith(f"{name}-") for name, again in zip(*names))
    assert "cannot create already existing endpoint abalone, updating it" in tuned[1]
    assert second["deploy"]["result"]["Endpoint"]["EndpointStatus"] in ("Updating", "InService")
    assert second["ask"]["result"] != first["ask"]["result"]  # the other model's answer


def test_the_best_of_those_that_were_tried_is_deployed(tuned):
    tasks, _ = tuned
    assert tasks["train"]["state"] == "skipped"
    told = tasks["tune"]["result"]["Tuning"]
    assert told["TrainingJobStatusCounters"]["Completed"] == 4
    assert told["BestTrainingJob"]["TrainingJobName"] in tasks["chosen"]["result"]


def test_nothing_is_left(server, tuned, trained):
    """The second run removes what it made, and the bucket and the endpoint that both used."""
    sagemaker = server.client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert server.client("s3").list_buckets()["Buckets"] == []
    kept = trained[0]["model"]["result"]["Model"]["ModelName"]
    assert [model["ModelName"] for model in sagemaker.list_models()["Models"]] == [kept]
