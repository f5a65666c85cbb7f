"""Model files that are cut, corrupted or made to hurt: refused, with the reason."""

import copy
import json
import struct

import numpy as np
import pytest

import peer

PEERS = peer.installed()
if not PEERS:
    pytest.skip("no XGBoost library to make models with", allow_module_level=True)
ROWS = np.zeros((3, 3), np.float32)


@pytest.fixture(scope="module")
def booster():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3)).astype(np.float32)
    rows[:, 2] = rng.integers(0, 9, 200)
    xgboost = PEERS[0]
    matrix = xgboost.matrix(rows, rows[:, 0] + rows[:, 2] % 3, feature_types=["q", "q", "c"])
    return xgboost.train({"max_depth": 3, "tree_method": "hist", "max_cat_to_onehot": 1}, matrix, 3)


@pytest.fixture(scope="module")
def model(booster):
    return json.loads(booster.save("json"))


def tree(model, number=1):
    return model["learner"]["gradient_booster"]["model"]["trees"][number]


def numeric(tree):
    return next(i for i, left in enumerate(tree["left_children"])
                if left != -1 and not tree["split_type"][i])


def edit(where, value):
    def change(model):
        *path, last = where.split(".")
        at = model["learner"]
        for key in path:
            at = at[key]
        at[last] = value
    return change


def edit_tree(column, index, value):
    def change(model):
        at = tree(model)
        at[column][numeric(at) if index == "numeric" else index] = value
    return change


def cats(model):
    return model["learner"]["gradient_booster"]["model"]["cats"]["enc"]


def keep(encoding):
    def change(model):
        model["learner"]["gradient_booster"]["model"]["cats"] = {
            "enc": [{"offsets": [], "values": []}, encoding, {"type": 15, "values": [3]}]}
    return change


def drop(column):
    return lambda model: tree(model).pop(column)


