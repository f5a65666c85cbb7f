"""What the homes in this folder hold: for each kind of content, how it was put there and how it is
found again. homes/N was made by a lathe whose schema was number N, and holds the contents of N.

    LATHE_BINARY=build/debug/lathe python tests/store/homes/home.py

makes the home of the number that the binary writes. tests/e2e/test_homes.py opens a copy of each
with today's program.
"""

import os
import pathlib
import shutil
import sqlite3
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "e2e")]

from lathe_server import Server  # noqa: E402
from pipelines import (create, definition, finish, operation, start, step,  # noqa: E402
                       steps_of)
from sagemaker_jobs import (ROLE, XGBOOST, channel, deploy, scores, train,  # noqa: E402
                            training_request)

LARGE = b"a file of the lake\n" * 5000  # above 64 KiB, where bytes are a file
PART = b"a part of an upload\n" * 5000
TAGS = [{"Key": "plant", "Value": "seven"}, {"Key": "line", "Value": "two"}]
# Yes from 50 on.
ROWS = "".join(f"{int(i >= 50)},{i},{i % 7}\n" for i in range(100))

contents = []


def content(since):
    """A class of `put` and `check`, whose content homes from this number on hold."""
    def add(kind):
        contents.append((since, kind()))
        return kind
    return add


def of_number(number):
    return [kind for since, kind in contents if since <= number]


def bytes_of(server, key, **more):
    return server.client("s3").get_object(Bucket="home", Key=key, **more)["Body"].read()


@content(since=1)
class Buckets:
    def put(self, server):
        s3 = server.client("s3")
        s3.create_bucket(Bucket="home")
        s3.create_bucket(Bucket="empty")
        s3.put_bucket_tagging(Bucket="home", Tagging={"TagSet": TAGS})

    def check(self, server):
        s3 = server.client("s3")
        names = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
        assert {"home", "empty"} <= names
        tags = s3.get_bucket_tagging(Bucket="home")["TagSet"]
        assert sorted(tags, key=str) == sorted(TAGS, key=str)


