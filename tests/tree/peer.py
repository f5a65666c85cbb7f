"""XGBoost through its C API, for comparison: Debian's 1.7 and the 3.x of PyPI, in one process.

Only what the tests need: training, loading and saving models, margins, predictions, leaf
indices and contributions of float32 matrices with NaN as missing.
"""

import ctypes
import ctypes.util
import importlib.util
import json
import pathlib

import numpy as np


class Peer:
    def __init__(self, path):
        self.lib = ctypes.CDLL(str(path))
        self.lib.XGBGetLastError.restype = ctypes.c_char_p
        major, minor, patch = (ctypes.c_int() for _ in range(3))
        self.lib.XGBoostVersion(ctypes.byref(major), ctypes.byref(minor), ctypes.byref(patch))
        self.version = (major.value, minor.value, patch.value)
        self.call("XGBSetGlobalConfig", b'{"verbosity": 0}')

    def call(self, name, *arguments):
        if getattr(self.lib, name)(*arguments) != 0:
            raise RuntimeError(f"{name}: {self.lib.XGBGetLastError().decode()}")

    def matrix(self, rows, label=None, **info):
        return Matrix(self, rows, label, **info)

    def booster(self, params=None, matrices=()):
        return Booster(self, params or {}, matrices)

    def train(self, params, matrix, rounds):
        booster = self.booster(params, [matrix])
        for i in range(rounds):
            self.call("XGBoosterUpdateOneIter", booster.handle, i, matrix.handle)
        return booster

    def load(self, path):
        booster = self.booster()
        self.call("XGBoosterLoadModel", booster.handle, str(path).encode())
        return booster


class Matrix:
    def __init__(self, peer, rows, label=None, feature_types=None, **info):
        self.peer = peer
        self.rows = np.ascontiguousarray(rows, np.float32)
        self.handle = ctypes.c_void_p()
        peer.call("XGDMatrixCreateFromMat", self.rows.ctypes.data_as(ctypes.c_void_p),
                  ctypes.c_uint64(self.rows.shape[0]), ctypes.c_uint64(self.rows.shape[1]),
                  ctypes.c_float(np.nan), ctypes.byref(self.handle))
        for name, values in {"label": label, **info}.items():
            if values is not None:
                self.set(name, values)
        if feature_types:
            texts = (ctypes.c_char_p * len(feature_types))(*[t.encode() for t in feature_types])
            peer.call("XGDMatrixSetStrFeatureInfo", self.handle, b"feature_type", texts,
                      ctypes.c_uint64(len(feature_types)))

    def set(self, name, values):
        if name in ("group", "qid"):
            values = np.ascontiguousarray(values, np.uint32)
            self.peer.call("XGDMatrixSetUIntInfo", self.handle, name.encode(),
                           values.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint64(values.size))
            return
        values = np.ascontiguousarray(values, np.float32)
        if values.ndim == 1:
            self.peer.call("XGDMatrixSetFloatInfo", self.handle, name.encode(),
                           values.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint64(values.size))
        else:
            interface = json.dumps({"data": [values.ctypes.data, True], "shape": values.shape,
                                    "typestr": "<f4", "version": 3})
            self.peer.call("XGDMatrixSetInfoFromInterface", self.handle, name.encode(),
                           interface.encode())

    def __del__(self):
        self.peer.lib.XGDMatrixFree(self.handle)


class Booster:
    def __init__(self, peer, params, matrices):
        self.peer = peer
        self.handle = ctypes.c_void_p()
        handles = (ctypes.c_void_p * max(1, len(matrices)))(*[m.handle for m in matrices])
        peer.call("XGBoosterCreate", handles, ctypes.c_uint64(len(matrices)),
                  ctypes.byref(self.handle))
        for key, value in params.items():
            peer.call("XGBoosterSetParam", self.handle, key.encode(), str(value).encode())

    def __del__(self):
        self.peer.lib.XGBoosterFree(self.handle)

    def save(self, form):
        """form: "json", "ubj" or (before 3.1) "deprecated"."""
        size, data = ctypes.c_uint64(), ctypes.c_char_p()
        self.peer.call("XGBoosterSaveModelToBuffer", self.handle,
                       json.dumps({"format": form}).encode(), ctypes.byref(size),
                       ctypes.byref(data))
        return ctypes.string_at(data, size.value)

    def attribute(self, name, value):
        self.peer.call("XGBoosterSetAttr", self.handle, name.encode(), value.encode())

    def feature_names(self, names):
        texts = (ctypes.c_char_p * len(names))(*[n.encode() for n in names])
        self.peer.call("XGBoosterSetStrFeatureInfo", self.handle, b"feature_name", texts,
                       ctypes.c_uint64(len(names)))

    def _result(self, function, first, config, *more):
        shape, dimension = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        result = ctypes.POINTER(ctypes.c_float)()
        self.peer.call(function, self.handle, first, json.dumps(config).encode(), *more,
                       ctypes.byref(shape), ctypes.byref(dimension), ctypes.byref(result))
        sizes = tuple(shape[i] for i in range(dimension.value))
        return np.ctypeslib.as_array(result, shape=(max(1, int(np.prod(sizes))),))[
            :int(np.prod(sizes))].reshape(sizes).copy()

    def predict(self, rows, kind=0, feature_types=None):
        """kind: 0 answers, 1 margins, 2 contributions, 4 interactions, 6 leaf indices."""
        config = {"type": kind, "training": False, "iteration_begin": 0, "iteration_end": 0,
                  "strict_shape": True}
        matrix = self.peer.matrix(rows, feature_types=feature_types)
        return self._result("XGBoosterPredictFromDMatrix", matrix.handle, config)

    def predict_in_place(self, rows, kind=1):
        rows = np.ascontiguousarray(rows, np.float32)
        config = {"type": kind, "training": False, "iteration_begin": 0, "iteration_end": 0,
                  "strict_shape": True, "missing": float("nan"), "cache_id": 0}
        interface = json.dumps({"data": [rows.ctypes.data, True], "shape": rows.shape,
                                "typestr": "<f4", "version": 3}).encode()
        return self._result("XGBoosterPredictFromDense", interface, config, None)


def installed():
    """Every XGBoost library found here, old to new."""
    found = []
    if ctypes.util.find_library("xgboost"):
        found.append(Peer(ctypes.util.find_library("xgboost")))
    package = importlib.util.find_spec("xgboost")
    if package:
        found.append(Peer(pathlib.Path(package.origin).parent / "lib" / "libxgboost.so"))
    return found
