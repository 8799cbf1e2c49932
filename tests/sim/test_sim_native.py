"""Native functions have no wrapper for Python: called from there they would end the process."""

import ast
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def _is_native(function: ast.FunctionDef) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "native" for one in function.decorator_list)


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for folder in ("sim", "tests", "benchmarks"):
        for path in sorted((_ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_python_calls_native_functions_through_from_python_alone() -> None:
    trees = list(_trees())
    native = {one.name for _, tree in trees for one in _functions(tree) if _is_native(one)}
    assert len(native) > 100
    called = [
        f"{path.relative_to(_ROOT)}: {call.func.id} in {function.name}"
        for path, tree in trees
        for imported in [
            {
                alias.asname or alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom)
                and (node.module or "").startswith(("priot.sim.cpu", "priot.sim.devices"))
                for alias in node.names
            }
        ]
        for function in _functions(tree)
        if not _is_native(function)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if call.func.id in native & imported
    ]
    assert not called
