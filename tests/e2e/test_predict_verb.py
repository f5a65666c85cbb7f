"""`lathe predict` and `lathe describe` on files, against XGBoost and MLeap's own answers."""

import csv
import gzip
import itertools
import json
import os
import subprocess
import sys

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


def test_what_is_asked(run, tmp_path, features):
    """--output: what only the trees have, behind a bundle, from each form of rows."""
    booster = trained(features, numpy.arange(len(features)) % 3, "multi:softprob", num_class=3)
    (tmp_path / "model.tar.gz").write_bytes(packed({"xgboost-model": model_bytes(booster)}))
    matrix = xgboost.DMatrix(features)
    expected = {"predictions": booster.predict(matrix), "probabilities": booster.predict(matrix),
                "labels": booster.predict(matrix).argmax(1),
                "margins": booster.predict(matrix, output_margin=True),
                "leaves": booster.predict(matrix, pred_leaf=True),
                "contributions": booster.predict(matrix, pred_contribs=True),
                "interactions": booster.predict(matrix, pred_interactions=True)}
    table = ("csv", "y,kind,x\n" + "".join(f"{y},{kind},{x}\n" for y, kind, x in
                                          zip(TABLE["y"], TABLE["kind"], TABLE["x"])))
    objects = ("jsonlines", "".join(json.dumps({name: TABLE[name][i] for name in ("y", "kind", "x")})
                                    + "\n" for i in range(len(TABLE["y"]))))
    sparse = ("libsvm", "".join("0 " + " ".join(f"{i}:{x!r}" for i, x in enumerate(row)) + "\n"
                                for row in features.tolist()))
    for artifacts, (form, rows) in itertools.product([[MACHINE], []], [table, objects, sparse]):
        if (form == "libsvm") == bool(artifacts):
            continue
        for output, answers in expected.items():
            done = run("predict", *artifacts, tmp_path / "model.tar.gz", "--format", form,
                       "--output", output, rows=rows)
            assert done.returncode == 0, done.stderr
            found = numpy.loadtxt(done.stdout.splitlines(), delimiter=",", ndmin=2)
            numpy.testing.assert_allclose(found, answers.reshape(len(features), -1), rtol=1e-5,
                                          atol=1e-6)
    failed = run("predict", MACHINE, "--output", "margins", rows=table[1])
    assert failed.returncode == 1 and "only a single model of trees has margins" in failed.stderr
    failed = run("predict", MACHINE, "--output", "words", rows=table[1])
    assert failed.returncode == 1 and "predictions, labels, probabilities" in failed.stderr
    failed = run("predict", MACHINE, "--format", "words", rows=table[1])
    assert failed.returncode == 1 and "csv, jsonlines or libsvm, not as words" in failed.stderr


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
        assert f"standard input, line {3 + above}, {column}: found" in failed.stderr
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


# --- how rows may be written --------------------------------------------------------------------


def answers(done):
    assert done.returncode == 0, done.stderr
    return [numpy.float32(line) for line in done.stdout.splitlines()]


