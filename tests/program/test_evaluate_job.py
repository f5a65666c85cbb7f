"""The image lathe-evaluate by hand: its numbers are scikit-learn's for XGBoost's own predictions."""

import io
import json
import pathlib
import tarfile

import numpy
import pyarrow
import pyarrow.parquet
import pytest
import xgboost
from sklearn import metrics

RANDOM = numpy.random.default_rng(11)
FEATURES = RANDOM.standard_normal((1200, 4)).astype(numpy.float32).round(3)
SIGNAL = FEATURES[:, 0] * FEATURES[:, 1] + FEATURES[:, 2] + RANDOM.standard_normal(1200) / 2
TRAIN, VALIDATION, TEST = slice(0, 600), slice(600, 900), slice(900, 1200)


def labels_for(objective):
    if objective.startswith("multi:"):
        return numpy.digitize(SIGNAL, [-1, 0.5, 3])
    return (SIGNAL > 1).astype(int) if objective.startswith("binary:") else SIGNAL.round(4)


def trained(objective, labels=None, **parameters):
    labels = labels_for(objective) if labels is None else labels
    if objective.startswith("multi:"):
        parameters["num_class"] = 4
    return xgboost.train({"objective": objective, "max_depth": 3, "nthread": 1, **parameters},
                         xgboost.DMatrix(FEATURES[TRAIN], labels[TRAIN]), 20)


def csv(labels, features):
    return "".join(",".join([f"{y}", *(f"{v}" for v in x)]) + "\n"
                   for y, x in zip(labels.tolist(), features.tolist()))


def predictions(model, rows=TEST):
    return model.predict(xgboost.DMatrix(FEATURES[rows]))


def job_for(folder, model, labels, rows=TEST):
    job = folder("evaluate").write("model/xgboost-model", bytes(model.save_raw("ubj")))
    return job.write("test/test.csv", csv(labels[rows], FEATURES[rows]))


def report(job, member):
    """The metrics as plain values, curves and matrix as they are."""
    found = json.loads(job.works().output("evaluation/evaluation.json").read_text())
    assert set(found) == {"dataset", member}
    assert found["dataset"]["item_count"] == 300
    for name, value in found[member].items():
        if "value" in value:
            assert set(value) == {"value", "standard_deviation"}
            assert f"{name} " in job.log
    return {name: value.get("value", value) for name, value in found[member].items()}


# --- the numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["reg:squarederror", "reg:pseudohubererror", "reg:gamma",
                                       "count:poisson", "reg:absoluteerror"])
def test_regression(folder, objective):
    labels = labels_for(objective)
    if objective in ("reg:gamma", "count:poisson"):
        labels = numpy.abs(labels).round(0) + 1
    model = trained(objective, labels)
    got = report(job_for(folder, model, labels), "regression_metrics")
    y, p = labels[TEST], predictions(model)
    assert got == pytest.approx({
        "mae": metrics.mean_absolute_error(y, p), "mse": metrics.mean_squared_error(y, p),
        "rmse": metrics.root_mean_squared_error(y, p), "r2": metrics.r2_score(y, p)}, rel=1e-5)


def check_binary(got, y, scores, threshold):
    said = (scores >= threshold).astype(int)
    wrong_right = metrics.confusion_matrix(y, said, labels=[0, 1])
    (tn, fp), (fn, tp) = wrong_right.tolist()
    assert got["confusion_matrix"] == {"0": {"0": tn, "1": fp}, "1": {"0": fn, "1": tp}}
    beta = {name: metrics.fbeta_score(y, said, beta=b)
            for name, b in (("f0_5", 0.5), ("f1", 1), ("f2", 2))}
    rates = {"true_positive_rate": tp / (tp + fn), "true_negative_rate": tn / (tn + fp),
             "false_positive_rate": fp / (tn + fp), "false_negative_rate": fn / (tp + fn)}
    expected = {"accuracy": metrics.accuracy_score(y, said), "threshold": threshold,
                "precision": metrics.precision_score(y, said),
                "recall": metrics.recall_score(y, said), "auc": metrics.roc_auc_score(y, scores),
                **beta, **rates}
    assert {name: got[name] for name in expected} == pytest.approx(expected, rel=1e-9)

    false_rates, true_rates, _ = metrics.roc_curve(y, scores, drop_intermediate=False)
    curve = got["receiver_operating_characteristic_curve"]
    assert curve["false_positive_rates"] == pytest.approx(false_rates.tolist())
    assert curve["true_positive_rates"] == pytest.approx(true_rates.tolist())
    precisions, recalls, _ = metrics.precision_recall_curve(y, scores)
    curve = got["precision_recall_curve"]  # theirs begins with the lowest score
    assert curve["precisions"] == pytest.approx(precisions[::-1].tolist())
    assert curve["recalls"] == pytest.approx(recalls[::-1].tolist())


