"""What lies on the bus, and what goes wrong there."""

from collections.abc import Sequence
from typing import Protocol


class Fault(Exception):  # noqa: N818 (the manual's word)
    """Something that the architecture turns into a HardFault (B1.5.14)."""


class BusFault(Fault):
    """No memory answers at an address."""


class Memory(Protocol):
    """Little-endian memory; the processor has checked the alignment before it asks."""

    def read(self, address: int, size: int) -> int:
        """The value of 1, 2 or 4 bytes; raises BusFault where there is no memory."""
        ...

    def write(self, address: int, size: int, value: int) -> None:
        """Store 1, 2 or 4 bytes; raises BusFault where there is no memory."""
        ...


class Ram:
    """Several pieces of memory, each a base address and its bytes."""

    def __init__(self, regions: Sequence[tuple[int, bytearray]]) -> None:
        self.regions = regions

    def _find(self, address: int, size: int) -> tuple[bytearray, int]:
        for base, data in self.regions:
            if base <= address and address + size <= base + len(data):
                return data, address - base
        raise BusFault(f"no memory at {address:#010x}")

    def read(self, address: int, size: int) -> int:
        data, offset = self._find(address, size)
        return int.from_bytes(data[offset : offset + size], "little")

    def write(self, address: int, size: int, value: int) -> None:
        data, offset = self._find(address, size)
        data[offset : offset + size] = value.to_bytes(size, "little")
