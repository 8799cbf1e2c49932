"""IO_BANK0 and IO_QSPI: function, overrides and interrupts of each pin.

Source: RP2040 datasheet, 2.19. Of a pin's functions SIO alone drives it; a pin given to any other
block is not driven. A pin that nobody drives follows what the host sets, else its pull.
"""

from collections.abc import Callable
from functools import partial

from sim.peripherals.interrupts import InterruptLine
from sim.peripherals.pads import Pads
from sim.peripherals.registers import ALL_BITS, Register, RegisterBlock, field

_CTRL = 0x3003_331F
_SIO, _NULL = 5, 0x1F  # FUNCSEL
_INVERT, _LOW, _HIGH = 1, 2, 3  # overrides
_EDGES = 0xCCCC_CCCC  # EDGE_LOW and EDGE_HIGH of eight pins
_EDGES = 0xCCCC_CCCC  # of the four events of each pin
_INTERRUPT_SETS = ("PROC0", "PROC1", "DORMANT_WAKE")


class _Override:
    """One kind of override of all pins, as bit masks."""

    def __init__(self) -> None:
        self._inverted = self._low = self._high = 0

    def set(self, pin: int, code: int) -> None:
        bit = 1 << pin
        for name, wanted in (("_inverted", _INVERT), ("_low", _LOW), ("_high", _HIGH)):
            mask = getattr(self, name) & ~bit
            setattr(self, name, mask | bit if code == wanted else mask)

    def apply(self, levels: int) -> int:
        return (levels ^ self._inverted) & ~self._low | self._high


