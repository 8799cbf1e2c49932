"""What the boot ROM does behind a reset. Values: RP2040 datasheet, 2.8.1 and 2.8.1.1."""

import pytest
from sim_programs import FLASH_BASE, program

from priot import firmware_elf
from priot.sim import Pico, StopReason
from priot.sim.session import Console, Ending, Limits, Outcome, run_session

_RESET = "ldr r0, =0xE000ED0C; ldr r1, =0x05FA0004; str r1, [r0]; z: b z; .pool; .align 2;"
_WATCHDOG = "ldr r0, =0x40058000; ldr r1, =0x80000000; str r1, [r0]; y: b y; .pool; .align 2;"
_MAGIC, _CHECK = 0xB007_C0D3, 0x4FF8_3F2D


def _vector(entry: int, magic: int = _MAGIC, check: int = _CHECK) -> str:
    """Scratch 4 to 7: magic, entry against another magic, stack pointer, entry."""
    return "; ".join(
        f"ldr r1, ={word:#x}; ldr r0, =0x40058000; str r1, [r0, #{0x1C + 4 * number}]"
        for number, word in enumerate((magic, entry ^ check, 0x2003_0000, entry))
    )


def _goes_on(pico: Pico) -> None:
    assert pico.run(100_000).reason is StopReason.HALT
    assert pico.resets == 1


@pytest.mark.parametrize("reset", [_RESET, _WATCHDOG])
def test_a_program_that_lies_in_sram_alone_is_gone(reset: str) -> None:
    """The ROM finds nothing in flash, and waits as a USB drive."""
    pico = Pico(program(reset), resets=5)
    outcome = run_session(pico, Console(), Limits())
    assert outcome == Outcome(Ending.USB_BOOT, 1)
    assert (pico.resets, pico.nothing_to_boot) == (1, True)
    pico.reset()
    assert not pico.nothing_to_boot


@pytest.mark.parametrize("base", [0x2000_0000, FLASH_BASE])
@pytest.mark.parametrize("reset", [_RESET, _WATCHDOG])
def test_the_watchdogs_scratch_registers_name_what_comes_next(base: int, reset: str) -> None:
    pico = Pico(program(f"{_vector(0x2000_1001)}; {reset}", base), resets=1)
    pico.write(0x2000_1000, bytes.fromhex("0448c06900be"))  # ldr r0, [pc, #16]; ldr r0, [r0, #0x1c]
    pico.write(0x2000_1014, (0x4005_8000).to_bytes(4, "little"))
    _goes_on(pico)
    assert (pico.registers.pc, pico.registers.sp) == (0x2000_1004, 0x2003_0000)
    assert pico.registers.r0 == 0  # the ROM takes it once


@pytest.mark.parametrize("words", [{"magic": _MAGIC + 1}, {"check": _CHECK + 1}])
def test_a_wrong_magic_number_names_nothing(words: dict[str, int]) -> None:
    pico = Pico(program(f"{_vector(0x2000_1001, **words)}; {_WATCHDOG}"), resets=1)
    assert run_session(pico, Console(), Limits()).ending is Ending.USB_BOOT


def test_a_program_in_sram_gives_way_to_one_in_flash() -> None:
    pico = Pico(program(_RESET), resets=1, flash_data=True)
    in_flash = Pico(firmware_elf.BUILT / "exit_code.default.elf")
    pico.write(FLASH_BASE, bytes(in_flash.read(FLASH_BASE, count=0x8000)))
    assert pico.run(1_000_000).reason is StopReason.HALT
    assert pico.registers.pc >> 24 == FLASH_BASE >> 24


def test_a_program_that_erased_its_second_stage_is_gone() -> None:
    pico = Pico(firmware_elf.BUILT / "endless.default.elf", resets=1)
    pico.run(10_000)
    pico.write(FLASH_BASE, bytes(256))
    pico.at(lambda: pico._chip.peripherals.watchdog.write(0, 1 << 31), cycle=20_000)  # type: ignore[attr-defined]
    assert run_session(pico, Console(), Limits(timeout_ms=100)).ending is Ending.USB_BOOT
