"""liblathe as an application sees it: from Python beside XGBoost (examples/python/lathe.py), and
from C: installed, under Valgrind, and from several threads under the thread sanitizer."""

import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import zipfile

import numpy
import pytest
import xgboost

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUNDLES = ROOT / "tests/feature/bundles/0.24"

PYTHON = """
import io, json, sys, tarfile, zipfile
import numpy, pandas, xgboost
import lathe

bundles, folder = sys.argv[1], sys.argv[2]
table = {c["name"]: c["values"] for c in json.load(open(bundles + "/../rows.json"))["columns"]}
features = numpy.array(next(c["values"] for c in json.load(open(bundles + "/machine.json"))["mleap"]
                            if c["name"] == "features"))
rows = numpy.repeat(features, 40, 0) + numpy.random.default_rng(1).normal(0, .3, (400, 7))
classes = numpy.repeat(numpy.arange(10) % 3, 40)
given = {"kind": table["kind"], "x": table["x"], "y": table["y"]}
for objective in "multi:softprob", "multi:softmax", "binary:logistic", "reg:squarederror":
    many = objective.startswith("multi")
    booster = xgboost.train({"objective": objective, "max_depth": 4, "nthread": 1,
                             **({"num_class": 3} if many else {})},
                            xgboost.DMatrix(rows, classes if many else classes > 0), 9)
    booster.save_model(folder + "/model.ubj")
    matrix = xgboost.DMatrix(rows)
    trees = lathe.Predictor(folder + "/model.ubj")
    assert trees.objective == objective
    close = dict(rtol=1e-6)
    numpy.testing.assert_allclose(trees.predict(rows), booster.predict(matrix), **close)
    numpy.testing.assert_array_equal(trees.margins(rows).astype("f4"),
                                     booster.predict(matrix, output_margin=True))
    numpy.testing.assert_array_equal(trees.leaves(rows), booster.predict(matrix, pred_leaf=True))
    numpy.testing.assert_allclose(trees.contributions(rows),
                                  booster.predict(matrix, pred_contribs=True), rtol=1e-5, atol=1e-6)
    numpy.testing.assert_allclose(trees.interactions(rows),
                                  booster.predict(matrix, pred_interactions=True), rtol=1e-4,
                                  atol=1e-5)
    # One row of floats, which is shorter, and rows in another order of memory, are the same.
    for asked in (trees.predict, trees.margins, trees.leaves, trees.contributions,
                  trees.interactions):
        one = rows[3:4].astype("f4")
        one.flags.writeable = False
        numpy.testing.assert_array_equal(asked(one), asked(rows)[3:4])
        numpy.testing.assert_array_equal(asked(numpy.asfortranarray(rows)), asked(rows))
    if objective == "reg:squarederror":
        for asked in (trees.labels, trees.probabilities):
            try:
                asked(rows)
                raise AssertionError("a regression has no classes")
            except lathe.LatheError as error:
                assert "reg:squarederror tells no" in str(error), error
    else:
        booster.set_param("objective", "multi:softprob" if many else objective)
        shares = booster.predict(matrix)
        shares = shares if many else numpy.stack([1 - shares, shares], 1)
        numpy.testing.assert_allclose(trees.probabilities(rows), shares, **close)
        numpy.testing.assert_array_equal(trees.labels(rows), shares.argmax(1))
        booster.set_param("objective", objective)
    # The whole pipeline from columns, from text, and from the features that MLeap computed.
    both = lathe.Predictor(bundles + "/machine.zip", folder + "/model.ubj")
    expected = booster.predict(xgboost.DMatrix(features.astype("f4")))
    numpy.testing.assert_allclose(both.predict(given), expected, **close)
    numpy.testing.assert_array_equal(both.margins(given),
                                     trees.margins(features.astype("f4")))
    text = "\\n".join(f"{k},{x},{y}" for k, x, y in zip(*given.values()))
    lines = both.predict_csv(text).splitlines()
    numpy.testing.assert_allclose([[float(w) for w in line.split(",")] for line in lines],
                                  expected.reshape(10, -1), **close)
    if objective == "multi:softmax":
        # Without a StringIndexer that skips rows, which would want its column too.
        source = zipfile.ZipFile(bundles + "/labels.zip")
        with zipfile.ZipFile(folder + "/labels.zip", "w") as target:
            for name in source.namelist():
                target.writestr(name, source.read(name).replace(b'"skip"', b'"error"'))
        named = lathe.Predictor(bundles + "/machine.zip", folder + "/model.ubj",
                                folder + "/labels.zip")
        assert named.predict(given) == [["p", "", "r"][int(c)] for c in expected]

assert both.describe()["parts"][1]["objective"] == "reg:squarederror"

# The same columns in other clothes, and from memory.
expected = both.predict(given)
frame = pandas.DataFrame(given)
numpy.testing.assert_array_equal(both.predict(frame[["y", "x", "kind"]]), expected)
numpy.testing.assert_array_equal(both.predict(frame.to_numpy()), expected)
with open(folder + "/model.ubj", "rb") as file:
    memory = lathe.Predictor(bundles + "/machine.zip", file.read())
numpy.testing.assert_array_equal(memory.predict(given), expected)

# What is missing, as NaN, masked, None and NA.
holes = rows[::8].copy()
holes[::3, 2] = holes[1::4, 5] = numpy.nan
expected = booster.predict(xgboost.DMatrix(holes), output_margin=True)
assert len(set(expected)) > 5
gone = numpy.isnan(holes)
columns = {f"f{i}": holes[:, i] for i in range(7)}
named = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, classes, feature_names=list(columns)), 9)
named.save_model(folder + "/named.json")
known = lathe.Predictor(folder + "/named.json")
expected_named = named.predict(xgboost.DMatrix(holes, feature_names=list(columns)))
for same in (holes, holes.astype("f4"), holes.tolist(),
             numpy.ma.array(numpy.where(gone, 7.0, holes), mask=gone),
             numpy.where(gone, None, holes)):
    numpy.testing.assert_array_equal(trees.margins(same).astype("f4"), expected)
for same in (columns, pandas.DataFrame(columns), pandas.DataFrame(columns).astype("Float64"),
             {n: [None if x != x else x for x in c.tolist()] for n, c in columns.items()}):
    numpy.testing.assert_array_equal(known.predict(same).astype("f4"), expected_named)
kept = dict(given, kind=pandas.Series(given["kind"]).where(pandas.Series(range(10)) != 4))
assert both.predict(kept)[4] == both.predict(dict(given, kind=["none"] * 10))[4]

# The models of a cross validation: their mean, or the class that most of them say.
chance = numpy.random.default_rng(8)
for objective in "binary:logistic", "multi:softprob", "multi:softmax":
    several = [xgboost.train({"objective": objective, "nthread": 1,
                              **({"num_class": 3} if objective.startswith("multi") else {})},
                             xgboost.DMatrix(rows, chance.integers(0, 2, 400)), 4)
               for _ in range(5)]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for i, one in enumerate(several):
            entry, raw = tarfile.TarInfo(f"xgboost-model-{i}"), bytes(one.save_raw("ubj"))
            entry.size = len(raw)
            archive.addfile(entry, io.BytesIO(raw))
    together = lathe.Predictor(packed.getvalue())
    said = numpy.array([one.predict(matrix) for one in several])
    expected = numpy.mean(said, 0)
    if objective == "multi:softmax":
        expected = [numpy.bincount(column.astype(int)).argmax() for column in said.T]
        assert (said != expected).any()
    for same in rows, rows.tolist():
        numpy.testing.assert_allclose(together.predict(same), expected, rtol=2e-6)

for wrong in (lambda: together.margins(rows), lambda: together.contributions(rows),
              lambda: lathe.Predictor("/nothing"), lambda: both.predict_csv("L,x,1"),
              lambda: both.predict(dict(given, x=[1.0] * 9 + [float("nan")])),
              lambda: lathe.Predictor(bundles + "/machine.zip").margins(given),
              lambda: trees.predict_text("1 1:2\\n0 3:1 12:4 2:5\\n", "libsvm")):
    try:
        wrong()
    except lathe.LatheError as error:
        print(error.code.name, error)
    else:
        raise AssertionError("no error")
for wrong in (lambda: trees.predict(rows[:, :5]), lambda: trees.predict({"x": [1.0]}),
              lambda: both.predict({"kind": ["L"], "x": [1.0]}),
              lambda: both.predict(dict(given, y=[1.0])),
              lambda: both.predict(dict(given, x=["a"] * 10))):
    try:
        wrong()
    except ValueError as error:
        print(error)
    else:
        raise AssertionError("no error")
"""

