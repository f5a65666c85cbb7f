"""What happens between the rounds: metrics, early stopping, checkpoints, stopping."""

import json
import os
import re
import subprocess
import time

import numpy as np
import pytest
import sklearn.metrics
import xgboost


def made_up(rows=600, classes=2, seed=0):
    random = np.random.default_rng(seed)
    x = np.round(random.normal(size=(rows, 5)), 3)
    score = x[:, 0] + x[:, 1] * x[:, 2] + random.normal(size=rows)
    y = np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    return np.column_stack([y, x])


def csv(matrix):
    return "\n".join(",".join(map(repr, map(float, row))) for row in matrix) + "\n"


def channels(made, matrix, train=400):
    made.channel("train", csv(matrix[:train])).channel("validation", csv(matrix[train:]))
    return made, matrix[:train].astype(np.float32), matrix[train:].astype(np.float32)


def as_matrix(rows):
    return xgboost.DMatrix(rows[:, 1:], rows[:, 0])


CLASS_METRICS = {
    "accuracy": sklearn.metrics.accuracy_score,
    "balanced_accuracy": sklearn.metrics.balanced_accuracy_score,
    "f1": lambda y, p: sklearn.metrics.f1_score(y, p, average="macro"),
    "f1_macro": lambda y, p: sklearn.metrics.f1_score(y, p, average="macro"),
    "precision_macro": lambda y, p: sklearn.metrics.precision_score(y, p, average="macro", zero_division=0),
    "precision_micro": lambda y, p: sklearn.metrics.precision_score(y, p, average="micro"),
    "recall_macro": lambda y, p: sklearn.metrics.recall_score(y, p, average="macro"),
    "recall_micro": lambda y, p: sklearn.metrics.recall_score(y, p, average="micro"),
}
BINARY_METRICS = {
    "f1_binary": sklearn.metrics.f1_score,
    "precision": lambda y, p: sklearn.metrics.precision_score(y, p, zero_division=0),
    "recall": sklearn.metrics.recall_score,
}


@pytest.mark.parametrize(
    "objective, classes",
    [("binary:logistic", 2), ("binary:logitraw", 2), ("binary:hinge", 2), ("multi:softmax", 4), ("multi:softprob", 4)],
)
@pytest.mark.parametrize("version", ["1.7-1", "3.0-5"])
def test_class_metrics_are_scikit_learns(job, objective, classes, version):
    metrics = CLASS_METRICS if classes > 2 else {**CLASS_METRICS, **BINARY_METRICS}
    made, train, validation = channels(job(), made_up(classes=classes))
    more = {"num_class": classes} if classes > 2 else {}
    model = made.trains(version, num_round=3, max_depth=2, objective=objective, eval_metric=",".join(metrics), **more)
    for name, rows in (("train", train), ("validation", validation)):
        margins = model.predict(as_matrix(rows), output_margin=True)
        predicted = margins.argmax(axis=1) if margins.ndim > 1 else (margins > 0).astype(int)
        for metric, score in metrics.items():
            assert made.metric(f"{name}:{metric}")[-1] == pytest.approx(score(rows[:, 0], predicted), abs=6e-6)


@pytest.mark.parametrize("objective", ["reg:squarederror", "count:poisson", "binary:logistic"])
def test_number_metrics_are_scikit_learns(job, objective):
    metrics = {
        "mae": sklearn.metrics.mean_absolute_error,
        "mse": sklearn.metrics.mean_squared_error,
        "rmse": sklearn.metrics.root_mean_squared_error,
        "r2": sklearn.metrics.r2_score,
    }
    made, train, validation = channels(job(), made_up())
    model = made.trains(num_round=3, max_depth=2, objective=objective, eval_metric=",".join(metrics))
    for name, rows in (("train", train), ("validation", validation)):
        predicted = model.predict(as_matrix(rows))
        for metric, score in metrics.items():
            assert made.metric(f"{name}:{metric}")[-1] == pytest.approx(score(rows[:, 0], predicted), abs=7e-6)


