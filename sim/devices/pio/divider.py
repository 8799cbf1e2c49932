"""Clock dividers of the state machines. RP2040 datasheet, 3.5.5.

A first-order delta-sigma: a running total of the fractions, and where it wraps, the *next* period
is longer by a cycle. Of 2.5 the periods are 2, 2, 3, 2, 3, ... Dividers run whether their machines
are enabled or not, and so pulse n after a restart in cycle c comes in cycle
c + (n * divisor - fraction) // 256, the very first in c itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from priot.sim.cpu.native import native
from priot.sim.devices.pio.places import AHEAD, AT, CLKDIV, DELAY, DIVISOR, PULSE, STALL, TICK


@native
def settle_clock(chip: Any, machine: Any, now: Any) -> None:
    """Find the first pulse in or after a cycle, and how many there are until it goes on.

    While a machine is delayed, its pulse is the one at which that is over.
    """
    pulse, divisor = chip[machine + PULSE], chip[machine + DIVISOR]
    if chip[machine + TICK] < now:
        pulse += max(1, ((now << 8) - pulse + divisor - 1) // divisor) * divisor
    else:
        ahead = min((pulse - (now << 8)) // divisor, chip[machine + AHEAD])
        chip[machine + AHEAD] = 0
        if ahead <= 0:
            return
        pulse -= ahead * divisor
        chip[machine + DELAY] += ahead
    chip[machine + PULSE], chip[machine + TICK] = pulse, pulse >> 8


@native
def pass_pulses(chip: Any, machine: Any, count: Any) -> None:
    """From the present pulse to a later one."""
    pulse = chip[machine + PULSE] + count * chip[machine + DIVISOR]
    chip[machine + PULSE], chip[machine + TICK] = pulse, pulse >> 8
    if count > 1:
        chip[machine + AHEAD] = count - 1


@native
def write_clkdiv(chip: Any, machine: Any, value: Any) -> None:
    """A new divisor, for the period after the present one; the clock has been settled."""
    fraction = chip[machine + CLKDIV] >> 8 & 0xFF
    chip[machine + CLKDIV] = value & 0xFFFF_FF00
    divisor = value >> 8 & 0xFF_FFFF
    if divisor >> 8 == 0:
        divisor |= 1 << 24  # 0 stands for 65536
    # The fraction that the total has from the old divisor makes up the next period.
    chip[machine + PULSE] += fraction - (divisor & 0xFF)
    chip[machine + DIVISOR] = divisor


@native
def restart_clock(chip: Any, machine: Any, now: Any) -> None:
    """CLKDIV_RESTART: phase 0."""
    chip[machine + PULSE] = (now << 8) - (chip[machine + DIVISOR] & 0xFF)
    chip[machine + TICK] = now


@native
def wake(chip: Any, machine: Any, now: Any, runs: Any) -> None:
    """Let a machine look again at what it waits for, at its first pulse in or after a cycle."""
    settle_clock(chip, machine, now)
    chip[machine + STALL] = 0
    chip[machine + AT] = chip[machine + TICK] if runs else np.int64(1 << 62)
