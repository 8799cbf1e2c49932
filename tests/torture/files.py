"""Damaged files: every command that is given one ends well, or says in one line what is wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from damaged_files import cases, prepare
from experiment_commands import without_progress
from isolation import WRONG, Tell

from priot import firmware_elf
from priot.experiments.cli import main

_ENDS = {0, 1, 2}
"""Exit codes of all commands but ``run``, which ends with the program's own."""
WHOLE_PROGRAM = firmware_elf.BUILT / "hello.no_flash.elf"
_EVERY_FORMAT = 32
_PER_SEED = 1_000_000  # batches, each of which has a seed of its own


def warm_up() -> None:
    """Compile and load what the commands need, so that the processes have it."""
    with _folder_of_its_own():
        for command in {tuple(command) for _, _, command in islice(cases(0), _EVERY_FORMAT)}:
            _in_this_process(list(command))
        _in_this_process(["run", str(WHOLE_PROGRAM), "--json", "-", "--memory"])


def batch(seed: int, number: int, first: int, count: int) -> Callable[[Tell], None]:
    """Work for ``isolated``: the cases from ``first`` up to ``count`` of a batch."""

    def work(tell: Tell) -> None:
        with _folder_of_its_own():
            chosen = islice(cases(seed * _PER_SEED + number), first, count)
            for at, (name, content, command) in enumerate(chosen, start=first):
                tell({"case": at, "how": _run(name, content, command)})

    return work


@contextmanager
def _folder_of_its_own() -> Iterator[None]:
    """The working folder of the commands, filled with what is whole."""
    before = Path.cwd()
    with TemporaryDirectory() as folder:
        prepare(Path(folder))
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _run(name: str, content: bytes, command: list[str]) -> str:
    """Give a command a damaged file; how it ended. Raises AssertionError if not as documented."""
    path = Path(name)
    whole = path.read_bytes() if path.exists() else None
    path.write_bytes(content)
    try:
        code, err = _in_this_process(command)
    finally:
        path.unlink(missing_ok=True) if whole is None else path.write_bytes(whole)
    lines = err.splitlines()
    if "Traceback (most recent" in err or "Exception ignored" in err:
        return f"{WRONG}: {' '.join(command)}: {err[-1000:]}"
    if command[0] != "run" and code not in _ENDS:
        return f"{WRONG}: {' '.join(command)}: exit code {code}: {err[-1000:]}"
    if code == 2 and command[0] != "run" and not (len(lines) == 1 and err.startswith("priot")):
        return f"{WRONG}: {' '.join(command)}: not one line: {err[-1000:]}"
    format_ = path.suffix[1:] or path.name
    return f"{format_}: {'run' if code == 0 else 'refused' if code == 2 else 'ended otherwise'}"


def _in_this_process(command: list[str]) -> tuple[int, str]:
    """Exit code, and what stands on standard error."""
    with TemporaryFile() as out, TemporaryFile() as err:
        kept = [os.dup(1), os.dup(2)]
        sys.stdout.flush()
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        try:
            code = main(command)
        except SystemExit as ended:  # as argparse does
            code = int(ended.code or 0)
        except Exception:
            print(traceback.format_exc(), file=sys.stderr)
            code = 1
        finally:
            with suppress(ValueError):
                sys.stdout.flush()
            sys.stderr.flush()
            for place, descriptor in zip((1, 2), kept, strict=True):
                os.dup2(descriptor, place)
                os.close(descriptor)
        err.seek(0)
        return code, without_progress(err.read().decode(errors="replace"))
