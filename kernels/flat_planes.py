"""Correlation of whole planes at once, exact in int32: what the loops of a convolution are made of.

A plane is stored with its zero padding, W' wide; seen as one flat row, the product of a plane with
one weight is then a single long loop, and the window's place (ky, kx) is an offset ky * W' + kx
into it. The sums come out W' wide as well: the last W' - W columns of each row hold sums that
wrapped into the next row, and are cut. A loop takes nine terms (a weight and its offset) at once,
those of a 3 x 3 window, so that values stay in registers.

Nothing here allocates: ``scratch`` is int32 memory, of which ``carve`` makes parts.
"""

import numpy as np
from numpy.typing import NDArray

from priot.kernels.jit import inlined, kernel

TERMS = 9


@inlined
def groups(terms: int) -> int:
    """``terms`` rounded up to whole groups; the last group is filled with zero weights."""
    return (terms + TERMS - 1) // TERMS * TERMS


@inlined
def carve(
    scratch: NDArray[np.int32], planes: int, outputs: int, terms: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Parts of the scratch: padded planes, offsets of terms, weights by term, rows of sums."""
    table = planes + terms
    rows = table + outputs * terms
    return (
        scratch[:planes],
        scratch[planes:table],
        scratch[table:rows].reshape(outputs, terms),
        scratch[rows:],
    )


@kernel("void(int8[:,:,::1], int64, int32[::1])")
def pad(planes: NDArray[np.int8], padding: int, padded: NDArray[np.int32]) -> None:
    """planes (C,H,W) -> flat padded (C,H+2p,W+2p) with a border of zeros."""
    channels, height, width = planes.shape
    wide = width + 2 * padding
    size = (height + 2 * padding) * wide
    padded[: channels * size] = 0
    for c in range(channels):
        for y in range(height):
            start = c * size + (y + padding) * wide + padding
            row = padded[start : start + width]
            for x in range(width):
                row[x] = planes[c, y, x]


@kernel("void(int64, int64, int64, int64, int32[::1])")
def term_offsets(
    channels: int, size: int, wide: int, plane: int, offsets: NDArray[np.int32]
) -> None:
    """Where a term's first product reads: c * plane + ky * wide + kx; 0 for terms that fill."""
    offsets[:] = 0
    term = 0
    for c in range(channels):
        for ky in range(size):
            for kx in range(size):
                offsets[term] = c * plane + ky * wide + kx
                term += 1


@kernel("void(int32[:,::1], int32[::1], int32[::1], int64, int32[::1], int32[:,:,::1])")
def correlate(
    weights: NDArray[np.int32],
    offsets: NDArray[np.int32],
    planes: NDArray[np.int32],
    wide: int,
    rows: NDArray[np.int32],
    sums: NDArray[np.int32],
) -> None:
    """weights (O,terms), planes flat and ``wide`` -> sums (O,H,W), two output channels at once."""
    outputs, terms = weights.shape
    height, width = sums.shape[1:]
    length = (height - 1) * wide + width
    first, second = rows[:length], rows[length : 2 * length]
    for o in range(0, outputs, 2):
        other = min(o + 1, outputs - 1)
        rows[: 2 * length] = 0
        for g in range(0, terms, TERMS):
            a, b, at = weights[o, g:], weights[other, g:], offsets[g:]
            a0, a1, a2, a3, a4, a5, a6, a7, a8 = (
                a[0],
                a[1],
                a[2],
                a[3],
                a[4],
                a[5],
                a[6],
                a[7],
                a[8],
            )
            b0, b1, b2, b3, b4, b5, b6, b7, b8 = (
                b[0],
                b[1],
                b[2],
                b[3],
                b[4],
                b[5],
                b[6],
                b[7],
                b[8],
            )
            p0, p1, p2 = planes[at[0] :], planes[at[1] :], planes[at[2] :]
            p3, p4, p5 = planes[at[3] :], planes[at[4] :], planes[at[5] :]
            p6, p7, p8 = planes[at[6] :], planes[at[7] :], planes[at[8] :]
            for n in range(length):
                x0, x1, x2, x3, x4 = p0[n], p1[n], p2[n], p3[n], p4[n]
                x5, x6, x7, x8 = p5[n], p6[n], p7[n], p8[n]
                first[n] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3 + a4 * x4
                first[n] += a5 * x5 + a6 * x6 + a7 * x7 + a8 * x8
                second[n] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3 + b4 * x4
                second[n] += b5 * x5 + b6 * x6 + b7 * x7 + b8 * x8
        for y in range(height):
            start = y * wide
            for x in range(width):
                sums[o, y, x] = first[start + x]
                sums[other, y, x] = second[start + x]
