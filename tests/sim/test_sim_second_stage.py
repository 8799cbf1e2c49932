"""What a missed word of flash costs, by how the second stage sets up the serial interface."""

import zlib

import numpy as np
import pytest
from sim_programs import FLASH_BASE, ElfSource, assemble

from priot import firmware_elf
from priot.sim import Pico, Program

SSI = 0x1800_0000
# RP2040 datasheet, 4.10.13: CTRLR0 with 32 bits a frame that are read, by one line, two, four.
SERIAL, DUAL, QUAD = (lines << 21 | 31 << 16 | 3 << 8 for lines in range(3))
# SPI_CTRLR0: the wait, instruction and address in bits, and by which lines they go.
READ_03H = 2 << 8 | 6 << 2
CONTINUOUS_DUAL = 8 << 2 | 2
CONTINUOUS_QUAD = 4 << 11 | 8 << 2 | 2
QUAD_WITH_INSTRUCTION = 4 << 11 | 2 << 8 | 8 << 2 | 1
PICO = 50


def second_stage(ctrlr0: int, spi_ctrlr0: int, baudr: int, end: str = "pop {pc}") -> bytes:
    """Its 252 bytes and their checksum."""
    code = assemble(
        f"push {{lr}}; ldr r3, ={SSI}; movs r1, #0; str r1, [r3, #8]; ldr r1, ={baudr};"
        f"str r1, [r3, #0x14]; ldr r1, ={ctrlr0}; str r1, [r3]; movs r2, #0xf4;"
        f"ldr r1, ={spi_ctrlr0}; str r1, [r3, r2]; movs r1, #1; str r1, [r3, #8]; {end}",
        0x2004_1F00,
    )
    code = code.ljust(252, b"\0")
    return code + checksum(code).to_bytes(4, "little")


def checksum(code: bytes) -> int:
    """CRC-32 with the bits the other way round and not inverted (datasheet, 2.8.1.3.1)."""

    def turned(value: int, bits: int) -> int:
        return int(f"{value:0{bits}b}"[::-1], 2)

    return turned(zlib.crc32(bytes(turned(byte, 8) for byte in code)) ^ 0xFFFF_FFFF, 32)


def booted(stage: bytes, source: str = "bkpt #0", **options: int) -> Pico:
    """A Pico whose program follows the second stage."""
    code = assemble(source, FLASH_BASE + 256)
    image = ElfSource(stage + code, FLASH_BASE, entry=FLASH_BASE + 256)
    return Pico(Program.parse(image.build()), **options)  # type: ignore[arg-type]


def missed(pico: Pico) -> int:
    """Cycles of one missed word."""
    assert pico.xip_model is not None
    before = pico.xip
    pico.run()
    if pico.xip.misses > before.misses:
        stalls = pico.xip.stall_cycles - before.stall_cycles
        assert stalls == (pico.xip.misses - before.misses) * pico.xip_model.miss_cycles
    return pico.xip_model.miss_cycles or 0


@pytest.mark.parametrize(
    ("registers", "cycles"),
    [
        ((QUAD, CONTINUOUS_QUAD, 2), PICO),  # (8 + 4 + 8) * 2 + 10
        ((QUAD, CONTINUOUS_QUAD, 4), 90),
        ((QUAD, CONTINUOUS_QUAD, 3), PICO),  # dividers are even
        ((QUAD, QUAD_WITH_INSTRUCTION, 2), 66),  # 8 clocks of the instruction
        ((DUAL, CONTINUOUS_DUAL, 4), 138),  # (16 + 16) * 4 + 10
        ((SERIAL, READ_03H, 4), 266),  # 64 * 4 + 10
        ((SERIAL, READ_03H, 2), 138),
        ((SERIAL, READ_03H, 0), PICO),  # no clock: not set up
        ((7 << 16, READ_03H, 4), PICO),  # bytes: not for reads in place
    ],
)
def test_by_format_and_divider(registers: tuple[int, int, int], cycles: int) -> None:
    assert missed(booted(second_stage(*registers), "nop; nop; nop; bkpt #0")) == cycles


@pytest.mark.parametrize("end", ["here: b here", "udf #0", "bkpt #0", "movs r0, #0; bx r0"])
def test_one_that_does_not_return_is_as_good_as_none(end: str) -> None:
    assert missed(booted(second_stage(SERIAL, READ_03H, 4, end))) == PICO


def test_a_wrong_checksum_is_none() -> None:
    stage = bytearray(second_stage(SERIAL, READ_03H, 4))
    stage[200] ^= 1
    assert missed(booted(bytes(stage))) == PICO
    assert missed(booted(b"\xff" * 256)) == PICO


def test_it_leaves_nothing_but_the_serial_interface() -> None:
    stage = second_stage(SERIAL, READ_03H, 4)
    source = f"ldr r0, ={SSI}; ldr r1, [r0, #0x14]; ldr r2, [r0]; bkpt #0"
    pico, other = booted(stage, source), booted(b"\xff" * 256, source)
    assert pico.cycles == pico.instructions == pico.xip.accesses == 0
    assert np.array_equal(pico.sram, other.sram)
    assert pico.memory_use() == other.memory_use()
    for _ in range(2):
        pico.run()
        assert (pico.registers.r1, pico.registers.r2) == (4, SERIAL)
        pico.reset()


def test_the_program_may_change_it() -> None:
    source = (
        f"ldr r0, ={SSI}; movs r1, #0; str r1, [r0, #8]; movs r1, #4; str r1, [r0, #0x14];"
        "movs r1, #1; str r1, [r0, #8]; bkpt #0"
    )
    pico = booted(second_stage(QUAD, CONTINUOUS_QUAD, 2), source)
    pico.run()
    assert pico.xip_model is not None
    assert pico.xip_model.miss_cycles == 90
    pico.reset()
    assert pico.xip_model.miss_cycles == PICO


def test_a_given_cost_stays() -> None:
    assert missed(booted(second_stage(SERIAL, READ_03H, 4), xip_miss=45)) == 45


def test_our_own_programs_read_as_a_pico_does() -> None:
    pico = Pico(firmware_elf.BUILT / "hello.default.elf")
    assert pico.xip_model is not None
    assert pico.xip_model.miss_cycles == PICO
