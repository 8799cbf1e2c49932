"""The lines of an SPI controller with the devices that are wired to them, word by word."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from priot.sim.peripherals.serial_pins import SpiPins
from priot.sim.peripherals.spi_waves import Frame


class SpiDevice(Protocol):
    """Something outside the chip that is wired to SCK, MOSI, MISO and perhaps a chip select."""

    def select(self) -> None:
        """Its chip select goes low."""
        ...

    def deselect(self) -> None:
        """Its chip select goes high."""
        ...

    def transfer(self, word: int, bits: int) -> int | None:
        """A word of so many bits from the master while selected.

        Returns:
            the word that it sends meanwhile; None: it leaves MISO alone.

        In the Microwire format, where the master sends before it listens, `word` has 8 bits and
        the answer `bits`.
        """
        ...


class Beginning(NamedTuple):
    """Of a word: how it is sent, whether it is the first of its frame, the count of clk_peri, and
    how many make half a bit."""

    frame: Frame
    first: bool
    at: int
    half: int


class SpiSlave(SpiDevice, Protocol):
    """A controller of the chip itself as a device."""

    def begin_word(self, begun: Beginning) -> None:
        """The first bit of a word that it will be asked for; it may show its answer on pins."""
        ...


@dataclass
class _Attached:
    device: SpiDevice
    wants: Callable[[bool], bool]  # whether it is selected, in a frame or outside
    selected: bool = False
    hears: bool = False  # it has been selected since the word began


class _WiredSlave:
    """Another controller as a device: what the wires between both let through."""

    def __init__(self, slave: SpiSlave, pins: SpiPins, master: SpiPins) -> None:
        self._pins, self._master = pins, master
        self.select, self.deselect = slave.select, slave.deselect
        self.begin_word = slave.begin_word
        self._slave = slave

    @property
    def selected_by(self) -> int:
        return self._pins.selected_by

    def is_selected(self, in_frame: bool) -> bool:
        pins, master = self._pins, self._master
        return pins.is_clocked_by(master) and pins.is_selected_by(master, in_frame)

    def transfer(self, word: int, bits: int) -> int | None:
        answer = self._slave.transfer(word if self._pins.hears(self._master) else 0, bits)
        return answer if self._pins.answers(self._master) else None


class SpiBus:
    """Passes words to the devices that are selected.

    Args:
        pins: the controller's pins.
        before_select: called before a chip select that a program drives is looked at: words that
            ended before belong to whom was selected before.
    """

    def __init__(self, pins: SpiPins, before_select: Callable[[], None]) -> None:
        self._pins = pins
        self._before_select = before_select
        self._attached: list[_Attached] = []
        self._own_selects = 0
        self._slaves: list[tuple[_Attached, _WiredSlave]] = []
        self._in_frame = False

    def attach(self, device: SpiDevice, chip_select: int | None) -> None:
        """Wire a device to the bus; without a chip select it always listens."""
        if chip_select is None:
            self._attached.append(_Attached(device, lambda _: True))
        else:
            self._own_selects |= 1 << chip_select
            self._attached.append(
                _Attached(device, lambda in_frame: self._pins.selects(chip_select, in_frame))
            )
        self._refresh()

    def attach_slave(self, slave: SpiSlave, pins: SpiPins) -> None:
        """Let another controller be a device, as far as its pins are wired to this one's."""
        wired = _WiredSlave(slave, pins, self._pins)
        self._attached.append(_Attached(wired, wired.is_selected))
        self._slaves.append((self._attached[-1], wired))

    @property
    def selecting_pins(self) -> int:
        """The pins whose changes `look` must hear of, as a mask."""
        mask = self._own_selects
        for _, slave in self._slaves:
            mask |= slave.selected_by
        return mask

    def look(self) -> None:
        """A pin that may select a device changed."""
        self._before_select()
        self._refresh()

    def frame(self, begins: bool) -> None:
        """The controller's own chip select goes low, or high."""
        self._in_frame = begins
        self._refresh()

    def begin_word(self, begun: Beginning) -> None:
        """The first bit of a word."""
        self._refresh()
        for one in self._attached:
            one.hears = one.selected
        for attached, slave in self._slaves:
            if attached.hears:
                slave.begin_word(begun)

    def transfer(self, word: int, bits: int, sent_bits: int) -> int:
        """The last bit of a word; the word that came back, as wide as `bits`."""
        pins = self._pins
        ones = (1 << bits) - 1
        word = word & (1 << sent_bits) - 1 if pins.sends else 0
        level = ones if pins.input_level else 0
        if not pins.clocks:
            return level
        answers = [one.device.transfer(word, bits) for one in self._attached if one.hears]
        driven = [answer & ones for answer in answers if answer is not None]
        if pins.echoes:
            driven.append(word & ones)
        if not driven or not pins.receives:
            return level
        received = ones
        for answer in driven:
            received &= answer
        return received

    def _refresh(self) -> None:
        for one in self._attached:
            selected = one.wants(self._in_frame)
            if selected != one.selected:
                one.selected, one.hears = selected, False
                if selected:
                    one.device.select()
                else:
                    one.device.deselect()
