"""Predicting: the same trees, or others of the same size, by lathe and by who else is fast.

All are called from C by tree_bench, but ONNX Runtime and YDF, which measure themselves. A peer that
cannot be built here is left out, and the row says why. With LATHE_BENCH_SMALL set everything is
small enough for a trial; the numbers mean nothing then."""

import dataclasses
import functools
import json
import os
import pathlib
import statistics
import subprocess
import sys

import numpy as np
import xgboost

from harness import ROOT, Row, rows

SMALL = "LATHE_BENCH_SMALL" in os.environ
COLUMNS, ROWS, TRAIN_ROWS = 28, 4_000 if SMALL else 200_000, 2_000 if SMALL else 50_000
SHALLOW = (10, 6) if SMALL else (100, 6)    # trees, depth
DEEP = (20, 8) if SMALL else (500, 8)
DEEPER = (5, 12) if SMALL else (300, 12)
LEAFWISE = (5, 0, 300) if SMALL else (60, 0, 2000)    # and leaves
PEERS = ROOT / "bench/peers"
XGBOOST = pathlib.Path(xgboost.__file__).parent / "lib/libxgboost.so"
ALL = os.cpu_count()
BUILD_LIMIT_S = 300    # then a peer's compiler is given up


@functools.cache
def training_table():
    """The label and 28 numbers a row; the label needs many deep trees."""
    random = np.random.default_rng(1)
    features = random.standard_normal((TRAIN_ROWS, COLUMNS), dtype=np.float32)
    label = (features[:, 0] * features[:, 1] + np.abs(features[:, 2]) + np.sin(3 * features[:, 3])
             + random.standard_normal(TRAIN_ROWS, dtype=np.float32))
    return np.column_stack([label, features]).astype(np.float32)


@functools.cache
def trained(trees, depth, leaves=0):
    """leaves: grown where a leaf gains most, to so many, however deep that is"""
    table = training_table()
    leafwise = {"grow_policy": "lossguide", "max_leaves": leaves} if leaves else {}
    return xgboost.train({"max_depth": depth, "min_child_weight": 0, "tree_method": "hist",
                          **leafwise}, xgboost.DMatrix(table[:, 1:], table[:, 0]), trees)


@dataclasses.dataclass
class Engine:
    """What predicts: a program and its arguments before and after the rows."""
    name: str
    batch: list            # the command, without the task and what that works on
    row: list
    model: pathlib.Path
    like: str = "XGBoost"  # whose trees it has: these two must answer the same
    extra: tuple = ()      # after the number of threads, for single rows
    threaded: bool = True
    task_at: int = 1       # where in the command the task's name goes

    def command(self, task, path, threads):
        program = list(self.row if task == "row" else self.batch)
        extra = self.extra if task == "row" else ()
        program.insert(self.task_at, task)
        return [*program, self.model, path, COLUMNS, threads, *extra]

    def answers(self, path):
        """As it answers batches, and as it answers single rows where that is another program."""
        commands = [dataclasses.replace(self, batch=way).command("answers", path, 1)
                    for way in ([self.batch] if self.batch == self.row else [self.batch, self.row])]
        return [np.frombuffer(execute(command), dtype=np.float32) for command in commands]

    def seconds(self, task, path, threads=1):
        return float(execute(self.command(task, path, threads)))


