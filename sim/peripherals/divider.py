"""The hardware divider of SIO. Source: RP2040 datasheet, 2.3.1.5."""

from sim.peripherals.registers import ALL_BITS, Register
from sim.peripherals.scheduler import Scheduler

DIVIDE_CYCLES = 8
_READY, _DIRTY = 1, 2
_SIGN = 1 << 31


def divide(dividend: int, divisor: int, *, signed: bool) -> tuple[int, int]:
    """Quotient and remainder as 32-bit patterns, for operands that are 32-bit patterns.

    Signed results are rounded towards zero and the remainder has the dividend's sign. A division
    by zero gives the dividend as remainder and a quotient of all ones, in a signed division with
    the sign that the operands' signs demand: -1 or, for a negative dividend, 1.
    """
    negative = signed and bool(dividend & _SIGN)
    opposite = negative != (signed and bool(divisor & _SIGN))
    if negative:
        dividend = -dividend & ALL_BITS
    if signed and divisor & _SIGN:
        divisor = -divisor & ALL_BITS
    quotient, remainder = divmod(dividend, divisor) if divisor else (ALL_BITS, dividend)
    return (
        (-quotient if opposite else quotient) & ALL_BITS,
        (-remainder if negative else remainder) & ALL_BITS,
    )


class Divider:
    """The registers DIV_*: any write of an operand starts a division.

    Contents of QUOTIENT and REMAINDER are undefined until `ready_at`; here they are the results.

    Attributes:
        ready_at: the cycle from which on CSR.READY reads 1.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.reset()

    def reset(self) -> None:
        """Ready, all registers zero."""
        self._dividend = self._divisor = self._quotient = self._remainder = 0
        self._dirty = False
        self.ready_at = 0

    def registers(self) -> list[Register]:
        """DIV_UDIVIDEND to DIV_CSR at their offsets in SIO."""
        dividend, divisor = lambda: self._dividend, lambda: self._divisor
        return [
            Register(
                0x60,
                "DIV_UDIVIDEND",
                0,
                0,
                dividend,
                lambda v: self._start(v, self._divisor, False),
            ),
            Register(
                0x64, "DIV_UDIVISOR", 0, 0, divisor, lambda v: self._start(self._dividend, v, False)
            ),
            Register(
                0x68, "DIV_SDIVIDEND", 0, 0, dividend, lambda v: self._start(v, self._divisor, True)
            ),
            Register(
                0x6C, "DIV_SDIVISOR", 0, 0, divisor, lambda v: self._start(self._dividend, v, True)
            ),
            Register(0x70, "DIV_QUOTIENT", 0, 0, self._read_quotient, self._write_quotient),
            Register(0x74, "DIV_REMAINDER", 0, 0, lambda: self._remainder, self._write_remainder),
            Register(0x78, "DIV_CSR", _READY, 0, self._read_csr),
        ]

    def _start(self, dividend: int, divisor: int, signed: bool) -> None:
        self._dividend, self._divisor = dividend, divisor
        self._quotient, self._remainder = divide(dividend, divisor, signed=signed)
        self._dirty = True
        self.ready_at = self._scheduler.cycles + DIVIDE_CYCLES

    def _read_quotient(self) -> int:
        self._dirty = False
        return self._quotient

    def _write_quotient(self, value: int) -> None:
        self._quotient = value
        self._halt()

    def _write_remainder(self, value: int) -> None:
        self._remainder = value
        self._halt()

    def _halt(self) -> None:
        self._dirty = True
        self.ready_at = self._scheduler.cycles

    def _read_csr(self) -> int:
        return _READY * (self._scheduler.cycles >= self.ready_at) | _DIRTY * self._dirty
