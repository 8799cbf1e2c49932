"""A NOR flash on SPI. Source: Winbond W25Q16JV datasheet, 8.1.2 (instruction set), 8.2."""

_PROGRAM, _READ, _WRITE_DISABLE, _STATUS, _WRITE_ENABLE = range(0x02, 0x07)
_FAST_READ, _IDENTITY = 0x0B, 0x9F
_ERASES = {0x20: 1 << 12, 0x52: 1 << 15, 0xD8: 1 << 16}
_ERASES_ALL = (0xC7, 0x60)
_PAGE = 256
_WEL = 1 << 1  # status
_ADDRESS_BYTES = 3
_IDLE = 0xFF


class SpiNorFlash:
    """Commands of eight bits; erases and programs at once, when it is deselected.

    Args:
        size: bytes, a power of two of 64 KB or more.

    Attributes:
        contents: all bytes, erased to begin with; the host may change them.
    """

    def __init__(self, size: int = 1 << 21) -> None:
        if size < 1 << 16 or size & size - 1:
            raise ValueError(f"{size} bytes; a flash has a power of two, 65,536 or more")
        self.contents = bytearray(b"\xff") * size
        self._status = 0
        self._received = bytearray()

    def select(self) -> None:
        """See SpiDevice."""
        self._received.clear()

    def transfer(self, word: int, bits: int) -> int:
        """See SpiDevice."""
        answer = _IDLE
        for at in range(bits - 8, -1, -8):
            answer = answer << 8 | self._exchange(word >> at & 0xFF)
        return answer & (1 << bits) - 1

    def deselect(self) -> None:
        """See SpiDevice."""
        if not self._received:
            return
        command, data = self._received[0], bytes(self._received[1 + _ADDRESS_BYTES :])
        if command == _WRITE_ENABLE:
            self._status |= _WEL
            return
        if self._status & _WEL and len(self._received) > _ADDRESS_BYTES:
            if command == _PROGRAM:
                self._program(data)
            elif command in _ERASES:
                size = _ERASES[command]
                first = self._address & -size
                self.contents[first : first + size] = b"\xff" * size
        elif self._status & _WEL and command in _ERASES_ALL:
            self.contents[:] = b"\xff" * len(self.contents)
        if command in (_PROGRAM, _WRITE_DISABLE, *_ERASES, *_ERASES_ALL):
            self._status &= ~_WEL

    @property
    def _address(self) -> int:
        return int.from_bytes(self._received[1 : 1 + _ADDRESS_BYTES], "big") % len(self.contents)

    def _program(self, data: bytes) -> None:
        page, at = self._address & -_PAGE, self._address % _PAGE
        for index, byte in enumerate(data):
            self.contents[page + (at + index) % _PAGE] &= byte

    def _exchange(self, byte: int) -> int:
        position = len(self._received)  # of this byte
        self._received.append(byte)
        if not position:
            return _IDLE
        command = self._received[0]
        if command == _STATUS:
            return self._status
        if command == _IDENTITY and position <= _ADDRESS_BYTES:
            return (0xEF, 0x40, len(self.contents).bit_length() - 1)[position - 1]
        data_at = 1 + _ADDRESS_BYTES + (command == _FAST_READ)
        if command in (_READ, _FAST_READ) and position >= data_at:
            return self.contents[(self._address + position - data_at) % len(self.contents)]
        return _IDLE
