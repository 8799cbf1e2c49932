"""UF2 and BIN files: what is read of a sound one, and that a damaged one is refused in one line."""

import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from sim_programs import FLASH_BASE, SRAM_BASE, ElfSource, assemble

from priot.sim import BinError, Pico, Program, ProgramError, Uf2Error, load_program
from priot.sim.loading import bin as raw
from priot.sim.loading import uf2
from priot.sim.loading.boot import boot_of

_RP2040, _RP2350 = 0xE48BFF56, 0xE48BFF59
_FAMILY, _NOT_MAIN = 0x2000, 0x0001
_CODE = assemble("movs r0, #7; bkpt #0")


def block(
    address: int = FLASH_BASE,
    number: int = 0,
    count: int = 1,
    *,
    data: bytes = bytes(256),
    size: int | None = None,
    flags: int = _FAMILY,
    family: int = _RP2040,
    magic: tuple[int, int, int] = (0x0A324655, 0x9E5D5157, 0x0AB16F30),
) -> bytes:
    """One UF2 block, by its description at github.com/microsoft/uf2."""
    length = len(data) if size is None else size
    header = struct.pack("<8I", *magic[:2], flags, address, length, number, count, family)
    return header + data.ljust(476, b"\0")[:476] + struct.pack("<I", magic[2])


def blocks(image: bytes, base: int) -> bytes:
    """`image` as a whole UF2 file."""
    parts = [image[start : start + 256] for start in range(0, len(image), 256)]
    return b"".join(
        block(base + number * 256, number, len(parts), data=part.ljust(256, b"\0"))
        for number, part in enumerate(parts)
    )


def flash_image(size: int = 0x300) -> bytes:
    """Second stage, vector table and code for flash."""
    table = struct.pack("<II", SRAM_BASE + 0x1000, FLASH_BASE + 0x108 + 1)
    return (bytes(0x100) + table + _CODE).ljust(size, b"\xa5")


def ram_image() -> bytes:
    """Vector table and code for SRAM, as a BIN file has them."""
    return struct.pack("<II", SRAM_BASE + 0x1000, SRAM_BASE + 8 + 1) + _CODE


def test_uf2_is_the_image_that_went_in() -> None:
    image = np.random.default_rng(1).integers(0, 256, 9 * 1024, np.uint8).tobytes()
    for base in (FLASH_BASE, SRAM_BASE, SRAM_BASE + 52):
        program = uf2.parse(blocks(image, base))
        assert [(s.address, s.data) for s in program.segments] == [(base, image)]


def test_uf2_for_flash_runs() -> None:
    target = Pico(uf2.parse(blocks(flash_image(), FLASH_BASE)))
    assert target.run().immediate == 0
    assert target.registers.r0 == 7


def test_uf2_for_sram_starts_at_its_lowest_address_and_tells_its_size() -> None:
    """It is called there, SP at the end of SRAM; a vector table would be executed as code."""
    target = Pico(uf2.parse(blocks(_CODE, SRAM_BASE + 0x40)), trace=True)
    assert (target.registers.pc, target.registers.sp) == (SRAM_BASE + 0x40, SRAM_BASE + 0x42000)
    target.run()
    assert target.registers.r0 == 7
    assert target.memory_use().code == 256
    assert [entry.name for entry in target.profile().by_function()] == ["?"]


def page(fill: int) -> bytes:
    return bytes([fill]) * 256


def test_gaps_order_and_blocks_that_are_passed_over() -> None:
    image = b"".join(
        (
            block(SRAM_BASE, 2, 3, data=page(3)),
            block(0, 0, 9, flags=_FAMILY | _NOT_MAIN),
            block(0, 0, 9, flags=0),
            block(FLASH_BASE, 0, 1, family=_RP2350),
            block(FLASH_BASE, 0, 1, size=476),
            block(SRAM_BASE + 0x1F80, 1, 3, data=page(2)),
            bytes(512),
            block(SRAM_BASE + 0x1080, 0, 3, data=page(1)),
            block(SRAM_BASE, 0, 1, data=page(9)),  # the chip restarts by now
            b"rest",
        )
    )
    segments = uf2.parse(image).segments
    assert [(s.address, s.data) for s in segments] == [
        (SRAM_BASE, page(3)),
        (SRAM_BASE + 0x1080, page(1)),
        (SRAM_BASE + 0x1F80, page(2)),
    ]


