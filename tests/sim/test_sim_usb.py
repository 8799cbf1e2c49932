"""The USB controller as a device, and the host: against USB 2.0 and datasheet 4.1."""

import struct

import pytest
from peripheral_board import Board
from sim_programs import ElfSource, assemble
from usb_gadget import (
    AVAILABLE,
    DATA1,
    DOUBLE,
    ENABLE,
    FULL,
    IRQ,
    LAST,
    MS,
    PER_BUFFER,
    STALL,
    Gadget,
    configuration,
    device_descriptor,
    interface,
)

from priot import firmware_elf
from priot.sim import Engine, Pico, Program, SimError
from priot.sim.peripherals.usb_host import UsbHost
from priot.sim.peripherals.usb_transfers import NoAnswerError, StallError, UsbError

_REGS = "USBCTRL_REGS"
_BULK, _INTERRUPT = 2, 3
_BITS_PER_MS = 12_000


def _text(text: str) -> bytes:
    coded = text.encode("utf-16-le")
    return bytes((2 + len(coded), 3)) + coded


_VENDOR = configuration(interface(0, (0xFF, 0, 0), [(0x01, _BULK, 64, 0), (0x82, _BULK, 64, 0)]))


def _gadget(whole: bytes = _VENDOR, **options: int) -> Gadget:
    board = Board()
    board.init_clocks()
    descriptors = {
        (1, 0): device_descriptor(**options),
        (2, 0): whole,
        (3, 0): b"\x04\x03\x09\x04",
        (3, 1): _text("Küche"),
        (3, 2): _text("Löffel"),
    }
    gadget = Gadget(board, descriptors)
    gadget.endpoints = [(3, _BULK), (4, _BULK)]
    return gadget


def _configured(whole: bytes = _VENDOR) -> tuple[Gadget, UsbHost]:
    gadget = _gadget(whole)
    gadget.connect()
    gadget.until_configured()
    return gadget, gadget.board.chip.usb_host


def _host(gadget: Gadget) -> UsbHost:
    return gadget.board.chip.usb_host


def _bits(gadget: Gadget) -> float:
    """Bits of the bus since power-on, at 125 MHz."""
    return gadget.board.clock.cycles * 12 / 125


# --- enumeration


def test_enumeration() -> None:
    gadget = _gadget()
    gadget.connect()
    gadget.until_configured()
    host = _host(gadget)
    assert gadget.log == [
        "reset",
        (0x80, 6, 0x0100, 0, 8),
        "reset",
        (0x00, 5, 1, 0, 0),
        (0x80, 6, 0x0100, 0, 18),
        (0x80, 6, 0x0200, 0, 9),
        (0x80, 6, 0x0200, 0, 32),
        (0x80, 6, 0x0300, 0, 255),
        (0x80, 6, 0x0302, 0x409, 255),
        (0x80, 6, 0x0301, 0x409, 255),
        (0x00, 9, 1, 0, 0),
    ]
    assert gadget.board.read(_REGS, "ADDR_ENDP") == 1
    assert host.device is not None
    assert (host.device.vendor_id, host.device.product_id, host.device.release) == (7, 8, 9)
    assert host.strings == {1: "Küche", 2: "Löffel"}
    assert host.configuration is not None
    addresses = [endpoint.address for endpoint in host.configuration.interfaces[0].endpoints]
    assert addresses == [0x01, 0x82]
    assert host.problems == []
    assert host.obstacle is None


@pytest.mark.parametrize("packet", [8, 16, 32])
def test_small_packets_of_endpoint_0(packet: int) -> None:
    gadget = _gadget(packet=packet)
    gadget.connect()
    gadget.until_configured()
    assert _host(gadget).strings == {1: "Küche", 2: "Löffel"}


