"""Every register of the datasheet on the whole chip, through loads and stores of core 0.

Reset values, bits that keep what is written and that do not, atomic aliases, narrow accesses, and
bits that a written 1 clears.
"""

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product

import pytest
from register_table import CLEAR, SET, XOR, Listed, Probe, listed

from priot.sim.peripherals.usbctrl import Handshake, Usbctrl

_ALL = 0xFFFF_FFFF
_DMA, _PWM = 0x5000_0000, 0x4005_0000
# Blocks of which no register answers, but those named behind them. The list shrinks as they come.
NOT_MODELLED: dict[str, tuple[str, ...]] = {}
# What a program reads first where that is not the listed value.
FIRST_READ = {
    "RESETS.RESET": 0,  # the tests release all blocks
    "RESETS.RESET_DONE": 0x01FF_FFFF,
    "XIP_CTRL.STAT": 0b11,  # the flush of power-on has ended
    "XIP_SSI.SR": 0b110,  # the transmit FIFO is empty and not full
    "SYSINFO.CHIP_ID": 0x2000_2927,  # an RP2040B2
    "SYSINFO.PLATFORM": 0b10,  # ASIC
    "CLOCKS.CLK_PERI_DIV": 0,  # there is none: pico-feedback issues 222 and 316
    "CLOCKS.ENABLED0": _ALL,
    "CLOCKS.ENABLED1": 0x7FFF,
    "PSM.DONE": 0x1_FFFF,
    "DMA.N_CHANNELS": 12,
    "IO_BANK0.INTR0": 0x1111_1111,  # pulled down: low
    "IO_BANK0.INTR1": 0x1111_1111,
    "IO_BANK0.INTR2": 0x1111_1111,
    "IO_BANK0.INTR3": 0x11_1112,  # but VBUS, high on a board that is plugged in
    "IO_BANK0.GPIO24_STATUS": 0x050A_0000,
    "SIO.GPIO_IN": 1 << 24,
    "IO_QSPI.GPIO_QSPI_SS_STATUS": 0x050A_0000,  # pulled up
    "IO_QSPI.INTR": 0x11_1121,
    "XOSC.STARTUP": 0xC4,  # as the text of its field DELAY says
    "BUSCTRL.BUS_PRIORITY_ACK": 1,
    "ADC.FCS": 1 << 8,  # EMPTY
    "ROSC.STATUS": 0x8001_1000,  # it runs, and its divider too
    "VREG_AND_CHIP_RESET.VREG": 0x10B1,  # in regulation
    "VREG_AND_CHIP_RESET.CHIP_RESET": 1 << 8,  # by power-on
    "SIO.GPIO_HI_IN": 0b10,
    **{f"PIO{block}.DBG_CFGINFO": 0x20_0404 for block in range(2)},
    **{f"PIO{block}.INTR": 0xF0 for block in range(2)},  # there is room in TX
    **{f"SIO.SPINLOCK{lock}": 1 << lock for lock in range(32)},  # a read claims it
    "PPB.AIRCR": 0xFA05_0000,  # Arm DDI0419E, B3.2.6
    "PPB.CCR": 0x208,  # B3.2.8: both bits are ones
}
CHANGING = {"ROSC.RANDOMBIT"}
# Registers that do not simply keep what is written: their blocks have tests of their own.
_OF_I2C = (
    *("IC_DATA_CMD", "IC_ENABLE"),
    *("IC_SS_SCL_HCNT", "IC_SS_SCL_LCNT", "IC_FS_SCL_HCNT", "IC_FS_SCL_LCNT"),  # bounded
    *("IC_FS_SPKLEN", "IC_RX_TL", "IC_TX_TL"),
)
ACTING = {
    *(f"PPB.NVIC_{name}" for name in ("ISER", "ICER", "ISPR", "ICPR")),  # pairs that set and clear
    *("PPB.ICSR", "PPB.AIRCR", "PPB.SHCSR", "PPB.MPU_RBAR", "PPB.MPU_RNR", "PPB.MPU_RASR"),
    *("PPB.MPU_CTRL", "PPB.SYST_CVR", "PPB.SYST_CSR"),
    *("UART0.UARTDR", "UART1.UARTDR", "XIP_SSI.DR0"),  # FIFOs
    *("XOSC.DORMANT", "ROSC.DORMANT", "XOSC.COUNT", "ROSC.COUNT"),
    *(f"SIO.SPINLOCK{lock}" for lock in range(32)),
    *(f"SIO.INTERP{unit}_ACCUM{lane}_ADD" for unit, lane in product(range(2), repeat=2)),
    *(f"{block}.{name}" for block, name in product(("I2C0", "I2C1"), _OF_I2C)),
    *("SPI0.SSPDR", "SPI1.SSPDR"),
    *("CLOCKS.CLK_PERI_DIV", "XIP_CTRL.STREAM_CTR"),
    *(f"PIO{block}.SM{number}_INSTR" for block, number in product(range(2), range(4))),
    # Other names of a channel's registers, which begin a transfer, and triggers.
    *(f"DMA.CH{channel}_AL{alias}_CTRL" for channel, alias in product(range(12), (1, 2, 3))),
    *(f"DMA.CH{channel}_CTRL_TRIG" for channel in range(12)),
}
# Bits that must not be set here.
LEFT_ALONE = {
    "I2C0.IC_CON": 0b110,  # SPEED takes two of its values
    "I2C1.IC_CON": 0b110,
    "CLOCKS.CLK_REF_CTRL": 0b11,  # a clock that stands
    "CLOCKS.CLK_SYS_CTRL": 0b1,
    "WATCHDOG.CTRL": 0b11 << 30,  # a reset
    "XIP_CTRL.CTRL": 1 << 3,  # POWER_DOWN holds EN at 0
}
_NO_ALIASES = ("SIO", "PPB", "USBCTRL_DPRAM")
_MEMORY = "USBCTRL_DPRAM"  # its lines in the table are what the controller makes of it


