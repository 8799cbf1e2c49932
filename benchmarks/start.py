"""The way to a first result from the shell: `priot run hello`, everything compiled before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.timing import seconds
from priot import firmware_elf

_PRIOT = "import sys; from priot.experiments.cli import main; sys.exit(main())"


def rows(rounds: int) -> list[dict[str, Any]]:
    """Seconds of whole commands, from their start to their end."""
    hello = firmware_elf.BUILT / "hello.copy_to_ram.elf"
    return [
        _row("priot --help", ["--help"], "", rounds),
        _row("priot run hello", ["run", str(hello)], "Hello from an RP2040\n", rounds),
    ]


def _row(case: str, arguments: list[str], expected: str, rounds: int) -> dict[str, Any]:
    def run() -> None:
        command = [sys.executable, "-c", _PRIOT, *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=_ROOT)
        if ended.returncode or not ended.stdout.endswith(expected):
            raise BenchmarkError(f"{case}: {ended.returncode}, {ended.stdout!r}, {ended.stderr!r}")

    run()  # compiles
    return {"case": case, "seconds": median(seconds(run) for _ in range(rounds))}


_ROOT = Path(__file__).parents[1]
