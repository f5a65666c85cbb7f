"""`lathe import sklearn`: what scikit-learn's own transform makes of rows, bit for bit."""

import json
import os
import pathlib
import pickle
import subprocess
import sys

import joblib
import numpy
import pandas
import pytest
import xgboost
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (FunctionTransformer, KBinsDiscretizer, MaxAbsScaler, MinMaxScaler,
                                   OneHotEncoder, OrdinalEncoder, PowerTransformer, RobustScaler,
                                   StandardScaler)

from test_inference_pipeline import SPARKML, deployed, model_bytes, packed
from test_sandbox import can_isolate
from sagemaker_jobs import XGBOOST

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "src/python"))
import lathe_import_sklearn as tool  # noqa: E402

NUMBERS = ["real", "wide", "small", "code", "gaps"]
TEXTS = ["word", "kind"]


def table(seed, rows, unknown=False):
    """Rows with what is hard: gaps, both zeros, numbers far apart, texts with commas and quotes, and
    words that no object has been fitted on."""
    random = numpy.random.default_rng(seed)
    real = random.normal(0, 10, rows)
    real[random.random(rows) < 0.1] = 0.0
    real[random.random(rows) < 0.05] = -0.0
    wide, gaps = random.lognormal(0, 3, rows), random.integers(0, 5, rows).astype(float)
    wide[random.random(rows) < 0.2] = numpy.nan
    gaps[random.random(rows) < 0.2] = numpy.nan
    kind = pandas.Series(random.choice([*"abcdef", *(["zz"] if unknown else [])], rows), dtype=object)
    kind[random.random(rows) < 0.2] = numpy.nan
    words = ["red", "gr\u00e9en", 'blue, "x"', "?", "10", *(["new"] if unknown else [])]
    return pandas.DataFrame({
        "real": real, "wide": wide, "small": random.integers(-3, 4, rows),
        "code": random.integers(0, 2, rows), "word": random.choice(words, rows), "gaps": gaps,
        "kind": kind, "truth": random.random(rows) < 0.3})


FITTED, ASKED = table(1, 400), table(2, 300, unknown=True)


class Importer:
    """Runs lathe with this Python as the home's."""

    def __init__(self, lathe, folder):
        self.lathe, self.folder = lathe, folder
        self.set_python(sys.executable)

    def set_python(self, python, isolated=True):
        isolation = "bubblewrap" if isolated and can_isolate() else "none"
        (self.folder / "lathe.yaml").write_text(
            f"runtime: {{python: {python}, isolation: {isolation}}}\n")

    def run(self, *arguments, rows=None):
        return subprocess.run([self.lathe, *map(str, arguments)], input=rows, capture_output=True,
                              text=True, timeout=120,
                              env={"LATHE_HOME": str(self.folder), "PATH": "/usr/bin:/bin"})

    def make(self, estimator, name="bundle.zip"):
        joblib.dump(estimator, self.folder / "fitted.joblib")
        bundle = self.folder / name
        done = self.run("import", "sklearn", self.folder / "fitted.joblib", "--output", bundle)
        assert done.returncode == 0, done.stderr
        assert not done.stdout and not done.stderr
        return bundle

    def answers(self, bundle, rows, header=True):
        text = pandas.DataFrame(rows).to_csv(index=False, header=header)
        done = self.run("predict", bundle, "-", rows=text)
        assert done.returncode == 0, done.stderr
        return numpy.array([[float(word) if word else numpy.nan for word in line.split(",")]
                            for line in done.stdout.splitlines()])


@pytest.fixture
def importer(lathe, tmp_path):
    return Importer(lathe, tmp_path)


def transformed(estimator, rows):
    made = estimator.transform(rows)
    return numpy.asarray(made.toarray() if hasattr(made, "toarray") else made, float)


def assert_same_bits(got, expected):
    """Zeros have signs; which NaN it is does not matter."""
    assert got.shape == expected.shape
    numpy.testing.assert_array_equal(got, expected)
    there = ~numpy.isnan(expected)
    numpy.testing.assert_array_equal(numpy.signbit(got)[there], numpy.signbit(expected)[there])


