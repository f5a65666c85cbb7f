"""What each release of the image did: hyperparameters as the container's own validation answers (its
recorded answers are in hyperparameters.json, see record_validation.py), the form of its models, its
log and its words for a failure."""

import io
import json
import os
import pathlib
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent / "tree")]
from hyperparameter_cases import CASES  # noqa: E402
from peer import Peer  # noqa: E402

ANSWERS = json.loads((pathlib.Path(__file__).parent / "hyperparameters.json").read_text())
ROWS = np.random.default_rng(3).random((200, 4)).round(3)
MULTIPLE = np.minimum((ROWS[:, 0] * 3).astype(int), 2)
TEXT = "".join(f"{int(a > .5)},{a},{b},{c},{d}\n" for a, b, c, d in ROWS)

# Where we take what the container refuses, or the reverse, and why.
OURS = {
    "grow_quantile_histmaker": "the container's validator names it and its range forgets it",
    "_nfold": "1.2-1 had it for cross validation under another name and another meaning than _kfold",
    "reg:squarederror": "class metrics of numbers: the container trains, and fails at the first round",
}


def refusals(job, version):
    """Why each case's hyperparameters are refused by a release, or None."""
    program = pathlib.Path(job().driver).parent / "hyperparameter_answers"
    answers = subprocess.run([program, version], input="".join(json.dumps(case) + "\n" for case in CASES),
                             check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in answers.splitlines()]


def words_of(answer):
    """What ours has to begin with: how the two go on, in lists and in Python's values, differs."""
    answer = answer.removeprefix("UserError: ").replace("(caused by ValueError)", "")
    return re.split(r" is not in \[|: value \[|could not parse|'t' in|found '|from thef|: 'grow", answer)[0]


def excused(given):
    values = list(given) + list(given.values())
    numbers_only = given.get("objective") == "reg:squarederror" and "eval_metric" in given
    return [OURS[word] for word in OURS if word in values and (word != "reg:squarederror" or numbers_only)]


@pytest.mark.parametrize("version", ANSWERS)
def test_hyperparameters_are_those_of_the_release(job, version):
    wrong = []
    for given, answer, reason in zip(CASES, ANSWERS[version]["answers"], refusals(job, version), strict=True):
        if excused(given):
            continue
        good = reason is None if answer is None else reason is not None and reason.startswith(words_of(answer))
        if not good:
            wrong.append((given, answer, reason))
    assert not wrong


def test_the_first_image_passes_over_what_it_does_not_know(job):
    made = job().channel("train", TEXT)
    made.run("0.72", num_round=2, objective="binary:logistic", unheard_of=7, silent=0, early_stoping_rounds=3)
    assert made.status == 0, made.log
    assert "unheard_of" not in made.log
    assert job().channel("train", TEXT).run("0.72", num_round=2, eta=7).status == 1


# --- models ---------------------------------------------------------------------------------------


class Booster:
    """Stands for xgboost.core.Booster, and keeps the model that it is to load."""

    def __init__(self, params, cache, model):
        assert params is None and cache == () and type(model) is bytearray
        self.bytes = bytes(model)


class OnlyBoosters(pickle.Unpickler):
    def find_class(self, module, name):
        return {("xgboost.core", "Booster"): Booster, ("builtins", "bytearray"): bytearray}[module, name]


OBJECTIVES = {
    "logistic": dict(objective="binary:logistic", base_score=0.3),
    "numbers": dict(objective="reg:squarederror", base_score=2.5),
    "classes": dict(objective="multi:softprob", num_class=3),
    "counts": dict(objective="count:poisson", base_score=0.7),
    "hinge": dict(objective="binary:hinge"),
    "raw": dict(objective="binary:logitraw"),
    "gamma": dict(objective="reg:gamma"),
    "linear": dict(objective="reg:squarederror", booster="gblinear"),
    "dart": dict(objective="binary:logistic", booster="dart", rate_drop=0.5, seed=4),
    "stopped": dict(objective="binary:logistic", early_stopping_rounds=2, eval_metric="logloss", eta=1),
}


