"""Workflows as SageMaker Pipelines, driven by boto3 from definitions in the SDK's form."""

import json

import pytest
from botocore.exceptions import ClientError

from pipelines import (compare, condition, create, definition, endpoint, finish, get, join, model,
                       operation, parameter, run, start, statuses, step, steps_of, training)
from sagemaker_jobs import ROLE, XGBOOST, scores, unique


@pytest.fixture
def rows(server, bucket):
    """A bucket with training rows: y = 2 a + b."""
    text = "".join(f"{2 * a + b},{a},{b}\n" for a in range(20) for b in range(20))
    server.client("s3").put_object(Bucket=bucket, Key="train.csv", Body=text)
    return f"s3://{bucket}/train.csv"


RMSE = get("Steps.Train.FinalMetricDataList['train:rmse'].Value")


def test_from_rows_to_an_endpoint(server, bucket, rows):
    made = definition(
        training("Train", bucket, rows, settings={"num_round": join("", get("Parameters.Rounds"))}),
        condition("Check", [compare("LessThan", RMSE, get("Parameters.Limit"))],
                  [model("Create-CreateModel", "Train"), *endpoint("Create-CreateModel")],
                  [step("TooWeak", "Fail", {"ErrorMessage": join(" ", "RMSE above",
                                                                 get("Parameters.Limit"))})]),
        parameters=[parameter("Rounds", "Integer", 20), parameter("Limit", "Float", 5.5)])
    arn, end, steps = run(server, made)
    assert end["PipelineExecutionStatus"] == "Succeeded", end
    assert {name: one["StepStatus"] for name, one in steps.items()} == {
        "Train": "Succeeded", "Check": "Succeeded", "Create-CreateModel": "Succeeded",
        "Configure": "Succeeded", "Deploy": "Succeeded"}
    assert steps["Check"]["Metadata"]["Condition"]["Outcome"] == "True"
    identity = arn.rsplit("/", 1)[1]
    assert len(identity) == 12
    job = steps["Train"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[1]
    assert job.startswith(f"pipelines-{identity}-Train-")
    described = server.client("sagemaker").describe_training_job(
        TrainingJobName=job)
    assert described["HyperParameters"]["num_round"] == "20"
    tags = server.client("sagemaker").list_tags(ResourceArn=described["TrainingJobArn"])["Tags"]
    assert {one["Key"]: one["Value"] for one in tags} == {
        "sagemaker:pipeline-execution-arn": arn, "sagemaker:pipeline-name": arn.split("/")[1],
        "sagemaker:pipeline-step-name": "Train"}
    answer = server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=f"live-{identity}", ContentType="text/csv", Body="3,4\n")
    assert abs(scores(answer["Body"].read())[0] - 10) < 3

    # The same definition, other parameters, the other branch.
    name = arn.split("/")[1]
    arn = start(server, name, Limit="0.0001", Rounds="1")
    end = finish(server, arn)
    steps = steps_of(server, arn)
    assert end["PipelineExecutionStatus"] == "Failed"
    assert "TooWeak: RMSE above 0.0001" in end["FailureReason"]
    assert steps["Check"]["Metadata"]["Condition"]["Outcome"] == "False"
    assert steps["TooWeak"]["Metadata"]["Fail"]["ErrorMessage"] == "RMSE above 0.0001"
    assert "Create-CreateModel" not in steps


def tag(name, bucket, key="k", value="v", **more):
    """A quick step of one operation, whose effect can be seen."""
    return operation(name, "PutObjectTagging",
                     {"Bucket": bucket, "Key": "train.csv",
                      "Tagging": {"TagSet": [{"Key": key, "Value": value}]}}, service="s3", **more)


def put(name, bucket, key, body, **more):
    return operation(name, "PutObject", {"Bucket": bucket, "Key": key, "Body": body}, service="s3",
                     **more)


def read(server, bucket, key):
    return server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()


