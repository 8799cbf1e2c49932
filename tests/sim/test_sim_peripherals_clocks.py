"""Clocks, oscillators, PLLs, watchdog and everything that counts their edges."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peripheral_board import Board

from priot.sim.peripherals import NEVER, Scheduler
from priot.sim.peripherals.timebase import Timebase

_MHZ = 1_000_000


def test_power_on_runs_from_the_ring_oscillator() -> None:
    board = Board()
    assert board.hz("clk_ref") == board.hz("clk_sys") == 6_500_000
    assert board.hz("clk_peri") == board.hz("clk_adc") == board.hz("xosc") == 0
    board.write("ROSC", "DIV", 0xAA0 + 8)
    assert board.hz("clk_sys") == 13 * _MHZ
    board.write("ROSC", "DIV", 0xAA0)
    assert board.hz("clk_sys") == 3_250_000


def test_sdk_default_clocks() -> None:
    board = Board()
    board.init_clocks()
    expected = {
        "clk_ref": 12 * _MHZ,
        "clk_sys": 125 * _MHZ,
        "clk_usb": 48 * _MHZ,
        "clk_adc": 48 * _MHZ,
        "clk_rtc": 46_875,
        "clk_peri": 125 * _MHZ,
    }
    assert {name: board.hz(name) for name in expected} == expected
    assert ("tick", Fraction(6_500_000, 12)) in board.events
    assert board.events[-2:] == [("tick", _MHZ), ("clk_sys", 125 * _MHZ)]
    assert "clock lost" not in board.events


@pytest.mark.parametrize(("vco", "post1", "post2", "mhz"), [(1596, 6, 2, 133), (1440, 6, 5, 48)])
def test_other_pll_settings(vco: int, post1: int, post2: int, mhz: int) -> None:
    board = Board()
    board.start_xosc()
    board.start_pll("PLL_SYS", 1, vco, post1, post2)
    assert board.hz("pll_sys") == mhz * _MHZ
    board.set_bits("PLL_SYS", "PWR", 0x8)  # POSTDIVPD
    assert board.hz("pll_sys") == 0
    assert board.read("PLL_SYS", "CS") >> 31 == 1
    board.set_bits("PLL_SYS", "PWR", 0x1)
    assert board.read("PLL_SYS", "CS") >> 31 == 0


def test_pll_needs_a_reference_and_a_divisor_in_range() -> None:
    board = Board()
    board.write("PLL_SYS", "FBDIV_INT", 125)
    board.clear_bits("PLL_SYS", "PWR", 0x29)
    assert board.read("PLL_SYS", "CS") >> 31 == 0
    board.start_xosc()
    assert board.read("PLL_SYS", "CS") >> 31 == 1
    board.write("PLL_SYS", "FBDIV_INT", 15)
    assert board.read("PLL_SYS", "CS") >> 31 == 0
    board.write("PLL_SYS", "CS", 1 << 8 | 1)  # BYPASS
    assert board.hz("pll_sys") == 12 * _MHZ


def test_xosc_is_stable_after_its_delay() -> None:
    board = Board()
    cycles = board.start_xosc()
    edges = 47 * 256
    assert cycles == -(-edges * 6_500_000 // (12 * _MHZ))
    assert board.read("XOSC", "STATUS") == 1 << 31 | 1 << 12 | 1 << 24  # BADWRITE: 0xaa0 alone
    board.write("XOSC", "STATUS", 1 << 24)
    assert board.read("XOSC", "STATUS") == 1 << 31 | 1 << 12
    assert not board.blocks["XOSC"].write(0x8, 0x636F_6D61)  # "coma" is not modelled


def test_oscillator_count() -> None:
    board = Board()
    board.init_clocks()
    board.write("XOSC", "COUNT", 100)
    assert board.read("XOSC", "COUNT") == 100
    board.run(48 * 125 // 12)
    assert board.read("XOSC", "COUNT") == 52
    board.run(2000)
    assert board.read("XOSC", "COUNT") == 0


def test_fractional_divisors() -> None:
    board = Board()
    board.init_clocks()
    board.write("CLOCKS", "CLK_RTC_DIV", 3 << 8 | 128)
    assert board.hz("clk_rtc") == Fraction(48 * _MHZ * 2, 7)
    board.write("CLOCKS", "CLK_SYS_DIV", 2 << 8)
    assert board.hz("clk_sys") == board.hz("clk_peri") == 62_500_000
    board.write("CLOCKS", "CLK_GPOUT0_CTRL", 6 << 5 | 1 << 11)
    board.write("CLOCKS", "CLK_GPOUT0_DIV", 0)  # divides by 2^16
    assert board.hz("clk_gpout0") == Fraction(62_500_000, 1 << 16)
    board.set_bits("CLOCKS", "CLK_GPOUT0_CTRL", 1 << 10)  # KILL
    assert board.hz("clk_gpout0") == 0


def test_frequency_counter() -> None:
    """As the SDK's frequency_count_khz does it; of a clock that stands boards tell 0."""
    board = Board()
    board.init_clocks()
    expected = [125_000, 48_000, 6_500, 6_500, 12_000, None, None, 12_000, 125_000, 125_000]
    for source, khz in enumerate([*expected, 48_000, 48_000, 46], 1):
        board.write("CLOCKS", "FC0_REF_KHZ", 12_000)
        board.write("CLOCKS", "FC0_INTERVAL", 10)
        board.write("CLOCKS", "FC0_MIN_KHZ", 0)
        board.write("CLOCKS", "FC0_MAX_KHZ", 0xFFFF_FFFF)
        board.write("CLOCKS", "FC0_SRC", source)
        stands = khz is None
        assert board.read("CLOCKS", "FC0_STATUS") == stands << 12 | 1 << 8
        cycles = board.wait_for("CLOCKS", "FC0_STATUS", 1 << 4, 1 << 4, step=125)
        assert cycles == 125_125  # 1 ms, behind FC0_DELAY: one period of clk_ref
        assert board.read("CLOCKS", "FC0_STATUS") == stands << 28 | 1 << 4 | 1
        assert board.read("CLOCKS", "FC0_RESULT") >> 5 == (khz or 0)
    board.write("CLOCKS", "FC0_MIN_KHZ", 50)
    assert board.read("CLOCKS", "FC0_STATUS") == 1 << 4 | 1 << 16 | 1 << 20


