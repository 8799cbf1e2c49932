"""IO_BANK0 and IO_QSPI: function, overrides and interrupts of each pin.

Source: RP2040 datasheet, 2.19. What follows from them is native: priot.sim.devices.pins. A pin that
nobody drives follows what the host sets, else its pull.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from priot.sim.cpu.native import from_python
from priot.sim.cpu.state import Chip, Machine
from priot.sim.devices.devices import catch_up
from priot.sim.devices.pins import (
    FUNCTIONS,
    MAX_WIRES,
    Bank,
    drive_lines,
    settle_pins,
)
from priot.sim.errors import SimError
from priot.sim.peripherals.interrupts import Irq
from priot.sim.peripherals.pads import Pads
from priot.sim.peripherals.registers import ALL_BITS, Register, RegisterBlock, field
from priot.sim.peripherals.scheduler import Scheduler

SPI, UART, I2C = 1, 2, 3  # FUNCSEL
_CHANGED = int(Bank.CHANGED)
_drive_lines = from_python(drive_lines)
_settle_pins = from_python(settle_pins)

_CTRL = 0x3003_331F
_NULL = 0x1F  # FUNCSEL
_INVERT, _LOW, _HIGH = 1, 2, 3  # overrides
_OVERRIDES = (
    (Bank.OUT_OVER, 9),
    (Bank.ENABLE_OVER, 13),
    (Bank.IN_OVER, 17),
    (Bank.IRQ_OVER, 29),
)  # place, and high bit of the field of CTRL
_EDGES = 0xCCCC_CCCC  # EDGE_LOW and EDGE_HIGH of eight pins
_EDGE_LOW, _EDGE_HIGH = 2, 3  # of the four events of each pin
_OWNERS = ("PROC0", "PROC1", "DORMANT_WAKE")


class Heard(NamedTuple):
    """The cycle of a change, and the inputs from then on."""

    cycle: int
    inputs: int


class IoBank(RegisterBlock):
    """A bank of pins, bit n of every mask being pin n.

    Args:
        machine: where the pins live; `at` is the bank's place among the chip's integers.

    Attributes:
        on_change: called after any change of a control register, a pad or the wires.
        on_watched: called after changes of pins that `watch` named, with each of them.
    """

    def __init__(
        self,
        name: str,
        base: int,
        pins: tuple[str, ...],
        pads: Pads,
        irq: Irq,
        machine: Machine,
        at: int,
        scheduler: Scheduler,
    ) -> None:
        self.name, self.base = name, base
        self.on_change: Callable[[], None] = lambda: None
        self.on_watched: Callable[[Sequence[Heard]], None] = lambda _: None
        self._pins = pins
        self._pads = pads
        self._irq = irq
        self._machine, self._at = machine, int(at)  # Numba looks at every name of an enumeration
        self._scheduler = scheduler
        self._places = machine.chip[at:]
        self._all = (1 << len(pins)) - 1
        self._bits = 1 << np.arange(len(pins))
        self._shifts = 4 * (np.arange(len(pins)) % 8)
        # Eight pins to a word; a bank with one word has no number in its registers' names.
        words = -(-len(pins) // 8)
        self._suffixes = [""] if words == 1 else [str(word) for word in range(words)]
        super().__init__(*self._controls(), *self._interrupts())
        pads.on_change = self._refresh
        self.reset()

    def _controls(self) -> list[Register]:
        registers = []
        for pin, label in enumerate(self._pins):
            at = 8 * pin
            status = partial(self._status, pin)
            registers.append(Register(at, f"{label}_STATUS", 0, 0, status))
            registers.append(
                Register(at + 4, f"{label}_CTRL", _NULL, _CTRL, on_write=self._written)
            )
        return registers

    def _interrupts(self) -> list[Register]:
        registers = []
        at = 8 * len(self._pins)
        for word, suffix in enumerate(self._suffixes):
            raw, clear = partial(self._raw, word), partial(self._clear_edges, word)
            registers.append(
                Register(at + 4 * word, f"INTR{suffix}", 0, 0, raw, clear, clears=_EDGES)
            )
        for owner, label in enumerate(_OWNERS):
            for kind in ("INTE", "INTF", "INTS"):
                at += 4 * len(self._suffixes)
                for word, suffix in enumerate(self._suffixes):
                    name = f"{label}_{kind}{suffix}"
                    bits = ALL_BITS >> 32 - 4 * min(8, len(self._pins) - 8 * word)
                    register = Register(at + 4 * word, name, 0, bits, on_write=self._mask_written)
                    if kind == "INTS":
                        status = partial(self._status_of, owner, word)
                        register = Register(at + 4 * word, name, 0, 0, status)
                    registers.append(register)
        return registers

    def reset(self) -> None:
        """No function on any pin, no interrupt; what is outside stays as it is."""
        super().reset()
        places = self._places
        places[Bank.ALL], places[Bank.IRQ] = self._all, self._irq
        self._refresh()
        places[[Bank.RISEN, Bank.FALLEN]] = 0
        self._mask_written(0)

    def release(self) -> None:
        """Nothing drives the pins but what is outside."""
        places = self._places
        places[Bank.OUT : Bank.ENABLE + FUNCTIONS] = places[Bank.LEVELS] = 0

    @property
    def inputs(self) -> int:
        """What the peripherals see of all pins, behind the input override."""
        catch_up(self._machine, self._scheduler.cycles)
        return int(self._places[Bank.INPUTS])

    @property
    def levels(self) -> int:
        """Levels at the pads."""
        catch_up(self._machine, self._scheduler.cycles)
        return int(self._places[Bank.LEVELS])

    @property
    def outputs(self) -> tuple[int, int]:
        """Levels that the chip drives, and the pins that it drives."""
        catch_up(self._machine, self._scheduler.cycles)
        return int(self._places[Bank.PAD_OUT]), int(self._places[Bank.PAD_ENABLE])

    def pins_of(self, function: int) -> int:
        """The pins whose FUNCSEL is `function`."""
        return int(self._places[Bank.FUNCTION + function])

    @property
    def connected(self) -> int:
        """The pins that are wired, or driven from outside."""
        pins = int(self._places[Bank.DRIVEN])
        for wire in self.wires:
            pins |= wire
        return pins

    @property
    def wires(self) -> list[int]:
        """The pins that each wire connects, as masks."""
        places = self._places
        return [int(pins) for pins in places[Bank.WIRE : Bank.WIRE + places[Bank.WIRES]]]

    def watch(self, pins: int) -> None:
        """Have `on_watched` called when any of these pins changes: its level, or who drives it."""
        self._places[Bank.WATCHED] = pins
        self._find_noticed()

    def tell_watched(self) -> bool:
        """Call `on_watched` if there was a change since, and say whether there was."""
        places = self._places
        changed = bool(places[_CHANGED])
        if changed:
            end = Bank.HEARD_ENTRIES + 2 * int(places[Bank.HEARD])
            entries = places[Bank.HEARD_ENTRIES : end].reshape(-1, 2).tolist()
            places[[Bank.CHANGED, Bank.HEARD]] = 0
            self.on_watched([Heard(*entry) for entry in entries])
        return changed

    def set_input(self, pin: int, level: bool | None) -> None:
        """Drive a pin from outside; None lets go of it."""
        catch_up(self._machine, self._scheduler.cycles)
        bit, places = 1 << pin, self._places
        driven, high = int(places[Bank.DRIVEN]), int(places[Bank.DRIVEN_HIGH])
        places[Bank.DRIVEN] = driven & ~bit if level is None else driven | bit
        places[Bank.DRIVEN_HIGH] = high | bit if level else high & ~bit
        if int(places[Bank.DRIVEN]) != driven:
            self.on_change()
        self._settle()

    def wire(self, groups: Sequence[int]) -> None:
        """Connect the pins of each mask with each other; masks with a common pin are one wire.

        Raises SimError for too many.
        """
        joined: list[int] = []
        for pins in groups:
            apart = [other for other in joined if not other & pins]
            joined = [*apart, sum(set(joined) - set(apart)) | pins]
        if len(joined) > MAX_WIRES:
            raise SimError(f"{len(joined)} wires; there may be {MAX_WIRES}")
        self._places[Bank.WIRES] = len(joined)
        self._places[Bank.WIRE : Bank.WIRE + len(joined)] = joined
        self._find_noticed()
        self._settle()
        self.on_change()

    def override_of_output(self, pin: int) -> bool | None:
        """The level that OUTOVER forces; None if it forces none."""
        code = field(self[f"{self._pins[pin]}_CTRL"], 9, 8)
        return code == _HIGH if code in (_LOW, _HIGH) else None

    def _written(self, _value: int) -> None:
        self._refresh()

    def _mask_written(self, _value: int) -> None:
        """Masks by event out of the words by pin."""
        places = self._places
        for owner, label in enumerate(_OWNERS):
            for kind, first in (("INTE", Bank.WANTED), ("INTF", Bank.FORCED)):
                words = [self[f"{label}_{kind}{suffix}"] for suffix in self._suffixes]
                nibbles = np.repeat(words, 8)[: len(self._pins)] >> self._shifts
                for event in range(4):
                    places[first + 4 * owner + event] = self._mask(nibbles >> event & 1)
        self._find_noticed()
        self._drive_lines()

    def _find_noticed(self) -> None:
        """The pins of whose changes somebody is told, and whether nothing stands behind any."""
        places = self._places
        noticed = int(np.bitwise_or.reduce(places[Bank.WANTED : Bank.WANTED + 8]))
        noticed |= int(places[Bank.WATCHED])
        for wire in self.wires:
            noticed |= wire if wire & noticed else 0
        overrides = places[Bank.OUT_OVER : Bank.OUTPUT_DISABLED]
        places[Bank.NOTICED] = noticed
        places[Bank.PLAIN] = not (noticed or self.wires or overrides.any())
        chip = self._machine.chip
        if chip[Chip.DEVICES_ON]:  # they say anew when they change what somebody notices
            chip[Chip.DEVICES_AT] = min(int(chip[Chip.DEVICES_AT]), self._scheduler.cycles)

    def _refresh(self) -> None:
        places = self._places
        controls = np.array([self[f"{label}_CTRL"] for label in self._pins])
        for function in range(FUNCTIONS):
            places[Bank.FUNCTION + function] = self._mask(controls & _NULL == function)
        for place, high in _OVERRIDES:
            codes = controls >> high - 1 & 3
            for index, wanted in enumerate((_INVERT, _LOW, _HIGH)):
                places[place + index] = self._mask(codes == wanted)
        pads = self._pads
        places[Bank.OUTPUT_DISABLED] = pads.output_disabled
        places[Bank.INPUT_ENABLED] = pads.input_enabled
        i2c = self.pins_of(I2C)  # whose lines have pull-ups outside, by UM10204, 3.1.1
        places[Bank.PULLED_UP] = pads.pulled_up | i2c
        places[Bank.PULLED_DOWN] = pads.pulled_down & ~i2c
        self._find_noticed()
        self._settle()
        self.on_change()

    def _mask(self, of_pins: npt.NDArray[Any]) -> int:
        """The pins for which there is a one, as a mask."""
        return int(of_pins @ self._bits)

    def _settle(self) -> None:
        machine = self._machine
        _settle_pins(*machine.cores, machine.chip, self._at, self._scheduler.cycles)
        self.tell_watched()

    def _drive_lines(self) -> None:
        machine = self._machine
        _drive_lines(*machine.cores, machine.chip, self._at, self._scheduler.cycles)

    def _raw(self, word: int) -> int:
        places = self._places
        levels, risen, fallen = (
            int(places[place]) for place in (Bank.IRQ_LEVELS, Bank.RISEN, Bank.FALLEN)
        )
        value = 0
        for slot in range(min(8, len(self._pins) - 8 * word)):
            pin = 8 * word + slot
            events = 2 if levels >> pin & 1 else 1
            events |= (fallen >> pin & 1) << _EDGE_LOW | (risen >> pin & 1) << _EDGE_HIGH
            value |= events << 4 * slot
        return value

    def _status_of(self, owner: int, word: int) -> int:
        suffix = self._suffixes[word]
        enable, force = (self[f"{_OWNERS[owner]}_{kind}{suffix}"] for kind in ("INTE", "INTF"))
        return self._raw(word) & enable | force

    def _clear_edges(self, word: int, value: int) -> None:
        for place, event in ((Bank.FALLEN, _EDGE_LOW), (Bank.RISEN, _EDGE_HIGH)):
            cleared = sum((value >> 4 * slot + event & 1) << 8 * word + slot for slot in range(8))
            self._places[place] &= ~cleared
        self._drive_lines()

    def _status(self, pin: int) -> int:
        places = self._places
        at = {
            8: Bank.FROM_PERIPHERAL,
            9: Bank.PAD_OUT,
            12: Bank.ENABLE_FROM_PERIPHERAL,
            13: Bank.PAD_ENABLE,
            17: Bank.FROM_PAD,
            19: Bank.INPUTS,
            24: Bank.FROM_PAD,
            26: Bank.IRQ_LEVELS,
        }
        return sum((int(places[place]) >> pin & 1) << bit for bit, place in at.items())
