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
from sim.circles import let_go
from sim.cpu.call_trace import InstructionBooks
from sim.cpu.contention import Contention
from sim.cpu.exceptions import HARD_FAULT, SV_CALL
from sim.cpu.launch import Launch
from sim.cpu.lines import FIRST_IRQ, set_line
from sim.cpu.loop import SECOND, Observed, both_cores, one_core, operation_of_halfword
from sim.cpu.memory import REASONS, RETURN_ADDRESS, read_register, write_register
from sim.cpu.native import from_python
from sim.cpu.places import addresses_of, place
from sim.cpu.private_blocks import PrivateBlocks
from sim.cpu.processor import Processor
from sim.cpu.sio import NOT_HERE, push, tell
from sim.cpu.special import guard
from sim.cpu.state import (
    FLASH_AT,
    MAX_BREAKPOINTS,
    MAX_WATCHPOINTS,
    NEVER,
    ROM_AT,
    USB_DPRAM,
    USB_DPRAM_AT,
    Chip,
    Core,
    Machine,
    Sleep,
    State,
    Status,
)
from sim.cpu.system_clock import SystemClock
from sim.cpu.systick import advance_systick, schedule_systick
from sim.crossbar import Crossbar
from sim.devices.accesses import access_of, answer_read, answer_write
from sim.devices.devices import catch_up
from sim.devices.dma import DMA_ON
from sim.devices.transfers import request_data
from sim.engine import Whereabouts
from sim.errors import AddressError, SimError, TraceError
from sim.events import Ended, Event
from sim.faults import FaultReason
from sim.loading import second_stage
from sim.loading.boot import Boot
from sim.loading.elf import Program
from sim.loading.symbols import rom_symbols
from sim.memory_map import ROM, SRAM, SRAM_UNSTRIPED
from sim.peripherals import Peripherals, Scheduler, Surroundings, all_peripherals, block_of
from sim.peripherals.interrupts import Irq
from sim.peripherals.timebase import Line
from sim.pin_log import PinChanges, PinLog
from sim.reports.call_graph import Tracer
from sim.reports.profile import Profile
from sim.stack_guard import StackGuard, StackWarning
from sim.steady_registers import SteadyRegisters
from sim.stimuli import Action, Stimuli
from sim.xip_cache import XipCache, XipModel, XipStatistics

_set_line = from_python(set_line)
_place = from_python(place)
_push = from_python(push)
_tell = from_python(tell)
_guard = from_python(guard)
_advance_systick = from_python(advance_systick)
_schedule_systick = from_python(schedule_systick)
_request_data = from_python(request_data)
_read_register = from_python(read_register)
_write_register = from_python(write_register)

_BOOT_ROM = Path(__file__).with_name("bootrom.bin")
_STAGE_LIMIT = 1 << 20  # cycles; a second stage of the SDK takes about 500
_SLICE = 1 << 29  # cycles between two chances for Ctrl-C, about a second
_SLICE_OF_DEVICES = 1 << 25  # the same where their time is made up for at its end
_RETURN_AT = 24  # bytes into the frame of an exception
_WORD = 4  # bytes
_FIFO_WR = 0xD000_0054
_CORE1_RETURNED = "core1_returned (boot ROM)"
_CATCHES_UP = 1000  # cycles
_BKPT, _B_SELF = 0xBE, 0xE7FE
_BKPT_SIZE = 2


