"""Every ARMv6-M instruction: result, flags and cycles. Arm DDI0419E, A6.7; DDI0484C, table 3-1."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_programs import FLASH_BASE, SRAM_BASE, ElfSource, assemble, msr, pico

from sim import Fault, FaultReason, Pico, Program, StopReason
from sim.instructions import INSTRUCTIONS_16, INSTRUCTIONS_32, Kind, instruction_at

_MASK = 0xFFFF_FFFF
_TOP = 0x8000_0000
_DATA, _STACK = SRAM_BASE + 0x1000, SRAM_BASE + 0x2000
_HALT = assemble("bkpt #0")
_tested: set[str] = set()  # rows of the simulator's table that a test of this file executed


@dataclass(frozen=True)
class Flags:
    """N, Z, C and V of the APSR."""

    n: bool = False
    z: bool = False
    c: bool = False
    v: bool = False

    @property
    def bits(self) -> int:
        """As in the APSR's top four."""
        return self.n << 3 | self.z << 2 | self.c << 1 | self.v


_ALL_FLAGS = [Flags(*map(bool, bits)) for bits in product((0, 1), repeat=4)]
_CLEAR, _SET = _ALL_FLAGS[0], _ALL_FLAGS[-1]


@dataclass(frozen=True)
class Outcome:
    """The core behind one instruction; `flags` as four bits NZCV."""

    registers: dict[str, int]
    flags: int
    cycles: int


@pytest.fixture(scope="module")
def machine() -> Pico:
    return pico("bkpt #0; " * 64)


_assembled = cache(assemble)


def execute(
    machine: Pico,
    source: str,
    flags: Flags = _CLEAR,
    at: int = SRAM_BASE,
    **registers: int,
) -> Outcome:
    """Execute the one instruction at `at` (and what it leads to), up to a BKPT behind it."""
    code = _assembled(source, at)
    _note(code)
    machine.write(at, code + _HALT)
    names = dict.fromkeys([f"r{n}" for n in range(13)], 0x5A5A_5A5A)
    values = names | {"sp": _STACK, "lr": 0xFFFF_FFFF} | registers
    machine.set_registers(**values, xpsr=flags.bits << 28 | 1 << 24, pc=at)
    stop = machine.run(1000)
    assert stop.reason is StopReason.HALT
    seen = machine.registers
    changed = {
        name: getattr(seen, name) for name in values if getattr(seen, name) != values[name]
    }
    if seen.pc != at + len(code):
        changed["pc"] = seen.pc
    return Outcome(changed, seen.xpsr >> 28, stop.cycles)


def _note(code: bytes) -> None:
    first, second = np.frombuffer(code[:4].ljust(4, b"\0"), np.uint16).tolist()
    row = instruction_at(first, second)
    assert row is not None
    _tested.add(row.name)


# --- An oracle in plain integers: (a, b, flags) -> (result, flags) -----------------------------

_Result = tuple[int, Flags]
_Operation = Callable[[int, int, Flags], _Result]


def _signed(value: int) -> int:
    return value - (1 << 32) if value & _TOP else value


def _nz(result: int, flags: Flags, carry: bool | None = None) -> _Result:
    """Flags of an operation that leaves V, and C unless given."""
    kept = flags.c if carry is None else carry
    return result, Flags(bool(result & _TOP), result == 0, kept, flags.v)


def _sum(a: int, b: int, carry: int) -> _Result:
    """AddWithCarry, A2.2.1."""
    result = (a + b + carry) & _MASK
    overflow = _signed(result) != _signed(a) + _signed(b) + carry
    return result, Flags(bool(result & _TOP), result == 0, a + b + carry > _MASK, overflow)


def _lsl(a: int, shift: int, flags: Flags) -> _Result:
    if shift == 0:
        return _nz(a, flags)
    return _nz(a << shift & _MASK, flags, bool(a << shift >> 32 & 1))


def _lsr(a: int, shift: int, flags: Flags) -> _Result:
    return _nz(a >> shift, flags, bool(a >> shift - 1 & 1)) if shift else _nz(a, flags)


def _asr(a: int, shift: int, flags: Flags) -> _Result:
    if shift == 0:
        return _nz(a, flags)
    return _nz(_signed(a) >> shift & _MASK, flags, bool(_signed(a) >> shift - 1 & 1))


def _ror(a: int, shift: int, flags: Flags) -> _Result:
    if shift == 0:
        return _nz(a, flags)
    result = (a >> shift % 32 | a << 32 - shift % 32) & _MASK
    return _nz(result, flags, bool(result & _TOP))


