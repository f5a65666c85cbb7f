"""Leaf indices, contributions and importances against XGBoost's."""

import ctypes
import json

import numpy as np
import pytest

import peer
from test_forest import PEERS, edges, sample, train, xgboost  # noqa: F401 (a fixture)

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
    found = answers(model.save("json"), some, "contributions", "plain")
    ours = found["contributions"].reshape(len(some), -1, some.shape[1] + 1)
    theirs = model.predict(some, 2).reshape(ours.shape)
    scale = np.abs(theirs).max()
    assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-5 * scale)
    assert np.allclose(ours.sum(axis=2), found["plain"], rtol=1e-5, atol=1e-5 * scale)


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