@content(since=1)
class Objects:
    KEYS = ["objects/ä b//..", "objects/copy", "objects/large", "objects/none", "objects/small"]

    def put(self, server):
        s3 = server.client("s3")
        s3.put_object(Bucket="home", Key="objects/large", Body=b"what was here before" + LARGE)
        s3.put_object(Bucket="home", Key="objects/large", Body=LARGE, Metadata={"is": "large"},
                      ContentType="text/x-rows", ChecksumAlgorithm="SHA256")
        s3.put_object(Bucket="home", Key="objects/small", Body=b"small", Tagging="a=1&b=2",
                      CacheControl="max-age=5")
        s3.put_object(Bucket="home", Key="objects/ä b//..", Body=b"odd")
        s3.put_object(Bucket="home", Key="objects/none", Body=b"")
        s3.copy_object(Bucket="home", Key="objects/copy",
                       CopySource={"Bucket": "home", "Key": "objects/large"})

    def check(self, server):
        s3 = server.client("s3")
        listed = s3.list_objects_v2(Bucket="home", Prefix="objects/")["Contents"]
        assert [item["Key"] for item in listed] == sorted(self.KEYS, key=str.encode)
        large = s3.get_object(Bucket="home", Key="objects/large", ChecksumMode="ENABLED")
        assert large["Body"].read() == bytes_of(server, "objects/copy") == LARGE
        assert large["Metadata"] == {"is": "large"} and large["ContentType"] == "text/x-rows"
        assert large["ChecksumSHA256"]
        assert s3.get_object(Bucket="home", Key="objects/small")["CacheControl"] == "max-age=5"
        assert bytes_of(server, "objects/small") == b"small"
        assert bytes_of(server, "objects/ä b//..") == b"odd"
        assert bytes_of(server, "objects/none") == b""
        tags = s3.get_object_tagging(Bucket="home", Key="objects/small")["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "1", "b": "2"}


@content(since=1)
class Uploads:
    """One completed, one under way: a part in its place, one that was sent again, one longer."""

    def put(self, server):
        s3 = server.client("s3")
        for key in ("uploads/whole", "uploads/under way"):
            id = s3.create_multipart_upload(Bucket="home", Key=key,
                                            Metadata={"sent": "in parts"})["UploadId"]
            s3.upload_part(Bucket="home", Key=key, UploadId=id, PartNumber=1, Body=PART[:100])
            part = s3.upload_part(Bucket="home", Key=key, UploadId=id, PartNumber=1, Body=PART)
            if key == "uploads/whole":
                parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
                s3.complete_multipart_upload(Bucket="home", Key=key, UploadId=id,
                                             MultipartUpload={"Parts": parts})
        s3.upload_part(Bucket="home", Key="uploads/under way", UploadId=id, PartNumber=2,
                       Body=b"the end")

    def check(self, server):
        s3 = server.client("s3")
        assert bytes_of(server, "uploads/whole") == PART
        assert s3.head_object(Bucket="home", Key="uploads/whole")["ETag"].endswith('-1"')
        upload, = s3.list_multipart_uploads(Bucket="home")["Uploads"]
        key, id = upload["Key"], upload["UploadId"]
        listed = s3.list_parts(Bucket="home", Key=key, UploadId=id)["Parts"]
        assert [part["Size"] for part in listed] == [len(PART), len(b"the end")]
        big = s3.upload_part(Bucket="home", Key=key, UploadId=id, PartNumber=1,
                             Body=PART + b"x" * (5 << 20))
        parts = [{"PartNumber": 1, "ETag": big["ETag"]},
                 {"PartNumber": 2, "ETag": listed[1]["ETag"]}]
        s3.complete_multipart_upload(Bucket="home", Key=key, UploadId=id,
                                     MultipartUpload={"Parts": parts})
        assert bytes_of(server, key) == PART + b"x" * (5 << 20) + b"the end"
        assert s3.head_object(Bucket="home", Key=key)["Metadata"] == {"sent": "in parts"}


@content(since=1)
class Job:
    """A training job, its log and metrics."""

    def put(self, server):
        server.client("s3").put_object(Bucket="home", Key="rows/rows.csv", Body=ROWS)
        job = train(server, training_request("home", [channel("train", "s3://home/rows/")],
                                             name="home-job"))
        assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]

    def check(self, server):
        job = server.client("sagemaker").describe_training_job(TrainingJobName="home-job")
        assert job["TrainingJobStatus"] == "Completed" and job["FinalMetricDataList"]
        streams = server.client("logs").describe_log_streams(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="home-job")
        assert streams["logStreams"]


