"""The transformers against Spark ML and MLeap themselves, which the quick tests only know from
files.

    LATHE_SPARK_PYTHON  a Python with pyspark (./dev test --all has one)
    LATHE_MLEAP         a folder with what tools/mleap_fixtures/build.sh makes: 0.20/ and 0.24/
"""

import json
import math
import os
import pathlib
import subprocess

import pytest

pytestmark = pytest.mark.full
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
TOOLS = ROOT / "tools/mleap_fixtures"
ROWS = HERE / "bundles/rows.json"


@pytest.fixture(scope="module")
def feature_apply(built):
    return built("feature_apply")


def test_cases_are_sparks(tmp_path):
    """Every file of spark/ is what Spark makes today, on this machine."""
    python = os.environ.get("LATHE_SPARK_PYTHON", "")
    if not pathlib.Path(python).exists():
        pytest.skip("LATHE_SPARK_PYTHON names no Python with pyspark")
    made = subprocess.run([python, TOOLS / "spark_cases.py", tmp_path], capture_output=True,
                          text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    kept = {path.name: json.loads(path.read_text()) for path in (HERE / "spark").glob("*.json")}
    assert {path.name for path in tmp_path.glob("*.json")} == set(kept)
    for path in tmp_path.glob("*.json"):
        new = json.loads(path.read_text())
        for case in (new, kept[path.name]):
            for rows in ("fit", "new"):
                # That it fails is Spark's word, by which exception depends on its version.
                if isinstance(case.get(rows), dict) and "error" in case[rows]:
                    case[rows]["error"] = True
        assert new == kept[path.name], path.name


SPECIFICATION = {"stages": [
    {"type": "StringIndexer", "inputCols": ["text", "kind"], "outputCols": ["i", "j"],
     "handleInvalid": "keep", "stringOrderType": "alphabetDesc"},
    {"type": "StringIndexer", "inputCol": "kind", "outputCol": "k", "handleInvalid": "skip"},
    {"type": "OneHotEncoder", "inputCols": ["j", "category"], "outputCols": ["u", "w"],
     "handleInvalid": "keep"},
    {"type": "OneHotEncoder", "inputCol": "k", "outputCol": "o", "dropLast": False},
    {"type": "IndexToString", "inputCol": "i", "outputCol": "s"},
    {"type": "StringMap", "inputCol": "kind", "outputCol": "limit", "handleInvalid": "keep",
     "labels": {"L": 11000, "M": 12000}, "defaultValue": 13000},
    {"type": "Imputer", "inputCols": ["gap", "x"], "outputCols": ["g", "h"], "strategy": "mode"},
    {"type": "Imputer", "inputCol": "gap", "outputCol": "m", "missingValue": -1},
    {"type": "Bucketizer", "inputCol": "x", "outputCol": "b", "handleInvalid": "keep",
     "splits": ["-Infinity", 0, 0.3, 2.5, "Infinity"]},
    {"type": "MathBinary", "operation": "sub", "inputA": "x", "inputB": "y", "outputCol": "d"},
    {"type": "MathBinary", "operation": "sub", "inputA": "d", "db": 8.6, "outputCol": "e"},
    {"type": "MathBinary", "operation": "max", "da": 0, "inputB": "e", "outputCol": "f"},
    {"type": "MathUnary", "operation": "log", "inputCol": "positive", "outputCol": "l"},
    {"type": "VectorAssembler", "inputCols": ["g", "h", "m", "same"], "outputCol": "n"},
    {"type": "StandardScaler", "inputCol": "n", "outputCol": "z", "withMean": True},
    {"type": "StandardScaler", "inputCol": "n", "outputCol": "zs"},
    {"type": "StandardScaler", "inputCol": "n", "outputCol": "zm", "withMean": True,
     "withStd": False},
    {"type": "MinMaxScaler", "inputCol": "n", "outputCol": "mm", "min": -1, "max": 2.5},
    {"type": "RobustScaler", "inputCol": "n", "outputCol": "rs", "withCentering": True},
    {"type": "MaxAbsScaler", "inputCol": "n", "outputCol": "ma"},
    {"type": "Normalizer", "inputCol": "n", "outputCol": "no"},
    {"type": "ElementwiseProduct", "inputCol": "n", "outputCol": "ep",
     "scalingVec": [0.5, -1, 2, 0]},
    {"type": "PolynomialExpansion", "inputCol": "n", "outputCol": "pe", "degree": 2},
    {"type": "VectorSlicer", "inputCol": "n", "outputCol": "vs", "indices": [2, 0]},
    {"type": "Binarizer", "inputCol": "x", "outputCol": "bi", "threshold": 0.3},
    {"type": "QuantileDiscretizer", "inputCol": "y", "outputCol": "qd", "numBuckets": 4},
    {"type": "Tokenizer", "inputCol": "kind", "outputCol": "words"},
    {"type": "HashingTF", "inputCol": "words", "outputCol": "tf", "numFeatures": 5},
    {"type": "VectorAssembler", "inputCols": ["u", "w", "o", "z", "mm", "b", "e", "l", "limit"],
     "outputCol": "features"}]}
WANTED = ["i", "j", "s", "limit", "g", "h", "m", "b", "d", "e", "f", "l", "z", "zs", "zm", "mm",
          "features", "rs", "ma", "no", "ep", "pe", "vs", "bi", "qd", "tf"]


def close(found, expected):
    """Equal but for the last places that Java's logarithm and MLeap's order of operations in a
    MinMaxScaler (whose range here is 3.5) may take."""
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(close, found, expected))
    if isinstance(expected, float) and isinstance(found, (int, float)):
        return abs(found - expected) <= max(4 * math.ulp(expected), math.ulp(3.5))
    return found == expected


