"""The one place that says how the reference kernels are compiled.

Every kernel has an explicit signature: a wrong dtype or a non-contiguous array fails loudly
instead of compiling a second version, and nothing is compiled inside a timed loop. Machine code is
cached on disk, so that only the first use on a machine compiles.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, cast

import numba

from numba_cache import kept_on_disk


def _drop_stale_code(package: Path) -> None:
    """Remove cached code that is older than any source of the package.

    Numba looks at a kernel's own file only, and would miss a change of a helper inlined into it.
    """
    newest = max(source.stat().st_mtime for source in package.rglob("*.py"))
    for index in package.rglob("__pycache__/*.nbi"):
        with suppress(OSError):  # another process was faster, or the folder is not ours
            if index.stat().st_mtime < newest:
                index.unlink()


_drop_stale_code(Path(__file__).parent)

_F = TypeVar("_F", bound=Callable[..., object])


def kernel(signature: object) -> Callable[[_F], _F]:
    """Compile a function for a signature of Numba, ``"int32(int8[::1], int64)"``, or a few."""

    def decorate(function: _F) -> _F:
        with kept_on_disk():
            return cast(_F, numba.njit(signature, cache=True, nogil=True)(function))

    return decorate


def inlined(function: _F) -> _F:
    """Mark a scalar helper that other kernels call; it is compiled into each of them."""
    with kept_on_disk():
        return cast(_F, numba.njit(cache=True, nogil=True, inline="always")(function))
