"""The networks that the experiments use."""

from kernels.network import Conv2d, Dense, MaxPool2d, Network, ReLU

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
