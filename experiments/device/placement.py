"""What of a training step lies where: settings that trade SRAM for flash and cycles."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import product

from priot.experiments.device.purpose import Purpose
from priot.experiments.errors import UserError
from priot.kernels.methods import Method


class Memory(StrEnum):
    """One of the RP2040's two memories."""

    SRAM = "sram"
    FLASH = "flash"
    """Only read, through the XIP cache; the host writes it before the run."""


class Edges(StrEnum):
    """How an image tells which edges have a score, where only some have one."""

    INDEX = "index"
    """A 16-bit column for each: cheap while they are few."""
    BITMAP = "bitmap"
    """One bit for every edge of the layer."""


class Scores(StrEnum):
    """What an image holds of the scores."""

    INT8 = "int8"
    """The scores themselves, as training needs them."""
    MASK = "mask"
    """One bit for every edge: whether it is kept. All that a prediction needs."""


@dataclass(frozen=True)
class Placement:
    """Where weights and code lie, and how scores are stored; the default is all in SRAM."""

    weights: Memory = Memory.SRAM
    code: Memory = Memory.SRAM
    edges: Edges = Edges.INDEX
    scores: Scores = Scores.INT8

    @classmethod
    def parse(cls, text: str) -> Placement:
        """A placement as it is written on the command line: ``weights=flash,edges=bitmap``.

        ``default`` stands for everything in SRAM.

        Raises:
            UserError: naming what is possible.
        """
        if text == "default":
            return cls()
        chosen: dict[str, StrEnum] = {}
        kinds = cls._kinds()
        for setting in text.split(","):
            name, _, value = setting.partition("=")
            if name not in kinds:
                raise UserError(
                    f"placement {text!r}: {name!r} cannot be placed; "
                    f"possible are {', '.join(kinds)}, as in weights=flash,code=flash"
                )
            if name in chosen:
                raise UserError(f"placement {text!r}: {name} is placed twice")
            try:
                chosen[name] = kinds[name](value)
            except ValueError as error:
                raise UserError(
                    f"placement {text!r}: {name}={value} is none of {', '.join(kinds[name])}"
                ) from error
        return cls(**chosen)  # type: ignore[arg-type]  # each name has its own kind of value

    def check(self, method: Method, purpose: Purpose = Purpose.TRAINING) -> None:
        """Refuse what ``method`` cannot do.

        Raises:
            UserError: with the reason.
        """
        if self.weights is Memory.FLASH and not method.freezes_weights:
            raise UserError(
                f"{method.label} trains its weights, and flash is only read: weights=flash is for "
                "methods that train scores, and for layers that are not trained"
            )
        if self.edges is Edges.BITMAP and not method.sparse:
            raise UserError(
                f"{method.label} has no list of scored edges: edges=bitmap is for priot-s"
            )

        if self.scores is Scores.MASK:
            if purpose is Purpose.TRAINING:
                raise UserError("a packed mask cannot be trained: scores=mask is for predictions")
            if not method.trains_scores:
                raise UserError(
                    f"{method.label} has no scores: scores=mask is for priot and priot-s"
                )
            if method.doubles:
                raise UserError(
                    f"{method.label} counts an edge 0, 1 or 2 times, and a mask has one bit for "
                    "it: scores=mask is for priot and priot-s"
                )
            if self.edges is Edges.BITMAP:
                raise UserError("scores=mask tells of every edge: leave out edges=bitmap")

    def suits(self, method: Method, purpose: Purpose = Purpose.TRAINING) -> bool:
        """Whether ``check`` lets ``method`` pass."""
        try:
            self.check(method, purpose)
        except UserError:
            return False
        return True

    @classmethod
    def every(cls) -> tuple[Placement, ...]:
        """All combinations of the settings, the default first."""
        choices = product(*cls._kinds().values())
        return tuple(cls(*values) for values in choices)  # type: ignore[arg-type]  # as in parse

    @classmethod
    def _kinds(cls) -> dict[str, type[StrEnum]]:
        """What each setting can be: the kind of its default."""
        usual = cls()
        return {field.name: type(getattr(usual, field.name)) for field in fields(cls)}

    def __str__(self) -> str:
        """What differs from the default, as ``parse`` and ``--placement`` read it."""
        usual = Placement()
        changed = [
            f"{field.name}={value}"
            for field in fields(self)
            if (value := getattr(self, field.name)) != getattr(usual, field.name)
        ]
        return ",".join(changed) or "default"


DEFAULT = Placement()
"""Everything in SRAM, scored edges by index."""