def trained(job, version, given):
    classes = "num_class" in given
    first = 1 if "gamma" in given["objective"] else 0
    text = "".join(f"{m + first},{','.join(map(str, row))}\n" for m, row in zip(MULTIPLE, ROWS))
    text = text if classes or first else TEXT
    made = job().channel("train", text).channel("validation", text[: len(text) // 2].rsplit("\n", 1)[0])
    made.run(version, num_round=5, max_depth=3, nthread=1, **given)
    assert made.status == 0, made.log
    return (made.folder / "model/xgboost-model").read_bytes()


def margins(peer, path, model):
    path.write_bytes(model)
    return peer.load(path).predict(ROWS, kind=1)


@pytest.fixture(scope="module")
def debian():
    return Peer("libxgboost.so.0")


@pytest.mark.parametrize("given", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("version", ["0.72", "0.90-2", "1.0-1", "1.2-2"])
def test_models_of_early_images_are_pickled_boosters(job, tmp_path, debian, version, given):
    booster = OnlyBoosters(io.BytesIO(trained(job, version, given))).load()
    plain = trained(job, "1.5-1", given)
    assert plain.startswith(b"binf")
    assert booster.bytes.startswith(b'{"' if version.startswith("1.") else b"binf")
    expected = margins(debian, tmp_path / "plain", plain)
    assert np.allclose(margins(debian, tmp_path / "pickled", booster.bytes), expected, rtol=0, atol=1e-6)


def test_pickles_of_later_images_load_under_the_newest_release(job, tmp_path, debian):
    xgboost = pytest.importorskip("xgboost")
    for given in OBJECTIVES.values():
        expected = margins(debian, tmp_path / "plain", trained(job, "1.5-1", given))
        made = pickle.loads(trained(job, "1.0-1", given)).predict(xgboost.DMatrix(ROWS), output_margin=True)
        assert np.allclose(made, expected.reshape(made.shape), rtol=0, atol=1e-6)


def test_the_form_that_0_90_needs(job):
    """What only 0.90 looks at: the base score as a margin, the booster's own counts, no metrics, and
    behind a Poisson model a text."""
    def words(name, **more):
        model = OnlyBoosters(io.BytesIO(trained(job, "0.90-1", {**OBJECTIVES[name], **more}))).load().bytes
        header = np.frombuffer(model, "<u4", 34, 4)
        score = np.frombuffer(model, "<f4", 1, 4)[0]
        behind = 140 + 8 + int(np.frombuffer(model, "<u8", 1, 140)[0])
        behind += 8 + int(np.frombuffer(model, "<u8", 1, behind)[0])
        return score, header, np.frombuffer(model[behind:behind + 32], "<u4"), model

    score, header, own, _ = words("logistic", eval_metric="logloss")
    assert np.isclose(score, np.log(0.3 / 0.7)) and header[1] == 4 and not header[4:7].any()
    assert own[2] == 4 and own[6] == 1
    assert words("classes")[2][6] == 3
    assert list(words("linear")[2][:2]) == [4, 1]
    assert words("counts")[3].endswith(b"\3" + bytes(7) + b"0.7")


@pytest.mark.full
@pytest.mark.parametrize("given", OBJECTIVES.values(), ids=OBJECTIVES)
def test_pickles_load_under_the_releases_of_their_time(job, tmp_path, debian, given):
    folder = os.environ.get("LATHE_OLD_XGBOOST")
    if not folder:
        pytest.skip("LATHE_OLD_XGBOOST names no folder of virtual environments with XGBoost 0.90 to 1.7")
    if given["objective"] == "binary:logitraw":
        pytest.skip("0.90 to 1.2 and 1.7 disagree on what this objective's base score is")
    (tmp_path / "pickled").write_bytes(trained(job, "0.90-2", given))
    np.save(tmp_path / "rows.npy", ROWS.astype(np.float32))
    expected = margins(debian, tmp_path / "plain", trained(job, "1.5-1", given))
    program = """
import pickle, sys
import numpy as np, xgboost
rows = xgboost.DMatrix(np.load(sys.argv[2]))
# 0.90 drops dart's trees unless it is told how many to use.
limit = {"ntree_limit": 5} if xgboost.__version__.startswith("0.") and sys.argv[4] == "dart" else {}
np.save(sys.argv[3], pickle.load(open(sys.argv[1], "rb")).predict(rows, output_margin=True, **limit))
"""
    for python in sorted(pathlib.Path(folder).glob("*/bin/python")):
        subprocess.run([python, "-W", "ignore", "-c", program, tmp_path / "pickled", tmp_path / "rows.npy",
                        tmp_path / "margins.npy", given.get("booster", "")], check=True)
        assert np.allclose(np.load(tmp_path / "margins.npy"), expected.reshape(np.shape(np.load(tmp_path / "margins.npy"))), rtol=0, atol=1e-6), python


# --- the log, and failures ------------------------------------------------------------------------


@pytest.mark.parametrize("version, said, rows, digits", [
    ("0.72", "0.72", "Train matrix has 200 rows", r"\d\.\d{1,6}"),
    ("0.90-2", "0.90", "Train matrix has 200 rows", r"\d\.\d{1,6}"),
    ("1.0-1", "1.0.0", "Train matrix has 200 rows", r"\d\.\d{5}"),
    ("1.2-1", "1.2.0", "Train matrix has 200 rows and 4 columns", r"\d\.\d{5}"),
    ("3.0-5", "3.0.5", "Train matrix has 200 rows and 4 columns", r"\d\.\d{5}"),
])
def test_the_log_is_the_releases(job, version, said, rows, digits):
    made = job().channel("train", TEXT)
    made.run(version, num_round=2, objective="binary:logistic")
    lines = [line.split("] ", 1)[-1] for line in made.log.splitlines()]
    assert f"Running XGBoost {said} of the image {version}" in lines and rows in lines
    first = "Running standalone xgboost training." if version == "0.72" else "Running XGBoost Sagemaker in algorithm mode"
    assert first in lines
    (logged,) = [re.fullmatch(rf"\[1\]#011train-(?:error|logloss):({digits})", line) for line in lines if line.startswith("[1]")]
    assert made.metric("train:error" if "train-error" in made.log else "train:logloss")[1] == float(logged[1])


def test_failures_are_worded_as_the_release_does(job):
    def failure(version, **given):
        made = job().channel("train", TEXT)
        made.fails(version, **given)
        return made.failure

    first = failure("0.72", num_round=0)
    assert first == "Hyperparameter num_round: 0 is not in [1, +inf)"
    frame = "framework error: \nsagemaker_algorithm_toolkit.exceptions."
    assert failure("1.0-1", num_round=0) == frame + "UserError: " + first
    xgboosts = failure("1.7-1", num_round=1, max_bin=1, tree_method="hist")
    assert xgboosts.startswith(frame + "AlgorithmError: XGB train call failed with exception:\n ")


@pytest.mark.parametrize("content_type, text", [
    ("text/csv", TEXT), ("libsvm", "".join(f"{int(a > .5)} 1:{a} 3:{c}\n" for a, _, c, _ in ROWS))])
def test_pipe_mode_trains_on_the_same_rows(job, content_type, text):
    models = []
    for mode in "File", "FastFile", "Pipe":
        made = job().channel("train", text, content_type)
        made.channels["train"]["TrainingInputMode"] = mode
        models.append(made.trains("1.7-1", num_round=2).save_raw())
    assert models[0] == models[1] == models[2]