def execute(command, timeout=None):
    """What a program prints. Its threads are its arguments' matter."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout)
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"{pathlib.Path(str(command[0])).name} {command[1]}: {last[0]}")
    return done.stdout


def peer_script(name, *arguments):
    return execute([sys.executable, PEERS / name, *arguments], BUILD_LIMIT_S).decode().split()


def native(bench):
    program = bench.binary.parent / "tree_bench"
    if not program.exists():
        raise FileNotFoundError(f"{program} is not built")
    return [program]


def left_out(peer, error):
    why = (f"not ready after {error.timeout:.0f} seconds"
           if isinstance(error, subprocess.TimeoutExpired)
           else f"{type(error).__name__}: {str(error)[-300:]}")
    return f"{peer} is left out: {why}"


class Case:
    """A forest of a size, its rows, and all who predict with it or its like."""

    def __init__(self, bench, size, wanted, path="best"):
        """path: which of lathe's to hold it to; compiled peers are held to the same instructions"""
        self.bench, self.size, self.path = bench, size, path
        self.folder, self.booster = bench.scratch, trained(*size)
        self.ubj, self.json = self.folder / "model.ubj", self.folder / "model.json"
        for file in (self.ubj, self.json):
            self.booster.save_model(file)
        self.table = np.random.default_rng(2).standard_normal((ROWS, COLUMNS), dtype=np.float32)
        self.rows = self.folder / "rows.f32"
        self.table.tofile(self.rows)
        np.save(self.folder / "train.npy", training_table())
        self.program = native(bench)
        self.ours = self.compiled("lathe", *[f"lathe:{path}"] * 2, self.ubj)
        taken = execute([*self.program, "path", f"lathe:{path}", self.ubj]).decode().strip()
        bench.note(f"lathe's path: {taken}" + (
            "" if path == "best" else "; tl2cgen and lleaves compiled for the same instructions, "
            "the other peers as their packages are: XGBoost and LightGBM for plain x86-64, YDF and "
            "ONNX Runtime by what the CPU has"))
        self.peers = [self.compiled("XGBoost", *[f"xgboost:{XGBOOST}"] * 2, self.ubj)]
        nodes = self.booster.trees_to_dataframe()
        leaves = (nodes["Feature"] == "Leaf").sum() / size[0]
        bench.note(f"{shape(size)} trained by XGBoost {xgboost.__version__}, "
                   f"{leaves:.0f} leaves a tree; {ROWS:,} rows of {COLUMNS} float32")
        for name in wanted:
            try:
                self.peers += getattr(self, name)()
            except Exception as error:  # a peer that cannot be had here
                self.leave_out(name, error)
        self.check()

    def compiled(self, name, batch, row, model, like="XGBoost"):
        return Engine(name, [*self.program, batch], [*self.program, row], model, like)

    def lightgbm(self):
        model = self.folder / "lightgbm.txt"
        library, leaves = peer_script("predict_lightgbm.py", self.folder / "train.npy", *self.size,
                                      model)
        self.bench.note(f"LightGBM and lleaves: trees of their own, {float(leaves):.0f} leaves each")
        found = [self.compiled("LightGBM", *[f"lightgbm:{library}"] * 2, model, "")]
        try:
            found.append(self.lleaves(model))
        except Exception as error:
            self.leave_out("lleaves", error)
        return found

    def lleaves(self, model):
        libraries = []
        for task in ("batch", "row"):
            libraries.append(self.folder / f"lleaves-{task}.so")
            peer_script("predict_lleaves.py", model, task, libraries[-1], self.path)
        return self.compiled("lleaves", *(f"lleaves:{path}" for path in libraries), model,
                             "LightGBM")

    def tl2cgen(self):
        library = self.folder / "tl2cgen.so"
        peer_script("predict_tl2cgen.py", self.json, library, self.path)
        return [self.compiled("tl2cgen", *[f"tl2cgen:{library}"] * 2, self.json)]

    def onnx(self):
        models = [self.folder / "model.onnx", self.folder / "tiny.onnx"]
        trained(1, 1).save_model(self.folder / "tiny.ubj")
        for source, target in zip((self.ubj, self.folder / "tiny.ubj"), models):
            peer_script("predict_onnx.py", "convert", source, target)
        command = [sys.executable, PEERS / "predict_onnx.py"]
        return [Engine("ONNX Runtime", command, command, models[0], extra=(models[1],), task_at=2)]

    def ydf(self):
        model = self.folder / "ydf"
        leaves = peer_script("predict_ydf.py", "train", self.folder / "train.npy", *self.size,
                             model)[-1]
        self.bench.note(f"YDF: trees of its own, {float(leaves):.0f} leaves each")
        command = [sys.executable, PEERS / "predict_ydf.py"]
        return [Engine("YDF", command, command, model, "", threaded=False, task_at=2)]

    def check(self):
        """The same trees must answer the same, XGBoost's bit for bit; others nearly as well."""
        answers = {"": self.booster.predict(xgboost.DMatrix(self.table), output_margin=True)}
        answers["XGBoost"] = answers[""]
        equal = np.array_equal(self.ours.answers(self.rows)[0], answers["XGBoost"])
        self.bench.check(equal, "lathe's margins are not XGBoost's")
        for peer in list(self.peers):
            try:
                found = peer.answers(self.rows)
            except Exception as error:
                self.leave_out(peer.name, error)
                self.peers.remove(peer)
                continue
            answers[peer.name] = found[0]
            for margins in found:
                if peer.like:  # a few rows may be at a threshold that was rounded to float32
                    same = np.isclose(margins, answers[peer.like], rtol=1e-4, atol=1e-4).mean()
                    near = same > 0.9999
                else:  # trained on the same rows: what they have learned is alike
                    near = np.corrcoef(margins, answers[""])[0, 1] > (0.5 if SMALL else 0.8)
                self.bench.check(near, f"{peer.name} answers otherwise than {peer.like or 'lathe'}")

    def leave_out(self, name, error):
        self.bench.note(left_out(name, error))

    def nearest(self, task, threads=1):
        """The fastest peers, those within a quarter of the best."""
        able = [peer for peer in self.peers if threads == 1 or peer.threaded]
        took = {peer.name: peer.seconds(task, self.rows, threads) for peer in able}
        self.bench.note(f"{task}, {threads} thread{'s' * (threads > 1)}: " + ", ".join(
            f"{name} {nice(seconds)}" for name, seconds in sorted(took.items(), key=lambda i: i[1])))
        return [peer for peer in able if took[peer.name] < 1.25 * min(took.values())]

    def turn(self, task, peers, threads=1):
        """One round: (ours, the best peer's), in seconds."""
        ours = self.ours.seconds(task, self.rows, threads)
        return ours, min(peer.seconds(task, self.rows, threads) for peer in peers)

    def note_memory(self):
        read = float(execute([*self.program, "read", "lathe", self.ubj, self.rows, COLUMNS]))
        self.bench.note(f"the machine: only to read a row from memory takes {nice(read)} "
                        f"({COLUMNS * 4 / read / 1e9:.1f} GB/s, one thread)")


