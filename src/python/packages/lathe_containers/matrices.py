"""Requests as xgboost.DMatrix, as the XGBoost container reads them."""

import csv

from lathe_containers import recordio


def _text(given):
    return given.decode("utf-8") if isinstance(given, (bytes, bytearray)) else given


def csv_to_dmatrix(input, dtype=None):
    import numpy as np
    import xgboost

    lines = _text(input).split("\n")
    found = csv.Sniffer().sniff(lines[0][:512]).delimiter
    delimiter = "," if found.isalnum() else found
    rows = np.array([[field or "nan" for field in line.split(delimiter)] for line in lines])
    return xgboost.DMatrix(rows.astype(dtype))


def _pairs(line):
    return {int(index): float(value) for index, colon, value in
            (word.partition(":") for word in line.split()) if colon}


def libsvm_to_dmatrix(string_like):
    """What a row does not name is 0; indices none of which is 0 count from 1."""
    import numpy as np
    import xgboost

    rows = [_pairs(line) for line in _text(string_like).strip().split("\n")]
    indices = [index for row in rows for index in row]
    if not indices:
        return xgboost.DMatrix(np.empty((0, 0)))
    first = 1 if min(indices) >= 1 else 0
    matrix = np.zeros((len(rows), max(indices) - first + 1))
    for number, row in enumerate(rows):
        for index, value in row.items():
            matrix[number, index - first] = value
    return xgboost.DMatrix(matrix)


def recordio_protobuf_to_dmatrix(string_like):
    import xgboost

    features, labels = recordio.read(bytes(string_like))
    return xgboost.DMatrix(features, label=labels)
