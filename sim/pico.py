"""A Raspberry Pi Pico: the public face of the simulator."""

import difflib
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from priot.sim.bus import Unmodelled
from priot.sim.cpu.contention import Contention
from priot.sim.cpu.memory import RETURN_ADDRESS
from priot.sim.engine import Engine, EngineChip, EngineCore
from priot.sim.errors import AddressError, CallError, ElfError, SimError, SymbolError, TraceError
from priot.sim.events import Ended, Event
from priot.sim.faults import Fault, FaultReason, Registers
from priot.sim.loading.boot import Boot, boot_of, stack_limit_of_core1
from priot.sim.loading.elf import Program, SourceLine
from priot.sim.loading.program import load_program
from priot.sim.loading.symbols import Symbol
from priot.sim.memory_map import FLASH, SRAM, region_of
from priot.sim.peripherals.adc import TEMPERATURE_SENSOR, Voltage, sensor_volts
from priot.sim.peripherals.i2c_bus import I2cDevice
from priot.sim.peripherals.serial_pins import GPIOS
from priot.sim.peripherals.spi_bus import SpiDevice
from priot.sim.peripherals.usb_host import UsbHost
from priot.sim.pin_log import PinChanges
from priot.sim.reports.call_graph import CallGraph, StackPeak, Tracer
from priot.sim.reports.memory_report import Measured, MemoryReport, StackUse, memory_report
from priot.sim.reports.memory_use import MemoryUse, measure
from priot.sim.reports.profile import Profile
from priot.sim.reports.profile_formats import CoreProfile
from priot.sim.rp2040 import Rp2040
from priot.sim.stack_guard import StackGuard, StackWarning
from priot.sim.stimuli import Action
from priot.sim.xip_cache import Replacement, XipModel, XipStatistics

_Bus = TypeVar("_Bus")

_NO_LIMIT = 1 << 62
_BKPT_SIZE = 2
_ADC_PINS = range(26, 30)
_VBUS_PIN = 24  # high while the USB socket is connected, as it is here

