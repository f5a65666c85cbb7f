"""The Gaussian process is scikit-learn's, its gradients are those of differences, and the parts of the
acquisition are SciPy's."""

import numpy as np
import pytest
from scipy.stats import norm, yeojohnson
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.preprocessing import PowerTransformer

COUNT, SEEN, ASKED = 3, 25, 6
RANDOM = np.random.default_rng(11)
PLACES, OTHERS = RANDOM.uniform(0.02, 0.98, (SEEN, COUNT)), RANDOM.uniform(0.02, 0.98, (ASKED, COUNT))
VALUES = np.sin(5 * PLACES[:, 0]) + PLACES[:, 1] ** 2 - PLACES[:, 2] + 0.1 * RANDOM.normal(size=SEEN)
LENGTHS, VARIANCE, NOISE = np.array([0.4, 0.9, 2.5]), 1.7, 0.02
BENDS = np.array([[1.3, 0.8], [0.6, 1.0], [1.0, 1.9]])


def hyperparameters(lengths=LENGTHS, bends=BENDS):
    return np.concatenate([np.log(lengths), [np.log(VARIANCE), np.log(NOISE)], np.log(bends).ravel()])


def ask(tune_answers, hyper, places=PLACES, others=OTHERS, kinds=(0, 0, 0)):
    numbers = [*kinds, *hyper, *places.ravel(), *VALUES, *others.ravel()]
    answers = tune_answers(f"process {COUNT} {SEEN} {len(others)} " + " ".join(repr(float(n)) for n in numbers))
    return {"misfit": answers[0][0], "with_prior": answers[0][1], "gradient": answers[1],
            "mean": np.array([one[0] for one in answers[2:]]),
            "variance": np.array([one[1] for one in answers[2:]]),
            "mean_gradient": np.array([one[2:2 + COUNT] for one in answers[2:]]),
            "variance_gradient": np.array([one[2 + COUNT:2 + 2 * COUNT] for one in answers[2:]]),
            "covariance": np.array([one[-1] for one in answers[2:]])}


def bent(places):
    return 1 - (1 - places ** BENDS[:, 0]) ** BENDS[:, 1]


def peer(places, lengths=LENGTHS):
    kernel = ConstantKernel(VARIANCE) * Matern(lengths, nu=2.5) + WhiteKernel(NOISE)
    return GaussianProcessRegressor(kernel, optimizer=None, alpha=1e-8 * VARIANCE).fit(places, VALUES)


def test_likelihood_and_posterior_are_scikit_learns(tune_answers):
    ours, theirs = ask(tune_answers, hyperparameters()), peer(bent(PLACES))
    assert ours["misfit"] == pytest.approx(-theirs.log_marginal_likelihood_value_, rel=1e-9)
    mean, covariance = theirs.predict(bent(OTHERS), return_cov=True)
    covariance -= NOISE * np.eye(ASKED)  # theirs predicts what would be observed
    assert np.allclose(ours["mean"], mean, rtol=1e-7)
    assert np.allclose(ours["variance"], np.diag(covariance), rtol=1e-6)
    assert np.allclose(ours["covariance"], covariance[0], rtol=1e-6, atol=1e-9)


def test_categories_are_one_apart(tune_answers):
    places = PLACES.copy()
    places[:, 2] = (RANDOM.integers(0, 4, SEEN) + 0.5) / 4
    others = OTHERS.copy()
    others[:, 2] = (RANDOM.integers(0, 4, ASKED) + 0.5) / 4

    def one_hot(at):
        return np.hstack([at[:, :2], (at[:, 2:] * 4 - 0.5 == np.arange(4)) / np.sqrt(2)])

    hyper = hyperparameters(bends=np.ones((COUNT, 2)))
    ours = ask(tune_answers, hyper, places, others, kinds=(0, 0, 2))
    theirs = peer(one_hot(places), lengths=np.append(LENGTHS[:2], [LENGTHS[2]] * 4))
    assert ours["misfit"] == pytest.approx(-theirs.log_marginal_likelihood_value_, rel=1e-9)
    assert np.allclose(ours["mean"], theirs.predict(one_hot(others)), rtol=1e-7)


def test_the_misfits_gradient_is_that_of_differences(tune_answers):
    hyper, step = hyperparameters(), 1e-5
    found = ask(tune_answers, hyper)["gradient"]
    for i in range(len(hyper)):
        shifted = [hyper + sign * step * (np.arange(len(hyper)) == i) for sign in (1, -1)]
        high, low = (ask(tune_answers, one)["with_prior"] for one in shifted)
        assert found[i] == pytest.approx((high - low) / (2 * step), rel=1e-4, abs=1e-5)


def test_the_posteriors_gradients_are_those_of_differences(tune_answers):
    step = 1e-6
    found = ask(tune_answers, hyperparameters())
    for i in range(COUNT):
        shift = step * (np.arange(COUNT) == i)
        high, low = (ask(tune_answers, hyperparameters(), others=OTHERS + sign * shift) for sign in (1, -1))
        for what in "mean", "variance":
            differences = (high[what] - low[what]) / (2 * step)
            assert np.allclose(found[what + "_gradient"][:, i], differences, rtol=1e-4, atol=1e-6)


def test_expected_improvement_is_the_integral_and_goes_on_far_out(tune_answers):
    for mean, deviation in (0.3, 1.0), (-2.0, 0.5), (3.0, 0.4), (10.0, 2.0):
        [told] = tune_answers(f"improvement 0.5 {mean} {deviation}")
        z = (0.5 - mean) / deviation
        assert told[0] == pytest.approx(np.log(deviation * (norm.pdf(z) + z * norm.cdf(z))), rel=1e-7)
        assert told[1] == pytest.approx(-norm.cdf(z) / np.exp(told[0]), rel=1e-6)
        assert told[2] == pytest.approx(norm.pdf(z) / np.exp(told[0]), rel=1e-6)
    far = [tune_answers(f"improvement 0 {mean} 1")[0] for mean in (20.0, 29.9, 30.1, 40.0, 200.0)]
    logs = [one[0] for one in far]
    assert all(np.isfinite(one).all() for one in far) and logs == sorted(logs, reverse=True)
    assert logs[1] - logs[2] == pytest.approx(30 * 0.2, rel=0.01)
    assert [one[1] for one in far] == pytest.approx([-20, -29.9, -30.1, -40, -200], rel=0.01)


def test_losses_become_normal_as_scikit_learns_power_makes_them(tune_answers):
    losses = np.exp(RANDOM.normal(size=60))
    [ours] = tune_answers(f"normalize {len(losses)} " + " ".join(map(repr, map(float, losses))))
    start = (losses - losses.mean()) / losses.std()
    theirs = PowerTransformer().fit(start[:, None])
    nearest = round(theirs.lambdas_[0], 1)
    expected = yeojohnson(start, nearest)
    assert np.allclose(ours, (expected - expected.mean()) / expected.std())
    assert (np.argsort(ours) == np.argsort(losses)).all()
    assert np.ravel(tune_answers("normalize 3 7 7 7")).tolist() == [0, 0, 0]
