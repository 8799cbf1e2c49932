"""The boot ROM's image: its tables, and its functions against Python and NumPy.

Its code runs on a bare Unicorn, beside the simulator: nothing but ROM and SRAM is there. Floating
point, which the simulator computes, and cycles are tried on its own core.
"""

import math
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sim_programs import ElfSource, assemble, pico, program, set_registers
from unicorn import UC_ARCH_ARM, UC_HOOK_INTR, UC_MODE_THUMB, Uc, arm_const

from priot import firmware_elf, sim
from priot.sim import Fault, FlashError, Pico, Program, flash

ROM = (Path(sim.__file__).parent / "bootrom.bin").read_bytes()
SRAM, FLASH, SIO, RETURN = 0x2000_0000, 0x1000_0000, 0xD000_0000, 0x2004_0000
REGISTERS = [getattr(arm_const, f"UC_ARM_REG_R{i}") for i in range(8)]

words = st.integers(0, 0xFFFF_FFFF)
giants = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
FLOAT_EDGES = [0, 1, 0x7FFFFF, 0x800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0x4B800000]
DOUBLE_EDGES = [
    *(0, 1, 0xFFFFFFFFFFFFF, 0x10000000000000, 0x3FF0000000000000, 0x7FEFFFFFFFFFFFFF),
    *(0x7FF0000000000000, 0x7FF8000000000000, 0x4340000000000000),
]
floats = st.one_of(
    words, st.sampled_from(FLOAT_EDGES), st.sampled_from(FLOAT_EDGES).map(lambda x: x | 1 << 31)
)
doubles = st.one_of(
    giants, st.sampled_from(DOUBLE_EDGES), st.sampled_from(DOUBLE_EDGES).map(lambda x: x | 1 << 63)
)
near_ones = st.integers(0x3E000000, 0x41000000)  # exponents close together: sums that cancel


class Rom:
    """A core with the ROM at 0 that calls its functions."""

    def __init__(self) -> None:
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB, cpu=arm_const.UC_CPU_ARM_CORTEX_M0)
        self.uc.mem_map(0, 0x4000)
        self.uc.mem_map(SRAM, 0x42000)
        self.uc.mem_write(0, ROM)
        self.uc.mem_map(SIO, 0x1000)
        self.breakpoint: int | None = None
        self.uc.hook_add(UC_HOOK_INTR, self._on_interrupt)

    def _on_interrupt(self, uc: Uc, number: int, _data: object) -> None:
        assert number == 7, "not a BKPT"
        self.breakpoint = uc.mem_read(uc.reg_read(arm_const.UC_ARM_REG_PC), 1)[0]
        uc.emu_stop()

    def call(self, address: int, *arguments: int) -> list[int]:
        """r0-r3 after a call with these r0-r3; the stack and r4-r7 must come back as they were."""
        assert address & 1, "the Thumb bit is set"
        saved = [0x44444444, 0x55555555, 0x66666666, 0x77777777]
        values = [*arguments, *(0xDEADBEEF for _ in range(4 - len(arguments))), *saved]
        for register, value in zip(REGISTERS, values, strict=True):
            self.uc.reg_write(register, value & 0xFFFF_FFFF)
        self.uc.reg_write(arm_const.UC_ARM_REG_SP, SRAM + 0x42000)
        self.uc.reg_write(arm_const.UC_ARM_REG_LR, RETURN | 1)
        self.breakpoint = None
        self.uc.emu_start(address, RETURN, count=200_000)
        if self.breakpoint is None:
            assert self.uc.reg_read(arm_const.UC_ARM_REG_PC) == RETURN
            assert self.uc.reg_read(arm_const.UC_ARM_REG_SP) == SRAM + 0x42000
            assert [self.uc.reg_read(register) for register in REGISTERS[4:]] == saved
        return [self.uc.reg_read(register) for register in REGISTERS[:4]]


