"""What several clients ask of one thing at the same time, or again after a crash: each has an effect
that can be told, and one effect alone."""

import random
import threading
import time

import botocore.exceptions

import pipelines
from pipelines import definition, operation
from sagemaker_jobs import channel, training_request, unique, wait_for_job

JOBS = 30


def stop_as_soon_as_it_is_there(server, names, refused):
    sagemaker = server.client("sagemaker", region_name="us-east-1")
    for name in names:
        while True:
            try:
                sagemaker.stop_training_job(TrainingJobName=name)
                break
            except botocore.exceptions.ClientError as error:
                if "not found" not in str(error):
                    refused.append((name, str(error)))
                    break


def test_a_stop_that_comes_with_the_creation_is_heard(server):
    """A job that was acknowledged a stop and yet ran to its end would take minutes here."""
    bucket = unique("bucket")
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="rows.csv", Body="".join(f"{i % 2},{i}\n" for i in range(50)))
    requests = [training_request(bucket, [channel("train", f"s3://{bucket}/rows.csv")],
                                 num_round=1000000) for _ in range(JOBS)]
    names, refused = [request["TrainingJobName"] for request in requests], []
    stopper = threading.Thread(target=stop_as_soon_as_it_is_there, args=(server, names, refused))
    stopper.start()
    for request in requests:
        sagemaker.create_training_job(**request, Tags=[{"Key": "of", "Value": "race"}])
    stopper.join()
    assert refused == []
    assert {wait_for_job(server, name)["TrainingJobStatus"] for name in names} == {"Stopped"}


def start(sagemaker, token):
    """Starts the one execution that the token is for, however often it takes; its ARN."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return sagemaker.start_pipeline_execution(
                PipelineName="once", ClientRequestToken=token)["PipelineExecutionArn"]
        except botocore.exceptions.BotoCoreError:  # the server has gone
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_token_is_kept_with_what_it_was_for_through_crashes(server_factory):
    server, chance = server_factory(), random.Random(11)
    pipelines.create(server, definition(operation("Look", "ListBuckets", {}, service="s3")), "once")
    sagemaker = server.client("sagemaker")
    arns, ends = {}, threading.Event()

    def ask():
        while not ends.is_set():
            token = unique("token") + "x" * 32
            arns[token] = start(sagemaker, token)

    clients = [threading.Thread(target=ask) for _ in range(2)]
    for client in clients:
        client.start()
    for _ in range(5):
        time.sleep(chance.random() * 0.5)
        server.kill()
        server.start()
    ends.set()
    for client in clients:
        client.join()
    assert {token: start(sagemaker, token) for token in arns} == arns
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName="once")
    there = [one["PipelineExecutionArn"] for page in pages
             for one in page["PipelineExecutionSummaries"]]
    assert sorted(there) == sorted(arns.values())
