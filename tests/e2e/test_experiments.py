"""Experiments, trials and their components, as boto3's and the SageMaker SDK's users keep them."""

import datetime
import json
import statistics
import subprocess
import sys

import numpy
import pytest
import xgboost
from botocore.exceptions import ClientError

import scripts
from sagemaker_jobs import channel, train, training_request, unique
from transforms import finish, make_tree_model, transform_request


def refusal(call, **request):
    with pytest.raises(ClientError) as refused:
        call(**request)
    return refused.value.response["Error"]


@pytest.fixture
def sagemaker(server):
    return server.client("sagemaker")


@pytest.fixture
def trial(sagemaker):
    """The names of an experiment and of a trial of it."""
    experiment, name = unique("experiment"), unique("trial")
    sagemaker.create_experiment(ExperimentName=experiment)
    sagemaker.create_trial(TrialName=name, ExperimentName=experiment)
    return experiment, name


def describe(sagemaker, component):
    return sagemaker.describe_trial_component(TrialComponentName=component)


def search(sagemaker, resource, name, value, operator="Equals", **more):
    found = sagemaker.search(Resource=resource, SearchExpression={
        "Filters": [{"Name": name, "Operator": operator, "Value": value}]}, **more)
    return [next(iter(result.values())) for result in found["Results"]]


# --- their life ----------------------------------------------------------------------------------


def test_an_experiment_from_its_creation_to_its_end(sagemaker):
    name = unique("Churn")
    arn = sagemaker.create_experiment(ExperimentName=name, Description="who leaves",
                                      Tags=[{"Key": "team", "Value": "a"}])["ExperimentArn"]
    assert arn.endswith(f":experiment/{name.lower()}")
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    taken = refusal(sagemaker.create_experiment, ExperimentName=name.upper())
    assert taken["Code"] == "ValidationException" and "already exists" in taken["Message"]
    sagemaker.update_experiment(ExperimentName=name, DisplayName="Leaving")
    told = sagemaker.describe_experiment(ExperimentName=name.lower())
    assert (told["ExperimentName"], told["DisplayName"], told["Description"]) == (
        name, "Leaving", "who leaves")
    assert told["LastModifiedTime"] >= told["CreationTime"]
    assert [one["ExperimentName"] for one in search(sagemaker, "Experiment", "Tags.team", "a")
            if one["ExperimentArn"] == arn] == [name]
    assert sagemaker.delete_experiment(ExperimentName=name)["ExperimentArn"] == arn
    assert refusal(sagemaker.describe_experiment, ExperimentName=name)["Code"] == "ResourceNotFound"
    assert refusal(sagemaker.delete_experiment, ExperimentName=name)["Code"] == "ResourceNotFound"


def test_lists_are_filtered_sorted_and_in_pages(sagemaker, trial):
    experiment, first = trial
    names = [first] + [unique("trial") for _ in range(4)]
    for name in names[1:]:
        sagemaker.create_trial(TrialName=name, ExperimentName=experiment)
    pages = sagemaker.get_paginator("list_trials").paginate(
        ExperimentName=experiment, SortBy="Name", SortOrder="Ascending",
        PaginationConfig={"PageSize": 2})
    pages = [[one["TrialName"] for one in page["TrialSummaries"]] for page in pages]
    assert [len(page) for page in pages] == [2, 2, 1] and sum(pages, []) == sorted(names)
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    assert sagemaker.list_trials(ExperimentName=experiment,
                                 CreatedAfter=now)["TrialSummaries"] == []
    newest = sagemaker.list_experiments(MaxResults=1)["ExperimentSummaries"]
    assert newest[0]["ExperimentName"] == experiment
    assert refusal(sagemaker.list_trials, ExperimentName="nobody")["Code"] == "ResourceNotFound"


