"""Arrays as texts and bytes. The families of containers share NPY and JSON and differ in CSV:
sagemaker_containers and sagemaker_training write it by Python's csv, sagemaker_inference by numpy.
numpy is imported where it is needed: a script that asks for the environment alone may have none."""

import csv
import io
import json

from lathe_containers import content_types, errors, recordio


def array_to_npy(array_like):
    import numpy as np

    out = io.BytesIO()
    np.save(out, array_like)
    return out.getvalue()


def npy_to_numpy(npy_array):
    import numpy as np

    return np.load(io.BytesIO(npy_array), allow_pickle=True)


def _plain(value):
    if hasattr(value, "tolist"):
        return value.tolist()
    return json.JSONEncoder().default(value)


def array_to_json(array_like):
    return json.dumps(array_like, default=_plain)


def json_to_numpy(string_like, dtype=None):
    import numpy as np

    return np.array(json.loads(string_like), dtype=dtype)


def _rows(string_like, dtype):
    """Numbers where all are and no type is asked for, else texts; a dimension of one row or column goes."""
    import numpy as np

    rows = np.array(list(csv.reader(io.StringIO(string_like), strict=True))).squeeze()
    try:
        return rows.astype(dtype)
    except ValueError:
        if dtype is not None:
            raise
    return rows


def csv_to_numpy(string_like, dtype=None):
    try:
        return _rows(string_like, dtype)
    except ValueError as error:
        raise errors.ClientError(f"Error while writing numpy array: {error}. dtype is: {dtype}")
    except Exception as error:
        raise errors.ClientError(f"Error while decoding csv: {error}")


def array_to_csv(array_like):
    import numpy as np

    rows = np.array(array_like)
    if rows.ndim == 1:
        rows = rows.reshape(-1, 1)
    out = io.StringIO()
    try:
        csv.writer(out, lineterminator="\n", strict=True).writerows(rows)
    except csv.Error as error:
        raise errors.ClientError(f"Error while encoding csv: {error}")
    return out.getvalue()


def csv_to_numpy_by_column(string_like, dtype=None):
    """A column of its own type each."""
    import numpy as np

    return np.genfromtxt(io.StringIO(string_like), dtype=dtype, delimiter=",")


def array_to_csv_by_numpy(array_like):
    import numpy as np

    out = io.StringIO()
    np.savetxt(out, array_like, delimiter=",", fmt="%s")
    return out.getvalue()


def npz_to_sparse(npz_bytes):
    import scipy.sparse

    return scipy.sparse.load_npz(io.BytesIO(npz_bytes))


def array_to_recordio_protobuf(array_like, labels=None):
    if array_like.ndim == 1:
        array_like = array_like.reshape(1, -1)
    assert array_like.ndim == 2, "Expecting a 1 or 2 dimensional array"
    return recordio.write(array_like, labels)


encoders_map = {content_types.NPY: array_to_npy, content_types.CSV: array_to_csv,
                content_types.JSON: array_to_json}
_encoders_map = encoders_map
_decoders_map = {content_types.NPY: npy_to_numpy, content_types.CSV: csv_to_numpy,
                 content_types.JSON: json_to_numpy}


def _choose(table, content_type):
    if content_type not in table:
        raise errors.UnsupportedFormatError(content_type)
    return table[content_type]


def decode(obj, content_type):
    return _choose(_decoders_map, content_type)(obj)


def encode(array_like, content_type):
    return _choose(encoders_map, content_type)(array_like)