def test_resus_rescues_a_lost_system_clock() -> None:
    board = Board()
    board.init_clocks()
    board.write("CLOCKS", "CLK_SYS_RESUS_CTRL", 1 << 8 | 0xFF)
    board.write("CLOCKS", "INTE", 1)
    board.write("PLL_SYS", "PWR", 0x2D)
    assert board.hz("clk_sys") == 12 * _MHZ
    assert board.read("CLOCKS", "CLK_SYS_RESUS_STATUS") == 1
    assert board.read("CLOCKS", "CLK_SYS_SELECTED") == 1
    assert board.interrupts == {17}
    board.clear_bits("CLOCKS", "CLK_SYS_CTRL", 1)
    board.set_bits("CLOCKS", "CLK_SYS_RESUS_CTRL", 1 << 16)
    assert board.interrupts == set()
    assert board.read("CLOCKS", "CLK_SYS_RESUS_STATUS") == 0
    assert board.hz("clk_sys") == 12 * _MHZ
    assert "clock lost" not in board.events


def test_lost_system_clock_is_told() -> None:
    board = Board()
    board.set_bits("CLOCKS", "CLK_SYS_CTRL", 1)  # a PLL that is off
    assert board.events == ["clock lost"]
    board.chip.reset()
    assert board.events == ["clock lost"]
    assert board.hz("clk_sys") == 6_500_000


def test_watchdog_tick() -> None:
    board = Board()
    board.init_clocks()
    assert board.read("WATCHDOG", "TICK") & 0x7FF == 12 | 1 << 9 | 1 << 10
    board.start_tick(12)
    start = board.chip.watchdog.ticks.count
    assert board.read("WATCHDOG", "TICK") >> 11 == 11
    board.run(124)
    assert board.chip.watchdog.ticks.count == start
    board.run(1)
    assert board.chip.watchdog.ticks.count == start + 1
    board.run(125 * 999)
    assert board.chip.watchdog.ticks.count == start + 1000
    board.write("WATCHDOG", "TICK", 12)
    assert board.read("WATCHDOG", "TICK") == 12
    assert board.events[-1] == ("tick", 0)


