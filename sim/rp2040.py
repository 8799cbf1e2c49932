"""The chip around the cores of our own: peripherals, time, and what the loop cannot answer.

Between two events the cores run alone. Peripherals are not stepped: each knows the cycle at which
it will next want attention, and there the loop comes to rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim import flash
from sim.bus import Unmodelled
from sim.cpu.call_trace import InstructionBooks, charge_until_now
from sim.cpu.contention import Contention
from sim.cpu.exceptions import HARD_FAULT, SV_CALL
from sim.cpu.launch import Launch
from sim.cpu.lines import set_line
from sim.cpu.loop import SECOND, Observed, both_cores, one_core, operation_of_halfword
from sim.cpu.memory import REASONS
from sim.cpu.places import addresses_of, place
from sim.cpu.private_blocks import PrivateBlocks
from sim.cpu.processor import Processor
from sim.cpu.sio import push, tell
from sim.cpu.special import guard
from sim.cpu.state import (
    FLASH_AT,
    MAX_BREAKPOINTS,
    MAX_WATCHPOINTS,
    NEVER,
    ROM_AT,
    Chip,
    Core,
    Machine,
    Sleep,
    State,
    Status,
)
from sim.cpu.system_clock import SystemClock
from sim.cpu.systick import advance_systick, schedule_systick
from sim.devices.accesses import access_of, answer_read, answer_write
from sim.devices.from_python import catch_up, request_data
from sim.errors import AddressError, SimError, TraceError
from sim.events import Ended, Event
from sim.faults import FaultReason
from sim.instructions import WIDE
from sim.loading.boot import Boot
from sim.loading.elf import Program
from sim.memory_map import ROM, SRAM, SRAM_UNSTRIPED
from sim.peripherals import Peripherals, Scheduler, Surroundings, all_peripherals, block_of
from sim.peripherals.timebase import Line
from sim.reports.call_graph import Tracer
from sim.reports.profile import Profile
from sim.xip_cache import XipCache, XipStatistics

_BOOT_ROM = Path(__file__).with_name("bootrom.bin")
_SLICE = 1 << 29  # cycles between two chances for Ctrl-C, about a second
_SLICE_OF_DEVICES = 1 << 25  # the same where their time is made up for at its end
_SCRATCH, _SCRATCH_SIZE = 0x2004_0000, 0x1000  # the banks in which the SDK has both stacks
_RETURN_AT = 24  # bytes into the frame of an exception
_WORD = 4  # bytes
_FIFO_WR = 0xD000_0054
_BKPT, _B_SELF = 0xBE, 0xE7FE
_BKPT_SIZE = 2


class Rp2040:
    """Both cores of an RP2040 with all that is modelled around them.

    Args:
        clock_hz: the system clock until the program sets one.
        strict: whether a register that is not modelled is a fault.
        uart: called with each byte that UART0 sends.
        xip_miss: cycles that a word costs that is not in the XIP cache; None: flash is as fast
            as SRAM.
        contention: what the cores cost each other on the bus.
        traced: the program whose calls are followed and whose instructions are counted.
        most_resets: how often the chip boots again after a reset; the next one ends the run.

    Attributes:
        core: the core that the last event was about.
        resets: how often it booted again since power-on.
    """

    def __init__(
        self,
        clock_hz: int,
        strict: bool = False,
        uart: Callable[[int], None] | None = None,
        *,
        xip_miss: int | None = None,
        contention: Contention = Contention.BANKS,
        traced: Program | None = None,
        most_resets: int = 0,
    ) -> None:
        self.strict = strict
        self.state = State()
        memory = self.state.memory
        self.sram, self.flash = memory[: SRAM.size], memory[FLASH_AT:]
        rom = np.frombuffer(_BOOT_ROM.read_bytes(), np.uint8)
        memory[ROM_AT : ROM_AT + rom.size] = rom
        self._cache = XipCache(self.state, xip_miss)
        self.state.chip[Chip.ONE_BANK] = contention is Contention.ONE_BANK
        trace = traced is not None
        self._observed = Observed(trace, contention is not Contention.NONE)
        self._books = InstructionBooks(trace), InstructionBooks(trace)
        self._most_resets = most_resets
        self._scheduler = Scheduler()
        self._clock = SystemClock(self._scheduler, clock_hz)
        self.processors = Processor(self.state, 0), Processor(self.state, 1)
        self.core = self.processors[0]
        first, second = (processor.arrays for processor in self.processors)
        self._machine = Machine(
            self.state.words, self.state.chip, self.state.sio, (first.core, second.core)
        )
        around = Surroundings(
            irq=self._irq,
            uart0=uart or (lambda _: None),
            seconds=self._clock.seconds,
            on_reset=self._request_reset,
            on_clock_lost=self._request_reset,
            on_system_hz=self._clock.change,
            cache=self._cache,
            machine=self._machine,
            dreq=self._request_data,
        )
        self._private: tuple[PrivateBlocks, ...] = ()
        self.peripherals = all_peripherals(self._scheduler, around)
        self.peripherals.watchdog.ticks.on_move = self._set_ticks
        self.peripherals.timer.on_offset = self._set_timer
        self._private = tuple(
            PrivateBlocks(processor, self.peripherals) for processor in self.processors
        )
        self.nvic, self.system_control = self._private[0].nvic, self._private[0].system_control
        self._launch = Launch(self._send_from_core1, self._start)
        self._stopped_on = 0
        state = self.state
        shared = (
            *(state.chip, state.sio, state.lines),
            *(state.memory, state.halfwords, state.words, operation_of_halfword(), WIDE),
        )
        functions = self._books[0].functions
        for books in self._books:
            books.functions = functions
        own = [
            (core.core, core.registers, core.priorities, core.loaded, core.busy)
            for core in (first, second)
        ]
        noted = [(books.traces, books.counts) for books in self._books]
        self._of_one = (
            *(*own[0], second.core, second.busy),
            *(noted[0][0], functions, noted[0][1], *shared),
        )
        self._of_both = (*own[0], *noted[0], *own[1], *noted[1], functions, *shared)
        self._tracers = (
            []
            if traced is None
            else [
                Tracer(books, state.core, traced)
                for books, state in zip(self._books, (first, second), strict=True)
            ]
        )
        self.tracer = self._tracers[0] if self._tracers else None

    def reset(self, boot: Boot) -> None:
        """Power-on of everything but the memories; core 0 begins as `boot` says."""
        self._boot = boot
        self.resets = 0
        self._scheduler.reset()
        self._clock.reset()
        self.state.chip[Chip.LOST : Chip.BREAKPOINTS] = 0
        self.state.chip[Chip.TICKS_SCALE] = 1
        self._cache.reset()
        for uart in self.peripherals.uarts:
            uart.hang_up()
        self._reset_blocks()
        for processor in self.processors:
            processor.reset()
        for books in self._books:
            books.counts[:] = 0
        self._reset_cores()
        for tracer in self._tracers:
            tracer.reset(boot.sp)

    def _reboot(self) -> None:
        """What the watchdog or SYSRESETREQ does: all but the memories and the watchdog's notes.

        Time goes on, and all counts.
        """
        now = self.cycles
        kept = self.peripherals.watchdog.kept
        if not self._reset_requested:
            kept["REASON"] = 0
        lowest = self.lowest_sp
        counts = [
            (int(core[Core.INSTRUCTIONS]), int(core[Core.BUS_STALLS]))
            for core in (processor.core for processor in self.processors)
        ]
        self._clock.restart()
        self._reset_blocks()
        for name, value in kept.items():
            self.peripherals.watchdog[name] = value
        for processor, (instructions, stalls) in zip(self.processors, counts, strict=True):
            processor.reset()
            processor.core[Core.CYCLES] = now
            processor.core[Core.INSTRUCTIONS] = instructions
            processor.core[Core.BUS_STALLS] = stalls
        self._reset_cores()
        self.processors[0].core[Core.SP_LOW] = lowest

    def _reset_blocks(self) -> None:
        self.peripherals.reset()
        for private in self._private:
            private.reset()
        self._launch.reset()
        self._reset_requested = False

    def _reset_cores(self) -> None:
        """Core 0 begins, core 1 waits in its ROM."""
        first, second = (processor.core for processor in self.processors)
        first[Core.RUNS], first[Core.WINDOW], second[Core.WINDOW] = 1, NEVER, NEVER
        for private in self._private:
            private.nvic.reset()
        self.core = self.processors[0]
        self.core.boot(self._boot)
        self._stack_of_core1 = self._launched_at = 0

    @property
    def unmodelled(self) -> list[Unmodelled]:
        """Registers that the program touched and that are not modelled, each once, in order."""
        return [found for private in self._private for found in private.bus.unmodelled]

    @property
    def clock_hz(self) -> Fraction:
        """Frequency of clk_sys: what the program set, until then what the caller said."""
        return self._clock.hz

    @property
    def seconds(self) -> float:
        """Time since reset, each cycle at the frequency of its time."""
        return self._clock.seconds(self.cycles)

    @property
    def cycles(self) -> int:
        """Cycles of core 0 since reset."""
        return self.processors[0].cycles

    @property
    def instructions(self) -> int:
        """Instructions that both cores executed since reset."""
        return int(sum(processor.core[Core.INSTRUCTIONS] for processor in self.processors))

    @property
    def xip_statistics(self) -> XipStatistics:
        """What the XIP cache did since reset."""
        return self._cache.statistics

    @property
    def lowest_sp(self) -> int:
        """The lowest SP of core 0's main stack since reset."""
        return int(self.processors[0].core[Core.SP_LOW])

    @property
    def stack_limit(self) -> int:
        """The lowest SP of core 0's main stack that is no overflow."""
        return int(self.processors[0].core[Core.SP_LIMIT])

    @property
    def bus_stalls(self) -> tuple[int, int]:
        """Cycles that each core has waited for the other on the bus."""
        first, second = (int(one.core[Core.BUS_STALLS]) for one in self.processors)
        return first, second

    @property
    def stack_of_core1(self) -> int:
        """Bytes of core 1's stack at its deepest."""
        if not self._runs_core1:
            return 0
        return self._stack_of_core1 - int(self.processors[1].core[Core.SP_LOW])

    def profile(self, program: Program) -> Profile:
        """What each instruction cost both cores. Raises TraceError if none was counted."""
        if self.tracer is None:
            raise TraceError("nothing was traced; make the Pico with trace=True")
        for processor, books in zip(self.processors, self._books, strict=True):
            if processor.core[Core.RUNS]:
                charge_until_now(books.traces, processor.core)
        executions, cycles, stalls = self._books[0].counts + self._books[1].counts
        places = np.flatnonzero(executions | stalls)
        addresses = addresses_of(2 * places)
        order = np.argsort(addresses)
        places = places[order]
        second = self.processors[1].core
        spent = self.cycles + int(second[Core.CYCLES] - self._launched_at) * self._runs_core1
        waits = spent - int(cycles.sum() + stalls.sum())
        columns = (cycles[places], executions[places], stalls[places])
        return Profile(program, addresses[order], *columns, waits)

    def present_peripherals(self) -> Peripherals:
        """The peripherals, brought up to the present, for the host to do something to them."""
        self._settle()
        self.state.chip[Chip.STEADY_UNTIL] = 0  # what the host does may change what was read
        return self.peripherals

    def load(self, address: int, data: npt.NDArray[np.uint8]) -> None:
        """Put bytes of a program into the memory that holds the address."""
        if SRAM_UNSTRIPED.holds(address):
            places = [int(place(address + at)) for at in range(len(data))]
            self.state.memory[places] = data
        else:
            at = int(place(address))
            self.state.memory[at : at + len(data)] = data

    def copy_of(self, address: int, size: int) -> npt.NDArray[np.uint8]:
        """Bytes of any memory. Raises AddressError where there is none."""
        inside = address >= 0 and address + size <= 1 << 32
        places = [int(place(address + at)) for at in range(size)] if inside else [-1]
        if size and min(places) < 0:
            raise AddressError(
                f"{address:#010x}..{address + size:#010x} does not lie in memory; "
                "check address and count"
            )
        return self.state.memory[np.array(places, np.int64)]

    def run(self, limit: int) -> Event | None:
        """Execute until an event that the caller must answer; None at RETURN_ADDRESS.

        It ends at the first instruction at or beyond `limit` cycles. `core` is the core that the
        event is about.
        """
        chip = self.state.chip
        while True:
            self._settle()
            if self._is_resetting and not self._answers:
                if self.resets == self._most_resets:
                    return Event(Ended.RESET)
                self.resets += 1
                self._reboot()
                continue
            # The instruction that asks for a reset is the last.
            slice_ = _SLICE_OF_DEVICES if chip[Chip.DEVICES_ON] else _SLICE
            chip[Chip.LIMIT] = min(limit, self.cycles + (1 if self._is_resetting else slice_))
            if self._runs_core1:
                status = both_cores(self._observed)(*self._of_both)
            else:
                status = one_core(self._observed.traced)(*self._of_one)
            self._stopped_on = int(status >= SECOND)
            self.core = self.processors[self._stopped_on]
            status %= SECOND
            if status == Status.RETURNED:
                return None
            event = self._answer(status, limit)
            if event is not None:
                return event

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
        chip = self.state.chip
        chip[Chip.BREAKPOINTS], chip[Chip.WATCHPOINTS] = len(breakpoints), len(watchpoints)
        for at, address in enumerate(breakpoints):
            chip[Chip.BREAKPOINT_LIST + at] = address
        for at, entry in enumerate(watchpoints):
            chip[Chip.WATCHPOINT_LIST + 3 * at :][:3] = entry
        for processor in self.processors:
            processor.core[Core.WATCHING] = bool(breakpoints or watchpoints)
            guard(processor.core)

    def step(self) -> Event | None:
        """Execute one instruction of core 0, the first of a handler if an exception is due.

        An event as from `run`, or None where there is nothing to answer.
        """
        core = self.processors[0].core

        def executed() -> int:
            return int(core[Core.INSTRUCTIONS] + core[Core.SUPERVISED])

        before = executed()
        while executed() == before:
            event = self.run(self.cycles + 1)
            if event is None or event.reason is not Ended.BUDGET:
                return event
        return None

    def _answer(self, status: int, limit: int) -> Event | None:
        """Do what the loop asks for; an event where the caller must."""
        match status:
            case Status.DUE:
                return None
            case Status.ACCESS:
                return self._access()
            case Status.BUDGET:
                return Event(Ended.BUDGET) if self.cycles >= limit else None
            case Status.BREAKPOINT:
                return None if self._changes_flash() else Event(Ended.BREAKPOINT)
            case Status.DEBUGGER:
                return Event(Ended.DEBUGGER)
            case Status.FAULT:
                return self._fault()
        # Nothing wakes it but whoever runs it again.
        self.processors[0].core[Core.SLEEPS] = Sleep.NOT
        return Event(Ended.SLEEP)

    def _changes_flash(self) -> bool:
        """Do what the boot ROM's flash functions ask for by BKPT; False for other ones."""
        core, pc = self.core, self.core.pc
        number = (core.halfword(pc) or 0) & 0xFF
        if not ROM.holds(pc) or number not in (flash.ERASE, flash.PROGRAM):
            return False
        asked = core.registers
        if number == flash.ERASE:
            flash.erase(self.flash, asked.r0, asked.r1)
        else:
            flash.program(self.flash, asked.r0, self.copy_of(asked.r1, asked.r2))
        core.set_registers(pc=pc + _BKPT_SIZE)
        return True

    def _fault(self) -> Event | None:
        """A fault, unless the program has a handler for it."""
        core = self.core.core
        reason = REASONS[int(core[Core.REASON])]
        if reason is not FaultReason.STACK_OVERFLOW and self._handles_faults():
            if reason is FaultReason.SUPERVISOR_CALL and core[Core.FAULT_SIZE]:
                core[Core.PENDING] |= 1 << SV_CALL  # whose handler faults at its beginning
                self.core.set_registers(pc=self.core.pc + 2)
            else:
                core[Core.PENDING] |= 1 << HARD_FAULT
            return None
        if reason is FaultReason.NO_HANDLER:  # tell of what was interrupted: it has code
            stacked = self.core.word(self.core.register("sp") + _RETURN_AT)
            self.core.set_registers(pc=stacked or 0)
        address, size = int(core[Core.FAULT_ADDRESS]), int(core[Core.FAULT_SIZE])
        return Event(reason, None if address < 0 else address, size)

    def _handles_faults(self) -> bool:
        """Whether a HardFault handler of the program's own can run: not one that only halts."""
        core = self.core.core
        if core[Core.ACTIVE] & 0b1100:
            return False  # lockup
        vector = self.core.word(int(core[Core.VTOR]) + 4 * HARD_FAULT) or 0
        first = self.core.halfword(vector & ~1) if vector & 1 else None
        return first is not None and first >> 8 != _BKPT and first != _B_SELF

    def _access(self) -> Event | None:
        """Perform the access that the present instruction asks for."""
        core = self.core.core
        address, size = int(core[Core.ADDRESS]), int(core[Core.SIZE])
        self._scheduler.advance(int(core[Core.NOW]))
        advance_systick(core, self.state.chip, core[Core.NOW])  # before ICSR clears what it pended
        bus = self._private[self._stopped_on].bus
        writes, value = bool(core[Core.WRITES]), int(core[Core.VALUE])
        modelled, loaded = True, 0
        if block_of(address) is None:
            core[Core.REASON] = REASONS.index(FaultReason.WRITE if writes else FaultReason.READ)
            core[Core.FAULT_ADDRESS], core[Core.FAULT_SIZE] = address, size
            core[Core.PROGRESS] = 0
            return self._fault()
        if writes and address == _FIFO_WR:
            self._launch.hear(value)
        elif writes:
            modelled = bus.write(address, size, value)
        else:
            found = bus.read(address, size)
            modelled, loaded = found is not None, found or 0
        chip = self.state.chip
        schedule_systick(core, chip)
        chip[Chip.STEADY_AT], chip[Chip.STEADY_VALUE] = address, loaded
        chip[Chip.STEADY_UNTIL] = bus.steady_until(address) if size == _WORD and not writes else 0
        if not modelled and self.strict:
            core[Core.PROGRESS] = 0
            return Event(FaultReason.UNMODELLED, address, size)
        core[Core.REPLY], core[Core.ANSWERED] = loaded, 1
        return None

    def _settle(self) -> None:
        """Bring the peripherals up to the present, and say when they want attention next."""
        if not self._answers:
            self._scheduler.advance(self._now)
            catch_up(self._machine, self._now)
            self._serve_dma()
        self.state.chip[Chip.EVENT_AT] = self._scheduler.next

    @property
    def _now(self) -> int:
        """The cycle that both cores have reached; one that sleeps is as far as the other."""
        running = [
            processor.cycles
            for processor in self.processors
            if processor.core[Core.RUNS] and not processor.sleeps
        ]
        return min(running or [self.cycles])

    def _serve_dma(self) -> None:
        """Perform the accesses that the DMA asks for, as far as it comes until now."""
        machine = self._machine
        ask = access_of(machine.chip)
        while ask is not None:
            bus = self._private[0].bus
            if ask.value is None:
                answer_read(machine.chip, bus.read(ask.address, ask.size) or 0)
            else:
                bus.write(ask.address, ask.size, ask.value)
                answer_write(machine.chip)
            catch_up(machine, self._scheduler.cycles)
            ask = access_of(machine.chip)

    def _request_data(self, number: int, level: bool) -> None:
        machine, now = self._machine, self._scheduler.cycles
        request_data(*machine.cores, machine.chip, self.state.words, number, level, now)

    def _set_ticks(self, line: Line) -> None:
        chip = self.state.chip
        for processor in self.processors:
            advance_systick(processor.core, chip, self._scheduler.cycles)
        chip[Chip.TICKS_BASE : Chip.TICKS_SCALE + 1] = line
        for processor in self.processors:
            schedule_systick(processor.core, chip)

    def _set_timer(self, offset: int | None) -> None:
        modulo = NEVER if offset is None else (offset + (1 << 63)) % (1 << 64) - (1 << 63)
        self.state.chip[Chip.TIMER_OFFSET] = modulo

    @property
    def _answers(self) -> bool:
        """Whether an instruction whose access was performed has yet to end."""
        return any(processor.core[Core.ANSWERED] for processor in self.processors)

    @property
    def _runs_core1(self) -> bool:
        return bool(self.processors[1].core[Core.RUNS])

    @property
    def _is_resetting(self) -> bool:
        asked = any(private.system_control.reset_requested for private in self._private)
        return self._reset_requested or asked

    def _irq(self, number: int, level: bool) -> None:
        """A request goes to both cores."""
        for processor in self.processors:
            set_line(processor.core, number, level, self._scheduler.cycles)

    def _send_from_core1(self, word: int) -> None:
        """A word from core 1's boot ROM."""
        sio = self.state.sio
        push(sio, 1, word)
        tell(self.processors[0].core, sio, self._scheduler.cycles)
        self.processors[0].core[Core.EVENT] = 1

    def _start(self, table: int, sp: int, entry: int) -> None:
        """Launch core 1, which core 0 asks for at this moment."""
        processor = self.processors[1]
        core = processor.core
        core[Core.CYCLES] = self._launched_at = self._scheduler.cycles
        processor.set_registers(sp=sp, lr=0xFFFF_FFFF, pc=entry)
        core[Core.VTOR] = table
        core[Core.SP_LOW] = sp
        core[Core.SP_LIMIT] = sp - 1 & -_SCRATCH_SIZE if sp > _SCRATCH else 0
        core[Core.SLEEPS] = Sleep.NOT
        core[Core.RUNS] = 1
        self._stack_of_core1 = sp
        for tracer in self._tracers[1:]:
            tracer.reset(sp, self._scheduler.cycles)

    def _request_reset(self) -> None:
        self._reset_requested = True
