"""The configuration of a training run: everything that its record follows from."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from priot.experiments import defaults
from priot.experiments.code import key_of
from priot.experiments.datasets.mnist import TRANSFER_DATASETS
from priot.experiments.defaults import CALIBRATION_IMAGES
from priot.experiments.errors import UserError
from priot.experiments.limits import SWEEP_RUNS, TOML_DEPTH, TOML_FILE
from priot.experiments.ranges import check_angle, check_epochs, check_seed
from priot.experiments.schedule import bits_by_epoch, epochs_to_measure
from priot.experiments.training.calibration import CALIBRATIONS
from priot.experiments.training.code import TRAINING
from priot.kernels.errors import KernelError
from priot.kernels.methods import METHODS, Method, method
from priot.kernels.methods import SETTINGS as METHOD_SETTINGS
from priot.kernels.rounding import Rounding
from priot.sim.reading import read_file

_ROUNDINGS = {rounding.label: rounding for rounding in Rounding}
_RUN_SETTINGS = {
    "network": str,
    "dataset": str,
    "angle": float,
    "images": int,
    "test_images": int,
    "calibration": str,
    "calibration_images": int,
    "logit_headroom": int,
    "epochs": int,
    "learning_rate_schedule": str,
    "measure_every": int,
    "seed": int,
}


@dataclass(frozen=True)
class Configuration:
    """One run. ``priot train`` has the same defaults.

    Raises:
        UserError: for a value out of range.
    """

    method: Method
    network: str | None = None
    """Name of the backbone's network; None: whichever it is (``Inputs.fitted`` fills it in)."""
    dataset: str = "mnist-sample"
    """Where images come from, one of TRANSFER_DATASETS."""
    angle: float = defaults.ANGLE
    """Degrees, counter-clockwise."""
    images: int = defaults.TRAINING_IMAGES
    """Images that are trained on."""
    test_images: int | None = None
    """Images that accuracy is measured on; None: all that are left."""
    calibration: str | None = None
    """How static scales come about, one of CALIBRATIONS; always None for dynamic scales."""
    calibration_images: int = CALIBRATION_IMAGES
    """Images that calibrate static scales."""
    logit_headroom: int = 0
    """Bits added to the calibrated shift of the logits: with fewer than 0 they overflow sooner."""
    epochs: int = defaults.EPOCHS
    learning_rate_schedule: str | None = None
    """Learning-rate bits of equal parts of the epochs: "6,5,4". The method's own are its first."""
    measure_every: int = defaults.MEASURE_EVERY
    """Epochs between two measurements of accuracy; the last one is always followed by one."""
    seed: int = defaults.SEED
    """Of the choice of images, first scores, scored edges and order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "angle", float(self.angle))
        if self.calibration is None and not self.method.dynamic:
            object.__setattr__(self, "calibration", defaults.CALIBRATION)
        if self.calibration is not None and self.method.dynamic:
            raise UserError(f"{self.method.name} has no calibration: its scales are dynamic")
        if self.calibration is not None and self.calibration not in CALIBRATIONS:
            raise UserError(
                f"calibration {self.calibration!r}: choose from {', '.join(CALIBRATIONS)}"
            )
        largest = max(self.images, CALIBRATION_IMAGES)
        if not 1 <= self.calibration_images <= largest:
            raise UserError(
                f"{self.calibration_images:,} calibration images: take 1 to {largest:,}, which are "
                "drawn like those to train on"
            )
        if self.calibration_images != CALIBRATION_IMAGES and self.method.dynamic:
            raise UserError(f"{self.method.name} has no calibration images: its scales are dynamic")
        if self.logit_headroom and self.method.dynamic:
            raise UserError(f"{self.method.name} has no logit headroom: its scales are dynamic")
        if not -31 <= self.logit_headroom <= 31:
            raise UserError(f"logit headroom {self.logit_headroom} is outside -31..31")
        if self.dataset not in TRANSFER_DATASETS:
            raise UserError(f"dataset {self.dataset!r}: choose from {', '.join(TRANSFER_DATASETS)}")
        check_angle(self.angle)
        check_epochs(self.epochs)
        if self.learning_rate_schedule is not None:
            self._check_schedule(self.learning_rate_schedule)
        if self.measure_every < 1:
            raise UserError(f"measure every {self.measure_every} epochs: take 1 or more")
        check_seed(self.seed)

    def _check_schedule(self, text: str) -> None:
        """Write the schedule in the one way in which keys know it, and begin with its first bits.

        Raises:
            UserError: when it is no schedule for these epochs.
        """
        schedule = text.replace(" ", "")
        if not re.fullmatch("[0-7](,[0-7])*", schedule):
            raise UserError(
                f"learning-rate schedule {text!r}: give bits, 0..7, from part to part of the "
                "epochs, such as 6,5,4"
            )
        parts = len(schedule.split(","))
        if 0 < self.epochs < parts:
            raise UserError(
                f"learning-rate schedule {text!r}: {parts} parts, but {self.epochs} epochs; "
                "train for more, or name fewer"
            )
        object.__setattr__(self, "learning_rate_schedule", schedule)
        begun = replace(self.method, learning_rate_bits=int(schedule[0]))
        object.__setattr__(self, "method", begun)

    def learning_rate_bits_of(self, epoch: int) -> int:
        """Of an epoch, counted from 1; where parts cannot be equal, earlier ones are longer."""
        if self.learning_rate_schedule is None:
            return self.method.learning_rate_bits
        return bits_by_epoch(self.learning_rate_schedule, self.epochs)[epoch - 1]

    @property
    def measured_epochs(self) -> tuple[int, ...]:
        """Epochs after which accuracy is measured; 0 is before training."""
        return epochs_to_measure(self.epochs, self.measure_every)

    def to_json(self) -> dict[str, Any]:
        """A flat description that ``from_json`` reads back; settings without a use are left out."""
        of_method = self.method.settings()
        description: dict[str, Any] = {"method": self.method.name}
        description |= {name: of_method[name] for name in METHOD_SETTINGS}
        description |= {name: getattr(self, name) for name in _RUN_SETTINGS}
        unused = set(self.method.refused)
        if self.calibration_images == CALIBRATION_IMAGES:
            unused.add("calibration_images")
        if self.method.trained_layers == "all":
            unused.add("trained_layers")
        if not self.logit_headroom:
            unused.add("logit_headroom")
        if self.learning_rate_schedule is not None:
            unused.add("learning_rate_bits")
        if self.measure_every == defaults.MEASURE_EVERY:
            unused.add("measure_every")
        return {
            name: value
            for name, value in description.items()
            if name not in unused and value is not None
        }

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> Configuration:
        """Read a flat description; what it leaves out, or gives as None, has its default.

        Raises:
            UserError: for an unknown name, a value of another type or out of range, or two names
                for one thing.
        """
        given = {name: value for name, value in description.items() if value is not None}
        kinds = {"method": str} | METHOD_SETTINGS | _RUN_SETTINGS
        for name, value in given.items():
            if name not in kinds:
                raise UserError(f"unknown setting {name!r:.80}: choose from {', '.join(kinds)}")
            if kinds[name] is float:
                given[name] = value = _number(value)
            if type(value) is not kinds[name]:
                raise UserError(
                    f"{name} = {value!r:.80}: this should be {_KIND_NAMES[kinds[name]]}"
                )
        if "method" not in given:
            raise UserError(f"no method is named: choose from {', '.join(METHODS)}")
        if {"learning_rate_bits", "learning_rate_schedule"} <= given.keys():
            raise UserError(
                "learning_rate_bits and learning_rate_schedule are both given: leave one out"
            )
        rounding = given.get("rounding")
        if rounding is not None and rounding not in _ROUNDINGS:
            raise UserError(f"rounding {rounding!r}: choose from {', '.join(_ROUNDINGS)}")
        of_method = {name: given.get(name) for name in METHOD_SETTINGS}
        of_method["rounding"] = None if rounding is None else _ROUNDINGS[rounding]
        of_run = {name: given[name] for name in _RUN_SETTINGS if name in given}
        return cls(method(given["method"], **of_method), **of_run)

    def key(self, inputs: Mapping[str, Any], code: tuple[str, ...] = TRAINING) -> str:
        """Key of the run: of this description, of ``inputs`` and of the modules it follows from."""
        return key_of({"configuration": self.to_json(), **inputs}, code)


def method_setting_names() -> tuple[str, ...]:
    """Names that describe a method."""
    return ("method", *METHOD_SETTINGS)


def setting_names() -> tuple[str, ...]:
    """All names that a description may hold."""
    return (*method_setting_names(), *_RUN_SETTINGS)


def _number(value: Any) -> Any:
    """A whole number as a float, so that 1 and 1.0 are one setting; anything else as it is."""
    if type(value) is not int:
        return value
    return float(value) if abs(value) < 1 << 53 else math.inf


_KIND_NAMES = {int: "a whole number", float: "a number", str: "a text"}


# Each part but the first as fast as possible: without a way back the search takes linear time.
_DEEP_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    rf"{{{TOML_DEPTH}}}"
)


def read_table(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        UserError: when it cannot be read.
    """
    try:
        text = read_file(path, TOML_FILE).decode()
        if deep := _DEEP_KEY.search(text):
            raise ValueError(f"the key {deep[0]:.20}... has more than {TOML_DEPTH} parts")
        table = tomllib.loads(text)
        _check_whole_numbers(table)
        return table
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a TOML file") from error
    except ValueError as error:
        raise UserError(f"{path}: not TOML ({error})") from error
    except RecursionError as error:
        raise UserError(f"{path}: not the settings of runs (nested too deep)") from error


