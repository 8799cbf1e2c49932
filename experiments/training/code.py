"""What a training run follows from beside its configuration, its backbone and its images."""

IMAGES = (
    "experiments.datasets.order",
    "experiments.datasets.rotation",
    "experiments.datasets.transfer",
    "experiments.defaults",
    "experiments.schedule",
)
"""Modules that say which images a run sees, and when."""
TRAINING = (
    *IMAGES,
    "experiments.classifier",
    "experiments.training.calibration",
    "experiments.training.start",
    "experiments.training.train",
    "kernels",
)
"""All that a run in integers follows from (priot.experiments.code)."""
