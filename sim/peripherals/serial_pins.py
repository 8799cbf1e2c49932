"""Which pins reach I2C and SPI. Source: RP2040 datasheet, 1.4.3 (GPIO functions)."""

from collections.abc import Callable

from sim.peripherals.io_bank import IoBank

GPIOS = 30

_SPI, _I2C = 1, 3  # FUNCSEL
_RX, _CS, _SCK, _TX = range(4)


class I2cPins:
    """SDA and SCL of one controller; I2C0 and I2C1 take turns, two pins each."""

    def __init__(self, bank: IoBank, number: int) -> None:
        self._bank = bank
        pins = [pin for pin in range(GPIOS) if pin // 2 % 2 == number]
        self._of_line = pins[0::2], pins[1::2]

    def reach_bus(self) -> bool:
        """Whether there is a pin for each line."""
        return all(any(self._bank.function(pin) == _I2C for pin in pins) for pins in self._of_line)


class SpiPins:
    """Pins of one controller: of each eight, RX, CSn, SCK and TX come twice; see spi_bus."""

    def __init__(self, bank: IoBank, number: int) -> None:
        self._bank = bank
        self._pins = [pin for pin in range(GPIOS) if pin // 8 % 2 == number]

    def _of(self, role: int) -> list[int]:
        return [p for p in self._pins if p % 4 == role and self._bank.function(p) == _SPI]

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
        return any(self._bank.inputs >> pin & 1 for pin in self._of(_RX))

    def is_frame_select(self, pin: int) -> bool:
        """Whether a pin is this controller's own chip select."""
        return pin in self._of(_CS)

    def is_driven_low(self, pin: int) -> bool:
        """Whether the chip drives a pin low."""
        levels, driven = self._bank.outputs
        return bool(driven & ~levels & 1 << pin)

    def watch(self, pin: int, on_change: Callable[[], None]) -> None:
        """Have a function called after each change of what the chip drives a pin to."""
        self._bank.watch(pin, on_change)