def test_a_number_that_comes_again_is_passed_over_and_later_bytes_go_above() -> None:
    program = uf2.parse(
        block(SRAM_BASE, 0, 3, data=page(1))
        + block(SRAM_BASE, 0, 3, data=page(7))
        + block(SRAM_BASE + 64, 1, 3, data=page(2))
        + block(SRAM_BASE + 128, 2, 3, data=page(3))
    )
    content = b"\1" * 64 + b"\2" * 64 + page(3)
    assert [(s.address, s.data) for s in program.segments] == [(SRAM_BASE, content)]


def test_another_count_begins_anew_on_what_was_written() -> None:
    first = block(FLASH_BASE, 0, 3, data=page(0x0F))
    program = uf2.parse(
        first
        + block(FLASH_BASE, 0, 2, data=page(0x3C))
        + block(FLASH_BASE + 256, 1, 2, data=page(0x55))
    )
    assert program.segments[0].data == page(0x3C) + page(0x55)


def test_memory_of_the_cache_is_no_start() -> None:
    program = uf2.parse(
        block(0x1500_0000, 0, 2) + block(SRAM_BASE + 256, 1, 2, data=_CODE.ljust(256, b"\0"))
    )
    assert [s.address for s in program.segments] == [0x1500_0000, SRAM_BASE + 256]
    target = Pico(program)
    target.run()
    assert target.registers.r0 == 7


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "0 bytes hold no 512-byte block"),
        (block()[:-1], "511 bytes hold no 512-byte block"),
        (block(magic=(0x0A324655, 0, 0x0AB16F30)), "block at byte 0 has no UF2 magic"),
        (
            block(count=2) + block(number=1, count=2, magic=(0x0A324655, 0x9E5D5157, 0)),
            "block 1 of 2 is missing; block at byte 512 has no UF2 magic",
        ),
        (block(flags=0), "block at byte 0 names no family"),
        (block(family=_RP2350), "made for family 0xe48bff59, not for an RP2040"),
        (block(flags=_FAMILY | _NOT_MAIN), "block at byte 0 is not for main flash"),
        (block(size=0), "holds 0 bytes; the boot ROM takes none but of 256"),
        (block(size=128), "holds 128 bytes"),
        (block(size=476), "holds 476 bytes"),
        (block(number=1, count=1), "has number 1 of 1"),
        (block(number=0, count=0), "has number 0 of 0"),
        (block(0x4000_0000), "is for 0x40000000, outside the RP2040's flash and SRAM"),
        (block(SRAM_BASE + 0x42000 - 255), "is for 0x20041f01, outside"),
        (block(FLASH_BASE + 0x20_0000), "is for 0x10200000, beyond the 2 MB"),
        (block(0xFFFF_FFFF), "outside"),
        (block(FLASH_BASE + 0x80), "is for 0x10000080, no multiple of 256"),
        (block(0x1500_0080), "is for 0x15000080, no multiple of 256"),
        (block(number=0, count=2), "block 1 of 2 is missing"),
        (block(number=0, count=0xFFFF_FFFF), "block 1 of 4294967295 is missing"),
        (block(number=0, count=2) + block(number=1, count=3), "block 0 of 3 is missing"),
        (
            block(number=0, count=2) + block(SRAM_BASE, 1, 2),
            "block at byte 512 is for SRAM, those before are for flash",
        ),
        (
            block(SRAM_BASE, 0, 2) + block(number=1, count=2),
            "block at byte 512 is for flash, those before are for SRAM",
        ),
        (block(FLASH_BASE + 0x1000), "nothing is at 0x10000000"),
        (  # RP2040-E14: the seventeenth number erases, wherever it lies
            b"".join(block(FLASH_BASE + 256 * (1 + n), n, 17) for n in range(17)),
            "block at byte 8192 erases the sector 0x10001000 and in it block 15",
        ),
    ],
)
def test_refused(image: bytes, message: str) -> None:
    with pytest.raises(Uf2Error) as caught:
        uf2.parse(image, "some.uf2")
    assert str(caught.value).startswith("some.uf2: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bin_goes_where_its_vector_table_points() -> None:
    assert raw.parse(flash_image()).segments[0].address == FLASH_BASE
    assert raw.parse(ram_image()).segments[0].address == SRAM_BASE
    entry_first = bytes(0x100) + struct.pack("<II", SRAM_BASE + 0x1000, SRAM_BASE + 0x109) + _CODE
    assert raw.parse(entry_first).segments[0].address == SRAM_BASE
    assert raw.parse(_CODE).segments[0].address == FLASH_BASE
    assert raw.parse(_CODE, base=SRAM_BASE + 64).segments[0].address == SRAM_BASE + 64
    for image in (flash_image(), ram_image()):
        target = Pico(raw.parse(image))
        target.run()
        assert target.registers.r0 == 7


@pytest.mark.parametrize(
    ("image", "base", "message"),
    [
        (b"", None, "empty"),
        (bytes(2 << 20) + b"a", None, "2097153 bytes from 0x10000000 on do not fit"),
        (b"ab", 0x2004_1FFF, "do not fit"),
        (b"ab", -1, "do not fit"),
    ],
)
def test_bin_refused(image: bytes, base: int | None, message: str) -> None:
    with pytest.raises(BinError, match=message):
        raw.parse(image, "some.bin", base)


def test_formats_are_told_by_content(tmp_path: Path) -> None:
    elf = ElfSource(_CODE).build()
    files = {"elf.uf2": elf, "uf2.bin": blocks(flash_image(), FLASH_BASE), "raw.bin": ram_image()}
    programs = {}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        programs[name] = load_program(tmp_path / name)
    assert programs["elf.uf2"].image == elf
    assert programs["uf2.bin"].segments[0].data == flash_image()
    assert programs["raw.bin"].segments[0] == raw.parse(ram_image()).segments[0]
    assert load_program(tmp_path / "raw.bin", FLASH_BASE).segments[0].address == FLASH_BASE


@pytest.mark.parametrize(("name", "content"), [("a.elf", b""), ("a.uf2", b"UF"), ("a.hex", b":1")])
def test_unknown_formats(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ProgramError, match=r"not an ELF file; give .* UF2"):
        load_program(tmp_path / name)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="Is a directory"):
        load_program(tmp_path)
    with pytest.raises(ProgramError, match="zero byte"):
        load_program("a\0b")
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ProgramError, match="larger than 64 MB"):
        load_program(tmp_path / "large.bin")


