"""ELF files: what is read of a sound one, and that a damaged one is refused in one line."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_programs import FLASH_BASE, SRAM_BASE, ElfSource, assemble

from priot.sim import ElfError, Pico, Program, ProgramError, SimError

_CODE = assemble("movs r0, #1; bkpt #0")
_SOUND = ElfSource(
    _CODE, functions={"main": (SRAM_BASE, 4)}, objects={"data": (SRAM_BASE + 0x100, 8)}
).build()
_FIRST_SEGMENT = 52  # offset of the program header


def _with_word(offset: int, value: int) -> bytes:
    return _SOUND[:offset] + struct.pack("<I", value) + _SOUND[offset + 4 :]


def test_symbols_sections_and_entry() -> None:
    program = Program.parse(_SOUND)
    assert program.entry & ~1 == SRAM_BASE
    assert program.segments[0].data == _CODE
    assert (program.symbols["main"].address, program.symbols["main"].size) == (SRAM_BASE, 4)
    assert program.symbols["main"].is_function
    assert program.symbols["data"].address == SRAM_BASE + 0x100
    found = program.function_at(SRAM_BASE + 2)
    assert found is not None
    assert found.name == "main"
    assert program.function_at(SRAM_BASE + 4) is None


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "not an ELF file"),
        (b"#!/bin/sh\n", "not an ELF file"),
        (_SOUND[:4] + b"\2" + _SOUND[5:], "ELF file"),
        (_SOUND[:5] + b"\2" + _SOUND[6:], "ELF file"),
        (ElfSource(_CODE, machine=62).build(), "made for x86-64, not Arm"),
        (ElfSource(_CODE, kind=1).build(), "not an executable"),
        (ElfSource(_CODE, address=0x30000000).build(), "outside the RP2040's flash and SRAM"),
        (ElfSource(_CODE, address=SRAM_BASE + 0x42000 - 2).build(), "outside"),
        (ElfSource(b"").build(), "no loadable segments"),
        (_with_word(_FIRST_SEGMENT + 16, 1 << 20), "larger than its memory"),
        (_with_word(_FIRST_SEGMENT + 4, 1 << 20), "truncated"),
        (_SOUND[:40], "damaged"),
    ],
)
def test_refused(image: bytes, message: str) -> None:
    with pytest.raises(ElfError, match=message) as caught:
        Program.parse(image, "some.elf")
    assert str(caught.value).startswith("some.elf: ")
    assert "\n" not in str(caught.value)


def test_entry_outside_memory() -> None:
    with pytest.raises(ElfError, match="no vector table"):
        Pico(Program.parse(ElfSource(_CODE, entry=0x40000000).build()))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"cannot be read \(No such file"):
        Pico(tmp_path / "none.elf")


def test_vector_table_gives_sp_and_pc() -> None:
    table = struct.pack("<II", SRAM_BASE + 0x1000, FLASH_BASE + 8 + 1)
    target = Pico(Program.parse(ElfSource(table + _CODE, address=FLASH_BASE).build()))
    assert (target.registers.sp, target.registers.pc) == (SRAM_BASE + 0x1000, FLASH_BASE + 8)
    target.run()
    assert target.registers.r0 == 1


def test_vector_table_behind_the_second_stage() -> None:
    table = struct.pack("<II", SRAM_BASE + 0x1000, FLASH_BASE + 0x108 + 1)
    image = bytes(0x100) + table + _CODE
    target = Pico(Program.parse(ElfSource(image, address=FLASH_BASE).build()))
    assert target.registers.pc == FLASH_BASE + 0x108


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(st.integers(0, len(_SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=6
    ),
    st.integers(0, len(_SOUND)),
)
def test_damage_raises_only_errors_of_ours(damage: list[tuple[int, int]], length: int) -> None:
    image = bytearray(_SOUND)
    for offset, value in damage:
        image[offset] = value
    for candidate in (bytes(image), bytes(image[:length])):
        try:
            program = Program.parse(candidate)
            program.line_at(SRAM_BASE)
            Pico(program).run(max_cycles=1000)
        except SimError as error:
            assert "\n" not in str(error)  # noqa: PT017
