"""The 32-bit instructions (A5.3). Each function returns the cycles."""

from manual import timing
from manual.bits import MASK, bits, sign_extend
from manual.memory import Fault
from manual.processor import Processor

_APSR_IPSR_EPSR = (0, 1, 2, 3, 5, 6, 7)
_MSP, _PSP, _PRIMASK, _CONTROL = 8, 9, 16, 20
_DSB, _DMB, _ISB = 4, 5, 6


def execute_32(core: Processor, first: int, second: int) -> int:
    """A5.3 and A5.3.1, in the order of the tables."""
    op1, op2 = bits(first, 10, 4), bits(second, 14, 12)
    if first >> 11 == 0b11110 and second >> 15:
        if op2 & 0b101 == 0 and op1 >> 1 == 0b011100:
            return _msr(core, first, second)
        if op2 & 0b101 == 0 and op1 == 0b0111011:
            return _barrier(first, second)
        if op2 & 0b101 == 0 and op1 >> 1 == 0b011111:
            return _mrs(core, first, second)
        if op2 & 0b101 == 0b101:
            return _bl(core, first, second)
    raise Fault(f"{first:04x} {second:04x} is UNDEFINED")


def _bl(core: Processor, first: int, second: int) -> int:
    """A6.7, BL."""
    s, j1, j2 = bits(first, 10, 10), bits(second, 13, 13), bits(second, 11, 11)
    i1, i2 = 1 - (j1 ^ s), 1 - (j2 ^ s)
    offset = s << 24 | i1 << 23 | i2 << 22 | bits(first, 9, 0) << 12 | bits(second, 10, 0) << 1
    core.lr = core.next_pc | 1
    core.branch(core.get(15) + sign_extend(offset, 25))
    return timing.BRANCH_LINK


def _barrier(first: int, second: int) -> int:
    """A6.7, DMB, DSB and ISB: every option acts as SY."""
    if first != 0xF3BF or second >> 8 != 0x8F or bits(second, 7, 4) not in (_DSB, _DMB, _ISB):
        raise Fault(f"{first:04x} {second:04x} is no barrier")
    return timing.SPECIAL


def _mrs(core: Processor, first: int, second: int) -> int:
    """B4.2.2; what a program may not see reads as zero."""
    d, special = bits(second, 11, 8), bits(second, 7, 0)
    if first != 0xF3EF or second >> 12 != 0b1000 or d in (13, 15):
        raise Fault(f"{first:04x} {second:04x} is UNPREDICTABLE")
    if special in _APSR_IPSR_EPSR:
        value = core.ipsr if special & 1 else 0
        value |= 0 if special & 4 else core.apsr
    elif special == _MSP:
        value = core.msp if core.privileged else 0
    elif special == _PSP:
        value = core.psp if core.privileged else 0
    elif special == _PRIMASK:
        value = int(core.primask and core.privileged)
    elif special == _CONTROL:
        value = core.control
    else:
        raise Fault(f"MRS of special register {special}")
    core.set(d, value)
    return timing.SPECIAL


def _msr(core: Processor, first: int, second: int) -> int:
    """B4.2.3; what a program may not write is ignored."""
    n, special = bits(first, 3, 0), bits(second, 7, 0)
    if first >> 4 != 0xF38 or second >> 8 != 0x88 or n in (13, 15):
        raise Fault(f"{first:04x} {second:04x} is UNPREDICTABLE")
    value = core.get(n)
    if special in _APSR_IPSR_EPSR:
        if not special & 4:
            core.apsr = value
    elif special not in (_MSP, _PSP, _PRIMASK, _CONTROL):
        raise Fault(f"MSR to special register {special}")
    elif core.privileged:
        if special == _MSP:
            core.msp = value & MASK & ~3
        elif special == _PSP:
            core.psp = value & MASK & ~3
        elif special == _PRIMASK:
            core.primask = bool(value & 1)
        else:
            core.npriv = bool(value & 1)
            if not core.handler_mode:
                core.spsel = bool(value >> 1 & 1)
    return timing.SPECIAL
