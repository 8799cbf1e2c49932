"""The chip around the cores of our own: peripherals, time, and what the loop cannot answer.

Between two events the cores run alone. Peripherals are not stepped: each knows the cycle at which
it will next want attention, and there the loop comes to rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from priot.sim import flash
from priot.sim.bus import Unmodelled
from priot.sim.circles import let_go
from priot.sim.cpu.call_trace import InstructionBooks
from priot.sim.cpu.contention import Contention
from priot.sim.cpu.lines import FIRST_IRQ, set_line
from priot.sim.cpu.loop import SECOND, both_cores, one_core, operation_of_halfword
from priot.sim.cpu.memory import RETURN_ADDRESS, read_register, write_register
from priot.sim.cpu.native import from_python
from priot.sim.cpu.places import addresses_of, place
from priot.sim.cpu.private_blocks import PrivateBlocks
from priot.sim.cpu.processor import Processor
from priot.sim.cpu.sio import push, tell
from priot.sim.cpu.special import guard
from priot.sim.cpu.state import (
    FLASH_AT,
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
from priot.sim.cpu.system_clock import SystemClock
from priot.sim.cpu.systick import advance_systick, schedule_systick
from priot.sim.crossbar import Crossbar
from priot.sim.devices.devices import catch_up
from priot.sim.devices.dma import DMA_ON, SHARED_AT, Dma
from priot.sim.devices.transfers import request_data
from priot.sim.engine import Whereabouts
from priot.sim.errors import AddressError, SimError, TraceError
from priot.sim.events import Ended, Event
from priot.sim.fault_answers import FaultAnswers
from priot.sim.loading import second_stage
from priot.sim.loading.boot import Boot, boot_by_usb, boot_by_watchdog, boot_from_flash
from priot.sim.loading.elf import Program
from priot.sim.memory_map import FLASH, ROM, SRAM, SRAM_UNSTRIPED
from priot.sim.peripherals import Peripherals, Scheduler, Surroundings, all_peripherals
from priot.sim.peripherals.interrupts import Irq
from priot.sim.peripherals.timebase import Line
from priot.sim.pin_log import PinChanges, PinLog
from priot.sim.register_accesses import RegisterAccesses
from priot.sim.reports.call_graph import Tracer
from priot.sim.reports.profile import Profile
from priot.sim.second_core import SecondCore
from priot.sim.stack_guard import StackGuard, StackWarning
from priot.sim.steady_registers import SteadyRegisters
from priot.sim.stimuli import Action, Stimuli
from priot.sim.xip_cache import XipCache, XipModel, XipStatistics

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
_CATCHES_UP = 1000  # cycles
_BKPT_SIZE = 2
_TO_ITSELF = 0xE7FE  # B to this very instruction
_DMA_BUSY = Chip.DMA + SHARED_AT + Dma.ACTIVE
# Places that every event looks at, as plain integers: to look into an enumeration costs more.
_CYCLES, _RUNS, _SLEEPS = int(Core.CYCLES), int(Core.RUNS), int(Core.SLEEPS)
_ANSWERED, _WINDOW = int(Core.ANSWERED), int(Core.WINDOW)
_EVENT_AT, _LIMIT = int(Chip.EVENT_AT), int(Chip.LIMIT)
_DEVICES_ON, _BUS_SHARED = int(Chip.DEVICES_ON), int(Chip.BUS_SHARED)


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
        nothing_to_boot: whether a reset found no program in flash: the boot ROM waits for USB.
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
        self.state = State()
        memory = self.state.memory
        self.sram, self.flash = memory[: SRAM.size], memory[FLASH_AT:]
        rom = np.frombuffer(_BOOT_ROM.read_bytes(), np.uint8)
        memory[ROM_AT : ROM_AT + rom.size] = rom
        self._cache = XipCache(self.state, xip)
        self.state.chip[Chip.BUS_SHARED] = contention is not Contention.NONE
        self.state.chip[Chip.ONE_BANK] = contention is Contention.ONE_BANK
        self._traced = traced is not None
        self._books = InstructionBooks(self._traced), InstructionBooks(self._traced)
        self._most_resets = most_resets
        self._guard = guard
        self._scheduler = Scheduler()
        self._clock = SystemClock(self._scheduler, clock_hz)
        self._stimuli = Stimuli(self._scheduler, self._clock)
        self._steady = SteadyRegisters(self.state.chip)
        self.processors = Processor(self.state, 0), Processor(self.state, 1)
        self.core = self.processors[0]
        state = self.state
        self._machine = Machine(
            *(state.words, state.lines, state.chip, state.sio),
            (self.processors[0].core, self.processors[1].core),
        )
        around = Surroundings(
            irq=self._irq,
            uart0=uart or (lambda _: None),
            usb_serial=usb_serial or (lambda _: None),
            usb_dpram=memory[USB_DPRAM_AT : USB_DPRAM_AT + USB_DPRAM.size].data,
            seconds=self._clock.seconds,
            on_reset=self._request_reset,
            force_core1_off=lambda is_off: self._core1.force_off(is_off),
            on_clock_lost=self._request_reset,
            on_system_hz=self._change_clock,
            cache=self._cache,
            crossbar=Crossbar(self.state, self.processors),
            machine=self._machine,
            dreq=self._request_data,
        )
        self._pin_log = PinLog(self.state.chip, self._clock) if log_pins else None
        self.peripherals = all_peripherals(self._scheduler, around)
        self.peripherals.watchdog.ticks.on_move = self._set_ticks
        self.peripherals.timer.on_offset = self._set_timer
        zero, one = (PrivateBlocks(at, self.peripherals) for at in self.processors)
        self._private = zero, one
        self.nvic, self.system_control = zero.nvic, zero.system_control
        self._tracers = self._follow(traced) if traced else []
        self._core1 = SecondCore(
            *(self.state, self.processors, one, self._scheduler, guard, self._tracers)
        )
        self._faults = FaultAnswers(self.sram, guard, lambda: self.stacks)
        self._accesses = RegisterAccesses(
            self.state,
            self._machine,
            self.processors,
            self._private,
            self._scheduler,
            self._steady,
            self._faults,
            self._core1.hear,
            strict,
        )
        self._stage, self._serial_interface = b"", dict[str, int]()
        self._arrays = self._arrays_of_loop()

    def _follow(self, program: Program) -> list[Tracer]:
        """What follows the calls of each core."""
        return [
            Tracer(books, processor.core, program)
            for books, processor in zip(self._books, self.processors, strict=True)
        ]

    def _arrays_of_loop(self) -> tuple[Any, ...]:
        """What the loop of both cores takes, in its order."""
        functions = self._books[0].functions
        for books in self._books:
            books.functions = functions
        own = [
            (core.core, core.registers, core.priorities, core.loaded, books.traces, books.counts)
            for processor, books in zip(self.processors, self._books, strict=True)
            for core in [processor.arrays]
        ]
        state = self.state
        return (
            *(*own[0], *own[1], functions),
            *(state.chip, state.sio, state.lines),
            *(state.memory, state.halfwords, state.words, operation_of_halfword()),
        )

    def close(self) -> None:
        """The chip is needed no more: its memory is free at once."""
        let_go(
            *self.peripherals.parts,
            *(part for own in self._private for part in (own.nvic, own.system_control, own.bus)),
            *self._scheduler.parts,
            *(self._clock, self._stimuli, self._core1, self._faults, self._accesses),
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
        self._boot = self._first_boot = boot
        self.nothing_to_boot = False
        self.resets = 0
        self._retired: dict[int, int] = {}  # cores, and the cycles that each took
        self._core1.power_on()
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
        self._boot = self._next_boot(kept)
        lowest = self.lowest_sp
        counts = [
            (int(core[Core.INSTRUCTIONS]), int(core[Core.BUS_STALLS]))
            for core in (processor.core for processor in self.processors)
        ]
        self._core1.keep_count()
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

    def _next_boot(self, kept: dict[str, int]) -> Boot:
        """What the boot ROM does behind a reset; `kept` are the watchdog's registers.

        A program with a second stage is begun anew as long as flash has one, and so is one in flash
        that never had one, which a board would not have started.
        """
        named = boot_by_watchdog([kept[f"SCRATCH{number}"] for number in range(8)])
        if named:
            kept["SCRATCH4"] = 0
            first = self._first_boot
            return replace(named, stack_limit=first.stack_limit * (named.sp == first.sp))
        in_flash = FLASH.holds(self._first_boot.pc)
        found = boot_from_flash(self.flash[: 2 * second_stage.SIZE].view(np.uint32))
        if in_flash and (found or not second_stage.is_second_stage(self._stage)):
            return self._first_boot
        self.nothing_to_boot = found is None
        return found or boot_by_usb(self._boot.sp)

    def _reset_blocks(self) -> None:
        self._steady.forget()
        self.peripherals.reset()
        for private in self._private:
            private.reset()
        self._reset_requested = False
        self.peripherals.xip_ssi.restore(self._serial_interface)

    def _reset_cores(self) -> None:
        """Core 0 begins, core 1 waits in its ROM."""
        first = self.processors[0].core
        first[Core.RUNS] = 1
        for private in self._private:
            private.nvic.reset()
        self.core = self.processors[0]
        self.core.boot(self._boot)
        self._core1.reset()

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
        stacks = list(zip((self._boot.sp, self._core1.top_of_stack), lowest, strict=True))
        return stacks if self._core1.runs else stacks[:1]

    @property
    def tracers(self) -> list[Tracer]:
        """What follows the calls of each core that ran."""
        return self._tracers[: 1 + bool(self._core1.top_of_stack)]

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
        spent = sum((self.cycles, self._core1.cycles)[number] for number in cores)
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
        return self._pin_log.changes(max(self.cycles, self._scheduler.cycles))

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
            resetting = self._is_resetting
            if resetting and not self._answers:
                if self.resets == self._most_resets or self._retired:
                    return Event(Ended.RESET)
                self.resets += 1
                self._reboot()
                continue
            # The instruction that asks for a reset is the last.
            slice_ = _SLICE_OF_DEVICES if chip[_DEVICES_ON] else _SLICE
            chip[_LIMIT] = min(limit, self.cycles + (1 if resetting else slice_))
            if self._core1.runs or self._dma_is_on_the_bus:
                status = both_cores(self._traced)(*self._arrays)
            else:
                self.processors[0].core[_WINDOW] = NEVER  # there is nobody to wait for
                status = one_core(self._traced)(*self._arrays)
            self.core = self.processors[status >= SECOND]
            status %= SECOND
            if status == Status.RETURNED:
                return None
            event = self._answer(status, limit)
            if event is not None:
                catch_up(self._machine, self._now)
                return event

    def retire(self) -> None:
        """The core of the last event is at its end: it stands still, and all else goes on.

        A reset of the chip is the end of all, whatever `most_resets` says.
        """
        self._retired[self.core.number] = self.core.cycles
        self.core.core[Core.SLEEPS] = Sleep.HELD

    def end(self) -> None:
        """All is at its end: cores that retired have taken the cycles of theirs."""
        for number, cycles in self._retired.items():
            self.processors[number].core[Core.CYCLES] = cycles
        self._retired = {}

    @property
    def goes_on(self) -> bool:
        """Whether a core that has not retired, or the DMA, may still do something, or the host
        has yet to read from USB."""
        cores = any(self._goes_on(processor) for processor in self.running)
        others = self.state.chip[_DMA_BUSY] or self.peripherals.usb_host.has_yet_to_read
        return cores or bool(others)

    def _goes_on(self, processor: Processor) -> bool:
        """Whether it is neither held, nor asleep or in a loop of one instruction for ever."""
        core = processor.core
        if core[Core.SLEEPS] == Sleep.HELD:
            return False
        waits = core[Core.SLEEPS] == Sleep.WFI or (processor.sleeps and not core[Core.EVENT])
        if not waits and processor.halfword(processor.pc) != _TO_ITSELF:
            return True
        return bool(core[Core.ENABLED] >> FIRST_IRQ) or core[Core.TICK_AT] < NEVER

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

    @property
    def running(self) -> tuple[Processor, ...]:
        """The cores that have been started."""
        return self.processors if self._core1.runs else self.processors[:1]

    @property
    def whereabouts(self) -> list[Whereabouts]:
        """See EngineChip."""
        return [
            Whereabouts(
                *(processor.number, processor.pc),
                tuple(irq.name for irq in Irq if enabled >> FIRST_IRQ + irq & 1),
                goes_on=self._goes_on(processor),
            )
            for processor in self.running
            for enabled in [int(processor.core[Core.ENABLED])]
        ]

    def prepare_peeking(self) -> None:
        """Compile what `peek` and `poke` call: GDB waits two seconds for an answer."""
        self._accesses.prepare_peeking()

    def peek(self, number: int, address: int) -> int | None:
        """See RegisterAccesses."""
        self._scheduler.advance(self._now)
        return self._accesses.peek(number, address)

    def poke(self, number: int, address: int, size: int, value: int) -> None:
        """See RegisterAccesses."""
        self._scheduler.advance(self._now)
        self._accesses.poke(number, address, size, value)

    def _answer(self, status: int, limit: int) -> Event | None:
        """Do what the loop asks for; an event where the caller must."""
        match status:
            case Status.DUE:
                return None
            case Status.ACCESS:
                event = self._accesses.perform(self.core.number)
                self._core1.hold()
                return event
            case Status.BUDGET:
                return Event(Ended.BUDGET) if self.cycles >= limit else None
            case Status.BREAKPOINT:
                return None if self._changes_flash() else Event(Ended.BREAKPOINT)
            case Status.DEBUGGER:
                return Event(Ended.DEBUGGER)
            case Status.FAULT:
                return self._faults.answer(self.core)
            case Status.FOREVER:  # nothing wakes it but whoever runs it again
                if 0 not in self._retired:
                    self.processors[0].core[Core.SLEEPS] = Sleep.NOT
                return Event(Ended.SLEEP)
        raise AssertionError(f"the loop of the cores ended with {Status(status).name}")

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

    def _settle(self) -> None:
        """Bring the peripherals up to the present, and say when they want attention next."""
        if not self._answers:
            now = self._now
            self._scheduler.advance(now)
            catch_up(self._machine, now)
            self._accesses.serve_dma()
        if self.peripherals.io_bank0.tell_watched():
            self._steady.forget()
        if self._pin_log:
            self._pin_log.drain(self._now)
        self.state.chip[_EVENT_AT] = self._scheduler.next

    @property
    def _now(self) -> int:
        """The cycle that both cores have reached; one that sleeps is as far as the other."""
        first, second = self._machine.cores
        if second[_SLEEPS] or not second[_RUNS]:
            return int(first[_CYCLES])
        if first[_SLEEPS]:
            return int(second[_CYCLES])
        return int(min(first[_CYCLES], second[_CYCLES]))

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
        first, second = self._machine.cores
        return bool(first[_ANSWERED] or second[_ANSWERED])

    @property
    def _dma_is_on_the_bus(self) -> bool:
        """Whether a core has to note its accesses, for the DMA to meet them."""
        chip = self.state.chip
        return bool(chip[_DEVICES_ON] & DMA_ON and chip[_BUS_SHARED])

    @property
    def _is_resetting(self) -> bool:
        zero, one = self._private
        asked = zero.system_control.reset_requested or one.system_control.reset_requested
        return self._reset_requested or asked

    def _irq(self, number: int, level: bool) -> None:
        """A request goes to both cores."""
        for processor in self.processors:
            _set_line(processor.core, number, level, self._scheduler.cycles)

    def _request_reset(self) -> None:
        self._reset_requested = True