def test_without_symbols_the_program_still_answers() -> None:
    program: Program = uf2.parse(blocks(flash_image(), FLASH_BASE))
    assert program.function_at(FLASH_BASE + 0x108) is None
    assert program.line_at(FLASH_BASE + 0x108) is None
    assert program.word(FLASH_BASE + 0x104) == FLASH_BASE + 0x109


def test_damage_raises_only_errors_of_ours() -> None:
    """5,000 files with damaged bytes, words, blocks and lengths."""
    sound = blocks(flash_image(), FLASH_BASE)
    interesting = [0, 1, 0xFF, 0x1000_0000, 0x2000_0000, 0x7FFF_FFFF, 0xFFFF_FFFF]
    choose = np.random.default_rng(2)
    refused = 0
    tracemalloc.start()
    begin = time.monotonic()
    for _ in range(5000):
        image = bytearray(sound)
        for _ in range(choose.integers(1, 5)):
            at = int(choose.integers(0, len(image) // 4)) * 4
            if choose.random() < 0.7:
                at = at // 512 * 512 + int(choose.integers(0, 8)) * 4  # in a header
            kind = choose.integers(0, 3)
            if kind == 0:
                image[at] ^= 1 << int(choose.integers(0, 8))
            elif kind == 1:
                struct.pack_into("<I", image, at, int(choose.choice(interesting)))
            else:
                image += image[at // 512 * 512 :][:512]
        if choose.random() < 0.1:
            del image[int(choose.integers(0, len(image))) :]
        try:
            program = uf2.parse(bytes(image), "some.uf2")
            assert sum(len(segment.data) for segment in program.segments) <= len(image)
            boot_of(program)
        except Uf2Error as error:
            refused += 1
            assert "\n" not in str(error)  # noqa: PT017
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - begin < 30
    assert peak < 4 << 20
    assert 1000 < refused < 5000