PROGRAM = r"""
#include <lathe.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct lathe_error error;
    struct lathe_predictor *predictor =
        lathe_predictor_open_files((const char *const *)argv + 1, (size_t)argc - 1, &error);
    struct lathe_text answer = {0};
    if (!predictor || !lathe_predict_text(predictor, LATHE_ROWS_CSV, "L,0.1,-1.0\n", 11,
                                          LATHE_ANSWERS_CSV_LINES, &answer, &error)) {
        puts(error.message);
        return 1;
    }
    fwrite(answer.bytes, 1, answer.size, stdout);
    lathe_text_clear(&answer);
    lathe_predictor_close(predictor);
    return 0;
}
"""


def test_python_beside_xgboost(python, tmp_path):
    lines = python(PYTHON, [BUNDLES, tmp_path]).splitlines()
    for line, words in zip(lines, [
            "UNSUPPORTED only a single model", "UNSUPPORTED only a single model",
            "IO /nothing cannot be opened", "INVALID_DATA line 1, column 2: found \"x\"",
            "INVALID_DATA row 10, column 'x': a number is missing",
            "UNSUPPORTED only a single model of trees",
            "of trained model 7.: row 2 has feature 13", "(400, 5): expected (rows, 7)",
            "no names", "no column y among kind, x", "different numbers of rows",
            "the column x is numbers"], strict=True):
        assert words in line


