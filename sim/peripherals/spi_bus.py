"""The lines of an SPI controller with the devices that are wired to them, word by word."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class SpiDevice(Protocol):
    """Something outside the chip that is wired to SCK, MOSI, MISO and perhaps a chip select."""

    def select(self) -> None:
        """Its chip select goes low."""
        ...

    def deselect(self) -> None:
        """Its chip select goes high."""
        ...

    def transfer(self, word: int, bits: int) -> int:
        """A word of so many bits from the master while selected; the word that it sends meanwhile.

        In the Microwire format, where the master sends before it listens, `word` has 8 bits and
        the answer `bits`.
        """
        ...


@dataclass
class _Attached:
    device: SpiDevice
    chip_select: int | None
    is_framed: bool
    selected: bool = False


class SpiPins(Protocol):
    """What an SPI controller needs of the pins."""

    @property
    def sends(self) -> bool:
        """Whether a pin carries MOSI."""
        ...

    @property
    def clocks(self) -> bool:
        """Whether a pin carries SCK."""
        ...

    @property
    def receives(self) -> bool:
        """Whether a pin is the controller's input."""
        ...

    @property
    def input_level(self) -> bool:
        """Its level while no device drives it; low without a pin."""
        ...

    def is_frame_select(self, pin: int) -> bool:
        """Whether a pin is this controller's own chip select."""
        ...

    def is_driven_low(self, pin: int) -> bool:
        """Whether the chip drives a pin low."""
        ...

    def watch(self, pin: int, on_change: Callable[[], None]) -> None:
        """Have a function called after each change of what the chip drives a pin to."""
        ...


class SpiBus:
    """Passes words to the devices that are selected.

    Args:
        pins: the controller's pins.
        on_select: called before a chip select that a program drives is looked at: words that
            were sent before belong to whom was selected before.
    """

    def __init__(self, pins: SpiPins, on_select: Callable[[], None]) -> None:
        self._pins = pins
        self._on_select = on_select
        self._attached: list[_Attached] = []
        self._in_frame = False

    def attach(
        self, device: SpiDevice, chip_select: int | None = None, is_framed: bool = False
    ) -> None:
        """Wire a device to the bus.

        Args:
            chip_select: the pin that selects it; None: it always listens.
            is_framed: the controller's own chip select selects it, whatever pin carries that.
        """
        self._attached.append(_Attached(device, chip_select, is_framed))
        if chip_select is not None:
            self._pins.watch(chip_select, self._look)
        self._refresh()

    def frame(self, begins: bool) -> None:
        """The controller's own chip select goes low, or high."""
        self._in_frame = begins
        self._refresh()

    def transfer(self, word: int, bits: int, sent_bits: int) -> int:
        """Send a word to the devices; the word that comes back, as wide as `bits`."""
        self._refresh()
        ones = (1 << bits) - 1
        answer = ones if self._pins.input_level else 0
        if not self._pins.clocks:
            return answer
        if not self._pins.sends:
            word = 0
        answers = [
            one.device.transfer(word & (1 << sent_bits) - 1, bits) & ones
            for one in self._attached
            if one.selected
        ]
        if answers and self._pins.receives:
            answer = ones
            for driven in answers:
                answer &= driven
        return answer

    def _look(self) -> None:
        self._on_select()
        self._refresh()

    def _refresh(self) -> None:
        for one in self._attached:
            pin = one.chip_select
            if one.is_framed or (pin is not None and self._pins.is_frame_select(pin)):
                selected = self._in_frame
            elif pin is None:
                selected = True
            else:
                selected = self._pins.is_driven_low(pin)
            if selected != one.selected:
                one.selected = selected
                if selected:
                    one.device.select()
                else:
                    one.device.deselect()
