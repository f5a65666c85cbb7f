"""Requests as xgboost.DMatrix, as the XGBoost container's default input_fn reads them."""

import json

from lathe_containers import absent, errors
from lathe_containers.matrices import (
    csv_to_dmatrix, libsvm_to_dmatrix, recordio_protobuf_to_dmatrix)
from sagemaker_xgboost_container.constants import xgb_content_types

_dmatrix_decoders_map = {
    "text/csv": csv_to_dmatrix, xgb_content_types.LIBSVM: libsvm_to_dmatrix,
    xgb_content_types.X_LIBSVM: libsvm_to_dmatrix,
    xgb_content_types.X_RECORDIO_PROTOBUF: recordio_protobuf_to_dmatrix}


def decode(obj, content_type):
    kind = content_type.split(";")[0].strip()
    if kind not in _dmatrix_decoders_map:
        raise errors.UnsupportedFormatError(kind)
    return _dmatrix_decoders_map[kind](obj)


def json_to_jsonlines(json_data):
    """{"predictions": [...]}: a line for each."""
    data = json_data if isinstance(json_data, dict) else json.loads(json_data)
    if len(data) != 1:
        raise ValueError("JSON response is not compatible for conversion to jsonlines.")
    rows, = data.values()
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


__getattr__ = absent.of(__name__)
