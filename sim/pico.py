"""A Raspberry Pi Pico: the public face of the simulator."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim import flash
from sim.bus import Unmodelled
from sim.core import RETURN_ADDRESS, Ended, Event
from sim.cpu.call_trace import charge_until_now
from sim.errors import AddressError, CallError, ElfError, SimError, SymbolError, TraceError
from sim.faults import Fault, FaultReason, Registers
from sim.instructions import KIND, SP_CHANGE, Kind, instruction_at
from sim.loading.boot import Boot, boot_of
from sim.loading.elf import Program, SourceLine, Symbol
from sim.loading.program import load_program
from sim.memory_map import FLASH, ROM, SRAM, region_of
from sim.own import OwnRp2040
from sim.reports.call_graph import CallGraph, StackPeak, Tracer
from sim.reports.memory_report import Measured, MemoryReport, memory_report
from sim.reports.memory_use import MemoryUse, measure
from sim.reports.profile import Profile
from sim.rp2040 import Rp2040
from sim.two_cores import Contention
from sim.xip_cache import DEFAULT_MISS_CYCLES, XipStatistics

_NO_LIMIT = 1 << 62
_BKPT_SIZE = 2
_BKPT_FLASH_ERASE, _BKPT_FLASH_PROGRAM = 0xF0, 0xF1  # of the boot ROM: docs/boot-rom.md

# SRAM holds chance values after power-on. These are fixed, so that runs repeat exactly.
_PAINT = np.random.default_rng(0x2040).integers(0, 256, SRAM.size, np.uint8)
_PAINT.flags.writeable = False


class Engine(Enum):
    """What executes a program."""

    OWN = "own"
    """The core of our own: every program, both cores."""
    UNICORN = "unicorn"


class StopReason(Enum):
    """Why `Pico.run` came back."""

    HALT = "halt"  # BKPT
    BUDGET = "budget"  # max_cycles reached
    SLEEP = "sleep"  # WFI or WFE, and nothing is there to wake the core
    RESET = "reset"  # the program reset the chip
    DEBUGGER = "debugger"  # a breakpoint or watchpoint of a Debugger


@dataclass(frozen=True)
class Stop:
    """The end of one run: `cycles` of this run alone, `immediate` of the BKPT that halted it."""

    reason: StopReason
    cycles: int
    immediate: int | None = None


_STOP_REASONS: dict[Ended | FaultReason, StopReason] = {
    Ended.BUDGET: StopReason.BUDGET,
    Ended.SLEEP: StopReason.SLEEP,
    Ended.RESET: StopReason.RESET,
    Ended.DEBUGGER: StopReason.DEBUGGER,
}


class Pico:
    """An RP2040 with 264 KB of SRAM and 2 MB of flash that runs one program on core 0.

    Args:
        program: path of an ELF, UF2 or BIN file, or a loaded Program.
        clock_hz: system clock until the program sets it, for times in seconds; 133 MHz is the
            RP2040's rated maximum.
        strict: whether a register that is not modelled is a Fault; else it reads as 0 and is
            listed in `unmodelled`.
        uart: called with each byte that UART0 sends.
        xip_cache: whether words in flash take time unless they are in the XIP cache; without it
            flash is as fast as SRAM.
        xip_miss: cycles that each missed word costs.
        flash_data: the host will write data to flash, so that reads from there take their time
            even if the program itself has nothing in flash.
        trace: keep the call tree and the stack's depth over time; takes about twice as long.
        engine: what executes the program. Unicorn does so only for one that lies in SRAM, on core
            0, without a trace or a debugger.
        resets: how often the chip may be reset by the program or its watchdog and boot again;
            the next one ends the run.
        contention: what two cores cost each other on the bus.

    Raises:
        ProgramError: the file cannot be loaded.
        TraceError: `trace` with Unicorn.
        SimError: Unicorn and something in flash.
    """

    def __init__(
        self,
        program: str | Path | Program,
        clock_hz: int = 133_000_000,
        strict: bool = False,
        uart: Callable[[int], None] | None = None,
        *,
        xip_cache: bool = True,
        xip_miss: int = DEFAULT_MISS_CYCLES,
        flash_data: bool = False,
        trace: bool = False,
        engine: Engine = Engine.OWN,
        resets: int = 0,
        contention: Contention = Contention.BANKS,
    ) -> None:
        self.program = program if isinstance(program, Program) else load_program(program)
        self._boot: Boot = boot_of(self.program)
        in_flash = flash_data or any(
            FLASH.holds(segment.address) for segment in self.program.segments
        )
        xip_miss_modelled = xip_miss if xip_cache and in_flash else None
        self._most_resets = resets if engine is Engine.OWN else 0
        self._chip: Any
        if engine is Engine.OWN:
            self._chip = OwnRp2040(
                *(clock_hz, strict, uart),
                xip_miss=xip_miss_modelled,
                shared_bus=contention is not Contention.NONE,
                one_bank=contention is Contention.ONE_BANK,
                trace=trace,
            )
        elif trace:
            raise TraceError("Unicorn follows no calls: leave out trace=True or the engine")
        elif in_flash:
            raise SimError(
                f"{self.program.path}: the engine unicorn runs what lies in SRAM; leave it out, or "
                "link the program for SRAM"
            )
        else:
            self._chip = Rp2040(clock_hz, strict, uart)
        self._machine = self._chip.machine
        self._tracer: Tracer | None = None
        if trace and engine is Engine.OWN:
            core = self._chip.processors[0].core
            self._tracer = Tracer(self._chip.books[0], core, self.program)
        self._flash, self.sram = self._chip.flash, self._chip.sram
        self._tally = self._chip.tally
        self.reset()

    def reset(self) -> None:
        """Power-on: memories loaded anew, SP and PC at their start values, counters at zero."""
        self.sram[:] = _PAINT
        self._flash[:] = 0xFF  # erased
        for segment in self.program.segments:
            self._chip.load(segment.address, np.frombuffer(segment.data, np.uint8))
        self._chip.reset()
        if self._tracer:
            self._tracer.reset(self._boot.sp)
        self._machine["sp_lowest"] = self._boot.sp
        self.resets = 0
        self._begin()

    def _begin(self) -> None:
        """What the boot ROM does after a reset, as far as a program can tell."""
        self._chip.system_control.vtor = self._boot.vtor
        names = [name for name in Registers.__dataclass_fields__ if name != "xpsr"]
        self._core.set_registers(**dict.fromkeys(names, 0))
        self._core.set_registers(
            sp=self._boot.sp, lr=0xFFFF_FFFF, pc=self._boot.pc | 1, xpsr=1 << 24
        )
        self._machine["sp_limit"] = self._boot.stack_limit
        self._halted_at: int | None = None

    @property
    def _core(self) -> Any:
        """The core that the last event was about."""
        return self._chip.core

    @property
    def cycles(self) -> int:
        """Cycles since reset. A faulting instruction and a halting BKPT count none."""
        return int(self._machine["cycles"])

    @property
    def instructions(self) -> int:
        """Instructions executed since reset; BKPT and faulting ones not counted."""
        return self._tally.instructions

    @property
    def clock_hz(self) -> int:
        """Frequency of the system clock in Hz, rounded: the program's, or else the caller's."""
        return round(self._chip.clock_hz)

    @property
    def seconds(self) -> float:
        """The time since reset, at `clock_hz` until the program sets the system clock."""
        return self._chip.seconds

    @property
    def unmodelled(self) -> list[Unmodelled]:
        """Registers that the program touched and that are not modelled, each once, in order."""
        return self._chip.unmodelled

    @property
    def registers(self) -> Registers:
        """A snapshot of the registers."""
        return self._core.registers

    @property
    def xip(self) -> XipStatistics:
        """What the XIP cache did since reset; its stall cycles are part of `cycles`."""
        return self._chip.xip.statistics

    @property
    def bus_stalls(self) -> tuple[int, int]:
        """Cycles that core 0 and core 1 have waited for each other; part of their time."""
        return self._chip.stalls if hasattr(self._chip, "stalls") else (0, 0)

    def set_registers(self, **values: int) -> None:
        """Write registers by name: r0..r12, sp, lr, pc, xpsr."""
        if "pc" in values:
            values["pc"] |= 1
        self._core.set_registers(**values)

    def run(self, max_cycles: int | None = None) -> Stop:
        """Execute from PC until BKPT, WFI or the budget; behind a BKPT that halted before.

        Args:
            max_cycles: budget of this run; it ends at the first basic block at or beyond it.

        Raises:
            Fault: the guest did what would stop an RP2040.
        """
        before = self.cycles
        stop = None
        while stop is None:
            self._leave_breakpoint()
            left = None if max_cycles is None else max_cycles - (self.cycles - before)
            event = self._execute(left)
            if event is None:
                raise self._fault(FaultReason.FETCH, RETURN_ADDRESS)
            stop = self._stop(event, self.cycles - before)
        return stop

    def step(self) -> Stop | None:
        """Execute one instruction; a Stop if it ends a run, as a BKPT does. Raises like `run`.

        An exception that is due is entered first, and a sleep that something ends is over first.
        """
        self._leave_breakpoint()
        before = self.cycles
        event = self._checked(self._chip.step())
        return None if event is None else self._stop(event, self.cycles - before)

    def call(self, function: str, *arguments: int, max_cycles: int | None = None) -> int:
        """Call a function with up to four integers (AAPCS r0-r3); returns r0 without sign.

        It runs on the current stack; afterwards all registers are as before.

        Raises:
            SymbolError: there is no such function.
            CallError: it halted, slept or used up `max_cycles` before it returned.
            Fault: the guest did what would stop an RP2040.
        """
        if len(arguments) > 4:
            raise ValueError(f"{function}: {len(arguments)} arguments; r0-r3 take at most 4")
        saved = self._core.registers
        target = self.symbol(function).address
        passed = {f"r{i}": value & 0xFFFF_FFFF for i, value in enumerate(arguments)}
        self._core.set_registers(
            **passed, sp=saved.sp & ~7, lr=RETURN_ADDRESS | 1, pc=target | 1, xpsr=1 << 24
        )
        if self._tracer:
            self._tracer.enter_host_call()
        try:
            event = self._execute(max_cycles)
            if event is not None:
                assert isinstance(event.reason, Ended)
                raise CallError(
                    f"{function} did not return: {event.reason.name.lower()} at "
                    f"{self._place(self._core.pc)}"
                )
            return self._core.registers.r0
        finally:
            if self._tracer:
                self._tracer.resume()
            values = {name: getattr(saved, name) for name in Registers.__dataclass_fields__}
            self._core.set_registers(**values | {"pc": saved.pc | 1})

    def symbol(self, name: str) -> Symbol:
        """Look up a symbol; SymbolError names near matches if there is none."""
        try:
            return self.program.symbols[name]
        except KeyError:
            near = difflib.get_close_matches(name, self.program.symbols, 3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise SymbolError(f"{self.program.path}: no symbol {name!r}{hint}") from None

    def view(
        self, where: str | int, dtype: npt.DTypeLike = np.uint8, count: int = 1
    ) -> npt.NDArray[Any]:
        """The guest's own memory as a NumPy array of shape (count,): no copy, writes go through.

        Do not write code through a view: only `write` tells the core that code changed.

        Raises:
            SymbolError: there is no such symbol.
            AddressError: the bytes do not all lie in flash or SRAM.
        """
        address = self.symbol(where).address if isinstance(where, str) else where
        return self._bytes(address, np.dtype(dtype).itemsize * count).view(dtype)

    def read(
        self, where: str | int, dtype: npt.DTypeLike = np.uint8, count: int = 1
    ) -> npt.NDArray[Any]:
        """A copy of guest memory as an array of shape (count,). Raises like `view`."""
        address = self.symbol(where).address if isinstance(where, str) else where
        size = np.dtype(dtype).itemsize * count
        if region_of(address, size) in (FLASH, SRAM) or not size:
            return self.view(address, dtype, count).copy()
        return self._chip.copy_of(address, size).view(dtype)

    def write(self, where: str | int, data: npt.NDArray[Any] | bytes) -> None:
        """Write an array's or a string's bytes to SRAM or flash. Raises like `view`."""
        raw = data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()
        address = self.symbol(where).address if isinstance(where, str) else where
        self._bytes(address, len(raw))[:] = np.frombuffer(raw, np.uint8)
        self._core.forget_code(address, len(raw))

    def profile(self) -> Profile:
        """Where the cycles since reset went; its sums equal `cycles` and `instructions`."""
        if isinstance(self._chip, OwnRp2040):
            self._traced()
        return self._tally.profile(self.program)

    def call_graph(self) -> CallGraph:
        """Who called whom since reset, and at what cost; its sum equals `cycles`.

        Raises:
            TraceError: the Pico was made without `trace`.
        """
        return self._traced().graph()

    def stack_peak(self) -> StackPeak:
        """The deepest stack since reset and the calls that made it. Raises like `call_graph`."""
        return self._traced().peak()

    def stack_over_time(self) -> list[tuple[int, int]]:
        """The stack's depth over time as points (cycle, SP), SP to hold until the next point.

        There are at most 4,097; each gives the lowest SP of its span. Raises like `call_graph`.
        """
        return self._traced().stack_over_time()

    def memory_use(self) -> MemoryUse:
        """SRAM in bytes: what the program needs, and the peaks that were measured."""
        stack = self._boot.sp - int(self._machine["sp_lowest"])
        if hasattr(self._chip, "stack_of_core1"):
            stack += self._chip.stack_of_core1
        return measure(self.program, self.sram != _PAINT, stack)

    def memory_report(self, largest: int = 10) -> MemoryReport:
        """All of the program's memory; calls and history of the stack only if traced.

        Args:
            largest: how many symbols of each memory to name.
        """
        tracer = self._tracer
        run = Measured(
            touched=self.sram != _PAINT,
            lowest_sp=int(self._machine["sp_lowest"]),
            cycles=self.cycles,
            clock_hz=self.clock_hz,
            peak=tracer.peak() if tracer else None,
            stack_over_time=tracer.stack_over_time() if tracer else (),
        )
        return memory_report(self.program, self._boot, run, largest)

    def _traced(self) -> Tracer:
        if self._tracer is None:
            raise TraceError("nothing was traced; make the Pico with trace=True")
        charge_until_now(self._chip.books[0].traces, self._chip.processors[0].core)
        return self._tracer

    def _bytes(self, address: int, size: int) -> npt.NDArray[np.uint8]:
        if not size:
            return self.sram[:0]  # wherever that is
        region = region_of(address, size)
        if region not in (FLASH, SRAM):
            raise AddressError(
                f"{address:#010x}..{address + size:#010x} does not lie in flash or SRAM; "
                "check address and count"
            )
        memory = self.sram if region is SRAM else self._flash
        offset = address - (SRAM if region is SRAM else FLASH).base
        return memory[offset : offset + size]

    def _halfword(self, address: int) -> int:
        return self._core.halfword(address) or 0

    def _leave_breakpoint(self) -> None:
        """Go behind the BKPT that halted before, if the core still is there."""
        pc = self._core.pc
        if pc == self._halted_at:
            self._core.set_registers(pc=(pc + _BKPT_SIZE) | 1)
        self._halted_at = None

    def _stop(self, event: Event, cycles: int) -> Stop | None:
        """The end of a run; None if the boot ROM only asked for something, which is done."""
        if event.reason is Ended.RESET and self.resets < self._most_resets:
            self.resets += 1
            lowest = self._machine["sp_lowest"]
            self._chip.reboot()
            self._machine["sp_lowest"] = lowest
            self._begin()
            return None
        if event.reason is Ended.BREAKPOINT:
            self._halted_at = self._core.pc
            number = self._halfword(self._halted_at) & 0xFF
            if ROM.holds(self._halted_at) and self._change_flash(number):
                return None
            return Stop(StopReason.HALT, cycles, number)
        return Stop(_STOP_REASONS[event.reason], cycles)

    def _change_flash(self, number: int) -> bool:
        """Do what the boot ROM's flash functions ask for by BKPT; False for other numbers."""
        registers = self._core.registers
        if number == _BKPT_FLASH_ERASE:
            flash.erase(self._flash, registers.r0, registers.r1)
            self._core.forget_code(FLASH.base + registers.r0, registers.r1)
        elif number == _BKPT_FLASH_PROGRAM:
            data = self.read(registers.r1, np.uint8, registers.r2)
            flash.program(self._flash, registers.r0, data)
            self._core.forget_code(FLASH.base + registers.r0, registers.r2)
        else:
            return False
        return True

    def _execute(self, max_cycles: int | None) -> Event | None:
        """Run until an event that the caller can answer; None at RETURN_ADDRESS."""
        limit = _NO_LIMIT if max_cycles is None else self.cycles + max_cycles
        while True:
            event = self._chip.run(limit)
            if event is None:
                return None
            if (checked := self._checked(event)) is not None:
                return checked

    def _checked(self, event: Event | None) -> Event | None:
        """Raise the Fault that an event stands for; None if the core just has to go on.

        Else the event that ends the run.
        """
        match event and event.reason:
            case Ended.REFUSED | Ended.STACK as reason:
                met = self._approach(reason)
                if isinstance(met, Fault):
                    raise met
                return met if met.reason is Ended.DEBUGGER else None
            case FaultReason() as reason:
                assert event is not None
                raise self._fault(reason, event.address, event.size)
        return event

    def _approach(self, reason: Ended) -> Fault | Event:
        """Walk up to the offending instruction of the block ahead; its fault, or an earlier one.

        An event if the core was stopped on the way: behind an access to a peripheral, or by a
        debugger.
        """
        start = self._core.pc
        if not self._core.is_thumb:
            return self._fault(FaultReason.ARM_STATE)
        sp, limit = self._core.registers.sp, int(self._machine["sp_limit"])
        at = start
        while True:
            first = self._halfword(at)
            wide = KIND[first] == Kind.PREFIX_32
            row = instruction_at(first, self._halfword(at + 2) if wide else 0)
            if row is None or row.kind == Kind.UNPREDICTABLE:
                break
            if reason is Ended.STACK and not wide:
                sp += int(SP_CHANGE[first])
            if sp < limit:
                break
            at += 4 if wide else 2
        if at != start:
            event = self._chip.walk(at)
            if event is not None and isinstance(event.reason, FaultReason):
                return self._fault(event.reason, event.address, event.size)
            if event is not None:
                return event
        if reason is Ended.STACK:
            return self._fault(FaultReason.STACK_OVERFLOW, sp)
        unpredictable = row is not None
        return self._fault(FaultReason.UNPREDICTABLE if unpredictable else FaultReason.UNDEFINED)

    def _place(self, address: int) -> str:
        function = self._function(address)
        return f"{address:#010x} ({function})" if function else f"{address:#010x}"

    def _function(self, address: int) -> str | None:
        symbol = self.program.function_at(address)
        return f"{symbol.name}+{address - symbol.address:#x}" if symbol else None

    def _line(self, address: int) -> SourceLine | None:
        try:
            return self.program.line_at(address) if self._function(address) else None
        except ElfError:  # damaged debug information shall not hide what happened
            return None

    def _fault(self, reason: FaultReason, address: int | None = None, size: int = 0) -> Fault:
        registers = self._core.registers
        pc = registers.pc
        if reason is FaultReason.STACK_OVERFLOW:
            detail = f"SP would be {address:#010x}, limit {int(self._machine['sp_limit']):#010x}"
        elif address is not None:
            detail = f"{size} bytes at {address:#010x}" if size else f"{address:#010x}"
        elif (halfword := self._core.halfword(pc)) is not None:
            detail = f"{halfword:04x}"
        else:
            detail = "no code"
        return Fault(
            reason,
            detail,
            address,
            registers,
            self._function(pc),
            self._line(pc),
        )
