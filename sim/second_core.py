"""Core 1, which waits in its boot ROM until core 0 launches it."""

from __future__ import annotations

from collections.abc import Sequence

from priot.sim.cpu.launch import Launch
from priot.sim.cpu.native import from_python
from priot.sim.cpu.processor import Processor
from priot.sim.cpu.sio import push, tell
from priot.sim.cpu.state import NEVER, Core, Sleep, State
from priot.sim.loading.symbols import rom_symbols
from priot.sim.peripherals import Scheduler
from priot.sim.reports.call_graph import Tracer
from priot.sim.stack_guard import StackGuard

_push = from_python(push)
_tell = from_python(tell)

_RETURNED = "core1_returned (boot ROM)"


class SecondCore:
    """What the boot ROM does for core 1, and since when it runs.

    Args:
        processors: core 0 and core 1.
        guard: judges stacks that leave their room; None: nobody does.
        tracers: what follows the calls of each core; empty: nothing does.

    Attributes:
        top_of_stack: where its stack began; 0 until its first launch since power-on.
    """

    def __init__(
        self,
        state: State,
        processors: tuple[Processor, Processor],
        scheduler: Scheduler,
        guard: StackGuard | None,
        tracers: Sequence[Tracer],
    ) -> None:
        self._sio = state.sio
        self._first, self._second = processors
        self._scheduler = scheduler
        self._guard = guard
        self._tracers = tracers[1:]
        self._launch = Launch(self._send, self._start)
        self.power_on()

    def power_on(self) -> None:
        """It never ran."""
        self.top_of_stack = 0
        self._ran = self._launched_at = 0

    def keep_count(self) -> None:
        """The chip is about to reset: what it ran so far counts."""
        self._ran = self.cycles

    def reset(self) -> None:
        """It waits in its ROM."""
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
        core[Core.SP_LOW] = sp
        core[Core.SP_LIMIT] = self._guard.limit_of(sp) if self._guard else 0
        core[Core.SLEEPS] = Sleep.NOT
        core[Core.RUNS] = 1
        self.top_of_stack = sp
        for tracer in self._tracers:
            tracer.begin(sp, now)
