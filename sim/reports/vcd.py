"""Levels of the pins as a value change dump, which wave viewers draw. IEEE 1364-2005, 18."""

from __future__ import annotations

from collections.abc import Iterator

from priot.sim.peripherals.serial_pins import GPIOS
from priot.sim.pin_log import PinChanges

_FIRST_IDENTIFIER = 33  # "!": printable characters are identifiers


def vcd(changes: PinChanges) -> str:
    """One wire for each GPIO, by name, at times in picoseconds since power-on."""
    return "".join(_lines(changes))


def _lines(changes: PinChanges) -> Iterator[str]:
    names = [chr(_FIRST_IDENTIFIER + pin) for pin in range(GPIOS)]
    yield "$timescale 1 ps $end\n$scope module RP2040 $end\n"
    for pin, name in enumerate(names):
        yield f"$var wire 1 {name} GPIO{pin} $end\n"
    yield "$upscope $end\n$enddefinitions $end\n"
    levels = changes.levels.tolist()
    yield "#0\n$dumpvars\n"
    yield "".join(f"{levels[0] >> pin & 1}{name}\n" for pin, name in enumerate(names))
    yield "$end\n"
    before = levels[0]
    for time, level in zip(changes.picoseconds[1:].tolist(), levels[1:], strict=True):
        yield f"#{time}\n"
        changed = before ^ level
        while changed:
            pin = (changed & -changed).bit_length() - 1
            yield f"{level >> pin & 1}{names[pin]}\n"
            changed &= changed - 1
        before = level
    yield f"#{changes.end}\n"