def _bytes(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _extend(value: int, bits: int) -> int:
    low = value & (1 << bits) - 1
    return (low - (1 << bits) if low >> bits - 1 else low) & _MASK


# Rd is R0 throughout; with two operands they are R0 and R1, with three registers R1 and R2.
_TWO_REGISTERS: dict[str, _Operation] = {
    "ands r0, r1": lambda a, b, f: _nz(a & b, f),
    "eors r0, r1": lambda a, b, f: _nz(a ^ b, f),
    "orrs r0, r1": lambda a, b, f: _nz(a | b, f),
    "bics r0, r1": lambda a, b, f: _nz(a & ~b, f),
    "mvns r0, r1": lambda _, b, f: _nz(~b & _MASK, f),
    "muls r0, r1, r0": lambda a, b, f: _nz(a * b & _MASK, f),
    "adcs r0, r1": lambda a, b, f: _sum(a, b, f.c),
    "sbcs r0, r1": lambda a, b, f: _sum(a, ~b & _MASK, f.c),
    "rsbs r0, r1, #0": lambda _, b, __: _sum(~b & _MASK, 0, 1),
    "lsls r0, r1": lambda a, b, f: _lsl(a, b & 0xFF, f),
    "lsrs r0, r1": lambda a, b, f: _lsr(a, b & 0xFF, f),
    "asrs r0, r1": lambda a, b, f: _asr(a, b & 0xFF, f),
    "rors r0, r1": lambda a, b, f: _ror(a, b & 0xFF, f),
    "add r0, r8": lambda a, b, f: ((a + b) & _MASK, f),
    "add r8, r0": lambda a, b, f: ((a + b) & _MASK, f),
    "mov r0, r8": lambda _, b, f: (b, f),
    "mov r8, r0": lambda _, b, f: (b, f),
    "sxth r0, r1": lambda _, b, f: (_extend(b, 16), f),
    "sxtb r0, r1": lambda _, b, f: (_extend(b, 8), f),
    "uxth r0, r1": lambda _, b, f: (b & 0xFFFF, f),
    "uxtb r0, r1": lambda _, b, f: (b & 0xFF, f),
    "rev r0, r1": lambda _, b, f: (int.from_bytes(_bytes(b), "big"), f),
    "rev16 r0, r1": lambda _, b, f: ((b & 0xFF00FF) << 8 | b >> 8 & 0xFF00FF, f),
    "revsh r0, r1": lambda _, b, f: (_extend((b & 0xFF) << 8 | b >> 8 & 0xFF, 16), f),
}
_COMPARISONS: dict[str, _Operation] = {
    "cmp r0, r1": lambda a, b, _: _sum(a, ~b & _MASK, 1),
    "cmp r0, r8": lambda a, b, _: _sum(a, ~b & _MASK, 1),
    "cmn r0, r1": lambda a, b, _: _sum(a, b, 0),
    "tst r0, r1": lambda a, b, f: _nz(a & b, f),
}
_THREE_REGISTERS: dict[str, _Operation] = {
    "adds r0, r1, r2": lambda a, b, _: _sum(a, b, 0),
    "subs r0, r1, r2": lambda a, b, _: _sum(a, ~b & _MASK, 1),
}
# With an immediate as operand b: source, highest and lowest immediate, register of operand a.
_IMMEDIATES: dict[str, tuple[range, str, _Operation]] = {
    "lsls r0, r1, #{}": (range(1, 32), "r1", _lsl),
    "lsrs r0, r1, #{}": (range(1, 33), "r1", _lsr),
    "asrs r0, r1, #{}": (range(1, 33), "r1", _asr),
    "adds r0, r1, #{}": (range(8), "r1", lambda a, b, _: _sum(a, b, 0)),
    "subs r0, r1, #{}": (range(8), "r1", lambda a, b, _: _sum(a, ~b & _MASK, 1)),
    "movs r0, #{}": (range(256), "r0", lambda _, b, f: _nz(b, f)),
    "adds r0, #{}": (range(8, 256), "r0", lambda a, b, _: _sum(a, b, 0)),
    "subs r0, #{}": (range(8, 256), "r0", lambda a, b, _: _sum(a, ~b & _MASK, 1)),
}
_EDGES = [0, 1, 2, 31, 32, 33, 64, 255, 256, 0x7FFF, 0x8080, 0x7FFF_FFFF, _TOP, _TOP + 1]
_EDGES += [0xFF80_8000, 0xFFFF_FF00, 0xFFFF_FFE0, 0xFFFF_FFFE, _MASK]
_REGISTER_FORMS = _TWO_REGISTERS | _COMPARISONS | _THREE_REGISTERS


def _check(machine: Pico, source: str, a: int, b: int, flags: Flags) -> None:
    """One data-processing instruction of registers against the oracle."""
    result, after = _REGISTER_FORMS[source](a, b, flags)
    name, _, operands = source.partition(" ")
    where = operands.removesuffix(", #0").split(", ")
    target = where[0]
    first, second = (where[1], where[2]) if source in _THREE_REGISTERS else (where[0], where[1])
    given = {first: a, second: b}
    expected = {} if source in _COMPARISONS or given.get(target) == result else {target: result}
    outcome = execute(machine, source, flags, **{"r0": 0x1234_5678} | given)
    if target not in given and result == 0x1234_5678:
        expected = {}
    assert outcome == Outcome(expected, after.bits, 1), f"{name} {a:#x}, {b:#x}, {flags}"


@pytest.mark.parametrize("source", _REGISTER_FORMS)
def test_data_processing_of_registers(machine: Pico, source: str) -> None:
    for a, b in product(_EDGES, _EDGES):
        for flags in (_CLEAR, _SET) if (a ^ b) & 1 else (_ALL_FLAGS[2], _ALL_FLAGS[13]):
            _check(machine, source, a, b, flags)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(list(_REGISTER_FORMS)),
    st.integers(0, _MASK),
    st.integers(0, _MASK) | st.integers(0, 300),
    st.sampled_from(_ALL_FLAGS),
)
def test_random_operands(machine: Pico, source: str, a: int, b: int, flags: Flags) -> None:
    _check(machine, source, a, b, flags)


