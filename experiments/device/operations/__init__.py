"""What the firmware's kernels of the operations with weights need, and the place that lists them.

What counts here is what `sums` and `kept` of the image point to (docs/image-format.md). The
firmware carves the same parts in the same order: ``firmware_elf/trainer_fast/*.c`` name them.
Operations without weights compute in their activations and errors alone.
"""

from __future__ import annotations

import math
from typing import Protocol

from priot.experiments.device.operations import conv2d, dense
from priot.experiments.device.operations.scratch import Scratch
from priot.experiments.device.variants import Variant
from priot.kernels.methods import Method
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, Operation


class FirmwareOperation(Protocol):
    """An operation with weights on the device."""

    @property
    def TERNARY_KIND(self) -> int:  # noqa: N802
        """Kind of its layers whose edges may count twice."""

    def plain(self, network: Network, method: Method, index: int) -> Scratch:
        """What layer ``index`` needs beside its tensors in the plain variant."""

    def fast(self, network: Network, method: Method, index: int) -> Scratch:
        """The same of the fast variant."""

    def dual(self, network: Network, method: Method, index: int) -> Scratch:
        """The same of the dual variant, on core 0."""


OPERATIONS: dict[type[Operation], FirmwareOperation] = {Conv2d: conv2d, Dense: dense}

MASKED_ROWS = 8
"""Rows of weights that a packed mask is applied to at once: ROWS in predictor/masked.c."""


def scratch_of(network: Network, method: Method, index: int, variant: Variant) -> Scratch:
    """What layer ``index``, a layer with weights, needs beside its tensors; that of core 0."""
    operation = OPERATIONS[type(network.layers[index])]
    if variant is Variant.PLAIN:
        return operation.plain(network, method, index)
    if variant is Variant.FAST:
        return operation.fast(network, method, index)
    return operation.dual(network, method, index)


def masked_scratch_of(network: Network, method: Method, index: int, variant: Variant) -> Scratch:
    """What a prediction with a packed mask needs of layer ``index``, a layer with weights."""
    rows, *row = network.weight_shape_of(index)
    forward = scratch_of(network, method, index, variant).forward
    return Scratch(forward, kept=min(rows, MASKED_ROWS) * math.prod(row))


def scratch_of_core1(network: Network, method: Method, index: int) -> Scratch:
    """What core 1 needs for its part of layer ``index`` in the dual variant."""
    scratch = OPERATIONS[type(network.layers[index])].fast(network, method, index)
    if method.dynamic:  # then core 0 does the other passes by itself
        return Scratch(scratch.forward)
    return Scratch(scratch.forward, scratch.backward, scratch.update)
