"""PIO: its registers by name. Source: RP2040 datasheet, 3.7. All of it is native."""

from priot.sim.cpu.native import from_python
from priot.sim.cpu.state import Machine
from priot.sim.devices.pio.registers import BASES, IRQ, RXF0, peek_pio, reset_pio
from priot.sim.peripherals.native_block import NativeBlock
from priot.sim.peripherals.scheduler import Scheduler

_peek_pio, _reset_pio = from_python(peek_pio), from_python(reset_pio)
_STATE_MACHINES, _INSTRUCTIONS, _MACHINE_STEP = 4, 32, 0x18
_OF_A_MACHINE = ("CLKDIV", "EXECCTRL", "SHIFTCTRL", "ADDR", "INSTR", "PINCTRL")
_OFFSETS = {
    **{name: 4 * at for at, name in enumerate(("CTRL", "FSTAT", "FDEBUG", "FLEVEL"))},
    **{f"TXF{number}": 0x10 + 4 * number for number in range(_STATE_MACHINES)},
    **{f"RXF{number}": 0x20 + 4 * number for number in range(_STATE_MACHINES)},
    "IRQ": 0x30,
    "IRQ_FORCE": 0x34,
    "INPUT_SYNC_BYPASS": 0x38,
    "DBG_PADOUT": 0x3C,
    "DBG_PADOE": 0x40,
    "DBG_CFGINFO": 0x44,
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


class Pio(NativeBlock):
    """PIO0 or PIO1."""

    def __init__(self, number: int, machine: Machine, scheduler: Scheduler) -> None:
        self._number = number
        super().__init__(f"PIO{number}", BASES[number], _OFFSETS, machine, scheduler)

    def peek(self, offset: int) -> int | None:
        """See RegisterBlock; a FIFO keeps its word."""
        if RXF0 <= offset < IRQ:
            return int(_peek_pio(self._machine.chip, self.base + offset, 0))
        return super().peek(offset)

    def reset(self) -> None:
        """All machines off, FIFOs empty, nothing driven."""
        super().reset()
        machine = self._machine
        _reset_pio(*machine.cores, machine.chip, self._number, self._scheduler.cycles)