class Rp2040:
    """Both cores of an RP2040 with all that is modelled around them.

    Args:
        clock_hz: the system clock until the program sets one.
        strict: whether a register that is not modelled is a fault.
        uart: called with each byte that UART0 sends.
        usb_serial: called with what the first serial port behind USB sends.
        xip: how the XIP cache behaves; None: flash is as fast as SRAM.
        contention: what the cores cost each other on the bus.
        traced: the program whose calls are followed and whose instructions are counted.
        most_resets: how often the chip boots again after a reset; the next one ends the run.
        guard: judges stacks that leave their room; None: nobody does.
        log_pins: whether changes of pins are kept.

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
        usb_serial: Callable[[bytes], None] | None = None,
        xip: XipModel | None = None,
        contention: Contention = Contention.BANKS,
        traced: Program | None = None,
        most_resets: int = 0,
        guard: StackGuard | None = None,
        log_pins: bool = False,
    ) -> None:
        self.strict = strict
        self.state = State()
        memory = self.state.memory
        self.sram, self.flash = memory[: SRAM.size], memory[FLASH_AT:]
        rom = np.frombuffer(_BOOT_ROM.read_bytes(), np.uint8)
        memory[ROM_AT : ROM_AT + rom.size] = rom
        self._cache = XipCache(self.state, xip)
        self.state.chip[Chip.BUS_SHARED] = contention is not Contention.NONE
        self.state.chip[Chip.ONE_BANK] = contention is Contention.ONE_BANK
        trace = traced is not None
        self._observed = Observed(trace, contention is not Contention.NONE)
        self._books = InstructionBooks(trace), InstructionBooks(trace)
        self._most_resets = most_resets
        self._guard = guard
        self._scheduler = Scheduler()
        self._clock = SystemClock(self._scheduler, clock_hz)
        self._stimuli = Stimuli(self._scheduler, self._clock)
        self._steady = SteadyRegisters(self.state.chip)
        self.processors = Processor(self.state, 0), Processor(self.state, 1)
        self.core = self.processors[0]
        first, second = (processor.arrays for processor in self.processors)
        state = self.state
        self._machine = Machine(
            *(state.words, state.lines, state.chip, state.sio), (first.core, second.core)
        )
        around = Surroundings(
            irq=self._irq,
            uart0=uart or (lambda _: None),
            usb_serial=usb_serial or (lambda _: None),
            usb_dpram=memory[USB_DPRAM_AT : USB_DPRAM_AT + USB_DPRAM.size].data,
            seconds=self._clock.seconds,
            on_reset=self._request_reset,
            on_clock_lost=self._request_reset,
            on_system_hz=self._change_clock,
            cache=self._cache,
            crossbar=Crossbar(self.state, self.processors),
            machine=self._machine,
            dreq=self._request_data,
        )
        self._private: tuple[PrivateBlocks, ...] = ()
        self._pin_log = PinLog(self.state.chip, self._clock) if log_pins else None
        self.peripherals = all_peripherals(self._scheduler, around)
        self.peripherals.watchdog.ticks.on_move = self._set_ticks
        self.peripherals.timer.on_offset = self._set_timer
        self._private = tuple(
            PrivateBlocks(processor, self.peripherals) for processor in self.processors
        )
        self.nvic, self.system_control = self._private[0].nvic, self._private[0].system_control
        self._launch = Launch(self._send_from_core1, self._start)
        self._stage, self._serial_interface = b"", dict[str, int]()
        self._stopped_on = 0
        state = self.state
        shared = (
            *(state.chip, state.sio, state.lines),
            *(state.memory, state.halfwords, state.words, operation_of_halfword()),
        )
        functions = self._books[0].functions
        for books in self._books:
            books.functions = functions
        own = [
            (core.core, core.registers, core.priorities, core.loaded, books.traces, books.counts)
            for core, books in zip((first, second), self._books, strict=True)
        ]
        self._arrays = (*own[0], *own[1], functions, *shared)
        self._tracers = (
            []
            if traced is None
            else [
                Tracer(books, state.core, traced)
                for books, state in zip(self._books, (first, second), strict=True)
            ]
        )

    def close(self) -> None:
        """The chip is needed no more: its memory is free at once."""
        let_go(
            *self.peripherals.parts,
            *(part for own in self._private for part in (own.nvic, own.system_control, own.bus)),
            *self._scheduler.parts,
            *(self._clock, self._stimuli, self._launch),
            self,
        )

    def reset(self, boot: Boot) -> None:
        """Power-on of everything but the memories; core 0 begins as `boot` says."""
        stage = self.flash[: second_stage.SIZE].tobytes()
        if stage != self._stage:
            self._stage, self._serial_interface = stage, {}
            if second_stage.is_second_stage(stage):
                self._run_second_stage()
        self._power_on(boot)

    def _run_second_stage(self) -> None:
        """Keep what the second stage writes to the serial interface of flash: its sole purpose.

        It takes no time and leaves nothing else; one that does not return is as good as none.
        """
        at, kept = second_stage.COPIED_TO, self.sram.copy()
        self.load(at, self.flash[: second_stage.SIZE])
        self._power_on(Boot(at, at, 0, 0))
        self.core.set_registers(lr=RETURN_ADDRESS | 1)
        if self.run(_STAGE_LIMIT) is None:
            block = self.peripherals.xip_ssi
            self._serial_interface = {one.name: block[one.name] for one in block.registers}
        self.sram[:] = kept

    def _power_on(self, boot: Boot) -> None:
        self._boot = boot
        self.resets = 0
        self._core1_ran = self._top_of_core1 = 0
        if self._guard:
            self._guard.reset()
        self._scheduler.reset()
        self._clock.reset()
        self._stimuli.reset()
        self.state.chip[Chip.BUS_PRIORITY : Chip.BREAKPOINTS] = 0
        self.state.chip[Chip.TICKS_SCALE] = 1
        self._cache.reset()
        for uart in self.peripherals.uarts:
            uart.hang_up()
        self.peripherals.usb_host.hang_up()
        self._reset_blocks()
        for processor in self.processors:
            processor.reset()
        for books in self._books:
            books.counts[:] = 0
        self._reset_cores()
        if self._pin_log:
            self._pin_log.reset()
        for tracer in self._tracers:
            tracer.reset()
        for tracer in self._tracers[:1]:
            tracer.begin(boot.sp, 0)

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
        self._core1_ran = self._cycles_of(1)
        for tracer in self._tracers:
            tracer.end()
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
        for tracer in self._tracers[:1]:
            tracer.begin(self._boot.sp, now)

    def _reset_blocks(self) -> None:
        self._steady.forget()
        self.peripherals.reset()
        for private in self._private:
            private.reset()
        self._launch.reset()
        self._reset_requested = False
        self.peripherals.xip_ssi.restore(self._serial_interface)

    def _reset_cores(self) -> None:
        """Core 0 begins, core 1 waits in its ROM."""
        first, second = (processor.core for processor in self.processors)
        first[Core.RUNS], first[Core.WINDOW], second[Core.WINDOW] = 1, NEVER, NEVER
        second[Core.SLEEPS] = Sleep.HELD
        for private in self._private:
            private.nvic.reset()
        self.core = self.processors[0]
        self.core.boot(self._boot)
        self._launched_at = 0

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
    def xip_model(self) -> XipModel | None:
        """How the XIP cache behaves."""
        return self._cache.model

    @property
    def lowest_sp(self) -> int:
        """The lowest SP of core 0's main stack since reset."""
        return int(self.processors[0].core[Core.SP_LOW])

    @property
    def stacks(self) -> list[tuple[int, int]]:
        """Top and lowest SP of each core's main stack; core 1's if it was started."""
        lowest = [int(processor.core[Core.SP_LOW]) for processor in self.processors]
        stacks = list(zip((self._boot.sp, self._top_of_core1), lowest, strict=True))
        return stacks if self._runs_core1 else stacks[:1]

    @property
    def tracers(self) -> list[Tracer]:
        """What follows the calls of each core that ran."""
        return self._tracers[: 1 + bool(self._top_of_core1)]

    @property
    def tracer(self) -> Tracer | None:
        """What follows the calls of the core of the last event."""
        return self._tracers[self.core.number] if self._tracers else None

    @property
    def stack_limit(self) -> int:
        """The lowest SP of the main stack that is no overflow, of the core of the last event."""
        return int(self.core.core[Core.SP_LIMIT])

    @property
    def stack_warnings(self) -> list[StackWarning]:
        """One for each core whose stack left its room and did no harm."""
        return self._guard.warnings if self._guard else []

    @property
    def bus_stalls(self) -> tuple[int, int]:
        """Cycles that each core has waited for the other on the bus."""
        first, second = (int(one.core[Core.BUS_STALLS]) for one in self.processors)
        return first, second

    def _cycles_of(self, number: int) -> int:
        """Cycles that a core has run since power-on."""
        if number == 0:
            return self.cycles
        second = self.processors[1].core
        return self._core1_ran + int(second[Core.CYCLES] - self._launched_at) * self._runs_core1

    def profile(self, program: Program, core: int | None = None) -> Profile:
        """What each instruction cost a core, or both. Raises TraceError if none was counted."""
        if not self._tracers:
            raise TraceError("nothing was traced; make the Pico with trace=True")
        cores = (0, 1) if core is None else (core,)
        counts = [self._books[number].counts for number in cores]
        executions, beyond, stalls, _ = (counts[0] if len(counts) == 1 else counts[0] + counts[1]).T
        cycles = executions + beyond
        places = np.flatnonzero(executions | beyond | stalls)
        addresses = addresses_of(2 * places)
        order = np.argsort(addresses)
        places = places[order]
        spent = sum(self._cycles_of(number) for number in cores)
        waits = spent - int(cycles.sum() + stalls.sum())
        columns = (cycles[places], executions[places], stalls[places])
        return Profile(program, addresses[order], *columns, waits)

    def present_peripherals(self) -> Peripherals:
        """The peripherals, brought up to the present, for the host to do something to them."""
        if not self._stimuli.acting:
            self._settle()
        self._steady.forget()  # what the host does may change what was read
        return self.peripherals

    def at(self, when: int | Fraction, action: Action) -> None:
        """Do something at a cycle since reset, or at a time in seconds if that is a Fraction."""
        self._stimuli.add(when, action)

    def pin_changes(self) -> PinChanges:
        """What the pins did since reset. Raises TraceError if that was not kept."""
        if self._pin_log is None:
            raise TraceError("no pins were logged; make the Pico with log_pins=True")
        return self._pin_log.changes(self.cycles)

    def load(self, address: int, data: npt.NDArray[np.uint8]) -> None:
        """Put bytes of a program into the memory that holds the address."""
        if SRAM_UNSTRIPED.holds(address):
            places = [int(_place(address + at)) for at in range(len(data))]
            self.state.memory[places] = data
        else:
            at = int(_place(address))
            self.state.memory[at : at + len(data)] = data

    def copy_of(self, address: int, size: int) -> npt.NDArray[np.uint8]:
        """Bytes of any memory. Raises AddressError where there is none."""
        inside = address >= 0 and address + size <= 1 << 32
        places = [int(_place(address + at)) for at in range(size)] if inside else [-1]
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
        if self._stimuli.acting:
            raise SimError("an action cannot run the program: it is running already")
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
            if self._runs_core1 or self._dma_is_on_the_bus:
                status = both_cores(self._observed)(*self._arrays)
            else:
                status = one_core(self._observed.traced)(*self._arrays)
            self._stopped_on = int(status >= SECOND)
            self.core = self.processors[self._stopped_on]
            status %= SECOND
            if status == Status.RETURNED:
                return None
            event = self._answer(status, limit)
            if event is not None:
                catch_up(self._machine, self._now)
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
            processor.core[Core.HIT] = 0
            _guard(processor.core)

    def step(self, number: int = 0, limit: int = NEVER) -> Event | None:
        """Execute one instruction of a core, the first of a handler if an exception is due.

        The other core runs along. An event as from `run`, or None where there is nothing to answer.
        """
        core = self.processors[number].core
        core[Core.PAUSE_AT] = core[Core.INSTRUCTIONS] + core[Core.SUPERVISED] + 1
        event = self.run(limit)
        paused = core[Core.INSTRUCTIONS] + core[Core.SUPERVISED] == core[Core.PAUSE_AT]
        core[Core.PAUSE_AT] = 0
        if event is None or event.reason is not Ended.DEBUGGER or core[Core.HIT]:
            return event
        if not (paused and self.core.number == number):
            return event
        if core[Core.SLEEPS] in (Sleep.WFI, Sleep.WFE):  # is there anything to wake it?
            event = self.run(self.cycles)
            return event if event and event.reason is Ended.SLEEP else None
        return None

    def hold(self, number: int) -> None:
        """Let a core stand where it is, whatever happens, until `release`."""
        core = self.processors[number].core
        self._held = number, int(core[Core.SLEEPS])
        core[Core.SLEEPS] = Sleep.HELD

    def release(self) -> None:
        """Let the core that was held go on.

        One that was held for a few instructions of the other catches up: GDB takes a core alone
        past each breakpoint.
        """
        number, sleeps = self._held
        core, other = (self.processors[at].core for at in (number, 1 - number))
        core[Core.SLEEPS] = sleeps
        if other[Core.CYCLES] - core[Core.CYCLES] > _CATCHES_UP:
            core[Core.CYCLES] = other[Core.CYCLES]

    @property
    def running(self) -> tuple[Processor, ...]:
        """The cores that have been started."""
        return self.processors if self._runs_core1 else self.processors[:1]

    @property
    def whereabouts(self) -> list[Whereabouts]:
        """See EngineChip."""
        return [
            Whereabouts(
                *(processor.number, processor.pc),
                tuple(irq.name for irq in Irq if enabled >> FIRST_IRQ + irq & 1),
            )
            for processor in self.running
            for enabled in [int(processor.core[Core.ENABLED])]
        ]

    def prepare_peeking(self) -> None:
        """Compile what `peek` and `poke` call: GDB waits two seconds for an answer."""
        core, other = (processor.core.copy() for processor in self.processors)
        chip, sio = self.state.chip.copy(), self.state.sio.copy()
        _read_register(core, other, chip, sio, core[Core.CYCLES], 0)
        _write_register(core, other, chip, sio, core[Core.CYCLES], 0, 0)

    def peek(self, number: int, address: int) -> int | None:
        """The register at a word's address as a core would read it now, and nothing happens.

        None where no register is modelled.
        """
        self._scheduler.advance(self._now)
        # On copies: a read may take a word or claim a lock.
        core, other = (self.processors[at].core.copy() for at in (number, 1 - number))
        chip, sio = self.state.chip.copy(), self.state.sio.copy()
        chip[Chip.STEADY_COUNT] = 0
        found = int(_read_register(core, other, chip, sio, core[Core.CYCLES], address))
        return self._private[number].bus.peek(address) if found == NOT_HERE else found

    def poke(self, number: int, address: int, size: int, value: int) -> None:
        """Write to a register as a core would, at an address where `peek` finds one."""
        core, other = (self.processors[at].core for at in (number, 1 - number))
        chip, sio, now = self.state.chip, self.state.sio, core[Core.CYCLES]
        self._scheduler.advance(self._now)
        self._steady.forget()
        word = value * {1: 0x0101_0101, 2: 0x0001_0001, _WORD: 1}[size]
        if _write_register(core, other, chip, sio, now, address & -_WORD, word) == NOT_HERE:
            self._write(number, address, size, value)
        _schedule_systick(core, chip)

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
        if reason is FaultReason.STACK_OVERFLOW and self._does_no_harm():
            return None
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

    def _does_no_harm(self) -> bool:
        """Whether the stack may go below its limit all the same; it has another one then."""
        if self._guard is None:
            return False
        tops = self._boot.sp, self._top_of_core1
        others = [
            (int(other.core[Core.SP_LOW]), tops[other.number])
            for other in self.running
            if other is not self.core
        ]
        core, pc = self.core.core, self.core.pc
        sp, limit = int(core[Core.FAULT_ADDRESS]), int(core[Core.SP_LIMIT])
        found = self._guard.judge(self.core.number, sp, limit, pc, self.sram, others)
        if found is not None:
            core[Core.SP_LIMIT] = found
        return found is not None

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
        _advance_systick(core, self.state.chip, core[Core.NOW])  # before ICSR clears what it pended
        bus = self._private[self._stopped_on].bus
        writes, value = bool(core[Core.WRITES]), int(core[Core.VALUE])
        modelled, loaded = True, 0
        if block_of(address) is None:
            core[Core.REASON] = REASONS.index(FaultReason.WRITE if writes else FaultReason.READ)
            core[Core.FAULT_ADDRESS], core[Core.FAULT_SIZE] = address, size
            core[Core.PROGRESS] = 0
            return self._fault()
        if writes:
            modelled = self._write(self._stopped_on, address, size, value)
        else:
            found = bus.read(address, size)
            modelled, loaded = found is not None, found or 0
        _schedule_systick(core, self.state.chip)
        until = bus.steady_until(address) if size == _WORD and not writes else 0
        if until:
            self._steady.note(address, loaded, until)
        else:
            self._steady.forget()
        if not modelled and self.strict:
            core[Core.PROGRESS] = 0
            return Event(FaultReason.UNMODELLED, address, size)
        core[Core.REPLY], core[Core.ANSWERED] = loaded, 1
        return None

    def _write(self, number: int, address: int, size: int, value: int) -> bool:
        """Write to a register that Python models; False if there is none."""
        if address == _FIFO_WR:
            self._launch.hear(value)
            return True
        return self._private[number].bus.write(address, size, value)

    def _settle(self) -> None:
        """Bring the peripherals up to the present, and say when they want attention next."""
        if not self._answers:
            self._scheduler.advance(self._now)
            catch_up(self._machine, self._now)
            self._serve_dma()
        if self.peripherals.io_bank0.tell_watched():
            self._steady.forget()
        if self._pin_log:
            self._pin_log.drain(self._now)
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
            self._steady.forget()  # it may have changed what a core polls
            catch_up(machine, self._scheduler.cycles)
            ask = access_of(machine.chip)

    def _request_data(self, number: int, level: bool) -> None:
        machine, now = self._machine, self._scheduler.cycles
        _request_data(
            *(*machine.cores, machine.chip, self.state.lines, self.state.words),
            *(number, level, now),
        )

    def _change_clock(self, hz: Fraction) -> None:
        self._clock.change(hz)
        self._stimuli.refresh()

    def _set_ticks(self, line: Line) -> None:
        chip = self.state.chip
        for processor in self.processors:
            _advance_systick(processor.core, chip, self._scheduler.cycles)
        chip[Chip.TICKS_BASE : Chip.TICKS_SCALE + 1] = line
        for processor in self.processors:
            _schedule_systick(processor.core, chip)

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
    def _dma_is_on_the_bus(self) -> bool:
        """Whether a core has to note its accesses, for the DMA to meet them."""
        chip = self.state.chip
        return bool(chip[Chip.DEVICES_ON] & DMA_ON and chip[Chip.BUS_SHARED])

    @property
    def _is_resetting(self) -> bool:
        asked = any(private.system_control.reset_requested for private in self._private)
        return self._reset_requested or asked

    def _irq(self, number: int, level: bool) -> None:
        """A request goes to both cores."""
        for processor in self.processors:
            _set_line(processor.core, number, level, self._scheduler.cycles)

    def _send_from_core1(self, word: int) -> None:
        """A word from core 1's boot ROM."""
        sio = self.state.sio
        _push(sio, 1, word)
        _tell(self.processors[0].core, sio, self._scheduler.cycles)
        self.processors[0].core[Core.EVENT] = 1

    def _start(self, table: int, sp: int, entry: int) -> None:
        """Launch core 1, which core 0 asks for at this moment."""
        processor = self.processors[1]
        core = processor.core
        self._core1_ran = self._cycles_of(1)
        core[Core.CYCLES] = self._launched_at = self._scheduler.cycles
        processor.set_registers(sp=sp, lr=rom_symbols()[_CORE1_RETURNED].address | 1, pc=entry)
        core[Core.VTOR] = table
        core[Core.SP_LOW] = sp
        core[Core.SP_LIMIT] = self._guard.limit_of(sp) if self._guard else 0
        core[Core.SLEEPS] = Sleep.NOT
        core[Core.RUNS] = 1
        self._top_of_core1 = sp
        for tracer in self._tracers[1:]:
            tracer.begin(sp, self._scheduler.cycles)

    def _request_reset(self) -> None:
        self._reset_requested = True
