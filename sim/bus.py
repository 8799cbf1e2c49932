"""The bus: which register block an address belongs to, and how accesses reach it.

RP2040 datasheet, 2.1.2 (atomic aliases) and 2.1.4 (narrow writes): a register takes all writes
as 32 bits wide, a byte or halfword comes on every lane; offsets 0x1000, 0x2000 and 0x3000
flip, set and clear bits. SIO and the core's own registers have no aliases.

Of bits that a written 1 clears, the CLEAR alias clears those asked for (appendix A), the others all
that are set (measured on silicon: pico-sdk issue 974).
"""

from collections.abc import Collection
from dataclasses import dataclass

from priot.sim.peripherals import Peripheral, block_of
from priot.sim.peripherals.registers import RegisterBlock

_ALIAS = 0x3000
_PLAIN, _XOR, _SET, _CLEAR = 0x0000, 0x1000, 0x2000, 0x3000


@dataclass(frozen=True)
class Unmodelled:
    """A register that a program touched and the simulator does not have: it reads as 0."""

    name: str
    address: int

    def __str__(self) -> str:
        return f"{self.name} register at {self.address:#010x} is not modelled"


class Bus:
    """Routes loads and stores to peripherals.

    Attributes:
        unmodelled: each register that was touched but is not there, once, in order.
    """

    def __init__(self, peripherals: Collection[Peripheral]) -> None:
        self._pages: dict[int, list[Peripheral]] = {}
        for peripheral in peripherals:
            for page in range(
                peripheral.base >> 12, peripheral.base + peripheral.size + 0xFFF >> 12
            ):
                self._pages.setdefault(page, []).append(peripheral)
        self._polled = {
            peripheral.base + register.offset: register.steady_until
            for peripheral in peripherals
            if isinstance(peripheral, RegisterBlock)
            for register in peripheral.registers
            if register.steady_until
        }
        self.unmodelled: list[Unmodelled] = []
        self._reported: set[int] = set()

    def reset(self) -> None:
        """Forget what was reported."""
        self.unmodelled.clear()
        self._reported.clear()

    def read(self, address: int, size: int) -> int | None:
        """Load `size` bytes; None if no register is modelled there (which is reported)."""
        plain, _ = _alias(address)
        for block in self._pages.get(plain >> 12, ()):
            if block.base <= plain < block.base + block.size:
                word = block.read((plain - block.base) & ~3)
                if word is None:
                    break
                return word >> 8 * (address & 3) & (1 << 8 * size) - 1
        self._report(plain)
        return None

    def peek(self, address: int) -> int | None:
        """The word that a load would give, and nothing happens; None if no register is modelled."""
        plain, _ = _alias(address)
        for block in self._pages.get(plain >> 12, ()):
            if block.base <= plain < block.base + block.size:
                return block.peek((plain - block.base) & ~3)
        return None

    def steady_until(self, address: int) -> int:
        """The cycle until which a load gives the same again; 0 if that is not known."""
        tell = self._polled.get(address)
        return tell() if tell else 0

    def write(self, address: int, size: int, value: int) -> bool:
        """Store `size` bytes; False if no register is modelled there (which is reported)."""
        word = value & (1 << 8 * size) - 1
        word *= {1: 0x0101_0101, 2: 0x0001_0001}.get(size, 1)
        plain, alias = _alias(address)
        for block in self._pages.get(plain >> 12, ()):
            if block.base <= plain < block.base + block.size:
                offset = (plain - block.base) & ~3
                if alias:
                    before, clearing = block.read(offset) or 0, _clearing_bits(block, offset)
                    word = _modified(alias, before, word) & ~clearing | (
                        (word if alias == _CLEAR else before | word) & clearing
                    )
                if not block.write(offset, word):
                    break
                return True
        self._report(plain)
        return False

    def _report(self, address: int) -> None:
        address &= ~3
        block = block_of(address)
        if block is None or address in self._reported:
            return
        self._reported.add(address)
        self.unmodelled.append(Unmodelled(block.name, address))


def _modified(alias: int, before: int, bits: int) -> int:
    """What an alias makes of a register's value."""
    if alias == _XOR:
        return before ^ bits
    return before | bits if alias == _SET else before & ~bits


def _clearing_bits(block: Peripheral, offset: int) -> int:
    return block.clearing_bits(offset) if isinstance(block, RegisterBlock) else 0


def _alias(address: int) -> tuple[int, int]:
    """The plain address, and which alias was used."""
    if address >> 28 in (0x1, 0x4, 0x5):
        return address & ~_ALIAS, address & _ALIAS
    return address, _PLAIN
