"""A device on I2C that is a row of bytes: an EEPROM, or the registers of a sensor."""


class I2cMemory:
    """The first byte of a write is the place; what follows is stored there, and read from there.

    The place goes up with each byte and from the last to the first (NXP PCF8570 and most sensors;
    Microchip 24AA02, 6.0 and 8.0, whose page wraps and programming time are not modelled).

    Args:
        contents: at most 256 bytes to begin with.

    Attributes:
        contents: the bytes; the host may change them.
        place: the next one.
    """

    def __init__(self, contents: bytes = bytes(256)) -> None:
        if not 0 < len(contents) <= 256:
            raise ValueError(f"{len(contents)} bytes; one byte tells 1 to 256 places apart")
        self.contents = bytearray(contents)
        self.place = 0
        self._expects_place = False

    def start(self, read: bool) -> bool:
        """See I2cDevice."""
        self._expects_place = not read
        return True

    def write(self, byte: int) -> bool:
        """See I2cDevice."""
        if self._expects_place:
            self.place = byte % len(self.contents)
            self._expects_place = False
        else:
            self.contents[self._next()] = byte
        return True

    def read(self) -> int:
        """See I2cDevice."""
        return self.contents[self._next()]

    def stop(self) -> None:
        """See I2cDevice."""

    def _next(self) -> int:
        place = self.place
        self.place = (place + 1) % len(self.contents)
        return place
