"""Exception entry, tail-chaining and return. Arm DDI0419E, B1.5.6 to B1.5.8.

Cycles: entry by Arm DDI0484C, 3.6.1. The manual is silent on the others. Return is taken as a
POP of the eight words with PC (3 + 8), tail-chaining as entry without eight stores and the
first address; the instruction that returns is counted as always.
"""

from collections.abc import Callable

from sim import cycle_counter
from sim.core import Core, Ended, Event
from sim.faults import FaultReason
from sim.nvic import Nvic
from sim.system_control import SystemControl

ENTRY_CYCLES, RETURN_CYCLES, TAIL_CHAIN_CYCLES = 15, 11, 6

_FRAME = 32  # bytes: R0-R3, R12, LR, return address, xPSR
_PADDED = 1 << 9  # of the stacked xPSR: SP was not a multiple of 8
_EXC_RETURN = 0xFFFF_FFF0
_TO_HANDLER, _TO_MAIN, _TO_PROCESS = 0x1, 0x9, 0xD
_IPSR, _THUMB_BIT = 0x1FF, 1 << 24


def is_return(address: int) -> bool:
    """Whether a branch to `address` is an exception return, in handler mode."""
    return address | 1 in (_EXC_RETURN | low for low in (_TO_HANDLER, _TO_MAIN, _TO_PROCESS))


class Exceptions:
    """Moves the core into and out of handlers.

    Args:
        catch_up: brings all peripherals up to the present; what they pend while a handler that
            is pending already is entered makes no difference, and must not come later.
    """

    def __init__(
        self,
        core: Core,
        nvic: Nvic,
        system_control: SystemControl,
        catch_up: Callable[[], None],
    ) -> None:
        self._core, self._nvic, self._scb = core, nvic, system_control
        self._catch_up = catch_up

    def handler(self, number: int) -> int | None:
        """The vector of an exception; None if there is no Thumb code where it points."""
        vector = self._core.word(self._scb.vtor + 4 * number)
        if vector is None or not vector & 1 or self._core.halfword(vector & ~1) is None:
            return None
        return vector

    def stack(self) -> Event | None:
        """Push the frame; an Event if there is no room for it."""
        core = self._core
        registers = core.registers
        sp = registers.sp
        frame = (sp - _FRAME) & ~7
        if not core.may_push(frame):
            return Event(FaultReason.STACK_OVERFLOW, frame)
        xpsr = registers.xpsr & ~_PADDED | (_PADDED if sp & 4 else 0)
        words = (registers.r0, registers.r1, registers.r2, registers.r3, registers.r12)
        for at, word in enumerate((*words, registers.lr, registers.pc, xpsr)):
            if not core.set_word(frame + 4 * at, word):
                return Event(FaultReason.WRITE, frame + 4 * at, 4)
        if registers.xpsr & _IPSR:
            back = _TO_HANDLER
        else:
            back = _TO_PROCESS if core.on_process_stack else _TO_MAIN
        core.set_registers(sp=frame, lr=_EXC_RETURN | back)
        core.on_process_stack = False
        core.wait(ENTRY_CYCLES)
        return None

    def begin(self, number: int, cycles: int = ENTRY_CYCLES) -> Event | None:
        """Go to the handler, the frame being stacked; an Event if there is none.

        Which one it is was open while the `cycles` of the entry passed; they are its own.
        """
        self._core.wait(-cycles)
        self._core.note(cycle_counter.on_exception_enter, number, self._core.registers.sp)
        self._core.wait(cycles)
        handler = self.handler(number)
        if handler is None:
            return Event(FaultReason.NO_HANDLER, self._scb.vtor + 4 * number, 4)
        self._nvic.enter(number)
        self._core.event_register = True
        flags = self._core.registers.xpsr & ~(_IPSR | _THUMB_BIT)
        self._core.set_registers(xpsr=flags | _THUMB_BIT | number, pc=handler)
        return None

    def end(self, address: int) -> Event | None:
        """Return to where `address`, an EXC_RETURN value, says, or chain to what is pending."""
        core, nvic = self._core, self._nvic
        number = core.registers.xpsr & _IPSR
        back = address & 0xF | 1
        nested = len(nvic.active) > 1
        if number not in nvic.active or nested != (back == _TO_HANDLER):
            return Event(FaultReason.FETCH, address)
        nvic.leave(number)
        core.event_register = True
        chained = nvic.next()
        if chained is not None and not core.primask:
            core.set_registers(lr=_EXC_RETURN | back)
            core.note(cycle_counter.on_resume)
            core.wait(TAIL_CHAIN_CYCLES)
            self._catch_up()
            return self.begin(chained, TAIL_CHAIN_CYCLES)
        frame = core.process_stack if back == _TO_PROCESS else core.registers.sp
        words = [core.word(frame + 4 * at) for at in range(8)]
        r0, r1, r2, r3, r12, lr, pc, xpsr = words
        if None in words:
            return Event(FaultReason.READ, frame, _FRAME)
        assert xpsr is not None
        assert pc is not None
        core.wait(RETURN_CYCLES)
        core.note(cycle_counter.on_resume)
        core.set_registers(xpsr=xpsr & ~_PADDED)
        if back != _TO_HANDLER:
            core.on_process_stack = back == _TO_PROCESS
        sp = frame + _FRAME + (4 if xpsr & _PADDED else 0)
        values = {"r0": r0, "r1": r1, "r2": r2, "r3": r3, "r12": r12, "lr": lr}
        core.set_registers(**{name: value or 0 for name, value in values.items()})
        core.set_registers(sp=sp, pc=pc | bool(xpsr & _THUMB_BIT))
        if self._scb.sleep_on_exit and not nvic.active:
            return Event(Ended.SLEEP)
        return None
