"""kill -9 in the middle of tuning jobs: no finished trial is lost or done twice, and they go on."""

import random

import pytest

from tuning_jobs import describe, put_rows, ranges, request, trials, value, wait

SEARCHED = ranges(integers=[("max_depth", 1, 6)], continuous=[("eta", 0.05, 0.9), ("lambda", 0, 10)])


def consistent(server, name):
    """Counters, list and training jobs agree; the summaries."""
    job, found = describe(server, name), trials(server, name)
    training = job["TrainingJobStatusCounters"]
    assert sum(training.values()) == sum(job["ObjectiveStatusCounters"].values()) == len(found)
    assert len({one["TrainingJobName"] for one in found}) == len(found)
    assert training["RetryableError"] == sum(
        "InternalServerError" in one.get("FailureReason", "") for one in found)
    for one in found:
        described = server.client("sagemaker").describe_training_job(TrainingJobName=one["TrainingJobName"])
        assert described["TrainingJobStatus"] == one["TrainingJobStatus"]
        assert described["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    return job, found


def finished(found):
    return {one["TrainingJobName"]: value(one) for one in found if one["TrainingJobStatus"] == "Completed"}


def crash_through(server, bucket, seed, crashes, strategies=("Random", "Bayesian")):
    chance, names = random.Random(seed), []
    for number, strategy in enumerate(strategies):
        asked = request(bucket, jobs=9, parallel=2 + number, strategy=strategy, searched=SEARCHED)
        server.client("sagemaker").create_hyper_parameter_tuning_job(**asked)
        names.append(asked["HyperParameterTuningJobName"])
    known = {name: {} for name in names}
    for _ in range(crashes):
        server.wait_for(lambda: {"s": str(chance.random() < 0.2)}, "s", ("True",))
        for name in names:
            known[name].update(finished(trials(server, name)))
        server.kill()
        server.start()
    for name in names:
        job = wait(server, name)
        assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
        job, found = consistent(server, name)
        assert job["TrainingJobStatusCounters"]["Completed"] == 9
        done = finished(found)
        assert known[name].items() <= done.items()
        assert job["BestTrainingJob"]["TrainingJobName"] == min(done, key=done.get)
        values = [str(one["TunedHyperParameters"]) for one in found if one["TrainingJobName"] in done]
        assert len(set(values)) == 9


def test_trials_that_were_finished_are_kept_and_the_search_goes_on(server_factory):
    server = server_factory()
    bucket = "crashes"
    server.client("s3").create_bucket(Bucket=bucket)
    crash_through(server, put_rows(server, bucket), 1, 4)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(40))
def test_many_crashes(server_factory, seed):
    server = server_factory()
    server.client("s3").create_bucket(Bucket="crashes")
    crash_through(server, put_rows(server, "crashes"), seed, 6)


def test_a_stop_is_not_lost_by_a_crash(server_factory):
    server = server_factory()
    server.client("s3").create_bucket(Bucket="crashes")
    asked = request(put_rows(server, "crashes"), jobs=50, searched=SEARCHED)
    name = asked["HyperParameterTuningJobName"]
    server.client("sagemaker").create_hyper_parameter_tuning_job(**asked)
    server.wait_for(lambda: {"there": str(len(trials(server, name)) > 3)}, "there", ("True",))
    server.client("sagemaker").stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    server.kill()
    server.start()
    assert wait(server, name)["HyperParameterTuningJobStatus"] == "Stopped"
    assert len(consistent(server, name)[1]) < 50


def test_counters_are_those_of_the_trials_at_every_moment(server_factory):
    """What one reads of its training jobs before and after bounds what the description may tell."""
    server = server_factory()
    server.client("s3").create_bucket(Bucket="counters")
    asked = request(put_rows(server, "counters"), jobs=12, parallel=3, searched=SEARCHED)
    name, client = asked["HyperParameterTuningJobName"], server.client("sagemaker")
    client.create_hyper_parameter_tuning_job(**asked)

    def completed():
        return len(client.list_training_jobs(NameContains=name, StatusEquals="Completed",
                                             MaxResults=100)["TrainingJobSummaries"])

    status = "InProgress"
    while status == "InProgress":
        before, job, after = completed(), describe(server, name), completed()
        counters, status = job["TrainingJobStatusCounters"], job["HyperParameterTuningJobStatus"]
        assert before <= counters["Completed"] <= after
        assert counters["InProgress"] <= 3 and job["ObjectiveStatusCounters"]["Pending"] == counters["InProgress"]
        assert job["ObjectiveStatusCounters"]["Succeeded"] == counters["Completed"]
    assert counters["Completed"] == 12
