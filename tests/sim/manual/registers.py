"""The registers of the programmers' model (B1.4)."""

from dataclasses import dataclass, field

from manual.bits import MASK


@dataclass
class Registers:
    """All that an instruction that faults must leave as it was."""

    r: list[int] = field(default_factory=lambda: [0] * 13)
    msp: int = 0
    psp: int = 0
    lr: int = MASK
    pc: int = 0  # address of the instruction at work, or of the next one between two
    n: bool = False
    z: bool = False
    c: bool = False
    v: bool = False
    thumb: bool = True  # EPSR.T
    ipsr: int = 0
    primask: bool = False
    spsel: bool = False
    npriv: bool = False

    @property
    def handler_mode(self) -> bool:
        return self.ipsr != 0

    @property
    def privileged(self) -> bool:
        return self.handler_mode or not self.npriv

    @property
    def sp(self) -> int:
        """The stack pointer in use (B1.4.7)."""
        return self.psp if self.spsel and not self.handler_mode else self.msp

    @sp.setter
    def sp(self, value: int) -> None:
        value &= 0xFFFF_FFFC
        if self.spsel and not self.handler_mode:
            self.psp = value
        else:
            self.msp = value

    @property
    def apsr(self) -> int:
        return self.n << 31 | self.z << 30 | self.c << 29 | self.v << 28

    @apsr.setter
    def apsr(self, value: int) -> None:
        self.n, self.z, self.c, self.v = (bool(value >> bit & 1) for bit in (31, 30, 29, 28))

    @property
    def xpsr(self) -> int:
        return self.apsr | self.thumb << 24 | self.ipsr

    @property
    def control(self) -> int:
        return self.spsel << 1 | self.npriv

    @control.setter
    def control(self, value: int) -> None:
        self.spsel, self.npriv = bool(value >> 1 & 1), bool(value & 1)
