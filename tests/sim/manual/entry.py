"""Entry to exceptions and return from them (B1.5.6 to B1.5.8, B1.5.15)."""

from manual import timing
from manual.bits import MASK
from manual.exceptions import HARD_FAULT, HARD_FAULT_PRIORITY, NMI
from manual.memory import Fault
from manual.processor import (
    EXC_RETURN_HANDLER,
    EXC_RETURN_MAIN,
    EXC_RETURN_PROCESS,
    Processor,
)

_UNRECOVERABLE = (NMI, HARD_FAULT)  # a fault on entry to these is a lockup
_FRAME_BYTES = 32


def enter(core: Processor) -> None:
    """Save the state, then take what is the most urgent by the time that is done."""
    if core.handler_mode:
        exc_return = EXC_RETURN_HANDLER
    else:
        exc_return = EXC_RETURN_PROCESS if core.spsel else EXC_RETURN_MAIN
    pushed = _push_frame(core)
    core.pass_time(timing.EXCEPTION_ENTRY)
    _take(core, exc_return, pushed)


def leave(core: Processor, exc_return: int) -> None:
    """Return, or go straight on to the next exception that waits (tail-chaining)."""
    core.exceptions.deactivate(core.ipsr)
    if core.exceptions.preempting(core.primask) is not None:
        core.pass_time(timing.TAIL_CHAIN)
        _take(core, exc_return)
        return
    try:
        _pop_frame(core, exc_return)
    except Fault:
        # A derived exception: no second frame is pushed, the stack pointers stay.
        if core.execution_priority <= HARD_FAULT_PRIORITY:
            core.lock_up()
            return
        core.exceptions.pend(HARD_FAULT)
        core.pass_time(timing.TAIL_CHAIN)
        _take(core, exc_return)
        return
    core.event_register = True
    core.pass_time(timing.EXCEPTION_RETURN)
    if core.system.sleep_on_exit and not core.handler_mode:
        core.asleep = "WFI"


def _push_frame(core: Processor) -> bool:
    """PushStack(): eight words, 8-byte aligned; False if a store faults halfway."""
    padded = core.sp >> 2 & 1
    frame = core.sp - _FRAME_BYTES & ~4 & MASK
    words = [*core.r[:4], core.r[12], core.lr, core.pc, core.xpsr | padded << 9]
    core.sp = frame
    try:
        for position, word in enumerate(words):
            core.store(frame + 4 * position, 4, word)
    except Fault:
        return False
    return True


def _pop_frame(core: Processor, exc_return: int) -> None:
    """PopStack(): raises Fault, with nothing changed, for a bad frame."""
    to_handler = exc_return == EXC_RETURN_HANDLER
    frame = core.psp if exc_return == EXC_RETURN_PROCESS else core.msp
    privileged = to_handler or not core.npriv
    words = [core.load(frame + 4 * position, 4, privileged) for position in range(8)]
    *low, r12, lr, pc, psr = words
    if to_handler != (psr & 0x3F != 0):
        raise Fault("IPSR on the stack does not fit the mode to return to")
    core.r[:4], core.r[12], core.lr, core.pc = low, r12, lr, pc & 0xFFFF_FFFE
    core.apsr, core.ipsr, core.thumb = psr, psr & 0x3F, bool(psr >> 24 & 1)
    core.spsel = exc_return == EXC_RETURN_PROCESS
    core.sp = frame + _FRAME_BYTES | (psr >> 9 & 1) << 2


def _take(core: Processor, exc_return: int, pushed: bool = True) -> None:
    """ExceptionTaken(): with HardFault in place of what can't be entered."""
    number = core.exceptions.most_urgent()
    assert number is not None
    recoverable = number not in _UNRECOVERABLE
    if not pushed and recoverable:
        number = HARD_FAULT  # the other one stays pending
    vector = _read_vector(core, number) if pushed or recoverable else None
    if vector is None and number not in _UNRECOVERABLE:
        number = HARD_FAULT
        vector = _read_vector(core, number)
    core.exceptions.activate(number)
    core.ipsr, core.spsel, core.lr = number, False, exc_return
    core.event_register = True
    core.locked_up = False
    if vector is None:
        core.lock_up()
        return
    core.thumb, core.pc = bool(vector & 1), vector & 0xFFFF_FFFE


def _read_vector(core: Processor, number: int) -> int | None:
    try:
        return core.load_vector(number)
    except Fault:
        return None
