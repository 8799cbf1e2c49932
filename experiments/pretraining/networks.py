"""The networks that the experiments use."""

from __future__ import annotations

from collections.abc import Callable

from kernels.network import Conv2d, Dense, Layer, MaxPool2d, Network, ReLU

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


def vgg11(width: int = 64) -> Network:
    """VGG11 (Simonyan & Zisserman 2015, configuration A) for images of 32 x 32 in three colours.

    ``width`` channels in the first layer, up to eight times as many in the last ones. Five poolings
    leave one position, so a single dense layer takes the place of the three of the ImageNet
    version, as is usual for CIFAR-10. 64 is the original width, with 9,222,848 weights.
    """
    layers: list[Layer] = []
    for convolutions in ((1,), (2,), (4, 4), (8, 8), (8, 8)):
        for factor in convolutions:
            layers += [Conv2d(factor * width), ReLU()]
        layers.append(MaxPool2d())
    name = "vgg11" if width == 64 else f"vgg11-{width}"
    return Network(name, (3, 32, 32), (*layers, Dense(10)))


NAMED: dict[str, Callable[[], Network]] = {"tiny-cnn": lambda: TINY_CNN, "vgg11": vgg11}
"""What ``priot pretrain`` knows by name."""
