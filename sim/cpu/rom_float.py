"""The boot ROM's floating point, which the host computes: UDF in the ROM asks for it.

Numbers are those of the ROM's tables: entry `n` of the soft-float table is function `n`, of the
soft-double table `DOUBLES + n` (RP2040 datasheet, 2.8.3.2.2). How long each takes is for the ROM to
say (firmware_elf/bootrom/floating_point.S).

Arithmetic is the host's IEEE 754, so it is rounded correctly; the other functions are made of it,
in double precision, so that every host gives the same bits. NaNs are one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from priot.sim.cpu.native import native

DOUBLES = 32
FUNCTIONS = 64
NO_ORDER = 2  # the answer of what compares nothing


def _bit_cast(name: str, source: Any, target: Any, bits: Any) -> Any:
    """A native function that takes a value's bits for those of another type."""

    def typed(_context: Any, _value: Any) -> Any:
        def emitted(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], bits)

        return target(source), emitted

    typed.__name__ = name
    return intrinsic(typed)


_double = _bit_cast("_double", types.int64, types.float64, ir.DoubleType())
_double_bits = _bit_cast("_double_bits", types.float64, types.int64, ir.IntType(64))
_single = _bit_cast("_single", types.int32, types.float32, ir.FloatType())
_single_bits = _bit_cast("_single_bits", types.float32, types.int32, ir.IntType(32))

_WORD = 0xFFFF_FFFF
_INT32_MAX, _INT64_MAX = (1 << 31) - 1, (1 << 63) - 1
_SINGLE_NAN, _DOUBLE_NAN = 0x7FC0_0000, 0x7FF8_0000_0000_0000
_MANTISSA, _BIAS = 52, 1023
_SINGLE_MANTISSA, _SINGLE_BIAS = 23, 127


@native
def _bits_of_double(x: Any) -> Any:
    return np.int64(_DOUBLE_NAN) if x != x else _double_bits(x)


@native
def _bits_of_single(x: Any) -> Any:
    return np.int64(_SINGLE_NAN) if x != x else np.int64(_single_bits(x)) & _WORD


# --- conversions; fixed point has `n` bits behind the point


@native
def _to_fixed(x: Any, n: Any, is_signed: Any) -> Any:
    """As 64 bits: rounded towards -infinity and clamped; a NaN is beyond infinity."""
    bits = _double_bits(x)
    negative = bits < 0
    exponent = bits >> _MANTISSA & 0x7FF
    magnitude = bits & ((1 << _MANTISSA) - 1)
    if exponent:
        magnitude |= 1 << _MANTISSA
    if magnitude == 0 or (negative and not is_signed):
        return np.int64(0)
    shift = max(exponent, 1) - _BIAS - _MANTISSA + n
    if exponent == 0x7FF or shift > 63 - _MANTISSA - is_signed:
        most = np.int64(_INT64_MAX) if is_signed else np.int64(-1)
        return ~most if negative else most
    if shift >= 0:
        magnitude <<= shift
    else:
        down = min(-shift, 63)
        whole = magnitude >> down
        magnitude = whole + 1 if negative and whole << down != magnitude else whole
    return -magnitude if negative else magnitude


@native
def _to_integer(x: Any, n: Any, is_wide: Any, is_signed: Any) -> Any:
    """The same with 64 or 32 bits."""
    fixed = _to_fixed(x, n, is_signed)
    if is_wide:
        return fixed
    if is_signed:
        return max(min(fixed, np.int64(_INT32_MAX)), np.int64(~_INT32_MAX))
    return np.int64(_WORD) if fixed < 0 or fixed > _WORD else fixed


@native
def _from_fixed(value: Any, n: Any, is_signed: Any, mantissa: Any, bias: Any) -> Any:
    """The bits of a number of that format: rounded to nearest, ties to even."""
    sign = np.int64(is_signed and value < 0) << (np.int64(63) if mantissa == _MANTISSA else 31)
    magnitude = np.uint64(-value if sign else value)
    if magnitude == np.uint64(0):
        return np.int64(0)
    leading = np.int64(0)
    for step in (32, 16, 8, 4, 2, 1):
        if magnitude >> np.uint64(64 - step) == np.uint64(0):
            magnitude <<= np.uint64(step)
            leading += step
    exponent = 63 - leading - n + bias
    dropped = 63 - mantissa
    if exponent > 2 * bias:
        return sign | (2 * bias + 1) << mantissa
    if exponent < 1:  # a denormal
        dropped += 1 - exponent
        exponent = np.int64(1)
    if dropped > 64:
        return sign
    kept = np.int64(magnitude >> np.uint64(dropped)) if dropped < 64 else np.int64(0)
    rest = magnitude << np.uint64(64 - dropped)
    half = np.uint64(1) << np.uint64(63)
    up = rest > half or (rest == half and kept & 1)
    # The leading bit, or a carry into it, counts the exponent up.
    return sign | (((exponent - 1) << mantissa) + kept + np.int64(up))