def nice(seconds):
    return f"{seconds * 1e6:.2f} us" if seconds >= 1e-5 else f"{seconds * 1e9:.3g} ns"


def batch(bench, name, size, wanted, path="best"):
    case = Case(bench, size, wanted, path)
    case.note_memory()
    one, every = case.nearest("batch"), case.nearest("batch", ALL)
    for _ in bench.rounds:
        yield {name: [s * 1e9 for s in case.turn("batch", one)],
               name + "-threads": [s * 1e9 for s in case.turn("batch", every, ALL)]}


def shape(size):
    return f"{size[0]} trees of " + (f"depth {size[1]}" if size[1] else f"{size[2]} leaves")


def batch_rows(name, goal, size, peer, path=""):
    what = f"a row of a batch, {shape(size)}{path}"
    return rows(Row(name, goal, "time", "ns", f"{what}, 1 thread", f"{peer}, 1 thread"),
                Row(name + "-threads", goal, "time", "ns", f"{what}, {ALL} threads",
                    f"{peer}, {ALL} threads"))


@batch_rows("predict-batch", 10, SHALLOW, "the fastest of XGBoost, LightGBM, lleaves, tl2cgen and "
            "ONNX Runtime")
def predict_batch(bench):
    yield from batch(bench, "predict-batch", SHALLOW, ("lightgbm", "tl2cgen", "onnx"))