@pytest.mark.parametrize("objective, middle", [("binary:logistic", 0.5), ("binary:logitraw", 0)])
def test_binary(folder, objective, middle):
    labels = labels_for(objective)
    model = trained(objective)
    got = report(job_for(folder, model, labels), "binary_classification_metrics")
    check_binary(got, labels[TEST], predictions(model), middle)


def test_a_given_threshold_counts(folder):
    labels, model = labels_for("binary:"), trained("binary:logistic")
    job = job_for(folder, model, labels).write("config/options.yaml", "threshold: 0.2\n")
    job.write("validation/rows.csv", csv(labels[VALIDATION], FEATURES[VALIDATION]))
    check_binary(report(job, "binary_classification_metrics"), labels[TEST], predictions(model),
                 0.2)


def test_the_threshold_with_the_best_f1_is_chosen_on_validation_rows(folder):
    labels, model = labels_for("binary:"), trained("binary:logistic")
    job = job_for(folder, model, labels)
    job.write("validation/a.csv.gz", csv(labels[600:700], FEATURES[600:700]))
    job.write("validation/b.csv", csv(labels[700:900], FEATURES[700:900]))
    got = report(job, "binary_classification_metrics")
    scores, y = predictions(model, VALIDATION), labels[VALIDATION]
    best = max(metrics.f1_score(y, scores >= limit) for limit in numpy.unique(scores))
    assert metrics.f1_score(y, scores >= got["threshold"]) == best
    check_binary(got, labels[TEST], predictions(model), got["threshold"])


def test_ties_count_half_and_long_curves_are_thinned(folder):
    labels = labels_for("binary:")
    few = trained("binary:logistic", max_depth=1, eta=1)
    job = job_for(folder, few, labels)
    check_binary(report(job, "binary_classification_metrics"), labels[TEST], predictions(few), 0.5)

    many = RANDOM.standard_normal((20000, 4)).astype(numpy.float32).round(3)
    y = (many[:, 0] + RANDOM.standard_normal(20000) > 0).astype(int)
    model = trained("binary:logistic", max_depth=6)
    job = folder("evaluate").write("model/xgboost-model", bytes(model.save_raw("json")))
    job.write("test/rows.csv", csv(y, many)).works()
    text = job.output("evaluation/evaluation.json").read_text()
    got = json.loads(text)["binary_classification_metrics"]
    scores = model.predict(xgboost.DMatrix(many))
    assert got["auc"]["value"] == pytest.approx(metrics.roc_auc_score(y, scores), rel=1e-12)
    assert len(text) < 100_000
    for name in ("false_positive_rates", "true_positive_rates"):
        points = got["receiver_operating_characteristic_curve"][name]
        assert points[0] == 0 and points[-1] == 1 and len(points) > 500
        assert points == sorted(points)
    assert got["precision_recall_curve"]["recalls"][-1] == 1
    assert got["precision_recall_curve"]["precisions"][-1] == pytest.approx(y.mean())


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
@pytest.mark.parametrize("names", [None, ["low", "middle", "high", "top"]])
def test_multiclass(folder, objective, names):
    labels, model = labels_for(objective), trained(objective)
    job = job_for(folder, model, labels)
    if names:
        job.write("config/options.json", {"labels": names})
    got = report(job, "multiclass_classification_metrics")
    said = predictions(model)
    said = said.argmax(1) if said.ndim == 2 else said.astype(int)
    y = labels[TEST]
    counts = metrics.confusion_matrix(y, said, labels=range(4)).tolist()
    names = names or [str(i) for i in range(4)]
    assert got["confusion_matrix"] == {names[i]: dict(zip(names, counts[i])) for i in range(4)}
    weighted = {"average": "weighted", "zero_division": 0}
    expected = {"accuracy": metrics.accuracy_score(y, said),
                "weighted_precision": metrics.precision_score(y, said, **weighted),
                "weighted_recall": metrics.recall_score(y, said, **weighted)}
    for name, beta in (("f0_5", 0.5), ("f1", 1), ("f2", 2)):
        expected[f"weighted_{name}"] = metrics.fbeta_score(y, said, beta=beta, **weighted)
    del got["confusion_matrix"]
    assert got == pytest.approx(expected, rel=1e-12)


