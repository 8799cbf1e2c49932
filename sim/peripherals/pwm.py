"""PWM: its registers by name. Source: RP2040 datasheet, 4.5.3. All of it is native."""

from priot.sim.cpu.native import from_python
from priot.sim.cpu.state import Machine
from priot.sim.devices.pins import SLICES
from priot.sim.devices.pwm import BASE, drive_line, reset_pwm
from priot.sim.peripherals.native_block import NativeBlock
from priot.sim.peripherals.scheduler import Scheduler

_drive_line = from_python(drive_line)

_OF_SLICE = ("CSR", "DIV", "CTR", "CC", "TOP")
_REGISTERS = {
    **{
        f"CH{number}_{name}": 0x14 * number + 4 * word
        for number in range(SLICES)
        for word, name in enumerate(_OF_SLICE)
    },
    "EN": 0xA0,
    "INTR": 0xA4,
    "INTE": 0xA8,
    "INTF": 0xAC,
    "INTS": 0xB0,
}


class PwmRegisters(NativeBlock):
    """Eight slices."""

    def __init__(self, machine: Machine, scheduler: Scheduler) -> None:
        super().__init__("PWM", BASE, _REGISTERS, machine, scheduler)

    def reset(self) -> None:
        """All slices off."""
        super().reset()
        machine = self._machine
        reset_pwm(machine.chip)
        _drive_line(*machine.cores, machine.chip, self._scheduler.cycles)
