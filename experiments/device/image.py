"""The image: one block of memory with a network and all it needs to be trained on the device.

``priot.experiments.device.schema`` and ``docs/image-format.md`` describe it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from priot.experiments.device.layout import Layout
from priot.experiments.device.placement import Edges, Placement, Scores
from priot.experiments.device.schema import (
    HEADER_FIELDS,
    KINDS,
    LAYER_FIELDS,
    MAGIC,
    SHAPE_FIELDS,
    TERNARY_KINDS,
    VERSION,
    Flag,
)
from priot.experiments.device.variants import Variant
from priot.kernels.methods import Method
from priot.kernels.model import INPUT_EXPONENT, Model
from priot.kernels.operations.operation import planes
from priot.kernels.rounding import Rounding
from priot.kernels.trainer import Scale


def encode(
    layout: Layout, model: Model, scales: dict[int, Scale] | None, to_flash: int = 0
) -> bytes:
    """The image's first bytes, up to the end of its permanent tensors; the rest is scratch.

    Args:
        scales: static scales by layer index; None for a method with dynamic ones.
        to_flash: bytes from the image's start in SRAM to that of its part in flash, if it has one.
    """
    tensors = {("header", -1): encode_header(layout, model, scales, to_flash)}
    for index in layout.network.weighted:
        permanent = permanent_tensors(model, layout.method, index, layout.placement)
        for part, values in permanent.items():
            if not layout.in_flash(part, index):
                tensors[part, index] = values.tobytes()
    return _joined(layout, tensors)


def encode_header(
    layout: Layout, model: Model, scales: dict[int, Scale] | None, to_flash: int = 0
) -> bytes:
    """What the image begins with: its header and the tables of layers. Arguments as ``encode``."""
    method, network, placement = layout.method, layout.network, layout.placement
    masked = placement.scores is Scores.MASK
    if method.dynamic != (scales is None):
        raise ValueError(f"{method.name}: static scales {'given' if scales else 'missing'}")
    header = {
        "magic": MAGIC,
        "version": VERSION,
        "size": layout.size,
        "flags": Flag.DYNAMIC * method.dynamic
        | Flag.TRAINS_SCORES * (method.trains_scores and not masked)
        | Flag.SPARSE_SCORES * (method.sparse and not masked)
        | Flag.ROUND_NEAREST * (method.rounding is Rounding.NEAREST)
        | Flag.WEIGHTS_IN_FLASH * bool(layout.flash.buffers)
        | Flag.EDGES_BY_BITMAP * (placement.edges is Edges.BITMAP)
        | Flag.PACKED_MASK * masked,
        "learning_rate_bits": method.learning_rate_bits,
        "threshold": method.thresholds[0],
        "double_threshold": method.thresholds[1],
        "input_exponent": INPUT_EXPONENT,
        "first_trained": method.trained_of(network)[0],
        "layer_count": len(network.layers),
    }
    words = [header[field] for field in HEADER_FIELDS]
    for index in range(len(network.layers)):
        record = _layer_record(layout, model, scales, index, to_flash)
        words += [record.get(field, 0) for field in LAYER_FIELDS]
    if layout.variant is Variant.DUAL:
        words += [
            layout.offsets.get((part, index), 0)
            for index in range(len(network.layers))
            for part in ("sums_of_core1", "packed")  # MORE_SCRATCH of the schema
        ]
    return np.array(words, "<i4").tobytes()


def encode_flash(layout: Layout, model: Model) -> bytes:
    """The image's part in flash; empty where everything lies in SRAM."""
    tensors = {
        (part, index): values.tobytes()
        for index in layout.network.weighted
        for part, values in permanent_tensors(model, layout.method, index, layout.placement).items()
        if layout.in_flash(part, index)
    }
    return _joined(layout, tensors)


def _joined(layout: Layout, tensors: dict[tuple[str, int], bytes]) -> bytes:
    ends = (layout.offsets[key] + len(data) for key, data in tensors.items())
    image = bytearray(max(ends, default=0))
    for key, data in tensors.items():
        image[layout.offsets[key] : layout.offsets[key] + len(data)] = data
    return bytes(image)


def permanent_tensors(
    model: Model, method: Method, index: int, placement: Placement
) -> dict[str, NDArray[np.generic]]:
    """The tensors of one layer that outlive a step, as they lie in the image, flat.

    Sparse scores are packed row after row: ``row_starts`` (uint32) counts them, ``columns``
    (uint16) gives each one's place in its row. By bitmap there are no ``columns``; one bit for
    every edge follows in the words of ``row_starts``, each row from a new byte on. A packed mask
    has such bits alone, in the place of ``scores``.
    """
    weights = model.weights[index]
    tensors: dict[str, NDArray[np.generic]] = {"weights": weights.reshape(-1)}
    if not method.trains_scores:
        return tensors
    if placement.scores is Scores.MASK:
        kept = model.scores[index].reshape(len(weights), -1) >= method.threshold
        return tensors | {"scores": np.packbits(kept, axis=1, bitorder="little").reshape(-1)}
    if not method.sparse:
        return tensors | {"scores": model.scores[index].reshape(-1)}
    scored = model.scored[index].reshape(len(weights), -1)
    starts = np.concatenate([[0], np.cumsum(scored.sum(axis=1))]).astype("<u4")
    tensors["scores"] = model.scores[index].reshape(-1)[scored.reshape(-1)]
    if placement.edges is Edges.BITMAP:
        bits = np.packbits(scored, axis=1, bitorder="little").tobytes()
        words = np.frombuffer(bits.ljust(-(-len(bits) // 4) * 4, b"\0"), "<u4")
        return tensors | {"row_starts": np.concatenate([starts, words])}
    return tensors | {"row_starts": starts, "columns": np.nonzero(scored)[1].astype("<u2")}


def _layer_record(
    layout: Layout, model: Model, scales: dict[int, Scale] | None, index: int, to_flash: int
) -> dict[str, int]:
    network, layer = layout.network, layout.network.layers[index]
    kinds = TERNARY_KINDS if layout.method.doubles else KINDS
    record = {"kind": kinds[type(layer)]}
    for side, shape in (
        ("in", network.input_shape_of(index)),
        ("out", network.output_shape_of(index)),
    ):
        sizes = zip(SHAPE_FIELDS, planes(shape), strict=True)
        record |= {f"{side}.{field}": size for field, size in sizes}
    record |= layer.words
    if index in model.exponents:
        record["exponent"] = model.exponents[index]
    if scales is not None and index in scales:
        scale = scales[index]
        record["forward_shift"], record["backward_shift"] = scale.forward, scale.backward
        record["update_shift"] = scale.update_shift(layout.method.learning_rate_bits)
    record["inputs"] = layout.offsets["outputs", index - 1]
    for part in ("weights", "scores", "row_starts", "columns", "outputs", "output_error"):
        record[part] = layout.offsets.get((part, index), 0)
    if layout.in_flash("weights", index):
        record["weights"] += to_flash
    for part in ("sums", "kept"):
        record[part] = layout.offsets.get((part, index), 0)
    record["input_error"] = layout.offsets.get(("output_error", index - 1), 0)
    return record
