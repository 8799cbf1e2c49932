"""The XIP cache: its rules one by one, and whole programs against a slow model."""

from typing import Any

import numpy as np
import pytest
import xip_reference
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_programs import FLASH_BASE, SRAM_BASE, ElfSource, assemble, program, set_registers

from priot.sim import Fault, Pico, Program, StopReason

MISS = 50  # the default
DATA = FLASH_BASE + 0x10000


def reads(*addresses: int, **options: Any) -> Pico:
    """A Pico that has read these words from code in SRAM: no fetches, only data."""
    code = assemble("loop: ldm r0!, {r1}; cmp r1, #0; beq end; ldr r2, [r1]; b loop; end: bkpt #0")
    program = Program.parse(ElfSource(b"\xff" * 16, FLASH_BASE, entry=SRAM_BASE).build())
    pico = Pico(program, **options)
    table = SRAM_BASE + 0x100
    pico.write(SRAM_BASE, code)
    pico.write(table, np.array([*addresses, 0], np.uint32))
    set_registers(pico, pc=SRAM_BASE | 1, r0=table)
    pico.run()
    return pico


@pytest.mark.parametrize(
    ("addresses", "hits"),
    [
        ((0, 0), 1),
        ((0, 0x1000, 0x800, 0x400), 0),  # other sets
        ((0, 4), 0),  # the other half of the line is another read
        ((0, 4, 0, 4), 2),
        ((0, 0x2000, 0, 0x2000), 2),  # two ways
        ((0, 0x2000, 0x4000, 0), 0),  # the least recently used goes
        ((0, 0x2000, 0, 0x4000, 0), 2),
        ((0, 0x2000, 0, 0x4000, 0x2000), 1),
        ((0, 4, 0x2000, 0x4000, 4, 0), 0),  # both halves go
        ((0x0100_0000, 0), 0),  # 0x11: no allocation
        ((0, 0x0100_0000), 1),  # but it looks up
        ((0x0200_0000, 0), 1),  # 0x12: allocates
        ((0, 0x0200_0000), 0),  # but does not look up
        ((0x0300_0000, 0, 0x0300_0000), 0),  # 0x13: neither
    ],
)
def test_rules(addresses: tuple[int, ...], hits: int) -> None:
    pico = reads(*(FLASH_BASE + address for address in addresses), xip_replacement="lru")
    assert (pico.xip.accesses, pico.xip.hits) == (len(addresses), hits)
    assert pico.xip.misses == len(addresses) - hits
    assert pico.xip.stall_cycles == pico.xip.misses * MISS


def test_all_16_kb_stay() -> None:
    words = range(FLASH_BASE, FLASH_BASE + 16 * 1024, 4)
    pico = reads(*words, *words, xip_replacement="lru")
    assert (pico.xip.misses, pico.xip.hits) == (4096, 4096)


def test_a_random_way_gives_way_full_or_empty() -> None:
    """The second line of a set displaces the first for half of the seeds."""
    pair = (FLASH_BASE, FLASH_BASE + 0x2000, FLASH_BASE)
    hits = sum(reads(*pair, xip_seed=seed * 0x0101_0101).xip.hits for seed in range(40))
    assert 10 <= hits <= 30


def test_random_ways_settle_slowly() -> None:
    """A set's two lines meet in one way in half of the sets, which costs 3/2 misses the next time;
    then in an eighth, and in ever fewer."""
    words = range(FLASH_BASE, FLASH_BASE + 16 * 1024, 8)
    misses = [reads(*(turns * [*words])).xip.misses for turns in range(1, 6)]
    new = np.diff([0, *misses])
    assert new[0] == 2048
    assert abs(new[1] - 768) < 100
    assert abs(new[2] - 192) < 60
    assert list(new) == sorted(new, reverse=True)


def test_a_seed_repeats_and_a_reset_begins_anew() -> None:
    words = [FLASH_BASE + 0x2000 * (at * 7 % 5) for at in range(200)]
    pico = reads(*words)
    again = reads(*words, xip_seed=0)
    others = {reads(*words, xip_seed=seed).xip.misses for seed in range(1, 9)}
    assert pico.xip == again.xip
    assert len(others) > 2
    run = Pico(
        program("loop: ldr r1, [r0]; adds r0, r0, r2; subs r3, #1; bne loop; bkpt #0", FLASH_BASE)
    )
    counts = []
    for _ in range(2):
        set_registers(run, r0=DATA, r2=0x2000, r3=9)
        run.run()
        set_registers(run, r0=DATA, r2=0x2000, r3=9, pc=FLASH_BASE)
        run.run()
        counts.append(run.xip)
        run.reset()
    assert counts[0] == counts[1]