EDITS = {
    "a cycle": (edit_tree("left_children", 1, 0), "tree 1: node 0 is reached in two ways"),
    "a shared child": (lambda m: tree(m)["left_children"].__setitem__(0, tree(m)["right_children"][0]),
                       "reached in two ways"),
    "a child beyond": (edit_tree("left_children", 0, 10**6), "its child 1000000 is none of"),
    "a child below": (edit_tree("right_children", 0, -7), "its child -7 is none of"),
    "a huge child": (edit_tree("right_children", 0, 2**40), "an integer of 32 bits"),
    "a NaN threshold": (edit_tree("split_conditions", "numeric", float("nan")),
                        "the threshold is not a number"),
    "a NaN leaf": (edit_tree("split_conditions", -1, float("nan")), "the leaf's value is not a number"),
    "a feature beyond": (edit_tree("split_indices", "numeric", 3), "a split on feature 3 of 3"),
    "a negative feature": (edit_tree("split_indices", 0, -1), "a split on feature -1"),
    "a short column": (lambda m: tree(m)["split_conditions"].pop(), "split_conditions: "),
    "no column": (drop("split_indices"), "split_indices: 0 values"),
    "an empty tree": (lambda m: [tree(m)[k].clear() for k in tree(m) if isinstance(tree(m)[k], list)],
                      "0 nodes"),
    "a text in a column": (edit_tree("split_conditions", 0, "x"), "a number was expected"),
    "categories beyond": (edit_tree("categories_sizes", 0, 10**9), "categories "),
    "a negative category": (edit_tree("categories", 0, -3), "-3 is no category"),
    "categories of nobody": (edit_tree("categories_nodes", 0, 9999), "categories for node 9999"),
    "no categories": (lambda m: [tree(m)[k].clear() for k in tree(m) if k.startswith("categories")],
                      "a categorical split without categories"),
    "shared categories": (lambda m: [tree(m)["categories_segments"].__setitem__(i, 0)
                                     or tree(m)["categories_sizes"].__setitem__(i, 1 + sum(
                                         tree(m)["categories_sizes"]) // 2) for i in (0, 1)],
                          "categories that other nodes have"),
    "kept categories backwards": (keep({"offsets": [0, 4, 2], "values": [65] * 4}), "offset 2 behind 4"),
    "kept categories beyond": (keep({"offsets": [0, 9], "values": [65] * 4}), "offset 9 behind 0, in 4"),
    "kept categories below": (keep({"offsets": [-1, 2], "values": [65] * 4}), "offset -1 behind 0"),
    "kept categories nowhere": (keep({"offsets": [0, 2]}), "categories have no values"),
    "kept fractions": (keep({"type": 15, "values": [1, 0.5]}), "whole numbers expected"),
    "kept words": (keep({"type": 15, "values": "ab"}), "a feature's categories"),
    "kept categories of fewer": (lambda m: (keep({"type": 15, "values": [1]})(m), cats(m).pop()),
                                 "categories of 2 features, of 3"),
    "a class beyond": (lambda m: m["learner"]["gradient_booster"]["model"]["tree_info"].__setitem__(1, 5),
                       "adds to output 5 of 1"),
    "too few tree_info": (lambda m: m["learner"]["gradient_booster"]["model"]["tree_info"].pop(),
                          "tree_info: 2 entries for 3 trees"),
    "huge num_feature": (edit("learner_model_param.num_feature", str(2**40)), "num_feature"),
    "negative num_feature": (edit("learner_model_param.num_feature", "-1"), "num_feature"),
    "huge num_class": (edit("learner_model_param.num_class", str(2**31)), "outputs"),
    "words for num_class": (edit("learner_model_param.num_class", "many"), "num_class: a whole number"),
    "base score": (edit("learner_model_param.base_score", "[1,2]"), "base_score: 2 values"),
    "infinite base score": (edit("learner_model_param.base_score", "Infinity"), "base_score"),
    "unknown objective": (edit("objective.name", "my:own"), 'the objective "my:own"'),
    "unknown booster": (edit("gradient_booster.name", "gbforest"), 'the booster "gbforest"'),
    "dart without weights": (edit("gradient_booster.name", "dart"), "without weight_drop"),
    "linear with trees": (edit("gradient_booster.name", "gblinear"), "a linear model with trees"),
    "names": (edit("feature_names", ["a"]), "1 feature_names for 3 features"),
    "leaf vectors": (lambda m: tree(m)["tree_param"].__setitem__("size_leaf_vector", "4"), "in leaves of 4"),
    "a huge leaf vector": (lambda m: tree(m)["tree_param"].__setitem__("size_leaf_vector", str(2**40)),
                           "leaves of 1099511627776 values"),
    "no learner": (lambda m: m.pop("learner"), "no XGBoost model"),
}


@pytest.mark.parametrize("name", EDITS)
def test_edits(answers, model, name):
    change, reason = EDITS[name]
    changed = copy.deepcopy(model)
    assert answers(json.dumps(changed).encode(), ROWS, "plain")  # what is edited was good
    change(changed)
    with pytest.raises(answers.Refused) as refused:
        answers(json.dumps(changed).encode(), ROWS, "plain")
    assert reason in str(refused.value)


def test_categories_in_any_order(answers, model):
    """And some more than once: sets all the same."""
    rows = np.float32([[0, 1, code] for code in [*range(12), np.nan]])
    changed = copy.deepcopy(model)
    for number in range(3):
        at, categories = tree(changed, number), []
        for node, (start, size) in enumerate(zip(at["categories_segments"], at["categories_sizes"])):
            mixed = at["categories"][start:start + size]
            mixed = mixed[::-1] + mixed[:1]
            at["categories_segments"][node], at["categories_sizes"][node] = len(categories), len(mixed)
            categories += mixed
        at["categories"] = categories
        assert len(categories) > 3
    for path in ("plain", "word"):
        found, right = (answers(json.dumps(of).encode(), rows, path)[path] for of in (changed, model))
        np.testing.assert_array_equal(found, right)
        assert len(np.unique(right)) > 3


@pytest.mark.parametrize("form", ["json", "ubj", "deprecated"])
def test_every_cut(answers, booster, model, form):
    if form == "deprecated":
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(100, 3)).astype(np.float32)
        booster = PEERS[0].train({"max_depth": 2, "booster": "dart"}, PEERS[0].matrix(rows, rows[:, 0]), 2)
        if booster.peer.version >= (3, 1):
            pytest.skip("3.1 and later do not write the old form")
    content = booster.save(form)
    if form == "deprecated":
        # what follows the booster (attributes) is not read
        content = content[:len(content) - 8]
    for end in [*range(0, 40), *range(40, len(content) - 200, 97)]:
        with pytest.raises(answers.Refused):
            answers(content[:end], ROWS, "plain")


def test_files_of_other_kinds(answers):
    for content in [b"", b"\n", b"[]", b"null", b"{}", b"{", b"\x80\x04\x95", b"PK\x03\x04",
                    b"tree\nversion=v4\n", b"binf", b"binf" + b"\xff" * 4000, b"\0" * 4000,
                    b"{L" + b"\x7f" * 64, b'{"learner": [' + b"[" * 5000]:
        with pytest.raises(answers.Refused) as refused:
            answers(content, ROWS, "plain")
        assert "reading an XGBoost model: " in str(refused.value)


def test_huge_counts(answers):
    """Counts far beyond the bytes that follow are refused before anything is allocated."""
    array = b"{L" + struct.pack(">q", 7) + b"learner{L" + struct.pack(">q", 13) + \
        b"feature_names[$d#L" + struct.pack(">q", 2**60)
    header = struct.pack("<f33i", 0.5, 3, *[0] * 3, 1, 7, 1, *[0] * 26)
    names = struct.pack("<q", 16) + b"reg:squarederror" + struct.pack("<q", 6) + b"gbtree"
    trees = struct.pack("<i", 2**31 - 1) + b"\0" * 156
    one_tree = struct.pack("<i", 1) + b"\0" * 156 + struct.pack("<ii", 1, 2**31 - 1) + b"\0" * 140
    for content in [array, header + struct.pack("<q", 2**62), header + names + trees,
                    header + names + one_tree]:
        with pytest.raises(answers.Refused):
            answers(content, ROWS, "plain")
