"""Workflows: what a step costs in a long chain, and how soon a stop is heard."""

import json
import time

from harness import Row, rows

LONG, SHORT = 4_000, 400
MANY, STEPS = 1_000, 100
STOP_GOAL_MS = 100
ROLE = "arn:aws:iam::000000000000:role/bench"


def chain(sagemaker, steps):
    """A pipeline of so many calls, each after the one before it."""
    name = f"chain-{steps}"
    definition = {"Version": "2020-12-01", "Steps": [
        {"Name": f"s{i}", "Type": "Operation", "Service": "sagemaker", "Operation": "ListModels",
         "Arguments": {}, **({"DependsOn": [f"s{i - 1}"]} if i else {})} for i in range(steps)]}
    sagemaker.create_pipeline(PipelineName=name, RoleArn=ROLE,
                              PipelineDefinition=json.dumps(definition))
    return name


def start(sagemaker, name):
    return sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]


def wait(sagemaker, execution, status, pause):
    while True:
        told = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        if told["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
            break
        time.sleep(pause)
    assert told["PipelineExecutionStatus"] == status, told


def milliseconds_to_stop(sagemaker, execution):
    started = time.perf_counter()
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    wait(sagemaker, execution, "Stopped", 0)
    return (time.perf_counter() - started) * 1000


def milliseconds_a_step(sagemaker, name, steps):
    started = time.perf_counter()
    wait(sagemaker, start(sagemaker, name), "Succeeded", 0.02)
    return (time.perf_counter() - started) * 1000 / steps


@rows(Row("flow-long", 0.8, "time", "ms a step", f"a chain of {LONG:,} steps",
          f"lathe itself, a chain of {SHORT} steps"))
def flow_long(bench):
    sagemaker = bench.server().start().client("sagemaker")
    long, short = chain(sagemaker, LONG), chain(sagemaker, SHORT)
    bench.note("no peer runs SageMaker's definitions: the row holds a step to the same cost in a "
               "chain ten times as long")
    for _ in bench.rounds:
        yield {"flow-long": (milliseconds_a_step(sagemaker, long, LONG),
                             milliseconds_a_step(sagemaker, short, SHORT))}


@rows(Row("flow-stop", 1, "time", "ms", f"StopPipelineExecution to Stopped in a chain of {LONG:,}",
          f"{STOP_GOAL_MS} ms"))
def flow_stop(bench):
    sagemaker = bench.server().start().client("sagemaker")
    name = chain(sagemaker, LONG)
    for _ in bench.rounds:
        execution = start(sagemaker, name)
        time.sleep(0.3)  # it is well under way
        yield {"flow-stop": (milliseconds_to_stop(sagemaker, execution), STOP_GOAL_MS)}


@rows(Row("flow-many", 1, "time", "ms a step", f"{MANY:,} executions of {STEPS} steps at once",
          f"lathe itself, a chain of {SHORT} steps"),
      Row("flow-stop-many", 1, "time", "ms", f"StopPipelineExecution to Stopped beside {MANY:,}",
          f"{STOP_GOAL_MS} ms"))
def flow_many(bench):
    sagemaker = bench.server().start().client("sagemaker")
    long, many, short = (chain(sagemaker, steps) for steps in (LONG, STEPS, SHORT))
    bench.note("from the first StartPipelineExecution to the last end; the chain that is stopped "
               "meanwhile has 4,000 steps and is no part of the steps that are counted")
    for _ in bench.rounds:
        stopped = start(sagemaker, long)
        started = time.perf_counter()
        executions = [start(sagemaker, many) for _ in range(MANY)]
        heard = milliseconds_to_stop(sagemaker, stopped)
        for execution in executions:
            wait(sagemaker, execution, "Succeeded", 0.02)
        took = (time.perf_counter() - started) * 1000 / (MANY * STEPS)
        yield {"flow-many": (took, milliseconds_a_step(sagemaker, short, SHORT)),
               "flow-stop-many": (heard, STOP_GOAL_MS)}
