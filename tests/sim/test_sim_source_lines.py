"""Faults and profiles name the source: tried on the trainer, which is built with debug lines."""

import re
from pathlib import Path

import numpy as np
import pytest

from priot import firmware_elf
from priot.sim import Fault, FaultReason, Pico

SOURCES = Path(firmware_elf.TRAINER).parent


@pytest.fixture
def pico() -> Pico:
    pico = Pico(firmware_elf.TRAINER, trace=True)
    pico.run()
    return pico


def test_fault_names_file_and_line_of_the_access(pico: Pico) -> None:
    nowhere, train = 0x6000_0000, 2
    pico.write("mailbox", np.array([nowhere, train], np.uint32))
    with pytest.raises(Fault) as caught:
        pico.run()
    fault = caught.value
    assert fault.reason is FaultReason.READ
    assert fault.address == nowhere
    place = re.search(r"(trainer/main\.c):(\d+)", fault.report())
    assert place, fault.report()
    line = (SOURCES / place[1]).read_text().splitlines()[int(place[2]) - 1]
    assert "image->magic" in line
    assert place[0] in str(fault)


def test_profile_by_line_names_existing_lines_and_adds_up(pico: Pico) -> None:
    pico.call("largest_magnitude", pico.symbol("__arena_start__").address, 10)
    entries = pico.profile().by_line()
    assert sum(entry.cycles for entry in entries) == pico.cycles
    names = {entry.name for entry in entries}
    loop = [name for name in names if "trainer/requantise.c" in name]
    assert loop
    for name in loop:
        file, line = name.rsplit(":", 1)
        assert 1 <= int(line) <= len((SOURCES / file).read_text().splitlines())


def test_call_of_a_compiled_function(pico: Pico) -> None:
    address = pico.symbol("__arena_start__").address
    pico.write(address, np.array([3, -2_000_000_000, 1_999_999_999], np.int32))
    assert pico.call("largest_magnitude", address, 3) == 2_000_000_000
    assert pico.call("largest_magnitude", address, 1) == 3


def test_profile_since_an_earlier_one_holds_what_came_after(pico: Pico) -> None:
    arena = pico.symbol("__arena_start__").address
    pico.call("largest_magnitude", arena, 10)
    before, cycles = pico.profile(), pico.cycles
    pico.call("largest_magnitude", arena, 3)
    after = pico.profile()
    late = after.since(before)
    assert late.total == pico.cycles - cycles
    assert {entry.name for entry in late.by_function()} == {"largest_magnitude"}
    whole = {cost.address: cost for cost in after.by_instruction()}
    first = {cost.address: cost for cost in before.by_instruction()}
    for cost in late.by_instruction():
        earlier = first[cost.address]
        assert cost.executions == whole[cost.address].executions - earlier.executions > 0
        assert cost.cycles == whole[cost.address].cycles - earlier.cycles
    assert after.since(after).total == 0
    assert after.since(after).addresses.size == 0


def test_profile_since_a_later_one_is_refused(pico: Pico) -> None:
    before = pico.profile()
    pico.call("largest_magnitude", pico.symbol("__arena_start__").address, 10)
    with pytest.raises(ValueError, match="the earlier one given"):
        before.since(pico.profile())
