"""A digest of source code: what it does, not how it is commented.

The key of a kept run ends with one, so that a run is never answered with what other code gave.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

DIGITS = 16
"""Hexadecimal digits of a digest: keys are read by people too."""


def key_of(question: Mapping[str, Any], modules: tuple[str, ...]) -> str:
    """The key of a run: a hash of what is asked for, and the digest of the code that answers."""
    asked = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
    return with_code(asked, modules)


def with_code(key: str, modules: tuple[str, ...]) -> str:
    """The key of the same question, answered by the code as it is now."""
    return f"{question_of(key)}-{digest_of(modules)}"


def question_of(key: str) -> str:
    """The part of a key that tells what is asked for, whatever the code."""
    return key.partition("-")[0]


@cache
def digest_of(modules: tuple[str, ...]) -> str:
    """Digest of modules, named below ``priot``; a package stands for all of its modules.

    Comments, docstrings and layout do not count, nor does the version of Python.

    Raises:
        ModuleNotFoundError: for a name that is none.
    """
    digest = hashlib.sha256()
    for name, path in sorted(sources_of(modules).items()):
        digest.update(f"{name}\n{_written(ast.parse(path.read_bytes()))}\n".encode())
    return digest.hexdigest()[:DIGITS]


def sources_of(modules: Sequence[str]) -> dict[str, Path]:
    """Files of modules and of what packages hold, by dotted name below ``priot``."""
    return dict(file for name in modules for file in _files_of(name))


def _files_of(name: str) -> Iterator[tuple[str, Path]]:
    spec = find_spec(f"priot.{name}")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"priot.{name}")
    path = Path(spec.origin)
    if spec.submodule_search_locations is None:
        yield name, path
        return
    for found in path.parent.rglob("*.py"):
        parts = found.relative_to(path.parent).with_suffix("").parts
        yield ".".join([name, *(part for part in parts if part != "__init__")]), found


def _written(node: object) -> str:
    """A syntax tree as text. What newer versions of Python add to a tree is empty in our code."""
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields)
        told = [f"{name}={_written(value)}" for name, value in fields if _counts(value)]
        return f"{type(node).__name__}({','.join(told)})"
    if isinstance(node, list):
        return f"[{','.join(_written(part) for part in node if not _is_text(part))}]"
    return repr(node)


def _counts(value: object) -> bool:
    return value is not None and value != [] and not isinstance(value, ast.expr_context)


def _is_text(node: object) -> bool:
    """A docstring: a statement that is a text and nothing else."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
