"""priot.kernels.jit: machine code on disk holds for the sources as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from priot import numba_cache
from priot.kernels import jit

HELPER = """
from priot.kernels.jit import kernel

@kernel("int64(int64)")
def helper(x):
    return x + {number}
"""
CALLER = """
from priot.kernels.helper import helper
from priot.kernels.jit import kernel

@kernel("int64(int64)")
def caller(x):
    return 10 * helper(x)

print(caller(1), *caller.stats.cache_hits.values())
"""


def test_a_change_of_what_a_kernel_calls_compiles_it_anew(tmp_path: Path) -> None:
    package = tmp_path / "priot" / "kernels"
    package.mkdir(parents=True)
    (package.parent / "numba_cache").symlink_to(Path(numba_cache.__file__).parent)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("")
    (package / "jit.py").write_text(Path(jit.__file__).read_text())
    (package / "caller.py").write_text(CALLER)
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": str(tmp_path),
    }

    def printed(number: int) -> str:
        (package / "helper.py").write_text(HELPER.format(number=number))
        command = [sys.executable, "-c", "import priot.kernels.caller"]
        run = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return run.stdout.strip()

    assert printed(1) == "20", "compiled"
    assert printed(1) == "20 1", "from the disk"
    assert printed(2) == "30", "compiled anew"


WATCHED = """
from numba.core import event
compiled = []
class Watch(event.Listener):
    def on_start(self, event): compiled.append(event)
    def on_end(self, event): pass
event.register("numba:compile", Watch())
import priot.kernels.trainer, priot.kernels.matrices.engine
from priot.kernels.methods import method
method("priot")
print(len(compiled))
"""


def test_nothing_is_compiled_before_it_is_called(tmp_path: Path) -> None:
    """So that a mistake in a command is told at once on a machine that has compiled nothing."""
    root = str(Path(numba_cache.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "-c", WATCHED],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "0\n"