# --- beyond arithmetic. Arguments are reduced to a short interval around 0, where a polynomial,
# interpolated at its Chebyshev nodes, is exact to the last bits. Highest power first.

_hex = float.fromhex
# Pi/2 in three parts: the first two have 33 bits, so that their multiples by up to 2^20 are exact.
_PI_2_FIRST, _PI_2_SECOND = _hex("0x1.921fb544p+0"), _hex("0x1.0b4611a6p-34")
_PI_2_THIRD, _TWO_BY_PI = _hex("0x1.3198a2e037073p-69"), _hex("0x1.45f306dc9c883p-1")
_PI_4, _PI_2 = _hex("0x1.921fb54442d18p-1"), _hex("0x1.921fb54442d18p+0")
_PI_2_LOST, _TAN_PI_8 = _hex("0x1.1a62633145c07p-54"), _hex("0x1.a827999fcef32p-2")
_LN2_FIRST, _LN2_SECOND = _hex("0x1.62e42feep-1"), _hex("0x1.a39ef35793c76p-33")
_ONE_BY_LN2 = _hex("0x1.71547652b82fep+0")
_ROOT_HALF = 0x95F62 << 32  # keeps a mantissa between sqrt(1/2) and sqrt(2)


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(_hex, text.split()))


# (sin(x) - x) / x^3 and (cos(x) - 1 + x^2/2) / x^4 by x^2, for |x| <= pi/4
_SINE = _numbers(
    "-0x1.ab0f25d21fd92p-41 0x1.6121703ee57b1p-33 -0x1.ae64540000f84p-26 0x1.71de3a5455b9ap-19 "
    "-0x1.a01a01a0198dep-13 0x1.1111111111110p-7 -0x1.5555555555555p-3"
)
_COSINE = _numbers(
    "0x1.ab70a23137c25p-45 -0x1.9394ace29bd7bp-37 0x1.1eed8de33ebe0p-29 -0x1.27e4fb770e01dp-22 "
    "0x1.a01a01a019ce2p-16 -0x1.6c16c16c16c16p-10 0x1.5555555555555p-5"
)
# (exp(x) - 1 - x) / x^2, for |x| <= ln(2)/2
_EXPONENTIAL = _numbers(
    "0x1.af3ce42b12b24p-26 0x1.2894f52583578p-22 0x1.71de0be2b5e96p-19 0x1.a019b621f9d08p-16 "
    "0x1.a01a01a83ba17p-13 0x1.6c16c1794e1dcp-10 0x1.1111111110918p-7 0x1.5555555553b6cp-5 "
    "0x1.5555555555556p-3 0x1.0000000000001p-1"
)
# (ln((1 + s) / (1 - s)) - 2s) / s^3 by s^2, for the s of sqrt(1/2) <= x <= sqrt(2)
_LOGARITHM = _numbers(
    "0x1.0c4d8297b1431p-3 0x1.0fb77bcdefa76p-3 0x1.3b1c79943fca2p-3 0x1.745cf7c1d5dafp-3 "
    "0x1.c71c7204621fep-3 0x1.249249247513dp-2 0x1.9999999999a43p-2 0x1.5555555555555p-1"
)
# (atan(x) - x) / x^3 by x^2, for |x| <= tan(pi/8)
_ARCTANGENT = _numbers(
    "0x1.0892945fca3d9p-6 -0x1.1a2e2be9092a6p-5 0x1.74779e7f3d684p-5 -0x1.ac640ea43c20ep-5 "
    "0x1.e197010ee6326p-5 -0x1.110e65a8e0d93p-4 0x1.3b1390ed6392fp-4 -0x1.745d164cd528bp-4 "
    "0x1.c71c71c2ac30cp-4 -0x1.249249248d0a0p-3 0x1.999999999994cp-3 -0x1.5555555555555p-2"
)


@native
def _polynomial(z: Any, coefficients: Any) -> Any:
    total = 0.0
    for coefficient in coefficients:
        total = total * z + coefficient
    return total


@native
def _nearest(x: Any) -> Any:
    return np.floor(x + 0.5)


