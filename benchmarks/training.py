"""What every benchmark of training trains: the cost table's methods on rotated MNIST images."""

from __future__ import annotations

from dataclasses import dataclass

from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.datasets.transfer import Transfer, transfer_task
from priot.experiments.device.costs import compared_methods
from priot.experiments.device.host import Device, Target
from priot.experiments.device.variants import Variant
from priot.experiments.pretraining.backbone import load_backbone
from priot.experiments.training.start import starting_point
from priot.kernels.methods import Method
from priot.kernels.model import Model
from priot.kernels.scale import Scale


@dataclass(frozen=True)
class Training:
    """A method, what it starts from, and the images; the embedded backbone, 30 degrees, seed 0."""

    settings: Method
    model: Model
    scales: dict[int, Scale] | None
    task: Transfer

    def device(self, target: Target, variant: Variant = Variant.PLAIN) -> Device:
        """The model on a target that has the trainer in its memory."""
        return Device(target, self.model, self.settings, self.scales, variant)

    def steps(self, device: Device) -> None:
        """One step on the device for each image."""
        for image, label in zip(self.task.images, self.task.labels, strict=True):
            device.step(image, int(label))


def training(settings: Method, images: int) -> Training:
    """Training of one method."""
    task = transfer_task(mnist_sample(), angle=30.0, images=images, test_images=0, seed=0)
    model, scales = starting_point(load_backbone(None), settings, task, seed=0)
    return Training(settings, model, scales, task)


def trainings(images: int) -> list[Training]:
    """Training of every method of the cost table."""
    return [training(settings, images) for settings in compared_methods()]