def test_nothing_is_deleted_that_others_belong_to(sagemaker, trial):
    experiment, name = trial
    component = unique("component")
    sagemaker.create_trial_component(TrialComponentName=component)
    for _ in range(2):  # the second time nothing changes
        sagemaker.associate_trial_component(TrialComponentName=component, TrialName=name)
    for call, request in ((sagemaker.delete_experiment, {"ExperimentName": experiment}),
                          (sagemaker.delete_trial, {"TrialName": name}),
                          (sagemaker.delete_trial_component, {"TrialComponentName": component})):
        assert refusal(call, **request)["Code"] == "ValidationException"
    assert [one["TrialName"] for one in sagemaker.list_trials(
        TrialComponentName=component)["TrialSummaries"]] == [name]
    for listed in ({"TrialName": name}, {"ExperimentName": experiment}):
        assert [one["TrialComponentName"] for one in sagemaker.list_trial_components(
            **listed)["TrialComponentSummaries"]] == [component]
    sagemaker.disassociate_trial_component(TrialComponentName=component, TrialName=name)
    assert refusal(sagemaker.disassociate_trial_component, TrialComponentName=component,
                   TrialName=name)["Code"] == "ResourceNotFound"
    sagemaker.delete_trial_component(TrialComponentName=component)
    sagemaker.delete_trial(TrialName=name)
    sagemaker.delete_experiment(ExperimentName=experiment)
    assert refusal(sagemaker.create_trial, TrialName=name,
                   ExperimentName=experiment)["Code"] == "ResourceNotFound"


def test_a_component_of_nothing_has_empty_members(sagemaker):
    """The SDK's ExperimentAnalytics walks through them."""
    name = unique("component")
    sagemaker.create_trial_component(TrialComponentName=name)
    for told in (describe(sagemaker, name),
                 *search(sagemaker, "ExperimentTrialComponent", "TrialComponentName", name)):
        assert (told["Parameters"], told["InputArtifacts"], told["OutputArtifacts"]) == ({}, {}, {})


def test_a_components_members_are_added_replaced_and_removed(sagemaker):
    name = unique("component")
    sagemaker.create_trial_component(
        TrialComponentName=name, Parameters={"eta": {"NumberValue": 0.1},
                                             "kind": {"StringValue": "tree"}},
        InputArtifacts={"rows": {"MediaType": "text/csv", "Value": "s3://b/rows"}})
    sagemaker.update_trial_component(
        TrialComponentName=name, DisplayName="Fit", Status={"PrimaryStatus": "Completed"},
        Parameters={"eta": {"NumberValue": 0.2}, "depth": {"NumberValue": 3}},
        ParametersToRemove=["kind"], InputArtifactsToRemove=["rows"],
        OutputArtifacts={"model": {"Value": "s3://b/model"}})
    told = describe(sagemaker, name)
    assert told["Parameters"] == {"eta": {"NumberValue": 0.2}, "depth": {"NumberValue": 3}}
    assert told["InputArtifacts"] == {} and told["DisplayName"] == "Fit"
    assert told["OutputArtifacts"] == {"model": {"Value": "s3://b/model"}}
    assert told["Status"] == {"PrimaryStatus": "Completed"}


# --- metrics -------------------------------------------------------------------------------------


