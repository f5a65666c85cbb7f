"""Glue's triggers and workflows: what starts what, in which order, and what becomes of it. boto3."""

import random
import time

import pytest

from glue_jobs import ROLE, Jobs, unique

GOING = ("RUNNING", "STOPPING")


def code_of(call, **request):
    with pytest.raises(call.__self__.exceptions.ClientError) as failed:
        call(**request)
    return failed.value.response["Error"]["Code"]


class Flow(Jobs):
    """A workflow and its triggers; jobs are scripts of SQL, which need no process."""

    def __init__(self, server, **more):
        super().__init__(server)
        self.workflow = unique("workflow")
        self.glue.create_workflow(Name=self.workflow, **more)

    def good(self, **more):
        return self.sql("SELECT 1", **more)

    def bad(self, **more):
        return self.sql("SELECT nothing FROM nowhere", **more)

    def trigger(self, *targets, after=(), logical="AND", workflow=True, **more):
        """after: (job or crawler, state)"""
        name = unique("trigger")
        request = {"Name": name, "Actions": [self.action(one) for one in targets], "Type": "ON_DEMAND"}
        if after:
            request.update(Type="CONDITIONAL", StartOnCreation=True, Predicate={
                "Logical": logical, "Conditions": [self.condition(*one) for one in after]})
        if workflow:
            request["WorkflowName"] = self.workflow
        self.glue.create_trigger(**{**request, **more})
        return name

    @staticmethod
    def action(target):
        if isinstance(target, dict):
            return target
        return {"CrawlerName" if target.startswith("crawler") else "JobName": target}

    @staticmethod
    def condition(target, state):
        crawler = target.startswith("crawler")
        return {"LogicalOperator": "EQUALS", "CrawlerName" if crawler else "JobName": target,
                "CrawlState" if crawler else "State": state}

    def crawler(self):
        name = unique("crawler")
        self.put(f"{name}/a.csv", "a,b\n1,2\n3,4\n")
        self.glue.create_crawler(Name=name, Role=ROLE, DatabaseName=self.database, Targets={
            "S3Targets": [{"Path": f"s3://{self.bucket}/{name}/"}]})
        return name

    def begin(self, **more):
        return self.glue.start_workflow_run(Name=self.workflow, **more)["RunId"]

    def run_of(self, run, **more):
        return self.glue.get_workflow_run(Name=self.workflow, RunId=run, **more)["Run"]

    def end(self, run, **more):
        deadline = time.monotonic() + 120
        while (told := self.run_of(run))["Status"] in GOING:
            assert time.monotonic() < deadline, told
            time.sleep(0.02)
        return self.run_of(run, **more)

    def runs(self, job):
        return self.glue.get_job_runs(JobName=job)["JobRuns"]

    def states(self, *jobs):
        return [[run["JobRunState"] for run in self.runs(job)] for job in jobs]


@pytest.fixture
def flow(server):
    made = Flow(server)
    yield made
    made.glue.delete_workflow(Name=made.workflow)


def test_what_waits_begins_when_all_of_it_is_there(flow):
    first, left, last, crawler = flow.good(), flow.good(), flow.good(), flow.crawler()
    begins = flow.trigger({"JobName": first, "Arguments": {"--a": "of the action"}})
    flow.trigger(left, crawler, after=[(first, "SUCCEEDED")])
    flow.trigger(last, after=[(left, "SUCCEEDED"), (crawler, "SUCCEEDED")])
    run = flow.begin()
    told = flow.end(run, IncludeGraph=True)
    assert told["Status"] == "COMPLETED" and told["StartedOn"] <= told["CompletedOn"]
    assert told["Statistics"] == {
        "TotalActions": 4, "SucceededActions": 4, "FailedActions": 0, "TimeoutActions": 0,
        "StoppedActions": 0, "RunningActions": 0, "ErroredActions": 0, "WaitingActions": 0}
    (done,), (before,), (after,) = flow.runs(first), flow.runs(left), flow.runs(last)
    assert done["TriggerName"] == begins
    assert done["Arguments"]["--a"] == "of the action"
    assert done["Arguments"]["--WORKFLOW_NAME"] == flow.workflow
    assert done["Arguments"]["--WORKFLOW_RUN_ID"] == run
    assert done["CompletedOn"] <= before["StartedOn"] and before["CompletedOn"] <= after["StartedOn"]
    assert [table["Name"] for table in flow.glue.get_tables(DatabaseName=flow.database)["TableList"]]
    nodes = {node["Name"]: node for node in told["Graph"]["Nodes"]}
    assert {name: node["Type"] for name, node in nodes.items() if node["Type"] != "TRIGGER"} == {
        first: "JOB", left: "JOB", last: "JOB", crawler: "CRAWLER"}
    assert nodes[last]["JobDetails"]["JobRuns"][0]["Id"] == after["Id"]
    assert nodes[crawler]["CrawlerDetails"]["Crawls"][0]["State"] == "SUCCEEDED"
    ids = {node["UniqueId"] for node in nodes.values()}
    edges = [(edge["SourceId"], edge["DestinationId"]) for edge in told["Graph"]["Edges"]]
    assert len(edges) == 7 and {end for edge in edges for end in edge} == ids


