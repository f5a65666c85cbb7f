"""`lathe export c`: the C file, compiled by gcc and clang, for this machine and for ARM, gives the
answers of the library, to the last bit."""

import io
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tarfile
import zipfile

import numpy
import pytest
import xgboost

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/tree"))
import peer  # noqa: E402
import test_forest as forests  # noqa: E402

BUNDLES = ROOT / "tests/feature/bundles/0.24"
MACHINE = BUNDLES / "machine.zip"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wshadow",
          "-Wmissing-prototypes"]

# Reads rows of CSV without quotes, and writes values as %a.
HARNESS = r"""
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int predict(const double *numbers, const char *const *texts, OUT *out);

int main(void)
{
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        double numbers[64];
        const char *texts[64];
        OUT out[64];
        size_t count = 0;
        line[strcspn(line, "\n")] = 0;
        for (char *at = line, *next; at; at = next, count++) {
            next = strchr(at, ',');
            if (next)
                *next++ = 0;
            numbers[count] = *at ? strtod(at, NULL) : (double)NAN;
            texts[count] = *at ? at : NULL;
        }
        int stage = predict(numbers, texts, out);
        if (stage)
            printf("stage %d", stage);
        for (size_t i = 0; !stage && i < WIDTH; i++)
            printf(FORMAT, i ? "," : "", out[i]);
        printf("\n");
    }
    return 0;
}
"""

# Where it says fused, every product that C allows to become one with a sum does.
COMPILERS = {
    "gcc": (["gcc", "-O2", "-ffp-contract=off", "-Wconversion", "-Wdouble-promotion"], []),
    "gcc-fused": (["gcc", "-O3", "-march=native", "-ffp-contract=fast"], []),
    "clang-fused": (["clang", "-O3", "-march=native", "-ffp-contract=fast"], []),
    "aarch64-fused": (["aarch64-linux-gnu-gcc", "-O2", "-static", "-ffp-contract=fast"],
                      ["qemu-aarch64"]),
    "aarch64-clang": (["clang", "--target=aarch64-linux-gnu", "-O2", "-static"],
                      ["qemu-aarch64", "aarch64-linux-gnu-gcc"]),
}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.full) if name == "aarch64-clang" else name
                        for name in COMPILERS])
def toolchain(request):
    compiler, needs = COMPILERS[request.param]
    for tool in [compiler[0], *needs]:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not there")
    return compiler, needs[:1]


@pytest.fixture
def compiled(toolchain, tmp_path):
    """compiled(code, rows, width): what the function answers to rows of CSV, a line a row."""
    compiler, runner = toolchain

    def run(code, rows, width=1, text=False):
        (tmp_path / "model.c").write_text(code)
        (tmp_path / "main.c").write_text(HARNESS)
        kind = ["-DOUT=const char *", '-DFORMAT="%s%s"'] if text else \
               ["-DOUT=double", '-DFORMAT="%s%a"']
        subprocess.run([*compiler, *STRICT, "-c", tmp_path / "model.c", "-o", tmp_path / "model.o"],
                       check=True)
        subprocess.run([*compiler, *kind, f"-DWIDTH={width}", tmp_path / "model.o",
                        tmp_path / "main.c", "-lm", "-o", tmp_path / "main"], check=True)
        done = subprocess.run([*runner, tmp_path / "main"], input="\n".join(rows) + "\n",
                              capture_output=True, text=True, timeout=120, check=True)
        return done.stdout.splitlines()

    return run


@pytest.fixture
def exported(lathe, compiled):
    """The same of the file that `lathe export c` writes for artifacts."""
    def run(artifacts, rows, width=1, text=False):
        code = subprocess.run([lathe, "export", "c", *map(str, artifacts)], capture_output=True,
                              text=True, timeout=60)
        assert code.returncode == 0, code.stderr
        return compiled(code.stdout, rows, width, text)

    return run