def archive_of(job, models):
    """Writes a model.tar.gz, whose name must not make it packed again."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, model in models.items():
            raw = bytes(model.save_raw("ubj"))
            entry = tarfile.TarInfo(name)
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    job.write("model/model.tar.gz", b"")
    (job.path / "processing/input/model/model.tar.gz").write_bytes(packed.getvalue())


def test_a_model_in_an_archive_and_missing_features(folder):
    labels, model = labels_for("reg:"), trained("reg:squarederror")
    holes = FEATURES[TEST].copy()
    holes[::3, 1] = numpy.nan
    job = folder("evaluate")
    archive_of(job, {"xgboost-model": model})
    job.write("test/test.csv", csv(labels[TEST], holes).replace("nan", ""))
    got = report(job, "regression_metrics")
    p = model.predict(xgboost.DMatrix(holes))
    assert got["rmse"] == pytest.approx(metrics.root_mean_squared_error(labels[TEST], p), rel=1e-5)


def test_rows_in_many_files_gzip_and_parquet(folder, duckdb_library):
    labels, model = labels_for("reg:"), trained("reg:squarederror")
    job = folder("evaluate").write("model/xgboost-model", bytes(model.save_raw("ubj")))
    job.write("test/a.csv", csv(labels[900:1000], FEATURES[900:1000]))
    job.write("test/b/c.csv.gz", csv(labels[1000:1100], FEATURES[1000:1100]))
    packed = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({
        "y": labels[1100:1200], **{f"f{i}": FEATURES[1100:1200, i] for i in range(4)}}), packed)
    job.write("test/d", packed.getvalue()).works(LATHE_DUCKDB_LIBRARY=duckdb_library)
    got = json.loads(job.output("evaluation/evaluation.json").read_text())
    rmse = got["regression_metrics"]["rmse"]["value"]
    assert rmse == pytest.approx(
        metrics.root_mean_squared_error(labels[TEST], predictions(model)), rel=1e-5)


def test_several_models_are_evaluated_together(folder):
    """What an endpoint answers from the models of a cross validation: their mean."""
    labels = labels_for("reg:")
    models = [trained("reg:squarederror", labels, seed=i, subsample=0.4, eta=0.8)
              for i in range(3)]
    job = folder("evaluate")
    archive_of(job, {f"xgboost-model-{i}": model for i, model in enumerate(models)})
    job.write("test/test.csv", csv(labels[TEST], FEATURES[TEST]))
    got = report(job, "regression_metrics")
    p = numpy.mean([predictions(model) for model in models], 0)
    assert got["rmse"] == pytest.approx(metrics.root_mean_squared_error(labels[TEST], p), rel=1e-5)
    assert got["rmse"] != pytest.approx(
        metrics.root_mean_squared_error(labels[TEST], predictions(models[0])), rel=1e-3)


def test_one_class_only_has_no_area_under_its_curve(folder):
    model = trained("binary:logistic")
    for label in (0, 1):
        got = report(job_for(folder, model, numpy.full(1200, label)),
                     "binary_classification_metrics")
        assert got["auc"] == "NaN"
        said = (predictions(model) >= 0.5).astype(int)
        assert got["accuracy"] == pytest.approx((said == label).mean())
        assert got["recall"] == pytest.approx(said.mean() if label else 0)


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("objective, text, words", [
    ("binary:logistic", "", ["no rows", "input/test"]),
    ("binary:logistic", "0,1,2,3,4\n2,1,2,3,4\n", ["row 2", "label 2", "from 0 to 1"]),
    ("binary:logistic", "0.5,1,2,3,4\n", ["row 1", "0.5"]),
    ("binary:logistic", "1,2,3,4\n", ["4 columns", "4 features", "5"]),
    ("binary:logistic", "1,2,3,4,5,6\n", ["6 columns"]),
    ("binary:logistic", "1,2,3,4,5\n1,2,3\n", ["test.csv", "line 2"]),
    ("binary:logistic", "1,2,3,4,5\n1,2,three,4,5\n", ["test.csv", "line 2", "three"]),
    ("binary:logistic", "label,a,b,c,d\n1,2,3,4,5\n", ["test.csv", "header"]),
    ("multi:softprob", "4,1,2,3,4\n", ["label 4", "from 0 to 3"]),
    ("multi:softprob", "-1,1,2,3,4\n", ["label -1"]),
    ("reg:squarederror", "1,1,2,3,4\n,1,2,3,4\n", ["row 2", "label", "missing"]),
    ("reg:squarederror", "inf,1,2,3,4\n", ["row 1", "label"]),
])
def test_rows_that_do_not_fit_are_named(folder, objective, text, words):
    job = folder("evaluate").write("model/xgboost-model", bytes(trained(objective).save_raw("ubj")))
    job.write("test/test.csv", text).fails(*words)


def test_validation_rows_that_do_not_fit_are_named(folder):
    job = job_for(folder, trained("binary:logistic"), labels_for("binary:"))
    job.write("validation/rows.csv", "3,1,2,3,4\n").fails("validation", "label 3")


@pytest.mark.parametrize("options, words", [
    ({"treshold": 0.5}, ["treshold", "threshold"]),
    ({"threshold": "half"}, ["threshold", "half", "number"]),
    ({"labels": ["a", "b"]}, ["2 classes", "4"]),
    ({"labels": [1, 2, 3, 4]}, ["labels", "texts"]),
])
def test_options_that_mean_nothing_are_named(folder, options, words):
    job = job_for(folder, trained("multi:softprob"), labels_for("multi:"))
    job.write("config/options.yaml", options).fails(*words)


def test_a_model_is_needed_and_only_one(folder):
    rows = csv(labels_for("binary:")[TEST], FEATURES[TEST])
    folder("evaluate").write("test/test.csv", rows).fails("input/model")
    job = job_for(folder, trained("binary:logistic"), labels_for("binary:"))
    job.write("model/another", b"").fails("2 files", "one model")
    job = folder("evaluate").write("test/test.csv", rows)
    job.write("model/xgboost-model", b"no model at all").fails("xgboost-model")


def test_a_model_that_ranks_is_not_evaluated(folder):
    matrix = xgboost.DMatrix(FEATURES[TRAIN], labels_for("binary:")[TRAIN])
    matrix.set_group([60] * 10)
    model = xgboost.train({"objective": "rank:pairwise", "nthread": 1}, matrix, 3)
    job_for(folder, model, labels_for("binary:")).fails("rank:pairwise")


def test_a_bundle_of_transformers_is_not_evaluated(folder):
    bundle = pathlib.Path(__file__).parent.parent / "feature/bundles/0.24/machine.zip"
    job = folder("evaluate").write("model/features.zip", bundle.read_bytes())
    job.write("test/test.csv", "1,2,3,4\n").fails("model", "no trees")
