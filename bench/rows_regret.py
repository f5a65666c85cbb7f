"""How good what a Bayesian tuning job finds is, beside other programs' samplers."""

import concurrent.futures
import json
import os
import pathlib

import numpy as np

from harness import Row, rows
from regret import objectives, search

PEERS = pathlib.Path(__file__).resolve().parent / "regret/peers.json"
EVALUATIONS, SEEDS, RESAMPLED, RANDOM = 40, 20, 10_000, 4_000


def recorded(trajectory):
    """The best loss after each evaluation."""
    best, falls = np.empty(EVALUATIONS), trajectory + [[EVALUATIONS + 1, None]]
    for (at, loss), (until, _) in zip(falls, falls[1:]):
        best[at - 1:until - 1] = loss
    return best


def ours_on(binary, surrogate):
    one = search.Search(binary, surrogate.objective.space)
    try:
        return [search.trajectory(one, surrogate, seed, EVALUATIONS) for seed in range(SEEDS)]
    finally:
        one.close()


def ours(binary, surrogates):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.array(list(pool.map(lambda one: ours_on(binary, one), surrogates)))


def ranks(losses):
    """Of each strategy (a row) on each objective and seed; those that are equal share theirs."""
    below = (losses[:, None] > losses[None]).sum(axis=1)
    equal = (losses[:, None] == losses[None]).sum(axis=1)
    return below + (equal + 1) / 2


def interval(ranked):
    """The 95 % bootstrap interval of a mean rank: seeds are drawn anew within each objective."""
    random = np.random.default_rng(5)
    drawn = random.integers(0, SEEDS, (RESAMPLED, *ranked.shape))
    means = np.take_along_axis(ranked[None], drawn, axis=2).mean(axis=(1, 2))
    return np.quantile(means, [0.025, 0.975])


def random_factor(surrogate, best):
    """How many times the evaluations random search needs, in the median of runs, for the loss that we
    have in the median of ours."""
    random, space = np.random.default_rng(6), surrogate.objective.space
    losses = np.array([surrogate(objectives.values_at(surrogate.objective, place))
                       for place in random.uniform(size=(RANDOM, len(space)))])
    share = (losses <= np.median(best)).mean()
    needed = np.log(0.5) / np.log1p(-max(share, 1 / RANDOM))
    return needed / EVALUATIONS


def peers(bench, surrogates):
    """Names and final losses of those that were recorded whole."""
    told = json.loads(PEERS.read_text())
    marks = told.pop("objectives")
    for one in surrogates:
        bench.check(abs(one.mark - marks[one.objective.name]) < 1e-3,
                    f"{one.objective.name}: the peers were recorded on other losses than this machine's")
    found = {}
    for name, runs in told.items():
        counts = {len(runs.get(one.objective.name, [])) for one in surrogates}
        if counts == {SEEDS}:
            found[f"{name} ({runs['version']})"] = [[recorded(run)[-1] for run in runs[one.objective.name]]
                                                    for one in surrogates]
        else:
            bench.note(f"{name} is not counted: of its runs not all were recorded")
    return found


@rows(Row("tune-regret", 1, "time", "mean rank",
          f"rank of the best loss in {EVALUATIONS} evaluations, the mean's 95 % interval's upper end",
          "the nearest peer's lower end"),
      Row("tune-regret-random", 3, "rate", "evaluations", "random search for the loss that we find, in the median of "
          "eight objectives", f"Bayesian search: {EVALUATIONS}"))
def regret(bench):
    surrogates = objectives.surrogates(bench.data(""), bench.scratch.parent / "regret")
    others = peers(bench, surrogates)
    best = ours(bench.binary, surrogates)[:, :, -1]
    # Losses were recorded with six digits.
    ranked = ranks(np.array([[[float(f"{loss:.6g}") for loss in seeds] for seeds in one]
                             for one in (best, *others.values())]))
    intervals = [interval(one) for one in ranked]
    for name, one, (low, high) in zip(("lathe", *others), ranked, intervals):
        bench.note(f"{name}: mean rank {one.mean():.2f} ({low:.2f} to {high:.2f}); by objective "
                   + " ".join(f"{mean:.1f}" for mean in one.mean(axis=1)))
    factors = [random_factor(surrogate, one) for surrogate, one in zip(surrogates, best)]
    bench.note("random search needs so many times the evaluations (69: or more): " + ", ".join(
        f"{surrogate.objective.name} {factor:.0f}" for surrogate, factor in zip(surrogates, factors)))
    nearest = min(low for low, _ in intervals[1:])
    yield {"tune-regret": (intervals[0][1], nearest),
           "tune-regret-random": (float(np.median(factors)) * EVALUATIONS, EVALUATIONS)}
