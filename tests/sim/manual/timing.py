"""Cycles (DDI0484C, table 3-1), and what the project assumes where the manual is silent."""

ALU = 1  # also MULS, extends, CPS, SEV, YIELD, NOP
LOAD_STORE = 2
LOAD_STORE_IO_PORT = 1
BRANCH_TAKEN = 2  # also BX, BLX and a write to PC
BRANCH_NOT_TAKEN = 1
BRANCH_LINK = 3
POP_PC = 3  # behind the words, PC included
MULTIPLE = 1  # behind the words
WORD = 1  # of LDM, STM, PUSH and POP
SPECIAL = 3  # MRS, MSR and barriers
WAIT = 2  # WFE and WFI
CALL_FOR_EXCEPTION = 0  # SVC, BKPT and UDF

EXCEPTION_ENTRY = 15
EXCEPTION_RETURN = 11  # beside the BX or POP
TAIL_CHAIN = 6  # instead of a return and an entry


def load_store(address: int) -> int:
    """Cycles of one load or store; the single-cycle I/O port of the RP2040 is at 0xD0000000."""
    return LOAD_STORE_IO_PORT if address >> 28 == 0xD else LOAD_STORE
