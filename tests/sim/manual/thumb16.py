"""The 16-bit instructions (A5.2). Each function is a table of the manual and returns the cycles."""

from collections.abc import Callable

from manual import timing
from manual.bits import MASK, add_with_carry, asr_c, bits, lsl_c, lsr_c, ror_c, sign_extend
from manual.memory import Fault
from manual.processor import Processor

_Shift = Callable[[int, int], tuple[int, bool]]


def execute_16(core: Processor, code: int) -> int:
    """A5.2, table A5-1, in its order."""
    if code >> 14 == 0b00:
        return _shift_add_subtract_move_compare(core, code)
    if code >> 10 == 0b010000:
        return _data_processing(core, code)
    if code >> 10 == 0b010001:
        return _special_data_and_branch_exchange(core, code)
    if code >> 11 == 0b01001:  # LDR (literal)
        address = (core.get(15) & ~3) + 4 * bits(code, 7, 0)
        return _load(core, bits(code, 10, 8), address, 4)
    if code >> 12 == 0b0101 or code >> 13 in (0b011, 0b100):
        return _load_store_single(core, code)
    if code >> 11 == 0b10100:  # ADR
        core.set(bits(code, 10, 8), (core.get(15) & ~3) + 4 * bits(code, 7, 0))
        return timing.ALU
    if code >> 11 == 0b10101:  # ADD (SP plus immediate), T1
        core.set(bits(code, 10, 8), core.sp + 4 * bits(code, 7, 0))
        return timing.ALU
    if code >> 12 == 0b1011:
        return _miscellaneous(core, code)
    if code >> 11 == 0b11000:
        return _stm(core, code)
    if code >> 11 == 0b11001:
        return _ldm(core, code)
    if code >> 12 == 0b1101:
        return _conditional_branch_and_svc(core, code)
    if code >> 11 == 0b11100:  # B, T2
        core.branch(core.get(15) + sign_extend(bits(code, 10, 0) << 1, 12))
        return timing.BRANCH_TAKEN
    raise _undefined(code)


def _shift_add_subtract_move_compare(core: Processor, code: int) -> int:
    """A5.2.1."""
    opcode = bits(code, 13, 9)
    low_d, low_n, low_m = bits(code, 2, 0), bits(code, 5, 3), bits(code, 8, 6)
    imm8_d, imm8 = bits(code, 10, 8), bits(code, 7, 0)
    if opcode >> 2 == 0b000:
        _shift(core, low_d, lsl_c, core.r[low_n], bits(code, 10, 6))  # by 0 it is MOVS (register)
    elif opcode >> 2 == 0b001:
        _shift(core, low_d, lsr_c, core.r[low_n], bits(code, 10, 6) or 32)
    elif opcode >> 2 == 0b010:
        _shift(core, low_d, asr_c, core.r[low_n], bits(code, 10, 6) or 32)
    elif opcode == 0b01100:
        core.r[low_d] = _add(core, core.r[low_n], core.r[low_m])
    elif opcode == 0b01101:
        core.r[low_d] = _subtract(core, core.r[low_n], core.r[low_m])
    elif opcode == 0b01110:
        core.r[low_d] = _add(core, core.r[low_n], low_m)
    elif opcode == 0b01111:
        core.r[low_d] = _subtract(core, core.r[low_n], low_m)
    elif opcode >> 2 == 0b100:
        core.r[imm8_d] = imm8
        core.set_nz(imm8)
    elif opcode >> 2 == 0b101:
        _subtract(core, core.r[imm8_d], imm8)
    elif opcode >> 2 == 0b110:
        core.r[imm8_d] = _add(core, core.r[imm8_d], imm8)
    else:
        core.r[imm8_d] = _subtract(core, core.r[imm8_d], imm8)
    return timing.ALU


def _data_processing(core: Processor, code: int) -> int:
    """A5.2.2."""
    opcode, d = bits(code, 9, 6), bits(code, 2, 0)
    x, y = core.r[d], core.r[bits(code, 5, 3)]
    if opcode == 0b0000:
        _logical(core, d, x & y)
    elif opcode == 0b0001:
        _logical(core, d, x ^ y)
    elif opcode == 0b0010:
        _shift(core, d, lsl_c, x, y & 0xFF)
    elif opcode == 0b0011:
        _shift(core, d, lsr_c, x, y & 0xFF)
    elif opcode == 0b0100:
        _shift(core, d, asr_c, x, y & 0xFF)
    elif opcode == 0b0101:
        core.r[d] = _add(core, x, y, core.c)
    elif opcode == 0b0110:
        core.r[d] = _add(core, x, y ^ MASK, core.c)
    elif opcode == 0b0111:
        _shift(core, d, ror_c, x, y & 0xFF)
    elif opcode == 0b1000:
        core.set_nz(x & y)
    elif opcode == 0b1001:
        core.r[d] = _subtract(core, 0, y)
    elif opcode == 0b1010:
        _subtract(core, x, y)
    elif opcode == 0b1011:
        _add(core, x, y)
    elif opcode == 0b1100:
        _logical(core, d, x | y)
    elif opcode == 0b1101:
        _logical(core, d, x * y & MASK)
    elif opcode == 0b1110:
        _logical(core, d, x & ~y)
    else:
        _logical(core, d, y ^ MASK)
    return timing.ALU


