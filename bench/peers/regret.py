"""PEER DATA TABLES OUT: what a peer finds on the objectives of bench/regret, forty evaluations a seed.

Adds to OUT, a JSON file {"objectives": what they were recorded on, peer: {"version": ..., objective:
[a trajectory a seed]}}; a trajectory is the evaluations (from 1) at which the best loss so far fell,
with that loss. Each peer is used with its own settings, given no more than the ranges, their scales
and the seed. Runs that are there are kept. Its packages are no part of the bench's own, where they
need more than that may install: `optuna torch`, `scikit-optimize`, `smac`.
"""

import json
import os
import pathlib
import sys
import warnings
from importlib import metadata

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from regret import objectives  # noqa: E402

EVALUATIONS, SEEDS = 40, 20


def optuna_with(sampler_of):
    def run(surrogate, seed, tell):
        import optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)

        def suggest(trial, one):
            if isinstance(one, objectives.Choice):
                return trial.suggest_categorical(one.name, one.choices)
            suggest = trial.suggest_int if one.whole else trial.suggest_float
            return suggest(one.name, one.low, one.high, log=one.log)

        def objective(trial):
            return tell({one.name: suggest(trial, one) for one in surrogate.objective.space})

        optuna.create_study(sampler=sampler_of(optuna.samplers, seed)).optimize(objective, EVALUATIONS)
    return run


def scikit_optimize(surrogate, seed, tell):
    import skopt

    def dimension(one):
        if isinstance(one, objectives.Choice):
            return skopt.space.Categorical(one.choices, name=one.name)
        kind = skopt.space.Integer if one.whole else skopt.space.Real
        return kind(one.low, one.high, "log-uniform" if one.log else "uniform", name=one.name)

    space = surrogate.objective.space
    skopt.gp_minimize(lambda values: tell({one.name: value for one, value in zip(space, values)}),
                      [dimension(one) for one in space], n_calls=EVALUATIONS, random_state=seed)


def smac(surrogate, seed, tell):
    import ConfigSpace
    import logging
    import tempfile
    from smac import HyperparameterOptimizationFacade as Facade, Scenario

    def dimension(one):
        if isinstance(one, objectives.Choice):
            return ConfigSpace.Categorical(one.name, list(one.choices))
        return (ConfigSpace.Integer if one.whole else ConfigSpace.Float)(one.name, (one.low, one.high), log=one.log)

    space = ConfigSpace.ConfigurationSpace(seed=seed)
    space.add([dimension(one) for one in surrogate.objective.space])
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(space, deterministic=True, n_trials=EVALUATIONS, seed=seed, output_directory=folder)
        Facade(scenario, lambda config, seed=0: tell(dict(config)), overwrite=True,
               logging_level=logging.ERROR).optimize()


PEERS = {
    "optuna-tpe": ("optuna", optuna_with(lambda samplers, seed: samplers.TPESampler(seed=seed))),
    "optuna-gp": ("optuna", optuna_with(lambda samplers, seed: samplers.GPSampler(seed=seed))),
    "scikit-optimize-gp": ("scikit-optimize", scikit_optimize),
    "smac": ("smac", smac),
}


def trajectory(run, surrogate, seed):
    best, told = [], []

    def tell(values):
        loss = surrogate(values)
        told.append(loss)
        if not best or loss < best[-1][1]:
            best.append([len(told), float(f"{loss:.6g}")])
        return loss

    run(surrogate, seed, tell)
    if len(told) != EVALUATIONS:
        raise SystemExit(f"{len(told)} evaluations instead of {EVALUATIONS}")
    return best


def main():
    warnings.simplefilter("ignore")
    name, data, tables, out = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    package, run = PEERS[name]
    found = json.loads(out.read_text()) if out.exists() else {}
    mine = found.setdefault(name, {"version": f"{package} {metadata.version(package)}"})
    surrogates = objectives.surrogates(data, tables)
    found["objectives"] = {one.objective.name: one.mark for one in surrogates}
    for seed in range(SEEDS):
        for surrogate in surrogates:
            there = mine.setdefault(surrogate.objective.name, [])
            if len(there) == seed:
                there.append(trajectory(run, surrogate, seed))
                part = out.with_suffix(".part")
                part.write_text(json.dumps(found))
                os.replace(part, out)


main()
