"""A block whose registers are native, for those who do not come from the native loop."""

from functools import partial

from priot.sim.cpu.native import from_python
from priot.sim.cpu.state import Machine
from priot.sim.devices.devices import read_device, write_device
from priot.sim.peripherals.registers import Register, RegisterBlock
from priot.sim.peripherals.scheduler import Scheduler

_read_device = from_python(read_device)
_write_device = from_python(write_device)


class NativeBlock(RegisterBlock):
    """Registers by name and offset."""

    def __init__(
        self,
        name: str,
        base: int,
        registers: dict[str, int],
        machine: Machine,
        scheduler: Scheduler,
    ) -> None:
        self.name, self.base = name, base
        self._machine, self._scheduler = machine, scheduler
        super().__init__(
            *(
                Register(at, label, 0, 0, partial(self._read, at), partial(self._write, at))
                for label, at in registers.items()
            )
        )

    def _read(self, offset: int) -> int:
        machine, now = self._machine, self._scheduler.cycles
        return int(_read_device(*machine.cores, machine.chip, now, self.base + offset))

    def _write(self, offset: int, value: int) -> None:
        machine, now = self._machine, self._scheduler.cycles
        _write_device(*machine.cores, machine.chip, now, self.base + offset, value)
