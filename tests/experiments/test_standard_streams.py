"""Output that is full or closed, and a working folder that is gone: one line, and an exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_PRIOT = [
    sys.executable,
    "-c",
    "import sys; from priot.experiments.cli import main; sys.exit(main())",
]
_ROOT = Path(__file__).parents[2]


def _shell(script: str, *arguments: str) -> tuple[int, str]:
    # an empty entry would be the working folder, and Python itself fails where that is gone
    paths = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    ended = subprocess.run(
        ["sh", "-c", script, "sh", *_PRIOT, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": paths},
    )
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ('exec "$@" >/dev/full', "standard output: cannot be written (No space left on device)"),
        ('exec "$@" >&-', "standard output: cannot be written (Bad file descriptor)"),
        ('cd "$(mktemp -d)" && rmdir "$PWD" && exec "$@" --json a.json', "folder is gone"),
    ],
    ids=["full", "closed", "gone"],
)
def test_what_the_host_refuses_is_told_in_one_line(script: str, told: str) -> None:
    code, errors = _shell(script, "plan", "--variant", "fast")
    assert code == 2
    assert told in errors
    assert errors.count("\n") == 1


def test_a_closed_stream_is_no_other_file(tmp_path: Path) -> None:
    """The first file that is opened gets the number of a closed stream, and what is printed."""
    record = tmp_path / "a.json"
    elf = str(_ROOT / "firmware_elf" / "built" / "hello.no_flash.elf")
    code, errors = _shell('exec "$@" 0<&- 2>&-', "run", elf, "--json", str(record))
    assert (code, errors) == (0, "")
    assert record.read_text().startswith("{")