def check(importer, estimator, fitted=FITTED, asked=ASKED, header=True):
    """That the imported object answers what the fitted one does."""
    estimator.fit(fitted)
    assert_same_bits(importer.answers(importer.make(estimator), asked, header),
                     transformed(estimator, asked))


def known(**more):
    return OneHotEncoder(handle_unknown="ignore", **more)


def codes(**more):
    return OrdinalEncoder(handle_unknown="use_encoded_value", **{"unknown_value": -1, **more})


# ---- parity ----


def then_hot(*steps):
    return make_pipeline(*steps, known())


TRUTH_AND_WHOLE = ["small", "code", "gaps", "truth"]
SHARES = {"handle_unknown": "infrequent_if_exist"}
EXACT = [numpy.abs, numpy.fabs, numpy.square, numpy.floor, numpy.ceil, numpy.positive, None]
# In one ColumnTransformer, which is imported once; each is a test.
PARTS = {
    "standard": (StandardScaler(), NUMBERS),
    "uncentered": (StandardScaler(with_mean=False), NUMBERS),
    "centered": (StandardScaler(with_std=False), ["wide"]),
    "robust": (RobustScaler(), NUMBERS),
    "robust_range": (RobustScaler(quantile_range=(10, 80), unit_variance=True), ["real", "gaps"]),
    "robust_nothing": (RobustScaler(with_centering=False, with_scaling=False), ["real"]),
    "min_max": (MinMaxScaler(), NUMBERS),
    "min_max_clipped": (MinMaxScaler(feature_range=(-1, 0.3), clip=True), NUMBERS),
    "max_abs": (MaxAbsScaler(), NUMBERS),
    "mean": (SimpleImputer(), NUMBERS),
    "median": (SimpleImputer(strategy="median", add_indicator=True), NUMBERS),
    "mode": (SimpleImputer(strategy="most_frequent"), NUMBERS),
    "constant": (SimpleImputer(strategy="constant", fill_value=-7.5, add_indicator=True), ["wide"]),
    "missing_is_2": (SimpleImputer(missing_values=2, add_indicator=True), ["small"]),
    "imputed_scaled": (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
                       ["gaps", "wide"]),
    "empty": (SimpleImputer(), ["empty", "real"]),
    "empty_kept": (SimpleImputer(keep_empty_features=True), ["empty", "real"]),
    "hot": (known(), TEXTS),
    "hot_dense": (known(sparse_output=False), ["kind"]),
    "hot_first": (known(drop="first"), TEXTS),
    "hot_two": (known(drop="if_binary"), TEXTS),
    "hot_rare": (OneHotEncoder(max_categories=3, **SHARES), TEXTS),
    "hot_rare_first": (OneHotEncoder(min_frequency=0.18, drop="first", **SHARES), TEXTS),
    "hot_warned": (OneHotEncoder(max_categories=4, handle_unknown="warn"), TEXTS),
    "ordinal": (codes(), TEXTS),
    "ordinal_missing": (codes(unknown_value=numpy.nan, encoded_missing_value=-2), TEXTS),
    "ordinal_rare": (codes(max_categories=4), TEXTS),
    "number_hot": (known(), TRUTH_AND_WHOLE),
    "number_hot_two": (known(drop="if_binary"), TRUTH_AND_WHOLE),
    "number_ordinal": (codes(), TRUTH_AND_WHOLE),
    "hot_scaled": (make_pipeline(known(sparse_output=False), StandardScaler()), ["gaps"]),
    "hot_sparse_scaled": (make_pipeline(known(), StandardScaler(with_mean=False)), ["kind", "gaps"]),
    "text_mode": (then_hot(SimpleImputer(strategy="most_frequent")), TEXTS),
    "text_constant": (then_hot(SimpleImputer(strategy="constant", fill_value="none")), TEXTS),
    "text_question": (then_hot(SimpleImputer(missing_values="?", strategy="most_frequent")), ["word"]),
    "text_twice": (then_hot(SimpleImputer(strategy="constant", fill_value="?"),
                            SimpleImputer(missing_values="?", strategy="constant", fill_value="a")),
                   TEXTS),
    "text_indicator": (make_pipeline(SimpleImputer(strategy="most_frequent", add_indicator=True),
                                     codes()), ["kind"]),
    "bins": (make_pipeline(SimpleImputer(), KBinsDiscretizer(5, strategy="quantile")), NUMBERS),
    "bins_ordinal": (make_pipeline(SimpleImputer(), KBinsDiscretizer(
        4, encode="ordinal", strategy="uniform")), NUMBERS),
    "bins_dense": (KBinsDiscretizer(3, encode="onehot-dense", strategy="kmeans"), ["real"]),
    "root": (FunctionTransformer(numpy.sqrt), ["wide"]),
    "union": (FeatureUnion([("x", MinMaxScaler()), ("y", make_pipeline(known()))],
                           transformer_weights={"x": 0.3}), ["small"]),
    "validated": (FunctionTransformer(numpy.abs, validate=True), ["real"]),
    "validated_same": (FunctionTransformer(validate=True), ["real"]),
    "passed": ("passthrough", ["gaps", "real"]),
    **{f"function_{i}": (FunctionTransformer(f), ["real", "wide"]) for i, f in enumerate(EXACT)},
}


