"""CONTRIBUTING.md's recipes are true: an addition of each sort is made up, in the files that the
recipe names and in no others, lathe is built with them, and each of them works."""

import os
import re

import pytest

from contributing.house import ROOT, House
from lathe_server import Server

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
ROLE = "arn:aws:iam::000000000000:role/R"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/lathe-count:1"


def recipe(title):
    """The files that a recipe lists, in its order."""
    section = re.search(rf"^### {title}\n(.*?)(?=^##)", TEXT + "\n##", re.M | re.S)[1]
    return re.findall(r"^- `([^`]+)`", section, re.M)


def add_operation(house):
    house.insert("An operation", "src/service/sts/sts.c", before="static const struct operation", text="""
static bool decode_authorization_message(const struct call *call, const json_t *request,
                                         struct reply *reply, GError **error)
{
    (void)call;
    (void)error;
    reply->output = json_pack("{sO}", "DecodedMessage", json_object_get(request, "EncodedMessage"));
    return true;
}

""")
    house.insert("An operation", "src/service/sts/sts.c", before='    {"AssumeRole", ',
                 text='    {"DecodeAuthorizationMessage", decode_authorization_message, OPERATION_QUICK},\n')
    house.insert("An operation", "tools/operations/sts.txt",
                 text="\nDecodeAuthorizationMessage\n  acts EncodedMessage\n")


def add_kind(house):
    house.add("A kind of job or resource", "src/service/sagemaker/automl_job.c")
    house.insert("A kind of job or resource", "src/service/sagemaker/sagemaker.h",
                 before="    X(training_job)", text="    X(automl_job) \\\n")
    house.insert("A kind of job or resource", "tools/operations/sagemaker.txt", text="""
CreateAutoMLJob
  acts AutoMLJobName InputDataConfig[].DataSource.S3DataSource.{S3DataType,S3Uri}
  kept InputDataConfig[].{CompressionType,TargetAttributeName,ContentType,ChannelType}
  kept InputDataConfig[].SampleWeightAttributeName
  acts OutputDataConfig.S3OutputPath
  kept OutputDataConfig.KmsKeyId
  kept ProblemType AutoMLJobObjective AutoMLJobConfig RoleArn GenerateCandidateDefinitionsOnly
  kept ModelDeployConfig
  acts Tags[].{Key,Value}

DescribeAutoMLJob StopAutoMLJob
  acts AutoMLJobName

ListAutoMLJobs
  acts NextToken MaxResults CreationTimeAfter CreationTimeBefore LastModifiedTimeAfter
  acts LastModifiedTimeBefore NameContains StatusEquals SortBy SortOrder
""")


def add_runtime(house):
    house.insert("A runtime", "src/runtime/runtime.c", before="static const struct runtime_role in_the_server",
                 text='static const struct runtime_role count = {.program = "count"};\n')
    house.insert("A runtime", "src/runtime/runtime.c", before='    {"lathe-evaluate"',
                 text='    {"lathe-count", {[RUNTIME_PROCESSES] = &count}},\n')
    house.insert("A runtime", "src/program/program.c", before='#include "program/evaluate_job.h"',
                 text='#include "program/count_job.h"\n')
    house.insert("A runtime", "src/program/program.c", before='    {"xgboost",',
                 text='    {"count", "counts files", count_main, NULL, NULL, false},\n')
    house.add("A runtime", "src/program/count_job.c")
    house.add("A runtime", "src/program/count_job.h")


def add_service(house):
    house.add("A service", "src/service/codecommit/codecommit.c")
    house.insert("A service", "tools/services.txt", before="ecr", text="codecommit\n")
    house.insert("A service", "tools/operations/codecommit.txt",
                 text="GetBranch\n  acts branchName\n  idle repositoryName all have the same\n")


ADDITIONS = {"An operation": add_operation, "A kind of job or resource": add_kind,
             "A runtime": add_runtime, "A service": add_service}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("house"),
                  os.environ.get("LATHE_BUILD", ROOT / "build/debug"))
    for add in ADDITIONS.values():
        add(house)
    return house


@pytest.fixture(scope="module")
def grown(house, tmp_path_factory):
    """A server with all additions."""
    server = Server(house.compile(), tmp_path_factory.mktemp("home") / "lathe").start()
    yield server
    assert server.stop() == 0, server.log_text()
    assert not server.sanitizer_reports(), server.log_text()


@pytest.fixture(scope="module")
def filled(grown):
    """A bucket with two files of rows."""
    s3 = grown.client("s3")
    s3.create_bucket(Bucket="made-up")
    for name in ("a", "b"):
        s3.put_object(Bucket="made-up", Key=f"rows/{name}.csv", Body=b"1,2\n")
    return "made-up"


def counted(server, bucket, prefix):
    return server.client("s3").get_object(Bucket=bucket, Key=f"{prefix}/count")["Body"].read()


def fits(path, pattern):
    """Words in capitals stand for names: src/service/SERVICE/RESOURCE.c."""
    parts = re.split(r"([A-Z]{4,})", pattern)
    words = [r"[\w-]+" if i % 2 else re.escape(part) for i, part in enumerate(parts)]
    return re.fullmatch("".join(words), path) is not None


