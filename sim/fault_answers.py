"""What becomes of a fault: the program's own handler, a warning about a stack, or an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from priot.sim.cpu.exceptions import HARD_FAULT, SV_CALL
from priot.sim.cpu.memory import REASONS
from priot.sim.cpu.processor import Processor
from priot.sim.cpu.state import Core
from priot.sim.events import Event
from priot.sim.faults import FaultReason
from priot.sim.stack_guard import StackGuard

_RETURN_AT = 24  # bytes into the frame of an exception
_BKPT, _B_SELF = 0xBE, 0xE7FE
_SVC_SIZE = 2


class FaultAnswers:
    """Answers the faults of both cores.

    Args:
        sram: the memory in which stacks lie.
        guard: judges stacks that leave their room; None: nobody does.
        stacks: tells top and lowest SP of each core that runs.
    """

    def __init__(
        self,
        sram: npt.NDArray[np.uint8],
        guard: StackGuard | None,
        stacks: Callable[[], Sequence[tuple[int, int]]],
    ) -> None:
        self._sram, self._guard, self._stacks = sram, guard, stacks

    def answer(self, processor: Processor) -> Event | None:
        """An event, unless the program has a handler for its fault or a stack does no harm."""
        core = processor.core
        reason = REASONS[int(core[Core.REASON])]
        if reason is FaultReason.STACK_OVERFLOW:
            if self._moves_limit(processor):
                return None
        elif _has_handler(processor):
            if reason is FaultReason.SUPERVISOR_CALL and core[Core.FAULT_SIZE]:
                core[Core.PENDING] |= 1 << SV_CALL  # whose handler faults at its beginning
                processor.set_registers(pc=processor.pc + _SVC_SIZE)
            else:
                core[Core.PENDING] |= 1 << HARD_FAULT
            return None
        if reason is FaultReason.NO_HANDLER:  # tell of what was interrupted: it has code
            stacked = processor.word(processor.register("sp") + _RETURN_AT)
            processor.set_registers(pc=stacked or 0)
        address, size = int(core[Core.FAULT_ADDRESS]), int(core[Core.FAULT_SIZE])
        return Event(reason, None if address < 0 else address, size)

    def _moves_limit(self, processor: Processor) -> bool:
        """Whether the stack may go below its limit all the same; it has another one then."""
        if self._guard is None:
            return False
        core, number = processor.core, processor.number
        others = [
            (lowest, top) for other, (top, lowest) in enumerate(self._stacks()) if other != number
        ]
        sp, limit = int(core[Core.FAULT_ADDRESS]), int(core[Core.SP_LIMIT])
        found = self._guard.judge(number, sp, limit, processor.pc, self._sram, others)
        if found is not None:
            core[Core.SP_LIMIT] = found
        return found is not None


def _has_handler(processor: Processor) -> bool:
    """Whether a HardFault handler of the program's own can run: not one that only halts."""
    core = processor.core
    if core[Core.ACTIVE] & 0b1100:
        return False  # lockup
    vector = processor.word(int(core[Core.VTOR]) + 4 * HARD_FAULT) or 0
    first = processor.halfword(vector & ~1) if vector & 1 else None
    return first is not None and first >> 8 != _BKPT and first != _B_SELF
