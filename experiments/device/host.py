"""The host's side of the trainer firmware: loads an image, sends commands, reads tensors back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from priot.experiments.device.image import (
    encode,
    encode_flash,
    encode_header,
    permanent_tensors,
)
from priot.experiments.device.layout import lay_out
from priot.experiments.device.placement import DEFAULT, Placement, Scores
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.variants import Variant
from priot.experiments.errors import VoidResultError
from priot.kernels.methods import Method
from priot.kernels.model import Model
from priot.kernels.trainer import Scale

MAILBOX_FIELDS = (
    *("image", "command", "label", "checkpoints"),
    *("status", "prediction", "logit_exponent", "phase", "layer"),
)
MAILBOX = np.dtype([(field, "<i4") for field in MAILBOX_FIELDS])
PREDICT, TRAIN = 1, 2
MAX_CYCLES = 10_000_000_000  # between two breakpoints; a step of any network that fits is less
READY, CHECKPOINT = 0, 1  # numbers of the firmware's breakpoints, firmware_elf/runtime/halt.h
STATUS = {
    1: "the image is damaged or of another version",
    2: "unknown command",
    3: "the image has a layer of an unknown kind",
    4: "the method is not supported",
}


class Phase(IntEnum):
    """The three parts of a training step."""

    FORWARD = 0
    BACKWARD = 1
    UPDATE = 2


@dataclass(frozen=True)
class Checkpoint:
    """An operation that just ended, and the cycles that it took.

    ``layer`` is an index, or the number of layers for the loss.
    """

    phase: Phase
    layer: int
    cycles: int


class Stop(Protocol):
    """Why a run ended: for a breakpoint, its number."""

    @property
    def immediate(self) -> int | None:
        """Number of the breakpoint; None when the run ended otherwise."""


class Symbol(Protocol):
    """A name of the firmware and where it lies."""

    @property
    def address(self) -> int:
        """Address in the target's memory."""


class Target(Protocol):
    """A machine that runs the firmware: the simulator, or a board behind a debug probe."""

    @property
    def cycles(self) -> int:
        """Cycles since reset."""

    def run(self, max_cycles: int | None) -> Stop:
        """Run from where it stands to the next breakpoint, for about ``max_cycles`` at most."""

    def symbol(self, name: str) -> Symbol:
        """A symbol of the firmware."""

    def read(self, address: int, dtype: DTypeLike, count: int) -> NDArray[Any]:
        """A copy of ``count`` elements of memory."""

    def write(self, address: int, data: bytes) -> None:
        """Overwrite memory."""


class DeviceError(VoidResultError):
    """The firmware refused a command or stopped where it should not."""