@pytest.fixture(scope="module")
def probe() -> Probe:
    return Probe()


def _modelled() -> Iterator[Listed]:
    for register in listed():
        answering = NOT_MODELLED.get(register.block)
        if answering is None or register.name in answering:
            yield register


def _keeping() -> Iterator[tuple[Listed, int]]:
    """Registers that keep what is written, with the bits that do."""
    for register in _modelled():
        if register.read_write and register.full_name not in ACTING:
            yield register, register.read_write & ~LEFT_ALONE.get(register.full_name, 0)


def test_the_table_is_whole() -> None:
    names = {register.full_name for register in listed()}
    assert len(names) == len(listed()) == 1015 + 4 + 22 + 42 + 18 + 81
    assert names >= {*FIRST_READ, *CHANGING, *ACTING, *LEFT_ALONE, *CLEARED, *NEVER_SET}


def test_what_is_not_modelled_is_named(probe: Probe) -> None:
    probe.reset()
    answering = {register.full_name for register in listed() if probe.is_modelled(register)}
    assert answering == {register.full_name for register in _modelled()}


def test_reset_values(probe: Probe) -> None:
    wrong = {}
    for register in _modelled():
        name = register.full_name
        if register.reset is None or name in CHANGING or register.block == _MEMORY:
            continue
        probe.reset()
        found, wanted = probe.load(register.address), FIRST_READ.get(name, register.reset)
        if found != wanted:
            wrong[name] = f"{found:#x}, not {wanted:#x}"
    assert not wrong


