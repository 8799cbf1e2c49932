"""What the map suggests, made sure of: fresh seeds, longer runs, three pre-training seeds a kind.

The rule by which its cells are chosen was written before the map was finished, but for the last
line of its first part, which came after:

* learning-rate bits of a kind: with the first rule of calibration, those that the map of its
  first backbone has the highest mean final accuracy with, over all angles, for NITI static and
  PRIOT together ("common") and, with the first rule, for each alone ("own") and those that are
  NITI's own default ("default"), with which the map has NITI static collapse;
* angles: both of these at the first; at the further ones the first rule with the default bits on
  the first backbone of each kind;
* calibrations: the first rule, and the one under which the fewest runs of the map collapsed, over
  both methods and all its usual backbones (of equal ones that with the highest mean final
  accuracy).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, NamedTuple

from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.contenders import NITI_STATIC, Contender
from priot.experiments.paper.fates import collapsed, overflowed
from priot.experiments.paper.intervals import half_width
from priot.experiments.records.runs import TrainingRun
from priot.experiments.study.laboratory import StudyLaboratory
from priot.experiments.study.protocol import CalibrationChoice, Study
from priot.experiments.study.screening import MAPPED
from priot.experiments.sweeps.sweep import Run
from priot.kernels.methods import METHODS

Rows = Sequence[Mapping[str, Any]]
NITIS_BITS = METHODS[NITI_STATIC.method].learning_rate_bits


class Comparison(NamedTuple):
    """NITI static and PRIOT on all backbones of a kind."""

    kind: str
    angle: float
    calibration: CalibrationChoice
    setting: str
    """ "common", "own" or "default" learning-rate bits."""
    bits: tuple[int, int]
    """Of the two."""


def safest(study: Study, rows: Rows) -> CalibrationChoice:
    """The calibration of the map with the fewest collapsed runs; ``rows`` are the map's."""
    everywhere = [
        row
        for row in rows
        if row["backbone"] in study.backbones and row["learning_rate_bits"] in study.fewer_bits
    ]

    def risk(choice: CalibrationChoice) -> tuple[float, float]:
        mine = [row for row in everywhere if row["calibration"] == choice.label]
        return (
            fmean(row["collapsed_share"] for row in mine),
            -fmean(row["final_mean"] for row in mine),
        )

    return min(study.calibrations, key=risk)


def best_bits(
    study: Study, rows: Rows, backbone: str, contenders: Sequence[Contender] = MAPPED
) -> int:
    """Learning-rate bits with the highest mean final accuracy on the map, default calibration."""
    methods = [contender.method for contender in contenders]
    mine = [
        row
        for row in rows
        if row["backbone"] == backbone
        and row["calibration"] == study.calibrations[0].label
        and row["method"] in methods
    ]

    def mean(bits: int) -> float:
        return fmean(row["final_mean"] for row in mine if row["learning_rate_bits"] == bits)

    bits: list[int] = sorted({row["learning_rate_bits"] for row in mine})
    return max(bits, key=mean)


def comparisons(study: Study, rows: Rows) -> Iterator[Comparison]:
    """Those that the rule chooses; ``rows`` are the map's."""
    choices = dict.fromkeys((study.calibrations[0], safest(study, rows)))
    for choice in choices:
        for kind in study.confirmed_kinds:
            backbone = f"{kind}-{study.pretraining_seeds[0]}"
            common = best_bits(study, rows, backbone)
            own = tuple(best_bits(study, rows, backbone, [contender]) for contender in MAPPED)
            for angle in study.confirmed_angles:
                yield Comparison(kind, angle, choice, "common", (common, common))
                if common != NITIS_BITS and choice == study.calibrations[0]:
                    yield Comparison(kind, angle, choice, "default", (NITIS_BITS, NITIS_BITS))
                if choice == study.calibrations[0] and own != (common, common):
                    yield Comparison(kind, angle, choice, "own", (own[0], own[1]))
    for kind in study.confirmed_kinds:
        for angle in study.further_angles:
            bits = (NITIS_BITS, NITIS_BITS)
            yield Comparison(kind, angle, study.calibrations[0], "default", bits)


