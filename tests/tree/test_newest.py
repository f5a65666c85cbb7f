"""Model files of the XGBoosts that are newer than those that the tests install: what they predicted
themselves is beside them (newest/make.py)."""

import json
import pathlib
import subprocess

import numpy as np
import pytest

FOLDER = pathlib.Path(__file__).parent / "newest"
FILES = sorted(path.relative_to(FOLDER) for path in FOLDER.glob("3.*/*.*") if path.stem != "told")


@pytest.mark.parametrize("file", FILES, ids=str)
def test_it_predicts_the_same_bits(lathe, tmp_path, file):
    told = json.loads((FOLDER / file.parent / "told.json").read_text())
    assert told["xgboost"].startswith(file.parent.name)
    rows = tmp_path / "rows.csv"
    rows.write_text("".join(",".join("" if value != value else repr(value) for value in row) + "\n"
                            for row in told["rows"]))
    done = subprocess.run([lathe, "predict", FOLDER / file, rows], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    given = np.float32([float(value) for value in done.stdout.replace(",", " ").split()])
    right = np.float32(told["predictions"][file.stem])
    np.testing.assert_array_equal(given.reshape(right.shape), right)
