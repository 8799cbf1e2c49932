"""The search for each method's settings, with equal effort, on images that no table is made of.

First every candidate, the defaults among them, is tried for a few epochs, with one seed at a few
angles; then, in one or more rounds, the neighbours of the best, over all these angles and at each
of them: one setting moved by one step. For every angle those that did best nearest to it run longer
or with several seeds.
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

from experiments.paper.chosen import Settings
from experiments.paper.contenders import CONTENDERS, Contender
from experiments.paper.effort import Effort, Space, Stage
from experiments.sweeps.store import RunStore
from experiments.sweeps.sweep import run_sweep
from experiments.sweeps.workers import Workers
from experiments.training.inputs import Inputs
from experiments.training.train import accuracy_by_epoch


def candidates(contender: Contender, effort: Effort) -> list[Settings]:
    """The defaults with every learning rate, and some drawn from a contender's whole space.

    So the common setting of the paper's comparison is always among them.
    """
    space = effort.spaces[contender.method]
    every = [dict(zip(space, values, strict=True)) for values in product(*space.values())]
    drawn = set(np.random.default_rng(0).permutation(len(every))[: effort.candidates].tolist())
    usual = contender.configuration().to_json()
    return [
        settings
        for place, settings in enumerate(every)
        if place in drawn
        or all(usual[name] == settings[name] for name in settings if name != "learning_rate_bits")
    ]


def neighbours(space: Space, settings: Settings) -> list[Settings]:
    """Settings of ``space`` that differ in one value, by one step."""
    found = []
    for name, values in space.items():
        place = values.index(settings[name])
        for step in (place - 1, place + 1):
            if 0 <= step < len(values):
                found.append(settings | {name: values[step]})
    return found


def common_bits(
    inputs: Inputs, store: RunStore, workers: Workers, effort: Effort
) -> dict[int, float]:
    """Mean accuracy of all contenders with static scales by learning-rate bits that all share.

    The best of them is the common setting of the paper's comparison: a compromise among all static
    methods, whoever wins with it. Everything else is at its default.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    every = effort.spaces["niti-static"]["learning_rate_bits"]
    tried = {
        contender: [{"learning_rate_bits": bits} for bits in every]
        for contender in CONTENDERS
        if contender.static
    }
    scores = _first_stage(inputs, store, workers, tried, effort)
    return {
        bits: fmean(fmean(of_one[number].values()) for of_one in scores.values())
        for number, bits in enumerate(every)
    }


def search(inputs: Inputs, store: RunStore, workers: Workers, effort: Effort) -> dict[str, Any]:
    """Search; returns for every contender the best settings by angle, and how every candidate did.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    tried = {contender: candidates(contender, effort) for contender in CONTENDERS}
    looked_at = effort.first.angles
    for _ in range(effort.rounds):
        for contender, scores in _first_stage(inputs, store, workers, tried, effort).items():
            settings, space = tried[contender], effort.spaces[contender.method]
            for angles in (looked_at, *((angle,) for angle in looked_at)):
                best = settings[_ranking(scores, angles)[0]]
                settings += [other for other in neighbours(space, best) if other not in settings]
    first = _first_stage(inputs, store, workers, tried, effort)
    trials = [
        (contender, tried[contender][number], angle)
        for contender in CONTENDERS
        for angle in effort.last.angles
        for number in _ranking(first[contender], _nearest(angle, looked_at))[: effort.finalists]
    ]
    results = _run(inputs, store, workers, trials, effort, effort.last)
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
            "space": prod(len(values) for values in effort.spaces[contender.method].values()),
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
    effort: Effort,
) -> dict[Contender, Scores]:
    trials = [
        (contender, one, angle)
        for contender, settings in tried.items()
        for one in settings
        for angle in effort.first.angles
    ]
    results = iter(_run(inputs, store, workers, trials, effort, effort.first))
    return {
        contender: [
            {angle: fmean(next(results)) for angle in effort.first.angles} for _ in settings
        ]
        for contender, settings in tried.items()
    }


def _run(
    inputs: Inputs,
    store: RunStore,
    workers: Workers,
    trials: Sequence[tuple[Contender, Settings, float]],
    effort: Effort,
    stage: Stage,
) -> list[list[float]]:
    """Of each trial (contender, settings, angle), the final accuracies by seed."""
    configurations = [
        contender.configuration(
            **settings,
            dataset=effort.dataset,
            angle=angle,
            images=stage.images,
            epochs=stage.epochs,
            measure_every=effort.measure_every,
            seed=seed,
        )
        for contender, settings, angle in trials
        for seed in stage.seeds
    ]
    records = iter(run_sweep(configurations, inputs, store, workers))
    return [[accuracy_by_epoch(next(records))[-1] for _ in stage.seeds] for _ in trials]


def _ranking(scores: Scores, angles: Sequence[float]) -> list[int]:
    """Numbers of the candidates, the best over ``angles`` first."""
    means = [fmean(by_angle[angle] for angle in angles) for by_angle in scores]
    return sorted(range(len(means)), key=lambda number: -means[number])


def _nearest(angle: float, angles: Sequence[float]) -> list[float]:
    """Those of ``angles`` that are nearest to ``angle``."""
    least = min(abs(other - angle) for other in angles)
    return [other for other in angles if abs(other - angle) == least]
