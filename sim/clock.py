"""The time that peripherals see."""

from typing import Any


class MachineClock:
    """Cycles of clk_sys since reset, at an access or an event; `machine` is the MACHINE record."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine

    @property
    def cycles(self) -> int:
        """Exact in the middle of a block: before the instruction that makes the access."""
        return int(self._machine["now"])