def test_metrics_are_summed_up_and_read_again(server, sagemaker):
    name, metrics = unique("component"), server.client("sagemaker-metrics")
    arn = sagemaker.create_trial_component(TrialComponentName=name)["TrialComponentArn"]
    values = [float(value) for value in numpy.random.default_rng(1).normal(1e6, 1, 25)]
    now = int(datetime.datetime.now().timestamp()) // 3600 * 3600
    for begin in range(0, len(values), 10):
        assert "Errors" not in metrics.batch_put_metrics(TrialComponentName=name, MetricData=[
            {"MetricName": "loss", "Value": value, "Step": step, "Timestamp": now + step}
            for step, value in list(enumerate(values))[begin:begin + 10]])
    told, = describe(sagemaker, name)["Metrics"]
    assert (told["MetricName"], told["Count"], told["SourceArn"]) == ("loss", 25, arn)
    assert (told["Min"], told["Max"], told["Last"]) == (min(values), max(values), values[-1])
    assert told["Avg"] == pytest.approx(statistics.fmean(values), rel=1e-12)
    assert told["StdDev"] == pytest.approx(statistics.pstdev(values), rel=1e-6)

    query = {"MetricName": "loss", "ResourceArn": arn}
    steps = {**query, "Period": "IterationNumber", "XAxisType": "IterationNumber"}
    found = metrics.batch_get_metrics(MetricQueries=[
        {**steps, "MetricStat": "Last", "Start": 5, "End": 8},
        {**query, "Period": "OneHour", "XAxisType": "Timestamp", "MetricStat": "Count"},
        {**steps, "MetricStat": "Min", "ResourceArn": arn + "x"}])["MetricQueryResults"]
    assert (found[0]["XAxisValues"], found[0]["MetricValues"]) == ([5, 6, 7, 8], values[5:9])
    assert (found[1]["XAxisValues"], found[1]["MetricValues"]) == ([now], [25])
    assert found[2]["Status"] == "ValidationError"
    assert refusal(metrics.batch_put_metrics, TrialComponentName="nobody", MetricData=[
        {"MetricName": "loss", "Value": 1, "Timestamp": now}])["Code"] == "ResourceNotFound"


@pytest.mark.parametrize("values", [[1e308, -1e308, 1.0], [1e-300, 0.0], [3.5] * 4, [-1.0, 2.0]])
def test_odd_metrics_are_summed_up(server, sagemaker, values):
    name = unique("component")
    sagemaker.create_trial_component(TrialComponentName=name)
    for value in values:
        server.client("sagemaker-metrics").batch_put_metrics(
            TrialComponentName=name,
            MetricData=[{"MetricName": "loss", "Value": value, "Timestamp": 1.7e9}])
    told, = describe(sagemaker, name)["Metrics"]
    assert (told["Count"], told["Min"], told["Max"], told["Last"]) == (
        len(values), min(values), max(values), values[-1])
    scale = 1e-12 * max(map(abs, values))
    assert told["Avg"] == pytest.approx(statistics.fmean(values), abs=scale)
    assert told["StdDev"] == pytest.approx(statistics.pstdev(values), abs=scale)


def test_components_are_found_by_what_they_hold(server, sagemaker, trial):
    experiment, name = trial
    components = [unique("component") for _ in range(3)]
    for i, component in enumerate(components):
        sagemaker.create_trial_component(TrialComponentName=component,
                                         Parameters={"eta": {"NumberValue": i + 9}})
        server.client("sagemaker-metrics").batch_put_metrics(
            TrialComponentName=component, MetricData=[
                {"MetricName": "test:accuracy", "Value": 3 - i, "Timestamp": 1.7e9}])
        if i:
            sagemaker.associate_trial_component(TrialComponentName=component, TrialName=name)
    found = search(sagemaker, "ExperimentTrialComponent", "Parents.ExperimentName", experiment,
                   SortBy="metrics.test:accuracy.max", SortOrder="Ascending")
    assert [one["TrialComponentName"] for one in found] == [components[2], components[1]]
    assert found[0]["Parents"] == [{"TrialName": name, "ExperimentName": experiment}]
    assert found[0]["Metrics"][0]["Max"] == 1
    for parameter in ("Parameters.eta", "Parameters.eta.NumberValue"):
        by_value = search(sagemaker, "ExperimentTrialComponent", parameter, "9", "GreaterThan",
                          SortBy=parameter, SortOrder="Descending")
        assert [one["TrialComponentName"] for one in by_value
                if one["TrialComponentName"] in components] == components[:0:-1]
    assert [one["TrialName"] for one in search(sagemaker, "ExperimentTrial", "ExperimentName",
                                               experiment)] == [name]


# --- jobs ----------------------------------------------------------------------------------------


@pytest.fixture
def rows(server, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="rows.csv",
                                   Body="".join(f"{i % 2},{i % 2},{i}\n" for i in range(100)))
    return f"s3://{bucket}/rows.csv"