@pytest.fixture(scope="module")
def whole(lathe, tmp_path_factory):
    """What all parts answer, scikit-learn's and ours, and where each is."""
    importer = Importer(lathe, tmp_path_factory.mktemp("whole"))
    fitted, asked = FITTED.assign(empty=numpy.nan), ASKED.assign(empty=numpy.nan)
    estimator = ColumnTransformer([(name, *part) for name, part in PARTS.items()],
                                  sparse_threshold=0).fit(fitted)
    return (importer.answers(importer.make(estimator), asked), transformed(estimator, asked),
            estimator.output_indices_)


@pytest.mark.parametrize("part", PARTS)
def test_parts(whole, part):
    got, expected, places = whole
    assert got.shape == expected.shape and expected[:, places[part]].size
    assert_same_bits(got[:, places[part]], expected[:, places[part]])


def test_functions_that_are_not_exact(importer):
    of_wide = [numpy.log1p, numpy.log, numpy.log2, numpy.log10, numpy.sin, numpy.cos, numpy.tan]
    of_real = [numpy.exp, numpy.expm1]
    estimator = ColumnTransformer(
        [(f"f{i}", FunctionTransformer(f), ["wide"]) for i, f in enumerate(of_wide)]
        + [(f"g{i}", FunctionTransformer(f), ["real"]) for i, f in enumerate(of_real)]).fit(FITTED)
    got, expected = importer.answers(importer.make(estimator), ASKED), transformed(estimator, ASKED)
    missing = numpy.isnan(expected)
    numpy.testing.assert_array_equal(numpy.isnan(got), missing)
    numpy.testing.assert_array_max_ulp(got[~missing], expected[~missing], 1)


def test_edges_of_bins(importer):
    """What lies on an edge belongs above it, whichever zero it is; a constant column has one bin."""
    rows = pandas.DataFrame({"x": [-2.0, -1.0, -0.0, 0.0, 1.0, 2.0], "y": 3.0})
    check(importer, KBinsDiscretizer(4, encode="onehot-dense", strategy="uniform"), rows, rows)


def test_sparse_matrices_are_scaled_by_reciprocals(importer):
    check(importer, make_pipeline(
        ColumnTransformer([("hot", known(), TEXTS), ("real", "passthrough", ["real"])],
                          sparse_threshold=1),
        StandardScaler(with_mean=False), MaxAbsScaler(), RobustScaler(with_centering=False)))


