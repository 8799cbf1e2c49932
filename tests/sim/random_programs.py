"""Random programs, each run with a budget; a process of its own, since what it finds may kill it.

As a script: `random_programs.py SEED COUNT` prints one JSON object with what came of them. The
number of the program at work stands on standard error, for when there is no more to come.
"""

import json
import random
import struct
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from numba.core import event
from sim_programs import ElfSource

from priot.sim import Fault, Pico, Program, SimError
from priot.sim.instructions import INSTRUCTIONS_16, INSTRUCTIONS_32, Instruction, Kind
from priot.sim.memory_map import FLASH, SRAM

BUDGET = 20_000  # cycles
_CODE_AT, _SIZE = 0x100, 512  # behind the vector table; bytes of code
_STACK = 0x2000_8100
_RESUMES = 8  # at a random place, since most programs fault soon
_REGISTERS = [f"r{number}" for number in range(13)]
# What a register may point at: memories and their ends, peripherals, and nothing at all.
_PLACES = (
    *(0x0000_0000, 0x0000_3FFC, 0x0000_4000, 0x1000_0000, 0x101F_FFFC, 0x1020_0000),
    *(0x1300_0000, 0x1400_0000, 0x1500_0000, 0x1800_0000, 0x2000_0000, 0x2000_0100),
    *(0x2000_8001, 0x2004_1FFC, 0x2004_2000, 0x2100_0000, 0x3000_0000, 0x4000_0000),
    *(0x4000_8000, 0x4000_C000, 0x4001_0000, 0x4001_4000, 0x4001_C000, 0x4002_4000),
    *(0x4002_8000, 0x4003_4000, 0x4003_C000, 0x4004_C000, 0x4005_4000, 0x4005_8000),
    *(0x4005_C000, 0x4006_0000, 0x5000_0000, 0x5010_0000, 0xD000_0000, 0xD000_0060),
    *(0xE000_E010, 0xE000_E100, 0xE000_E280, 0xE000_ED00, 0xE000_ED1C, 0xFFFF_FFF9),
    *(0xFFFF_FFFD, 0xEFFF_FFFF, 0xFFFF_FFFF),
)
_NAMED = [row for row in (*INSTRUCTIONS_16, *INSTRUCTIONS_32) if row.kind > Kind.UNPREDICTABLE]
_VALID = [row for row in _NAMED if row.kind is not Kind.PREFIX_32]


def _encoding(row: Instruction, rng: random.Random) -> bytes:
    """The instruction with random operands."""
    word = rng.getrandbits(len(row.bits)) & ~row.mask | row.value
    if len(row.bits) == 16:
        return struct.pack("<H", word)
    return struct.pack("<HH", word >> 16, word & 0xFFFF)


