"""All commands of priot, in the order of its help: a new one is a module and its line here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from priot.experiments.cli.command import Command
from priot.experiments.cli.commands import (
    accuracy,
    completion,
    costs,
    device,
    diff,
    download,
    explain,
    history,
    overflow,
    paper,
    plan,
    pretrain,
    recheck,
    run,
    study,
    sweep,
    tradeoff,
    train,
    tune,
    widest,
)


@dataclass(frozen=True)
class Group:
    """Commands that stand together in help."""

    title: str
    commands: Sequence[Command]


GROUPS = (
    Group("the main job", (costs.COMMAND, tradeoff.COMMAND, plan.COMMAND, explain.COMMAND)),
    Group(
        "single runs, many runs, and what they need",
        (
            *(train.COMMAND, sweep.COMMAND, recheck.COMMAND),
            *(pretrain.COMMAND, download.COMMAND),
        ),
    ),
    Group(
        "the paper",
        (
            *(paper.COMMAND, accuracy.COMMAND, history.COMMAND, overflow.COMMAND),
            *(device.COMMAND, study.COMMAND, tune.COMMAND, widest.COMMAND),
        ),
    ),
    Group("the simulator", (run.COMMAND, diff.COMMAND)),
    Group("priot itself", (completion.COMMAND,)),
)
COMMANDS = {command.name: command for group in GROUPS for command in group.commands}
"""By name."""
