"""A slow second opinion: counts cycles instruction by instruction, in Python.

It shares neither table nor method with the simulator. Classes of encodings are told by hand from
Arm DDI0419E, A5.2, and a branch counts as taken by the condition flags, not by where it led.
"""

from dataclasses import dataclass, field
from typing import Any

from unicorn import arm_const, unicorn_const
from unicorn.unicorn_py3.unicorn import Uc

from priot.sim import Pico

_SRAM = 0x2000_0000


def words_of(halfword: int) -> int:
    """How many words an LDM, STM, PUSH or POP transfers; 0 for other instructions."""
    several = halfword >> 12 == 0xC or halfword >> 9 in (0b1011010, 0b1011110)
    link = halfword >> 12 == 0xB and halfword >> 8 & 1
    return several * (halfword & 0xFF).bit_count() + bool(link and several)


def cost_of(halfword: int, flags: tuple[bool, bool, bool, bool]) -> int:
    """Cycles of one instruction by its first halfword (Arm DDI0484C, table 3-1)."""
    top = halfword >> 12
    if top in (5, 6, 7, 8, 9) or halfword >> 11 == 0b01001:
        return 2  # loads and stores
    if words := words_of(halfword):
        return words + (3 if halfword >> 8 == 0xBD else 1)
    if halfword in (0xBF20, 0xBF30):
        return 2
    if top == 0xD:
        return 2 if _holds(halfword >> 8 & 15, *flags) else 1
    if halfword >> 11 == 0b11100:
        return 2
    if halfword >> 11 in (0b11110, 0b11111):
        return 3  # BL, MRS, MSR and barriers
    if halfword >> 8 == 0x47:
        return 2
    if halfword >> 8 in (0x44, 0x46) and halfword & 0x87 == 0x87:
        return 2  # into PC
    return 1


def _holds(condition: int, n: bool, z: bool, c: bool, v: bool) -> bool:
    return {
        0: z,
        1: not z,
        2: c,
        3: not c,
        4: n,
        5: not n,
        6: v,
        7: not v,
        8: c and not z,
        9: not c or z,
        10: n == v,
        11: n != v,
        12: not z and n == v,
        13: z or n != v,
    }[condition]


@dataclass
class Reference:
    """What the slow counter saw."""

    cycles: int = 0
    instructions: int = 0
    lowest_sp: int = 1 << 32
    executions: dict[int, int] = field(default_factory=dict)
    costs: dict[int, int] = field(default_factory=dict)


def count(target: Pico, limit: int = 1_000_000) -> Reference:
    """Execute a copy of a freshly reset Pico up to its first BKPT (or `limit` instructions)."""
    seen = Reference()
    uc = Uc(
        unicorn_const.UC_ARCH_ARM,
        unicorn_const.UC_MODE_THUMB,
        cpu=arm_const.UC_CPU_ARM_CORTEX_M0,
    )
    uc.mem_map(_SRAM, target.sram.size)
    uc.mem_write(_SRAM, target.sram.tobytes())
    registers = target.registers
    for name in registers.__dataclass_fields__:
        uc.reg_write(getattr(arm_const, f"UC_ARM_REG_{name.upper()}"), getattr(registers, name))

    def step(uc: Uc, address: int, size: int, data: Any) -> None:
        seen.lowest_sp = min(seen.lowest_sp, uc.reg_read(arm_const.UC_ARM_REG_SP))
        halfword = int.from_bytes(uc.mem_read(address, 2), "little")
        if halfword >> 8 == 0xBE or seen.instructions == limit:
            uc.emu_stop()
            return
        xpsr = uc.reg_read(arm_const.UC_ARM_REG_XPSR)
        flags = (
            bool(xpsr >> 31 & 1),
            bool(xpsr >> 30 & 1),
            bool(xpsr >> 29 & 1),
            bool(xpsr >> 28 & 1),
        )
        cost = cost_of(halfword, flags)
        seen.cycles += cost
        seen.instructions += 1
        seen.executions[address] = seen.executions.get(address, 0) + 1
        seen.costs[address] = seen.costs.get(address, 0) + cost

    uc.hook_add(unicorn_const.UC_HOOK_CODE, step)
    uc.emu_start(registers.pc | 1, 0xFFFF_FFF0)
    return seen