def test_bits_that_keep_what_is_written_and_bits_that_read_as_zero(probe: Probe) -> None:
    wrong = {}
    for register in _modelled():
        if register.full_name in ACTING or register.block == _MEMORY:
            continue
        left = LEFT_ALONE.get(register.full_name, 0)
        fields = register.read_write | register.read_only | register.one_clears
        looked_at = _ALL & ~(left | register.read_only | register.one_clears)
        fixed = (register.reset or 0) & ~(fields | register.write_only)
        for pattern in (_ALL, 0, 0xAAAA_AAAA, 0x5555_5555):
            probe.reset()
            probe.store(register.address, ~pattern & ~left & _ALL)
            probe.store(register.address, pattern & ~left)
            found = probe.load(register.address) & looked_at
            wanted = (pattern & register.read_write | fixed) & looked_at
            if found != wanted:
                wrong[register.full_name] = f"{found:#x}, not {wanted:#x}"
    assert not wrong


def test_atomic_aliases(probe: Probe) -> None:
    wrong = set()
    for register, bits in _keeping():
        if register.block in _NO_ALIASES:
            continue
        rng = random.Random(register.full_name)
        first, flipped, added, cleared = (rng.getrandbits(32) & bits for _ in range(4))
        probe.reset()
        probe.store(register.address, first)
        probe.store(register.address + XOR, flipped)
        probe.store(register.address + SET, added)
        probe.store(register.address + CLEAR, cleared)
        wanted = ((first ^ flipped) | added) & ~cleared
        loads = {probe.load(register.address + alias) & bits for alias in (0, XOR, SET, CLEAR)}
        if loads != {wanted}:
            wrong.add(register.full_name)
    assert not wrong


def test_narrow_accesses(probe: Probe) -> None:
    """2.1.4: a narrow store comes on every lane, a narrow load takes its own."""
    wrong = set()
    for register, bits in _keeping():
        if register.block in ("PPB", _MEMORY):
            continue
        rng = random.Random(register.full_name)
        for size, lane in ((1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 2)):
            left, value = LEFT_ALONE.get(register.full_name, 0), rng.getrandbits(8 * size)
            copies = value * (0x0101_0101 if size == 1 else 0x0001_0001)
            if copies & left:
                continue
            probe.reset()
            probe.store(register.address + lane, value, size)
            word = probe.load(register.address)
            part = probe.load(register.address + lane, size)
            wanted = (copies & bits) >> 8 * lane & (1 << 8 * size) - 1
            if word & bits != copies & bits or part & bits >> 8 * lane != wanted:
                wrong.add(register.full_name)
    assert not wrong


# Bits that a written 1 clears: how a program sets some, at least two where there are two.


def _let_the_timer_run(probe: Probe) -> None:
    probe.store(0x4005_802C, 1 << 9 | 6)


def _raise_alarms(probe: Probe) -> None:
    _let_the_timer_run(probe)
    for alarm in range(2):
        probe.store(0x4005_4010 + 4 * alarm, probe.load(0x4005_4028) + 2)
    probe.wait_for(0x4005_4034, 0b11)


def _arm_alarms(probe: Probe) -> None:
    for alarm in range(2):
        probe.store(0x4005_4010 + 4 * alarm, 1000)


def _make_edges(bank: int, first_pin: int) -> Callable[[Probe], None]:
    def make(probe: Probe) -> None:
        for pin in (first_pin, first_pin + 1):
            for override in (3, 2):  # IRQOVER: high, then low
                probe.store(bank + 8 * pin + 4, override << 28 | 0x1F)

    return make


def _overrun_uart(base: int) -> Callable[[Probe], None]:
    def overrun(probe: Probe) -> None:
        """A loop without FIFOs at the highest rate."""
        probe.store(0x4000_8048, 1 << 11)  # clk_peri
        for offset, value in ((0x24, 1), (0x28, 0), (0x2C, 0x60), (0x30, 0x381)):
            probe.store(base + offset, value)
        for _ in range(2):
            probe.store(base, 0)
            probe.wait_for(base + 0x18, 1 << 7)
            while probe.load(base + 0x18) & 1 << 3:
                pass

    return overrun