def test_branches_go_by_how_a_job_ended(flow):
    fails, sorry, glad, either = flow.bad(), flow.good(), flow.good(), flow.good()
    flow.trigger(fails)
    flow.trigger(sorry, after=[(fails, "FAILED")])
    flow.trigger(glad, after=[(fails, "SUCCEEDED")])
    flow.trigger(either, after=[(fails, "FAILED"), (glad, "SUCCEEDED"), (sorry, "SUCCEEDED")],
                 logical="ANY")
    told = flow.end(flow.begin())
    assert told["Status"] == "COMPLETED"
    assert flow.states(fails, sorry, glad, either) == [["FAILED"], ["SUCCEEDED"], [], ["SUCCEEDED"]]
    assert (told["Statistics"]["FailedActions"], told["Statistics"]["SucceededActions"]) == (1, 2)


def test_retries_are_part_of_their_run(flow):
    fails, sorry = flow.bad(MaxRetries=2), flow.good()
    flow.trigger(fails)
    flow.trigger(sorry, after=[(fails, "FAILED")])
    flow.end(flow.begin())
    assert flow.states(fails, sorry) == [["FAILED"] * 3, ["SUCCEEDED"]]


def test_an_action_that_cannot_begin_is_in_error(flow):
    good = flow.good()
    flow.trigger(unique("no-job"), good)
    told = flow.end(flow.begin(), IncludeGraph=True)
    assert told["Status"] == "COMPLETED"
    assert (told["Statistics"]["ErroredActions"], told["Statistics"]["SucceededActions"]) == (1, 1)


def test_jobs_that_somebody_starts_by_hand_fire_nothing(flow):
    first, second = flow.good(), flow.good()
    flow.trigger(second, after=[(first, "SUCCEEDED")], workflow=False)
    flow.succeed(first)
    alone = flow.trigger(first, workflow=False)
    flow.glue.start_trigger(Name=alone)
    deadline = time.monotonic() + 60
    while flow.states(second) != [["SUCCEEDED"]]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert flow.states(first) == [["SUCCEEDED", "SUCCEEDED"]]
    for name in flow.glue.list_triggers(DependentJobName=second)["TriggerNames"]:
        flow.glue.delete_trigger(Name=name)


def test_two_runs_do_not_mix(flow):
    slow, second = flow.good(ExecutionProperty={"MaxConcurrentRuns": 9}), flow.good(
        ExecutionProperty={"MaxConcurrentRuns": 9})
    flow.trigger(slow)
    flow.trigger(second, after=[(slow, "SUCCEEDED")])
    for run in [flow.begin() for _ in range(5)]:
        assert flow.end(run)["Statistics"]["SucceededActions"] == 2
    assert flow.states(slow, second) == [["SUCCEEDED"] * 5] * 2
    runs = {run["Arguments"]["--WORKFLOW_RUN_ID"] for run in flow.runs(second)}
    assert len(runs) == 5


def test_a_stop_ends_what_runs_and_begins_nothing(flow):
    hangs = flow.make("pythonshell", "import time\ntime.sleep(600)\n", MaxCapacity=0.0625)
    never = flow.good()
    flow.trigger(hangs)
    for state in ("SUCCEEDED", "STOPPED"):
        flow.trigger(never, after=[(hangs, state)])
    run = flow.begin()
    while flow.states(hangs) != [["RUNNING"]]:
        time.sleep(0.02)
    flow.glue.stop_workflow_run(Name=flow.workflow, RunId=run)
    told = flow.end(run)
    assert told["Status"] == "STOPPED" and told["Statistics"]["StoppedActions"] == 1
    assert flow.states(hangs, never) == [["STOPPED"], []]
    assert code_of(flow.glue.stop_workflow_run, Name=flow.workflow,
                   RunId=run) == "IllegalWorkflowStateException"


