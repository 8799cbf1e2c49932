"""The one place that says how the kernels are compiled.

Every kernel has an explicit signature: a wrong dtype or a non-contiguous array fails loudly
instead of compiling a second version, and nothing is compiled inside a timed loop. Machine code is
cached on disk, so that only the first use on a machine compiles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
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


def _compiler(function: Callable[..., object], **options: Any) -> Any:
    compiled: Any = numba.njit(nogil=True, **options)(function)
    compiled._cache = cache_of(function, _PackageCache)
    return compiled


def kernel(signature: object) -> Callable[[_F], _F]:
    """Compile a function for a signature of Numba, ``"int32(int8[::1], int64)"``, or a list."""

    def decorate(function: _F) -> _F:
        compiled = _compiler(function)
        for each in signature if isinstance(signature, list) else [signature]:
            compiled.compile(each)
        compiled.disable_compile()
        return cast(_F, compiled)

    return decorate


def inlined(function: _F) -> _F:
    """Mark a helper that kernels call; it is compiled into each of them."""
    return cast(_F, _compiler(function, inline="always"))