@batch_rows("predict-batch-deep", 8, DEEP, "the fastest of XGBoost, LightGBM and ONNX Runtime")
def predict_batch_deep(bench):
    yield from batch(bench, "predict-batch-deep", DEEP, ("lightgbm", "onnx"))


@batch_rows("predict-batch-avx2", 6, SHALLOW, "the fastest of XGBoost, LightGBM, lleaves and "
            "tl2cgen", ", without AVX-512")
def predict_batch_avx2(bench):
    yield from batch(bench, "predict-batch-avx2", SHALLOW, ("lightgbm", "tl2cgen"), "avx2")


@batch_rows("predict-batch-deep-avx2", 6, DEEP, "the fastest of XGBoost and LightGBM",
            ", without AVX-512")
def predict_batch_deep_avx2(bench):
    yield from batch(bench, "predict-batch-deep-avx2", DEEP, ("lightgbm",), "avx2")


@batch_rows("predict-batch-word", 1, SHALLOW, "the fastest of XGBoost, LightGBM, lleaves and "
            "tl2cgen", ", without vectors")
def predict_batch_word(bench):
    yield from batch(bench, "predict-batch-word", SHALLOW, ("lightgbm", "tl2cgen"), "word")


@batch_rows("predict-batch-deeper", 5, DEEPER, "XGBoost")
def predict_batch_deeper(bench):
    yield from batch(bench, "predict-batch-deeper", DEEPER, ())


@batch_rows("predict-batch-leafwise", 5, LEAFWISE, "XGBoost")
def predict_batch_leafwise(bench):
    yield from batch(bench, "predict-batch-leafwise", LEAFWISE, ())


@rows(Row("predict-batch-ydf", 7, "time", "ns", "a row of a batch, 100 trees of depth 6, 1 thread",
          "YDF's trees of the same size, by its own benchmark in C++"))
def predict_batch_ydf(bench):
    case = Case(bench, SHALLOW, ("ydf",))
    peers = [peer for peer in case.peers if peer.name == "YDF"]
    bench.check(peers, "YDF cannot be measured here")
    for _ in bench.rounds:
        yield {"predict-batch-ydf": [s * 1e9 for s in case.turn("batch", peers)]}


def single(bench, name, size, path="best", wanted=("lightgbm", "tl2cgen", "onnx", "ydf")):
    case = Case(bench, size, wanted, path)
    bench.note("the rows, from all over the file, are copied side by side before the clock starts: a "
               "row that has just been parsed is in a cache")
    bench.note("ONNX Runtime is called from Python; what the call takes with one small tree is "
               "subtracted. YDF by its own benchmark, a batch of one")
    peers = case.nearest("row")
    for _ in bench.rounds:
        yield {name: [s * 1e6 for s in case.turn("row", peers)]}


ANY = "the fastest of XGBoost, LightGBM, lleaves, tl2cgen, ONNX Runtime and YDF"


@rows(Row("predict-row", 4, "time", "us", "one row, 100 trees of depth 6", ANY))
def predict_row(bench):
    yield from single(bench, "predict-row", SHALLOW)


@rows(Row("predict-row-deep", 10, "time", "us", "one row, 500 trees of depth 8", ANY))
def predict_row_deep(bench):
    yield from single(bench, "predict-row-deep", DEEP)


@rows(Row("predict-row-deeper", 3, "time", "us", "one row, 300 trees of depth 12",
          "the fastest of XGBoost, LightGBM and YDF"))
def predict_row_deeper(bench):
    yield from single(bench, "predict-row-deeper", DEEPER, wanted=("lightgbm", "ydf"))


@rows(Row("predict-row-avx2", 3, "time", "us", "one row, 100 trees of depth 6, without AVX-512", ANY))
def predict_row_avx2(bench):
    yield from single(bench, "predict-row-avx2", SHALLOW, "avx2")