def _misuse_adc_fifo(probe: Probe) -> None:
    probe.store(0x4000_8060, 1 << 11 | 2 << 5)  # clk_adc from the ROSC
    probe.store(0x4004_C008, 1)
    probe.load(0x4004_C00C)  # nothing there
    probe.store(0x4004_C000, 1 << 3 | 1)
    probe.wait_for(0x4004_C008, 1 << 11)
    probe.store(0x4004_C000, 0)


def _be_a_usb_device(probe: Probe) -> Usbctrl:
    """On the bus, with two buffers for the host, and a note of every NAK."""
    for register, value in ((0x74, 0x9), (0x78, 0xC), (0x4C, 0x2801_0000), (0x40, 0x1)):
        probe.store(0x5011_0000 + register, value)
    for buffer in (0x80, 0x88):
        probe.store(0x5010_0000 + buffer, 0x8400)
    probe.store(0x5010_0008, 0xA000_0180)
    usb = probe.pico._chip.peripherals.usbctrl
    assert isinstance(usb, Usbctrl)
    usb.clocked(Fraction(48_000_000))
    return usb


def _send_by_usb(probe: Probe) -> None:
    usb = _be_a_usb_device(probe)
    for endpoint in range(2):
        usb.answer_in(0, endpoint)
        usb.sent(endpoint)


def _refuse_by_usb(probe: Probe) -> None:
    usb = _be_a_usb_device(probe)
    probe.store(0x5010_0080, 0)
    assert usb.answer_in(0, 0) is usb.answer_out(0, 0) is Handshake.NAK


def _reset_usb(probe: Probe) -> None:
    usb = _be_a_usb_device(probe)
    usb.bus_reset(True)
    usb.setup(bytes(8))


def _abort_usb(probe: Probe) -> None:
    probe.store(0x5011_0060, 0b1010)


def _end_channels(probe: Probe) -> None:
    """Two channels of the DMA that have nothing to move."""
    for enable in (0x404, 0x414):
        probe.store(_DMA + enable, 0b11)
    for channel in range(2):
        probe.store(_DMA + 0x40 * channel + 0xC, channel << 11 | 0x3F << 15 | 1)
    probe.wait_for(_DMA + 0x400, 0b11)


def _wrap(probe: Probe) -> None:
    """Two slices of the PWM."""
    for number in range(2):
        probe.store(_PWM + 0x14 * number + 0x10, 3)
        probe.store(_PWM + 0x14 * number, 1)
    probe.wait_for(_PWM + 0xA4, 0b11)
    probe.store(_PWM + 0xA0, 0)


def _raise_flags(block: int) -> Callable[[Probe], None]:
    return lambda probe: probe.store(block + 0x34, 0b11)


def _read_empty_fifos(block: int) -> Callable[[Probe], None]:
    def read(probe: Probe) -> None:
        for number in range(2):
            probe.load(block + 0x20 + 4 * number)

    return read


def _write_badly(address: int) -> Callable[[Probe], None]:
    return lambda probe: probe.store(address, 0x123 << 12)


CLEARED: dict[str, Callable[[Probe], None]] = {
    **{f"PIO{number}.IRQ": _raise_flags(0x5020_0000 + (number << 20)) for number in range(2)},
    **{
        f"PIO{number}.FDEBUG": _read_empty_fifos(0x5020_0000 + (number << 20))
        for number in range(2)
    },
    "TIMER.INTR": _raise_alarms,
    "TIMER.ARMED": _arm_alarms,
    **{f"IO_BANK0.INTR{word}": _make_edges(0x4001_4000, 8 * word) for word in range(4)},
    "IO_QSPI.INTR": _make_edges(0x4001_8000, 2),
    "UART0.UARTRSR": _overrun_uart(0x4003_4000),
    "UART1.UARTRSR": _overrun_uart(0x4003_8000),
    **{f"DMA.{name}": _end_channels for name in ("INTR", "INTR1", "INTS0", "INTS1")},
    "PWM.INTR": _wrap,
    "ADC.FCS": _misuse_adc_fifo,
    "USBCTRL_REGS.SIE_STATUS": _reset_usb,
    "USBCTRL_REGS.BUFF_STATUS": _send_by_usb,
    "USBCTRL_REGS.EP_ABORT_DONE": _abort_usb,
    "USBCTRL_REGS.EP_STATUS_STALL_NAK": _refuse_by_usb,
    "XOSC.STATUS": _write_badly(0x4002_4000),
    "ROSC.STATUS": _write_badly(0x4006_0000),
}


