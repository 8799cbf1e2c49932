"""firmware_elf: the committed ELF files are what the committed sources build."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import firmware_elf
from firmware_elf import build
from sim import load_program

FOLDER = Path(firmware_elf.__file__).parent
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())


def installed_compiler() -> str | None:
    return build.compiler_version() if shutil.which(build.COMPILER) else None


def test_manifest_holds_the_hashes_of_the_elf_files() -> None:
    assert {path.name for path in FOLDER.glob("*.elf")} == set(MANIFEST["programs"])
    for name, program in MANIFEST["programs"].items():
        content = (FOLDER / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == program["sha256"]


def test_manifest_holds_the_flags_and_sources_of_the_build() -> None:
    assert MANIFEST["flags"] == list(build.FLAGS)
    assert MANIFEST["programs"] == {
        f"{program.name}.elf": {
            "sha256": MANIFEST["programs"][f"{program.name}.elf"]["sha256"],
            "linker_script": program.linker_script,
            "sources": list(program.sources),
        }
        for program in build.PROGRAMS
    }


def test_every_source_is_built() -> None:
    sources = {source for program in build.PROGRAMS for source in program.sources}
    written = {str(p.relative_to(FOLDER)) for p in FOLDER.rglob("*") if p.suffix in (".c", ".S")}
    assert sources == written


def test_trainer_has_the_symbols_that_the_host_asks_for() -> None:
    symbols = load_program(firmware_elf.TRAINER).symbols
    start, end = symbols["__arena_start__"].address, symbols["__arena_end__"].address
    assert start % 8 == 0, "buffers of 64-bit sums are aligned"
    assert end - start > 200 * 1024
    assert not start <= symbols["mailbox"].address < end


def test_trainer_names_no_folder_of_the_machine_that_built_it() -> None:
    content = firmware_elf.TRAINER.read_bytes()
    assert str(FOLDER).encode() not in content
    assert b"/home/" not in content


@pytest.mark.skipif(
    installed_compiler() != MANIFEST["compiler"],
    reason=f"needs {MANIFEST['compiler']}; other versions build other bits",
)
def test_sources_build_the_committed_files() -> None:
    command = [sys.executable, "-m", "firmware_elf.build", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout == "all ELF files are as committed\n"
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
