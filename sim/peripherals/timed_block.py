"""A register block in which something happens without an access."""

from priot.sim.peripherals.registers import Register, RegisterBlock
from priot.sim.peripherals.scheduler import NEVER, Scheduler


class TimedBlock(RegisterBlock):
    """After every access it says when it is due; whoever else changes it calls `reschedule`."""

    def __init__(self, scheduler: Scheduler, *registers: Register) -> None:
        super().__init__(*registers)
        self._wakeup = scheduler.wakeup(self)

    def due(self) -> int:
        """See Timed."""
        return NEVER

    def advance(self) -> None:
        """See Timed."""

    def reschedule(self) -> None:
        """Say when it is due."""
        self._wakeup.refresh()

    def read(self, offset: int) -> int | None:
        """See Peripheral."""
        value = super().read(offset)
        self.reschedule()
        return value

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral."""
        known = super().write(offset, value)
        self.reschedule()
        return known
