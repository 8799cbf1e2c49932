"""Random programs for two cores: ours and a machine that steps both cycle by cycle agree.

`python tests/sim/two_core_pairs.py SEED COUNT` does the same with any number of programs.
"""

from collections import Counter

from two_core_pairs import Machines

_PROGRAMS = 60


def test_two_cores_agree() -> None:
    """Registers and cycles of each core where it halts; memory, mailbox and spinlocks."""
    machines = Machines()
    ends = Counter(machines.run(f"suite/{number}") for number in range(_PROGRAMS))
    assert ends["halt"] > 0.8 * _PROGRAMS  # the others wait for each other for ever
    assert machines.abandoned > _PROGRAMS
