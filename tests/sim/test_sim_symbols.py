"""What addresses are called in profiles, reports and faults: by address, not by name."""

import re

import pytest
from sim_programs import SRAM_BASE, ElfSource, assemble, pico

from priot import firmware_elf
from priot.sim import Fault, Pico, Program, SymbolError, load_program

NO_TYPE, OBJECT, FUNCTION, FILE = 0, 1, 2, 4
A, B, C = SRAM_BASE, SRAM_BASE + 0x10, SRAM_BASE + 0x20
_NOPS = assemble("nop; " * 24 + "bkpt #0")


def named(*local: tuple[str, int, int, int], **functions: tuple[int, int]) -> Program:
    """48 bytes of code with symbols that only their files see, and global functions."""
    return Program.parse(ElfSource(_NOPS, local=local, functions=functions).build(), "some.elf")


def names(program: Program, *addresses: int) -> list[str | None]:
    found = [program.function_at(address) for address in addresses]
    return [function.name if function else None for function in found]


TWICE = (
    ("a.c", 0, 0, FILE),
    ("work", A | 1, 8, FUNCTION),
    ("table", C, 4, OBJECT),
    ("b.c", 0, 0, FILE),
    ("work", B | 1, 8, FUNCTION),
    ("table", C + 4, 8, OBJECT),
)


def test_functions_and_arrays_of_one_name_in_two_files_are_told_apart() -> None:
    program = named(*TWICE)
    assert names(program, A, B + 6, B + 8) == ["work (a.c)", "work (b.c)", None]
    target = Pico(program, trace=True)
    target.run()
    entries = {entry.name: entry.instructions for entry in target.profile().by_function()}
    assert entries == {"work (a.c)": 4, "work (b.c)": 4, "?": 16}
    assert {cost.name for cost in target.call_graph().functions()} >= {"work (a.c)", "work (b.c)"}
    largest = [(use.name, use.size) for use in target.memory_report().sram.largest]
    assert ("table (b.c)", 8) in largest
    assert ("table (a.c)", 4) in largest


def test_a_name_of_several_is_refused_with_all_their_places() -> None:
    target = Pico(named(*TWICE))
    message = "2 symbols are called 'work'; name one of 'work (a.c)' at 0x20000000, 'work (b.c)'"
    with pytest.raises(SymbolError, match=re.escape(message)):
        target.symbol("work")
    assert target.symbol("work (b.c)").address == B


def test_without_a_file_that_tells_the_address_does() -> None:
    program = named(("a.c", 0, 0, FILE), ("work", A | 1, 8, FUNCTION), ("work", B | 1, 8, FUNCTION))
    assert names(program, A, B) == ["work (0x20000000)", "work (0x20000010)"]


def test_a_global_name_stays_as_it_is() -> None:
    program = named(("a.c", 0, 0, FILE), ("work", A | 1, 8, FUNCTION), work=(B, 8))
    assert names(program, A, B) == ["work (a.c)", "work"]
    assert program.symbols["work"].address == B


def test_several_names_of_one_address_need_no_file() -> None:
    program = named(("a.c", 0, 0, FILE), ("work", A | 1, 8, FUNCTION), work=(A, 8))
    assert names(program, A) == ["work"]


def test_names_of_cpp_and_rust_are_readable() -> None:
    program = named(
        _ZN5motor3runEij=(A, 16), _ZN4core3fmt5write17h0123456789abcdefE=(B, 16), _Zebra=(C, 4)
    )
    readable = ["motor::run(int, unsigned int)", "core::fmt::write", "_Zebra"]
    assert names(program, A, B, C) == readable
    assert program.symbols["_ZN5motor3runEij"] is program.symbols[readable[0]]


def test_constructors_of_one_readable_name_are_told_apart() -> None:
    program = named(_ZN5MotorC1Ev=(A, 16), _ZN5MotorC2Ev=(B, 16))
    assert names(program, A, B) == ["Motor::Motor() (0x20000000)", "Motor::Motor() (0x20000010)"]


CODE, DATA = ("$t", A, 0, NO_TYPE), ("$d", C, 0, NO_TYPE)


def test_labels_without_a_type_are_functions_where_code_is() -> None:
    program = named(CODE, ("spin", B, 0, NO_TYPE), DATA, ("pool", C, 0, NO_TYPE), main=(A, 8))
    assert names(program, A, A + 8, B, C - 2) == ["main", None, "spin", "spin"]
    assert not program.symbols["pool"].is_function


def test_labels_inside_a_function_are_none_of_their_own() -> None:
    program = named(CODE, ("loop", A + 4, 0, NO_TYPE), main=(A, 16))
    assert names(program, A + 6) == ["main"]
    program = named(CODE, ("loop", A + 4, 0, NO_TYPE), main=(A, 0), other=(B, 0))
    assert names(program, A + 6, B + 2) == ["main", "other"]


def test_the_boot_rom_has_names() -> None:
    popcount = pico("bkpt #0").symbol("popcount32 (boot ROM)")
    target = pico(f"ldr r4, ={popcount.address | 1}; movs r0, #7; blx r4; bkpt #0")
    target.run()
    assert target.registers.r0 == 3
    assert "popcount32 (boot ROM)" in {entry.name for entry in target.profile().by_function()}
    assert "popcount32 (boot ROM)" in {cost.name for cost in target.call_graph().functions()}
    memset = target.symbol("memset (boot ROM)")
    target = pico(f"ldr r4, ={memset.address | 1}; ldr r0, =0x60000000; movs r2, #9; blx r4")
    with pytest.raises(Fault, match=r"memset \(boot ROM\)\+0x"):
        target.run()


@pytest.mark.parametrize("path", [firmware_elf.TRAINER, firmware_elf.BUILT / "hello.default.elf"])
def test_functions_that_the_linker_dropped_are_no_lines_of_the_rom(path: str) -> None:
    """Their line tables stay in the file, at address 0."""
    program = load_program(path)
    assert not any(program.line_at(address) for address in range(0, 0x4000, 2))
    assert program.line_at(program.symbols["main"].address)


def test_addresses_of_flash_are_one_by_all_their_windows() -> None:
    program = load_program(firmware_elf.BUILT / "hello.default.elf")
    main = program.symbols["main"].address
    for again in (0x0020_0000, 0x0300_0000, 0x03E0_0000):
        assert program.function_at(main + again) is program.symbols["main"]
        assert program.line_at(main + again) == program.line_at(main)
