"""Random programs: whatever they do, the simulator ends, and all models of the chip agree.

The programs are those of tests/sim: hostile ones, whose ends must be documented ones; those that
run on the core of our own and on the processor from the manual, some on Unicorn; pairs for two
cores; and programs for PIO's state machines.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

from engine_pairs import Engines
from engine_pairs import run_one as run_on_engines
from isolation import Tell
from pair_programs import KINDS as ENGINE_KINDS
from pio_pairs import run_random
from random_programs import RandomPrograms
from two_core_pairs import Machines

from priot import firmware_elf
from priot.sim import Pico

Run = Callable[[str], str]
"""Runs the program of a seed; how it ended. Raises for whatever must not be."""

WARM = "warm"
_LAUNCHES = 100_000  # cycles, after which core 1 runs


@cache
def runs() -> dict[str, Run]:
    """What runs the programs of each kind. Its machines are made once, in this process."""
    hostile, engines, machines = RandomPrograms(), Engines(), Machines()
    kinds: dict[str, Run] = {"hostile": lambda seed: hostile.run(random.Random(seed))}
    for kind in ENGINE_KINDS:
        kinds[kind] = lambda seed, kind=kind: run_on_engines(engines, kind, seed).value  # type: ignore[misc]
    kinds["two-cores"] = machines.run
    kinds["pio"] = _run_pio
    return kinds


def _run_pio(seed: str) -> str:
    run_random(random.Random(seed).getrandbits(32))
    return "agree"


def warm_up() -> None:
    """Compile and load all that the programs need, so that the processes have it."""
    for trace in (False, True):  # random programs launch core 1 too, if seldom
        Pico(firmware_elf.BUILT / "two_cores.no_flash.elf", trace=trace).run(_LAUNCHES)
    for run in runs().values():
        for number in range(3):
            run(f"{WARM}/{number}")


def batch(kind: str, seed: int, first: int, count: int) -> Callable[[Tell], None]:
    """Work for ``isolated``: programs ``first`` and after of a kind."""

    def work(tell: Tell) -> None:
        run = runs()[kind]
        for number in range(first, first + count):
            tell({"case": number, "how": run(f"{seed}/{number}")})

    return work