@rows(Row("predict-row-deep-avx2", 8, "time", "us", "one row, 500 trees of depth 8, without AVX-512",
          ANY))
def predict_row_deep_avx2(bench):
    yield from single(bench, "predict-row-deep-avx2", DEEP, "avx2")


@rows(Row("predict-row-word", 1, "time", "us", "one row, 100 trees of depth 6, without vectors", ANY))
def predict_row_word(bench):
    yield from single(bench, "predict-row-word", SHALLOW, "word")


# --- contributions ------------------------------------------------------------------------------

EXPLAINED = 50 if SMALL else 200


def explain(bench, name, booster, some, types=None):
    """Contributions of the rows `some` by lathe's best path and by AVX2, beside XGBoost's."""
    model, rows_file = bench.scratch / "model.ubj", bench.scratch / "rows.f32"
    booster.save_model(model)
    some.tofile(rows_file)
    engines = {"peer": f"xgboost:{XGBOOST}", name: "lathe", name + "-avx2": "lathe:avx2"}
    commands = {of: [*native(bench), "explain", engine, model, rows_file, COLUMNS]
                for of, engine in engines.items()}
    matrix = xgboost.DMatrix(some, feature_types=types, enable_categorical=bool(types))
    expected = booster.predict(matrix, pred_contribs=True)
    for of, command in commands.items():
        command = [*command[:1], "shares", *command[2:]]
        found = np.frombuffer(execute(command), dtype=np.float32).reshape(expected.shape)
        bench.check(np.allclose(found, expected, atol=1e-4 * np.abs(expected).max()),
                    f"{of}: the contributions are not XGBoost's")
    bench.note(f"{EXPLAINED:,} rows of {COLUMNS}, 1 thread; XGBoost's matrix is ready; "
               "lathe's paths: " + ", ".join(
                   execute([*native(bench), "path", engine, model]).decode().strip()
                   for of, engine in engines.items() if of != "peer"))
    for _ in bench.rounds:
        took = {of: 1e6 * float(execute(command)) for of, command in commands.items()}
        yield {of: (took[of], took["peer"]) for of in took if of != "peer"}


def explain_numeric(bench, name, size, params):
    table = training_table()
    booster = xgboost.train({"max_depth": size[1], "min_child_weight": 0, "tree_method": "hist",
                             **params}, xgboost.DMatrix(table[:, 1:], table[:, 0]), size[0])
    some = np.random.default_rng(2).standard_normal((EXPLAINED, COLUMNS), dtype=np.float32)
    yield from explain(bench, name, booster, some)


def explain_rows(name, what):
    return rows(Row(name, 8, "time", "us", f"a row's contributions, {what}", "XGBoost 3.2"),
                Row(name + "-avx2", 8, "time", "us", f"a row's contributions, {what}, without AVX-512",
                    "XGBoost 3.2"))


@explain_rows("explain", "100 trees of depth 6")
def explain_shallow(bench):
    yield from explain_numeric(bench, "explain", SHALLOW, {})


@explain_rows("explain-dart", "dart, 100 trees of depth 6")
def explain_dart(bench):
    yield from explain_numeric(bench, "explain-dart", SHALLOW,
                               {"booster": "dart", "rate_drop": 0.1})


@explain_rows("explain-deep", "50 trees of depth 12")
def explain_deep(bench):
    yield from explain_numeric(bench, "explain-deep", (5, 12) if SMALL else (50, 12), {})


@rows(Row("model-open", 12, "time", "ms", "opening 500 trees of depth 8 from JSON", "XGBoost 3.2"),
      Row("model-open-ubjson", 2.5, "time", "ms", "the same from UBJSON", "XGBoost 3.2"))
