"""A training program as people write it, in its fastest form: CSV PARAMETERS MODEL."""

import json
import sys

import polars
import xgboost

parameters = json.loads(sys.argv[2])
rounds = parameters.pop("num_round")
columns = len(open(sys.argv[1]).readline().split(","))
table = polars.read_csv(sys.argv[1], has_header=False,
                        schema={f"c{i}": polars.Float32 for i in range(columns)})
matrix = xgboost.QuantileDMatrix(table[:, 1:].to_numpy(), table[:, 0].to_numpy())
del table
booster = xgboost.train(parameters, matrix, rounds, evals=[(matrix, "train")],
                        verbose_eval=False)
booster.save_model(sys.argv[3])
print("{}")
