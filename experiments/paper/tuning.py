"""The search for each method's settings, with equal effort, on images that no table is made of.

It trains and measures on the embedded sample: MNIST training images that the backbone never saw.
First every candidate, the defaults among them, is tried for a few epochs, with one seed at a few
angles; then the neighbours of the best, over all these angles and at each of them: one setting
moved by one step. For every angle those that did best nearest to it run in full with several seeds.
The highest mean of *final* accuracies less their standard deviation wins: by the mean alone,
settings win that were lucky with these seeds and fail with others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from statistics import fmean, stdev
from typing import Any

import numpy as np

from experiments.paper.contenders import CONTENDERS, Contender
from experiments.paper.protocol import FULL
from experiments.sweeps.store import RunStore
from experiments.sweeps.sweep import run_sweep
from experiments.sweeps.workers import Workers
from experiments.training.inputs import Inputs
from experiments.training.train import accuracy_by_epoch

Settings = dict[str, Any]

CANDIDATES = 28  # drawn for every method; NITI with static scales has no more in its space
FIRST_ANGLES, FIRST_SEEDS, FIRST_EPOCHS = (30.0, 60.0, 90.0), (100,), 10
FINALISTS, FINAL_SEEDS = 4, (100, 101, 102, 103, 104)

Space = dict[str, tuple[Any, ...]]
_ROUNDING: Space = {"rounding": ("pseudo-stochastic", "nearest")}
_CALIBRATION: Space = {"calibration": ("rotated", "upright")}
_BITS: Space = {"learning_rate_bits": (1, 2, 3, 4, 5, 6, 7)}
_SCORES: Space = {
    "learning_rate_bits": (3, 4, 5, 6, 7),
    "threshold": (-96, -64, -32, -16, 0),
    "score_spread": (8, 16, 32, 48),
}
SPACES: dict[str, Space] = {
    "niti-dynamic": _BITS | _ROUNDING,
    "niti-static": _BITS | _ROUNDING | _CALIBRATION,
    "priot": _SCORES | _ROUNDING | _CALIBRATION,
    "priot-s": _SCORES | _ROUNDING | _CALIBRATION,
}


def candidates(contender: Contender) -> list[Settings]:
    """The defaults with every learning rate, and CANDIDATES drawn from a contender's whole space.

    So the common setting of the paper's comparison is always among them.
    """
    space = SPACES[contender.method]
    every = [dict(zip(space, values, strict=True)) for values in product(*space.values())]
    drawn = set(np.random.default_rng(0).permutation(len(every))[:CANDIDATES].tolist())
    usual = contender.configuration().to_json()
    return [
        settings
        for number, settings in enumerate(every)
        if number in drawn
        or all(usual[name] == settings[name] for name in settings if name != "learning_rate_bits")
    ]


def neighbours(contender: Contender, settings: Settings) -> list[Settings]:
    """Settings that differ in one value, by one step in the contender's space."""
    found = []
    for name, values in SPACES[contender.method].items():
        place = values.index(settings[name])
        for step in (place - 1, place + 1):
            if 0 <= step < len(values):
                found.append(settings | {name: values[step]})
    return found


def common_bits(inputs: Inputs, store: RunStore, workers: Workers) -> dict[int, float]:
    """Mean accuracy of all contenders with static scales by learning-rate bits that all share.

    The best of them is the common setting of the paper's comparison: a compromise among all static
    methods, whoever wins with it. Everything else is at its default.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    tried = {
        contender: [{"learning_rate_bits": bits} for bits in _BITS["learning_rate_bits"]]
        for contender in CONTENDERS
        if contender.static
    }
    scores = _first_stage(inputs, store, workers, tried)
    return {
        bits: fmean(fmean(of_one[number].values()) for of_one in scores.values())
        for number, bits in enumerate(_BITS["learning_rate_bits"])
    }


def search(inputs: Inputs, store: RunStore, workers: Workers) -> dict[str, Any]:
    """Search; returns for every contender the best settings by angle, and how every candidate did.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    tried = {contender: candidates(contender) for contender in CONTENDERS}
    for contender, scores in _first_stage(inputs, store, workers, tried).items():
        settings = tried[contender]
        for angles in (FIRST_ANGLES, *((angle,) for angle in FIRST_ANGLES)):
            best = settings[_ranking(scores, angles)[0]]
            settings += [other for other in neighbours(contender, best) if other not in settings]
    first = _first_stage(inputs, store, workers, tried)
    trials = [
        (contender, tried[contender][number], angle)
        for contender in CONTENDERS
        for angle in FULL.angles
        for number in _ranking(first[contender], _nearest(angle))[:FINALISTS]
    ]
    results = _run(inputs, store, workers, trials, FINAL_SEEDS, FULL.epochs)
    found: dict[str, Any] = {}
    for contender in CONTENDERS:
        finals: dict[str, list[dict[str, Any]]] = {}
        for (other, tuned, angle), accuracies in zip(trials, results, strict=True):
            if other == contender:
                score = {"mean": round(fmean(accuracies), 3), "std": round(stdev(accuracies), 3)}
                finals.setdefault(f"{angle:g}", []).append({"settings": tuned} | score)
        found[contender.name] = {
            "best": {
                angle: max(rows, key=lambda row: row["mean"] - row["std"])["settings"]
                for angle, rows in finals.items()
            },
            "space": prod(len(values) for values in SPACES[contender.method].values()),
            "finalists": finals,
            "candidates": [
                one | {"accuracy": {f"{angle:g}": round(a, 3) for angle, a in by_angle.items()}}
                for one, by_angle in zip(tried[contender], first[contender], strict=True)
            ],
        }
    return found


Scores = list[dict[float, float]]  # of each candidate, final accuracy by angle


def _first_stage(
    inputs: Inputs,
    store: RunStore,
    workers: Workers,
    tried: Mapping[Contender, list[Settings]],
) -> dict[Contender, Scores]:
    trials = [
        (contender, one, angle)
        for contender, settings in tried.items()
        for one in settings
        for angle in FIRST_ANGLES
    ]
    results = iter(_run(inputs, store, workers, trials, FIRST_SEEDS, FIRST_EPOCHS))
    return {
        contender: [{angle: fmean(next(results)) for angle in FIRST_ANGLES} for _ in settings]
        for contender, settings in tried.items()
    }


def _run(
    inputs: Inputs,
    store: RunStore,
    workers: Workers,
    trials: Sequence[tuple[Contender, Settings, float]],
    seeds: Sequence[int],
    epochs: int,
) -> list[list[float]]:
    """Of each trial (contender, settings, angle), the final accuracies by seed."""
    configurations = [
        contender.configuration(
            **settings, angle=angle, seed=seed, epochs=epochs, dataset="mnist-sample"
        )
        for contender, settings, angle in trials
        for seed in seeds
    ]
    records = iter(run_sweep(configurations, inputs, store, workers))
    return [[accuracy_by_epoch(next(records))[-1] for _ in seeds] for _ in trials]


def _ranking(scores: Scores, angles: Sequence[float]) -> list[int]:
    """Numbers of the candidates, the best over ``angles`` first."""
    means = [fmean(by_angle[angle] for angle in angles) for by_angle in scores]
    return sorted(range(len(means)), key=lambda number: -means[number])


def _nearest(angle: float) -> list[float]:
    """Those of the first stage's angles that are nearest to ``angle``."""
    least = min(abs(other - angle) for other in FIRST_ANGLES)
    return [other for other in FIRST_ANGLES if abs(other - angle) == least]