class Core:
    """The simulator's own core, which calls functions of the ROM from a halt in SRAM."""

    def __init__(self) -> None:
        self.target = Pico(program("bkpt #0"))

    def call(self, address: int, *arguments: int) -> list[int]:
        """As `Rom.call`."""
        assert address & 1, "the Thumb bit is set"
        saved = [0x44444444, 0x55555555, 0x66666666, 0x77777777]
        values = [*arguments, *(0xDEADBEEF for _ in range(4 - len(arguments))), *saved]
        named = {f"r{number}": value for number, value in enumerate(values)}
        set_registers(
            self.target, **named, sp=SRAM + 0x42000, lr=SRAM | 1, pc=address, xpsr=1 << 24
        )
        stop = self.target.run(max_cycles=100_000)
        self.cycles = stop.cycles
        after = self.target.registers
        assert (stop.immediate, after.pc, after.sp) == (0, SRAM, SRAM + 0x42000)
        assert [after.r4, after.r5, after.r6, after.r7] == saved
        return [after.r0, after.r1, after.r2, after.r3]

    @property
    def flags(self) -> tuple[bool, bool, bool]:
        """N, Z and C."""
        xpsr = self.target.registers.xpsr
        return bool(xpsr >> 31 & 1), bool(xpsr >> 30 & 1), bool(xpsr >> 29 & 1)


core = Core()
rom = Rom()


def half(address: int) -> int:
    return int(struct.unpack_from("<H", ROM, address)[0])


def lookup(table: int, code: str) -> int:
    """An entry by way of the ROM's own rom_table_lookup."""
    return rom.call(half(0x18), half(table), ord(code[0]) | ord(code[1]) << 8)[0]


FUNCTIONS = {
    code: lookup(0x14, code)
    for code in (
        *("P3", "R3", "L3", "T3", "MS", "S4", "MC", "C4", "UB"),
        *("DT", "DE", "WV", "IF", "EX", "RE", "RP", "FC", "CX"),
    )
}
DATA = {code: lookup(0x16, code) for code in ["CR", "GR", "FS", "FE", "FZ", "SF", "SD"]}


def entry(table: str, offset: int) -> int:
    return int(struct.unpack_from("<I", ROM, DATA[table] + offset)[0])


def call_float(offset: int, *bits: int) -> int:
    return core.call(entry("SF", offset), *bits)[0]


def call_double(offset: int, *bits: int) -> int:
    halves = [part for value in bits for part in (value & 0xFFFF_FFFF, value >> 32)]
    low, high = core.call(entry("SD", offset), *halves)[:2]
    return low | high << 32


def as_float(bits: int) -> np.float32:
    return np.uint32(bits).view(np.float32)


def as_double(bits: int) -> np.float64:
    return np.uint64(bits).view(np.float64)


def double_bits(value: float) -> int:
    return int(np.float64(value).view(np.uint64))


