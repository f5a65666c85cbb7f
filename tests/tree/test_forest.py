"""Forests against XGBoost itself: the same file, the same rows, the same bits."""

import json

import numpy as np
import pytest

import peer

PEERS = peer.installed()
if not PEERS:
    pytest.skip("no XGBoost library to compare with", allow_module_level=True)
PATHS = ("best", "plain", "word", "avx2", "avx512", "neon")
MARGINS = tuple(path + way for path in PATHS for way in ("", "-columns", "-single"))


@pytest.fixture(params=PEERS, ids=lambda p: "xgboost-%d.%d.%d" % p.version)
def xgboost(request):
    return request.param


def forms(booster):
    """The file in every form this XGBoost writes."""
    return ["json", "ubj"] + (["deprecated"] if booster.peer.version < (3, 1) else [])


def same_bits(found, expected, what=""):
    found, expected = found.reshape(-1), expected.reshape(-1).astype(np.float32)
    assert found.shape == expected.shape, what
    # -0.0 and 0.0 differ, NaN equals NaN
    same = found.view(np.uint32) == expected.view(np.uint32)
    assert same.all(), (f"{what}: {np.count_nonzero(~same)} of {same.size} differ, first "
                        f"{found[~same][0]!r} for {expected[~same][0]!r}")


def ulps(found, expected):
    """The distance in representable floats."""
    def ordered(values):
        bits = np.ascontiguousarray(values, np.float32).reshape(-1).view(np.int32).astype(np.int64)
        return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    return int(np.abs(ordered(found) - ordered(expected)).max(initial=0))


def sample(rng, rows=400, columns=6, missing=0.15):
    values = rng.normal(size=(rows, columns)).astype(np.float32)
    values[:, 1] = np.round(values[:, 1])  # few distinct values, so equal to thresholds
    values[:, 2] *= 1e-39  # denormal
    values[rng.random(values.shape) < missing] = np.nan
    return values


def thresholds(model):
    """feature -> thresholds, from the JSON form."""
    booster = json.loads(model)["learner"]["gradient_booster"]
    found = {}
    for tree in booster.get("gbtree", booster)["model"].get("trees", []):
        for i, left in enumerate(tree["left_children"]):
            if left != -1:
                found.setdefault(tree["split_indices"][i], []).append(tree["split_conditions"][i])
    return found


def edges(rng, rows, model, count=300):
    """Rows with every value at a threshold, at its neighbours, or odd: never infinite."""
    odd = np.array([0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38, 3.4028235e38, -3.4028235e38, np.nan],
                   np.float32)
    out = rows[rng.integers(0, len(rows), count)].copy()
    cuts = thresholds(model)
    for column in range(rows.shape[1]):
        at = np.array(cuts.get(column, [0.0]), np.float32)
        at = np.concatenate([at, np.nextafter(at, np.float32(-np.inf), dtype=np.float32),
                             np.nextafter(at, np.float32(np.inf), dtype=np.float32), odd])
        at = at[~np.isinf(at)]
        chosen = rng.random(count) < 0.8
        out[chosen, column] = rng.choice(at, chosen.sum())
    return out


def with_infinities(rng, rows):
    out = rows.copy()
    out[rng.random(out.shape) < 0.2] = np.inf
    out[rng.random(out.shape) < 0.2] = -np.inf
    return out


def compare(answers, booster, rows, feature_types=None, infinite=None):
    for form in forms(booster):
        model = booster.save(form)
        expected = booster.predict(rows, 1, feature_types)
        found = answers(model, rows, *MARGINS, "answers")
        for path in MARGINS:
            if path in found:
                same_bits(found[path], expected, f"{form} {path}")
        assert ulps(found["answers"], booster.predict(rows, 0, feature_types)) <= 1, form
    if infinite is not None:
        found = answers(model, infinite, *MARGINS)
        expected = booster.predict_in_place(infinite)
        for path in MARGINS:
            if path in found:
                same_bits(found[path], expected, f"infinities, {path}")


