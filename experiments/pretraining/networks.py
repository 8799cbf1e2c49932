"""The networks that the experiments use."""

from __future__ import annotations

import re
from pathlib import Path

from priot.experiments.errors import UserError
from priot.experiments.reading import read_json
from priot.kernels.network import Network
from priot.kernels.operations import Conv2d, Dense, MaxPool2d, Operation, ReLU

TINY_CNN = Network(
    "tiny-cnn",
    (1, 28, 28),
    (
        *(Conv2d(8), ReLU(), MaxPool2d()),
        *(Conv2d(16), ReLU(), MaxPool2d()),
        *(Dense(64), ReLU()),
        Dense(10),
    ),
)
"""52,040 weights: with as many scores and the buffers of a step it takes half of the SRAM."""


LENET = Network(
    "lenet",
    (1, 28, 28),
    (
        *(Conv2d(20, kernel=5, padding=0), ReLU(), MaxPool2d()),
        *(Conv2d(50, kernel=5, padding=0), ReLU(), MaxPool2d()),
        *(Dense(500), ReLU()),
        Dense(10),
    ),
)
"""NITI's network for MNIST (Wang et al. 2020): 430,500 weights, more than a Pico can train."""


def vgg11(width: int = 64) -> Network:
    """VGG11 (Simonyan & Zisserman 2015, configuration A) for images of 32 x 32 in three colours.

    ``width`` channels in the first layer, up to eight times as many in the last ones. Five poolings
    leave one position, so a single dense layer takes the place of the three of the ImageNet
    version, as is usual for CIFAR-10. 64 is the original width, with 9,222,848 weights.
    """
    layers: list[Operation] = []
    for convolutions in ((1,), (2,), (4, 4), (8, 8), (8, 8)):
        for factor in convolutions:
            layers += [Conv2d(factor * width), ReLU()]
        layers.append(MaxPool2d())
    name = "vgg11" if width == 64 else f"vgg11-{width}"
    return Network(name, (3, 32, 32), (*layers, Dense(10)))


VGG11_WIDTHS = range(1, 65)
"""Channels of the first layer: from 1/64 of the original width to all of it."""


_NAME = re.compile(r"vgg11(?:-(\d+))?")


def description_of(name: str) -> Path | None:
    """The file that ``network_of`` reads, if it reads one."""
    known = name in (TINY_CNN.name, LENET.name) or _NAME.fullmatch(name)
    return None if known else Path(name)


def network_of(name: str) -> Network:
    """The network of that name: tiny-cnn, lenet, vgg11, vgg11-WIDTH; or one that a file describes.

    Raises:
        UserError: when there is no such width or file, or the file does not describe a network.
    """
    for network in (TINY_CNN, LENET):
        if name == network.name:
            return network
    if found := _NAME.fullmatch(name):
        width = int(found[1] or VGG11_WIDTHS[-1])
        if width not in VGG11_WIDTHS:
            raise UserError(
                f"network {name}: widths of vgg11 are {VGG11_WIDTHS[0]}..{VGG11_WIDTHS[-1]}"
            )
        return vgg11(width)
    return _described(Path(name))


def _described(path: Path) -> Network:
    try:
        return Network.from_json(read_json(path))
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); name a description of a network (.json)"
        ) from error
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