def test_a_run_resumes_where_it_went_wrong(flow):
    first, wrong, last = flow.good(), flow.bad(), flow.good()
    flow.trigger(first)
    flow.trigger(wrong, after=[(first, "SUCCEEDED")])
    flow.trigger(last, after=[(wrong, "SUCCEEDED")])
    run = flow.begin()
    nodes = flow.end(run, IncludeGraph=True)["Graph"]["Nodes"]
    assert flow.states(first, wrong, last) == [["SUCCEEDED"], ["FAILED"], []]
    flow.put(f"code/{wrong}.sql", "SELECT 2")
    node = next(node["UniqueId"] for node in nodes if node["Name"] == wrong)
    resumed = flow.glue.resume_workflow_run(Name=flow.workflow, RunId=run, NodeIds=[node])
    assert resumed["NodeIds"] == [node]
    told = flow.end(resumed["RunId"])
    assert told["PreviousRunId"] == run and told["Statistics"]["SucceededActions"] == 3
    assert flow.states(first, wrong, last) == [["SUCCEEDED"], ["SUCCEEDED", "FAILED"], ["SUCCEEDED"]]
    assert code_of(flow.glue.resume_workflow_run, Name=flow.workflow, RunId=run,
                   NodeIds=["wnode_0"]) == "InvalidInputException"


def test_a_schedule_fires_by_the_clock(server_factory):
    flow = Flow(server_factory(["--test-clock"]))
    job, after = flow.good(), flow.good()
    name = flow.trigger(job, Type="SCHEDULED", Schedule="cron(0 * * * ? *)", StartOnCreation=True,
                        workflow=False)
    flow.trigger(after, after=[(job, "SUCCEEDED")], workflow=False)

    def an_hour_to(wanted):
        flow.server.move_clock(3600)
        deadline = time.monotonic() + 60
        while flow.states(after) != [["SUCCEEDED"] * wanted]:
            assert time.monotonic() < deadline, flow.states(job, after)
            time.sleep(0.02)
        assert flow.states(job) == [["SUCCEEDED"] * wanted]

    an_hour_to(1)
    flow.server.restart()
    an_hour_to(2)
    flow.glue.stop_trigger(Name=name)
    assert flow.glue.get_trigger(Name=name)["Trigger"]["State"] == "DEACTIVATED"
    flow.server.move_clock(7200)
    flow.glue.start_trigger(Name=name)
    an_hour_to(3)
    told = flow.glue.update_trigger(Name=name, TriggerUpdate={"Schedule": "cron(30 0 1 1 ? 2099)"})
    assert told["Trigger"]["Schedule"] == "cron(30 0 1 1 ? 2099)"
    flow.server.move_clock(7200)
    time.sleep(0.5)
    flow.glue.delete_trigger(Name=name)
    assert flow.states(job) == [["SUCCEEDED"] * 3]


def test_a_crash_begins_nothing_twice_and_leaves_nothing_out(server_factory):
    """Killed at any moment of ten chains at once, each of three jobs: each job runs to its end, once but
    for what the crash itself cut off."""
    flow, chance = Flow(server_factory()), random.Random(14)
    more = {"ExecutionProperty": {"MaxConcurrentRuns": 50}}
    first, second, third = flow.good(**more), flow.good(**more), flow.good(**more)
    flow.trigger(first)
    flow.trigger(second, after=[(first, "SUCCEEDED")])
    flow.trigger(third, after=[(second, "SUCCEEDED")])
    runs = []
    for _ in range(5):
        runs += [flow.begin(), flow.begin()]
        time.sleep(chance.random() * 0.1)
        flow.server.kill()
        flow.server.start()
    for run in runs:
        told = flow.end(run)
        assert told["Status"] == "COMPLETED" and told["Statistics"]["SucceededActions"] == 3, told
    for job in (first, second, third):
        seen = [run["Arguments"]["--WORKFLOW_RUN_ID"] for run in flow.runs(job)]
        assert sorted(seen) == sorted(runs)