def model_open(bench):
    case = Case(bench, DEEP, ())
    sizes = [path.stat().st_size / 1e6 for path in (case.json, case.ubj)]
    bench.note(f"from memory: {sizes[0]:.1f} MB of JSON, {sizes[1]:.1f} MB of UBJSON")

    def opened(model):
        return [1000 * float(execute([*case.program, "open", engine, model]))
                for engine in ("lathe", f"xgboost:{XGBOOST}")]

    for _ in bench.rounds:
        yield {"model-open": opened(case.json), "model-open-ubjson": opened(case.ubj)}


# --- categorical splits -------------------------------------------------------------------------

CATEGORIES = (2, 3, 4, 5, 8, 10, 12, 20, 30, 50, 100, 200, 500, 1000)  # of the first columns
CATEGORY_ROWS = 2_000 if SMALL else 20_000


def category_rows(seed, count):
    """Half of the columns are categories, the rare ones many; some values are missing."""
    random = np.random.default_rng(seed)
    table = random.standard_normal((count, COLUMNS), dtype=np.float32)
    for i, categories in enumerate(CATEGORIES):
        table[:, i] = np.floor(random.random(count) ** 1.5 * categories)
    table[random.random(table.shape) < 0.03] = np.nan
    return table


def category_table():
    """The label and the columns that models are trained on."""
    table = category_rows(3, TRAIN_ROWS)
    worth = [np.random.default_rng(100 + i).standard_normal(n) for i, n in enumerate(CATEGORIES)]
    label = sum(worth[i][np.nan_to_num(table[:, i]).astype(int)]
                * (1 + np.nan_to_num(table[:, 14 + i])) for i in range(14))
    return np.column_stack([label, table]).astype(np.float32)


def category_model(trees, depth):
    table = category_table()
    types = ["c"] * len(CATEGORIES) + ["float"] * (COLUMNS - len(CATEGORIES))
    matrix = xgboost.DMatrix(table[:, 1:], table[:, 0], feature_types=types,
                             enable_categorical=True)
    return types, xgboost.train({"max_depth": depth, "max_cat_to_onehot": 4, "min_child_weight": 0,
                                 "tree_method": "hist"}, matrix, trees)


@rows(Row("model-open-categorical", 2, "time", "ms",
          "opening 100 trees of depth 6 with categorical splits from UBJSON", "XGBoost 3.2"))
def model_open_categorical(bench):
    _, booster = category_model(*SHALLOW)
    model = bench.scratch / "model.ubj"
    booster.save_model(model)
    bench.note(f"from memory: {model.stat().st_size / 1e6:.1f} MB of UBJSON, most of it the "
               "categories of splits")
    for _ in bench.rounds:
        yield {"model-open-categorical": [
            1000 * float(execute([*native(bench), "open", engine, model]))
            for engine in ("lathe", f"xgboost:{XGBOOST}")]}


def category_peers(bench, size):
    """Who else has categorical splits and is fast with one row, with trees of their own: by name
    the command without the task, and where in it the task goes. lleaves is there once a path."""
    train, model, ydf = (bench.scratch / name for name in ("train.npy", "lightgbm.txt", "ydf"))
    np.save(train, category_table())
    library, leaves = peer_script("predict_lightgbm.py", train, *size, model, len(CATEGORIES))
    found = {"LightGBM": ([*native(bench), f"lightgbm:{library}", model], 1)}
    for path in ("best", "avx2", "word"):
        compiled = bench.scratch / f"lleaves-{path}.so"
        try:
            peer_script("predict_lleaves.py", model, "row", compiled, path)
        except subprocess.TimeoutExpired as error:
            bench.note(left_out(f"lleaves for {path}", error))
            continue
        found[f"lleaves {path}"] = ([*native(bench), f"lleaves:{compiled}", model], 1)
    own = peer_script("predict_ydf.py", "train", train, *size, ydf, len(CATEGORIES))[-1]
    found["YDF"] = ([sys.executable, PEERS / "predict_ydf.py", ydf], 2)
    bench.note(f"trees of their own: LightGBM and lleaves, {float(leaves):.0f} leaves each; YDF, "
               f"{float(own):.0f}; lleaves compiled for the path's instructions")
    return found


