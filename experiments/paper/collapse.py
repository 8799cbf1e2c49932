"""Where static scales collapse: a map over learning rate, scale of the logits, rule and angle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from experiments.paper.artefact import Artefact
from experiments.paper.contenders import NITI_STATIC, PRIOT, Contender
from experiments.paper.fates import CLASSES, collapsed
from experiments.paper.laboratory import Laboratory
from experiments.training.calibration import CALIBRATIONS
from experiments.training.configuration import Configuration
from experiments.training.train import accuracy_by_epoch
from kernels.model import INPUT_EXPONENT
from plots.collapse import draw_collapse

MAPPED = (NITI_STATIC, PRIOT)
PAPERS_GAP = (8.08, 33.75)  # points of PRIOT above static-scale baselines (Anada et al., abstract)
HEADROOMS = (0, -1, -2, -3)  # of the logits, one panel each
RULE_BITS = (5,)  # learning-rate bits at which all calibration rules are compared
OVERFLOWED = 50.0  # percent of the test images' logits that are saturated


def collapse(laboratory: Laboratory) -> Artefact:
    """Carry out the runs of the map and make it.

    Raises:
        UserError: as ``run_sweep`` does.
    """
    scope = laboratory.scope
    rules = list(CALIBRATIONS)
    cells = [
        *(
            (contender, rules[0], headroom, bits, angle)
            for contender in MAPPED
            for headroom in HEADROOMS
            for bits in scope.map_bits
            for angle in scope.angles
        ),
        *(
            (contender, rule, 0, bits, angle)
            for contender in MAPPED
            for rule in rules[1:]
            for bits in RULE_BITS
            for angle in scope.angles
        ),
    ]
    groups = {cell: _runs(laboratory, *cell) for cell in cells}
    configurations = [configuration for group in groups.values() for configuration in group]
    found = iter(laboratory.run(configurations))
    rows = []
    runs: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for (contender, rule, headroom, bits, angle), group in groups.items():
        records = [next(found) for _ in group]
        exponents = [_logit_exponent(record, laboratory) for record in records]
        rows.append(
            {
                **laboratory.subject,
                "method": contender.method,
                "calibration": rule,
                "logit_headroom": headroom,
                "learning_rate_bits": bits,
                "angle": angle,
                "seeds": len(records),
                "final_mean": round(fmean(accuracy_by_epoch(r)[-1] for r in records), 3),
                "best_mean": round(fmean(max(accuracy_by_epoch(r)) for r in records), 3),
                "collapsed_share": round(100 * fmean(map(collapsed, records)), 1),
                "overflowed_share": round(100 * fmean(map(overflowed, records)), 1),
                "saturated_final": round(fmean(_saturated(r)[-1] for r in records), 3),
                "logit_exponents": " ".join(map(str, exponents)),
            }
        )
        if rule == rules[0]:
            for exponent, record in zip(exponents, records, strict=True):
                runs.setdefault((contender.method, exponent), []).append(record)
    return Artefact(
        "collapse",
        f"Final accuracy over learning-rate bits and angle ({laboratory.label}; mean of "
        f"{len(scope.map_seeds)} seeds, {scope.map_test_images:,} test images), for static scales "
        "of the logits as calibrated and up to 3 bits smaller; a bar along a cell's bottom shows "
        "the share of its runs that collapsed.",
        rows,
        laboratory.record(configurations)
        | {
            "gaps": gaps(rows),
            "by_logit_exponent": [
                {"method": method, "logit_exponent": exponent, **_fates(runs[method, exponent])}
                for method, exponent in sorted(runs)
            ],
        },
        lambda path: _draw(rows, path),
        scope.network,
    )


def overflowed(record: Mapping[str, Any]) -> bool:
    """At the end of some epoch at least OVERFLOWED percent of the logits were saturated."""
    return max(_saturated(record)) >= OVERFLOWED


def _saturated(record: Mapping[str, Any]) -> list[float]:
    """Saturated logits of the test images by epoch, in percent."""
    configuration = record["configuration"]
    logits = configuration["test_images"] * CLASSES
    return [100 * count / logits for count in record["saturated_logits"]]


def _logit_exponent(record: Mapping[str, Any], laboratory: Laboratory) -> int:
    """A run's logits are int8 times two to this power: what its static scales come to."""
    model = laboratory.inputs.backbone.model
    shifts: list[int] = [scale["forward"] for scale in record["scales"].values()]
    return INPUT_EXPONENT + sum(model.exponents.values()) + sum(shifts)