@pytest.mark.parametrize("source", _IMMEDIATES)
def test_data_processing_of_an_immediate(machine: Pico, source: str) -> None:
    immediates, register, operation = _IMMEDIATES[source]
    chosen = sorted({immediates[0], *immediates[-2:], *immediates[1 :: len(immediates) // 6]})
    for a, b, flags in product(_EDGES, chosen, (_CLEAR, _SET)):
        result, after = operation(a, b, flags)
        outcome = execute(machine, source.format(b), flags, **{"r0": 0x5555, register: a})
        before = a if register == "r0" else 0x5555
        expected = {} if result == before else {"r0": result}
        assert outcome == Outcome(expected, after.bits, 1), f"{source.format(b)} of {a:#x}"


@pytest.mark.parametrize("b", [0, 1, 127, 255])
def test_compare_with_an_immediate(machine: Pico, b: int) -> None:
    for a in _EDGES:
        _, after = _sum(a, ~b & _MASK, 1)
        assert execute(machine, f"cmp r0, #{b}", r0=a) == Outcome({}, after.bits, 1)


# By hand, so that the oracle stands on more than itself: source, R0, R1, R0 after, N Z C V.
_BY_HAND = [
    ("lsls r0, r1", 1, 0, 1, "--C-"),
    ("lsls r0, r1", 3, 31, _TOP, "N-C-"),
    ("lsls r0, r1", 1, 32, 0, "-ZC-"),
    ("lsls r0, r1", 1, 33, 0, "-Z--"),
    ("lsls r0, r1", 1, 255, 0, "-Z--"),
    ("lsls r0, r1", 1, 256, 1, "--C-"),
    ("lsrs r0, r1", _TOP, 31, 1, "----"),
    ("lsrs r0, r1", _TOP, 32, 0, "-ZC-"),
    ("lsrs r0, r1", _TOP, 33, 0, "-Z--"),
    ("asrs r0, r1", _TOP, 255, _MASK, "N-C-"),
    ("asrs r0, r1", 0x4000_0000, 32, 0, "-Z--"),
    ("rors r0, r1", _TOP, 32, _TOP, "N-C-"),
    ("rors r0, r1", 1, 33, _TOP, "N-C-"),
    ("adcs r0, r1", 0x7FFF_FFFF, 0, _TOP, "N--V"),
    ("sbcs r0, r1", _TOP, 1, 0x7FFF_FFFF, "--CV"),
    ("rsbs r0, r1, #0", 0, _TOP, _TOP, "N--V"),
    ("rsbs r0, r1, #0", 7, 0, 0, "-ZC-"),
    ("cmn r0, r1", 1, _MASK, 1, "-ZC-"),
    ("cmp r0, r1", 0, 1, 0, "N---"),
    ("muls r0, r1, r0", 0x10000, 0x10000, 0, "-ZC-"),
]


@pytest.mark.parametrize(("source", "r0", "r1", "after", "flags"), _BY_HAND)
def test_by_hand(machine: Pico, source: str, r0: int, r1: int, after: int, flags: str) -> None:
    outcome = execute(machine, source, Flags(c=True), r0=r0, r1=r1)
    assert outcome.registers.get("r0", r0) == after
    assert "".join(n if outcome.flags >> 3 - i & 1 else "-" for i, n in enumerate("NZCV")) == flags
