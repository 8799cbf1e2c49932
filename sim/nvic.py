"""NVIC: which exceptions are pending, enabled and active, and which may be taken.

Arm DDI0419E, B1.5 (exception model) and B3.4 (registers); DDI0484C, 5. The RP2040 wires 26 of
the 32 interrupts (datasheet, 2.3.2) and has priorities of two bits.
"""

HARD_FAULT, SV_CALL, PEND_SV, SYS_TICK, FIRST_IRQ = 3, 11, 14, 15, 16
IRQS = 32
THREAD_PRIORITY = 4  # below all four

_ISER, _ICER, _ISPR, _ICPR, _IPR = 0x000, 0x080, 0x100, 0x180, 0x300
_SYSTEM = 1 << SV_CALL | 1 << PEND_SV | 1 << SYS_TICK


class Nvic:
    """Exceptions by number (SVCall 11, PendSV 14, SysTick 15, interrupt n is 16 + n)."""

    name = "NVIC"
    base = 0xE000_E100
    size = 0x400

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Nothing pending, enabled or active."""
        self.pending = 0  # a bit for each exception, as in all that follows
        self.enabled = _SYSTEM
        self._lines = 0
        self.active: list[int] = []  # innermost last
        self.priorities = [0] * (FIRST_IRQ + IRQS)  # 0 is the most urgent of 0-3

    def irq(self, number: int, level: bool) -> None:
        """Set the line of interrupt `number`; it pends while high and not active."""
        bit = 1 << FIRST_IRQ + number
        if level and not self._lines & bit:
            self.pending |= bit
        self._lines = self._lines | bit if level else self._lines & ~bit

    def pend(self, exception: int) -> None:
        """Make an exception pending."""
        self.pending |= 1 << exception

    @property
    def execution_priority(self) -> int:
        """Of what is being executed, PRIMASK left aside."""
        return min((self.priorities[number] for number in self.active), default=THREAD_PRIORITY)

    def next(self) -> int | None:
        """The exception to take if PRIMASK allows; equal priorities go by number."""
        waiting = self.pending & self.enabled
        if not waiting:
            return None
        number = min(
            (n for n in range(FIRST_IRQ + IRQS) if waiting >> n & 1),
            key=lambda n: (self.priorities[n], n),
        )
        return number if self.may_take(number) else None

    def may_take(self, exception: int) -> bool:
        """Whether an exception is urgent enough to be taken now, PRIMASK left aside."""
        return self.priorities[exception] < self.execution_priority

    def enter(self, exception: int) -> None:
        """It begins: active, no longer pending."""
        self.pending &= ~(1 << exception)
        self.active.append(exception)

    def leave(self, exception: int) -> None:
        """It returned; a line that is still high pends again."""
        self.active.remove(exception)
        self.pending |= self._lines & 1 << exception

    def read(self, offset: int) -> int | None:
        """See Peripheral."""
        if offset in (_ISER, _ICER):
            return self.enabled >> FIRST_IRQ
        if offset in (_ISPR, _ICPR):
            return self.pending >> FIRST_IRQ
        if _IPR <= offset < _IPR + IRQS:
            first = FIRST_IRQ + offset - _IPR
            return pack_priorities(self.priorities[first : first + 4])
        return None

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral."""
        bits = value << FIRST_IRQ
        if offset == _ISER:
            self.enabled |= bits
        elif offset == _ICER:
            self.enabled &= ~bits
        elif offset == _ISPR:
            self.pending |= bits
        elif offset == _ICPR:
            still_high = self._lines & ~sum(1 << number for number in self.active)
            self.pending = self.pending & ~bits | still_high & bits
        elif _IPR <= offset < _IPR + IRQS:
            first = FIRST_IRQ + offset - _IPR
            self.priorities[first : first + 4] = unpack_priorities(value)
        else:
            return False
        return True


def pack_priorities(priorities: list[int]) -> int:
    """Four priorities as a register: each in the top two bits of its byte."""
    return sum(priority << 8 * at + 6 for at, priority in enumerate(priorities))


def unpack_priorities(value: int) -> list[int]:
    """The four priorities in a register."""
    return [value >> 8 * at + 6 & 3 for at in range(4)]
