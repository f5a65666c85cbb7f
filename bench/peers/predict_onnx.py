"""ONNX Runtime: convert MODEL.ubj MODEL.onnx
or batch|row|answers MODEL.onnx ROWS COLUMNS THREADS [TINY.onnx]

Prints seconds a row, or writes the answers. Its call from Python costs more than a small forest:
where TINY, a model of one tree, is given, what the same call takes with that is subtracted."""

import statistics
import sys
import time

import numpy as np


def convert(source, target):
    import onnxmltools
    import xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    booster = xgboost.Booster(model_file=source)
    columns = FloatTensorType([None, booster.num_features()])
    onnxmltools.utils.save_model(
        onnxmltools.convert_xgboost(booster, initial_types=[("rows", columns)]), target)


def session(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def seconds(model, rows):
    """The median of several passes over the rows, each a list of inputs; the first not counted."""
    passes = []
    started = time.perf_counter()
    while len(passes) < 6 or time.perf_counter() - started < 0.5:
        began = time.perf_counter()
        for row in rows:
            model.run(None, row)
        passes.append(time.perf_counter() - began)
    return statistics.median(passes[1:])


def main():
    task, path = sys.argv[1:3]
    if task == "convert":
        convert(path, sys.argv[3])
        return
    rows = np.fromfile(sys.argv[3], dtype=np.float32).reshape(-1, int(sys.argv[4]))
    threads = int(sys.argv[5])
    model = session(path, threads)
    if task == "answers":
        sys.stdout.buffer.write(np.ravel(model.run(None, {"rows": rows})[0]).tobytes())
    elif task == "batch":
        print(seconds(model, [{"rows": rows}]) / len(rows))
    else:
        single = [{"rows": rows[i:i + 1]} for i in range(min(1000, len(rows)))]
        took = seconds(model, single) - seconds(session(sys.argv[6], threads), single)
        print(took / len(single))


main()
