"""Leaf indices, contributions and importances against XGBoost's."""

import ctypes
import itertools
import json
import math

import numpy as np
import pytest

import peer
from test_forest import PATHS, PEERS, edges, sample, train, xgboost  # noqa: F401 (a fixture)

MODELS = {
    "regression": ("reg:squarederror", {"max_depth": 5}),
    "logistic": ("binary:logistic", {"max_depth": 6, "base_score": 0.3}),
    "classes": ("multi:softprob", {"max_depth": 4}),
    "dart": ("reg:squarederror", {"booster": "dart", "rate_drop": 0.4, "max_depth": 4}),
    "linear": ("reg:squarederror", {"booster": "gblinear"}),
    "deep": ("reg:squarederror", {"max_depth": 12, "min_child_weight": 0}),
    "roots": ("reg:squarederror", {"gamma": 1e9}),
}


@pytest.mark.parametrize("name", MODELS)
def test_contributions(xgboost, answers, name):  # noqa: F811
    rng = np.random.default_rng(2)
    rows = sample(rng)
    objective, params = MODELS[name]
    model = train(xgboost, rng, objective, rows, **params)
    some = rows[:60] if params.get("booster") == "gblinear" else edges(
        rng, rows, model.save("json"), 60)
    some = np.where(np.abs(some) > 1e30, np.float32(3), some)
    kinds = [path + "-contributions" for path in PATHS]
    found = answers(model.save("json"), some, *kinds, "plain")
    for kind in [kind for kind in kinds if kind in found]:
        ours = found[kind].reshape(len(some), -1, some.shape[1] + 1)
        theirs = model.predict(some, 2).reshape(ours.shape)
        scale = np.abs(theirs).max()
        assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-5 * scale), kind
        assert np.allclose(ours.sum(axis=2), found["plain"], rtol=1e-5, atol=1e-5 * scale), kind


@pytest.mark.parametrize("name", [name for name in MODELS if name != "linear"])
def test_interactions(xgboost, answers, name):  # noqa: F811
    rng = np.random.default_rng(8)
    rows = sample(rng)
    objective, params = MODELS[name]
    model = train(xgboost, rng, objective, rows, **params)
    some = edges(rng, rows, model.save("json"), 21)
    some = np.where(np.abs(some) > 1e30, np.float32(3), some)
    kinds = [path + "-interactions" for path in PATHS]
    found = answers(model.save("json"), some, *kinds, "best-contributions")
    theirs = model.predict(some, 4)
    scale = np.abs(theirs).max()
    shares = found.pop("best-contributions").reshape(theirs.shape[:-1])
    for kind in found:
        ours = found[kind].reshape(theirs.shape)
        assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-5 * scale), kind
        assert np.allclose(ours, ours.swapaxes(2, 3)), kind
        assert np.allclose(ours.sum(axis=3), shares, rtol=1e-5, atol=1e-5 * scale), kind


def test_interactions_of_a_linear_model(xgboost, answers):  # noqa: F811
    """It has none: a feature's contribution is all its own."""
    rng = np.random.default_rng(8)
    rows = sample(rng)
    model = train(xgboost, rng, "reg:squarederror", rows, booster="gblinear").save("json")
    found = answers(model, rows[:9], "best-interactions", "best-contributions")
    shares = found["best-contributions"]
    expected = shares[:, :, None] * np.eye(shares.shape[1], dtype=np.float32)
    assert (found["best-interactions"] == expected.reshape(len(shares), -1)).all()


def worths(tree, row):
    """What a tree of the JSON form answers where only these of its features are known, for all sets
    of them, in doubles."""
    left, right = tree["left_children"], tree["right_children"]
    feature, cover = tree["split_indices"], tree["sum_hessian"]

    def value(node, known):
        if left[node] == -1:
            return tree["split_conditions"][node]
        if feature[node] in known:
            x = row[feature[node]]
            goes = tree["default_left"][node] if np.isnan(x) else x < np.float32(
                tree["split_conditions"][node])
            return value(left[node] if goes else right[node], known)
        return sum(value(child, known) * np.float64(np.float32(cover[child]))
                   for child in (left[node], right[node])) / np.float64(np.float32(cover[node]))

    used = sorted({feature[i] for i in range(len(left)) if left[i] != -1})
    return used, {known: value(0, known) for size in range(len(used) + 1)
                  for known in map(frozenset, itertools.combinations(used, size))}


