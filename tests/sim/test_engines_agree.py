"""Random programs: the core of our own, the processor from the manual, and Unicorn agree.

`python tests/sim/engine_pairs.py SEED COUNT` does the same with any number of programs.
"""

from collections import Counter

import pytest
from engine_pairs import Engines, run_one
from pair_programs import KINDS

# Of each kind; those without a fault handler end early, and so cost little.
_PROGRAMS = {
    "plain": 250,
    "interrupts": 200,
    "abandoned": 100,
    "rewriting": 200,
    "protected": 200,
    "unicorn": 200,
}


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines()


@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree(engines: Engines, kind: str) -> None:
    """Registers, exceptions, SRAM and cycles, wherever a budget ends."""
    ends = Counter(run_one(engines, kind, f"suite/{n}").value for n in range(_PROGRAMS[kind]))
    assert ends["left"] < ends.total() / 10  # else little would have been compared
    assert len(ends) > 1
    if kind == "abandoned":
        assert engines.abandoned > _PROGRAMS[kind]
