"""Which exceptions are pending and active, and which goes first (B1.5.1 to B1.5.5, B3.4)."""

NMI, HARD_FAULT, SVCALL, PENDSV, SYSTICK, FIRST_IRQ = 2, 3, 11, 14, 15, 16
IRQS = 32
HARD_FAULT_PRIORITY = -1
_THREAD_PRIORITY = 4  # one beyond the lowest that can be configured
_FIXED_PRIORITY = {NMI: -2, HARD_FAULT: HARD_FAULT_PRIORITY}


class Exceptions:
    """The state of every exception by number; interrupt n is exception 16 + n."""

    def __init__(self) -> None:
        self.pending: set[int] = set()
        self.active: set[int] = set()
        self.enabled: set[int] = set()  # interrupts only; the others always are
        self.lines: set[int] = set()  # interrupts whose signal is high
        self.priority = dict.fromkeys([SVCALL, PENDSV, SYSTICK, *range(16, 16 + IRQS)], 0)
        self.sev_on_pend = False  # SCR.SEVONPEND
        self.event_register = False

    def pend(self, number: int) -> None:
        """Make it pending; a new one is an event if SEVONPEND says so (B1.5.18)."""
        if number not in self.pending and self.sev_on_pend:
            self.event_register = True
        self.pending.add(number)

    def unpend(self, number: int) -> None:
        self.pending.discard(number)
        self._sample_lines()

    def set_line(self, number: int, high: bool) -> None:
        """Drive the signal of an interrupt: pending when it rises, or while high and not active."""
        if high:
            if number not in self.lines:
                self.pend(number)
            self.lines.add(number)
        else:
            self.lines.discard(number)
        self._sample_lines()

    def activate(self, number: int) -> None:
        self.pending.discard(number)
        self.active.add(number)

    def deactivate(self, number: int) -> None:
        self.active.discard(number)
        self._sample_lines()

    def _sample_lines(self) -> None:
        for number in self.lines - self.active - self.pending:
            self.pend(number)

    def priority_of(self, number: int) -> int:
        return _FIXED_PRIORITY[number] if number in _FIXED_PRIORITY else self.priority[number]

    def execution_priority(self, primask: bool) -> int:
        """B1.5.4, ExecutionPriority()."""
        priority = min((self.priority_of(n) for n in self.active), default=_THREAD_PRIORITY)
        return min(priority, 0) if primask else priority

    def most_urgent(self) -> int | None:
        """The enabled one that is pending with the highest priority, then the lowest number."""
        ready = [n for n in self.pending if n < FIRST_IRQ or n in self.enabled]
        return min(ready, key=lambda n: (self.priority_of(n), n), default=None)

    def preempting(self, primask: bool) -> int | None:
        """The one that interrupts what runs now, if any does."""
        first = self.most_urgent()
        if first is None or self.priority_of(first) >= self.execution_priority(primask):
            return None
        return first