def test_xgboosts_metrics_are_its_own(job):
    made, train, validation = channels(job(), made_up())
    parameters = dict(objective="binary:logistic", max_depth=3, nthread=1)
    made.trains(num_round=6, eval_metric="logloss,auc,error@0.7,aucpr", **parameters)
    history = {}
    xgboost.train(
        dict(parameters, eval_metric=["logloss", "auc", "error@0.7", "aucpr"]),
        as_matrix(train),
        6,
        evals=[(as_matrix(train), "train"), (as_matrix(validation), "validation")],
        evals_result=history,
        verbose_eval=False,
    )
    for name, metrics in history.items():
        for metric, values in metrics.items():
            assert made.metric(f"{name}:{metric}") == [float(f"{value:.5f}") for value in values]


@pytest.mark.parametrize("metric", [{}, {"eval_metric": "logloss"}])
def test_logloss_is_xgboosts_where_it_is_computed_by_us(job, metric):
    rows = made_up(3000)
    rows[:2000, 1] = rows[:2000, 0]  # learnt until chances are 0 and 1; and then surprised
    made, train, validation = channels(job(), rows, 2000)
    parameters = dict(objective="binary:logistic", max_depth=3, eta=1, min_child_weight=0, **{"lambda": 0})
    made.trains(num_round=60, nthread=1, **parameters, **metric)
    history = {}
    xgboost.train(parameters, as_matrix(train), 60, evals_result=history, verbose_eval=False,
                  evals=[(as_matrix(train), "train"), (as_matrix(validation), "validation")])
    assert history["validation"]["logloss"][-1] > 5 and history["train"]["logloss"][-1] < 1e-6
    for name, metrics in history.items():
        assert made.metric(f"{name}:logloss") == [float(f"{value:.5f}") for value in metrics["logloss"]]


@pytest.mark.parametrize("unusual", ["weights", "chances"])
def test_logloss_of_weights_and_of_labels_between_0_and_1(job, unusual):
    rows, weights = made_up(300), None
    if unusual == "chances":
        rows[:, 0] = np.round(np.abs(rows[:, 1]) % 1, 2)
    else:
        weights = np.arange(1, 301) / 100
    given = rows if weights is None else np.column_stack([rows[:, :1], weights, rows[:, 1:]])
    made = job().channel("train", csv(given))
    made.trains(num_round=4, objective="binary:logistic", **({} if weights is None else {"csv_weights": 1}))
    history = {}
    matrix = xgboost.DMatrix(rows[:, 1:].astype(np.float32), rows[:, 0], weight=weights)
    xgboost.train({"objective": "binary:logistic"}, matrix, 4, evals=[(matrix, "train")],
                  evals_result=history, verbose_eval=False)
    assert made.metric("train:logloss") == [float(f"{value:.5f}") for value in history["train"]["logloss"]]


def test_log_and_report_have_the_containers_form(job):
    made, _, _ = channels(job(), made_up())
    made.trains(num_round=3, objective="binary:logistic", eval_metric="auc,logloss")
    rounds = [line for line in made.log.splitlines() if re.match(r"^\[[0-9]+\]#011", line)]
    number = r"[0-9]+\.[0-9]{5}"
    for i, line in enumerate(rounds):
        assert re.fullmatch(
            rf"\[{i}\]#011train-auc:{number}#011train-logloss:{number}"
            rf"#011validation-auc:{number}#011validation-logloss:{number}",
            line,
        )
        # The metric definitions that SageMaker shows for its built-in algorithm find the values.
        found = re.match(
            r".*\[[0-9]+\].*#011validation-auc:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*", line
        )
        assert float(found[1]) == made.metric("validation:auc")[i]
    assert len(rounds) == 3
    steps = [line for line in made.report if line.get("metric") == "validation:auc"]
    assert [line["step"] for line in steps] == [0, 1, 2]
    assert all(abs(line["time"] - time.time()) < 300 for line in steps)
    assert [line["progress"] for line in made.report if "progress" in line] == pytest.approx([1 / 3, 2 / 3, 1], abs=1e-5)


def test_the_tuners_metric_is_added(job):
    made, _, _ = channels(job(), made_up())
    made.trains(num_round=2, objective="binary:logistic", eval_metric="logloss", _tuning_objective_metric="validation:f1")
    assert len(made.metric("validation:f1")) == len(made.metric("validation:logloss")) == 2


