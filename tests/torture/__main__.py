"""The robustness suite: `python tests/torture`, an hour at full size; see docs/reliability.md.

What is done is kept in a file: the same command goes on where it stood, and does anew what was
found wrong, which is mended meanwhile.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / name) for name in ("sim", "experiments"))]
sys.path.append(str(HERE.parents[1]))

import files  # noqa: E402
import kills  # noqa: E402
import programs  # noqa: E402
import surroundings  # noqa: E402
from isolation import WRONG, Limits, Outcome, Tell, isolated  # noqa: E402
from ledger import Ledger  # noqa: E402

from priot.experiments.environment import environment  # noqa: E402
from priot.experiments.output import write_csv  # noqa: E402
from priot.experiments.records.files import write_record  # noqa: E402
from priot.experiments.records.torture import Torture, TorturePart  # noqa: E402

LIMITS = Limits(seconds=120)


@dataclass(frozen=True)
class Size:
    """How many cases of each kind; whole batches and campaigns."""

    programs: dict[str, int]
    files: int
    campaigns: int
    trials: dict[str, int]


_ENGINES = ("plain", "interrupts", "abandoned", "rewriting", "protected", "unicorn")
FULL = Size(
    {"hostile": 20_000, **dict.fromkeys(_ENGINES, 4_800), "two-cores": 600, "pio": 600},
    files=20_000,
    campaigns=20,
    trials={
        "full disk, read-only": 10,
        "two commands on one store": 10,
        "clock that jumps back": 10,
        "Dask workers killed": 3,
        "Ctrl-C": 20,
    },
)
QUICK = Size(
    {"hostile": 200, **dict.fromkeys(_ENGINES, 100), "two-cores": 5, "pio": 20},
    files=192,
    campaigns=1,
    trials=dict.fromkeys(FULL.trials, 1),
)
PROGRAMS_AT_ONCE, FILES_AT_ONCE = 200, 48


@dataclass(frozen=True)
class Unit:
    """What is done in one piece, and kept once it is."""

    key: str
    part: str
    run: Callable[[], tuple[Counter[str], list[str], float]]


def units(size: Size, seed: int, mnist: Path | None) -> list[Unit]:
    """All of the suite, the parts interleaved: what is done of it at any time is some of each."""
    parts = [*_programs(size, seed), _kills(size, seed, mnist), *_trials(size, seed)]
    parts.append(_files(size, seed))
    shares = [(at / len(part), unit) for part in parts for at, unit in enumerate(part)]
    return [unit for _, unit in sorted(shares, key=lambda share: share[0])]


def _programs(size: Size, seed: int) -> Iterator[list[Unit]]:
    for kind, total in size.programs.items():
        step = min(20 if kind in ("two-cores", "pio") else PROGRAMS_AT_ONCE, total)
        make, name = partial(programs.batch, kind, seed), f"program {kind} {seed}/"
        yield [
            Unit(
                f"{seed} programs {kind} {first}",
                f"random programs: {kind}",
                partial(_cases, make, first, min(first + step, total), name),
            )
            for first in range(0, total, step)
        ]


def _kills(size: Size, seed: int, mnist: Path | None) -> list[Unit]:
    every = kills.victims(mnist)
    names = [list(every)[number % len(every)] for number in range(size.campaigns)]
    return [
        Unit(
            f"{seed} kills {number}",
            f"SIGKILL: {name}",
            partial(_timed, partial(kills.campaign, every[name], f"{seed}/{name}/{number}")),
        )
        for number, name in enumerate(names)
    ]


def _trials(size: Size, seed: int) -> Iterator[list[Unit]]:
    for name, total in size.trials.items():
        trial = surroundings.TRIALS[name]
        yield [
            Unit(
                f"{seed} {name} {number}",
                name,
                partial(_timed, partial(trial, f"{seed}/{name}/{number}")),
            )
            for number in range(total)
        ]


def _files(size: Size, seed: int) -> list[Unit]:
    return [
        Unit(
            f"{seed} files {number}",
            "damaged files",
            partial(
                _cases,
                partial(_file_batch, seed, number),
                *(0, min(FILES_AT_ONCE, size.files - number * FILES_AT_ONCE)),
                f"file {seed}/{number}/",
            ),
        )
        for number in range(-(-size.files // FILES_AT_ONCE))
    ]


def _file_batch(seed: int, number: int, first: int, count: int) -> Callable[[Tell], None]:
    return files.batch(seed, number, first, first + count)


def _cases(
    make: Callable[[int, int], Callable[[Tell], None]], first: int, last: int, name: str
) -> tuple[Counter[str], list[str], float]:
    """Do cases ``first`` to ``last``; after one that the process dies of, go on in a new one."""
    counts: Counter[str] = Counter()
    faults: list[str] = []
    slowest = 0.0
    while first < last:
        outcome: Outcome = isolated(make(first, last - first), LIMITS)
        for piece in outcome.told:
            how = piece["how"]
            if how.startswith(WRONG):
                faults.append(f"{name}{piece['case']}: {how}")
                how = WRONG
            counts[how] += 1
        slowest = max(slowest, outcome.seconds)
        first += len(outcome.told)
        if outcome.end != "ended":
            counts[outcome.end] += 1
            faults.append(f"{name}{first}: {outcome.end}: {outcome.text[-1500:]}")
            first += 1
    return counts, faults, slowest


def _timed(
    run: Callable[[], tuple[Counter[str], list[str]]],
) -> tuple[Counter[str], list[str], float]:
    began = time.monotonic()
    counts, faults = run()
    return counts, faults, time.monotonic() - began


def record(ledger: Ledger, wanted: Sequence[Unit], seed: int, size: str, mounted: bool) -> Torture:
    """What docs/reliability.md shows: of what was really run, and of how much that is."""
    seconds, slowest, counts = ledger.seconds(), ledger.slowest(), ledger.counts()
    done = Counter(unit["part"] for unit in ledger.units.values())
    pieces = Counter(unit.part for unit in wanted)
    return Torture(
        size=size,
        seed=seed,
        full_disk="a tmpfs of its own" if mounted else "not tried: no tmpfs can be mounted",
        parts=tuple(
            TorturePart(
                part=part,
                pieces=total,
                done=done[part],
                ends=dict(sorted(counts.get(part, {}).items())),
                seconds=round(seconds.get(part, 0), 1),
                slowest_seconds=round(slowest.get(part, 0), 2),
            )
            for part, total in pieces.items()
        ),
        faults=tuple(ledger.faults()),
        environment=environment(),
    )


def main() -> int:
    """Run what is missing; 0 if nothing was found wrong, else 1."""
    parser = argparse.ArgumentParser(prog="python tests/torture", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes of it")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (1)")
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="full MNIST, to pre-train on")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pieces at once")
    parser.add_argument("--state", type=Path, default=Path("out/torture"), metavar="DIR")
    parser.add_argument(
        "--only", action="append", metavar="TEXT", help="parts whose name begins so; several times"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the record, here and now")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write its table")
    options = parser.parse_args()
    name = "quick" if options.quick else "full"
    size = QUICK if options.quick else FULL
    ledger = Ledger(options.state / f"{name}-{options.seed}.jsonl")
    mounted = surroundings.can_mount()
    wanted = [
        unit
        for unit in units(size, options.seed, options.mnist)
        if unit.part.startswith(tuple(options.only or [""]))
        and (mounted or "full disk" not in unit.part)
    ]
    missing = [unit for unit in wanted if not ledger.is_well(unit.key)]
    print(f"seed {options.seed}: {len(missing)} of {len(wanted)} pieces are to do", flush=True)
    if any("programs" in unit.part for unit in missing):
        programs.warm_up()
    if any("files" in unit.part for unit in missing):
        files.warm_up()
    carry_out(missing, ledger, options.jobs)
    made = record(ledger, wanted, options.seed, name, mounted)
    if options.json is not None:
        write_record(options.json, made)
    if options.csv is not None:
        write_csv(options.csv, [asdict(part) | {"ends": _told(part.ends)} for part in made.parts])
    print(f"{len(ledger.faults())} faults", flush=True)
    return int(bool(ledger.faults()))


def _told(ends: Mapping[str, int]) -> str:
    return "; ".join(f"{how}: {count}" for how, count in ends.items())


def carry_out(missing: Sequence[Unit], ledger: Ledger, jobs: int) -> None:
    """Do units in processes, each of which takes the next one; the ledger has them as they end."""
    forking = get_context("fork")  # what is compiled and loaded is there in each of them
    done, began = forking.Value("i", 0), time.monotonic()

    def work() -> None:
        while True:
            with done.get_lock():
                at = done.value
                done.value += 1
            if at >= len(missing):
                return
            unit, start = missing[at], time.monotonic()
            counts, faults, slowest = unit.run()
            took = time.monotonic() - start
            ledger.add(unit.key, unit.part, counts, faults, seconds=round(took, 2), slowest=slowest)
            left = (time.monotonic() - began) / (at + 1) * (len(missing) - at - 1) / 60
            told = [f"{unit.key}: {took:.1f} s, {dict(counts)}; {len(missing) - at - 1} pieces to "]
            told += [f"do, some {left:.0f} min", *(f"\n  {WRONG}: {fault}" for fault in faults)]
            print("".join(told), flush=True)

    # Not daemons: they start processes of their own.
    processes = [forking.Process(target=work) for _ in range(min(jobs, len(missing)))]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    ledger.read()
    if any(process.exitcode for process in processes):
        raise RuntimeError("the suite itself failed; the same command goes on")


if __name__ == "__main__":
    sys.exit(main())