def test_unions_weights_and_pipelines_in_pipelines(importer):
    inner = ColumnTransformer([("a", StandardScaler(), [1]), ("b", "passthrough", [0, 2])])
    check(importer, Pipeline([
        ("columns", ColumnTransformer(
            [("nested", make_pipeline(SimpleImputer(), inner, "passthrough"), ["real", "gaps", "wide"]),
             ("both", FeatureUnion([("x", MinMaxScaler()), ("y", RobustScaler())],
                                   transformer_weights={"x": 0.3}), ["real"]),
             ("words", known(), TEXTS)],
            transformer_weights={"words": 0.7}, sparse_threshold=0)),
        ("nothing", None),
        ("again", ColumnTransformer([("last", MaxAbsScaler(), [4, 3]),
                                     ("some", StandardScaler(), slice(5, 9))],
                                    remainder="passthrough"))]))


@pytest.mark.parametrize("header", [True, False])
def test_columns_by_selectors_and_what_remains(importer, header):
    """Without a header, rows are as the object was fitted on, unused columns included."""
    whole = {"truth": int}  # nothing tells that a number was a truth
    check(importer, ColumnTransformer([
        ("numbers", StandardScaler(), make_column_selector(dtype_include="float64")),
        ("one", known(), ["word"]),
        ("drop", "drop", ["kind"])], remainder="passthrough"),
        FITTED.astype(whole), ASKED.astype(whole), header)


def test_columns_by_positions_of_an_array(importer):
    random = numpy.random.default_rng(5)
    fitted, asked = random.normal(0, 3, (200, 6)), random.normal(0, 3, (50, 6))
    mask = [False, True, False, False, True, True]
    estimator = ColumnTransformer([("list", StandardScaler(), [4, 0]), ("last", MinMaxScaler(), [-1]),
                                   ("slice", RobustScaler(), slice(1, 3)),
                                   ("mask", MaxAbsScaler(), mask)], remainder=SimpleImputer())
    check(importer, estimator, fitted, asked, header=False)
    bundle = importer.folder / "bundle.zip"
    columns = json.loads(importer.run("describe", "--json", bundle).stdout)["columns"]
    assert [column["name"] for column in columns] == [f"x{i}" for i in range(6)]


def random_numbers(random, columns, depth=0):
    def chance(p):
        return bool(random.random() < p)

    def deeper():
        return random_numbers(random, columns, depth + 1)

    whole = set(columns) <= {"small", "code", "gaps", "truth"}
    makers = [
        lambda: StandardScaler(with_mean=chance(0.7), with_std=chance(0.7)),
        lambda: MinMaxScaler(feature_range=(-1, 2) if chance(0.5) else (0, 1), clip=chance(0.5)),
        lambda: RobustScaler(with_centering=chance(0.7), with_scaling=chance(0.7)),
        MaxAbsScaler,
        lambda: SimpleImputer(strategy=str(random.choice(["mean", "median", "most_frequent"])),
                              add_indicator=chance(0.5)),
        lambda: make_pipeline(SimpleImputer(), KBinsDiscretizer(
            int(random.integers(2, 6)), strategy=str(random.choice(["uniform", "quantile"])),
            encode=str(random.choice(["onehot", "onehot-dense", "ordinal"])))),
        lambda: known(drop="first" if chance(0.5) else None, sparse_output=chance(0.5),
                      min_frequency=0.2 if chance(0.3) else None) if whole else StandardScaler(),
        lambda: codes(encoded_missing_value=-5) if whole else RobustScaler(),
        lambda: FunctionTransformer(numpy.abs if chance(0.5) else numpy.square),
        lambda: make_pipeline(deeper(), StandardScaler(with_mean=False)),
        lambda: FeatureUnion([("a", deeper()), ("b", deeper())])]
    return makers[random.integers(0, len(makers) - 2 * (depth > 2))]()


def random_texts(random):
    steps = []
    if random.random() < 0.5:
        steps.append(SimpleImputer(strategy="most_frequent"))
    if random.random() < 0.3:
        steps.append(SimpleImputer(missing_values="?", strategy="constant", fill_value="a"))
    steps.append(codes(encoded_missing_value=-2) if random.random() < 0.4 else
                 known(max_categories=3 if random.random() < 0.5 else None))
    return make_pipeline(*steps)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(150))