@pytest.mark.parametrize("metric, maximize", [("logloss", False), ("auc", True), ("error@0.5", False)])
def test_early_stopping_keeps_the_best_round(job, metric, maximize):
    made, train, validation = channels(job(), made_up())
    parameters = dict(objective="binary:logistic", eta=0.8, max_depth=5, nthread=1)
    model = made.trains(num_round=60, early_stopping_rounds=4, eval_metric=f"aucpr,{metric}", **parameters)
    name = "error" if metric == "error@0.5" else metric
    expected = xgboost.train(
        dict(parameters, eval_metric=["aucpr", metric]),
        as_matrix(train),
        60,
        evals=[(as_matrix(train), "train"), (as_matrix(validation), "validation")],
        callbacks=[
            xgboost.callback.EarlyStopping(
                rounds=4, data_name="validation", metric_name=name, maximize=maximize, save_best=True
            )
        ],
        verbose_eval=False,
    )
    assert model.get_dump() == expected.get_dump()
    assert model.num_boosted_rounds() < 60
    assert model.best_iteration == expected.best_iteration
    assert model.best_score == pytest.approx(expected.best_score)
    assert len(made.metric(f"validation:{name}")) == expected.best_iteration + 5


def test_early_stopping_on_a_metric_of_ours_and_in_1_7(job):
    made, _, _ = channels(job(), made_up())
    model = made.trains(
        "1.7-1", num_round=60, early_stopping_rounds=3, eval_metric="accuracy", objective="binary:logistic", eta=0.9
    )
    values = made.metric("validation:accuracy")
    best = values.index(max(values))
    assert len(values) == best + 4 and model.num_boosted_rounds() == best + 1


def test_early_stopping_without_what_it_needs_is_said(job):
    alone = job().channel("train", csv(made_up()))
    alone.trains(num_round=3, early_stopping_rounds=1, eval_metric="rmse")
    assert "no effect without a validation channel" in alone.log
    made, _, _ = channels(job(), made_up())
    made.trains(num_round=3, early_stopping_rounds=1)
    assert "no effect without eval_metric" in made.log


def test_checkpoints_and_resuming(job):
    matrix = made_up()
    parameters = dict(objective="binary:logistic", max_depth=3, nthread=1)
    whole = job().channel("train", csv(matrix)).trains(num_round=12, **parameters)

    made = job().channel("train", csv(matrix))
    (made.folder / "checkpoints").mkdir()
    made.trains(num_round=8, **parameters)
    names = sorted(os.listdir(made.folder / "checkpoints"))
    assert names == [f"xgboost-checkpoint.{i}" for i in range(3, 8)]

    # The newest is cut, as by a power loss on a disk that keeps no order: the one before counts.
    newest = made.folder / "checkpoints/xgboost-checkpoint.7"
    newest.write_bytes(newest.read_bytes()[:100])
    model = made.trains(num_round=12, **parameters)
    assert "Resuming from iteration 7" in made.log
    assert "[7]#011" in made.log and "[6]#011" not in made.log
    assert model.get_dump() == whole.get_dump()

    # With nothing left to do the checkpoint is the model.
    again = made.trains(num_round=12, **parameters)
    assert again.get_dump() == whole.get_dump()


def long_job(job, **hyperparameters):
    made = job().channel("train", csv(made_up(5000)))
    made.start(num_round=100000, objective="binary:logistic", **hyperparameters)
    for line in made.process.stdout:
        if line.startswith("[3]#011"):
            break
    made.stop()
    # Its report would fill the pipe.
    for line in made.report_pipe:
        pass
    return made.finish()


def test_sigterm_saves_the_model_where_asked(job):
    made = long_job(job, save_model_on_termination="true")
    assert made.status == 0 and made.failure is None
    assert made.model().num_boosted_rounds() >= 4


def test_sigterm_without_it_leaves_no_model(job):
    made = long_job(job)
    assert made.status == 0 and made.failure is None
    assert os.listdir(made.folder / "model") == []


def test_a_reader_that_has_gone_does_not_stop_the_job(job):
    made = job().channel("train", csv(made_up()))
    made.start(num_round=50)
    made.report_pipe.close()
    made.process.stdout.close()
    assert made.process.wait(timeout=60) == 0
    assert made.model().num_boosted_rounds() == 50


