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

from priot.sim import Fault, FaultReason, Pico, Program, StopReason
from priot.sim.instructions import INSTRUCTIONS_16, INSTRUCTIONS_32, Kind, instruction_at

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
    changed = {name: getattr(seen, name) for name in values if getattr(seen, name) != values[name]}
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


@settings(max_examples=300)
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


# --- Loads and stores: width in bytes, sign; R1 is the base -------------------------------------

_PATTERN = bytes.fromhex("80 ff 7f 01 fe 80 00 ff 12 34 56 f8 9a bc de f0") * 16
_LOADS = {
    "ldr r0, [r1, r2]": (4, False),
    "ldrh r0, [r1, r2]": (2, False),
    "ldrb r0, [r1, r2]": (1, False),
    "ldrsh r0, [r1, r2]": (2, True),
    "ldrsb r0, [r1, r2]": (1, True),
    "ldr r0, [r1, #{}]": (4, False),
    "ldrh r0, [r1, #{}]": (2, False),
    "ldrb r0, [r1, #{}]": (1, False),
    "ldr r0, [sp, #{}]": (4, False),
}
_STORES = {source.replace("ldr", "str"): size for source, (size, signed) in _LOADS.items()}
_STORES = {source: size for source, size in _STORES.items() if not source.startswith("strs")}


def _offsets(source: str, size: int) -> list[int]:
    """By register: also downwards; by immediate: the lowest, the next and the highest."""
    if "{}" not in source:
        return [0, size, -4 & _MASK]
    return [0, size, (255 if "sp" in source else 31) * size]


def _address(source: str, base: int, offset: int) -> dict[str, int]:
    if "sp" in source:
        return {"sp": base}
    return {"r1": base} if "{}" in source else {"r1": base, "r2": offset}


@pytest.mark.parametrize("source", _LOADS)
def test_load(machine: Pico, source: str) -> None:
    size, signed = _LOADS[source]
    machine.write(_DATA, _PATTERN * 8)
    for offset, step, flags in product(_offsets(source, size), range(0, 16, 4), (_CLEAR, _SET)):
        base = _DATA + 64 + step
        at = (base + offset & _MASK) - _DATA
        raw = (_PATTERN * 8)[at : at + size]
        value = int.from_bytes(raw, "little", signed=signed) & _MASK
        outcome = execute(machine, source.format(offset), flags, **_address(source, base, offset))
        assert outcome == Outcome({"r0": value}, flags.bits, 2)


@pytest.mark.parametrize("source", _STORES)
def test_store(machine: Pico, source: str) -> None:
    size = _STORES[source]
    for offset in _offsets(source, size):
        machine.write(_DATA, _PATTERN * 8)
        given = _address(source, _DATA + 64, offset)
        outcome = execute(machine, source.format(offset), _SET, r0=0x8899_AABB, **given)
        assert outcome == Outcome({}, _SET.bits, 2)
        expected = bytearray(_PATTERN * 8)
        at = 64 + offset & _MASK
        expected[at : at + size] = bytes.fromhex("bbaa9988")[:size]
        assert machine.read(_DATA, count=len(expected)).tobytes() == expected


@pytest.mark.parametrize("source", [one for one in (*_LOADS, *_STORES) if "sp" not in one])
def test_unaligned_access_faults(machine: Pico, source: str) -> None:
    size = _STORES.get(source) or _LOADS[source][0]
    for step in range(1, size):
        with pytest.raises(Fault) as caught:
            execute(machine, source.format(0), **_address(source, _DATA + step, 0))
        assert caught.value.reason is FaultReason.UNALIGNED


@pytest.mark.parametrize("at", [SRAM_BASE + 0x200, SRAM_BASE + 0x302])
def test_pc_relative_addresses_count_from_an_aligned_pc(machine: Pico, at: int) -> None:
    """Align(PC, 4) + offset, and PC is 4 ahead (A6.7.6, A6.7.27)."""
    literal = (at & ~3) + 12
    machine.write(literal, b"\x44\x33\x22\x91")
    for source, cycles, value in (
        ("ldr r0, [pc, #8]", 2, 0x9122_3344),
        ("adr r0, #8", 1, literal),
    ):
        outcome = execute(machine, source, _SET, at=at, r0=0)
        assert outcome == Outcome({"r0": value}, _SET.bits, cycles)


# --- Several registers ---------------------------------------------------------------------------


def _words(machine: Pico, address: int, count: int) -> list[int]:
    return [int(word) for word in machine.read(address, np.uint32, count)]


def _put(machine: Pico, address: int, *words: int) -> None:
    machine.write(address, np.array(words, np.uint32))


