"""Eight objectives of tuning: XGBoost's validation loss over six to eight hyperparameters on real sets.

Each is a surrogate of the real thing: XGBoost is trained at 650 configurations, 450 of them all over
the space and the others near the best of them, and extremely randomized trees are fitted to the
logarithm of its loss: they say nothing lower than what a training had, are the same on every machine,
and are of no family that a strategy assumes. Losses are kept in a folder, since the trainings take
minutes.
"""

import dataclasses
import gzip
import json
import math
import multiprocessing
import os

import numpy as np

SPREAD, NEAR, PARENTS, TREES = 450, 200, 25, 200


@dataclasses.dataclass(frozen=True)
class Number:
    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def value(self, u):
        """At a place of [0, 1], each whole number of equal or of its logarithm's share."""
        margin = 0.5 if self.whole else 0
        low, high = self.low - margin, self.high + margin
        value = math.exp(math.log(low) + u * math.log(high / low)) if self.log else low + u * (high - low)
        value = min(max(round(value) if self.whole else value, self.low), self.high)
        return int(value) if self.whole else value

    def columns(self, value):
        low, high = self.low, self.high
        if self.log:
            return [math.log(value / low) / math.log(high / low)]
        return [(value - low) / (high - low)]


@dataclasses.dataclass(frozen=True)
class Choice:
    name: str
    choices: tuple

    def value(self, u):
        return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]

    def columns(self, value):
        return [float(value == choice) for choice in self.choices]


ETA = Number("eta", 0.01, 0.7, log=True)
DEPTH = Number("max_depth", 2, 12, whole=True)
CHILD = Number("min_child_weight", 0.1, 50, log=True)
ROWS = Number("subsample", 0.3, 1)
COLUMNS = Number("colsample_bytree", 0.3, 1)
L2 = Number("lambda", 1e-3, 100, log=True)
L1 = Number("alpha", 1e-3, 30, log=True)
GAMMA = Number("gamma", 1e-4, 10, log=True)
ROUNDS = Number("num_round", 10, 120, log=True, whole=True)
BINS = Number("max_bin", 8, 256, log=True, whole=True)
GROWS = Choice("grow_policy", ("depthwise", "lossguide"))
LEVELS = Number("colsample_bylevel", 0.3, 1)


def numbers(path, columns=None, header=False, delimiter=",", rows=None):
    import pandas
    table = pandas.read_csv(path, header=0 if header else None, sep=delimiter, usecols=columns, nrows=rows,
                            na_values=["NA", "\\N"])
    return table.dropna(axis=1, how="all")


def coded(table):
    """Texts as numbers, in their alphabet's order."""
    for name in table.columns:
        if table[name].dtype.kind not in "iufb":
            table[name] = table[name].astype("category").cat.codes
    return table.to_numpy(float)


def abalone(data):
    table = coded(numbers(data / "abalone/abalone.csv"))
    return table[:, :8], table[:, 8]


def car(data):
    table = coded(numbers(data / "car/car.data"))
    return table[:, :6], table[:, 6]


def ai4i(data):
    table = numbers(data / "ai4i2020/ai4i2020.csv.gz", header=True)
    return coded(table.iloc[:, 2:8]), table.iloc[:, 8].to_numpy(float)


def cmapss(name):
    def read(data):
        table = numbers(data / f"cmapss/train_{name}.txt.gz", delimiter=" ", columns=range(26)).to_numpy(float)
        last = {unit: cycle for unit, cycle in table[:, :2]}
        return table[:, 2:], np.minimum([last[row[0]] - row[1] for row in table], 130)
    return read


def new_york(data):
    table = numbers(data / "nycflights13/flights_sample_100k.csv.gz", header=True)
    table = table[table["arr_delay"].notna()].iloc[:20_000]
    late = (table["arr_delay"] > 15).to_numpy(float)
    kept = ["month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance"]
    return coded(table[kept].copy()), late


def weather(data):
    table = numbers(data / "noaa/weather_seattle_newyork.csv", header=True)
    day = table["date"].str.slice(5, 7).astype(float)
    table = table.drop(columns="date").assign(month=day)
    table = table[["location", "month", "precipitation", "temp_max", "temp_min", "wind", "weather"]]
    table = coded(table)
    return table[:, :6], table[:, 6]


def altitude(data):
    with gzip.open(data / "openflights/airports.dat.gz", "rt") as file:
        import csv
        rows = [row for row in csv.reader(file, escapechar="\\") if len(row) == 14]
    table = np.array([[float(row[6]), float(row[7]), float(row[8])] for row in rows])
    return table[:, :2], np.log1p(np.maximum(table[:, 2], 0))


@dataclasses.dataclass(frozen=True)
class Objective:
    name: str
    read: object
    loss: dict          # XGBoost's objective and metric
    space: tuple
    trained: int = 1_000


RMSE = {"objective": "reg:squarederror", "eval_metric": "rmse"}
BINARY = {"objective": "binary:logistic", "eval_metric": "logloss"}


def classes(count):
    return {"objective": "multi:softprob", "eval_metric": "mlogloss", "num_class": count}