def float_bits(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def signed(value: int, bits: int = 32) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def same_float(bits: int, expected: np.float32) -> bool:
    got = as_float(bits)
    return bool(np.isnan(got) and np.isnan(expected)) or bits == float_bits(expected)


def same_double(bits: int, expected: np.float64) -> bool:
    got = as_double(bits)
    return bool(np.isnan(got) and np.isnan(expected)) or bits == double_bits(expected)


def test_header_is_laid_out_as_in_the_rp2040() -> None:
    assert len(ROM) == 16 * 1024
    assert ROM[0x10:0x14] == b"Mu\x01\x03"
    sp, reset = struct.unpack_from("<II", ROM)
    assert (sp, reset & 1) == (0x2004_1F00, 1)


def test_all_functions_and_data_are_found() -> None:
    assert all(address & 1 and address < len(ROM) for address in FUNCTIONS.values())
    assert all(0 < address < len(ROM) for address in DATA.values())
    assert lookup(0x14, "XX") == lookup(0x16, "XX") == 0
    assert DATA["FS"] < DATA["FE"]
    assert ROM[DATA["CR"] : DATA["CR"] + 14] == b"An independent"


@pytest.mark.parametrize("table", ["SF", "SD"])
def test_float_tables_have_32_functions(table: str) -> None:
    assert ROM[DATA[table] - 2] == 32, "the Pico SDK asks for the number of entries there"
    for offset in range(0, 0x80, 4):
        assert entry(table, offset) & 1
        assert entry(table, offset) < len(ROM)


@given(words)
def test_bit_functions(value: int) -> None:
    assert rom.call(FUNCTIONS["P3"], value)[0] == value.bit_count()
    assert rom.call(FUNCTIONS["R3"], value)[0] == int(f"{value:032b}"[::-1], 2)
    for shifted in (value, value >> (value & 31), value << (value & 31) & 0xFFFF_FFFF, 0):
        assert rom.call(FUNCTIONS["L3"], shifted)[0] == 32 - shifted.bit_length()
        trailing = (shifted & -shifted).bit_length() - 1 if shifted else 32
        assert rom.call(FUNCTIONS["T3"], shifted)[0] == trailing


@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 70), st.integers(0, 255))
def test_memory_functions(to: int, source: int, count: int, value: int) -> None:
    pattern = bytes(range(100, 228))
    at = SRAM + 0x100
    for code, arguments, expected in (
        ("MC", (at + to, SRAM + source, count), pattern[source : source + count]),
        ("C4", (at, SRAM, count), pattern[:count]),
        ("MS", (at + to, value, count), bytes([value]) * count),
        ("S4", (at, value, count), bytes([value]) * count),
    ):
        start = arguments[0] - at
        rom.uc.mem_write(SRAM, pattern)
        rom.uc.mem_write(at, bytes([0xEE]) * 128)
        assert rom.call(FUNCTIONS[code], *arguments)[0] == arguments[0]
        after = bytes(rom.uc.mem_read(at, 128))
        assert after == b"\xee" * start + expected + b"\xee" * (128 - start - len(expected))


@settings(max_examples=1000)
@given(st.one_of(st.tuples(floats, floats), st.tuples(near_ones, near_ones)), st.booleans())
def test_float_arithmetic(pair: tuple[int, int], negate: bool) -> None:
    x, y = pair[0], pair[1] ^ negate << 31
    a, b = as_float(x), as_float(y)
    with np.errstate(all="ignore"):
        for offset, expected in ((0x00, a + b), (0x04, a - b), (0x08, a * b), (0x0C, a / b)):
            assert same_float(call_float(offset, x, y), expected), (hex(offset), hex(x), hex(y))


@settings(max_examples=1000)
@given(st.tuples(doubles, doubles), st.integers(-60, 60))
def test_double_arithmetic(pair: tuple[int, int], near: int) -> None:
    x, y = pair
    close = y & ~(0x7FF << 52) | max(1, min(2046, (x >> 52 & 0x7FF) + near)) << 52
    with np.errstate(all="ignore"):
        for other in (y, close):
            a, b = as_double(x), as_double(other)
            for offset, expected in ((0x00, a + b), (0x04, a - b), (0x08, a * b), (0x0C, a / b)):
                assert same_double(call_double(offset, x, other), expected), hex(offset)


@settings(max_examples=1000)
@given(floats, doubles)
def test_square_root(single: int, double: int) -> None:
    for x in (single, single & 0x7FFF_FFFF):
        a = as_float(x)
        expected = a if np.isnan(a) else np.sqrt(a) if a >= 0 else np.float32(-np.inf)
        assert same_float(call_float(0x18, x), expected)
    for x in (double, double & 2**63 - 1):
        b = as_double(x)
        root = b if np.isnan(b) else np.sqrt(b) if b >= 0 else np.float64(-np.inf)
        assert same_double(call_double(0x18, x), root)