def test_a_workflow_is_told_changed_and_deleted(server):
    flow = Flow(server, Description="d", DefaultRunProperties={"a": "1", "b": "2"}, MaxConcurrentRuns=1)
    glue, name, job = flow.glue, flow.workflow, flow.good()
    assert code_of(glue.create_workflow, Name=name) == "AlreadyExistsException"
    assert code_of(glue.start_workflow_run, Name=name) == "InvalidInputException"
    begins = flow.trigger(job)
    told = glue.get_workflow(Name=name, IncludeGraph=True)["Workflow"]
    assert (told["Description"], told["MaxConcurrentRuns"]) == ("d", 1)
    assert len(told["Graph"]["Nodes"]) == 2 and "LastRun" not in told
    hangs = flow.make("pythonshell", "import time\ntime.sleep(600)\n", MaxCapacity=0.0625)
    glue.update_trigger(Name=begins, TriggerUpdate={"Actions": [{"JobName": hangs}]})
    run = flow.begin(RunProperties={"b": "3"})
    assert code_of(glue.start_workflow_run, Name=name) == "ConcurrentRunsExceededException"
    assert code_of(glue.delete_workflow, Name=name) == "InvalidInputException"
    properties = {"Name": name, "RunId": run}
    assert glue.get_workflow_run_properties(**properties)["RunProperties"] == {"a": "1", "b": "3"}
    glue.put_workflow_run_properties(**properties, RunProperties={"c": "4"})
    assert glue.get_workflow_run_properties(**properties)["RunProperties"] == {
        "a": "1", "b": "3", "c": "4"}
    glue.stop_workflow_run(**properties)
    flow.end(run)
    assert glue.get_workflow(Name=name)["Workflow"]["LastRun"]["WorkflowRunId"] == run
    assert [one["WorkflowRunId"] for one in glue.get_workflow_runs(Name=name)["Runs"]] == [run]
    glue.update_workflow(Name=name, Description="e")
    found = glue.batch_get_workflows(Names=[name, "none"])
    assert found["Workflows"][0]["Description"] == "e" and found["MissingWorkflows"] == ["none"]
    assert name in [one for page in glue.get_paginator("list_workflows").paginate()
                    for one in page["Workflows"]]
    glue.delete_workflow(Name=name)
    assert code_of(glue.get_workflow, Name=name) == "EntityNotFoundException"
    assert code_of(glue.get_trigger, Name=begins) == "EntityNotFoundException"
    assert code_of(glue.get_workflow_run, **properties) == "EntityNotFoundException"
    glue.delete_workflow(Name=name)
    assert glue.get_job(JobName=job)["Job"]["Name"] == job


def test_triggers_that_cannot_be_are_refused(server, flow):
    glue, job = flow.glue, flow.good()
    actions = [{"JobName": job}]
    condition = {"LogicalOperator": "EQUALS", "JobName": job, "State": "SUCCEEDED"}
    wrong = [
        {"Type": "SCHEDULED"},
        {"Type": "SCHEDULED", "Schedule": "every day"},
        {"Type": "ON_DEMAND", "Schedule": "cron(0 * * * ? *)"},
        {"Type": "ON_DEMAND", "StartOnCreation": True},
        {"Type": "ON_DEMAND", "Actions": []},
        {"Type": "ON_DEMAND", "Actions": [{"JobName": job, "CrawlerName": "c"}]},
        {"Type": "CONDITIONAL"},
        {"Type": "CONDITIONAL", "Predicate": {"Conditions": [condition, condition]}},
        {"Type": "CONDITIONAL", "Predicate": {"Conditions": [{**condition, "State": "RUNNING"}]}},
        {"Type": "EVENT"},
    ]
    for request in wrong:
        code = code_of(glue.create_trigger, **{"Name": unique("trigger"), "Actions": actions, **request})
        assert code == "InvalidInputException", request
    assert code_of(glue.create_trigger, Name="t", Type="ON_DEMAND", Actions=actions,
                   WorkflowName="no-such-workflow") == "EntityNotFoundException"
    begins = flow.trigger(job)
    assert code_of(glue.create_trigger, Name=begins, Type="ON_DEMAND",
                   Actions=actions) == "AlreadyExistsException"
    assert code_of(glue.create_trigger, Name=unique("t"), Type="ON_DEMAND", Actions=actions,
                   WorkflowName=flow.workflow) == "InvalidInputException"
    assert code_of(glue.start_trigger, Name=begins) == "InvalidInputException"
    assert code_of(glue.stop_trigger, Name="no-such-trigger") == "EntityNotFoundException"
    assert code_of(glue.update_trigger, Name=begins,
                   TriggerUpdate={"Actions": []}) == "InvalidInputException"
    found = glue.batch_get_triggers(TriggerNames=[begins, "none"])
    assert [one["Name"] for one in found["Triggers"]] == [begins]
    assert found["TriggersNotFound"] == ["none"]
    assert begins in [one["Name"] for page in glue.get_paginator("get_triggers").paginate(
        DependentJobName=job) for one in page["Triggers"]]