@pytest.mark.parametrize("title", ADDITIONS)
def test_a_recipe_lists_what_is_touched(house, title):
    tests = [one for one in recipe(title) if one.startswith("tests/")]
    assert len(tests) == 1, "each recipe ends with its test"
    patterns = [one for one in recipe(title) if one not in tests]
    touched = house.touched[title]
    assert [path for path in touched if not any(fits(path, one) for one in patterns)] == []
    assert [one for one in patterns if not any(fits(path, one) for path in touched)] == []


def test_a_made_up_kind_takes_its_own_file_two_rows_and_a_test(house):
    assert len(recipe("A kind of job or resource")) == 4
    assert len(house.touched["A kind of job or resource"]) == 3


def test_the_operation_works(grown):
    reply = grown.client("sts").decode_authorization_message(EncodedMessage="hello")
    assert reply["DecodedMessage"] == "hello"


def test_the_service_works(grown):
    branch = grown.client("codecommit").get_branch(repositoryName="r", branchName="n")["branch"]
    assert branch["commitId"] == "n"


def test_the_runtime_works(grown, filled):
    sagemaker = grown.client("sagemaker")
    sagemaker.create_processing_job(
        ProcessingJobName="count", RoleArn=ROLE, AppSpecification={"ImageUri": IMAGE},
        ProcessingInputs=[{"InputName": "rows", "S3Input": {
            "S3Uri": f"s3://{filled}/rows/", "LocalPath": "/opt/ml/processing/input/rows",
            "S3DataType": "S3Prefix", "S3InputMode": "File"}}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "count", "S3Output": {
            "S3Uri": f"s3://{filled}/processed/", "LocalPath": "/opt/ml/processing/output",
            "S3UploadMode": "EndOfJob"}}]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large",
                                               "VolumeSizeInGB": 1}})
    job = grown.wait_for(lambda: sagemaker.describe_processing_job(ProcessingJobName="count"),
                         "ProcessingJobStatus", ("Completed", "Failed"))
    assert job["ProcessingJobStatus"] == "Completed", job
    assert counted(grown, filled, "processed") == b"2"


def automl(server, bucket, name, rows="rows"):
    return server.client("sagemaker").create_auto_ml_job(
        AutoMLJobName=name, RoleArn=ROLE, Tags=[{"Key": "k", "Value": "v"}],
        InputDataConfig=[{"TargetAttributeName": "y", "DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{rows}/"}}}],
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/counted"})["AutoMLJobArn"]


def test_the_kind_lives_as_jobs_do(grown, filled):
    sagemaker, logs = grown.client("sagemaker"), grown.client("logs")
    arn = automl(grown, filled, "m")
    job = grown.wait_for(lambda: sagemaker.describe_auto_ml_job(AutoMLJobName="m"),
                         "AutoMLJobStatus", ("Completed", "Failed"))
    assert job["AutoMLJobStatus"] == job["AutoMLJobSecondaryStatus"] == "Completed", job
    assert counted(grown, filled, "counted") == b"2"
    listed = sagemaker.list_auto_ml_jobs(StatusEquals="Completed")["AutoMLJobSummaries"]
    assert [one["AutoMLJobName"] for one in listed] == ["m"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    group = "/aws/sagemaker/AutoMLJobs"
    stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    assert "2 files" in [event["message"] for event in events]
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="AutoML job already exists"):
        automl(grown, filled, "m")


def test_the_kind_fails_with_a_reason(grown, filled):
    sagemaker = grown.client("sagemaker")
    automl(grown, filled, "none", rows="nothing")
    job = grown.wait_for(lambda: sagemaker.describe_auto_ml_job(AutoMLJobName="none"),
                         "AutoMLJobStatus", ("Completed", "Failed"))
    assert job["FailureReason"].startswith("ClientError: Data download failed for the rows")
    with pytest.raises(sagemaker.exceptions.ClientError, match="the automl job is in status Failed"):
        sagemaker.stop_auto_ml_job(AutoMLJobName="none")


# --- what is counted in the sources as they are ---------------------------------------------------


def files_that_say(pattern):
    return {str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.[ch]")
            if re.search(pattern, re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S))}


def test_a_kind_stands_in_its_own_file_and_in_the_list():
    """But for the jobs of that kind which AWS shows for debugger rules."""
    assert files_that_say(r"processing_job|ProcessingJob|processing-job") == {
        "src/service/sagemaker/processing_job.c", "src/service/sagemaker/sagemaker.h",
        "src/service/sagemaker/rule_jobs.c"}


def test_transformers_stand_where_their_recipe_says():
    listed = {one for one in recipe("A transformer") if one.startswith("src/")}
    found = set()
    for name, own in (("binarizer", "binarizer"), ("max_abs", "scale"),
                      ("max_abs_scaler", "scale")):
        found |= files_that_say(rf"(FEATURE|KIND)_{name.upper()}\b|_{name}\b|\.{name}\b")
        found.remove(f"src/feature/{own}.c")
    assert found | {"src/feature/TRANSFORMER.c"} == listed


def test_what_is_named_is_there():
    names = set(re.findall(r"`((?:src|tests|tools|cmake|examples|include|bench)/[\w./-]+)`", TEXT))
    assert [one for one in sorted(names) if not re.search(r"[A-Z]{4,}", one)
            and not (ROOT / one).exists()] == []
