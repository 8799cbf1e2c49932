"""Small models for the tests of experiments/, and pairs of device and reference to train them."""

import re

import numpy as np
from numpy.typing import NDArray

from priot.experiments.device.comparison import Comparison
from priot.experiments.device.host import Device
from priot.experiments.device.placement import DEFAULT, Placement
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.simulator import simulated_pico
from priot.experiments.device.variants import Variant
from priot.experiments.records.runs import FloatRun
from priot.kernels.calibration import calibrate
from priot.kernels.methods import Method
from priot.kernels.model import Model, initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, ReLU
from priot.kernels.trainer import Scale, Trainer

SMALL = Network(
    "small",
    (1, 9, 8),
    (Conv2d(3), ReLU(), MaxPool2d(), Conv2d(4, 3, 0), ReLU(), Dense(5), ReLU(), Dense(3)),
)
MNIST_NETWORK = Network(
    "mnist-network", (1, 28, 28), (MaxPool2d(4), Conv2d(3), ReLU(), MaxPool2d(), Dense(10))
)
"""Takes MNIST's images at a fortieth of the tiny CNN's cycles."""


def random_images(network: Network, number: int, seed: int = 0) -> NDArray[np.int8]:
    """Pixels of every brightness, int8 (N,C,H,W)."""
    return np.random.default_rng(seed).integers(0, 128, (number, *network.input_shape), np.int8)


def labels_for(network: Network, number: int) -> NDArray[np.uint8]:
    """Labels that take every class in turn."""
    return (np.arange(number) % network.classes).astype(np.uint8)


def float_run(*right: int) -> FloatRun:
    """A made-up run in float32, with right answers of 1,000 images."""
    return FloatRun(
        configuration={"test_images": 1000},
        label="float32",
        backbone_sha256="",
        data_sha256="",
        data="",
        right=right,
        final_state_sha256="",
        torch="",
    )


def prepared(
    network: Network, method: Method, seed: int = 0
) -> tuple[Model, dict[int, Scale] | None]:
    """A model that ``method`` can start from, with static scales where it needs them."""
    model = with_scores(initial_model(network, seed), method, seed)
    if method.dynamic:
        return model, None
    images = random_images(network, 8, seed)
    return model, calibrate(model, method, images, labels_for(network, 8))


def compared(
    model: Model,
    method: Method,
    scales: dict[int, Scale] | None,
    variant: Variant = Variant.PLAIN,
    placement: Placement = DEFAULT,
    purpose: Purpose = Purpose.TRAINING,
) -> Comparison:
    """The model on a device of its own and in the reference."""
    pico = simulated_pico(None, variant, placement, purpose)
    device = Device(pico, model, method, scales, variant, placement, purpose)
    return Comparison(device, Trainer(model.copy(), method, scales))


def compared_on(
    network: Network,
    method: Method,
    variant: Variant = Variant.PLAIN,
    placement: Placement = DEFAULT,
    purpose: Purpose = Purpose.TRAINING,
) -> Comparison:
    """``compared`` for a network that ``prepared`` fills."""
    model, scales = prepared(network, method)
    return compared(model, method, scales, variant, placement, purpose)


def address_of(device: Device, part: str, index: int) -> int:
    """Where a tensor of the image lies in the target's memory."""
    return device.target.symbol("__arena_start__").address + device.layout.offsets[part, index]


def flip(device: Device, address: int, bits: int = 1) -> None:
    """Change one byte of the target's memory behind the firmware's back."""
    (byte,) = device.target.read(address, np.uint8, 1)
    device.target.write(address, bytes([int(byte) ^ bits]))


def sum_in_refusal(message: str) -> tuple[dict[str, int], int, int]:
    """The parts of a "does not fit" message, the total it names, and the room there is."""
    found = re.search(r"with [^:]+: (.+) = ([\d,]+) bytes, but .+ has ([\d,]+);", message)
    assert found, f"no sum in {message!r}"
    terms, total, capacity = found.groups()
    parts = dict(term.rsplit(" ", 1) for term in terms.split(" + "))
    sizes = {part: int(size.replace(",", "")) for part, size in parts.items()}
    return sizes, int(total.replace(",", "")), int(capacity.replace(",", ""))