def _fates(records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    lost = [record for record in records if collapsed(record)]
    return {
        "runs": len(records),
        "collapsed": len(lost),
        "collapsed_overflowed": sum(map(overflowed, lost)),
        "stable_overflowed": sum(map(overflowed, records)) - sum(map(overflowed, lost)),
    }


def gaps(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """PRIOT less static NITI for each rule and headroom, over learning-rate bits and angles.

    Counts cells by their gap in points of final accuracy, and for each method the cells in which no
    run collapsed.
    """
    cells: dict[tuple[str, int], dict[tuple[int, float], dict[str, Mapping[str, Any]]]] = {}
    for row in rows:
        of_rule = cells.setdefault((row["calibration"], row["logit_headroom"]), {})
        place = (row["learning_rate_bits"], row["angle"])
        of_rule.setdefault(place, {})[row["method"]] = row
    return [
        {"calibration": rule, "logit_headroom": headroom, **_count(list(of_rule.values()))}
        for (rule, headroom), of_rule in cells.items()
    ]


def _count(cells: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, int]:
    pairs = [(cell[PRIOT.method], cell[NITI_STATIC.method]) for cell in cells]
    differences = [priot["final_mean"] - niti["final_mean"] for priot, niti in pairs]
    low, high = PAPERS_GAP
    return {
        "cells": len(pairs),
        "priot_behind": sum(gap < -1 for gap in differences),
        "within_1_point": sum(-1 <= gap <= 1 for gap in differences),
        "ahead_less_than_paper": sum(1 < gap < low for gap in differences),
        "ahead_as_in_paper": sum(low <= gap <= high for gap in differences),
        "ahead_more_than_paper": sum(gap > high for gap in differences),
        "stable_priot": sum(priot["collapsed_share"] == 0 for priot, _ in pairs),
        "stable_niti_static": sum(niti["collapsed_share"] == 0 for _, niti in pairs),
    }


def _runs(
    laboratory: Laboratory, contender: Contender, rule: str, headroom: int, bits: int, angle: float
) -> list[Configuration]:
    scope = laboratory.scope
    return [
        contender.configuration(
            **scope.settings(
                angle=angle,
                seed=seed,
                learning_rate_bits=bits,
                calibration=rule,
                logit_headroom=headroom,
                test_images=scope.map_test_images,
            )
        )
        for seed in scope.map_seeds
    ]


def _draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    rule = next(iter(CALIBRATIONS))
    maps = []
    for contender in MAPPED:
        for headroom in HEADROOMS:
            mine = {
                (row["learning_rate_bits"], row["angle"]): row
                for row in rows
                if (row["method"], row["calibration"], row["logit_headroom"])
                == (contender.method, rule, headroom)
            }
            bits, angles = (sorted({place[axis] for place in mine}) for axis in (0, 1))
            maps.append(
                {
                    "title": f"{contender.label}, {_headroom(headroom)}",
                    "rows": bits,
                    "columns": [f"{angle:g}" for angle in angles],
                    "accuracy": [[mine[b, a]["final_mean"] for a in angles] for b in bits],
                    "collapsed_share": [
                        [mine[b, a]["collapsed_share"] for a in angles] for b in bits
                    ],
                }
            )
    draw_collapse(maps, path, len(HEADROOMS), "angle, degrees")


def _headroom(bits: int) -> str:
    return "calibrated" if bits == 0 else f"{-bits} bit{'s' if bits < -1 else ''} less"
