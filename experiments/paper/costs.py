"""The costs of a training step: the table and figure of ``priot costs``, for the record."""

from __future__ import annotations

from priot.experiments.clock import RATED_HZ
from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.defaults import ANGLE
from priot.experiments.device.costs import measure_costs
from priot.experiments.paper.artefact import Artefact
from priot.experiments.paper.laboratory import Laboratory
from priot.experiments.records.rows import rows_of
from priot.experiments.records.writing import to_json
from priot.plots.costs import draw_costs


def costs(laboratory: Laboratory) -> Artefact:
    """Measure every method on the emulated Pico, on rotated images of the embedded sample.

    Raises:
        MismatchError: at the first difference between device and reference.
        UserError: when a method's image does not fit the device.
    """
    images = laboratory.scope.cost_images
    task = transfer_task(mnist_sample(), ANGLE, images, 0, 0)
    records = measure_costs(laboratory.inputs.backbone, task, RATED_HZ, 0)
    return Artefact(
        "costs",
        f"Time and peak SRAM of one training step on the emulated Pico at {RATED_HZ // 10**6} MHz, "
        f"mean of {images} images rotated by {ANGLE:g} degrees; every tensor equals the "
        "reference's.",
        rows_of(records),
        {"methods": to_json(records)},
        lambda path: draw_costs(to_json(records), path),
    )
