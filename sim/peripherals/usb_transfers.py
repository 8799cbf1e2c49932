"""What a USB host's drivers ask of the bus: transactions, put together to transfers.

A driver is a generator: it yields a Transaction or a Pause and is sent the bytes of each IN
transaction; StallError and NoAnswerError are raised where it waits. Source: USB 2.0, 8.5.
"""

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from struct import pack
from typing import TypeVar

from priot.sim.errors import SimError
from priot.sim.peripherals.scheduler import NEVER
from priot.sim.peripherals.usb_descriptors import Endpoint

FRAME = 12_000
"""Bits of a full-speed frame, one millisecond."""

T = TypeVar("T")


class UsbError(SimError):
    """A transfer went wrong."""


class StallError(UsbError):
    """The device refuses."""


class NoAnswerError(UsbError):
    """The device does not answer."""


class Token(Enum):
    """The token packet that begins a transaction (USB 2.0, 8.4.1)."""

    SETUP = "SETUP"
    IN = "IN"
    OUT = "OUT"


@dataclass(frozen=True)
class Transaction:
    """One transaction with an endpoint by its number.

    Attributes:
        data: of SETUP and OUT.
        packet: the most bytes that IN may bring.
    """

    kind: Token
    endpoint: int
    data: bytes = b""
    packet: int = 0


@dataclass(frozen=True)
class Pause:
    """Nothing for some bits of time."""

    bits: int


UNTIL_WOKEN = Pause(NEVER)
"""Nothing until there is something to do."""

Steps = Generator[Transaction | Pause, bytes, T]


class Request:
    """A transfer that the caller asked for.

    Attributes:
        data: what came, once it is `done`.
        error: why it failed.
    """

    def __init__(self, steps: Steps[bytes]) -> None:
        self.steps = steps
        self.data = b""
        self.done = False
        self.error: UsbError | None = None


def pause(milliseconds: int) -> Pause:
    """Nothing for some milliseconds."""
    return Pause(milliseconds * FRAME)


def read(endpoint: Endpoint, length: int) -> Steps[bytes]:
    """A transfer from an endpoint: `length` bytes, or less with a short packet."""
    data = b""
    while len(data) < length:
        part = yield Transaction(Token.IN, endpoint.number, packet=endpoint.packet)
        data += part
        if len(part) < endpoint.packet:
            break
    return data[:length]


def write(endpoint: Endpoint, data: bytes) -> Steps[bytes]:
    """A transfer to an endpoint, in packets of its size; returns b""."""
    for at in range(0, max(1, len(data)), endpoint.packet):
        yield Transaction(Token.OUT, endpoint.number, data[at : at + endpoint.packet])
    return b""


def control(
    endpoint: Endpoint, request_type: int, request: int, value: int, index: int, data: bytes | int
) -> Steps[bytes]:
    """A control transfer: of `data` to the device, or of so many bytes from it (8.5.3)."""
    length = data if isinstance(data, int) else len(data)
    setup = pack("<BBHHH", request_type, request, value, index, length)
    yield Transaction(Token.SETUP, endpoint.number, setup)
    if isinstance(data, int) and data:
        came = yield from read(endpoint, length)
        yield Transaction(Token.OUT, endpoint.number)
        return came
    if isinstance(data, bytes) and data:
        yield from write(endpoint, data)
    yield Transaction(Token.IN, endpoint.number, packet=endpoint.packet)
    return b""
