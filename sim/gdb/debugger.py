"""Breakpoints, watchpoints and single steps on a Pico, with every cycle counted as without them.

A breakpoint is a Unicorn code hook on its one address. Unicorn instruments nothing else for it,
so all other code keeps its speed; memory holds no patch that a program could read, copy or
overwrite; and the core rests exactly ahead of the instruction. A watchpoint is a memory hook,
which slows every access down while there is one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from unicorn import unicorn_const

from sim.errors import AddressError
from sim.faults import Fault
from sim.memory_map import region_of
from sim.pico import Pico, Stop, StopReason

_NO_LIMIT = 1 << 62  # cycles
_BKPT_SIZE = 2
_LONGEST_ACCESS = 4  # bytes of one load or store


class Watch(Enum):
    """Which accesses a watchpoint stops at."""

    WRITE = unicorn_const.UC_HOOK_MEM_WRITE
    READ = unicorn_const.UC_HOOK_MEM_READ
    ACCESS = unicorn_const.UC_HOOK_MEM_WRITE | unicorn_const.UC_HOOK_MEM_READ


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
    """

    def __init__(self, pico: Pico, max_cycles: int | None = None) -> None:
        self.pico = pico
        self.max_cycles = _NO_LIMIT if max_cycles is None else max_cycles
        # The debugger is to the simulator what the debug port is to the chip.
        self._core = pico._core
        self._breakpoints: dict[int, int] = {}  # address: hook
        self._watchpoints: dict[Watchpoint, int] = {}
        self._passed: int | None = None  # the instruction to execute despite a breakpoint on it
        self._hit: tuple[Watchpoint, int] | None = None
        self._cut_short = False  # the last run ended in the middle of an access to a watchpoint
        self._completing = False  # which is executed anew
        self._stepping: range | None = None
        self._halted_at: int | None = None  # address of the program's own BKPT

    def add_breakpoint(self, address: int) -> None:
        """Halt ahead of the instruction at `address`; a second one there makes no difference.

        Raises:
            AddressError: there is no code memory.
        """
        _check(address, _BKPT_SIZE)
        if address not in self._breakpoints:
            self._breakpoints[address] = self._hook_code(address)

    def remove_breakpoint(self, address: int) -> None:
        """Take it back, if there is one."""
        if address in self._breakpoints:
            self._unhook_code(address, self._breakpoints.pop(address))

    def add_watchpoint(self, watchpoint: Watchpoint) -> None:
        """Halt behind each access of the program to it; entry into exceptions is none.

        Raises:
            AddressError: it does not lie in flash or SRAM.
        """
        _check(watchpoint.address, watchpoint.size)
        if watchpoint in self._watchpoints:
            return

        def on_access(_uc: Any, _kind: int, address: int, size: int, _value: int, _: Any) -> None:
            end = min(address + size, watchpoint.address + watchpoint.size)
            if (first := max(address, watchpoint.address)) < end:
                self._hit = self._hit or (watchpoint, first)
                if not self._completing:
                    self._cut_short = True
                    self._core.halt()

        begin = watchpoint.address - _LONGEST_ACCESS + 1  # hooks are chosen by the first byte
        end = watchpoint.address + watchpoint.size - 1
        self._watchpoints[watchpoint] = self._core.add_hook(
            watchpoint.kind.value, on_access, begin, end
        )
        self._core.forget_all_code()

    def remove_watchpoint(self, watchpoint: Watchpoint) -> None:
        """Take it back, if there is one."""
        if watchpoint in self._watchpoints:
            self._core.remove_hook(self._watchpoints.pop(watchpoint))
            self._core.forget_all_code()

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
        self._passed = self._core.pc
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
        pc = self._core.pc
        if halt is not None or (pc in stepping and pc not in self._breakpoints):
            return halt
        return Halt(Cause.BREAKPOINT if pc in self._breakpoints else Cause.STEP)

    def _execute_one(self) -> Halt | None:
        """One instruction; from the BKPT that halted the program it only goes behind that."""
        pc = self._core.pc
        if pc == self._halted_at:
            self._core.set_registers(pc=(pc + _BKPT_SIZE) | 1)
            self._halted_at = None
            return None
        self._passed = pc
        return self._go(self.pico.step)

    def _go(self, motion: Callable[[], Stop | None]) -> Halt | None:
        """Let the Pico run or step; None if nothing but the budget ended it."""
        self._hit, self._cut_short = None, False
        try:
            stop = motion()
        except Fault as fault:
            return Halt(Cause.FAULT, fault=fault)
        reason = None if stop is None else stop.reason
        self._halted_at = self._core.pc if reason is StopReason.HALT else None
        match reason:
            case None | StopReason.BUDGET:
                return None
            case StopReason.DEBUGGER:
                return self._complete_access() if self._cut_short else Halt(Cause.BREAKPOINT)
        return Halt(Cause.PROGRAM, stop=stop)

    def _complete_access(self) -> Halt | None:
        """Execute the instruction that was stopped at its access to a watchpoint."""
        self._completing = True
        try:
            halt = self._execute_one()
        finally:
            self._completing = False
        if halt is None and self._hit is not None:
            watchpoint, address = self._hit
            return Halt(Cause.WATCHPOINT, watchpoint, address)
        return halt  # None: an exception came first

    def _hook_code(self, address: int) -> int:
        handle = self._core.add_hook(
            unicorn_const.UC_HOOK_CODE, self._on_instruction, address, address
        )
        self._core.forget_code(address, _BKPT_SIZE)
        return handle

    def _unhook_code(self, address: int, handle: int) -> None:
        self._core.remove_hook(handle)
        self._core.forget_code(address, _BKPT_SIZE)

    def _on_instruction(self, _uc: Any, address: int, _size: int, _: Any) -> None:
        if address == self._passed:
            self._passed = None
        else:
            self._core.halt()


def _check(address: int, size: int) -> None:
    if size < 1 or region_of(address, size) is None:
        raise AddressError(
            f"{address:#010x}..{address + size:#010x} does not lie in memory; "
            "break and watch in flash or SRAM"
        )
