"""DMA: its registers by name. Source: RP2040 datasheet, 2.5.7. All of it is native."""

from priot.sim.cpu.native import from_python
from priot.sim.cpu.state import Machine
from priot.sim.devices.dma import BASE, CHANNELS, drive_lines, reset_dma
from priot.sim.peripherals.native_block import NativeBlock
from priot.sim.peripherals.scheduler import Scheduler

_drive_lines = from_python(drive_lines)

_ALIASES = (
    ("READ_ADDR", "WRITE_ADDR", "TRANS_COUNT", "CTRL_TRIG"),
    ("AL1_CTRL", "AL1_READ_ADDR", "AL1_WRITE_ADDR", "AL1_TRANS_COUNT_TRIG"),
    ("AL2_CTRL", "AL2_TRANS_COUNT", "AL2_READ_ADDR", "AL2_WRITE_ADDR_TRIG"),
    ("AL3_CTRL", "AL3_WRITE_ADDR", "AL3_TRANS_COUNT", "AL3_READ_ADDR_TRIG"),
)
_REGISTERS = {
    **{
        f"CH{channel}_{name}": 0x40 * channel + 0x10 * alias + 4 * word
        for channel in range(CHANNELS)
        for alias, names in enumerate(_ALIASES)
        for word, name in enumerate(names)
    },
    "INTR": 0x400,
    "INTE0": 0x404,
    "INTF0": 0x408,
    "INTS0": 0x40C,
    "INTR1": 0x410,
    "INTE1": 0x414,
    "INTF1": 0x418,
    "INTS1": 0x41C,
    **{f"TIMER{number}": 0x420 + 4 * number for number in range(4)},
    "MULTI_CHAN_TRIGGER": 0x430,
    "SNIFF_CTRL": 0x434,
    "SNIFF_DATA": 0x438,
    "FIFO_LEVELS": 0x440,
    "CHAN_ABORT": 0x444,
    "N_CHANNELS": 0x448,
    **{f"CH{channel}_DBG_CTDREQ": 0x800 + 0x40 * channel for channel in range(CHANNELS)},
    **{f"CH{channel}_DBG_TCR": 0x804 + 0x40 * channel for channel in range(CHANNELS)},
}


class DmaRegisters(NativeBlock):
    """Twelve channels and what they share."""

    def __init__(self, machine: Machine, scheduler: Scheduler) -> None:
        super().__init__("DMA", BASE, _REGISTERS, machine, scheduler)

    def reset(self) -> None:
        """All channels idle."""
        super().reset()
        machine = self._machine
        reset_dma(machine.chip)
        _drive_lines(*machine.cores, machine.chip, self._scheduler.cycles)
