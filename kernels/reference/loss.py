"""The gradient of the cross-entropy loss in integers. Twin: firmware_elf/trainer/loss.c.

Wang et al. 2020 and their public code; docs/method.md tells what is our choice.
"""

from __future__ import annotations

import math
from fractions import Fraction

from priot.kernels.reference.integers import Ints, ints
from priot.kernels.reference.rounding import requantised
from priot.kernels.rounding import Rounding

LOG2_E = Fraction(47274, 2**15)


def loss_gradient(logits: Ints, exponent: int, label: int, rounding: Rounding) -> Ints:
    """Error (classes,) of the logits (classes,), which stand for logits * 2**exponent.

    It is the softmax in 11 bits, less all of it at the label, scaled to int8.
    """
    if exponent > -7:
        z = [math.floor(logit * LOG2_E * Fraction(2) ** exponent) for logit in logits]
        powers = [2 ** max(value - (max(z) - 10), 0) - 1 for value in z]
    else:  # logits close to zero: the series 1 + v + v*v/2 of e**v
        s = exponent
        powers = [2 ** (1 - 2 * s) + logit * 2 ** (1 - s) + logit**2 for logit in logits]
    softmax = [2**11 * power // sum(powers) for power in powers]
    softmax[label] -= sum(softmax)
    return requantised(ints(softmax), 4, rounding)
