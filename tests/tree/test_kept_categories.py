"""Categories that a model keeps (XGBoost 3.1 and later, trained from data frames): rows with their
texts, however written, are predicted as XGBoost predicts the frame that it recodes itself."""

import json
import pathlib
import subprocess

import numpy as np
import pytest

FOLDER = pathlib.Path(__file__).parent / "newest"
FILES = sorted(FOLDER.glob("3.*/frame/model.*"))


def as_csv(told, header):
    """The empty text is written in quotes, what is missing as nothing."""
    def field(value):
        if isinstance(value, str):
            return '"' + value.replace('"', '""') + '"'
        return "" if value is None else str(value)

    rows = ([told["columns"]] if header else []) + told["rows"]
    return "".join(",".join(map(field, row)) + "\n" for row in rows)


def as_lines(told, names):
    return "".join(json.dumps(dict(zip(told["columns"], row)) if names else row) + "\n"
                   for row in told["rows"])


def as_libsvm(told):
    """Which cannot have an empty value, nor blanks in one."""
    return "".join(" ".join(f"{i}:{value}" for i, value in enumerate(row) if value is not None) + "\n"
                   for row in told["rows"])


@pytest.fixture(params=FILES, ids=lambda path: f"{path.parent.parent.name}-{path.suffix[1:]}")
def model(request):
    return request.param


@pytest.fixture
def told(model):
    return json.loads((model.parent / "told.json").read_text())


@pytest.fixture
def predict(lathe, model):
    def run(text, form, *more):
        return subprocess.run([lathe, "predict", model, "--format", form, *more], input=text,
                              capture_output=True, text=True, timeout=60)

    return run


def same_bits(done, expected):
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.float32([float(line) for line in done.stdout.split()]),
                                  np.float32(expected))


def test_every_format(predict, told):
    expected = told["predictions"]
    same_bits(predict(as_csv(told, True), "csv"), expected)
    same_bits(predict(as_csv(told, False), "csv"), expected)
    same_bits(predict(as_lines(told, True), "jsonlines"), expected)
    same_bits(predict(as_lines(told, False), "jsonlines"), expected)
    plain = [i for i, row in enumerate(told["rows"]) if row[1] and " " not in row[1]]
    assert 10 < len(plain) < len(told["rows"])
    few = told | {"rows": [told["rows"][i] for i in plain]}
    same_bits(predict(as_libsvm(few), "libsvm"), [expected[i] for i in plain])


def test_numbers_otherwise_written(predict, told):
    """10 is 10.0 and +10, and is no code where categories are numbers."""
    place = told["columns"].index("code")
    for written in (lambda value: f"{value}.0", lambda value: f"{value:+}", "{:.6e}".format):
        rows = [row[:place] + [written(row[place])] + row[place + 1:] for row in told["rows"]]
        same_bits(predict(as_csv(told | {"rows": rows}, False), "csv"), told["predictions"])


def test_what_is_unknown_is_refused_as_xgboost_does(predict, told):
    rows = [list(row) for row in told["rows"]]
    rows[6][1] = "lila"
    changed = told | {"rows": rows}
    for text, form in ((as_csv(changed, True), "csv"), (as_csv(changed, False), "csv"),
                       (as_lines(changed, True), "jsonlines"),
                       (as_lines(changed, False), "jsonlines")):
        done = predict(text, form)
        assert done.returncode == 1 and not done.stdout
        assert "Found" + told["unknown"] in done.stderr
        assert "(row 7, column 2, kind): expected one of \"rot\", \"blau\"" in done.stderr
    rows[6][1], rows[2][2] = "rot", 0  # a code, of a feature whose categories are numbers
    assert "Found a category not in the training set for the 2th (0-based) column: `0`" in \
        predict(as_csv(changed, False), "csv").stderr
    libsvm = predict("0:1 1:rot\n0:1 1:lila\n", "libsvm")
    assert "line 2, column 5: found \"1:lila\", expected index:value" in libsvm.stderr


def test_described(lathe, model, told):
    done = subprocess.run([lathe, "describe", "--json", model], capture_output=True, text=True)
    columns = {column["name"]: column.get("categories") for column in
               json.loads(done.stdout)["columns"]}
    assert columns["x"] is None and columns["code"] == ["10", "-20", "3000000000"]
    assert columns["i64"] == ["1", "-5", "9223372036854775807"]
    assert columns["kind"][3:] == ["", 'a "b", c', "7"]
    if "u32" in columns:
        assert (columns["u16"][2], columns["u32"][2]) == ("65535", "4294967295")
    page = subprocess.run([lathe, "describe", model], capture_output=True, text=True).stdout
    assert "one of 10, -20, 3000000000" in page
