"""A PRIOT step in which no activation and no error is zero: what the fast kernels cost at worst.

Before each operation the tensor that it reads is overwritten with random values other than zero, so
nothing can be left out. What a pooling wrote stays, since its backward pass looks for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.device.comparison import operation_name
from priot.experiments.device.host import Checkpoint, Device, Phase
from priot.experiments.device.simulator import simulated_pico
from priot.experiments.device.variants import Variant
from priot.experiments.pretraining.backbone import load_backbone
from priot.experiments.training.start import starting_point
from priot.kernels.methods import method
from priot.kernels.operations import MaxPool2d


def rows() -> list[dict[str, Any]]:
    """Cycles of each operation of both variants, and their sums."""
    plain, fast = _cycles(Variant.PLAIN), _cycles(Variant.FAST)
    plain["step"], fast["step"] = sum(plain.values()), sum(fast.values())
    return [
        {
            "case": operation,
            "plain_cycles": plain[operation],
            "fast_cycles": fast[operation],
            "fast_over_plain_cycles": fast[operation] / plain[operation],
        }
        for operation in plain
    ]


def _cycles(variant: Variant) -> dict[str, int]:
    backbone = load_backbone(None)
    settings = method("priot")
    task = transfer_task(mnist_sample(), 30, 1, 0, 0)
    model, scales = starting_point(backbone, settings, task, 0)
    device = Device(simulated_pico(None, variant), model, settings, scales, variant)
    generator = np.random.default_rng(0)
    image = _without_zeros(generator, model.network.input_shape, least=1)
    cycles = {}
    for checkpoint in device.step_by_operation(image, 3):
        name = operation_name(model.network, checkpoint.layer)
        cycles[f"{name}, {checkpoint.phase.name.lower()}"] = checkpoint.cycles
        _overwrite(device, checkpoint, generator)
    return cycles


def _overwrite(device: Device, done: Checkpoint, generator: np.random.Generator) -> None:
    """Fill the tensor that the next operation reads."""
    network, index = device.layout.network, done.layer
    if done.phase is Phase.FORWARD:
        if isinstance(network.layers[index], MaxPool2d):
            return
        key, least = ("outputs", index), 1
    else:
        updates = done.phase is Phase.BACKWARD and index in network.weighted
        key, least = ("output_error", index if updates else index - 1), -127
    if key in device.layout.offsets:
        values = _without_zeros(generator, network.output_shape_of(key[1]), least)
        start = device.target.symbol("__arena_start__").address
        device.target.write(start + device.layout.offsets[key], values.tobytes())


def _without_zeros(
    generator: np.random.Generator, shape: tuple[int, ...], least: int
) -> NDArray[np.int8]:
    values = generator.integers(least, 127, shape, np.int8, endpoint=True)
    values[values == 0] = 1
    return values
