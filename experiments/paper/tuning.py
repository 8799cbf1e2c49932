"""The search for each method's settings, with equal coverage, on images that no table is made of.

Every row of Table 1 is searched along the axes of its space: each value of each setting, all others
at their defaults; then, in one or more rounds, likewise through the best, over all angles of the
stage and at each of them. So every value of every setting is tried for every row, some of them in
several surroundings; what lies off these lines is left out, and the record counts it.

For every angle those that did best nearest to it run longer, with several seeds, beside the common
setting. Its place takes only what is better by more than chance, seed by seed: the lower end of the
95 % interval of the difference lies above zero. Of several that are, the highest mean of *final*
accuracies less their standard deviation wins, since by the mean alone settings win that were lucky
with these seeds and fail with others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from statistics import fmean, stdev
from typing import Any

from priot.experiments.paper.chosen import Settings
from priot.experiments.paper.contenders import CONTENDERS, Contender
from priot.experiments.paper.effort import Effort, Space, Stage
from priot.experiments.paper.intervals import half_width
from priot.experiments.sweeps.groups import in_groups
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.sweep import run_sweep
from priot.experiments.sweeps.workers import Workers
from priot.experiments.training.inputs import Inputs


def defaults_of(contender: Contender, space: Space) -> Settings:
    """A contender's settings where none are chosen, of those that a space has."""
    usual = contender.configuration().to_json()
    return {name: usual[name] for name in space}


def lines_through(space: Space, settings: Settings) -> list[Settings]:
    """``settings``, and every other value of each setting with all others as they are."""
    return [settings] + [
        settings | {name: value}
        for name, values in space.items()
        for value in values
        if value != settings[name]
    ]


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
        if not contender.dynamic
    }
    scores = _first_stage(inputs, store, workers, tried, effort)
    return {
        bits: fmean(fmean(of_one[number].values()) for of_one in scores.values())
        for number, bits in enumerate(every)
    }


def search(
    inputs: Inputs, store: RunStore, workers: Workers, effort: Effort, common: int
) -> dict[str, Any]:
    """Search; returns for every contender the best settings by angle, and how every candidate did.

    Args:
        common: the learning-rate bits of the common setting.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    spaces = {contender: effort.spaces[contender.method] for contender in CONTENDERS}
    tried = {
        contender: lines_through(space, defaults_of(contender, space))
        for contender, space in spaces.items()
    }
    looked_at = effort.first.angles
    for _ in range(effort.rounds):
        for contender, scores in _first_stage(inputs, store, workers, tried, effort).items():
            settings = tried[contender]
            for angles in (looked_at, *((angle,) for angle in looked_at)):
                best = settings[_ranking(scores, angles)[0]]
                around = lines_through(spaces[contender], best)
                settings += [other for other in around if other not in settings]
    first = _first_stage(inputs, store, workers, tried, effort)
    finalists: dict[tuple[Contender, float], list[Settings]] = {}
    for contender, space in spaces.items():
        shared = defaults_of(contender, space) | {"learning_rate_bits": common}
        for angle in effort.last.angles:
            ranked = _ranking(first[contender], _nearest(angle, looked_at))
            best_first = [tried[contender][number] for number in ranked]
            others = [settings for settings in best_first if settings != shared]
            finalists[contender, angle] = [shared, *others[: effort.finalists]]
    trials = {
        (contender, angle): [(contender, settings, angle) for settings in of_angle]
        for (contender, angle), of_angle in finalists.items()
    }
    results = in_groups(
        trials, lambda every: _run(inputs, store, workers, every, effort.last, effort)
    )
    finals: dict[Contender, dict[str, list[tuple[Settings, list[float]]]]] = {}
    for (contender, angle), accuracies in results.items():
        rows = list(zip(finalists[contender, angle], accuracies, strict=True))
        finals.setdefault(contender, {})[f"{angle:g}"] = rows
    return {
        contender.name: {
            "best": {angle: winner(rows) for angle, rows in finals[contender].items()},
            "space": prod(len(values) for values in space.values()),
            "left_out": prod(len(values) for values in space.values()) - len(tried[contender]),
            "finalists": {
                angle: [
                    {
                        "settings": settings,
                        "mean": round(fmean(accuracies), 3),
                        "std": round(stdev(accuracies), 3),
                    }
                    for settings, accuracies in rows
                ]
                for angle, rows in finals[contender].items()
            },
            "candidates": [
                one | {"accuracy": {f"{angle:g}": round(a, 3) for angle, a in by_angle.items()}}
                for one, by_angle in zip(tried[contender], first[contender], strict=True)
            ],
        }
        for contender, space in spaces.items()
    }


def winner(finalists: Sequence[tuple[Settings, Sequence[float]]]) -> Settings:
    """The settings that win: the first, which are the common ones, unless others surely do better.

    ``finalists`` have their final accuracies by seed, in percent.
    """
    (common, usual), *others = finalists
    better = [
        (settings, accuracies)
        for settings, accuracies in others
        if _surely_above(accuracies, usual)
    ]
    if not better:
        return common
    return max(better, key=lambda one: fmean(one[1]) - stdev(one[1]))[0]


def _surely_above(accuracies: Sequence[float], others: Sequence[float]) -> bool:
    differences = [one - other for one, other in zip(accuracies, others, strict=True)]
    return fmean(differences) > half_width(differences)


Scores = list[dict[float, float]]  # of each candidate, final accuracy by angle
Trial = tuple[Contender, Settings, float]  # at an angle


def _first_stage(
    inputs: Inputs,
    store: RunStore,
    workers: Workers,
    tried: Mapping[Contender, list[Settings]],
    effort: Effort,
) -> dict[Contender, Scores]:
    angles = effort.first.angles
    trials = {
        (contender, number): [(contender, one, angle) for angle in angles]
        for contender, settings in tried.items()
        for number, one in enumerate(settings)
    }
    found = in_groups(
        trials, lambda every: _run(inputs, store, workers, every, effort.first, effort)
    )
    scores: dict[Contender, Scores] = {contender: [] for contender in tried}
    for (contender, _), by_angle in found.items():
        scores[contender].append(dict(zip(angles, map(fmean, by_angle), strict=True)))
    return scores


def _run(
    inputs: Inputs,
    store: RunStore,
    workers: Workers,
    trials: Sequence[Trial],
    stage: Stage,
    effort: Effort,
) -> list[list[float]]:
    """Of each trial (contender, settings, angle), the final accuracies by seed."""
    runs = {
        number: [
            contender.configuration(
                **settings,
                dataset=effort.dataset,
                angle=angle,
                images=stage.images,
                epochs=stage.epochs,
                measure_every=effort.measure_every,
                seed=seed,
            )
            for seed in stage.seeds
        ]
        for number, (contender, settings, angle) in enumerate(trials)
    }
    found = in_groups(runs, lambda every: run_sweep(every, inputs, store, workers))
    return [[record.accuracy_by_epoch[-1] for record in records] for records in found.values()]


def _ranking(scores: Scores, angles: Sequence[float]) -> list[int]:
    """Numbers of the candidates, the best over ``angles`` first."""
    means = [fmean(by_angle[angle] for angle in angles) for by_angle in scores]
    return sorted(range(len(means)), key=lambda number: -means[number])


def _nearest(angle: float, angles: Sequence[float]) -> list[float]:
    """Those of ``angles`` that are nearest to ``angle``."""
    least = min(abs(other - angle) for other in angles)
    return [other for other in angles if abs(other - angle) == least]
