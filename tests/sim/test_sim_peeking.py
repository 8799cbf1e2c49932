"""A debugger reads every register of the chip, and nothing in the chip changes."""

import random
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from sim_programs import pico

from priot.sim import Pico
from priot.sim.gdb.debugger import Debugger
from priot.sim.peripherals import BLOCKS, block_of

_UART0, _ADC, _SSI, _RTC, _TIMER = 0x4003_4000, 0x4004_C000, 0x1800_0000, 0x4005_C000, 0x4005_4000
_XIP_CTRL = 0x1400_0000
_SIO, _SYSTICK, _ROSC, _CLOCKS = 0xD000_0000, 0xE000_E010, 0x4006_0000, 0x4000_8000
_PARTS = ("priot.sim.", "numpy")


def state(thing: Any, seen: set[int], path: str) -> Iterator[tuple[str, object]]:
    """All values that hang on an object of the simulator."""
    if isinstance(thing, int | float | str | bytes | None):
        yield path, thing
        return
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        yield path, hash(thing.tobytes())
    elif isinstance(thing, random.Random):
        yield path, thing.getstate()
    elif isinstance(thing, list | tuple | deque):
        yield f"{path}.length", len(thing)
        for at, one in enumerate(thing):
            yield from state(one, seen, f"{path}[{at}]")
    elif isinstance(thing, dict):
        for key, one in thing.items():
            yield from state(one, seen, f"{path}[{key!r}]")
    elif type(thing).__module__.startswith("priot.sim."):
        for name, one in vars(thing).items():
            yield from state(one, seen, f"{path}.{name}")


def busy() -> Pico:
    """Something in every FIFO, flag and latch that a read would change."""
    target = pico("again: b again")
    debugger = Debugger(target)

    def write(address: int, value: int) -> None:
        debugger.write(address, value.to_bytes(4, "little"))

    write(_CLOCKS + 0x48, 1 << 11)  # CLK_PERI
    write(_CLOCKS + 0x60, 1 << 11 | 2 << 5)  # CLK_ADC, of ROSC
    for offset, value in ((0x24, 1), (0x2C, 0x70), (0x30, 0x381), (0, 0x41), (0, 0x42)):
        write(_UART0 + offset, value)  # in loopback
    for offset, value in ((8, 1), (0, 9)):
        write(_ADC + offset, value)
    for offset, value in ((8, 1), (0x60, 0x9F), (0x60, 0), (0x60, 0)):
        write(_SSI + offset, value)
    for offset, value in ((0x80, 7), (0x88, 5), (0xAC, 31 << 10), (0x60, 100), (0x64, 7)):
        write(_SIO + offset, value)
    for offset, value in ((0x14, 0x1000_0000), (0x18, 8)):  # a stream of flash, which is erased
        write(_XIP_CTRL + offset, value)
    for offset, value in ((4, 50), (8, 0), (0, 5)):
        write(_SYSTICK + offset, value)
    target.run(200_000)
    debugger.read(_SIO, 4)  # up to the present, and so are the blocks, as by every access
    for wakeup in target._chip._scheduler._wakeups:  # type: ignore[attr-defined]
        wakeup._timed.advance()
    return target


def test_no_register_changes_by_being_looked_at() -> None:
    target = busy()
    debugger = Debugger(target)
    known = 0
    before = dict(state(target._chip, set(), "chip"))
    for block in BLOCKS:
        for address in range(block.base, block.base + min(block.size, 0x1000), 4):
            if block.name in ("XIP", "ROM", "SRAM", "SRAM unstriped", "XIP_SRAM"):
                continue
            for core in range(2):
                found = debugger._registers(address, 4, core)
                known += len(found) == 4
    for address in range(0xE000_E000, 0xE000_EE00, 4):
        known += len(debugger._registers(address, 4, 0)) == 4
    after = dict(state(target._chip, set(), "chip"))
    assert known > 1000
    assert len(before) > 1000
    assert {name: after.get(name) for name in before} == before
    assert len(after) == len(before)


def test_what_a_read_would_take_is_seen() -> None:
    debugger = Debugger(busy())

    def word(address: int) -> int:
        assert block_of(address) is not None
        return int.from_bytes(debugger.read(address, 4), "little")

    for _ in range(2):
        assert word(_UART0) == 0x41
        assert word(_UART0 + 0x18) & 1 << 4 == 0  # RXFE
        assert word(_ADC + 0xC) == 2048
        assert word(_SIO + 0x94) == word(_SIO + 0xA0) == 12  # POP and PEEK of lane 0
        assert word(_SIO + 0x80) == 7  # ACCUM0
        assert word(_SIO + 0x70) == 14  # QUOTIENT
        assert word(_SIO + 0x78) == 3  # DIRTY and READY
        assert word(_SYSTICK) >> 16 == 1  # COUNTFLAG
        assert word(_SSI + 0x24) == 3  # RXFLR
        assert word(_XIP_CTRL + 0x1C) == word(0x5040_0000) == 0xFFFF_FFFF
