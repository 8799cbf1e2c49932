"""CIFAR-10's batches for Python: the published layout of a pickle, read without unpickling.

Nothing is imported, called or made but numbers, texts, lists and dictionaries; an array stands for
itself by the arguments with which NumPy would make it. Source: PEP 307, PEP 3154, and the
description of opcodes in CPython's `pickletools`; NumPy's `ndarray.__reduce__`.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from priot.experiments.errors import UserError
from priot.experiments.limits import PICKLE_OPERATIONS

_PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class _Name:
    """Of something that a pickle would import."""

    module: str
    name: str


@dataclass
class _Made:
    """What a pickle would make by a call: of what, with which arguments, and its state."""

    of: Any
    arguments: Any
    state: Any = None


class _Mark:
    """Where on the stack a list, tuple or dictionary begins."""


# Opcodes whose argument is the value.
_VALUES = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG1"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    }
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def parse_pickle(content: bytes, name: str) -> npt.NDArray[np.uint8]:
    """Decode a batch to records as the binary form has them.

    Args:
        content: the whole file.
        name: what errors call the file.

    Returns:
        uint8 (N,3073): a label, then the red, green and blue plane.

    Raises:
        UserError: the file is damaged, or not such a batch.
    """
    try:
        batch = _value(content)
        pixels = _pixels(_entry(batch, "data"))
        labels = _entry(batch, "labels")
        if not all(type(label) is int and 0 <= label <= 255 for label in labels):
            raise ValueError("a label is no number from 0 to 255")
        if len(labels) != len(pixels):
            raise ValueError(f"{len(pixels):,} images, {len(labels):,} labels")
    except Exception as error:  # of damaged bytes `pickletools` can raise anything
        raise UserError(
            f"{name}: not a pickled batch of CIFAR-10 ({error!s:.200}); fetch the original file "
            "again"
        ) from error
    return np.column_stack((np.array(labels, np.uint8), pixels))


def _entry(batch: Any, name: str) -> Any:
    """Python 2 wrote bytes, which Python 3 reads as text or as bytes."""
    if not isinstance(batch, dict):
        raise ValueError("no dictionary")
    for key in (name.encode(), name):
        if key in batch:
            return batch[key]
    raise ValueError(f"it lacks {name}")


def _pixels(array: Any) -> npt.NDArray[np.uint8]:
    """The array that ``ndarray.__setstate__`` would make: (version, shape, dtype, order, data)."""
    if not isinstance(array, _Made) or not isinstance(array.of, _Name):
        raise ValueError("its data is no array")
    if array.of.name != "_reconstruct":
        raise ValueError(f"it asks for {array.of.module}.{array.of.name}")
    _, shape, kind, in_columns, data = array.state
    if kind.arguments[0] not in ("u1", b"u1") or in_columns:
        raise ValueError("its data is no array of bytes")
    count, width = shape
    if type(count) is not int or count < 1 or width != _PIXELS:
        raise ValueError(f"its data is not {_PIXELS:,} bytes a row")
    if not isinstance(data, bytes) or len(data) != count * _PIXELS:
        raise ValueError(f"not {count:,} images of {_PIXELS:,} bytes")
    return np.frombuffer(data, np.uint8).reshape(-1, _PIXELS)


def _value(content: bytes) -> Any:
    """What a pickle stands for, with a `_Made` for whatever it would call."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    encoded = 0

    def called(of: Any, arguments: Any) -> Any:
        """Python 3 writes bytes for Python 2 as a text and its encoding; nothing else is made."""
        nonlocal encoded
        if of != _Name("_codecs", "encode"):
            return _Made(of, arguments)
        text, encoding = arguments
        encoded += len(text)
        if encoding != "latin1" or encoded > len(content):  # one text could be taken many times
            raise ValueError("bytes of another kind")
        return text.encode("latin1")

    def since_mark() -> list[Any]:
        values = []
        while not isinstance(value := stack.pop(), _Mark):
            values.append(value)
        return values[::-1]

    def popped(count: int) -> list[Any]:
        if len(stack) < count:
            raise ValueError("the stack is empty")
        values = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        return values

    def put(key: int) -> None:
        memo[key] = stack[-1]

    operations: Iterable[tuple[Any, Any, Any]] = pickletools.genops(content)
    for number, (opcode, argument, _) in enumerate(operations):
        if number == PICKLE_OPERATIONS:
            raise ValueError("longer than a batch")
        name = opcode.name
        if name in _VALUES:
            # What Python 2 wrote as a string is bytes: `pickletools` decodes it as Latin-1.
            stack.append(argument.encode("latin1") if "STRING" in name else argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            stack.append(tuple(popped(_TUPLES[name])))
        else:
            match name:
                case "PROTO" | "FRAME" | "STOP":
                    pass
                case "MARK":
                    stack.append(_Mark())
                case "EMPTY_LIST":
                    stack.append([])
                case "EMPTY_DICT":
                    stack.append({})
                case "LIST":
                    stack.append(since_mark())
                case "TUPLE":
                    stack.append(tuple(since_mark()))
                case "DICT":
                    values = since_mark()
                    stack.append(_pairs(values))
                case "APPEND":
                    of, value = popped(2)
                    _list(of).append(value)
                    stack.append(of)
                case "APPENDS":
                    values = since_mark()
                    _list(stack[-1]).extend(values)
                case "SETITEM":
                    of, key, value = popped(3)
                    _dictionary(of).update(_pairs([key, value]))
                    stack.append(of)
                case "SETITEMS":
                    values = since_mark()
                    _dictionary(stack[-1]).update(_pairs(values))
                case "PUT" | "BINPUT" | "LONG_BINPUT":
                    put(argument)
                case "MEMOIZE":
                    put(len(memo))
                case "GET" | "BINGET" | "LONG_BINGET":
                    stack.append(memo[argument])
                case "GLOBAL":
                    stack.append(_Name(*argument.split(" ", 1)))
                case "STACK_GLOBAL":
                    stack.append(_Name(*popped(2)))
                case "REDUCE":
                    stack.append(called(*popped(2)))
                case "BUILD":
                    made, state = popped(2)
                    if not isinstance(made, _Made):
                        raise ValueError("a state of what is no array")
                    made.state = state
                    stack.append(made)
                case _:
                    raise ValueError(f"the opcode {name} has no place in it")
    (value,) = stack
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("what it appends to is no list")
    return value


def _dictionary(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError("where it sets an item is no dictionary")
    return value


def _pairs(values: list[Any]) -> dict[Any, Any]:
    """Keys and values in turn. Only texts are keys: to hash a deep tuple overflows C's stack."""
    if not all(isinstance(key, str | bytes) for key in values[::2]):
        raise ValueError("a key is no text")
    return dict(zip(values[::2], values[1::2], strict=True))
