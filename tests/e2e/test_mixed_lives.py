"""Clients that create and stop jobs and executions of a pipeline as chance has it, while the server is
killed or stopped under them, held to a simple book of what was asked and what was acknowledged."""

import random
import threading
import time

import botocore.exceptions
import pytest
from botocore.config import Config

import pipelines
from pipelines import compare, condition, definition, get, join, operation, parameter, training
from sagemaker_jobs import channel, training_request, unique
from test_processing import features_request

ROWS = "".join(f"{i % 2},{i},{i * 7 % 13}\n" for i in range(200))
ENDS = ("Completed", "Failed", "Stopped")
CUT = ("ended unexpectedly", "lathe was stopped")
SPECIFICATION = """
labelCol: y
split: {train: 0.7, test: 0.3, seed: 1}
stages:
  - {type: VectorAssembler, inputCols: [id], outputCol: features}
"""


class Entry:
    """What is known of one thing that a client asked for."""

    def __init__(self, name, life, **more):
        self.name, self.life = name, life  # of the server, which it was asked in
        self.acknowledged = self.stop_tried = self.stop_acknowledged = False
        self.end = None  # what was told when it was first seen at its end
        self.__dict__.update(more)


class Client(threading.Thread):
    """Works until the server goes; a refusal that is not the server's going is a defect."""

    def __init__(self, campaign, seed):
        super().__init__(daemon=True)
        self.campaign, self.chance, self.refusal = campaign, random.Random(seed), None
        self.s3, self.sagemaker = campaign.s3, campaign.sagemaker
        self.ends = False

    def run(self):
        try:
            while not self.ends:
                self.work()
        except (botocore.exceptions.ClientError, AssertionError) as error:
            self.refusal = error
        except (botocore.exceptions.BotoCoreError, OSError):
            pass

    def stop_perhaps(self, entry, stop):
        if self.chance.random() < 0.6:
            return
        time.sleep(self.chance.random() * 0.4)
        entry.stop_tried = True
        try:
            stop()
            entry.stop_acknowledged = True
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "ValidationException"  # it has ended


class Trainer(Client):
    def work(self):
        entry = Entry(unique("mixed"), self.campaign.life, bad=self.chance.random() < 0.2)
        place = f"out/{entry.name}/output"
        self.s3.put_object(Bucket="bucket", Key=f"{place}/notes.txt", Body=b"my own")
        rows = "bad.csv" if entry.bad else "rows.csv"
        request = training_request("bucket", [channel("train", f"s3://bucket/{rows}")], entry.name,
                                   num_round=self.chance.choice([1, 20, 2000]))
        if self.chance.random() < 0.5:
            request["CheckpointConfig"] = {"S3Uri": f"s3://bucket/{place}/checkpoints/"}
        self.campaign.jobs.append(entry)
        self.sagemaker.create_training_job(**request)
        entry.acknowledged = True
        self.stop_perhaps(entry, lambda: self.sagemaker.stop_training_job(
            TrainingJobName=entry.name))


class Processor(Client):
    def work(self):
        entry = Entry(None, self.campaign.life)
        request = features_request("bucket")
        entry.name = request["ProcessingJobName"]
        for output in request["ProcessingOutputConfig"]["Outputs"]:
            output["S3Output"]["S3Uri"] = f"s3://bucket/made/{entry.name}/{output['OutputName']}"
        self.campaign.processing.append(entry)
        self.sagemaker.create_processing_job(**request)
        entry.acknowledged = True
        self.stop_perhaps(entry, lambda: self.sagemaker.stop_processing_job(
            ProcessingJobName=entry.name))
        time.sleep(self.chance.random() * 0.2)


class Starter(Client):
    def work(self):
        arn = pipelines.start(self.campaign.server, "mixed",
                              Rounds=str(self.chance.choice([1, 30, 1000])))
        entry = Entry(arn, self.campaign.life, acknowledged=True)
        self.campaign.executions.append(entry)
        self.stop_perhaps(entry, lambda: self.sagemaker.stop_pipeline_execution(
            PipelineExecutionArn=arn))
        time.sleep(self.chance.random() * 0.5)


