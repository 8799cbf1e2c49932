"""Arbitration between two cores, against a model that steps every cycle."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import bus_trace
from sim.machine import new_machine

_ARRAY = new_machine()
_MACHINE = _ARRAY[0]

Stream = list[tuple[int, int]]  # cycle without stalls, port


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """What one core asks for: at most one access a cycle."""
    gaps = draw(st.lists(st.integers(1, 3), max_size=40))
    cycles = np.cumsum([draw(st.integers(0, 3)), *gaps]).tolist()
    return [(cycle, draw(st.integers(2, 4))) for cycle in cycles]


def stepped(streams: tuple[Stream, Stream]) -> list[int]:
    """Stalls of each core: every cycle, each core that has come to an access asks for it."""
    left = [list(stream) for stream in streams]
    stalls, winner = [0, 0], dict.fromkeys(range(16), 0)
    cycle = 0
    while any(left):
        asked = [bool(s) and s[0][0] + stalls[core] == cycle for core, s in enumerate(left)]
        if all(asked) and left[0][0][1] == left[1][0][1]:
            port = left[0][0][1]
            winner[port] = 1 - winner[port]
            stalls[1 - winner[port]] += 1
            asked[1 - winner[port]] = False
        for core in range(2):
            if asked[core]:
                del left[core][0]
        cycle += 1
    return stalls


def arbitrated(streams: tuple[Stream, Stream], stops: list[int]) -> list[int]:
    """Stalls of each core when it comes to the bus in pieces that end at `stops`."""
    machine: Any = _MACHINE
    for name in ("access_count", "bus_stalls", "bus_lost", "bus_winner", "bus_one_bank"):
        machine[name] = 0
    ends = [*sorted(stops), 1 << 40]
    start = 0
    for end in ends:
        for core, stream in enumerate(streams):
            for cycle, port in stream:
                if start <= cycle < end:
                    machine["accesses"][core, machine["access_count"][core]] = cycle << 4 | port
                    machine["access_count"][core] += 1
        bus_trace.arbitrate(_ARRAY[0], np.array([end, end]), np.array([False, False]))
        start = end
    assert not machine["access_count"].any()
    assert machine["bus_lost"].sum() == machine["bus_stalls"].sum()
    return list(machine["bus_stalls"].tolist())


@given(streams(), streams(), st.lists(st.integers(0, 100), max_size=4))
@settings(max_examples=300)
def test_arbitration_equals_that_of_every_cycle(a: Stream, b: Stream, stops: list[int]) -> None:
    assert arbitrated((a, b), stops) == stepped((a, b))


@given(streams(), streams())
def test_nobody_waits_more_often_than_the_other_accesses(a: Stream, b: Stream) -> None:
    first, second = arbitrated((a, b), [])
    assert first <= len(b)
    assert second <= len(a)


def test_in_step_at_one_bank_one_core_slips_once() -> None:
    """Every second cycle, as loads do: a cycle apart they never meet again."""
    loads = [(2 * number, 2) for number in range(100)]
    assert sorted(arbitrated((loads, loads), [])) == [0, 1]


def test_at_one_bank_in_every_cycle_both_wait_in_turn() -> None:
    always = [(number, 2) for number in range(100)]
    assert sorted(arbitrated((always, always), [])) == [99, 100]


def test_a_core_that_rests_is_in_nobodys_way() -> None:
    machine = _MACHINE
    for name in ("access_count", "bus_stalls"):
        machine[name] = 0
    machine["accesses"][0, :3] = [cycle << 4 | 2 for cycle in (5, 6, 7)]
    machine["access_count"][0] = 3
    bus_trace.arbitrate(_ARRAY[0], np.array([8, 6]), np.array([False, False]))
    assert machine["access_count"][0] == 2
    bus_trace.arbitrate(_ARRAY[0], np.array([8, 6]), np.array([False, True]))
    assert machine["access_count"][0] == 0
    assert not machine["bus_stalls"].any()
