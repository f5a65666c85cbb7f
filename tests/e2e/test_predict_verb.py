"""`lathe predict` and `lathe describe` on files, against XGBoost and MLeap's own answers."""

import csv
import json
import subprocess

import numpy
import pytest
import xgboost

from test_inference_pipeline import (BUNDLES, LABEL_NAMES, TABLE, model_bytes, packed, predictions,
                                     trained)

VERSION = "0.24"
MACHINE = str(BUNDLES / VERSION / "machine.zip")


@pytest.fixture
def features():
    columns = json.loads((BUNDLES / VERSION / "machine.json").read_text())["mleap"]
    return numpy.array(next(c["values"] for c in columns if c["name"] == "features"))


@pytest.fixture
def run(lathe):
    def call(*arguments, rows=None):
        return subprocess.run([lathe, *map(str, arguments)], input=rows, capture_output=True,
                              text=True, timeout=120)

    return call


def test_many_rows_in_pieces_and_in_order(run, tmp_path):
    """12 MB of rows: several pieces, in threads, as XGBoost answers them."""
    random = numpy.random.default_rng(3)
    rows = numpy.round(random.normal(0, 1, (200_000, 6)), 6)
    names = [f"c{i}" for i in range(6)]
    booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "nthread": 1},
                            xgboost.DMatrix(rows[:2000], (rows[:2000, 0] > 0) + (rows[:2000, 1] > 1),
                                            feature_names=names), 5)
    model, table = tmp_path / "model.ubj", tmp_path / "rows.csv"
    booster.save_model(model)
    expected = booster.predict(xgboost.DMatrix(rows, feature_names=names, nthread=1))
    numpy.savetxt(table, rows, fmt="%.6f", delimiter=",")
    done = run("predict", model, table)
    assert done.returncode == 0, done.stderr
    numpy.testing.assert_array_max_ulp(
        numpy.loadtxt(done.stdout.splitlines(), delimiter=",", dtype=numpy.float32), expected, 1)
    # The same columns in another order, with one more, under a header.
    order = [3, 0, 5, 1, 4, 2]
    mixed = ",".join(["id"] + [names[i] for i in order]) + "\n" + "".join(
        f"id {i}," + ",".join(f"{row[k]:.6f}" for k in order) + "\n" for i, row in enumerate(rows))
    table.write_text(mixed)
    assert run("predict", model, table).stdout == done.stdout
    # An error far inside counts from the beginning of the file.
    lines = mixed.split("\n")
    lines[150_000] = lines[150_000].replace(",", ",oops", 1)
    failed = run("predict", model, rows="\n".join(lines))
    assert failed.returncode == 1
    assert "line 150001, column 2" in failed.stderr and "oops" in failed.stderr


def test_a_pipeline_under_a_header(run, tmp_path, features):
    booster = trained(features, numpy.arange(len(features)) % 3, "multi:softmax", num_class=3)
    (tmp_path / "model.tar.gz").write_bytes(packed({"xgboost-model": model_bytes(booster)}))
    labels = BUNDLES / VERSION / "labels.zip"
    rows = "y,kind,x\n" + "".join(f"{y},{kind},{x}\n" for y, kind, x in
                                   zip(TABLE["y"], TABLE["kind"], TABLE["x"]))
    done = run("predict", MACHINE, tmp_path / "model.tar.gz", rows=rows)
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.splitlines()] == list(predictions(booster, features))
    assert done.stdout.endswith("\n")


def test_what_is_missing_is_said(run, tmp_path):
    assert run("predict").returncode == 2
    failed = run("predict", tmp_path / "nothing", rows="1\n")
    assert failed.returncode == 1 and "nothing cannot be opened" in failed.stderr
    failed = run("predict", MACHINE, rows="kind,x\nL,1\n")
    assert failed.returncode == 1 and "the header has no column \"y\"" in failed.stderr
    order = "without a header, columns come as kind, x, y\n"
    for rows, found in ("L,1\n", "found 2 fields in this row, expected 3"), \
                       ("L,1,2\nL,1,2,3\n", "line 2, column 4: found 4 fields"), \
                       ("1,2,L\n", 'line 1, column 3: found "L" in y'):
        failed = run("predict", MACHINE, rows=rows)
        assert failed.returncode == 1 and found in failed.stderr and order in failed.stderr
    failed = run("predict", MACHINE, rows="kind,x,y\nL,1,2\nL,much,2\n")
    assert failed.returncode == 1 and "line 3, column 2" in failed.stderr


