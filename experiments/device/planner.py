"""Lays buffers out in memory so that those never needed at the same time share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from priot.experiments.device.schema import ALIGNMENT


@dataclass(frozen=True)
class Buffer:
    """A buffer of ``size`` bytes, needed at certain moments of a step.

    ``moments`` are indices of operations; None means always, from one step to the next.
    """

    name: str
    size: int
    moments: frozenset[int] | None = None

    def conflicts(self, other: Buffer) -> bool:
        """Whether both are needed at one moment."""
        if self.moments is None or other.moments is None:
            return True
        return not self.moments.isdisjoint(other.moments)


@dataclass(frozen=True)
class Plan:
    """Offsets in bytes of every buffer from a common start, and the bytes they take together."""

    buffers: tuple[Buffer, ...]
    offsets: dict[str, int]
    size: int


def plan_buffers(buffers: Sequence[Buffer]) -> Plan:
    """Place permanent buffers in the order given, then the others, largest first, where they fit.

    A buffer goes to the lowest offset at which it touches no buffer that it conflicts with. That
    is the usual greedy heuristic: not always the optimum, never wrong.
    """
    permanent = [buffer for buffer in buffers if buffer.moments is None]
    passing = sorted(
        (buffer for buffer in buffers if buffer.moments is not None),
        key=lambda buffer: -buffer.size,
    )
    offsets: dict[str, int] = {}
    placed: list[Buffer] = []
    for buffer in [*permanent, *passing]:
        offset = 0
        for other in sorted(placed, key=lambda other: offsets[other.name]):
            start = offsets[other.name]
            if buffer.conflicts(other) and start < offset + buffer.size:
                offset = max(offset, _aligned(start + other.size))
        offsets[buffer.name] = offset
        placed.append(buffer)
    size = max((offsets[buffer.name] + _aligned(buffer.size) for buffer in buffers), default=0)
    return Plan(tuple(buffers), offsets, size)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