def test_times_of_the_reset() -> None:
    """7.1.7: 100 ms until the reset, 50 ms of it, 10 ms until the first request."""
    gadget = _gadget()
    gadget.connect()
    gadget.run(99.9)
    assert gadget.log == []
    assert gadget.board.read(_REGS, "SIE_STATUS") >> 2 & 3 == 1  # J
    gadget.run(0.2)
    assert gadget.log == ["reset"]
    assert gadget.board.read(_REGS, "SIE_STATUS") >> 2 & 3 == 0  # SE0
    assert gadget.board.read(_REGS, "SIE_STATUS") >> 16 & 1 == 0
    gadget.run(50)
    status = gadget.board.read(_REGS, "SIE_STATUS")
    assert (status >> 2 & 3, status >> 16 & 1, status & 1) == (1, 1, 1)  # J, connected, VBUS
    gadget.run(9.8)
    assert len(gadget.log) == 1
    gadget.run(0.3)
    assert gadget.log[1] == (0x80, 6, 0x0100, 0, 8)


def test_an_idle_bus_is_a_suspended_one() -> None:
    """4.1.2.6.4: a suspend is likely to be seen before the host begins."""
    gadget = _gadget()
    gadget.connect()
    gadget.run(2.9)
    assert gadget.board.read(_REGS, "INTR") >> 14 & 1 == 0
    gadget.run(0.2)
    assert gadget.board.read(_REGS, "INTR") >> 14 & 1 == 1
    assert gadget.board.read(_REGS, "SIE_STATUS") >> 4 & 1 == 1


def test_a_string_that_stalls_is_a_problem_and_no_end() -> None:
    gadget = _gadget()
    del gadget.descriptors[3, 2]
    gadget.connect()
    gadget.until_configured()
    assert _host(gadget).problems == ["the device refuses strings that its descriptor names"]
    assert _host(gadget).configured


def test_a_device_that_cannot_be_enumerated_is_told() -> None:
    gadget = _gadget()
    gadget.descriptors[2, 0] = b"\x09\x04" + bytes(7)
    gadget.connect()
    gadget.run(1000)
    assert not _host(gadget).configured
    assert gadget.log.count("reset") == 6
    assert _host(gadget).problems == [
        "the device cannot be enumerated: no configuration descriptor: nothing"
    ]


def test_a_request_without_an_answer_ends_after_5_seconds() -> None:
    gadget, host = _configured()
    gadget.serve = lambda: gadget.board.write(_REGS, "INTE", 0)  # type: ignore[method-assign]
    request = host.control(0xC0, 1, 0, 0, 4)
    gadget.run(4990)
    assert not request.done
    gadget.run(20)
    assert request.done
    assert isinstance(request.error, NoAnswerError)


@pytest.mark.parametrize(
    ("register", "value", "why"),
    [
        ("USB_PWR", 0, "VBUS is not detected; a Pico overrides it in USB_PWR"),
        ("USB_MUXING", 0, "USB_MUXING.TO_PHY is 0"),
        ("MAIN_CTRL", 0, "MAIN_CTRL.CONTROLLER_EN is 0"),
        ("SIE_CTRL", 1 << 18 | 1 << 16, "SIE_CTRL.TRANSCEIVER_PD powers the transceiver down"),
    ],
)
def test_what_keeps_a_device_off_the_bus(register: str, value: int, why: str) -> None:
    gadget = _gadget()
    gadget.connect()
    gadget.board.write(_REGS, register, value)
    gadget.run(200)
    assert gadget.log == []
    assert _host(gadget).obstacle == why


def test_clk_usb_must_run_at_48_mhz() -> None:
    gadget = _gadget()
    gadget.board.configure("CLK_USB", 0, 1)  # PLL_SYS: 125 MHz
    gadget.connect()
    gadget.run(200)
    assert _host(gadget).obstacle == "clk_usb does not run at 48 MHz"
    gadget.board.configure("CLK_USB", 0, 0)
    gadget.until_configured()


def test_host_mode_is_not_modelled() -> None:
    board = Board()
    block = board.blocks[_REGS]
    assert block.write(0x40, 1)
    assert not block.write(0x40, 3)
    assert board.read(_REGS, "MAIN_CTRL") == 3


