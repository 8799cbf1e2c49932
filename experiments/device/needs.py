"""What a network would need of a Pico's two memories, by the plan alone: nothing runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from priot.experiments.device.costs import compared_methods, possible_setups
from priot.experiments.device.layout import Layout, lay_out
from priot.experiments.device.placement import Memory, Placement
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.simulator import flash_bytes_of, trainer_elf
from priot.experiments.device.variants import Variant
from priot.experiments.records.needs import Needs
from priot.kernels.methods import Method, method
from priot.kernels.model import initial_model, with_scores
from priot.kernels.network import Network
from priot.sim import load_program
from priot.sim.memory_map import FLASH, SRAM


@dataclass(frozen=True)
class Need:
    """What one network needs by one method, placement and variant of the firmware, in bytes."""

    layout: Layout
    sram: int
    """The image, and all that it cannot have: code, static data, and the two banks of the stack."""
    flash: int
    """Code and weights that lie there."""
    fits: bool
    """Whether a Pico has that much of both."""

    @property
    def record(self) -> Needs:
        """A flat description."""
        layout = self.layout
        return Needs(
            network=layout.network.name,
            weights=layout.network.weight_count,
            purpose=str(layout.purpose),
            method=layout.method.name,
            label=layout.method.label,
            scored_fraction=layout.method.scored_fraction,
            trained_layers=layout.method.trained_layers,
            placement=str(layout.placement),
            variant=str(layout.variant),
            image_bytes=layout.size,
            sram_bytes=self.sram,
            sram_capacity_bytes=SRAM.size,
            flash_bytes=self.flash,
            flash_capacity_bytes=FLASH.size,
            fits=self.fits,
        )


def planned_methods() -> tuple[Method, ...]:
    """The methods of the cost table, and the smallest PRIOT-S of Table 1."""
    return (*compared_methods(), method("priot-s", scored_fraction=0.05))


def needs_of(
    network: Network,
    methods: Sequence[Method],
    placements: Sequence[Placement],
    variants: Sequence[Variant],
    seed: int,
    purpose: Purpose = Purpose.TRAINING,
) -> list[Need]:
    """One for each combination that is possible.

    Only the number of weights matters, not their values. Scored edges are those that ``seed``
    draws. Those that images would choose by gradient are the first of each layer: with rows as
    full as can be they take the most memory by bitmap, and what all others take by index.
    """
    backbone = initial_model(network, 0)
    alike = {index: np.zeros(w.shape, np.int64) for index, w in backbone.weights.items()}
    models = {settings: with_scores(backbone, settings, seed, alike) for settings in methods}
    return [
        _need(lay_out(models[s.method], s.method, s.variant, s.placement, s.purpose))
        for s in possible_setups(methods, placements, variants, purpose)
    ]


def needs_by_width(
    family: Callable[[int], Network],
    widths: Iterable[int],
    needs: Callable[[Network], list[Need]],
) -> dict[int, list[Need]]:
    """What ``needs`` says of a family's networks, from the narrowest to the first that never fits.

    Where a width does not fit, no larger one does: every buffer grows with it.
    """
    found = {}
    for width in widths:
        found[width] = needs(family(width))
        if not any(need.fits for need in found[width]):
            break
    return found


def widest_of(by_width: Mapping[int, Sequence[Need]]) -> list[Need]:
    """The last need that fits, of each row that ``needs_by_width`` found; none where none does."""
    rows = zip(*by_width.values(), strict=True)
    fitting = ([need for need in needs if need.fits] for needs in rows)
    return [needs[-1] for needs in fitting if needs]


def _need(layout: Layout) -> Need:
    room = _room(layout.variant, layout.placement.code, layout.purpose)
    return Need(
        layout,
        SRAM.size - room.sram + layout.size,
        room.code_in_flash + layout.flash.size,
        layout.size <= room.sram and layout.flash.size <= room.flash,
    )


@dataclass(frozen=True)
class _Room:
    """What one build of the trainer leaves to the image, and what it takes of flash, in bytes."""

    sram: int
    flash: int
    code_in_flash: int


@cache
def _room(variant: Variant, code: Memory, purpose: Purpose) -> _Room:
    program = load_program(trainer_elf(variant, Placement(code=code), purpose))

    def between(start: str, end: str) -> int:
        return program.symbols[end].address - program.symbols[start].address

    return _Room(
        between("__arena_start__", "__arena_end__"),
        between("__flash_arena_start__", "__flash_arena_end__"),
        flash_bytes_of(program),
    )
