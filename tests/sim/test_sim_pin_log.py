"""Changes of pins with their cycles, as VCD, and what is done to pins at set times."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim_programs import program

from priot.sim import Engine, Pico, PinChanges, SimError, StopReason, TraceError
from priot.sim.cpu.system_clock import SystemClock
from priot.sim.peripherals import Scheduler
from priot.sim.reports.vcd import vcd

_SIO, _PWM = 5, 4  # FUNCSEL
_OUT_OF_RESET = "ldr r0, =0x4000F000; movs r1, #0; mvns r1, r1; str r1, [r0]; "  # CLR of RESETS
_IO_BANK0, _SIO_BASE, _PWM_BASE = 0x4001_4000, 0xD000_0000, 0x4005_0000


def _function(pin: int, function: int) -> str:
    return f"ldr r0, ={_IO_BANK0 + 8 * pin + 4}; movs r1, #{function}; str r1, [r0]; "


def _output(pin: int) -> str:
    return (
        _function(pin, _SIO)
        + f"ldr r0, ={_SIO_BASE}; ldr r1, ={1 << pin}; str r1, [r0, #0x24]; "  # GPIO_OE_SET
    )


_VBUS = 1 << 24  # which a Pico in a socket has


def _pico(source: str) -> Pico:
    return Pico(program(_OUT_OF_RESET + source), log_pins=True)


def _edges(changes: PinChanges, pin: int) -> list[int]:
    """The cycles at which one pin changes."""
    levels = changes.levels >> np.uint32(pin) & 1
    return [int(cycle) for cycle in changes.cycles[1:][levels[1:] != levels[:-1]]]


def test_no_toggle_at_full_speed_is_lost() -> None:
    """A store to SIO takes one cycle and a taken branch two (Arm DDI0484C, 3.3)."""
    pico = _pico(_output(2) + "movs r1, #4; again: str r1, [r0, #0x1C]; b again")
    pico.run(max_cycles=100_000)
    edges = _edges(pico.pin_changes(), 2)
    assert len(edges) > 33_000
    assert set(np.diff(edges)) == {3}
    assert pico.cycles - edges[-1] <= 3


def test_toggles_between_two_changes_of_another_kind_are_in_order() -> None:
    """What native code notes and what the host does meets in one order of time."""
    pico = _pico(_output(2) + "movs r1, #4; again: str r1, [r0, #0x1C]; b again")
    for cycle in range(1_000, 50_000, 1_000):
        pico.at(lambda high=cycle // 1_000 % 2: pico.set_pin(7, bool(high)), cycle=cycle)
    pico.run(max_cycles=60_000)
    changes = pico.pin_changes()
    assert _edges(changes, 7) == list(range(1_000, 50_000, 1_000))
    assert set(np.diff(_edges(changes, 2))) == {3}
    assert (np.diff(changes.cycles) > 0).all()


@pytest.mark.parametrize(
    "loop",
    [
        "again: b again",
        # An instruction of several cycles does not move the edges that come during it.
        "ldr r0, =0x20002000; again: ldmia r0!, {r1-r7}; subs r0, #28; b again",
        "again: wfi; b again",
    ],
)
def test_pwm_has_its_edges_in_their_cycles(loop: str) -> None:
    """RP2040 datasheet, 4.5.2.1: TOP + 1 cycles a period, CC of them high."""
    registers = ((0x10, 6), (0x0C, 2), (0x00, 1))  # TOP, CC, CSR.EN
    writes = "".join(f"movs r1, #{value}; str r1, [r0, #{at}]; " for at, value in registers)
    pico = _pico(_function(0, _PWM) + f"ldr r0, ={_PWM_BASE}; " + writes + loop)
    pico.run(max_cycles=60_000)
    changes = pico.pin_changes()
    highs, lows = np.diff(_edges(changes, 0)[1:])[::2], np.diff(_edges(changes, 0)[1:])[1::2]
    assert len(highs) > 8_000
    assert {*highs, *lows} == {2, 5}
    assert len({*highs}) == len({*lows}) == 1


@pytest.mark.parametrize("loop", ["again: b again", "again: wfi; b again"])
def test_no_toggle_of_pio_is_lost(loop: str) -> None:
    """RP2040 datasheet, 3.5: SET PINS takes one cycle, and wrapping none."""
    words = ((0x48, 0xE081), (0x4C, 0xE001), (0x50, 0xE000))  # INSTR_MEM: pindirs; pins 1, pins 0
    registers = (
        *words,
        (0xCC, 2 << 12 | 1 << 7),  # EXECCTRL: wraps from 2 to 1
        (0xDC, 1 << 26),  # PINCTRL.SET_COUNT
        (0x00, 1),  # CTRL: machine 0 runs
    )
    writes = "".join(
        f"ldr r1, ={value}; ldr r2, ={at}; str r1, [r0, r2]; " for at, value in registers
    )
    pico = _pico(_function(0, 6) + "ldr r0, =0x50200000; " + writes + loop)
    pico.run(max_cycles=60_000)
    edges = _edges(pico.pin_changes(), 0)
    assert len(edges) > 59_000
    assert set(np.diff(edges)) == {1}


def test_what_two_pins_do_in_one_cycle_is_one_change() -> None:
    pico = _pico(_output(2) + _output(3) + "movs r1, #12; str r1, [r0, #0x14]; bkpt #0")
    pico.run()
    changes = pico.pin_changes()
    assert changes.levels.tolist() == [_VBUS, _VBUS | 12]
    assert changes.cycles[0] == 0


def test_times_follow_the_clock_that_the_program_sets() -> None:
    """A divisor of 4 in CLK_SYS_DIV (2.15.7) makes the same loop four times as slow."""
    divide = "ldr r3, =0x40008040; movs r4, #4; lsls r4, r4, #8; str r4, [r3]; "
    toggle = "str r1, [r0, #0x1C]; "
    pico = _pico(_output(2) + "movs r1, #4; " + toggle * 3 + divide + toggle * 3 + "bkpt #0")
    pico.run()
    times = pico.pin_changes().picoseconds
    hz = pico.clock_hz
    fast, slow = times[2:4] - times[1:3], times[-2:] - times[-3:-1]
    assert slow.tolist() == pytest.approx([1e12 / hz] * 2, abs=1)
    assert fast[0] != slow[0]
    assert pico.pin_changes().end == pytest.approx(pico.seconds * 1e12, abs=1)


def test_a_reset_of_the_pico_begins_anew() -> None:
    pico = _pico(_output(2) + "movs r1, #4; str r1, [r0, #0x1C]; bkpt #0")
    pico.run()
    first = vcd(pico.pin_changes())
    pico.reset()
    assert pico.pin_changes().levels.tolist() == [_VBUS]
    pico.run()
    assert vcd(pico.pin_changes()) == first


def test_a_button_on_a_wire_ends_a_loop() -> None:
    """GPIO 4 is wired to GPIO 9, which somebody pulls high at a cycle and lets go of."""
    poll = f"ldr r0, ={_SIO_BASE}; movs r2, #16; "
    wait = "again: ldr r1, [r0, #4]; tst r1, r2; beq again; "
    release = "still: ldr r1, [r0, #4]; tst r1, r2; bne still; bkpt #0"
    pico = _pico(poll + wait + release)
    pico.wire([4, 9])
    pico.at(lambda: pico.set_pin(9, True), cycle=5_000)
    pico.at(lambda: pico.set_pin(9, None), seconds=100e-6)
    assert pico.run(max_cycles=100_000).reason is StopReason.HALT
    changes = pico.pin_changes()
    assert _edges(changes, 4) == _edges(changes, 9) == [5_000, 13_300]
    assert 13_300 <= pico.cycles < 13_320


def test_a_press_wakes_a_program_that_sleeps_for_nothing_else() -> None:
    """GPIO 3's rising edge is an interrupt of core 0 (2.19.3), which ends WFI unmasked or not."""
    source = (
        f"cpsid i; ldr r0, ={_IO_BANK0 + 0x100}; ldr r1, =0x8000; str r1, [r0]; "
        "ldr r0, =0xE000E100; ldr r1, =0x2000; str r1, [r0]; wfi; bkpt #0"
    )
    pico = _pico(source)
    pico.at(lambda: pico.set_pin(3, True), cycle=70_000)
    assert pico.run().reason is StopReason.HALT
    assert 70_000 <= pico.cycles < 70_010