@native
def _sine_and_cosine(x: Any) -> Any:
    """For |x| < 2^20, more than the datasheet's 1024; NaN beyond."""
    if not abs(x) < 2.0**20:
        return np.nan, np.nan
    k = _nearest(x * _TWO_BY_PI)
    quadrant = np.int64(k)
    head, second = x - k * _PI_2_FIRST, k * _PI_2_SECOND
    r = head - second
    tail = ((head - r) - second) - k * _PI_2_THIRD  # what was lost, and the third part
    reduced = r + tail
    lost = (r - reduced) + tail
    z = reduced * reduced
    half = 0.5 * z
    one = 1 - half
    sine = reduced + (reduced * z * _polynomial(z, _SINE) + lost)
    cosine = one + (((1 - one) - half) + (z * z * _polynomial(z, _COSINE) - reduced * lost))
    if x == 0:
        sine = x  # keeps -0
    if quadrant & 1:
        sine, cosine = cosine, -sine
    if quadrant & 2:
        sine, cosine = -sine, -cosine
    return sine, cosine


@native
def _sine(x: Any) -> Any:
    return _sine_and_cosine(x)[0]


@native
def _cosine(x: Any) -> Any:
    return _sine_and_cosine(x)[1]


@native
def _tangent(x: Any) -> Any:
    sine, cosine = _sine_and_cosine(x)
    return sine / cosine


@native
def _power_of_2(exponent: Any) -> Any:
    return _double((exponent + _BIAS) << _MANTISSA)


@native
def _exponential(x: Any) -> Any:
    if x != x:
        return x
    if abs(x) > 746.0:  # even denormals end
        return 0.0 if x < 0 else np.inf
    k = _nearest(x * _ONE_BY_LN2)
    exponent = np.int64(k)
    head, second = x - k * _LN2_FIRST, k * _LN2_SECOND
    r = head - second
    lost = (head - r) - second
    power = 1 + (r + (lost + r * r * _polynomial(r, _EXPONENTIAL)))
    # In two steps: the whole power may be no normal number.
    half = exponent >> 1
    return power * _power_of_2(half) * _power_of_2(exponent - half)


@native
def _logarithm(x: Any) -> Any:
    """-infinity for x <= 0 (datasheet 2.8.3.2.2)."""
    if x != x or x == np.inf:
        return x
    if x <= 0:
        return -np.inf
    exponent = np.int64(0)
    if x < 2.0**-1022:
        x *= 2.0**54
        exponent = np.int64(-54)
    bits = _double_bits(x) + _ROOT_HALF
    exponent += (bits >> _MANTISSA) - _BIAS
    m = _double((_BIAS << _MANTISSA) + (bits & ((1 << _MANTISSA) - 1)) - _ROOT_HALF)
    f, k = m - 1, np.float64(exponent)
    s = f / (m + 1)
    z = s * s
    bend = s * (f - z * _polynomial(z, _LOGARITHM))
    return k * _LN2_FIRST + (f - (bend - k * _LN2_SECOND))


@native
def _arctangent(y: Any, x: Any) -> Any:
    """The angle of the point (x, y), as IEEE 754 has it at zeros and infinities."""
    if x != x or y != y:
        return np.nan
    opposite, adjacent = abs(y), abs(x)
    steep = opposite > adjacent
    if steep:
        opposite, adjacent = adjacent, opposite
    if adjacent == 0:
        t = 0.0
    elif opposite == np.inf:
        t = 1.0
    else:
        t = opposite / adjacent
    turned = t > _TAN_PI_8
    if turned:
        t = (t - 1) / (t + 1)
    z = t * t
    angle = t + t * z * _polynomial(z, _ARCTANGENT)
    if turned:
        angle = _PI_4 + (angle + _PI_2_LOST / 2)
    if steep:
        angle = _PI_2 - (angle - _PI_2_LOST)
    if _double_bits(x) < 0:
        angle = 2 * _PI_2 - (angle - 2 * _PI_2_LOST)
    return math.copysign(angle, y)


# --- the tables' functions, by their numbers there

_ADD, _SUBTRACT, _MULTIPLY, _DIVIDE, _COMPARE, _COMPARE_FLAGS, _ROOT = range(7)
_TO_INTEGER, _FROM_INTEGER, _COSINES, _COMPARE_AGAIN = 7, 11, 15, 21  # and the numbers behind them
_SINES, _TANGENTS, _SINES_AND_COSINES, _EXPONENTIALS, _LOGARITHMS, _ANGLES = 16, 17, 18, 19, 20, 22
_FROM_LONG, _TO_LONG, _TO_OTHER = 23, 27, 31


@native
def _long(r: Any, first: Any) -> Any:
    """The 64 bits in two registers."""
    return np.int64(r[first]) | np.int64(r[first + 1]) << 32


@native
def _set_long(r: Any, first: Any, bits: Any) -> None:
    r[first], r[first + 1] = np.uint32(bits), np.uint32(bits >> 32)


@native
def _order(a: Any, b: Any) -> Any:
    """Of the bits of two doubles: -1, 0 or 1; a NaN is beyond infinity."""
    if (a | b) << 1 == 0:
        return np.int64(0)  # -0 equals +0
    if a < 0:
        a ^= _INT64_MAX
    if b < 0:
        b ^= _INT64_MAX
    return np.int64(a > b) - np.int64(a < b)


