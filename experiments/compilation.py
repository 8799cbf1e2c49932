"""Tells the user when Numba compiles, which happens once per machine and takes seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from numba.core import event

from priot import numba_cache


class _Announcer(event.Listener):
    """Says so at the first function that is not in Numba's cache on disk."""

    def __init__(self) -> None:
        self._told = False

    def on_start(self, event: object) -> None:
        if not self._told:
            print(_announcement(), file=sys.stderr, flush=True)
        self._told = True

    def on_end(self, event: object) -> None:
        pass


def _announcement() -> str:
    if not numba_cache.not_kept:
        return "compiling for this machine, once ..."
    return (
        "compiling anew, since the machine code can be kept nowhere; let NUMBA_CACHE_DIR name a "
        "folder that can be written ..."
    )


@contextmanager
def announced_compilation() -> Iterator[None]:
    """Announce the first compilation that happens inside, on standard error."""
    with event.install_listener("numba:compile", _Announcer()):
        yield
