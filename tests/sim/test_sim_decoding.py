"""All 65,536 first halfwords, and the 32-bit encodings, against the manual's tables."""

import random
from collections import Counter

import numpy as np
import pytest
from sim_programs import SRAM_BASE, pico

from priot.sim import Fault, FaultReason, Pico
from priot.sim.instructions import KIND, Kind, instruction_at

# Arm DDI0419E, A5.2, table by table: bits from the top down, `x` for either value.
_NARROW = [
    "00xxxxxxxxxxxxxx",
    "010000xxxxxxxxxx",
    "01000100xxxxxxxx",
    "01000101xxxxxxxx",
    "01000110xxxxxxxx",
    "01000111xxxxx000",
    "01001xxxxxxxxxxx",
    "0101xxxxxxxxxxxx",
    "011xxxxxxxxxxxxx",
    "100xxxxxxxxxxxxx",
    "1010xxxxxxxxxxxx",
    "10110000xxxxxxxx",
    "10110010xxxxxxxx",
    "1011010xxxxxxxxx",
    "10110110011x0010",
    "1011101000xxxxxx",
    "1011101001xxxxxx",
    "1011101011xxxxxx",
    "1011110xxxxxxxxx",
    "10111110xxxxxxxx",
    "10111111xxxx0000",
    "1100xxxxxxxxxxxx",
    "1101xxxxxxxxxxxx",
    "11100xxxxxxxxxxx",
]
_WIDE = ["11101xxxxxxxxxxx", "1111xxxxxxxxxxxx"]
# The register lists that PUSH, POP, STM and LDM must not have; CMP of two low registers, or of PC;
# ADD PC, PC; BX and BLX PC.
_UNPREDICTABLE = [
    "0100010011111111",
    "010001011xxxx111",
    "01000101x1111xxx",
    "01000111x1111000",
    "0100010100xxxxxx",
    "1011010000000000",
    "1011110000000000",
    "11000xxx00000000",
    "11001xxx00000000",
]


def _matches(pattern: str, value: int) -> bool:
    width = len(pattern)
    return all(bit in ("x", seen) for bit, seen in zip(pattern, f"{value:0{width}b}", strict=True))


def _holding(patterns: list[str]) -> set[int]:
    return {value for pattern in patterns for value in range(1 << 16) if _matches(pattern, value)}


@pytest.fixture(scope="module")
def classes() -> dict[str, set[int]]:
    """Every halfword by the class that the manual gives it."""
    narrow, wide, bad = (_holding(each) for each in (_NARROW, _WIDE, _UNPREDICTABLE))
    return {
        "16-bit": narrow - bad,
        "32-bit prefix": wide,
        "unpredictable": bad,
        "undefined": set(range(1 << 16)) - narrow - wide,
    }


def test_the_manual_gives_each_halfword_one_class(classes: dict[str, set[int]]) -> None:
    assert Counter(value for members in classes.values() for value in members) == Counter(
        range(1 << 16)
    )


def test_the_table_agrees_on_all_halfwords(classes: dict[str, set[int]]) -> None:
    ours = {"undefined": Kind.UNDEFINED, "unpredictable": Kind.UNPREDICTABLE}
    ours["32-bit prefix"] = Kind.PREFIX_32
    for name, members in classes.items():
        kinds = set(KIND[sorted(members)].tolist())
        if name == "16-bit":
            assert kinds.isdisjoint(ours.values())
        else:
            assert kinds == {ours[name]}, name
        for first in sorted(members)[::16]:
            named = name in ("16-bit", "unpredictable")
            assert name == "32-bit prefix" or (instruction_at(first, 0) is not None) is named


def _reason(target: Pico, first: int, second: int) -> FaultReason | None:
    """How the machine answers an instruction, behind one that it certainly executes."""
    target.reset()
    target.write(SRAM_BASE, np.array([0x2001, first, second, 0xBE00, 0xBE00], np.uint16))
    target.set_registers(pc=SRAM_BASE, **{f"r{n}": SRAM_BASE + 0x100 for n in range(13)})
    try:
        target.run(50)
    except Fault as fault:
        if fault.registers.pc == SRAM_BASE + 2:
            return fault.reason
    return None


@pytest.fixture(scope="module")
def target() -> Pico:
    return pico("bkpt #0; " * 8)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("undefined", FaultReason.UNDEFINED),
        ("unpredictable", FaultReason.UNPREDICTABLE),
        ("16-bit", None),
    ],
)
def test_the_machine_does_as_classified(
    classes: dict[str, set[int]], target: Pico, name: str, reason: FaultReason | None
) -> None:
    members = sorted(classes[name])
    for first in random.Random(name).sample(members, min(150, len(members))):
        seen = _reason(target, first, 0xBE00)
        if reason is None:  # SVC and UDF fault, and so may a load from where a register points
            permanent = first >> 8 == 0xDE
            assert (seen is FaultReason.UNDEFINED) is permanent, f"{first:#06x}"
            assert seen is not FaultReason.UNPREDICTABLE
        else:
            assert seen is reason, f"{first:#06x}"


# A5.3.1: branch and miscellaneous control; bits in parentheses there as they should be.
_WIDE_VALID = {
    "BL": "11110xxxxxxxxxxx" + "11x1xxxxxxxxxxxx",
    "MSR": "111100111000xxxx" + "10001000xxxxxxxx",
    "MRS": "1111001111101111" + "1000xxxxxxxxxxxx",
    "DSB": "1111001110111111" + "100011110100xxxx",
    "DMB": "1111001110111111" + "100011110101xxxx",
    "ISB": "1111001110111111" + "100011110110xxxx",
}


def _wide_samples() -> list[int]:
    """Random words, words that follow a pattern, and those with one bit of it wrong."""
    rng = random.Random(32)
    words = [rng.choice((0xE800, 0xF000, 0xF800)) << 16 | rng.getrandbits(27) for _ in range(500)]
    for pattern in _WIDE_VALID.values():
        fixed = [31 - at for at, bit in enumerate(pattern) if bit != "x" and at > 4]
        for wrong in (None, *fixed):
            for _ in range(20):
                word = int("".join(rng.choice("01") if b == "x" else b for b in pattern), 2)
                words.append(word if wrong is None else word ^ 1 << wrong)
    return words


def test_32_bit_encodings_agree_with_the_manual() -> None:
    seen = set()
    for word in _wide_samples():
        names = {name for name, pattern in _WIDE_VALID.items() if _matches(pattern, word)}
        row = instruction_at(word >> 16, word & 0xFFFF)
        assert {row.name.split()[0]} == names if row else not names, f"{word:#010x}"
        seen |= names or {"undefined"}
    assert seen == {*_WIDE_VALID, "undefined"}


def test_the_machine_refuses_all_other_32_bit_encodings(target: Pico) -> None:
    for word in _wide_samples()[::6]:
        valid = any(_matches(pattern, word) for pattern in _WIDE_VALID.values())
        reason = _reason(target, word >> 16, word & 0xFFFF)
        assert (reason is not FaultReason.UNDEFINED) is valid, f"{word:#010x}"
