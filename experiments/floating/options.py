"""What ``priot pretrain --arithmetic float32`` makes of its options."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import replace

from priot.experiments.errors import UserError
from priot.experiments.floating.plan import check_pytorch
from priot.experiments.floating.quantisation import Quantisation
from priot.experiments.pretraining.backbone import Backbone
from priot.experiments.pretraining.defaults import Pretraining
from priot.kernels.network import Network


def float_backbone(options: Namespace, network: Network, kind: Pretraining) -> Backbone:
    """The backbone that the options describe.

    Raises:
        UserError: for an option that has no meaning here or a value out of range, without PyTorch,
            and as ``float_pretrain`` does.
    """
    if options.checkpoint is not None:
        raise UserError("--checkpoint is for --arithmetic integer: leave it out")
    if options.initial is not None:
        raise UserError("--initial is for --arithmetic integer: leave it out")
    plan = replace(kind.floating, seed=options.seed, threads=options.threads or 1)
    if options.schedule is not None:
        plan = replace(plan, schedule=_learning_rates(options.schedule))
    if options.batch is not None:
        plan = replace(plan, batch=options.batch)
    rule = Quantisation(options.quantisation or kind.quantisation)
    check_pytorch()
    from priot.experiments.floating.pretrain import float_pretrain

    return float_pretrain(
        network, kind.training_images(options.data), kind.test(options.data), plan, rule
    )


def _learning_rates(text: str) -> tuple[float, ...]:
    """ "0.01x2,1e-3" is 0.01,0.01,0.001."""
    rates: list[float] = []
    for step in text.split(","):
        rate, times, epochs = step.strip().partition("x")
        if times and not re.fullmatch(r"[1-9]\d*", epochs):
            raise _no_learning_rates(text)
        try:
            rates += [float(rate)] * int(epochs or 1)
        except ValueError as error:
            raise _no_learning_rates(text) from error
    return tuple(rates)


def _no_learning_rates(text: str) -> UserError:
    return UserError(
        f"--schedule {text}: give a learning rate per epoch, such as 0.001,0.0003 or 0.001x4,0.0003"
    )
