"""The one place that says how the kernels are compiled.

Every kernel has an explicit signature: a wrong dtype or a non-contiguous array fails loudly
instead of compiling a second version. A kernel is compiled, or read from the disk, when it is first
called: who only names a method or describes a network waits for no compiler, and what is wrong with
a command is told before anything is compiled. Machine code is cached on disk, so that only the
first use on a machine compiles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar, cast

import numba

from priot.numba_cache import KeptCache, cache_of

_F = TypeVar("_F", bound=Callable[..., object])


@cache
def _hash_of_sources() -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


class _PackageCache(KeptCache):
    """Machine code on disk that holds for the sources of the whole package as they are.

    Numba looks at a kernel's own file only, and would miss a change of what it calls. The native
    loop of sim/ has the hash of its own sources; what both wings share is numba_cache.
    """

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        key = super()._index_key(signature, codegen)  # type: ignore[no-untyped-call]
        return (*key, _hash_of_sources())


class _FirstUse:
    """Compiles a kernel for its signatures, and no others, when Python or a kernel first calls it.

    Numba asks a dispatcher for code in two places, one for each kind of caller.
    """

    def __init__(self, compiled: Any, signatures: list[object]) -> None:
        self._compiled, self._signatures = compiled, signatures
        self._call_template = compiled.get_call_template
        self._lock = RLock()  # threads that train at once meet here
        compiled.get_call_template = self.from_a_kernel
        compiled._compile_for_args = self.from_python

    def from_python(self, *_: Any, **__: Any) -> Any:
        """What a call without code calls instead: the kernel itself, which has its code by then."""
        self._compile()
        return self._compiled

    def from_a_kernel(self, args: Any, kws: Any) -> Any:
        """What Numba's type inference asks of a callee."""
        self._compile()
        return self._call_template(args, kws)

    def _compile(self) -> None:
        with self._lock:
            for signature in self._signatures:
                self._compiled.compile(signature)
            self._signatures = []
            self._compiled.disable_compile()


def _compiler(function: Callable[..., object], **options: Any) -> Any:
    compiled: Any = numba.njit(nogil=True, **options)(function)
    compiled._cache = cache_of(function, _PackageCache)
    return compiled


def kernel(signature: object) -> Callable[[_F], _F]:
    """Compile a function for a signature of Numba, ``"int32(int8[::1], int64)"``, or a list."""

    def decorate(function: _F) -> _F:
        compiled = _compiler(function)
        _FirstUse(compiled, signature if isinstance(signature, list) else [signature])
        return cast(_F, compiled)

    return decorate


def inlined(function: _F) -> _F:
    """Mark a helper that kernels call; it is compiled into each of them."""
    return cast(_F, _compiler(function, inline="always"))
