"""Packets of the GDB remote serial protocol: `$payload#checksum`. GDB manual, E.1 (Overview)."""

from collections.abc import Iterator
from enum import Enum, auto

MAX_PACKET = 0x4000  # bytes of a payload, as told to GDB

_START, _END, _ESCAPE, _RUN_LENGTH = b"$#}*"
_ESCAPED = bytes((_START, _END, _ESCAPE, _RUN_LENGTH))
_FLIPPED = 0x20
_CHECKSUM_DIGITS = 2


class Signal(Enum):
    """What GDB sends beside packets."""

    ACK = auto()
    NACK = auto()
    INTERRUPT = auto()  # Ctrl-C: byte 0x03 outside of a packet
    DAMAGED = auto()  # a packet whose checksum is wrong, or that is too long


_SIGNALS = {ord("+"): Signal.ACK, ord("-"): Signal.NACK, 0x03: Signal.INTERRUPT}


def encode(payload: bytes) -> bytes:
    """The packet for a payload, what has a meaning of its own escaped."""
    body = bytearray()
    for byte in payload:
        body += bytes((_ESCAPE, byte ^ _FLIPPED)) if byte in _ESCAPED else bytes((byte,))
    return b"$%b#%02x" % (bytes(body), sum(body) & 0xFF)


def _unescape(body: bytes) -> bytes:
    first, *escaped = body.split(b"}")
    return first + b"".join(part[:1].translate(_FLIP) + part[1:] for part in escaped)


_FLIP = bytes(byte ^ _FLIPPED for byte in range(256))


class Decoder:
    """Takes a stream of bytes apart; any bytes whatever give packets and signals, no error."""

    def __init__(self) -> None:
        self._packet: bytearray | None = None  # behind a "$", with its checksum's first digits
        self._end = -1  # where the "#" stands in it

    def feed(self, data: bytes) -> Iterator[bytes | Signal]:
        """The payloads and signals that `data` completes; what lies between packets is dropped."""
        for byte in data:
            if byte == _START:  # perhaps again, after a packet that was cut off
                self._packet, self._end = bytearray(), -1
            elif self._packet is None:
                if byte in _SIGNALS:
                    yield _SIGNALS[byte]
            else:
                yield from self._add(self._packet, byte)

    def _add(self, packet: bytearray, byte: int) -> Iterator[bytes | Signal]:
        if byte == _END and self._end < 0:
            self._end = len(packet)
        packet.append(byte)
        complete = self._end >= 0 and len(packet) == self._end + 1 + _CHECKSUM_DIGITS
        if complete or len(packet) > 2 * MAX_PACKET:
            body, digits = bytes(packet[: self._end]), bytes(packet[self._end + 1 :])
            valid = complete and digits.lower() == b"%02x" % (sum(body) & 0xFF)
            self._packet, self._end = None, -1
            yield _unescape(body) if valid else Signal.DAMAGED
