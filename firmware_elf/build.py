"""Builds the trainers, predictors, programs and boot ROM with Debian's gcc-arm-none-eabi.

The same sources give the same bits every time. ``python -m priot.firmware_elf.build`` builds all of
them and writes ``manifest.json`` with their hashes, the compiler and the flags. ``firmware_elf``
itself only says where the files are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from priot.firmware_elf import images

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
LINK_TYPES = ("default", "copy_to_ram", "no_flash")
"""The Pico SDK's names: run from flash, stored in flash and copied, loaded into SRAM."""

_FLASH_ARENA = (  # the first sector of flash is left to a second stage, which sets flash up
    "-Wl,--defsym=__flash_arena_start__=0x10001000",
    "-Wl,--defsym=__flash_arena_end__=0x10200000",
)
_PROGRAM_FLAGS = (
    *("-O2", "-masm-syntax-unified", "-Ihal", "-Iprograms"),
    "-Wl,--undefined=__HeapLimit",  # PROVIDEd only by memmap_no_flash.ld, and asked for by hosts
)
_PROGRAM_RUNTIME = (
    "runtime/crt0.S",
    "runtime/memory.c",
    "hal/bootrom.c",
    "hal/clocks.c",
    "hal/exit.c",
    "hal/print.c",
    "hal/runtime_init.c",
    "hal/uart.c",
)
_PROGRAM_NAMES = (
    "divider",
    "dma_copy",
    "endless",
    "exit_code",
    "floats",
    "heap",
    "hello",
    "pio",
    "pwm",
    "recursion",
    "self_measure",
    "serial_buses",
    "serial_lines",
    "sleep",
    "timer_interrupts",
    "two_cores",
    "usb_serial",
    "wild_pointer",
    "workload",
)
_AS_IMAGES = ("hello", "self_measure")  # for flash these come as UF2 and BIN too
_BOOTROM_SIZE = 16 * 1024


def operations(listed: str) -> tuple[str, ...]:
    """Names of the operations that a list of trainer/operations.h has, sorted.

    Args:
        listed: "WITH_WEIGHTS" or "WITHOUT_WEIGHTS".
    """
    source = (HERE / "trainer/operations.h").read_text(encoding="utf-8")
    names = re.search(rf"#define OPERATIONS_{listed}\(each\) \\\n(.*?)\n\n", source, re.DOTALL)
    if names is None:
        raise ValueError(f"trainer/operations.h: no list OPERATIONS_{listed}")
    return tuple(sorted(re.findall(r"each\(\w+, (\w+)\)", names[1])))


_WITHOUT_WEIGHTS = operations("WITHOUT_WEIGHTS")


@dataclass(frozen=True)
class Program:
    """One ELF file: its name, linker script and sources, relative to this folder.

    ``flags`` follow those of all programs; ``images`` are the endings of what is made of it.
    """

    name: str
    linker_script: str
    sources: tuple[str, ...]
    flags: tuple[str, ...] = ()
    images: tuple[str, ...] = ()


def _program(name: str, link_type: str) -> Program:
    in_flash = link_type != "no_flash"
    return Program(
        f"built/{name}.{link_type}",
        f"runtime/memmap_{link_type}.ld",
        (*_PROGRAM_RUNTIME, *(("runtime/boot2.S",) if in_flash else ()), f"programs/{name}.c"),
        _PROGRAM_FLAGS,
        ("uf2", "bin") if name in _AS_IMAGES and link_type == "default" else (),
    )


BOOTROM = Program(
    "built/bootrom",
    "bootrom/bootrom.ld",
    (
        "bootrom/start.S",
        "bootrom/boot.c",
        "bootrom/bits.S",
        "bootrom/memory.S",
        "bootrom/flash.c",
        "bootrom/floating_point.S",
    ),
    ("-Os", "-masm-syntax-unified", "-Ibootrom"),
)

_PLAIN = Program(
    "trainer",
    "runtime/memmap_no_flash.ld",
    (
        *RUNTIME,
        "trainer/main.c",
        "trainer/conv2d.c",
        "trainer/dense.c",
        "trainer/edges.c",
        "trainer/loss.c",
        *(f"trainer/{name}.c" for name in _WITHOUT_WEIGHTS),
        "trainer/requantise.c",
        "trainer/scores.c",
        "trainer/ternary.c",
    ),
)
_FAST = Program(
    "trainer_fast",
    "runtime/memmap_no_flash.ld",
    (
        *RUNTIME,
        "trainer/main.c",
        "trainer_fast/conv2d.c",
        "trainer_fast/conv2d_errors.S",
        "trainer_fast/conv2d_pair.S",
        "trainer_fast/count_weights.c",
        "trainer_fast/dense.c",
        "trainer_fast/dense_columns.S",
        "trainer_fast/dense_rows.S",
        "trainer_fast/dense_ternary.c",
        "trainer_fast/edges_update.S",
        "trainer/edges.c",
        "trainer/loss.c",
        *(f"trainer_fast/{name}.c" for name in _WITHOUT_WEIGHTS),
        "trainer_fast/list_nonzero.S",
        "trainer_fast/requantise.c",
        "trainer_fast/requantise_sums.S",
        "trainer_fast/scores.c",
        "trainer_fast/ternary.c",
    ),
    ("-Itrainer", "-masm-syntax-unified", "-Wl,--defsym=__variant_fast__=1"),
)