def test_random_transformers(importer, seed):
    random = numpy.random.default_rng(seed)
    parts = []
    for i in range(random.integers(1, 6)):
        numbers = random.random() < 0.6
        names = [*NUMBERS, "truth"] if numbers else TEXTS
        columns = [str(c) for c in random.choice(names, random.integers(1, 3), replace=False)]
        parts.append((f"t{i}", random_numbers(random, columns) if numbers else random_texts(random),
                      columns))
    estimator = ColumnTransformer(parts, sparse_threshold=float(random.choice([0, 0.3, 1])))
    asked = table(seed + 1000, 200, unknown=True)
    try:
        estimator.fit(FITTED)
        transformed(estimator, asked)
    except (ValueError, TypeError) as error:
        pytest.skip(f"scikit-learn refuses it: {error}")
    asked["truth"] = asked["truth"].astype(int)
    assert_same_bits(importer.answers(importer.make(estimator), asked), transformed(estimator, asked))


# ---- what is refused ----


def refusal(estimator):
    """What the tool says, here in this Python: `lathe import` says it after the file's name."""
    with pytest.raises(tool.Refused) as refused:
        tool.describe(estimator)
    return str(refused.value)


def test_rows_that_scikit_learn_refuses_are_refused(importer):
    bundle = importer.make(ColumnTransformer([
        ("text", OneHotEncoder(), ["word"]), ("ordinal", OrdinalEncoder(), ["small"]),
        ("number", OneHotEncoder(), ["code"]), ("bins", KBinsDiscretizer(3), ["real"]),
        ("imputed", SimpleImputer(missing_values=2), ["gaps"])]).fit(FITTED.fillna({"gaps": 1.0})))
    row = dict(zip(FITTED.columns, [0.5, 1.0, 0, 0, "red", 1.0, "a", 0]))

    def said(**other):
        done = importer.run("predict", bundle, "-",
                            rows=pandas.DataFrame([{**row, **other}]).to_csv(index=False))
        assert (done.returncode == 0) == (not other)
        return done.stderr

    said()
    unknown = said(word="new")
    assert "column 'word'" in unknown and 'found "new", expected one of' in unknown
    assert "column 'word': the text is missing" in said(word=None)
    assert "column 'small': found 77, which is none of the 7 keys (from -3 to 3)" in said(small=77)
    assert "column 'code': found 0.5, which is none of the 2 keys" in said(code=0.5)
    assert "column 'code': a number is missing" in said(code=None)
    assert "column 'real': a number is missing" in said(real=None)
    assert "column 'gaps': a number is missing" in said(gaps=None)


@pytest.mark.parametrize("estimator, says", [
    (ColumnTransformer([("p", make_pipeline(SimpleImputer(), PCA(1)), ["real", "gaps"])]),
     "ColumnTransformer > transformer 'p' (Pipeline) > step 'pca' (PCA): a sklearn.decomposition._pca"
     ".PCA is not imported; these are: ColumnTransformer, FeatureUnion"),
    (PowerTransformer(), "PowerTransformer: a sklearn.preprocessing._data.PowerTransformer is not"),
    (make_pipeline(StandardScaler(), LogisticRegression()),
     "step 'logisticregression' (LogisticRegression): it is a model, and transformers are imported: "
     "dump what stands before it (pipeline[:-1])"),
    (FunctionTransformer(numpy.reciprocal), "func is reciprocal, and must be None or one of NumPy's "),
    (FunctionTransformer(numpy.round, kw_args={"decimals": 1}),
     "kw_args is {'decimals': 1}, and only functions without are imported"),
    (KBinsDiscretizer(2, dtype=numpy.float32),
     "dtype is <class 'numpy.float32'>, and must be None or numpy.float64"),
])
def test_what_is_not_imported_says_where_it_is(estimator, says):
    estimator.fit(FITTED[["real", "gaps"]].fillna(0.0), FITTED["truth"])
    assert says in refusal(estimator)


