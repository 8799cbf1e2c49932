"""Machine code on disk that is damaged, or can be kept nowhere, is made anew."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import pytest
from numba.core import caching, config

from priot import numba_cache

_SOURCE = """
import numba
from priot.numba_cache import kept_on_disk

with kept_on_disk():
    @numba.njit("int64(int64)", cache=True)
    def double(number):
        return 2 * number

    @numba.cfunc("int64(int64)", cache=True)
    def triple(number):
        return 3 * number
"""
Load = Callable[[], Any]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Loads a module as a new process would, with its cache in tmp_path."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "small_module.py").write_text(_SOURCE)

    def loaded() -> Any:
        spec = importlib.util.spec_from_file_location("small_module", tmp_path / "small_module.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["small_module"] = module
        spec.loader.exec_module(module)
        assert module.double(21) == 42
        assert module.triple.ctypes(14) == 42
        return module

    yield loaded
    sys.modules.pop("small_module", None)


def hits(module: Any) -> int:
    return sum(module.double.stats.cache_hits.values()) + module.triple.cache_hits


def test_code_is_kept(load: Load, tmp_path: Path) -> None:
    assert hits(load()) == 0
    assert hits(load()) == 2
    assert len(list((tmp_path / "cache").rglob("*.nb[ic]"))) == 4


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes((content[middle] ^ 1,)) + content[middle + 1 :]


def _of_a_module_that_is_gone(_: bytes) -> bytes:
    saved = b"cno_such_module\nthing\n."
    return hashlib.sha256(b"priot " + saved).digest() + saved


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize(
    "damage",
    [_cut, _flip, lambda _: b"", lambda _: b"x" * 100, _of_a_module_that_is_gone],
)
def test_damaged_code_is_made_anew(
    load: Load, tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    load()
    for file in (tmp_path / "cache").rglob(f"*.{suffix}"):
        file.write_bytes(damage(file.read_bytes()))
    assert hits(load()) == 0
    assert hits(load()) == 2


def test_a_folder_in_place_of_a_file_is_no_error(load: Load, tmp_path: Path) -> None:
    load()
    for file in (tmp_path / "cache").rglob("*.nb[ic]"):
        file.unlink()
        file.mkdir()
    assert hits(load()) == 0


def test_a_full_disk_is_no_error(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_open_for_write", full)
    assert hits(load()) == 0
    assert hits(load()) == 0


def test_where_nothing_can_be_written_nothing_is_kept(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", refused)
    monkeypatch.setattr(numba_cache, "not_kept", [])
    load()
    assert numba_cache.not_kept == [str(tmp_path / "small_module.py")] * 2


def test_without_a_home_no_folder_is_called_tilde(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(caching.InTreeCacheLocator, "from_function", lambda *_: None)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    load()
    assert not (tmp_path / "~").exists()


def test_numba_is_as_it_was_for_others() -> None:
    with numba_cache.kept_on_disk():
        pass

    @numba.njit(cache=True)
    def others(number: int) -> int:
        return number

    assert type(others._cache) is caching.FunctionCache


SLOW = """
import sys, time
import numba
from numba.core import event
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from priot.numba_cache import kept_on_disk

class Slow(CompilerBase):
    def define_pipelines(self):
        time.sleep(2)
        print("compiled", flush=True)
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]

with kept_on_disk():
    @numba.njit(cache=True, pipeline_class=Slow)
    def twice(x):
        return x + x

print(twice(21), flush=True)
"""


@pytest.mark.parametrize(("patience", "compiling"), [(900.0, 1), (0.2, 3)])
def test_of_several_processes_one_compiles_but_nobody_waits_for_ever(
    tmp_path: Path, patience: float, compiling: int
) -> None:
    program = tmp_path / "slow.py"
    program.write_text(
        f"from priot import numba_cache\nnumba_cache.MOST_SECONDS = {patience}{SLOW}"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, str(program)]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    printed = [process.communicate(timeout=100)[0] for process in processes]
    assert {text.removeprefix("compiled\n") for text in printed} == {"42\n"}
    assert sum(text.startswith("compiled") for text in printed) == compiling
