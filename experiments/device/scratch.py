"""Bytes of scratch that each operation of a layer with weights computes with, by variant.

What counts here is what `sums` and `kept` of the image point to (docs/image-format.md). The
firmware carves the same parts in the same order: ``firmware_elf/trainer_fast/*.c`` name them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from experiments.device.variants import Variant
from kernels.methods import Method
from kernels.network import Network
from kernels.operations import Conv2d, Dense


@dataclass(frozen=True)
class Scratch:
    """Bytes that each operation needs; 0 where it needs none."""

    forward: int = 0
    backward: int = 0
    update: int = 0
    kept: int = 0
    """Weights less their pruned edges; for the forward and the backward operation."""
    packed: int = 0
    """Weights by input channels; for the backward operation."""


MASKED_ROWS = 8
"""Rows of weights that a packed mask is applied to at once: ROWS in predictor/masked.c."""


def masked_scratch_of(network: Network, method: Method, index: int, variant: Variant) -> Scratch:
    """What a prediction with a packed mask needs of layer ``index``, a layer with weights."""
    rows, *row = network.weight_shape_of(index)
    forward = scratch_of(network, method, index, variant).forward
    return Scratch(forward, kept=min(rows, MASKED_ROWS) * math.prod(row))


def scratch_of(network: Network, method: Method, index: int, variant: Variant) -> Scratch:
    """What layer ``index``, a layer with weights, needs beside its tensors; that of core 0."""
    layer = network.layers[index]
    if variant is Variant.PLAIN:
        return _plain(network, method, index)
    if isinstance(layer, Conv2d):
        scratch = _fast_conv2d(network, method, index, layer)
        weights = math.prod(network.weight_shape_of(index))
        packs = variant is Variant.DUAL and not method.dynamic
        return replace(scratch, packed=weights) if packs else scratch
    return _fast_dense(network, method, index)


def scratch_of_core1(network: Network, method: Method, index: int) -> Scratch:
    """What core 1 needs for its part of layer ``index`` in the dual variant."""
    layer = network.layers[index]
    if isinstance(layer, Conv2d):
        scratch = _fast_conv2d(network, method, index, layer)
    else:
        scratch = _fast_dense(network, method, index)
    if method.dynamic:  # then core 0 does the other operations by itself
        return Scratch(scratch.forward)
    return Scratch(scratch.forward, scratch.backward, scratch.update)


def _plain(network: Network, method: Method, index: int) -> Scratch:
    """int32 sums that wait for their scale, and input errors of a dense layer."""
    dense = isinstance(network.layers[index], Dense)
    inputs = math.prod(network.input_shape_of(index))
    outputs = math.prod(network.output_shape_of(index))
    weights = math.prod(network.weight_shape_of(index))
    return Scratch(
        forward=4 * outputs * method.dynamic,
        backward=4 * inputs * (method.dynamic or dense),
        update=4 * weights * (method.dynamic and not dense),
        kept=(weights // outputs if dense else weights) * method.trains_scores,
    )


def _fast_conv2d(network: Network, method: Method, index: int, layer: Conv2d) -> Scratch:
    """Planes with their padding, lists of non-zero errors, and the dynamic scale's int32 sums."""
    channels, height, width = network.input_shape_of(index)
    outputs, out_height, out_width = network.output_shape_of(index)
    weights = math.prod(network.weight_shape_of(index))
    wide = width + 2 * layer.padding
    high = height + 2 * layer.padding
    errors = 4 * (out_height * out_width + 1)
    rows = 8 * _even(out_width)
    windows = _words(channels * high * _even(wide))
    paired = 16 * 3 * channels + 4 * high if layer.kernel == 3 else 0  # packed weights, spans
    return Scratch(
        forward=4 * outputs * out_height * out_width * method.dynamic + rows + windows + paired,
        backward=4 * channels * height * width * method.dynamic + 4 * high * wide + 3 * errors,
        update=4 * weights * method.dynamic + _words(channels * high * wide) + errors,
        kept=weights * method.trains_scores,
    )


def _fast_dense(network: Network, method: Method, index: int) -> Scratch:
    """A list of the inputs that are not zero; sums of the input error."""
    outputs, inputs = network.weight_shape_of(index)
    return Scratch(
        forward=4 * outputs * method.dynamic + 4 * inputs,
        backward=4 * inputs,
        update=4 * inputs,
    )


def _even(count: int) -> int:
    return -(-count // 2) * 2


def _words(size: int) -> int:
    return -(-size // 4) * 4
