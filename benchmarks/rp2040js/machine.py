"""A chip in rp2040js, as a target of ``priot.experiments.device.host.Device``.

rp2040js emulates the RP2040 in JavaScript (https://github.com/wokwi/rp2040js). Who wants the
comparison installs it: ``missing`` says how.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from benchmarks.errors import BenchmarkError
from priot import sim
from priot.sim import Pico, Program, Stop, StopReason, Symbol
from priot.sim.loading.boot import boot_of
from priot.sim.memory_map import FLASH, SRAM

FOLDER = Path(__file__).resolve().parent
PACKAGE = FOLDER / "node_modules" / "rp2040js" / "package.json"
PINNED = json.loads((FOLDER / "package.json").read_text())["dependencies"]["rp2040js"]
BOOT_ROM = Path(sim.__file__).with_name("bootrom.bin")  # ours: rp2040js comes without one


def missing() -> str | None:
    """What to do to have rp2040js, or None where it is at hand."""
    if shutil.which("node") is None:
        return "needs Node 18 or newer (Debian: apt-get install nodejs npm)"
    command = "npm install --no-package-lock --prefix benchmarks/rp2040js"
    if not PACKAGE.exists():
        return f"not installed; run: {command}"
    found = json.loads(PACKAGE.read_text())["version"]
    return None if found == PINNED else f"version {found} instead of {PINNED}; run: {command}"


def versions() -> dict[str, str]:
    """Of rp2040js and of Node, where both are at hand."""
    if missing():
        return {}
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return {"rp2040js": PINNED, "node": node.stdout.strip().removeprefix("v")}


class Rp2040js:
    """A program in rp2040js, with the memory that it has on a Pico after reset; a context manager.

    Attributes:
        cycles: since reset, as rp2040js counts them.
        seconds: that the emulator itself has run since reset, without the way to it and back.
        output: what the program has sent by UART0 since reset.

    Raises:
        BenchmarkError: from any method, when rp2040js fails; its words are on standard error.
    """

    def __init__(self, program: Path | Program) -> None:
        pico = Pico(program)
        self._program, self._sram = pico.program, pico.sram.tobytes()
        self._node = subprocess.Popen(
            ["node", str(FOLDER / "server.js")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.reset()

    def __enter__(self) -> Rp2040js:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._node.kill()
        self._node.communicate()

    def reset(self) -> None:
        """A fresh chip, right before the program's first instruction."""
        boot = boot_of(self._program)
        segments = [(SRAM.base, self._sram)]
        for segment in self._program.segments:
            if FLASH.holds(segment.address):
                segments.append((segment.address, segment.data))
        self._ask(
            "reset",
            bootrom=_text(BOOT_ROM.read_bytes()),
            segments=[{"address": address, "data": _text(data)} for address, data in segments],
            sp=boot.sp,
            pc=boot.pc,
            vtor=boot.vtor,
        )
        self.cycles, self.seconds, self.output = 0, 0.0, b""

    def run(self, max_cycles: int | None) -> Stop:
        """Run to the next breakpoint, on from behind the last one, for ``max_cycles`` at most."""
        before = self.cycles
        answer = self._ask("run", maxCycles=max_cycles or 1 << 52)
        self.cycles = answer["cycles"]
        self.seconds += answer["seconds"]
        self.output = base64.b64decode(answer["output"])
        number = answer["breakpoint"]
        reason = StopReason.BUDGET if number is None else StopReason.HALT
        return Stop(reason, self.cycles - before, number)

    def symbol(self, name: str) -> Symbol:
        """A symbol of the program."""
        return self._program.symbols[name]

    def read(self, address: int, dtype: DTypeLike, count: int) -> NDArray[Any]:
        """A copy of ``count`` elements of memory."""
        answer = self._ask("read", address=address, size=np.dtype(dtype).itemsize * count)
        return np.frombuffer(base64.b64decode(answer["data"]), dtype)

    def write(self, address: int, data: bytes) -> None:
        """Overwrite memory."""
        self._ask("write", address=address, data=_text(data))

    def _ask(self, operation: str, **request: Any) -> Any:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        with suppress(BrokenPipeError):  # if it has ended, its silence below says so
            print(json.dumps({"operation": operation} | request), file=self._node.stdin, flush=True)
        answer = self._node.stdout.readline()
        if not answer:
            raise BenchmarkError(f"rp2040js ended during {operation!r}; see its message above")
        return json.loads(answer)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
