"""A dense layer on the device: ``firmware_elf/trainer*/dense*``."""

from __future__ import annotations

from priot.experiments.device.operations.scratch import Scratch
from priot.kernels.methods import Method
from priot.kernels.network import Network

TERNARY_KIND = 6


def plain(network: Network, method: Method, index: int) -> Scratch:
    """int32 sums of input errors, others that wait for a dynamic scale, and one row of weights."""
    outputs, inputs = network.weight_shape_of(index)
    return Scratch(
        forward=4 * outputs * method.dynamic,
        backward=4 * inputs,
        kept=inputs * method.trains_scores,
    )


def fast(network: Network, method: Method, index: int) -> Scratch:
    """A list of the inputs that are not zero; sums of the input error."""
    outputs, inputs = network.weight_shape_of(index)
    return Scratch(
        forward=4 * outputs * method.dynamic + 4 * inputs,
        backward=4 * inputs,
        update=4 * inputs,
    )


def dual(network: Network, method: Method, index: int) -> Scratch:
    """That of core 0."""
    return fast(network, method, index)
