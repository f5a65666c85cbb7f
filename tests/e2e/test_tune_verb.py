"""`lathe tune`: a tuning job from a file, without a server and with one."""

import json
import os
import pty
import re
import subprocess

import pytest

from sagemaker_jobs import XGBOOST
from tuning_jobs import ROWS, describe

FILE = """
HyperParameterTuningJobConfig:
  Strategy: Random
  ResourceLimits: {MaxNumberOfTrainingJobs: 4, MaxParallelTrainingJobs: 2}
  HyperParameterTuningJobObjective: {Type: Minimize, MetricName: "validation:rmse"}
  ParameterRanges:
    IntegerParameterRanges: [{Name: max_depth, MinValue: "1", MaxValue: "6"}]
TrainingJobDefinition:
  StaticHyperParameters: {objective: "reg:squarederror", num_round: "5"}
  AlgorithmSpecification: {TrainingImage: "IMAGE", TrainingInputMode: File}
  InputDataConfig:
    - ChannelName: train
      ContentType: text/csv
      DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "file://rows.csv"}}
    - ChannelName: validation
      ContentType: text/csv
      DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "file://rows.csv"}}
""".replace("IMAGE", XGBOOST)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "depth.yaml").write_text(FILE)
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path


def tune(lathe, folder, *arguments, home=None):
    return subprocess.run([lathe, "tune", folder / "depth.yaml", *arguments, "--home", home or folder / "home"],
                          capture_output=True, text=True, timeout=120)


def test_each_trial_is_told_and_the_best_at_the_end(lathe, folder):
    done = tune(lathe, folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    trials = [re.match(r"\s+(\d{3}-[0-9a-f]{8}) +Completed +([\d.]+)  max_depth=(\d)$", line) for line in lines[:4]]
    assert all(trials) and {one[1][:3] for one in trials} == {"001", "002", "003", "004"}
    best = min(trials, key=lambda one: float(one[2]))
    assert re.fullmatch(r"depth-[0-9a-f]{6}: Completed", lines[4])
    assert f"{best[1]} with validation:rmse {best[2]}" in lines[5] and lines[6] == f"  max_depth: {best[3]}"


def test_the_end_is_json_and_the_servers_own(lathe, folder, server):
    done = tune(lathe, folder, "--json", "--name", "told", home=server.home)
    told = json.loads(done.stdout)
    assert done.returncode == 0 and len(told["TrainingJobSummaries"]) == 4
    assert told["BestTrainingJob"]["TrainingJobName"] == describe(server, "told")["BestTrainingJob"]["TrainingJobName"]
    again = tune(lathe, folder, "--name", "told", home=server.home)
    assert again.returncode == 1 and "already exists" in again.stderr


def test_a_file_that_is_wrong_says_so(lathe, folder):
    (folder / "depth.yaml").write_text(FILE.replace('MinValue: "1"', 'MinValue: "9"'))
    done = tune(lathe, folder)
    assert done.returncode == 1 and "max_depth" in done.stderr and "MinValue 9" in done.stderr
    (folder / "depth.yaml").write_text("[1]")
    assert "an object is expected" in tune(lathe, folder).stderr
    assert tune(lathe, folder, "more").returncode == 2


def test_a_terminal_shows_the_table_the_best_and_how_it_improved(lathe, folder):
    ours, theirs = pty.openpty()
    process = subprocess.Popen([lathe, "tune", folder / "depth.yaml", "--home", folder / "home"], stdout=theirs,
                               stderr=subprocess.PIPE)
    os.close(theirs)
    shown = b""
    while True:
        try:
            some = os.read(ours, 65536)
        except OSError:  # the last holder of the other side is gone
            break
        if not some:
            break
        shown += some
    assert process.wait(60) == 0, process.stderr.read()
    process.stderr.close()
    os.close(ours)
    last = shown.decode().split("\x1b[J")[-1]
    assert "4 done, 0 running, 0 stopped, 0 failed" in last
    assert len(re.findall(r"^[* ] \d{3}-", last, re.M)) == 5 and "best so far" in last
