"""What the default functions of serving read and write, as the containers of scikit-learn and XGBoost do.

There are two families: that of sagemaker_containers, which serves one model, and that of
sagemaker_inference, which serves several and all other frameworks. Their CSV differs. To what the
stand-ins for their packages do (packages/lathe_containers) this adds JSON Lines."""

import json

from lathe_containers import encoders, matrices
from lathe_containers.errors import UnsupportedFormatError

JSON, CSV, NPY, NPZ = "application/json", "text/csv", "application/x-npy", "application/x-npz"
JSON_LINES = ("application/jsonlines", "application/x-jsonlines", "application/jsonl")
UTF8_TYPES = (JSON, CSV)


def _choose(table, content_type):
    """Content types are compared as they were sent: "text/csv; charset=utf-8" is none of them."""
    try:
        return table[content_type]
    except KeyError:
        raise UnsupportedFormatError(content_type) from None


def _read_json_lines(given):
    import numpy

    text = given.decode("utf-8") if isinstance(given, (bytes, bytearray)) else given
    return numpy.array([json.loads(line) for line in text.splitlines() if line.strip()])


def _write_json_lines(values):
    return "".join(f"{encoders.array_to_json(row)}\n" for row in values)


READERS = {JSON: encoders.json_to_numpy, CSV: encoders.csv_to_numpy, NPY: encoders.npy_to_numpy,
           **dict.fromkeys(JSON_LINES, _read_json_lines)}
WRITERS = {JSON: encoders.array_to_json, CSV: encoders.array_to_csv, NPY: encoders.array_to_npy,
           **dict.fromkeys(JSON_LINES, _write_json_lines)}
TOOLKIT_READERS = {**READERS, CSV: encoders.csv_to_numpy_by_column, NPZ: encoders.npz_to_sparse}
TOOLKIT_WRITERS = {**WRITERS, CSV: encoders.array_to_csv_by_numpy}
MATRIX_READERS = {
    CSV: matrices.csv_to_dmatrix, "text/libsvm": matrices.libsvm_to_dmatrix,
    "text/x-libsvm": matrices.libsvm_to_dmatrix,
    "application/x-recordio-protobuf": matrices.recordio_protobuf_to_dmatrix}


def decode(given, content_type):
    """As sagemaker_containers does."""
    return _choose(READERS, content_type)(given)


def encode(values, content_type):
    return _choose(WRITERS, content_type)(values)


def toolkit_decode(given, content_type):
    """As sagemaker_inference does."""
    return _choose(TOOLKIT_READERS, content_type)(given)


def toolkit_encode(values, content_type):
    return _choose(TOOLKIT_WRITERS, content_type)(values)


def decode_matrix(given, content_type):
    """As the default input_fn of the XGBoost container does: a DMatrix."""
    return _choose(MATRIX_READERS, (";" + content_type).split(";")[1].strip())(given)