def test_seconds_of_an_action_follow_a_clock_that_changes() -> None:
    divide = "ldr r3, =0x40008040; movs r4, #4; lsls r4, r4, #8; str r4, [r3]; again: b again"
    pico = _pico(divide)
    pico.at(lambda: pico.set_pin(3, True), seconds=1e-3)
    pico.run(max_cycles=500_000)
    changes = pico.pin_changes()
    assert changes.picoseconds[1] == pytest.approx(1e9, abs=1e12 / pico.clock_hz)


def test_an_action_may_ask_for_others_but_not_run_the_program() -> None:
    pico = _pico("again: b again")
    seen: list[int] = []

    def tick() -> None:
        seen.append(pico.cycles)
        if len(seen) < 3:
            pico.at(tick, cycle=100 * (len(seen) + 1))

    pico.at(tick, cycle=100)
    pico.run(max_cycles=1_000)
    assert [cycle // 100 for cycle in seen] == [1, 2, 3]
    pico.at(pico.run, cycle=2_000)
    with pytest.raises(SimError, match="cannot run the program"):
        pico.run(max_cycles=2_000)
    pico.run(max_cycles=100)


def test_what_cannot_be_is_refused() -> None:
    pico = Pico(program("bkpt #0"))
    with pytest.raises(TraceError, match="log_pins=True"):
        pico.pin_changes()
    with pytest.raises(ValueError, match="there is no GPIO 30"):
        pico.set_pin(30, True)
    for moment in ({}, {"cycle": 1, "seconds": 1.0}):
        with pytest.raises(ValueError, match="either"):
            pico.at(print, **moment)  # type: ignore[arg-type]
    with pytest.raises(TraceError, match="Unicorn has no pins"):
        Pico(program("bkpt #0"), engine=Engine.UNICORN, log_pins=True)
    with pytest.raises(SimError, match="no peripherals"):
        Pico(program("bkpt #0"), engine=Engine.UNICORN).at(print, cycle=1)


def _parsed(text: str) -> tuple[list[int], list[int]]:
    """Times and levels of a dump, by the rules of IEEE 1364-2005, 18.2."""
    head, body = text.split("$enddefinitions $end\n")
    names = dict(re.findall(r"\$var wire 1 (\S) GPIO(\d+) \$end", head))
    assert re.search(r"\$timescale 1 ps \$end", head)
    times, levels, level = [], [], 0
    for word in body.split():
        if word.startswith("#"):
            times.append(int(word[1:]))
            levels.append(level)
        elif not word.startswith("$"):
            bit = 1 << int(names[word[1:]])
            level = level | bit if word[0] == "1" else level & ~bit
            levels[-1] = level
    return times, levels


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, (1 << 30) - 1)), max_size=40))
def test_a_dump_read_back_is_what_was_written(steps: list[tuple[int, int]]) -> None:
    times, levels = [0], [0]
    for wait, level in steps:
        if level != levels[-1]:
            times.append(times[-1] + wait)
            levels.append(level)
    changes = PinChanges(
        np.array(times), np.array(times), np.array(levels, np.uint32), end=times[-1] + 5
    )
    assert _parsed(vcd(changes)) == ([*times, times[-1] + 5], [*levels, levels[-1]])


def test_a_time_is_exact_however_often_the_clock_changed() -> None:
    scheduler = Scheduler()
    clock = SystemClock(scheduler, 133_000_000)
    expected = Fraction(0)
    for cycles, hz in ((7, 12_000_000), (1_000_003, 125_000_000), (11, 48_000_000)):
        expected += cycles / clock.hz
        scheduler.advance(scheduler.cycles + cycles)
        clock.change(Fraction(hz))
    assert clock.picoseconds([7, scheduler.cycles]) == [
        7 * 10**12 // 133_000_000,
        int(expected * 10**12),
    ]
    assert clock.seconds(7) == 7 / 133_000_000  # also of a cycle that lies behind a change