def labels(rng, objective, rows):
    signal = np.nan_to_num(rows[:, 0]) + 0.3 * rng.normal(size=len(rows))
    if objective.startswith("binary") or objective == "reg:logistic":
        return (signal > 0).astype(np.float32)
    if objective.startswith("multi"):
        return np.digitize(signal, [-0.5, 0.5]).astype(np.float32)
    if objective.startswith("rank"):
        return np.digitize(signal, [0, 1]).astype(np.float32)
    if objective in ("count:poisson", "reg:tweedie"):
        return np.floor(np.exp(np.clip(signal, -2, 2))).astype(np.float32)
    if objective == "survival:cox":
        return np.where(rng.random(len(rows)) < 0.8, 1, -1) * np.exp(signal)
    if objective in ("reg:gamma", "reg:squaredlogerror"):
        return np.exp(signal).astype(np.float32)
    return signal.astype(np.float32)


OBJECTIVES = ["reg:squarederror", "reg:logistic", "reg:gamma", "reg:pseudohubererror",
              "reg:squaredlogerror", "reg:absoluteerror", "reg:tweedie", "binary:logistic",
              "binary:logitraw", "binary:hinge", "count:poisson", "multi:softmax",
              "multi:softprob", "rank:pairwise", "rank:ndcg", "rank:map", "survival:aft",
              "survival:cox"]


