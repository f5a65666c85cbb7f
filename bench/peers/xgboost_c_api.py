"""XGBoost's C API with nothing around it: LIBRARY TABLE.npy PARAMETERS MODEL.

The table's first column is the label. Prints {"seconds": s}: the matrix from memory, the rounds
with their evaluation, and the saved model; starting Python and loading the library are not in it.
"""

import ctypes
import json
import sys
import time

import numpy as np


def main():
    library = ctypes.CDLL(sys.argv[1])
    table, parameters = np.load(sys.argv[2]), json.loads(sys.argv[3])
    rounds = parameters.pop("num_round")
    labels = np.ascontiguousarray(table[:, 0])
    features = np.ascontiguousarray(table[:, 1:])
    library.XGBGetLastError.restype = ctypes.c_char_p

    def call(name, *arguments):
        if getattr(library, name)(*arguments) != 0:
            raise SystemExit(f"{name}: {library.XGBGetLastError().decode()}")

    started = time.perf_counter()
    matrix, booster = ctypes.c_void_p(), ctypes.c_void_p()
    call("XGDMatrixCreateFromMat", features.ctypes.data_as(ctypes.c_void_p),
         ctypes.c_uint64(len(features)), ctypes.c_uint64(features.shape[1]),
         ctypes.c_float(float("nan")), ctypes.byref(matrix))
    call("XGDMatrixSetFloatInfo", matrix, b"label", labels.ctypes.data_as(ctypes.c_void_p),
         ctypes.c_uint64(len(labels)))
    call("XGBoosterCreate", ctypes.byref(matrix), ctypes.c_uint64(1), ctypes.byref(booster))
    for name, value in parameters.items():
        call("XGBoosterSetParam", booster, name.encode(), str(value).encode())
    names, text = (ctypes.c_char_p * 1)(b"train"), ctypes.c_char_p()
    for number in range(rounds):
        call("XGBoosterUpdateOneIter", booster, number, matrix)
        call("XGBoosterEvalOneIter", booster, number, ctypes.byref(matrix), names,
             ctypes.c_uint64(1), ctypes.byref(text))
    call("XGBoosterSaveModel", booster, sys.argv[4].encode())
    print(json.dumps({"seconds": time.perf_counter() - started}))


main()
