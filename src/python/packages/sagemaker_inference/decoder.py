"""Arrays of texts and bytes, as sagemaker_inference reads them."""

from lathe_containers import absent
from lathe_containers.encoders import (
    csv_to_numpy_by_column as _csv_to_numpy, json_to_numpy as _json_to_numpy,
    npy_to_numpy as _npy_to_numpy, npz_to_sparse as _npz_to_sparse)
from sagemaker_inference import content_types, errors

_decoder_map = {content_types.NPY: _npy_to_numpy, content_types.CSV: _csv_to_numpy,
                content_types.JSON: _json_to_numpy, content_types.NPZ: _npz_to_sparse}


def decode(obj, content_type):
    if content_type not in _decoder_map:
        raise errors.UnsupportedFormatError(content_type)
    return _decoder_map[content_type](obj)


__getattr__ = absent.of(__name__)