def test_more_than_one_host_is_refused(job):
    made = job().channel("train", csv(made_up()))
    (made.folder / "input/config/resourceconfig.json").write_text(
        json.dumps({"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]})
    )
    assert "resourceconfig.json names 2 hosts" in made.fails(num_round=1)


def test_a_library_that_is_not_there(job):
    made = job().channel("train", csv(made_up()))
    made.environment["LATHE_XGBOOST_LIBRARY"] = "/nowhere/libxgboost.so"
    assert "/nowhere/libxgboost.so" in made.fails(num_round=1)


def test_by_hand_without_a_pipe(job):
    made = job().channel("train", csv(made_up()))
    made.run(num_round=1)
    (made.folder / "model/xgboost-model").unlink()
    run = subprocess.run([made.driver, made.folder], env=made.environment, capture_output=True)
    assert run.returncode == 0 and (made.folder / "model/xgboost-model").exists()


@pytest.mark.parametrize("version", ["1.7-1", "3.0-5"])
def test_cross_validation_leaves_each_row_out_once(job, version):
    matrix = made_up(300)
    made, train, validation = channels(job(), matrix, train=200)
    parameters = dict(objective="binary:logistic", max_depth=4, nthread=1)
    made.run(version, num_round=4, _kfold=3, **parameters)
    assert made.status == 0, made.log
    assert sorted(os.listdir(made.folder / "model")) == [f"xgboost-model-{i}" for i in range(3)]
    written = np.loadtxt(made.folder / "output/data/predictions.csv", delimiter=",")
    rows = matrix.astype(np.float32)
    assert np.array_equal(written[:, 0], rows[:, 0])
    assert np.array_equal(written[:, 2], written[:, 1] > 0.5)

    models = [made.model(f"xgboost-model-{i}") for i in range(3)]
    predicted = np.array([model.predict(as_matrix(rows)) for model in models])
    near = np.abs(predicted - written[:, 1]) < 1e-6
    assert near.any(axis=0).all()
    # Who left a row out is plain for most rows: that many, and not seen in training.
    plain = near.sum(axis=0) == 1
    assert all(near[i, plain].sum() <= 100 for i in range(3)) and plain.sum() > 200
    if version != "1.7-1" and plain.all():
        for i, model in enumerate(models):
            kept = rows[~near[i]]
            assert model.get_dump() == xgboost.train(parameters, as_matrix(kept), 4).get_dump()
    means = [line for line in made.log.splitlines() if line.startswith("[4]#011")]
    assert len(means) == 1 and "validation-logloss:" in means[0]
    last = [line["value"] for line in made.report if line.get("metric") == "validation:logloss" and line["step"] == 3]
    assert float(means[0].split("validation-logloss:")[1]) == pytest.approx(np.mean(last), abs=1e-5)
    progress = [line["progress"] for line in made.report if "progress" in line]
    assert progress == sorted(progress) and progress[-1] == 1


def test_repeated_cross_validation_of_classes_and_numbers(job):
    made = job().channel("train", csv(made_up(120, classes=3)))
    made.run(num_round=2, _kfold=2, _num_cv_round=3, objective="multi:softprob", num_class=3)
    assert made.status == 0, made.log
    assert len(os.listdir(made.folder / "model")) == 6
    written = np.loadtxt(made.folder / "output/data/predictions.csv", delimiter=",")
    assert written.shape == (120, 3) and set(written[:, 2]) <= {0, 1, 2}
    assert (written[:, 1] > 1 / 3).all() and (written[:, 1] < 1).all()
    assert "The overall metrics of 3-round cross validation" in made.log

    numbers = job().channel("train", csv(made_up(120)))
    numbers.run(num_round=2, _kfold=2)
    written = np.loadtxt(numbers.folder / "output/data/predictions.csv", delimiter=",")
    assert written.shape == (120, 2)


def test_more_folds_than_rows(job):
    assert "_kfold is more than the 4 rows" in job().channel("train", "1,2\n0,3\n" * 2).fails(num_round=1, _kfold=5)
