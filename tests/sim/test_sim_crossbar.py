"""The bus of two cores: its ten ports, priorities, long accesses, and BUSCTRL's counters."""

import pytest
from sim_programs import FLASH_BASE, LAUNCH, SRAM_BASE, pico, program, set_registers
from test_sim_two_cores import lock_step

from priot.sim import Contention, Pico
from priot.sim.gdb.debugger import Debugger

BUSCTRL, BANK4 = 0x4003_0000, 0x2004_0000
# PERFSEL, RP2040 datasheet, 2.1.5: accesses that had to wait; the next number is all accesses.
EVENTS = {
    "APB": 0x00,
    "FASTPERI": 0x02,
    "SRAM5": 0x04,
    "SRAM4": 0x06,
    "SRAM3": 0x08,
    "SRAM0": 0x0E,
    "XIP": 0x10,
    "ROM": 0x12,
}
PORTS = {
    "APB": 0x4005_8000,  # WATCHDOG
    "FASTPERI": 0x5010_0000,  # memory of the USB controller
    "SRAM5": 0x2004_1000,
    "SRAM4": 0x2004_0000,
    "SRAM3": 0x2103_0400,  # not striped
    "SRAM0": 0x2100_0400,
    "XIP": 0x1000_0100,
    "ROM": 0x0000_0010,
}
# In bank 5 for core 0, bank 4 for core 1: their code is not in each other's way.
BOTH = """
both:
    ldr r6, ={busctrl}
    ldr r2, ={priority}
    str r2, [r6]
    ldr r2, ={first}
    ldr r3, ={count}
    bl push
    b loop0
    .pool
loop0:
    {access}
    subs r3, #1
    bne loop0
    bl pop
    bkpt #0
work:
    bl pop
    ldr r2, ={second}
    ldr r3, ={count}
loop1:
    {access}
    subs r3, #1
    bne loop1
    bl push
    b work
    .pool
"""


def both(
    first: int, second: int, access: str, count: int = 200, priority: int = 0, **options: object
) -> Pico:
    """Both cores loop around an access, each with an address in r2."""
    values = {"first": first, "second": second, "count": count, "priority": priority}
    source = LAUNCH + BOTH.format(access=access, busctrl=BUSCTRL, **values)
    made = Pico(program(source), flash_data=True, **options)  # type: ignore[arg-type]
    made.set_registers(sp=0x2004_2000)
    made.run(1_000_000)
    return made


def per_turn(first: int, second: int, access: str, **options: int) -> tuple[float, float]:
    """Cycles that each core waits in a turn of the loop."""
    short, long = (both(first, second, access, count, **options) for count in (100, 1100))
    waits = zip(short.bus_stalls, long.bus_stalls, strict=True)
    a, b = ((late - early) / 1000 for early, late in waits)
    return a, b


BURST = "ldm r2!, {r0, r1, r4, r5}; subs r2, #16;" * 4


def test_cores_of_one_priority_take_turns() -> None:
    """Bursts on a bank that is not striped: both lose about as often."""
    first, second = per_turn(BANK4, BANK4, BURST)
    assert first > 1
    assert second == pytest.approx(first, rel=0.25)


@pytest.mark.parametrize(("priority", "waits"), [(0x0001, 1), (0x0010, 0)])
def test_a_core_with_priority_does_not_wait(priority: int, waits: int) -> None:
    both_equal = sum(per_turn(BANK4, BANK4, BURST))
    stalls = per_turn(BANK4, BANK4, BURST, priority=priority)
    assert stalls[1 - waits] == 0
    assert stalls[waits] > both_equal / 2


def test_both_with_priority_are_as_none() -> None:
    equal, high = (both(BANK4, BANK4, BURST, priority=bits) for bits in (0, 0x0011))
    assert equal.bus_stalls == high.bus_stalls


@pytest.mark.parametrize("port", PORTS)
def test_every_port_takes_one_access_at_a_time(port: str) -> None:
    """Contested accesses, counted by BUSCTRL, of a port that both use, and where they do not."""
    elsewhere = next(name for name in PORTS if name != port and "SRAM" not in name)

    def contested(second: str) -> int:
        values = {"first": PORTS[port], "second": PORTS[second], "count": 300, "priority": 0}
        source = LAUNCH + BOTH.format(access=BURST, busctrl=BUSCTRL, **values)
        source = source.replace("bl push\n    b loop0", f"{select}; bl push\n    b loop0")
        source = source.replace("bl pop\n    bkpt", "bl pop\n    ldr r0, [r6, #8]\n    bkpt")
        made = Pico(program(source), flash_data=True)
        made.set_registers(sp=0x2004_2000)
        made.run(1_000_000)
        return made.registers.r0

    select = f"movs r0, #{EVENTS[port]}; str r0, [r6, #0xc]"
    shared, apart = contested(port), contested(elsewhere)
    assert shared > 30
    assert apart < shared / 2


def test_the_apb_is_taken_for_as_long_as_an_access_lasts() -> None:
    """Reads of 3 cycles each from both cores: in a turn of 4 reads and 3 cycles nobody gets by
    without waiting for most of the other's 12."""
    waits = per_turn(PORTS["APB"], PORTS["APB"], "ldr r0, [r2];" * 4)
    apart = per_turn(PORTS["APB"], PORTS["ROM"], "ldr r0, [r2];" * 4)
    assert sum(waits) > sum(apart) + 6


