"""The predictor on ARM, which cannot be timed here: how many instructions a row takes, by NEON under
qemu-aarch64 and by AVX2 under qemu-x86_64, of the same trees and rows.

qemu writes a line for each instruction; what opening the model takes is in the counts of few rows
and of more alike, and so goes out. Hence small forests: an instruction takes some microseconds."""

import pathlib
import shutil
import subprocess

import numpy as np
import xgboost

from harness import ROOT, Row, rows

COLUMNS, TREES = 28, 20
MACHINES = {"neon": ("aarch64-linux-gnu-gcc", ["qemu-aarch64"]),
            "avx2": ("x86_64-linux-gnu-gcc", ["qemu-x86_64", "-cpu", "max"])}


def compiled(folder, path):
    compiler, runner = MACHINES[path]
    for tool in (compiler, runner[0]):
        if not shutil.which(tool):
            raise FileNotFoundError(f"{tool} is not there")
    program = folder / path
    sources = [source for room in ("tree", "parse") for source in (ROOT / "src" / room).glob("*.c")]
    subprocess.run([compiler, "-std=c17", "-O2", "-static", "-ffp-contract=off", "-fno-math-errno",
                    "-D_POSIX_C_SOURCE=200809L", f"-I{ROOT}/src", f"-I{ROOT}/include",
                    ROOT / "tests/tree/forest_answers.c", *sources, "-lm", "-lpthread", "-o",
                    program], check=True)
    return program


def instructions(folder, path, way, count, table):
    """Of a whole run of `count` rows; and the margins."""
    (folder / "rows").write_bytes(table[:count].tobytes())
    qemu = subprocess.Popen(
        [*MACHINES[path][1], "-singlestep", "-d", "nochain,exec", "-D", "/dev/stdout",
         folder / path, folder / "model", folder / "rows", str(COLUMNS), folder / "out",
         path + way], stdout=subprocess.PIPE)
    lines = sum(line.startswith(b"Trace") for line in qemu.stdout)
    if qemu.wait() != 0:
        raise RuntimeError(f"{path}: qemu ended with {qemu.returncode}")
    return lines, np.fromfile(pathlib.Path(f"{folder / 'out'}.{path}{way}"), np.float32)


def counted(bench, depth, categories, ways):
    """For each of `ways` the instructions a row, of NEON and of AVX2; the first `categories` columns
    are categories."""
    random = np.random.default_rng(1)
    table = random.standard_normal((4000, COLUMNS), dtype=np.float32)
    label = table[:, 0] * table[:, 1] + np.abs(table[:, 2]) + random.standard_normal(4000)
    table[:, :categories] = np.floor(random.random((4000, categories)) * 40)
    label += np.sin(table[:, :categories].sum(1) * table[:, 0])
    types = ["c"] * categories + ["float"] * (COLUMNS - categories)
    matrix = xgboost.DMatrix(table, label, feature_types=types, enable_categorical=True)
    booster = xgboost.train({"max_depth": depth, "min_child_weight": 0, "tree_method": "hist"},
                            matrix, TREES)
    (bench.scratch / "model").write_bytes(booster.save_raw("ubj"))
    expected = booster.predict(matrix, output_margin=True)
    found = {}
    for path in MACHINES:
        compiled(bench.scratch, path)
        for way, (few, more) in ways.items():
            counts = {}
            for count in (few, more):
                counts[count], margins = instructions(bench.scratch, path, way, count, table)
                bench.check(np.array_equal(margins, expected[:count]),
                            f"{path}{way}: the margins are not XGBoost's")
            found[way, path] = (counts[more] - counts[few]) / (more - few)
    return {way: (found[way, "neon"], found[way, "avx2"]) for way in ways}


def neon_rows(name, depth, more=""):
    what = f"{TREES} trees of depth {depth}{more}, NEON"
    return rows(Row("predict-row-" + name, 0.4, "size", "instructions", f"one row, {what}",
                    "the same by AVX2"),
                Row("predict-batch-" + name, 0.4, "size", "instructions",
                    f"a row of a batch, {what}", "the same by AVX2"))


def neon(bench, name, depth, categories=0):
    """Counted once: it is the same each time."""
    found = counted(bench, depth, categories, {"-single": (2, 34), "": (512, 1024)})
    bench.note(f"instructions under qemu; {TREES} trees of depth {depth}, rows of {COLUMNS} float32"
               + f", of which {categories} are categories, 40 of each" * (categories > 0))
    for _ in bench.rounds:
        yield {"predict-row-" + name: found["-single"], "predict-batch-" + name: found[""]}


@neon_rows("neon", 6)
def predict_neon(bench):
    yield from neon(bench, "neon", 6)


@neon_rows("deep-neon", 8)
def predict_deep_neon(bench):
    yield from neon(bench, "deep-neon", 8)


@neon_rows("categorical-neon", 6, " with categorical splits")
def predict_categorical_neon(bench):
    yield from neon(bench, "categorical-neon", 6, 14)
