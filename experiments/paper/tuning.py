"""The search for each method's settings, with equal effort, on images that no table is made of.

It trains and measures on the embedded sample: MNIST training images that the backbone never saw.
First every candidate is tried for a few epochs, with one seed at a few angles; then the neighbours
of the best two, one setting moved by one step. The best three of all run in full at every angle
with several seeds, and the one with the highest mean of *final* accuracies wins an angle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from statistics import fmean
from typing import Any

import numpy as np

from experiments.paper.protocol import FULL, VARIANTS, Variant
from experiments.sweeps.store import RunStore
from experiments.sweeps.sweep import run_sweep
from experiments.sweeps.workers import Workers
from experiments.training.inputs import Inputs
from experiments.training.train import accuracy_by_epoch

Settings = dict[str, Any]

CANDIDATES = 28  # of every method; NITI with static scales has no more in its space
FIRST_ANGLES, FIRST_SEEDS, FIRST_EPOCHS = (30.0, 60.0, 90.0), (100,), 10
REFINED = 2  # candidates whose neighbours are tried
FINALISTS, FINAL_SEEDS = 3, (100, 101, 102, 103, 104)

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


def candidates(variant: Variant) -> list[Settings]:
    """CANDIDATES settings drawn from a variant's space, or all where there are fewer."""
    space = SPACES[variant.method]
    every = [dict(zip(space, values, strict=True)) for values in product(*space.values())]
    drawn = np.random.default_rng(0).permutation(len(every))[:CANDIDATES]
    return [every[index] for index in sorted(drawn)]


def neighbours(variant: Variant, settings: Settings) -> list[Settings]:
    """Settings that differ in one value, by one step in the variant's space."""
    found = []
    for name, values in SPACES[variant.method].items():
        place = values.index(settings[name])
        for step in (place - 1, place + 1):
            if 0 <= step < len(values):
                found.append(settings | {name: values[step]})
    return found


def common_bits(inputs: Inputs, store: RunStore, workers: Workers) -> dict[int, float]:
    """Mean accuracy of all variants with static scales by learning-rate bits that all share.

    The best of them is the common setting of the paper's comparison: a compromise among all static
    methods, whoever wins with it. Everything else is at its default.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    tried: dict[Variant, list[Settings]] = {
        variant: [{"learning_rate_bits": bits} for bits in _BITS["learning_rate_bits"]]
        for variant in VARIANTS
        if variant.static
    }
    scores = _measure(inputs, store, workers, tried, FIRST_ANGLES, FIRST_SEEDS, FIRST_EPOCHS)
    return {
        bits: fmean(fmean(of_one[number].values()) for of_one in scores.values())
        for number, bits in enumerate(_BITS["learning_rate_bits"])
    }


def search(inputs: Inputs, store: RunStore, workers: Workers) -> dict[str, Any]:
    """Search; returns for every variant the best settings by angle, and how every candidate did.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    tried = {variant: candidates(variant) for variant in VARIANTS}
    first = _measure(inputs, store, workers, tried, FIRST_ANGLES, FIRST_SEEDS, FIRST_EPOCHS)
    for variant, settings in tried.items():
        for one in _best(first[variant], settings)[:REFINED]:
            settings += [other for other in neighbours(variant, one) if other not in settings]
    first = _measure(inputs, store, workers, tried, FIRST_ANGLES, FIRST_SEEDS, FIRST_EPOCHS)
    finalists = {
        variant: _best(first[variant], settings)[:FINALISTS] for variant, settings in tried.items()
    }
    final = _measure(inputs, store, workers, finalists, FULL.angles, FINAL_SEEDS, FULL.epochs)
    return {
        variant.name: {
            "best": {
                f"{angle:g}": max(
                    zip(finalists[variant], final[variant], strict=True),
                    key=lambda pair: pair[1][angle],
                )[0]
                for angle in FULL.angles
            },
            "finalists": _table(finalists[variant], final[variant]),
            "candidates": _table(tried[variant], first[variant]),
        }
        for variant in VARIANTS
    }


Scores = list[dict[float, float]]  # of each candidate, mean final accuracy by angle


def _measure(
    inputs: Inputs,
    store: RunStore,
    workers: Workers,
    tried: Mapping[Variant, list[Settings]],
    angles: Sequence[float],
    seeds: Sequence[int],
    epochs: int,
) -> dict[Variant, Scores]:
    places = [
        (variant, number, angle)
        for variant, settings in tried.items()
        for number in range(len(settings))
        for angle in angles
    ]
    configurations = [
        variant.configuration(
            **tried[variant][number], angle=angle, seed=seed, epochs=epochs, dataset="mnist-sample"
        )
        for variant, number, angle in places
        for seed in seeds
    ]
    records = iter(run_sweep(configurations, inputs, store, workers))
    scores: dict[Variant, Scores] = {
        variant: [{} for _ in settings] for variant, settings in tried.items()
    }
    for variant, number, angle in places:
        finals = [accuracy_by_epoch(next(records))[-1] for _ in seeds]
        scores[variant][number][angle] = fmean(finals)
    return scores


def _best(scores: Scores, settings: list[Settings]) -> list[Settings]:
    means = [fmean(by_angle.values()) for by_angle in scores]
    return [settings[n] for n in sorted(range(len(means)), key=lambda n: -means[n])]


def _table(settings: list[Settings], scores: Scores) -> list[dict[str, Any]]:
    return [
        one | {"accuracy": {f"{angle:g}": round(a, 3) for angle, a in by_angle.items()}}
        for one, by_angle in zip(settings, scores, strict=True)
    ]