def exists(server, bucket, key):
    return server.client("s3").list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1


# --- definitions ----------------------------------------------------------------------------------

@pytest.mark.parametrize("made, words", [
    (definition(step("T", "EMR", {})), ["step T", "EMR", "not supported yet"]),
    (definition(step("L", "Lambda", {})), ["step L", "Lambda", "not supported yet"]),
    (definition(tag("A", "bucket"), tag("A", "bucket")), ["two steps", "A"]),
    (definition(tag("A", "b", DependsOn=["Nobody"])), ["step A", "no step Nobody"]),
    (definition(tag("A", get("Steps.Nobody.X"))), ["step A", "no step Nobody"]),
    (definition(tag("A", get("Parameters.Nothing"))), ["step A", "Parameters.Nothing"]),
    (definition(tag("A", get("Execution.Nothing"))), ["step A", "Execution.Nothing"]),
    (definition(tag("A", "b", DependsOn=["B"]), tag("B", "b", DependsOn=["A"])), ["cycle"]),
    (definition(tag("A", "b", DependsOn=["A"])), ["cycle"]),
    (definition(step("No", "Fail", {}), tag("A", "b", DependsOn=["No"])),
     ["A can not depends on No"]),
    (definition(condition("C", [compare("Like", 1, 1)])), ["step C", "Like"]),
    (definition(condition("C", [])), ["step C", "Conditions"]),
    (definition(condition("C", [{"Type": "Not", "Expression": compare("Equals", 1, 1)}])),
     ["step C", "no Condition"]),
    (definition(condition("C", [{"Type": "Not", "Condition": compare("Equals", 1, 1),
                                 "Expression": 1}])), ["step C", "unknown property 'Expression'"]),
    (definition(condition("C", [{**compare("Equals", 1, 1), "Value": 1}])),
     ["step C", "unknown property 'Value'"]),
    (definition(tag("A", "b"), tag("B", "b", DependsOn=[{"Step": "A", "Trigger": "Failed"}])),
     ["step B", "Trigger Failed"]),
    (definition(tag("A", "b", Retries=3)), ["step A", "Retries"]),
    (definition(step("A", "Lambda", {}, FunctionArn="arn")), ["step A", "steps of type Lambda"]),
    (definition(tag("A", "b", RetryPolicies=[{"ExceptionType": ["Step.ALL"]}])), ["Step.ALL"]),
    (definition(operation("A", "CreateUniverse", {})), ["step A", "CreateUniverse"]),
    (definition(training("A", "b", "s3://b/k", CacheConfig={"Enabled": True,
                                                            "ExpireAfter": "1 hour"})),
     ["step A", "1 hour"]),
    (definition(), ["no Steps"]),
    ({"Version": "2019-01-01", "Steps": []}, ["2019-01-01"]),
    (definition(tag("A", "b"), parameters=[parameter("P", "Date")]), ["P", "String"]),
])
def test_what_a_definition_gets_wrong_is_said_with_the_step(server, made, words):
    with pytest.raises(ClientError) as refused:
        create(server, made)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    for word in words:
        assert word in refused.value.response["Error"]["Message"]


def test_a_pipeline_s_life(server, bucket):
    sagemaker, first = server.client("sagemaker"), definition(tag("A", bucket))
    name = create(server, first, PipelineDescription="one", Tags=[{"Key": "k", "Value": "v"}])
    with pytest.raises(ClientError) as taken:
        create(server, first, name)
    assert taken.value.response["Error"]["Code"] == "ValidationException"
    assert "already exists" in taken.value.response["Error"]["Message"]
    told = sagemaker.describe_pipeline(PipelineName=name)
    assert json.loads(told["PipelineDefinition"]) == first
    assert told["PipelineStatus"] == "Active" and told["PipelineDescription"] == "one"
    assert sagemaker.list_tags(ResourceArn=told["PipelineArn"])["Tags"] == [
        {"Key": "k", "Value": "v"}]
    assert sagemaker.describe_pipeline(PipelineName=told["PipelineArn"])["PipelineName"] == name

    second = definition(tag("B", bucket))
    server.client("s3").put_object(Bucket=bucket, Key="definition.json", Body=json.dumps(second))
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinitionS3Location={
        "Bucket": bucket, "ObjectKey": "definition.json"})
    told = sagemaker.describe_pipeline(PipelineName=name)
    assert json.loads(told["PipelineDefinition"]) == second
    assert [one["PipelineName"] for one in
            sagemaker.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]] == [name]

    sagemaker.delete_pipeline(PipelineName=name)
    with pytest.raises(ClientError) as gone:
        sagemaker.describe_pipeline(PipelineName=name)
    assert gone.value.response["Error"]["Code"] == "ResourceNotFound"


