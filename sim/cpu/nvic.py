"""The NVIC's registers over the native loop's arrays."""

from __future__ import annotations

from sim.cpu.state import EXCEPTIONS, Core, CoreState
from sim.nvic import Nvic

_SEVONPEND = 1 << 4  # of SCR
_ENABLED_ALWAYS = 1 << 2 | 1 << 3  # NMI and HardFault


class NativeNvic(Nvic):
    """What is pending, enabled and active stands where the loop looks for it."""

    def __init__(self, state: CoreState) -> None:
        self._core = state.core
        self._priorities = state.priorities
        super().__init__()

    def reset(self) -> None:
        """Nothing pending, enabled or active."""
        self._priorities[:] = 0
        self.priorities = self._priorities  # type: ignore[assignment]  # as an array
        self._core[Core.PENDING] = self._core[Core.LINES] = self._core[Core.ACTIVE] = 0
        self._core[Core.ENABLED] = 0
        self.enabled = 1 << 11 | 1 << 14 | 1 << 15

    @property
    def pending(self) -> int:  # type: ignore[override]
        """A bit for each exception."""
        return int(self._core[Core.PENDING])

    @pending.setter
    def pending(self, value: int) -> None:
        if value & ~int(self._core[Core.PENDING]) and self._core[Core.SCR] & _SEVONPEND:
            self._core[Core.EVENT] = 1
        self._core[Core.PENDING] = value

    @property
    def enabled(self) -> int:  # type: ignore[override]
        """A bit for each exception."""
        return int(self._core[Core.ENABLED])

    @enabled.setter
    def enabled(self, value: int) -> None:
        self._core[Core.ENABLED] = value | _ENABLED_ALWAYS

    @property
    def _lines(self) -> int:  # type: ignore[override]
        return int(self._core[Core.LINES])

    @_lines.setter
    def _lines(self, value: int) -> None:
        self._core[Core.LINES] = value

    @property
    def active(self) -> list[int]:  # type: ignore[override]
        """Exceptions that have begun and not ended."""
        bits = int(self._core[Core.ACTIVE])
        return [number for number in range(EXCEPTIONS) if bits >> number & 1]

    @active.setter
    def active(self, value: list[int]) -> None:
        self._core[Core.ACTIVE] = sum(1 << number for number in value)
