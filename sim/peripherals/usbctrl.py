"""USBCTRL: the USB controller as a device on the bus. Source: RP2040 datasheet, 4.1.

The host's packets come through `answer_in`, `answer_out` and `setup_token`, which look at the
buffer control words in DPRAM as the controller does at a token, and `sent`, `received` and `setup`,
which write back what a transaction did. Packets are never damaged on the way. The controller as a
host is not modelled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import partial

from priot.sim.peripherals.interrupts import InterruptLine
from priot.sim.peripherals.registers import ALL_BITS, Register, RegisterBlock

DPRAM_SIZE = 4096
CLOCK_HZ = 48_000_000
_TOLERANCE = Fraction(25, 10_000)  # of a full-speed device's bit rate: USB 2.0, 7.1.11
_PORTS = 32  # an endpoint's IN and OUT side: 2 * endpoint + out

# MAIN_CTRL, SIE_CTRL, USB_MUXING, USB_PWR
_MAIN_CTRL = 0x40
_CONTROLLER_EN, _HOST_NDEVICE = 1 << 0, 1 << 1
_EP0_INT_STALL, _EP0_DOUBLE_BUF, _EP0_INT_1BUF, _EP0_INT_2BUF, _EP0_INT_NAK = (
    1 << bit for bit in (31, 30, 29, 28, 27)
)
_TRANSCEIVER_PD, _PULLUP_EN, _RESUME_HOST = 1 << 18, 1 << 16, 1 << 12
_SELF_CLEARING = 1 << 0 | 1 << 4 | 1 << 12 | 1 << 13  # start, stop, resume, reset
_TO_PHY = 1 << 0
_VBUS_DETECT, _VBUS_OVERRIDE = 1 << 2, 1 << 3
# SIE_STATUS
_DATA_SEQ_ERROR, _ACK_REC = 1 << 31, 1 << 30
_BUS_RESET, _TRANS_COMPLETE, _SETUP_REC = 1 << 19, 1 << 18, 1 << 17
_CONNECTED, _RESUME, _SUSPENDED, _VBUS = 1 << 16, 1 << 11, 1 << 4, 1 << 0
_LINE_STATE_AT = 2
_STATUS_CLEARS = 0xFF0E_0800  # those that stay until they are cleared
_ACKNOWLEDGES = _CONNECTED | _SUSPENDED | _VBUS  # clear an interrupt, but not the state
# Interrupts
_OF_STATUS = {
    16: _SETUP_REC,
    15: _RESUME,
    12: _BUS_RESET,
    5: _DATA_SEQ_ERROR,
    3: _TRANS_COMPLETE,
}
_EP_STALL_NAK, _ABORT_DONE, _DEV_SOF, _BUFF_STATUS = 1 << 19, 1 << 18, 1 << 17, 1 << 4
_DEV_SUSPEND, _DEV_CONN_DIS, _VBUS_CHANGED = 1 << 14, 1 << 13, 1 << 11
_INTERRUPTS = 0xF_FFFF
# Endpoint control in DPRAM; of endpoint 0 SIE_CTRL has the same at the same places from bit 28 on
_ENABLE, _DOUBLE_BUFFERED, _INT_1BUF, _INT_2BUF = (1 << bit for bit in (31, 30, 29, 28))
_ISOCHRONOUS = 1
_INT_STALL, _INT_NAK = 1 << 17, 1 << 16
# Buffer control in DPRAM
_BUFFER_CONTROL = 0x80
_FULL, _LAST, _PID, _RESET, _STALL, _AVAILABLE = (1 << bit for bit in (15, 14, 13, 12, 11, 10))
_LENGTH = 0x3FF
_EP0_BUFFER = 0x100
_BUFFER_SIZE = 64
_ISOCHRONOUS_OFFSETS = (128, 256, 512, 1024)


class LineState(Enum):
    """Of D+ and D-, as SIE_STATUS has it."""

    SE0 = 0
    J = 1
    K = 2


class Handshake(Enum):
    """What answers a packet of the host."""

    ACK = "ACK"
    NAK = "NAK"
    STALL = "STALL"
    NONE = "nothing"


@dataclass(frozen=True)
class Data:
    """A data packet of the device: DATA0 or DATA1, and its bytes."""

    pid: int
    payload: bytes


class Usbctrl(RegisterBlock):
    """The controller between the program and the bus.

    Args:
        line: its interrupt request.
        dpram: its 4 KB of memory, into which the program writes without its knowledge.

    Attributes:
        attached: whether the host sees a device.
        on_change: called when the device may have come, gone, or asked for a resume.
        steady_until: gives the cycle of the next event on the bus.
    """

    name = "USBCTRL_REGS"
    base = 0x5011_0000

    def __init__(self, line: InterruptLine, dpram: memoryview) -> None:
        self._line = line
        self._bytes, self._halves, self._words = dpram, dpram.cast("H"), dpram.cast("I")
        self.on_change: Callable[[], None] = lambda: None
        self.steady_until: Callable[[], int] = lambda: 0
        self._clocked = False

        def steady() -> int:
            return self.steady_until()

        super().__init__(
            Register(0x00, "ADDR_ENDP", 0, 0x000F_007F),
            *(Register(4 * n, f"ADDR_ENDP{n}", 0, 0x060F_007F) for n in range(1, 16)),
            Register(0x40, "MAIN_CTRL", 0, 0x8000_0003),
            Register(0x44, "SOF_WR", 0, 0),
            Register(0x48, "SOF_RD", 0, 0, self._read_frame, peek=lambda: self._frame),
            Register(
                *(0x4C, "SIE_CTRL", 0, 0xFF07_BF5F & ~_SELF_CLEARING),
                on_write=self._write_control,
            ),
            Register(
                *(0x50, "SIE_STATUS", 0, 0, self._read_status, self._clear_status),
                clears=_STATUS_CLEARS | _ACKNOWLEDGES,
                steady_until=steady,
            ),
            Register(0x54, "INT_EP_CTRL", 0, 0xFFFE),
            Register(
                *(0x58, "BUFF_STATUS", 0, 0, self._read_buffers, self._clear_buffers),
                clears=ALL_BITS,
                steady_until=steady,
            ),
            Register(0x5C, "BUFF_CPU_SHOULD_HANDLE", 0, 0, self._read_second_buffers),
            Register(0x60, "EP_ABORT", on_write=self._abort),
            Register(
                *(0x64, "EP_ABORT_DONE", 0, 0),
                on_write=partial(self._clear, "EP_ABORT_DONE"),
                clears=ALL_BITS,
                steady_until=steady,
            ),
            Register(0x68, "EP_STALL_ARM", 0, 0x3),
            Register(0x6C, "NAK_POLL", 0x0010_0010, 0x03FF_03FF),
            Register(
                *(0x70, "EP_STATUS_STALL_NAK", 0, 0),
                on_write=partial(self._clear, "EP_STATUS_STALL_NAK"),
                clears=ALL_BITS,
            ),
            Register(0x74, "USB_MUXING", 0, 0xF),
            Register(0x78, "USB_PWR", 0, 0x3F),
            Register(0x7C, "USBPHY_DIRECT", 0, 0xFF77, self._read_phy),
            Register(0x80, "USBPHY_DIRECT_OVERRIDE", 0, 0x9FFF),
            Register(0x84, "USBPHY_TRIM", 0x1F1F, 0x1F1F),
            Register(0x8C, "INTR", 0, 0, self._raw, steady_until=steady),
            Register(0x90, "INTE", 0, _INTERRUPTS),
            Register(0x94, "INTF", 0, _INTERRUPTS),
            Register(0x98, "INTS", 0, 0, self._interrupts, steady_until=steady),
        )
        self.reset()

    def reset(self) -> None:
        """Off the bus. DPRAM keeps what it holds."""
        super().reset()
        self._status = 0  # bits of SIE_STATUS that stay until they are cleared
        self._changes = 0  # interrupts that tell of a change
        self._frame = 0
        self._connected = self._suspended = self._vbus = False
        self.attached = self.wants_resume = False
        self._state = LineState.SE0
        self._aborting = 0  # EP_ABORT before it was written
        self._selected = [0] * _PORTS  # the buffer that is next
        self._done: list[list[int]] = [[] for _ in range(_PORTS)]  # buffers, the oldest first
        self._busy: int | None = None  # the port of the transaction that is on its way
        self._line.set(False)
        self.on_change()

    def write(self, offset: int, value: int) -> bool:
        """See Peripheral."""
        known = super().write(offset, value)
        self._update()
        return known and not (offset == _MAIN_CTRL and value & _HOST_NDEVICE)

    def clocked(self, hz: Fraction) -> None:
        """The frequency of clk_usb changed."""
        self._clocked = abs(hz - CLOCK_HZ) <= CLOCK_HZ * _TOLERANCE
        self._update()

    # --- what the host sees and does

    @property
    def pulls_up(self) -> bool:
        """Whether the program asks to be on the bus."""
        return bool(self["SIE_CTRL"] & _PULLUP_EN)

    @property
    def obstacle(self) -> str | None:
        """Why the host cannot see a device that pulls up D+."""
        control = self["MAIN_CTRL"]
        if control & _HOST_NDEVICE:
            return "the controller is in host mode, which is not modelled"
        if not control & _CONTROLLER_EN:
            return "MAIN_CTRL.CONTROLLER_EN is 0"
        if self["SIE_CTRL"] & _TRANSCEIVER_PD:
            return "SIE_CTRL.TRANSCEIVER_PD powers the transceiver down"
        if not self["USB_MUXING"] & _TO_PHY:
            return "USB_MUXING.TO_PHY is 0"
        if not self._has_vbus:
            return "VBUS is not detected; a Pico overrides it in USB_PWR"
        return None if self._clocked else "clk_usb does not run at 48 MHz"

    def idle(self) -> None:
        """The host sees the device's pull-up."""
        self._state = LineState.J

    def bus_reset(self, on: bool) -> None:
        """The host begins or ends a reset."""
        self._state = LineState.SE0 if on else LineState.J
        if on:
            self._status |= _BUS_RESET
            self._suspend(False)
        else:
            self._connect(True)
        self._update()

    def suspend(self) -> None:
        """Nothing has been on the bus for 3 ms."""
        self._suspend(True)
        self._update()

    def resume(self, on: bool) -> None:
        """The host begins or ends to resume the bus."""
        self._state = LineState.K if on else LineState.J
        if on:
            self._status |= _RESUME
            self._suspend(False)
        self._update()

    def start_of_frame(self, number: int) -> None:
        """A SOF packet."""
        self._frame = number
        self._changes |= _DEV_SOF
        self._update()

    def setup_token(self, address: int) -> Handshake:
        """A SETUP transaction begins; a device that listens always takes it."""
        return Handshake.ACK if self._listens(address) else Handshake.NONE

    def setup(self, packet: bytes) -> None:
        """Eight bytes of SETUP data have come in."""
        self._bytes[:8] = packet
        self["EP_STALL_ARM"] = 0
        self._status |= _SETUP_REC
        self._update()

    def answer_in(self, address: int, endpoint: int) -> Data | Handshake:
        """An IN token: data, or a handshake without."""
        port = 2 * endpoint
        answer, buffer = self._answer(address, port, _FULL)
        if answer is not Handshake.ACK:
            return answer
        self._busy = port
        control = self._halves[self._half(port, buffer)]
        start = self._buffer_at(port, buffer)
        payload = bytes(self._bytes[start : start + (control & _LENGTH)])
        return Data(int(bool(control & _PID)), payload)

    def has_data(self, endpoint: int) -> bool:
        """Whether an IN token would get data."""
        port = 2 * endpoint
        halves = (self._halves[self._half(port, buffer)] for buffer in (0, 1))
        return any(half & _AVAILABLE and half & _FULL for half in halves)

    def sent(self, endpoint: int) -> None:
        """The host acknowledged the data that an IN token got."""
        self._status |= _ACK_REC
        self._write_back(2 * endpoint, lambda half: half & ~_FULL)

    def answer_out(self, address: int, endpoint: int) -> Handshake:
        """An OUT token: whether its data will be taken."""
        port = 2 * endpoint + 1
        answer, _ = self._answer(address, port, 0)
        if answer is Handshake.ACK:
            self._busy = port
        return answer

    def received(self, endpoint: int, pid: int, payload: bytes) -> None:
        """The data after an OUT token. Those out of sequence are acknowledged, but not kept."""
        port = 2 * endpoint + 1
        buffer = self._selected[port]
        if bool(self._halves[self._half(port, buffer)] & _PID) != bool(pid):
            self._status |= _DATA_SEQ_ERROR
            self._finish(port)
            return
        start = self._buffer_at(port, buffer)
        room = self._bytes[start : start + len(payload)]
        room[:] = payload[: len(room)]
        self._write_back(port, lambda half: half & ~_LENGTH | _FULL | len(payload))

    # --- endpoints and their buffers

    def _listens(self, address: int) -> bool:
        return self.attached and address == self["ADDR_ENDP"] & 0x7F

    def _control(self, port: int) -> int:
        """Endpoint control; of endpoint 0 in the places of the others."""
        if port > 1:
            return self._words[port]  # EP1_IN_CONTROL, of port 2, is the third word
        own = self["SIE_CTRL"]
        notes = _INT_STALL * bool(own & _EP0_INT_STALL) | _INT_NAK * bool(own & _EP0_INT_NAK)
        return (
            _ENABLE | notes | own & (_EP0_DOUBLE_BUF | _EP0_INT_1BUF | _EP0_INT_2BUF) | _EP0_BUFFER
        )

    def _half(self, port: int, buffer: int) -> int:
        """Which halfword of DPRAM controls a buffer."""
        return _BUFFER_CONTROL // 2 + 2 * port + buffer

    def _buffer_at(self, port: int, buffer: int) -> int:
        control = self._control(port)
        start = control & 0xFFC0
        if not buffer:
            return start
        if control >> 26 & 3 == _ISOCHRONOUS:
            code = self._halves[self._half(port, 1)] >> 11 & 3
            return start + _ISOCHRONOUS_OFFSETS[code]
        return start + _BUFFER_SIZE

    def _answer(self, address: int, port: int, wanted: int) -> tuple[Handshake, int]:
        """What a token gets, and of which buffer; FULL must be as wanted."""
        control = self._control(port)
        if not self._listens(address) or not control & _ENABLE:
            return Handshake.NONE, 0
        if self["EP_ABORT"] >> port & 1:
            return self._refuse(port, control), 0
        first = self._halves[self._half(port, 0)]
        if first & _STALL and (port > 1 or self["EP_STALL_ARM"] >> port & 1):
            if control & _INT_STALL:
                self["EP_STATUS_STALL_NAK"] |= 1 << port
                self._update()
            return Handshake.STALL, 0
        if first & _RESET or not control & _DOUBLE_BUFFERED:
            self._selected[port] = 0
        buffer = self._selected[port]
        half = self._halves[self._half(port, buffer)]
        if half & (_AVAILABLE | _FULL) != _AVAILABLE | wanted:
            return self._refuse(port, control), 0
        return Handshake.ACK, buffer

    def _refuse(self, port: int, control: int) -> Handshake:
        if control & _INT_NAK:
            self["EP_STATUS_STALL_NAK"] |= 1 << port
            self._update()
        return Handshake.NAK

    def _write_back(self, port: int, change: Callable[[int], int]) -> None:
        """A buffer is done: tell so in its control word and in the registers."""
        control = self._control(port)
        buffer = self._selected[port]
        at = self._half(port, buffer)
        half = self._halves[at]
        self._halves[at] = change(half) & ~_AVAILABLE & (ALL_BITS if buffer else ~_RESET)
        if half & _LAST:
            self._status |= _TRANS_COMPLETE
        done = self._done[port]
        doubled = bool(control & _DOUBLE_BUFFERED)
        if control & _INT_1BUF or (control & _INT_2BUF and doubled and buffer):
            told = buffer if control & _INT_1BUF else 0
            if told not in done:
                done.append(told)
        if doubled:
            self._selected[port] ^= 1
        self._finish(port)

    def _finish(self, port: int) -> None:
        self._busy = None
        self["EP_ABORT_DONE"] |= self["EP_ABORT"] & 1 << port
        self._update()

    # --- registers

    @property
    def _has_vbus(self) -> bool:
        power = self["USB_PWR"]
        return bool(power & _VBUS_OVERRIDE and power & _VBUS_DETECT)

    def _connect(self, on: bool) -> None:
        if on != self._connected:
            self._connected = on
            self._changes |= _DEV_CONN_DIS

    def _suspend(self, on: bool) -> None:
        if on != self._suspended:
            self._suspended = on
            self._changes |= _DEV_SUSPEND

    def _update(self) -> None:
        """After any change: tell the host and the processor."""
        if self._has_vbus != self._vbus:
            self._vbus = not self._vbus
            self._changes |= _VBUS_CHANGED
        self.attached = self.pulls_up and self.obstacle is None
        if not self.attached:
            self._connect(False)
            self._suspended, self._state, self._busy = False, LineState.SE0, None
        self._line.set(bool(self._interrupts()))
        self.on_change()

    def _raw(self) -> int:
        raised = self._changes
        for bit, source in _OF_STATUS.items():
            raised |= bool(self._status & source) << bit
        if self["EP_STATUS_STALL_NAK"]:
            raised |= _EP_STALL_NAK
        if self["EP_ABORT_DONE"]:
            raised |= _ABORT_DONE
        return raised | _BUFF_STATUS if any(self._done) else raised

    def _interrupts(self) -> int:
        return self._raw() & self["INTE"] | self["INTF"]

    def _read_frame(self) -> int:
        self._changes &= ~_DEV_SOF
        self._line.set(bool(self._interrupts()))
        return self._frame

    def _write_control(self, value: int) -> None:
        if value & _RESUME_HOST and self._suspended:
            self.wants_resume = True

    def _read_status(self) -> int:
        return (
            self._status
            | _CONNECTED * self._connected
            | _SUSPENDED * self._suspended
            | self._state.value << _LINE_STATE_AT
            | _VBUS * self._has_vbus
        )

    def _clear_status(self, value: int) -> None:
        self._status &= ~value
        for bit, change in (
            (_CONNECTED, _DEV_CONN_DIS),
            (_SUSPENDED, _DEV_SUSPEND),
            (_VBUS, _VBUS_CHANGED),
        ):
            if value & bit:
                self._changes &= ~change

    def _read_buffers(self) -> int:
        return sum(1 << port for port, done in enumerate(self._done) if done)

    def _read_second_buffers(self) -> int:
        return sum(1 << port for port, done in enumerate(self._done) if done[:1] == [1])

    def _clear_buffers(self, value: int) -> None:
        for port, done in enumerate(self._done):
            if value >> port & 1 and done:
                del done[0]  # the second of two takes its place

    def _abort(self, value: int) -> None:
        idle = ALL_BITS if self._busy is None else ~(1 << self._busy)
        self["EP_ABORT_DONE"] |= value & ~self._aborting & idle
        self._aborting = value

    def _clear(self, name: str, value: int) -> None:
        self[name] &= ~value

    def _read_phy(self) -> int:
        levels = {LineState.SE0: 0b000, LineState.J: 0b011, LineState.K: 0b100}[self._state]
        return self["USBPHY_DIRECT"] | levels << 16  # RX_DD, RX_DP, RX_DM
