"""Compiled functions that are kept on disk, until the text of anything native changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

import numba

from sim.cpu.native import OPTIONS
from sim.cpu.state import ROM_AT
from sim.faults import FaultReason
from sim.memory_map import FLASH, ROM, SRAM

Function = TypeVar("Function", bound=Callable[..., Any])


@cache
def _hash_of_sources() -> str:
    """Of all that compiled functions are made of: Numba's cache on disk does not look at it."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *here.with_name("devices").rglob("*.py")]):
        digest.update(path.read_bytes())
    digest.update(repr((SRAM, FLASH, ROM, ROM_AT, tuple(FaultReason))).encode())
    return digest.hexdigest()


def compiled_text(text: str, scope: dict[str, Any], about: str = "") -> Callable[..., Any]:
    """The function that `make(sources)` in a text of our own returns, compiled at its first call.

    It has to hold on to `sources`; `about` tells apart what differs in `scope` alone.
    """
    exec(compile(text, __file__, "exec"), scope)
    key = hashlib.sha256(f"{_hash_of_sources()}{about}{text}".encode()).hexdigest()
    compiled: Callable[..., Any] = numba.njit(cache=True, **OPTIONS)(scope["make"](key))
    return compiled


_ENTRY = """
def make(_sources):
    def {name}({arguments}):
        sources = _sources
        return function({arguments})
    return {name}
"""


def for_python(function: Function) -> Function:
    """A native function to call from Python, which would compile it anew in every process."""
    arguments = ", ".join(signature(function).parameters)
    text = _ENTRY.format(name=function.__name__, arguments=arguments)
    scope = {"function": function, "__name__": __name__}
    entry: Any = compiled_text(text, scope, function.__module__)
    return entry  # type: ignore[no-any-return]
