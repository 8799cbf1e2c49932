"""Ctrl-C ends every command with 130, at once, wherever it is."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from experiment_commands import exit_code, without_progress

from priot import firmware_elf
from priot.experiments.cli.registry import COMMANDS

ENDLESS = firmware_elf.BUILT / "endless.no_flash.elf"
SECONDS = 10  # within which it ends, on a loaded machine

# Says so when the emulator runs for the first time.
STARTER = """
import sys
from priot.experiments.cli import main
from priot.sim.pico import Pico
run = Pico._execute
def told(self, *arguments):
    print("runs", flush=True)
    Pico._execute = run
    return run(self, *arguments)
Pico._execute = told
sys.exit(main())
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("costs", "--images", 512),
        ("train", "--method", "priot", "--backend", "pico", "--images", 2000),
        ("explain", "--method", "priot", "--images", 1000),
        ("run", ENDLESS),
    ],
    ids=lambda value: " ".join(map(str, value[:1] + value[2:])),
)
def test_ctrl_c_ends_the_emulator(
    tmp_path: Path, arguments: tuple[object, ...], small_backbone: Path
) -> None:
    command = [sys.executable, "-c", STARTER, *map(str, arguments)]
    if arguments[0] != "run":
        command += ["--backbone", str(small_backbone), "--json", "record.json"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout.readline() == "runs\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, without_progress(err)) == (130, "priot: interrupted\n")
    assert list(tmp_path.iterdir()) == []


class Finalised:
    def __del__(self) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_within_a_destructor_is_heard(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python tells of it and goes on; callbacks from C are alike."""

    def work(_: object) -> None:
        found = Finalised()
        del found
        for _ in range(100):
            time.sleep(0.05)

    monkeypatch.setitem(COMMANDS, "costs", replace(COMMANDS["costs"], run=work))
    # a shell's background job ignores SIGINT
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    try:
        assert exit_code(("costs",)) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 4
    assert capsys.readouterr().err == "priot: interrupted\n"


def test_an_error_that_follows_from_ctrl_c_is_an_interruption(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compiler misses what an interrupted callback should have left it."""

    def work(_: object) -> None:
        found = Finalised()
        del found
        raise RuntimeError("no compiled object yet")

    monkeypatch.setitem(COMMANDS, "costs", replace(COMMANDS["costs"], run=work))
    assert exit_code(("costs",)) == 130
    time.sleep(0.2)  # nothing comes afterwards
    assert capsys.readouterr().err == "priot: interrupted\n"
