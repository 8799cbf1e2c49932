"""SIO: single-cycle IO of each core. Source: RP2040 datasheet, 2.3.1.

CPUID, divider, interpolators and an end of the mailbox are a core's own; GPIO and spinlocks are
shared. Where there is no core 1, what core 0 sends stays in the FIFO of eight words.
"""

from functools import partial

from sim.peripherals.divider import Divider
from sim.peripherals.interpolator import Interpolator
from sim.peripherals.interrupts import InterruptLine
from sim.peripherals.io_bank import IoBank
from sim.peripherals.mailbox import MailboxEnd, mailbox
from sim.peripherals.registers import Register, RegisterBlock
from sim.peripherals.scheduler import Scheduler

_SPINLOCKS = 32


class Sio(RegisterBlock):
    """SIO as core 0 sees it; `bank` are the user's GPIOs, `bank_hi` the pins of the flash.

    Attributes:
        core1: the same as core 1 sees it.
    """

    name = "SIO"
    base = 0xD000_0000

    def __init__(
        self, scheduler: Scheduler, bank: IoBank, bank_hi: IoBank, line: InterruptLine
    ) -> None:
        self.divider = Divider(scheduler)
        self.interpolators = Interpolator(0), Interpolator(1)
        self._mailbox, end = mailbox(line.set, lambda _: None)  # core 1 has no NVIC here
        self._locked = 0
        self._banks = {"": bank, "_HI": bank_hi}
        super().__init__(
            Register(0x00, "CPUID", 0, 0),
            Register(0x04, "GPIO_IN", 0, 0, lambda: bank.inputs),
            Register(0x08, "GPIO_HI_IN", 0, 0, lambda: bank_hi.inputs),
            *self._gpio(0x10, "", "OUT", 0x3FFF_FFFF),
            *self._gpio(0x20, "", "OE", 0x3FFF_FFFF),
            *self._gpio(0x30, "_HI", "OUT", 0x3F),
            *self._gpio(0x40, "_HI", "OE", 0x3F),
            *_fifo(self._mailbox),
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
        self.core1 = SioOfCore1(self, Divider(scheduler), end)

    def reset(self) -> None:
        """All outputs off, all locks free, the FIFO empty."""
        super().reset()
        self.divider.reset()
        for interpolator in self.interpolators:
            interpolator.reset()
        self._locked = 0
        self._mailbox.reset()
        self.core1.reset()
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

    def _claim(self, lock: int) -> int:
        """2.3.1.3: a read claims the lock; 0 if it was claimed already."""
        bit = 1 << lock
        claimed = bit & ~self._locked
        self._locked |= bit
        return claimed

    def _release(self, lock: int, _value: int) -> None:
        self._locked &= ~(1 << lock)


class SioOfCore1(RegisterBlock):
    """What core 1 has for itself, in front of what both cores share.

    Attributes:
        mailbox: its end.
    """

    name = "SIO"
    base = Sio.base

    def __init__(self, shared: Sio, divider: Divider, mailbox: MailboxEnd) -> None:
        self._shared = shared
        self._divider = divider
        self._interpolators = Interpolator(0), Interpolator(1)
        self.mailbox = mailbox
        super().__init__(
            Register(0x00, "CPUID", 1, 0),
            *_fifo(mailbox),
            *divider.registers(),
            *self._interpolators[0].registers(),
            *self._interpolators[1].registers(),
        )

    def reset(self) -> None:
        """Its own registers and its end of the mailbox."""
        super().reset()
        self._divider.reset()
        for interpolator in self._interpolators:
            interpolator.reset()
        self.mailbox.reset()

    def read(self, offset: int) -> int | None:
        """The register at a word offset; None if there is none."""
        own = super().read(offset)
        return self._shared.read(offset) if own is None else own

    def peek(self, offset: int) -> int | None:
        """What a read would give, without what it may change."""
        own = super().peek(offset)
        return self._shared.peek(offset) if own is None else own

    def write(self, offset: int, value: int) -> bool:
        """Write the register at a word offset; False if there is none."""
        return super().write(offset, value) or self._shared.write(offset, value)


def _fifo(end: MailboxEnd) -> list[Register]:
    return [
        Register(0x50, "FIFO_ST", 0, 0, end.status, lambda _: end.clear_errors()),
        Register(0x54, "FIFO_WR", 0, 0, lambda: 0, end.send),
        Register(0x58, "FIFO_RD", 0, 0, end.receive),
    ]