def test_formats_and_gzip(run, lathe, tmp_path):
    names = ["a", "b, and c", "d"]
    rows = numpy.round(numpy.random.default_rng(6).normal(0, 1, (50_000, 3)), 4)
    rows[::7, 1] = numpy.nan
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows[:500], rows[:500, 0],
                                                            feature_names=names), 5)
    model = tmp_path / "model.ubj"
    booster.save_model(model)
    expected = list(booster.predict(xgboost.DMatrix(rows, feature_names=names)))
    words = [["" if value != value else repr(value) for value in row] for row in rows.tolist()]
    plain = "".join(",".join(row) + "\n" for row in words)
    quoted = "".join(",".join(f'"{word}"' for word in row) + "\r\n" for row in words)
    texts = {
        "rows.csv.gz": plain,
        "quoted.csv": '"d","b, and c","note\n2","a"\n' + "".join(
            f'{row[2]},{row[1]},"a ""note""\n,",{row[0]}\n' for row in words),
        "quoted.csv.gz": quoted,
        "semicolons.csv": plain.replace(",", ";"),
        "rows.jsonl": "".join(json.dumps({name: value if value == value else None
                                          for name, value in zip(names, row)}) + "\n"
                              for row in rows.tolist()),
        "arrays.ndjson.gz": "".join(json.dumps(row) + "\n" for row in rows.tolist()),
        "rows.libsvm": "".join(" ".join(f"{i}:{word}" for i, word in enumerate(row) if word) + "\n"
                               for row in words),
        "labels.svm.gz": "".join("1 " + " ".join(f"{i}:{w}" for i, w in enumerate(row) if w) + "\n"
                                 for row in words),
    }
    for name, text in texts.items():
        content = text.encode()
        (tmp_path / name).write_bytes(gzip.compress(content, 1) if name.endswith(".gz") else content)
        assert answers(run("predict", model, tmp_path / name)) == expected, name
    assert answers(run("predict", model, "--format", "jsonl", rows=texts["rows.jsonl"])) == expected
    failed = run("predict", model, "--format", "xml", rows="")
    assert failed.returncode == 1 and "jsonl" in failed.stderr and "xml" in failed.stderr
    assert answers(run("predict", model, rows="")) == []

    # What is wrong far inside has its line and row.
    lines = texts["rows.jsonl"].splitlines(True)
    lines[40_000] = '{"a": [1]}\n'
    failed = run("predict", model, "--format", "jsonl", rows="".join(lines))
    assert "standard input, line 40001: " in failed.stderr and "row 40001" in failed.stderr
    lines = texts["rows.libsvm"].splitlines(True)
    lines[40_000] = "0:1 2:x\n"
    failed = run("predict", model, "--format", "libsvm", rows="".join(lines))
    assert 'standard input, line 40001, column 5: found "2:x"' in failed.stderr
    lines[40_000] = "0:1 3:2\n"
    failed = run("predict", model, "--format", "libsvm", rows="".join(lines))
    assert "row 40001 has feature 4, counted from 1" in failed.stderr
    lines = plain.splitlines(True)
    lines[40_000] = "1,2\n"
    failed = run("predict", model, rows="".join(lines))
    assert "standard input, line 40001, column 2: found 2 fields" in failed.stderr


def one_hot(rows, features, each, seed):
    """Rows of libsvm, each with so many of the features."""
    random = numpy.random.default_rng(seed)
    chosen = numpy.sort(random.integers(0, features, (rows, each)), axis=1)
    return ["".join(f" {i}:1" for i in numpy.unique(row)) for row in chosen]


def peak_of(*command):
    """The most memory, in bytes, that a program had, and what it printed. By a program in between:
    what a process has before it executes counts as its own. The sanitizer is told not to keep what
    was freed."""
    script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)")
    done = subprocess.run([sys.executable, "-c", script, *map(str, command)], capture_output=True,
                          text=True, timeout=300, check=True,
                          env={**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1"})
    return 1024 * int(done.stderr), done.stdout


def test_thousands_of_sparse_columns_take_no_dense_matrix(run, lathe, tmp_path):
    """5,000 one-hot columns: XGBoost's answers, in memory of the order of the text."""
    features, count = 5000, 12_000
    lines = one_hot(count, features, 20, 1)
    text = "".join(f"{i % 2}{line}\n" for i, line in enumerate(lines))
    (tmp_path / "train.libsvm").write_text("".join(text.splitlines(True)[:2000])
                                           + f"0 {features - 1}:1\n")
    train = xgboost.DMatrix(f"{tmp_path}/train.libsvm?format=libsvm")
    booster = xgboost.train({"nthread": 1, "objective": "binary:logistic", "max_depth": 4}, train, 6)
    model = tmp_path / "model.ubj"
    booster.save_model(model)
    (tmp_path / "rows.libsvm").write_text(text)
    (tmp_path / "few.libsvm").write_text("".join(text.splitlines(True)[:10]))
    few, _ = peak_of(lathe, "predict", model, tmp_path / "few.libsvm")
    many, printed = peak_of(lathe, "predict", model, tmp_path / "rows.libsvm")
    rows = xgboost.DMatrix(f"{tmp_path}/rows.libsvm?format=libsvm")
    assert [numpy.float32(line) for line in printed.splitlines()] == list(booster.predict(rows))
    dense = 4 * features * count
    assert many - few < 12 * len(text) < dense / 10


def test_what_is_read_at_once_does_not_grow_with_the_file(lathe, tmp_path):
    rows = numpy.round(numpy.random.default_rng(7).normal(0, 1, (1000, 6)), 6)
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, rows[:, 0]), 2)
    model = tmp_path / "model.ubj"
    booster.save_model(model)
    block = "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())
    peaks = []
    for times in 200, 1600:
        (tmp_path / "rows.csv.gz").write_bytes(gzip.compress((block * times).encode(), 1))
        peak, printed = peak_of(lathe, "predict", model, tmp_path / "rows.csv.gz")
        assert printed.count("\n") == 1000 * times
        peaks.append(peak)
    assert peaks[1] - peaks[0] < len(block) * 1400 / 10