def test_a_device_that_leaves_and_comes_again() -> None:
    gadget, host = _configured()
    request = host.read(0x82, 64)
    gadget.board.clear_bits(_REGS, "SIE_CTRL", 1 << 16)
    assert not host.configured
    assert request.done
    assert isinstance(request.error, UsbError)
    assert gadget.board.sleeps()
    gadget.log.clear()
    gadget.board.set_bits(_REGS, "SIE_CTRL", 1 << 16)
    gadget.until_configured()
    assert len(gadget.log) == 11


def test_a_reset_of_the_controller_takes_it_off_the_bus() -> None:
    gadget, host = _configured()
    gadget.board.dpram[100] = 77
    gadget.board.set_bits("RESETS", "RESET", 1 << 24)
    assert not host.configured
    assert gadget.board.interrupts == set()
    assert gadget.board.dpram[100] == 77
    assert gadget.board.read(_REGS, "SIE_STATUS") == 0


# --- transactions


def test_echo() -> None:
    gadget, host = _configured()
    gadget.on_received = lambda _, data: gadget.send(2, data)
    gadget.on_sent = lambda _: gadget.receive(1)
    gadget.receive(1)
    for text in (b"Hello", bytes(range(64)), b"", b"x"):
        wrote, came = host.write(1, text), host.read(0x82, 64)
        gadget.run(2)
        assert (wrote.done, wrote.error) == (True, None)
        assert (came.done, came.data) == (True, text)


def test_a_transfer_takes_the_time_of_its_bits() -> None:
    """8.4: IN, 64 bytes: token 35, data 35 + 8 * 64, handshake 19, and what lies between them."""
    gadget, host = _configured()
    gadget.send(2, bytes(64))
    start = _bits(gadget)
    request = host.read(0x82, 64)
    while not request.done:
        gadget.board.run(10)
    least = 35 + 35 + 8 * 64 + 19
    assert least < _bits(gadget) - start < least + 20


def test_the_host_gets_nothing_that_is_not_available() -> None:
    gadget, host = _configured()
    request = host.read(0x82, 64)
    for control in (0, FULL | 5, AVAILABLE | 5):
        gadget.words[0x24] = control
        gadget.run(1)
        assert not request.done
        assert gadget.words[0x24] == control
    gadget.words[0x24] = FULL | AVAILABLE | LAST | 5
    gadget.run(1)
    assert request.done
    assert gadget.words[0x24] == LAST | 5
    assert gadget.board.read(_REGS, "SIE_STATUS") >> 18 & 1  # TRANS_COMPLETE
    assert gadget.board.read(_REGS, "INTR") >> 3 & 1


def test_what_a_received_packet_leaves() -> None:
    gadget, host = _configured()
    gadget.on_received = lambda *_: None
    request = host.write(1, b"abc")
    gadget.run(1)
    assert not request.done
    gadget.words[0x23] = AVAILABLE | 64
    gadget.run(1)
    assert request.done
    assert gadget.words[0x23] == FULL | 3
    assert bytes(gadget.board.dpram[0x200:0x203]) == b"abc"


def test_data_out_of_sequence() -> None:
    """The host sends DATA0 first; SIE_STATUS tells that DATA1 was expected."""
    gadget, host = _configured()
    gadget.words[0x23] = AVAILABLE | DATA1 | 64
    host.write(1, b"abc")
    gadget.run(1)
    assert gadget.words[0x23] == AVAILABLE | DATA1 | 64
    assert gadget.board.read(_REGS, "SIE_STATUS") >> 31 == 1
    assert gadget.board.read(_REGS, "INTR") >> 5 & 1


def test_a_packet_of_the_device_with_the_wrong_pid_is_lost() -> None:
    gadget, host = _configured()
    request = host.read(0x82, 64)
    gadget.words[0x24] = FULL | AVAILABLE | DATA1 | 5
    gadget.run(1)
    assert gadget.words[0x24] == DATA1 | 5  # acknowledged
    assert not request.done


