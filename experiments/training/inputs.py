"""What training runs read beside their configuration: a backbone and labelled images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from priot.experiments.datasets.cifar10 import cifar10, cifar10_sample
from priot.experiments.datasets.mnist import Images, mnist, mnist_sample
from priot.experiments.datasets.rotation import with_channels
from priot.experiments.datasets.transfer import check_images, check_numbers
from priot.experiments.errors import UserError
from priot.experiments.pretraining.backbone import Backbone, load_backbone
from priot.experiments.training.code import TRAINING
from priot.experiments.training.configuration import Configuration
from priot.experiments.training.learner import Firmware


@dataclass(frozen=True)
class Inputs:
    """What a run reads beside its configuration."""

    backbone: Backbone
    source: Images
    firmware: Firmware | None = None
    """What learns in place of the reference."""

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of what the numbers follow from, for records."""
        return {
            "backbone_sha256": self.backbone.model.state_hash(),
            "data_sha256": self.source.sha256,
        }

    @cached_property
    def firmware_hashes(self) -> dict[str, str]:
        """SHA-256 of the firmware that learns, if any: it changes no number, or is wrong."""
        return {} if self.firmware is None else self.firmware.hashes

    @property
    def code(self) -> tuple[str, ...]:
        """Modules that what is learnt follows from."""
        return code_with(self.firmware)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What the keys of all runs on these inputs follow from."""
        network = self.backbone.model.network.to_json()
        return {**self.hashes, **self.firmware_hashes, "backbone_network": network}

    def fitted(self, configuration: Configuration) -> Configuration:
        """The configuration with the backbone's network, once it is certain that it can run.

        Raises:
            UserError: when it names another network, the images do not fit the network, or there
                are too few of them.
        """
        network = self.backbone.model.network
        if configuration.network not in (None, network.name):
            raise UserError(
                f"network {configuration.network!r}: the backbone is of {network.name!r}; "
                "name another record with --backbone, or leave the network out"
            )
        check_images(network, with_channels(self.source.pixels), self.source.labels)
        if not check_numbers(self.source, configuration.images, configuration.test_images):
            raise UserError("no images are left to test on: train on fewer, or test on more than 0")
        return replace(configuration, network=network.name)

    def key_of(self, configuration: Configuration) -> str:
        """Key of the run on these inputs. Raises UserError as ``fitted`` does."""
        return self.fitted(configuration).key(self.identity, self.code)


def code_with(firmware: Firmware | None) -> tuple[str, ...]:
    """Modules that what is learnt follows from, in the reference (None) or on a firmware."""
    return TRAINING if firmware is None else (*TRAINING, *firmware.code)


def load_inputs(
    dataset: str, data: Path | None, backbone: Path | None, network: str | None = None
) -> Inputs:
    """Read what runs on ``dataset`` (one of TRANSFER_DATASETS) need.

    Args:
        data: folder of the full set; None stands for the one that ``priot download`` fills.
        backbone: record of a backbone; None stands for the one of ``network``.
        network: its name.

    Raises:
        UserError: when a file is missing or damaged, or a folder is given that is not needed.
    """
    return Inputs(load_backbone(backbone, network), load_images(dataset, data))


def load_images(dataset: str, data: Path | None) -> Images:
    """The images that runs on ``dataset`` draw from; ``load_inputs`` says what ``data`` is.

    Raises:
        UserError: as ``load_inputs`` does.
    """
    if dataset == "mnist-sample" and data is not None:
        raise UserError(
            f"--data {data}: the dataset is mnist-sample, which needs no folder; leave the folder "
            "out, or name the dataset mnist"
        )
    sources: dict[str, Callable[[], Images]] = {
        "mnist-sample": mnist_sample,
        "mnist": lambda: mnist(data, "test"),
        "cifar10-sample": lambda: cifar10_sample(data),
        "cifar10": lambda: cifar10(data, "test"),
    }
    return sources[dataset]()
