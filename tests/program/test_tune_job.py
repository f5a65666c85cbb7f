"""`lathe job tune`: the next configuration of studies that are odd in every way."""

import json
import subprocess

import numpy as np
import pytest

SPACE = [{"Kind": 0, "Scaling": 0, "Low": 0, "High": 1}, {"Kind": 1, "Scaling": 1, "Low": 1, "High": 100},
         {"Kind": 2, "Scaling": 0, "Choices": 3}]
RANDOM = np.random.default_rng(4)
VALUES = [[float(RANDOM.random()), float(RANDOM.integers(1, 101)), float(RANDOM.integers(0, 3))] for _ in range(12)]


def trial(values, loss=None, pending=False):
    return {"Values": values, "Pending": pending, **({} if loss is None else {"Loss": loss})}


STUDIES = {
    "nothing": [],
    "constant": [trial(values, 7.0) for values in VALUES],
    "all failed": [trial(values) for values in VALUES],
    "some failed": [trial(values, values[0] if i % 2 else None) for i, values in enumerate(VALUES)],
    "a cliff": [trial(values, 1e30 if values[0] > 0.5 else values[0]) for values in VALUES],
    "the same again": [trial(VALUES[0], 1.0 + i / 100) for i in range(12)],
    "all pending": [trial(values, pending=True) for values in VALUES],
    "some pending": [trial(values, values[0], pending=i > 8) for i, values in enumerate(VALUES)],
    "many": [trial([float(u), 5.0, 1.0], float(u) ** 2) for u in RANDOM.random(300)],
}


@pytest.fixture
def ask(lathe, tmp_path):
    def ask(trials, space=SPACE, seed=1):
        (tmp_path / "study.json").write_text(json.dumps({"Space": space, "Seed": seed, "Trials": trials}))
        done = subprocess.run([lathe, "job", "tune", tmp_path], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["Values"]
    return ask


@pytest.mark.parametrize("trials", STUDIES.values(), ids=STUDIES.keys())
def test_there_is_always_a_next_one_in_the_space_and_it_is_new(ask, trials):
    u, integer, category = ask(trials)
    assert 0 <= u <= 1 and integer in range(1, 101) and category in range(3)
    assert [u, integer, category] not in [one["Values"] for one in trials]
    assert ask(trials) == [u, integer, category]


def test_parallel_trials_differ(ask):
    trials = [trial(values, values[0]) for values in VALUES]
    chosen = []
    for _ in range(4):
        chosen.append(ask(trials + [trial(values, pending=True) for values in chosen]))
    assert len({str(values) for values in chosen}) == 4


@pytest.mark.parametrize("noise, share", [(0, 0.1), (0.02, 0.5)])  # noise as large as what chance finds
def test_a_valley_is_found_in_fewer_trials_than_chance_needs(ask, noise, share):
    space, chance, trials = SPACE[:1] * 3, np.random.default_rng(8), []

    def loss(values):
        return float(np.sum((np.array(values) - 0.3) ** 2))

    for _ in range(16):
        values = ask(trials, space)
        trials.append(trial(values, loss(values) + noise * chance.normal()))
    best = min(loss(one["Values"]) for one in trials)
    by_chance = [min(loss(values) for values in chance.random((16, 3))) for _ in range(200)]
    assert best < np.quantile(by_chance, share)