def test_both_buffers() -> None:
    """4.1.2.7.3: each has an interrupt of its own, which may come at once behind the first."""
    gadget, host = _configured()
    board = gadget.board
    gadget.open(4, _BULK, PER_BUFFER | DOUBLE)
    board.dpram[0x280:0x2C0] = b"1" * 64
    board.dpram[0x2C0:0x2C4] = b"2222"
    both = FULL | AVAILABLE | DATA1
    gadget.words[0x24] = (both | LAST | 4) << 16 | FULL | AVAILABLE | 1 << 12 | 64
    board.write(_REGS, "INTE", 0)
    request = host.read(0x82, 128)
    gadget.run(1)
    assert request.data == b"1" * 64 + b"2222"
    bit = 1 << 4
    assert board.read(_REGS, "BUFF_STATUS") == bit
    assert board.read(_REGS, "BUFF_CPU_SHOULD_HANDLE") == 0
    board.write(_REGS, "BUFF_STATUS", bit)
    assert board.read(_REGS, "BUFF_STATUS") == bit
    assert board.read(_REGS, "BUFF_CPU_SHOULD_HANDLE") == bit
    board.write(_REGS, "BUFF_STATUS", bit)
    assert board.read(_REGS, "BUFF_STATUS") == 0
    assert gadget.words[0x24] == (DATA1 | LAST | 4) << 16 | 64


def test_one_interrupt_for_both_buffers() -> None:
    gadget, host = _configured()
    gadget.board.write(_REGS, "INTE", 0)
    gadget.open(3, _BULK, 1 << 28 | DOUBLE)
    gadget.words[0x23] = (AVAILABLE | DATA1 | 64) << 16 | AVAILABLE | 64
    host.write(1, bytes(64))
    gadget.run(1)
    assert gadget.board.read(_REGS, "BUFF_STATUS") == 0
    host.write(1, bytes(3))
    gadget.run(1)
    assert gadget.board.read(_REGS, "BUFF_STATUS") == 1 << 3


def test_stalls() -> None:
    gadget, host = _configured()
    gadget.words[0x24] = STALL
    request = host.read(0x82, 64)
    gadget.run(1)
    assert isinstance(request.error, StallError)
    gadget.on_request = lambda *_: None
    refused = host.control(0xC0, 1, 0, 0, 4)
    gadget.run(1)
    assert isinstance(refused.error, StallError)
    assert gadget.board.read(_REGS, "EP_STALL_ARM") == 3
    gadget.on_request = lambda *_: b"good"
    granted = host.control(0xC0, 1, 0, 0, 4)
    gadget.run(1)
    assert granted.data == b"good"
    assert gadget.board.read(_REGS, "EP_STALL_ARM") == 0  # a SETUP clears it


def test_endpoint_0_stalls_only_if_that_is_armed() -> None:
    gadget, host = _configured()
    request = host.control(0xC0, 1, 0, 0, 4)
    gadget.serve = lambda: gadget.board.write(_REGS, "INTE", 0)  # type: ignore[method-assign]
    gadget.words[0x20] = STALL
    gadget.run(1)
    assert not request.done
    gadget.board.write(_REGS, "EP_STALL_ARM", 1)
    gadget.run(1)
    assert isinstance(request.error, StallError)


def test_control_transfer_with_data_to_the_device() -> None:
    gadget, host = _configured()
    request = host.control(0x40, 1, 2, 3, b"settings")
    gadget.run(1)
    assert request.done
    assert gadget.log[-1] == (0x40, 1, 2, 3, 8)
    assert gadget.took == [b"settings"]


def test_abort() -> None:
    gadget, host = _configured()
    board, bit = gadget.board, 1 << 4
    gadget.send(2, b"revoked")
    board.write(_REGS, "EP_ABORT", bit)
    assert board.read(_REGS, "EP_ABORT_DONE") == bit
    assert board.read(_REGS, "INTR") >> 18 & 1
    request = host.read(0x82, 64)
    gadget.run(1)
    assert not request.done
    board.write(_REGS, "EP_ABORT_DONE", bit)
    board.write(_REGS, "EP_ABORT", 0)
    gadget.run(1)
    assert request.data == b"revoked"
    assert board.read(_REGS, "EP_ABORT_DONE") == 0