def expected_tree(tree, row, features):
    """What a tree credits each feature with, by the definition; the bias last."""
    used, worth = worths(tree, row)
    out = np.zeros(features + 1)
    out[-1] = worth[frozenset()]
    for known, without in worth.items():
        for one in set(used) - known:
            orders = math.factorial(len(known)) * math.factorial(len(used) - len(known) - 1)
            out[one] += orders / math.factorial(len(used)) * (worth[known | {one}] - without)
    return out


@pytest.mark.parametrize("depth", [1, 4, 12])
def test_contributions_by_definition(xgboost, answers, depth):  # noqa: F811
    """Against Shapley's own sum over all sets of features, within 1e-5 of doubles."""
    rng = np.random.default_rng(6)
    rows = sample(rng)
    model = train(xgboost, rng, "reg:squarederror", rows, 3, max_depth=depth, base_score=0.0,
                  min_child_weight=0)
    some = edges(rng, rows, model.save("json"), 12)
    trees = json.loads(model.save("json"))["learner"]["gradient_booster"]["model"]["trees"]
    expected = np.array([sum(expected_tree(tree, row, rows.shape[1]) for tree in trees)
                         for row in some])
    kinds = [path + "-contributions" for path in PATHS]
    found = answers(model.save("json"), some, *kinds)
    for kind in found:
        assert np.allclose(found[kind], expected, rtol=1e-5, atol=1e-6), kind


def expected_pairs(tree, row, features):
    """The same of pairs of features: Shapley's interaction index, halved between both orders."""
    used, worth = worths(tree, row)
    out = np.zeros((features + 1, features + 1))
    for known, without in worth.items():
        for one, other in itertools.permutations(set(used) - known, 2):
            orders = math.factorial(len(known)) * math.factorial(len(used) - len(known) - 2)
            both = worth[known | {one, other}] - worth[known | {one}] - worth[known | {other}]
            out[one, other] += orders / math.factorial(len(used) - 1) / 2 * (both + without)
    out[np.diag_indices(features + 1)] = expected_tree(tree, row, features) - out.sum(axis=1)
    return out


@pytest.mark.parametrize("depth", [1, 4, 12])
def test_interactions_by_definition(xgboost, answers, depth):  # noqa: F811
    rng = np.random.default_rng(9)
    rows = sample(rng)
    model = train(xgboost, rng, "reg:squarederror", rows, 3, max_depth=depth, base_score=0.0,
                  min_child_weight=0).save("json")
    some = edges(rng, rows, model, 12)
    trees = json.loads(model)["learner"]["gradient_booster"]["model"]["trees"]
    expected = np.array([sum(expected_pairs(tree, row, rows.shape[1]) for tree in trees).reshape(-1)
                         for row in some])
    found = answers(model, some, *[path + "-interactions" for path in PATHS])
    for kind in found:
        assert np.allclose(found[kind], expected, rtol=1e-5, atol=1e-6), kind


@pytest.mark.parametrize("name", ["regression", "classes", "dart", "deep"])
def test_leaves(xgboost, answers, name):  # noqa: F811
    rng = np.random.default_rng(2)
    rows = sample(rng)
    objective, params = MODELS[name]
    model = train(xgboost, rng, objective, rows, **params)
    found = answers(model.save("ubj"), rows, "leaves")["leaves"]
    # strict shape: rows x iterations x classes x parallel trees
    assert np.array_equal(found, model.predict(rows, 6).reshape(len(rows), -1))


@pytest.mark.parametrize("name", ["regression", "classes"])
def test_importance(xgboost, answers, name):  # noqa: F811
    rng = np.random.default_rng(2)
    rows = sample(rng)
    objective, params = MODELS[name]
    model = train(xgboost, rng, objective, rows, **params)
    ours = answers(model.save("ubj"), rows[:3], "importance")["importance"].reshape(3, -1)
    for row, kind in zip(ours, ("weight", "total_gain", "total_cover")):
        count, dimension = ctypes.c_uint64(), ctypes.c_uint64()
        names = ctypes.POINTER(ctypes.c_char_p)()
        shape, scores = ctypes.POINTER(ctypes.c_uint64)(), ctypes.POINTER(ctypes.c_float)()
        xgboost.call("XGBoosterFeatureScore", model.handle,
                     json.dumps({"importance_type": kind}).encode(), ctypes.byref(count),
                     ctypes.byref(names), ctypes.byref(dimension), ctypes.byref(shape),
                     ctypes.byref(scores))
        expected = np.zeros(rows.shape[1], np.float32)
        for i in range(count.value):
            expected[int(names[i].decode()[1:])] = scores[i]
        assert np.allclose(row, expected, rtol=1e-4), kind
