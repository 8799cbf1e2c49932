"""Machine code kept on disk by Numba, whatever became of the disk.

A file of the cache that is damaged, cut short or of another kind is compiled anew, and where
nothing can be written nothing is kept: neither ends in an error, and no damaged code is executed.
Of several processes that need the same function one compiles it; the others wait and load it.
Used by `sim` and `kernels`, which know nothing of each other.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from numba.core import caching, ccallback, dispatcher

_DIGEST = hashlib.sha256
_DIGEST_SIZE = _DIGEST().digest_size
# Code of before all was below one package names modules that would be loaded a second time.
_WRITER = b"priot "

MOST_SECONDS = 900.0
"""That a process waits for another one's code; then it compiles too."""

not_kept: list[str] = []
"""Source files whose code is not kept, since no folder for it can be written."""


@contextmanager
def kept_on_disk() -> Iterator[None]:
    """Functions that Numba is given with ``cache=True`` inside are kept so."""
    modules: tuple[Any, ...] = (dispatcher, ccallback)
    before = [module.FunctionCache for module in modules]
    for module in modules:
        module.FunctionCache = cache_of
    try:
        yield
    finally:
        for module, usual in zip(modules, before, strict=True):
            module.FunctionCache = usual


def cache_of(function: Any, kind: type[KeptCache] | None = None) -> Any:
    """Where the code of one function is kept: a cache as Numba has, of the kind given."""
    try:
        return (kind or KeptCache)(function)
    except RuntimeError:  # Numba finds no folder that can be written
        not_kept.append(function.__code__.co_filename)
        return caching.NullCache()


class _Implementation(caching.CompileResultCacheImpl):
    """Without a home, as in some containers, Numba would make a folder called ~."""

    @property
    def _locator_classes(self) -> list[Any]:  # type: ignore[override]
        usual = caching.CompileResultCacheImpl._locator_classes
        try:
            Path.home()
        except RuntimeError:
            return [kind for kind in usual if kind is not caching.UserWideCacheLocator]
        return list(usual)


class KeptCache(caching.FunctionCache):
    """Machine code of a function, whatever became of the disk."""

    _impl_class = _Implementation

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        locator = self._impl.locator
        self._cache_file = _Files(
            self._cache_path, self._impl.filename_base, locator.get_source_stamp()
        )

        self._locks: dict[Any, FileLock] = {}

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What is kept; if nothing is, it is this process's turn to compile."""
        loaded = super().load_overload(sig, target_context)
        if loaded is not None or not self._enabled:
            return loaded
        lock = self._lock_of(sig, target_context)
        try:
            lock.acquire()
        except (OSError, Timeout):  # a folder that is gone, or somebody who is stuck
            return None
        loaded = super().load_overload(sig, target_context)  # from whoever held the lock
        if loaded is None:
            self._locks[sig] = lock
        else:
            lock.release()
        return loaded

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):  # a full disk, or a folder that is gone
            super().save_overload(sig, data)
        if lock := self._locks.pop(sig, None):
            lock.release()

    def _lock_of(self, sig: Any, target_context: Any) -> FileLock:
        key = repr(self._index_key(sig, target_context.codegen()))
        name = f"{self._impl.filename_base}.{_DIGEST(key.encode()).hexdigest()[:16]}.lock"
        return FileLock(Path(self._cache_path) / name, timeout=MOST_SECONDS)


class _Files(caching.IndexDataCacheFile):
    """An index, and a file for each version of a function; each begins with its digest."""

    def _load_index(self) -> dict[Any, str]:
        version, stamp, versions = self._loaded(self._index_path) or (None, None, {})
        return versions if (version, stamp) == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._save(self._index_path, (self._version, self._source_stamp, overloads))

    def _load_data(self, name: str) -> Any:
        return self._loaded(self._data_path(name))

    def _save_data(self, name: str, data: Any) -> None:
        self._save(self._data_path(name), data)

    def _loaded(self, path: str) -> Any:
        """What was saved; None if that cannot be said for sure."""
        try:
            content = Path(path).read_bytes()
        except OSError:
            return None
        digest, saved = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
        if _DIGEST(_WRITER + saved).digest() != digest:
            return None
        try:
            return pickle.loads(saved)
        except Exception:  # of an older version, which had modules that are gone
            return None

    def _save(self, path: str, data: Any) -> None:
        saved = self._dump(data)
        with self._open_for_write(path) as file:
            file.write(_DIGEST(_WRITER + saved).digest() + saved)
