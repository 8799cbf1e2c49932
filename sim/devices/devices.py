"""All devices that are native: how accesses reach them, and how their time passes.

A device is not stepped with the cores. It is brought up to the present at every access to a
register, and at `DEVICES_AT`, the cycle at which it next does what a core could notice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import from_python, native
from priot.sim.cpu.state import NEVER, Chip, Machine
from priot.sim.devices.clock_outputs import CLOCK_OUTPUTS_ON, advance_clock_outputs, next_edge
from priot.sim.devices.dma import BASE as DMA_BASE
from priot.sim.devices.dma import DMA_ON, clearing_bits_of_dma, peek_dma, write_dma
from priot.sim.devices.lines import LINES_ON, advance_lines, next_change
from priot.sim.devices.pins import Bank
from priot.sim.devices.pio.machines import advance_pio
from priot.sim.devices.pio.registers import (
    PIO_ON,
    clears_pio,
    is_pio,
    peek_pio,
    read_pio,
    write_pio,
)
from priot.sim.devices.pwm import BASE as PWM_BASE
from priot.sim.devices.pwm import (
    PWM_ON,
    advance_pwm,
    clearing_bits_of_pwm,
    next_event_of_pwm,
    peek_pwm,
    write_pwm,
)
from priot.sim.devices.transfers import advance_dma

NOT_HERE = -1 << 62
_DMA_PAGE, _PWM_PAGE = DMA_BASE >> 12, PWM_BASE >> 12
_ALIAS = 0x3000
_XOR, _SET = 0x1000, 0x2000
_WAVES = PWM_ON | CLOCK_OUTPUTS_ON | LINES_ON
_AT, _ON, _PIO_AT = int(Chip.DEVICES_AT), int(Chip.DEVICES_ON), int(Chip.PIO_AT)
_LOGGED = int(Chip.PINS) + int(Bank.LOGGED)


@native
def advance_devices(core: Any, other: Any, chip: Any, lines: Any, words: Any, now: Any) -> None:
    """Bring all devices up to a cycle."""
    at = np.int64(NEVER)
    if chip[_ON] & _WAVES and (chip[_ON] & PIO_ON or chip[_LOGGED]):
        at = _next_of_waves(chip)
        while at <= now:  # what they put to the pins is seen in its own cycle
            _advance_transfers(core, other, chip, lines, words, at)
            at = _advance_waves(core, other, chip, at)
    if chip[_ON] & _WAVES:
        at = _advance_waves(core, other, chip, now)
    chip[_AT] = min(at, _advance_transfers(core, other, chip, lines, words, now))


@native
def _next_of_waves(chip: Any) -> Any:
    """The cycle in which PWM, a clock output or a serial line next does what somebody notices."""
    at = np.int64(NEVER)
    if chip[_ON] & PWM_ON:
        at = next_event_of_pwm(chip)
    if chip[_ON] & CLOCK_OUTPUTS_ON:
        at = min(at, next_edge(chip))
    if chip[_ON] & LINES_ON:
        at = min(at, next_change(chip))
    return at


@native
def _advance_waves(core: Any, other: Any, chip: Any, now: Any) -> Any:
    """Bring PWM, clock outputs and lines up to a cycle; the cycle at which to do so again."""
    at = np.int64(NEVER)
    if chip[_ON] & PWM_ON:
        at = advance_pwm(core, other, chip, now)
    if chip[_ON] & CLOCK_OUTPUTS_ON:
        at = min(at, advance_clock_outputs(core, other, chip, now))
    if chip[_ON] & LINES_ON:
        at = min(at, advance_lines(core, other, chip, now))
    return at


@native
def _advance_transfers(core: Any, other: Any, chip: Any, lines: Any, words: Any, now: Any) -> Any:
    """Bring the DMA and PIO up to a cycle; the cycle at which to do so again."""
    at = np.int64(NEVER)
    if chip[_ON] & DMA_ON:
        at = advance_dma(core, other, chip, lines, words, now)
    if chip[_ON] & PIO_ON:
        advance_pio(core, other, chip, now)
        at = min(at, chip[_PIO_AT])
    return at


@native
def _peek(chip: Any, address: Any) -> Any:
    """The register at an address, without effect on it; NOT_HERE for others."""
    if address >> 12 == _DMA_PAGE:
        return peek_dma(chip, address & 0xFFF)
    if address >> 12 == _PWM_PAGE:
        return peek_pwm(chip, address & 0xFFF)
    if is_pio(address):
        return peek_pio(chip, address, NOT_HERE)
    return np.int64(NOT_HERE)


@native
def _clearing_bits(address: Any) -> Any:
    """Of the register at an address: the bits that a written 1 clears."""
    if address >> 12 == _DMA_PAGE:
        return clearing_bits_of_dma(address & 0xFFF)
    if is_pio(address):
        return clears_pio(address)
    return clearing_bits_of_pwm(address & 0xFFF) if address >> 12 == _PWM_PAGE else np.int64(0)


@native
def read_device(core: Any, other: Any, chip: Any, now: Any, address: Any) -> Any:
    """Read the register at an address; NOT_HERE for others."""
    plain = address & ~_ALIAS
    if is_pio(plain):
        return read_pio(core, other, chip, now, plain, NOT_HERE)
    return _peek(chip, plain)


@native
def _write(core: Any, other: Any, chip: Any, now: Any, address: Any, value: Any) -> Any:
    if address >> 12 == _DMA_PAGE:
        return write_dma(core, other, chip, now, address & 0xFFF, value)
    if address >> 12 == _PWM_PAGE:
        return write_pwm(core, other, chip, now, address & 0xFFF, value)
    if is_pio(address):
        return write_pio(core, other, chip, now, address, value, NOT_HERE)
    return np.int64(NOT_HERE)


@native
def write_device(core: Any, other: Any, chip: Any, now: Any, address: Any, value: Any) -> Any:
    """Write the register at an address or one of its aliases; NOT_HERE for others."""
    alias = address & _ALIAS
    plain = address & ~_ALIAS
    if alias:
        before = _peek(chip, plain)
        if before == NOT_HERE:
            return before
        # Bits that a written 1 clears: as on the Python side, priot.sim.bus.
        clears = _clearing_bits(plain)
        cleared = (before | value if alias in (_XOR, _SET) else value) & clears
        if alias == _XOR:
            value ^= before
        elif alias == _SET:
            value |= before
        else:
            value = before & ~value
        value = value & ~clears | cleared
    return _write(core, other, chip, now, plain, value)


_advance_devices = from_python(advance_devices)


def catch_up(machine: Machine, now: int) -> None:
    """Let all that native devices do until a cycle have happened, for callers in Python."""
    if machine.chip[_ON]:
        _advance_devices(*machine.cores, machine.chip, machine.lines, machine.words, now)
