"""A small model trained from a data frame with categories, of the XGBoost that is installed, with
its own predictions of another frame: python make_frame.py FOLDER."""

import json
import pathlib
import sys

import numpy as np
import pandas as pd
import xgboost

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(2)
NEW = int(xgboost.__version__.split(".")[1]) >= 4
KINDS = {"kind": ["rot", "blau", "grün" if NEW else "gelb", "", 'a "b", c', "7"],
         "code": np.array([10, -20, 3_000_000_000]),
         **{f"i{8 * size}": np.array([1, -5, 2 ** (8 * size - 1) - 1], f"i{size}")
            for size in (1, 2, 4, 8)},
         "u8": np.array([1, 5, 255], "u1")}
if NEW:  # before, wider ones cannot be saved, and texts beyond ASCII are cut
    KINDS |= {f"u{8 * size}": np.array([1, 5, 2 ** (8 * size - (size == 8)) - 1], f"u{size}")
              for size in (2, 4, 8)}


def frame(count, order):
    columns = {"x": random.normal(size=count).astype(np.float32)}
    for name, kinds in KINDS.items():
        values = pd.Index(kinds)[random.integers(0, len(kinds), count)]
        columns[name] = pd.Categorical(values, categories=pd.Index(kinds[::order].copy()))
    return pd.DataFrame(columns)


trained, asked = frame(500, 1), frame(40, -1)
labels = sum(column.cat.codes * (i % 3 + 1) for i, (_, column) in enumerate(trained.items()) if i)
matrix = xgboost.DMatrix(trained, labels + trained["x"], enable_categorical=True)
booster = xgboost.train({"max_depth": 4, "nthread": 1, "max_cat_to_onehot": 2}, matrix, 8)
for form in ("json", "ubj"):
    (folder / f"model.{form}").write_bytes(booster.save_raw(form))
asked.loc[3, "kind"] = asked.loc[7, "i32"] = np.nan
told = {"xgboost": xgboost.__version__,
        "columns": list(asked.columns),
        "rows": [[None if value != value else value for value in row]
                 for row in asked.astype(object).to_numpy().tolist()],
        "predictions": booster.predict(xgboost.DMatrix(asked, enable_categorical=True)).tolist()}
asked["kind"] = "lila"
try:
    booster.predict(xgboost.DMatrix(asked.astype({"kind": "category"}), enable_categorical=True))
except xgboost.core.XGBoostError as error:
    told["unknown"] = str(error).splitlines()[0].partition("Found")[2]
(folder / "told.json").write_text(json.dumps(told, ensure_ascii=False))
