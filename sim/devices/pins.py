"""Pins: what drives them, what is seen of them, and their interrupts. RP2040 datasheet, 2.19.

Bit n of every mask is pin n. All of a bank's masks lie in the chip's integers behind the place of
the bank; its registers (priot.sim.peripherals.io_bank, priot.sim.peripherals.pads) are Python.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Any

import numpy as np

from priot.sim.cpu.lines import set_line
from priot.sim.cpu.native import native
from priot.sim.cpu.state import PIN_LOG_SIZE, PINS_SIZE, PWM_SIZE, Chip, Core

FUNCTIONS = 10  # FUNCSEL: 1 SPI, 2 UART, 3 I2C, 4 PWM, 5 SIO, 6 PIO0, 7 PIO1, 8 clocks, 9 USB
SIO_FUNCTION, PWM_FUNCTION, PIO0_FUNCTION = 5, 4, 6
OWNERS = 3  # of interrupts: core 0, core 1, DORMANT_WAKE
MAX_WIRES = 16
HEARD_SIZE = 32  # changes of watched pins until Python is told, which is at the first
SLICES = 8  # of the PWM
PWM_INPUTS_AT = 104  # among the places of the PWM


class Bank(IntEnum):
    """Places of a bank, behind that of the bank itself."""

    ALL = 0  # the pins there are
    IRQ = auto()  # number of its interrupt request
    FUNCTION = auto()  # for each function: the pins that are given to it
    OUT = FUNCTION + FUNCTIONS  # type: ignore[operator]
    ENABLE = OUT + FUNCTIONS
    # Overrides: inverted, low, high.
    OUT_OVER = ENABLE + FUNCTIONS
    ENABLE_OVER = OUT_OVER + 3
    IN_OVER = ENABLE_OVER + 3
    IRQ_OVER = IN_OVER + 3
    # Pads
    OUTPUT_DISABLED = IRQ_OVER + 3
    INPUT_ENABLED = auto()
    PULLED_UP = auto()
    PULLED_DOWN = auto()
    # From outside
    DRIVEN = auto()
    DRIVEN_HIGH = auto()
    WIRES = auto()  # how many, and the pins of each
    WIRE = auto()
    # What follows
    FROM_PERIPHERAL = WIRE + MAX_WIRES  # type: ignore[operator]
    ENABLE_FROM_PERIPHERAL = auto()
    PAD_OUT = auto()
    PAD_ENABLE = auto()
    LEVELS = auto()  # at the pads
    FROM_PAD = auto()
    INPUTS = auto()  # as peripherals see them
    IRQ_LEVELS = auto()
    RISEN = auto()  # since that was cleared
    FALLEN = auto()
    # Interrupts of each owner: enabled for low, high, falling, rising; then the forced ones.
    WANTED = auto()
    FORCED = WANTED + 4 * OWNERS  # type: ignore[operator]
    LOGGED = FORCED + 4 * OWNERS  # whether changes are logged
    WATCHED = auto()  # pins of whose changes Python is told
    CHANGED = auto()  # those that did
    HEARD = auto()  # how many entries there are: cycle, and inputs from then on
    HEARD_ENTRIES = auto()
    # Pins of whose changes a core or Python is told.
    NOTICED = HEARD_ENTRIES + 2 * HEARD_SIZE  # type: ignore[operator]
    PLAIN = auto()  # no overrides, no wires, and nobody to be told
    END = auto()


class Input(IntEnum):
    """Places of what the slices of the PWM count of their B pins, behind PWM_INPUTS_AT."""

    WATCHED = 0  # the pins
    IS_HIGH = auto()  # a bit for each slice
    ROSE = auto()  # since the slice looked, each of these
    FELL = ROSE + SLICES  # type: ignore[operator]
    HIGH = FELL + SLICES  # cycles
    HIGH_SINCE = HIGH + SLICES
    END = HIGH_SINCE + SLICES


assert Bank.END <= PINS_SIZE
assert PWM_INPUTS_AT + Input.END <= PWM_SIZE
_ALL, _IRQ, _FUNCTION = int(Bank.ALL), int(Bank.IRQ), int(Bank.FUNCTION)
_OUT, _ENABLE = int(Bank.OUT), int(Bank.ENABLE)
_OUT_OVER, _ENABLE_OVER = int(Bank.OUT_OVER), int(Bank.ENABLE_OVER)
_IN_OVER, _IRQ_OVER = int(Bank.IN_OVER), int(Bank.IRQ_OVER)
_OUTPUT_DISABLED, _INPUT_ENABLED = int(Bank.OUTPUT_DISABLED), int(Bank.INPUT_ENABLED)
_PULLED_UP, _PULLED_DOWN = int(Bank.PULLED_UP), int(Bank.PULLED_DOWN)
_DRIVEN, _DRIVEN_HIGH = int(Bank.DRIVEN), int(Bank.DRIVEN_HIGH)
_WIRES, _WIRE = int(Bank.WIRES), int(Bank.WIRE)
_FROM_PERIPHERAL = int(Bank.FROM_PERIPHERAL)
_ENABLE_FROM_PERIPHERAL = int(Bank.ENABLE_FROM_PERIPHERAL)
_PAD_OUT, _PAD_ENABLE, _LEVELS = int(Bank.PAD_OUT), int(Bank.PAD_ENABLE), int(Bank.LEVELS)
_FROM_PAD, _INPUTS, _IRQ_LEVELS = int(Bank.FROM_PAD), int(Bank.INPUTS), int(Bank.IRQ_LEVELS)
_RISEN, _FALLEN = int(Bank.RISEN), int(Bank.FALLEN)
_WANTED, _FORCED, _LOGGED = int(Bank.WANTED), int(Bank.FORCED), int(Bank.LOGGED)
_WATCHED, _CHANGED = int(Bank.WATCHED), int(Bank.CHANGED)
_HEARD, _HEARD_ENTRIES = int(Bank.HEARD), int(Bank.HEARD_ENTRIES)
_PLAIN, _AWAITED = int(Bank.PLAIN), int(Chip.PINS_AWAITED)
_LOG_COUNT, _LOG, _EVENT_AT = int(Chip.PIN_LOG_COUNT), int(Chip.PIN_LOG), int(Chip.EVENT_AT)
_NUMBER = int(Core.NUMBER)
_COUNTED = int(Chip.PWM) + PWM_INPUTS_AT
_IS_HIGH, _ROSE, _FELL, _HIGH, _HIGH_SINCE = (
    _COUNTED + int(place)
    for place in (Input.IS_HIGH, Input.ROSE, Input.FELL, Input.HIGH, Input.HIGH_SINCE)
)
_PINS, _DEVICES_AT, _PWM_FUNCTION = int(Chip.PINS), int(Chip.DEVICES_AT), PWM_FUNCTION


@native
def _over(chip: Any, at: Any, levels: Any) -> Any:
    return (levels ^ chip[at]) & ~chip[at + 1] | chip[at + 2]


@native
def interrupts_of(chip: Any, bank: Any, owner: Any) -> Any:
    """Whether a bank requests an interrupt of core 0 or 1."""
    wanted, forced = bank + _WANTED + 4 * owner, bank + _FORCED + 4 * owner
    levels = chip[bank + _IRQ_LEVELS]
    return (
        chip[wanted] & ~levels & chip[bank + _ALL]
        | chip[wanted + 1] & levels
        | chip[wanted + 2] & chip[bank + _FALLEN]
        | chip[wanted + 3] & chip[bank + _RISEN]
        | chip[forced]
        | chip[forced + 1]
        | chip[forced + 2]
        | chip[forced + 3]
    ) != 0


@native
def drive_lines(core: Any, other: Any, chip: Any, bank: Any, now: Any) -> None:
    """Request what interrupts a bank has for each core."""
    irq = chip[bank + _IRQ]
    set_line(core, irq, interrupts_of(chip, bank, core[_NUMBER]), now)
    set_line(other, irq, interrupts_of(chip, bank, other[_NUMBER]), now)


@native
def _undriven(chip: Any, bank: Any, before: Any) -> Any:
    """Levels of the pins where nobody of the chip drives them."""
    # 2.19.4.1: both pulls together keep the last level.
    pulled = chip[bank + _PULLED_UP] & (~chip[bank + _PULLED_DOWN] | before)
    driven = chip[bank + _DRIVEN]
    return chip[bank + _DRIVEN_HIGH] & driven | pulled & ~driven


@native
def settle_pins(core: Any, other: Any, chip: Any, bank: Any, now: Any) -> None:
    """Let the pins take the levels that everything gives them."""
    out = enable = np.int64(0)
    for function in range(FUNCTIONS):
        pins = chip[bank + _FUNCTION + function]
        if pins:
            out |= pins & chip[bank + _OUT + function]
            enable |= pins & chip[bank + _ENABLE + function]
    every = chip[bank + _ALL]
    chip[bank + _FROM_PERIPHERAL], chip[bank + _ENABLE_FROM_PERIPHERAL] = out, enable
    out = _over(chip, bank + _OUT_OVER, out) & every
    enable = _over(chip, bank + _ENABLE_OVER, enable) & every & ~chip[bank + _OUTPUT_DISABLED]
    changed = chip[bank + _PAD_ENABLE] ^ enable
    chip[bank + _PAD_OUT], chip[bank + _PAD_ENABLE] = out, enable
    before, driven = chip[bank + _LEVELS], chip[bank + _DRIVEN]
    levels = out & enable | _undriven(chip, bank, before) & ~enable
    for wire in range(chip[bank + _WIRES]):
        pins = chip[bank + _WIRE + wire]
        holds = pins & (enable | driven)
        if not holds:
            holds = pins & chip[bank + _PULLED_UP] & (~chip[bank + _PULLED_DOWN] | before)
        # Where two drive one wire, low wins, as it does with open drains.
        high = holds and holds & ~levels == 0
        levels = levels | pins if high else levels & ~pins
    chip[bank + _LEVELS] = levels
    from_pad = levels & chip[bank + _INPUT_ENABLED]
    chip[bank + _FROM_PAD] = from_pad
    inputs = _over(chip, bank + _IN_OVER, from_pad) & every
    if inputs != chip[bank + _INPUTS] and chip[_AWAITED]:
        chip[_DEVICES_AT] = min(chip[_DEVICES_AT], now)
    chip[bank + _INPUTS] = inputs
    if bank == _PINS and chip[_COUNTED]:
        _count_inputs(chip, inputs & chip[_COUNTED] & chip[bank + _FUNCTION + _PWM_FUNCTION], now)
    seen, was = _over(chip, bank + _IRQ_OVER, from_pad) & every, chip[bank + _IRQ_LEVELS]
    chip[bank + _IRQ_LEVELS] = seen
    chip[bank + _RISEN] |= seen & ~was
    chip[bank + _FALLEN] |= was & ~seen
    if seen != was:
        drive_lines(core, other, chip, bank, now)
    changed = (changed | levels ^ before) & chip[bank + _WATCHED]
    if changed:
        chip[bank + _CHANGED] |= changed
        chip[_EVENT_AT] = min(chip[_EVENT_AT], now)
        if chip[bank + _HEARD] < HEARD_SIZE:
            entry = bank + _HEARD_ENTRIES + 2 * chip[bank + _HEARD]
            chip[entry], chip[entry + 1] = now, inputs
            chip[bank + _HEARD] += 1
    if levels != before and chip[bank + _LOGGED]:
        _log_changes(chip, now, levels ^ before)


@native
def _settle_plain_pins(chip: Any, bank: Any, pins: Any, out: Any, enable: Any, now: Any) -> None:
    """The same where nothing stands between some pins and what one function puts out."""
    out = chip[bank + _FROM_PERIPHERAL] & ~pins | out & pins
    enable = chip[bank + _ENABLE_FROM_PERIPHERAL] & ~pins | enable & pins
    chip[bank + _FROM_PERIPHERAL], chip[bank + _ENABLE_FROM_PERIPHERAL] = out, enable
    enable &= ~chip[bank + _OUTPUT_DISABLED]
    chip[bank + _PAD_OUT], chip[bank + _PAD_ENABLE] = out, enable
    before = chip[bank + _LEVELS]
    levels = out & enable | _undriven(chip, bank, before) & ~enable
    chip[bank + _LEVELS] = levels
    seen, was = levels & chip[bank + _INPUT_ENABLED], chip[bank + _FROM_PAD]
    chip[bank + _FROM_PAD] = chip[bank + _INPUTS] = chip[bank + _IRQ_LEVELS] = seen
    chip[bank + _RISEN] |= seen & ~was
    chip[bank + _FALLEN] |= was & ~seen
    if seen != was and chip[_AWAITED]:
        chip[_DEVICES_AT] = min(chip[_DEVICES_AT], now)
    if levels != before and chip[bank + _LOGGED]:
        _log_changes(chip, now, levels ^ before)


@native
def _count_inputs(chip: Any, high: Any, now: Any) -> None:
    """What B pins do for slices of the PWM that count them: edges, and how long they are high."""
    for number in range(SLICES):
        is_high, bit = high >> 2 * number + 1 & 0x1_0001 != 0, np.int64(1) << number
        if is_high == (chip[_IS_HIGH] & bit != 0):
            continue
        chip[_IS_HIGH] ^= bit
        if is_high:
            chip[_ROSE + number] += 1
            chip[_HIGH_SINCE + number] = now
        else:
            chip[_FELL + number] += 1
            chip[_HIGH + number] += now - chip[_HIGH_SINCE + number]
        chip[_DEVICES_AT] = min(chip[_DEVICES_AT], now)


@native
def drive_pins(
    core: Any, other: Any, chip: Any, bank: Any, function: Any, out: Any, enable: Any, now: Any
) -> None:
    """What one function puts out: levels and output enables of all pins that it may have."""
    pins = chip[bank + _FUNCTION + function]
    at, enables = bank + _OUT + function, bank + _ENABLE + function
    changed = (chip[at] ^ out | chip[enables] ^ enable) & pins
    chip[at], chip[enables] = out, enable
    if changed and chip[bank + _PLAIN] and chip[_COUNTED] == 0:
        _settle_plain_pins(chip, bank, pins, out, enable, now)
    elif changed:
        settle_pins(core, other, chip, bank, now)


@native
def _log_changes(chip: Any, now: Any, changed: Any) -> None:
    """Note which pins changed for priot.sim.pin_log, which is called before there is no more room.

    An entry a cycle, so that the room that an advance needs is known.
    """
    count = chip[_LOG_COUNT]
    last = _LOG + 2 * (count - 1)
    if count and chip[last] == now:
        chip[last + 1] ^= changed
        return
    if count < PIN_LOG_SIZE:
        chip[last + 2], chip[last + 3] = now, changed
        chip[_LOG_COUNT] = count + 1
    if count >= PIN_LOG_SIZE // 4:
        chip[_EVENT_AT] = min(chip[_EVENT_AT], now)
