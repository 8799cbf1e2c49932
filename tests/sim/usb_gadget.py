"""A USB device's program in Python, on the registers and the DPRAM of a Board.

It does what the Pico SDK's dev_lowlevel example does, for any descriptors.
"""

import struct
from collections.abc import Callable

from peripheral_board import Board

IRQ = 5
SETUP_REQ, BUS_RESET, BUFF_STATUS = 1 << 16, 1 << 12, 1 << 4
FULL, LAST, DATA1, STALL, AVAILABLE = 1 << 15, 1 << 14, 1 << 13, 1 << 11, 1 << 10
ENABLE, DOUBLE, PER_BUFFER = 1 << 31, 1 << 30, 1 << 29
MS = 125_000  # cycles


def device_descriptor(usb: int = 0x0110, packet: int = 64, strings: int = 2) -> bytes:
    numbers = (1, 2, 0) if strings else (0, 0, 0)
    return struct.pack("<BBHBBBBHHHBBBB", 18, 1, usb, 0, 0, 0, packet, 7, 8, 9, *numbers, 1)


def interface(
    number: int,
    kind: tuple[int, int, int],
    endpoints: list[tuple[int, int, int, int]],
    *others: bytes,
) -> bytes:
    """An interface; endpoints are (address, kind, packet, interval), others of its class."""
    head = struct.pack("<9B", 9, 4, number, 0, len(endpoints), *kind, 0)
    tail = b"".join(struct.pack("<BBBBHB", 7, 5, *endpoint) for endpoint in endpoints)
    return head + b"".join(others) + tail


def configuration(*interfaces: bytes) -> bytes:
    body = b"".join(interfaces)
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), len(interfaces), 1, 0, 0x80, 50) + body


class Gadget:
    """A device with descriptors (kind, number) -> bytes, which answers what it is asked.

    Attributes:
        on_request: for what is no standard request: type, request, value, index, length -> data,
            or None to stall; `took` has what SETUPs with data brought.
        on_sent, on_received: of endpoints 1 to 15.
        log: the requests, in order, and "reset".
    """

    def __init__(self, board: Board, descriptors: dict[tuple[int, int], bytes]) -> None:
        self.board = board
        self.descriptors = descriptors
        self.words, self.halves = board.dpram.cast("I"), board.dpram.cast("H")
        self.on_request: Callable[[int, int, int, int, int], bytes | None] = lambda *_: b""
        self.on_sent: Callable[[int], None] = lambda _: None
        self.on_received: Callable[[int, bytes], None] = lambda *_: None
        self.log: list[object] = []
        self.took: list[bytes] = []
        self.pids = dict.fromkeys(range(32), 0)
        self.endpoints: list[tuple[int, int]] = []  # port and kind
        self._rest = b""
        self._packet = 64
        self._address: int | None = None
        self._takes = 0

    def connect(self, control: int = 0x2000_0000) -> None:
        board = self.board
        board.write("USBCTRL_REGS", "USB_MUXING", 0x9)
        board.write("USBCTRL_REGS", "USB_PWR", 0xC)
        board.write("USBCTRL_REGS", "MAIN_CTRL", 1)
        board.write("USBCTRL_REGS", "SIE_CTRL", control)
        board.write("USBCTRL_REGS", "INTE", SETUP_REQ | BUS_RESET | BUFF_STATUS)
        board.set_bits("USBCTRL_REGS", "SIE_CTRL", 1 << 16)

    def buffer_of(self, port: int) -> int:
        return 0x100 if port < 2 else 0x180 + 128 * (port - 2)

    def open(self, port: int, kind: int, flags: int = PER_BUFFER) -> None:
        self.words[port] = ENABLE | flags | kind << 26 | self.buffer_of(port)

    def send(self, endpoint: int, data: bytes, flags: int = 0) -> None:
        port = 2 * endpoint
        start = self.buffer_of(port)
        self.board.dpram[start : start + len(data)] = data
        self._arm(port, FULL | len(data) | flags)

    def receive(self, endpoint: int, flags: int = 0) -> None:
        self._arm(2 * endpoint + 1, 64 | flags)

    def _arm(self, port: int, value: int) -> None:
        self.words[0x20 + port] = value | AVAILABLE | DATA1 * self.pids[port]
        self.pids[port] ^= 1

    def run(self, ms: float) -> None:
        """Let time pass, and serve interrupts as they come."""
        clock = self.board.clock
        end = clock.cycles + round(ms * MS)
        while clock.cycles < end:
            clock.advance(min(end, max(clock.next, clock.cycles + 1)))
            if IRQ in self.board.interrupts:
                self.serve()

    def until_configured(self) -> None:
        for _ in range(40):
            self.run(10)
            if self.board.chip.usb_host.configured:
                return
        raise AssertionError(self.board.chip.usb_host.problems)

    def serve(self) -> None:
        board = self.board
        raised = board.read("USBCTRL_REGS", "INTS")
        if raised & BUS_RESET:
            self.log.append("reset")
            board.write("USBCTRL_REGS", "SIE_STATUS", 1 << 19)
            board.write("USBCTRL_REGS", "ADDR_ENDP", 0)
        if raised & BUFF_STATUS:
            done = board.read("USBCTRL_REGS", "BUFF_STATUS")
            board.write("USBCTRL_REGS", "BUFF_STATUS", done)
            for port in range(32):
                if done >> port & 1:
                    self._done(port)
        if raised & SETUP_REQ:
            board.write("USBCTRL_REGS", "SIE_STATUS", 1 << 17)
            self._setup(*struct.unpack_from("<BBHHH", board.dpram))

    def _done(self, port: int) -> None:
        length = self.halves[0x40 + 2 * port] & 0x3FF
        start = self.buffer_of(port)
        data = bytes(self.board.dpram[start : start + length])
        if port == 0:
            if self._address is not None:
                self.board.write("USBCTRL_REGS", "ADDR_ENDP", self._address)
                self._address = None
            elif self._rest:
                self._send_control()
            elif self.board.dpram[0] & 0x80:
                self.pids[1] = 1
                self.receive(0)
        elif port == 1:
            if self._takes:
                self.took.append(data)
                self._takes = 0
                self.send(0, b"")
        elif port & 1:
            self.on_received(port >> 1, data)
        else:
            self.on_sent(port >> 1)

    def _setup(self, kind: int, request: int, value: int, index: int, length: int) -> None:
        self.log.append((kind, request, value, index, length))
        self.pids[0] = self.pids[1] = 1
        answer: bytes | None = b""
        if (kind, request) == (0x00, 5):
            self._address = value
        elif (kind, request) == (0x00, 9):
            for port, transfer in self.endpoints:
                self.open(port, transfer)
        elif kind in (0x80, 0x81) and request == 6:
            answer = self.descriptors.get((value >> 8, value & 0xFF))
        else:
            answer = self.on_request(kind, request, value, index, length)
        if answer is None:
            self.board.write("USBCTRL_REGS", "EP_STALL_ARM", 3)
            self.words[0x20] = self.words[0x21] = STALL
        elif kind & 0x80 or not length:
            self._rest = answer[:length]
            self._packet = self.descriptors[1, 0][7]
            self._send_control()
        else:
            self._takes = length
            self.receive(0)

    def _send_control(self) -> None:
        part, self._rest = self._rest[: self._packet], self._rest[self._packet :]
        self.send(0, part)
