"""Small models by the XGBoost that is installed, with its own predictions: python make.py FOLDER."""

import json
import pathlib
import sys

import numpy as np
import xgboost

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(1)
numbers = random.normal(size=(300, 4)).astype(np.float32)
kinds = random.integers(0, 7, 300).astype(np.float32)
numbers[random.random(numbers.shape) < 0.1] = np.nan
rows = np.column_stack([numbers, kinds])
total = np.nansum(numbers, 1) + (kinds % 3)
LABELS = {"reg:squarederror": total, "binary:logistic": total > 1, "count:poisson": kinds,
          "multi:softprob": kinds % 3, "rank:pairwise": kinds % 4, "reg:quantileerror": total}
MORE = {"multi:softprob": {"num_class": 3}, "reg:quantileerror": {"quantile_alpha": [0.1, 0.5]}}
told = {"xgboost": xgboost.__version__, "rows": rows[:40].tolist(), "predictions": {}}
types = ["q"] * 4 + ["c"]
for objective, labels in LABELS.items():
    matrix = xgboost.DMatrix(rows, labels.astype(np.float32), feature_types=types,
                             enable_categorical=True)
    if objective == "rank:pairwise":
        matrix.set_group([100, 200])
    booster = xgboost.train({"objective": objective, "max_depth": 3, "nthread": 1,
                             "max_cat_to_onehot": 2, **MORE.get(objective, {})}, matrix, 3)
    name = objective.replace(":", "-")
    for form in ("json", "ubj"):
        (folder / f"{name}.{form}").write_bytes(booster.save_raw(form))
    asked = xgboost.DMatrix(rows[:40], feature_types=types, enable_categorical=True)
    told["predictions"][name] = booster.predict(asked).tolist()
(folder / "told.json").write_text(json.dumps(told))
