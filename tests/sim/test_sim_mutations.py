"""Damaged files and random programs: they end in a SimError or a Stop, soon, and no other way.

What these once found is at the end, reduced.
"""

import json
import os
import random
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from damaged_programs import damaged
from random_programs import BUDGET, name_of
from sim_programs import SRAM_BASE, pico, set_registers

from priot.sim import Fault, Pico, Program, ProgramError, SimError
from priot.sim.loading import uf2
from priot.sim.loading.boot import boot_of

_ROOT = Path(__file__).parents[2]
_BUILT = _ROOT / "firmware_elf" / "built"
_ELF_FILES = [
    _ROOT / "firmware_elf" / "trainer.elf",
    *sorted(path for path in _BUILT.glob("*.*.elf")),
]
_UF2_FILES = sorted(_BUILT.glob("*.uf2"))
_ELF_COUNT, _UF2_COUNT, _RUNS = 2_600, 2_600, 250
_PROGRAMS = 1_000
_PARSE_SECONDS, _RUN_SECONDS, _CHILD_SECONDS = 2.0, 10.0, 300.0
_CHILD_MEGABYTES = 1_000  # 560 were seen: eight Picos, and what Python and LLVM take
_PARSE_MEGABYTES = 32


def _parsed(image: bytes) -> Program | None:
    """The program; None if it is refused in one line."""
    started = time.perf_counter()
    try:
        parse = Program.parse if image.startswith(b"\x7fELF") else uf2.parse
        program = parse(image)
        boot_of(program)
    except ProgramError as error:
        name_of(error)
        return None
    finally:
        assert time.perf_counter() - started < _PARSE_SECONDS
    return program


@pytest.fixture(scope="module")
def loaded() -> list[Program]:
    """What is left of all the damaged files; those that changed their kind are refused."""
    result = []
    for paths, count in ((_ELF_FILES, _ELF_COUNT), (_UF2_FILES, _UF2_COUNT)):
        images = [path.read_bytes() for path in paths]
        for number in range(count):
            rng = random.Random(f"{paths[0].suffix}/{number}")
            program = _parsed(damaged(rng.choice(images), rng))
            if program is not None:
                result.append(program)
    return result


def test_damaged_files_are_refused_in_one_line_or_load(loaded: list[Program]) -> None:
    """Neither is rare: else the damage would be too little or too much."""
    assert 500 < len(loaded) < (_ELF_COUNT + _UF2_COUNT) // 2


def test_damaged_files_take_little_memory() -> None:
    images = [path.read_bytes() for path in (*_ELF_FILES[:3], *_UF2_FILES)]
    tracemalloc.start()
    for number in range(100):
        rng = random.Random(number)
        _parsed(damaged(rng.choice(images), rng))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < _PARSE_MEGABYTES << 20


def test_damaged_programs_end_within_their_budget(loaded: list[Program]) -> None:
    target = Pico(_BUILT / "hello.default.elf")
    target.run(1)  # compiles what is not on disk yet
    ends: Counter[str] = Counter()
    for program in random.Random(0).sample(loaded, _RUNS):
        started = time.perf_counter()
        target.program, target._boot = program, boot_of(program)
        target.reset()
        try:
            ends[target.run(BUDGET).reason.value] += 1
        except SimError as error:
            ends[name_of(error)] += 1
        assert time.perf_counter() - started < _RUN_SECONDS
    assert len(ends) > 2
    assert "ElfError" not in ends  # damaged debug information does not hide a fault


def test_random_programs_end_within_their_budget() -> None:
    """In a process of their own: its death is a failure here, with the program's number."""
    folder = Path(__file__).parent
    paths = os.pathsep.join((str(_ROOT), str(folder)))
    child = subprocess.run(
        [sys.executable, "-X", "faulthandler", folder / "random_programs.py", "1", str(_PROGRAMS)],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=_CHILD_SECONDS,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    report = json.loads(child.stdout)
    assert sum(report["ends"].values()) == _PROGRAMS
    assert len(report["ends"]) > 10
    assert report["slowest"] < _RUN_SECONDS
    assert report["megabytes"] < _CHILD_MEGABYTES


# --- What they found -----------------------------------------------------------------------------


def test_a_timer_set_far_ahead_still_reads() -> None:
    """TIMELW, then TIMEHW; 64 bits of microseconds are more than native code counts with."""
    target = pico(
        "str r1, [r0, #4]; str r1, [r0]; ldr r2, [r0, #0x24]; ldr r3, [r0, #0x28]; bkpt #0"
    )
    set_registers(target, r0=0x4005_4000, r1=0xFFFD_0034)
    target.run()
    assert (target.registers.r2, target.registers.r3) == (0xFFFD_0034, 0xFFFD_0034)


def test_what_a_callback_raises_comes_out() -> None:
    def refuse(address: int, size: int, value: int) -> bool:
        raise KeyError(address, size, value)

    target = pico("str r1, [r0]; bkpt #0")
    target._chip._private[0].bus.write = refuse  # type: ignore[method-assign]
    set_registers(target, r0=0x4005_4000)
    with pytest.raises(KeyError):
        target.run()


def test_trace_counts_an_exception_without_a_vector() -> None:
    target = Pico(pico("nop; bkpt #0").program, trace=True)
    target._chip.system_control.vtor = SRAM_BASE + 0x100
    target.write(SRAM_BASE + 0x100, np.zeros(48, np.uint32))
    target._chip.nvic.pend(14)
    with pytest.raises(Fault):
        target.run()
    assert target.call_graph().cycles == target.cycles == 15


def test_trace_counts_sleep_that_the_budget_ends() -> None:
    source = "str r2, [r0, #4]; str r1, [r0]; wfi; bkpt #0"  # SysTick
    target = Pico(pico(source).program, trace=True)
    set_registers(target, r0=0xE000_E010, r1=7, r2=0x00FF_FFFF)
    target.run(1000)
    assert target.call_graph().cycles == target.cycles >= 1000
