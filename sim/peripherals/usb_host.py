"""The simulated host in whose USB socket the Pico is: what it knows of the device and does with it.

As soon as the device pulls up D+ it is enumerated, its CDC serial ports are opened
and its HID interfaces polled, and its disks are asked what they are. Source: USB 2.0, 7.1.7 and 9.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from priot.sim.peripherals.scheduler import Scheduler
from priot.sim.peripherals.timebase import ClockCounter
from priot.sim.peripherals.usb_bus import UsbBus
from priot.sim.peripherals.usb_classes import Disk, Hid, SerialPort
from priot.sim.peripherals.usb_descriptors import (
    Configuration,
    DescriptorType,
    DeviceDescriptor,
    Endpoint,
    EndpointKind,
    parse_configuration,
    parse_device,
    parse_string,
)
from priot.sim.peripherals.usb_transfers import (
    UNTIL_WOKEN,
    Request,
    StallError,
    Steps,
    Token,
    UsbError,
    control,
    pause,
    read,
    write,
)
from priot.sim.peripherals.usbctrl import Usbctrl

# Milliseconds
_SUSPENDED_AFTER = 3  # 7.1.7.6
_DEBOUNCE, _RESET, _RECOVERY = 100, 50, 10  # 7.1.7.3, 7.1.7.5
_ADDRESS_RECOVERY = 10  # as Linux waits; 9.2.6.3 asks for 2
_RESUME = 20  # 7.1.7.7
_ATTEMPTS = 3  # to enumerate
_ADDRESS = 1
_HEAD = 8  # bytes of the device descriptor, down to the size of packets
_FIRST_PACKET = 64  # of a control transfer, until the device has told its own
_CLEAR_FEATURE, _SET_ADDRESS, _GET_DESCRIPTOR, _SET_CONFIGURATION = 1, 5, 6, 9
_ENGLISH = 0x0409
_WITH_BOS = 0x0201  # bcdUSB


class UsbHost:
    """One full-speed port.

    Args:
        scheduler: the owner of time.
        counter: counts bits of 12 Mbit/s.
        port: the controller in the socket.
        serial_output: called with what the first serial port sends.

    Attributes:
        device, configuration, strings: what the device has told of itself; strings by number.
        configured: whether the device is ready and all drivers have begun.
        serial_ports, hid, disks: what it is, in the order of its interfaces.
        problems: what went wrong, a sentence each.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        counter: ClockCounter,
        port: Usbctrl,
        serial_output: Callable[[bytes], None],
    ) -> None:
        self._port, self._serial_output = port, serial_output
        self._typed = bytearray()  # and not sent yet
        self._bus = UsbBus(scheduler, counter, port, self._note)
        self._requests: dict[int, deque[Request]] = {}
        self.reset()
        port.on_change = self._look

    @property
    def parts(self) -> list[object]:
        """What knows the host. It itself stays as it is for whoever still asks what was sent."""
        return [self._bus]

    def reset(self) -> None:
        """Power-on: nothing is known. What was typed and not sent yet remains."""
        self.problems: list[str] = []
        self._unplug()

    def _unplug(self) -> None:
        self.device: DeviceDescriptor | None = None
        self.configuration: Configuration | None = None
        self.strings: dict[int, str] = {}
        self.serial_ports: list[SerialPort] = []
        self.hid: list[Hid] = []
        self.disks: list[Disk] = []
        self.configured = self._attached = self._suspended = False
        self._control = Endpoint(0, EndpointKind.CONTROL, _FIRST_PACKET, 1)
        lost, self._requests = self._requests, {}
        for request in (request for queue in lost.values() for request in queue):
            request.done, request.error = True, UsbError("the device is gone")
        self._bus.stop()

    # --- for the user

    @property
    def obstacle(self) -> str | None:
        """Why a device that asks to be on the bus is not."""
        return self._port.obstacle if self._port.pulls_up else None

    @property
    def has_yet_to_read(self) -> bool:
        """Whether a serial port has a packet that was not fetched yet."""
        return any(self._port.has_data(port.endpoint) for port in self.serial_ports)

    def hang_up(self) -> None:
        """Forget what was typed and not sent yet."""
        self._typed.clear()

    def type(self, data: bytes) -> None:
        """Send to the first serial port, now or as soon as it is open."""
        self._typed += data
        self._bus.wake()

    def control(
        self, request_type: int, request: int, value: int, index: int, data: bytes | int
    ) -> Request:
        """A control transfer of `data` to the device, or of so many bytes from it.

        Like `read` and `write` it is done once the program has run on for long enough.

        Raises:
            UsbError: no device is configured.
        """
        return self._ask(0, self.request(request_type, request, value, index, data))

    def write(self, address: int, data: bytes) -> Request:
        """A transfer to a bulk or interrupt endpoint.

        Raises:
            UsbError: no device is configured, or it has no such endpoint.
        """
        return self._ask(address, write(self._endpoint(address), data))

    def read(self, address: int, length: int) -> Request:
        """A transfer from a bulk or interrupt endpoint: `length` bytes, or to a short packet.

        Raises:
            UsbError: no device is configured, or it has no such endpoint.
        """
        return self._ask(address, read(self._endpoint(address), length))

    def suspend(self) -> None:
        """Leave the bus idle; 3 ms later the device is suspended."""
        if self._bus.has_frames:
            self._bus.has_frames, self._suspended = False, True
            self._bus.start(self._leave_idle())

    def resume(self) -> None:
        """Wake a device that was suspended."""
        if self._suspended:
            self._suspended = False
            self._bus.start(self._wake_up())

    def _endpoint(self, address: int) -> Endpoint:
        interfaces = self.configuration.interfaces if self.configuration else ()
        endpoints = [endpoint for interface in interfaces for endpoint in interface.endpoints]
        for endpoint in endpoints:
            if endpoint.address == address:
                return endpoint
        has = ", ".join(f"{endpoint.address:#04x}" for endpoint in endpoints) or "none"
        raise UsbError(f"the device has no endpoint {address:#04x}; it has {has}")

    def _ask(self, address: int, steps: Steps[bytes]) -> Request:
        if not self.configured:
            raise UsbError("no USB device is configured; let the program run until one is")
        request = Request(steps)
        if address not in self._requests:
            self._requests[address] = deque()
            self._bus.start(self._serve(self._requests[address]))
        self._requests[address].append(request)
        self._bus.wake()
        return request

    def _serve(self, queue: deque[Request]) -> Steps[None]:
        while True:
            while not queue:
                yield UNTIL_WOKEN
            request = queue[0]
            try:
                request.data = yield from request.steps
            except UsbError as error:
                request.error = error
            request.done = True
            queue.popleft()

    # --- for drivers

    def request(
        self, request_type: int, request: int, value: int, index: int, data: bytes | int
    ) -> Steps[bytes]:
        """The steps of a control transfer. There may be one at a time."""
        return control(self._control, request_type, request, value, index, data)

    def clear_halt(self, endpoint: Endpoint) -> Steps[None]:
        """Let an endpoint that stalls go on."""
        yield from self.request(0x02, _CLEAR_FEATURE, 0, endpoint.address, b"")
        self._bus.start_at_data0(Token.IN if endpoint.is_in else Token.OUT, endpoint.number)

    def start(self, steps: Steps[None], interval: int = 0) -> None:
        """Let something go on beside all else; see UsbBus."""
        self._bus.start(steps, interval)

    def wake(self) -> None:
        """There is something to do; see UsbBus."""
        self._bus.wake()

    # --- from the pull-up to a device that is ready

    def _look(self) -> None:
        """The device may have come or gone, or want the bus to be resumed."""
        if self._port.attached != self._attached:
            self._unplug()
            if self._port.attached:
                self._attached = True
                self._port.idle()
                self._bus.start(self._attend())
        elif self._port.wants_resume:
            self._port.wants_resume = False
            self.resume()

    def _note(self, error: Exception) -> None:
        self.problems.append(str(error))

    def _attend(self) -> Steps[None]:
        yield pause(_SUSPENDED_AFTER)
        self._port.suspend()
        yield pause(_DEBOUNCE - _SUSPENDED_AFTER)
        for left in reversed(range(_ATTEMPTS)):
            try:
                yield from self._enumerate()
                break
            except (UsbError, ValueError) as error:
                if not left:
                    raise UsbError(f"the device cannot be enumerated: {error}") from error
        yield from self._start_drivers()
        self.configured = True
        self._requests[0] = deque()
        yield from self._serve(self._requests[0])

    def _enumerate(self) -> Steps[None]:
        """Its packet size in haste, a second reset, an address, and then all of it."""
        yield from self._reset_bus()
        head = yield from self._descriptor(DescriptorType.DEVICE, _HEAD)
        if len(head) < _HEAD:
            raise ValueError(f"its device descriptor has {len(head)} bytes")
        yield from self._reset_bus()
        yield from self.request(0x00, _SET_ADDRESS, _ADDRESS, 0, b"")
        yield pause(_ADDRESS_RECOVERY)
        self._bus.address = _ADDRESS
        self._control = Endpoint(0, EndpointKind.CONTROL, head[7] or _FIRST_PACKET, 1)
        self.device = parse_device((yield from self._descriptor(DescriptorType.DEVICE, 18)))
        if self.device.usb >= _WITH_BOS:
            yield from self._read_bos()
        self.configuration = parse_configuration(
            (yield from self._whole(DescriptorType.CONFIGURATION, 9))
        )
        yield from self._read_strings(self.device)
        yield from self.request(0x00, _SET_CONFIGURATION, self.configuration.value, 0, b"")

    def _reset_bus(self) -> Steps[None]:
        self._bus.has_frames = False
        self._bus.forget_device()
        self._control = Endpoint(0, EndpointKind.CONTROL, _FIRST_PACKET, 1)
        self._port.bus_reset(True)
        yield pause(_RESET)
        self._port.bus_reset(False)
        self._bus.has_frames = True
        yield pause(_RECOVERY)

    def _descriptor(
        self, kind: DescriptorType, length: int, number: int = 0, language: int = 0
    ) -> Steps[bytes]:
        return self.request(0x80, _GET_DESCRIPTOR, kind << 8 | number, language, length)

    def _whole(self, kind: DescriptorType, head_size: int) -> Steps[bytes]:
        """A descriptor that tells in its third and fourth byte how long it is with all parts."""
        head = yield from self._descriptor(kind, head_size)
        return (yield from self._descriptor(kind, int.from_bytes(head[2:4], "little")))

    def _read_bos(self) -> Steps[None]:
        try:
            yield from self._whole(DescriptorType.BOS, 5)
        except StallError:
            self.problems.append(f"bcdUSB is {_WITH_BOS:#06x} or more, but there is no BOS")

    def _read_strings(self, device: DeviceDescriptor) -> Steps[None]:
        numbers = [one for one in (device.product, device.manufacturer, device.serial) if one]
        if not numbers:
            return
        try:
            languages = yield from self._descriptor(DescriptorType.STRING, 255)
            language = int.from_bytes(languages[2:4], "little") or _ENGLISH
            for number in numbers:
                text = yield from self._descriptor(DescriptorType.STRING, 255, number, language)
                self.strings[number] = parse_string(text)
        except StallError:
            self.problems.append("the device refuses strings that its descriptor names")

    def _start_drivers(self) -> Steps[None]:
        assert self.configuration is not None
        interfaces = {one.number: one for one in self.configuration.interfaces if not one.alternate}
        for interface in interfaces.values():
            try:
                if port := SerialPort.of(self, interface, interfaces):
                    if not self.serial_ports:
                        port.on_data, port.outgoing = self._serial_output, self._typed
                    self.serial_ports.append(port)
                    yield from port.open()
                elif hid := Hid.of(self, interface):
                    self.hid.append(hid)
                    yield from hid.open()
                elif disk := Disk.of(self, interface):
                    self.disks.append(disk)
                    yield from disk.open()
            except UsbError as error:
                self.problems.append(f"interface {interface.number}: {error}")

    # --- suspend and resume

    def _leave_idle(self) -> Steps[None]:
        yield pause(_SUSPENDED_AFTER)
        if self._suspended:
            self._port.suspend()

    def _wake_up(self) -> Steps[None]:
        self._port.resume(True)
        yield pause(_RESUME)
        self._port.resume(False)
        self._bus.has_frames = True
