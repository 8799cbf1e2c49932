"""What training runs read beside their configuration: a backbone and labelled images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from experiments.backbone import Backbone, load_backbone
from experiments.datasets import Images, mnist, mnist_sample


@dataclass(frozen=True)
class Inputs:
    """What a run reads beside its configuration."""

    backbone: Backbone
    source: Images

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of both, part of the keys of all runs on them."""
        return {
            "backbone_sha256": self.backbone.model.state_hash(),
            "data_sha256": self.source.sha256,
        }


def load_inputs(dataset: str, data: Path | None, backbone: Path | None) -> Inputs:
    """Read what runs on ``dataset`` (one of TRANSFER_DATASETS) need.

    Args:
        data: folder of full MNIST; None stands for the one that ``priot download`` fills.
        backbone: record of a backbone; None stands for the embedded one.

    Raises:
        UserError: when a file is missing or damaged.
    """
    source = mnist_sample() if dataset == "mnist-sample" else mnist(data, "test")
    return Inputs(load_backbone(backbone), source)
