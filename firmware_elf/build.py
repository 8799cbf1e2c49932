"""Builds the ELF files beside this file with Debian's gcc-arm-none-eabi, the same bits every time.

``python -m firmware_elf.build`` builds all programs and writes ``manifest.json`` with their hashes,
the compiler and the flags. ``firmware_elf`` itself only says where the files are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
COMPILER = "arm-none-eabi-gcc"
FLAGS = (
    "-mcpu=cortex-m0plus",
    "-mthumb",
    "-std=c11",
    "-O3",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffreestanding",
    "-fno-tree-loop-distribute-patterns",  # memset() must not be compiled into a call of itself
    "-fdata-sections",
    "-ffunction-sections",
    "-Iruntime",
    "-nostdlib",
    "-Wl,--gc-sections",
    "-Wl,--build-id=none",
    "-Wl,--no-warn-rwx-segments",
)
RUNTIME = ("runtime/startup.c", "runtime/memory.c")


@dataclass(frozen=True)
class Program:
    """One ELF file: its name, linker script and sources, relative to this folder."""

    name: str
    linker_script: str
    sources: tuple[str, ...]


PROGRAMS = (
    Program(
        "trainer",
        "runtime/memmap_no_flash.ld",
        (
            *RUNTIME,
            "trainer/main.c",
            "trainer/conv2d.c",
            "trainer/dense.c",
            "trainer/loss.c",
            "trainer/max_pool2d.c",
            "trainer/relu.c",
            "trainer/requantise.c",
            "trainer/scores.c",
        ),
    ),
)


class BuildError(RuntimeError):
    """The compiler is missing or refused a source."""


def compiler_version() -> str:
    """First line of the compiler's version.

    Raises:
        BuildError: when it is not installed.
    """
    if shutil.which(COMPILER) is None:
        raise BuildError(f"{COMPILER} is not installed: apt-get install gcc-arm-none-eabi")
    run = subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()[0]


def build(program: Program, directory: Path) -> Path:
    """Compile and link ``program`` into ``directory``; returns the ELF file.

    Raises:
        BuildError: with the compiler's messages.
    """
    target = directory / f"{program.name}.elf"
    command = [COMPILER, *FLAGS, f"-ffile-prefix-map={HERE}=.", "-T", program.linker_script]
    command += [*program.sources, "-lgcc", "-o", str(target)]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    if run.returncode != 0:
        raise BuildError(f"{program.name} does not build:\n{run.stderr}")
    return target


def build_all(directory: Path) -> dict[str, Any]:
    """Build every program into ``directory`` and return the manifest."""
    version = compiler_version()
    programs = {}
    for program in PROGRAMS:
        content = build(program, directory).read_bytes()
        programs[f"{program.name}.elf"] = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "linker_script": program.linker_script,
            "sources": list(program.sources),
        }
    return {"compiler": version, "flags": list(FLAGS), "programs": programs}


def main() -> int:
    """Build into this folder, or with ``--check`` compare with what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as scratch:
        try:
            manifest = build_all(Path(scratch))
        except BuildError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        (Path(scratch) / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
        differing = [
            built.name
            for built in sorted(Path(scratch).iterdir())
            if not (HERE / built.name).exists()
            or (HERE / built.name).read_bytes() != built.read_bytes()
        ]
        if not check:
            for name in differing:
                shutil.copyfile(Path(scratch) / name, HERE / name)
    for name in differing:
        print(f"{name} {'differs' if check else 'written'}")
    if not differing:
        print("all ELF files are as committed")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
