"""How functions of the native loop are compiled."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.extending import intrinsic

from priot.numba_cache import kept_on_disk
from priot.sim.cpu.pipeline import NativeCompiler

OPTIONS: dict[str, Any] = {
    "_nrt": False,
    "error_model": "numpy",
    "boundscheck": False,
    "pipeline_class": NativeCompiler,
}
"""Without Numba's runtime: nothing here allocates, and to count references to arrays costs a call
about nine tenths of its time."""
_INNER: dict[str, Any] = OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

Function = TypeVar("Function", bound=Callable[..., Any])
_SIM = Path(__file__).parents[1]


def native(function: Function) -> Function:
    """Compile a function that native code calls; Python has `from_python`."""
    compiled: Function = njit(**_INNER)(function)
    return compiled


@intrinsic
def pointer(_typing: Any, array: Any) -> Any:
    """Where the elements of an array lie, row by row; of an array of records, the first of them.

    Native functions hand one another pointers: an array is seven words, all of which a call would
    copy, and an index into it is looked at for being negative. What is no array stays as it is.
    """
    if not isinstance(array, types.Array):
        return array(array), lambda _context, _builder, _signature, arguments: arguments[0]
    of = array.dtype
    pointed: Any = of if isinstance(of, types.Record) else types.CPointer(of)  # type: ignore[no-untyped-call]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return pointed(array), generate


@cache
def hash_of_sources() -> str:
    """Of all that is native: Numba's cache on disk does not look at what a function calls."""
    digest = hashlib.sha256()
    constants = [_SIM / "memory_map.py", _SIM / "faults.py", _SIM / "instructions.py"]
    for folder in ("cpu", "devices"):
        constants += sorted((_SIM / folder).rglob("*.py"))
    for path in constants:
        digest.update(path.read_bytes())
    return digest.hexdigest()


_KEPT = """
def make(_sources):
    def {name}({arguments}):
        sources = _sources
        return function({pointers})
    return {name}
"""


_from_python: dict[Any, Any] = {}


def from_python(function: Function) -> Function:
    """A native function for callers in Python, compiled at its first call and kept on disk."""
    if function not in _from_python:
        _from_python[function] = _kept(function)
    return cast(Function, _from_python[function])


def _kept(function: Function) -> Function:
    plain = cast(Any, function).py_func
    name = f"{plain.__module__}_{plain.__name__}".replace(".", "_")
    parameters = inspect.signature(plain).parameters
    pointers = ", ".join(f"pointer({parameter})" for parameter in parameters)
    text = _KEPT.format(name=name, arguments=", ".join(parameters), pointers=pointers)
    scope: dict[str, Any] = {"function": function, "pointer": pointer, "__name__": __name__}
    exec(compile(text, __file__, "exec"), scope)
    with kept_on_disk():
        kept: Function = njit(cache=True, **OPTIONS)(scope["make"](hash_of_sources()))
    return kept
