"""The identity of a Pico's flash chip, as commands over SPI ask for it.

Source: Winbond W25Q16JV datasheet, 8.1.2 (instruction set). Commands that read, program or erase
data are not modelled: the boot ROM's functions do that.
"""

# Command -> bytes that follow it, dummy bytes included. Behind them the line stays high.
_ANSWERS = {
    0x05: (0x00,),  # status 1: ready, writes disabled
    0x35: (0x02,),  # status 2: quad enabled
    0x9F: (0xEF, 0x40, 0x15),  # manufacturer, type, capacity of 2^21 bytes
    0x4B: (0xFF,) * 4 + (0xE6, 0x60, 0x20, 0x40, 0x50, 0x49, 0x43, 0x4F),  # unique ID
}
_REPEATED = {0x05, 0x35}  # status is sent for as long as it is clocked out
_IDLE = 0xFF


class SpiFlash:
    """Answers one byte for each byte that it is sent while selected."""

    def __init__(self) -> None:
        self._command: int | None = None
        self._position = 0

    def deselect(self) -> None:
        """Chip select high: the next byte is a command."""
        self._command = None

    def exchange(self, byte: int) -> int:
        """Clock one byte in and one out."""
        if self._command is None:
            self._command, self._position = byte, 0
            return _IDLE
        answer = _ANSWERS.get(self._command, ())
        position = 0 if self._command in _REPEATED else self._position
        self._position += 1
        return answer[position] if position < len(answer) else _IDLE
