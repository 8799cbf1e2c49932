"""Comparing two records."""

import math

from priot.sim.reports.record_diff import Change, diff, table


def test_numbers_at_equal_keys() -> None:
    before = {"cycles": 100, "sram": {"stack": 10, "code": 5}, "ok": True, "only": 1, "name": "a"}
    after = {"cycles": 90, "sram": {"stack": 30, "code": 5}, "ok": False, "also": 2, "name": "b"}
    assert diff(before, after) == [Change("sram.stack", 10, 30), Change("cycles", 100, 90)]
    assert diff(before, before) == []


def test_profiles_by_function() -> None:
    before = {"cycles": 15, "functions": {"f": {"cycles": 10, "calls": 3}, "gone": {"cycles": 5}}}
    after = {"cycles": 31, "functions": {"f": {"cycles": 10, "calls": 9}, "new": {"cycles": 21}}}
    changes = diff(before, after)
    assert changes == [Change("new", 0, 21), Change("total", 15, 31), Change("gone", 5, 0)]
    assert [change.relative for change in changes] == [math.inf, 16 / 15, -1.0]


def test_table() -> None:
    text = table([Change("f", 2000, 1500), Change("new", 0, 7), Change("ms", 0.5, 0.75)])
    lines = [line.split() for line in text.splitlines()]
    assert lines == [
        ["before", "after", "change", "relative"],
        ["f", "2,000", "1,500", "-500", "-25.00%"],
        ["new", "0", "7", "+7", "new"],
        ["ms", "0.5", "0.75", "+0.25", "+50.00%"],
    ]
    assert table([]) == "no difference\n"
