"""The forest's paths on ARM, under qemu: what test_forest.py asks of the others, in part."""

import shutil

import pytest

import forest_program
import test_forest as asked

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def arm_program(tmp_path_factory):
    for tool in ("aarch64-linux-gnu-gcc", "qemu-aarch64"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not there")
    return forest_program.compiled(tmp_path_factory.mktemp("arm") / "forest_answers",
                                   "aarch64-linux-gnu-gcc", ["-O2", "-static"])


@pytest.fixture
def answers(arm_program, tmp_path):
    ask = forest_program.asking(["qemu-aarch64", arm_program], tmp_path)

    def with_neon(model, rows, *kinds):
        found = ask(model, rows, *kinds)
        assert "neon" in found or "neon" not in kinds or "word" not in found
        return found

    return with_neon


@pytest.fixture
def xgboost():
    return asked.PEERS[-1]


@pytest.mark.parametrize("shape, objective", [
    ("stumps", "multi:softprob"), ("deep", "reg:squarederror"), ("leafwise", "multi:softprob"),
    ("exact", "binary:logistic"), ("many cuts", "reg:squarederror")])
def test_shapes(xgboost, answers, shape, objective):
    asked.test_shapes(xgboost, answers, shape, objective)


@pytest.mark.parametrize("seed", [0, 3, 8, 11, 21, 34])
def test_random_families(xgboost, answers, seed):
    asked.test_random_families(xgboost, answers, seed)


@pytest.mark.parametrize("onehot", [1, 100])
def test_categories(xgboost, answers, onehot):
    asked.test_categories(xgboost, answers, onehot, "reg:squarederror")


@pytest.mark.parametrize("count", [14, 127, 2047])
def test_many_categories(xgboost, answers, count):
    asked.test_many_categories(xgboost, answers, count)


def test_trees_below_the_full_ones(xgboost, answers):
    asked.test_trees_below_the_full_ones(xgboost, answers, "hist", 3000)


def test_several_targets(xgboost, answers):
    asked.test_several_targets(xgboost, answers, "multi_output_tree")