def categorical(bench, name, size, task="batch", scale=1e9):
    types, booster = category_model(*size)
    model, rows_file = bench.scratch / "model.ubj", bench.scratch / "rows.f32"
    booster.save_model(model)
    table = category_rows(4, CATEGORY_ROWS)
    table.tofile(rows_file)
    expected = booster.predict(xgboost.DMatrix(table, feature_types=types, enable_categorical=True),
                               output_margin=True)
    paths = {name: "best", name + "-avx2": "avx2", name + "-word": "word"}
    engines = {of: ([*native(bench), f"lathe:{path}", model], 1) for of, path in paths.items()}
    peers = {"XGBoost": ([*native(bench), f"xgboost:{XGBOOST}", model], 1)}
    if task == "row":
        peers.update(category_peers(bench, size))

    def run(engine, task):
        command, task_at = engine
        return execute([*command[:task_at], task, *command[task_at:], rows_file, COLUMNS])

    for engine in engines.values():
        found = np.frombuffer(run(engine, "answers"), dtype=np.float32)
        bench.check(np.array_equal(found, expected), f"{engine}: the margins are not XGBoost's")
    for of, peer in peers.items():
        found = np.frombuffer(run(peer, "answers"), dtype=np.float32)
        bench.check(np.corrcoef(found, expected)[0, 1] > (0.2 if SMALL else 0.7),
                    f"{of} answers otherwise than lathe")
    bench.note(f"{size[0]} trees of depth {size[1]}; {CATEGORY_ROWS:,} rows of {COLUMNS}, of which "
               f"{len(CATEGORIES)} are categories, {CATEGORIES[0]} to {CATEGORIES[-1]} of them")
    bench.note("lathe's paths: " + ", ".join(
        execute([*native(bench), "path", f"lathe:{path}", model]).decode().strip()
        for path in paths.values()))
    for _ in bench.rounds:
        ours = {of: scale * float(run(engine, task)) for of, engine in engines.items()}
        theirs = {of: scale * float(run(peer, task)) for of, peer in peers.items()}
        yield {of: (took, min(took for peer, took in theirs.items()
                              if not peer.startswith("lleaves") or peer.endswith(paths[of])))
               for of, took in ours.items()}
    if task == "row":
        bench.note("the last round's peers: " + ", ".join(
            f"{of} {nice(took / scale)}" for of, took in sorted(theirs.items(), key=lambda i: i[1])))


def categorical_rows(name, size):
    what = f"a row of a batch, {size[0]} trees of depth {size[1]} with categorical splits"
    return rows(*(Row(name + path, goal, "time", "ns", what + without, "XGBoost 3.2")
                  for path, goal, without in (("", 5, ""), ("-avx2", 5, ", without AVX-512"),
                                              ("-word", 1, ", without vectors"))))


@rows(*(Row("predict-row-categorical" + path, 10, "time", "us",
            "one row, 100 trees of depth 6 with categorical splits" + without,
            "the fastest of XGBoost, LightGBM, lleaves and YDF")
        for path, without in (("", ""), ("-avx2", ", without AVX-512"),
                              ("-word", ", without vectors"))))
def predict_row_categorical(bench):
    yield from categorical(bench, "predict-row-categorical", SHALLOW, "row", 1e6)


@explain_rows("explain-categorical", "100 trees of depth 6 with categorical splits")
def explain_categorical(bench):
    types, booster = category_model(*SHALLOW)
    yield from explain(bench, "explain-categorical", booster, category_rows(4, EXPLAINED), types)


@categorical_rows("predict-categorical", SHALLOW)
def predict_categorical(bench):
    yield from categorical(bench, "predict-categorical", SHALLOW)


@categorical_rows("predict-categorical-deep", (SHALLOW[0], 10))
def predict_categorical_deep(bench):
    yield from categorical(bench, "predict-categorical-deep", (SHALLOW[0], 10))


