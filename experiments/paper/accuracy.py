"""Table 1: accuracy of every method at every angle, before and after transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from statistics import fmean, stdev
from typing import Any

from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.contenders import NITI_DYNAMIC, NITI_STATIC, PRIOT, Contender
from priot.experiments.paper.fates import collapsed
from priot.experiments.paper.laboratory import Laboratory
from priot.experiments.records.runs import Run
from priot.experiments.sweeps.groups import flat, in_groups
from priot.experiments.training.configuration import Configuration
from priot.plots.accuracy import draw_accuracy

_Place = tuple[str, Contender | None, float]
"""Comparison, contender (None: the backbone as it is), and angle."""

COMPARISONS = {"paper": "One setting for all", "tuned": "Each at its best"}


def runs_of(
    laboratory: Laboratory, comparison: str, contender: Contender, angle: float, **further: Any
) -> list[Configuration]:
    """One configuration per seed; ``further`` settings replace those of the comparison."""
    chosen = laboratory.settings
    settings = chosen.tuned(contender, angle) if comparison == "tuned" else chosen.common()
    if comparison == "paper" and not contender.dynamic:
        settings = settings | {"calibration": laboratory.scope.calibration}
    settings = settings | {"angle": angle} | further
    return [
        contender.configuration(**laboratory.scope.settings(seed=seed, **settings))
        for seed in laboratory.scope.seeds
    ]


def accuracy(laboratory: Laboratory) -> Artefact:
    """Carry out all runs of Table 1 and make it.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    scope = laboratory.scope
    groups = {
        (comparison, contender, angle): runs_of(laboratory, comparison, contender, angle)
        for comparison in COMPARISONS
        for angle in scope.angles
        for contender in laboratory.contenders(comparison)
    }
    records = in_groups(groups, laboratory.run)
    rows, runs = [], dict[_Place, list[float]]()
    for (comparison, contender, angle), of_group in records.items():
        histories = [record.accuracy_by_epoch for record in of_group]
        if contender is NITI_DYNAMIC:
            rows.append(_before(laboratory, comparison, angle, of_group))
            runs[comparison, None, angle] = [history[0] for history in histories]
        rows.append(_row(laboratory, comparison, contender, angle, of_group))
        runs[comparison, contender, angle] = [history[-1] for history in histories]
    return Artefact(
        "accuracy",
        f"Accuracy on rotated images ({laboratory.label}): {scope.images:,} images to train on, "
        f"{records[next(iter(records))][0].test_images:,} to measure on, "
        f"{scope.epochs} epochs, mean and standard deviation over {len(scope.seeds)} seeds; in the "
        f"figure mean, worst and best.",
        rows,
        laboratory.made_with(flat(groups)),
        lambda path: draw_accuracy(_panels(runs), path),
        scope.network,
    )


def summary(records: Sequence[Run]) -> dict[str, Any]:
    """Final and best accuracy over seeds, in percent, and the share of runs that collapsed."""
    histories = [record.accuracy_by_epoch for record in records]
    finals, bests = [history[-1] for history in histories], [max(history) for history in histories]
    return {
        "seeds": len(records),
        "final_mean": round(fmean(finals), 3),
        "final_std": round(_spread(finals), 3),
        "best_mean": round(fmean(bests), 3),
        "best_std": round(_spread(bests), 3),
        "collapsed_share": round(100 * fmean(map(collapsed, records)), 1),
    }


def _spread(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def _row(
    laboratory: Laboratory,
    comparison: str,
    contender: Contender,
    angle: float,
    records: Sequence[Run],
) -> dict[str, Any]:
    configuration = records[0].configuration
    return {
        **laboratory.subject,
        "comparison": comparison,
        "method": contender.method,
        "scored_fraction": contender.scored_fraction,
        "selection": contender.selection,
        "trained_layers": contender.trained_layers,
        "angle": angle,
        **summary(records),
        **{
            name: configuration.get(name)
            for name in ("learning_rate_bits", "threshold", "score_spread", "rounding")
        },
        "calibration": configuration.get("calibration"),
    }


def _before(
    laboratory: Laboratory, comparison: str, angle: float, records: Sequence[Run]
) -> dict[str, Any]:
    """The backbone as it is: what NITI dynamic starts from."""
    before = [replace(record, right=record.right[:1]) for record in records]
    row = _row(laboratory, comparison, NITI_DYNAMIC, angle, before)
    settings = ("learning_rate_bits", "threshold", "score_spread", "rounding", "calibration")
    return row | {"method": "none", "collapsed_share": 0.0} | dict.fromkeys(settings)


def label_of(row: Mapping[str, Any]) -> str:
    """A row's method as readers know it."""
    if row["method"] == "none":
        return "before transfer"
    return Contender(**{field.name: row[field.name] for field in fields(Contender)}).label


def _panels(runs: Mapping[_Place, Sequence[float]]) -> list[dict[str, Any]]:
    """What ``draw_accuracy`` takes: the final accuracies of runs, by comparison."""
    panels = []
    for comparison, title in COMPARISONS.items():
        mine = {place: values for place, values in runs.items() if place[0] == comparison}
        angles = sorted({angle for _, _, angle in mine})
        series = [
            _named(contender) | {"values": [mine[comparison, contender, at] for at in angles]}
            for contender in dict.fromkeys(contender for _, contender, _ in mine)
        ]
        panels.append({"title": title, "angles": angles, "series": series})
    return panels


def _named(contender: Contender | None) -> dict[str, Any]:
    """Label, family, and name within it; of no family is what all others are compared with."""
    if contender is None:
        return {"label": "before transfer"}
    named: dict[str, Any] = {"label": contender.label}
    if contender.scored_fraction is not None:
        share = f"{100 * contender.scored_fraction:g} %"
        return named | {"family": f"PRIOT-S {contender.selection}", "short": share}
    if contender in (NITI_STATIC, PRIOT):
        return named | {"emphasis": contender == PRIOT}
    name, _, layers = contender.label.partition(", ")
    everything = "all layers" if contender.method == NITI_DYNAMIC.method else name.split()[-1]
    return named | {"family": name, "short": layers or everything}