@pytest.mark.parametrize(
    "names",
    [["r0"], ["r0", "r2", "r7"], ["r0", "r3"], ["r3", "r4"], [f"r{number}" for number in range(8)]],
)
def test_ldm(machine: Pico, names: list[str]) -> None:
    """A base in its own list is loaded, not written back (A6.7.26)."""
    _put(machine, _DATA, *range(1, 9))
    write_back = {} if "r3" in names else {"r3": _DATA + 4 * len(names)}
    source = f"ldm r3{'!' if write_back else ''}, {{{', '.join(names)}}}"
    loaded = {name: number for number, name in enumerate(names, 1)}
    outcome = execute(machine, source, _SET, r3=_DATA)
    assert outcome == Outcome(loaded | write_back, _SET.bits, 1 + len(names))


@pytest.mark.parametrize("names", [["r0"], ["r1", "r3", "r7"], ["r3", "r4"], ["r0", "r1", "r2"]])
def test_stm(machine: Pico, names: list[str]) -> None:
    """The base may be stored where it is the lowest of the list: then its old value is."""
    values = {"r0": 10, "r1": 11, "r2": 12, "r3": _DATA, "r4": 14, "r7": 17}
    _put(machine, _DATA, *[0] * 8)
    outcome = execute(machine, f"stm r3!, {{{', '.join(names)}}}", _SET, **values)
    assert outcome == Outcome({"r3": _DATA + 4 * len(names)}, _SET.bits, 1 + len(names))
    assert _words(machine, _DATA, 4) == ([values[n] for n in names] + [0] * 4)[:4]


@pytest.mark.parametrize("names", [["r0"], ["lr"], ["r0", "r7", "lr"], ["r1", "r2", "r3", "r4"]])
def test_push(machine: Pico, names: list[str]) -> None:
    values = {name: number for number, name in enumerate(names, 100)}
    outcome = execute(machine, f"push {{{', '.join(names)}}}", _SET, **values)
    sp = _STACK - 4 * len(names)
    assert outcome == Outcome({"sp": sp}, _SET.bits, 1 + len(names))
    assert _words(machine, sp, len(names)) == list(values.values())


def test_pop(machine: Pico) -> None:
    _put(machine, _STACK, 1, 2, 3)
    outcome = execute(machine, "pop {r0, r5, r7}", _SET)
    expected = {"r0": 1, "r5": 2, "r7": 3, "sp": _STACK + 12}
    assert outcome == Outcome(expected, _SET.bits, 1 + 3)


@pytest.mark.parametrize(("names", "cycles"), [("pc", 3 + 1), ("r0, pc", 3 + 2)])
def test_pop_of_pc(machine: Pico, names: str, cycles: int) -> None:
    target = SRAM_BASE + 0x200
    machine.write(target, _HALT)
    words = [7, target | 1] if "r0" in names else [target | 1]
    _put(machine, _STACK, *words)
    outcome = execute(machine, f"pop {{{names}}}", _SET)
    expected = {"sp": _STACK + 4 * len(words), "pc": target} | ({"r0": 7} if "r0" in names else {})
    assert outcome == Outcome(expected, _SET.bits, cycles)


def test_pop_of_an_even_pc_faults(machine: Pico) -> None:
    _put(machine, _STACK, SRAM_BASE + 0x200)
    with pytest.raises(Fault) as caught:
        execute(machine, "pop {pc}")
    assert caught.value.reason is FaultReason.ARM_STATE


@pytest.mark.parametrize(
    ("source", "given", "after"),
    [
        ("add sp, #508", {}, {"sp": _STACK + 508}),
        ("sub sp, #508", {}, {"sp": _STACK - 508}),
        ("add r0, sp, #1020", {}, {"r0": _STACK + 1020}),
        ("add r0, sp, #0", {}, {"r0": _STACK}),
        ("add sp, r0", {"r0": 16}, {"sp": _STACK + 16}),
        ("mov sp, r0", {"r0": _STACK - 64}, {"sp": _STACK - 64}),
        ("mov r0, sp", {}, {"r0": _STACK}),
        ("mov r0, pc", {}, {"r0": SRAM_BASE + 4}),
        ("add r0, pc", {"r0": 1}, {"r0": SRAM_BASE + 5}),
        ("mov lr, r0", {"r0": 9}, {"lr": 9}),
    ],
)
def test_stack_pointer_and_high_registers(
    machine: Pico, source: str, given: dict[str, int], after: dict[str, int]
) -> None:
    assert execute(machine, source, _SET, **given) == Outcome(after, _SET.bits, 1)


