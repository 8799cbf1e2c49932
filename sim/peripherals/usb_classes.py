"""Drivers of the host: serial ports (CDC 1.1, ACM), HID 1.11, and disks (bulk-only 1.0, SCSI)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from struct import pack, unpack
from typing import TYPE_CHECKING

from priot.sim.peripherals.usb_descriptors import DescriptorType, Endpoint, EndpointKind, Interface
from priot.sim.peripherals.usb_transfers import (
    UNTIL_WOKEN,
    StallError,
    Steps,
    UsbError,
    pause,
    read,
    write,
)

if TYPE_CHECKING:
    from priot.sim.peripherals.usb_host import UsbHost

_TO_INTERFACE, _FROM_INTERFACE = 0x21, 0xA1  # class requests

_CDC, _ACM, _CDC_DATA = 0x02, 0x02, 0x0A
_SET_LINE_CODING, _SET_CONTROL_LINE_STATE = 0x20, 0x22
_BAUD = 115_200
_DTR_RTS = 3
_UNION = 6  # subtype of a CDC interface's descriptor

_HID = 0x03
_GET_DESCRIPTOR, _SET_REPORT, _SET_IDLE = 0x06, 0x09, 0x0A
_OUTPUT_REPORT = 2

_MASS_STORAGE, _SCSI, _BULK_ONLY = 0x08, 0x06, 0x50
_GET_MAX_LUN = 0xFE
_TEST_UNIT_READY, _REQUEST_SENSE, _INQUIRY, _READ_CAPACITY, _READ = 0x00, 0x03, 0x12, 0x25, 0x28
_ASKED = 5  # whether a disk is ready
_ASK_AGAIN = 50  # ms


class SerialPort:
    """A CDC-ACM interface, opened at 115,200 baud with DTR and RTS as a terminal does it.

    Attributes:
        received: all that the device has sent.
        on_data: called with each piece of it.
        outgoing: what is to be sent.
    """

    def __init__(self, host: UsbHost, control: Interface, bulk_in: Endpoint, bulk_out: Endpoint):
        self._host, self._control = host, control
        self._in, self._out = bulk_in, bulk_out
        self.received = bytearray()
        self.outgoing = bytearray()
        self.on_data: Callable[[bytes], None] = lambda _: None

    @classmethod
    def of(
        cls, host: UsbHost, interface: Interface, interfaces: Mapping[int, Interface]
    ) -> SerialPort | None:
        """The port whose control interface it is."""
        if (interface.interface_class, interface.subclass) != (_CDC, _ACM):
            return None
        number = interface.number + 1
        for other in interface.others:
            if other[1:3] == bytes((DescriptorType.CS_INTERFACE, _UNION)) and len(other) >= 5:
                number = other[4]
        data = interfaces.get(number)
        if data is None or data.interface_class != _CDC_DATA:
            return None
        bulk_in = data.endpoint(EndpointKind.BULK, True)
        bulk_out = data.endpoint(EndpointKind.BULK, False)
        return cls(host, interface, bulk_in, bulk_out) if bulk_in and bulk_out else None

    @property
    def endpoint(self) -> int:
        """The number of the one that it reads."""
        return self._in.number

    def send(self, data: bytes) -> None:
        """Send bytes to the device."""
        self.outgoing += data
        self._host.wake()

    def open(self) -> Steps[None]:
        """Set the line up, and read and write from then on."""
        number = self._control.number
        coding = pack("<IBBB", _BAUD, 0, 0, 8)
        yield from self._host.request(_TO_INTERFACE, _SET_LINE_CODING, 0, number, coding)
        yield from self._host.request(_TO_INTERFACE, _SET_CONTROL_LINE_STATE, _DTR_RTS, number, b"")
        self._host.start(self._read())
        self._host.start(self._write())
        if notices := self._control.endpoint(EndpointKind.INTERRUPT, True):
            self._host.start(_read_for_ever(notices, lambda _: None), notices.interval)

    def _read(self) -> Steps[None]:
        def take(data: bytes) -> None:
            self.received += data
            self.on_data(data)

        return _read_for_ever(self._in, take)

    def _write(self) -> Steps[None]:
        while True:
            while not self.outgoing:
                yield UNTIL_WOKEN
            packet = bytes(self.outgoing[: self._out.packet])
            del self.outgoing[: self._out.packet]
            yield from write(self._out, packet)


class Hid:
    """A HID interface, polled as often as it asks to be.

    Attributes:
        report_descriptor: what its reports mean.
        reports: all that it has sent, oldest first.
    """

    def __init__(self, host: UsbHost, interface: Interface, interrupt_in: Endpoint) -> None:
        self._host, self._interface, self._in = host, interface, interrupt_in
        self._outgoing: list[bytes] = []
        self.report_descriptor = b""
        self.reports: list[bytes] = []

    @classmethod
    def of(cls, host: UsbHost, interface: Interface) -> Hid | None:
        """The driver of an interface, if it is of this class."""
        endpoint = interface.endpoint(EndpointKind.INTERRUPT, True)
        if interface.interface_class != _HID or endpoint is None:
            return None
        return cls(host, interface, endpoint)

    def send(self, report: bytes, number: int = 0) -> None:
        """Send an output report: by its endpoint, if there is one, else by SET_REPORT."""
        if out := self._interface.endpoint(EndpointKind.INTERRUPT, False):
            self._host.write(out.address, report)
        else:
            value = _OUTPUT_REPORT << 8 | number
            self._host.control(_TO_INTERFACE, _SET_REPORT, value, self._interface.number, report)

    def open(self) -> Steps[None]:
        """Read its report descriptor, and poll it from then on."""
        number = self._interface.number
        with suppress(StallError):  # it need not know this request (HID 1.11, 7.2.4)
            yield from self._host.request(_TO_INTERFACE, _SET_IDLE, 0, number, b"")
        for other in self._interface.others:
            if other[1] == DescriptorType.HID and len(other) >= 9:
                length = int.from_bytes(other[7:9], "little")
                value = DescriptorType.HID_REPORT << 8
                self.report_descriptor = yield from self._host.request(
                    0x81, _GET_DESCRIPTOR, value, number, length
                )
        self._host.start(_read_for_ever(self._in, self.reports.append), self._in.interval)


@dataclass(frozen=True)
class Unit:
    """A disk's logical unit: what INQUIRY and READ CAPACITY say, and its first block."""

    vendor: str
    product: str
    revision: str
    blocks: int
    block_size: int
    first_block: bytes


