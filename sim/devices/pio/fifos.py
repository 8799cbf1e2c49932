"""FIFOs of the state machines, and the data requests that follow. RP2040 datasheet, 3.5.3."""

from __future__ import annotations

from typing import Any

from priot.sim.cpu.native import native
from priot.sim.cpu.state import Chip
from priot.sim.devices.pio.places import (
    COUNT,
    DEPTH,
    HEAD,
    OSR,
    OSR_COUNT,
    REQUEST,
    RX,
    SHIFTCTRL,
    TOLD,
    TX,
    WORDS,
)

_REQUESTS = int(Chip.DATA_REQUESTS)
_JOIN_RX, _JOIN_TX = 1 << 31, 1 << 30


@native
def request(chip: Any, machine: Any) -> None:
    """Drive the data requests of a machine: room in TX, data in RX."""
    bit = 1 << chip[machine + REQUEST]
    requests = chip[_REQUESTS] & ~(bit | bit << 4)
    if chip[machine + TX + COUNT] < chip[machine + TX + DEPTH]:
        requests |= bit
    if chip[machine + RX + COUNT]:
        requests |= bit << 4
    chip[_REQUESTS] = requests
    chip[TOLD] = 0


@native
def put(chip: Any, machine: Any, fifo: Any, word: Any) -> Any:
    """A word into TX or RX; whether there was room."""
    at = machine + fifo
    count = chip[at + COUNT]
    if count >= chip[at + DEPTH]:
        return False
    chip[at + WORDS + (chip[at + HEAD] + count & 7)] = word
    chip[at + COUNT] = count + 1
    request(chip, machine)
    return True


@native
def take(chip: Any, machine: Any, fifo: Any) -> Any:
    """The oldest word of TX or RX, which has one."""
    at = machine + fifo
    head = chip[at + HEAD]
    chip[at + HEAD] = head + 1 & 7
    chip[at + COUNT] -= 1
    request(chip, machine)
    return chip[at + WORDS + head]


@native
def refill(chip: Any, machine: Any) -> None:
    """Pull a word, which TX has, into the OSR."""
    chip[machine + OSR] = take(chip, machine, TX)
    chip[machine + OSR_COUNT] = 0


@native
def empty_fifos(chip: Any, machine: Any) -> None:
    """Flush both; 3.5.3: one that is joined takes all eight words, the other has none."""
    joins = chip[machine + SHIFTCTRL]
    chip[machine + TX + COUNT] = chip[machine + RX + COUNT] = 0
    chip[machine + TX + HEAD] = chip[machine + RX + HEAD] = 0
    chip[machine + TX + DEPTH] = 0 if joins & _JOIN_RX else 8 if joins & _JOIN_TX else 4
    chip[machine + RX + DEPTH] = 0 if joins & _JOIN_TX else 8 if joins & _JOIN_RX else 4
    request(chip, machine)