def _special_data_and_branch_exchange(core: Processor, code: int) -> int:
    """A5.2.3."""
    opcode, m = bits(code, 9, 6), bits(code, 6, 3)
    d = bits(code, 7, 7) << 3 | bits(code, 2, 0)
    if opcode >> 2 == 0b00:
        if d == m == 15:
            raise _unpredictable(code)
        core.set(d, core.get(d) + core.get(m))
        return timing.BRANCH_TAKEN if d == 15 else timing.ALU
    if opcode >> 2 == 0b01:  # CMP (register), T2; it is not for two low registers
        if (d < 8 and m < 8) or 15 in (d, m):
            raise _unpredictable(code)
        _subtract(core, core.get(d), core.get(m))
        return timing.ALU
    if opcode >> 2 == 0b10:
        core.set(d, core.get(m))
        return timing.BRANCH_TAKEN if d == 15 else timing.ALU
    if bits(code, 2, 0) or m == 15:
        raise _unpredictable(code)
    target = core.get(m)
    if opcode >> 1 == 0b110:
        core.branch_or_return(target)
    else:
        core.lr = core.next_pc | 1
        core.branch_with_state(target)
    return timing.BRANCH_TAKEN


def _load_store_single(core: Processor, code: int) -> int:
    """A5.2.4."""
    op_a, op_b = bits(code, 15, 12), bits(code, 11, 9)
    t, base, imm5 = bits(code, 2, 0), core.r[bits(code, 5, 3)], bits(code, 10, 6)
    is_load = bits(code, 11, 11)
    if op_a == 0b0101:
        address = base + core.r[bits(code, 8, 6)]
        if op_b in (0b000, 0b001, 0b010):
            return _store(core, t, address, (4, 2, 1)[op_b])
        if op_b in (0b011, 0b111):
            return _load(core, t, address, 1 if op_b == 0b011 else 2, signed=True)
        return _load(core, t, address, (4, 2, 1)[op_b - 0b100])
    if op_a == 0b1001:
        t, address, size = bits(code, 10, 8), core.sp + 4 * bits(code, 7, 0), 4
    else:
        size = {0b0110: 4, 0b0111: 1, 0b1000: 2}[op_a]
        address = base + size * imm5
    return _load(core, t, address, size) if is_load else _store(core, t, address, size)


def _miscellaneous(core: Processor, code: int) -> int:
    """A5.2.5."""
    opcode, d, m = bits(code, 11, 5), bits(code, 2, 0), bits(code, 5, 3)
    x = core.r[m]
    if opcode >> 2 == 0b00000:
        core.sp += 4 * bits(code, 6, 0)
    elif opcode >> 2 == 0b00001:
        core.sp -= 4 * bits(code, 6, 0)
    elif opcode >> 1 == 0b001000:
        core.r[d] = sign_extend(x & 0xFFFF, 16)
    elif opcode >> 1 == 0b001001:
        core.r[d] = sign_extend(x & 0xFF, 8)
    elif opcode >> 1 == 0b001010:
        core.r[d] = x & 0xFFFF
    elif opcode >> 1 == 0b001011:
        core.r[d] = x & 0xFF
    elif opcode >> 4 == 0b010:
        return _push(core, code)
    elif opcode == 0b0110011:  # CPS (B4.2.1), which a program without privilege executes as NOP
        if code & 0xF != 0b0010:
            raise _unpredictable(code)
        if core.privileged:
            core.primask = bool(bits(code, 4, 4))
    elif opcode >> 1 == 0b101000:
        core.r[d] = int.from_bytes(x.to_bytes(4, "little"), "big")
    elif opcode >> 1 == 0b101001:
        core.r[d] = (x & 0x00FF_00FF) << 8 | x >> 8 & 0x00FF_00FF
    elif opcode >> 1 == 0b101011:
        core.r[d] = sign_extend((x & 0xFF) << 8 | x >> 8 & 0xFF, 16)
    elif opcode >> 4 == 0b110:
        return _pop(core, code)
    elif opcode >> 3 == 0b1110:
        if not core.halting_debug:
            raise Fault("BKPT without a debugger")
        core.halted = True
        return timing.CALL_FOR_EXCEPTION
    elif opcode >> 3 == 0b1111:
        return _hint(core, code)
    else:
        raise _undefined(code)
    return timing.ALU