class Disk:
    """A mass storage interface. Attributes: `units`, those that were ready."""

    def __init__(self, host: UsbHost, interface: Interface, into: Endpoint, out: Endpoint) -> None:
        self._host, self._interface, self._in, self._out = host, interface, into, out
        self._tag = 0
        self.units: list[Unit] = []

    @classmethod
    def of(cls, host: UsbHost, interface: Interface) -> Disk | None:
        """The driver of an interface, if it is of this class."""
        kind = (interface.interface_class, interface.subclass, interface.protocol)
        into = interface.endpoint(EndpointKind.BULK, True)
        out = interface.endpoint(EndpointKind.BULK, False)
        if kind != (_MASS_STORAGE, _SCSI, _BULK_ONLY) or not into or not out:
            return None
        return cls(host, interface, into, out)

    def open(self) -> Steps[None]:
        """Ask every unit what it is."""
        last = 0
        with suppress(StallError):  # then there is one unit (bulk-only 1.0, 3.2)
            answer = yield from self._host.request(
                _FROM_INTERFACE, _GET_MAX_LUN, 0, self._interface.number, 1
            )
            last = answer[0] if answer else 0
        for number in range(last + 1):
            yield from self._open_unit(number)

    def _open_unit(self, number: int) -> Steps[None]:
        texts = yield from self._expect(number, pack(">BBBHB", _INQUIRY, 0, 0, 36, 0), 36)
        for _ in range(_ASKED):
            good, _none = yield from self._command(number, bytes((_TEST_UNIT_READY, *[0] * 5)), 0)
            if good:
                break
            yield from self._command(number, pack(">BBBBBB", _REQUEST_SENSE, 0, 0, 0, 18, 0), 18)
            yield pause(_ASK_AGAIN)
        else:
            raise UsbError(f"unit {number} does not get ready")
        capacity = yield from self._expect(number, bytes((_READ_CAPACITY, *[0] * 9)), 8)
        last, size = unpack(">II", capacity)
        first = yield from self._expect(number, pack(">BBIBHB", _READ, 0, 0, 0, 1, 0), size)
        vendor, product, revision = (
            texts[start:end].decode("ascii", "replace").strip()
            for start, end in ((8, 16), (16, 32), (32, 36))
        )
        self.units.append(Unit(vendor, product, revision, last + 1, size, first))

    def _expect(self, unit: int, command: bytes, length: int) -> Steps[bytes]:
        good, data = yield from self._command(unit, command, length)
        if not good or len(data) != length:
            raise UsbError(
                f"unit {unit} answers the command {command[0]:#04x} with {len(data)} bytes of "
                f"{length}" + ("" if good else ", and says that it failed")
            )
        return data

    def _command(self, unit: int, command: bytes, length: int) -> Steps[tuple[bool, bytes]]:
        """Command, data from the device, status (bulk-only 1.0, 5); whether it succeeded."""
        self._tag += 1
        head = pack("<4sIIBBB", b"USBC", self._tag, length, 0x80, unit, len(command))
        yield from write(self._out, head + command.ljust(16, b"\0"))
        data = b""
        if length:
            try:
                data = yield from read(self._in, length)
            except StallError:
                yield from self._host.clear_halt(self._in)
        try:
            status = yield from read(self._in, 13)
        except StallError:
            yield from self._host.clear_halt(self._in)
            status = yield from read(self._in, 13)
        if len(status) != 13 or status[:8] != pack("<4sI", b"USBS", self._tag):
            raise UsbError(f"unit {unit} sends no status, but {status.hex(' ')}")
        return status[12] == 0, data


def _read_for_ever(endpoint: Endpoint, take: Callable[[bytes], None]) -> Steps[None]:
    while True:
        data = yield from read(endpoint, endpoint.packet)
        if data:
            take(data)
