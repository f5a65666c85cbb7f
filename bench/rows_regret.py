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
    drawn = random.integers(0, ranked.shape[1], (RESAMPLED, *ranked.shape))
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
    """Names and final losses, an array of seeds for each objective: the seeds that all have."""
    told = json.loads(PEERS.read_text())
    marks = told.pop("objectives")
    for one in surrogates:
        bench.check(abs(one.mark - marks[one.objective.name]) < 1e-3,
                    f"{one.objective.name}: the peers were recorded on other losses than this machine's")
    found = {}
    for name, runs in told.items():
        all_runs = [runs.get(one.objective.name, []) for one in surrogates]
        seeds = min(map(len, all_runs))
        found[f"{name} ({runs['version']})"] = np.array([[recorded(run)[-1] for run in some[:seeds]]
                                                        for some in all_runs])
    return found


def beside(bench, name, mine, theirs):
    """The ends of the intervals that face each other, where the two are ranked on the same seeds."""
    seeds = theirs.shape[1]
    both = ranks(np.array([mine[:, :seeds], theirs]))
    (low, high), (their_low, their_high) = map(interval, both)
    bench.note(f"{name}, {seeds} seeds: mean rank {both[1].mean():.2f} ({their_low:.2f} to {their_high:.2f}), "
               f"lathe's beside it {both[0].mean():.2f} ({low:.2f} to {high:.2f}), by objective "
               + " ".join(f"{mean:.1f}" for mean in both[0].mean(axis=1)))
    return high, their_low


@rows(Row("tune-regret", 1, "time", "mean rank",
          f"rank, of two, of the best loss in {EVALUATIONS} evaluations: the 95 % interval's upper end",
          "the nearest peer's lower end"),
      Row("tune-regret-random", 3, "rate", "evaluations", "random search for the loss that we find, in the "
          "median of eight objectives", f"Bayesian search: {EVALUATIONS}"))
def regret(bench):
    surrogates = objectives.surrogates(bench.data(""), bench.scratch.parent / "regret")
    others = peers(bench, surrogates)
    best = ours(bench.binary, surrogates)[:, :, -1]
    mine = np.array([[float(f"{loss:.6g}") for loss in seeds] for seeds in best])  # as recorded
    pairs = [beside(bench, name, mine, theirs) for name, theirs in others.items()]
    factors = [random_factor(surrogate, one) for surrogate, one in zip(surrogates, best)]
    bench.note("random search needs so many times the evaluations (69: or more): " + ", ".join(
        f"{surrogate.objective.name} {factor:.0f}" for surrogate, factor in zip(surrogates, factors)))
    yield {"tune-regret": min(pairs, key=lambda pair: pair[1] / pair[0]),
           "tune-regret-random": (float(np.median(factors)) * EVALUATIONS, EVALUATIONS)}
