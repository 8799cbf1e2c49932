"""What a run is where nobody says otherwise: help texts and configurations read the same."""

ANGLE = 30.0
"""Degrees of rotation: the angle of the paper's Figure 3."""

SEED = 0

EPOCHS = 10

MEASURE_EVERY = 1
"""Epochs between two measurements of accuracy."""

TRAINING_IMAGES = 1024

CALIBRATION_IMAGES = 64

CALIBRATION = "rotated-headroom"
"""The rule for static scales, one of priot.experiments.training.calibration.CALIBRATIONS."""

NETWORK = "tiny-cnn"
