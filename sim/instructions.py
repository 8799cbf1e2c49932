"""The ARMv6-M instruction set and what each instruction costs: one table, one row each.

Encodings: Arm DDI0419E, A5.2 (16 bits) and A5.3 (32 bits). Cycles: Arm DDI0484C (Cortex-M0+
r0p1), table 3-1, for memory without wait states and the single-cycle multiplier of the RP2040.
A pattern gives the bits from the top down; `x` stands for either value. Later rows overrule
earlier ones, so an exception stands below its rule. What no row matches is undefined.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from priot.sim.cpu import meaning
from priot.sim.cpu.meaning import (
    BOTH,
    IMM3,
    IMM8,
    LITERAL,
    ON_STACK,
    R8,
    RD,
    RM,
    RN,
    add,
    behind,
    bitwise,
    extended,
    inverted,
    load,
    moved,
    number,
    plain,
    reg,
    store,
    subtract,
    with_carry,
)


class Kind(IntEnum):
    """What the decoder has to know of an instruction beside its cycles."""

    UNDEFINED = 0  # not an ARMv6-M encoding: an RP2040 takes a HardFault
    UNPREDICTABLE = 1  # the architecture gives it no meaning; refused like an undefined one
    PLAIN = 2
    CONDITIONAL = 3  # B<cond>: one cycle more when taken
    CONDITIONAL_TO_NEXT = 4  # B<cond> whose target is the next instruction
    SETS_SP = 5  # gives SP a value that decoding alone cannot know
    EXCEPTION = 6  # BKPT, SVC, UDF: leaves the program, so it costs nothing by itself
    PREFIX_32 = 7  # first halfword of a 32-bit instruction


@dataclass(frozen=True)
class Instruction:
    """One row: `cycles` (not taken) plus one for each bit set among `register_list`."""

    name: str
    pattern: str
    cycles: int
    meaning: str = ""
    kind: Kind = Kind.PLAIN
    register_list: int = 0  # mask of the bits that list the N registers of "1+N"
    sp_step: int = 0  # bytes added to SP for each register, or each unit of a 7-bit immediate

    @property
    def mask(self) -> int:
        """The bits that the pattern fixes."""
        return int("".join("0" if bit == "x" else "1" for bit in self.bits), 2)

    @property
    def value(self) -> int:
        """The values of the fixed bits."""
        return int(self.bits.replace("x", "0"), 2)

    @property
    def bits(self) -> str:
        """The pattern without its spaces."""
        return self.pattern.replace(" ", "")


_LOW = 0x0FF  # R0-R7
_LOW_AND_LINK = 0x1FF  # R0-R7 and LR (PUSH) or PC (POP)

INSTRUCTIONS_16 = (
    # A5.2.1 shift, add, subtract, move, compare
    Instruction("LSLS (imm)", "00000 xxxxxxxxxxx", 1, meaning.LSL_IMMEDIATE),
    Instruction("LSRS (imm)", "00001 xxxxxxxxxxx", 1, meaning.LSR_IMMEDIATE),
    Instruction("ASRS (imm)", "00010 xxxxxxxxxxx", 1, meaning.ASR_IMMEDIATE),
    Instruction("ADDS (reg)", "0001100 xxxxxxxxx", 1, add(reg(RN), reg(RM), RD)),
    Instruction("SUBS (reg)", "0001101 xxxxxxxxx", 1, subtract(reg(RN), reg(RM), RD)),
    Instruction("ADDS (imm3)", "0001110 xxxxxxxxx", 1, add(reg(RN), number(IMM3), RD)),
    Instruction("SUBS (imm3)", "0001111 xxxxxxxxx", 1, subtract(reg(RN), number(IMM3), RD)),
    Instruction("MOVS (imm)", "00100 xxxxxxxxxxx", 1, moved(R8, IMM8)),
    Instruction("CMP (imm)", "00101 xxxxxxxxxxx", 1, subtract(reg(R8), number(IMM8), None)),
    Instruction("ADDS (imm8)", "00110 xxxxxxxxxxx", 1, add(reg(R8), number(IMM8), R8)),
    Instruction("SUBS (imm8)", "00111 xxxxxxxxxxx", 1, subtract(reg(R8), number(IMM8), R8)),
    # A5.2.2 data processing
    Instruction("ANDS", "010000 0000 xxxxxx", 1, bitwise("a & b")),
    Instruction("EORS", "010000 0001 xxxxxx", 1, bitwise("a ^ b")),
    Instruction("LSLS (reg)", "010000 0010 xxxxxx", 1, meaning.LSL_REGISTER),
    Instruction("LSRS (reg)", "010000 0011 xxxxxx", 1, meaning.LSR_REGISTER),
    Instruction("ASRS (reg)", "010000 0100 xxxxxx", 1, meaning.ASR_REGISTER),
    Instruction("ADCS", "010000 0101 xxxxxx", 1, with_carry(reg(RN))),
    Instruction("SBCS", "010000 0110 xxxxxx", 1, with_carry(inverted(RN))),
    Instruction("RORS", "010000 0111 xxxxxx", 1, meaning.ROR_REGISTER),
    Instruction("TST", "010000 1000 xxxxxx", 1, bitwise("a & b", keeps=False)),
    Instruction("RSBS", "010000 1001 xxxxxx", 1, meaning.NEGATE),
    Instruction("CMP (reg)", "010000 1010 xxxxxx", 1, subtract(reg(RD), reg(RN), None)),
    Instruction("CMN", "010000 1011 xxxxxx", 1, add(reg(RD), reg(RN), None)),
    Instruction("ORRS", "010000 1100 xxxxxx", 1, bitwise("a | b")),
    Instruction("MULS", "010000 1101 xxxxxx", 1, bitwise("a * b")),
    Instruction("BICS", "010000 1110 xxxxxx", 1, bitwise("a & ~b")),
    Instruction("MVNS", "010000 1111 xxxxxx", 1, bitwise("~b")),
    # A5.2.3 special data, branch and exchange
    Instruction("ADD (high)", "01000100 xxxxxxxx", 1, meaning.ADD_HIGH),
    Instruction("ADD SP", "01000100 1xxxx 101", 1, meaning.ADD_SP_REGISTER, Kind.SETS_SP),
    Instruction("ADD PC", "01000100 1xxxx 111", 2, meaning.ADD_PC),
    Instruction("ADD PC, PC", "01000100 11111111", 2, meaning.UNPREDICTABLE, Kind.UNPREDICTABLE),
    Instruction("CMP (high)", "01000101 xxxxxxxx", 1, meaning.COMPARE_HIGH),
    Instruction(
        "CMP (high, two low)", "01000101 00xxxxxx", 1, meaning.UNPREDICTABLE, Kind.UNPREDICTABLE
    ),
    Instruction("CMP PC", "01000101 1xxxx111", 1, meaning.UNPREDICTABLE, Kind.UNPREDICTABLE),
    Instruction("CMP (PC)", "01000101 x1111xxx", 1, meaning.UNPREDICTABLE, Kind.UNPREDICTABLE),
    Instruction("MOV (high)", "01000110 xxxxxxxx", 1, meaning.MOVE_HIGH),
    Instruction("MOV SP", "01000110 1xxxx 101", 1, meaning.MOVE_SP, Kind.SETS_SP),
    Instruction("MOV PC", "01000110 1xxxx 111", 2, meaning.MOVE_PC),
    Instruction("BX", "01000111 0xxxx 000", 2, meaning.BRANCH_EXCHANGE),
    Instruction("BLX", "01000111 1xxxx 000", 2, meaning.BRANCH_LINK_EXCHANGE),
    Instruction("BX PC", "01000111 x1111 000", 2, meaning.UNPREDICTABLE, Kind.UNPREDICTABLE),
    # A5.2.4 loads and stores of one item
    Instruction("LDR (literal)", "01001 xxxxxxxxxxx", 2, load(LITERAL, 4, R8, from_code=True)),
    Instruction("STR (reg)", "0101000 xxxxxxxxx", 2, store(BOTH, 4, RD)),
    Instruction("STRH (reg)", "0101001 xxxxxxxxx", 2, store(BOTH, 2, RD)),
    Instruction("STRB (reg)", "0101010 xxxxxxxxx", 2, store(BOTH, 1, RD)),
    Instruction("LDRSB (reg)", "0101011 xxxxxxxxx", 2, load(BOTH, 1, RD, signed=True)),
    Instruction("LDR (reg)", "0101100 xxxxxxxxx", 2, load(BOTH, 4, RD)),
    Instruction("LDRH (reg)", "0101101 xxxxxxxxx", 2, load(BOTH, 2, RD)),
    Instruction("LDRB (reg)", "0101110 xxxxxxxxx", 2, load(BOTH, 1, RD)),
    Instruction("LDRSH (reg)", "0101111 xxxxxxxxx", 2, load(BOTH, 2, RD, signed=True)),
    Instruction("STR (imm)", "01100 xxxxxxxxxxx", 2, store(behind(4), 4, RD)),
    Instruction("LDR (imm)", "01101 xxxxxxxxxxx", 2, load(behind(4), 4, RD)),
    Instruction("STRB (imm)", "01110 xxxxxxxxxxx", 2, store(behind(1), 1, RD)),
    Instruction("LDRB (imm)", "01111 xxxxxxxxxxx", 2, load(behind(1), 1, RD)),
    Instruction("STRH (imm)", "10000 xxxxxxxxxxx", 2, store(behind(2), 2, RD)),
    Instruction("LDRH (imm)", "10001 xxxxxxxxxxx", 2, load(behind(2), 2, RD)),
    Instruction("STR (SP)", "10010 xxxxxxxxxxx", 2, store(ON_STACK, 4, R8)),
    Instruction("LDR (SP)", "10011 xxxxxxxxxxx", 2, load(ON_STACK, 4, R8)),
    # A5.2 addresses
    Instruction("ADR", "10100 xxxxxxxxxxx", 1, plain(R8, LITERAL)),
    Instruction("ADD (Rd, SP)", "10101 xxxxxxxxxxx", 1, plain(R8, ON_STACK)),
    # A5.2.5 miscellaneous
    Instruction("ADD SP (imm)", "10110000 0 xxxxxxx", 1, meaning.ADD_SP, sp_step=4),
    Instruction("SUB SP (imm)", "10110000 1 xxxxxxx", 1, meaning.SUBTRACT_SP, sp_step=-4),
    Instruction("SXTH", "10110010 00 xxxxxx", 1, extended("int32(int16(x))")),
    Instruction("SXTB", "10110010 01 xxxxxx", 1, extended("int32(int8(x))")),
    Instruction("UXTH", "10110010 10 xxxxxx", 1, extended("uint16(x)")),
    Instruction("UXTB", "10110010 11 xxxxxx", 1, extended("uint8(x)")),
    Instruction(
        "PUSH", "1011010 xxxxxxxxx", 1, meaning.PUSH, register_list=_LOW_AND_LINK, sp_step=-4
    ),
    Instruction("PUSH {}", "1011010 000000000", 1, meaning.UNPREDICTABLE, Kind.UNPREDICTABLE),
    Instruction("CPS", "10110110011 x 0010", 1, meaning.CHANGE_STATE),
    Instruction("REV", "10111010 00 xxxxxx", 1, meaning.REVERSE),
    Instruction("REV16", "10111010 01 xxxxxx", 1, meaning.REVERSE_16),
    Instruction("REVSH", "10111010 11 xxxxxx", 1, meaning.REVERSE_SIGNED),
    Instruction("POP", "1011110 0 xxxxxxxx", 1, meaning.POP, register_list=_LOW, sp_step=4),
    Instruction("POP {}", "1011110 000000000", 1, meaning.UNPREDICTABLE, Kind.UNPREDICTABLE),
    Instruction(
        "POP (PC)", "1011110 1 xxxxxxxx", 3, meaning.POP_PC, register_list=_LOW_AND_LINK, sp_step=4
    ),
    Instruction("BKPT", "10111110 xxxxxxxx", 0, meaning.HALT, Kind.EXCEPTION),
    Instruction("hint (unallocated)", "10111111 xxxx 0000", 1, meaning.NOTHING),  # executes as NOP
    Instruction("NOP", "10111111 0000 0000", 1, meaning.NOTHING),
    Instruction("YIELD", "10111111 0001 0000", 1, meaning.NOTHING),
    Instruction("WFE", "10111111 0010 0000", 2, meaning.WAIT_FOR_EVENT),
    Instruction("WFI", "10111111 0011 0000", 2, meaning.WAIT_FOR_INTERRUPT),
    Instruction("SEV", "10111111 0100 0000", 1, meaning.SEND_EVENT),
    # A5.2 loads and stores of several items
    Instruction("STM", "11000 xxxxxxxxxxx", 1, meaning.STORE_MULTIPLE, register_list=_LOW),
    Instruction("STM {}", "11000 xxx 00000000", 1, meaning.UNPREDICTABLE, Kind.UNPREDICTABLE),
    Instruction("LDM", "11001 xxxxxxxxxxx", 1, meaning.LOAD_MULTIPLE, register_list=_LOW),
    Instruction("LDM {}", "11001 xxx 00000000", 1, meaning.UNPREDICTABLE, Kind.UNPREDICTABLE),
    # A5.2.6 branches and supervisor call
    Instruction("B<cond>", "1101 xxxx xxxxxxxx", 1, kind=Kind.CONDITIONAL),
    Instruction("B<cond> (next)", "1101 xxxx 11111111", 1, kind=Kind.CONDITIONAL_TO_NEXT),
    Instruction("UDF", "1101 1110 xxxxxxxx", 0, meaning.UNDEFINED_FOR_EVER, Kind.EXCEPTION),
    Instruction("SVC", "1101 1111 xxxxxxxx", 0, meaning.SUPERVISE, Kind.EXCEPTION),
    Instruction("B", "11100 xxxxxxxxxxx", 2, meaning.BRANCH),
    # A5.3 first halfwords of 32-bit instructions
    Instruction("32-bit", "11101 xxxxxxxxxxx", 0, kind=Kind.PREFIX_32),
    Instruction("32-bit", "1111x xxxxxxxxxxx", 0, kind=Kind.PREFIX_32),
)

INSTRUCTIONS_32 = (
    Instruction("BL", "11110 xxxxxxxxxxx  11x1 xxxxxxxxxxxx", 3, meaning.BRANCH_LINK),
    Instruction("MSR", "111100111000 xxxx  10001000 xxxxxxxx", 3, meaning.WRITE_SPECIAL),
    Instruction(
        "MSR (MSP)", "111100111000 xxxx  10001000 00001000", 3, meaning.WRITE_SPECIAL, Kind.SETS_SP
    ),
    Instruction(
        "MSR (PSP)", "111100111000 xxxx  10001000 00001001", 3, meaning.WRITE_SPECIAL, Kind.SETS_SP
    ),
    Instruction(
        "MSR (CONTROL)",
        "111100111000 xxxx  10001000 00010100",
        3,
        meaning.WRITE_SPECIAL,
        Kind.SETS_SP,
    ),
    Instruction("MRS", "1111001111101111  1000 xxxxxxxxxxxx", 3, meaning.READ_SPECIAL),
    Instruction("DSB", "1111001110111111  10001111 0100 xxxx", 3, meaning.NOTHING),
    Instruction("DMB", "1111001110111111  10001111 0101 xxxx", 3, meaning.NOTHING),
    Instruction("ISB", "1111001110111111  10001111 0110 xxxx", 3, meaning.NOTHING),
)

TAKEN_EXTRA_CYCLES = 1  # B<cond>: 2 taken, 1 not taken

_IMMEDIATE_7 = 0x7F


def _lookup() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.int16]]:
    halfwords = np.arange(1 << 16)
    kind = np.full(1 << 16, Kind.UNDEFINED, np.uint8)
    cycles = np.zeros(1 << 16, np.uint8)
    sp_change = np.zeros(1 << 16, np.int16)
    for row in INSTRUCTIONS_16:
        hit = halfwords[(halfwords & row.mask) == row.value]
        registers = np.bitwise_count(hit & row.register_list).astype(np.int64)
        steps = registers if row.register_list else hit & _IMMEDIATE_7
        kind[hit] = row.kind
        cycles[hit] = row.cycles + registers
        sp_change[hit] = row.sp_step * steps
    return kind, cycles, sp_change


# For each of the 65,536 halfwords: its Kind, its cycles (not taken), the bytes it adds to SP.
KIND, CYCLES, SP_CHANGE = _lookup()
# For each 32-bit row: mask, value, cycles, kind.
WIDE = np.array([(row.mask, row.value, row.cycles, row.kind) for row in INSTRUCTIONS_32], np.uint32)


def instruction_at(first: int, second: int) -> Instruction | None:
    """The row that the halfwords `first` (and `second`, if 32 bits) encode; None if undefined."""
    wide = KIND[first] == Kind.PREFIX_32
    word = first << 16 | second if wide else first
    rows = INSTRUCTIONS_32 if wide else INSTRUCTIONS_16
    return next((row for row in reversed(rows) if word & row.mask == row.value), None)
