"""What `sim` gives to those who import it, each name from its home when it is asked for."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from priot import sim


def test_types_and_names_are_the_same() -> None:
    """What a type checker reads is what there is."""
    tree = ast.parse(Path(sim.__file__).read_text())
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    found = {(node.module, name.name) for node in typed.body for name in node.names}
    homes = {
        (f"{sim.__name__}.{module}", name) for module, names in sim._HOMES.items() for name in names
    }
    assert found == homes


@pytest.mark.parametrize(("module", "names"), sim._HOMES.items())
def test_a_name_is_that_of_its_home(module: str, names: tuple[str, ...]) -> None:
    home = import_module(f"{sim.__name__}.{module}")
    for name in names:
        assert getattr(sim, name) is getattr(home, name)
        assert name in dir(sim)


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Pica'"):
        from priot.sim import Pica  # noqa: F401


def test_limits_and_errors_load_nothing_heavy() -> None:
    name = sim.__name__
    code = (
        f"import sys, {name}.limits, {name}.errors\n"
        f"print({{'numpy', 'numba', '{name}.pico'}} & {{*sys.modules}})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
