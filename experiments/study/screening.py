"""The map: NITI static and PRIOT on every backbone, by calibration, learning rate and angle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.contenders import NITI_STATIC, PRIOT, Contender
from priot.experiments.paper.fates import collapsed, logit_exponent, overflowed, saturated_by_epoch
from priot.experiments.records.runs import TrainingRun
from priot.experiments.study.laboratory import StudyLaboratory
from priot.experiments.study.protocol import CalibrationChoice, Study
from priot.plots.collapse import draw_collapse

MAPPED = (NITI_STATIC, PRIOT)
PAPERS_GAP = (8.08, 33.75)  # points of PRIOT above static-scale baselines (Anada et al., abstract)


class Cell(NamedTuple):
    """A place of the map."""

    backbone: str
    calibration: CalibrationChoice
    angle: float
    bits: int
    contender: Contender


def cells(study: Study) -> Iterator[Cell]:
    """Every cell; those that answer first come first."""
    for number, calibration in enumerate(study.calibrations):
        bits = study.bits if number < 2 else study.fewer_bits
        for place in product(study.backbones, study.angles, bits, MAPPED):
            yield Cell(place[0], calibration, *place[1:])


def screening(laboratory: StudyLaboratory) -> Artefact:
    """Carry out the runs of the map and make it.

    Raises:
        UserError: as ``StudyLaboratory.carry_out`` does.
    """
    study = laboratory.study
    every = list(cells(study))
    groups = [
        laboratory.runs(
            *(cell.backbone, study.screening),
            **cell.calibration.settings(),
            method=cell.contender.method,
            angle=cell.angle,
            learning_rate_bits=cell.bits,
        )
        for cell in every
    ]
    records = laboratory.carry_out(groups)
    rows = [_row(laboratory, *pair) for pair in zip(every, records, strict=True)]
    return Artefact(
        "screening",
        f"Final accuracy by backbone, rule of calibration and learning-rate bits ({study.label}): "
        f"means over angles of {', '.join(f'{angle:g}' for angle in study.angles)} degrees and "
        f"{len(study.screening.seeds)} seeds, {study.images:,} images, {study.screening.epochs} "
        f"epochs, {study.screening.test_images:,} test images; a bar along a cell's bottom shows "
        "the share of its runs that collapsed.",
        rows,
        laboratory.made_with(groups) | {"gaps": gaps(rows)},
        lambda path: _draw(study, rows, path),
    )


def _row(laboratory: StudyLaboratory, cell: Cell, records: Sequence[TrainingRun]) -> dict[str, Any]:
    backbone = laboratory.inputs_of(cell.backbone).backbone.model
    histories = [record.accuracy_by_epoch for record in records]
    return {
        "backbone": cell.backbone,
        "method": cell.contender.method,
        "calibration": cell.calibration.label,
        "angle": cell.angle,
        "learning_rate_bits": cell.bits,
        "seeds": len(records),
        "final_mean": round(fmean(history[-1] for history in histories), 3),
        "best_mean": round(fmean(max(history) for history in histories), 3),
        "before_mean": round(fmean(history[0] for history in histories), 3),
        "collapsed_share": round(100 * fmean(map(collapsed, records)), 1),
        "overflowed_share": round(100 * fmean(map(overflowed, records)), 1),
        "saturated_final": round(fmean(saturated_by_epoch(r)[-1] for r in records), 3),
        "logit_exponents": " ".join(str(logit_exponent(r, backbone)) for r in records),
        "finals": " ".join(f"{history[-1]:.2f}" for history in histories),
    }


def gaps(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """PRIOT less NITI static for each backbone and calibration, over angles and learning rates.

    Counts cells by their gap in points of final accuracy, and for each method the share of runs
    that collapsed.
    """
    groups: dict[tuple[str, str], dict[tuple[float, int], dict[str, Mapping[str, Any]]]] = {}
    for row in rows:
        of_group = groups.setdefault((row["backbone"], row["calibration"]), {})
        place = (row["angle"], row["learning_rate_bits"])
        of_group.setdefault(place, {})[row["method"]] = row
    return [
        {"backbone": backbone, "calibration": calibration, **_count(list(group.values()))}
        for (backbone, calibration), group in groups.items()
    ]


def _count(pairs: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    static = [pair[NITI_STATIC.method] for pair in pairs]
    priot = [pair[PRIOT.method] for pair in pairs]
    differences = [p["final_mean"] - s["final_mean"] for p, s in zip(priot, static, strict=True)]
    low, high = PAPERS_GAP
    return {
        "cells": len(pairs),
        "priot_behind": sum(gap < -1 for gap in differences),
        "within_1_point": sum(-1 <= gap <= 1 for gap in differences),
        "ahead_less_than_paper": sum(1 < gap < low for gap in differences),
        "ahead_as_in_paper": sum(low <= gap <= high for gap in differences),
        "ahead_more_than_paper": sum(gap > high for gap in differences),
        "collapsed_niti_static": round(fmean(row["collapsed_share"] for row in static), 1),
        "collapsed_priot": round(fmean(row["collapsed_share"] for row in priot), 1),
        "final_niti_static": round(fmean(row["final_mean"] for row in static), 2),
        "final_priot": round(fmean(row["final_mean"] for row in priot), 2),
    }


def _draw(study: Study, rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Panels of the two methods side by side for each backbone, means over angles."""
    maps = []
    for backbone in dict.fromkeys(row["backbone"] for row in rows):
        for contender in MAPPED:
            mine = [
                row
                for row in rows
                if (row["backbone"], row["method"]) == (backbone, contender.method)
            ]
            of_panel = {
                "title": f"{contender.label}, {backbone.rpartition('-')[0]}",
                "rows": study.bits,
                "columns": [choice.short_label for choice in study.calibrations],
            }
            for name, key in (("accuracy", "final_mean"), ("collapsed_share", "collapsed_share")):
                of_panel[name] = [
                    [
                        _mean(mine, key, calibration=choice.label, learning_rate_bits=bits)
                        for choice in study.calibrations
                    ]
                    for bits in study.bits
                ]
            maps.append(of_panel)
    draw_collapse(maps, path, 2 * len(MAPPED), "calibration")


def _mean(rows: Sequence[Mapping[str, Any]], key: str, **place: Any) -> float | None:
    """Over the rows at a place; None where nothing was run."""
    values = [row[key] for row in rows if all(row[name] == at for name, at in place.items())]
    return fmean(values) if values else None
