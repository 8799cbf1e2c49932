"""Inference of many images at once: each is a lane of vectors, so that every loop ends in vectors.

Activations lie as (pairs of channels, places, LANES): an int32 holds those of two channels, as
int16, whose products with two weights are added up by one instruction. An odd channel is paired
with zeros. Every lane has shifts of its own: its numbers are those of the image alone
(priot.kernels.step.forward).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from priot.kernels import operations
from priot.kernels.jit import inlined, kernel
from priot.kernels.network import Network
from priot.kernels.operations import Shape, Weighted
from priot.kernels.operations.operation import planes
from priot.kernels.requantise import dynamic_shift
from priot.kernels.round_shift import clip, round_by, rounding_rule
from priot.kernels.vectors import BLOCK, LANES, add_products, load, no_products, store
from priot.kernels.workspace import WORKSPACE, Workspace

CACHE_LINE = 64
"""Bytes; a vector that lies in two lines is read twice."""
LANE_LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("channels", "places"),  # that the weights of an output have: (C,places)
            *("pairs", "height", "width"),  # of the input; one long row where the window is all
            *("blocks", "rows", "columns"),  # of outputs, and of their windows; no weights: 0
            *("weights", "weights_end"),
        )
    ]
)


class Lanes(NamedTuple):
    """What inference computes with beside a workspace."""

    layers: NDArray[np.void]
    """One record of dtype LANE_LAYER per layer."""
    weights: NDArray[np.int32]
    """Of each layer (blocks, pairs of channels, places, BLOCK)."""
    values: NDArray[np.int32]
    """Of the layer at hand: (pairs, places, LANES)."""
    sums: NDArray[np.int32]
    """Of the layer at hand: (blocks * BLOCK, places, LANES)."""


_INTS = types.Array(types.int32, 1, "C")
_LANES = types.NamedTuple(  # type: ignore[no-untyped-call]
    [types.Array(numba.from_dtype(LANE_LAYER), 1, "C"), _INTS, _INTS, _INTS], Lanes
)
_IMAGES = types.Array(types.int8, 2, "C", readonly=True)
_LOGITS = types.Array(types.int8, 2, "C")


def lanes(network: Network) -> Lanes:
    """Memory for inference through ``network``."""
    table = np.zeros(len(network.layers), LANE_LAYER)
    weights, sums = 0, 0
    values = _vectors_of(network.input_shape)
    for index, (layer, row) in enumerate(zip(network.layers, table, strict=True)):
        row["weights"] = weights
        values = max(values, _vectors_of(network.output_shape_of(index)))
        if isinstance(layer, Weighted):
            window = layer.window(network.input_shape_of(index))
            channels, height, width = window.input
            pairs, places = _pairs(channels), math.prod(window.size)
            row["channels"], row["places"] = channels, places
            row["pairs"], row["height"], row["width"] = pairs, height, width
            row["rows"], row["columns"] = window.size
            if window.size == (height, width) and not window.padding:  # one long row
                row["pairs"], row["height"], row["width"] = 1, 1, pairs * places
                row["rows"], row["columns"] = 1, pairs * places
            row["blocks"] = -(-window.output[0] // BLOCK)
            weights += int(row["blocks"]) * pairs * places * BLOCK
            sums = max(sums, int(row["blocks"]) * BLOCK * math.prod(window.output[1:]))
        row["weights_end"] = weights
    return Lanes(table, *(_aligned(size) for size in (weights, values * LANES, sums * LANES)))


def _vectors_of(shape: Shape) -> int:
    """Vectors that activations of a shape take."""
    channels, height, width = planes(shape)
    return _pairs(channels) * height * width


def _pairs(channels: int) -> int:
    return (channels + 1) // 2


def _aligned(size: int) -> NDArray[np.int32]:
    """Zeros that start a cache line."""
    memory = np.zeros(size + CACHE_LINE // 4, np.int32)
    start = -memory.ctypes.data % CACHE_LINE // 4
    return memory[start : start + size]


@inlined
def _pair(even: Any, odd: Any) -> np.int32:
    return np.int32(np.int32(odd << 16) | np.int32(even & 0xFFFF))


@kernel("void(int8[:,:,::1], int32[:,:,:,::1])")
def pack_weights(weights: NDArray[np.int8], packed: NDArray[np.int32]) -> None:
    """weights (O,C,places) -> packed (blocks, pairs of channels, places, BLOCK), filled with 0."""
    outputs, channels, _ = weights.shape
    blocks, pairs, places, _ = packed.shape
    packed[:] = 0
    for block in range(blocks):
        first = block * BLOCK
        for pair in range(pairs):
            c = 2 * pair
            for place in range(places):
                for o in range(first, min(first + BLOCK, outputs)):
                    odd = weights[o, c + 1, place] if c + 1 < channels else np.int8(0)
                    packed[block, pair, place, o - first] = _pair(weights[o, c, place], odd)


@kernel(types.void(_IMAGES, types.int64, types.Array(types.int32, 3, "C")))
def load_images(images: NDArray[np.int8], channels: int, values: NDArray[np.int32]) -> None:
    """images (N,C*places), N <= LANES -> values (pairs, places, LANES); other lanes stay."""
    places = values.shape[1]
    for lane in range(len(images)):
        image = images[lane].reshape(channels, places)
        for c in range(0, channels, 2):
            for place in range(places):
                odd = image[c + 1, place] if c + 1 < channels else np.int8(0)
                values[c // 2, place, lane] = _pair(image[c, place], odd)


@kernel(types.void(_INTS, _LOGITS))
def store_logits(values: NDArray[np.int32], logits: NDArray[np.int8]) -> None:
    """values (pairs, LANES), flat -> logits (N,classes), N <= LANES."""
    lanes, classes = logits.shape
    for lane in range(lanes):
        for c in range(classes):
            logits[lane, c] = values[c // 2 * LANES + lane] >> (c % 2 * 16)


@kernel("void(int32[:,:,:,:,::1], int32[:,:,:,::1], int64, int32[:,:,:,::1])")
def correlate(
    weights: NDArray[np.int32], values: NDArray[np.int32], padding: int, sums: NDArray[np.int32]
) -> None:
    """2-D cross-correlation; what a window has outside the border is left out.

    weights (blocks, pairs, k, k2, BLOCK), values (pairs, H, W, LANES)
    -> sums (blocks * BLOCK, H+2p-k+1, W+2p-k2+1, LANES).
    """
    blocks, pairs, rows, columns, _ = weights.shape
    _, height, width, _ = values.shape
    _, out_height, out_width, _ = sums.shape
    for block in range(blocks):
        for y in range(out_height):
            top, bottom = max(0, padding - y), min(rows, height + padding - y)
            for x in range(out_width):
                left, right = max(0, padding - x), min(columns, width + padding - x)
                totals = no_products()
                for pair in range(pairs):
                    for ky in range(top, bottom):
                        weight = ((block * pairs + pair) * rows + ky) * columns
                        value = (pair * height + y + ky - padding) * width + x - padding
                        for kx in range(left, right):
                            inputs = load(values, (value + kx) * LANES)
                            totals = add_products(totals, weights, (weight + kx) * BLOCK, inputs)
                for o in range(BLOCK):
                    place = ((block * BLOCK + o) * out_height + y) * out_width + x
                    store(totals[o], sums, place * LANES)


@kernel("void(int32[:,:,::1], int32[::1])")
def dynamic_shifts(sums: NDArray[np.int32], shifts: NDArray[np.int32]) -> None:
    """priot.kernels.requantise.dynamic_shift of every lane of sums (-1, BLOCK, LANES)."""
    # The bits that any magnitude has are as wide as the largest magnitude.
    bits = np.zeros(LANES, np.int32)
    for n in range(len(sums)):
        for lane in range(LANES):
            first = abs(sums[n, 0, lane]) | abs(sums[n, 1, lane])
            second = abs(sums[n, 2, lane]) | abs(sums[n, 3, lane])
            third = abs(sums[n, 4, lane]) | abs(sums[n, 5, lane])
            fourth = abs(sums[n, 6, lane]) | abs(sums[n, 7, lane])
            bits[lane] |= first | second | third | fourth
    for lane in range(LANES):
        shifts[lane] = dynamic_shift(bits[lane : lane + 1])


@kernel("void(int32[:,:,::1], int32[::1], int64, int32[:,:,::1])")
def requantise(
    sums: NDArray[np.int32], shifts: NDArray[np.int32], rounding: int, values: NDArray[np.int32]
) -> None:
    """priot.kernels.requantise.requantise of every lane; sums (outputs, places, LANES).

    values (pairs of outputs, places, LANES). Sums of an output that fills a block are zero.
    """
    pairs, places, _ = values.shape
    rule = np.empty((4, LANES), np.int32)
    for lane in range(LANES):
        rule[0, lane], rule[1, lane], rule[2, lane], rule[3, lane] = rounding_rule(
            shifts[lane], rounding
        )
    dropped, lower, factor, least = rule[0], rule[1], rule[2], rule[3]
    for pair in range(pairs):
        for place in range(places):
            first, second = sums[2 * pair, place], sums[2 * pair + 1, place]
            outputs = values[pair, place]
            for n in range(LANES):
                even = round_by(first[n], shifts[n], dropped[n], lower[n], factor[n], least[n])
                odd = round_by(second[n], shifts[n], dropped[n], lower[n], factor[n], least[n])
                outputs[n] = _pair(clip(even), clip(odd))


@inlined
def _shaped(memory: Any, shape: Any) -> Any:
    size = 1
    for extent in shape:
        size *= extent
    return memory[:size].reshape(shape)


@kernel(types.void(WORKSPACE, _LANES))
def pack_layers(ws: Workspace, memory: Lanes) -> None:
    """The weights that ``ws`` keeps, of every layer."""
    for index in range(len(ws.layers)):
        layer, lane = ws.layers[index], memory.layers[index]
        weights = ws.kept[layer.edges : layer.edges_end]
        packed = memory.weights[lane.weights : lane.weights_end]
        if lane.blocks:
            pack_weights(
                weights.reshape(layer.out_channels, lane.channels, lane.places),
                packed.reshape(lane.blocks, (lane.channels + 1) // 2, lane.places, BLOCK),
            )


@kernel(types.void(WORKSPACE, _LANES))
def forward_lanes(ws: Workspace, memory: Lanes) -> None:
    """From LANES images to their logits, both in ``memory.values``."""
    shifts = np.empty(LANES, np.int32)
    for index in range(len(ws.layers)):
        layer, lane = ws.layers[index], memory.layers[index]
        if lane.blocks:
            pairs, height, width = lane.pairs, lane.height, lane.width
            inputs = memory.values[: pairs * height * width * LANES]
            outputs, places = lane.blocks * BLOCK, layer.out_height * layer.out_width
            sums = memory.sums[: outputs * places * LANES]
            packed = memory.weights[lane.weights : lane.weights_end]
            correlate(
                packed.reshape(lane.blocks, pairs, lane.rows, lane.columns, BLOCK),
                inputs.reshape(pairs, height, width, LANES),
                layer.padding,
                sums.reshape(outputs, layer.out_height, layer.out_width, LANES),
            )
            if ws.settings[0].dynamic:
                dynamic_shifts(sums.reshape(-1, BLOCK, LANES), shifts)
            else:
                shifts[:] = layer.forward
            requantise(
                sums.reshape(outputs, places, LANES),
                shifts,
                ws.settings[0].rounding,
                _shaped(memory.values, ((layer.out_channels + 1) // 2, places, LANES)),
            )
        else:
            operations.forward_lanes(ws, index, memory.values)


@kernel(types.void(WORKSPACE, _LANES, _IMAGES, _LOGITS))
def infer(ws: Workspace, memory: Lanes, images: NDArray[np.int8], logits: NDArray[np.int8]) -> None:
    """The logits (N,classes) of images (N,pixels), with the weights that ``ws`` keeps."""
    pack_layers(ws, memory)
    image = ws.layers[0]
    shape = ((image.channels + 1) // 2, image.height * image.width, LANES)
    for start in range(0, len(images), LANES):
        stop = min(start + LANES, len(images))
        load_images(images[start:stop], image.channels, _shaped(memory.values, shape))
        forward_lanes(ws, memory)
        store_logits(memory.values, logits[start:stop])