def test_an_execution_keeps_the_definition_it_was_started_with(server, bucket, rows):
    sagemaker = server.client("sagemaker")
    name = create(server, definition(tag("A", bucket)))
    arn = start(server, name)
    finish(server, arn)
    sagemaker.update_pipeline(PipelineName=name,
                              PipelineDefinition=json.dumps(definition(tag("B", bucket))))
    later = start(server, name)
    finish(server, later)
    assert set(statuses(server, arn)) == {"A"} and set(statuses(server, later)) == {"B"}
    kept = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert json.loads(kept["PipelineDefinition"])["Steps"][0]["Name"] == "A"
    listed = sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert [one["PipelineExecutionArn"] for one in listed] == [later, arn]


# --- parameters and expressions -------------------------------------------------------------------

def test_parameters_are_checked_and_typed(server, bucket):
    made = definition(
        put("Tell", bucket, "told", join("|", get("Parameters.S"), get("Parameters.I"),
                                         get("Parameters.F"), get("Parameters.B"))),
        parameters=[parameter("S", "String", "x", ["x", "y"]), parameter("I", "Integer", 7),
                    parameter("F", "Float", 0.1), parameter("B", "Boolean", True),
                    parameter("Needed", "String")])
    name = create(server, made)
    for given, word in [({}, "Needed"), ({"Needed": "", "I": "1.5"}, "I"),
                        ({"Needed": "", "S": "z"}, "S"), ({"Needed": "", "F": "much"}, "F"),
                        ({"Needed": "", "B": "yes"}, "B"), ({"Needed": "", "Z": "1"}, "Z")]:
        with pytest.raises(ClientError) as refused:
            start(server, name, **given)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
        assert f"parameter {word}" in refused.value.response["Error"]["Message"]
    arn = start(server, name, Needed="n", I="12", S="y")
    assert finish(server, arn)["PipelineExecutionStatus"] == "Succeeded"
    assert read(server, bucket, "told") == "y|12|0.1|true"
    told = server.client("sagemaker").list_pipeline_parameters_for_execution(
        PipelineExecutionArn=arn)["PipelineParameters"]
    assert {"Name": "I", "Value": "12"} in told and len(told) == 5


def test_expressions_see_the_execution_steps_and_documents(server, bucket):
    report = {"metrics": {"auc": {"value": 0.91}}, "list": [{"a b": 3}, {"MetricName": "m", "v": 4}]}
    uri = f"s3://{bucket}/report.json"

    def value(path):
        return {"Std:JsonGet": {"S3Uri": uri, "Path": path}}

    made = definition(
        put("Report", bucket, "report.json", json.dumps(report)),
        put("Tell", bucket, "told", join(
            " ", get("Execution.PipelineName"), get("Execution.PipelineExecutionId"),
            get("Execution.PipelineExecutionArn"), value("metrics.auc.value"),
            value("list[0]['a b']"), value("$.list['m'].v"), join("", "n", "ested")),
            DependsOn=["Report"]))
    name = create(server, made)
    arn = start(server, name)
    end = finish(server, arn)
    assert end["PipelineExecutionStatus"] == "Succeeded", end
    assert read(server, bucket, "told") == f"{name} {arn.rsplit('/', 1)[1]} {arn} 0.91 3 4 nested"


