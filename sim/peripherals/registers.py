"""A register block as the datasheet lists it: offsets, names, reset values, writable bits."""

from collections.abc import Callable
from dataclasses import dataclass

ALL_BITS = 0xFFFF_FFFF


@dataclass(frozen=True)
class Register:
    """One 32-bit register.

    Attributes:
        offset: bytes from the base of its block.
        name: the datasheet's name.
        reset: value after reset.
        writable: the bits that a write stores.
        on_read: gives the value instead of the stored one.
        on_write: called after the store with all 32 bits that were written.
        clears: the bits that a written 1 clears.
        peek: for a register that a read changes: gives the value and changes nothing.
        steady_until: for a register that programs poll and that may be read without effect: gives
            the cycle until which its value stays, if nothing is written meanwhile.
    """

    offset: int
    name: str
    reset: int = 0
    writable: int = ALL_BITS
    on_read: Callable[[], int] | None = None
    on_write: Callable[[int], None] | None = None
    clears: int = 0
    peek: Callable[[], int] | None = None
    steady_until: Callable[[], int] | None = None


class RegisterBlock:
    """A peripheral that is a table of registers; `block["NAME"]` is a register's stored value."""

    name: str
    base: int
    size: int = 0x1000

    def __init__(self, *registers: Register) -> None:
        self.registers = registers
        self._by_offset = {register.offset: register for register in registers}
        self._values = {register.name: register.reset for register in registers}

    def reset(self) -> None:
        """Give all registers their reset values."""
        for register in self.registers:
            self._values[register.name] = register.reset

    def read(self, offset: int) -> int | None:
        """The register at a word offset; None if there is none."""
        register = self._by_offset.get(offset)
        return None if register is None else self._value(register)

    def _value(self, register: Register) -> int:
        return register.on_read() if register.on_read else self._values[register.name]

    def peek(self, offset: int) -> int | None:
        """What a read would give, without what it may change."""
        register = self._by_offset.get(offset)
        if register is not None and register.peek is not None:
            return register.peek()
        return None if register is None else self._value(register)

    def write(self, offset: int, value: int) -> bool:
        """Write the register at a word offset; False if there is none."""
        register = self._by_offset.get(offset)
        if register is None:
            return False
        kept = self._values[register.name] & ~register.writable
        self._values[register.name] = kept | value & register.writable
        if register.on_write:
            register.on_write(value)
        return True

    def clearing_bits(self, offset: int) -> int:
        """Of the register at a word offset: the bits that a written 1 clears."""
        register = self._by_offset.get(offset)
        return register.clears if register else 0

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def __setitem__(self, name: str, value: int) -> None:
        self._values[name] = value


def field(value: int, high: int, low: int) -> int:
    """Bits high..low of a value, as the datasheet writes them."""
    return value >> low & (1 << (high - low + 1)) - 1
