"""Hyperparameters are checked before a row is read, in the container's words."""

import pytest

CSV = "1,2,3\n0,3,4\n" * 10

BAD = [
    ({"num_round": None}, "Missing required hyperparameter: num_round"),
    ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
    ({"num_round": "ten"}, "Hyperparameter num_round: could not parse value 'ten'"),
    ({"num_round": "10.0"}, "Hyperparameter num_round: could not parse value '10.0': an integer"),
    ({"num_round": "99999999999"}, "Hyperparameter num_round: 99999999999 is not in"),
    ({"max_dept": "3"}, "Extraneous hyperparameter found: max_dept; did you mean max_depth?"),
    ({"zzz": "3"}, "Extraneous hyperparameter found: zzz"),
    ({"eta": "1.5"}, "Hyperparameter eta: 1.5 is not in [0, 1]"),
    ({"eta": "nan"}, "Hyperparameter eta: nan is not in [0, 1]"),
    ({"eta": ""}, "Hyperparameter eta: could not parse value ''"),
    ({"eta": "0x1"}, "Hyperparameter eta: could not parse value '0x1'"),
    ({"learning_rate": "0.1", "eta": "0.2"}, "given twice"),
    ({"subsample": "0"}, "Hyperparameter subsample: 0 is not in (0, 1]"),
    ({"sketch_eps": "1"}, "Hyperparameter sketch_eps: 1 is not in (0, 1)"),
    ({"tweedie_variance_power": "2"}, "is not in (1, 2)"),
    ({"seed": "2147483647"}, "is not in (-2147483648, 2147483647)"),
    ({"booster": "gbtre"}, "Hyperparameter booster: gbtre is not in ['gbtree', 'gblinear', 'dart']; did you mean 'gbtree'?"),
    ({"tree_method": "fast"}, "Hyperparameter tree_method: fast is not in"),
    ({"csv_weights": "2"}, "Hyperparameter csv_weights: 2 is not in [0, 1]"),
    ({"save_model_on_termination": "True"}, "is not in ['true', 'false']; did you mean 'true'?"),
    ({"objective": "binary:logistics"}, "did you mean 'binary:logistic'?"),
    ({"objective": "multi:softmax"}, "Require input for parameter 'num_class' for multi-classification"),
    ({"objective": "binary:logistic", "num_class": "2"}, "Do not need to setup parameter 'num_class'"),
    ({"eval_metric": "rmsee"}, "did you mean 'rmse'?"),
    ({"eval_metric": "rmse,"}, "Hyperparameter eval_metric:  is not in"),
    ({"eval_metric": "logloss@0.5"}, "Metric 'logloss@0.5' is not supported"),
    ({"eval_metric": "error@high"}, "Threshold value 't' in 'error@t' expects float input"),
    ({"eval_metric": "auc"}, "Metric 'auc' can only be applied for classification and ranking problems."),
    ({"eval_metric": "aft-nloglik"}, "Metric 'aft-nloglik' can only be applied for 'survival:aft' objective."),
    ({"eval_metric": "accuracy"}, "Metric 'accuracy' compares classes"),
    ({"objective": "multi:softprob", "num_class": "3", "eval_metric": "f1_binary"}, "Target is multiclass but average='binary'"),
    ({"objective": "multi:softprob", "num_class": "3", "eval_metric": "rmse"}, "Metric 'rmse' compares numbers"),
    ({"_tuning_objective_metric": "auc"}, "Hyperparameter _tuning_objective_metric: auc is not in"),
    ({"_tuning_objective_metric": "validation:auc"}, "Metric 'auc' can only be applied"),
    ({"monotone_constraints": "(1,-1)"}, "monotone_constraints can be used only when the tree_method parameter is set to either 'exact' or 'hist'."),
    ({"monotone_constraints": "(1,2)", "tree_method": "hist"}, "Hyperparameter monotone_constraints: 2 is not in [-1, 1]"),
    ({"monotone_constraints": "1", "tree_method": "hist"}, "such as (1,0,-1)"),
    ({"interaction_constraints": "[[1,2]]"}, "interaction_constraints can be used only when"),
    ({"interaction_constraints": "[[0,1]]", "tree_method": "hist"}, "is not in [1, +inf)"),
    ({"interaction_constraints": "[1,2]", "tree_method": "hist"}, "lists of feature numbers"),
    ({"updater": "grow_colmaker,grow_histmaker"}, "Only one tree grow plugin can be selected."),
    ({"updater": "shotgun"}, "Tree updater should be selected from these options"),
    ({"updater": "prune", "booster": "gblinear"}, "Linear updater should be one of these options"),
    ({"updater": "grow_histmaker", "process_type": "update"}, "can only be used with updater 'refresh' and 'prune'"),
    ({"early_stopping_rounds": "3", "booster": "gblinear"}, "booster 'gblinear'"),
    ({"use_dask_gpu_training": "true"}, "use_dask_gpu_training"),
    ({"_kfold": "1"}, "Hyperparameter _kfold: 1 is not in [2, +inf)"),
]


