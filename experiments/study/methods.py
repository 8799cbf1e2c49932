"""Every method on several backbones: who comes how close to the best with static scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.contenders import (
    CONTENDERS,
    NITI_STATIC,
    PRIOT,
    PRIOT_TERNARY,
    Contender,
)
from priot.experiments.paper.fates import collapsed
from priot.experiments.records.runs import Run
from priot.experiments.study.laboratory import StudyLaboratory
from priot.experiments.study.protocol import CalibrationChoice, Study
from priot.experiments.study.upper_bound import fine_tuned, found_rates

FALLING = "6,5,4"
"""Learning-rate bits that fall in three parts of a run."""
PRIOT_S = Contender("priot-s", 0.1, "gradient")
WITH_EACH_CALIBRATION = (NITI_STATIC, PRIOT, PRIOT_TERNARY, PRIOT_S)
WITH_FALLING_BITS = (PRIOT, PRIOT_TERNARY, PRIOT_S)
FLOAT_CAPTION = (
    " Float32 is fine-tuned by plain SGD on the same images, with the learning rate that was best "
    "on others."
)


@dataclass(frozen=True)
class Entry:
    """A contender and how it is trained."""

    contender: Contender
    calibration: CalibrationChoice | None = None
    """None: scales are dynamic."""
    schedule: str | None = None
    """None: the learning-rate bits that all static entries share, the defaults of dynamic ones."""

    @property
    def label(self) -> str:
        """Name for tables, beside that of the calibration."""
        return self.contender.label + (f", {self.schedule} bits" if self.schedule else "")

    def settings(self, study: Study) -> dict[str, Any]:
        """Of a configuration."""
        settings = asdict(self.contender)
        if self.calibration is None:
            return settings
        if self.schedule is not None:
            rate: dict[str, Any] = {"learning_rate_schedule": self.schedule}
        else:
            rate = {"learning_rate_bits": study.common_bits}
        return settings | rate | self.calibration.settings()


def entries(study: Study) -> list[Entry]:
    """All contenders with the second calibration of the map, and the main ones with the first."""
    first, second = study.calibrations[:2]
    return [
        *(Entry(contender) for contender in CONTENDERS if contender.dynamic),
        *(Entry(contender, second) for contender in CONTENDERS if not contender.dynamic),
        *(Entry(contender, second, FALLING) for contender in WITH_FALLING_BITS),
        *(Entry(contender, first) for contender in WITH_EACH_CALIBRATION),
    ]


def methods(laboratory: StudyLaboratory) -> Artefact:
    """Carry out every entry on each of the compared backbones and angles, and float32 beside them.

    Raises:
        UserError: as ``StudyLaboratory.carry_out`` and ``run_floats`` do.
    """
    study = laboratory.study
    places = [
        (backbone, angle, entry)
        for backbone in study.compared_backbones
        for angle in study.compared_angles
        for entry in entries(study)
    ]
    groups = [
        laboratory.runs(backbone, study.comparison, angle=angle, **entry.settings(study))
        for backbone, angle, entry in places
    ]
    found = laboratory.carry_out(groups)
    rows = [
        _row(backbone, angle, entry.label, entry.calibration, records)
        for (backbone, angle, entry), records in zip(places, found, strict=True)
    ]
    rates = found_rates(laboratory)
    rows += [
        _row(backbone, angle, label, None, records)
        for backbone, angle, label, records in fine_tuned(laboratory, rates)
    ]
    return Artefact(
        "methods",
        f"Final accuracy of every method by backbone ({study.label}): {study.images:,} "
        f"images, {study.comparison.epochs} epochs, {len(study.comparison.seeds)} seeds, "
        f"{study.comparison.test_images:,} test images; {study.common_bits} learning-rate bits for "
        "all methods with static scales unless others are named."
        + (FLOAT_CAPTION if rates else ""),
        rows,
        laboratory.made_with(groups)
        | {
            "goals": goals(rows),
            "float_rates": {
                name: {trained.value: rate for trained, rate in of_backbone.items()}
                for name, of_backbone in rates.items()
            },
        },
    )


def _row(
    backbone: str,
    angle: float,
    label: str,
    calibration: CalibrationChoice | None,
    records: Sequence[Run],
) -> dict[str, Any]:
    histories = [record.accuracy_by_epoch for record in records]
    finals = [history[-1] for history in histories]
    return {
        "backbone": backbone,
        "angle": angle,
        "label": label,
        "calibration": calibration.label if calibration else None,
        "seeds": len(records),
        "before_mean": round(fmean(history[0] for history in histories), 3),
        "final_mean": round(fmean(finals), 3),
        "final_std": round(stdev(finals), 3) if len(finals) > 1 else 0.0,
        "collapsed_share": round(100 * fmean(map(collapsed, records)), 1),
    }


def goals(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each entry with static scales, its worst places over backbones and angles.

    Points behind the best entry with static scales and the same calibration at the same place:
    largest, mean, and how many places are within 0.5 and 1 point; and the collapsed share of all.
    """
    static = [row for row in rows if row["calibration"]]
    best: dict[tuple[str, float, str], float] = {}
    for row in static:
        place = (row["backbone"], row["angle"], row["calibration"])
        best[place] = max(best.get(place, 0.0), row["final_mean"])
    gaps: dict[tuple[str, str], list[float]] = {}
    lost: dict[tuple[str, str], list[float]] = {}
    for row in static:
        entry = (row["label"], row["calibration"])
        behind = best[row["backbone"], row["angle"], row["calibration"]] - row["final_mean"]
        gaps.setdefault(entry, []).append(behind)
        lost.setdefault(entry, []).append(row["collapsed_share"])
    return [
        {
            "label": label,
            "calibration": calibration,
            "places": len(behind),
            "behind_mean": round(fmean(behind), 2),
            "behind_largest": round(max(behind), 2),
            "within_half_a_point": sum(gap <= 0.5 for gap in behind),
            "within_1_point": sum(gap <= 1 for gap in behind),
            "collapsed_share": round(fmean(lost[label, calibration]), 1),
        }
        for (label, calibration), behind in gaps.items()
    ]
