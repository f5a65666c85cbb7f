"""Glue's jobs: their definitions. boto3."""

import uuid

import pytest

ROLE = "arn:aws:iam::000000000000:role/R"
SQL = {"Name": "lathe-sql", "ScriptLocation": "s3://scripts/job.sql"}


def unique(word):
    return f"{word}-{uuid.uuid4().hex[:8]}"


def failure_of(call, **request):
    with pytest.raises(call.__self__.exceptions.ClientError) as failed:
        call(**request)
    error = failed.value.response["Error"]
    return error["Code"], error["Message"]


def code_of(call, **request):
    return failure_of(call, **request)[0]


@pytest.fixture
def glue(server):
    return server.client("glue")


def test_a_job_is_told_as_it_was_made(glue):
    name = unique("job")
    given = dict(
        Role=ROLE, Description="d", LogUri="s3://logs/x", ExecutionProperty={"MaxConcurrentRuns": 3},
        Command={"Name": "glueetl", "ScriptLocation": "s3://scripts/job.py", "PythonVersion": "3"},
        DefaultArguments={"--a": "1", "--job-bookmark-option": "job-bookmark-enable"},
        NonOverridableArguments={"--b": "2"}, Connections={"Connections": ["c"]}, MaxRetries=2,
        Timeout=15, NotificationProperty={"NotifyDelayAfter": 3}, GlueVersion="4.0",
        NumberOfWorkers=3, WorkerType="G.2X", ExecutionClass="FLEX", JobMode="SCRIPT",
        JobRunQueuingEnabled=True, MaintenanceWindow="Sun:10", SecurityConfiguration="s",
        SourceControlDetails={"Provider": "GITHUB", "Repository": "r"})
    assert glue.create_job(Name=name, Tags={"k": "v"}, **given)["Name"] == name
    told = glue.get_job(JobName=name)["Job"]
    assert {key: told[key] for key in given} == given
    assert told["MaxCapacity"] == 6 and told["AllocatedCapacity"] == 6
    assert abs((told["LastModifiedOn"] - told["CreatedOn"]).total_seconds()) < 60
    account = server_account(glue)
    assert glue.get_tags(ResourceArn=f"arn:aws:glue:us-east-1:{account}:job/{name}")["Tags"] == {"k": "v"}
    assert code_of(glue.create_job, Name=name, **given) == "AlreadyExistsException"
    glue.delete_job(JobName=name)


def server_account(glue):
    return glue.get_database(Name="default")["Database"]["CatalogId"]


def test_what_is_not_said_has_the_usual_value(glue):
    name = unique("job")
    glue.create_job(Name=name, Role=ROLE, Command=SQL)
    told = glue.get_job(JobName=name)["Job"]
    assert (told["MaxRetries"], told["Timeout"], told["ExecutionProperty"], told["MaxCapacity"]) == (
        0, 2880, {"MaxConcurrentRuns": 1}, 10)
    glue.update_job(JobName=name, JobUpdate={
        "Role": ROLE, "Command": {"Name": "pythonshell", "ScriptLocation": "s3://scripts/a.py"}})
    assert glue.get_job(JobName=name)["Job"]["MaxCapacity"] == 0.0625
    glue.delete_job(JobName=name)


def test_an_update_replaces_the_whole_definition(glue):
    name = unique("job")
    glue.create_job(Name=name, Role=ROLE, Command=SQL, Description="d", MaxRetries=3,
                    DefaultArguments={"--a": "1"})
    before = glue.get_job(JobName=name)["Job"]
    assert glue.update_job(JobName=name, JobUpdate={"Role": ROLE, "Command": SQL, "Timeout": 7})[
        "JobName"] == name
    told = glue.get_job(JobName=name)["Job"]
    assert told["Timeout"] == 7 and told["MaxRetries"] == 0
    assert "Description" not in told and "DefaultArguments" not in told
    assert told["CreatedOn"] == before["CreatedOn"] < told["LastModifiedOn"]
    assert code_of(glue.update_job, JobName=unique("none"), JobUpdate={"Role": ROLE, "Command": SQL}) == (
        "EntityNotFoundException")
    glue.delete_job(JobName=name)


@pytest.mark.parametrize("more, words", [
    ({"Command": {"Name": "gluestreaming", "ScriptLocation": "s3://s/a.py"}}, "gluestreaming"),
    ({"Command": {"Name": "glueray", "ScriptLocation": "s3://s/a.py"}}, "glueray"),
    ({"Command": {"Name": "gluesomething", "ScriptLocation": "s3://s/a.py"}}, "gluesomething"),
    ({"Command": {"Name": "lathe-sql"}}, "ScriptLocation"),
    ({"Command": {"Name": "glueetl", "ScriptLocation": "/tmp/a.py"}}, "/tmp/a.py"),
    ({"MaxCapacity": 2.0, "WorkerType": "G.1X", "NumberOfWorkers": 2}, "Max Capacity"),
    ({"MaxCapacity": 2.0, "AllocatedCapacity": 2}, "Allocated Capacity"),
    ({"WorkerType": "G.1X"}, "Number of Workers"),
    ({"Command": {"Name": "pythonshell", "ScriptLocation": "s3://s/a.py"}, "MaxCapacity": 3.0}, "0.0625"),
    ({"MaxRetries": 11}, "MaxRetries"),
    ({"ExecutionProperty": {"MaxConcurrentRuns": 0}}, "MaxConcurrentRuns"),
    ({"Role": ""}, "Role"),
])
def test_what_a_job_cannot_be_is_refused(glue, more, words):
    request = {"Name": unique("job"), "Role": ROLE, "Command": SQL, **more}
    code, message = failure_of(glue.create_job, **request)
    assert code == "InvalidInputException" and words in message
    assert code_of(glue.get_job, JobName=request["Name"]) == "EntityNotFoundException"


def test_jobs_are_listed_by_pages_and_by_tags(glue):
    names = sorted(unique("listed") for _ in range(3))
    for i, name in enumerate(names):
        glue.create_job(Name=name, Role=ROLE, Command=SQL, Tags={"mine": names[0], "n": str(i)})
    pages = list(glue.get_paginator("get_jobs").paginate(PaginationConfig={"PageSize": 1}))
    assert [job["Name"] for page in pages for job in page["Jobs"] if job["Name"] in names] == names
    assert glue.list_jobs(Tags={"mine": names[0]})["JobNames"] == names
    assert glue.list_jobs(Tags={"mine": names[0], "n": "1"})["JobNames"] == [names[1]]
    batch = glue.batch_get_jobs(JobNames=[names[0], "none"])
    assert [job["Name"] for job in batch["Jobs"]] == [names[0]] and batch["JobsNotFound"] == ["none"]
    for name in names:
        assert glue.delete_job(JobName=name)["JobName"] == name
        assert glue.delete_job(JobName=name)["JobName"] == name
    assert glue.list_jobs(Tags={"mine": names[0]})["JobNames"] == []
