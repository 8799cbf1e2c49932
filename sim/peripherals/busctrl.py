"""BUSCTRL: bus priorities and performance counters. Source: RP2040 datasheet, 2.1.5."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from priot.sim.peripherals.registers import Register, RegisterBlock

# Bits of BUS_PRIORITY in the order of the masters: core 0, core 1, DMA reads, DMA writes.
_MASTERS = (0, 4, 8, 12)
_MOST = 0xFF_FFFF  # where a counter stays
_COUNTERS = 4
_NONE = 0x1F


class Crossbar(Protocol):
    """What the registers need of the bus."""

    def prioritise(self, masters: Sequence[bool]) -> None:
        """Let the accesses of core 0, of core 1 go ahead of others."""
        ...

    def count(self, on: bool) -> None:
        """Count accesses, or leave it."""
        ...

    def events(self, number: int) -> int:
        """How often something happened, by its number in PERFSEL."""
        ...


class Busctrl(RegisterBlock):
    """Priorities are acknowledged at once. All accesses are counted only while a counter asks."""

    name = "BUSCTRL"
    base = 0x4003_0000

    def __init__(self, crossbar: Crossbar) -> None:
        self._crossbar = crossbar
        counters = [
            register
            for number in range(_COUNTERS)
            for register in (
                Register(
                    0x08 + 8 * number,
                    f"PERFCTR{number}",
                    *(0, 0),
                    partial(self._read, number),
                    partial(self._clear, number),
                ),
                Register(
                    0x0C + 8 * number,
                    f"PERFSEL{number}",
                    *(_NONE, 0x1F),
                    on_write=partial(self._select, number),
                ),
            )
        ]
        super().__init__(
            Register(0x00, "BUS_PRIORITY", 0, 0x1111, on_write=self._prioritise),
            Register(0x04, "BUS_PRIORITY_ACK", 1, 0),
            *counters,
        )
        self._forget()

    def reset(self) -> None:
        """No priorities; nothing is counted."""
        super().reset()
        self._forget()
        self._prioritise(0)
        self._crossbar.count(False)

    def _forget(self) -> None:
        self._selected = [_NONE] * _COUNTERS
        self._counted, self._since = [0] * _COUNTERS, [0] * _COUNTERS

    def _prioritise(self, value: int) -> None:
        self._crossbar.prioritise([bool(value >> bit & 1) for bit in _MASTERS])

    def _read(self, number: int) -> int:
        happened = self._crossbar.events(self._selected[number]) - self._since[number]
        return min(self._counted[number] + happened, _MOST)

    def _begin(self, number: int, count: int) -> None:
        self._counted[number] = count
        self._selected[number] = self[f"PERFSEL{number}"]
        self._since[number] = self._crossbar.events(self._selected[number])

    def _clear(self, number: int, _value: int) -> None:
        self._begin(number, 0)

    def _select(self, number: int, _value: int) -> None:
        self._begin(number, self._read(number))
        self._crossbar.count(any(event != _NONE for event in self._selected))
