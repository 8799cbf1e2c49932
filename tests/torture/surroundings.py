"""Whatever goes wrong around a command: disks, clocks, other commands, workers on a cluster."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from kills import KILLS, Victim, folder_of, results_of, undisturbed, victims
from processes import PRIOT, end, finish, run, start

from priot import firmware_elf

Result = tuple[Counter[str], list[str]]
HERE = Path(__file__).parent
DISK = "2m"
"""Of the tmpfs: what the commands read takes some 100 KB of it."""


def full_disk(seed: str) -> Result:
    """A tmpfs in a mount namespace of its own, full, read-only, and with room again."""
    with TemporaryDirectory() as folder:
        script = f'mount -t tmpfs -o size={DISK} tmpfs "$1" && exec "$2" "$3" "$1" "$4"'
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
        command += [folder, sys.executable, str(HERE / "full_disk.py"), seed]
        paths = os.pathsep.join(sys.path)
        code, out, err = run(command, HERE, {"PYTHONPATH": paths})
        if code:
            return Counter(), [f"{seed}: the trial itself failed with {code}: {err[-1500:]}"]
        found = json.loads(out)
        return Counter(found["counts"]), found["wrong"]


def can_mount() -> bool:
    """Whether this machine lets a user mount a tmpfs in a namespace of its own."""
    if shutil.which("unshare") is None:
        return False
    script = f"mount -t tmpfs -o size={DISK} tmpfs /mnt"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    return subprocess.run(command, capture_output=True).returncode == 0


def two_at_once(seed: str) -> Result:
    """Two commands on one store: one does the work, the other is told; nothing is kept twice."""
    rng = random.Random(seed)
    victim = victims(None)[rng.choice(("sweep-1", "sweep-2", "costs-1", "costs-2"))]
    seconds, expected = undisturbed(victim)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with TemporaryDirectory() as name:
        folder = folder_of(Path(name))
        first = start(victim.command, folder)
        time.sleep(rng.uniform(0, 0.5) * seconds)
        second = start(victim.command, folder)
        for process in (first, second):
            code, _, err = finish(process)
            counts[{0: "done", 2: "told"}.get(code, "other")] += 1
            if code not in (0, 2) or (code and "another process adds runs to it" not in err):
                wrong.append(f"{seed}: ends with {code}: {err[-800:]}")
        code, _, err = run(victim.command, folder)
        if code or results_of(victim, folder) != expected:
            wrong.append(f"{seed}: started again: {code}, {err[-800:]}")
        else:
            counts["the same bytes"] += 1
    return counts, wrong


def clock_back(seed: str) -> Result:
    """The clock on the wall jumps back again and again."""
    every = victims(None)
    victim = every[random.Random(seed).choice(sorted(every))]
    _, expected = undisturbed(victim)
    with TemporaryDirectory() as name:
        folder = folder_of(Path(name))
        paths = os.pathsep.join([str(HERE / "clock_back"), os.environ.get("PYTHONPATH", "")])
        code, _, err = run(victim.command, folder, {"PYTHONPATH": paths})
        if code or results_of(victim, folder) != expected:
            return Counter(), [f"{seed}: ends with {code}, or other bytes: {err[-800:]}"]
    return Counter({"the same bytes": 1}), []


def dask_workers(seed: str) -> Result:
    """Workers of a cluster are killed: the sweep ends well, or is told and goes on."""
    from distributed import LocalCluster

    rng = random.Random(seed)
    local = victims(None)["sweep-1"]
    _, expected = undisturbed(local)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        TemporaryDirectory() as name,
    ):
        folder = folder_of(Path(name))
        command = (*local.command, "--dask", cluster.scheduler_address)
        for _ in range(KILLS + 10):
            process = start(command, folder)
            if counts["workers killed"] < KILLS:
                time.sleep(rng.uniform(3, 15))
                workers = [nanny.pid for nanny in cluster.workers.values() if nanny.pid]
                if workers and process.poll() is None:
                    os.kill(rng.choice(workers), signal.SIGKILL)
                    counts["workers killed"] += 1
            code, _, err = finish(process)
            if code == 2 and len(err.splitlines()) == 1 and "Traceback" not in err:
                counts["told"] += 1
                continue
            if code:
                wrong.append(f"{seed}: ends with {code}: {err[-1500:]}")
                break
            counts["done"] += 1
            if results_of(local, folder) != expected:
                wrong.append(f"{seed}: other bytes")
                break
            if counts["workers killed"] >= KILLS:
                counts["the same bytes"] += 1
                break
            (folder / "runs.jsonl").unlink()
        else:
            wrong.append(f"{seed}: it never ends well")
    return counts, wrong


def interrupts(seed: str) -> Result:
    """Ctrl-C at a random moment: 130 and one line, at once."""
    rng = random.Random(seed)
    everything = _interrupted()
    name = rng.choice(sorted(everything))
    victim = everything[name]
    seconds = ENDLESS_SECONDS if name in EMULATORS else undisturbed(victim)[0]
    with TemporaryDirectory() as folder:
        process = start(victim.command, folder_of(Path(folder)))
        time.sleep(rng.uniform(0.3, 1) * seconds)
        if process.poll() is not None:
            end(process)
            return Counter({"had ended": 1}), []
        os.killpg(process.pid, signal.SIGINT)
        began = time.monotonic()
        code, _, err = finish(process)
        took = time.monotonic() - began
        if code == 0:
            return Counter({"had ended": 1}), []
        if code != 130 or "Traceback" in err or len(err.splitlines()) != 1 or took > 10:
            return Counter(), [f"{seed}, {name}: ends with {code} after {took:.1f} s: {err[-800:]}"]
    return Counter({f"{name}: 130": 1}), []


ENDLESS_SECONDS = 8
"""Within which the emulator is interrupted."""
_ENDLESS = firmware_elf.BUILT / "endless.default.elf"
_WITH_NETWORK = ("--method", "priot", "--backbone", "small.json", "--images", 1000)
EMULATORS: dict[str, Victim] = {
    "costs": Victim((*PRIOT, "costs", "--backbone", "small.json", "--images", 1000), ()),
    "train on the Pico": Victim((*PRIOT, "train", *_WITH_NETWORK, "--backend", "pico"), ()),
    "explain": Victim((*PRIOT, "explain", *_WITH_NETWORK), ()),
    "run": Victim((*PRIOT, "run", _ENDLESS), ()),
    "run with a profile": Victim((*PRIOT, "run", _ENDLESS, "--profile"), ()),
    "run for GDB": Victim((*PRIOT, "run", _ENDLESS, "--gdb", 0), ()),
}


def _interrupted() -> dict[str, Victim]:
    """Commands that hear Ctrl-C: those that are killed, and those that last in the emulator."""
    priot = tuple(PRIOT)
    killed = {n: v for n, v in victims(None).items() if v.command[: len(priot)] == priot}
    return killed | EMULATORS


TRIALS: dict[str, Callable[[str], Result]] = {
    "full disk, read-only": full_disk,
    "two commands on one store": two_at_once,
    "clock that jumps back": clock_back,
    "Dask workers killed": dask_workers,
    "Ctrl-C": interrupts,
}