@pytest.mark.parametrize("source", ["mov sp, r1", "add sp, r1"])
def test_sp_has_no_low_bits(source: str) -> None:
    """They read as 0 and ignore what is written (B1.4.1)."""
    target = pico(f"{source}; mov r0, sp; bkpt #0")
    sp = target.registers.sp
    target.set_registers(r1=_STACK + 2 if source.startswith("mov") else 2)
    target.run()
    assert target.registers.r0 == (_STACK if source.startswith("mov") else sp)


# --- Branches ------------------------------------------------------------------------------------

_CONDITIONS: dict[str, Callable[[Flags], bool]] = {  # table A6-1
    "eq": lambda f: f.z,
    "ne": lambda f: not f.z,
    "cs": lambda f: f.c,
    "cc": lambda f: not f.c,
    "mi": lambda f: f.n,
    "pl": lambda f: not f.n,
    "vs": lambda f: f.v,
    "vc": lambda f: not f.v,
    "hi": lambda f: f.c and not f.z,
    "ls": lambda f: not f.c or f.z,
    "ge": lambda f: f.n == f.v,
    "lt": lambda f: f.n != f.v,
    "gt": lambda f: not f.z and f.n == f.v,
    "le": lambda f: f.z or f.n != f.v,
}
_BRANCH = SRAM_BASE + 0x4000


@pytest.mark.parametrize("condition", _CONDITIONS)
@pytest.mark.parametrize("distance", [-252, 2, 254])
def test_conditional_branch(machine: Pico, condition: str, distance: int) -> None:
    machine.write(_BRANCH + distance, _HALT)
    for flags in _ALL_FLAGS:
        source = f"b{condition} #{_BRANCH + distance}"
        taken = _CONDITIONS[condition](flags)
        outcome = execute(machine, source, flags, at=_BRANCH)
        expected = {"pc": _BRANCH + distance} if taken and distance != 2 else {}
        assert outcome == Outcome(expected, flags.bits, 2 if taken else 1)


@pytest.mark.parametrize("target", [_BRANCH - 2044, _BRANCH + 2046, _BRANCH + 4])
def test_branch(machine: Pico, target: int) -> None:
    machine.write(target, _HALT)
    outcome = execute(machine, f"b #{target}", _SET, at=_BRANCH)
    assert outcome == Outcome({"pc": target}, _SET.bits, 2)


@pytest.mark.parametrize("target", [SRAM_BASE + 0x40000, SRAM_BASE, _BRANCH + 0x100])
def test_branch_with_link(machine: Pico, target: int) -> None:
    machine.write(target, _HALT)
    outcome = execute(machine, f"bl #{target}", _SET, at=_BRANCH)
    assert outcome == Outcome({"pc": target, "lr": _BRANCH + 4 | 1}, _SET.bits, 3)


@pytest.mark.parametrize("target", [SRAM_BASE + 0x40000, FLASH_BASE + 0x100, _BRANCH + 2])
@pytest.mark.parametrize(
    ("source", "register", "odd"),
    [("bx r6", "r6", 1), ("bx lr", "lr", 1), ("blx r6", "r6", 1), ("mov pc, r6", "r6", 0)],
)
def test_branch_to_a_register(
    machine: Pico, source: str, register: str, odd: int, target: int
) -> None:
    machine.write(target, _HALT)
    outcome = execute(machine, source, _SET, at=_BRANCH, **{register: target | odd})
    expected = {"pc": target} if target != _BRANCH + 2 else {}
    if source.startswith("blx"):
        expected["lr"] = _BRANCH + 2 | 1
    assert outcome == Outcome(expected, _SET.bits, 2)


def test_add_to_pc(machine: Pico) -> None:
    machine.write(_BRANCH + 0x24, _HALT)
    outcome = execute(machine, "add pc, r0", _SET, at=_BRANCH, r0=0x20)
    assert outcome == Outcome({"pc": _BRANCH + 0x24}, _SET.bits, 2)


# --- Special registers, exceptions, hints --------------------------------------------------------


def _mrs(number: int) -> str:
    """MRS R0 of a system register (B4.2.3): keystone knows the APSR alone."""
    first, second = np.frombuffer(assemble("mrs r0, apsr"), np.uint16).tolist()
    return f".short {first}; .short {second | number}"


@pytest.mark.parametrize("flags", _ALL_FLAGS)
def test_apsr(machine: Pico, flags: Flags) -> None:
    outcome = execute(machine, "mrs r0, apsr", flags, r0=1)
    assert outcome == Outcome({"r0": flags.bits << 28}, flags.bits, 3)
    outcome = execute(machine, "msr apsr, r0", _CLEAR, r0=flags.bits << 28 | 0xFFF)
    assert outcome == Outcome({}, flags.bits, 3)


