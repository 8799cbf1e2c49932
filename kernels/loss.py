"""The gradient of the cross-entropy loss in integers (Wang et al. 2020, and their public code).

With int8 logits o of exponent s, a logit's value is o * 2**s. Where s > -7 the softmax is taken to
base 2 from whole numbers z = floor(o * log2(e) * 2**s), lifted so that the largest is 10; smaller
exponents mean logits so close to zero that the series 1 + v + v*v/2 stands for e**v.
"""

import numpy as np
from numpy.typing import NDArray

from priot.kernels.jit import kernel
from priot.kernels.round_shift import clip, round_shift

LOG2_E = 47274  # log2(e) * 2**15
SERIES_EXPONENT = -7  # at or below it the series is used
SMALLEST_EXPONENT = -24  # below it every logit is as good as zero; 64 bits hold all that is left
LARGEST_EXPONENT = 16  # above it any difference of logits fills the range of ten bits


@kernel("void(int8[::1], int64, int64, int64, int64[::1], int8[::1])")
def loss_gradient(
    logits: NDArray[np.int8],
    exponent: int,
    label: int,
    rounding: int,
    powers: NDArray[np.int64],
    error: NDArray[np.int8],
) -> None:
    """Write the error of the logits, (classes,). It is zero for a confidently right image.

    The softmax p has 11 bits; the error p - onehot(label) is scaled so that it fills int8.
    ``powers`` (classes,) is memory to work with.
    """
    s = max(SMALLEST_EXPONENT, min(LARGEST_EXPONENT, exponent))
    classes = logits.size
    if s > SERIES_EXPONENT:
        largest = np.int64(-(2**40))
        for c in range(classes):
            scaled = np.int64(logits[c]) * LOG2_E
            powers[c] = scaled << (s - 15) if s > 15 else scaled >> (15 - s)
            largest = max(largest, powers[c])
        for c in range(classes):
            powers[c] = (1 << max(np.int64(0), powers[c] - (largest - 10))) - 1
    else:
        for c in range(classes):
            logit = np.int64(logits[c])
            powers[c] = (1 << (1 - 2 * s)) + (logit << (1 - s)) + logit * logit
    total = powers.sum()
    remainder = np.int64(0)
    for c in range(classes):
        powers[c] = (powers[c] << 11) // total
        remainder += powers[c]
    powers[label] -= remainder
    for c in range(classes):
        error[c] = clip(round_shift(powers[c], 4, rounding))
