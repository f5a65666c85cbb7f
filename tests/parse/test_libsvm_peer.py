"""tests/csv/rows.expected, which src/csv/libsvm.c is held to by tests/csv/test_libsvm.c, is what
XGBoost's own reader makes of rows.libsvm."""

import pathlib

import pytest

xgboost = pytest.importorskip("xgboost")

FOLDER = pathlib.Path(__file__).parent.parent / "csv"


def xgboost_rows():
    rows = xgboost.DMatrix(f"{FOLDER / 'rows.libsvm'}?format=libsvm")
    data, weights = rows.get_data(), rows.get_weight()
    for row, label in enumerate(rows.get_label()):
        cells = slice(data.indptr[row], data.indptr[row + 1])
        weight = weights[row] if len(weights) else 1
        yield " ".join([f"{label:g} {weight:g}"] + [
            f"{index}:{value:g}" for index, value in zip(data.indices[cells], data.data[cells])])


def test_rows():
    assert list(xgboost_rows()) == (FOLDER / "rows.expected").read_text().splitlines()


if __name__ == "__main__":
    print("\n".join(xgboost_rows()))