def test_a_step_whose_expression_finds_nothing_says_so(server, bucket):
    made = definition(put("Report", bucket, "r.json", "{}"),
                      put("Tell", bucket, "told", {"Std:JsonGet": {
                          "S3Uri": f"s3://{bucket}/r.json", "Path": "a.b"}}, DependsOn=["Report"]))
    _, end, steps = run(server, made)
    assert end["PipelineExecutionStatus"] == "Failed"
    assert steps["Tell"]["StepStatus"] == "Failed"
    assert "r.json" in steps["Tell"]["FailureReason"] and "a.b" in steps["Tell"]["FailureReason"]
    assert "Tell" in end["FailureReason"]


@pytest.mark.parametrize("conditions, holds", [
    ([compare("Equals", 1, 1.0)], True),
    ([compare("Equals", "1", "1.0")], False),
    ([compare("Equals", get("Parameters.I"), "5")], True),
    ([compare("GreaterThan", 2, 1), compare("LessThan", 2, 1)], False),
    ([compare("GreaterThanOrEqualTo", 2, 2), compare("LessThanOrEqualTo", 2, 2)], True),
    ([compare("LessThan", "a", "b")], True),
    ([{"Type": "In", "QueryValue": get("Parameters.I"), "Values": [4, 5]}], True),
    ([{"Type": "Not", "Condition": {"Type": "In", "QueryValue": "x", "Values": ["y"]}}], True),
    ([{"Type": "Or", "Conditions": [compare("Equals", 1, 2), compare("Equals", 2, 2)]}], True),
    ([{"Type": "And", "Conditions": [compare("Equals", 1, 2), compare("Equals", 2, 2)]}], False),
    ([compare("Equals", True, True)], True),
])
def test_conditions(server, bucket, conditions, holds):
    made = definition(condition("C", conditions, [put("Then", bucket, "then", "1")],
                                [put("Else", bucket, "else", "1")]),
                      put("After", bucket, "after", join("", get("Steps.C.Outcome"))),
                      parameters=[parameter("I", "Integer", 5)])
    _, end, steps = run(server, made)
    assert end["PipelineExecutionStatus"] == "Succeeded", end
    assert set(steps) == {"C", "After", "Then" if holds else "Else"}
    assert read(server, bucket, "after") == ("true" if holds else "false")
    assert exists(server, bucket, "then") == holds and exists(server, bucket, "else") != holds


def test_a_failure_without_a_message_has_no_reason(server):
    _, end, steps = run(server, definition(step("Stop", "Fail", {})))
    assert end["PipelineExecutionStatus"] == "Failed"
    assert "Step failure: One or multiple steps failed" in end["FailureReason"]
    assert steps["Stop"]["StepStatus"] == "Failed" and "FailureReason" not in steps["Stop"]
    assert steps["Stop"]["Metadata"]["Fail"]["ErrorMessage"] == ""


def test_conditions_as_the_sdk_writes_them(server, bucket):
    from sagemaker.workflow import conditions  # slow to import

    equal = conditions.ConditionEquals(left="x", right="y")
    written = [conditions.ConditionNot(equal).to_request(),
               conditions.ConditionOr([equal, conditions.ConditionIn("x", ["x"])]).to_request(),
               conditions.ConditionNot(conditions.ConditionLessThan(2, 1)).to_request()]
    _, end, steps = run(server, definition(condition("C", written,
                                                     [put("Then", bucket, "then", "1")], [])))
    assert end["PipelineExecutionStatus"] == "Succeeded", end
    assert set(steps) == {"C", "Then"}