@pytest.mark.parametrize("given, words", BAD, ids=lambda value: str(value)[:60])
def test_refused_before_training(job, given, words):
    hyperparameters = {"num_round": "2", **given}
    made = job().channel("train", CSV)
    reason = made.fails(**{name: value for name, value in hyperparameters.items() if value is not None})
    assert words in reason
    assert "Train matrix" not in made.log


GOOD = [
    {"learning_rate": "0.1", "reg_lambda": "2", "reg_alpha": "0", "min_split_loss": "1"},
    {"eta": " 0.3 ", "max_depth": "+3", "gamma": "1e-3"},
    {"objective": "reg:linear"},
    {"tree_method": "gpu_hist", "predictor": "gpu_predictor"},
    {"eval_metric": "rmse, mae,error@0.3", "objective": "binary:logistic"},
    {"eval_metric": "auc", "objective": "binary:logistic", "scale_pos_weight": "2"},
    {"tree_method": "exact", "monotone_constraints": "[1, -1]"},
    {"tree_method": "hist", "monotone_constraints": "(1,)"},
    {"booster": "gblinear", "updater": "coord_descent", "lambda_bias": "0"},
    {"tree_method": "hist", "deterministic_histogram": "true", "sampling_method": "uniform", "prob_buffer_row": "2", "sketch_eps": "0.1", "dsplit": "row", "refresh_leaf": "1", "verbosity": "2", "base_score": "0.4"},
]


@pytest.mark.parametrize("version", ["1.7-1", "3.0-5"])
@pytest.mark.parametrize("given", GOOD, ids=lambda value: ",".join(value))
def test_accepted(job, given, version):
    made = job().channel("train", CSV)
    made.trains(version, num_round=2, **given)
    assert made.model().num_boosted_rounds() in (2, 0)  # a linear model counts none when loaded


def test_aliases_are_what_they_stand_for(job):
    one = job().channel("train", CSV).trains(num_round=2, learning_rate=0.1, reg_lambda=3)
    other = job().channel("train", CSV).trains(num_round=2, eta=0.1, **{"lambda": 3})
    assert one.save_raw() == other.save_raw()


def test_xgboosts_own_complaints_come_without_their_noise(job):
    made = job().channel("train", CSV)
    reason = made.fails(num_round=2, max_bin=1, tree_method="hist")
    assert "max_bin" in reason and "Stack trace" not in reason and "/" not in reason.split("says:")[1]


def test_xgboosts_warnings_are_in_the_log(job):
    made = job().channel("train", CSV)
    made.trains(num_round=1, sketch_eps=0.1)
    (line,) = [line for line in made.log.splitlines() if "sketch_eps" in line]
    assert ":WARNING] XGBoost: " in line and "not used" in line and ".cc" not in line


def test_configuration_that_is_no_json(job):
    made = job().channel("train", CSV)
    made.start(num_round=1).finish()
    (made.folder / "input/config/hyperparameters.json").write_text("{")
    import subprocess

    run = subprocess.run([made.driver, made.folder], env=made.environment, capture_output=True, text=True)
    assert run.returncode == 1 and "hyperparameters.json" in run.stdout and "line 1" in run.stdout
