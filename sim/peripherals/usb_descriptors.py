"""What a USB device says of itself. Source: USB 2.0, 9.6; CDC 1.1, 5.2.3; HID 1.11, 6.2.1."""

from dataclasses import dataclass
from enum import IntEnum
from struct import unpack_from


class DescriptorType(IntEnum):
    """The second byte of a descriptor."""

    DEVICE = 1
    CONFIGURATION = 2
    STRING = 3
    INTERFACE = 4
    ENDPOINT = 5
    BOS = 15
    HID = 0x21
    HID_REPORT = 0x22
    CS_INTERFACE = 0x24


class EndpointKind(IntEnum):
    """How an endpoint transfers."""

    CONTROL = 0
    ISOCHRONOUS = 1
    BULK = 2
    INTERRUPT = 3


@dataclass(frozen=True)
class DeviceDescriptor:
    """18 bytes about the device; `manufacturer`, `product` and `serial` number its strings."""

    usb: int
    device_class: int
    subclass: int
    protocol: int
    packet: int
    vendor_id: int
    product_id: int
    release: int
    manufacturer: int
    product: int
    serial: int
    configurations: int


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: bit 7 of its address says IN; packet in bytes, interval in frames."""

    address: int
    kind: EndpointKind
    packet: int
    interval: int

    @property
    def number(self) -> int:
        """The address without the direction."""
        return self.address & 0xF

    @property
    def is_in(self) -> bool:
        """Whether data go to the host."""
        return bool(self.address & 0x80)


@dataclass(frozen=True)
class Interface:
    """One interface in one of its settings; `others` are its class's own descriptors."""

    number: int
    alternate: int
    interface_class: int
    subclass: int
    protocol: int
    endpoints: tuple[Endpoint, ...]
    others: tuple[bytes, ...]

    def endpoint(self, kind: EndpointKind, is_in: bool) -> Endpoint | None:
        """The first endpoint of a kind and direction."""
        return next((one for one in self.endpoints if (one.kind, one.is_in) == (kind, is_in)), None)


@dataclass(frozen=True)
class Configuration:
    """A configuration with its interfaces, in the order in which they come."""

    value: int
    interfaces: tuple[Interface, ...]


def parse_device(data: bytes) -> DeviceDescriptor:
    """Raises ValueError for what is no device descriptor."""
    if len(data) < 18 or data[1] != DescriptorType.DEVICE:
        raise ValueError(f"no device descriptor: {data.hex(' ') or 'nothing'}")
    return DeviceDescriptor(*unpack_from("<HBBBBHHHBBBB", data, 2))


def parse_configuration(data: bytes) -> Configuration:
    """Raises ValueError for what is no configuration descriptor."""
    if len(data) < 9 or data[1] != DescriptorType.CONFIGURATION:
        raise ValueError(f"no configuration descriptor: {data.hex(' ') or 'nothing'}")
    interfaces: list[Interface] = []
    head: tuple[int, int, int, int, int] | None = None
    endpoints: list[Endpoint] = []
    others: list[bytes] = []

    def close() -> None:
        if head is not None:
            interfaces.append(Interface(*head, tuple(endpoints), tuple(others)))
        endpoints.clear()
        others.clear()

    for one in _split(data[data[0] :]):
        if one[1] == DescriptorType.INTERFACE and len(one) >= 9:
            close()
            head = (one[2], one[3], one[5], one[6], one[7])
        elif one[1] == DescriptorType.ENDPOINT and len(one) >= 7:
            packet = int.from_bytes(one[4:6], "little") & 0x7FF
            endpoints.append(Endpoint(one[2], EndpointKind(one[3] & 3), packet, max(1, one[6])))
        else:
            others.append(one)
    close()
    return Configuration(data[5], tuple(interfaces))


def parse_string(data: bytes) -> str:
    """The text of a string descriptor."""
    return data[2 : max(2, data[0] if data else 0)].decode("utf-16-le", "replace")


def _split(data: bytes) -> list[bytes]:
    parts, at = [], 0
    while at + 2 <= len(data):
        length = data[at]
        if length < 2 or at + length > len(data):
            raise ValueError(f"a descriptor of {length} bytes, with {len(data) - at} left")
        parts.append(data[at : at + length])
        at += length
    return parts
