"""Inference of many images at once: each is a lane of vectors, and no loop ends in anything else.

Activations are laid out as (channel pair, place, lane): an int32 holds the int16 activations of two
channels, whose products with two weights one instruction adds up. An odd channel is paired with
zero. Every lane has its own shifts; the numbers are those of single images (kernels.step.forward).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.jit import inlined, kernel
from kernels.rounding import clip, round_shift
from kernels.vectors import LANES, OUTPUTS, add_products, store, zeros
from kernels.workspace import CONV2D, DENSE, RELU, WORKSPACE, Workspace

_ALIGNED = 64  # bytes; a vector in two cache lines would be two accesses


class LaneMemory(NamedTuple):
    """What an inference writes, flat int32."""

    weights: NDArray[np.int32]
    """Of all layers; of one: (blocks of OUTPUTS, channel pairs, places, OUTPUTS)."""
    values: NDArray[np.int32]
    """Activations of the layer at hand: (channel pairs, places, LANES)."""
    pooled: NDArray[np.int32]
    """Like ``values``, for layers that cannot write where they read."""
    sums: NDArray[np.int32]
    """Of the layer at hand: (outputs of whole blocks, places, LANES)."""


_MEMORY = types.NamedUniTuple(  # type: ignore[no-untyped-call]
    types.Array(types.int32, 1, "C"), 4, LaneMemory
)


_IMAGES = types.Array(types.int8, 2, "C", readonly=True)
_LOGITS = types.Array(types.int8, 2, "C")


@inlined
def _pairs(channels: int) -> int:
    return (channels + 1) // 2


@inlined
def _blocks(outputs: int) -> int:
    return (outputs + OUTPUTS - 1) // OUTPUTS


@inlined
def _packed(even: int, odd: int) -> np.int32:
    return np.int32((odd << 16) | (even & 0xFFFF))


@inlined
def _shaped(memory: Any, shape: Any) -> Any:
    size = 1
    for extent in shape:
        size *= extent
    return memory[:size].reshape(shape)


@kernel("void(int8[:,:,::1], int32[:,:,:,::1])")
def pack_weights(weights: NDArray[np.int8], packed: NDArray[np.int32]) -> None:
    """weights (O,C,places) -> packed (blocks, pairs, places, OUTPUTS), zeros in what fills."""
    outputs, channels, places = weights.shape
    packed[:] = 0
    for o in range(outputs):
        for c in range(0, channels, 2):
            even = weights[o, c]
            odd = weights[o, c + 1 :]
            for place in range(places):
                other = odd[0, place] if len(odd) else 0
                packed[o // OUTPUTS, c // 2, place, o % OUTPUTS] = _packed(even[place], other)


@kernel(types.void(types.Array(types.int8, 3, "C", readonly=True), types.Array(types.int32, 3, "C")))
def load_images(images: NDArray[np.int8], values: NDArray[np.int32]) -> None:
    """images (N <= LANES, C, places) -> values (pairs, places, LANES); other lanes keep theirs."""
    lanes, channels, places = images.shape
    for lane in range(lanes):
        for c in range(0, channels, 2):
            even = images[lane, c]
            odd = images[lane, c + 1 :]
            for place in range(places):
                other = odd[0, place] if len(odd) else 0
                values[c // 2, place, lane] = _packed(even[place], other)


@kernel("void(int32[:,:,:,:,::1], int32[:,:,:,::1], int64, int32[:,:,:,::1])")
def correlate(
    weights: NDArray[np.int32], values: NDArray[np.int32], padding: int, sums: NDArray[np.int32]
) -> None:
    """2-D cross-correlation with stride 1; the window's places beyond the border are left out.

    weights (blocks, pairs, k, k2, OUTPUTS), values (pairs, H, W, LANES)
    -> sums (blocks * OUTPUTS, H+2p-k+1, W+2p-k2+1, LANES).
    """
    blocks, pairs, rows, columns, _ = weights.shape
    height, width = values.shape[1:3]
    out_height, out_width = sums.shape[1:3]
    for block in range(blocks):
        for y in range(out_height):
            top, bottom = max(0, padding - y), min(rows, height + padding - y)
            for x in range(out_width):
                left, right = max(0, padding - x), min(columns, width + padding - x)
                totals = zeros()
                for pair in range(pairs):
                    for ky in range(top, bottom):
                        weight = ((block * pairs + pair) * rows + ky) * columns
                        value = (pair * height + y + ky - padding) * width + x - padding
                        for kx in range(left, right):
                            totals = add_products(
                                totals,
                                weights,
                                (weight + kx) * OUTPUTS,
                                values,
                                (value + kx) * LANES,
                            )
                first = (block * OUTPUTS * out_height + y) * out_width + x
                store(totals, sums, first * LANES, out_height * out_width * LANES)


@kernel("void(int32[:,:,::1], int64[::1])")
def dynamic_shifts(sums: NDArray[np.int32], shifts: NDArray[np.int64]) -> None:
    """sums (outputs, places, LANES) -> every lane's kernels.requantise.dynamic_shift."""
    bits = np.zeros(LANES, np.int32)  # that any magnitude has: as wide as the largest
    rows = sums.reshape(-1, OUTPUTS, LANES)
    for n in range(len(rows)):
        row = rows[n]
        for lane in range(LANES):
            first = abs(row[0, lane]) | abs(row[1, lane]) | abs(row[2, lane]) | abs(row[3, lane])
            last = abs(row[4, lane]) | abs(row[5, lane]) | abs(row[6, lane]) | abs(row[7, lane])
            bits[lane] |= first | last
    for lane in range(LANES):
        shifts[lane] = 0
        while bits[lane] >> (shifts[lane] + 7):
            shifts[lane] += 1


