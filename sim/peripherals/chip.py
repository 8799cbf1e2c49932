"""How the register blocks hang together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

from priot.sim.cpu.state import Chip, Machine, machine_without_program
from priot.sim.peripherals import adc, uart, usb_bus
from priot.sim.peripherals.adc import Adc
from priot.sim.peripherals.busctrl import Busctrl, Crossbar
from priot.sim.peripherals.clock_outputs import ClockOutputs
from priot.sim.peripherals.clocks import Clocks
from priot.sim.peripherals.dma import DmaRegisters
from priot.sim.peripherals.i2c import I2c
from priot.sim.peripherals.i2c_bus import I2cBus
from priot.sim.peripherals.i2c_line import I2cLine
from priot.sim.peripherals.interrupts import InterruptLine, Irq
from priot.sim.peripherals.io_bank import UART, Heard, IoBank
from priot.sim.peripherals.pads import Pads
from priot.sim.peripherals.pio import Pio
from priot.sim.peripherals.pll import Pll
from priot.sim.peripherals.psm import Psm
from priot.sim.peripherals.pwm import PwmRegisters
from priot.sim.peripherals.registers import RegisterBlock
from priot.sim.peripherals.requests import Dreq, RequestLine
from priot.sim.peripherals.resets import Resets
from priot.sim.peripherals.rosc import Rosc
from priot.sim.peripherals.rtc import Rtc
from priot.sim.peripherals.scheduler import NEVER, Scheduler
from priot.sim.peripherals.serial_pins import I2cPins, SpiPins
from priot.sim.peripherals.sio import Sio
from priot.sim.peripherals.spi import Spi
from priot.sim.peripherals.spi_flash import SpiFlash
from priot.sim.peripherals.spi_line import SpiLine
from priot.sim.peripherals.syscfg import Syscfg
from priot.sim.peripherals.sysinfo import Sysinfo
from priot.sim.peripherals.tbman import Tbman
from priot.sim.peripherals.timebase import Timebase
from priot.sim.peripherals.timed_block import TimedBlock
from priot.sim.peripherals.timer import Timer
from priot.sim.peripherals.uart import Uart
from priot.sim.peripherals.uart_line import UartLine
from priot.sim.peripherals.usb_host import UsbHost
from priot.sim.peripherals.usbctrl import DPRAM_SIZE, Usbctrl
from priot.sim.peripherals.vreg_and_chip_reset import VregAndChipReset
from priot.sim.peripherals.watchdog import Watchdog
from priot.sim.peripherals.xip_cache import XipCache
from priot.sim.peripherals.xip_ctrl import XipCtrl
from priot.sim.peripherals.xip_ssi import XipSsi
from priot.sim.peripherals.xip_stream import XipAux, XipStream
from priot.sim.peripherals.xosc import Xosc

_CRYSTAL_HZ = 12_000_000  # of a Pico
_RANDOM_SEED = 0x2040  # of ROSC.RANDOMBIT, so that runs repeat
_BANK0_PINS = tuple(f"GPIO{pin}" for pin in range(30))
_QSPI_PINS = tuple(f"GPIO_QSPI_{pin}" for pin in ["SCLK", "SS", "SD0", "SD1", "SD2", "SD3"])
# Reset values of the pads: 2.19.6.3 and 2.19.6.4.
_BANK0_PADS = dict.fromkeys(_BANK0_PINS, 0x56) | {"SWCLK": 0xDA, "SWD": 0x5A}
_QSPI_PADS = {
    "GPIO_QSPI_SCLK": 0x56,
    "GPIO_QSPI_SD0": 0x52,
    "GPIO_QSPI_SD1": 0x52,
    "GPIO_QSPI_SD2": 0x52,
    "GPIO_QSPI_SD3": 0x52,
    "GPIO_QSPI_SS": 0x5A,
}


def _ignore(*_arguments: object) -> None:
    """What happens where nobody listens."""


class _NoCache:
    """Flash without a cache: counts nothing."""

    hits = accesses = word_cycles = 0

    def word_at(self, address: int) -> int:
        return 0

    def flush(self) -> None:
        pass

    def enable(self, on: bool) -> None:
        pass

    def read_takes(self, cycles: int) -> None:
        pass


class _NoCrossbar:
    """A bus on which nothing is counted."""

    def prioritise(self, masters: Sequence[bool]) -> None:
        pass

    def count(self, on: bool) -> None:
        pass

    def events(self, number: int) -> int:
        return 0


@dataclass(frozen=True)
class Surroundings:
    """What the peripherals call, all of it optional.

    Attributes:
        irq: interrupt request number and level, on every change.
        dreq: number and level of a data request to the DMA, on every change.
        uart0, uart1: each byte that is sent.
        usb_serial: what the host gets from the first serial port behind USB.
        usb_dpram: the USB controller's memory, DPRAM_SIZE bytes.
        seconds: gives the time of a cycle since power-on.
        on_reset: the watchdog resets the chip.
        force_core1_off: PSM holds core 1 in reset (True), or lets it go.
        on_clock_lost: clk_sys stands still; nothing will go on.
        on_system_hz: new frequency of clk_sys in Hz, never 0, after the program changed it.
        on_tick_hz: new frequency of the watchdog's tick in Hz, after the program changed it.
        cache: the flash cache behind XIP_CTRL.
        crossbar: the bus behind BUSCTRL.
        machine: the integers of cores and native devices.
    """

    irq: Callable[[int, bool], None] = _ignore
    dreq: Callable[[int, bool], None] = _ignore
    uart0: Callable[[int], None] = _ignore
    uart1: Callable[[int], None] = _ignore
    usb_serial: Callable[[bytes], None] = _ignore
    usb_dpram: memoryview = field(default_factory=lambda: memoryview(bytearray(DPRAM_SIZE)))
    seconds: Callable[[int], float] = lambda _: 0.0
    on_reset: Callable[[], None] = _ignore
    force_core1_off: Callable[[bool], None] = _ignore
    on_clock_lost: Callable[[], None] = _ignore
    on_system_hz: Callable[[Fraction], None] = _ignore
    on_tick_hz: Callable[[Fraction], None] = _ignore
    cache: XipCache = field(default_factory=_NoCache)
    crossbar: Crossbar = field(default_factory=_NoCrossbar)
    machine: Machine = field(default_factory=machine_without_program)


class Peripherals:
    """All register blocks that are modelled, wired together.

    Args:
        scheduler: the owner of time.
        surroundings: what they call.

    Attributes:
        blocks: all of them, for the bus of core 0.
        sios: SIO as each core sees it.
        i2c_buses: what is wired to I2C0 and to I2C1.
        usb_host: what the USB socket is connected to.
    """

    def __init__(self, scheduler: Scheduler, surroundings: Surroundings) -> None:
        self._surroundings = around = surroundings
        machine = around.machine
        self.timebase = timebase = Timebase(scheduler)

        def line(number: Irq) -> InterruptLine:
            return InterruptLine(around.irq, number)

        def request(number: Dreq) -> RequestLine:
            return RequestLine(around.dreq, number)

        self.rosc = Rosc(timebase, _RANDOM_SEED)
        self.xosc = xosc = Xosc(timebase, _CRYSTAL_HZ)
        self.pll_sys = Pll("PLL_SYS", 0x4002_8000, timebase, xosc.source_hz)
        self.pll_usb = Pll("PLL_USB", 0x4002_C000, timebase, xosc.source_hz)
        sources = {
            "rosc": self.rosc.source_hz,
            "xosc": xosc.source_hz,
            "pll_sys": lambda: self.pll_sys.hz,
            "pll_usb": lambda: self.pll_usb.hz,
        }
        self.clocks = clocks = Clocks(timebase, sources, line(Irq.CLOCKS), around.on_clock_lost)
        ClockOutputs(machine, timebase, clocks)
        self.watchdog = Watchdog(timebase, lambda: clocks.hz("clk_ref"), around.on_reset)
        alarms = (Irq.TIMER_0, Irq.TIMER_1, Irq.TIMER_2, Irq.TIMER_3)
        self.timer = Timer(scheduler, self.watchdog.ticks, [line(number) for number in alarms])
        self.pads_bank0 = Pads("PADS_BANK0", 0x4001_C000, _BANK0_PADS, _BANK0_PINS)
        self.pads_qspi = Pads("PADS_QSPI", 0x4002_0000, _QSPI_PADS, _QSPI_PINS)
        self.io_bank0 = IoBank(
            *("IO_BANK0", 0x4001_4000, _BANK0_PINS, self.pads_bank0, Irq.IO_BANK0),
            *(machine, Chip.PINS, scheduler),
        )
        self.io_qspi = IoBank(
            *("IO_QSPI", 0x4001_8000, _QSPI_PINS, self.pads_qspi, Irq.IO_QSPI),
            *(machine, Chip.PINS_HI, scheduler),
        )
        uart_counter = timebase.counter(lambda: clocks.hz("clk_peri") * uart.COUNTS_PER_CYCLE)
        uart_lines = [UartLine(machine, scheduler, number, uart_counter) for number in (0, 1)]
        self._uart_inputs = [line.rx for line in uart_lines]
        self.uart0 = Uart(
            *("UART0", 0x4003_4000, scheduler, uart_counter, line(Irq.UART0)),
            *(request(Dreq.UART0_TX), request(Dreq.UART0_RX), around.uart0, uart_lines[0]),
        )
        self.uart1 = Uart(
            *("UART1", 0x4003_8000, scheduler, uart_counter, line(Irq.UART1)),
            *(request(Dreq.UART1_TX), request(Dreq.UART1_RX), around.uart1, uart_lines[1]),
        )
        self._i2c_pins = [I2cPins(self.io_bank0, number) for number in (0, 1)]
        self.i2c_buses = I2cBus(), I2cBus()
        self._joined_i2c = I2cBus(*self.i2c_buses)
        self.i2c = tuple(
            I2c(
                *(f"I2C{number}", 0x4004_4000 + 0x4000 * number, scheduler),
                line(Irq(Irq.I2C0 + number)),
                request(Dreq(Dreq.I2C0_TX + 2 * number)),
                request(Dreq(Dreq.I2C0_RX + 2 * number)),
                self.i2c_buses[number],
                self._i2c_pins[number],
                I2cLine(machine, scheduler, number, self._i2c_pins[number]),
            )
            for number in (0, 1)
        )
        spi_counter = timebase.counter(lambda: clocks.hz("clk_peri"))
        spi_pins = [SpiPins(self.io_bank0, number) for number in (0, 1)]
        self.spi = tuple(
            Spi(
                *(f"SPI{number}", 0x4003_C000 + 0x4000 * number, scheduler, spi_counter),
                line(Irq(Irq.SPI0 + number)),
                request(Dreq(Dreq.SPI0_TX + 2 * number)),
                request(Dreq(Dreq.SPI0_RX + 2 * number)),
                spi_pins[number],
                SpiLine(machine, scheduler, number, spi_counter, spi_pins[number]),
            )
            for number in (0, 1)
        )
        for master in (0, 1):
            self.spi[master].bus.attach_slave(self.spi[1 - master], spi_pins[1 - master])
        self.io_bank0.on_change, self.io_bank0.on_watched = self.rewire, self._look_at_pins
        self.sios = Sio(scheduler, machine, 0), Sio(scheduler, machine, 1)
        self.adc = Adc(
            scheduler,
            timebase.counter(lambda: clocks.hz("clk_adc") * adc.COUNTS_PER_CYCLE),
            line(Irq.ADC_FIFO),
            request(Dreq.ADC),
            around.seconds,
        )
        self.rtc = Rtc(scheduler, timebase.counter(lambda: clocks.hz("clk_rtc")), line(Irq.RTC))
        self.resets = Resets()
        self.usbctrl = Usbctrl(line(Irq.USBCTRL), around.usb_dpram)
        self.usb_host = UsbHost(
            scheduler,
            timebase.counter(lambda: Fraction(usb_bus.BIT_HZ)),
            self.usbctrl,
            around.usb_serial,
        )
        self.xip_ssi = XipSsi(
            *(scheduler, self.io_qspi, SpiFlash(), around.cache, line(Irq.XIP)),
            *(request(Dreq.XIP_SSITX), request(Dreq.XIP_SSIRX)),
        )
        stream = XipStream(scheduler, around.cache, request(Dreq.XIP_STREAM))
        self.blocks: list[RegisterBlock] = [
            self.rosc, clocks, xosc, self.pll_sys, self.pll_usb, self.watchdog, self.timer,
            self.resets, Psm(around.force_core1_off), Sysinfo(), Syscfg(),
            VregAndChipReset(), Tbman(), Busctrl(around.crossbar),
            self.pads_bank0, self.pads_qspi, self.io_bank0, self.io_qspi, self.uart0, self.uart1,
            *self.i2c, *self.spi, self.adc, self.rtc, self.sios[0],
            DmaRegisters(machine, scheduler), PwmRegisters(machine, scheduler),
            Pio(0, machine, scheduler), Pio(1, machine, scheduler),
            XipCtrl(around.cache, stream), XipAux(stream), self.xip_ssi, self.usbctrl,
        ]  # fmt: skip
        self.resets.on_reset = {block.name: partial(_reset, block) for block in self.blocks} | {
            "USBCTRL": self.usbctrl.reset
        }
        self.reset()
        timebase.on_change = self._tell_frequencies

    @property
    def uarts(self) -> tuple[Uart, Uart]:
        """Both."""
        return self.uart0, self.uart1

    @property
    def parts(self) -> list[object]:
        """All that knows others of them, and they it."""
        others = (self.timebase, *self.i2c_buses, self._joined_i2c, *self.usb_host.parts)
        return [*self.blocks, self.sios[1], *others, self]

    def reset(self) -> None:
        """Power-on. Time may have begun anew before."""
        self.timebase.held = True
        self.timebase.reset()
        machine = self._surroundings.machine
        machine.chip[Chip.DEVICES_AT], machine.chip[Chip.DEVICES_ON] = NEVER, 0
        for bank in (self.io_bank0, self.io_qspi):
            bank.release()
        for block in (*self.blocks, self.sios[1]):
            block.reset()
        self.usb_host.reset()
        self._system_hz, self._tick_hz = self.clocks.hz("clk_sys"), self.watchdog.tick_hz()
        self.timebase.held = False
        self.timebase.changed()

    def rewire(self) -> None:
        """Pins got other functions, or wires changed: which buses are one, and what selects."""
        joined = self._i2c_pins[0].share_a_bus(self._i2c_pins[1])
        for controller, own in zip(self.i2c, self.i2c_buses, strict=True):
            controller.bus = self._joined_i2c if joined else own
        first, second = self.spi
        selects = first.bus.selecting_pins | second.bus.selecting_pins
        zero, one = (self._listening(number) for number in (0, 1))
        self.io_bank0.watch(selects | zero | one)

    def _listening(self, number: int) -> int:
        """The pins by which something may come to a UART from a wire or from outside."""
        return self._uart_inputs[number] & self.io_bank0.pins_of(UART) & self.io_bank0.connected

    def _look_at_pins(self, heard: Sequence[Heard]) -> None:
        for number, receiver in enumerate(self.uarts):
            pins = self._listening(number)
            for cycle, inputs in heard if pins else ():
                receiver.hear(cycle, bool(inputs & pins))  # 1.4.3: the OR of several pins
        for controller in self.spi:
            controller.bus.look()

    def _tell_frequencies(self) -> None:
        self.usbctrl.clocked(self.clocks.hz("clk_usb"))
        system_hz, tick_hz = self.clocks.hz("clk_sys"), self.watchdog.tick_hz()
        if system_hz not in (self._system_hz, 0):
            self._system_hz = system_hz
            self._surroundings.on_system_hz(system_hz)
        if tick_hz != self._tick_hz:
            self._tick_hz = tick_hz
            self._surroundings.on_tick_hz(tick_hz)


def _reset(block: RegisterBlock) -> None:
    block.reset()
    if isinstance(block, TimedBlock):
        block.reschedule()


def all_peripherals(scheduler: Scheduler, surroundings: Surroundings | None = None) -> Peripherals:
    """All register blocks of a Pico that are modelled, after power-on."""
    return Peripherals(scheduler, surroundings or Surroundings())
