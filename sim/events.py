"""What ends a stretch of execution."""

from dataclasses import dataclass
from enum import Enum, auto

from priot.sim.faults import FaultReason


class Ended(Enum):
    """Why the core came to rest, where the guest did nothing wrong."""

    BREAKPOINT = auto()  # on a BKPT
    BUDGET = auto()
    SLEEP = auto()  # behind a WFI or WFE that nothing will end
    RESET = auto()  # the program reset the chip
    DEBUGGER = auto()  # ahead of a breakpoint, or behind an access to a watchpoint


@dataclass(frozen=True)
class Event:
    """Why execution ended; `address` and `size` (bytes) of a faulting access."""

    reason: Ended | FaultReason
    address: int | None = None
    size: int = 0
