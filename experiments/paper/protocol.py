"""How large a reproduction is: the numbers that all tables and figures share.

The paper shows 30 degrees among its angles (caption of its Figure 3); what else could be read of it
fixes none of these numbers, so that they are our choice (docs/accuracy.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from priot.experiments.defaults import CALIBRATION
from priot.experiments.errors import UserError


@dataclass(frozen=True)
class Panel:
    """A panel of figures 2 and 3: on which backbone, and with which settings."""

    name: str
    title: str
    comparison: str = "paper"
    """One of priot.experiments.paper.accuracy.COMPARISONS."""
    backbone: str | None = None
    """One of backbone_names of priot.experiments.pretraining.backbone; None: the usual one."""
    settings: tuple[tuple[str, Any], ...] = ()
    """What differs from the comparison and the scope, of every method."""
    static: tuple[tuple[str, Any], ...] = ()
    """The same of methods with static scales."""
    follows_logits: bool = False
    """Whether figure 2 shows the logits of its runs."""


OVERFLOWING = Panel(
    *("overflowing", "The same, logits overflow"),
    static=(("logit_headroom", -2),),
    follows_logits=True,
)
"""Logits with two bits less room than calibrated: they overflow in training (docs/accuracy.md)."""
ON_ONE_BACKBONE = (
    Panel("paper", "One setting for all"),
    OVERFLOWING,
    Panel("tuned", "Each at its best", "tuned"),
)


def _on_two_backbones(**settings: Any) -> tuple[Panel, ...]:
    """One on which the paper's figures are seen, without and with headroom, and ours.

    Learning-rate bits are those of NITI.
    """
    shared = tuple({"learning_rate_bits": 3, **settings}.items())
    frequent = (("calibration", "rotated"),)
    rounded = Panel(
        *("float32", "Trained in float32, rounded to int8"),
        backbone="float32-minmax-0",
        settings=shared,
        static=frequent,
        follows_logits=True,
    )
    with_room = replace(
        rounded, name="headroom", title="The same with headroom", static=(), follows_logits=False
    )
    ours = Panel(
        *("integer", "Trained in integers"),
        settings=shared,
        static=frequent,
        follows_logits=True,
    )
    return rounded, with_room, ours


@dataclass(frozen=True)
class Scope:
    """How large a reproduction is."""

    label: str
    """For captions; {data} stands for the origin of the images."""
    network: str
    """Of the backbone, unless another one is named."""
    dataset: str
    images: int
    test_images: int | None
    """None: all that are left."""
    epochs: int
    measure_every: int
    """Epochs between two measurements of accuracy."""
    angles: tuple[float, ...]
    seeds: tuple[int, ...]
    panels: tuple[Panel, ...]
    """Of figures 2 and 3."""
    every_row: bool = True
    """One setting serves all contenders; otherwise those whose own settings were searched for."""
    calibration: str = CALIBRATION
    """Of methods with static scales, where one setting serves all."""
    device_images: int = 0
    """Of the runs in the emulator, which trains some 400 images per second."""
    device_epochs: int = 0
    device_test_images: int = 0
    cost_images: int = 0

    @property
    def on_pico(self) -> bool:
        """Whether a Pico can train the network: then its costs are measured too."""
        return self.cost_images > 0

    def settings(self, **settings: Any) -> dict[str, Any]:
        """What all runs of this scope share, unless ``settings`` says otherwise."""
        names = ("dataset", "images", "test_images", "epochs", "measure_every")
        return {name: getattr(self, name) for name in names} | settings


FULL = Scope(
    label="full MNIST",
    network="tiny-cnn",
    dataset="mnist",
    images=1024,
    test_images=None,
    epochs=20,
    measure_every=1,
    angles=(15.0, 30.0, 45.0, 60.0, 90.0),
    seeds=tuple(range(10)),
    panels=_on_two_backbones(epochs=40, measure_every=2, test_images=2000),
    device_images=1024,
    device_epochs=5,
    device_test_images=1000,
    cost_images=32,
)
QUICK = Scope(
    label="REDUCED: embedded sample, few images, epochs and seeds",
    network="tiny-cnn",
    dataset="mnist-sample",
    images=128,
    test_images=500,
    epochs=3,
    measure_every=1,
    angles=(30.0, 60.0),
    seeds=(0, 1),
    panels=_on_two_backbones(),
    device_images=16,
    device_epochs=2,
    device_test_images=16,
    cost_images=2,
)
VGG11 = Scope(
    label="VGG11, {data}",
    network="vgg11",
    dataset="cifar10",
    images=1024,
    test_images=None,
    epochs=4,
    measure_every=2,
    angles=(30.0, 45.0),
    seeds=(0, 1, 2),
    panels=ON_ONE_BACKBONE,
    every_row=False,
    calibration="rotated",
)
"""A step takes 8 to 11 ms of one core and a prediction 0.8 ms, so that a run takes 70 seconds: 40
of training, and 8 for each measurement on all 8,976 other images. Table 1 has 108 of them."""
VGG11_QUICK = Scope(
    label="REDUCED: VGG11, few images of {data}, one angle and seed",
    network="vgg11",
    dataset="cifar10",
    images=64,
    test_images=100,
    epochs=2,
    measure_every=2,
    angles=(30.0,),
    seeds=(0,),
    panels=ON_ONE_BACKBONE,
    every_row=False,
    calibration="rotated",
)
REDUCED: dict[Scope, Scope] = {FULL: QUICK, VGG11: VGG11_QUICK}
"""The two reproductions, the tiny CNN's first, each with its reduced version."""
NETWORKS = tuple(scope.network for scope in REDUCED)


def scope_of(network: str | None, dataset: str | None, quick: bool = False) -> Scope:
    """The reproduction with that network and data set; what is None follows from the other.

    Raises:
        UserError: when there is none.
    """
    for scope, reduced in REDUCED.items():
        if network in (None, scope.network) and dataset in (None, scope.dataset):
            return reduced if quick else scope
    pairs = " or ".join(f"--network {s.network} --dataset {s.dataset}" for s in REDUCED)
    raise UserError(f"--network {network} --dataset {dataset}: no such reproduction; take {pairs}")
