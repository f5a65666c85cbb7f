"""Records a small Booster as a release of XGBoost pickles it, and what that predicts:

    python record_pickle.py > pickles/VERSION.json          (with that release of XGBoost)

{"version", "pickle": base64 (protocol 4), "limit": best_ntree_limit or null, "rows", "margins": of
all trees, "limited": of those up to the limit}.
"""

import base64
import json
import pickle

import numpy
import xgboost

random = numpy.random.RandomState(3)
rows = random.randn(80, 3).round(2)
labels = (rows[:, 0] + rows[:, 1] / 2 > 0).astype(int)
train, watched = xgboost.DMatrix(rows, label=labels), xgboost.DMatrix(rows + .4, label=labels[::-1])
booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2, "eta": .9, "nthread": 1}, train,
                        5, evals=[(watched, "v")], early_stopping_rounds=3, verbose_eval=False)
asked = xgboost.DMatrix(rows[:6])
limit = booster.__dict__.get("best_ntree_limit")
limited = booster.predict(asked, output_margin=True, ntree_limit=limit) if limit else None
stored = pickle.dumps(booster, protocol=4)
whole = pickle.loads(stored)
every = {"ntree_limit": 0} if xgboost.__version__ < "1.4" else {}
print(json.dumps({
    "version": xgboost.__version__, "pickle": base64.b64encode(stored).decode(), "limit": limit,
    "rows": rows[:6].tolist(), "margins": whole.predict(asked, output_margin=True, **every).tolist(),
    "limited": None if limited is None else limited.tolist()}))