def library_answers(lathe, artifacts, rows):
    done = subprocess.run([lathe, "predict", *map(str, artifacts)], input="\n".join(rows) + "\n",
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def numbers(lines, read):
    return [[read(word) for word in line.split(",")] for line in lines]


def same_numbers(ours, theirs):
    """Lines of hexadecimal numbers, and of decimal ones in quotes and brackets or without."""
    theirs = [line.translate(str.maketrans("", "", '"[] ')) for line in theirs]
    assert [[repr(x) for x in line] for line in numbers(ours, float.fromhex)] \
        == [[repr(x) for x in line] for line in numbers(theirs, float)]


def machine_rows(count):
    chance = random.Random(5)
    return [f"{chance.choice(['L', 'M', 'H', 'X'])},{chance.gauss(0, 3)!r},{chance.gauss(0, 3)!r}"
            for _ in range(count)]


def booster_file(tmp_path, width, objective, **parameters):
    generator = numpy.random.default_rng(3)
    rows = generator.normal(0, 2, (600, width))
    labels = (rows[:, 3] > -1) * 1 + (rows[:, 3] > 1)
    booster = xgboost.train({"objective": objective, "max_depth": 5, "nthread": 1, **parameters},
                            xgboost.DMatrix(rows, labels if "num_class" in parameters
                                            else labels > 0), 8)
    booster.save_model(tmp_path / "model.ubj")
    return tmp_path / "model.ubj"


def test_features(lathe, exported):
    rows = machine_rows(300)
    same_numbers(exported([MACHINE], rows, 7), library_answers(lathe, [MACHINE], rows))


@pytest.mark.parametrize("objective, parameters, width", [
    ("binary:logistic", {}, 1), ("reg:squarederror", {}, 1), ("count:poisson", {}, 1),
    ("binary:hinge", {}, 1), ("multi:softprob", {"num_class": 3}, 3),
    ("multi:softmax", {"num_class": 3}, 1),
    ("multi:softprob", {"num_class": 3, "multi_strategy": "multi_output_tree"}, 3),
    ("binary:logistic", {"booster": "dart", "rate_drop": 0.3}, 1),
    ("binary:logistic", {"booster": "gblinear"}, 1),
])
def test_features_and_trees(lathe, exported, tmp_path, objective, parameters, width):
    model = booster_file(tmp_path, 7, objective, **parameters)
    rows = machine_rows(300)
    same_numbers(exported([MACHINE, model], rows, width),
                 library_answers(lathe, [MACHINE, model], rows))


def test_missing_values_and_categories(lathe, exported, tmp_path):
    generator = numpy.random.default_rng(4)
    rows = numpy.column_stack([generator.integers(0, 12, 800), generator.normal(0, 1, 800)])
    labels = (rows[:, 0] % 3 == 0) ^ (rows[:, 1] > 0)
    booster = xgboost.train({"objective": "binary:logistic", "max_cat_to_onehot": 1, "nthread": 1},
                            xgboost.DMatrix(rows, labels, feature_types=["c", "q"],
                                            enable_categorical=True), 6)
    booster.save_model(tmp_path / "model.ubj")
    asked = [f"{a},{b}" for a in ["", "0", "3", "11", "12", "-1", "2.5", "99999999"]
             for b in ["", "0.0", "-0.0", "1e30", "-0.3"]]
    same_numbers(exported([tmp_path / "model.ubj"], asked),
                 library_answers(lathe, [tmp_path / "model.ubj"], asked))


def test_labels(lathe, exported, tmp_path):
    with zipfile.ZipFile(BUNDLES / "labels.zip") as source, \
            zipfile.ZipFile(tmp_path / "labels.zip", "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'"skip"', b'"error"'))
    model = booster_file(tmp_path, 7, "multi:softmax", num_class=3)
    artifacts, rows = [MACHINE, model, tmp_path / "labels.zip"], machine_rows(100)
    got = exported(artifacts, rows, text=True)
    assert len(set(got)) > 1
    assert got == library_answers(lathe, artifacts, rows)


@pytest.mark.parametrize("name", ["scalers", "imputers", "math", "several"])
def test_every_transformer(lathe, exported, name):
    """Their own rows, as far as the bundle's columns are there."""
    table = {c["name"]: c["values"] for c in json.loads((BUNDLES / "../rows.json").read_text())["columns"]}
    bundle = BUNDLES / f"{name}.zip"
    said = json.loads(subprocess.run([lathe, "describe", bundle, "--json"], capture_output=True,
                                     text=True, check=True).stdout)
    columns = [table[c["name"]] for c in said["columns"]]
    rows = [",".join(str(v).lower() for v in row) for row in zip(*columns)]
    got = exported([bundle], rows, said["parts"][0]["width"])
    same_numbers(got, library_answers(lathe, [bundle], rows))


def test_what_it_does_not_know_it_says(exported):
    assert exported([MACHINE], ["L,,1.0"], 7) == ["stage 6"]  # the Bucketizer of x


@pytest.mark.parametrize("objective, parameters, width", [
    ("binary:logistic", {}, 1), ("multi:softprob", {"num_class": 3}, 3),
    ("multi:softmax", {"num_class": 3}, 1), ("binary:hinge", {}, 1)])
def test_models_of_a_cross_validation(lathe, exported, tmp_path, objective, parameters, width):
    """Averaged, or where they are classes voted on: of what is noise, so that each says something
    else."""
    rng = numpy.random.default_rng(6)
    features = rng.normal(0, 2, (300, 7))
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        for i in range(4):
            labels = rng.integers(0, parameters.get("num_class", 2), len(features))
            booster = xgboost.train({"objective": objective, "nthread": 1, **parameters},
                                    xgboost.DMatrix(features, labels), 5)
            model = bytes(booster.save_raw("ubj"))
            (tmp_path / "model.ubj").write_bytes(model)
            entry = tarfile.TarInfo(f"xgboost-model-{i}")
            entry.size = len(model)
            archive.addfile(entry, io.BytesIO(model))
    rows = machine_rows(400)
    together = [exported([MACHINE, tmp_path / name], rows, width)
                for name in ("model.tar.gz", "model.ubj")]
    same_numbers(together[0], library_answers(lathe, [MACHINE, tmp_path / "model.tar.gz"], rows))
    assert together[0] != together[1]


# ---- every kind of model of two generations of XGBoost, in one program ----

TABLE = """
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct model {
    int (*predict)(const double *numbers, const char *const *texts, double *out);
    int width;
};
%s
static const struct model MODELS[] = {%s};

int main(void)
{
    double numbers[7], out[64];
    char line[1024];
    while (fgets(line, sizeof line, stdin)) {
        char *at = line;
        for (int i = 0; i < 7; i++, at++)
            numbers[i] = strtod(at, &at);
        for (size_t m = 0; m < sizeof MODELS / sizeof *MODELS; m++) {
            if (MODELS[m].predict(numbers, NULL, out))
                return 1;
            for (int k = 0; k < MODELS[m].width; k++)
                printf("%%a ", out[k]);
        }
        printf("\\n");
    }
    return 0;
}
"""


def every_kind(xgboost):
    """Of each objective and booster, with and without categories."""
    rng = numpy.random.default_rng(8)
    rows = forests.sample(rng, 300, 7)
    rows[:, 6] = rng.integers(0, 40, len(rows))
    types = ["q"] * 6 + ["c"]

    def train(objective, **more):
        return forests.train(xgboost, rng, objective, rows, 5, **more)

    for objective in forests.OBJECTIVES:
        base = {"base_score": 0.3} if objective in ("count:poisson", "survival:cox") else {}
        yield train(objective, max_depth=5, **base)
    for booster in "dart", "gblinear":
        for objective in "binary:logistic", "multi:softprob":
            yield train(objective, booster=booster, **({"rate_drop": 0.4} if booster == "dart" else {}))
    yield train("multi:softmax", num_parallel_tree=3, subsample=0.5)
    yield train("binary:logistic", max_depth=14, min_child_weight=0)
    yield train("reg:squarederror", gamma=1e9)
    for most in 1, 100:
        matrix = xgboost.matrix(rows, rows[:, 6] % 3, feature_types=types)
        yield xgboost.train({"objective": "multi:softprob", "num_class": 3, "tree_method": "hist",
                             "max_cat_to_onehot": most, "nthread": 1}, matrix, 4)
    targets = numpy.nan_to_num(rows[:, :3])
    yield xgboost.train({"objective": "reg:squarederror", "tree_method": "hist", "nthread": 1},
                        xgboost.matrix(rows, targets), 4)
    if xgboost.version >= (2, 0):
        yield xgboost.train({"objective": "reg:squarederror", "tree_method": "hist", "nthread": 1,
                             "multi_strategy": "multi_output_tree"},
                            xgboost.matrix(rows, targets), 4)


@pytest.fixture(scope="module", params=peer.installed(),
                ids=lambda p: "xgboost-%d.%d.%d" % p.version)
def every_model(request, lathe, tmp_path_factory):
    """Their C and the library's answers to some rows."""
    folder = tmp_path_factory.mktemp("models")
    rng = numpy.random.default_rng(9)
    rows = numpy.concatenate([forests.sample(rng, 60, 7)] * 2)
    rows[:, 6] = rng.integers(-1, 50, len(rows))
    boosters = list(every_kind(request.param))
    for booster in boosters:
        file = booster.save("json")
        if b"gblinear" not in file:
            rows[60:] = forests.edges(rng, rows, file, 60)
    texts = [",".join("" if x != x else repr(float(x)) for x in row) for row in rows]
    codes, answers = [], []
    for i, booster in enumerate(boosters):
        (folder / "model").write_bytes(booster.save("ubj"))
        codes.append(subprocess.run([lathe, "export", "c", "--name", f"model_{i}",
                                     folder / "model"], capture_output=True, text=True,
                                    check=True).stdout)
        answers.append(numbers(library_answers(lathe, [folder / "model"], texts), float))
    return codes, rows, answers


def test_every_kind_of_model(toolchain, tmp_path, every_model):
    codes, rows, answers = every_model
    compiler, runner = toolchain
    for i, code in enumerate(codes):
        (tmp_path / f"model_{i}.c").write_text(code)
    subprocess.run([*compiler, *STRICT, "-c", *(f"model_{i}.c" for i in range(len(codes)))],
                   cwd=tmp_path, check=True)
    declared = "".join(f"int model_{i}(const double *, const char *const *, double *);\n"
                       for i in range(len(codes)))
    table = ", ".join(f"{{model_{i}, {len(answer[0])}}}" for i, answer in enumerate(answers))
    (tmp_path / "main.c").write_text(TABLE % (declared, table))
    subprocess.run([*compiler, "main.c", *(f"model_{i}.o" for i in range(len(codes))), "-lm",
                    "-o", "main"], cwd=tmp_path, check=True)
    lines = "".join(",".join(map(repr, map(float, row))) + "\n" for row in rows)
    done = subprocess.run([*runner, tmp_path / "main"], input=lines, capture_output=True, text=True,
                          timeout=120, check=True)
    got = [[float.fromhex(word) for word in line.split()] for line in done.stdout.splitlines()]
    expected = [sum((answer[r] for answer in answers), []) for r in range(len(rows))]
    assert len(answers) > 25
    assert [list(map(repr, row)) for row in got] == [list(map(repr, row)) for row in expected]


# ---- what only an environment asks for ----

ASK = """
import json, sys, lathe
asked = json.load(sys.stdin)
model = lathe.Predictor(*asked["artifacts"], environments=asked["environments"])
json.dump([model.export_c(), model.predict_csv(asked["rows"])], sys.stdout)
"""


def ask(python, artifacts, environments, rows):
    """The C of a predictor, and its answers."""
    asked = {"artifacts": [str(a) for a in artifacts], "environments": environments,
             "rows": "\n".join(rows)}
    code, answers = json.loads(python(ASK, text=json.dumps(asked)))
    return code, answers.splitlines()


@pytest.mark.parametrize("objective, parameters, keys, width", [
    ("binary:logistic", {}, "predicted_label,labels,probability,probabilities,raw_score,"
                            "raw_scores,predicted_score", 10),
    ("binary:logitraw", {}, "predicted_label,raw_score,raw_scores,probability", 5),
    ("binary:hinge", {}, "raw_scores,labels,predicted_label", 5),
    ("reg:squarederror", {}, "predicted_score,nonsense", 2),
    ("multi:softmax", {"num_class": 3}, "predicted_label,labels", 4),
    ("multi:softprob", {"num_class": 3}, "labels,probabilities,predicted_label,probability,"
                                         "raw_scores", 11)])
def test_selected_content(python, compiled, tmp_path, objective, parameters, keys, width):
    artifacts = [MACHINE, booster_file(tmp_path, 7, objective, **parameters)]
    rows = machine_rows(100)
    code, answers = ask(python, artifacts, [{}, {"SAGEMAKER_INFERENCE_OUTPUT": keys}], rows)
    assert f"[{width - 1}]  " in code.split("*/")[0]
    same_numbers(compiled(code, rows, width), answers)


def schema(columns, output):
    return {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(
        {"input": [{"name": name, "type": kind} for name, kind in columns.items()],
         "output": {"name": output, "type": "double", "struct": "vector"}})}


def test_floats_of_a_schema(python, compiled, tmp_path):
    model = booster_file(tmp_path, 7, "binary:logistic")
    settings = schema({"y": "float", "not used": "boolean", "kind": "string", "x": "float"},
                      "features")
    rows = [f"{y},1,{kind},{x}" for kind, x, y in (row.split(",") for row in machine_rows(300))]
    for artifacts, width in ([MACHINE], 7), ([MACHINE, model], 1):
        code, answers = ask(python, artifacts, [settings, {}][:len(artifacts)], rows)
        assert "numbers[1]  not used (1 or 0) (not used)" in code
        same_numbers(compiled(code, rows, width), answers)


def indexer_bundle(path, labels, invalid):
    def strings(values):
        return {"type": "list", "string": values}
    files = {
        "bundle.json": {"uid": "1", "name": "b", "format": "json", "version": "0.24.0",
                        "timestamp": "2026-01-01T00:00:00"},
        "root/node.json": {"name": "p", "shape": {"inputs": [], "outputs": []}},
        "root/model.json": {"op": "pipeline", "attributes": {"nodes": strings(["index"])}},
        "root/index.node/node.json": {"name": "index", "shape": {
            "inputs": [{"name": "n", "port": "input"}],
            "outputs": [{"name": "i", "port": "output"}]}},
        "root/index.node/model.json": {"op": "string_indexer", "attributes": {
            "labels": strings(labels), "handle_invalid": {"string": invalid}}},
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, json.dumps(content))
    return path


@pytest.mark.parametrize("kind, labels, rows", [
    # as Java writes doubles: 0.0010 and 1e7 are the texts of none
    ("double", ["0.0", "-0.0", "1.0", "2.5", "0.001", "1.0E7", "1.0E-4", "Infinity", "-Infinity",
                "NaN", "4", "0.0010", "1e7", "", "a"],
     ["0", "-0", "1", "2.5", "0.001", "0.0010", "1e7", "10000000", "1e-4", "inf", "-inf", "nan",
      "4", "7"]),
    ("long", ["0", "1", "-3", "4.0", "-0", "9300000000000000000", "9.3E18", "x"],
     ["0", "-0.0", "1", "-3", "4", "9300000000000000000", "5", "nan"]),
])
def test_labels_that_are_numbers(python, compiled, tmp_path, kind, labels, rows):
    bundle = indexer_bundle(tmp_path / "index.zip", labels, "keep")
    code, answers = ask(python, [bundle], [schema({"n": kind}, "i")], [*rows, "1"])
    got = compiled(code, [*rows, "1"])
    same_numbers(got, answers)
    assert len(set(got)) > 4
    bundle = indexer_bundle(tmp_path / "index.zip", labels, "error")
    code, _ = ask(python, [bundle], [schema({"n": kind}, "i")], ["1"])
    assert compiled(code, ["1", "77", "nan"])[1:] == ["stage 1", "stage 1"]