@kernel("void(int32[:,:,::1], int64[::1], int64, int32[:,:,::1])")
def requantise(
    sums: NDArray[np.int32], shifts: NDArray[np.int64], rounding: int, values: NDArray[np.int32]
) -> None:
    """kernels.requantise of sums (outputs, places, LANES) -> values (pairs, places, LANES)."""
    pairs, places, _ = values.shape
    for pair in range(pairs):
        for place in range(places):
            even, odd = sums[2 * pair, place], sums[2 * pair + 1, place]
            row = values[pair, place]
            for lane in range(LANES):
                row[lane] = _packed(
                    clip(round_shift(even[lane], shifts[lane], rounding)),
                    clip(round_shift(odd[lane], shifts[lane], rounding)),
                )


@kernel("void(int16[::1])")
def relu(values: NDArray[np.int16]) -> None:
    """max(x, 0) in place."""
    for index in range(values.size):
        values[index] = max(values[index], np.int16(0))


@kernel("void(int16[:,:,:,::1], int64, int16[:,:,:,::1])")
def max_pool2d(inputs: NDArray[np.int16], size: int, outputs: NDArray[np.int16]) -> None:
    """inputs (pairs,H,W,2*LANES) -> outputs (pairs,H//size,W//size,2*LANES)."""
    pairs, height, width, lanes = outputs.shape
    for pair in range(pairs):
        for y in range(height):
            for x in range(width):
                largest = outputs[pair, y, x]
                largest[:] = inputs[pair, y * size, x * size]
                for dy in range(size):
                    for dx in range(size):
                        others = inputs[pair, y * size + dy, x * size + dx]
                        for lane in range(2 * LANES):
                            largest[lane] = max(largest[lane], others[lane])


@kernel(types.void(WORKSPACE, types.Array(types.int32, 1, "C")))
def pack_layers(ws: Workspace, packed: NDArray[np.int32]) -> None:
    """The kept weights of every layer, one after the other."""
    channels, places = ws.layers[0].channels, ws.layers[0].height * ws.layers[0].width
    start = 0
    for index in range(len(ws.layers)):
        layer = ws.layers[index]
        if layer.kind == CONV2D or layer.kind == DENSE:
            if layer.kind == CONV2D:
                places = layer.window * layer.window
            weights = ws.kept[layer.edges : layer.edges_end]
            shape = (_blocks(layer.out_channels), _pairs(channels), places, OUTPUTS)
            pack_weights(
                weights.reshape(layer.out_channels, channels, places),
                _shaped(packed[start:], shape),
            )
            start += shape[0] * shape[1] * shape[2] * shape[3]
        channels, places = layer.out_channels, layer.out_height * layer.out_width