@content(since=1)
class Models:
    """The job's model with tags, an endpoint, a pipeline."""

    PIPELINE = ('{"Version": "2020-12-01", "Parameters": [], "Steps": [{"Name": "Stop", '
                '"Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]}')

    def put(self, server):
        sagemaker = server.client("sagemaker")
        job = sagemaker.describe_training_job(TrainingJobName="home-job")
        deploy(server, job["ModelArtifacts"]["S3ModelArtifacts"], name="home-endpoint")
        sagemaker.create_model(
            ModelName="home-model", ExecutionRoleArn=ROLE, Tags=TAGS,
            PrimaryContainer={"Image": XGBOOST,
                              "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]})
        sagemaker.create_pipeline(PipelineName="home-pipeline", PipelineDefinition=self.PIPELINE,
                                  ClientRequestToken="t" * 40, RoleArn=ROLE)

    def check(self, server):
        sagemaker = server.client("sagemaker")
        model = sagemaker.describe_model(ModelName="home-model")
        tags = sagemaker.list_tags(ResourceArn=model["ModelArn"])["Tags"]
        assert sorted(tags, key=str) == sorted(TAGS, key=str)
        endpoint = sagemaker.describe_endpoint(EndpointName="home-endpoint")
        assert endpoint["EndpointStatus"] == "InService"
        answer = server.client("sagemaker-runtime").invoke_endpoint(
            EndpointName="home-endpoint", ContentType="text/csv", Body="1,0\n99,0\n")
        no, yes = scores(answer["Body"].read())
        assert no < 0.5 < yes
        again = sagemaker.create_pipeline(
            PipelineName="home-pipeline", PipelineDefinition=self.PIPELINE,
            ClientRequestToken="t" * 40, RoleArn=ROLE)  # the answer kept for the token
        assert again["PipelineArn"].endswith("pipeline/home-pipeline")


@content(since=4)
class Settings:
    """Of a bucket: one that has its own table since, one that was a column of the bucket's before."""

    RULES = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://plant.example"]}]

    def put(self, server):
        s3 = server.client("s3")
        s3.put_bucket_cors(Bucket="home", CORSConfiguration={"CORSRules": self.RULES})
        s3.put_bucket_acl(Bucket="home", ACL="public-read")

    def check(self, server):
        s3 = server.client("s3")
        assert s3.get_bucket_cors(Bucket="home")["CORSRules"] == self.RULES
        assert len(s3.get_bucket_acl(Bucket="home")["Grants"]) == 2


@content(since=5)
class Versions:
    """A version that is a file, one in a row under a delete marker, one that is locked."""

    def put(self, server):
        s3 = server.client("s3")
        s3.create_bucket(Bucket="versions", ObjectLockEnabledForBucket=True)
        s3.put_object(Bucket="versions", Key="kept", Body=LARGE)
        s3.put_object(Bucket="versions", Key="kept", Body=b"newer", ObjectLockLegalHoldStatus="ON")
        s3.put_object(Bucket="versions", Key="covered", Body=b"covered")
        s3.delete_object(Bucket="versions", Key="covered")

    def check(self, server):
        s3 = server.client("s3")
        listed = s3.list_object_versions(Bucket="versions")
        covered, newer, older = listed["Versions"]
        marker, = listed["DeleteMarkers"]
        assert marker["Key"] == "covered" and marker["IsLatest"] and newer["IsLatest"]
        bodies = [s3.get_object(Bucket="versions", Key=item["Key"], VersionId=item["VersionId"])
                  for item in (covered, newer, older)]
        assert [got["Body"].read() for got in bodies] == [b"covered", b"newer", LARGE]
        assert bodies[1]["ObjectLockLegalHoldStatus"] == "ON"
        s3.delete_object(Bucket="versions", Key="covered", VersionId=marker["VersionId"])
        assert s3.get_object(Bucket="versions", Key="covered")["Body"].read() == b"covered"


@content(since=5)
class Executions:
    """One that has failed, and one that is under way."""

    COUNT = 400

    def put(self, server):
        chain = [operation(f"s{i}", "ListModels", {}, DependsOn=[f"s{i - 1}"] if i else [])
                 for i in range(self.COUNT)]
        failing = step("Fail", "Fail", {"ErrorMessage": "no"}, DependsOn=["List"])
        failed = start(server, create(server, definition(operation("List", "ListModels", {}),
                                                         failing), "home-failing"))
        finish(server, failed)
        start(server, create(server, definition(*chain), "home-chain"))

    def check(self, server):
        failed, = self.executions(server, "home-failing")
        chain, = self.executions(server, "home-chain")
        for attempt in (1, 2):
            end = finish(server, failed)
            assert end["PipelineExecutionStatus"] == "Failed" and end["FailureReason"]
            steps = steps_of(server, failed)
            assert list(steps) == ["Fail", "List"] and steps["Fail"]["AttemptCount"] == attempt
            if attempt == 1:
                server.client("sagemaker").retry_pipeline_execution(PipelineExecutionArn=failed)
        assert finish(server, chain)["PipelineExecutionStatus"] == "Succeeded"
        steps = steps_of(server, chain)
        assert list(steps) == [f"s{i}" for i in reversed(range(self.COUNT))]
        assert {one["StepStatus"] for one in steps.values()} == {"Succeeded"}

    def executions(self, server, pipeline):
        listed = server.client("sagemaker").list_pipeline_executions(PipelineName=pipeline)
        return [one["PipelineExecutionArn"] for one in listed["PipelineExecutionSummaries"]]


@content(since=7)
class Catalog:
    """A table with an earlier version, partitions and statistics, and the database that is there."""

    TABLE = {"Name": "days", "PartitionKeys": [{"Name": "day", "Type": "string"}],
             "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "bigint"}],
                                   "Location": "s3://home/days/"}}
    WHERE = {"DatabaseName": "kept", "TableName": "days"}
    COLUMN = {"ColumnName": "a", "ColumnType": "bigint", "AnalyzedTime": 1_700_000_000,
              "StatisticsData": {"Type": "LONG", "LongColumnStatisticsData": {
                  "NumberOfNulls": 0, "NumberOfDistinctValues": 5}}}

    def put(self, server):
        glue = server.client("glue")
        glue.create_database(DatabaseInput={"Name": "kept", "Description": "of days"})
        glue.create_table(DatabaseName="kept", TableInput=self.TABLE)
        glue.update_table(DatabaseName="kept", TableInput={**self.TABLE, "Description": "newer"})
        glue.batch_create_partition(**self.WHERE, PartitionInputList=[
            {"Values": [day], "StorageDescriptor": {**self.TABLE["StorageDescriptor"],
                                                    "Location": f"s3://home/days/{day}/"}}
            for day in ("mon", "tue")])
        glue.update_column_statistics_for_table(**self.WHERE, ColumnStatisticsList=[self.COLUMN])
        glue.create_user_defined_function(DatabaseName="kept", FunctionInput={
            "FunctionName": "up", "ClassName": "a.Up"})

    def check(self, server):
        glue = server.client("glue")
        assert {"default", "kept"} <= {one["Name"] for one in glue.get_databases()["DatabaseList"]}
        versions = glue.get_table_versions(**self.WHERE)["TableVersions"]
        assert [one["Table"].get("Description") for one in versions] == ["newer", None]
        found, = glue.get_partitions(**self.WHERE, Expression="day > 'mon'")["Partitions"]
        assert found["StorageDescriptor"] == {**self.TABLE["StorageDescriptor"],
                                              "Location": "s3://home/days/tue/"}
        got = glue.get_column_statistics_for_table(**self.WHERE, ColumnNames=["a"])
        assert got["ColumnStatisticsList"][0]["StatisticsData"] == self.COLUMN["StatisticsData"]
        got = glue.get_user_defined_function(DatabaseName="kept", FunctionName="up")
        assert got["UserDefinedFunction"]["ClassName"] == "a.Up"


@content(since=8)
class TrialMetrics:
    SERIES = [(1_700_000_000 + step, step, 0.5 / (step + 1)) for step in range(5)]

    def put(self, server):
        server.client("sagemaker").create_trial_component(TrialComponentName="tried")
        server.client("sagemaker-metrics").batch_put_metrics(
            TrialComponentName="tried", MetricData=[
                {"MetricName": "loss", "Timestamp": time, "Step": step, "Value": value}
                for time, step, value in self.SERIES])

    def check(self, server):
        told = server.client("sagemaker").describe_trial_component(TrialComponentName="tried")
        metric, = told["Metrics"]
        assert (metric["Count"], metric["Last"], metric["Max"]) == (5, 0.1, 0.5)
        found, = server.client("sagemaker-metrics").batch_get_metrics(MetricQueries=[
            {"MetricName": "loss", "ResourceArn": told["TrialComponentArn"], "MetricStat": "Last",
             "Period": "IterationNumber", "XAxisType": "IterationNumber"}])["MetricQueryResults"]
        assert found["MetricValues"] == [value for _, _, value in self.SERIES]


def number_of(home):
    with sqlite3.connect(f"file:{home}/meta.db?mode=ro", uri=True) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def make(binary):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, pathlib.Path(folder) / "home").start()
        number = number_of(server.home)
        for kind in of_number(number):
            kind.put(server)
            server.restart()
        server.stop()
        target = HERE / str(number)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for name in ("meta.db", "lake", "logs"):
            copy = shutil.copytree if (server.home / name).is_dir() else shutil.copy
            copy(server.home / name, target / name)
    return target


if __name__ == "__main__":
    print(make(os.environ["LATHE_BINARY"]))