@pytest.mark.parametrize(
    ("name", "number", "written", "seen"),
    [
        ("psp", 9, _STACK + 0x100, _STACK + 0x100),
        ("primask", 16, _MASK, 1),
        ("primask", 16, 0, 0),
        ("control", 20, 0, 0),
    ],
)
def test_system_register(machine: Pico, name: str, number: int, written: int, seen: int) -> None:
    assert execute(machine, msr(name, 1), _SET, r1=written) == Outcome({}, _SET.bits, 3)
    assert execute(machine, _mrs(number), _SET, r0=77) == Outcome({"r0": seen}, _SET.bits, 3)
    machine._core.set_registers(control=0, primask=0, psp=0)


def test_main_stack_pointer(machine: Pico) -> None:
    outcome = execute(machine, msr("msp", 1), _SET, r1=_STACK - 64)
    assert outcome == Outcome({"sp": _STACK - 64}, _SET.bits, 3)
    assert execute(machine, _mrs(8), _SET).registers == {"r0": _STACK}


def test_control_selects_the_process_stack(machine: Pico) -> None:
    machine._core.set_registers(psp=_STACK + 0x400)
    outcome = execute(machine, msr("control", 1), _SET, r1=2)
    assert outcome == Outcome({"sp": _STACK + 0x400}, _SET.bits, 3)
    machine._core.set_registers(control=0, primask=0, psp=0)


@pytest.mark.parametrize(("source", "masked"), [("cpsid i", True), ("cpsie i", False)])
def test_cps(machine: Pico, source: str, masked: bool) -> None:
    machine._core.set_registers(primask=not masked)
    assert execute(machine, source, _SET) == Outcome({}, _SET.bits, 1)
    assert machine._core.register("primask") == masked
    machine._core.set_registers(control=0, primask=0, psp=0)


@pytest.mark.parametrize(
    ("source", "cycles"),
    [
        *(("nop", 1), ("yield", 1), ("sev", 1), (".short 0xBF50", 1), (".short 0xBFF0", 1)),
        *(("dmb", 3), ("dsb", 3), ("isb", 3)),
    ],
)
def test_hints_and_barriers(machine: Pico, source: str, cycles: int) -> None:
    assert execute(machine, source, _SET) == Outcome({}, _SET.bits, cycles)


def test_wfe_after_an_event_goes_on(machine: Pico) -> None:
    outcome = execute(machine, "sev; wfe", _SET)
    _note(assemble("wfe"))
    assert outcome == Outcome({}, _SET.bits, 1 + 2)


def test_wfi_sleeps_where_nothing_wakes() -> None:
    _note(assemble("wfi"))
    stop = pico("wfi; bkpt #0").run()
    assert (stop.reason, stop.cycles) == (StopReason.SLEEP, 2)


def test_bkpt_tells_its_number() -> None:
    _note(assemble("bkpt #200"))
    stop = pico("bkpt #200").run()
    assert (stop.immediate, stop.cycles) == (200, 0)


def test_udf_is_undefined(machine: Pico) -> None:
    with pytest.raises(Fault) as caught:
        execute(machine, "udf #3")
    assert caught.value.reason is FaultReason.UNDEFINED


def test_svc_enters_exception_11_and_comes_back() -> None:
    handler = assemble("mov r5, sp; " + _mrs(5) + "; movs r6, #9; bx lr")
    start = SRAM_BASE + 0x100
    code = assemble("svc #7; bkpt #0", start)
    _note(code)
    vectors = np.zeros(64, np.uint32)
    vectors[[0, 1, 11]] = _STACK, start | 1, start + len(code) | 1
    image = vectors.tobytes() + code + handler
    target = Pico(Program.parse(ElfSource(image, entry=start).build()))
    target.set_registers(r0=5, xpsr=0xF << 28 | 1 << 24)
    stop = target.run()
    registers = target.registers
    assert (registers.r0, registers.r5, registers.r6) == (5, _STACK - 32, 9)
    assert (registers.sp, registers.pc, registers.xpsr >> 28) == (_STACK, start + 2, 0xF)
    entry, handling, back = 15, 1 + 3 + 1 + 2, 11
    assert stop.cycles == entry + handling + back


def test_every_instruction_was_executed() -> None:
    """The last of this file."""
    all_rows: Iterator[str] = (
        row.name
        for row in (*INSTRUCTIONS_16, *INSTRUCTIONS_32)
        if row.kind not in (Kind.UNPREDICTABLE, Kind.PREFIX_32)
    )
    assert set(all_rows) == _tested