def test_describe(run, tmp_path, features):
    booster = trained(features, numpy.arange(len(features)) % 2, "binary:logistic")
    (tmp_path / "model.tar.gz").write_bytes(packed({"xgboost-model": model_bytes(booster)}))
    done = run("describe", MACHINE, tmp_path / "model.tar.gz", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [column["name"] for column in said["columns"]] == ["kind", "x", "y"]
    bundle, trees = said["parts"]
    assert bundle["output"] == "features" and bundle["width"] == 7
    assert {"type": "StringIndexer", "inputs": ["kind"], "outputs": ["i"],
            "labels": ["L", "M", "H"]}.items() <= bundle["stages"][0].items()
    assert trees["objective"] == "binary:logistic" and trees["trees"] == 12
    gains = booster.get_score(importance_type="total_gain")
    got = {f"f{i}": f["total_gain"] for i, f in enumerate(trees["features"]) if f["weight"]}
    assert got == pytest.approx(gains, rel=1e-5)
    assert [f["name"] for f in trees["features"]] == ["u[0]", "u[1]", "u[2]", "x", "e", "f", "b"]
    page = run("describe", MACHINE, tmp_path / "model.tar.gz").stdout
    assert "\u2588" in page and "binary:logistic" in page and "12 trees" in page
    assert "in this order; with one, in any:\n  kind,x,y\n" in page
    page = run("describe", tmp_path / "model.tar.gz").stdout
    assert "7 columns" in page and "the order in which the model was trained" in page


def test_the_order_that_describe_shows_is_the_one_that_rows_have(run, tmp_path):
    names = ["plain", "with, comma", 'with "quotes"']
    random = numpy.random.default_rng(5)
    rows = numpy.round(random.normal(0, 1, (200, 3)), 3)
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, rows[:, 0] - rows[:, 1],
                                                            feature_names=names), 5)
    booster.save_model(tmp_path / "model.ubj")
    page = run("describe", tmp_path / "model.ubj").stdout
    header = page.split("with one, in any:\n  ")[1].split("\n")[0]
    assert next(csv.reader([header])) == names
    text = "".join(",".join(map(str, row)) + "\n" for row in rows)
    expected = list(booster.predict(xgboost.DMatrix(rows, feature_names=names)))
    for given in text, f"{header}\n{text}":
        answers = run("predict", tmp_path / "model.ubj", rows=given).stdout.splitlines()
        assert [numpy.float32(line) for line in answers] == expected


@pytest.mark.parametrize("names", [None, ["a", "b", "c"]])
@pytest.mark.parametrize("header", ["", "a,b,c\n"])
def test_rows_that_do_not_fit_are_named_as_in_the_file(run, tmp_path, names, header):
    rows = numpy.random.default_rng(5).normal(0, 1, (300, 3))
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, rows[:, 0], feature_names=names), 2)
    booster.save_model(tmp_path / "model.ubj")
    above = header.count("\n")
    for wrong, column in ("1,2", "column 2"), ("1,2,3,4", "column 4"), ("1,2,x", "column 3"):
        text = f"{header}1,2,3\n4,5,6\n{wrong}\n7,8,9\n"
        failed = run("predict", tmp_path / "model.ubj", rows=text)
        assert failed.returncode == 1
        assert f"standard input: line {3 + above}, {column}: found" in failed.stderr
    failed = run("predict", tmp_path / "model.ubj", rows=header + "1,2\n3,4\n")
    assert failed.returncode == 1
    assert "row 1" in failed.stderr or f"line {1 + above}, column 2" in failed.stderr


def test_as_much_of_the_order_is_said_as_fits(run, tmp_path):
    names = [f"a feature with a long name, number {i}" for i in range(200)]
    rows = numpy.random.default_rng(5).normal(0, 1, (50, 200))
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, rows[:, 0], feature_names=names), 2)
    booster.save_model(tmp_path / "model.ubj")
    failed = run("predict", tmp_path / "model.ubj", rows=",".join(["1"] * 199 + ["x"]) + "\n")
    assert "line 1, column 200" in failed.stderr
    said = failed.stderr.split("columns come as ")[1]
    assert said.startswith(", ".join(names[:5]) + ", ") and said.endswith(", ...\n")


def test_a_small_file_with_many_features_is_not_described(run, tmp_path):
    rows = numpy.random.default_rng(5).normal(0, 1, (50, 2))
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, rows[:, 0]), 2)
    model = json.loads(booster.save_raw("json"))
    for features, described in (1000, True), (2_000_000, False):
        model["learner"]["learner_model_param"]["num_feature"] = str(features)
        for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
            tree["tree_param"]["num_feature"] = str(features)
        (tmp_path / "model.json").write_text(json.dumps(model))
        done = run("describe", tmp_path / "model.json", "--json")
        assert (done.returncode == 0) == described
        assert described or "1048576 columns are described at most, found 2000000" in done.stderr
