"""Commands on a disk that is full, then writable no more, then has room: `full_disk.py DIR SEED`.

DIR is a mounted tmpfs that this process may fill and mount anew (`surroundings.full_disk`). Prints
one JSON object: counts, and what was wrong.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from kills import folder_of, victims
from processes import run

from priot.experiments.errors import UserError
from priot.experiments.sweeps.store import RunStore


def main(folder: Path, seed: str) -> None:
    """Try the commands that write in every state of the disk."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    folder_of(folder)
    name, victim = rng.choice(sorted(victims(None).items()))
    filler = folder / "filler"

    def check(state: str, code: int, err: str) -> None:
        lines = err.splitlines()
        counts[f"{state}: {'refused' if code == 2 else 'done' if code == 0 else 'other'}"] += 1
        if code not in (0, 2) or (code == 2 and len(lines) != 1) or "Traceback" in err:
            wrong.append(f"{seed}, {name}, {state}: ends with {code}: {err[-800:]}")
        if victim.store is not None:
            try:
                RunStore(folder / victim.store)
            except UserError as error:
                wrong.append(f"{seed}, {name}, {state}: the store is damaged: {error}")
        for result in victim.results:
            if (folder / result).exists() and (folder / result).stat().st_size == 0:
                wrong.append(f"{seed}, {name}, {state}: {result} is empty")

    for left in (0, rng.randrange(1, 30), rng.randrange(30, 60)):
        _fill(folder, filler, left << 10)
        code, _, err = run(victim.command, folder)
        check("full disk", code, err)
        filler.unlink(missing_ok=True)
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    code, _, err = run(victim.command, folder, {"TMPDIR": tempfile.gettempdir()})
    check("read-only", code, err)
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    code, _, err = run(victim.command, folder)
    check("room again", code, err)
    with tempfile.TemporaryDirectory() as other:
        run(victim.command, folder_of(Path(other)))
        for result in victim.results:
            if (folder / result).read_bytes() != (Path(other) / result).read_bytes():
                wrong.append(f"{seed}, {name}: {result} has other bytes in the end")
            else:
                counts["the same bytes"] += 1
    print(json.dumps({"counts": counts, "wrong": wrong}))


def _fill(folder: Path, filler: Path, left: int) -> None:
    """Leave so many bytes of the disk free."""
    with filler.open("wb") as file:
        free = os.statvfs(folder)
        size = max(0, free.f_bavail * free.f_bsize - left)
        file.write(bytes(size))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