def _hint(core: Processor, code: int) -> int:
    """A5.2.6; a hint that is not allocated is a NOP, and so is YIELD."""
    hint = bits(code, 7, 4)
    if bits(code, 3, 0):
        raise _undefined(code)
    if hint == 0b0010:  # WFE
        if core.event_register:
            core.event_register = False
        else:
            core.asleep = "WFE"
        return timing.WAIT
    if hint == 0b0011:
        core.asleep = "WFI"
        return timing.WAIT
    if hint == 0b0100:  # SEV
        core.send_event()
    return timing.ALU


def _push(core: Processor, code: int) -> int:
    """A6.7, PUSH: the lowest register at the lowest address."""
    numbers = _numbers(code) + [14] * bits(code, 8, 8)
    if not numbers:
        raise _unpredictable(code)
    start = core.sp - 4 * len(numbers)
    for position, number in enumerate(numbers):
        core.store(start + 4 * position, 4, core.get(number))
        core.end_word()
    core.sp = start
    return timing.MULTIPLE


def _pop(core: Processor, code: int) -> int:
    """A6.7, POP."""
    numbers, with_pc = _numbers(code), bits(code, 8, 8)
    count = len(numbers) + with_pc
    if not count:
        raise _unpredictable(code)
    start = core.sp
    for position, number in enumerate(numbers):
        core.set(number, core.load(start + 4 * position, 4))
        core.end_word()
    core.sp = start + 4 * count
    if not with_pc:
        return timing.MULTIPLE
    target = core.load(start + 4 * len(numbers), 4)
    core.end_word()
    core.branch_or_return(target)
    return timing.POP_PC


def _stm(core: Processor, code: int) -> int:
    """A6.7, STM; a base in the list that is not its first is stored as it was (UNKNOWN)."""
    n, numbers = bits(code, 10, 8), _numbers(code)
    if not numbers:
        raise _unpredictable(code)
    start = core.r[n]
    for position, number in enumerate(numbers):
        core.store(start + 4 * position, 4, core.r[number])
        core.end_word()
    core.set(n, start + 4 * len(numbers))
    return timing.MULTIPLE


def _ldm(core: Processor, code: int) -> int:
    """A6.7, LDM; a base in the list gets what was loaded."""
    n, numbers = bits(code, 10, 8), _numbers(code)
    if not numbers:
        raise _unpredictable(code)
    start = core.r[n]
    core.set(n, start + 4 * len(numbers))
    for position, number in enumerate(numbers):
        core.set(number, core.load(start + 4 * position, 4))
        core.end_word()
    return timing.MULTIPLE


def _conditional_branch_and_svc(core: Processor, code: int) -> int:
    """A5.2.7."""
    condition = bits(code, 11, 8)
    if condition == 0b1110:  # UDF
        raise _undefined(code)
    if condition == 0b1111:
        core.call_supervisor()
        return timing.CALL_FOR_EXCEPTION
    if not _passed(core, condition):
        return timing.BRANCH_NOT_TAKEN
    core.branch(core.get(15) + sign_extend(bits(code, 7, 0) << 1, 9))
    return timing.BRANCH_TAKEN


def _passed(core: Processor, condition: int) -> bool:
    """A6.3.1, ConditionPassed()."""
    result = (
        core.z,
        core.c,
        core.n,
        core.v,
        core.c and not core.z,
        core.n == core.v,
        core.n == core.v and not core.z,
    )[condition >> 1]
    return result != bool(condition & 1)


def _shift(core: Processor, d: int, by: _Shift, value: int, amount: int) -> None:
    """A shift by nothing leaves C alone; V is left alone by all."""
    if amount:
        value, core.c = by(value, amount)
    _logical(core, d, value)


def _logical(core: Processor, d: int, result: int) -> None:
    core.r[d] = result
    core.set_nz(result)


def _add(core: Processor, x: int, y: int, carry: bool = False) -> int:
    result, core.c, core.v = add_with_carry(x, y, carry)
    core.set_nz(result)
    return result


def _subtract(core: Processor, x: int, y: int) -> int:
    return _add(core, x, y ^ MASK, True)


def _load(core: Processor, t: int, address: int, size: int, signed: bool = False) -> int:
    address &= MASK
    value = core.load(address, size)
    core.r[t] = sign_extend(value, 8 * size) if signed else value
    return timing.load_store(address)


def _store(core: Processor, t: int, address: int, size: int) -> int:
    address &= MASK
    core.store(address, size, core.r[t])
    return timing.load_store(address)


def _numbers(code: int) -> list[int]:
    """The low registers in a list."""
    return [number for number in range(8) if code >> number & 1]


def _undefined(code: int) -> Fault:
    return Fault(f"{code:04x} is UNDEFINED")


def _unpredictable(code: int) -> Fault:
    return Fault(f"{code:04x} is UNPREDICTABLE")
