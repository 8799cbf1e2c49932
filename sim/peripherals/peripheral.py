"""What the bus asks of a peripheral: 32-bit registers at word offsets, and a reset."""

from typing import Protocol


class Peripheral(Protocol):
    """One register block of the RP2040.

    Attributes:
        name: the datasheet's name of the block, as in "RESETS".
        base: its first address.
        size: bytes of the register block, without the atomic aliases.
    """

    name: str
    base: int
    size: int

    def reset(self) -> None:
        """Give all registers their values after power-on."""
        ...

    def read(self, offset: int) -> int | None:
        """The 32-bit register at a word offset; None if no register is modelled there."""
        ...

    def peek(self, offset: int) -> int | None:
        """What `read` would give, without what a read may change: for a debugger."""
        ...

    def write(self, offset: int, value: int) -> bool:
        """Write all 32 bits of a register; False if no register is modelled there."""
        ...