# --- from text ----------------------------------------------------------------------------------

CSV_ROWS, CSV_FIT_ROWS = (5_000, 2_000) if SMALL else (1_000_000, 10_000)
AI4I = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.1, "tree_method": "hist",
        "max_bin": 4096}


def ai4i_pipeline(bench):
    """The example's bundle and a model of 100 rounds: (rows it was fitted on, the artifacts,
    seconds a row that the trees take when they are given their rows as floats)."""
    job = bench.scratch / "job"
    config, data = (job / "processing/input" / name for name in ("config", "data"))
    config.mkdir(parents=True)
    data.mkdir()
    (config / "features.yaml").write_text((ROOT / "examples/ai4i/features.yaml").read_text())
    fitted = data / "rows.csv"
    fitted.write_bytes(execute([bench.binary, "sample", "ai4i", "--rows", CSV_FIT_ROWS]))
    execute([bench.binary, "job", "features", job])
    output = job / "processing/output"
    table = np.loadtxt(output / "train/train.csv", delimiter=",")
    model = bench.scratch / "ai4i.ubj"
    features = table[:, 1:]
    xgboost.train(AI4I, xgboost.DMatrix(features, table[:, 0]), 100).save_model(model)
    floats = bench.scratch / "features.f32"
    np.resize(features.astype(np.float32), (CSV_FIT_ROWS * 10, features.shape[1])).tofile(floats)
    alone = execute(["taskset", "-c", "0", bench.binary.parent / "tree_bench", "batch", "lathe",
                     model, floats, features.shape[1]])
    return fitted, [output / "bundle/model.tar.gz", model], float(alone)


@rows(Row("csv-predict", 15, "time", "s", "AI4I's CSV text to predictions, 1 core",
          "pandas, scikit-learn and XGBoost, 1 core"),
      Row("csv-predict-duckdb", 1, "time", "s", "the same", "DuckDB only parsing that CSV, 1 core"))
def csv_predict(bench):
    fitted, artifacts, trees = ai4i_pipeline(bench)
    path, answers = bench.scratch / "rows.csv", bench.scratch / "answers.npy"
    path.write_bytes(execute([bench.binary, "sample", "ai4i", "--rows", CSV_ROWS, "--seed", 2]))
    program = bench.binary.parent / "csv_bench"

    def ours(task):
        return execute(["taskset", "-c", "0", program, task, path, *artifacts])

    def peer(name, *arguments):
        return json.loads(execute(["taskset", "-c", "0", sys.executable, PEERS / name, *arguments]))

    found = peer("predict_csv.py", fitted, path, artifacts[1], answers)
    mine = np.array(ours("answers").split(), dtype=np.float64)
    bench.check(np.allclose(mine, np.load(answers), rtol=1e-5, atol=1e-7),
                "the predictions are not XGBoost's")
    size = path.stat().st_size
    bench.note(f"{CSV_ROWS:,} rows, {size / 1e6:.0f} MB of CSV in the page cache, a header and 14 "
               "columns of which the pipeline asks for 6; 100 trees of depth 6. Ours is from opening "
               "the file to the answers' text; the peer's answers stay numbers")
    bench.note("the peer: " + ", ".join(f"{name} {took:.3f} s"
                                        for name, took in found["parts"].items()))
    took = []
    for _ in bench.rounds:
        took.append(float(ours("time")))
        yield {"csv-predict": (took[-1], peer("predict_csv.py", fitted, path,
                                              artifacts[1])["seconds"]),
               "csv-predict-duckdb": (took[-1], peer("predict_csv_duckdb.py", path)["seconds"])}
    middle = statistics.median(took)
    bench.note(f"{size / middle / 1e9:.2f} GB/s, {middle / CSV_ROWS * 1e9:.0f} ns a row; the trees "
               f"alone, given their rows as floats, take {trees * 1e9:.0f} ns")
