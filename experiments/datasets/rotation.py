"""Rotated images, the transfer task of the paper, and the integers a network takes for pixels."""

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from priot.experiments.errors import UserError


def rotate(pixels: npt.NDArray[np.uint8], degrees: float) -> npt.NDArray[np.uint8]:
    """Rotate each image counter-clockwise about its centre.

    This is ``PIL.Image.rotate(degrees, resample=BILINEAR, expand=False, fillcolor=0)``: a target
    pixel's centre is carried back into the source; if it falls on the image, the four pixels
    around it are interpolated (the border repeated in its outermost half pixel) and cut to an
    integer, else the target is black. Multiples of 90 degrees are exact permutations of the
    pixels, and 0 degrees returns equal ones.

    Args:
        pixels: uint8, shape (N, H, W) or, in colour, (N, C, H, W), each plane on its own.
        degrees: any finite angle.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        UserError: ``degrees`` is not finite.
        ValueError: ``pixels`` has another dtype or number of dimensions.
    """
    if not math.isfinite(degrees):
        raise UserError(f"rotation by {degrees} degrees: not an angle; name a finite number")
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4):
        raise ValueError(
            f"pixels must be uint8 (N, H, W) or (N, C, H, W), not {pixels.dtype} {pixels.shape}"
        )
    rotated = np.empty(pixels.shape, np.uint8)
    planes = (array.reshape(-1, *pixels.shape[-2:]) for array in (pixels, rotated))
    for source, target in zip(*planes, strict=True):
        target[:] = Image.fromarray(source).rotate(
            degrees, resample=Image.Resampling.BILINEAR, expand=False, fillcolor=0
        )
    return rotated


def quantise(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int8]:
    """Turn pixels into a network's input: ``pixel >> 1``, which fits int8.

    Args:
        pixels: uint8, any shape, 0..255.

    Returns:
        int8, same shape, 0..127: fixed-point numbers of exponent
        ``priot.kernels.model.INPUT_EXPONENT``, so that value = q * 2**-7.
    """
    return (pixels >> 1).astype(np.int8)


def as_input(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int8]:
    """Pixels (N,H,W) or (N,C,H,W) as a network takes them: int8 (N,C,H,W), quantised."""
    return quantise(with_channels(pixels))


def with_channels(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Pixels (N,H,W) or (N,C,H,W) as (N,C,H,W): grey ones have one channel. A view."""
    return pixels if pixels.ndim == 4 else pixels[:, np.newaxis]
