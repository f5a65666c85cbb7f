"""Workflows of chance's making, whose runs are begun, stopped, timed out and killed under as it has it,
held to a small model: a trigger fires when its predicate holds, once a run, and what it starts is started
once. boto3."""

import random
import time

import pytest

from glue_jobs import Jobs, unique

GOING = ("RUNNING", "STOPPING")
ENDS = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")
COUNTS = {"SUCCEEDED": "SucceededActions", "FAILED": "FailedActions", "STOPPED": "StoppedActions",
          "TIMEOUT": "TimeoutActions"}
FAIL_AT_FIRST = """
import sys
sys.exit(0 if sys.argv[sys.argv.index("--JOB_RUN_ID") + 1].endswith("_attempt_1") else 3)
"""


class Lives(Jobs):
    def __init__(self, server, seed):
        super().__init__(server)
        self.chance, self.workflow, self.triggers, self.runs = random.Random(seed), unique("lives"), {}, {}
        self.hours, self.lived_with = 0, {}
        more = {"ExecutionProperty": {"MaxConcurrentRuns": 500}}
        python = {**more, "MaxCapacity": 0.0625}
        self.jobs = [self.sql("SELECT 1", **more), self.sql("SELECT 2", **more),
                     self.sql("SELECT nothing FROM nowhere", **more),
                     self.sql("SELECT nothing FROM nowhere", MaxRetries=1, **more),
                     self.make("pythonshell", FAIL_AT_FIRST, MaxRetries=1, **python),
                     self.make("pythonshell", "import time\ntime.sleep(600)\n", Timeout=60, **python)]
        self.glue.create_workflow(Name=self.workflow)
        self.make_triggers()

    def make_triggers(self):
        first = self.chance.sample(self.jobs, 2)
        begun = list(first)
        self.first = self.add(first)
        for _ in range(self.chance.randint(2, 5)):
            after = [(job, self.chance.choice(ENDS)) for job in self.chance.sample(begun, min(
                len(begun), self.chance.randint(1, 3)))]
            targets = self.chance.sample(self.jobs, self.chance.randint(1, 2))
            self.add(targets, after, self.chance.choice(("AND", "ANY")))
            begun = list({*begun, *targets})

    def add(self, targets, after=(), logical="AND"):
        name = unique("trigger")
        request = {"Name": name, "WorkflowName": self.workflow,
                   "Actions": [{"JobName": job} for job in targets]}
        if after:
            conditions = [{"LogicalOperator": "EQUALS", "JobName": job, "State": state}
                          for job, state in after]
            request.update(Type="CONDITIONAL", StartOnCreation=True,
                           Predicate={"Logical": logical, "Conditions": conditions})
        else:
            request.update(Type="SCHEDULED", Schedule="cron(0 * * * ? *)", StartOnCreation=True)
        self.glue.create_trigger(**request)
        self.triggers[name] = (targets, after, logical)
        return name

    # ---- what happens ----

    def begin(self):
        self.runs[self.glue.start_workflow_run(Name=self.workflow)["RunId"]] = True

    def touch(self):
        """What is changed under runs lets them fire what was or what is; one that has ended is held to
        what was."""
        for run, status in self.told().items():
            if status in GOING:
                self.runs[run] = False
            else:
                self.lived_with.setdefault(run, dict(self.triggers))

    def told(self):
        pages = self.glue.get_paginator("get_workflow_runs").paginate(Name=self.workflow)
        return {run["WorkflowRunId"]: run["Status"] for page in pages for run in page["Runs"]}

    def going(self):
        return [run for run, status in self.told().items() if status in GOING]

    def stop(self):
        for run in self.going()[:1]:
            try:
                self.glue.stop_workflow_run(Name=self.workflow, RunId=run)
            except self.glue.exceptions.IllegalWorkflowStateException:
                pass  # it has ended

    def stop_job(self):
        job = self.chance.choice(self.jobs)
        runs = [run["Id"] for run in self.glue.get_job_runs(JobName=job)["JobRuns"]
                if run["JobRunState"] not in ENDS]
        if runs:
            self.glue.batch_stop_job_run(JobName=job, JobRunIds=runs[:1])

    def replace_trigger(self):
        name = self.chance.choice([name for name, (_, after, _) in self.triggers.items() if after])
        self.touch()
        self.glue.delete_trigger(Name=name)
        self.add(*self.triggers.pop(name))
        self.touch()

    def deactivate(self):
        name = self.chance.choice([name for name, (_, after, _) in self.triggers.items() if after])
        self.touch()
        self.glue.stop_trigger(Name=name)
        self.glue.start_trigger(Name=name)
        self.touch()

    def an_hour(self):
        self.server.move_clock(3600)
        self.hours += 1

    def kill(self):
        self.server.kill()
        self.server.start()

    def go_on(self):
        acts = {self.begin: 5, self.stop: 1, self.stop_job: 2, self.replace_trigger: 1,
                self.deactivate: 1, self.an_hour: 1, self.kill: 1}
        self.chance.choices(list(acts), list(acts.values()))[0]()
        time.sleep(self.chance.random() * 0.2)

    # ---- what is to be true ----

    def rest(self):
        """Every run ends, where time goes on and the schedule does not."""
        self.glue.stop_trigger(Name=self.first)
        deadline = time.monotonic() + 240
        while going := self.going():
            assert time.monotonic() < deadline, [
                self.glue.get_workflow_run(Name=self.workflow, RunId=run, IncludeGraph=True)
                for run in going]
            for run in self.glue.get_job_runs(JobName=self.jobs[-1])["JobRuns"]:
                if run["JobRunState"] == "RUNNING":
                    self.server.move_clock(60 * 60 - 1)
                    break
            time.sleep(0.1)

    def attempts(self):
        """{workflow's run: {id of the first attempt: [(job, trigger, id, state)]}}"""
        found = {}
        for job in self.jobs:
            pages = self.glue.get_paginator("get_job_runs").paginate(JobName=job)
            for run in sorted((run for page in pages for run in page["JobRuns"]),
                              key=lambda run: run.get("Attempt", 0)):
                assert run["JobRunState"] in ENDS, run
                chains = found.setdefault(run["Arguments"]["--WORKFLOW_RUN_ID"], {})
                chains.setdefault(run["Id"].split("_attempt_")[0], []).append(
                    (job, run["TriggerName"], run["Id"], run["JobRunState"]))
        return found

    def holds(self, after, logical, seen):
        met = [one in seen for one in after]
        return any(met) if logical == "ANY" else all(met)

    def check_run(self, run, chains):
        told = self.glue.get_workflow_run(Name=self.workflow, RunId=run, IncludeGraph=True)["Run"]
        ends = [(chain[-1][0], chain[-1][3]) for chain in chains.values()]
        for state, member in COUNTS.items():
            assert told["Statistics"][member] == sum(end[1] == state for end in ends), told
        assert told["Statistics"]["TotalActions"] == len(ends), told
        graph = sorted(one["Id"] for node in told["Graph"]["Nodes"]
                       for one in node.get("JobDetails", {}).get("JobRuns", []))
        assert graph == sorted(one[2] for chain in chains.values() for one in chain), told
        started = [(chain[0][1], chain[0][0]) for chain in chains.values()]
        assert len(started) == len(set(started)), started  # each action of a trigger once
        if not self.runs.get(run, True):
            return
        for name, (targets, after, logical) in self.lived_with.get(run, self.triggers).items():
            fired = [job for trigger, job in started if trigger == name]
            assert sorted(fired) in ([], sorted(targets)), (name, fired)
            holds = self.holds(after, logical, ends)
            assert holds if fired else not holds or told["Status"] == "STOPPED", (name, ends, told)

    def check(self):
        statuses, attempts = self.told(), self.attempts()
        assert set(statuses.values()) <= {"COMPLETED", "STOPPED"}
        assert set(self.runs) <= set(statuses) and set(attempts) <= set(statuses)
        assert len(statuses) - len(self.runs) <= self.hours  # those of the schedule
        for run in statuses:
            self.check_run(run, attempts.get(run, {}))


@pytest.mark.parametrize("seed, steps", [
    (1, 20), *(pytest.param(seed, 120, marks=pytest.mark.campaign) for seed in range(2, 8))])
def test_runs_of_workflows_are_what_their_triggers_say(server_factory, seed, steps):
    lives = Lives(server_factory(["--test-clock"]), seed)
    for _ in range(steps):
        lives.go_on()
    lives.rest()
    lives.check()
