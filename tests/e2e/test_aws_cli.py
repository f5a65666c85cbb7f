"""The AWS command line, from an empty shell: `lathe env`, files up and down, a training job, an
endpoint, its answers."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.request

import numpy
import pytest
import xgboost

from sagemaker_jobs import ROLE, XGBOOST, ai4i_rows, booster, channel, to_csv

pytestmark = pytest.mark.full


class Shell:
    """A user's shell after eval "$(lathe env)"."""

    def __init__(self, lathe, server, folder):
        program = shutil.which("aws", path=str(pathlib.Path(sys.executable).parent))
        if not program:
            pytest.fail("the AWS command line is not beside this Python (tests/requirements.txt)")
        self.folder, self.lathe, self.aws_program = folder, lathe, program
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder),
                            "LATHE_HOME": str(server.home), "AWS_PAGER": ""}

    def run(self, *arguments, stdin=None):
        return subprocess.run(
            ["bash", "-c", 'eval "$("$0" env)" && exec "$@"', self.lathe, self.aws_program,
             *arguments], env=self.environment, cwd=self.folder, input=stdin, capture_output=True,
            timeout=300)

    def aws(self, *arguments, stdin=None):
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.aws(*arguments, "--output", "json") or b"{}")


@pytest.fixture(scope="module")
def cli_server(server_factory):
    return server_factory()


@pytest.fixture(scope="module")
def shell(lathe, cli_server, tmp_path_factory):
    made = Shell(lathe, cli_server, tmp_path_factory.mktemp("shell"))
    made.aws("s3", "mb", "s3://rows")
    return made


def test_files_go_up_and_come_back(shell):
    small, large = os.urandom(1000), os.urandom(20_000_000)  # the second one in parts
    (shell.folder / "large").write_bytes(large)
    shell.aws("s3", "cp", "-", "s3://rows/a/small", stdin=small)
    shell.aws("s3", "cp", "large", "s3://rows/a/b/large", "--only-show-errors")
    assert shell.aws("s3", "cp", "s3://rows/a/small", "-") == small
    shell.aws("s3", "mv", "s3://rows/a/b/large", "s3://rows/a/moved", "--only-show-errors")
    shell.aws("s3", "cp", "s3://rows/a/moved", "back", "--only-show-errors")
    assert (shell.folder / "back").read_bytes() == large
    listed = shell.aws("s3", "ls", "s3://rows/a/").decode().split("\n")
    assert [line.split()[2:] for line in listed if line] == [["20000000", "moved"],
                                                             ["1000", "small"]]
    shell.aws("s3", "rm", "--recursive", "s3://rows/a/")
    assert shell.run("s3", "ls", "s3://rows/a/").returncode == 1
    assert shell.aws("s3", "ls").decode().split()[-1] == "rows"


def test_a_presigned_link_opens_in_any_client(shell):
    shell.aws("s3", "cp", "-", "s3://rows/linked", stdin=b"bytes")
    url = shell.aws("s3", "presign", "s3://rows/linked").decode().strip()
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"bytes"


def test_folders_are_kept_alike(shell):
    tree = shell.folder / "tree"
    (tree / "d").mkdir(parents=True)
    for number in range(20):
        (tree / "d" / f"{number}.csv").write_text(f"{number}\n")
    shell.aws("s3", "sync", "tree", "s3://rows/tree")
    assert shell.aws("s3", "sync", "tree", "s3://rows/tree") == b"", "nothing had changed"
    (tree / "d" / "0.csv").unlink()
    shell.aws("s3", "sync", "--delete", "tree", "s3://rows/tree")
    found = shell.json("s3api", "list-objects-v2", "--bucket", "rows", "--prefix", "tree/")
    assert len(found["Contents"]) == 19


def test_a_model_is_trained_and_asked(shell, cli_server, data):
    rows = ai4i_rows(data("ai4i2020/ai4i2020.csv.gz"))
    for name, part, label in (("train.csv", rows[:8000], True), ("test.csv", rows[8000:], False)):
        (shell.folder / name).write_text(to_csv(part, label=label))
    shell.aws("s3", "cp", "train.csv", "s3://rows/train/train.csv")
    shell.aws(
        "sagemaker", "create-training-job", "--training-job-name", "cli", "--role-arn", ROLE,
        "--algorithm-specification", f"TrainingImage={XGBOOST},TrainingInputMode=File",
        "--hyper-parameters", "objective=binary:logistic,num_round=20,max_depth=4",
        "--input-data-config", json.dumps([channel("train", "s3://rows/train/")]),
        "--output-data-config", "S3OutputPath=s3://rows/out", "--resource-config",
        "InstanceType=ml.m5.large,InstanceCount=1,VolumeSizeInGB=5",
        "--stopping-condition", "MaxRuntimeInSeconds=3600")
    shell.aws("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name",
              "cli")
    job = shell.json("sagemaker", "describe-training-job", "--training-job-name", "cli")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    check_log(shell)

    model = job["ModelArtifacts"]["S3ModelArtifacts"]
    shell.aws("sagemaker", "create-model", "--model-name", "cli", "--execution-role-arn", ROLE,
              "--primary-container", f"Image={XGBOOST},ModelDataUrl={model}")
    shell.aws("sagemaker", "create-endpoint-config", "--endpoint-config-name", "cli",
              "--production-variants", "VariantName=all,ModelName=cli,InitialInstanceCount=1,"
              "InstanceType=ml.m5.large")
    shell.aws("sagemaker", "create-endpoint", "--endpoint-name", "cli", "--endpoint-config-name",
              "cli")
    shell.aws("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", "cli")
    shell.aws("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "cli", "--content-type",
              "text/csv", "--body", "fileb://test.csv", "answer.csv")
    answer = (shell.folder / "answer.csv").read_text().replace("\n", ",").split(",")
    got = numpy.array([float(word) for word in answer if word], numpy.float32)
    expected = booster(cli_server, model).predict(
        xgboost.DMatrix(numpy.array([x for _, x in rows[8000:]], numpy.float32)))
    numpy.testing.assert_array_max_ulp(got, expected, 1)


def check_log(shell):
    group = ["--log-group-name", "/aws/sagemaker/TrainingJobs"]
    streams = shell.json("logs", "describe-log-streams", *group, "--log-stream-name-prefix", "cli/")
    events = shell.json("logs", "get-log-events", *group, "--log-stream-name",
                        streams["logStreams"][0]["logStreamName"])["events"]
    assert len([e for e in events if "#011train-logloss:" in e["message"]]) == 20


def test_refusals_are_named_as_by_aws(shell):
    for words, code in ((("s3", "cp", "s3://rows/none", "-"), b"404"),
                        (("s3api", "get-object", "--bucket", "rows", "--key", "none", "out"),
                         b"NoSuchKey"),
                        (("sagemaker", "describe-training-job", "--training-job-name", "none"),
                         b"ValidationException"),
                        (("sagemaker", "describe-endpoint", "--endpoint-name", "none"),
                         b"ValidationException"),
                        (("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "none",
                          "--body", "fileb:///dev/null", "out"), b"ValidationError")):
        done = shell.run(*words)
        assert done.returncode != 0 and code in done.stderr, done.stderr