def test_only_its_own_names_are_exported(library):
    for command in (["nm", "-D", "--defined-only", library],
                    ["nm", "-g", "--defined-only", library.with_suffix(".a")]):
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        names = [line.split()[-1].split("@")[0] for line in out.splitlines() if len(line.split()) == 3]
        names = [name for name in names if "asan" not in name and "ubsan" not in name
                 and name != "LATHE_0"]
        assert len(names) > 10 and all(name.startswith("lathe_") for name in names)


def test_the_man_page_has_every_function():
    page = (ROOT / "man/liblathe.3").read_text()
    functions = set(re.findall(r"\b(lathe_\w+)\(", (ROOT / "include/lathe.h").read_text()))
    assert len(functions) > 10
    assert [name for name in functions if f"{name}(" not in page] == []


def test_the_man_page_has_every_error_and_its_example_compiles(tmp_path):
    page = (ROOT / "man/liblathe.3").read_text()
    codes = re.search(r"enum lathe_code \{(.*?)\n\};", (ROOT / "include/lathe.h").read_text(), re.S)[1]
    codes = re.findall(r"^    (LATHE_\w+)[ ,]", codes, re.M)
    assert len(codes) > 6
    assert [code for code in codes if code != "LATHE_OK" and f".B {code}\n" not in page] == []
    example = page.split(".SH EXAMPLE\n.nf\n")[1].split(".fi")[0].replace("\\en", "\\n")
    (tmp_path / "example.c").write_text(
        f"#include <lathe.h>\n#include <stdio.h>\nint main(void)\n{{\n{example}return 0;\n}}\n")
    subprocess.run(["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}", "-c",
                    tmp_path / "example.c", "-o", tmp_path / "example.o"], check=True)


