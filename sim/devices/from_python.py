"""What Python calls of the native devices, compiled once."""

from __future__ import annotations

from sim.cpu.kept import for_python
from sim.cpu.sio import read_sio as _read_sio
from sim.cpu.sio import tell as _tell
from sim.cpu.sio import write_sio as _write_sio
from sim.cpu.state import Chip, Machine
from sim.devices.devices import advance_devices as _advance_devices
from sim.devices.devices import read_device as _read_device
from sim.devices.devices import write_device as _write_device
from sim.devices.pins import drive_lines as _drive_lines
from sim.devices.pins import drive_pins as _drive_pins
from sim.devices.pins import settle_pins as _settle_pins
from sim.devices.pio.registers import reset_pio as _reset_pio
from sim.devices.transfers import request_data as _request_data

_advance = for_python(_advance_devices)
read_sio, write_sio, tell = for_python(_read_sio), for_python(_write_sio), for_python(_tell)
drive_lines, drive_pins = for_python(_drive_lines), for_python(_drive_pins)
settle_pins = for_python(_settle_pins)
read_device, write_device = for_python(_read_device), for_python(_write_device)
request_data, reset_pio = for_python(_request_data), for_python(_reset_pio)


def catch_up(machine: Machine, now: int) -> None:
    """Let all that native devices do until a cycle have happened."""
    if machine.chip[Chip.DEVICES_ON]:
        _advance(*machine.cores, machine.chip, machine.words, now)
