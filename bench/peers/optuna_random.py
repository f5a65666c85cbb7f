"""TRAIN VALIDATION: Optuna's random sampler over XGBoost, two trials at once in one process.

Reads the trials' parameters ([{}], JSON) from its standard input: what the sampler draws is theirs. Prints
its seconds, from the study to its end, and the trials' values.
"""

import json
import sys
import time

import optuna
import pandas
import xgboost


def main():
    train, valid = (pandas.read_csv(path, header=None) for path in sys.argv[1:3])
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    given = [{name: float(value) for name, value in one.items()} for one in json.load(sys.stdin)]

    def objective(trial):
        parameters = {"eta": trial.suggest_float("eta", 0.01, 0.5, log=True),
                      "subsample": trial.suggest_float("subsample", 0.5, 1),
                      "max_depth": trial.suggest_int("max_depth", 3, 9),
                      "objective": "reg:squarederror", "nthread": 1}
        told = {}
        xgboost.train(parameters, matrices[0], 100, evals_result=told, verbose_eval=False,
                      evals=[(matrices[0], "train"), (matrices[1], "validation")])
        return told["validation"]["rmse"][-1]

    began = time.monotonic()
    matrices = [xgboost.DMatrix(one.iloc[:, 1:], one[0]) for one in (train, valid)]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for parameters in given:
        study.enqueue_trial(parameters)
    study.optimize(objective, n_trials=len(given), n_jobs=2)
    print(time.monotonic() - began, *(trial.value for trial in study.trials))


main()