@kernel(types.void(WORKSPACE, _MEMORY, _IMAGES, _LOGITS))
def infer_lanes(
    ws: Workspace, memory: LaneMemory, images: NDArray[np.int8], logits: NDArray[np.int8]
) -> None:
    """The logits (N,classes) of images (N <= LANES, pixels)."""
    settings = ws.settings[0]
    values, pooled = memory.values, memory.pooled
    shifts = np.zeros(LANES, np.int64)
    layer = ws.layers[0]
    channels, height, width = layer.channels, layer.height, layer.width
    load_images(
        images.reshape(len(images), channels, height * width),
        _shaped(values, (_pairs(channels), height * width, LANES)),
    )
    start = 0
    for index in range(len(ws.layers)):
        layer = ws.layers[index]
        pairs, places = _pairs(channels), height * width
        out_pairs, out_places = _pairs(layer.out_channels), layer.out_height * layer.out_width
        if layer.kind == CONV2D or layer.kind == DENSE:
            blocks = _blocks(layer.out_channels)
            sums = _shaped(
                memory.sums,
                (blocks * OUTPUTS, layer.out_height, layer.out_width, LANES),
            )
            if layer.kind == CONV2D:
                window = layer.window
                size = blocks * pairs * window * window * OUTPUTS
                correlate(
                    memory.weights[start : start + size].reshape(
                        blocks, pairs, window, window, OUTPUTS
                    ),
                    _shaped(values, (pairs, height, width, LANES)),
                    layer.padding,
                    sums,
                )
            else:
                terms = pairs * places
                size = blocks * terms * OUTPUTS
                correlate(
                    memory.weights[start : start + size].reshape(blocks, 1, 1, terms, OUTPUTS),
                    _shaped(values, (1, 1, terms, LANES)),
                    0,
                    sums,
                )
            start += size
            flat = sums.reshape(blocks * OUTPUTS, out_places, LANES)
            if settings.dynamic:
                dynamic_shifts(flat, shifts)
            else:
                shifts[:] = layer.forward
            requantise(
                flat, shifts, settings.rounding, _shaped(values, (out_pairs, out_places, LANES))
            )
        elif layer.kind == RELU:
            relu(values[: pairs * places * LANES].view(np.int16))
        else:
            max_pool2d(
                _shaped(values.view(np.int16), (pairs, height, width, 2 * LANES)),
                layer.window,
                _shaped(
                    pooled.view(np.int16),
                    (pairs, layer.out_height, layer.out_width, 2 * LANES),
                ),
            )
            values, pooled = pooled, values
        channels, height, width = layer.out_channels, layer.out_height, layer.out_width
    for lane in range(len(images)):
        for c in range(channels):
            logits[lane, c] = np.int8(values[(c // 2) * LANES + lane] >> (16 * (c % 2)))


@kernel(types.void(WORKSPACE, _MEMORY, _IMAGES, _LOGITS))
def infer(
    ws: Workspace, memory: LaneMemory, images: NDArray[np.int8], logits: NDArray[np.int8]
) -> None:
    """The logits (N,classes) of images (N,pixels), with the weights that ``ws`` keeps."""
    pack_layers(ws, memory.weights)
    for start in range(0, len(images), LANES):
        infer_lanes(
            ws, memory, images[start : start + LANES], logits[start : start + LANES]
        )


def lane_memory(layers: NDArray[np.void]) -> LaneMemory:
    """Memory for inference through layers of dtype kernels.workspace.LAYER."""
    weights = values = sums = 0
    first = layers[0]
    channels, places = int(first["channels"]), int(first["height"] * first["width"])
    values = _pairs(channels) * places
    for layer in layers:
        out = int(layer["out_height"] * layer["out_width"])
        blocks = _blocks(int(layer["out_channels"]))
        if layer["kind"] in (CONV2D, DENSE):
            window = int(layer["window"]) ** 2 if layer["kind"] == CONV2D else places
            weights += blocks * _pairs(channels) * window * OUTPUTS
            sums = max(sums, blocks * OUTPUTS * out)
        channels, places = int(layer["out_channels"]), out
        values = max(values, _pairs(channels) * places)
    return LaneMemory(
        _aligned(weights), _aligned(values * LANES), _aligned(values * LANES), _aligned(sums * LANES)
    )


def _aligned(size: int) -> NDArray[np.int32]:
    memory = np.zeros(size + _ALIGNED // 4, np.int32)
    first = -memory.ctypes.data % _ALIGNED // 4
    return memory[first : first + size]
