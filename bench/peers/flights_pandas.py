"""Three months of flights to a scored model, as people write it with pandas: FOLDER PARAMETERS."""

import json
import sys

import pandas
import xgboost
from sklearn.metrics import roc_auc_score

NUMBERS = ["DayOfWeek", "CRSDepTime", "CRSArrTime", "CRSElapsedTime", "Distance"]
TEXTS = ["UniqueCarrier", "Origin", "Dest"]

folder, parameters = sys.argv[1], json.loads(sys.argv[2])
rounds = parameters.pop("num_round")
table = pandas.concat([
    pandas.read_csv(f"{folder}/ontime_2008_{month:02}.csv.gz",
                    usecols=["Month", *NUMBERS, *TEXTS, "ArrDelay"])
    for month in (1, 2, 3)])
table = table.dropna(subset=["ArrDelay"])
for name in TEXTS:
    table[name] = table[name].astype("category").cat.codes
table["late"] = (table["ArrDelay"] >= 15).astype("int8")
before, test = table[table["Month"] < 3], table[table["Month"] == 3]
matrix = xgboost.DMatrix(before[NUMBERS + TEXTS], before["late"])
booster = xgboost.train(parameters, matrix, rounds, evals=[(matrix, "train")], verbose_eval=False)
chance = booster.predict(xgboost.DMatrix(test[NUMBERS + TEXTS]))
print(json.dumps({"trained": len(before), "tested": len(test),
                  "auc": roc_auc_score(test["late"], chance)}))
