"""The image: one block of memory with a network and all it needs to be trained on the device.

``docs/image-format.md`` describes it; ``firmware_elf/trainer/image.h`` is the same in C.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.errors import UserError
from experiments.planner import Buffer, Plan, plan_buffers
from kernels.methods import Method
from kernels.model import INPUT_EXPONENT, Model
from kernels.network import Conv2d, Dense, Layer, MaxPool2d, Network, ReLU, Shape
from kernels.rounding import Rounding
from kernels.trainer import Scale

MAGIC = int.from_bytes(b"RIOT", "little")
VERSION = 1
MAX_COLUMNS = 1 << 16  # columns of sparse scores are 16 bits wide

HEADER_FIELDS = (
    *("magic", "version", "size", "flags", "learning_rate_bits", "threshold"),
    *("input_exponent", "first_weighted", "layer_count"),
)
SHAPE_FIELDS = ("channels", "height", "width")
LAYER_FIELDS = (
    "kind",
    *(f"in.{field}" for field in SHAPE_FIELDS),
    *(f"out.{field}" for field in SHAPE_FIELDS),
    *("window", "padding", "exponent", "forward_shift", "backward_shift", "update_shift"),
    *("weights", "scores", "row_starts", "columns", "inputs", "outputs"),
    *("input_error", "output_error", "sums", "kept"),
)
KINDS: dict[type[Layer], int] = {Conv2d: 1, Dense: 2, ReLU: 3, MaxPool2d: 4}
DYNAMIC, TRAINS_SCORES, SPARSE_SCORES, ROUND_NEAREST = 1, 2, 4, 8


@dataclass(frozen=True)
class Layout:
    """Where every tensor of a step lies; names are those of LAYER_FIELDS with a layer's index.

    ``offsets`` holds one entry per tensor, such as ``("weights", 0)``; two tensors that share
    their memory by design (the input and output of a ReLU) have equal offsets.
    """

    network: Network
    method: Method
    plan: Plan
    offsets: dict[tuple[str, int], int]

    @property
    def size(self) -> int:
        """Bytes of the image, scratch included."""
        return self.plan.size

    def check_fits(self, capacity: int, where: str) -> None:
        """Refuse an image that is larger than ``capacity`` bytes.

        Raises:
            UserError: with the sum of what the image holds.
        """
        if self.size <= capacity:
            return
        permanent = {
            part: sum(
                buffer.size for buffer in self.plan.buffers if buffer.name.split(" ")[0] == part
            )
            for part in ("header", "weights", "scores", "row_starts", "columns")
        }
        shared = self.size - sum(permanent.values())
        parts = [f"{part} {size:,}" for part, size in permanent.items() if size]
        raise UserError(
            f"{self.network.name} does not fit with {self.method.label}: "
            f"{' + '.join(parts)} + activations, errors and scratch {shared:,} = {self.size:,} "
            f"bytes, but {where} has {capacity:,}; "
            "make the network smaller, or score a smaller fraction of its edges"
        )


def lay_out(model: Model, method: Method) -> Layout:
    """Plan every buffer of a training step of ``model``.

    A moment is one operation: the forward ones in order, the loss, then backward and update of
    each layer from the last to the first.

    Raises:
        UserError: when a row of sparse scores is longer than 16 bits can count.
    """
    return _Planner(model, method).layout()


class _Planner:
    """Collects the buffers of a step with the moments at which they are needed."""

    def __init__(self, model: Model, method: Method) -> None:
        self.model, self.method, self.network = model, method, model.network
        self.count = len(self.network.layers)
        self.first = self.network.weighted[0]
        self.buffers: list[Buffer] = []
        self.names: dict[tuple[str, int], str] = {}

    def layout(self) -> Layout:
        self._permanent("header", -1, 4 * (len(HEADER_FIELDS) + self.count * len(LAYER_FIELDS)))
        for index in self.network.weighted:
            self._tensors_of(index)
        self._activations()
        self._errors()
        for index in self.network.weighted:
            self._scratch(index)
        plan = plan_buffers(self.buffers)
        offsets = {key: plan.offsets[name] for key, name in self.names.items()}
        return Layout(self.network, self.method, plan, offsets)

    def _loss(self) -> int:
        return self.count

    def _backward(self, index: int) -> int:
        return self.count + 1 + 2 * (self.count - 1 - index)

    def _update(self, index: int) -> int:
        return self._backward(index) + 1

    def _permanent(self, part: str, index: int, size: int) -> None:
        self._add(part, index, size, None)

    def _add(self, part: str, index: int, size: int, moments: frozenset[int] | None) -> None:
        name = f"{part} {index}"
        self.buffers.append(Buffer(name, size, moments))
        self.names[part, index] = name

    def _tensors_of(self, index: int) -> None:
        weights = self.model.weights[index]
        self._permanent("weights", index, weights.size)
        if not self.method.trains_scores:
            return
        if not self.method.sparse:
            self._permanent("scores", index, weights.size)
            return
        rows, columns = len(weights), weights.size // len(weights)
        if columns > MAX_COLUMNS:
            raise UserError(
                f"{self.network.name}, {self.network.name_of(index)}: rows of {columns:,} edges "
                f"are too long for sparse scores, which reach {MAX_COLUMNS:,}"
            )
        scored = int(np.count_nonzero(self.model.scored[index]))
        self._permanent("scores", index, scored)
        self._permanent("row_starts", index, 4 * (rows + 1))
        self._permanent("columns", index, 2 * scored)

    def _activations(self) -> None:
        """Outputs by layer; those of layer -1 are the network's input. A ReLU works in place."""
        producer = -1
        last_use = {-1: 0}

        def use(moment: int) -> None:
            last_use[producer] = max(last_use.get(producer, 0), moment)

        for index, layer in enumerate(self.network.layers):
            use(index)
            if index >= self.first and isinstance(layer, Conv2d | Dense):
                use(self._update(index))
            elif index >= self.first and isinstance(layer, MaxPool2d):
                use(self._backward(index))
            if isinstance(layer, ReLU):
                self.names["outputs", index] = f"outputs {producer}"
            else:
                producer = index
                use(index)
            if index >= self.first and isinstance(layer, ReLU | MaxPool2d):
                use(self._backward(index))
        use(self._update(self.first))  # the host reads the logits at the end
        for index, last in last_use.items():
            shape = self.network.output_shape_of(index)
            moments = frozenset(range(max(index, 0), last + 1))
            self._add("outputs", index, math.prod(shape), moments)

    def _errors(self) -> None:
        """Errors of each layer's output, back to the first layer with weights."""
        producer = self.count - 1
        born = self._loss()
        for index in range(self.count - 1, self.first - 1, -1):
            layer = self.network.layers[index]
            if producer != index:
                self.names["output_error", index] = f"output_error {producer}"
            if isinstance(layer, ReLU):
                continue
            last = (
                self._update(index)
                if isinstance(layer, Conv2d | Dense)
                else (self._backward(index))
            )
            size = math.prod(self.network.output_shape_of(producer))
            self._add("output_error", producer, size, frozenset(range(born, last + 1)))
            producer, born = index - 1, self._backward(index)

    def _scratch(self, index: int) -> None:
        """int32 sums that wait for their scale, and weights less their pruned edges."""
        layer, weights = self.network.layers[index], self.model.weights[index]
        inputs = math.prod(self.network.input_shape_of(index))
        outputs = math.prod(self.network.output_shape_of(index))
        sums: dict[int, int] = {}
        if self.method.dynamic:
            sums[index] = 4 * outputs
            if isinstance(layer, Conv2d):
                sums[self._update(index)] = 4 * weights.size
        if index > self.first and (self.method.dynamic or isinstance(layer, Dense)):
            sums[self._backward(index)] = 4 * inputs
        if index == self.count - 1:
            sums[self._loss()] = 8 * outputs  # the loss works in 64 bits
        if sums:
            self._add("sums", index, max(sums.values()), frozenset(sums))
        if self.method.trains_scores:
            rows = len(weights) if isinstance(layer, Conv2d) else 1
            moments = {index, self._backward(index)} if index > self.first else {index}
            self._add("kept", index, rows * weights.size // len(weights), frozenset(moments))


def encode(layout: Layout, model: Model, scales: dict[int, Scale] | None) -> bytes:
    """The image's first bytes, up to the end of its permanent tensors; the rest is scratch.

    Args:
        scales: static scales by layer index; None for a method with dynamic ones.
    """
    method, network = layout.method, layout.network
    if method.dynamic != (scales is None):
        raise ValueError(f"{method.name}: static scales {'given' if scales else 'missing'}")
    header = {
        "magic": MAGIC,
        "version": VERSION,
        "size": layout.size,
        "flags": (DYNAMIC if method.dynamic else 0)
        | (TRAINS_SCORES if method.trains_scores else 0)
        | (SPARSE_SCORES if method.sparse else 0)
        | (ROUND_NEAREST if method.rounding is Rounding.NEAREST else 0),
        "learning_rate_bits": method.learning_rate_bits,
        "threshold": method.threshold,
        "input_exponent": INPUT_EXPONENT,
        "first_weighted": network.weighted[0],
        "layer_count": len(network.layers),
    }
    words = [header[field] for field in HEADER_FIELDS]
    for index in range(len(network.layers)):
        record = _layer_record(layout, model, scales, index)
        words += [record.get(field, 0) for field in LAYER_FIELDS]
    tensors = {("header", -1): np.array(words, "<i4").tobytes()}
    for index in network.weighted:
        for part, values in permanent_tensors(model, method, index).items():
            tensors[part, index] = values.tobytes()
    image = bytearray(max(layout.offsets[key] + len(data) for key, data in tensors.items()))
    for key, data in tensors.items():
        image[layout.offsets[key] : layout.offsets[key] + len(data)] = data
    return bytes(image)


def permanent_tensors(model: Model, method: Method, index: int) -> dict[str, NDArray[np.generic]]:
    """The tensors of one layer that outlive a step, as they lie in the image, flat.

    Sparse scores are packed row after row: ``row_starts`` (uint32) counts them, ``columns``
    (uint16) gives each one's place in its row.
    """
    weights = model.weights[index]
    tensors: dict[str, NDArray[np.generic]] = {"weights": weights.reshape(-1)}
    if not method.trains_scores:
        return tensors
    if not method.sparse:
        return tensors | {"scores": model.scores[index].reshape(-1)}
    scored = model.scored[index].reshape(len(weights), -1)
    starts = np.concatenate([[0], np.cumsum(scored.sum(axis=1))]).astype("<u4")
    return tensors | {
        "scores": model.scores[index].reshape(-1)[scored.reshape(-1)],
        "row_starts": starts,
        "columns": np.nonzero(scored)[1].astype("<u2"),
    }


def _layer_record(
    layout: Layout, model: Model, scales: dict[int, Scale] | None, index: int
) -> dict[str, int]:
    network, layer = layout.network, layout.network.layers[index]
    record = {"kind": KINDS[type(layer)]}
    for side, shape in (
        ("in", network.input_shape_of(index)),
        ("out", network.output_shape_of(index)),
    ):
        sizes = zip(SHAPE_FIELDS, _as_planes(shape), strict=True)
        record |= {f"{side}.{field}": size for field, size in sizes}
    if isinstance(layer, Conv2d):
        record |= {"window": layer.kernel, "padding": layer.padding}
    elif isinstance(layer, MaxPool2d):
        record["window"] = layer.size
    if index in model.exponents:
        record["exponent"] = model.exponents[index]
    if scales is not None and index in scales:
        scale = scales[index]
        record["forward_shift"], record["backward_shift"] = scale.forward, scale.backward
        record["update_shift"] = scale.update_shift(layout.method.learning_rate_bits)
    record["inputs"] = layout.offsets["outputs", index - 1]
    for part in ("weights", "scores", "row_starts", "columns", "outputs", "output_error"):
        record[part] = layout.offsets.get((part, index), 0)
    for part in ("sums", "kept"):
        record[part] = layout.offsets.get((part, index), 0)
    record["input_error"] = layout.offsets.get(("output_error", index - 1), 0)
    return record


def _as_planes(shape: Shape) -> tuple[int, int, int]:
    """(C,H,W) of a layer's side; features of a dense layer are channels of one pixel."""
    channels, height, width = (*shape, 1, 1)[:3]
    return channels, height, width