class Campaign:
    def __init__(self, server, seed):
        self.server, self.chance, self.life = server, random.Random(seed), 0
        patient = Config(connect_timeout=2, read_timeout=60)
        self.s3 = server.client("s3", config=patient)
        self.sagemaker = server.client("sagemaker", config=patient)
        self.jobs, self.processing, self.executions = [], [], []
        self.s3.create_bucket(Bucket="bucket")
        for key, body in {"rows.csv": ROWS, "bad.csv": ROWS + "1,two,3\n",
                          "data/rows.csv": "id,y\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n",
                          "config/features.yaml": SPECIFICATION}.items():
            self.s3.put_object(Bucket="bucket", Key=key, Body=body)
        marks = join("/", "marks", get("Execution.PipelineExecutionId"))
        pipelines.create(server, definition(
            training("Train", "bucket", "s3://bucket/rows.csv",
                     settings={"num_round": join("", get("Parameters.Rounds"))}),
            condition("Check", [compare("LessThan", get(
                "Steps.Train.FinalMetricDataList['train:rmse'].Value"), 100)],
                [operation("Mark", "PutObject", {"Bucket": "bucket", "Key": marks, "Body": "here"},
                           service="s3")]),
            parameters=[parameter("Rounds", "Integer", 1)]), "mixed")

    def go_on(self):
        """Lets clients work a while, ends the server under them in some way, starts it again."""
        clients = [kind(self, self.chance.random()) for kind in (Trainer, Processor, Starter)]
        for client in clients:
            client.start()
        time.sleep(self.chance.random() * 1.5)
        if self.chance.random() < 0.5:
            self.server.kill()
        else:
            self.server.stop()
        for client in clients:
            client.ends = True
            client.join(60)
            assert not client.is_alive()
            assert client.refusal is None, client.refusal
        self.life += 1
        self.server.start()

    def keys(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix=prefix)
        return {item["Key"] for page in pages for item in page.get("Contents", [])}

    def describe(self, entry, call):
        """What is told of it now; None where it never came to be."""
        try:
            return call()
        except botocore.exceptions.ClientError as error:
            assert "not found" in str(error) and not entry.acknowledged, "acknowledged and gone"
            return None

    def look_at(self, entry, told, status, end_time):
        """What holds for every kind; whether it is at its end."""
        if status not in ENDS:
            assert entry.life == self.life, f"{entry.name} is {status} after a start"
            assert status == "Stopping" or not entry.stop_acknowledged
            return False
        seen = (status, told[end_time], told.get("FailureReason"))
        entry.end = entry.end or seen
        assert entry.end == seen, "an end has changed"
        assert status != "Stopped" or entry.stop_tried
        if status == "Failed" and not getattr(entry, "bad", False):
            assert any(word in told["FailureReason"] for word in CUT), told["FailureReason"]
            assert entry.life < self.life
        return True

    def check_training(self, entry):
        job = self.describe(entry, lambda: self.sagemaker.describe_training_job(
            TrainingJobName=entry.name))
        if not job:
            return True
        status = job["TrainingJobStatus"]
        if not self.look_at(entry, job, status, "TrainingEndTime"):
            return False
        assert status != "Completed" or not entry.bad
        place = f"out/{entry.name}/output/"
        under = {key for key in self.keys(place) if "/checkpoints/" not in key}
        model = {f"{place}model.tar.gz"} & under if status == "Stopped" else \
            {f"{place}model.tar.gz"} if status == "Completed" else set()
        assert under == {f"{place}notes.txt"} | model, (status, under)
        steps = job["SecondaryStatusTransitions"]
        assert steps[-1]["Status"] == job["SecondaryStatus"]
        assert all(one["EndTime"] <= two["StartTime"] for one, two in zip(steps, steps[1:]))
        assert job["CreationTime"] <= job.get("TrainingStartTime", job["TrainingEndTime"]) \
            <= job["TrainingEndTime"]
        return True

    def check_processing(self, entry):
        job = self.describe(entry, lambda: self.sagemaker.describe_processing_job(
            ProcessingJobName=entry.name))
        if not job:
            return True
        status = job["ProcessingJobStatus"]
        if not self.look_at(entry, job, status, "ProcessingEndTime"):
            return False
        made = {key.rsplit("/", 1)[1] for key in self.keys(f"made/{entry.name}/")}
        assert made == ({"train.csv", "test.csv", "model.tar.gz"} if status == "Completed"
                        else set()), (status, made)
        return True

    def check_execution(self, entry):
        told = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=entry.name)
        status = told["PipelineExecutionStatus"]
        if status in ("Executing", "Stopping"):
            assert status == "Stopping" or not entry.stop_acknowledged
            return False
        seen = (status, told["LastModifiedTime"])
        entry.end = entry.end or seen
        assert entry.end == seen, "an end has changed"
        assert status == "Succeeded" or (status == "Stopped" and entry.stop_tried), told
        identity = entry.name.rsplit("/", 1)[1]
        steps = pipelines.steps_of(self.server, entry.name)
        jobs = [job["TrainingJobStatus"] for job in self.sagemaker.list_training_jobs(
            NameContains=identity)["TrainingJobSummaries"]]
        assert set(jobs) <= set(ENDS)
        assert jobs.count("Completed") <= 1 and len(jobs) <= steps.get(
            "Train", {"AttemptCount": 0})["AttemptCount"]
        if status == "Succeeded":
            assert {one["StepStatus"] for one in steps.values()} == {"Succeeded"}
            assert set(steps) == {"Train", "Check", "Mark"} and jobs.count("Completed") == 1
            assert self.keys(f"marks/{identity}") == {f"marks/{identity}"}
        return True

    def check(self, once_more=False):
        """Whether all are at their ends; what has been seen there is left out, but for once more."""
        done = True
        for entries, look in ((self.jobs, self.check_training),
                              (self.processing, self.check_processing),
                              (self.executions, self.check_execution)):
            for entry in entries:
                if once_more or not entry.end:
                    done &= look(entry)
        return done

    def settle(self):
        self.wait_until(self.check)

    def wait_until(self, done):
        deadline = time.monotonic() + 120
        while not done():
            assert time.monotonic() < deadline, "some never come to their end"
            time.sleep(0.1)

    def is_idle(self):
        """Whether nothing runs, also what was started without its client hearing of it: such an
        execution goes on after a start."""
        pages = self.sagemaker.get_paginator("list_pipeline_executions").paginate(
            PipelineName="mixed")
        statuses = {one["PipelineExecutionStatus"] for page in pages
                    for one in page["PipelineExecutionSummaries"]}
        return statuses <= {"Succeeded", "Stopped", "Failed"} and \
            not list((self.server.home / "jobs").iterdir())


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=pytest.mark.campaign)])
def test_what_was_asked_comes_to_the_end_that_it_should(server_factory, rounds):
    seed = random.randrange(1 << 32)
    print("the seed is", seed)  # shown where it fails
    campaign = Campaign(server_factory(), seed)
    for number in range(rounds):
        campaign.go_on()
        campaign.check()
        if number % 8 == 7:  # no step is to be cut off so often that it is given up
            campaign.settle()
    campaign.settle()
    campaign.server.restart()
    campaign.life += 1
    assert campaign.check(once_more=True)
    campaign.wait_until(campaign.is_idle)
