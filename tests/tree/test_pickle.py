"""Pickled Boosters: those that XGBoost 0.90 to 3.2 wrote (pickles/, made by record_pickle.py), in all
of pickle's protocols, and other pickles, of which nothing is ever executed."""

import base64
import collections
import json
import pathlib
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
import xgboost

PICKLES = sorted((pathlib.Path(__file__).parent / "pickles").glob("*.json"))

# The same objects without XGBoost: a class of that name, whose state is what it was.
REPICKLE = """
import pickle, sys
for protocol in range(6):
    with open(sys.argv[1], "rb") as file, open(f"{sys.argv[1]}.{protocol}", "wb") as out:
        pickle.Pickler(out, protocol).dump(pickle.load(file))
"""


def repickled(folder, stored):
    (folder / "xgboost").mkdir()
    (folder / "xgboost/__init__.py").touch()
    (folder / "xgboost/core.py").write_text("class Booster: pass\n")
    (folder / "stored").write_bytes(stored)
    subprocess.run([sys.executable, "-c", REPICKLE, folder / "stored"], cwd=folder, check=True,
                   env={"PYTHONPATH": str(folder)}, timeout=60)
    return [(folder / f"stored.{protocol}").read_bytes() for protocol in range(6)]


@pytest.mark.parametrize("recorded", PICKLES, ids=lambda path: path.stem)
def test_boosters_of_every_release_and_protocol(answers, tmp_path, recorded):
    made = json.loads(recorded.read_text())
    stored = base64.b64decode(made["pickle"])
    right = np.array(made["margins"], np.float32).reshape(-1, 1)
    forms = [stored, *repickled(tmp_path, stored)]
    forms.append(re.sub(rb"V([a-z_]+)\np", rb"S'\1'\np", forms[1]))  # as Python 2 writes its texts
    assert len(set(forms)) >= 6
    for form in forms:
        got = answers(form, np.array(made["rows"]), "best-single")["best-single"]
        np.testing.assert_array_equal(got, right)


def test_boosters_of_this_release(answers):
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 1, (120, 4)).astype("f4")
    for parameters in ({"objective": "multi:softprob", "num_class": 3}, {"booster": "dart"},
                       {"booster": "gblinear"}):
        booster = xgboost.train({"nthread": 1, "max_depth": 3, **parameters},
                                xgboost.DMatrix(rows, rng.integers(0, 3, 120)), 4)
        right = booster.predict(xgboost.DMatrix(rows), output_margin=True).reshape(120, -1)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            got = answers(pickle.dumps(booster, protocol), rows, "best-single")["best-single"]
            np.testing.assert_array_equal(got, right)


class Evil:
    def __reduce__(self):
        return exec, ("import pathlib; pathlib.Path('executed').touch()",)


def test_other_pickles_say_what_they_are(answers):
    rows = np.zeros((1, 2))
    booster = xgboost.train({}, xgboost.DMatrix(np.eye(4), [0, 1, 0, 1]), 1)
    classifier = xgboost.XGBClassifier(n_estimators=2).fit(np.eye(4), [0, 1, 0, 1])
    for thing, words in ((classifier, "xgboost.sklearn.XGBClassifier"), (Evil(), ".exec"),
                         (collections.OrderedDict(a=booster), "collections.OrderedDict"),
                         ({"model": booster}, "something else"), ([1.5, "x"], "something else"),
                         (np.arange(3.0), "numpy")):
        for protocol in (0, 2, 4, 5):
            with pytest.raises(answers.Refused) as refused:
                answers(pickle.dumps(thing, protocol), rows, "best-single")
            assert "a pickle of " in str(refused.value) and "save_model" in str(refused.value)
            if protocol >= 2:
                assert words in str(refused.value)
    assert not pathlib.Path("executed").exists()


def test_a_booster_with_strange_company_is_read_and_nothing_runs(answers):
    """What else is in its state is passed over, whatever it would do."""
    rows = np.eye(4, dtype="f4")
    booster = xgboost.train({}, xgboost.DMatrix(rows, [0, 1, 0, 1]), 2)
    right = booster.predict(xgboost.DMatrix(rows), output_margin=True).reshape(4, 1)
    booster.note, booster.score = Evil(), np.float64(.5)
    booster.more = {1, 2}, [(1, 2, 3, 4)], {"handle": b"no", "deep": [None, True, -3, 2.5]}, 1 << 70
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        got = answers(pickle.dumps(booster, protocol), rows, "best-single")["best-single"]
        np.testing.assert_array_equal(got, right)
    assert not pathlib.Path("executed").exists()


def test_cut_and_altered_pickles_are_refused_or_read(answers):
    made = json.loads(PICKLES[0].read_text())
    stored, rows = base64.b64decode(made["pickle"]), np.array(made["rows"])
    rng, refused = np.random.default_rng(2), 0
    for size in sorted(set(rng.integers(0, len(stored), 10).tolist())):
        with pytest.raises(answers.Refused):
            answers(stored[:size] + b".", rows, "best-single")
    for _ in range(25):
        altered = bytearray(stored)
        for at in rng.integers(0, 260, 2):
            altered[at] = rng.integers(0, 256)
        try:
            answers(bytes(altered), rows, "best-single")
        except answers.Refused:
            refused += 1
    assert refused > 5
    for hostile in (b"\x80\x04" + b"N" * (2 << 20) + b".", b"\x80\x04N" + b"r\xff\xff\xff\x7f" * 9 + b".",
                    b"\x80\x04\x8b\xff\xff\xff\xff.", b"\x80\x04" + b"(" * 1000 + b"u.",
                    b"\x80\x04}(N.", b"\x80\x04b.", b"\x80\x04\x93."):
        with pytest.raises(answers.Refused):
            answers(hostile, rows, "best-single")
