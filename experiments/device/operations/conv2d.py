"""A convolution on the device: ``firmware_elf/trainer*/conv2d*``."""

from __future__ import annotations

import math
from dataclasses import replace

from priot.experiments.device.operations.scratch import Scratch, even, words
from priot.kernels.methods import Method
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d

TERNARY_KIND = 5


def plain(network: Network, method: Method, index: int) -> Scratch:
    """int32 sums that wait for a dynamic scale."""
    weights = math.prod(network.weight_shape_of(index))
    return Scratch(
        forward=4 * math.prod(network.output_shape_of(index)) * method.dynamic,
        backward=4 * math.prod(network.input_shape_of(index)) * method.dynamic,
        update=4 * weights * method.dynamic,
        kept=weights * method.trains_scores,
    )


def fast(network: Network, method: Method, index: int) -> Scratch:
    """Planes with their padding, lists of non-zero errors, and the dynamic scale's int32 sums."""
    layer = network.layers[index]
    assert isinstance(layer, Conv2d)
    channels, height, width = network.input_shape_of(index)
    outputs, out_height, out_width = network.output_shape_of(index)
    weights = math.prod(network.weight_shape_of(index))
    wide = width + 2 * layer.padding
    high = height + 2 * layer.padding
    errors = 4 * (out_height * out_width + 1)
    rows = 8 * even(out_width)
    windows = words(channels * high * even(wide))
    paired = 16 * 3 * channels + 4 * high if layer.kernel == 3 else 0  # packed weights, spans
    return Scratch(
        forward=4 * outputs * out_height * out_width * method.dynamic + rows + windows + paired,
        backward=4 * channels * height * width * method.dynamic + 4 * high * wide + 3 * errors,
        update=4 * weights * method.dynamic + words(channels * high * wide) + errors,
        kept=weights * method.trains_scores,
    )


def dual(network: Network, method: Method, index: int) -> Scratch:
    """That of core 0, and weights by halves of the input channels."""
    packed = 0 if method.dynamic else math.prod(network.weight_shape_of(index))
    return replace(fast(network, method, index), packed=packed)
