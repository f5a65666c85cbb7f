"""What the default functions of serving read and write, as the containers of scikit-learn and XGBoost do.

There are two families: that of sagemaker_containers, which serves one model, and that of
sagemaker_inference, which serves several and all other frameworks. Their CSV differs. Libraries are
imported where something needs them: a script that brings functions of its own may have none."""

import csv
import io
import json

JSON, CSV, NPY, NPZ = "application/json", "text/csv", "application/x-npy", "application/x-npz"
JSON_LINES = ("application/jsonlines", "application/x-jsonlines", "application/jsonl")
UTF8_TYPES = (JSON, CSV)


class UnsupportedFormatError(Exception):
    def __init__(self, content_type):
        super().__init__(
            f"Content type {content_type} is not supported by this framework.\n\n"
            "            Please implement input_fn to to deserialize the request data or an output_fn to\n"
            "            serialize the response. For more information, see the SageMaker Python SDK README.")


def _choose(table, content_type):
    """Content types are compared as they were sent: "text/csv; charset=utf-8" is none of them."""
    try:
        return table[content_type]
    except KeyError:
        raise UnsupportedFormatError(content_type) from None


def _text(given):
    return given.decode("utf-8") if isinstance(given, (bytes, bytearray)) else given


# ---- reading ----


def _read_json(text):
    import numpy

    return numpy.array(json.loads(text))


def _read_json_lines(text):
    import numpy

    return numpy.array([json.loads(line) for line in _text(text).splitlines() if line.strip()])


def _read_csv(text):
    """Numbers where all are, else texts; a dimension of one row or column goes."""
    import numpy

    rows = numpy.array(list(csv.reader(io.StringIO(text), strict=True))).squeeze()
    try:
        return rows.astype(float)
    except ValueError:
        return rows


def _read_npy(given):
    import numpy

    return numpy.load(io.BytesIO(given), allow_pickle=True)


def decode(given, content_type):
    """As sagemaker_containers does."""
    readers = {JSON: _read_json, CSV: _read_csv, NPY: _read_npy,
               **dict.fromkeys(JSON_LINES, _read_json_lines)}
    return _choose(readers, content_type)(given)


def _read_csv_guessing(text):
    """Each column of its own type."""
    import numpy

    return numpy.genfromtxt(io.StringIO(text), dtype=None, delimiter=",")


def _read_npz(given):
    import scipy.sparse

    return scipy.sparse.load_npz(io.BytesIO(given))


def toolkit_decode(given, content_type):
    """As sagemaker_inference does."""
    readers = {JSON: _read_json, CSV: _read_csv_guessing, NPY: _read_npy, NPZ: _read_npz,
               **dict.fromkeys(JSON_LINES, _read_json_lines)}
    return _choose(readers, content_type)(given)


# ---- writing ----


def _plain(value):
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _write_json(values):
    return json.dumps(values, default=_plain)


def _write_json_lines(values):
    return "".join(json.dumps(row, default=_plain) + "\n" for row in values)


def _write_npy(values):
    import numpy

    out = io.BytesIO()
    numpy.save(out, values)
    return out.getvalue()


def _write_csv(values):
    import numpy

    rows = numpy.array(values)
    if rows.ndim == 1:
        rows = rows.reshape(-1, 1)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", strict=True).writerows(rows)
    return out.getvalue()


def encode(values, content_type):
    """As sagemaker_containers does."""
    writers = {JSON: _write_json, CSV: _write_csv, NPY: _write_npy,
               **dict.fromkeys(JSON_LINES, _write_json_lines)}
    return _choose(writers, content_type)(values)


def _write_csv_by_numpy(values):
    import numpy

    out = io.StringIO()
    numpy.savetxt(out, values, delimiter=",", fmt="%s")
    return out.getvalue()


TOOLKIT_WRITERS = {JSON: _write_json, CSV: _write_csv_by_numpy, NPY: _write_npy,
                   **dict.fromkeys(JSON_LINES, _write_json_lines)}


def toolkit_encode(values, content_type):
    """As sagemaker_inference does."""
    return _choose(TOOLKIT_WRITERS, content_type)(values)


# ---- XGBoost's rows ----


def _matrix_of_csv(given):
    import numpy
    import xgboost

    lines = _text(given).split("\n")
    found = csv.Sniffer().sniff(lines[0][:512]).delimiter
    delimiter = "," if found.isalnum() else found
    rows = numpy.array([[field or "nan" for field in line.split(delimiter)] for line in lines])
    return xgboost.DMatrix(rows.astype(float))


def _pairs(line):
    return [(int(index), float(value)) for index, colon, value in
            (word.partition(":") for word in line.split()) if colon]


def _matrix_of_libsvm(given):
    """What a row does not name is 0, and indices none of which is 0 count from 1."""
    import numpy
    import xgboost

    rows = [_pairs(line) for line in _text(given).strip().split("\n")]
    indices = [index for row in rows for index, _ in row]
    if not indices:
        return xgboost.DMatrix(numpy.empty((0, 0)))
    first = 1 if min(indices) >= 1 else 0
    matrix = numpy.zeros((len(rows), max(indices) - first + 1))
    for number, row in enumerate(rows):
        for index, value in row:
            matrix[number, index - first] = value
    return xgboost.DMatrix(matrix)


def _refuse_recordio(given):
    raise NotImplementedError("application/x-recordio-protobuf is not read by the default input_fn "
                              "here: send text/csv or text/libsvm, or bring an input_fn")


def decode_matrix(given, content_type):
    """As the default input_fn of the XGBoost container does: a DMatrix."""
    readers = {CSV: _matrix_of_csv, "text/libsvm": _matrix_of_libsvm,
               "text/x-libsvm": _matrix_of_libsvm,
               "application/x-recordio-protobuf": _refuse_recordio}
    return _choose(readers, content_type.partition(";")[0].strip())(given)