def test_watchdog_counts_two_for_each_tick() -> None:
    """watchdog_enable(100 ms) loads 200,000 for the erratum RP2040-E1."""
    board = Board()
    board.init_clocks()
    board.start_tick(12)
    board.clear_bits("WATCHDOG", "CTRL", 1 << 30)
    board.write("WATCHDOG", "LOAD", 200_000)
    board.set_bits("WATCHDOG", "CTRL", 1 << 30)
    start = board.clock.cycles
    assert board.read("WATCHDOG", "CTRL") & 0xFF_FFFF == 200_000
    board.run(125 * 1000)
    assert board.read("WATCHDOG", "CTRL") & 0xFF_FFFF == 198_000
    board.write("WATCHDOG", "LOAD", 200_000)
    assert board.clock.next == start + 101 * 125_000
    board.run(100 * 125_000 - 1)
    assert "reset" not in board.events
    board.run(1)
    assert board.events[-1] == "reset"
    assert board.read("WATCHDOG", "REASON") == 1
    assert board.sleeps()


def test_watchdog_trigger_and_pause() -> None:
    board = Board()
    board.init_clocks()
    board.write("WATCHDOG", "LOAD", 1000)
    board.set_bits("WATCHDOG", "CTRL", 1 << 30)
    board.run(125 * 100)
    board.clear_bits("WATCHDOG", "CTRL", 1 << 30)
    board.run(125 * 1000)
    assert board.read("WATCHDOG", "CTRL") & 0xFF_FFFF == 800
    assert "reset" not in board.events
    board.set_bits("WATCHDOG", "CTRL", 1 << 31)
    assert board.events[-1] == "reset"
    assert board.read("WATCHDOG", "REASON") == 2


_FREQUENCIES = st.fractions(min_value=0, max_value=10**9, max_denominator=1000)


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 10**9), _FREQUENCIES), min_size=1))
def test_counter_loses_a_millionth_of_an_edge_at_most_at_each_change(
    stretches: list[tuple[int, int, Fraction]],
) -> None:
    clock = Scheduler()
    timebase = Timebase(clock)
    system, other = Fraction(1), Fraction(0)
    timebase.system_hz = lambda: system
    counter = timebase.counter(lambda: other)
    exact, lost = Fraction(0), Fraction(0)
    for cycles, hz, frequency in stretches:
        system, other = Fraction(hz), frequency
        timebase.changed()
        target, now = counter.count + 3, clock.cycles
        due = counter.cycle_of(target)
        if frequency == 0:
            assert due == NEVER
        elif due < now + cycles:
            clock.advance(due - 1)
            assert counter.count < target
            clock.advance(due)
            assert counter.count >= target
        clock.advance(now + cycles)
        exact += cycles * frequency / hz
        lost += Fraction(1, 1_000_000)
        assert int(exact - lost) <= counter.count <= int(exact + lost)


def test_reset_repeats_the_start() -> None:
    board = Board()
    runs = []
    for _ in range(2):
        board.init_clocks()
        runs.append((board.clock.cycles, list(board.events)))
        board.clock.reset()
        board.chip.reset()
        assert board.events == runs[-1][1]
        assert board.hz("clk_sys") == 6_500_000
        board.events.clear()
    assert runs[0] == runs[1]


def test_a_fraction_counts_from_a_divisor_of_two_on() -> None:
    """As on silicon: pico-sdk issue 2189."""
    board = Board()
    board.init_clocks()
    for divisor, hz in ((0x180, 125 * _MHZ), (0x280, 50 * _MHZ), (0x200, 62.5 * _MHZ)):
        board.write("CLOCKS", "CLK_SYS_DIV", divisor)
        assert board.hz("clk_sys") == hz
