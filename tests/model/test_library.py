"""liblathe as an application sees it: from Python beside XGBoost (examples/python/lathe.py), and
installed, from a C program through pkg-config."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("LATHE_BUILD", ROOT / "build/debug"))
BUNDLES = ROOT / "tests/feature/bundles/0.24"

PYTHON = """
import json, sys, zipfile
import numpy, xgboost
sys.path.insert(0, sys.argv[1])
import lathe

bundles, folder = sys.argv[2], sys.argv[3]
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
for wrong in (lambda: lathe.Predictor("/nothing"), lambda: both.predict_csv("L,x,1"),
              lambda: both.predict(dict(given, x=[1.0] * 9 + [float("nan")])),
              lambda: lathe.Predictor(bundles + "/machine.zip").margins(given)):
    try:
        wrong()
    except lathe.LatheError as error:
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
    if (!predictor || !lathe_predict_text(predictor, LATHE_CSV, "L,0.1,-1.0\n", 11,
                                          LATHE_CSV_LINES, &answer, &error)) {
        puts(error.message);
        return 1;
    }
    fwrite(answer.bytes, 1, answer.size, stdout);
    lathe_text_clear(&answer);
    lathe_predictor_close(predictor);
    return 0;
}
"""


def environment(library):
    """A library under AddressSanitizer needs its runtime loaded first; Python itself leaks."""
    if b"__asan_init" not in library.read_bytes():
        return dict(os.environ)
    runtimes = [subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True,
                               text=True).stdout.strip() for name in ("libasan.so", "libubsan.so")]
    return {**os.environ, "LD_PRELOAD": " ".join(runtimes), "ASAN_OPTIONS": "detect_leaks=0"}


@pytest.fixture
def library():
    path = BUILD / "liblathe.so"
    if not path.exists():
        pytest.fail(f"{path} is not there", pytrace=False)
    return path


def test_python_beside_xgboost(library, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(PYTHON)
    done = subprocess.run([sys.executable, script, ROOT / "examples/python", BUNDLES, tmp_path],
                          env={**environment(library), "LIBLATHE": str(library)}, timeout=300,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    words = done.stdout.splitlines()
    assert "/nothing cannot be opened" in words[0]
    assert "line 1, column 2" in words[1]
    assert "row 10, column 'x': a number is missing" in words[2]
    assert "only a single model of trees" in words[3]


def test_only_its_own_names_are_exported(library):
    for command in (["nm", "-D", "--defined-only", library],
                    ["nm", "-g", "--defined-only", BUILD / "liblathe.a"]):
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        names = [line.split()[-1].split("@")[0] for line in out.splitlines() if len(line.split()) == 3]
        names = [name for name in names if "asan" not in name and "ubsan" not in name
                 and name != "LATHE_0"]
        assert len(names) > 10 and all(name.startswith("lathe_") for name in names)


@pytest.mark.parametrize("static", [False, True], ids=["shared", "static"])
def test_an_installed_library_builds_a_c_program(library, tmp_path, static):
    if not shutil.which("pkg-config"):
        pytest.skip("pkg-config is not there")
    # What the install layout says, without installing the server and its libraries.
    (tmp_path / "pkgconfig").mkdir()
    text = (BUILD / "lathe.pc").read_text()
    text = "".join(f"libdir={BUILD}\n" if line.startswith("libdir=") else
                   f"includedir={ROOT / 'include'}\n" if line.startswith("includedir=") else line
                   for line in text.splitlines(True))
    (tmp_path / "pkgconfig/lathe.pc").write_text(text)
    env = {**os.environ, "PKG_CONFIG_PATH": str(tmp_path / "pkgconfig")}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *(["--static"] if static else []),
                            "lathe"], env=env, capture_output=True, text=True, check=True).stdout
    if static:
        flags = flags.replace("-llathe", "-l:liblathe.a")
    if "LD_PRELOAD" in environment(library):
        flags += " -fsanitize=address,undefined"
    (tmp_path / "main.c").write_text(PROGRAM)
    subprocess.run(["gcc", "-std=c17", "-Wall", "-Werror", "-pedantic", tmp_path / "main.c", "-o",
                    tmp_path / "main", *flags.split()], check=True)
    done = subprocess.run([tmp_path / "main", BUNDLES / "machine.zip"], capture_output=True,
                          text=True, env={**os.environ, "LD_LIBRARY_PATH": str(BUILD)})
    assert done.returncode == 0, done.stdout + done.stderr
    row = next(c["values"][0] for c in json.loads((BUNDLES / "machine.json").read_text())["mleap"]
               if c["name"] == "features")
    assert [float(word) for word in done.stdout.split(",")] == row
