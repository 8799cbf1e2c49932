"""How functions of the native loop are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

OPTIONS: dict[str, Any] = {
    "_nrt": False,
    "error_model": "numpy",
    "boundscheck": False,
}
"""Without Numba's runtime: nothing here allocates, and to count references to arrays costs a call
about nine tenths of its time."""

Function = TypeVar("Function", bound=Callable[..., Any])


def native(function: Function) -> Function:
    """Compile a function that the loop calls."""
    compiled: Function = njit(**OPTIONS)(function)
    return compiled
