"""Which buffers a training step needs, when, and where they lie in the image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from priot.experiments.device.operations import masked_scratch_of, scratch_of, scratch_of_core1
from priot.experiments.device.operations.scratch import Scratch
from priot.experiments.device.placement import DEFAULT, Edges, Memory, Placement, Scores
from priot.experiments.device.planner import Buffer, Plan, plan_buffers
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.schema import HEADER_FIELDS, LAYER_FIELDS, MORE_SCRATCH, names_of
from priot.experiments.device.variants import Variant
from priot.experiments.errors import UserError
from priot.kernels.methods import Method
from priot.kernels.model import Model
from priot.kernels.network import Network
from priot.kernels.operations import Weighted, Weightless

MAX_COLUMNS = 1 << 16  # columns of sparse scores are 16 bits wide


class DoesNotFitError(UserError):
    """There is too little memory for an image."""


@dataclass(frozen=True)
class Layout:
    """Where every tensor of a step lies; names are those of LAYER_FIELDS with a layer's index.

    ``offsets`` holds one entry per tensor, such as ``("weights", 0)``; two tensors that share
    their memory by design (the input and output of an operation in place) have equal offsets.
    Those of tensors in flash count from the start of the image's part there.
    """

    network: Network
    method: Method
    variant: Variant
    placement: Placement
    purpose: Purpose
    plan: Plan
    flash: Plan
    offsets: dict[tuple[str, int], int]

    @property
    def size(self) -> int:
        """Bytes of the image in SRAM, scratch included."""
        return self.plan.size

    def in_flash(self, part: str, index: int) -> bool:
        """Whether a tensor lies in flash: weights that training never changes may."""
        return f"{part} {index}" in self.flash.offsets

    def check_flash_fits(self, capacity: int) -> None:
        """Refuse an image whose part in flash is larger than ``capacity`` bytes.

        Raises:
            DoesNotFitError: with both sizes.
        """
        if self.flash.size > capacity:
            raise DoesNotFitError(
                f"{self.network.name} does not fit with {self.method.label}: weights "
                f"{self.flash.size:,} bytes, but flash has {capacity:,}; make the network smaller"
            )

    def check_fits(self, capacity: int, where: str) -> None:
        """Refuse an image that is larger than ``capacity`` bytes.

        Raises:
            DoesNotFitError: with the sum of what the image holds.
        """
        if self.size <= capacity:
            return
        permanent = {
            part: sum(
                buffer.size
                for buffer in self.plan.buffers
                if buffer.moments is None and buffer.name.split(" ")[0] == part
            )
            for part in ("header", "weights", "scores", "row_starts", "columns")
        }
        shared = self.size - sum(permanent.values())
        parts = [f"{part} {size:,}" for part, size in permanent.items() if size]
        raise DoesNotFitError(
            f"{self.network.name} does not fit with {self.method.label}: "
            f"{' + '.join(parts)} + activations, errors and scratch {shared:,} = {self.size:,} "
            f"bytes, but {where} has {capacity:,}; "
            "make the network smaller, or score a smaller fraction of its edges"
        )


def lay_out(
    model: Model,
    method: Method,
    variant: Variant = Variant.PLAIN,
    placement: Placement = DEFAULT,
    purpose: Purpose = Purpose.TRAINING,
) -> Layout:
    """Plan every buffer of a training step or prediction of ``model`` for one firmware variant.

    A moment is one operation: the forward ones in order; in training, the loss, then backward and
    update of each layer from the last to the first that is trained.

    Raises:
        UserError: when a row of sparse scores is longer than 16 bits can count, or the placement
            does not suit the method.
    """
    placement.check(method, purpose)
    return _Planner(model, method, variant, placement, purpose).layout()


class _Planner:
    """Collects the buffers of a step with the moments at which they are needed."""

    def __init__(
        self,
        model: Model,
        method: Method,
        variant: Variant,
        placement: Placement,
        purpose: Purpose,
    ) -> None:
        self.model, self.method, self.network = model, method, model.network
        self.variant, self.placement, self.purpose = variant, placement, purpose
        self.trains = purpose is Purpose.TRAINING
        self.count = len(self.network.layers)
        self.first = method.trained_of(self.network)[0]
        """Behind the loss, layers before this one are as in a prediction."""
        self.buffers: list[Buffer] = []
        self.flash: list[Buffer] = []
        self.names: dict[tuple[str, int], str] = {}

    def layout(self) -> Layout:
        of_layer = len(LAYER_FIELDS)
        if self.variant is Variant.DUAL:
            of_layer += len(names_of(MORE_SCRATCH))
        self._permanent("header", -1, 4 * (len(HEADER_FIELDS) + self.count * of_layer))
        for index in self.network.weighted:
            self._tensors_of(index)
        self._activations()
        if self.trains:
            self._errors()
        for index in self.network.weighted:
            self._scratch(index)
        plan, flash = plan_buffers(self.buffers), plan_buffers(self.flash)
        places = plan.offsets | flash.offsets
        offsets = {key: places[name] for key, name in self.names.items()}
        settings = (self.network, self.method, self.variant, self.placement, self.purpose)
        return Layout(*settings, plan, flash, offsets)

    def _loss(self) -> int:
        return self.count

    def _backward(self, index: int) -> int:
        return self.count + 1 + 2 * (self.count - 1 - index)

    def _update(self, index: int) -> int:
        return self._backward(index) + 1

    def _moments_of(self, index: int) -> set[int]:
        """All operations of a layer with weights."""
        moments = {index}
        if self._computes_gradient(index):
            moments.add(self._update(index))
        if self._computes_input_error(index):
            moments.add(self._backward(index))
        return moments

    def _computes_gradient(self, index: int) -> bool:
        return self.trains and index >= self.first

    def _computes_input_error(self, index: int) -> bool:
        return self.trains and index > self.first

    def _permanent(self, part: str, index: int, size: int) -> None:
        self._add(part, index, size, None)

    def _add(self, part: str, index: int, size: int, moments: frozenset[int] | None) -> None:
        name = f"{part} {index}"
        self.buffers.append(Buffer(name, size, moments))
        self.names[part, index] = name

    def _weights(self, index: int, size: int) -> None:
        frozen = self.method.trains_scores or index < self.first
        if self.placement.weights is Memory.SRAM or not frozen:
            self._permanent("weights", index, size)
            return
        name = f"weights {index}"
        self.flash.append(Buffer(name, size))
        self.names["weights", index] = name

    def _tensors_of(self, index: int) -> None:
        weights = self.model.weights[index]
        self._weights(index, weights.size)
        if not self.method.trains_scores:
            return
        rows, columns = len(weights), weights.size // len(weights)
        if self.placement.scores is Scores.MASK:
            self._permanent("scores", index, rows * -(-columns // 8))
            return
        if not self.method.sparse:
            self._permanent("scores", index, weights.size)
            return
        if columns > MAX_COLUMNS:
            raise UserError(
                f"{self.network.name}, {self.network.name_of(index)}: rows of {columns:,} edges "
                f"are too long for sparse scores, which reach {MAX_COLUMNS:,}"
            )
        scored = int(np.count_nonzero(self.model.scored[index]))
        self._permanent("scores", index, scored)
        if self.placement.edges is Edges.INDEX:
            self._permanent("row_starts", index, 4 * (rows + 1))
            self._permanent("columns", index, 2 * scored)
            return
        bitmap = rows * (-(-columns // 8))
        self._permanent("row_starts", index, 4 * (rows + 1) + -(-bitmap // 4) * 4)
        most = int(self.model.scored[index].reshape(rows, -1).sum(axis=1).max())
        self._add("columns", index, 2 * most, frozenset(self._moments_of(index)))

    def _activations(self) -> None:
        """Outputs by layer; those of layer -1 are the network's input."""
        producer = -1
        last_use = {-1: 0}

        def use(moment: int) -> None:
            last_use[producer] = max(last_use.get(producer, 0), moment)

        for index, layer in enumerate(self.network.layers):
            use(index)
            goes_back = self._computes_gradient(index)
            weightless = layer if isinstance(layer, Weightless) else None
            if goes_back and weightless is None:
                use(self._update(index))
            elif goes_back and weightless and weightless.backward_reads_inputs:
                use(self._backward(index))
            if weightless and weightless.in_place:
                self.names["outputs", index] = f"outputs {producer}"
            else:
                producer = index
                use(index)
            if goes_back and weightless and weightless.backward_reads_outputs:
                use(self._backward(index))
        if self.trains:
            use(self._update(self.first))  # the host reads the logits at the end
        for index, last in last_use.items():
            shape = self.network.output_shape_of(index)
            moments = frozenset(range(max(index, 0), last + 1))
            self._add("outputs", index, math.prod(shape), moments)

    def _errors(self) -> None:
        """Errors of each layer's output, back to the first layer that is trained."""
        producer = self.count - 1
        born = self._loss()
        for index in range(self.count - 1, self.first - 1, -1):
            layer = self.network.layers[index]
            if producer != index:
                self.names["output_error", index] = f"output_error {producer}"
            if isinstance(layer, Weightless) and layer.in_place:
                continue
            weighted = isinstance(layer, Weighted)
            last = self._update(index) if weighted else self._backward(index)
            size = math.prod(self.network.output_shape_of(producer))
            self._add("output_error", producer, size, frozenset(range(born, last + 1)))
            producer, born = index - 1, self._backward(index)

    def _scratch(self, index: int) -> None:
        """What the operations of one layer compute with: ``sums``, ``kept`` and the like."""
        masked = self.placement.scores is Scores.MASK
        needed = masked_scratch_of if masked else scratch_of
        scratch = needed(self.network, self.method, index, self.variant)
        sums = self._sums(index, scratch)
        if self.trains and index == self.count - 1:
            outputs = math.prod(self.network.output_shape_of(index))
            sums[self._loss()] = 8 * outputs  # the loss works in 64 bits
        self._add_sums("sums", index, sums)
        if self.variant is Variant.DUAL:
            of_core1 = scratch_of_core1(self.network, self.method, index)
            self._add_sums("sums_of_core1", index, self._sums(index, of_core1))
        if scratch.packed and self._computes_input_error(index):
            self._add("packed", index, scratch.packed, frozenset({self._backward(index)}))
        if scratch.kept:
            updates = {self._update(index)}
            self._add("kept", index, scratch.kept, frozenset(self._moments_of(index) - updates))

    def _sums(self, index: int, scratch: Scratch) -> dict[int, int]:
        """Bytes by moment."""
        sums = {index: scratch.forward}
        if self._computes_gradient(index):
            sums[self._update(index)] = scratch.update
        if self._computes_input_error(index):
            sums[self._backward(index)] = scratch.backward
        return sums

    def _add_sums(self, part: str, index: int, sums: dict[int, int]) -> None:
        moments = frozenset(moment for moment, size in sums.items() if size)
        if moments:
            self._add(part, index, max(sums.values()), moments)