def test_a_taken_branch_waits_for_the_word_behind_it() -> None:
    """Where it ends with its word: that behind it has been asked for."""

    def misses(source: str) -> tuple[int, int]:
        pico = Pico(program(source, FLASH_BASE))
        set_registers(pico, r0=FLASH_BASE + 14)
        pico.run()
        return pico.xip.misses, pico.cycles - pico.xip.stall_cycles

    far = "; nop; nop; nop; nop; nop; t: nop; bkpt #0"
    assert misses(f"b t; nop{far}") == (2, 3)
    assert misses(f"nop; b t{far}") == (3, 4)
    assert misses(f"nop; bne t; bkpt #0{far}") == (3, 4)
    assert misses(f"cmp r0, r0; bne t; bkpt #0{far}") == (1, 2), "not taken; a halt fetches nothing"
    assert misses(f"bl t{far}") == (3, 4)
    assert misses(f"nop; bl t{far}") == (3, 5), "both words are those of BL itself"
    assert misses(f"nop; mov pc, r0{far}") == (3, 4)


def test_parameters() -> None:
    fast, usual, slow = (
        reads(FLASH_BASE, FLASH_BASE, xip_miss=miss).cycles for miss in (0, MISS, 100)
    )
    assert (usual - fast, slow - fast) == (MISS, 100)
    assert reads(FLASH_BASE, FLASH_BASE).cycles == usual
    off = reads(FLASH_BASE, xip_cache=False)
    assert off.xip.accesses == off.xip.stall_cycles == 0
    with pytest.raises(ValueError, match="xip_miss -1"):
        reads(FLASH_BASE, xip_miss=-1)
    with pytest.raises(ValueError, match="xip_seed -1"):
        reads(FLASH_BASE, xip_seed=-1)


def test_code_in_sram_alone_is_not_touched() -> None:
    pico = Pico(program("ldr r0, [pc, #0]; bkpt #0; nop; nop"))
    pico.run()
    assert (pico.cycles, pico.xip.accesses) == (2, 0)


def test_reset_gives_a_cold_cache() -> None:
    pico = Pico(program("nop; nop; nop; bkpt #0", FLASH_BASE))
    cycles = []
    for _ in range(2):
        pico.run()
        cycles.append((pico.cycles, pico.xip.accesses))
        pico.reset()
        assert pico.xip.accesses == 0
    assert cycles == [(3 + 2 * MISS, 2)] * 2


def test_execution_past_the_cache_misses_every_word() -> None:
    """From the window 0x13, to which a branch leads behind the first word (2.6.3.1)."""
    pico = Pico(program("nop; bx r0; nop; nop; bkpt #0", FLASH_BASE))
    for _ in range(2):
        set_registers(pico, r0=FLASH_BASE + 0x0300_0005, pc=FLASH_BASE)
        assert pico.run().reason is StopReason.HALT
    # The word behind the branch is fetched, too; the second time it and word 0 are there.
    assert (pico.xip.accesses, pico.xip.hits) == (6, 2)
    assert pico.cycles == 2 * (1 + 2 + 2) + 4 * MISS


def test_a_fault_inside_a_block_leaves_only_what_was_executed() -> None:
    """Eight instructions of a block that faults at the sixth: words 0, 1 and half of 2."""
    pico = Pico(program("nop; nop; nop; nop; nop; ldr r0, [r1]; nop; nop; bkpt #0", FLASH_BASE))
    set_registers(pico, r1=0x6000_0000)
    with pytest.raises(Fault):
        pico.run()
    assert (pico.cycles, pico.xip.accesses) == (5 + 3 * MISS, 3)
    set_registers(pico, r1=SRAM_BASE)
    pico.run()
    assert (pico.cycles, pico.xip.accesses) == (5 + 2 + 2 + 4 * MISS, 4)


def test_stalls_are_told_by_instruction_and_sum_up() -> None:
    pico = Pico(program("nop; ldr r0, [r1]; ldr r0, [r1]; nop; bkpt #0", FLASH_BASE), trace=True)
    set_registers(pico, r1=DATA)
    pico.run()
    profile = pico.profile()
    stalls = dict(zip(profile.addresses - FLASH_BASE, profile.stalls, strict=True))
    assert stalls == {0: MISS, 2: MISS, 4: MISS, 6: 0}
    assert profile.cycles.sum() + profile.stalls.sum() == pico.cycles
    entries = {entry.name: entry.cycles for entry in profile.by_function()}
    assert entries == {"?": 6, "[XIP stall]": 3 * MISS}
    assert sum(entry.cycles for entry in profile.by_line()) == pico.cycles