def test_the_version_is_the_header_s(python, library, lathe):
    header = (ROOT / "include/lathe.h").read_text()
    version = ".".join(re.findall(r"#define LATHE_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header))
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert python("import lathe; print(lathe.version())").strip() == version
    assert f"Version: {version}\n" in (library.parent / "lathe.pc").read_text()
    assert library.resolve().name == f"liblathe.so.{version}"
    told = subprocess.run([lathe, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"{version}\n"


# ---- installed ----


def compile_against(prefix, tmp_path, static, preload):
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", *(["--static"] if static else []), "lathe"],
        env={**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}, check=True,
        capture_output=True, text=True).stdout
    if static:
        flags = flags.replace("-llathe", "-l:liblathe.a")
    if preload:
        flags += " -fsanitize=address,undefined"
    (tmp_path / "main.c").write_text(PROGRAM)
    subprocess.run(["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic",
                    tmp_path / "main.c", "-o", tmp_path / "main", *flags.split()], check=True)
    return tmp_path / "main"


@pytest.mark.parametrize("static", [False, True], ids=["shared", "static"])
@pytest.mark.parametrize("staged", [False, True], ids=["prefix", "destdir"])
def test_an_installed_library_builds_a_c_program(library, preload, tmp_path, static, staged):
    if not shutil.which("pkg-config") or not shutil.which("cmake"):
        pytest.skip("pkg-config or cmake is not there")
    where = [] if staged else ["--prefix", tmp_path / "there"]
    subprocess.run(["cmake", "--install", library.parent, "--component", "liblathe", *where], check=True,
                   env={**os.environ, "DESTDIR": str(tmp_path / "stage") if staged else ""},
                   stdout=subprocess.DEVNULL)
    prefix = tmp_path / "there"
    if staged:  # a package's tree, unpacked elsewhere
        (tmp_path / "stage/usr/local").rename(prefix)
    pages = prefix / "share/man/man3"
    assert "predict with trained pipelines" in (pages / "liblathe.3").read_text()
    assert (pages / "lathe_predict_text.3").read_text() == ".so man3/liblathe.3\n"
    program = compile_against(prefix, tmp_path, static, preload)
    done = subprocess.run([program, BUNDLES / "machine.zip"], capture_output=True, text=True,
                          env={**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib")})
    assert done.returncode == 0, done.stdout + done.stderr
    row = next(c["values"][0] for c in json.loads((BUNDLES / "machine.json").read_text())["mleap"]
               if c["name"] == "features")
    assert [float(word) for word in done.stdout.split(",")] == row


# ---- an application that asks for everything, from threads that share a predictor ----

FLOOR_0 = ["parse", "archive", "csv", "feature", "tree", "model", "export"]


@pytest.fixture(scope="module", params=["memcheck", "thread"])
def application(request, tmp_path_factory):
    """The command that runs tests/model/embed.c under Valgrind or the thread sanitizer."""
    folder, flags = tmp_path_factory.mktemp(request.param), []
    command = ["valgrind", "-q", "--error-exitcode=9", "--leak-check=full",
               "--show-leak-kinds=all", "--errors-for-leak-kinds=all"]
    if request.param == "thread":
        command, flags = [], ["-fsanitize=thread"]
    elif not shutil.which("valgrind"):
        pytest.skip("valgrind is not there")
    sources = [source for room in FLOOR_0 for source in (ROOT / "src" / room).glob("*.c")]
    subprocess.run(["gcc", "-std=c17", "-O1", "-g", "-ffp-contract=off", *flags, "-pthread",
                    "-D_POSIX_C_SOURCE=200809L", f"-I{ROOT}/src", f"-I{ROOT}/include",
                    ROOT / "tests/model/embed.c", *sources, "-lz", "-lm", "-o", folder / "embed"],
                   check=True)
    return [*command, folder / "embed", "4"]


def embedded(application, rows, artifacts):
    done = subprocess.run([*application, rows, *artifacts], capture_output=True, text=True,
                          timeout=600)
    assert done.returncode == 0 and not done.stderr, done.stderr
    got = {}
    for line in done.stdout.splitlines():
        what, *values = line.split(" ")
        got.setdefault(what, []).append(values if what == "text" else
                                        [float.fromhex(value) for value in values])
    return {what: values if what == "text" else numpy.array(values)
            for what, values in got.items()}


@pytest.mark.full
@pytest.mark.parametrize("objective, parameters", [
    ("binary:logistic", {}), ("multi:softprob", {"num_class": 3}), ("reg:squarederror", {}),
    ("binary:logistic", {"booster": "dart", "rate_drop": 0.3}),
    ("multi:softprob", {"num_class": 3, "multi_strategy": "multi_output_tree"}),
    ("binary:logistic", {"max_depth": 12, "min_child_weight": 0})])
def test_a_c_application(application, tmp_path, objective, parameters):
    rng = numpy.random.default_rng(5)
    rows = rng.normal(0, 1, (600, 4)).astype(numpy.float32)
    rows[rng.random(rows.shape) < 0.1] = numpy.nan
    labels = (numpy.nan_to_num(rows[:, 0]) > -0.5) * 1 + (numpy.nan_to_num(rows[:, 1]) > 0)
    booster = xgboost.train({"objective": objective, "nthread": 1, **parameters},
                            xgboost.DMatrix(rows, labels if "num_class" in parameters
                                            else labels > 1), 6)
    booster.save_model(tmp_path / "model.ubj")
    (tmp_path / "rows.csv").write_text("".join(
        ",".join("" if x != x else repr(float(x)) for x in row) + "\n" for row in rows))
    got = embedded(application, tmp_path / "rows.csv", [tmp_path / "model.ubj"])
    matrix = xgboost.DMatrix(rows, nthread=1)
    numpy.testing.assert_array_equal(
        got["margin"].astype("f4"),
        booster.predict(matrix, output_margin=True).reshape(len(rows), -1))
    numpy.testing.assert_array_max_ulp(
        got["prediction"].astype("f4"), booster.predict(matrix).reshape(len(rows), -1), 1)
    if "multi_strategy" in parameters:
        return  # XGBoost says neither of these for trees with vectors in their leaves
    numpy.testing.assert_array_equal(got["leaves"], booster.predict(matrix, pred_leaf=True)
                                     .reshape(len(rows), -1))
    numpy.testing.assert_allclose(
        got["contributions"], booster.predict(matrix, pred_contribs=True).reshape(len(rows), -1),
        rtol=1e-5, atol=1e-6)
    numpy.testing.assert_allclose(
        got["interactions"], booster.predict(matrix, pred_interactions=True)
        .reshape(len(rows), -1), rtol=1e-4, atol=1e-5)


@pytest.mark.full
def test_a_c_application_with_a_pipeline(application, tmp_path):
    """Transformers, the models of a cross validation, and their labels."""
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        for i in range(3):
            rng = numpy.random.default_rng(i)
            booster = xgboost.train({"objective": "multi:softmax", "num_class": 3, "nthread": 1},
                                    xgboost.DMatrix(rng.normal(0, 3, (200, 7)),
                                                    rng.integers(0, 3, 200)), 5)
            model = bytes(booster.save_raw("ubj"))
            entry = tarfile.TarInfo(f"xgboost-model-{i}")
            entry.size = len(model)
            archive.addfile(entry, io.BytesIO(model))
    with zipfile.ZipFile(BUNDLES / "labels.zip") as source, \
            zipfile.ZipFile(tmp_path / "labels.zip", "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'"skip"', b'"error"'))
    rng = numpy.random.default_rng(7)
    (tmp_path / "rows.csv").write_text("".join(
        f"{kind},{x!r},{y!r}\n" for kind, x, y in zip(
            rng.choice(["L", "M", "H", "X", ""], 600).tolist(), rng.normal(0, 3, 600).tolist(),
            rng.normal(0, 3, 600).tolist())))
    got = embedded(application, tmp_path / "rows.csv",
                   [BUNDLES / "machine.zip", tmp_path / "model.tar.gz", tmp_path / "labels.zip"])
    assert list(got) == ["text"] and {value for value, in got["text"]} == {"p", "", "r"}
    got = embedded(application, tmp_path / "rows.csv", [BUNDLES / "machine.zip"])
    assert got["prediction"].shape == (600, 7)