def test_a_fill_of_the_flash_cache_blocks_the_other_core() -> None:
    """Core 0 reads past the cache, 50 cycles each; core 1, whose word is there, waits for it."""
    hits = both(FLASH_BASE, FLASH_BASE + 0x100, "ldr r0, [r2]")
    blocked = both(0x1300_0000, FLASH_BASE + 0x100, "ldr r0, [r2]", count=100)
    assert hits.bus_stalls[1] < 200
    assert blocked.bus_stalls[1] > 100 * 40
    assert blocked.xip.misses > 95


def test_two_cores_that_miss_go_one_behind_the_other() -> None:
    done = both(0x1300_0000, 0x1300_0040, "ldr r0, [r2]", count=100)
    assert done.cycles > 2 * 100 * 50
    assert done.xip.stall_cycles == 200 * 50


def test_nobody_waits_where_that_is_asked_for() -> None:
    done = both(0x1300_0000, 0x1300_0040, "ldr r0, [r2]", contention=Contention.NONE)
    assert done.bus_stalls == (0, 0)
    assert done.cycles < 200 * 60


@pytest.mark.parametrize(
    "access",
    [BURST, "ldr r0, [r2]; str r0, [r2, #4];", "push {r0, r1}; pop {r0, r1}; strb r0, [r2]"],
)
@pytest.mark.parametrize("address", [BANK4, 0x2002_0000])
def test_the_long_way_costs_the_same(access: str, address: int) -> None:
    """With a breakpoint, nothing takes the loop's short way to SRAM."""
    values = {"first": address, "second": address, "count": 50, "priority": 0}
    plain = both(address, address, access, 50)
    source = LAUNCH + BOTH.format(access=access, busctrl=BUSCTRL, **values)
    guarded = Pico(program(source), flash_data=True)
    guarded.set_registers(sp=0x2004_2000)
    debugger = Debugger(guarded)
    debugger.add_breakpoint(SRAM_BASE + 0x3000)
    guarded.run(1_000_000)
    assert (guarded.cycles, guarded.bus_stalls) == (plain.cycles, plain.bus_stalls)


# --- BUSCTRL's counters


def counted(event: int, source: str, address: int = SRAM_BASE, **registers: int) -> int:
    """What PERFCTR0 says behind the source, R6 at BUSCTRL."""
    code = f"ldr r6, ={BUSCTRL}; movs r5, #{event}; str r5, [r6, #0xc]; b go; .pool; go: {source}"
    target = pico(f"{code}; ldr r5, [r6, #8]; bkpt #0", address)
    set_registers(target, **registers)
    target.run()
    return target.registers.r5


def test_accesses_by_port() -> None:
    """Data only: the code is in flash."""
    source = "ldr r0, [r1]; str r0, [r1]; ldrb r0, [r1, #1]; ldm r2!, {r0, r3, r4}"
    registers = {"r1": SRAM_BASE + 0x108, "r2": SRAM_BASE + 0x200}
    found = {event: counted(event, source, FLASH_BASE, **registers) for event in range(0x14)}
    assert [found[event] for event in range(0, 0x14, 2)] == [0] * 10, "nobody to wait for"
    sram = {0x0F: 1, 0x0D: 1, 0x0B: 1 + 3, 0x09: 0, 0x07: 0, 0x05: 0}
    assert {event: found[event] for event in sram} == sram
    assert found[0x03] == found[0x13] == 0
    assert found[0x01] == 1  # the write that selects
    assert found[0x11] >= 4


def test_code_counts_by_words() -> None:
    """In SRAM: eight instructions are four words, and one is behind the branch that comes here."""
    source = ".balign 16; " + "nop;" * 32
    assert [
        counted(event, source) - counted(event, ".balign 16;") for event in (0x0F, 0x0D, 0x0B, 9)
    ] == [4] * 4


def test_a_counter_is_cleared_by_any_write_and_stands_still_without_an_event() -> None:
    load = "ldr r0, [r1];" * 5
    registers = {"r1": SRAM_BASE + 0x100}
    assert counted(0x0F, f"{load} str r5, [r6, #8]; {load}", FLASH_BASE, **registers) == 5
    stop = "movs r5, #0x1f; str r5, [r6, #0xc];"
    assert counted(0x0F, f"{load} {stop} {load}", FLASH_BASE, **registers) == 5
    assert counted(0x1F, load, FLASH_BASE, **registers) == 0


def test_counting_costs_nothing() -> None:
    source = "ldm r1!, {r0, r2, r3}; push {r0, r2}; ldr r0, [r1]; b on; nop; on: bl off; off: nop;"
    cycles = []
    for event in (0x0F, 0x1F):
        target = pico(
            f"ldr r6, ={BUSCTRL}; movs r5, #{event}; str r5, [r6, #0xc]; {source} bkpt #0"
        )
        set_registers(target, r1=SRAM_BASE + 0x400)
        cycles.append(target.run().cycles)
    assert cycles[0] == cycles[1]


def test_lock_step_code_slips_once() -> None:
    """RP2040 on silicon: loads in step from one bank lose a cycle once, and never meet again."""
    bank = "ldr r2, =0x20040000;"  # without code
    loads = "ldr r1, [r2, #0];" * 100
    waits = [sum(lock_step(bank + loads * n, bank + loads * n).bus_stalls) for n in (1, 2)]
    assert waits[1] - waits[0] <= 2