_CONDITIONS = ["eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"]


@st.composite
def _programs(draw: st.DrawFn) -> str:
    """Branches forwards into the middle of anything, loads by literal, table and alias."""
    lines: list[str] = []
    length = draw(st.integers(1, 16))
    for number in range(length):
        a, b = draw(st.integers(0, 4)), draw(st.integers(0, 4))
        condition = draw(st.sampled_from(_CONDITIONS))
        ahead = draw(st.integers(number + 1, length))
        step = draw(st.sampled_from([4, 8, 1024, 8192, 16384]))
        lines.append(f"l{number}:")
        lines.append(
            draw(
                st.sampled_from(
                    [
                        f"adds r{a}, r{b}, #1",
                        f"cmp r{a}, r{b}",
                        f"b{condition} l{ahead}",
                        f"b{condition} n{number}; n{number}: adds r{a}, #1",
                        f"b l{ahead}",
                        f"bl l{ahead}",
                        "nop",
                        "mrs r6, apsr",
                        f"movs r6, #3; o{number}: ldr r{a}, [r7, #8]; subs r6, #1; bne o{number}",
                        f"ldr r6, =0x{DATA + step:x}; ldr r{a}, [r6, #4]; ldrb r{b}, [r6, #7]",
                        f"ldr r6, =0x{DATA + 0x0100_0000 * (step % 3) + step:x};"
                        f"ldm r6!, {{r{a}}}; ldrh r{b}, [r6, #2]",
                        f"ldr r6, =0x{step:x}; add r7, r6; ldrh r{a}, [r7, #2]",
                        "mov r6, sp; str r6, [sp]; ldr r6, [sp]",
                        f"bl p{number}; b q{number}; p{number}: push {{r{a}, lr}};"
                        f"pop {{r{b}, pc}}; q{number}:",
                    ]
                )
            )
        )
    body = "; ".join(lines)
    return (
        f"movs r6, #3; mov r8, r6; again: {body}; l{length}: mov r6, r8; subs r6, #1; "
        "mov r8, r6; beq stop; b again; stop: bkpt #0"
    )


def test_a_chip_of_2_mb_is_there_again_above() -> None:
    """Flash of 2 MB takes no note of the upper bits of its 24-bit addresses; the cache does."""
    far = "ldr r7, =0x{:x}; ldr r{}, [r7]"
    source = (
        far.format(DATA, 0)
        + "; "
        + "; ".join(far.format(DATA + at, n) for n, at in ((1, 0x20_0000), (2, 0x3E0_0000)))
        + "; ldr r7, =jumped + 0x200001; bx r7; bkpt #1; jumped: mov r6, pc; bkpt #0"
    )
    pico = Pico(program(source, FLASH_BASE), xip_miss=41)
    pico.write(DATA, b"mark")
    assert pico.run().immediate == 0
    mark = int.from_bytes(b"mark", "little")
    registers = pico.registers
    assert [registers.r0, registers.r1, registers.r2] == [mark] * 3
    assert registers.r6 >> 20 == 0x102
    assert pico.xip.hits == 0
    assert pico.read(DATA + 0x20_0000, np.uint32)[0] == mark


@settings(max_examples=100)
@given(
    *(_programs(), st.sampled_from([None, 1, 60, 500]), st.booleans()),
    st.none() | st.integers(0, 2**32 - 1),
)
def test_random_programs_equal_the_slow_model(
    source: str, budget: int | None, traced: bool, seed: int | None
) -> None:
    way = {"xip_replacement": "lru"} if seed is None else {"xip_seed": seed}
    pico = Pico(program(source, FLASH_BASE), xip_miss=41, trace=traced, **way)
    rng = np.random.default_rng(len(source))
    pico.write(DATA, rng.integers(0, 256, 1 << 16, np.uint8).tobytes())
    set_registers(pico, r7=DATA, sp=SRAM_BASE + 0x2000)
    seen = xip_reference.count(pico, 41, seed)
    while pico.run(budget).reason is StopReason.BUDGET:
        pass
    assert (pico.xip.accesses, pico.xip.hits) == (seen.cache.accesses, seen.cache.hits)
    assert pico.cycles == seen.cycles
    assert pico.xip.stall_cycles == sum(seen.stalls.values())
    if traced:
        profile = pico.profile()
        assert profile.cycles.sum() + profile.stalls.sum() == pico.cycles
        rows = zip(profile.addresses.tolist(), profile.stalls.tolist(), strict=True)
        assert {address: stall for address, stall in rows if stall} == seen.stalls
        assert pico.call_graph().cycles == pico.cycles