def train(xgboost, rng, objective, rows, rounds=7, **params):
    label = labels(rng, objective, rows)
    info = {}
    if objective == "survival:aft":
        times = np.exp(label)
        info = {"label_lower_bound": times, "label_upper_bound": times * 1.5}
    if objective.startswith("rank"):
        info = {"group": [len(rows) // 4] * 4}
    if objective == "rank:map":
        label = (label > 0).astype(np.float32)
    params = {"objective": objective, "nthread": 1, "seed": 1, **params}
    if objective.startswith("multi"):
        params["num_class"] = 3
    return xgboost.train(params, xgboost.matrix(rows, label, **info), rounds)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("booster", ["gbtree", "dart", "gblinear"])
def test_objectives(xgboost, answers, objective, booster):
    rng = np.random.default_rng(7)
    rows = sample(rng)
    more = {"rate_drop": 0.4} if booster == "dart" else {}
    if objective in ("count:poisson", "reg:logistic", "survival:cox"):
        more["base_score"] = 0.3
    model = train(xgboost, rng, objective, rows, booster=booster, max_depth=4, **more)
    edge = rows if booster == "gblinear" else edges(rng, rows, model.save("json"))
    # in place, dart rounds otherwise and gblinear is not offered
    infinite = with_infinities(rng, edge) if booster == "gbtree" else None
    compare(answers, model, np.concatenate([rows, edge]), infinite=infinite)


SHAPES = {
    "stumps": {"max_depth": 1},
    "deep": {"max_depth": 12, "min_child_weight": 0, "lambda": 0},
    "leafwise": {"grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0,
                 "tree_method": "hist"},
    "forest": {"num_parallel_tree": 5, "subsample": 0.5, "max_depth": 5},
    "exact": {"tree_method": "exact", "gamma": 0.05, "max_depth": 7},
    "only roots": {"gamma": 1e9, "base_score": 0.7},
    "many cuts": {"tree_method": "exact", "max_depth": 8, "rounds": 60, "rows": 3000,
                  "columns": 3},
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("objective", ["reg:squarederror", "binary:logistic", "multi:softprob"])
def test_shapes(xgboost, answers, shape, objective):
    params = dict(SHAPES[shape])
    rounds, count = params.pop("rounds", 9), params.pop("rows", 500)
    rng = np.random.default_rng(11)
    rows = sample(rng, count, params.pop("columns", 9))
    model = train(xgboost, rng, objective, rows, rounds, **params)
    edge = edges(rng, rows, model.save("json"))
    compare(answers, model, np.concatenate([rows, edge]), infinite=with_infinities(rng, edge))


def test_many_splits(xgboost, answers):
    """More different ones (some 9,800) than are taken into masks at once."""
    rng = np.random.default_rng(11)
    rows = sample(rng, 3000, 12)
    model = train(xgboost, rng, "reg:squarederror", rows, 80, tree_method="exact", max_depth=8,
                  min_child_weight=0, subsample=0.5, **{"lambda": 0})
    edge = edges(rng, rows, model.save("json"))
    compare(answers, model, np.concatenate([rows, edge]), infinite=with_infinities(rng, edge))


@pytest.mark.parametrize("seed", range(40))
def test_random_families(xgboost, answers, seed):
    rng = np.random.default_rng(1000 + seed)
    rows = sample(rng, int(rng.integers(20, 900)), int(rng.integers(3, 70)), rng.random() * 0.5)
    objective = OBJECTIVES[rng.integers(len(OBJECTIVES))]
    if objective.startswith("rank"):
        objective = "binary:logistic"
    params = {"max_depth": int(rng.integers(1, 11)), "eta": float(rng.random()),
              "tree_method": str(rng.choice(["exact", "hist", "approx"])),
              "max_bin": int(rng.choice([4, 64, 256, 1024])),
              "min_child_weight": float(rng.choice([0, 1, 5])), "lambda": float(rng.random()),
              "base_score": float(rng.random()), "subsample": float(rng.choice([0.6, 1.0]))}
    model = train(xgboost, rng, objective, rows, int(rng.integers(1, 60)), **params)
    edge = edges(rng, rows, model.save("json"))
    compare(answers, model, np.concatenate([rows, edge]), infinite=with_infinities(rng, edge))


@pytest.mark.parametrize("onehot", [1, 100])
@pytest.mark.parametrize("objective", ["reg:squarederror", "multi:softprob"])
def test_categories(xgboost, answers, onehot, objective):
    rng = np.random.default_rng(5)
    rows = sample(rng, 800)
    rows[:, 3] = rng.integers(0, 60, len(rows))
    rows[:, 4] = rng.integers(0, 5, len(rows))
    rows[rng.random(len(rows)) < 0.1, 3] = np.nan
    types = ["q", "q", "q", "c", "c", "q"]
    label = np.nan_to_num(rows[:, 3]) % 7 + np.nan_to_num(rows[:, 4]) % 2 + np.nan_to_num(rows[:, 0])
    if objective.startswith("multi"):
        label = np.nan_to_num(rows[:, 3]) % 3
    params = {"objective": objective, "tree_method": "hist", "max_cat_to_onehot": onehot,
              "max_depth": 6, "nthread": 1}
    if objective.startswith("multi"):
        params["num_class"] = 3
    model = xgboost.train(params, xgboost.matrix(rows, label, feature_types=types), 10)
    odd = rows.copy()
    strange = np.array([0, -0.0, 0.5, 2.7, 59.9, 60, 61, 255, 1e6, 16777215, 16777216, 3e38, -1,
                        -0.5, np.nan], np.float32)
    odd[:, 3] = rng.choice(strange, len(odd))
    odd[:, 4] = rng.choice(strange, len(odd))
    for form in ("json", "ubj"):
        found = answers(model.save(form), np.concatenate([rows, odd]), *MARGINS)
        # what is no category is refused by a DMatrix, so ask in place there
        expected = np.concatenate([model.predict(rows, 1, types).reshape(len(rows), -1),
                                   model.predict_in_place(odd).reshape(len(odd), -1)])
        for path in MARGINS:
            if path in found:
                same_bits(found[path], expected, f"{form} {path}")


@pytest.mark.parametrize("method, rows", [("hist", 3000), ("exact", 3000), ("exact", 60000)])
def test_trees_below_the_full_ones(xgboost, answers, method, rows):
    """Deep trees of few cuts, of many, and of too many to be walked by codes."""
    rng = np.random.default_rng(14)
    rows = sample(rng, rows, 3)
    model = train(xgboost, rng, "reg:squarederror", rows, 2 if len(rows) < 9999 else 1,
                  max_depth=14 if len(rows) > 9999 else 20, min_child_weight=0, tree_method=method)
    some = np.concatenate([rows[:500], edges(rng, rows, model.save("json"), 300)])
    found = answers(model.save("json"), some, *MARGINS)
    for path in found:
        same_bits(found[path], model.predict(some, 1), path)


@pytest.mark.parametrize("count", [14, 15, 126, 127, 600, 2046, 2047, 4095])
def test_many_categories(xgboost, answers, count):
    """Sets of one byte and of many, at the sizes where the way that they are kept changes; and as
    many rows as are walked in blocks."""
    rng = np.random.default_rng(count)
    rows = sample(rng, 2 * count + 700, 4)
    rows[:, 3] = rng.permutation(len(rows)) % (count + 1)
    rows[rng.random(len(rows)) < 0.1, 3] = np.nan
    rows[:, 2] = rng.integers(0, 3, len(rows))
    types = ["q", "q", "c", "c"]
    label = rng.normal(size=count + 1)[np.nan_to_num(rows[:, 3]).astype(int)] + rows[:, 2]
    params = {"objective": "reg:squarederror", "tree_method": "hist", "max_cat_to_onehot": 4,
              "max_depth": 6, "nthread": 1, "max_bin": 5000, "min_child_weight": 0}
    model = xgboost.train(params, xgboost.matrix(rows, label, feature_types=types), 4)
    found = answers(model.save("json"), rows, *MARGINS)
    for path in found:
        same_bits(found[path], model.predict(rows, 1, types), path)


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_several_targets(xgboost, answers, strategy):
    if strategy == "multi_output_tree" and xgboost.version < (2, 0):
        pytest.skip("vector leaves came with 2.0")
    rng = np.random.default_rng(3)
    rows = sample(rng)
    label = np.stack([np.nan_to_num(rows[:, i]) for i in range(3)], 1)
    params = {"objective": "reg:squarederror", "tree_method": "hist", "max_depth": 5, "nthread": 1}
    if xgboost.version >= (2, 0):
        params["multi_strategy"] = strategy
    model = xgboost.train(params, xgboost.matrix(rows, label), 8)
    compare(answers, model, np.concatenate([rows, edges(rng, rows, model.save("json"))]))


def test_vector_leaves_of_older_files(answers):
    """Before 3.2 the leaves lay in base_weights; that XGBoost still reads such files."""
    xgboost = PEERS[-1]
    if xgboost.version < (3, 2):
        pytest.skip("needs XGBoost 3.2")
    rng = np.random.default_rng(4)
    rows = sample(rng)
    params = {"objective": "multi:softprob", "num_class": 3, "tree_method": "hist",
              "multi_strategy": "multi_output_tree", "nthread": 1}
    model = xgboost.train(params, xgboost.matrix(rows, labels(rng, "multi:", rows)), 6)
    file = json.loads(model.save("json"))
    for tree in file["learner"]["gradient_booster"]["model"]["trees"]:
        leaves = np.array(tree.pop("leaf_weights")).reshape(-1, 3)
        weights = np.array(tree["base_weights"]).reshape(-1, 3)
        for i, left in enumerate(tree["left_children"]):
            if left == -1:
                weights[i] = leaves[tree["right_children"][i]]
                tree["right_children"][i] = -1
        tree["base_weights"] = weights.ravel().tolist()
    found = answers(json.dumps(file).encode(), rows, *MARGINS)
    for path in found:
        same_bits(found[path], model.predict(rows, 1), path)


def test_names_and_blanks(xgboost, answers):
    """Names that need escapes, keys in another order, a file laid out by hand."""
    rng = np.random.default_rng(1)
    rows = sample(rng)
    model = train(xgboost, rng, "reg:squarederror", rows)
    model.feature_names(['a"b', "tab\t", "é", "naïve ☃", "\U0001F600", "plain"])
    compare(answers, model, rows)
    file = json.loads(model.save("json"))
    turned = json.loads(json.dumps(file), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    found = answers(json.dumps(turned, indent=2).encode(), rows, "best")
    same_bits(found["best"], model.predict(rows, 1))


@pytest.mark.parametrize("text", ["8.647783E-4", "9.5841366E-1", "1.2345679E5",
                                  "1.0000001E0"])
def test_base_score_texts(xgboost, answers, tmp_path, text):
    """Base scores that a float holds only rounded, as a number and as 3.1's vector."""
    rng = np.random.default_rng(0)
    rows = sample(rng)
    model = train(xgboost, rng, "reg:squarederror", rows, 2)
    file = json.loads(model.save("json"))
    for form in [text] + ([f"[{text}]"] if xgboost.version >= (3, 1) else []):
        file["learner"]["learner_model_param"]["base_score"] = form
        (tmp_path / "edited.json").write_text(json.dumps(file))
        expected = xgboost.load(tmp_path / "edited.json").predict(rows, 1)
        same_bits(answers((tmp_path / "edited.json").read_bytes(), rows, "best")["best"], expected)
