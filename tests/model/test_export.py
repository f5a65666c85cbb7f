"""`lathe export c`: the C file, compiled by gcc and clang, for this machine and for ARM, gives the
answers of the library, to the last bit."""

import json
import pathlib
import random
import shutil
import subprocess
import zipfile

import numpy
import pytest
import xgboost

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUNDLES = ROOT / "tests/feature/bundles/0.24"
MACHINE = BUNDLES / "machine.zip"
STRICT = ["-std=c17", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic"]

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

COMPILERS = {"gcc": (["gcc"], []), "clang": (["clang"], []),
             # every instruction that this machine has, so that fusing would be possible
             "gcc-native": (["gcc", "-march=native", "-O3"], []),
             "aarch64": (["aarch64-linux-gnu-gcc", "-static"], ["qemu-aarch64"])}


@pytest.fixture(params=list(COMPILERS))
def toolchain(request):
    compiler, runner = COMPILERS[request.param]
    for tool in [compiler[0], *runner]:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not there")
    return compiler, runner


@pytest.fixture
def exported(lathe, toolchain, tmp_path):
    compiler, runner = toolchain

    def run(artifacts, rows, width=1, text=False):
        code = subprocess.run([lathe, "export", "c", *map(str, artifacts)], capture_output=True,
                              text=True, timeout=60)
        assert code.returncode == 0, code.stderr
        (tmp_path / "model.c").write_text(code.stdout)
        (tmp_path / "main.c").write_text(HARNESS)
        kind = ["-DOUT=const char *", '-DFORMAT="%s%s"'] if text else \
               ["-DOUT=double", '-DFORMAT="%s%a"']
        subprocess.run([*compiler, *STRICT, *kind, f"-DWIDTH={width}", tmp_path / "model.c",
                        tmp_path / "main.c", "-lm", "-o", tmp_path / "main"], check=True)
        done = subprocess.run([*runner, tmp_path / "main"], input="\n".join(rows) + "\n",
                              capture_output=True, text=True, timeout=120, check=True)
        return done.stdout.splitlines()

    return run


def library_answers(lathe, artifacts, rows):
    done = subprocess.run([lathe, "predict", *map(str, artifacts)], input="\n".join(rows) + "\n",
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def numbers(lines, read):
    return [[read(word) for word in line.split(",")] for line in lines]


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
    assert numbers(exported([MACHINE], rows, 7), float.fromhex) \
        == numbers(library_answers(lathe, [MACHINE], rows), float)


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
    assert numbers(exported([MACHINE, model], rows, width), float.fromhex) \
        == numbers(library_answers(lathe, [MACHINE, model], rows), float)


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
    assert numbers(exported([tmp_path / "model.ubj"], asked), float.fromhex) \
        == numbers(library_answers(lathe, [tmp_path / "model.ubj"], asked), float)


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


@pytest.mark.parametrize("name", ["scalers", "imputers", "math"])
def test_every_transformer(lathe, exported, name):
    """Their own rows, as far as the bundle's columns are there."""
    table = {c["name"]: c["values"] for c in json.loads((BUNDLES / "../rows.json").read_text())["columns"]}
    bundle = BUNDLES / f"{name}.zip"
    said = json.loads(subprocess.run([lathe, "describe", bundle, "--json"], capture_output=True,
                                     text=True, check=True).stdout)
    columns = [table[c["name"]] for c in said["columns"]]
    rows = [",".join(str(v).lower() for v in row) for row in zip(*columns)]
    failed = subprocess.run([lathe, "export", "c", bundle], capture_output=True, text=True)
    if "is not exported" in failed.stderr:
        pytest.skip(failed.stderr)
    got = exported([bundle], rows, said["parts"][0]["width"])
    for ours, theirs in zip(numbers(got, float.fromhex),
                            numbers(library_answers(lathe, [bundle], rows), float)):
        assert [repr(x) for x in ours] == [repr(x) for x in theirs]


def test_what_it_does_not_know_it_says(exported):
    assert exported([MACHINE], ["L,,1.0"], 7) == ["stage 6"]  # the Bucketizer of x
