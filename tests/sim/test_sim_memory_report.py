"""The memory report: sections, symbols, stack with its calls, heap, touched bytes."""

import json

import numpy as np
from sim_programs import SRAM_BASE, ElfSource, assemble, set_registers

from priot import firmware_elf
from priot.sim import Pico, Program

_HEAP, _HEAP_END = SRAM_BASE + 0x2000, SRAM_BASE + 0x3000
_SOURCE = "push {r4, lr}; bl f; bkpt #0; f: push {r4, r5, lr}; str r1, [r0]; pop {r4, r5, pc}"


def _pico(trace: bool) -> Pico:
    code = assemble(_SOURCE)
    main = len(assemble("push {r4, lr}; bl f; f: bkpt #0"))
    image = ElfSource(
        code,
        functions={"main": (SRAM_BASE, main), "f": (SRAM_BASE + main, len(code) - main)},
        objects={
            "big": (SRAM_BASE + 0x1000, 64),
            "big_alias": (SRAM_BASE + 0x1000, 64),
            "small": (SRAM_BASE + 0x1040, 8),
            "__end__": (_HEAP, 0),
            "__StackLimit": (_HEAP_END, 0),
        },
        bss=(SRAM_BASE + 0x1000, 72),
    ).build()
    return Pico(Program.parse(image), trace=trace)


def test_report_of_a_run() -> None:
    pico = _pico(trace=True)
    before = pico.memory_report()
    assert before.stacks[0].high_water == 0
    assert before.heap is not None
    assert (before.heap.address, before.heap.room, before.heap.high_water) == (_HEAP, 0x1000, 0)
    pico.view(_HEAP + 0x100, np.uint32)[0] = 0
    loaded = before.touched + np.count_nonzero(pico.sram[0x2100:0x2104] != _paint(pico, 0x2100, 4))
    assert pico.memory_report().touched == loaded
    set_registers(pico, r0=_HEAP + 0x200, r1=~int(_word(pico, 0x2200)) & 0xFFFF_FFFF)
    pico.run()
    report = pico.memory_report()
    assert report.heap is not None
    assert report.heap.high_water == 0x204
    assert report.stacks[0].high_water == pico.memory_use().stack == 8 + 12
    assert report.stacks[0].chain == ("main", "f")
    assert report.stacks[0].top == SRAM_BASE + pico.sram.size
    assert [(s.name, s.size) for s in report.sram.largest[:1]] == [("big", 64)]
    names = [symbol.name for symbol in report.sram.largest]
    assert sorted(names) == ["big", "f", "main", "small"]
    assert pico.memory_report(largest=2).sram.largest == report.sram.largest[:2]
    sections = [(s.name, s.kind, s.size) for s in report.sram.sections]
    assert sections == [(".text", "code", 14), (".bss", "data", 72)]
    assert report.sram.used == 14 + 72
    assert report.flash.used == 0
    assert report.stacks[0].over_time[-1][0] == pico.cycles


def test_untraced_report_lacks_only_calls_and_history() -> None:
    reports = []
    for trace in (False, True):
        pico = _pico(trace)
        set_registers(pico, r0=_HEAP)
        pico.run()
        reports.append(pico.memory_report().to_json())
    plain, traced = reports
    stack = plain["stacks"][0]
    assert stack.pop("chain") is stack.pop("cycle") is None
    assert stack.pop("over_time") == ()
    for known in ("chain", "cycle", "over_time"):
        del traced["stacks"][0][known]
    assert plain == traced


def test_json_of_the_trainer() -> None:
    pico = Pico(firmware_elf.TRAINER, trace=True)
    pico.run()
    report = json.loads(json.dumps(pico.memory_report(5).to_json()))
    assert len(report["sram"]["largest"]) == 5
    assert report["sram"]["used"] == sum(
        section["size"] for section in report["sram"]["sections"] if section["kind"] != "room"
    )
    assert report["stacks"][0]["chain"][-1] in pico.program.symbols


def _paint(pico: Pico, offset: int, size: int) -> np.ndarray:
    return np.random.default_rng(0x2040).integers(0, 256, pico.sram.size, np.uint8)[offset:][:size]


def _word(pico: Pico, offset: int) -> np.uint32:
    return _paint(pico, offset, 4).view(np.uint32)[0]
