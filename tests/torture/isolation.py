"""Work in a process of its own, with limits of time, memory and disk, that may die of it."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WRONG = "WRONG"
"""How the end of a case begins that is not as documented."""
Tell = Callable[[dict[str, Any]], None]
"""What work calls with each piece that is done: with it time begins anew."""


@dataclass(frozen=True)
class Limits:
    """What a process may take."""

    seconds: float = 60
    """Between two pieces."""
    megabytes: int = 2048
    """Of memory, beyond what the process that starts it has."""
    file_megabytes: int = 256
    """Of each file."""


@dataclass
class Outcome:
    """What a process told, and how it ended."""

    told: list[dict[str, Any]] = field(default_factory=list)
    end: str = "ended"
    """Or "hang", "memory", "traceback" (text says which), "crash" (text: the signal)."""
    text: str = ""
    seconds: float = 0.0
    """The longest time between two pieces."""


def isolated(work: Callable[[Tell], None], limits: Limits) -> Outcome:
    """Do ``work`` in a copy of this process, which should have one thread only."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _work(work, limits, write)
    with suppress(OSError):  # it did so itself, and may have ended since
        os.setpgid(child, child)
    os.close(write)
    outcome = Outcome(end="hang")
    try:
        _listen(read, limits, outcome)
    finally:  # also where this process is interrupted
        os.close(read)
        if outcome.end == "hang":
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if outcome.end == "ended" and os.waitstatus_to_exitcode(status) != 0:
        code = os.waitstatus_to_exitcode(status)
        outcome.end = "crash"
        outcome.text = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return outcome


def _work(work: Callable[[Tell], None], limits: Limits, write: int) -> None:
    """In the new process; does not return."""
    code = 0
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _limit(resource.RLIMIT_AS, _address_space() + (limits.megabytes << 20))
        _limit(resource.RLIMIT_FSIZE, limits.file_megabytes << 20)
        _limit(resource.RLIMIT_CORE, 0)
        with os.fdopen(write, "w", buffering=1, closefd=False) as lines:
            try:
                work(lambda piece: print(json.dumps(piece), file=lines, flush=True))
            except MemoryError:
                print(json.dumps({"end": "memory", "text": traceback.format_exc()}), file=lines)
            except BaseException:
                print(json.dumps({"end": "traceback", "text": traceback.format_exc()}), file=lines)
    except BaseException:
        code = 99
    os._exit(code)


def _listen(read: int, limits: Limits, outcome: Outcome) -> None:
    """Until the process ends, or says nothing for too long."""
    buffer, ended = b"", "ended"
    last = time.monotonic()
    while True:
        left = last + limits.seconds - time.monotonic()
        if left <= 0 or not select.select([read], [], [], left)[0]:
            return
        received = os.read(read, 1 << 16)
        outcome.seconds = max(outcome.seconds, time.monotonic() - last)
        last = time.monotonic()
        if not received:
            outcome.end = ended
            return
        *lines, buffer = (buffer + received).split(b"\n")
        for line in lines:
            piece = json.loads(line)
            if "end" in piece:
                ended, outcome.text = piece["end"], piece["text"]
            else:
                outcome.told.append(piece)


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, hard))


def _address_space() -> int:
    """Bytes of this process's address space."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