def test_an_abort_waits_for_the_transaction() -> None:
    gadget, host = _configured()
    board, bit = gadget.board, 1 << 4
    gadget.send(2, bytes(64))
    request = host.read(0x82, 64)
    board.run(2500)  # 20 us of some 50
    board.write(_REGS, "EP_ABORT", bit)
    assert board.read(_REGS, "EP_ABORT_DONE") == 0
    gadget.run(1)
    assert request.data == bytes(64)
    assert board.read(_REGS, "EP_ABORT_DONE") == bit


def test_notes_of_naks_and_stalls() -> None:
    gadget, host = _configured()
    gadget.words[4] = ENABLE | 1 << 17 | 1 << 16 | 0x280
    host.read(0x82, 64)
    gadget.run(1)
    assert gadget.board.read(_REGS, "EP_STATUS_STALL_NAK") == 1 << 4
    assert gadget.board.read(_REGS, "INTR") >> 19 & 1
    gadget.board.write(_REGS, "EP_STATUS_STALL_NAK", 1 << 4)
    gadget.words[0x24] = STALL
    gadget.run(1)
    assert gadget.board.read(_REGS, "EP_STATUS_STALL_NAK") == 1 << 4


def test_an_endpoint_that_is_not_enabled_does_not_answer() -> None:
    gadget, host = _configured()
    gadget.words[4] = 0
    request = host.read(0x82, 64)
    gadget.run(5)
    assert isinstance(request.error, NoAnswerError)


def test_requests_that_make_no_sense() -> None:
    gadget = _gadget()
    with pytest.raises(UsbError, match="no USB device is configured"):
        _host(gadget).control(0x80, 0, 0, 0, 2)
    gadget.connect()
    gadget.until_configured()
    with pytest.raises(UsbError, match="no endpoint 0x81; it has 0x01, 0x82"):
        _host(gadget).read(0x81, 64)


# --- frames, suspend, resume


def test_frames() -> None:
    gadget, _ = _configured()
    board = gadget.board
    first = board.blocks[_REGS].peek(0x48)
    assert board.read(_REGS, "INTR") >> 17 & 1 == 1
    assert board.read(_REGS, "SOF_RD") == first
    assert board.read(_REGS, "INTR") >> 17 & 1 == 0  # a read of SOF_RD clears it
    board.write(_REGS, "INTE", 1 << 17)
    seen = []
    for _ in range(3):
        while IRQ not in board.interrupts:
            board.run(125)
        seen.append((board.clock.cycles, board.read(_REGS, "SOF_RD")))
        assert board.interrupts == set()
    assert [number for _, number in seen] == [first + 1, first + 2, first + 3]
    assert seen[2][0] - seen[0][0] == pytest.approx(2 * MS, abs=200)


def test_suspend_and_resume() -> None:
    gadget, host = _configured()
    board = gadget.board
    board.write(_REGS, "SIE_STATUS", 1 << 4)
    host.suspend()
    gadget.run(2.9)
    assert board.read(_REGS, "INTR") >> 14 & 1 == 0
    gadget.run(0.2)
    assert board.read(_REGS, "INTR") >> 14 & 1 == 1
    board.write(_REGS, "SIE_STATUS", 1 << 4)
    assert board.read(_REGS, "INTR") >> 14 & 1 == 0
    assert board.read(_REGS, "SIE_STATUS") >> 4 & 1
    assert board.sleeps()
    host.resume()
    assert board.read(_REGS, "SIE_STATUS") >> 2 & 3 == 2  # K
    assert board.read(_REGS, "INTR") >> 15 & 1
    board.write(_REGS, "SIE_STATUS", 1 << 11)
    assert board.read(_REGS, "INTR") >> 15 & 1 == 0
    board.read(_REGS, "SOF_RD")
    gadget.run(22)
    assert board.read(_REGS, "INTR") >> 17 & 1


