"""The memory protection unit and the default memory map (B3.1, B3.5)."""

from dataclasses import dataclass
from typing import Literal

from manual.memory import Fault

Access = Literal["read", "write", "fetch"]
REGIONS = 8
# MPU_RASR.AP (B3.5): what a privileged and an unprivileged program may do.
_PERMISSIONS = {
    0b000: ("", ""),
    0b001: ("rw", ""),
    0b010: ("rw", "r"),
    0b011: ("rw", "rw"),
    0b100: ("", ""),  # reserved
    0b101: ("r", ""),
    0b110: ("r", "r"),
    0b111: ("r", "r"),
}
_RASR_BITS = 0x1707_FF3F
# XN of the default map (B3.1), by the three highest bits of an address.
_DEFAULT_XN = (False, False, True, False, False, True, True, True)


def is_ppb(address: int) -> bool:
    """The private peripheral bus."""
    return address >> 20 == 0xE00


@dataclass
class Region:
    """MPU_RBAR.ADDR and MPU_RASR of one region."""

    base: int = 0
    attributes: int = 0

    def covers(self, address: int) -> bool:
        """Whether the region is enabled and holds the address, subregions considered."""
        if not self.attributes & 1:
            return False
        size_log2 = max((self.attributes >> 1 & 0x1F) + 1, 8)
        if address >> size_log2 != self.base >> size_log2:
            return False
        subregion = address >> size_log2 - 3 & 7
        return not self.attributes >> 8 + subregion & 1


class Mpu:
    """Eight regions, of which the highest that covers an address decides."""

    def __init__(self) -> None:
        self.control = 0  # PRIVDEFENA, HFNMIENA, ENABLE
        self.number = 0  # MPU_RNR
        self.regions = [Region() for _ in range(REGIONS)]

    def check(self, address: int, access: Access, privileged: bool, priority: int) -> None:
        """ValidateAddress(): raises Fault for what is forbidden."""
        permissions, execute_never = self._find(address, privileged, priority)
        if address >> 29 == 0b111:
            execute_never = True
        letter = "w" if access == "write" else "r"
        if letter not in permissions or (access == "fetch" and execute_never):
            raise Fault(f"{access} at {address:#010x} is forbidden")

    def _find(self, address: int, privileged: bool, priority: int) -> tuple[str, bool]:
        default = "rw", _DEFAULT_XN[address >> 29]
        enabled, in_faults, background = (self.control >> n & 1 for n in range(3))
        if is_ppb(address) or not enabled or (priority < 0 and not in_faults):
            return default
        for region in reversed(self.regions):
            if region.covers(address):
                for_privileged, for_others = _PERMISSIONS[region.attributes >> 24 & 7]
                xn = bool(region.attributes >> 28 & 1)
                return (for_privileged if privileged else for_others), xn
        if background and privileged:
            return default
        return "", True

    @property
    def base_address(self) -> int:
        """MPU_RBAR."""
        return self.regions[self.number].base | self.number if self.number < REGIONS else 0

    def write_base_address(self, value: int) -> None:
        """With VALID it also chooses the region, for later accesses too."""
        if value >> 4 & 1:
            self.number = value & 0xF
        if self.number < REGIONS:
            self.regions[self.number].base = value & 0xFFFF_FF00

    @property
    def attributes(self) -> int:
        """MPU_RASR."""
        return self.regions[self.number].attributes if self.number < REGIONS else 0

    def write_attributes(self, value: int) -> None:
        if self.number < REGIONS:
            self.regions[self.number].attributes = value & _RASR_BITS