def test_a_training_tells_what_it_did_in_its_component(server, sagemaker, bucket, rows, trial):
    experiment, name = trial
    request = training_request(bucket, [channel("train", rows), channel("validation", rows)],
                               num_round=5, max_depth=2)
    request["ExperimentConfig"] = {"ExperimentName": experiment, "TrialName": name,
                                   "TrialComponentDisplayName": "Training", "RunName": "first"}
    job = train(server, request)
    assert job["ExperimentConfig"] == request["ExperimentConfig"]
    summary, = sagemaker.list_trial_components(TrialName=name)["TrialComponentSummaries"]
    assert summary["TrialComponentName"] == request["TrainingJobName"] + "-aws-training-job"
    assert summary["Status"]["PrimaryStatus"] == "Completed"
    source = {"SourceArn": job["TrainingJobArn"], "SourceType": "SageMakerTrainingJob"}
    assert summary["TrialComponentSource"] == source
    told = describe(sagemaker, summary["TrialComponentName"])
    assert told["DisplayName"] == "Training" and told["Source"] == source
    assert told["Parameters"]["max_depth"] == {"NumberValue": 2}
    assert told["Parameters"]["SageMaker.InstanceCount"] == {"NumberValue": 1}
    assert told["InputArtifacts"]["train"] == {"MediaType": "text/csv", "Value": rows}
    assert told["OutputArtifacts"]["SageMaker.ModelArtifact"]["Value"] == \
        job["ModelArtifacts"]["S3ModelArtifacts"]
    metrics = {one["MetricName"]: one for one in told["Metrics"]}
    for last in job["FinalMetricDataList"]:
        one = metrics[last["MetricName"]]
        assert one["Last"] == pytest.approx(last["Value"]) and one["Count"] == 5
        assert one["Min"] <= one["Avg"] <= one["Max"]
    assert sagemaker.list_trial_components(SourceArn=job["TrainingJobArn"])[
        "TrialComponentSummaries"] == [summary]
    sagemaker.delete_training_job(TrainingJobName=request["TrainingJobName"])
    kept = describe(sagemaker, summary["TrialComponentName"])
    for member in ("Parameters", "Metrics", "Status", "OutputArtifacts", "EndTime"):
        assert kept[member] == told[member]


def test_other_jobs_have_components_too(server, sagemaker, bucket, rows, trial):
    experiment, name = trial
    process = unique("process")
    scripts.process(server, bucket, "print('done')\n", name=process,
                    ExperimentConfig={"TrialName": name})
    told = describe(sagemaker, process + "-aws-processing-job")
    assert told["Source"]["SourceType"] == "SageMakerProcessingJob"
    assert told["InputArtifacts"]["code"]["Value"].endswith("/script.py")
    data = numpy.arange(20.0).reshape(10, 2)
    model = make_tree_model(server, xgboost.train({}, xgboost.DMatrix(data, data[:, 0]), 2))
    request = transform_request(model, rows, f"s3://{bucket}/out",
                                ExperimentConfig={"ExperimentName": experiment})
    sagemaker.create_transform_job(**request)
    finish(server, request["TransformJobName"])
    told = describe(sagemaker, request["TransformJobName"] + "-aws-transform-job")
    assert told["OutputArtifacts"]["SageMaker.TransformOutput"]["Value"] == f"s3://{bucket}/out"
    assert len(sagemaker.list_trials(ExperimentName=experiment)["TrialSummaries"]) == 2


def test_a_job_of_an_experiment_that_is_none_is_refused(sagemaker, bucket, rows, trial):
    experiment, name = trial
    other = unique("other")
    sagemaker.create_experiment(ExperimentName=other)
    request = training_request(bucket, [channel("train", rows)])
    for config, code in (({"ExperimentName": "nobody"}, "ResourceNotFound"),
                         ({"TrialName": "nobody"}, "ResourceNotFound"),
                         ({"ExperimentName": other, "TrialName": name}, "ValidationException")):
        assert refusal(sagemaker.create_training_job, ExperimentConfig=config,
                       **request)["Code"] == code
    assert refusal(sagemaker.describe_training_job,
                   TrainingJobName=request["TrainingJobName"])["Code"] == "ValidationException"