@given(floats, floats, doubles, doubles)
def test_comparison(x: int, y: int, u: int, v: int) -> None:
    cases = [
        ("SF", as_float(a), as_float(b), (a, b)) for a, b in ((x, y), (x, x), (x, x ^ 1 << 31))
    ] + [
        ("SD", as_double(a), as_double(b), (a & 0xFFFF_FFFF, a >> 32, b & 0xFFFF_FFFF, b >> 32))
        for a, b in ((u, v), (u, u), (u, u ^ 1 << 63))
    ]
    for table, a, b, arguments in cases:
        assume(not (np.isnan(a) or np.isnan(b)))
        order = int(a > b) - int(a < b)
        flags = (order < 0, order == 0, order >= 0)
        for offset in (0x10, 0x54):
            assert signed(core.call(entry(table, offset), *arguments)[0]) == order
            assert core.flags == flags
        assert core.call(entry(table, 0x14), *arguments)[: len(arguments)] == list(arguments)
        assert core.flags == flags


@given(floats, doubles)
def test_conversion_between_floats_and_doubles(x: int, y: int) -> None:
    with np.errstate(all="ignore"):
        low, high = core.call(entry("SF", 0x7C), x)[:2]
        assert same_double(low | high << 32, np.float64(as_float(x)))
        narrow = core.call(entry("SD", 0x7C), y & 0xFFFF_FFFF, y >> 32)[0]
        assert same_float(narrow, np.float32(as_double(y)))