class Device:
    """A model that is trained on a target, one image at a time.

    Args:
        target: reset, with the trainer firmware loaded.
        model: copied to the target; ``tensor`` reads what training makes of it.
        method: what is trained.
        scales: static scales by layer index, None for a method with dynamic ones.
        variant: of the firmware that is loaded; it decides about the scratch.
        placement: of what lies in the image; the code lies where the firmware was linked for.
        purpose: of the firmware that is loaded; that for predictions refuses to train.

    Raises:
        UserError: when the model does not fit the target's memory, with the sum, or the placement
            does not suit the method.
    """

    def __init__(
        self,
        target: Target,
        model: Model,
        method: Method,
        scales: dict[int, Scale] | None,
        variant: Variant = Variant.PLAIN,
        placement: Placement = DEFAULT,
        purpose: Purpose = Purpose.TRAINING,
    ) -> None:
        self.target, self._start, self._scales = target, model.copy(), scales
        self.layout = lay_out(model, method, variant, placement, purpose)
        self._base = target.symbol("__arena_start__").address
        capacity = target.symbol("__arena_end__").address - self._base
        self.layout.check_fits(capacity, "the arena in SRAM beside the firmware")
        self._mailbox = target.symbol("mailbox").address
        self._flash_base = 0
        if in_flash := encode_flash(self.layout, model):
            self._flash_base = target.symbol("__flash_arena_start__").address
            end = target.symbol("__flash_arena_end__").address
            self.layout.check_flash_fits(end - self._flash_base)
            target.write(self._flash_base, in_flash)
        self._run_to(READY)
        target.write(self._base, encode(self.layout, model, scales, self._to_flash))

    def set_learning_rate_bits(self, bits: int) -> None:
        """Of the updates from now on: the words of the image that follow from it are rewritten.

        Raises:
            MethodError: outside 0..7.
        """
        method = replace(self.layout.method, learning_rate_bits=bits)
        self.layout = replace(self.layout, method=method)
        header = encode_header(self.layout, self._start, self._scales, self._to_flash)
        self.target.write(self._base, header)

    def predict(self, image: NDArray[np.int8]) -> int:
        """The class of one image (C,H,W), int8."""
        self._send(PREDICT, image, label=0, checkpoints=False)
        return self._finish()

    def step(self, image: NDArray[np.int8], label: int) -> int:
        """Train on one image (C,H,W), int8; returns the class predicted before the update."""
        self._send(TRAIN, image, label, checkpoints=False)
        return self._finish()

    def train(
        self, images: NDArray[np.int8], labels: NDArray[np.uint8], order: NDArray[np.int64]
    ) -> None:
        """``step`` for each index of ``order``; images (N,C,H,W), labels (N,)."""
        for index in order:
            self.step(images[index], int(labels[index]))

    def logits_of(self, images: NDArray[np.int8]) -> NDArray[np.int8]:
        """The logits (N,classes) of images (N,C,H,W)."""
        last, classes = len(self.layout.network.layers) - 1, self.layout.network.classes
        logits = np.zeros((len(images), classes), np.int8)
        for image, of_one in zip(images, logits, strict=True):
            self.predict(image)
            of_one[:] = self.tensor("outputs", last, np.int8, classes)
        return logits

    def step_by_operation(self, image: NDArray[np.int8], label: int) -> Iterator[Checkpoint]:
        """Like ``step``, but halts after every operation, before the next can overwrite it."""
        return self._by_operation(TRAIN, image, label)

    def predict_by_operation(self, image: NDArray[np.int8]) -> Iterator[Checkpoint]:
        """Like ``predict``, but halts as ``step_by_operation`` does."""
        return self._by_operation(PREDICT, image, label=0)

    def _by_operation(
        self, command: int, image: NDArray[np.int8], label: int
    ) -> Iterator[Checkpoint]:
        self._send(command, image, label, checkpoints=True)
        start = self.target.cycles
        while self._run().immediate == CHECKPOINT:
            now = self.target.cycles
            mailbox = self._read_mailbox()
            yield Checkpoint(Phase(int(mailbox["phase"])), int(mailbox["layer"]), now - start)
            start = now
        self._check_status()

    def tensor(self, part: str, index: int, dtype: DTypeLike, count: int) -> NDArray[Any]:
        """A copy of a tensor of the image, flat; ``part`` and ``index`` as in ``Layout``."""
        base = self._flash_base if self.layout.in_flash(part, index) else self._base
        return self.target.read(base + self.layout.offsets[part, index], dtype, count)

    @property
    def model(self) -> Model:
        """The model as it is on the target now; scores behind a packed mask are as they were."""
        model = self._start.copy()
        for index in model.network.weighted:
            expected = permanent_tensors(model, self.layout.method, index, self.layout.placement)
            weights = self.tensor("weights", index, np.int8, expected["weights"].size)
            model.weights[index] = weights.reshape(model.weights[index].shape)
            if "scores" in expected and self.layout.placement.scores is Scores.INT8:
                scores = self.tensor("scores", index, np.int8, expected["scores"].size)
                model.scores[index][model.scored[index]] = scores
        return model

    @property
    def _to_flash(self) -> int:
        return self._flash_base - self._base

    def _send(self, command: int, image: NDArray[np.int8], label: int, checkpoints: bool) -> None:
        if image.shape != self.layout.network.input_shape:
            raise ValueError(
                f"{self.layout.network.name} takes an image of {self.layout.network.input_shape}, "
                f"not {image.shape}"
            )
        self.target.write(self._base + self.layout.offsets["outputs", -1], image.tobytes())
        request = np.array([self._base, command, label, checkpoints], "<i4")
        self.target.write(self._mailbox, request.tobytes())

    def _finish(self) -> int:
        self._run_to(READY)
        self._check_status()
        return int(self._read_mailbox()["prediction"])

    def _run_to(self, halt: int) -> None:
        stop = self._run()
        if stop.immediate != halt:
            raise DeviceError(f"the firmware stopped at {stop}, not at breakpoint {halt}")

    def _run(self) -> Stop:
        stop = self.target.run(MAX_CYCLES)
        if stop.immediate is None:
            raise DeviceError(
                f"the firmware did not halt within {MAX_CYCLES:,} cycles: is it a trainer?"
            )
        return stop

    def _check_status(self) -> None:
        status = int(self._read_mailbox()["status"])
        if status:
            raise DeviceError(f"the firmware refused: {STATUS.get(status, status)}")

    def _read_mailbox(self) -> Any:
        return self.target.read(self._mailbox, MAILBOX, 1)[0]
