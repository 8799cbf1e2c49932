"""Which pins reach I2C and SPI. Source: RP2040 datasheet, 1.4.3 (GPIO functions)."""

from priot.sim.peripherals.io_bank import I2C, SPI, IoBank

GPIOS = 30

_RX, _CS, _SCK, _TX = range(4)


def _mask(pins: range | list[int]) -> int:
    return sum(1 << pin for pin in pins)


class I2cPins:
    """SDA and SCL of one controller; I2C0 and I2C1 take turns, two pins each."""

    def __init__(self, bank: IoBank, number: int) -> None:
        self._bank = bank
        pins = [pin for pin in range(GPIOS) if pin // 2 % 2 == number]
        self._of_line = [_mask(pins[0::2]), _mask(pins[1::2])]

    @property
    def lines(self) -> tuple[int, int]:
        """The pins that may be SDA, and SCL."""
        sda, scl = self._of_line
        return sda, scl

    def _pins(self) -> list[int]:
        carriers = self._bank.pins_of(I2C)
        return [pins & carriers for pins in self._of_line]

    def reach_bus(self) -> bool:
        """Whether there is a pin for each line."""
        return all(self._pins())

    def share_a_bus(self, other: "I2cPins") -> bool:
        """Whether SDA is wired to SDA, and SCL to SCL."""
        return all(
            any(wire & own and wire & of_other for wire in self._bank.wires)
            for own, of_other in zip(self._pins(), other._pins(), strict=True)
        )


class SpiPins:
    """Pins of one controller: of each eight, RX, CSn, SCK and TX come twice."""

    def __init__(self, bank: IoBank, number: int) -> None:
        self._bank = bank
        pins = [pin for pin in range(GPIOS) if pin // 8 % 2 == number]
        self._of_role = [_mask([pin for pin in pins if pin % 4 == role]) for role in range(4)]

    @property
    def outputs(self) -> tuple[int, int, int]:
        """The pins that may be chip select, clock, and the controller's output."""
        return self._of_role[_CS], self._of_role[_SCK], self._of_role[_TX]

    def _of(self, role: int) -> int:
        return self._of_role[role] & self._bank.pins_of(SPI)

    def _are_wired(self, first: int, second: int) -> bool:
        return any(wire & first and wire & second for wire in self._bank.wires)

    @property
    def sends(self) -> bool:
        """Whether a pin carries MOSI."""
        return bool(self._of(_TX))

    @property
    def clocks(self) -> bool:
        """Whether a pin carries SCK."""
        return bool(self._of(_SCK))

    @property
    def receives(self) -> bool:
        """Whether a pin is the controller's input."""
        return bool(self._of(_RX))

    @property
    def input_level(self) -> bool:
        """Its level while no device drives it; low without a pin."""
        return bool(self._bank.inputs & self._of(_RX))

    @property
    def echoes(self) -> bool:
        """Whether the controller's output is wired to its input."""
        return self._are_wired(self._of(_TX), self._of(_RX))

    def selects(self, pin: int, in_frame: bool) -> bool:
        """Whether a pin is low that selects a device.

        The controller's own chip select is low in a frame; a pin that nobody drives is high, since
        devices pull theirs up.
        """
        if self._of(_CS) >> pin & 1:
            return in_frame
        levels, driven = self._bank.outputs
        return bool(driven & ~levels & 1 << pin)

    # Of a slave, and another controller that is its master.

    @property
    def selected_by(self) -> int:
        """The pins that select it and are wired to anything."""
        wired = 0
        for wire in self._bank.wires:
            wired |= wire
        return self._of(_CS) & wired

    def is_clocked_by(self, master: "SpiPins") -> bool:
        """Whether SCK is wired to the master's."""
        return self._are_wired(self._of(_SCK), master._of(_SCK))

    def is_selected_by(self, master: "SpiPins", in_frame: bool) -> bool:
        """Whether its chip select is low: the master's in a frame, any other pin by its level."""
        if self._are_wired(self._of(_CS), master._of(_CS)):
            return in_frame
        return not self._bank.inputs & self._of(_CS)

    def hears(self, master: "SpiPins") -> bool:
        """Whether its input is wired to the master's output."""
        return self._are_wired(self._of(_RX), master._of(_TX))

    def answers(self, master: "SpiPins") -> bool:
        """Whether its output is wired to the master's input."""
        return self._are_wired(self._of(_TX), master._of(_RX))