def clamped(value: float, n: int, low: int, high: int) -> int:
    """value * 2^n as an integer, rounded towards -infinity."""
    if math.isinf(value) or math.isnan(value):
        return low if math.copysign(1, value) < 0 else high
    numerator, denominator = value.as_integer_ratio()
    scaled = numerator << n if n >= 0 else numerator
    return max(low, min(high, scaled // (denominator if n >= 0 else denominator << -n)))


RANGES = {  # offset by integer, offset by fixed point: bits, least, most
    (0x1C, 0x20): (32, -(2**31), 2**31 - 1),
    (0x24, 0x28): (32, 0, 2**32 - 1),
    (0x6C, 0x70): (64, -(2**63), 2**63 - 1),
    (0x74, 0x78): (64, 0, 2**64 - 1),
}


@settings(max_examples=1000)
@given(
    st.one_of(floats, st.integers(0x3000_0000, 0x6000_0000)),
    st.one_of(doubles, st.integers(0x3C0 << 52, 0x450 << 52)),
    st.integers(-40, 70),
    st.booleans(),
)
def test_conversion_to_integers(x: int, y: int, n: int, negative: bool) -> None:
    x, y = x | negative << 31, y | negative << 63
    for (plain, fixed), (bits, low, high) in RANGES.items():
        for offset, scale in ((plain, 0), (fixed, n)):
            for table, value, arguments in (
                ("SF", float(as_float(x)), (x, scale)),
                ("SD", float(as_double(y)), (y & 0xFFFF_FFFF, y >> 32, scale)),
            ):
                result = core.call(entry(table, offset), *arguments)
                got = result[0] | result[1] << 32 if bits == 64 else result[0]
                expected = clamped(value, scale, low, high)
                assert got == expected % (1 << bits), (table, hex(offset), value, scale)


@settings(max_examples=1000)
@given(giants, st.integers(0, 63), st.integers(-40, 70))
def test_conversion_from_integers(value: int, shift: int, n: int) -> None:
    wide = value >> shift
    narrow = wide & 0xFFFF_FFFF
    for plain, fixed, number, parts in (
        (0x2C, 0x30, signed(narrow), [narrow]),
        (0x34, 0x38, narrow, [narrow]),
        (0x5C, 0x60, signed(wide, 64), [wide & 0xFFFF_FFFF, wide >> 32]),
        (0x64, 0x68, wide, [wide & 0xFFFF_FFFF, wide >> 32]),
    ):
        for offset, scale in ((plain, 0), (fixed, n)):
            # Powers of two are exact, so one rounding is left; NumPy rounds an int64 once.
            exact = np.int64(number) if number < 2**63 else np.uint64(number)
            single = np.ldexp(np.float32(exact), -scale)
            double = np.ldexp(np.float64(exact), -scale)
            assert same_float(call_float(offset, *parts, scale), single)
            low, high = core.call(entry("SD", offset), *parts, scale)[:2]
            assert same_double(low | high << 32, double)


def ulps(got: npt.NDArray[np.float64], exact: npt.NDArray[np.longdouble], unit: type) -> float:
    """The largest error in units of the last place of `unit`."""
    spacing = np.abs(np.spacing(np.abs(exact).astype(unit))).astype(np.longdouble)
    return float(np.max(np.abs(got.astype(np.longdouble) - exact) / spacing))


choose = np.random.default_rng(3)
Exact = Callable[[npt.NDArray[np.longdouble]], npt.NDArray[np.longdouble]]
TRANSCENDENTAL: dict[str, tuple[int, Exact, npt.NDArray[np.float64]]] = {
    "cos": (0x3C, np.cos, choose.uniform(-127, 127, 400)),
    "sin": (0x40, np.sin, choose.uniform(-127, 127, 400)),
    "sin of small": (0x40, np.sin, choose.uniform(-1, 1, 200) * 10.0 ** choose.integers(-30, 0)),
    "sin near pi": (0x40, np.sin, np.arange(1, 40) * np.pi),
    "cos near pi/2": (0x3C, np.cos, (np.arange(1, 40) - 0.5) * np.pi),
    "tan": (0x44, np.tan, choose.uniform(-127, 127, 400)),
    "exp": (0x4C, np.exp, choose.uniform(-80, 80, 400)),
    "exp of small": (0x4C, np.exp, choose.uniform(-1, 1, 200)),
    "ln": (0x50, np.log, 10.0 ** choose.uniform(-37, 37, 400)),
    "ln near 1": (0x50, np.log, choose.uniform(0.6, 1.5, 400)),
}
if np.finfo(np.longdouble).nmant < 63:
    pytest.skip("needs a wider float to compare with", allow_module_level=True)


@pytest.mark.parametrize("name", TRANSCENDENTAL)
def test_transcendental_functions(name: str) -> None:
    offset, exact, arguments = TRANSCENDENTAL[name]
    got = np.array([as_double(call_double(offset, double_bits(x))) for x in arguments])
    assert ulps(got, exact(arguments.astype(np.longdouble)), np.float64) < 3
    singles = arguments.astype(np.float32)
    narrow = np.array([as_float(call_float(offset, float_bits(x))) for x in singles])
    assert ulps(narrow, exact(singles.astype(np.longdouble)), np.float32) < 1


def test_arctangent() -> None:
    for scale in (1.0, 1e-8, 1e8):
        y, x = choose.uniform(-5, 5, (2, 300))
        y *= scale
        got = np.array(
            [
                as_double(call_double(0x58, double_bits(a), double_bits(b)))
                for a, b in zip(y, x, strict=True)
            ]
        )
        exact = np.arctan2(y.astype(np.longdouble), x.astype(np.longdouble))
        assert ulps(got, exact, np.float64) < 3
        for a, b in zip(y.astype(np.float32), x.astype(np.float32), strict=True):
            narrow = as_float(call_float(0x58, float_bits(a), float_bits(b)))
            wide = np.arctan2(np.longdouble(a), np.longdouble(b))
            assert ulps(np.array([narrow]), np.array([wide]), np.float32) < 1


SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, 5e-324, 1e300]


@pytest.mark.parametrize("x", SPECIAL)
def test_special_arguments(x: float) -> None:
    for y in SPECIAL:
        got = as_double(call_double(0x58, double_bits(y), double_bits(x)))
        assert (
            same_double(double_bits(got), np.arctan2(y, x))
            or ulps(np.array([got]), np.array([np.longdouble(np.arctan2(y, x))]), np.float64) <= 1
        )
    logarithm = as_double(call_double(0x50, double_bits(x)))
    assert logarithm == (math.log(x) if x > 0 else -math.inf)
    with np.errstate(all="ignore"):
        power = as_double(call_double(0x4C, double_bits(x)))
        assert power == pytest.approx(np.exp(np.float64(x)), rel=2**-51)
    sine = call_double(0x40, double_bits(x))
    assert np.isnan(as_double(sine)) if abs(x) > 2**20 else same_double(sine, np.sin(np.float64(x)))


@given(st.floats(-1000, 1000))
def test_sine_and_cosine_together(x: float) -> None:
    parts = core.call(entry("SD", 0x48), *struct.unpack("<II", struct.pack("<d", x)))
    assert parts[0] | parts[1] << 32 == call_double(0x40, double_bits(x))
    assert parts[2] | parts[3] << 32 == call_double(0x3C, double_bits(x))
    single = float_bits(x)
    for offset in (0x40, 0x48):  # the Pico SDK's sincosf calls the sine
        sine, cosine = core.call(entry("SF", offset), single)[:2]
        assert (sine, cosine) == (call_float(0x40, single), call_float(0x3C, single))


# Cycles of a function with its return: of float by the datasheet (2.8.3.2) and by Qfplib-M0-full,
# less 3 for a BL; of double by Qfplib, but the last two, which are the datasheet's.
CYCLES: dict[str, dict[int, tuple[int, int]]] = {
    "SF": {
        0x00: (68, 76),
        0x04: (68, 78),
        0x08: (59, 69),
        0x0C: (68, 83),
        0x18: (60, 67),
        0x3C: (577, 595),
        0x40: (577, 590),
        0x4C: (257, 261),
        0x50: (274, 280),
        0x44: (668, 671),
        0x58: (597, 673),
    },
    "SD": {
        0x00: (91, 94),
        0x04: (97, 100),
        0x08: (160, 163),
        0x0C: (170, 200),
        0x18: (171, 174),
        0x3C: (1620, 1623),
        0x40: (1621, 1624),
        0x44: (1903, 1906),
        0x58: (2184, 2187),
        0x4C: (808, 811),
        0x50: (461, 464),
        0x78: (52, 52),
        0x7C: (23, 23),
    },
}


@pytest.mark.parametrize("table", CYCLES)
def test_floating_point_takes_the_published_cycles(table: str) -> None:
    for offset, (least, most) in CYCLES[table].items():
        core.call(entry(table, offset), 0x3F80_0000, 0x3F80_0000, 0x4000_0000, 0x3F80_0000)
        assert least <= core.cycles <= most, hex(offset)


def taken(code: str, *arguments: int) -> int:
    core.call(FUNCTIONS[code], *arguments)
    return core.cycles


def test_memory_functions_take_the_published_cycles() -> None:
    for code in ("MC", "C4"):
        at = [taken(code, SRAM + 0x1000, SRAM + 0x2000, count) for count in (512, 528, 1024)]
        assert (at[1] - at[0], at[2] - at[0]) == (13, 32 * 13)
    odd = [taken("MC", SRAM + 0x1000, SRAM + 0x2001, count) for count in (100, 101)]
    assert odd[1] - odd[0] == 7
    for code in ("MS", "S4"):
        at = [taken(code, SRAM + 0x1000, 5, count) for count in (512, 528)]
        assert at[1] - at[0] == 8


def test_bit_functions_take_about_the_chips_cycles() -> None:
    for code, average in (("P3", 20), ("R3", 22), ("L3", 9.6), ("T3", 11)):
        values = np.random.default_rng(6).integers(0, 1 << 32, 200).tolist()
        assert np.mean([taken(code, value) for value in values]) == pytest.approx(average, rel=0.12)


def test_a_run_can_end_within_a_function() -> None:
    """And goes on to the same end, at the same cycle."""
    core.call(entry("SD", 0x40), 0, 0x3FF8_0000)
    whole, after = core.cycles, core.target.registers
    set_registers(
        core.target, r0=0, r1=0x3FF8_0000, lr=SRAM | 1, pc=entry("SD", 0x40), xpsr=1 << 24
    )
    parts = [core.target.run(max_cycles=100).cycles for _ in range(5)]
    assert parts == [100] * 5
    assert sum(parts) + core.target.run().cycles == whole
    assert (core.target.registers.r0, core.target.registers.r1) == (after.r0, after.r1)


def test_interrupts_find_their_way_into_a_function_and_may_call_one() -> None:
    csr, current = 0xE000_E010, 0xE000_E018
    log = SRAM + 0x4000
    add, sine = entry("SF", 0x00), entry("SD", 0x40)
    main = assemble(
        f"ldr r7, ={csr}; ldr r0, =499; str r0, [r7, #4]; str r0, [r7, #8]; movs r0, #7; "
        f"ldr r6, ={log}; str r0, [r7]; movs r0, #0; ldr r1, =0x3FF80000; ldr r4, ={sine}; blx r4; "
        "movs r2, #0; str r2, [r7]; bkpt #0; .align 2",
        SRAM + 64,
    )
    at = SRAM + 64 + len(main)
    handler = assemble(
        f"ldr r0, ={current}; ldr r0, [r0]; stm r6!, {{r0}}; push {{r4, lr}}; ldr r0, =0x3F800000; "
        f"movs r1, r0; ldr r4, ={add}; blx r4; stm r6!, {{r0}}; pop {{r4, pc}}",
        at,
    )
    vectors = struct.pack("<16I", SRAM + 0x8000, SRAM + 65, *[0] * 13, at | 1)
    target = Pico(Program.parse(ElfSource(vectors + main + handler, entry=SRAM + 64).build()))
    assert target.run().immediate == 0
    got = target.registers.r0 | target.registers.r1 << 32
    assert got == call_double(0x40, 0x3FF8_0000_0000_0000)
    noted = target.read(log, np.uint32, 6).reshape(3, 2)
    assert (noted[:, 1] == 0x4000_0000).all(), "1.0 + 1.0"
    assert (noted[:, 0] == noted[0, 0]).all(), "each at the cycle after which it is due"
    assert noted[0, 0] > 499 - 25


def test_only_the_rom_computes_by_udf() -> None:
    with pytest.raises(Fault, match="undefined instruction"):
        pico("udf #0").run()


@pytest.mark.parametrize(
    ("code", "number", "arguments"),
    [
        ("RE", 0xF0, (0x1000, 0x2000, 0x10000, 0xD8)),
        ("RP", 0xF1, (0x100, SRAM, 0x200)),
        ("UB", 0xF3, (1, 2)),
    ],
)
def test_what_is_left_to_the_simulator(code: str, number: int, arguments: tuple[int, ...]) -> None:
    registers = rom.call(FUNCTIONS[code], *arguments)
    assert rom.breakpoint == number
    assert registers[: len(arguments)] == list(arguments)


@pytest.mark.parametrize("address", [SRAM, 0])
def test_no_bytes_of_flash_are_erased_and_programmed(address: int) -> None:
    """As the chip's own functions loop over no block then."""
    call = "movs r2, #0; ldr r4, ={}; blx r4"
    target = pico(
        f"movs r0, #0; movs r1, #0; {call.format(FUNCTIONS['RE'])};"
        f"movs r0, #0; ldr r1, ={address}; {call.format(FUNCTIONS['RP'])}; bkpt #0"
    )
    target.write(FLASH, b"kept")
    assert target.run().immediate == 0
    assert target.read(FLASH, count=4).tobytes() == b"kept"


def test_debug_trampoline_calls_and_halts() -> None:
    machine = Rom()
    machine.uc.reg_write(arm_const.UC_ARM_REG_R0, 0xFF)
    machine.uc.reg_write(arm_const.UC_ARM_REG_R7, FUNCTIONS["P3"] & ~1)
    machine.uc.emu_start(FUNCTIONS["DT"], RETURN)
    assert machine.breakpoint == 0
    assert machine.uc.reg_read(arm_const.UC_ARM_REG_PC) == FUNCTIONS["DE"] & ~1
    assert machine.uc.reg_read(arm_const.UC_ARM_REG_R0) == 8


def machine_with_flash(image: bytes) -> Rom:
    """A core about to come out of reset, with memory in place of SSI, pads and PPB."""
    machine = Rom()
    for base, size in (
        (FLASH, 0x10000),
        (0x1800_0000, 0x1000),
        (0x4002_0000, 0x1000),
        (0xE000_E000, 0x1000),
    ):
        machine.uc.mem_map(base, size)
    machine.uc.mem_write(FLASH, image)
    machine.uc.mem_write(0x1800_0028, struct.pack("<I", 1 << 2))  # SR: all is sent
    machine.uc.reg_write(arm_const.UC_ARM_REG_SP, struct.unpack_from("<I", ROM)[0])
    return machine


def test_leaving_xip_makes_the_serial_controller_ready() -> None:
    """For commands of the program's own, as that for the unique ID before main."""
    machine = machine_with_flash(b"")
    machine.call(FUNCTIONS["EX"])
    control, *_, enabled = struct.unpack("<III", machine.uc.mem_read(0x1800_0000, 12))
    assert (control, enabled) == (7 << 16, 1)


def test_reset_starts_the_program_in_flash() -> None:
    image = (firmware_elf.BUILT / "hello.default.bin").read_bytes()
    machine = machine_with_flash(image)
    sp, entry_point = struct.unpack_from("<II", image, 0x100)
    reset = struct.unpack_from("<I", ROM, 4)[0]
    machine.uc.emu_start(reset, entry_point & ~1, count=200_000)
    assert machine.uc.reg_read(arm_const.UC_ARM_REG_PC) == entry_point & ~1
    assert machine.uc.reg_read(arm_const.UC_ARM_REG_SP) == sp
    assert bytes(machine.uc.mem_read(0xE000_ED08, 4)) == struct.pack("<I", FLASH + 0x100)


def test_reset_with_a_damaged_second_stage_ends_in_the_boot_loader() -> None:
    machine = machine_with_flash(bytes([0xFF]) * 512)
    machine.uc.emu_start(struct.unpack_from("<I", ROM, 4)[0], RETURN, count=200_000)
    assert machine.breakpoint == 0xF3


def test_flash_is_erased_by_sectors_and_programmed_by_pages() -> None:
    chip = np.arange(4 * 4096, dtype=np.uint32).astype(np.uint8)
    before = chip.copy()
    flash.erase(chip, 4096, 8192)
    assert (chip[4096:12288] == 0xFF).all()
    assert (chip[:4096] == before[:4096]).all()
    data = np.full(512, 0xF0, np.uint8)
    flash.program(chip, 4096, data)
    flash.program(chip, 4096, np.full(256, 0x3C, np.uint8))
    assert (chip[4096:4352] == 0x30).all(), "programming only clears bits"
    assert (chip[4352:4608] == 0xF0).all()
    assert (chip[4608:12288] == 0xFF).all()
    assert (chip[12288:] == before[12288:]).all()
    kept = chip.copy()
    for offset in (0, 4096, 4 * 4096):
        flash.erase(chip, offset, 0)
        flash.program(chip, offset, data[:0])
    assert (chip == kept).all(), "no bytes are none"


@pytest.mark.parametrize(
    ("offset", "count", "message"),
    [
        (256, 4096, "multiples of 4096"),
        (0, 256, "multiples of 4096"),
        (0, 8192, "outside"),
        (4096, 4096, "outside"),
        (-4096, 4096, "outside"),
        (4096, -4096, "outside"),
        (FLASH, 4096, "outside"),
    ],
)
def test_erase_refused(offset: int, count: int, message: str) -> None:
    with pytest.raises(FlashError, match=message):
        flash.erase(np.zeros(4096, np.uint8), offset, count)


@pytest.mark.parametrize(
    ("offset", "count", "message"),
    [(1, 256, "multiples of 256"), (0, 255, "multiples of 256"), (4096, 256, "outside")],
)
def test_program_refused(offset: int, count: int, message: str) -> None:
    with pytest.raises(FlashError, match=message):
        flash.program(np.zeros(4096, np.uint8), offset, np.zeros(count, np.uint8))