def test_versions_are_listed_named_and_started(server, bucket):
    sagemaker = server.client("sagemaker")
    name = create(server, definition(tag("First", bucket)))
    arn = sagemaker.update_pipeline(
        PipelineName=name, PipelineDefinition=json.dumps(definition(tag("Second", bucket))),
        PipelineVersionAliases=["live", "newest"])["PipelineArn"]
    sagemaker.update_pipeline_version(
        PipelineArn=arn, PipelineVersionId=1, PipelineVersionDisplayName="the-first",
        PipelineVersionDescription="as it was", PipelineVersionAliasOperations={"Add": ["live"]})
    started = sagemaker.start_pipeline_execution(PipelineName=name, PipelineVersionAlias="live")
    finish(server, started["PipelineExecutionArn"])
    assert set(steps_of(server, started["PipelineExecutionArn"])) == {"First"}

    def told(**version):
        return sagemaker.describe_pipeline(PipelineName=name, **version)

    assert "Second" in told()["PipelineDefinition"]
    assert told()["PipelineVersionAliases"] == ["newest"]
    for version in ({"PipelineVersionId": 1}, {"PipelineVersionAlias": "live"}):
        assert "First" in told(**version)["PipelineDefinition"]
        assert told(**version)["PipelineVersionDisplayName"] == "the-first"
    second, first = sagemaker.list_pipeline_versions(PipelineName=name)["PipelineVersionSummaries"]
    assert (second["PipelineVersionId"], first["PipelineVersionId"]) == (2, 1)
    assert first["PipelineVersionAliases"] == ["live"]
    assert first["LastExecutionPipelineExecutionArn"] == started["PipelineExecutionArn"]
    for missing in ({"PipelineVersionId": 3}, {"PipelineVersionAlias": "dead"}):
        with pytest.raises(sagemaker.exceptions.ResourceNotFound):
            told(**missing)
    sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken="t" * 32)


def test_jobs_belong_to_the_experiment_that_the_definition_names(server, bucket, rows):
    sagemaker = server.client("sagemaker")
    experiment = unique("Experiment")
    default = definition(training("Train", bucket, rows))
    named = {**default, "PipelineExperimentConfig": {
        "ExperimentName": experiment.lower(),
        "TrialName": join("-", "my", get("Execution.PipelineExecutionId"))}}
    sagemaker.create_experiment(ExperimentName=experiment)
    for made, trial in ((default, "{}"), (named, "my-{}")):
        arn, end, _ = run(server, made)
        wanted = {"ExperimentName": arn.split("/")[1] if made is default else experiment,
                  "TrialName": trial.format(arn.rsplit("/", 1)[1])}
        assert end["PipelineExperimentConfig"] == wanted
        told = sagemaker.describe_trial(TrialName=wanted["TrialName"])
        assert told["ExperimentName"] == wanted["ExperimentName"]
        component, = sagemaker.list_trial_components(
            TrialName=wanted["TrialName"])["TrialComponentSummaries"]
        assert ":training-job/" in component["TrialComponentSource"]["SourceArn"]
    _, end, _ = run(server, {**default, "PipelineExperimentConfig": None})
    assert "PipelineExperimentConfig" not in end


# --- running --------------------------------------------------------------------------------------

def test_steps_come_newest_first_and_a_token_starts_once(server, bucket, rows):
    sagemaker = server.client("sagemaker")
    name = create(server, definition(tag("B", bucket, DependsOn=["A"]), tag("A", bucket),
                                     tag("C", bucket, DependsOn=["B"])))
    token = "t" * 40
    arns = {sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=token)
            ["PipelineExecutionArn"] for _ in range(3)}
    assert len(arns) == 1
    arn = arns.pop()
    finish(server, arn)
    listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, MaxResults=2)
    assert [one["StepName"] for one in listed["PipelineExecutionSteps"]] == ["C", "B"]
    assert list(steps_of(server, arn)) == ["C", "B", "A"]
    assert all(one["AttemptCount"] == 1 for one in listed["PipelineExecutionSteps"])