# --- the SDK -------------------------------------------------------------------------------------

PROGRAM = """
import json, pathlib
import sagemaker
from sagemaker.analytics import ExperimentAnalytics
from sagemaker.experiments import Run, list_runs, load_run
session = sagemaker.Session()
pathlib.Path("notes.txt").write_text("deep")
for depth in (2, 3):
    with Run(experiment_name="depths", run_name=f"depth-{depth}", sagemaker_session=session) as run:
        run.log_parameter("depth", depth)
        run.log_parameters({"kind": "tree", "eta": 0.5})
        for step in range(12):
            run.log_metric("loss", depth / (step + 1), step=step)
        run.log_artifact("rows", "s3://bucket/rows", media_type="text/csv", is_output=False)
        run.log_file("notes.txt")
        run.log_confusion_matrix([0, 1, 1, 0], [0, 1, 0, 0], title="leavers")
with load_run(experiment_name="depths", run_name="depth-2", sagemaker_session=session) as run:
    run.log_parameter("again", 1)
runs = list_runs("depths", sagemaker_session=session)
frame = ExperimentAnalytics(experiment_name="depths", sagemaker_session=session).dataframe()
charts = session.sagemaker_client.list_artifacts(ArtifactType="ConfusionMatrix")["ArtifactSummaries"]
print(json.dumps({"charts": [one["ArtifactName"] for one in charts], "runs": sorted(run.run_name for run in runs), "config": runs[0].experiment_config,
                  "rows": json.loads(frame.sort_values("depth").to_json(orient="records"))}))
"""


@pytest.mark.full
def test_runs_of_the_sdk(server, lathe, tmp_path):
    pytest.importorskip("sagemaker", reason="the SageMaker SDK (tests/requirements.txt)")
    (tmp_path / "program.py").write_text(PROGRAM)
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LATHE_HOME": str(server.home)}
    done = subprocess.run(
        ["bash", "-c", 'eval "$("$1" env)" && exec "$2" program.py', "bash", lathe, sys.executable],
        env=clean, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["runs"] == ["depth-2", "depth-3"]
    assert told["charts"] == ["leavers", "leavers"]
    assert told["config"]["ExperimentName"] == "depths"
    for depth, row in zip((2, 3), told["rows"], strict=True):
        assert (row["depth"], row["kind"], row["eta"]) == (depth, "tree", 0.5)
        assert row["loss - Max"] == depth and row["loss - Last"] == pytest.approx(depth / 12)
        assert row["loss - Count"] == 12 and row["rows - Value"] == "s3://bucket/rows"
        assert row["Trials"] == ["Default-Run-Group-depths"]
    assert told["rows"][0]["again"] == 1


@pytest.mark.full
def test_a_script_goes_on_in_the_run_that_its_job_was_started_in(server, sagemaker, bucket):
    pytest.importorskip("sagemaker", reason="the SageMaker SDK (tests/requirements.txt)")
    experiment = unique("within")
    _, lines = scripts.run(
        server, bucket, "import json\nfrom sagemaker.experiments import Run\n"
        f"with Run(experiment_name='{experiment}', run_name='first') as run:\n"
        "    run.log_parameter('depth', 2)\nprint(json.dumps(run.experiment_config))\n")
    config = json.loads(lines[-1])
    job, _ = scripts.run(server, bucket, "from sagemaker.experiments import load_run\n"
                         "with load_run() as run:\n    run.log_metric('loss', 0.25)\n",
                         ExperimentConfig=config)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    told = describe(sagemaker, config["RunName"])
    assert told["Parameters"]["depth"] == {"NumberValue": 2}
    assert [(one["MetricName"], one["Last"]) for one in told["Metrics"]] == [("loss", 0.25)]
    assert {one["TrialComponentName"] for one in sagemaker.list_trial_components(
        TrialName=config["TrialName"])["TrialComponentSummaries"]} == {
            config["RunName"], job["ProcessingJobName"] + "-aws-processing-job"}