def test_models_are_sparks(feature_apply, tmp_path):
    """The bundles and answers of bundles/models are what Spark and MLeap make today, and what we
    make of the new bundles are the new answers."""
    built = pathlib.Path(os.environ.get("LATHE_MLEAP", "/nowhere")) / "0.24"
    if not (built / "classpath").exists():
        pytest.skip("LATHE_MLEAP names no folder made by tools/mleap_fixtures/build.sh")
    models = HERE / "bundles/models"
    subprocess.run([TOOLS / "run.sh", built, "models", tmp_path, models / "rows.json"], check=True,
                   capture_output=True)
    names = sorted(path.stem for path in tmp_path.glob("*.json"))
    assert names == sorted({path.stem for path in models.glob("*.json")} - {"rows"})
    for name in names:
        made = json.loads((tmp_path / f"{name}.json").read_text())
        kept = json.loads((models / f"{name}.json").read_text())
        ours = subprocess.run([feature_apply, "open", tmp_path / f"{name}.zip",
                               models / "rows.json", *made["wanted"]], capture_output=True,
                              text=True, check=True)
        assert made["wanted"] == kept["wanted"]
        for found, new, old in zip(json.loads(ours.stdout), made["spark"], kept["spark"],
                                   strict=True):
            assert close(found["values"], new["values"]), (name, new["name"])
            assert close(old["values"], new["values"]), (name, new["name"])


@pytest.mark.parametrize("version", ["0.20", "0.24"])
def test_mleap_reads_ours(feature_apply, tmp_path, version):
    """MLeap's runtime opens the bundle we write and makes of the rows what we do."""
    built = pathlib.Path(os.environ.get("LATHE_MLEAP", "/nowhere")) / version
    if not (built / "classpath").exists():
        pytest.skip("LATHE_MLEAP names no folder made by tools/mleap_fixtures/build.sh")
    (tmp_path / "specification.json").write_text(json.dumps(SPECIFICATION))
    bundle = tmp_path / "ours.zip"
    ours = subprocess.run([feature_apply, "fit", tmp_path / "specification.json", ROWS, bundle,
                           *WANTED], capture_output=True, text=True, check=False)
    assert ours.returncode == 0, ours.stdout + ours.stderr
    theirs = subprocess.run([TOOLS / "run.sh", built, "apply", bundle, ROWS, *WANTED],
                            capture_output=True, text=True, check=False)
    assert theirs.returncode == 0, theirs.stderr[-2000:]
    answer = json.loads(theirs.stdout.splitlines()[-1])
    assert "mleap" in answer, answer
    for found, expected in zip(json.loads(ours.stdout), answer["mleap"], strict=True):
        assert found["name"] == expected["name"]
        assert close(found["values"], expected["values"]), found["name"]
