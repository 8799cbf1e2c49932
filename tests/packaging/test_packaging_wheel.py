"""The wheel: everything that the folders hold, below one name, and a README that stands alone."""

import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging_tree import FOLDERS, ROOT

import priot

_OWN = ("__init__.py", "__main__.py", "py.typed")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy without the links in priot/, as Git on Windows may leave it."""
    copy = tmp_path_factory.mktemp("copy")
    (copy / "priot").mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in _OWN:
        shutil.copy(ROOT / "priot" / name, copy / "priot")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, check=True)
    return zipfile.ZipFile(*(copy / "dist").glob("*.whl"))


def test_it_holds_every_file_below_priot(wheel: zipfile.ZipFile) -> None:
    name = f"priot-{priot.__version__}.dist-info"
    held = {path for path in wheel.namelist() if not path.startswith(name)}
    wanted = {
        f"priot/{path.relative_to(ROOT).as_posix()}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == wanted | {f"priot/{name}" for name in _OWN}


def test_it_works_where_only_it_is(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from priot import firmware_elf, sim\n"
        "print(sim.__file__, firmware_elf.TRAINER.is_file(), firmware_elf.BUILT.is_dir())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == [str(tmp_path / "priot/sim/__init__.py"), "True", "True"]


def test_its_readme_has_no_link_into_the_repository(wheel: zipfile.ZipFile) -> None:
    [metadata] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    readme = str(message_from_bytes(wheel.read(metadata)).get_payload())
    assert "priot run firmware.elf" in readme
    assert not [
        link for link in re.findall(r"\]\(([^)]+)\)", readme) if not link.startswith("https:")
    ]