def test_remote_wakeup() -> None:
    gadget, host = _configured()
    host.suspend()
    gadget.run(10)
    gadget.board.set_bits(_REGS, "SIE_CTRL", 1 << 12)
    assert gadget.board.read(_REGS, "SIE_CTRL") >> 12 & 1 == 0
    gadget.run(30)
    assert gadget.board.read(_REGS, "SIE_STATUS") >> 4 & 1 == 0
    assert gadget.board.read(_REGS, "INTR") >> 17 & 1  # SOF


def test_a_forced_interrupt() -> None:
    board = Board()
    board.write(_REGS, "INTF", 1 << 9)
    assert board.interrupts == {IRQ}
    assert board.read(_REGS, "INTS") == 1 << 9
    board.write(_REGS, "INTF", 0)
    assert board.interrupts == set()


# --- classes


_SERIAL = configuration(
    interface(
        *(0, (2, 2, 0), [(0x81, _INTERRUPT, 8, 16)]),
        bytes((5, 0x24, 6, 0, 1)),
    ),
    interface(1, (10, 0, 0), [(0x02, _BULK, 64, 0), (0x82, _BULK, 64, 0)]),
)


def test_serial_port() -> None:
    gadget = _gadget(_SERIAL)
    gadget.endpoints = [(2, _INTERRUPT), (5, _BULK), (4, _BULK)]
    came = bytearray()

    def take(_endpoint: int, data: bytes) -> None:
        came.extend(data)
        gadget.receive(2)

    gadget.on_received = take
    _host(gadget).type(b"typed before it is open, ")
    gadget.connect()
    gadget.until_configured()
    host = _host(gadget)
    assert gadget.log[-2:] == [(0x21, 0x20, 0, 0, 7), (0x21, 0x22, 3, 0, 0)]
    assert gadget.took == [struct.pack("<IBBB", 115_200, 0, 0, 8)]
    gadget.receive(2)
    host.type(b"and behind " + bytes(200))
    gadget.send(2, b"hello")
    gadget.run(5)
    assert came == b"typed before it is open, and behind " + bytes(200)
    assert gadget.board.usb_sent == host.serial_ports[0].received == b"hello"


def test_what_was_typed_outlives_a_reset() -> None:
    gadget = _gadget(_SERIAL)
    gadget.endpoints = [(2, _INTERRUPT), (5, _BULK), (4, _BULK)]
    _host(gadget).type(b"typed")
    gadget.connect()
    gadget.run(150)
    gadget.board.chip.reset()
    gadget.board.init_clocks()
    gadget.connect()
    came = bytearray()
    gadget.on_received = lambda _, data: came.extend(data)
    gadget.until_configured()
    gadget.receive(2)
    gadget.run(1)
    assert came == b"typed"


def test_hid() -> None:
    report = bytes(range(50))
    hid = struct.pack("<BBHBBBH", 9, 0x21, 0x0111, 0, 1, 0x22, len(report))
    gadget = _gadget(configuration(interface(0, (3, 1, 1), [(0x81, _INTERRUPT, 8, 4)], hid)))
    gadget.descriptors[0x22, 0] = report
    gadget.endpoints = [(2, _INTERRUPT)]
    gadget.connect()
    gadget.until_configured()
    driver = _host(gadget).hid[0]
    assert gadget.log[-2:] == [(0x21, 0x0A, 0, 0, 0), (0x81, 6, 0x2200, 0, 50)]
    assert driver.report_descriptor == report
    sent: list[float] = []

    def again(_endpoint: int) -> None:
        sent.append(_bits(gadget))
        gadget.send(1, bytes((len(sent),)))

    gadget.on_sent = again
    gadget.send(1, b"\0")
    gadget.run(20)
    assert driver.reports[:4] == [b"\0", b"\1", b"\2", b"\3"]
    assert sent[2] - sent[1] == pytest.approx(4 * _BITS_PER_MS, abs=100)
    driver.send(b"\2")
    gadget.run(2)
    assert gadget.log[-1] == (0x21, 9, 0x0200, 0, 1)
    assert gadget.took == [b"\2"]


