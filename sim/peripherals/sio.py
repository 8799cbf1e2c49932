"""SIO: single-cycle IO of core 0. Source: RP2040 datasheet, 2.3.1.

CPUID, GPIO, spinlocks, divider and interpolators, and the mailbox to a core 1 that never answers:
what core 0 sends stays in the FIFO of eight words.
"""

from functools import partial

from sim.peripherals.divider import Divider
from sim.peripherals.interpolator import Interpolator
from sim.peripherals.interrupts import InterruptLine
from sim.peripherals.io_bank import IoBank
from sim.peripherals.registers import Register, RegisterBlock
from sim.peripherals.timebase import Clock

_FIFO_DEPTH = 8
_RDY, _WOF, _ROE = 1 << 1, 1 << 2, 1 << 3  # FIFO_ST
_SPINLOCKS = 32


class Sio(RegisterBlock):
    """All registers of SIO; `bank` are the user's GPIOs, `bank_hi` the pins of the flash."""

    name = "SIO"
    base = 0xD000_0000

    def __init__(self, clock: Clock, bank: IoBank, bank_hi: IoBank, line: InterruptLine) -> None:
        self.divider = Divider(clock)
        self.interpolators = Interpolator(0), Interpolator(1)
        self._line = line
        self._locked = 0
        self._sent = 0
        self._errors = 0
        self._banks = {"": bank, "_HI": bank_hi}
        super().__init__(
            Register(0x00, "CPUID", 0, 0),
            Register(0x04, "GPIO_IN", 0, 0, lambda: bank.inputs),
            Register(0x08, "GPIO_HI_IN", 0, 0, lambda: bank_hi.inputs),
            *self._gpio(0x10, "", "OUT", 0x3FFF_FFFF),
            *self._gpio(0x20, "", "OE", 0x3FFF_FFFF),
            *self._gpio(0x30, "_HI", "OUT", 0x3F),
            *self._gpio(0x40, "_HI", "OE", 0x3F),
            Register(0x50, "FIFO_ST", _RDY, 0, self._fifo_status, self._clear_fifo_errors),
            Register(0x54, "FIFO_WR", 0, 0, lambda: 0, self._send),
            Register(0x58, "FIFO_RD", 0, 0, self._receive),
            Register(0x5C, "SPINLOCK_ST", 0, 0, lambda: self._locked),
            *self.divider.registers(),
            *self.interpolators[0].registers(),
            *self.interpolators[1].registers(),
            *(
                Register(
                    0x100 + 4 * lock,
                    f"SPINLOCK{lock}",
                    0,
                    0,
                    partial(self._claim, lock),
                    partial(self._release, lock),
                )
                for lock in range(_SPINLOCKS)
            ),
        )

    def reset(self) -> None:
        """All outputs off, all locks free, the FIFO empty."""
        super().reset()
        self.divider.reset()
        for interpolator in self.interpolators:
            interpolator.reset()
        self._locked = self._sent = self._errors = 0
        self._line.set(False)
        for suffix in self._banks:
            self._drive(suffix)

    def _gpio(self, offset: int, suffix: str, kind: str, pins: int) -> list[Register]:
        """GPIO_OUT or GPIO_OE with its SET, CLR and XOR."""
        name = f"GPIO{suffix}_{kind}"

        def change(operation: str, value: int) -> None:
            value &= pins
            match operation:
                case "_SET":
                    self[name] |= value
                case "_CLR":
                    self[name] &= ~value
                case "_XOR":
                    self[name] ^= value
            self._drive(suffix)

        return [
            Register(
                offset + 4 * index,
                name + operation,
                0,
                pins if not operation else 0,
                lambda: self[name],
                partial(change, operation),
            )
            for index, operation in enumerate(("", "_SET", "_CLR", "_XOR"))
        ]

    def _drive(self, suffix: str) -> None:
        self._banks[suffix].drive(self[f"GPIO{suffix}_OUT"], self[f"GPIO{suffix}_OE"])

    def _fifo_status(self) -> int:
        return _RDY * (self._sent < _FIFO_DEPTH) | self._errors

    def _send(self, _value: int) -> None:
        if self._sent < _FIFO_DEPTH:
            self._sent += 1
        else:
            self._fail(_WOF)

    def _receive(self) -> int:
        self._fail(_ROE)
        return 0

    def _fail(self, error: int) -> None:
        self._errors |= error
        self._line.set(True)

    def _clear_fifo_errors(self, _value: int) -> None:
        self._errors = 0
        self._line.set(False)

    def _claim(self, lock: int) -> int:
        """2.3.1.3: a read claims the lock; 0 if it was claimed already."""
        bit = 1 << lock
        claimed = bit & ~self._locked
        self._locked |= bit
        return claimed

    def _release(self, lock: int, _value: int) -> None:
        self._locked &= ~(1 << lock)
