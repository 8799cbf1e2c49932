"""What the device is there for: which operations run, and what it must remember meanwhile."""

from enum import StrEnum


class Purpose(StrEnum):
    """Each has builds of the firmware of its own."""

    TRAINING = "training"
    """Forward, loss, backward and update: activations wait for the gradients."""
    PREDICTION = "prediction"
    """The forward operations alone, of a network that has been trained."""