def _check_whole_numbers(value: Any) -> None:
    """Refuse what TOML 1.0 has no room for, and Python no text."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise ValueError("a whole number of more than 64 bits")
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        _check_whole_numbers(part)


def read_backbones(path: Path) -> list[Path | None]:
    """The backbones that a sweep's TOML file names, as --backbone does; None: it names none.

    Raises:
        UserError: when the file cannot be read, or names something else.
    """
    table = read_table(path)
    if "backbone" not in table:
        return [None]
    named = table["backbone"]
    names: list[Any] = named if isinstance(named, list) else [named]
    if not names or not all(isinstance(name, str) for name in names):
        raise UserError(
            f"{path}: backbone = {named!r:.80}: this should be a name, or a list of names"
        )
    if len(set(names)) < len(names):
        raise UserError(f"{path}: backbone names one twice")
    return [Path(name) for name in names]


def read_sweep(
    path: Path, defaults: Mapping[str, Any], most: int = SWEEP_RUNS
) -> list[Configuration]:
    """The runs that a TOML file describes: a list of values stands for one run with each.

    Several lists give every combination, the last list changing fastest. What the file leaves out
    is taken from ``defaults``. Each is run on every one of ``read_backbones``.

    Raises:
        UserError: when the file cannot be read, a setting is wrong, or it stands for more than
            ``most`` runs.
    """
    table = {**defaults, **read_table(path)}
    table.pop("backbone", None)
    for name, value in table.items():
        if value == []:
            raise UserError(f"{path}: {name} is an empty list; give a value, or leave it out")
    choices = [value if isinstance(value, list) else [value] for value in table.values()]
    runs = math.prod(map(len, choices))
    if runs > most:
        raise UserError(
            f"{path}: stands for {runs:,} runs, more than {most:,}: make it smaller, or allow them "
            "with --most-runs"
        )
    try:
        return [
            Configuration.from_json(dict(zip(table, values, strict=True)))
            for values in product(*choices)
        ]
    except (UserError, KernelError) as error:
        raise UserError(f"{path}: {error}") from error
