"""PIO for those who come from Python; it is native: sim.devices.pio. RP2040 datasheet, 3.7."""

from functools import partial

from sim.cpu.state import Machine
from sim.devices.from_python import read_pio, reset_pio, write_pio
from sim.devices.pio.registers import BASES, clears_pio
from sim.peripherals.registers import Register, RegisterBlock
from sim.peripherals.scheduler import Scheduler

_STATE_MACHINES, _INSTRUCTIONS, _MACHINE_STEP = 4, 32, 0x18
_OF_A_MACHINE = ("CLKDIV", "EXECCTRL", "SHIFTCTRL", "ADDR", "INSTR", "PINCTRL")
_OFFSETS = {
    **{name: 4 * at for at, name in enumerate(("CTRL", "FSTAT", "FDEBUG", "FLEVEL"))},
    **{f"TXF{number}": 0x10 + 4 * number for number in range(_STATE_MACHINES)},
    **{f"RXF{number}": 0x20 + 4 * number for number in range(_STATE_MACHINES)},
    **{"IRQ": 0x30, "IRQ_FORCE": 0x34, "INPUT_SYNC_BYPASS": 0x38},
    **{"DBG_PADOUT": 0x3C, "DBG_PADOE": 0x40, "DBG_CFGINFO": 0x44},
    **{f"INSTR_MEM{place}": 0x48 + 4 * place for place in range(_INSTRUCTIONS)},
    **{
        f"SM{number}_{name}": 0xC8 + _MACHINE_STEP * number + 4 * at
        for number in range(_STATE_MACHINES)
        for at, name in enumerate(_OF_A_MACHINE)
    },
    "INTR": 0x128,
    **{
        f"IRQ{line}_{name}": 0x12C + 12 * line + 4 * at
        for line in range(2)
        for at, name in enumerate(("INTE", "INTF", "INTS"))
    },
}


class Pio(RegisterBlock):
    """The registers of PIO0 or PIO1."""

    def __init__(self, scheduler: Scheduler, machine: Machine, number: int) -> None:
        self.name, self.base = f"PIO{number}", BASES[number]
        self._scheduler, self._machine, self._number = scheduler, machine, number
        super().__init__(
            *(
                Register(
                    *(at, name, 0, 0, partial(self._read, at), partial(self._write, at)),
                    clears=clears_pio.py_func(at),  # type: ignore[attr-defined]
                )
                for name, at in _OFFSETS.items()
            )
        )

    def reset(self) -> None:
        """All machines off, FIFOs empty, nothing driven."""
        super().reset()
        machine = self._machine
        reset_pio(*machine.cores, machine.chip, self._number, self._scheduler.cycles)

    def _read(self, offset: int) -> int:
        machine, now = self._machine, self._scheduler.cycles
        return int(read_pio(*machine.cores, machine.chip, now, self.base + offset, -1))

    def _write(self, offset: int, value: int) -> None:
        machine, now = self._machine, self._scheduler.cycles
        write_pio(*machine.cores, machine.chip, now, self.base + offset, value, -1)
