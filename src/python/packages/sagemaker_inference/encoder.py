"""Arrays as texts and bytes, as sagemaker_inference writes them."""

from lathe_containers import absent
from lathe_containers.encoders import (
    array_to_csv_by_numpy as _array_to_csv, array_to_json as _array_to_json,
    array_to_npy as _array_to_npy)
from sagemaker_inference import content_types, errors

_encoder_map = {content_types.NPY: _array_to_npy, content_types.CSV: _array_to_csv,
                content_types.JSON: _array_to_json}
SUPPORTED_CONTENT_TYPES = set(_encoder_map)


def encode(array_like, content_type):
    if content_type not in _encoder_map:
        raise errors.UnsupportedFormatError(content_type)
    return _encoder_map[content_type](array_like)


__getattr__ = absent.of(__name__)
