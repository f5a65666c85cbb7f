"""Tensors that a training saves, against those that the stand-in for smdebug's hook writes of the same
training in Python, byte for byte but for the wall times. That hook is held to smdebug's own files
(tests/python/test_stand_ins.py)."""

import json
import os
import pathlib
import subprocess
import sys

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/python"))
import debugger_cases  # noqa: E402

ROWS = numpy.arange(240, dtype="float32").reshape(80, 3) % 7
ALL = ["metrics", "losses", "feature_importance", "trees", "predictions", "labels", "average_shap",
       "full_shap", "hyperparameters"]
CONFIGS = {
    "all": {"HookParameters": {"save_interval": "2"},
            "CollectionConfigurations": [{"CollectionName": name} for name in ALL]},
    "usual": {},
    "none is named": {"HookParameters": {"save_interval": "3", "start_step": "1"}},
    "odd": {"HookParameters": {"save_interval": "2", "include_regex": "^predictions$, ^train-.*",
                               "start_step": "1", "train.end_step": "3"},
            "CollectionConfigurations": [
                {"CollectionName": "metrics", "CollectionParameters": {"save_interval": "1",
                                                                       "end_step": "4"}},
                {"CollectionName": "losses"},
                {"CollectionName": "feature_importance", "CollectionParameters": {"save_steps": "0,3"}},
                {"CollectionName": "own", "CollectionParameters": {"include_regex": "^trees/Gain$, re"}},
                {"CollectionName": "trees"}]},
    "save all": {"HookParameters": {"save_interval": "4", "save_all": "true"}},
}
PROGRAM = """
import json, sys
import numpy, xgboost
from smdebug.xgboost import Hook

folder, configs, params, rounds = sys.argv[1], sys.argv[2:-2], json.loads(sys.argv[-2]), int(sys.argv[-1])


def typed(text):
    for kind in (int, float, str):
        try:
            return kind(text)
        except ValueError:
            pass


with open(f"{folder}/input/config/hyperparameters.json") as file:
    given = {name: typed(text) for name, text in json.load(file).items()}
train, validation = (xgboost.DMatrix(numpy.load(f"{folder}/{name}.npy"),
                                     numpy.load(f"{folder}/{name}-labels.npy"))
                     for name in ("train", "validation"))
for config in configs:
    hook = Hook.create_from_json_file(config)
    hook.train_data, hook.validation_data, hook.hyperparameters = train, validation, given
    xgboost.train(params, train, rounds, evals=[(train, "train"), (validation, "validation")],
                  callbacks=[hook], verbose_eval=False)
    hook.close()
"""
ROUNDS = 6
SETTINGS = {2: {"objective": "binary:logistic", "max_depth": "3", "eta": "0.5",
                "eval_metric": "logloss,auc"},
            3: {"objective": "multi:softprob", "num_class": "3", "max_depth": "2",
                "eval_metric": "mlogloss"}}


def job_folder(folder, config, classes):
    labels = (numpy.arange(80) * 5 % 11 % classes).astype("float32")
    for name in ("input/config", "input/data/train", "input/data/validation"):
        (folder / name).mkdir(parents=True)
    for name, rows, own in (("train", ROWS, labels), ("validation", ROWS[:9], labels[:9])):
        text = "".join(",".join(map(str, [int(y), *map(float, x)])) + "\n" for y, x in zip(own, rows))
        (folder / f"input/data/{name}/rows.csv").write_text(text)
        numpy.save(folder / f"{name}.npy", rows)
        numpy.save(folder / f"{name}-labels.npy", own)
    for name, content in (
            ("hyperparameters", {**SETTINGS[classes], "num_round": str(ROUNDS)}),
            ("inputdataconfig", {name: {"ContentType": "text/csv"} for name in ("train", "validation")}),
            ("debughookconfig", {"S3OutputPath": "s3://bucket/out", **config})):
        (folder / f"input/config/{name}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module", params=SETTINGS)
def peers(request, tmp_path_factory):
    """How many classes, and the folder with what Python's hook wrote for each configuration."""
    folder, classes = tmp_path_factory.mktemp("peers"), request.param
    configs = []
    for name, config in CONFIGS.items():
        configs.append(folder / f"{name}.json")
        configs[-1].write_text(json.dumps({"LocalPath": str(folder / name),
                                           "S3OutputPath": "s3://bucket/out", **config}))
    params = {key: value.split(",") if key == "eval_metric" else value
              for key, value in SETTINGS[classes].items()}
    subprocess.run(
        [sys.executable, "-c", PROGRAM, job_folder(folder / "job", {}, classes), *configs,
         json.dumps(params), str(ROUNDS)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src/python/packages")}, check=True, timeout=120)
    return classes, folder


@pytest.mark.parametrize("name", CONFIGS)
def test_tensors_are_those_of_the_hook(lathe, tmp_path, peers, name):
    classes, theirs = peers
    folder = job_folder(tmp_path / "job", CONFIGS[name], classes)
    done = subprocess.run([lathe, "job", "xgboost", folder], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "LATHE_IMAGE": "sagemaker-xgboost:3.0-5"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not saved" not in done.stdout
    ours, theirs = (debugger_cases.files(path) for path in (folder / "output/tensors", theirs / name))
    assert {*ours} == {*theirs} and len(ours) > 2
    for key, value in theirs.items():
        assert ours[key] == value, key
