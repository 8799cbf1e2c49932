"""The widest VGG11 that a Pico can train: the plan by width, and one step of it in the emulator."""

from __future__ import annotations

from collections.abc import Sequence

from priot.experiments.clock import RATED_HZ
from priot.experiments.datasets.mnist import Images
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.defaults import ANGLE
from priot.experiments.device.costs import Rows, measure_costs
from priot.experiments.device.needs import (
    Need,
    needs_by_width,
    needs_of,
    planned_methods,
    widest_of,
)
from priot.experiments.device.placement import Memory, Placement
from priot.experiments.device.variants import ON_ONE_CORE
from priot.experiments.paper.artefact import Artefact
from priot.experiments.pretraining.backbone import untrained_backbone
from priot.experiments.pretraining.networks import VGG11_WIDTHS, vgg11
from priot.experiments.records.costs import Costs
from priot.experiments.records.rows import rows_of
from priot.experiments.records.writing import to_json
from priot.kernels.methods import method

NAMES = PLAN, COSTS = ("vgg11_plan", "vgg11_costs")
"""Of both artefacts."""
SEED = 0
RUN_FRACTIONS = (0.1, 0.2)  # of the edges that have a score, in the steps that are run


def plan() -> tuple[Artefact, list[Need]]:
    """What every method needs at full width, and PRIOT-S with weights in flash by width.

    Returns:
        The artefact, and the widest network of each fraction, placement and variant.
    """
    variants = ON_ONE_CORE
    full = needs_of(vgg11(), planned_methods(), Placement.every(), variants, SEED)
    sparse = [settings for settings in planned_methods() if settings.sparse]
    in_flash = [place for place in Placement.every() if place.weights is Memory.FLASH]
    by_width = needs_by_width(
        vgg11, VGG11_WIDTHS, lambda network: needs_of(network, sparse, in_flash, variants, SEED)
    )
    widest = widest_of(by_width)
    artefact = Artefact(
        PLAN,
        "What a training step of VGG11 needs in SRAM and flash by the plan, without running it: "
        "every method and placement at full width, and PRIOT-S with its weights in flash for each "
        "number of channels in the first layer, up to the first that never fits a Pico.",
        rows_of([need.record for of_width in (full, *by_width.values()) for need in of_width]),
        {"widest": to_json([need.record for need in widest])},
    )
    return artefact, widest


def steps(widest: Sequence[Need], source: Images) -> Artefact:
    """Run one training step of the widest network for each of RUN_FRACTIONS and each variant.

    Args:
        widest: as ``plan`` returns it.
        source: of the image, CIFAR-10.

    Raises:
        MismatchError: at the first difference between device and reference.
    """
    task = transfer_task(source, ANGLE, 1, 0, SEED)
    records: list[Costs] = []
    for fraction in RUN_FRACTIONS:
        settings = method("priot-s", scored_fraction=fraction)
        for variant in ON_ONE_CORE:
            alike = [
                need.layout
                for need in widest
                if need.layout.method == settings and need.layout.variant is variant
            ]
            # Of equally wide ones the first, which has the most in SRAM and is the fastest.
            best = max(alike, key=lambda layout: layout.network.weight_count)
            backbone = untrained_backbone(best.network, SEED)
            records += measure_costs(
                *(backbone, task, RATED_HZ, SEED),
                Rows((settings,), (best.placement,), (variant,)),
            )
    return Artefact(
        COSTS,
        "One training step of the widest VGG11 that a Pico holds, on the emulated Pico at "
        f"{RATED_HZ // 10**6} MHz: random weights (He et al. 2015), calibrated as ever, and one "
        f"image of {source.origin}, rotated by {ANGLE:g} degrees; every tensor equals the "
        "reference's.",
        rows_of(records),
        {"methods": to_json(records)},
    )
