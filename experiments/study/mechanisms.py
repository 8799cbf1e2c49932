"""Why NITI static collapses on one backbone and not on another: one thing changed at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.fates import collapsed, logit_exponent, overflowed, saturated_by_epoch
from priot.experiments.pretraining.backbone import Backbone
from priot.experiments.records.runs import TrainingRun
from priot.experiments.study.laboratory import StudyLaboratory
from priot.experiments.study.measures import measures
from priot.experiments.study.screening import MAPPED
from priot.experiments.study.weights import describe, room, with_steps
from priot.kernels.network import Network

SETTINGS: dict[str, Any] = {"learning_rate_bits": 3, "calibration": "rotated"}
"""Of what is changed: NITI's default bits, and the rule under which the kinds differ."""
EVERY, LAST, OTHERS = "every layer", "last layer", "other layers"


@dataclass(frozen=True)
class Change:
    """What differs from the backbone and setting as they are."""

    label: str
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the configuration."""
    steps: int = 0
    """Bits by which the steps of weights become coarser, or finer (below 0)."""
    layers: str = EVERY
    logit_bits: int = 0
    """Bits by which the last layer's exponent rises: the loss takes the same logits for so much
    larger, and asks for so much less of a lead."""

    def layers_of(self, network: Network) -> tuple[int, ...]:
        """Indices of the layers whose steps change."""
        last = network.weighted[-1]
        if self.layers == LAST:
            return (last,)
        return tuple(i for i in network.weighted if self.layers == EVERY or i != last)


AS_IT_IS = Change("as it is")
_SCALES = (
    Change("logits 2 bits more headroom", {"logit_headroom": 2}),
    Change("logits 2 bits less headroom", {"logit_headroom": -2}),
    Change("largest forward shifts", {"calibration": "rotated-largest-forward"}),
    Change("largest shifts of errors", {"calibration": "rotated-largest-errors"}),
    Change("largest shifts of gradients", {"calibration": "rotated-largest-gradients"}),
    Change("largest shifts", {"calibration": "rotated-largest"}),
)


def _logits(*bits: int) -> tuple[Change, ...]:
    return tuple(
        Change(f"logits taken for {2.0**more:g} times their size", logit_bits=more) for more in bits
    )


def _steps(bits: int) -> tuple[Change, ...]:
    told = (
        f"steps {abs(bits)} bit{'s' if abs(bits) > 1 else ''} {'finer' if bits < 0 else 'coarser'}"
    )
    same = {"learning_rate_bits": SETTINGS["learning_rate_bits"] - bits}
    return (
        Change(f"{told}", steps=bits),
        Change(f"{told}, updates of the same size", same, steps=bits),
        Change(f"{told}, {LAST}", steps=bits, layers=LAST),
        Change(f"{told}, {OTHERS}", steps=bits, layers=OTHERS),
    )


CHANGES = {
    "float32-minmax": (AS_IT_IS, *_SCALES, *_logits(1, 2), *_steps(-1), *_steps(-2)),
    "integer-uniform": (AS_IT_IS, *_SCALES, *_logits(-1, -2), *_steps(1), *_steps(2)),
}
"""By kind of backbone: the kind on which NITI static collapses, and that on which it does not.

Finer steps take away the room that a layer's weights have to grow, coarser ones make room. An
update of the same size in steps is smaller or larger by as much: hence the second of each.
"""


def mechanisms(laboratory: StudyLaboratory) -> Artefact:
    """Carry out the runs of every change on the first backbone of each kind.

    Raises:
        UserError: as ``StudyLaboratory.carry_out`` does.
    """
    study = laboratory.study
    places = [
        (f"{kind}-{study.pretraining_seeds[0]}", change, angle, contender)
        for kind, changes in CHANGES.items()
        for change in changes
        for angle in study.mechanism_angles
        for contender in MAPPED
    ]
    groups = [
        laboratory.runs(
            *(_backbone(laboratory, name, change), study.mechanisms),
            method=contender.method,
            angle=angle,
            **SETTINGS | change.settings,
        )
        for name, change, angle, contender in places
    ]
    found = zip(places, groups, laboratory.carry_out(groups), strict=True)
    rows = [
        {
            "backbone": name,
            "change": change.label,
            "method": contender.method,
            "angle": angle,
            "learning_rate_bits": group[0].configuration.method.learning_rate_bits,
            **_outcome(laboratory, group[0].backbone, records),
        }
        for (name, change, angle, contender), group, records in found
    ]
    return Artefact(
        "mechanisms",
        f"One thing changed at a time ({study.label}): final accuracy of NITI static and PRIOT on "
        "the first backbone of two kinds, with other static scales and with finer or coarser steps "
        f"of weights; {study.mechanisms.epochs} epochs, {len(study.mechanisms.seeds)} seeds.",
        rows,
        laboratory.made_with(groups)
        | {
            "weights": [_description(laboratory, name) for name in _described(laboratory)],
            "measures": list(measures(laboratory, _described(laboratory))),
        },
    )


def _backbone(laboratory: StudyLaboratory, name: str, change: Change) -> str:
    """The name of the changed backbone."""
    if not change.steps and not change.logit_bits:
        return name
    changed = f"{name}, {change.label}"
    backbone = laboratory.inputs_of(name).backbone
    network = backbone.model.network
    model = with_steps(backbone.model, change.steps, change.layers_of(network))
    model.exponents[network.weighted[-1]] += change.logit_bits
    laboratory.add(changed, Backbone(model, backbone.record))
    return changed


def _outcome(
    laboratory: StudyLaboratory, backbone: str, records: Sequence[TrainingRun]
) -> dict[str, Any]:
    model = laboratory.inputs_of(backbone).backbone.model
    histories = [record.accuracy_by_epoch for record in records]
    return {
        "seeds": len(records),
        "before_mean": round(fmean(history[0] for history in histories), 3),
        "final_mean": round(fmean(history[-1] for history in histories), 3),
        "best_mean": round(fmean(map(max, histories)), 3),
        "collapsed_share": round(100 * fmean(map(collapsed, records)), 1),
        "overflowed_share": round(100 * fmean(map(overflowed, records)), 1),
        "saturated_final": round(fmean(saturated_by_epoch(r)[-1] for r in records), 3),
        "logit_exponents": " ".join(str(logit_exponent(r, model)) for r in records),
        "room_bits": round(sum(room(weights) for weights in model.weights.values()), 2),
        "finals": " ".join(f"{history[-1]:.2f}" for history in histories),
    }


def _described(laboratory: StudyLaboratory) -> list[str]:
    """Names of all backbones of the study."""
    study = laboratory.study
    confirmed = [
        f"{kind}-{seed}" for kind in study.confirmed_kinds for seed in study.pretraining_seeds
    ]
    return list(dict.fromkeys((*study.backbones, *confirmed)))


def _description(laboratory: StudyLaboratory, name: str) -> dict[str, Any]:
    """A backbone's weights by layer."""
    model = laboratory.inputs_of(name).backbone.model
    layers = describe(model)
    return {
        "backbone": name,
        "sha256": model.state_hash(),
        "room_bits": round(sum(layer["room_bits"] for layer in layers), 2),
        "layers": layers,
    }
