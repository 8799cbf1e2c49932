"""CLOCKS: the clock generators and the frequency counter. Source: RP2040 datasheet, 2.15.

Multiplexers switch at once, gates of sleep mode are registers without effect, and GPIN0 and GPIN1
have no clock. A stop of clk_sys is met by resus at once, without its timeout.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from priot.sim.peripherals.interrupts import InterruptLine
from priot.sim.peripherals.registers import Register, RegisterBlock, field
from priot.sim.peripherals.scheduler import NEVER
from priot.sim.peripherals.timebase import Timebase

_ENABLE, _KILL = 1 << 11, 1 << 10
_RESUS_CLEAR, _RESUS_FORCE, _RESUS_ENABLE = 1 << 16, 1 << 12, 1 << 8
_GPOUT_AUX = [
    "pll_sys",
    "gpin0",
    "gpin1",
    "pll_usb",
    "rosc",
    "xosc",
    "clk_sys",
    "clk_usb",
    "clk_adc",
    "clk_rtc",
    "clk_ref",
]
_SLOW_AUX = ("pll_usb", "pll_sys", "rosc", "xosc", "gpin0", "gpin1")
# 2.15.6: what FC0_SRC selects, from 1 on.
_FC0_SOURCES = [
    "pll_sys",
    "pll_usb",
    "rosc",
    "rosc",
    "xosc",
    "gpin0",
    "gpin1",
    "clk_ref",
    "clk_sys",
    "clk_peri",
    "clk_usb",
    "clk_adc",
    "clk_rtc",
]


@dataclass(frozen=True)
class _Generator:
    """One clock generator; `aux` by AUXSRC, `sources` by SRC of a glitchless mux."""

    name: str
    offset: int
    control: int  # writable bits of CTRL
    divisor: int  # writable bits of DIV, 0 if there is none
    aux: tuple[str, ...]
    aux_high: int  # AUXSRC is aux_high..5
    sources: tuple[str, ...] = ()


_GENERATORS = (
    *(
        _Generator(f"clk_gpout{i}", 12 * i, 0x13_1DE0, 0xFFFF_FFFF, tuple(_GPOUT_AUX), 8)
        for i in range(4)
    ),
    _Generator(
        "clk_ref", 0x30, 0x63, 0x300, ("pll_usb", "gpin0", "gpin1"), 6, ("rosc", "aux", "xosc")
    ),
    _Generator(
        "clk_sys",
        0x3C,
        0xE1,
        0xFFFF_FFFF,
        ("pll_sys", "pll_usb", "rosc", "xosc", "gpin0", "gpin1"),
        7,
        ("clk_ref", "aux"),
    ),
    _Generator(
        "clk_peri",
        0x48,
        0xCE0,
        0,
        ("clk_sys", "pll_sys", "pll_usb", "rosc", "xosc", "gpin0", "gpin1"),
        7,
    ),
    _Generator("clk_usb", 0x54, 0x13_0CE0, 0x300, _SLOW_AUX, 7),
    _Generator("clk_adc", 0x60, 0x13_0CE0, 0x300, _SLOW_AUX, 7),
    _Generator("clk_rtc", 0x6C, 0x13_0CE0, 0xFFFF_FFFF, _SLOW_AUX, 7),
)


class Clocks(RegisterBlock):
    """All clocks of the chip.

    Args:
        sources: give the frequencies in Hz of "rosc", "xosc", "pll_sys" and "pll_usb".
        line: the interrupt request of resus.
        on_clock_lost: called when clk_sys stands still, which stops the chip for good.
    """

    name = "CLOCKS"
    base = 0x4000_8000

    def __init__(
        self,
        timebase: Timebase,
        sources: dict[str, Callable[[], Fraction]],
        line: InterruptLine,
        on_clock_lost: Callable[[], None],
    ) -> None:
        self._timebase = timebase
        self._sources = sources
        self._line = line
        self._on_clock_lost = on_clock_lost
        self._generators = {generator.name: generator for generator in _GENERATORS}
        self._known, self._known_since = dict[str, Fraction](), -1
        self._resus = False
        super().__init__(
            *(register for generator in _GENERATORS for register in self._mux(generator)),
            Register(0x78, "CLK_SYS_RESUS_CTRL", 0xFF, 0x1_11FF, on_write=self._write_resus),
            Register(0x7C, "CLK_SYS_RESUS_STATUS", 0, 0, on_read=lambda: int(self._resus)),
            Register(0x80, "FC0_REF_KHZ", 0, 0xF_FFFF),
            Register(0x84, "FC0_MIN_KHZ", 0, 0x1FF_FFFF),
            Register(0x88, "FC0_MAX_KHZ", 0x1FF_FFFF, 0x1FF_FFFF),
            Register(0x8C, "FC0_DELAY", 1, 0x7),
            Register(0x90, "FC0_INTERVAL", 0x8, 0xF),
            Register(0x94, "FC0_SRC", 0, 0xFF, on_write=self._start_measuring),
            Register(
                *(0x98, "FC0_STATUS", 0, 0, self._read_fc0_status),
                steady_until=self._fc0_steady_until,
            ),
            Register(0x9C, "FC0_RESULT", 0, 0, on_read=self._read_fc0_result),
            Register(0xA0, "WAKE_EN0", 0xFFFF_FFFF),
            Register(0xA4, "WAKE_EN1", 0x7FFF, 0x7FFF),
            Register(0xA8, "SLEEP_EN0", 0xFFFF_FFFF),
            Register(0xAC, "SLEEP_EN1", 0x7FFF, 0x7FFF),
            Register(0xB0, "ENABLED0", 0, 0, on_read=lambda: self["WAKE_EN0"]),
            Register(0xB4, "ENABLED1", 0, 0, on_read=lambda: self["WAKE_EN1"]),
            Register(0xB8, "INTR", 0, 0, on_read=lambda: int(self._resus)),
            Register(0xBC, "INTE", 0, 0x1, on_write=self._write_interrupt),
            Register(0xC0, "INTF", 0, 0x1, on_write=self._write_interrupt),
            Register(0xC4, "INTS", 0, 0, on_read=self._read_ints),
        )
        self._ref_edges = timebase.counter(lambda: self.hz("clk_ref"))
        self._measured_from = 0
        timebase.system_hz = lambda: self.hz("clk_sys")
        timebase.on_stand = self._system_clock_stands

    def reset(self) -> None:
        """clk_ref and clk_sys from the ROSC, all other clocks off."""
        super().reset()
        self._resus = False
        self._measured_from = 0
        self._line.set(False)
        self._timebase.changed()

    def hz(self, name: str) -> Fraction:
        """The exact frequency in Hz of a clock ("clk_sys") or source ("pll_sys"), 0 if it stands.

        Raises:
            KeyError: there is no such clock.
        """
        if self._known_since != self._timebase.changes:
            self._known, self._known_since = {}, self._timebase.changes
        if name not in self._known:
            self._known[name] = self._hz_now(name)
        return self._known[name]

    def _hz_now(self, name: str) -> Fraction:
        if name in self._sources:
            return self._sources[name]()
        if name in ("gpin0", "gpin1"):
            return Fraction(0)
        generator = self._generators[name]
        source = self._selected(generator)
        if source is None:
            return Fraction(0)
        return self.hz(source) / self._divisor(generator)

    def _mux(self, generator: _Generator) -> list[Register]:
        name, offset = generator.name.upper(), generator.offset
        # Without a divider the word is reserved and stays 0; the SDK writes it all the same.
        divisor = 0x100 if generator.divisor else 0
        return [
            Register(offset, f"{name}_CTRL", 0, generator.control, on_write=self._changed),
            Register(offset + 4, f"{name}_DIV", divisor, generator.divisor, on_write=self._changed),
            Register(offset + 8, f"{name}_SELECTED", 1, 0, lambda: 1 << self._source(generator)),
        ]

    def _source(self, generator: _Generator) -> int:
        """What the glitchless mux has selected; 0 for generators without one."""
        if generator.name == "clk_sys" and self._resus:
            return 0
        control = self[f"{generator.name.upper()}_CTRL"]
        return control & 3 if generator.sources else 0

    def _selected(self, generator: _Generator) -> str | None:
        control = self[f"{generator.name.upper()}_CTRL"]
        index = field(control, generator.aux_high, 5)
        aux = generator.aux[index] if index < len(generator.aux) else None
        if generator.sources:
            source = self._source(generator)
            name = generator.sources[source] if source < len(generator.sources) else None
            return aux if name == "aux" else name
        return aux if control & _ENABLE and not control & _KILL else None

    def _divisor(self, generator: _Generator) -> Fraction:
        if not generator.divisor:
            return Fraction(1)
        value = self[f"{generator.name.upper()}_DIV"]
        whole, part = value >> 8 or 1 << 16, value & 0xFF  # 2.15.7: 0 divides by 2^16
        # Dividers between 1 and 2 do not work on silicon: they divide by 1 (pico-sdk issue 2189).
        return Fraction(whole * 256 + (part if whole > 1 else 0), 256)

    def _changed(self, _value: int) -> None:
        self._timebase.changed()

    def _system_clock_stands(self) -> None:
        if self["CLK_SYS_RESUS_CTRL"] & _RESUS_ENABLE and self.hz("clk_ref"):
            self._resuscitate()
        else:
            self._on_clock_lost()

    def _resuscitate(self) -> None:
        self._resus = True
        self._timebase.changed()
        self._write_interrupt(0)

    def _write_resus(self, value: int) -> None:
        if value & _RESUS_CLEAR and self._resus:
            self._resus = False
            self._write_interrupt(0)
            self._timebase.changed()
        if value & _RESUS_FORCE and value & _RESUS_ENABLE:
            self._resuscitate()

    def _write_interrupt(self, _value: int) -> None:
        self._line.set(bool(self._read_ints()))

    def _read_ints(self) -> int:
        return int(self._resus) & self["INTE"] | self["INTF"]

    # The frequency counter, 2.15.4: edges of the tested clock in 2^INTERVAL / 1024 ms by clk_ref.

    def _start_measuring(self, _value: int) -> None:
        self._measured_from = self._ref_edges.count

    def _tested(self) -> str | None:
        index = self["FC0_SRC"] - 1
        return _FC0_SOURCES[index] if 0 <= index < len(_FC0_SOURCES) else None

    def _is_measured(self) -> bool:
        tested = self._tested()
        if tested is None or not self.hz("clk_ref"):
            return False
        return self._ref_edges.count >= self._measured_at()

    def _measured_at(self) -> int:
        needed = (self["FC0_REF_KHZ"] << self["FC0_INTERVAL"]) // 1024 + self["FC0_DELAY"]
        return self._measured_from + needed

    def _fc0_steady_until(self) -> int:
        return NEVER if self._is_measured() else self._ref_edges.cycle_of(self._measured_at())

    def _read_fc0_result(self) -> int:
        tested = self._tested()
        if tested is None or not self._is_measured():
            return 0
        khz = self.hz(tested) / self.hz("clk_ref") * self["FC0_REF_KHZ"]
        edges = int(khz * (1 << self["FC0_INTERVAL"]) / 1024)
        return edges * 1024 * 32 >> self["FC0_INTERVAL"]  # KHZ 29:5, FRAC 4:0

    def _read_fc0_status(self) -> int:
        tested = self._tested()
        if tested is None:
            return 0
        stands = not self.hz(tested)  # boards measure 0 then
        if not self._is_measured():
            return stands << 12 | 1 << 8  # WAITING for the tested clock, RUNNING
        khz = self._read_fc0_result() >> 5
        slow, fast = khz < self["FC0_MIN_KHZ"], khz > self["FC0_MAX_KHZ"]
        failed = slow or fast
        return stands << 28 | 1 << 4 | (not failed) | failed << 16 | slow << 20 | fast << 24
