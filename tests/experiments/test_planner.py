"""The planner: buffers that are needed together never overlap, others share memory."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from priot.experiments.device.planner import ALIGNMENT, Buffer, Plan, plan_buffers

MOMENTS = range(8)

sizes = st.integers(1, 200)
some_moments = st.frozensets(st.sampled_from(MOMENTS))


def named(drawn: list[tuple[int, frozenset[int] | None]]) -> list[Buffer]:
    return [Buffer(f"buffer {i}", size, moments) for i, (size, moments) in enumerate(drawn)]


any_buffers = st.lists(st.tuples(sizes, st.none() | some_moments), max_size=12).map(named)
permanent_buffers = st.lists(st.tuples(sizes, st.none()), max_size=6).map(named)


def aligned(size: int) -> int:
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def place(plan: Plan, buffer: Buffer) -> range:
    start = plan.offsets[buffer.name]
    return range(start, start + buffer.size)


def overlap(plan: Plan, one: Buffer, other: Buffer) -> bool:
    first, second = place(plan, one), place(plan, other)
    return first.start < second.stop and second.start < first.stop


@given(any_buffers)
def test_buffers_that_are_needed_together_do_not_overlap(buffers: list[Buffer]) -> None:
    plan = plan_buffers(buffers)
    assert set(plan.offsets) == {buffer.name for buffer in buffers}
    for one, other in combinations(buffers, 2):
        together = None in (one.moments, other.moments) or one.moments & other.moments
        assert one.conflicts(other) == other.conflicts(one) == bool(together)
        assert not (together and overlap(plan, one, other))


@given(any_buffers)
def test_offsets_are_aligned_and_the_size_covers_all_within_its_bounds(
    buffers: list[Buffer],
) -> None:
    plan = plan_buffers(buffers)
    assert all(offset % 8 == 0 for offset in plan.offsets.values())
    assert plan.size % 8 == 0
    assert all(place(plan, buffer).stop <= plan.size for buffer in buffers)
    assert plan.size <= sum(aligned(buffer.size) for buffer in buffers)
    at_once = [
        sum(aligned(b.size) for b in buffers if b.moments is None or moment in b.moments)
        for moment in MOMENTS
    ]
    assert plan.size >= max(at_once)


@given(any_buffers)
def test_permanent_buffers_come_first_in_the_order_given(buffers: list[Buffer]) -> None:
    plan = plan_buffers(buffers)
    end = 0
    for buffer in (buffer for buffer in buffers if buffer.moments is None):
        assert plan.offsets[buffer.name] == end
        end += aligned(buffer.size)
    passing = (buffer for buffer in buffers if buffer.moments is not None)
    assert all(plan.offsets[buffer.name] >= end for buffer in passing)


@given(permanent_buffers, st.lists(sizes, min_size=1, max_size=len(MOMENTS)))
def test_buffers_that_are_never_needed_together_share_one_place(
    permanent: list[Buffer], passing: list[int]
) -> None:
    others = [Buffer(f"passing {i}", size, frozenset({i})) for i, size in enumerate(passing)]
    plan = plan_buffers([*permanent, *others])
    start = sum(aligned(buffer.size) for buffer in permanent)
    assert {plan.offsets[buffer.name] for buffer in others} == {start}
    assert plan.size == start + aligned(max(passing))


def test_a_chain_of_activations_needs_two_places_in_turn() -> None:
    chain = [Buffer(f"layer {i}", 100, frozenset({i, i + 1})) for i in range(5)]
    plan = plan_buffers(chain)
    assert [plan.offsets[buffer.name] for buffer in chain] == [0, 104, 0, 104, 0]
    assert plan.size == 208


def test_a_small_buffer_fills_the_gap_between_two_large_ones() -> None:
    early = Buffer("early", 100, frozenset({0, 1}))
    late = Buffer("late", 40, frozenset({1, 2}))
    small = Buffer("small", 60, frozenset({2}))
    plan = plan_buffers([small, late, early])
    assert plan.offsets == {"early": 0, "small": 0, "late": 104}


@pytest.mark.parametrize(("sizes", "expected"), [([], 0), ([1], 8), ([8], 8), ([8, 9], 24)])
def test_sizes_are_rounded_up(sizes: list[int], expected: int) -> None:
    buffers = [Buffer(str(i), size) for i, size in enumerate(sizes)]
    assert plan_buffers(buffers).size == expected
