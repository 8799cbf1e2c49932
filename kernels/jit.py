"""The one place that says how the reference kernels are compiled.

Every kernel has an explicit signature: a wrong dtype or a non-contiguous array fails loudly
instead of compiling a second version, and nothing is compiled inside a timed loop. Machine code is
cached on disk, so that only the first use on a machine compiles.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., object])


def kernel(signature: str) -> Callable[[_F], _F]:
    """Compile a function for one signature, written as in Numba: ``"int32(int8[::1], int64)"``."""

    def decorate(function: _F) -> _F:
        return cast(_F, numba.njit(signature, cache=True, nogil=True)(function))

    return decorate


def inlined(function: _F) -> _F:
    """Mark a scalar helper that other kernels call; it is compiled into each of them."""
    return cast(_F, numba.njit(cache=True, nogil=True, inline="always")(function))
