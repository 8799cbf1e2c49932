"""Core 1, which waits in its boot ROM until core 0 launches it."""

from __future__ import annotations

from collections.abc import Sequence

from priot.sim.cpu.launch import Launch
from priot.sim.cpu.native import from_python
from priot.sim.cpu.private_blocks import PrivateBlocks
from priot.sim.cpu.processor import Processor
from priot.sim.cpu.sio import Sio, push, tell
from priot.sim.cpu.state import NEVER, Core, Sleep, State
from priot.sim.loading.symbols import rom_symbols
from priot.sim.peripherals import Scheduler
from priot.sim.reports.call_graph import Tracer
from priot.sim.stack_guard import StackGuard

_push = from_python(push)
_tell = from_python(tell)

_KEPT = [Core.CYCLES, Core.INSTRUCTIONS, Core.BUS_STALLS, Core.SP_LOW, Core.LINES]
_RETURNED = "core1_returned (boot ROM)"


class SecondCore:
    """What the boot ROM does for core 1, and since when it runs.

    Args:
        processors: core 0 and core 1.
        blocks: core 1's own.
        guard: judges stacks that leave their room; None: nobody does.
        tracers: what follows the calls of each core; empty: nothing does.

    Attributes:
        top_of_stack: where its stack began; 0 until its first launch since power-on.
    """

    def __init__(
        self,
        state: State,
        processors: tuple[Processor, Processor],
        blocks: PrivateBlocks,
        scheduler: Scheduler,
        guard: StackGuard | None,
        tracers: Sequence[Tracer],
    ) -> None:
        self._sio = state.sio
        self._first, self._second = processors
        self._blocks = blocks
        self._scheduler = scheduler
        self._guard = guard
        self._tracers = tracers[1:]
        self._launch = Launch(self._send, self._start)
        self._is_off = False
        self.power_on()

    def power_on(self) -> None:
        """It never ran."""
        self.top_of_stack = 0
        self._ran = self._launched_at = 0

    def keep_count(self) -> None:
        """It is about to be reset: what it ran so far counts."""
        self._ran = self.cycles

    def reset(self) -> None:
        """The chip was reset: it waits in its ROM."""
        self._is_off = False
        self._wait_in_rom()

    def force_off(self, is_off: bool) -> None:
        """PSM holds it in reset, or lets it go: then it empties its mailbox and sends a 0."""
        self._is_off = is_off
        if is_off:
            self.hold()
            return
        self._sio[Sio.COUNTS] = 0
        _tell(self._second.core, self._sio, self._scheduler.cycles)
        self._launch.begin()

    def hold(self) -> None:
        """Keep it in reset while that is forced, whatever it was about."""
        if not self._is_off:
            return
        if self.runs:
            for tracer in self._tracers:
                tracer.end()
        self.keep_count()
        core = self._second.core
        kept = core[_KEPT]
        self._second.reset()
        self._blocks.reset()
        core[_KEPT] = kept
        core[Core.PENDING] = core[Core.LINES]
        self._wait_in_rom()

    def _wait_in_rom(self) -> None:
        core = self._second.core
        core[Core.WINDOW] = NEVER
        core[Core.SLEEPS] = Sleep.HELD
        self._launched_at = 0
        self._launch.reset()

    @property
    def runs(self) -> bool:
        """Whether it was launched since the last reset."""
        return bool(self._second.core[Core.RUNS])

    @property
    def cycles(self) -> int:
        """Cycles that it ran since power-on."""
        return self._ran + (self._second.cycles - self._launched_at) * self.runs

    def hear(self, word: int) -> None:
        """Core 0 sent a word through the mailbox."""
        if not self._is_off:
            self._launch.hear(word)

    def _send(self, word: int) -> None:
        _push(self._sio, 1, word)
        _tell(self._first.core, self._sio, self._scheduler.cycles)
        self._first.core[Core.EVENT] = 1

    def _start(self, table: int, sp: int, entry: int) -> None:
        self._ran = self.cycles
        core, now = self._second.core, self._scheduler.cycles
        core[Core.CYCLES] = self._launched_at = now
        self._second.set_registers(sp=sp, lr=rom_symbols()[_RETURNED].address | 1, pc=entry)
        core[Core.VTOR] = table
        core[Core.THUMB] = entry & 1  # BLX R0
        core[Core.SP_LOW] = sp
        core[Core.SP_LIMIT] = self._guard.limit_of(sp) if self._guard else 0
        core[Core.SLEEPS] = Sleep.NOT
        core[Core.RUNS] = 1
        self.top_of_stack = sp
        for tracer in self._tracers:
            tracer.begin(sp, now)
