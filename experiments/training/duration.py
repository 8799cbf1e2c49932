"""About how long a run takes on one core of a desktop computer: what is told beforehand."""

from __future__ import annotations

import math

from priot.experiments.training.configuration import Configuration
from priot.kernels.network import Network
from priot.kernels.trainer import LARGE

# Measured in the runs of results/runs/: seconds for each multiply-accumulate of a forward pass, of
# a step and of a prediction. Large networks are computed as matrix products.
_SMALL, _LARGE = (1.7e-10, 4.8e-11), (6.4e-11, 5.2e-12)


def seconds_of(configuration: Configuration, network: Network, images: int) -> float:
    """Of training, and of measuring accuracy on the way.

    Args:
        images: that there are; those that are not trained on are measured on by default.
    """
    step, prediction = _LARGE if network.weight_count >= LARGE else _SMALL
    tested = configuration.test_images
    measured = images - configuration.images if tested is None else tested
    steps = configuration.epochs * configuration.images
    predictions = len(configuration.measured_epochs) * measured
    return _products(network) * (step * steps + prediction * predictions)


def _products(network: Network) -> int:
    """Multiply-accumulates of a forward pass."""
    return sum(
        math.prod(network.weight_shape_of(index)) * math.prod(network.output_shape_of(index)[1:])
        for index in network.weighted
    )