OBJECTIVES = (
    Objective("abalone", abalone, RMSE, (ETA, DEPTH, CHILD, ROWS, COLUMNS, L2)),
    Objective("ai4i", ai4i, BINARY, (ETA, DEPTH, CHILD, ROWS, COLUMNS, L2, L1, GAMMA)),
    Objective("car", car, classes(4), (ETA, DEPTH, CHILD, ROWS, COLUMNS, GAMMA, ROUNDS), 900),
    Objective("cmapss-1", cmapss("FD001"), RMSE, (ETA, DEPTH, CHILD, ROWS, COLUMNS, L2, L1)),
    Objective("cmapss-4", cmapss("FD004"), RMSE, (ETA, DEPTH, CHILD, ROWS, COLUMNS, LEVELS, GAMMA, ROUNDS)),
    Objective("new-york", new_york, BINARY, (ETA, DEPTH, CHILD, ROWS, COLUMNS, L2, BINS, ROUNDS)),
    Objective("weather", weather, classes(5), (ETA, DEPTH, CHILD, ROWS, L2, GAMMA, GROWS)),
    Objective("altitude", altitude, RMSE, (ETA, DEPTH, CHILD, ROWS, L2, L1, BINS, ROUNDS)),
)


# ---- the real losses -------------------------------------------------------------------------------


def split(objective, data):
    import xgboost
    features, labels = objective.read(data)
    order = np.random.default_rng(1).permutation(len(labels))
    parts = order[:objective.trained], order[objective.trained:objective.trained + 3_000]
    return [xgboost.DMatrix(features[part], labels[part], nthread=1) for part in parts]


def trained_loss(objective, matrices, values):
    import xgboost
    given = {**objective.loss, "nthread": 1, "seed": 1, **values}
    told = {}
    xgboost.train({key: value for key, value in given.items() if key != "num_round"}, matrices[0],
                  given.get("num_round", 40), evals=[(matrices[1], "validation")], evals_result=told,
                  verbose_eval=False)
    return told["validation"][objective.loss["eval_metric"]][-1]


def values_at(objective, place):
    return {one.name: one.value(u) for one, u in zip(objective.space, place)}


def columns_of(objective, values):
    return [column for one in objective.space for column in one.columns(values[one.name])]


def losses_of(job):
    """All configurations' columns and losses."""
    name, data = job
    objective = next(one for one in OBJECTIVES if one.name == name)
    matrices, random = split(objective, data), np.random.default_rng(2)
    places = list(random.uniform(size=(SPREAD, len(objective.space))))
    losses = [trained_loss(objective, matrices, values_at(objective, place)) for place in places]
    best = [places[i] for i in np.argsort(losses)[:PARENTS]]
    for i in range(NEAR):
        moved = best[i % PARENTS] + random.normal(0, 0.12, len(objective.space))
        places.append(np.clip(moved, 0, 1))
        losses.append(trained_loss(objective, matrices, values_at(objective, places[-1])))
    return name, {"columns": [columns_of(objective, values_at(objective, place)) for place in places],
                  "losses": losses}


def tabulate(data, folder):
    """The losses of all objectives, from the folder where they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [(one.name, data) for one in OBJECTIVES if not (folder / f"{one.name}.json").exists()]
    if missing:
        with multiprocessing.Pool(os.cpu_count()) as pool:
            for name, found in pool.imap_unordered(losses_of, missing, chunksize=1):
                (folder / f"{name}.json").write_text(json.dumps(found))
    return {one.name: json.loads((folder / f"{one.name}.json").read_text()) for one in OBJECTIVES}


# ---- the surrogates --------------------------------------------------------------------------------


class Surrogate:
    """Called with values by name, a loss. `error`: the deviation of what trees say of trainings that
    they have not seen, over the deviation of their losses, in logarithms; `mark`: by which losses are
    told from others."""

    def __init__(self, objective, table):
        from sklearn.ensemble import ExtraTreesRegressor
        self.objective = objective
        columns, logs = np.array(table["columns"], np.float32), np.log(table["losses"])
        forest = ExtraTreesRegressor(TREES, min_samples_leaf=2, bootstrap=True, oob_score=True, random_state=3)
        forest.fit(columns, logs)
        self.error, self.mark = math.sqrt(1 - forest.oob_score_), round(logs.mean(), 5)
        self.lay_out([one.tree_ for one in forest.estimators_])

    def lay_out(self, trees):
        """All trees' nodes one behind the other; a leaf leads to itself."""
        starts = np.cumsum([0, *(tree.node_count for tree in trees)])
        self.roots, self.depth = starts[:-1], max(tree.max_depth for tree in trees)
        self.feature = np.concatenate([np.maximum(tree.feature, 0) for tree in trees])
        self.threshold = np.concatenate([tree.threshold for tree in trees])
        self.value = np.concatenate([tree.value[:, 0, 0] for tree in trees])
        nodes = np.arange(starts[-1])
        self.children = np.stack([np.where(side < 0, nodes, side + np.repeat(starts[:-1], np.diff(starts)))
                                  for side in (np.concatenate([tree.children_left for tree in trees]),
                                               np.concatenate([tree.children_right for tree in trees]))])

    def log(self, columns):
        columns, nodes = np.array(columns, np.float32), self.roots
        for _ in range(self.depth):
            right = columns[self.feature[nodes]] > self.threshold[nodes]
            nodes = self.children[right.astype(int), nodes]
        return self.value[nodes].mean()

    def __call__(self, values):
        return math.exp(self.log(columns_of(self.objective, values)))


def surrogates(data, folder):
    tables = tabulate(data, folder)
    return [Surrogate(one, tables[one.name]) for one in OBJECTIVES]