def test_what_failed_is_told_and_a_retry_goes_on_from_there(server, bucket, rows):
    """A training without its rows; once they are there, the retry does not repeat what was done."""
    missing = f"s3://{bucket}/later.csv"
    made = definition(put("Before", bucket, "before", "1"),
                      training("Train", bucket, missing, DependsOn=["Before"]),
                      put("After", bucket, "after", "1", DependsOn=["Train"]))
    arn, end, steps = run(server, made)
    assert end["PipelineExecutionStatus"] == "Failed"
    assert steps["Train"]["StepStatus"] == "Failed" and "After" not in steps
    assert "later.csv" in steps["Train"]["FailureReason"]
    assert "Train: ClientError" in end["FailureReason"]
    sagemaker = server.client("sagemaker")
    server.client("s3").copy_object(Bucket=bucket, Key="later.csv",
                                    CopySource=f"{bucket}/train.csv")
    sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    end = finish(server, arn)
    assert end["PipelineExecutionStatus"] == "Succeeded" and "FailureReason" not in end
    again = steps_of(server, arn)
    assert again["Before"] == steps["Before"]
    assert again["Train"]["AttemptCount"] == 2 and "FailureReason" not in again["Train"]
    with pytest.raises(ClientError):
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)


def test_a_retry_comes_at_its_time_also_after_a_crash(server_factory):
    """An object whose file is away, which is a fault of the service; each retry an hour later."""
    server = server_factory(["--test-clock"])
    server.client("s3").create_bucket(Bucket="retried")
    before = set((server.home / "lake").iterdir())
    server.client("s3").put_object(Bucket="retried", Key="a", Body=b"1" * 100_000)
    file, = set((server.home / "lake").iterdir()) - before
    away = file.rename(server.home / "away")
    policy = {"ExceptionType": ["Step.SERVICE_FAULT"], "IntervalSeconds": 3600, "BackoffRate": 1,
              "MaxAttempts": 3, "ExpireAfterMin": 600}
    arn = start(server, create(server, definition(
        operation("Read", "GetObject", {"Bucket": "retried", "Key": "a"}, "s3",
                  RetryPolicies=[policy]))))

    def waits():
        server.wait_for(lambda: steps_of(server, arn).get("Read", {"StepStatus": ""}),
                        "StepStatus", ("Starting",))
        return steps_of(server, arn)["Read"]["AttemptCount"]

    assert waits() == 1
    server.move_clock(3590)
    assert waits() == 1
    server.move_clock(20)
    server.wait_for(lambda: steps_of(server, arn)["Read"], "AttemptCount", (2,))
    assert waits() == 2
    server.kill()
    server.start()
    away.rename(file)
    assert waits() == 2
    server.move_clock(2 * 3600 + 20)  # a clock that was not moved on yet
    assert finish(server, arn)["PipelineExecutionStatus"] == "Succeeded"
    assert steps_of(server, arn)["Read"]["AttemptCount"] == 3


