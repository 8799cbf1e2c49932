"""Registers that a program polls in turn are answered without Python until they may change."""

import pytest
from sim_programs import program

from priot.sim import Pico
from priot.sim.bus import Bus

_OUT_OF_RESET = "ldr r0, =0x4000F000; movs r1, #0; mvns r1, r1; str r1, [r0]; "


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The addresses that Python was asked for."""
    asked: list[int] = []
    read = Bus.read

    def noted(self: Bus, address: int, size: int) -> int | None:
        asked.append(address)
        return read(self, address, size)

    monkeypatch.setattr(Bus, "read", noted)
    return asked


def test_three_registers_of_i2c_in_turn(reads: list[int]) -> None:
    """As the SDK's i2c_read_blocking: IC_TX_ABRT_SOURCE, IC_RAW_INTR_STAT, IC_RXFLR."""
    loop = "again: ldr r1, [r0]; ldr r2, [r3, #0x34]; ldr r4, [r3, #0x78]; b again"
    pico = Pico(program(_OUT_OF_RESET + "ldr r3, =0x40044000; ldr r0, =0x40044080; " + loop))
    pico.run(max_cycles=10_000)
    assert reads == [0x4004_4080, 0x4004_4034, 0x4004_4078]


def test_a_read_that_may_change_something_ends_it(reads: list[int]) -> None:
    """IC_CLR_INTR clears by being read."""
    loop = "again: ldr r2, [r3, #0x34]; ldr r2, [r3, #0x34]; ldr r1, [r3, #0x40]; b again"
    pico = Pico(program(_OUT_OF_RESET + "ldr r3, =0x40044000; " + loop))
    pico.run(max_cycles=1_000)
    assert reads[:6] == [0x4004_4034, 0x4004_4040] * 3


def test_a_write_ends_it(reads: list[int]) -> None:
    loop = "again: ldr r2, [r3, #0x34]; ldr r2, [r3, #0x34]; str r1, [r3, #0x30]; b again"
    pico = Pico(program(_OUT_OF_RESET + "ldr r3, =0x40044000; " + loop))
    pico.run(max_cycles=1_000)
    assert reads[:3] == [0x4004_4034] * 3


def test_more_registers_than_there_is_room_for() -> None:
    """Ten in turn, of both I2Cs; after reset IC_STATUS says that the transmit FIFO is empty."""
    loads = "".join(
        f"ldr r{to}, [r{base}, #{at}]; "
        for base in (3, 4)
        for to, at in zip((0, 0, 0, 1, 2), (0x2C, 0x34, 0x74, 0x70, 0x78), strict=True)
    )
    source = "ldr r3, =0x40044000; ldr r4, =0x40048000; again: " + loads + "b again"
    pico = Pico(program(_OUT_OF_RESET + source))
    pico.run(max_cycles=5_000)
    assert (pico.registers.r1, pico.registers.r2) == (6, 0)


@pytest.mark.parametrize(
    ("name", "setup", "poll", "bit"),
    [
        # CS: EN and START_ONCE; READY comes 96 cycles of clk_adc later (4.9.2).
        ("ADC", "ldr r3, =0x4004C000; movs r1, #5; str r1, [r3]; ", 0, 8),
        # FC0_STATUS.DONE of clk_sys by clk_ref (2.15.6.2).
        (
            "FC0",
            "ldr r3, =0x40008080; movs r1, #12; lsls r1, #10; str r1, [r3]; movs r1, #9; "
            "str r1, [r3, #0x14]; ",
            0x18,
            4,
        ),
        # XOSC: STATUS.STABLE after STARTUP (2.16.3).
        ("XOSC", "ldr r3, =0x40024000; ldr r1, =0xFABAA0; str r1, [r3]; ", 4, 31),
    ],
)
def test_what_is_waited_for_comes_in_its_cycle(
    name: str, setup: str, poll: int, bit: int, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same number of turns as when Python answers each of them, and few of its answers."""
    # clk_ref and clk_sys run from the ROSC after reset; clk_adc from it too (CLK_ADC_CTRL, 2.15.7).
    clocks = "ldr r3, =0x40008060; ldr r1, =0x860; str r1, [r3]; "
    loop = f"movs r5, #0; again: adds r5, #1; ldr r2, [r3, #{poll}]; lsrs r2, #{bit + 1}; "
    source = _OUT_OF_RESET + clocks + setup + loop + "bcc again; bkpt #0"
    if bit == 31:
        source = _OUT_OF_RESET + clocks + setup + loop.replace("lsrs r2, #32", "lsls r2, #1")
        source += "bcc again; bkpt #0"
    pico = Pico(program(source))
    pico.run(max_cycles=10_000_000)
    turns, asked = pico.registers.r5, len(reads)
    assert turns > 20, name
    assert asked < 6, name
    monkeypatch.setattr(Bus, "steady_until", lambda self, address: 0)
    slow = Pico(program(source))
    slow.run(max_cycles=10_000_000)
    assert (slow.registers.r5, slow.cycles) == (turns, pico.cycles)