class IoBank(RegisterBlock):
    """A bank of pins, bit n of every mask being pin n.

    Attributes:
        on_change: called after any change of a register.
    """

    def __init__(
        self, name: str, base: int, pins: tuple[str, ...], pads: Pads, line: InterruptLine
    ) -> None:
        self.name, self.base = name, base
        self.on_change: Callable[[], None] = lambda: None
        self._pins = pins
        self._watchers: list[tuple[int, Callable[[], None]]] = []
        self._pad_out = self._pad_enable = 0
        self._pads = pads
        self._line = line
        self._all = (1 << len(pins)) - 1
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
        for owner in _INTERRUPT_SETS:
            for kind in ("INTE", "INTF", "INTS"):
                at += 4 * len(self._suffixes)
                for word, suffix in enumerate(self._suffixes):
                    name = f"{owner}_{kind}{suffix}"
                    register = Register(at + 4 * word, name, on_write=self._mask_written)
                    if kind == "INTS":
                        status = partial(self._status_of, owner, word)
                        register = Register(at + 4 * word, name, 0, 0, status)
                    registers.append(register)
        return registers

    def reset(self) -> None:
        """No function on any pin, no input from outside, no interrupt."""
        super().reset()
        self._sio = self._sio_out = self._sio_enable = 0
        self._driven = self._host_levels = 0
        self._levels = self._irq_levels = 0
        self._edges = [0 for _ in self._suffixes]
        self._out, self._enable, self._in, self._irq = (_Override() for _ in range(4))
        self._refresh()
        self._edges = [0 for _ in self._suffixes]
        self._drive()

    @property
    def inputs(self) -> int:
        """What the peripherals see of all pins, behind the input override."""
        return self._in.apply(self._from_pad) & self._all

    @property
    def outputs(self) -> tuple[int, int]:
        """Levels that the chip drives, and the pins that it drives."""
        return self._pad_out, self._pad_enable

    def function(self, pin: int) -> int:
        """FUNCSEL of a pin."""
        return self[f"{self._pins[pin]}_CTRL"] & 0x1F

    def watch(self, pin: int, on_change: Callable[[], None]) -> None:
        """Have a function called after each change of what the chip drives a pin to."""
        self._watchers.append((1 << pin, on_change))

    def drive(self, out: int, enable: int) -> None:
        """What SIO puts out: levels and output enables."""
        self._sio_out, self._sio_enable = out, enable
        self._settle()

    def set_input(self, pin: int, level: bool | None) -> None:
        """Drive a pin from outside; None lets go of it."""
        bit = 1 << pin
        self._driven = self._driven & ~bit if level is None else self._driven | bit
        self._host_levels = self._host_levels | bit if level else self._host_levels & ~bit
        self._settle()

    def override_of_output(self, pin: int) -> bool | None:
        """The level that OUTOVER forces; None if it forces none."""
        code = field(self[f"{self._pins[pin]}_CTRL"], 9, 8)
        return code == _HIGH if code in (_LOW, _HIGH) else None

    def _written(self, _value: int) -> None:
        self._refresh()

    def _mask_written(self, _value: int) -> None:
        self._drive()

    def _refresh(self) -> None:
        self._sio = 0
        for pin, label in enumerate(self._pins):
            control = self[f"{label}_CTRL"]
            self._sio |= (control & 0x1F == _SIO) << pin
            self._out.set(pin, field(control, 9, 8))
            self._enable.set(pin, field(control, 13, 12))
            self._in.set(pin, field(control, 17, 16))
            self._irq.set(pin, field(control, 29, 28))
        self._settle()
        self.on_change()

    def _settle(self) -> None:
        """Let the pins take the levels that all registers and the host give them."""
        before = self._irq_levels
        was_out, was_driven = self._pad_out, self._pad_enable
        pads = self._pads
        self._pad_out = self._out.apply(self._sio_out & self._sio) & self._all
        self._pad_enable = (
            self._enable.apply(self._sio_enable & self._sio) & self._all & ~pads.output_disabled
        )
        # 2.19.4.1: both pulls together keep the last level.
        pulled = pads.pulled_up & ~pads.pulled_down | pads.pulled_up & self._levels
        undriven = self._host_levels & self._driven | pulled & ~self._driven
        self._levels = self._pad_out & self._pad_enable | undriven & ~self._pad_enable
        self._from_pad = self._levels & pads.input_enabled
        self._irq_levels = self._irq.apply(self._from_pad) & self._all
        self._note_edges(before & ~self._irq_levels, self._irq_levels & ~before)
        changed = was_out ^ self._pad_out | was_driven ^ self._pad_enable
        for pins, on_change in self._watchers:
            if changed & pins:
                on_change()

    def _note_edges(self, fallen: int, risen: int) -> None:
        changed = fallen | risen
        pin = 0
        while changed >> pin:
            if changed >> pin & 1:
                edge = 8 if risen >> pin & 1 else 4
                self._edges[pin // 8] |= edge << 4 * (pin % 8)
            pin += 1
        self._drive()

    def _raw(self, word: int) -> int:
        value = self._edges[word]
        for slot in range(min(8, len(self._pins) - 8 * word)):
            high = self._irq_levels >> 8 * word + slot & 1
            value |= (2 if high else 1) << 4 * slot
        return value

    def _status_of(self, owner: str, word: int) -> int:
        enable, force = (self[f"{owner}_{kind}{self._suffixes[word]}"] for kind in ("INTE", "INTF"))
        return (self._raw(word) & enable if enable else 0) | force

    def _drive(self) -> None:
        self._line.set(any(self._status_of("PROC0", word) for word in range(len(self._suffixes))))

    def _clear_edges(self, word: int, value: int) -> None:
        self._edges[word] &= ~(value & _EDGES) & ALL_BITS
        self._drive()

    def _status(self, pin: int) -> int:
        at = {
            8: self._sio_out & self._sio,
            9: self._pad_out,
            12: self._sio_enable & self._sio,
            13: self._pad_enable,
            17: self._from_pad,
            19: self.inputs,
            24: self._from_pad,
            26: self._irq_levels,
        }
        return sum((levels >> pin & 1) << bit for bit, levels in at.items())