_TRAINING_ONLY = ("trainer/main.c", "trainer/loss.c")

# Calls of these functions of the fast variant go to those that part the work between the cores.
_PARTED = (
    "main",
    *(f"conv2d_{name}" for name in ("forward", "backward", "update")),
    *(f"dense_{name}" for name in ("forward", "backward", "update")),
    *(f"{layer}_{name}" for layer in _WITHOUT_WEIGHTS for name in ("forward", "backward")),
    *(f"dense_ternary_{name}" for name in ("forward", "backward")),
    "count_weights",
)
_DUAL = Program(
    "trainer_dual",
    _FAST.linker_script,
    (
        *_FAST.sources,
        "trainer_dual/conv2d_backward.c",
        "trainer_dual/cores.c",
        "trainer_dual/dense_backward.c",
        "trainer_dual/operations.c",
        "trainer_dual/split.c",
    ),
    (
        *("-Itrainer_fast", "-Itrainer", "-masm-syntax-unified", "-Wl,--defsym=__variant_dual__=1"),
        *(f"-Wl,--wrap={function}" for function in _PARTED),
        *_FLASH_ARENA,
    ),
)


def _predictor(trainer: Program) -> Program:
    """The forward half of a trainer; the linker leaves out what nothing calls."""
    sources = tuple(source for source in trainer.sources if source not in _TRAINING_ONLY)
    flags = (*trainer.flags, *(() if "-Itrainer" in trainer.flags else ("-Itrainer",)))
    return replace(
        trainer,
        name=trainer.name.replace("trainer", "predictor"),
        sources=(*sources, "predictor/main.c", "predictor/masked.c"),
        flags=flags,
    )


def _device_program(program: Program, in_flash: bool) -> Program:
    """A trainer or predictor, linked for SRAM or to run from flash."""
    if not in_flash:
        return replace(program, flags=(*program.flags, *_FLASH_ARENA))
    return replace(
        program,
        name=f"{program.name}_in_flash",
        linker_script="runtime/memmap_trainer_in_flash.ld",
        sources=(*program.sources, "runtime/boot2.S"),
    )


PROGRAMS = (
    *(
        _device_program(program, in_flash)
        for trainer in (_PLAIN, _FAST)
        for program in (trainer, _predictor(trainer))
        for in_flash in (False, True)
    ),
    _DUAL,
    BOOTROM,
    *(_program(name, link_type) for name in _PROGRAM_NAMES for link_type in LINK_TYPES),
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
    target.parent.mkdir(exist_ok=True, parents=True)
    command = [COMPILER, *FLAGS, *program.flags, f"-ffile-prefix-map={HERE}=."]
    command += [f"-Wa,--debug-prefix-map,{HERE}=."]  # GCC 12 does not tell the assembler
    command += ["-T", program.linker_script, *program.sources, "-lgcc", "-o", str(target)]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    if run.returncode != 0:
        raise BuildError(f"{program.name} does not build:\n{run.stderr}")
    target.write_bytes(images.sealed(target.read_bytes()))
    return target


def _images_of(program: Program, elf: bytes) -> dict[str, bytes]:
    """What is made of an ELF file, by file name."""
    if program is BOOTROM:
        rom = images.to_bin(elf)[1].ljust(_BOOTROM_SIZE, b"\0")
        return {"bootrom.bin": rom, "bootrom.symbols": images.symbols(elf)}
    content = {"uf2": images.to_uf2(elf), "bin": images.to_bin(elf)[1]}
    return {f"{program.name}.{ending}": content[ending] for ending in program.images}


def place_of(name: str) -> Path:
    """Where the built file ``name`` is committed: the boot ROM belongs to the simulator."""
    return HERE.parent / "sim" / name if name.startswith("bootrom.") else HERE / name


def build_all(directory: Path) -> dict[str, Any]:
    """Build every program into ``directory`` and return the manifest."""
    version = compiler_version()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        elves = list(pool.map(lambda program: build(program, directory), PROGRAMS))
    programs = {}
    for program, elf in zip(PROGRAMS, elves, strict=True):
        made = _images_of(program, elf.read_bytes())
        for name, content in made.items():
            (directory / name).write_bytes(content)
        programs[f"{program.name}.elf"] = {
            "sha256": _sha256(elf.read_bytes()),
            "linker_script": program.linker_script,
            "flags": list(program.flags),
            "sources": list(program.sources),
            "images": {name: _sha256(content) for name, content in made.items()},
        }
    return {"compiler": version, "flags": list(FLAGS), "programs": programs}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


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
        names = sorted(
            str(built.relative_to(scratch)) for built in Path(scratch).rglob("*") if built.is_file()
        )
        differing = [
            name
            for name in names
            if not place_of(name).exists()
            or place_of(name).read_bytes() != (Path(scratch) / name).read_bytes()
        ]
        if not check:
            for name in differing:
                place_of(name).parent.mkdir(exist_ok=True)
                shutil.copyfile(Path(scratch) / name, place_of(name))
    for name in differing:
        print(f"{name} {'differs' if check else 'written'}")
    if not differing:
        print("all files are as committed")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
