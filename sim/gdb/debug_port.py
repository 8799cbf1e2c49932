"""What a debugger asks of the chip: where to stop, and to hold a core."""

from __future__ import annotations

from collections.abc import Sequence

from priot.sim.cpu.native import from_python
from priot.sim.cpu.special import guard
from priot.sim.cpu.state import MAX_BREAKPOINTS, MAX_WATCHPOINTS, Chip, Core, Sleep
from priot.sim.errors import SimError
from priot.sim.rp2040 import Rp2040

_guard = from_python(guard)

_CATCHES_UP = 1000  # cycles


class DebugPort:
    """Debugs one chip."""

    def __init__(self, chip: Rp2040) -> None:
        self._chip = chip

    def watch(
        self, breakpoints: Sequence[int], watchpoints: Sequence[tuple[int, int, int]]
    ) -> None:
        """Stop ahead of instructions, and behind accesses: (kind, first, end) with bits 1 read
        and 2 write. Raises SimError for more than there is room for.
        """
        if len(breakpoints) > MAX_BREAKPOINTS or len(watchpoints) > MAX_WATCHPOINTS:
            raise SimError(
                f"{len(breakpoints)} breakpoints and {len(watchpoints)} watchpoints; there may be "
                f"{MAX_BREAKPOINTS} and {MAX_WATCHPOINTS}"
            )
        chip = self._chip.state.chip
        chip[Chip.BREAKPOINTS], chip[Chip.WATCHPOINTS] = len(breakpoints), len(watchpoints)
        for at, address in enumerate(breakpoints):
            chip[Chip.BREAKPOINT_LIST + at] = address
        for at, entry in enumerate(watchpoints):
            chip[Chip.WATCHPOINT_LIST + 3 * at :][:3] = entry
        for processor in self._chip.processors:
            processor.core[Core.WATCHING] = bool(breakpoints or watchpoints)
            processor.core[Core.HIT] = 0
            _guard(processor.core)

    def hold(self, number: int) -> None:
        """Let a core stand where it is, whatever happens, until `release`."""
        core = self._chip.processors[number].core
        self._held = number, int(core[Core.SLEEPS])
        core[Core.SLEEPS] = Sleep.HELD

    def release(self) -> None:
        """Let the core that was held go on.

        One that was held for a few instructions of the other catches up: GDB takes a core alone
        past each breakpoint.
        """
        number, sleeps = self._held
        core, other = (self._chip.processors[at].core for at in (number, 1 - number))
        core[Core.SLEEPS] = sleeps
        if other[Core.CYCLES] - core[Core.CYCLES] > _CATCHES_UP:
            core[Core.CYCLES] = other[Core.CYCLES]
