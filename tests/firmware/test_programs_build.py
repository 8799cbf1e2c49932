"""firmware_elf: the committed files are what the sources build, and lie where they should."""

import hashlib
import json
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from priot import firmware_elf
from priot.firmware_elf import build, images
from priot.sim import Program, load_program
from priot.sim.loading import bin as raw
from priot.sim.loading import uf2
from priot.sim.loading.boot import boot_of
from priot.sim.memory_map import FLASH, SRAM

FOLDER = Path(firmware_elf.__file__).parent
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
NAMES = sorted({path.name.split(".")[0] for path in firmware_elf.BUILT.glob("*.*.elf")})
IMAGES = ("hello", "self_measure")


def installed_compiler() -> str | None:
    return build.compiler_version() if shutil.which(build.COMPILER) else None


def built(name: str, link_type: str) -> Path:
    return firmware_elf.BUILT / f"{name}.{link_type}.elf"


def test_manifest_holds_the_hashes_of_all_files() -> None:
    hashes = {name: program["sha256"] for name, program in MANIFEST["programs"].items()}
    assert {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.elf")} == set(hashes)
    for program in MANIFEST["programs"].values():
        hashes |= program["images"]
    for name, expected in hashes.items():
        assert hashlib.sha256(build.place_of(name).read_bytes()).hexdigest() == expected, name
    committed = {f"built/{path.name}" for path in firmware_elf.BUILT.iterdir()}
    names = {path.name for path in (*TRAINERS, *PREDICTORS)}
    assert committed | names | {"bootrom.bin", "bootrom.symbols"} == set(hashes)


def test_manifest_holds_the_flags_and_sources_of_the_build() -> None:
    assert MANIFEST["flags"] == list(build.FLAGS)
    described = {
        name: {key: program[key] for key in ("linker_script", "flags", "sources")}
        for name, program in MANIFEST["programs"].items()
    }
    assert described == {
        f"{program.name}.elf": {
            "linker_script": program.linker_script,
            "flags": list(program.flags),
            "sources": list(program.sources),
        }
        for program in build.PROGRAMS
    }


def test_every_source_is_built() -> None:
    sources = {source for program in build.PROGRAMS for source in program.sources}
    written = {str(p.relative_to(FOLDER)) for p in FOLDER.rglob("*") if p.suffix in (".c", ".S")}
    assert sources == written


def test_every_program_comes_in_all_link_types() -> None:
    written = {path.stem for path in (FOLDER / "programs").glob("*.c")}
    assert set(NAMES) == written
    for name in NAMES:
        assert all(built(name, link_type).exists() for link_type in build.LINK_TYPES)


def test_built_files_are_small() -> None:
    assert sum(path.stat().st_size for path in firmware_elf.BUILT.iterdir()) < 2_500_000


TRAINERS = [*firmware_elf.TRAINERS.values(), *firmware_elf.TRAINERS_IN_FLASH.values()]
PREDICTORS = [*firmware_elf.PREDICTORS.values(), *firmware_elf.PREDICTORS_IN_FLASH.values()]
IN_FLASH = [*firmware_elf.TRAINERS_IN_FLASH.values(), *firmware_elf.PREDICTORS_IN_FLASH.values()]


@pytest.mark.parametrize("path", [*TRAINERS, *PREDICTORS], ids=lambda path: path.stem)
def test_firmware_has_the_symbols_that_the_host_asks_for(path: Path) -> None:
    program = load_program(path)
    symbols = program.symbols
    start, end = symbols["__arena_start__"].address, symbols["__arena_end__"].address
    assert start % 8 == 0, "buffers of 64-bit sums are aligned"
    assert end - start > 200 * 1024
    assert not start <= symbols["mailbox"].address < end
    assert ("__variant_fast__" in symbols) == ("fast" in path.stem)
    start = symbols["__flash_arena_start__"].address
    assert start % 4096 == 0, "flash is erased by sectors"
    assert FLASH.base < start < symbols["__flash_arena_end__"].address == FLASH.end
    assert all(
        segment.address + len(segment.data) <= start or SRAM.holds(segment.address)
        for segment in program.segments
    )


@pytest.mark.parametrize(
    ("trainer", "predictor"),
    [
        (trainers[variant], predictor)
        for trainers, predictors in (
            (firmware_elf.TRAINERS, firmware_elf.PREDICTORS),
            (firmware_elf.TRAINERS_IN_FLASH, firmware_elf.PREDICTORS_IN_FLASH),
        )
        for variant, predictor in predictors.items()
    ],
)
def test_predictors_have_no_code_to_train(trainer: Path, predictor: Path) -> None:
    names = load_program(predictor).symbols
    assert "dense_forward" in names
    assert not any("backward" in name or "update" in name for name in names)
    sizes = [
        sum(len(segment.data) for segment in load_program(path).segments)
        for path in (predictor, trainer)
    ]
    assert sizes[0] < 0.5 * sizes[1]


@pytest.mark.parametrize("path", IN_FLASH, ids=lambda path: path.stem)
def test_firmware_in_flash_has_nothing_but_data_in_sram(path: Path) -> None:
    program = load_program(path)
    assert all(FLASH.holds(segment.address) for segment in program.segments)
    in_sram = {section.name for section in program.sections if SRAM.holds(section.address)}
    assert in_sram <= {".bss", ".ram_vector_table"}
    assert program.symbols["__arena_start__"].address < SRAM.base + 256
    assert boot_of(program).sp == SRAM.end


def test_files_name_no_folder_of_the_machine_that_built_them() -> None:
    for path in FOLDER.rglob("*.elf"):
        content = path.read_bytes()
        assert str(FOLDER).encode() not in content, path.name
        assert b"/home/" not in content, path.name
        assert b"/tmp/" not in content, path.name


@pytest.mark.parametrize("link_type", build.LINK_TYPES)
@pytest.mark.parametrize("name", NAMES)
def test_programs_lie_where_their_link_type_says(name: str, link_type: str) -> None:
    program = load_program(built(name, link_type))
    symbols = program.symbols
    boot = boot_of(program)
    assert boot.sp == symbols["__StackTop"].address == SRAM.end
    assert boot.pc == symbols["_reset_handler"].address
    stored_in = SRAM if link_type == "no_flash" else FLASH
    assert all(stored_in.holds(segment.address) for segment in program.segments)
    assert stored_in.holds(boot.pc)
    runs_in = FLASH if link_type == "default" else SRAM
    assert runs_in.holds(symbols["main"].address)
    assert program.line_at(symbols["main"].address) is not None
    heap = symbols["__end__"].address, symbols["__HeapLimit"].address
    assert symbols["__bss_end__"].address <= heap[0] < heap[1] == SRAM.base + 0x40000
    assert heap[1] <= symbols["__StackBottom"].address == boot.stack_limit < boot.sp


@pytest.mark.parametrize("link_type", ["default", "copy_to_ram"])
@pytest.mark.parametrize("name", NAMES)
def test_second_stage_has_its_checksum(name: str, link_type: str) -> None:
    """By zlib's CRC-32: the same polynomial, but bits mirrored and inverted at the end."""
    program = load_program(built(name, link_type))
    assert program.symbols["__flash_binary_start"].address == FLASH.base
    assert program.symbols["__VECTOR_TABLE"].address == FLASH.base + 0x100
    _, image = images.to_bin(program.image)
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in image[:252])
    expected = int(f"{zlib.crc32(mirrored) ^ 0xFFFF_FFFF:032b}"[::-1], 2)
    assert struct.unpack_from("<I", image, 252)[0] == expected == images.boot2_crc(image[:252])


