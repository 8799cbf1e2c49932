"""A Pico's peripherals without a processor: registers by name, time by hand."""

from fractions import Fraction

from priot.sim.cpu.lines import FIRST_IRQ
from priot.sim.cpu.state import Core, machine_without_program
from priot.sim.peripherals import (
    NEVER,
    Peripherals,
    Scheduler,
    Surroundings,
    XipCache,
    all_peripherals,
)
from priot.sim.peripherals.usbctrl import DPRAM_SIZE


class Board:
    """Peripherals with their surroundings recorded.

    Attributes:
        sent: bytes of UART0.
        usb_sent: what the first serial port behind USB sent to the host.
        dpram: the USB controller's memory.
        data_requests: numbers of the requests to the DMA that are raised.
        events: "reset", "clock lost" and frequencies, in order.
    """

    def __init__(self, cache: XipCache | None = None) -> None:
        self.clock = Scheduler()
        self.sent = bytearray()
        self.usb_sent = bytearray()
        self.dpram = memoryview(bytearray(DPRAM_SIZE))
        self._requested: set[int] = set()
        self.data_requests: set[int] = set()
        self.machine = machine_without_program()
        self.events: list[object] = []

        def irq(number: int, level: bool) -> None:
            assert (number in self._requested) != level, "told of a change that is none"
            self._requested ^= {number}

        def dreq(number: int, level: bool) -> None:
            assert (number in self.data_requests) != level, "told of a change that is none"
            self.data_requests ^= {number}

        around = {
            "irq": irq,
            "dreq": dreq,
            "seconds": lambda cycle: cycle / 5000,
            "uart0": self.sent.append,
            "usb_serial": self.usb_sent.extend,
            "usb_dpram": self.dpram,
            "machine": self.machine,
            "on_reset": lambda: self.events.append("reset"),
            "on_clock_lost": lambda: self.events.append("clock lost"),
            "on_system_hz": lambda hz: self.events.append(("clk_sys", hz)),
            "on_tick_hz": lambda hz: self.events.append(("tick", hz)),
        }
        if cache is not None:
            around["cache"] = cache
        self.chip: Peripherals = all_peripherals(self.clock, Surroundings(**around))
        self.blocks = {block.name: block for block in self.chip.blocks}
        self._offsets = {
            (block.name, register.name): register.offset
            for block in self.chip.blocks
            for register in block.registers
        }

    @property
    def interrupts(self) -> set[int]:
        """Numbers of the requests that are raised, for core 0."""
        lines = int(self.machine.cores[0][Core.LINES]) >> FIRST_IRQ
        return self._requested | {number for number in range(32) if lines >> number & 1}

    def read(self, block: str, register: str) -> int:
        value = self.blocks[block].read(self._offsets[block, register])
        assert value is not None
        assert 0 <= value < 1 << 32
        return value

    def write(self, block: str, register: str, value: int) -> None:
        assert self.blocks[block].write(self._offsets[block, register], value)
        self.chip.io_bank0.tell_watched()  # as the loop does between instructions

    def set_bits(self, block: str, register: str, bits: int) -> None:
        """As the bus does it for the SET alias."""
        self.write(block, register, self.read(block, register) | bits)

    def clear_bits(self, block: str, register: str, bits: int) -> None:
        """As the bus does it for the CLEAR alias."""
        self.write(block, register, self.read(block, register) & ~bits)

    def run(self, cycles: int) -> None:
        """Let time pass; events on the way happen when they are due."""
        self.clock.advance(self.clock.cycles + cycles)

    def wait_for(self, block: str, register: str, mask: int, value: int, step: int = 1) -> int:
        """Poll until the masked register has a value; the cycles that it took."""
        start = self.clock.cycles
        while self.read(block, register) & mask != value:
            self.clock.advance(self.clock.cycles + step)
            assert self.clock.cycles - start < 10_000_000, f"{block}.{register} stays"
        return self.clock.cycles - start

    def wait_for_event(self, block: str, register: str, mask: int, value: int) -> int:
        """Go from event to event until the masked register has a value; the cycles it took."""
        start = self.clock.cycles
        while self.read(block, register) & mask != value:
            assert not self.sleeps(), f"{block}.{register} stays"
            self.clock.advance(self.clock.next)
        return self.clock.cycles - start

    def hz(self, clock: str) -> Fraction:
        return self.chip.clocks.hz(clock)

    def sleeps(self) -> bool:
        return self.clock.next == NEVER

    # What the SDK does between crt0 and main, by its documented behaviour (pico-sdk 2.x,
    # runtime_init.c, runtime_init_clocks.c, hardware_xosc, hardware_pll, hardware_clocks).

    def release(self, bits: int) -> None:
        self.clear_bits("RESETS", "RESET", bits)
        while ~self.read("RESETS", "RESET_DONE") & bits:
            pass

    def start_tick(self, mhz: int) -> None:
        self.write("WATCHDOG", "TICK", mhz | 1 << 9)

    def start_xosc(self) -> int:
        self.write("XOSC", "CTRL", 0xAA0)
        self.write("XOSC", "STARTUP", 47)
        self.set_bits("XOSC", "CTRL", 0xFAB << 12)
        return self.wait_for("XOSC", "STATUS", 1 << 31, 1 << 31)

    def start_pll(self, pll: str, reference_divisor: int, vco_mhz: int, *post: int) -> None:
        reset_bit = {"PLL_SYS": 1 << 12, "PLL_USB": 1 << 13}[pll]
        self.set_bits("RESETS", "RESET", reset_bit)
        self.release(reset_bit)
        self.write(pll, "CS", reference_divisor)
        self.write(pll, "FBDIV_INT", vco_mhz * reference_divisor // 12)
        self.clear_bits(pll, "PWR", 0x21)  # PD, VCOPD
        self.wait_for(pll, "CS", 1 << 31, 1 << 31)
        self.write(pll, "PRIM", post[0] << 16 | post[1] << 12)
        self.clear_bits(pll, "PWR", 0x8)  # POSTDIVPD

    def configure(self, clock: str, source: int, aux: int, divisor: int = 1) -> None:
        control, has_source = f"{clock}_CTRL", clock in ("CLK_REF", "CLK_SYS")
        has_divisor = clock != "CLK_PERI"
        if has_divisor and divisor << 8 > self.read("CLOCKS", f"{clock}_DIV"):
            self.write("CLOCKS", f"{clock}_DIV", divisor << 8)
        if has_source and source == 1:
            self.clear_bits("CLOCKS", control, 3)
            self.wait_for("CLOCKS", f"{clock}_SELECTED", 1, 1)
        else:
            self.clear_bits("CLOCKS", control, 1 << 11)
        value = self.read("CLOCKS", control)
        self.write("CLOCKS", control, value & ~0xE0 | aux << 5)
        if has_source:
            value = self.read("CLOCKS", control)
            self.write("CLOCKS", control, value & ~3 | source)
            self.wait_for("CLOCKS", f"{clock}_SELECTED", 1 << source, 1 << source)
        self.set_bits("CLOCKS", control, 1 << 11)
        if has_divisor:
            self.write("CLOCKS", f"{clock}_DIV", divisor << 8)

    def init_clocks(self) -> None:
        self.start_tick(12)
        self.write("CLOCKS", "CLK_SYS_RESUS_CTRL", 0)
        self.start_xosc()
        self.clear_bits("CLOCKS", "CLK_SYS_CTRL", 1)
        self.wait_for("CLOCKS", "CLK_SYS_SELECTED", 0xFFFF_FFFF, 1)
        self.clear_bits("CLOCKS", "CLK_REF_CTRL", 3)
        self.wait_for("CLOCKS", "CLK_REF_SELECTED", 0xFFFF_FFFF, 1)
        self.start_pll("PLL_SYS", 1, 1500, 6, 2)
        self.start_pll("PLL_USB", 1, 1200, 5, 5)
        self.configure("CLK_REF", 2, 0)
        self.configure("CLK_SYS", 1, 0)
        self.configure("CLK_USB", 0, 0)
        self.configure("CLK_ADC", 0, 0)
        self.configure("CLK_RTC", 0, 0, 1024)
        self.configure("CLK_PERI", 0, 0)
        self.release(0x1FF_FFFF)

    def init_uart(self, baud: int) -> None:
        reset_bit = 1 << 22
        self.set_bits("RESETS", "RESET", reset_bit)
        self.release(reset_bit)
        divisor = 8 * int(self.hz("clk_peri")) // baud + 1
        self.write("UART0", "UARTIBRD", divisor >> 7)
        self.write("UART0", "UARTFBRD", (divisor & 0x7F) >> 1)
        self.set_bits("UART0", "UARTLCR_H", 0)
        self.write("UART0", "UARTLCR_H", 3 << 5)  # 8 bits, no parity, 1 stop bit
        self.set_bits("UART0", "UARTLCR_H", 1 << 4)  # FIFOs
        self.write("UART0", "UARTCR", 1 | 1 << 8 | 1 << 9)