def test_other_refusals():
    filled = SimpleImputer(strategy="most_frequent").fit(FITTED[TEXTS])
    assert "it answers the texts of column 'word', and an answer has numbers: encode it" in \
        refusal(filled)
    assert "ColumnTransformer: it is not fitted: dump it after fit" in refusal(
        ColumnTransformer([("s", StandardScaler(), ["real"])]))
    two = ColumnTransformer([("hot", known(), ["small"]), ("text", known(), ["small"])]).fit(FITTED)
    two.named_transformers_["text"].categories_ = [numpy.array(["a", "b"], object)] * 1
    assert "column 'small' has texts here and numbers elsewhere" in refusal(two)
    none = pandas.DataFrame({"x": pandas.Series(["a", None, numpy.nan], dtype=object)})
    assert "both None and NaN as categories" in refusal(OneHotEncoder().fit(none))


@pytest.mark.parametrize("dump", ["pickle", "joblib.gz", "model.tar.gz"])
def test_files_of_all_sorts(importer, tmp_path, dump):
    """An archive is what SageMaker's scikit-learn container saves."""
    scaler, file = StandardScaler().fit(FITTED[["real"]]), tmp_path / f"fitted.{dump}"
    if dump == "pickle":
        file.write_bytes(pickle.dumps(scaler))
    elif dump == "joblib.gz":
        joblib.dump(scaler, file, compress=("gzip", 3))
    else:
        file.write_bytes(packed({"code/inference.py": b"", "model.joblib": pickle.dumps(scaler)}))
    done = importer.run("import", "sklearn", file, "--output", tmp_path / "bundle.zip")
    assert done.returncode == 0, done.stderr
    rows = ASKED[["real"]]
    assert_same_bits(importer.answers(tmp_path / "bundle.zip", rows), scaler.transform(rows))


def test_files_that_are_no_such_objects(importer, tmp_path):
    def said(content):
        (tmp_path / "file.joblib").write_bytes(content)
        done = importer.run("import", "sklearn", tmp_path / "file.joblib")
        assert done.returncode == 1
        return done.stderr

    assert "it cannot be loaded as a joblib or pickle file" in said(b"no pickle")
    # A pickle of an object of a module that is not there.
    assert "it needs the module no_such_module, which " in said(b"cno_such_module\nThing\n.")
    archived = said(packed({"a.pkl": b"", "b.joblib": b"", "readme": b""}))
    assert "one must end in .joblib, .pkl, .pickle; found a.pkl, b.joblib" in archived
    assert "file.joblib: dict: a builtins.dict is not imported" in said(b"(d.")
    assert not (tmp_path / "file.zip").exists()
    done = importer.run("import", "sklearn", tmp_path / "none.joblib")
    assert done.returncode == 1 and "is not a file" in done.stderr
    assert importer.run("import", "spark", tmp_path / "file.joblib").returncode == 2
    importer.set_python("/no/such/python")
    assert "runtime.python" in said(b"")


class Executed:
    """What a pickle of it executes where it is read."""

    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        return exec, (self.code,)


def test_what_a_file_does_it_does_in_a_sandbox(importer, tmp_path):
    """It prints, looks around and ends its Python: nothing of that comes to us."""
    if not can_isolate():
        pytest.skip("this machine forbids user namespaces, or has no bubblewrap")
    (tmp_path / "secret").write_text("of the home")
    code = f"""
import os, socket, sys
print("hello")
seen = os.path.exists({str(tmp_path / "secret")!r})
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
    reached = True
except OSError as error:
    reached = error.errno != 101
sys.exit(f"seen {{seen}}, reached {{reached}}")
"""
    (tmp_path / "loud.pickle").write_bytes(pickle.dumps(Executed(code)))
    done = importer.run("import", "sklearn", tmp_path / "loud.pickle")
    assert done.returncode == 1 and not done.stdout
    assert "failed: seen False, reached False" in done.stderr
    # What it leaves instead of a description is not followed.
    code = """
import os
os.symlink("/etc/passwd", "/opt/ml/description.json")
os._exit(0)
"""
    (tmp_path / "link.pickle").write_bytes(pickle.dumps(Executed(code)))
    done = importer.run("import", "sklearn", tmp_path / "link.pickle")
    assert done.returncode == 1 and "description.json" in done.stderr and "root" not in done.stderr