# SRAM holds chance values after power-on. These are fixed, so that runs repeat exactly.
_PAINT = np.random.default_rng(0x2040).integers(0, 256, SRAM.size, np.uint8)
_PAINT.flags.writeable = False


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
        uart_input: bytes that UART0 receives after every reset, as `send` sends them.
        usb_serial: called with what the program sends to the host by its first USB serial port.
        usb_input: bytes that this port receives after every reset, as `usb.type` sends them.
        xip_cache: whether words in flash take time unless they are in the XIP cache; without it
            flash is as fast as SRAM.
        xip_miss: cycles that each missed word costs; None: as the program's second stage sets up
            the serial interface, 50 where it has none.
        xip_replacement: which way of the cache gives way.
        xip_seed: of the random ways, 0 to 2^32 - 1.
        flash_data: the host will write data to flash, so that reads from there take their time
            even if the program itself has nothing in flash.
        trace: keep the call tree and the stack's depth over time; takes about twice as long.
        engine: what executes the program. Unicorn does so only for one that lies in SRAM, on core
            0, without a trace or a debugger.
        resets: how often the chip may be reset by the program or its watchdog and boot again;
            the next one ends the run.
        contention: what two cores cost each other on the bus.
        log_pins: keep every change of a GPIO, 16 bytes each, for `pin_changes`.
        stack_limit: whether stacks that leave the room which the program gives them are judged: one
            that goes over what the program owns is a Fault, another one is listed in
            `stack_warnings`.

    Raises:
        ProgramError: the file cannot be loaded.
        TraceError: `trace` or `log_pins` with Unicorn.
        SimError: Unicorn and something in flash.
        ValueError: `xip_miss`, `xip_replacement` or `xip_seed` cannot be.
    """

    def __init__(
        self,
        program: str | Path | Program,
        clock_hz: int = 133_000_000,
        strict: bool = False,
        uart: Callable[[int], None] | None = None,
        *,
        uart_input: bytes = b"",
        usb_serial: Callable[[bytes], None] | None = None,
        usb_input: bytes = b"",
        xip_cache: bool = True,
        xip_miss: int | None = None,
        xip_replacement: Replacement = Replacement.RANDOM,
        xip_seed: int = 0,
        flash_data: bool = False,
        trace: bool = False,
        engine: Engine = Engine.OWN,
        resets: int = 0,
        contention: Contention = Contention.BANKS,
        stack_limit: bool = True,
        log_pins: bool = False,
    ) -> None:
        self._uart_input, self._usb_input = uart_input, usb_input
        self.program = program if isinstance(program, Program) else load_program(program)
        self._boot: Boot = boot_of(self.program)
        xip = XipModel(xip_miss, Replacement(xip_replacement), xip_seed)
        in_flash = flash_data or any(
            FLASH.holds(segment.address) for segment in self.program.segments
        )
        self._chip: EngineChip
        if engine is Engine.OWN:
            self._chip = Rp2040(
                *(clock_hz, strict, uart),
                usb_serial=usb_serial,
                xip=xip if xip_cache and in_flash else None,
                contention=contention,
                traced=self.program if trace else None,
                most_resets=resets,
                guard=StackGuard(self.program, _PAINT) if stack_limit else None,
                log_pins=log_pins,
            )
        elif trace:
            raise TraceError("Unicorn follows no calls: leave out trace=True or the engine")
        elif log_pins:
            raise TraceError("Unicorn has no pins: leave out log_pins=True or the engine")
        elif in_flash:
            raise SimError(
                f"{self.program.path}: the engine unicorn runs what lies in SRAM; leave it out, or "
                "link the program for SRAM"
            )
        else:
            from priot.sim.kernel_engine.engine import KernelEngine  # others do without Unicorn

            self._chip = KernelEngine(clock_hz)
        weakref.finalize(self, self._chip.close).atexit = False
        self.sram = self._chip.sram
        self._stack_limit = stack_limit
        self.reset()
        if engine is Engine.OWN:
            self.set_pin(_VBUS_PIN, True)

    def reset(self) -> None:
        """Power-on: memories loaded anew, SP and PC at their start values, counters at zero."""
        self.sram[:] = _PAINT
        self._chip.flash[:] = 0xFF  # erased
        for segment in self.program.segments:
            self._chip.load(segment.address, np.frombuffer(segment.data, np.uint8))
        self._chip.reset(self._boot if self._stack_limit else replace(self._boot, stack_limit=0))
        self._halted_at: int | None = None
        if self._uart_input:
            self.send(self._uart_input)
        if self._usb_input:
            self.usb.type(self._usb_input)

    @property
    def _core(self) -> EngineCore:
        """The core that the last event was about."""
        return self._chip.core

    @property
    def cycles(self) -> int:
        """Cycles since reset. A faulting instruction and a halting BKPT count none."""
        return self._chip.cycles

    @property
    def instructions(self) -> int:
        """Instructions executed since reset; BKPT and faulting ones not counted."""
        return self._chip.instructions

    @property
    def clock_hz(self) -> int:
        """Frequency of the system clock in Hz, rounded: the program's, or else the caller's."""
        return round(self._chip.clock_hz)

    @property
    def seconds(self) -> float:
        """The time since reset, at `clock_hz` until the program sets the system clock."""
        return self._chip.seconds

    @property
    def resets(self) -> int:
        """How often the program reset the chip and it booted again."""
        return self._chip.resets

    @property
    def nothing_to_boot(self) -> bool:
        """Whether a reset found no program in flash: the boot ROM waits for one, as a USB drive."""
        return self._chip.nothing_to_boot

    @property
    def unmodelled(self) -> list[Unmodelled]:
        """Registers that the program touched and that are not modelled, each once, in order."""
        return self._chip.unmodelled

    @property
    def usb(self) -> UsbHost:
        """The host to which the Pico's USB socket is connected.

        Raises:
            SimError: the engine has no peripherals.
        """
        return self._chip.present_peripherals().usb_host

    @property
    def stack_warnings(self) -> list[StackWarning]:
        """Stacks that left the room which the program gives them and did no harm, one a core."""
        return self._chip.stack_warnings

    @property
    def registers(self) -> Registers:
        """A snapshot of the registers."""
        return self._core.registers

    @property
    def xip(self) -> XipStatistics:
        """What the XIP cache did since reset; its stall cycles are part of `cycles`."""
        return self._chip.xip_statistics

    @property
    def xip_model(self) -> XipModel | None:
        """How the XIP cache behaves, with what a missed word costs now; None: it plays no part."""
        return self._chip.xip_model

    @property
    def bus_stalls(self) -> tuple[int, int]:
        """Cycles that core 0 and core 1 have waited for each other; part of their time."""
        return self._chip.bus_stalls

    def send(self, data: Iterable[int], uart: int = 0, flow_control: bool = True) -> None:
        """Let bytes arrive at a UART one after the other, at its baud rate, once it receives.

        Args:
            data: bytes, with errors of reception beside them as UARTDR has them: bit 8 framing,
                bit 9 parity, bit 10 break.
            uart: 0 or 1.
            flow_control: whether they wait while the receive FIFO is full; else the UART loses
                those that find no room (overrun).

        Raises:
            ValueError: there is no such UART, or something that is neither byte nor error.
            SimError: the engine has no peripherals.
        """
        words = list(data)
        wrong = next((word for word in words if not 0 <= word < 1 << 11), None)
        if wrong is not None:
            raise ValueError(f"{wrong} cannot be sent: give bytes, and errors in bits 8 to 10")
        if uart not in (0, 1):
            raise ValueError(f"UART{uart}: there are UART0 and UART1")
        self._chip.present_peripherals().uarts[uart].feed(words, flow_control)

    def set_voltage(self, pin: int, volts: Voltage) -> None:
        """Apply a voltage to an input of the ADC; it stays over resets.

        Args:
            pin: GPIO 26 to 29.
            volts: of 3.3, or a function that gives them at a time in seconds since reset.

        Raises:
            ValueError: the pin is no input of the ADC.
            SimError: the engine has no peripherals.
        """
        if pin not in _ADC_PINS:
            raise ValueError(f"GPIO{pin} is no input of the ADC: those are GPIO26 to GPIO29")
        self._chip.present_peripherals().adc.voltages[pin - _ADC_PINS.start] = volts

    def set_temperature(self, celsius: float) -> None:
        """Warm the chip, whose ADC then measures that; 27 degrees C if never set.

        Raises:
            SimError: the engine has no peripherals.
        """
        adc = self._chip.present_peripherals().adc
        adc.voltages[TEMPERATURE_SENSOR] = sensor_volts(celsius)

    def set_pin(self, pin: int, level: bool | None) -> None:
        """Drive a GPIO from outside, which stays over resets; None lets go of it.

        Raises:
            ValueError: there is no such GPIO.
            SimError: the engine has no peripherals.
        """
        _check_pin(pin)
        self._chip.present_peripherals().io_bank0.set_input(pin, level)

    def at(self, action: Action, *, cycle: int | None = None, seconds: float | None = None) -> None:
        """Call something with no argument at a moment since reset; at once if that has passed.

        It may do whatever the host may, such as `set_pin` or `send`, all of it in that very cycle,
        but run the program. What it returns is ignored. A reset of the Pico forgets it.

        Args:
            cycle, seconds: the moment; give one of them. Seconds follow the program's clock.

        Raises:
            ValueError: not one of them was given.
            SimError: the engine has no peripherals.
        """
        if (cycle is None) == (seconds is None):
            raise ValueError("give either the cycle or the seconds")
        if cycle is not None:
            self._chip.at(cycle, action)
        else:
            self._chip.at(Fraction(str(seconds)), action)  # 0.1 is a tenth

    def pin_changes(self) -> PinChanges:
        """What all GPIOs did since reset, which `priot.sim.reports.vcd` writes for wave viewers.

        Raises:
            TraceError: the Pico was made without `log_pins`.
        """
        return self._chip.pin_changes()

    def set_registers(self, **values: int) -> None:
        """Write registers by name: r0..r12, sp, lr, pc, xpsr."""
        self._core.set_registers(**values)

    def run(self, max_cycles: int | None = None) -> Stop:
        """Execute from PC until BKPT, WFI or the budget; behind a BKPT that halted before.

        Args:
            max_cycles: budget of this run; it ends at the first instruction (with Unicorn: basic
                block) at or beyond it.

        Raises:
            Fault: the guest did what would stop an RP2040.
        """
        self._leave_breakpoint()
        before = self.cycles
        event = self._execute(max_cycles)
        if event is None:
            raise self._fault(FaultReason.FETCH, RETURN_ADDRESS)
        return self._stop(event, self.cycles - before)

    def step(self) -> Stop | None:
        """Execute one instruction; a Stop if it ends a run, as a BKPT does. Raises like `run`.

        An exception that is due is entered first, and a sleep that something ends is over first.
        """
        return self._step(self._chip.step)

    def _step(self, step: Callable[[], Event | None]) -> Stop | None:
        self._leave_breakpoint()
        before = self.cycles
        event = self._checked(step())
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
            **passed, sp=saved.sp & ~7, lr=RETURN_ADDRESS | 1, pc=target, xpsr=1 << 24
        )
        tracer = self._chip.tracer
        if tracer:
            tracer.enter_host_call()
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
            if tracer:
                tracer.resume()
            self._core.set_registers(**asdict(saved))

    def symbol(self, name: str) -> Symbol:
        """Look up a symbol, by the name that reports have for it or by the linker's.

        Raises:
            SymbolError: none has that name; it names near matches. Or several have, none of which
                is global; it names them all.
        """
        try:
            return self.program.symbols[name]
        except KeyError:
            several = [one.symbol for one in self.program.found if one.symbol.linker_name == name]
            if several:
                places = ", ".join(f"{one.name!r} at {one.address:#010x}" for one in several)
                raise SymbolError(
                    f"{self.program.path}: {len(several)} symbols are called {name!r}; "
                    f"name one of {places}"
                ) from None
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

    def attach_i2c(
        self, bus: int, address: int, device: I2cDevice, *, ten_bit: bool = False
    ) -> None:
        """Wire a device to I2C0 or I2C1; it stays there over resets.

        Args:
            bus: 0 or 1.
            address: where it answers, without the bit for the direction; one at 0 hears general
                calls.

        Raises:
            ValueError: there is no such bus, that is no address, or it is taken.
            SimError: the engine has no peripherals.
        """
        _of_two(self._chip.present_peripherals().i2c_buses, bus).attach(device, address, ten_bit)

    def attach_spi(self, bus: int, device: SpiDevice, *, chip_select: int | None = None) -> None:
        """Wire a device to SPI0 or SPI1; it stays there over resets.

        Args:
            bus: 0 or 1.
            chip_select: the GPIO that selects it while low, driven by SIO or by the controller;
                None: it is always selected.

        Raises:
            ValueError: there is no such bus or GPIO.
            SimError: the engine has no peripherals.
        """
        if chip_select is not None:
            _check_pin(chip_select)
        peripherals = self._chip.present_peripherals()
        _of_two(peripherals.spi, bus).bus.attach(device, chip_select)
        peripherals.rewire()

    def wire(self, *groups: Sequence[int]) -> None:
        """Connect the GPIOs of each group with each other, and undo all wires of before.

        Groups with a common GPIO are one wire. What drives low wins over what drives high.
        Two controllers of I2C or SPI whose pins are wired talk to each other. Wires stay over
        resets.

        Raises:
            ValueError: there is no such GPIO.
            SimError: too many wires, or the engine has no peripherals.
        """
        for pin in (pin for group in groups for pin in group):
            _check_pin(pin)
        masks = [sum(1 << pin for pin in set(group)) for group in groups]
        self._chip.present_peripherals().io_bank0.wire(masks)

    def profile(self, core: int | None = None) -> Profile:
        """Where the cycles since reset went, of one core or both.

        The sums equal `instructions`, and `cycles` with those that core 1 ran.

        Raises:
            TraceError: the Pico was made without `trace`, and its engine is not Unicorn.
        """
        return self._chip.profile(self.program, core)

    def profiles(self) -> list[CoreProfile]:
        """Profile and call graph of each core that ran. Raises like `call_graph`."""
        self._traced(0)
        return [
            CoreProfile(core, self.profile(core), tracer.graph())
            for core, tracer in enumerate(self._chip.tracers)
        ]

    def call_graph(self, core: int = 0) -> CallGraph:
        """Who called whom since reset, and at what cost; its sum equals the core's cycles.

        Raises:
            TraceError: the Pico was made without `trace`, or the core has not run.
        """
        return self._traced(core).graph()

    def stack_peak(self, core: int = 0) -> StackPeak:
        """The deepest stack since reset and the calls that made it. Raises like `call_graph`."""
        return self._traced(core).peak()

    def stack_over_time(self, core: int = 0) -> list[tuple[int, int]]:
        """The stack's depth over time as points (cycle, SP), SP to hold until the next point.

        There are at most 4,097; each gives the lowest SP of its span. Raises like `call_graph`.
        """
        return self._traced(core).stack_over_time()

    def retire(self) -> None:
        """The core that halted is at its end: `run` lets all else go on, until `end`.

        A reset of the chip then ends a run, whatever `resets` says.
        """
        self._halted_at = None
        self._chip.retire()

    def end(self) -> None:
        """All is at its end; of a core 0 that retired, `cycles` and `seconds` are those of then."""
        self._chip.end()

    @property
    def goes_on(self) -> bool:
        """Whether a core that has not retired, or the DMA, may still do something by itself, or the
        host has yet to read what was sent by USB.

        A core that sleeps, or is in a loop of one instruction, does not unless an interrupt may
        come.
        """
        return self._chip.goes_on

    def whereabouts(self, *, going_on: bool = False) -> list[str]:
        """Where each core stands and which interrupts it would take, a line each.

        Args:
            going_on: only those that may still do something by themselves, see `goes_on`.
        """
        return [
            f"core {at.core} at {self._place(at.pc)}"
            + (f", {line}" if (line := self._line(at.pc)) else "")
            + f"; enabled interrupts: {', '.join(at.enabled) or 'none'}"
            for at in self._chip.whereabouts
            if at.goes_on or not going_on
        ]

    def memory_use(self) -> MemoryUse:
        """SRAM in bytes: what the program needs, and the peaks that were measured."""
        stack = sum(top - lowest for top, lowest in self._chip.stacks)
        return measure(self.program, self.sram != _PAINT, stack)

    def memory_report(self, largest: int = 10) -> MemoryReport:
        """All of the program's memory; calls and history of the stacks only if traced.

        Args:
            largest: how many symbols of each memory to name.
        """
        tracers = self._chip.tracers
        stacks = []
        for core, (top, lowest) in enumerate(self._chip.stacks):
            limit = stack_limit_of_core1(self.program, top) if core else self._boot.stack_limit
            tracer = tracers[core] if core < len(tracers) else None
            peak = tracer.peak() if tracer else None
            stacks.append(
                StackUse(
                    top=top,
                    limit=limit,
                    high_water=top - lowest,
                    chain=peak.chain if peak else None,
                    cycle=peak.cycle if peak else None,
                    over_time=tuple(tracer.stack_over_time()) if tracer else (),
                )
            )
        run = Measured(self.sram != _PAINT, stacks, self.cycles, self.clock_hz)
        return memory_report(self.program, run, largest)

    def _traced(self, core: int) -> Tracer:
        tracers = self._chip.tracers
        if not tracers:
            raise TraceError("nothing was traced; make the Pico with trace=True")
        if core >= len(tracers):
            raise TraceError(f"core {core} has not run; the program has to launch it")
        return tracers[core]

    def _bytes(self, address: int, size: int) -> npt.NDArray[np.uint8]:
        if not size:
            return self.sram[:0]  # wherever that is
        region = region_of(address, size)
        memory = self.sram if region is SRAM else self._chip.flash
        if region not in (FLASH, SRAM) or not memory.size:
            raise AddressError(
                f"{address:#010x}..{address + size:#010x} does not lie in flash or SRAM; "
                "check address and count"
            )
        offset = address - region.base
        return memory[offset : offset + size]

    def _leave_breakpoint(self) -> None:
        """Go behind the BKPT that halted before, if the core still is there."""
        pc = self._core.pc
        if pc == self._halted_at:
            self._core.set_registers(pc=pc + _BKPT_SIZE)
        self._halted_at = None

    def _stop(self, event: Event, cycles: int) -> Stop:
        """The end of a run."""
        if event.reason is Ended.BREAKPOINT:
            self._halted_at = self._core.pc
            return Stop(StopReason.HALT, cycles, (self._core.halfword(self._halted_at) or 0) & 0xFF)
        return Stop(_STOP_REASONS[event.reason], cycles)

    def _execute(self, max_cycles: int | None) -> Event | None:
        """Run until an event; None at RETURN_ADDRESS."""
        return self._checked(
            self._chip.run(_NO_LIMIT if max_cycles is None else self.cycles + max_cycles)
        )

    def _checked(self, event: Event | None) -> Event | None:
        """Raise the Fault that an event stands for; else the event itself."""
        if event is not None and isinstance(event.reason, FaultReason):
            raise self._fault(event.reason, event.address, event.size)
        return event

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
            detail = f"SP would be {address:#010x}, limit {self._chip.stack_limit:#010x}"
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


def _check_pin(pin: int) -> None:
    if not 0 <= pin < GPIOS:
        raise ValueError(f"there is no GPIO {pin}; give 0 to {GPIOS - 1}")


def _of_two(buses: tuple[_Bus, ...], number: int) -> _Bus:
    if number not in (0, 1):
        raise ValueError(f"there is no bus {number}; give 0 or 1")
    return buses[number]
