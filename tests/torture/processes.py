"""Commands in processes of their own, as a user's shell starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from experiment_commands import without_progress

ROOT = Path(__file__).parents[2]
PRIOT = [sys.executable, "-m", "priot"]
LONGEST = 600  # seconds that a command may take
SWEEP = """
method = ["niti-dynamic", "niti-static", "priot", "priot-s"]
seed = [0, 1, 2]
images = 100
test_images = 50
epochs = 60
"""


def start(
    command: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a command in a process group of its own."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": path, **(environment or {})},
        preexec_fn=_hears_ctrl_c,
    )


def finish(process: subprocess.Popen[str], seconds: float = LONGEST) -> tuple[int, str, str]:
    """Exit code and what it wrote. Raises subprocess.TimeoutExpired, and ends it, if it hangs."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        end(process)
        raise
    return process.returncode, out, without_progress(err)


def run(
    command: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Start a command and wait for its end."""
    return finish(start(command, folder, environment))


def end(process: subprocess.Popen[str]) -> None:
    """End a command and all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def nothing_runs(group: int, seconds: float = 15) -> bool:
    """Whether all processes of a group end within that time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not _running(group):
            return True
        time.sleep(0.1)
    return False


def _running(group: int) -> bool:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
            if int(of) == group and state != "Z":
                return True
    return False


def _hears_ctrl_c() -> None:
    """Also where the suite itself runs in a shell's background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
