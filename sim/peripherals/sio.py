"""SIO as one core sees it. Source: RP2040 datasheet, 2.3.1.

What programs drive fast is native (priot.sim.cpu.sio); the interpolators, a core's own, are Python.
"""

from functools import partial

from priot.sim.cpu.native import from_python
from priot.sim.cpu.sio import read_sio, tell, write_sio
from priot.sim.cpu.state import Core, Machine
from priot.sim.peripherals.interpolator import Interpolator
from priot.sim.peripherals.registers import Register, RegisterBlock
from priot.sim.peripherals.scheduler import Scheduler

_read_sio = from_python(read_sio)
_tell = from_python(tell)
_write_sio = from_python(write_sio)

_CHANGES = ("", "_SET", "_CLR", "_XOR")
_NATIVE = {
    "CPUID": 0x00,
    "GPIO_IN": 0x04,
    "GPIO_HI_IN": 0x08,
    **{f"GPIO_OUT{change}": 0x10 + 4 * at for at, change in enumerate(_CHANGES)},
    **{f"GPIO_OE{change}": 0x20 + 4 * at for at, change in enumerate(_CHANGES)},
    **{f"GPIO_HI_OUT{change}": 0x30 + 4 * at for at, change in enumerate(_CHANGES)},
    **{f"GPIO_HI_OE{change}": 0x40 + 4 * at for at, change in enumerate(_CHANGES)},
    "FIFO_ST": 0x50,
    "FIFO_WR": 0x54,
    "FIFO_RD": 0x58,
    "SPINLOCK_ST": 0x5C,
    "DIV_UDIVIDEND": 0x60,
    "DIV_UDIVISOR": 0x64,
    "DIV_SDIVIDEND": 0x68,
    "DIV_SDIVISOR": 0x6C,
    "DIV_QUOTIENT": 0x70,
    "DIV_REMAINDER": 0x74,
    "DIV_CSR": 0x78,
    **{f"SPINLOCK{lock}": 0x100 + 4 * lock for lock in range(32)},
}


class Sio(RegisterBlock):
    """The registers of core 0 or 1."""

    name = "SIO"
    base = 0xD000_0000

    def __init__(self, scheduler: Scheduler, machine: Machine, number: int) -> None:
        self._scheduler, self._machine = scheduler, machine
        self._core, self._other = machine.cores[number], machine.cores[1 - number]
        self._interpolators = Interpolator(0), Interpolator(1)
        super().__init__(
            *(
                Register(at, name, 0, 0, partial(self._read, at), partial(self._write, at))
                for name, at in _NATIVE.items()
            ),
            *(register for one in self._interpolators for register in one.registers()),
        )

    def reset(self) -> None:
        """All outputs off, locks free, FIFOs empty; a core's own registers zero."""
        super().reset()
        for interpolator in self._interpolators:
            interpolator.reset()
        machine, now = self._machine, self._scheduler.cycles
        machine.sio[:] = 0
        self._core[Core.DIVIDEND : Core.DIRTY + 1] = 0
        for register in ("GPIO_OUT", "GPIO_OE", "GPIO_HI_OUT", "GPIO_HI_OE"):
            self._write(_NATIVE[register], 0)
        _tell(self._core, machine.sio, now)
        _tell(self._other, machine.sio, now)

    def _read(self, offset: int) -> int:
        machine = self._machine
        now = self._scheduler.cycles
        return int(_read_sio(self._core, machine.chip, machine.sio, now, offset))

    def _write(self, offset: int, value: int) -> None:
        machine, now = self._machine, self._scheduler.cycles
        _write_sio(self._core, self._other, machine.chip, machine.sio, now, offset, value)
