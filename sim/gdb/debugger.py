"""Breakpoints, watchpoints and single steps on a Pico, with every cycle counted as without them.

The core looks them up itself: memory holds no patch that a program could read, copy or overwrite,
the core rests exactly ahead of the instruction, or behind the one that accessed what is watched.
While there are any, all accesses take the long way, which is several times slower.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial

from sim.cpu.processor import Processor
from sim.errors import AddressError, SimError
from sim.faults import Fault
from sim.memory_map import FLASH, SRAM, region_of
from sim.pico import Pico, Stop, StopReason
from sim.rp2040 import Rp2040

_NO_LIMIT = 1 << 62  # cycles
_BKPT_SIZE = 2


class Watch(Enum):
    """Which accesses a watchpoint stops at."""

    READ = 1
    WRITE = 2
    ACCESS = 3


@dataclass(frozen=True)
class Watchpoint:
    """`size` bytes from `address` on, in flash or SRAM."""

    kind: Watch
    address: int
    size: int


class Cause(Enum):
    """Why a program halted under the debugger."""

    BREAKPOINT = "breakpoint"  # ahead of the instruction
    WATCHPOINT = "watchpoint"  # behind the instruction that accessed it
    STEP = "step"
    INTERRUPTED = "interrupted"  # by the user
    PROGRAM = "program"  # ended or waits by itself, see `Halt.stop`
    FAULT = "fault"


@dataclass(frozen=True)
class Halt:
    """The program came to rest.

    Attributes:
        watchpoint: the one that was hit.
        address: where the access that hit it began inside the watched bytes.
        stop: the Pico's own, for Cause.PROGRAM.
        fault: for Cause.FAULT.
    """

    cause: Cause
    watchpoint: Watchpoint | None = None
    address: int = 0
    stop: Stop | None = None
    fault: Fault | None = None


class Debugger:
    """Drives a Pico; nobody else may run it meanwhile.

    A motion is begun by `begin` and carried on by `advance`, slice by slice, so that the caller
    can look after its user in between.

    Args:
        max_cycles: budget in cycles since reset; it ends the run like that of `Pico.run`.

    Raises:
        SimError: the Pico's engine is Unicorn.
    """

    def __init__(self, pico: Pico, max_cycles: int | None = None) -> None:
        self.pico = pico
        self.max_cycles = _NO_LIMIT if max_cycles is None else max_cycles
        # The debugger is to the simulator what the debug port is to the chip.
        chip = pico._chip
        if not isinstance(chip, Rp2040):
            raise SimError("Unicorn has no debugger: leave out the engine")
        self._chip = chip
        self._breakpoints: list[int] = []
        self._watchpoints: list[Watchpoint] = []
        self._stepping: range | None = None
        self._halted_at: int | None = None  # address of the program's own BKPT

    @property
    def core(self) -> Processor:
        """The core that came to rest."""
        return self._chip.core

    def add_breakpoint(self, address: int) -> None:
        """Halt ahead of the instruction at `address`; a second one there makes no difference.

        Raises:
            AddressError: there is no code memory.
        """
        _check(address, _BKPT_SIZE)
        if address not in self._breakpoints:
            self._breakpoints.append(address)
            self._watch()

    def remove_breakpoint(self, address: int) -> None:
        """Take it back, if there is one."""
        if address in self._breakpoints:
            self._breakpoints.remove(address)
            self._watch()

    def add_watchpoint(self, watchpoint: Watchpoint) -> None:
        """Halt behind each access of the program to it; entry into exceptions is none.

        Raises:
            AddressError: it does not lie in flash or SRAM.
        """
        _check(watchpoint.address, watchpoint.size)
        if watchpoint not in self._watchpoints:
            self._watchpoints.append(watchpoint)
            self._watch()

    def remove_watchpoint(self, watchpoint: Watchpoint) -> None:
        """Take it back, if there is one."""
        if watchpoint in self._watchpoints:
            self._watchpoints.remove(watchpoint)
            self._watch()

    def _watch(self) -> None:
        self._chip.watch(
            self._breakpoints,
            [(one.kind.value, one.address, one.address + one.size) for one in self._watchpoints],
        )

    def close(self) -> None:
        """Take back all breakpoints and watchpoints; the Pico is its owner's again."""
        for address in list(self._breakpoints):
            self.remove_breakpoint(address)
        for watchpoint in list(self._watchpoints):
            self.remove_watchpoint(watchpoint)

    def reset(self) -> None:
        """Power-on; breakpoints and watchpoints stay."""
        self.pico.reset()
        self._halted_at = None

    def begin(self, stepping: range | None = None) -> None:
        """Set out from PC, past a breakpoint there.

        Args:
            stepping: None to run; else execute one instruction, and on while PC is in the range.
                As in `Pico.step`, an exception that is due or a sleep to end comes before it.
        """
        self.core.pass_by(self.core.pc)
        self._stepping = stepping

    def advance(self, max_cycles: int) -> Halt | None:
        """Go on for some `max_cycles`; None if the motion is not at its end by then."""
        until = min(self.pico.cycles + max_cycles, self.max_cycles)
        while self.pico.cycles < until:
            if self._stepping is None:
                halt = self._go(partial(self.pico.run, until - self.pico.cycles))
            else:
                halt = self._step(self._stepping)
            if halt is not None:
                return halt
        if self.pico.cycles >= self.max_cycles:
            return Halt(Cause.PROGRAM, stop=Stop(StopReason.BUDGET, 0))
        return None

    def _step(self, stepping: range) -> Halt | None:
        """Execute one instruction; None if that is not the end."""
        halt = self._execute_one()
        pc = self.core.pc
        if halt is not None or (pc in stepping and pc not in self._breakpoints):
            return halt
        return Halt(Cause.BREAKPOINT if pc in self._breakpoints else Cause.STEP)

    def _execute_one(self) -> Halt | None:
        """One instruction; from the BKPT that halted the program it only goes behind that."""
        pc = self.core.pc
        if pc == self._halted_at:
            self.core.set_registers(pc=(pc + _BKPT_SIZE) | 1)
            self._halted_at = None
            return None
        self.core.pass_by(pc)
        return self._go(self.pico.step)

    def _go(self, motion: Callable[[], Stop | None]) -> Halt | None:
        """Let the Pico run or step; None if nothing but the budget ended it."""
        try:
            stop = motion()
        except Fault as fault:
            return Halt(Cause.FAULT, fault=fault)
        reason = None if stop is None else stop.reason
        self._halted_at = self.core.pc if reason is StopReason.HALT else None
        match reason:
            case None | StopReason.BUDGET:
                return None
            case StopReason.DEBUGGER:
                hit = self.core.take_hit()
                if hit is None:
                    return Halt(Cause.BREAKPOINT)
                number, address = hit
                return Halt(Cause.WATCHPOINT, self._watchpoints[number], address)
        return Halt(Cause.PROGRAM, stop=stop)


def _check(address: int, size: int) -> None:
    if size < 1 or region_of(address, size) not in (FLASH, SRAM):
        raise AddressError(
            f"{address:#010x}..{address + size:#010x} does not lie in memory; "
            "break and watch in flash or SRAM"
        )
