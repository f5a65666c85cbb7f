"""Three months of flights to a scored model, as people write it with polars: FOLDER PARAMETERS."""

import json
import sys

import polars
import xgboost
from sklearn.metrics import roc_auc_score

NUMBERS = ["DayOfWeek", "CRSDepTime", "CRSArrTime", "CRSElapsedTime", "Distance"]
TEXTS = ["UniqueCarrier", "Origin", "Dest"]

folder, parameters = sys.argv[1], json.loads(sys.argv[2])
rounds = parameters.pop("num_round")
table = polars.concat([
    polars.read_csv(f"{folder}/ontime_2008_{month:02}.csv.gz", null_values="NA",
                    columns=["Month", *NUMBERS, *TEXTS, "ArrDelay"],
                    schema_overrides={name: polars.Categorical for name in TEXTS})
    for month in (1, 2, 3)])
table = table.filter(polars.col("ArrDelay").is_not_null()).select(
    "Month", polars.col(NUMBERS).cast(polars.Float32),
    polars.col(TEXTS).to_physical().cast(polars.Float32),
    late=(polars.col("ArrDelay") >= 15).cast(polars.Float32))
before, test = table.filter(polars.col("Month") < 3), table.filter(polars.col("Month") == 3)
del table
matrix = xgboost.QuantileDMatrix(before.select(NUMBERS + TEXTS).to_numpy(), before["late"].to_numpy())
booster = xgboost.train(parameters, matrix, rounds, evals=[(matrix, "train")], verbose_eval=False)
chance = booster.inplace_predict(test.select(NUMBERS + TEXTS).to_numpy())
print(json.dumps({"trained": len(before), "tested": len(test),
                  "auc": roc_auc_score(test["late"].to_numpy(), chance)}))
