"""The trace: calls, returns, tail calls, recursion, longjmp, exceptions, the stack over time."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_programs import FLASH_BASE, SRAM_BASE, ElfSource, assemble, set_registers

from priot.sim import Pico, Program, StopReason, TraceError
from priot.sim.reports.profile_formats import collapsed

STACK = SRAM_BASE + 0x8000


def traced(source: str, address: int = SRAM_BASE, **options: object) -> Pico:
    """A Pico about to run `source`; a name with "!" begins a function, "!" alone goes on with it.

    Nothing but instructions of two bytes, and BL, so that sizes follow from the text.
    """
    functions: dict[str, tuple[int, int]] = {}
    at, name, start = address, None, address
    text: list[str] = []
    for line in source.strip().splitlines():
        label, _, body = line.strip().partition("!")
        if label:
            if name:
                functions[name] = (start, at - start)
            name, start = label, at
            text.append(f"{label}:")
        text.append(body)
        for instruction in filter(None, (part.strip() for part in body.split(";"))):
            bare = re.sub(r"^\w+:\s*", "", instruction)
            at += 4 if bare.startswith("bl ") else 2
    assert name
    functions[name] = (start, at - start)
    code = assemble("; ".join(text), address)
    assert len(code) == at - address
    image = ElfSource(code, address, functions=functions).build()
    pico = Pico(Program.parse(image), trace=True, **options)  # type: ignore[arg-type]
    set_registers(pico, sp=STACK)
    return pico


def stacks(pico: Pico) -> dict[str, tuple[int, int]]:
    """Chain of calls -> calls, cycles; and the sums that must always hold."""
    graph = pico.call_graph()
    assert graph.cycles == pico.cycles
    costs = {cost.name: cost for cost in graph.functions()}
    entries = {entry.name: entry.cycles for entry in pico.profile().by_function()}
    for name, cost in costs.items():
        called = sum(call.inclusive for call in graph.calls() if call.caller == name)
        assert cost.inclusive == cost.self_cycles + called
        if pico.xip.accesses == 0 and not name.startswith("["):
            assert cost.self_cycles == entries[name]
    return {
        ";".join(graph.chain(number)): (node.calls, node.cycles + node.stalls)
        for number, node in enumerate(graph.nodes)
    }


def test_calls_and_returns() -> None:
    pico = traced("""
        main! push {r4, lr}; bl f; bl f; bl g; bkpt #0
        f! push {lr}; bl g; pop {pc}
        g! nop; bx lr
    """)
    pico.run()
    assert stacks(pico) == {
        "main": (1, 3 + 9),
        "main;f": (1, 2 + 3 + 4),  # of the second call: each place of call is a node
        "main;f;g": (1, 3),
        "main;g": (1, 3),
    }
    graph = pico.call_graph()
    calls = [(call.caller, call.callee, call.calls, call.inclusive) for call in graph.calls()]
    assert sorted(calls) == [
        ("f", "g", 2, 6),
        ("main", "f", 1, 12),
        ("main", "f", 1, 12),
        ("main", "g", 1, 3),
    ]
    by_name = {cost.name: (cost.calls, cost.inclusive) for cost in graph.functions()}
    assert by_name == {"main": (1, pico.cycles), "f": (2, 24), "g": (3, 9)}


def test_blx_and_bx_r3() -> None:
    pico = traced("""
        main! ldr r3, [sp]; blx r3; bkpt #0
        f! mov r3, lr; bx r3
    """)
    pico.view(STACK, "u4")[0] = pico.symbol("f").address | 1
    pico.run()
    assert stacks(pico) == {"main": (1, 4), "main;f": (1, 3)}


def test_recursion_counts_once() -> None:
    pico = traced("""
        main! movs r0, #5; bl f; bkpt #0
        f! push {lr}; subs r0, #1; beq out; bl f; out: pop {pc}
    """)
    pico.run()
    costs = {cost.name: cost for cost in pico.call_graph().functions()}
    assert (costs["f"].calls, costs["f"].inclusive) == (5, pico.cycles - 1 - 3)
    assert len(stacks(pico)) == 6
    assert pico.stack_peak().chain == ("main", *["f"] * 5)
    assert pico.stack_peak().sp == STACK - 5 * 4


def test_mutual_recursion_counts_once() -> None:
    pico = traced("""
        main! movs r0, #6; bl a; bkpt #0
        a! push {lr}; bl c; subs r0, #1; beq end; bl b; end: pop {pc}
        b! push {lr}; bl c; subs r0, #1; beq fin; bl a; fin: pop {pc}
        c! nop; bx lr
    """)
    pico.run()
    stacks(pico)
    costs = {cost.name: cost.inclusive for cost in pico.call_graph().functions()}
    assert costs["main"] == pico.cycles
    assert costs["a"] == pico.cycles - 1 - 3
    assert costs["c"] == 6 * 3


def test_tail_call_takes_the_callers_place() -> None:
    pico = traced("""
        main! bl f; nop; bkpt #0
        f! nop; b g
        g! nop; bx lr
    """)
    pico.run()
    assert stacks(pico) == {"main": (1, 4), "main;f": (1, 3), "main;g": (1, 3)}


def test_long_branch_within_a_function_is_no_call() -> None:
    pico = traced("""
        main! push {lr}; bl far; nop; far: nop; bkpt #0
    """)
    pico.run()
    assert stacks(pico) == {"main": (1, 2 + 3 + 1)}


def test_longjmp_unwinds() -> None:
    """g saves where f will have gone on, h throws everything away and goes there."""
    pico = traced("""
        main! bl f; nop; bkpt #0
        f! push {r4, lr}; mov r6, sp; bl g; nop; nop; pop {r4, pc}
        g! push {lr}; ldr r7, [sp]; bl h; nop; pop {pc}
        h! push {r4, r5}; mov sp, r6; bx r7
    """)
    pico.run()
    assert stacks(pico) == {
        "main": (1, 4),
        "main;f": (1, 3 + 1 + 3 + 2 + 5),
        "main;f;g": (1, 2 + 2 + 3),
        "main;f;g;h": (1, 3 + 1 + 2),
    }


def _levels(pico: Pico) -> list[int]:
    """Cycles of main and of the four runs of f, the outermost first."""
    seen = stacks(pico)
    return [seen["main" + ";f" * depth][1] for depth in range(5)]


def test_return_past_several_runs() -> None:
    """The innermost run of f returns in place of the second: to the outermost."""
    pico = traced("""
        main! movs r0, #4; bl f; nop; bkpt #0
        f! cmp r0, #3; bne deeper; mov r7, lr; mov r6, sp
        ! deeper: push {lr}; subs r0, #1; beq jump; bl f; pop {pc}; jump: mov sp, r6; bx r7
    """)
    pico.run()
    assert _levels(pico) == [5, 10 + 4, 11, 10, 11]


def test_longjmp_into_an_outer_run() -> None:
    """The innermost run of f goes on in the outermost one, where it had less on the stack."""
    pico = traced("""
        main! movs r0, #4; bl f; nop; bkpt #0
        f! push {lr}; cmp r0, #4; bne deeper; mov r6, sp; deeper: sub sp, #8; subs r0, #1
        ! beq jump; bl f; add sp, #8; out: pop {pc}; jump: mov sp, r6; bx r7
    """)
    set_registers(pico, r7=pico.symbol("f").address + 20 | 1)
    pico.run()
    assert _levels(pico) == [5, 11 + 4, 11, 11, 12]


def test_host_calls_stand_beside_the_program() -> None:
    pico = traced("""
        main! bl f; bkpt #0; bl f; bkpt #1
        f! push {lr}; bl g; pop {pc}
        g! bx lr
    """)
    pico.run()
    pico.call("f")
    pico.call("g")
    pico.run()
    assert stacks(pico) == {
        "main": (1, 6),
        "main;f": (1, 9),
        "main;f;g": (1, 2),
        "f": (1, 9),
        "f;g": (1, 2),
        "g": (1, 2),
    }


def test_budgets_change_nothing() -> None:
    source = """
        main! movs r0, #6; bl a; bkpt #0
        a! push {r0, lr}; subs r0, #1; beq end; bl b; end: pop {r0, pc}
        b! push {lr}; sub sp, #16; bl a; add sp, #16; pop {pc}
    """
    whole = traced(source, FLASH_BASE)
    whole.run()
    for budget in (1, 2, 7, 100):
        parts = traced(source, FLASH_BASE)
        while parts.run(budget).reason is StopReason.BUDGET:
            pass
        assert parts.call_graph() == whole.call_graph()
        assert parts.stack_peak() == whole.stack_peak()
        assert parts.stack_over_time() == whole.stack_over_time()


def test_stack_over_time_keeps_every_maximum() -> None:
    """A sawtooth over far more cycles than there are points, with one deep tooth."""
    pico = traced("""
        main! movs r5, #200
        loop! bl tooth; movs r4, #250; w: subs r4, #1; bne w; cmp r5, #77; bne on; bl deep
        on! subs r5, #1; bne loop; bkpt #0
        tooth! push {r0-r3, lr}; nop; pop {r0-r3, pc}
        deep! sub sp, #400; nop; add sp, #400; bx lr
    """)
    pico.run()
    points = pico.stack_over_time()
    assert len(points) <= 4097
    cycles = [cycle for cycle, _ in points]
    assert cycles == sorted(set(cycles))
    assert (cycles[0], cycles[-1]) == (0, pico.cycles)
    depths = [STACK - sp for _, sp in points]
    assert max(depths) == 400
    assert set(depths) <= {0, 20, 400}
    assert depths.count(400) == 1
    assert depths.count(20) >= 190
    peak = pico.stack_peak()
    assert (peak.sp, peak.chain) == (STACK - 400, ("loop", "deep"))
    at = next(number for number, depth in enumerate(depths) if depth == 400)
    assert cycles[at] <= peak.cycle < cycles[at + 1]


def test_depth_lasts_until_it_is_left() -> None:
    """One long frame, then none: the change falls into the middle of a span."""
    pico = traced("""
        main! push {r0-r3, lr}; ldr r4, [sp]; o: subs r4, #1; bne o; pop {r0-r3}; add sp, #4
        rest! nop; p: subs r5, #1; bne p; bkpt #0
    """)
    set_registers(pico, r5=31_000, r0=30_000)
    pico.run()
    (start, first), (change, second), (end, last) = pico.stack_over_time()
    assert (start, STACK - first, STACK - second, STACK - last) == (0, 20, 0, 0)
    left = next(cost for cost in pico.call_graph().functions() if cost.name == "main").self_cycles
    assert left <= change < left + pico.cycles / 2048
    assert end == pico.cycles


def test_sp_from_a_register() -> None:
    pico = traced("""
        main! mov r0, sp; subs r0, #64; mov sp, r0; push {r1}; pop {r1}; bl f; bkpt #0
        f! nop; bx lr
    """)
    pico.run()
    peak = pico.stack_peak()
    assert (STACK - peak.sp, peak.chain) == (68, ("main",))


def test_sp_from_a_register_in_the_last_block() -> None:
    pico = traced("main! mov r0, sp; subs r0, #64; mov sp, r0; push {r1}; pop {r1}; bkpt #0")
    pico.run()
    assert pico.stack_peak().sp == STACK - 68


def test_deeper_than_there_are_frames() -> None:
    pico = traced("""
        main! bl f; nop; bkpt #0
        f! push {lr}; subs r0, #1; beq out; bl f; out: pop {pc}
    """)
    depth = 20_000
    set_registers(pico, r0=depth, sp=SRAM_BASE + pico.sram.size)
    pico.run()
    graph = pico.call_graph()
    assert graph.cycles == pico.cycles
    assert {cost.name: cost.calls for cost in graph.functions()} == {"main": 1, "f": depth}
    chains = collapsed(pico.profiles()).splitlines()
    assert sum(int(line.rpartition(" ")[2]) for line in chains) == pico.cycles
    assert max(line.count(";") for line in chains) <= 128


def test_more_chains_than_there_is_room_for() -> None:
    pico = traced("""
        main! movs r0, #15; bl f; bkpt #0
        f! push {r0, lr}; subs r0, #1; beq out; bl f; bl f; out: pop {r0, pc}
    """)
    pico.run()
    graph = pico.call_graph()
    assert graph.merged == 0
    pico.reset()
    set_registers(pico, sp=STACK)
    pico.write(SRAM_BASE, assemble("movs r0, #18"))
    pico.run()
    graph = pico.call_graph()
    assert graph.merged > 0
    assert graph.cycles == pico.cycles
    costs = {cost.name: cost for cost in graph.functions()}
    entries = {entry.name: entry for entry in pico.profile().by_function()}
    for name in ("main", "f"):
        assert costs[name].self_cycles == entries[name].cycles
    assert costs["f"].calls >= 2**17


def test_reset_forgets() -> None:
    pico = traced("main! bl f; bkpt #0\nf! push {lr}; pop {pc}")
    pico.run()
    first = pico.call_graph(), pico.stack_peak()
    pico.reset()
    assert pico.call_graph().nodes == ()
    set_registers(pico, sp=STACK)
    pico.run()
    assert (pico.call_graph(), pico.stack_peak()) == first


def test_untraced() -> None:
    pico = Pico(Program.parse(ElfSource(assemble("bkpt #0")).build()))
    for ask in (pico.call_graph, pico.stack_peak, pico.stack_over_time):
        with pytest.raises(TraceError, match="trace=True"):
            ask()


@st.composite
def _call_programs(draw: st.DrawFn) -> str:
    """Functions that call, tail-call and push at random; only later ones, so that it ends."""
    names = ["main", "f1", "f2", "f3", "f4"]
    lines = []
    for number, name in enumerate(names):
        later = names[number + 1 :]
        body = ["push {r4, lr}"]
        for _ in range(draw(st.integers(0, 4))):
            choices = ["nop", "sub sp, #8; str r0, [sp]; add sp, #8"]
            if later:
                choices += [f"bl {draw(st.sampled_from(later))}"] * 3
            body.append(draw(st.sampled_from(choices)))
        end = "bkpt #0" if name == "main" else "pop {r4, pc}"
        if later and name != "main" and draw(st.booleans()):
            end = f"pop {{r4}}; pop {{r3}}; mov lr, r3; b {draw(st.sampled_from(later))}"
        body.append(end)
        lines.append(f"{name}! {'; '.join(body)}")
    return "\n".join(lines)


@settings(max_examples=60)
@given(_call_programs(), st.sampled_from([SRAM_BASE, FLASH_BASE]))
def test_random_call_trees(source: str, base: int) -> None:
    """Calls by function equal the executions of its first instruction."""
    pico = traced(source, base)
    pico.run()
    stacks(pico)
    profile = pico.profile()
    first = dict(zip(profile.addresses.tolist(), profile.executions.tolist(), strict=True))
    for cost in pico.call_graph().functions():
        assert cost.calls == first[pico.symbol(cost.name).address]
    assert pico.memory_use().stack == pico._boot.sp - pico.stack_peak().sp


def test_exception_is_an_entry_of_its_own() -> None:
    """Its 15 cycles of entry, and the handler called from it, whose return takes 11 more."""
    pico = traced("""
        main! bl f; nop; bkpt #0
        f! push {lr}; ldr r0, [r1]; str r0, [r2]; nop; pop {pc}
        handler! push {lr}; bl g; pop {pc}
        g! bx lr
    """)
    vectors, handler = SRAM_BASE + 0x8000, pico.symbol("handler").address
    pico.write(vectors + 4 * 14, np.uint32(handler | 1))
    pico.write(SRAM_BASE + 0x9000, np.uint32(1 << 28))  # PENDSVSET
    pico.write(vectors, np.uint32(0))
    pico._chip.system_control.vtor = vectors
    set_registers(pico, r1=SRAM_BASE + 0x9000, r2=0xE000_ED04)
    pico.run()
    costs = {cost.name: (cost.calls, cost.self_cycles) for cost in pico.call_graph().functions()}
    assert costs == {
        "main": (1, 4),
        "f": (1, 2 + 2 + 2 + 1 + 4),
        "[exception PendSV]": (1, 15),
        "handler": (1, 2 + 3 + 4 + 11),
        "g": (1, 2),
    }