def test_an_operation_s_refusal_is_the_step_s_reason(server, bucket):
    _, end, steps = run(server, definition(
        operation("Bad", "CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "none"})))
    assert end["PipelineExecutionStatus"] == "Failed"
    assert steps["Bad"]["FailureReason"].startswith(
        "ClientError: Failed to invoke sagemaker:CreateEndpoint. Error Details: Could not find")


def test_stopping_stops_what_runs_and_begins_nothing(server, bucket, rows):
    made = definition(
        training("Long", bucket, rows, settings={"num_round": "1000000"}),
        put("After", bucket, "after", "1", DependsOn=["Long"]))
    sagemaker, arn = server.client("sagemaker"), start(server, create(server, made))
    server.wait_for(lambda: steps_of(server, arn).get("Long", {"StepStatus": ""}), "StepStatus",
                    ("Executing",))
    name = arn.split("/")[1]
    with pytest.raises(ClientError) as refused:
        sagemaker.delete_pipeline(PipelineName=name)
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert finish(server, arn)["PipelineExecutionStatus"] == "Stopped"
    steps = steps_of(server, arn)
    assert steps["Long"]["StepStatus"] == "Stopped" and "After" not in steps
    job = steps["Long"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[1]
    assert sagemaker.describe_training_job(
        TrainingJobName=job)["TrainingJobStatus"] == "Stopped"
    sagemaker.delete_pipeline(PipelineName=name)


def test_a_long_chain_holds_up_neither_others_nor_a_stop(server):
    """Steps that are done when they answer: the engine never has to wait between them."""
    sagemaker, count = server.client("sagemaker"), 600
    steps = [operation(f"s{i}", "ListModels", {}, DependsOn=[f"s{i - 1}"] if i else [])
             for i in range(count)]
    long = start(server, create(server, definition(*steps), unique("long")))
    short = start(server, create(server, definition(*steps[:3]), unique("short")))
    assert finish(server, short)["PipelineExecutionStatus"] == "Succeeded"
    status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=long)
    assert status["PipelineExecutionStatus"] == "Executing"
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=long)
    assert finish(server, long)["PipelineExecutionStatus"] == "Stopped"
    assert len(steps_of(server, long)) < count
    for arn, status in ((long, "Stopped"), (short, "Succeeded")):
        with pytest.raises(ClientError) as refused:
            sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
        assert refused.value.response["Error"] == {"Code": "ValidationException", "Message": (
            f"Pipeline execution with ARN {arn} status '{status}'. "
            "Only pipelines with 'Executing' status can be stopped.")}


def overlap(one, other):
    return one["StartTime"] < other["EndTime"] and other["StartTime"] < one["EndTime"]


@pytest.mark.parametrize("limit", [None, 1])
def test_steps_run_in_parallel_as_far_as_allowed(server, bucket, rows, limit):
    made = definition(*[training(f"Train{i}", bucket, rows, settings={"num_round": "200"})
                        for i in range(2)])
    more = {"ParallelismConfiguration": {"MaxParallelExecutionSteps": limit}} if limit else {}
    arn = start(server, create(server, made, **more))
    assert finish(server, arn)["PipelineExecutionStatus"] == "Succeeded"
    steps = steps_of(server, arn)
    assert overlap(steps["Train0"], steps["Train1"]) == (limit is None)


def test_caching_uses_an_earlier_result_of_the_same_arguments(server, bucket, rows):
    out = join("/", "s3:/", bucket, get("Execution.PipelineExecutionId"))

    def cached(name, source, **more):
        made = training(name, bucket, source, CacheConfig={"Enabled": True, **more})
        made["Arguments"]["OutputDataConfig"]["S3OutputPath"] = out
        made["Arguments"]["HyperParameters"]["num_round"] = get("Parameters.Rounds")
        return made

    second = cached("Second", rows)
    second["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = rows
    second["Arguments"]["Environment"] = {"FROM": get(
        "Steps.First.ModelArtifacts.S3ModelArtifacts")}
    name = create(server, definition(cached("First", rows, ExpireAfter="PT1H"), second,
                                     parameters=[parameter("Rounds", "Integer", 2)]))
    first = start(server, name)
    assert finish(server, first)["PipelineExecutionStatus"] == "Succeeded"
    assert "CacheHitResult" not in steps_of(server, first)["First"]
    for _ in range(2):  # a hit of a hit tells where the work was done
        again = start(server, name)
        finish(server, again)
        for step_name in ("First", "Second"):
            hit, made = steps_of(server, again)[step_name], steps_of(server, first)[step_name]
            assert hit["CacheHitResult"]["SourcePipelineExecutionArn"] == first
            assert hit["Metadata"] == made["Metadata"]
    other = start(server, name, Rounds="3")
    finish(server, other)
    assert all("CacheHitResult" not in one for one in steps_of(server, other).values())


def test_a_cached_result_expires(server, bucket, rows):
    made = definition(training("T", bucket, rows, CacheConfig={"Enabled": True,
                                                               "ExpireAfter": "PT0S"}))
    name = create(server, made)
    for _ in range(2):
        arn = start(server, name)
        finish(server, arn)
        assert "CacheHitResult" not in steps_of(server, arn)["T"]


def test_registering_and_a_pipeline_within_a_pipeline(server, bucket, rows):
    group = unique("group")
    register = step("Register-RegisterModel", "RegisterModel", {
        "ModelPackageGroupName": group, "ModelApprovalStatus": get("Parameters.Approval"),
        "ModelMetrics": {"Bias": {}, "Explainability": {}}, "SkipModelValidation": "None",
        "InferenceSpecification": {
            "Containers": [{"Image": XGBOOST, "Environment": {}, "ModelDataUrl": get(
                "Steps.Train.ModelArtifacts.S3ModelArtifacts")}],
            "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}})
    inner = create(server, definition(
        training("Train", bucket, rows), register,
        parameters=[parameter("Approval", "String", "PendingManualApproval")]))
    outer = definition(
        operation("Inner", "StartPipelineExecution", {
            "PipelineName": inner, "PipelineParameters": [{"Name": "Approval",
                                                           "Value": "Approved"}]}),
        put("After", bucket, "after", get("Steps.Inner.PipelineExecutionStatus")))
    _, end, _ = run(server, outer)
    assert end["PipelineExecutionStatus"] == "Succeeded", end
    assert read(server, bucket, "after") == "Succeeded"
    packages = server.client("sagemaker").list_model_packages(
        ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert len(packages) == 1 and packages[0]["ModelApprovalStatus"] == "Approved"


# --- crashes --------------------------------------------------------------------------------------

def test_killed_at_random_moments_a_workflow_ends_as_if_nothing_had_happened(server_factory):
    import random
    import time

    chance, server = random.Random(11), server_factory()
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="crash")
    s3.put_object(Bucket="crash", Key="train.csv",
                  Body="".join(f"{2 * a + b},{a},{b}\n" for a in range(20) for b in range(20)))
    uri = "s3://crash/train.csv"
    made = definition(
        training("Left", "crash", uri, settings={"num_round": "150"}),
        training("Right", "crash", uri, settings={"num_round": "10"}),
        condition("Check", [compare("LessThan", get(
            "Steps.Left.FinalMetricDataList['train:rmse'].Value"), 100)],
            [model("Create", "Left"), *endpoint("Create")]),
        operation("Inner", "StartPipelineExecution", {"PipelineName": "inner"},
                  DependsOn=["Right"]))
    create(server, definition(training("Only", "crash", uri)), "inner")
    name = create(server, made, "outer")
    for trial in range(4):
        arn = start(server, name)
        for _ in range(3):
            time.sleep(chance.uniform(0, 0.9))
            server.kill()
            server.start()
        end = finish(server, arn, 180)
        steps = steps_of(server, arn)
        assert end["PipelineExecutionStatus"] == "Succeeded", (end, steps)
        assert {one["StepStatus"] for one in steps.values()} == {"Succeeded"}
        assert set(steps) == {"Left", "Right", "Check", "Create", "Configure", "Deploy", "Inner"}
        # Exactly once: each step's thing is there a single time, and serves.
        listed = sagemaker.list_pipeline_executions(PipelineName="inner")
        assert len(listed["PipelineExecutionSummaries"]) == trial + 1
        identity = arn.rsplit("/", 1)[1]
        models = sagemaker.list_models(NameContains=identity)["Models"]
        assert len(models) == 1
        jobs = sagemaker.list_training_jobs(NameContains=f"{identity}-left")["TrainingJobSummaries"]
        assert [job["TrainingJobStatus"] for job in jobs].count("Completed") == 1
        assert len(jobs) == steps["Left"]["AttemptCount"]
        server.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=f"live-{identity}", ContentType="text/csv", Body="3,4\n")