class _DiskProgram:
    """Bulk-only transport with a disk of ten blocks that is ready only when asked again."""

    def __init__(self, gadget: Gadget) -> None:
        self.gadget = gadget
        self.commands: list[int] = []
        self.queue: list[bytes] = []
        self.is_ready = False
        gadget.on_received, gadget.on_sent = self._command, self._next

    def _command(self, _endpoint: int, block: bytes) -> None:
        signature, tag, length, _flags, _unit, _size = struct.unpack_from("<4sIIBBB", block)
        assert (signature, len(block)) == (b"USBC", 31)
        code = block[15]
        self.commands.append(code)
        answers = {
            0x12: b"\0\x80\2\2\x20\0\0\0" + b"ACME    " + b"ten blocks      " + b"1.0 ",
            0x03: bytes(18),
            0x25: struct.pack(">II", 9, 512),
            0x28: b"first" + bytes(507),
        }
        status = 0
        if code == 0:
            status, self.is_ready = int(not self.is_ready), True
        data = answers.get(code, b"")[:length]
        self.queue = [data[at : at + 64] for at in range(0, len(data), 64)]
        self.queue.append(struct.pack("<4sIIB", b"USBS", tag, 0, status))
        self._next(2)

    def _next(self, _endpoint: int) -> None:
        if self.queue:
            self.gadget.send(2, self.queue.pop(0))
        else:
            self.gadget.receive(1)


def test_disk() -> None:
    gadget = _gadget(
        configuration(interface(0, (8, 6, 0x50), [(0x01, _BULK, 64, 0), (0x82, _BULK, 64, 0)]))
    )
    program = _DiskProgram(gadget)
    gadget.on_request = lambda *_: None  # GET MAX LUN stalls: one unit
    gadget.connect()
    gadget.run(250)
    gadget.receive(1)
    gadget.until_configured()
    assert program.commands == [0x12, 0x00, 0x03, 0x00, 0x25, 0x28]
    (unit,) = _host(gadget).disks[0].units
    assert (unit.vendor, unit.product, unit.revision) == ("ACME", "ten blocks", "1.0")
    assert (unit.blocks, unit.block_size) == (10, 512)
    assert unit.first_block == b"first" + bytes(507)
    assert _host(gadget).problems == []


# --- on the whole chip


def test_a_program_and_the_host_from_python() -> None:
    sent = bytearray()
    program = firmware_elf.BUILT / "usb_serial.no_flash.elf"
    pico = Pico(program, usb_serial=sent.extend, usb_input=b"first ")
    pico.run(max_cycles=35_000_000)
    usb = pico.usb
    assert usb.configured
    assert usb.device is not None
    assert usb.device.vendor_id == 0x1209
    assert usb.strings == {1: "priot", 2: "serial port in capitals"}
    coding = usb.control(0xA1, 0x21, 0, 0, 7)
    refused = usb.control(0x80, 6, 0x0F00, 0, 5)  # BOS
    usb.type(b"second\n")
    pico.run(max_cycles=1_000_000)
    assert coding.data == struct.pack("<IBBB", 115_200, 0, 0, 8)
    assert isinstance(refused.error, StallError)
    assert sent == b"ready\nFIRST SECOND\n"
    pico.reset()
    pico.run(max_cycles=35_000_000)
    assert pico.usb.serial_ports[0].received == b"ready\nFIRST "


def test_host_mode_is_named() -> None:
    source = "ldr r0, =0x50110040; movs r1, #3; str r1, [r0]; bkpt #0; .align 2"
    pico = Pico(Program.parse(ElfSource(assemble(source)).build()))
    pico.run()
    assert [str(one) for one in pico.unmodelled] == [
        "USBCTRL_REGS register at 0x50110040 is not modelled"
    ]


def test_unicorn_has_no_usb() -> None:
    with pytest.raises(SimError, match="no peripherals"):
        _ = Pico(firmware_elf.TRAINER, engine=Engine.UNICORN).usb
