"""Commands killed at random moments: started again they give the same bytes, and lose nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from experiment_models import MNIST_NETWORK
from processes import PRIOT, SWEEP, end, finish, nothing_runs, run, start

from priot.experiments.errors import UserError
from priot.experiments.pretraining.backbone import Backbone, backbone_record, save_backbone
from priot.experiments.sweeps.store import RunStore
from priot.kernels.model import initial_model

KILLS = 5  # of one command, until it is left alone


@dataclass(frozen=True)
class Victim:
    """A command that is killed, with what it writes, by name in its folder."""

    command: tuple[object, ...]
    results: tuple[str, ...]
    store: str | None = None


def victims(mnist: Path | None) -> dict[str, Victim]:
    """By name. Pre-training needs the folder of full MNIST."""
    sweep = ("sweep", "sweep.toml", "--backbone", "small.json", "--runs", "runs.jsonl")
    costs = (sys.executable, Path(__file__).with_name("cost_runs.py"), "small.json", "runs.jsonl")
    train = ("train", "--method", "priot", "--epochs", 30, "--test-images", 500)
    found = {
        f"sweep-{jobs}": Victim(
            (*PRIOT, *sweep, "--json", "r.json", "--csv", "r.csv", "--jobs", jobs),
            ("r.json", "r.csv"),
            "runs.jsonl",
        )
        for jobs in (1, 2)
    }
    found |= {
        f"costs-{jobs}": Victim((*costs, "r.json", jobs), ("r.json",), "runs.jsonl")
        for jobs in (1, 2)
    }
    found["train"] = Victim(
        (*PRIOT, *train, "--backbone", "small.json", "--json", "r.json"), ("r.json",)
    )
    if mnist is not None:
        made = ("pretrain", "--data", mnist.resolve(), "--out", "b.json", "--checkpoint", "c.npz")
        plan = ("--images", 400, "--schedule", "3x12", "--threads", 1)
        found["pretrain"] = Victim((*PRIOT, *made, *plan), ("b.json", "b.npz"))
    return found


def folder_of(path: Path) -> Path:
    """Fill a folder with what the commands read."""
    model = initial_model(MNIST_NETWORK, 0)
    save_backbone(path / "small.json", Backbone(model, backbone_record(model)))
    (path / "sweep.toml").write_text(SWEEP)
    return path


@cache
def undisturbed(victim: Victim) -> tuple[float, dict[str, bytes]]:
    """How long it takes, and the results."""
    with TemporaryDirectory() as name:
        folder = folder_of(Path(name))
        began = time.monotonic()
        code, _, err = run(victim.command, folder)
        if code:
            raise RuntimeError(f"{victim.command} ends with {code}: {err}")
        return time.monotonic() - began, results_of(victim, folder)


def results_of(victim: Victim, folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in victim.results}


def campaign(victim: Victim, seed: str) -> tuple[Counter[str], list[str]]:
    """Kill it KILLS times, leave it alone, compare. Counts, and what was wrong."""
    rng = random.Random(seed)
    seconds, expected = undisturbed(victim)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with TemporaryDirectory() as name:
        folder = folder_of(Path(name))
        kept: dict[str, object] = {}
        for _ in range(KILLS):
            process = start(victim.command, folder)
            time.sleep(rng.uniform(0.1, 1) * seconds)
            counts[_kill(process, alone=rng.random() < 0.3, wrong=wrong)] += 1
            kept = _check(victim, folder, expected, kept, wrong)
        code, _, err = run(victim.command, folder)
        if code:
            wrong.append(f"started again it ends with {code}: {err}")
        elif results_of(victim, folder) != expected:
            wrong.append("started again it gives other bytes")
        else:
            counts["the same bytes"] += 1
        counts["kept runs"] += len(kept)
        _check(victim, folder, expected, kept, wrong)
        hidden = [path.name for path in folder.iterdir() if path.name.startswith(".")]
        counts["temporary files left by SIGKILL"] += len(hidden)
    return counts, [f"{seed}: {text}" for text in wrong]


def _kill(process: object, alone: bool, wrong: list[str]) -> str:
    """Kill the process, or its whole group; which of the two, or that it had ended."""
    if process.poll() is not None:
        finish(process)
        return "had ended"
    if not alone:
        end(process)
        return "killed with its workers"
    process.kill()
    process.wait()
    if not nothing_runs(process.pid):
        wrong.append("workers outlive it")
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return "killed alone"


def _check(
    victim: Victim,
    folder: Path,
    expected: dict[str, bytes],
    kept: dict[str, object],
    wrong: list[str],
) -> dict[str, object]:
    """Results are whole or not there; no finished run is lost or changed. The runs."""
    for name, content in expected.items():
        path = folder / name
        if path.exists() and path.read_bytes() != content:
            wrong.append(f"{name} is there, but not whole")
    if victim.store is None:
        return {}
    try:
        found = RunStore(folder / victim.store).records
    except UserError as error:
        wrong.append(f"the store cannot be read: {error}")
        return kept
    lines = (folder / victim.store).read_bytes().splitlines() if found else []
    if len({json.loads(line)["key"] for line in lines[: len(found)]}) != len(found):
        wrong.append("a run is kept twice")
    if any(found.get(key) != record for key, record in kept.items()):
        wrong.append("a finished run is lost or changed")
    return dict(found)
