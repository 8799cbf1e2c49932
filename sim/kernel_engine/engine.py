"""Runs a kernel in SRAM: memories, registers, cycles and a profile, and nothing around them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from priot.sim import flash
from priot.sim.bus import Unmodelled
from priot.sim.circles import let_go
from priot.sim.engine import Whereabouts
from priot.sim.errors import AddressError, SimError, TraceError
from priot.sim.events import Ended, Event
from priot.sim.faults import FaultReason
from priot.sim.instructions import KIND, SP_CHANGE, Instruction, Kind, instruction_at
from priot.sim.kernel_engine.accesses import main_sp_after
from priot.sim.kernel_engine.books import ROM_SLOT
from priot.sim.kernel_engine.core import KernelCore, Pause
from priot.sim.kernel_engine.tally import Tally
from priot.sim.loading.boot import Boot
from priot.sim.loading.elf import Program
from priot.sim.memory_map import ROM, SRAM
from priot.sim.peripherals import Peripherals
from priot.sim.pin_log import PinChanges
from priot.sim.reports.call_graph import Tracer
from priot.sim.reports.profile import Profile
from priot.sim.stack_guard import StackWarning
from priot.sim.stimuli import Action
from priot.sim.xip_cache import XipModel, XipStatistics

_SLICE = 1 << 29  # cycles between two chances for Ctrl-C, about a second
_NEVER = 1 << 62  # cycles
_NOWHERE = -1  # no address
_THUMB_BIT = 1 << 24  # XPSR.T


class KernelEngine:
    """One core with SRAM and the boot ROM. WFI and WFE end a run: nothing is there to wake it.

    Registers in a fault are those before the instruction; but an LDM or POP that comes to no memory
    has loaded what lies ahead of that.

    Args:
        clock_hz: the system clock.
    """

    resets = 0
    bus_stalls = (0, 0)
    xip_statistics = XipStatistics(0, 0, 0)
    xip_model: XipModel | None = None
    tracer: Tracer | None = None
    tracers: tuple[Tracer, ...] = ()

    def __init__(self, clock_hz: int) -> None:
        self.clock_hz = Fraction(clock_hz)
        self.core = KernelCore()
        self._books = self.core.books
        memory = self._books["code"].view(np.uint8)
        self.sram: npt.NDArray[np.uint8] = memory[: 2 * ROM_SLOT]
        self.flash: npt.NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.unmodelled: list[Unmodelled] = []
        self.nothing_to_boot = False
        self._tally = Tally(self._books)

    def close(self) -> None:
        """The core is needed no more: its memory is free at once."""
        let_go(self.core, self)

    def reset(self, boot: Boot) -> None:
        """Power-on of everything but the memories; the core begins as `boot` says."""
        core = self.core
        core.forget_all_code()
        self._tally.clear()
        core.set_registers(xpsr=_THUMB_BIT, control=0, primask=0, psp=0)
        core.set_registers(**{f"r{number}": 0 for number in range(13)})
        core.set_registers(sp=boot.sp, lr=0xFFFF_FFFF, pc=boot.pc)
        self._top = boot.sp
        self._books["sp_lowest"], self._books["sp_limit"] = boot.sp, boot.stack_limit

    @property
    def cycles(self) -> int:
        """Cycles since reset."""
        return int(self._books["cycles"])

    @property
    def instructions(self) -> int:
        """Instructions executed since reset."""
        return self._tally.instructions

    @property
    def seconds(self) -> float:
        """Time since reset."""
        return float(self.cycles / self.clock_hz)

    @property
    def stacks(self) -> list[tuple[int, int]]:
        """Top and lowest SP of the one stack."""
        return [(self._top, int(self._books["sp_lowest"]))]

    @property
    def stack_warnings(self) -> list[StackWarning]:
        """See EngineChip; here to leave the room is to overflow."""
        return []

    @property
    def whereabouts(self) -> list[Whereabouts]:
        """See EngineChip; there is one core, and nothing to interrupt it."""
        return [Whereabouts(0, self.core.pc, (), goes_on=False)]

    @property
    def stack_limit(self) -> int:
        """The lowest SP that is no overflow."""
        return int(self._books["sp_limit"])

    def present_peripherals(self) -> Peripherals:
        """See EngineChip; there are none."""
        raise SimError("the engine unicorn has no peripherals: take the own one")

    def at(self, when: int | Fraction, action: Action) -> None:
        """See EngineChip; there is nothing to act on."""
        self.present_peripherals()

    def pin_changes(self) -> PinChanges:
        """See EngineChip."""
        raise TraceError("the engine unicorn has no pins: take the own one")

    def profile(self, program: Program, core: int | None = None) -> Profile:
        """What each instruction cost."""
        return self._tally.profile(program)

    def load(self, address: int, data: npt.NDArray[np.uint8]) -> None:
        """Put bytes of a program into SRAM.

        Raises:
            SimError: they do not lie there.
        """
        if not SRAM.holds(address, len(data)):
            raise SimError(f"segment at {address:#010x}: the engine unicorn has no memory there")
        self.sram[address - SRAM.base :][: len(data)] = data

    def copy_of(self, address: int, size: int) -> npt.NDArray[np.uint8]:
        """Bytes of memories beside SRAM: of the boot ROM. Raises AddressError elsewhere."""
        if not ROM.holds(address, size):
            raise AddressError(
                f"{address:#010x}..{address + size:#010x} does not lie in SRAM or ROM, which are "
                "all that the engine unicorn has; check address and count"
            )
        rom = self._books["code"][ROM_SLOT:].view(np.uint8)
        return np.array(rom[address - ROM.base :][:size])

    def run(self, limit: int) -> Event | None:
        """Execute until an event that the caller must answer; None at RETURN_ADDRESS.

        It ends at the first block that begins at or beyond `limit` cycles.
        """
        while True:
            self._books["cycle_limit"] = min(limit, self.cycles + _SLICE)
            event = self._go()
            if event is Pause.CAREFUL:
                event = self._look() or Pause.CAREFUL
            if event is None:
                return None
            if isinstance(event, Pause) or (event.reason is Ended.BUDGET and self.cycles < limit):
                continue
            return self._answer(event)

    def retire(self) -> None:
        """See EngineChip; there is nothing else."""

    def end(self) -> None:
        """See EngineChip."""

    @property
    def goes_on(self) -> bool:
        """See EngineChip."""
        return False

    def step(self) -> Event | None:
        """Execute one instruction. An event as from `run`, or None where there is nothing to
        answer.
        """
        # A branch leads to another block: there this budget is used up.
        limit = self.cycles + 1
        while True:
            start = self.core.pc
            first = self.core.halfword(start)
            behind = start + (4 if first is not None and KIND[first] == Kind.PREFIX_32 else 2)
            event = self._part(behind, limit)
            if event is Pause.FULL:
                continue
            if event is Pause.CAREFUL:
                event = self._look()
            assert not isinstance(event, Pause)
            if event is None or event.reason is Ended.BUDGET:
                return None
            return self._answer(event)

    def _go(self, until: int | None = None) -> Event | Pause | None:
        event = self.core.go() if until is None else self.core.go(until)
        if event is Pause.FULL or self._tally.is_full:
            self._tally.fold()
        return event

    def _part(self, until: int, limit: int) -> Event | Pause | None:
        """Execute straight ahead up to an instruction, as a block of its own; None when there."""
        start = self.core.pc
        self.core.forget_code(start, until - start)
        self._books["cycle_limit"] = limit
        event = self._go(until)
        self.core.forget_code(start, until - start)
        return event

    def _look(self) -> Event | None:
        """Walk up to what made the core rest ahead of a block, and past it if that is allowed.

        An event where it is not, or where an earlier instruction has one.
        """
        core = self.core
        if not core.is_thumb:
            return Event(FaultReason.ARM_STATE)
        at, row, sp = self._what_is_ahead()
        while core.pc != at:
            event = self._part(at, _NEVER)
            if isinstance(event, Event):
                return event
        if row is None:
            return Event(FaultReason.UNDEFINED)
        if row.kind is Kind.UNPREDICTABLE:
            return Event(FaultReason.UNPREDICTABLE)
        if row.kind is not Kind.SETS_SP:
            return Event(FaultReason.STACK_OVERFLOW, sp)
        return self._set_sp()

    def _what_is_ahead(self) -> tuple[int, Instruction | None, int]:
        """The first instruction from PC on that is undefined, unpredictable, sets SP or lowers it
        too far: its address, its row, and the SP behind it.
        """
        core = self.core
        at, sp = core.pc, core.registers.sp
        limit = 0 if core.on_process_stack else self.stack_limit
        while True:
            first = core.halfword(at) or 0
            row = instruction_at(first, core.halfword(at + 2) or 0)
            if row is None or row.kind in (Kind.UNPREDICTABLE, Kind.SETS_SP):
                return at, row, sp
            wide = KIND[first] == Kind.PREFIX_32
            sp += 0 if wide else int(SP_CHANGE[first])
            if sp < limit:
                return at, row, sp
            at += 4 if wide else 2

    def _set_sp(self) -> Event | None:
        """Execute the instruction at PC, which sets SP, unless that would be too low."""
        core, books, at = self.core, self._books, self.core.pc
        first, second = core.halfword(at) or 0, core.halfword(at + 2) or 0
        sp = main_sp_after(first, second, core.registers, core.main_stack, core.on_process_stack)
        if sp is not None and sp < books["sp_lowest"]:
            if sp < books["sp_limit"]:
                return Event(FaultReason.STACK_OVERFLOW, sp)
            books["sp_lowest"] = sp
        books["allowed"] = at
        event = self._part(at + (4 if KIND[first] == Kind.PREFIX_32 else 2), _NEVER)
        books["allowed"] = _NOWHERE
        if sp is not None:
            core.set_registers(sp=sp)  # its two lowest bits are 0, which Unicorn does not know
        return event if isinstance(event, Event) else None

    def _answer(self, event: Event) -> Event:
        """The event, but for what the boot ROM asks for: to change flash, or to compute floats."""
        core = self.core
        if not ROM.holds(core.pc):
            return event
        asks = event.reason is FaultReason.UNDEFINED or (
            event.reason is Ended.BREAKPOINT
            and (core.halfword(core.pc) or 0) & 0xFF in (flash.ERASE, flash.PROGRAM)
        )
        return Event(FaultReason.NOT_HERE) if asks else event
