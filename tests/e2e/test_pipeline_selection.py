"""Executions of some of a pipeline's steps, as the SDK's SelectiveExecutionConfig asks for them."""

import pytest
from botocore.exceptions import ClientError

from pipelines import (compare, condition, create, definition, finish, get, join, operation, parameter,
                       start, steps_of)


def group(name, described, **more):
    return operation(name, "CreateModelPackageGroup", {
        "ModelPackageGroupName": join("-", name, get("Execution.PipelineExecutionId")),
        "ModelPackageGroupDescription": described}, **more)


@pytest.fixture(scope="module")
def pipeline(server):
    """A, then B and C of A, then a condition's branch D; Last fails where it is asked to."""
    return create(server, definition(
        group("A", "first"), group("B", get("Steps.A.ModelPackageGroupArn")),
        group("C", get("Steps.B.ModelPackageGroupArn")),
        condition("If", [compare("Equals", get("Parameters.Well"), "yes")],
                  [group("D", get("Steps.C.ModelPackageGroupArn"))], DependsOn=["C"]),
        group("Apart", "apart"), parameters=[parameter("Well", "String", "yes")]))


@pytest.fixture(scope="module")
def source(server, pipeline):
    arn = start(server, pipeline, Well="no")
    assert finish(server, arn)["PipelineExecutionStatus"] == "Succeeded"
    assert set(steps_of(server, arn)) == {"A", "B", "C", "If", "Apart"}
    return arn


def selected(server, pipeline, *steps, source=None):
    config = {"SelectedSteps": [{"StepName": step} for step in steps]}
    if source:
        config["SourcePipelineExecutionArn"] = source
    return server.client("sagemaker").start_pipeline_execution(
        PipelineName=pipeline, SelectiveExecutionConfig=config)["PipelineExecutionArn"]


def described(server, arn, step):
    name = f"{step}-{arn.rsplit('/')[-1]}"
    return server.client("sagemaker").describe_model_package_group(
        ModelPackageGroupName=name)["ModelPackageGroupDescription"]


def test_selected_steps_take_what_they_need_from_another_execution(server, pipeline, source):
    arn = selected(server, pipeline, "B", "C", source=source)
    end = finish(server, arn)
    assert end["PipelineExecutionStatus"] == "Succeeded", end.get("FailureReason")
    assert end["SelectiveExecutionConfig"] == {
        "SourcePipelineExecutionArn": source,
        "SelectedSteps": [{"StepName": "B"}, {"StepName": "C"}]}
    steps = steps_of(server, arn)
    assert {name: one.get("SelectiveExecutionResult") for name, one in steps.items()} == {
        "A": {"SourcePipelineExecutionArn": source}, "B": None, "C": None}
    assert described(server, arn, "B").endswith(f"/A-{source.rsplit('/')[-1]}")
    assert described(server, arn, "C").endswith(f"/B-{arn.rsplit('/')[-1]}")
    again = selected(server, pipeline, "C", source=arn)
    assert finish(server, again)["PipelineExecutionStatus"] == "Succeeded"
    assert described(server, again, "C").endswith(f"/B-{arn.rsplit('/')[-1]}")


def test_a_branch_is_selected_with_and_without_its_condition(server, pipeline, source):
    whole = selected(server, pipeline, "If", "D", source=source)
    branch = selected(server, pipeline, "D", source=source)
    question = selected(server, pipeline, "If", source=source)
    for arn, steps in ((whole, {"C", "If", "D"}), (branch, {"C", "D"}), (question, {"C", "If"})):
        assert finish(server, arn)["PipelineExecutionStatus"] == "Succeeded"
        assert set(steps_of(server, arn)) == steps


def test_a_step_that_needs_nothing_needs_no_source(server, pipeline):
    arn = selected(server, pipeline, "Apart")
    assert finish(server, arn)["PipelineExecutionStatus"] == "Succeeded"
    assert set(steps_of(server, arn)) == {"Apart"}


def test_selections_that_cannot_be_run_are_refused(server, pipeline, source):
    for steps, of, words in (
            (["A", "C"], source, "Step B lies between selected steps"),
            (["C"], None, "The selected step C needs step B, which is not selected"),
            (["Nothing"], source, "the pipeline has no step Nothing"),
            (["C"], source + "x", "is no execution of the pipeline")):
        with pytest.raises(ClientError, match=words) as refused:
            selected(server, pipeline, *steps, source=of)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