def _overrun_spi(base: int) -> Callable[[Probe], None]:
    def overrun(probe: Probe) -> None:
        """Nine words in a loop, and nobody takes them."""
        probe.store(0x4000_8048, 1 << 11)  # clk_peri
        for offset, value in ((0x0, 0x7), (0x10, 2), (0x4, 0b11)):
            probe.store(base + offset, value)
        for _ in range(9):
            probe.store(base + 8, 0)
            while probe.load(base + 0xC) & 1 << 4:
                pass

    return overrun


# Interrupts that a register clears which reads as 0: that of the raw ones, and one of them.
CLEARED_ELSEWHERE = {
    "UART0.UARTICR": (_overrun_uart(0x4003_4000), 0x4003_403C, 1 << 10),
    "UART1.UARTICR": (_overrun_uart(0x4003_8000), 0x4003_803C, 1 << 10),
    "SPI0.SSPICR": (_overrun_spi(0x4003_C000), 0x4003_C018, 1 << 0),
    "SPI1.SSPICR": (_overrun_spi(0x4004_0000), 0x4004_0018, 1 << 0),
}
# No program can set these here, or any write clears them.
NEVER_SET = {
    "ADC.CS",  # ERR_STICKY: conversions do not fail
    "VREG_AND_CHIP_RESET.CHIP_RESET",  # PSM_RESTART_FLAG: of a debugger
    *(f"BUSCTRL.PERFCTR{number}" for number in range(4)),
    "DMA.CHAN_ABORT",  # is done at once
    *(f"DMA.CH{channel}_DBG_CTDREQ" for channel in range(12)),
    *(f"DMA.CH{channel}_CTRL_TRIG" for channel in range(12)),  # a write begins what sets them again
    *("XIP_CTRL.CTR_HIT", "XIP_CTRL.CTR_ACC", "SIO.FIFO_ST"),
}


def test_every_bit_that_a_one_clears_is_tested() -> None:
    found = {register.full_name for register in _modelled() if register.one_clears}
    assert found == {*CLEARED, *CLEARED_ELSEWHERE, *NEVER_SET}


@pytest.mark.parametrize("name", CLEARED)
@pytest.mark.parametrize(("alias", "clears_all"), [(0, 0), (CLEAR, 0), (SET, 1), (XOR, 1)])
def test_a_written_one_clears(probe: Probe, name: str, alias: int, clears_all: bool) -> None:
    register = next(one for one in listed() if one.full_name == name)

    def pending() -> int:
        return probe.load(register.address) & register.one_clears

    probe.reset()
    CLEARED[name](probe)
    before = pending()
    assert before
    lowest = before & -before
    probe.store(register.address + alias, lowest)
    assert pending() == (0 if clears_all else before & ~lowest)
    if alias == 0:
        probe.store(register.address, 0)
        assert pending() == before & ~lowest


@pytest.mark.parametrize("name", CLEARED_ELSEWHERE)
@pytest.mark.parametrize("alias", [0, CLEAR, SET, XOR])
def test_interrupts_are_cleared_by_a_register_of_their_own(
    probe: Probe, name: str, alias: int
) -> None:
    register = next(one for one in listed() if one.full_name == name)
    make, raw, bit = CLEARED_ELSEWHERE[name]
    probe.reset()
    make(probe)
    assert probe.load(raw) & bit
    probe.store(register.address + alias, bit)
    assert probe.load(raw) & bit == 0
    assert probe.load(register.address) == 0
