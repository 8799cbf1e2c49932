"""Errors that commands expect, and the exit code of each: the one place that lists them."""

from __future__ import annotations

from priot.experiments.errors import UserError, VoidResultError
from priot.kernels.errors import KernelError
from priot.sim.errors import SimError

VOID, BAD_INPUT = 1, 2


def exit_code_of(error: Exception) -> int | None:
    """1 where a result is void, 2 for what the user can mend; None: a mistake of ours, or no code.

    A fault of the firmware voids what is measured on it; ``priot run`` answers those of a program.
    """
    if isinstance(error, UserError | KernelError):
        return BAD_INPUT
    if isinstance(error, VoidResultError):
        return VOID
    if isinstance(error, SimError):
        from priot.sim import Fault

        return VOID if isinstance(error, Fault) else BAD_INPUT
    return None
