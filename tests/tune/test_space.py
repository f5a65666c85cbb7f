"""Points and scales: the Sobol sequence is SciPy's, scales are those that AWS documents."""

import numpy as np
import pytest
from scipy.stats import kstest, qmc

CONTINUOUS, INTEGER, CATEGORICAL = range(3)
LINEAR, LOGARITHMIC, REVERSE_LOGARITHMIC = range(3)


@pytest.mark.parametrize("dimensions", [1, 2, 7, 30, 128])
def test_the_sequence_is_sobols(tune_answers, dimensions):
    ours = np.array(tune_answers(f"sobol {dimensions} 512"))
    assert np.array_equal(ours, qmc.Sobol(dimensions, scramble=False).random(512))


@pytest.mark.parametrize("seed", [0, 1, 12345678901])
def test_scrambled_points_are_as_even_and_others_for_each_seed(tune_answers, seed):
    points = np.array(tune_answers(f"scrambled 8 256 {seed}"))
    other = np.array(tune_answers(f"scrambled 8 256 {seed + 1}"))
    assert (0 <= points).all() and (points < 1).all() and not np.array_equal(points, other)
    plain = qmc.Sobol(8, scramble=False).random(256)
    for count in 16, 256:
        # One point in each of as many equal stretches, in every dimension.
        for column in range(8):
            assert sorted(np.floor(points[:count, column] * count)) == list(range(count))
    # In two dimensions, as many in each elementary box as without scrambling.
    for a, b in (0, 1), (2, 5):
        for boxes in (16, 16), (4, 64):
            counts = [np.sort(np.unique((np.floor(p[:, [a, b]] * boxes)), axis=0, return_counts=True)[1])
                      for p in (points, plain)]
            assert np.array_equal(*counts)
    assert qmc.discrepancy(points) < qmc.discrepancy(np.random.default_rng(seed).random((256, 8))) / 2


def values(tune_answers, kind, scaling, low, high, places):
    return np.array(tune_answers(*(f"value {kind} {scaling} {low} {high} {u!r}" for u in places))).ravel()


PLACES = [float(u) for u in np.random.default_rng(3).random(4000)]


@pytest.mark.parametrize("scaling, low, high, along", [
    (LINEAR, -3, 5, lambda x: (x + 3) / 8),
    (LOGARITHMIC, 1e-4, 10, lambda x: np.log10(x / 1e-4) / 5),
    (REVERSE_LOGARITHMIC, 0.5, 0.999, lambda x: np.log((1 - x) / 0.5) / np.log(0.001 / 0.5))])
def test_values_are_even_along_their_scale(tune_answers, scaling, low, high, along):
    found = values(tune_answers, CONTINUOUS, scaling, low, high, PLACES)
    assert low <= found.min() and found.max() <= high
    assert kstest(along(found), "uniform").pvalue > 0.01
    assert np.allclose(along(found), PLACES)
    back = tune_answers(*(f"place {CONTINUOUS} {scaling} {low} {high} {x!r}" for x in map(float, found[:50])))
    assert np.allclose(np.ravel(back), PLACES[:50])


def test_integers_and_categories_have_their_stretches(tune_answers):
    even = [(i + 0.5) / 600 for i in range(600)]
    for kind in INTEGER, CATEGORICAL:
        found = values(tune_answers, kind, LINEAR, 1 if kind == INTEGER else 0, 6, even)
        assert np.array_equal(np.unique(found, return_counts=True)[1], [100] * 6)
    powers = values(tune_answers, INTEGER, LOGARITHMIC, 1, 1000, PLACES)
    assert (powers == np.round(powers)).all() and powers.min() == 1 and powers.max() == 1000
    assert abs(np.median(powers) - np.sqrt(0.5 * 1000.5)) < 3


def test_auto_takes_the_scale_that_the_range_spans(tune_answers):
    found = tune_answers("scaling 1e-5 0.1 0", "scaling 0 1 0", "scaling 0.5 0.9999 0", "scaling 1 10 1",
                         "scaling 1 4096 1", "scaling -1 1000 0", "scaling 0.1 0.5 0")
    assert np.ravel(found).tolist() == [LOGARITHMIC, LINEAR, REVERSE_LOGARITHMIC, LINEAR, LOGARITHMIC, LINEAR, LINEAR]
