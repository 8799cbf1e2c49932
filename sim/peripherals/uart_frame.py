"""A byte on a UART's line. Source: Arm DDI0183G, 2.4.3, 3.3.1 and 3.3.6."""

from priot.sim.peripherals.registers import field

FRAMING, PARITY, BREAK, OVERRUN = (1 << bit for bit in range(8, 12))
"""Errors beside a byte, as UARTDR has them."""
_PEN, _EPS, _STP2, _SPS = 1 << 1, 1 << 2, 1 << 3, 1 << 7  # LCR_H


def data_bits(control: int) -> int:
    """Of a frame, as LCR_H says."""
    return 5 + field(control, 6, 5)


def bits(control: int) -> int:
    """From the start bit to the last stop bit, as LCR_H says."""
    return 1 + data_bits(control) + bool(control & _PEN) + 1 + bool(control & _STP2)


def levels_of(word: int, control: int) -> list[bool]:
    """Start bit, data, parity, one stop bit."""
    data = [bool(word >> place & 1) for place in range(data_bits(control))]
    return [False, *data, *_parity(word, control), True]


def word_of(levels: list[bool], control: int) -> int:
    """The other way round, errors included."""
    if not any(levels):
        return BREAK | FRAMING
    size = data_bits(control)
    word = sum(level << place for place, level in enumerate(levels[1 : 1 + size]))
    wrong = _parity(word, control) != levels[1 + size : -1]
    return word | PARITY * wrong | FRAMING * (not levels[-1])


def _parity(word: int, control: int) -> list[bool]:
    """Even parity makes the number of ones even; a stick bit is the complement of EPS."""
    if not control & _PEN:
        return []
    odd = not control & _SPS and word.bit_count() & 1
    return [bool(odd) == bool(control & _EPS)]