@pytest.mark.skipif(not os.access("/opt", os.W_OK) or os.path.isdir("/opt/ml"),
                    reason="without a sandbox, /opt/ml has to become a link")
def test_without_a_sandbox(importer):
    importer.set_python(sys.executable, isolated=False)
    scaler = StandardScaler().fit(FITTED[["real"]])
    assert_same_bits(importer.answers(importer.make(scaler), ASKED[["real"]]),
                     scaler.transform(ASKED[["real"]]))


# ---- with a model ----


def preprocessor():
    return ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median", add_indicator=True),
                                  StandardScaler()), ["real", "wide", "gaps"]),
        ("words", make_pipeline(SimpleImputer(strategy="most_frequent"), known()), TEXTS),
        ("bins", KBinsDiscretizer(4), ["small"]),
        ("truth", OrdinalEncoder(), ["truth"])], sparse_threshold=0).fit(FITTED)


def test_an_endpoint_of_a_pipeline_and_xgboost_answers_what_both_do(server, importer):
    """The archive as CreateModel takes it, in the container for bundles; its rows need no schema."""
    transformer = preprocessor()
    features = transformed(transformer, FITTED).astype(numpy.float32)
    labels = (FITTED["real"] > 0) ^ (FITTED["kind"] == "a")
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 4, "nthread": 1},
                            xgboost.DMatrix(features, labels), 20)
    expected = booster.predict(xgboost.DMatrix(transformed(transformer, ASKED).astype(numpy.float32),
                                               nthread=1))
    assert len(set(expected)) > 100
    archive = importer.make(transformer, "model.tar.gz").read_bytes()
    made = deployed(server, (SPARKML, archive, {}),
                    (XGBOOST, packed({"xgboost-model": model_bytes(booster)}), {}))
    csv = ASKED.to_csv(index=False, header=False)
    rows = json.loads(ASKED.to_json(orient="values", double_precision=15))
    for got in (made.ask(csv).split(),
                [p["score"] for p in json.loads(made.ask(
                    json.dumps({"data": rows}), "application/json", "application/json"))["predictions"]]):
        numpy.testing.assert_array_max_ulp(numpy.array(got, numpy.float32), expected, 1)


def test_exported_to_c_it_answers_the_same(importer, tmp_path):
    transformer = preprocessor()
    bundle = importer.make(transformer)
    exported = importer.run("export", "c", bundle)
    assert exported.returncode == 0, exported.stderr
    width = transformed(transformer, ASKED).shape[1]
    (tmp_path / "predict.c").write_text(exported.stdout)
    (tmp_path / "main.c").write_text(HARNESS % {"width": width})
    subprocess.run(["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", tmp_path / "predict",
                    tmp_path / "main.c", tmp_path / "predict.c", "-lm"], check=True)
    asked = ASKED[~ASKED["word"].str.contains(",")]
    got = subprocess.run([tmp_path / "predict"], capture_output=True, text=True, check=True,
                         input=asked.astype({"truth": int}).to_csv(index=False, header=False)).stdout
    assert_same_bits(numpy.array([[float(word) for word in line.split()]
                                  for line in got.splitlines()]), transformed(transformer, asked))


HARNESS = r"""
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int predict(const double *numbers, const char *const *texts, double *out);

int main(void)
{
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        double numbers[64], out[%(width)d];
        const char *texts[64];
        size_t count = 0;
        line[strcspn(line, "\n")] = 0;
        for (char *at = line, *next; at; at = next, count++) {
            next = strchr(at, ',');
            if (next)
                *next++ = 0;
            numbers[count] = *at ? strtod(at, NULL) : (double)NAN;
            texts[count] = *at ? at : NULL;
        }
        if (predict(numbers, texts, out))
            return 1;
        for (size_t i = 0; i < %(width)d; i++)
            printf("%%.17g%%s", out[i], i + 1 < %(width)d ? " " : "\n");
    }
    return 0;
}
"""