@pytest.mark.parametrize("name", IMAGES)
def test_uf2_and_bin_hold_what_the_elf_file_holds(name: str) -> None:
    program = load_program(built(name, "default"))
    path = firmware_elf.BUILT / f"{name}.default"
    as_uf2 = uf2.parse(path.with_name(f"{path.name}.uf2").read_bytes())
    as_bin = raw.parse(path.with_name(f"{path.name}.bin").read_bytes())
    for other in (as_uf2, as_bin):
        assert len(other.segments) == 1
        assert boot_of(other).pc == boot_of(program).pc
        for segment in program.segments:
            start = segment.address - other.segments[0].address
            assert other.segments[0].data[start:][: len(segment.data)] == segment.data
    assert as_uf2.segments[0].data.rstrip(b"\0") == as_bin.segments[0].data.rstrip(b"\0")


@pytest.mark.parametrize("name", ["wild_pointer", "exit_code"])
def test_mode_can_be_set_before_a_run(name: str) -> None:
    for link_type in build.LINK_TYPES:
        program: Program = load_program(built(name, link_type))
        address = program.symbols["mode"].address
        assert program.word(address) == 0, "it lies where it is loaded: start-up code keeps it"


def test_boot_rom_is_the_image_of_its_elf_file() -> None:
    base, image = images.to_bin((firmware_elf.BUILT / "bootrom.elf").read_bytes())
    assert base == 0
    assert build.place_of("bootrom.bin").read_bytes() == image.ljust(16 * 1024, b"\0")


@pytest.mark.skipif(
    installed_compiler() != MANIFEST["compiler"],
    reason=f"needs {MANIFEST['compiler']}; other versions build other bits",
)
def test_sources_build_the_committed_files() -> None:
    command = [sys.executable, "-m", "priot.firmware_elf.build", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout == "all files are as committed\n"
    assert done.returncode == 0


def test_build_without_a_compiler_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "COMPILER", "no-such-gcc")
    monkeypatch.setattr(sys, "argv", ["build", "--check"])
    assert build.main() == 2
    assert capsys.readouterr().err == (
        "error: no-such-gcc is not installed: apt-get install gcc-arm-none-eabi\n"
    )
