"""PADS_BANK0 and PADS_QSPI: pulls and input enable. Source: RP2040 datasheet, 2.19.6."""

from collections.abc import Callable

from priot.sim.peripherals.registers import Register, RegisterBlock

_OUTPUT_DISABLE, _INPUT_ENABLE, _PULL_UP, _PULL_DOWN = 1 << 7, 1 << 6, 1 << 3, 1 << 2


class Pads(RegisterBlock):
    """A bank of pads in which bit n of every mask is pin n.

    Args:
        pads: name and reset value of each, in the order of their registers.
        pins: the names again in the order of the pins; pads not named are no GPIO.

    Attributes:
        on_change: called after any change; set by the bank of pins behind the pads.
    """

    def __init__(self, name: str, base: int, pads: dict[str, int], pins: tuple[str, ...]) -> None:
        self.name, self.base = name, base
        self._pins = pins
        self.on_change: Callable[[], None] = lambda: None
        super().__init__(
            Register(0, "VOLTAGE_SELECT", 0, 0x1),
            *(
                Register(4 + 4 * index, pad, value, 0xFF, on_write=self._refresh)
                for index, (pad, value) in enumerate(pads.items())
            ),
        )
        self.reset()

    def reset(self) -> None:
        """Give all pads their reset values."""
        super().reset()
        self._refresh(0)

    def _refresh(self, _value: int) -> None:
        self.output_disabled = self._mask(_OUTPUT_DISABLE)
        self.input_enabled = self._mask(_INPUT_ENABLE)
        self.pulled_up = self._mask(_PULL_UP)
        self.pulled_down = self._mask(_PULL_DOWN)
        self.on_change()

    def _mask(self, bit: int) -> int:
        return sum(1 << pin for pin, label in enumerate(self._pins) if self[label] & bit)
