"""The verbs, as a user types them."""

import json
import os
import re
import socket
import subprocess
import threading

import pytest

from sagemaker_jobs import channel, train, training_request


@pytest.fixture
def run(server, lathe):
    def run_verb(*arguments, home=None, **options):
        environment = {**os.environ, "LATHE_HOME": str(home or server.home)}
        return subprocess.run([str(lathe), *arguments], env=environment, text=True,
                              capture_output=True, timeout=60, **options)
    return run_verb


def test_help_fits_a_screen_and_every_verb_has_its_own(run):
    overview = run("help")
    assert overview.returncode == 0
    assert len(overview.stdout.splitlines()) <= 24
    verbs = re.findall(r"^  ([a-z]+) ", overview.stdout, re.M)
    assert {"serve", "run", "env", "call", "status", "logs", "stop", "predict", "job"} < set(verbs)
    for verb in set(verbs) - {"help"}:
        for asked in (run("help", verb), run(verb, "--help")):
            assert asked.returncode == 0
            assert asked.stdout.startswith(f"usage: lathe {verb}")
            assert len(asked.stdout.splitlines()) <= 24


def test_help_lists_what_a_features_job_can_do(run):
    shown = run("help", "features")
    assert shown.returncode == 0
    fitted, served = shown.stdout.split("\n\nMLeap bundles of pipelines that Spark fitted ")
    stages = {stage.split("\n")[0].strip(): [line.split()[0] for line in stage.split("\n")[1:] if line]
              for stage in fitted.split("\n\n  ")[1:]}
    assert len(stages) == 22
    assert {"RobustScaler", "QuantileDiscretizer", "HashingTF"} < set(stages)
    assert {"IDF", "PCA", "GBTClassifier"} < set(served.split())
    assert not set(stages) & set(served.split())
    assert stages["StandardScaler"] == ["inputCol", "outputCol", "withMean", "withStd"]
    assert stages["StringIndexer"] == ["inputCol", "outputCol", "handleInvalid", "stringOrderType"]
    assert "help features" in run("help").stdout


def test_wrong_words_are_told_apart_from_failures(run, tmp_path):
    assert run().returncode == 2
    assert run("trian").returncode == 2
    assert run("call", "sagemaker").returncode == 2
    assert run("status", "--nonsense").returncode == 2
    failed = run("call", "sagemaker", "DescribeModel", '{"ModelName": "none"}')
    assert failed.returncode == 1 and "Could not find model" in failed.stderr
    absent = run("status", home=tmp_path)
    assert absent.returncode == 3 and "lathe serve" in absent.stderr


def test_a_server_that_goes_away_is_told(run, tmp_path):
    """It lets go of the connection before it is asked, or before all is sent: no signal ends the verb."""
    body = tmp_path / "body"
    body.write_bytes(bytes(1 << 24))
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "socket"))
        door.listen()
        closes = threading.Thread(target=lambda: [door.accept()[0].close() for _ in range(2)])
        closes.start()
        asked = run("status", home=tmp_path)
        sent = run("call", "s3", "PutObject", '{"Bucket": "b", "Key": "k"}', "--body", str(body),
                   home=tmp_path)
        closes.join()
    for verb in (asked, sent):
        assert verb.returncode in (1, 3), verb
        assert "closed the connection" in verb.stderr


def test_env_is_all_that_a_client_needs(server, run):
    script = 'eval "$(%s env)" && python3 -c "%s"' % (
        run("help").args[0], "import os; print(os.environ['AWS_ENDPOINT_URL'], "
        "open(os.environ['SAGEMAKER_USER_CONFIG_OVERRIDE']).read())")
    done = subprocess.run(["sh", "-c", script], text=True, capture_output=True, timeout=60,
                          env={**os.environ, "LATHE_HOME": str(server.home)})
    assert server.url in done.stdout
    assert "DefaultS3Bucket: sagemaker-us-east-1-000000000000" in done.stdout


def test_call_reaches_any_operation_with_its_bytes(run, tmp_path):
    (tmp_path / "in").write_bytes(bytes(range(256)))
    assert run("call", "s3", "CreateBucket", '{"Bucket": "by-call"}').returncode == 0
    put = run("call", "s3", "PutObject", '{"Bucket": "by-call", "Key": "a b"}', "--body",
              str(tmp_path / "in"))
    assert json.loads(put.stdout)["ETag"]
    got = run("call", "s3", "GetObject", "-", "--out", str(tmp_path / "out"),
              input='{"Bucket": "by-call", "Key": "a b"}')
    assert json.loads(got.stdout)["ContentLength"] == 256
    assert (tmp_path / "out").read_bytes() == bytes(range(256))
    unknown = run("call", "sagemaker", "CreateNothing")
    assert unknown.returncode == 1 and "CreateNothing" in unknown.stderr


def test_status_and_logs_of_a_job(server, run, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="rows.csv",
                                   Body="".join(f"{i % 2},{i}\n" for i in range(50)))
    job = train(server, training_request(bucket, [channel("train", f"s3://{bucket}/rows.csv")]))
    name = job["TrainingJobName"]
    listed = json.loads(run("status", "--json").stdout)
    assert listed["Url"] == server.url
    assert name in [entry["TrainingJobName"] for entry in listed["TrainingJobSummaries"]]
    assert name in run("status").stdout
    log = run("logs", name, "-f")
    assert log.returncode == 0 and "[9]#011train-" in log.stdout
    assert run("logs", "no-such-job").returncode == 1


def test_one_owner_a_home(server, run):
    second = run("serve", "--listen", "127.0.0.1:0")
    assert second.returncode == 1 and "in use" in second.stderr


def test_only_loopback_and_free_ports(run, tmp_path, server):
    outside = run("serve", "--listen", "0.0.0.0:4566", home=tmp_path)
    assert outside.returncode == 2 and "loopback" in outside.stderr
    taken = run("serve", "--listen", f"127.0.0.1:{server.port}", home=tmp_path)
    assert taken.returncode == 1 and str(server.port) in taken.stderr


def test_stop_ends_the_server_and_lets_go_of_its_home(server_factory, lathe):
    server = server_factory()
    environment = {**os.environ, "LATHE_HOME": str(server.home)}
    assert subprocess.run([str(lathe), "stop"], env=environment, timeout=60).returncode == 0
    server.restart()
    assert server.client("s3").list_buckets()["Buckets"] == []