@native
def _arithmetic(number: Any, x: Any, y: Any) -> Any:
    """Of two singles or two doubles."""
    if number == _ADD:
        return x + y
    if number == _SUBTRACT:
        return x - y
    if number == _MULTIPLY:
        return x * y
    if number == _DIVIDE:
        return x / y
    return np.sqrt(x)


@native
def _beyond_arithmetic(number: Any, x: Any, y: Any) -> Any:
    if number == _COSINES:
        return _cosine(x)
    if number in (_SINES, _SINES_AND_COSINES):
        return _sine(x)
    if number == _TANGENTS:
        return _tangent(x)
    if number == _EXPONENTIALS:
        return _exponential(x)
    if number == _LOGARITHMS:
        return _logarithm(x)
    return _arctangent(x, y)


@native
def _compute_single(number: Any, r: Any) -> None:
    x, y = _single(np.int32(r[0])), _single(np.int32(r[1]))
    if number == _ROOT and x < 0:
        r[0] = np.uint32(0xFF80_0000)  # -infinity
    elif number <= _ROOT:
        r[0] = np.uint32(_bits_of_single(_arithmetic(number, x, y)))
    elif number == _TO_OTHER:
        _set_long(r, 0, _bits_of_double(np.float64(x)))
    else:
        result = np.float32(_beyond_arithmetic(number, np.float64(x), np.float64(y)))
        r[0] = np.uint32(_bits_of_single(result))
        if number in (_SINES, _SINES_AND_COSINES):
            r[1] = np.uint32(_bits_of_single(np.float32(_cosine(np.float64(x)))))


@native
def _compute_double(number: Any, r: Any) -> None:
    x, y = _double(_long(r, 0)), _double(_long(r, 2))
    if number == _ROOT and x < 0:
        _set_long(r, 0, _bits_of_double(-np.inf))
    elif number <= _ROOT:
        _set_long(r, 0, _bits_of_double(_arithmetic(number, x, y)))
    elif number == _TO_OTHER:
        r[0] = np.uint32(_bits_of_single(np.float32(x)))
    else:
        if number == _SINES_AND_COSINES:
            _set_long(r, 2, _bits_of_double(_cosine(x)))
        _set_long(r, 0, _bits_of_double(_beyond_arithmetic(number, x, y)))


@native
def _convert(number: Any, of_doubles: Any, r: Any) -> bool:
    """Between numbers and integers or fixed point; False if that is not what the number means."""
    to_integer = _TO_INTEGER <= number < _FROM_INTEGER or _TO_LONG <= number < _TO_OTHER
    if not to_integer and not (
        _FROM_INTEGER <= number < _COSINES or _FROM_LONG <= number < _TO_LONG
    ):
        return False
    is_wide = number >= _FROM_LONG
    kind = (number - 3) & 3  # each four are: signed, signed with a point, unsigned, with a point
    is_signed = kind < 2
    value_is_wide = of_doubles if to_integer else is_wide
    n = np.int64(np.int32(r[2 if value_is_wide else 1])) if kind & 1 else np.int64(0)
    if to_integer:
        x = _double(_long(r, 0)) if of_doubles else np.float64(_single(np.int32(r[0])))
        fixed = _to_integer(x, n, is_wide, is_signed)
        r[0] = np.uint32(fixed)
        if is_wide:
            r[1] = np.uint32(fixed >> 32)
        return True
    narrow = np.int64(np.int32(r[0])) if is_signed else np.int64(r[0])
    value = _long(r, 0) if is_wide else narrow
    if of_doubles:
        _set_long(r, 0, _from_fixed(value, n, is_signed, _MANTISSA, _BIAS))
    else:
        r[0] = np.uint32(_from_fixed(value, n, is_signed, _SINGLE_MANTISSA, _SINGLE_BIAS))
    return True


@native
def compute_float(r: Any, function: Any) -> Any:
    """Do what function `function` of the tables does to R0 to R3.

    Of a comparison it gives the order, -1, 0 or 1, which the flags are to show; else NO_ORDER.
    """
    of_doubles, number = function >= DOUBLES, function % DOUBLES
    if number in (_COMPARE, _COMPARE_FLAGS, _COMPARE_AGAIN):
        if of_doubles:
            order = _order(_long(r, 0), _long(r, 2))
        else:  # the same signs and magnitudes, further up
            order = _order(np.int64(r[0]) << 32, np.int64(r[1]) << 32)
        if number != _COMPARE_FLAGS:
            r[0] = np.uint32(order)
        return order
    if not _convert(number, of_doubles, r):
        if of_doubles:
            _compute_double(number, r)
        else:
            _compute_single(number, r)
    return np.int64(NO_ORDER)
