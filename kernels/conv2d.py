"""2-D cross-correlation with stride 1: sums, input error and weight gradient, exact in int32.

All three walk whole planes instead of windows. A plane is stored with its zero padding, W' wide;
seen as one flat row, the product of a plane with one weight is then a single long loop, and the
window's place (ky, kx) is an offset ky * W' + kx into it. The sums come out W' wide as well: the
last W' - W columns of each row hold sums that wrapped into the next row, and are cut. A loop takes
nine terms (a weight and its offset) at once, those of a 3 x 3 window, so that values stay in
registers.

No kernel allocates: each is given ``scratch``, int32 memory of ``scratch_size`` elements or more.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import inlined, kernel

TERMS = 9


@inlined
def _groups(terms: int) -> int:
    """``terms`` rounded up to whole groups; the last group is filled with zero weights."""
    return (terms + TERMS - 1) // TERMS * TERMS


def scratch_size(channels: int, outputs: int, size: int, height: int, width: int) -> int:
    """Elements for inputs (C,H,W), ``outputs`` channels and windows of ``size``, any padding."""
    plane = (height + 2 * size) * (width + 2 * size)
    most = max(channels, outputs)
    return most * plane + (most + 1) * _groups(most * size * size) + 2 * plane


@inlined
def _carve(
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


@kernel("void(int8[:,:,:,::1], int8[:,:,::1], int64, int32[::1], int32[:,:,::1])")
def conv2d_forward(
    weights: NDArray[np.int8],
    inputs: NDArray[np.int8],
    padding: int,
    scratch: NDArray[np.int32],
    sums: NDArray[np.int32],
) -> None:
    """weights (O,C,k,k), inputs (C,H,W) -> sums (O,H+2p-k+1,W+2p-k+1)."""
    outputs, channels, size, _ = weights.shape
    wide = inputs.shape[2] + 2 * padding
    plane = (inputs.shape[1] + 2 * padding) * wide
    terms = channels * size * size
    planes, offsets, table, rows = _carve(scratch, channels * plane, outputs, _groups(terms))
    pad(inputs, padding, planes)
    term_offsets(channels, size, wide, plane, offsets)
    for o in range(outputs):
        flat = weights[o].reshape(terms)
        for term in range(terms):
            table[o, term] = flat[term]
        table[o, terms:] = 0
    correlate(table, offsets, planes, wide, rows, sums)


@kernel("void(int8[:,:,:,::1], int8[:,:,::1], int64, int32[::1], int32[:,:,::1])")
def conv2d_input_error(
    weights: NDArray[np.int8],
    output_error: NDArray[np.int8],
    padding: int,
    scratch: NDArray[np.int32],
    sums: NDArray[np.int32],
) -> None:
    """weights (O,C,k,k), output error (O,H,W) -> sums of the input error (C,H-2p+k-1,W-2p+k-1).

    It is the correlation of the error with the kernels turned by 180 degrees.
    """
    outputs, channels, size, _ = weights.shape
    border = size - 1 - padding
    wide = output_error.shape[2] + 2 * border
    plane = (output_error.shape[1] + 2 * border) * wide
    window = size * size
    terms = outputs * window
    planes, offsets, table, rows = _carve(scratch, outputs * plane, channels, _groups(terms))
    pad(output_error, border, planes)
    term_offsets(outputs, size, wide, plane, offsets)
    table[:, terms:] = 0
    for o in range(outputs):
        for c in range(channels):
            flat = weights[o, c].reshape(window)
            for place in range(window):
                table[c, o * window + place] = flat[window - 1 - place]
    correlate(table, offsets, planes, wide, rows, sums)


@kernel("void(int8[:,:,::1], int8[:,:,::1], int64, int32[::1], int32[:,:,:,::1])")
def conv2d_weight_gradient(
    inputs: NDArray[np.int8],
    output_error: NDArray[np.int8],
    padding: int,
    scratch: NDArray[np.int32],
    gradient: NDArray[np.int32],
) -> None:
    """inputs (C,H,W), output error (O,H2,W2) -> gradient (O,C,k,k)."""
    outputs, channels, size, _ = gradient.shape
    wide = inputs.shape[2] + 2 * padding
    plane = (inputs.shape[1] + 2 * padding) * wide
    height, width = output_error.shape[1:]
    length = (height - 1) * wide + width
    terms = channels * size * size
    planes, offsets, _, rows = _carve(scratch, channels * plane, 0, _groups(terms))
    pad(inputs, padding, planes)
    term_offsets(channels, size, wide, plane, offsets)
    row = rows[:length]  # one channel's error, as wide as the planes, zeros between
    row[:] = 0
    for o in range(outputs):
        for y in range(height):
            start = y * wide
            for x in range(width):
                row[start + x] = output_error[o, y, x]
        flat = gradient[o].reshape(terms)
        for g in range(0, terms, TERMS):
            at = offsets[g:]
            p0, p1, p2 = planes[at[0] :], planes[at[1] :], planes[at[2] :]
            p3, p4, p5 = planes[at[3] :], planes[at[4] :], planes[at[5] :]
            p6, p7, p8 = planes[at[6] :], planes[at[7] :], planes[at[8] :]
            t0 = t1 = t2 = t3 = t4 = t5 = t6 = t7 = t8 = np.int32(0)
            for n in range(length):
                error = row[n]
                t0 += error * p0[n]
                t1 += error * p1[n]
                t2 += error * p2[n]
                t3 += error * p3[n]
                t4 += error * p4[n]
                t5 += error * p5[n]
                t6 += error * p6[n]
                t7 += error * p7[n]
                t8 += error * p8[n]
            totals = (t0, t1, t2, t3, t4, t5, t6, t7, t8)
            for term in range(g, min(g + TERMS, terms)):
                flat[term] = totals[term - g]
