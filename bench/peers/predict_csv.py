"""AI4I's rows of CSV to predictions: FIT.csv ROWS.csv MODEL.ubj [ANSWERS.npy]

By pandas, scikit-learn and XGBoost in place, on one thread: {"seconds": s}, the median of several
passes, and what each of the three took; fitting, opening and imports are not in it."""

import json
import statistics
import sys
import time

import numpy
import xgboost
from sklearn_features import read, transformer

PASSES = 3


def main():
    transform = transformer().fit(read(sys.argv[1]))
    booster = xgboost.Booster(params={"nthread": 1}, model_file=sys.argv[3])
    passes = []
    for _ in range(PASSES):
        times = [time.perf_counter()]
        frame = read(sys.argv[2])
        times.append(time.perf_counter())
        features = transform.transform(frame)
        times.append(time.perf_counter())
        answers = booster.inplace_predict(features)
        times.append(time.perf_counter())
        passes.append(numpy.diff(times))
    if len(sys.argv) > 4:
        numpy.save(sys.argv[4], answers)
    parts = numpy.median(passes, axis=0)
    print(json.dumps({"seconds": statistics.median(map(sum, passes)),
                      "parts": dict(zip(("pandas", "scikit-learn", "XGBoost"), parts))}))


main()
