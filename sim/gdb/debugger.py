"""Breakpoints, watchpoints and single steps on a Pico, with every cycle counted as without them.

The cores look them up themselves: memory holds no patch that a program could read, copy or
overwrite, a core rests exactly ahead of the instruction, or behind the one that accessed what is
watched. While there are any, all accesses take the long way, which is several times slower.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum
from functools import partial

import numpy as np

from priot.sim.cpu.native import from_python
from priot.sim.cpu.places import place
from priot.sim.cpu.processor import Processor
from priot.sim.cpu.state import USB_DPRAM
from priot.sim.errors import AddressError, SimError
from priot.sim.faults import Fault
from priot.sim.gdb.debug_port import DebugPort
from priot.sim.memory_map import SRAM_UNSTRIPED, XIP_SRAM, region_of
from priot.sim.peripherals import block_of
from priot.sim.pico import Pico, Stop, StopReason
from priot.sim.rp2040 import Rp2040
from priot.sim.semihosting import BREAKPOINT, Semihosting, SemihostingError

_place = from_python(place)

_NO_LIMIT = 1 << 62  # cycles
_BKPT_SIZE = 2
_WORD = 4  # bytes
_WIDEST = 1 << 18  # bytes of a watchpoint: a memory's


class Watch(Enum):
    """Which accesses a watchpoint stops at."""

    READ = 1
    WRITE = 2
    ACCESS = 3


@dataclass(frozen=True)
class Watchpoint:
    """`size` bytes from `address` on, in a memory or of registers."""

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
    REFUSED = "refused"  # a semihosting call that cannot be served, see `Halt.refusal`


@dataclass(frozen=True)
class Halt:
    """The program came to rest.

    Attributes:
        watchpoint: the one that was hit.
        address: where the access that hit it began inside the watched bytes.
        stop: the Pico's own, for Cause.PROGRAM.
        fault: for Cause.FAULT.
        exit_code: for Cause.PROGRAM, of a program that asked to end by semihosting.
        refusal: for Cause.REFUSED.
    """

    cause: Cause
    watchpoint: Watchpoint | None = None
    address: int = 0
    stop: Stop | None = None
    fault: Fault | None = None
    exit_code: int | None = None
    refusal: SemihostingError | None = None


class Debugger:
    """Drives a Pico; nobody else may run it meanwhile.

    A motion is begun by `begin` and carried on by `advance`, slice by slice, so that the caller
    can look after its user in between.

    Args:
        semihosting: answers the program's calls, which are no halts then.
        max_cycles: budget in cycles since reset; it ends the run like that of `Pico.run`.

    Raises:
        SimError: the Pico's engine is Unicorn.
    """

    def __init__(
        self, pico: Pico, semihosting: Semihosting | None = None, max_cycles: int | None = None
    ) -> None:
        self.pico = pico
        self.max_cycles = _NO_LIMIT if max_cycles is None else max_cycles
        # The debugger is to the simulator what the debug port is to the chip.
        chip = pico._chip
        if not isinstance(chip, Rp2040):
            raise SimError("Unicorn has no debugger: leave out the engine")
        self._chip, self._port = chip, DebugPort(chip)
        self._semihosting = semihosting
        self._breakpoints: list[int] = []
        self._watchpoints: list[Watchpoint] = []
        self._met: dict[int, int] = {}  # core: the breakpoint ahead of which it came to rest
        self._core = 0
        self._alone = False
        self._stepping: range | None = None
        self._halted_at: tuple[int, int] | None = None  # core and address of the program's own BKPT

    def prepare(self) -> None:
        """Do what takes long, ahead of an impatient client."""
        self._chip.prepare_peeking()

    @property
    def cores(self) -> tuple[Processor, ...]:
        """Those that have been started."""
        return self._chip.running

    @property
    def core(self) -> Processor:
        """The core that came to rest."""
        return self._chip.core

    def read(self, address: int, size: int, core: int = 0) -> bytes:
        """Bytes as a core sees them; of registers without anything that a read changes.

        Fewer where the rest is no register.

        Raises:
            AddressError: there is neither memory nor a modelled register.
        """
        try:
            return self.pico.read(address, count=size).tobytes()
        except AddressError:
            found = self._registers(address, size, core)
            if not found:
                raise
            return found

    def write(self, address: int, data: bytes, core: int = 0) -> None:
        """Write to memory, flash too, or to registers as a core would, in words if they are.

        Raises:
            AddressError: there is neither memory nor a modelled register; nothing was written.
        """
        end = address + len(data)
        if data and len(self._registers(address, len(data), core)) == len(data):
            while address < end:
                size = next(n for n in (4, 2, 1) if address % n == 0 and address + n <= end)
                value, data = int.from_bytes(data[:size], "little"), data[size:]
                self._chip.poke(core, address, size, value)
                address += size
            return
        in_other_memory = region_of(address, len(data)) in (SRAM_UNSTRIPED, XIP_SRAM)
        if in_other_memory or USB_DPRAM.holds(address, len(data)):
            self._chip.load(address, np.frombuffer(data, np.uint8))
        else:
            self.pico.write(address, data)

    def _registers(self, address: int, size: int, core: int) -> bytes:
        """As many of the registers' bytes as there are."""
        found = b""
        start, end = address & -_WORD, min(address + size, 1 << 32)
        while start + len(found) < end:
            at = start + len(found)
            value = self._chip.peek(core, at) if block_of(at) and _place(at) < 0 else None
            if value is None:
                break
            found += value.to_bytes(_WORD, "little")
        return found[address - start :][:size]

    def add_breakpoint(self, address: int) -> None:
        """Halt ahead of the instruction at `address`; a second one there makes no difference.

        Raises:
            AddressError: there is no memory.
        """
        if _place(address) < 0:
            raise AddressError(f"{address:#010x} does not lie in memory; break where code is")
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
            AddressError: there is neither memory nor a register.
        """
        address, size = watchpoint.address, watchpoint.size
        if not 1 <= size <= _WIDEST or any(
            _place(at) < 0 and block_of(at) is None for at in (address, address + size - 1)
        ):
            raise AddressError(
                f"{address:#010x}..{address + size:#010x} is neither memory nor registers; "
                "watch what a program can access"
            )
        if watchpoint not in self._watchpoints:
            self._watchpoints.append(watchpoint)
            self._watch()

    def remove_watchpoint(self, watchpoint: Watchpoint) -> None:
        """Take it back, if there is one."""
        if watchpoint in self._watchpoints:
            self._watchpoints.remove(watchpoint)
            self._watch()

    def _watch(self) -> None:
        self._port.watch(
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
        self._met.clear()
        self._halted_at = None
        if self._semihosting:
            self._semihosting.restart()

    def begin(
        self, stepping: range | None = None, core: int | None = None, *, alone: bool = False
    ) -> None:
        """Set out from PC, past a breakpoint there.

        Args:
            stepping: None to run; else execute one instruction, and on while PC is in the range.
                As in `Pico.step`, an exception that is due or a sleep to end comes before it.
            core: the one that steps, by default the one that came to rest; the other runs along.
            alone: hold the other core meanwhile.
        """
        self._core = self.core.number if core is None else core
        self._alone = alone and len(self.cores) > 1
        self._stepping = stepping
        for processor in self.cores:
            moves = processor.number == self._core
            if moves or self._met.get(processor.number) == processor.pc:
                processor.pass_by(processor.pc)
        self._met.clear()

    def advance(self, max_cycles: int) -> Halt | None:
        """Go on for some `max_cycles`; None if the motion is not at its end by then."""
        until = min(self.pico.cycles + max_cycles, self.max_cycles)
        with self._others_held():
            while self.pico.cycles < until:
                if self._stepping is not None:
                    halt = self._step(self._stepping, until)
                else:
                    end = self._go(partial(self.pico.run, until - self.pico.cycles))
                    halt = end if isinstance(end, Halt) else None
                if halt is not None:
                    return halt
        if self.pico.cycles >= self.max_cycles:
            return Halt(Cause.PROGRAM, stop=Stop(StopReason.BUDGET, 0))
        return None

    def _others_held(self) -> AbstractContextManager[None]:
        return self._hold(1 - self._core) if self._alone else nullcontext()

    @contextmanager
    def _hold(self, number: int) -> Iterator[None]:
        self._port.hold(number)
        try:
            yield
        finally:
            self._port.release()

    def interrupt(self) -> Halt:
        """The user wants to look: at the core that set out."""
        if self._core < len(self.cores):
            self._chip.core = self.cores[self._core]
        return Halt(Cause.INTERRUPTED)

    def _step(self, stepping: range, until: int) -> Halt | None:
        """Execute one instruction; None if that is not the end."""
        processor = self._chip.processors[self._core]
        done = self._execute_one(processor, until)
        if isinstance(done, Halt):
            return done
        pc = processor.pc
        if not done or (pc in stepping and pc not in self._breakpoints):
            return None
        self._chip.core = processor
        return self._at_breakpoint() if pc in self._breakpoints else Halt(Cause.STEP)

    def _execute_one(self, processor: Processor, until: int) -> Halt | bool:
        """One instruction; whether it is done by `until`.

        From the BKPT that halted the program it only goes behind that.
        """
        pc, number = processor.pc, processor.number
        if (number, pc) == self._halted_at:
            processor.set_registers(pc=pc + _BKPT_SIZE)
            self._halted_at = None
            return True
        processor.pass_by(pc)
        return self._go(partial(self.pico._step, partial(self._chip.step, number, until)))

    def _go(self, motion: Callable[[], Stop | None]) -> Halt | bool:
        """Let the Pico run or step; whether it stepped if it is not to halt."""
        try:
            stop = motion()
        except Fault as fault:
            return Halt(Cause.FAULT, fault=fault)
        self._halted_at = None
        match None if stop is None else stop.reason:
            case None:
                return True
            case StopReason.BUDGET:
                return False
            case StopReason.DEBUGGER:
                hit = self.core.take_hit()
                if hit is None:
                    return self._at_breakpoint()
                number, address = hit
                return Halt(Cause.WATCHPOINT, self._watchpoints[number], address)
            case StopReason.HALT:
                return self._halted(stop)
        return Halt(Cause.PROGRAM, stop=stop)

    def _at_breakpoint(self) -> Halt:
        self._met[self.core.number] = self.core.pc
        return Halt(Cause.BREAKPOINT)

    def _halted(self, stop: Stop | None) -> Halt | bool:
        """At a BKPT: a halt, unless semihosting answers it, as a step of the core that moves."""
        pc, number = self.core.pc, self.core.number
        self._halted_at = number, pc
        if self._semihosting is None or stop is None or stop.immediate != BREAKPOINT:
            return Halt(Cause.PROGRAM, stop=stop)
        try:
            self._semihosting.serve()
        except SemihostingError as refusal:
            return Halt(Cause.REFUSED, refusal=refusal)
        if self._semihosting.exit_code is not None:
            return Halt(Cause.PROGRAM, stop=stop, exit_code=self._semihosting.exit_code)
        self.core.set_registers(pc=pc + _BKPT_SIZE)
        self._halted_at = None
        return number == self._core
