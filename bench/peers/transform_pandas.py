"""transform_pandas.py MODEL ROWS ANSWERS: a file of rows through a model, as a user's script does
it with pandas and XGBoost on all cores. Prints the seconds without the imports."""

import sys
import time

import numpy
import pandas
import xgboost

model, source, target = sys.argv[1:]
began = time.perf_counter()
booster = xgboost.Booster(model_file=model)
rows = pandas.read_csv(source, header=None, dtype=numpy.float32)
answers = booster.predict(xgboost.DMatrix(rows))
pandas.Series(answers).to_csv(target, header=False, index=False)
print(f"seconds={time.perf_counter() - began}")