def random_code(rng: random.Random) -> bytes:
    """Halfwords of any kind, or instructions that all exist, with more memory accesses in some."""
    match rng.randrange(4):
        case 0:
            return rng.randbytes(_SIZE)
        case 1:
            rows = _VALID
        case 2:
            names = ("LDR", "STR", "LDM", "STM", "PUSH", "POP", "ADDS", "B<cond>", "MOV", "MSR")
            rows = [row for row in _VALID if row.name.startswith(names)]
        case _:
            rows = [row for row in _VALID if row.kind is not Kind.EXCEPTION]
    code = b"".join(_encoding(rng.choice(rows), rng) for _ in range(_SIZE // 2))
    return code[:_SIZE]


def _places(count: int, rng: random.Random) -> list[int]:
    return [
        (rng.choice(_PLACES) + 4 * rng.randrange(32)) & 0xFFFF_FFFF
        if rng.random() < 0.8
        else rng.getrandbits(32)
        for _ in range(count)
    ]


def _vectors(base: int, rng: random.Random) -> bytes:
    """A vector table: handlers in the code, or anywhere, or nowhere."""
    if rng.random() < 0.2:
        return rng.randbytes(4 * 48)
    handlers = [base + _CODE_AT + 2 * rng.randrange(_SIZE // 2) | 1 for _ in range(48)]
    for number in rng.sample(range(48), 4):
        handlers[number] = rng.getrandbits(32)
    return struct.pack("<48I", *handlers)


class RandomPrograms:
    """A Pico of each sort (flash or SRAM, traced, strict) that runs one program after another."""

    def __init__(self) -> None:
        self._picos: dict[tuple[int, bool, bool], Pico] = {}

    def _pico(self, base: int, trace: bool, strict: bool) -> Pico:
        key = base, trace, strict
        if key not in self._picos:
            image = ElfSource(bytes(_CODE_AT + _SIZE), base, entry=base + _CODE_AT).build()
            self._picos[key] = Pico(Program.parse(image), trace=trace, strict=strict)
        self._picos[key].reset()
        return self._picos[key]

    def run(self, rng: random.Random) -> str:
        """Run one; tells how it ended."""
        base = FLASH.base if rng.random() < 0.3 else SRAM.base
        target = self._pico(base, trace=rng.random() < 0.3, strict=rng.random() < 0.1)
        target.write(base, _vectors(base, rng).ljust(_CODE_AT, b"\0") + random_code(rng))
        target.write(_STACK - 0x100, np.array(_places(256, rng), np.uint32))
        values = dict(zip(_REGISTERS, _places(len(_REGISTERS), rng), strict=True))
        sp = _STACK if rng.random() < 0.8 else rng.getrandbits(32) & ~3
        lr = base + _CODE_AT | 1 if rng.random() < 0.8 else rng.getrandbits(32)
        flags = rng.getrandbits(4) << 28 | 1 << 24
        target.set_registers(**values, sp=sp, lr=lr, pc=base + _CODE_AT, xpsr=flags)
        target._chip.system_control.vtor = base
        if rng.random() < 0.5:
            target._chip.nvic.enabled = rng.getrandbits(48)
            target._chip.nvic.pending = rng.getrandbits(48) & rng.getrandbits(48) & ~0x7FF
        ended = _ended(target)
        for _ in range(_RESUMES):
            target.set_registers(
                pc=base + _CODE_AT + 2 * rng.randrange(_SIZE // 2),
                sp=_STACK,
                **{f"r{rng.randrange(8)}": rng.choice(_PLACES)},
            )
            _ended(target)
        if rng.random() < 0.1:
            _check_sums(target)
        return ended


def name_of(error: SimError) -> str:
    """Its reason or class; fails unless it is a documented one of one line."""
    assert "\n" not in str(error), str(error)
    assert type(error) is not SimError, str(error)
    return error.reason.name if isinstance(error, Fault) else type(error).__name__


def _ended(target: Pico) -> str:
    """How a run with the budget ends; raises if not in one of the documented ways."""
    before = target.cycles
    try:
        return target.run(BUDGET).reason.value
    except SimError as error:
        return name_of(error)
    finally:
        # The last block may be long, and each word of it wait for flash.
        assert target.cycles - before < BUDGET + 10_000


def _check_sums(target: Pico) -> None:
    """Whatever happened, the reports agree with the count."""
    target.memory_report()
    if target._chip.tracer:
        assert target.profile().total == target.cycles
        assert target.call_graph().cycles == target.cycles


def _peak_megabytes() -> float:
    """The most memory this process had; 0 where Linux does not tell.

    Not getrusage's ru_maxrss, which begins at what the process that started this one had.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def main(seed: int, count: int) -> None:
    """Run `count` programs and report."""
    programs = RandomPrograms()
    ends: Counter[str] = Counter()
    slowest = 0.0
    for number in range(count):
        print(number, file=sys.stderr, flush=True)
        started = time.perf_counter()
        with event.install_recorder("numba:compile") as compiled:
            ends[programs.run(random.Random(f"{seed}/{number}"))] += 1
        if not compiled.buffer:  # else it was the compiler that took its time
            slowest = max(slowest, time.perf_counter() - started)
    print(json.dumps({"ends": ends, "slowest": slowest, "megabytes": _peak_megabytes()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
