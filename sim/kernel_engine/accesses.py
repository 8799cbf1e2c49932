"""What an instruction is about to do, told from its halfwords and the registers."""

from priot.sim.faults import Registers

_NAMES = tuple(Registers.__dataclass_fields__)
_PSP, _CONTROL = 9, 20  # SYSm of MSR
_SPSEL = 1 << 1
_ADD = 0x44  # the top byte of ADD SP; else MOV SP


def main_sp_after(
    first: int, second: int, registers: Registers, main: int, on_process: bool
) -> int | None:
    """What an instruction that sets SP makes of the main stack; None where it leaves it alone.

    Args:
        first, second: its halfwords.
        registers: as they are before it.
        main: MSP before it.
        on_process: whether SP is PSP.
    """
    if first >> 12 == 0xF:  # MSR
        value, special = _register(registers, first & 15), second & 0xFF
        if special == _CONTROL:
            return None if value & _SPSEL else main
        return None if on_process or special == _PSP else value & 0xFFFF_FFFC
    if on_process:
        return None
    value = _register(registers, first >> 3 & 15)
    return (value + registers.sp * (first >> 8 == _ADD)) & 0xFFFF_FFFC


def unaligned_access(first: int, registers: Registers) -> tuple[int, int]:
    """Address and size in bytes of what a load or store with an unaligned address accesses."""
    base = _register(registers, first >> 3 & 7)
    offset = first >> 6 & 0x1F
    match first >> 12:
        case 0b0101:  # with a register as offset
            size = 4 if first >> 9 & 3 == 0 else 2
            return base + _register(registers, first >> 6 & 7) & 0xFFFF_FFFF, size
        case 0b0110:
            return base + 4 * offset & 0xFFFF_FFFF, 4
        case 0b1000:
            return base + 2 * offset & 0xFFFF_FFFF, 2
        case 0b1100:  # LDM, STM
            return _register(registers, first >> 8 & 7), 4
    return registers.sp, 4


def _register(registers: Registers, number: int) -> int:
    value: int = getattr(registers, _NAMES[number])
    return value + 4 if _NAMES[number] == "pc" else value
