"""What a run starts from: the backbone with its first scores, and static scales."""

from __future__ import annotations

from priot.experiments.datasets.transfer import SELECTION_IMAGES, Transfer, check_images
from priot.experiments.defaults import CALIBRATION, CALIBRATION_IMAGES
from priot.experiments.pretraining.backbone import Backbone
from priot.experiments.training.calibration import static_scales
from priot.kernels.methods import Method
from priot.kernels.model import Model, with_scores
from priot.kernels.scale import Scale
from priot.kernels.selection import gradient_magnitudes


def starting_point(
    backbone: Backbone,
    method: Method,
    task: Transfer,
    seed: int,
    calibration: str | None = None,
    calibration_images: int = CALIBRATION_IMAGES,
) -> tuple[Model, dict[int, Scale] | None]:
    """The model that a run starts from and its static scales (None for dynamic ones).

    ``calibration`` is one of CALIBRATIONS, None the default.

    Raises:
        KernelError: when the images that choose edges or calibrate say nothing.
        UserError: when the task's images or labels do not fit the network.
    """
    for images, labels in (
        (task.images, task.labels),
        (task.calibration_images, task.calibration_labels),
        (task.test_images, task.test_labels),
    ):
        check_images(backbone.model.network, images, labels)
    model = scored_model(backbone, method, task, seed)
    if method.dynamic:
        return model, None
    rule = calibration or CALIBRATION
    return model, static_scales(model, method, task, rule, calibration_images)


def scored_model(backbone: Backbone, method: Method, task: Transfer, seed: int) -> Model:
    """The backbone with the scores that ``method`` begins with, if it trains any.

    Raises:
        SelectionError: when edges are chosen by gradient, but no image has any.
    """
    gradients = None
    if method.selection == "gradient":
        gradients = gradient_magnitudes(
            backbone.model,
            method.rounding,
            task.calibration_images[:SELECTION_IMAGES],
            task.calibration_labels[:SELECTION_IMAGES],
        )
    return with_scores(backbone.model, method, seed, gradients)
