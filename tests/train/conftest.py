"""A training job on a folder of its own: the process alone, with no server."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest
import xgboost

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CSV = "text/csv"
FRAME = r"^framework error: \nsagemaker_algorithm_toolkit\.exceptions\.(UserError|AlgorithmError): "


class Job:
    """An /opt/ml tree, and what running it gave."""

    def __init__(self, folder, driver):
        self.folder = folder
        self.driver = driver
        self.channels = {}
        self.hyperparameters = {}
        self.before = []
        (folder / "input/config").mkdir(parents=True)
        self.environment = dict(
            os.environ, LATHE_XGBOOST_LIBRARY=xgboost.libpath.find_lib_path()[0]
        )

    def channel(self, name, files, content_type=CSV):
        """files: bytes or text, alone or by path below the channel's folder."""
        folder = self.folder / "input/data" / name
        folder.mkdir(parents=True)
        for path, content in (files if isinstance(files, dict) else {"part-0": files}).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.channels[name] = {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
        if content_type is not None:
            self.channels[name]["ContentType"] = content_type
        return self

    def like(self, other):
        """Gets the channels of another job, as the lake gives them: the same files, linked."""
        shutil.copytree(other.folder / "input/data", self.folder / "input/data", copy_function=os.link)
        self.channels = other.channels
        return self

    def after(self, other, command="true"):
        """Will run in a process that was made ready for another job, and then ran a command."""
        self.before = [other.folder, command]
        return self

    def configure(self, **hyperparameters):
        self.hyperparameters = {name: str(value) for name, value in hyperparameters.items()}
        config = self.folder / "input/config"
        (config / "hyperparameters.json").write_text(json.dumps(self.hyperparameters))
        (config / "inputdataconfig.json").write_text(json.dumps(self.channels))
        return self

    def start(self, version=None, **hyperparameters):
        self.configure(**hyperparameters)
        if version is not None:
            self.environment["LATHE_IMAGE"] = version
        read, write = os.pipe()
        self.process = subprocess.Popen(
            [self.driver, self.folder, str(write), *self.before],
            env=self.environment,
            pass_fds=[write],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.close(write)
        self.report_pipe = os.fdopen(read)
        return self

    def finish(self):
        # A round reports less than the pipe holds; long jobs are read line by line before.
        self.log = self.process.communicate(timeout=300)[0]
        self.report = [json.loads(line) for line in self.report_pipe]
        self.report_pipe.close()
        self.status = self.process.returncode
        failure = self.folder / "output/failure"
        self.failure = failure.read_text() if failure.exists() else None
        assert "Sanitizer" not in self.log and "runtime error:" not in self.log, self.log
        return self

    def run(self, version=None, **hyperparameters):
        return self.start(version, **hyperparameters).finish()

    def fails(self, version=None, **hyperparameters):
        """Runs a job that has to fail, for the reason it leaves, without the toolkit's frame."""
        self.run(version, **hyperparameters)
        assert self.status == 1, self.log
        assert self.failure is not None and not (self.folder / "model/xgboost-model").exists()
        assert self.failure.replace("\n", " ") in self.log.replace("#011", "\t")
        return re.sub(FRAME, "", self.failure)

    def trains(self, version=None, **hyperparameters):
        """Runs a job that has to succeed, for its model as XGBoost itself opens it."""
        self.run(version, **hyperparameters)
        assert self.status == 0, self.log
        assert self.failure is None
        return self.model()

    def model(self, name="xgboost-model"):
        path = self.folder / "model" / name
        return xgboost.Booster(model_file=bytearray(path.read_bytes()))

    def metric(self, name):
        """Its values, round by round, from the pipe."""
        return [line["value"] for line in self.report if line.get("metric") == name]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)


@pytest.fixture
def job(tmp_path):
    build = pathlib.Path(os.environ.get("LATHE_BUILD", ROOT / "build/debug"))
    driver = build / "train_driver"
    if not driver.exists():
        pytest.fail(f"{driver} is not there: ./dev build debug makes it", pytrace=False)
    made = []

    def make():
        folder = tmp_path / f"job{len(made)}"
        folder.mkdir()
        made.append(Job(folder, driver))
        return made[-1]

    yield make
    for each in made:
        if hasattr(each, "process") and each.process.poll() is None:
            each.process.kill()
            each.process.wait()
