"""A fault of the guest: what an RP2040 would answer with a HardFault, told in full."""

from dataclasses import dataclass
from enum import Enum

from priot.sim.errors import SimError
from priot.sim.loading.elf import SourceLine


class FaultReason(Enum):
    """Why the core could not go on."""

    UNDEFINED = "undefined instruction"
    UNPREDICTABLE = "unpredictable instruction"
    ARM_STATE = "branch to ARM state (even address)"
    UNALIGNED = "unaligned access"
    READ = "read from no memory"
    WRITE = "write to no memory"
    WRITE_FLASH = "write to flash"
    FETCH = "execution from no memory"
    PROTECTED = "access that the MPU or the privilege forbids"
    NO_HANDLER = "exception without a vector"
    UNMODELLED = "register that is not modelled"
    SUPERVISOR_CALL = "SVC without a handler"
    STACK_OVERFLOW = "stack overflow"
    NOT_HERE = "the engine unicorn has no peripherals, flash or floating point; use the engine own"


@dataclass(frozen=True)
class Registers:
    """The core's registers, each 32 bits without sign."""

    r0: int
    r1: int
    r2: int
    r3: int
    r4: int
    r5: int
    r6: int
    r7: int
    r8: int
    r9: int
    r10: int
    r11: int
    r12: int
    sp: int
    lr: int
    pc: int
    xpsr: int


class Fault(SimError):  # noqa: N818  (the architecture's own word)
    """The guest did what no RP2040 survives; str() is one line, `report()` has all of it.

    Attributes:
        reason: a FaultReason.
        address: what was accessed, or SP would have become; None where there is no such thing.
        registers: as they were before the faulting instruction, PC on it.
        function: name of the function and offset in it, as in "main+0x12"; None if unknown.
        line: the SourceLine; None without debug information.
    """

    def __init__(
        self,
        reason: FaultReason,
        detail: str,
        address: int | None,
        registers: Registers,
        function: str | None,
        line: SourceLine | None,
    ) -> None:
        self.reason = reason
        self.detail = detail
        self.address = address
        self.registers = registers
        self.function = function
        self.line = line
        places = [f"PC {registers.pc:#010x}", function, str(line) if line else None]
        super().__init__(f"{reason.value}: {detail} at {', '.join(filter(None, places))}")

    def report(self) -> str:
        """Several lines: the message, then all registers."""
        names = list(Registers.__dataclass_fields__)
        cells = [f"{name:>4} {getattr(self.registers, name):08x}" for name in names]
        rows = ["  ".join(cells[row : row + 4]) for row in range(0, len(cells), 4)]
        return "\n".join([str(self), *rows])