def confirmation(laboratory: StudyLaboratory, map_rows: Rows) -> Artefact:
    """Carry out the runs that the rule chooses, and compare the two methods seed by seed.

    Raises:
        UserError: as ``StudyLaboratory.carry_out`` does.
    """
    study = laboratory.study
    places = [
        (comparison, seed)
        for comparison in comparisons(study, map_rows)
        for seed in study.pretraining_seeds
        if comparison.angle not in study.further_angles or seed == study.pretraining_seeds[0]
    ]
    groups = [
        _runs(laboratory, comparison, seed, contender)
        for comparison, seed in places
        for contender in MAPPED
    ]
    found = iter(laboratory.carry_out(groups))
    rows: list[dict[str, Any]] = []
    of_kind: list[tuple[Sequence[TrainingRun], Sequence[TrainingRun]]] = []
    for comparison, seed in places:
        static, priot = next(found), next(found)
        rows.append(_row(comparison, str(seed), static, priot, _differences(static, priot)))
        of_kind.append((static, priot))
        if seed == study.pretraining_seeds[-1] and len(of_kind) > 1:
            # Runs on one backbone are alike: the interval is that of the backbones' means.
            means = [fmean(_differences(*pair)) for pair in of_kind]
            every_static = [run for pair in of_kind for run in pair[0]]
            every_priot = [run for pair in of_kind for run in pair[1]]
            rows.append(_row(comparison, "all", every_static, every_priot, means))
        if seed == study.pretraining_seeds[-1]:
            of_kind = []
    stage = study.confirmation
    return Artefact(
        "confirmation",
        f"PRIOT less NITI static by kind of backbone ({study.label}): final accuracy after "
        f"{stage.epochs} epochs of {study.images:,} images, {len(stage.seeds)} fresh seeds on each "
        f"of {len(study.pretraining_seeds)} backbones of a kind, {stage.test_images:,} test "
        "images; paired 95 % intervals over seeds, and over the means of backbones for all of a "
        "kind.",
        rows,
        laboratory.made_with(groups) | {"safest": safest(study, map_rows).label},
    )


def _runs(
    laboratory: StudyLaboratory, comparison: Comparison, seed: int, contender: Contender
) -> list[Run]:
    return laboratory.runs(
        *(f"{comparison.kind}-{seed}", laboratory.study.confirmation),
        **comparison.calibration.settings(),
        method=contender.method,
        angle=comparison.angle,
        learning_rate_bits=comparison.bits[MAPPED.index(contender)],
    )


def _final(record: TrainingRun) -> float:
    return record.accuracy_by_epoch[-1]


def _differences(static: Sequence[TrainingRun], priot: Sequence[TrainingRun]) -> list[float]:
    return [_final(p) - _final(s) for s, p in zip(static, priot, strict=True)]


def _row(
    comparison: Comparison,
    seed: str,
    static: Sequence[TrainingRun],
    priot: Sequence[TrainingRun],
    differences: Sequence[float],
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": comparison.kind,
        "pretraining_seed": seed,
        "angle": comparison.angle,
        "calibration": comparison.calibration.label,
        "setting": comparison.setting,
    }
    for contender, bits, records in zip(MAPPED, comparison.bits, (static, priot), strict=True):
        finals = [_final(record) for record in records]
        name = contender.method.replace("-", "_")
        row |= {
            f"{name}_bits": bits,
            f"{name}_final": round(fmean(finals), 3),
            f"{name}_std": round(stdev(finals), 3),
            f"{name}_best": round(fmean(max(r.accuracy_by_epoch) for r in records), 3),
            f"{name}_collapsed": round(100 * fmean(map(collapsed, records)), 1),
            f"{name}_overflowed": round(100 * fmean(map(overflowed, records)), 1),
        }
    return row | {
        "difference": round(fmean(differences), 3),
        "half_width": round(half_width(differences), 3),
    }
