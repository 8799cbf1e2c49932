"""The native loop: generated from the table of instructions, compiled by Numba.

One branch for each operation, of which LLVM makes one jump table: a second dispatch would cost a
third of the speed. Conditions of B<cond> are operations of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from textwrap import indent
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from priot.numba_cache import kept_on_disk
from priot.sim.cpu import (
    call_trace,
    crossbar,
    exceptions,
    flash_cache,
    memory,
    rom_float,
    special,
    systick,
)
from priot.sim.cpu.meaning import REFUSE, conditional
from priot.sim.cpu.native import OPTIONS, hash_of_sources, pointer
from priot.sim.cpu.state import FLASH_AT, NEVER, Chip, Core, Sleep, Status
from priot.sim.devices.devices import advance_devices
from priot.sim.faults import FaultReason
from priot.sim.instructions import INSTRUCTIONS_16, INSTRUCTIONS_32, Instruction, Kind
from priot.sim.memory_map import FLASH, ROM, SRAM

# What a core does until somebody else has to answer something.
MAIN_LOOP = """
def make(_sources):
    def run(core, r, priorities, loaded, trace, counts,
            other, r_, priorities_, loaded_, trace_, counts_, functions, chip,
            sio, lines, memory, halfwords, words, operations):
        sources = _sources
        POINTERS core, r, priorities, loaded, trace, counts
        POINTERS other, r_, priorities_, loaded_, trace_, counts_, functions, chip
        POINTERS sio, lines, memory, halfwords, words, operations
        TRACED follow_exceptions(trace, functions, core, r)
        while True:
            status = look_around(core, other, chip, r, priorities, lines, words)
            TRACED here = follow_exceptions(trace, functions, core, r)
            TRACED jumped = int64(0)
            if status != GO:
                return status | core[NUMBER] << SECOND_BIT
            nz = core[NZ]; c = core[CARRY]; v = core[OVERFLOW_FLAG]; cyc = core[CYCLES]
            pc = int64(r[15]); fetched = core[FETCHED]; stop = core[STOP_AT]
            fast = uint64(core[FAST]); executed = int64(0); x = uint32(0)
            spread = chip[ONE_BANK] == 0
            while cyc < stop:
                TRACED waited = core[WAITED]
                at = pc - SRAM_BASE
                if uint64(at) < fast:
                    FETCH at
                else:
                    at = pc - FLASH_BASE
                    if uint64(at) < FLASH_SIZE and fast != uint64(0):
                        at += FLASH_AT
                        if pc & ~3 != fetched and halfwords[at >> 1] >> 8 != BKPT:
                            if other[RUNS] or not costs_nothing(chip, lines, pc & ~3):
                                s = read_flash(core, other, chip, lines, cyc, int64(-1), pc & ~3)
                                if s < 0: status = TURN; break
                                cyc += s
                            fetched = pc & ~3
                    else:
                        at = fetch_place(core, chip, pc)
                        if at == -1: status = FAULT; break
                        if at == -2: status = DEBUGGER; break
                        if at == -3: status = RETURNED; break
                        if pc & ~3 != fetched and halfwords[at >> 1] >> 8 != BKPT:
                            s = fetch(core, other, chip, lines, cyc, int64(-1), pc & ~3, at)
                            if s < 0: status = TURN; break
                            fetched = pc & ~3; cyc += s
                FETCHED
                hw = int64(halfwords[at >> 1])
                op = operations[hw]
                next_pc = pc + 2
DISPATCH
                executed += 1
                cyc += cost
                pc = next_pc
                COUNT
                TRACED if jumped:
                TRACED     here = arrive(trace, functions, core, cyc, jumped, pc, r)
                TRACED     jumped = int64(0)
            core[NZ] = nz; core[CARRY] = c; core[OVERFLOW_FLAG] = v; core[CYCLES] = cyc
            core[FETCHED] = fetched; core[INSTRUCTIONS] += executed
            r[15] = uint32(pc)
            if status == LEAVE:
                core[INSTRUCTIONS] += 1
                core[LEAVING] = 1
                status = GO
            elif status == PAUSE:
                status = GO
            elif status == CALL_SUPERVISOR:
                status = call_supervisor(core, r, priorities, words)
            if status != GO:
                return status | core[NUMBER] << SECOND_BIT
            SHARED if gives_way(core, other):
            SHARED     core, other, r, r_ = other, core, r_, r
            SHARED     priorities, priorities_ = priorities_, priorities
            SHARED     loaded, loaded_ = loaded_, loaded
            SHARED     trace, trace_, counts, counts_ = trace_, trace, counts_, counts
            SHARED     core[WINDOW] = other[CYCLES] + NEAR
    return run
"""
# Both cores, each by turns, neither further ahead of the other than WINDOW cycles.
BOTH_CORES = """
def make(_sources):
    def run_both(core0, r0, priorities0, loaded0, trace0, counts0,
                 core1, r1, priorities1, loaded1, trace1, counts1, functions, chip,
                 sio, lines, memory, halfwords, words, operations):
        sources = _sources
        POINTERS core0, r0, priorities0, loaded0, trace0, counts0
        POINTERS core1, r1, priorities1, loaded1, trace1, counts1, functions, chip
        POINTERS sio, lines, memory, halfwords, words, operations
        while True:
            rests0 = rests(core0, priorities0)
            rests1 = rests(core1, priorities1)
            if rests0 and rests1:
                until = min(chip[EVENT_AT], chip[DEVICES_AT], core0[TICK_AT], core1[TICK_AT])
                if until >= NEVER:
                    return FOREVER
                until = min(until, chip[LIMIT])
                core0[CYCLES] = max(core0[CYCLES], until)
                core1[CYCLES] = max(core1[CYCLES], until)
                if until == chip[EVENT_AT]:
                    return DUE
                if until < min(chip[DEVICES_AT], core0[TICK_AT], core1[TICK_AT]):
                    return BUDGET
                advance_systick(core0, chip, core0[CYCLES])
                advance_systick(core1, chip, core1[CYCLES])
                if until == chip[DEVICES_AT]:
                    advance_devices(core0, core1, chip, lines, words, until)
                continue
            first = rests1 or (core0[CYCLES] <= core1[CYCLES] and not rests0)
            if first and rests1 and core1[TICK_AT] <= core0[CYCLES]:
                core1[CYCLES] = max(core1[CYCLES], core1[TICK_AT])
                advance_systick(core1, chip, core1[CYCLES])
                continue
            if not first and rests0 and core0[TICK_AT] <= core1[CYCLES]:
                core0[CYCLES] = max(core0[CYCLES], core0[TICK_AT])
                advance_systick(core0, chip, core0[CYCLES])
                continue
            if first:
                core0[WINDOW] = core0[CYCLES] + FAR if rests1 else core1[CYCLES] + NEAR
                if rests1: core0[WINDOW] = min(core0[WINDOW], core1[TICK_AT])
                status = run(core0, r0, priorities0, loaded0, trace0, counts0,
                             core1, r1, priorities1, loaded1, trace1, counts1, functions, chip,
                             sio, lines, memory, halfwords, words, operations)
            else:
                core1[WINDOW] = core1[CYCLES] + FAR if rests0 else core0[CYCLES] + NEAR
                if rests0: core1[WINDOW] = min(core1[WINDOW], core0[TICK_AT])
                status = run(core1, r1, priorities1, loaded1, trace1, counts1,
                             core0, r0, priorities0, loaded0, trace0, counts0, functions, chip,
                             sio, lines, memory, halfwords, words, operations)
            by = status & SECOND
            status ^= by
            if status == TURN:
                continue
            if status == DUE or status == BUDGET:  # for both at once
                until = chip[EVENT_AT] if status == DUE else chip[LIMIT]
                if rests0: core0[CYCLES] = max(core0[CYCLES], min(until, core1[CYCLES]))
                if rests1: core1[CYCLES] = max(core1[CYCLES], min(until, core0[CYCLES]))
                if core0[CYCLES] < until or core1[CYCLES] < until:
                    continue
            return status | by
    return run_both
"""
NEAR, FAR = 16, 4096  # cycles
LONGEST = 32  # cycles of nine words in SRAM, waits on the bus included
SECOND_BIT = 8  # of a Status: whether it is core 1's
SECOND = 1 << SECOND_BIT
_WIDE_BEGINS = """\
cost = int64(0)
z = pc + 2 - SRAM_BASE
if uint64(z) >= fast:
    z = code_place(core, pc + 2)
    if z < 0: status = FAULT; break
    if pc & 2:
        s = fetch(core, other, chip, lines, cyc, int64(0), pc + 2, z)
        if s < 0: status = TURN; break
        fetched = pc + 2; cyc += s
        FETCHED
else:
    FETCH_SECOND
low = int64(halfwords[z >> 1])
y = hw << 16 | low
next_pc = pc + 4"""
_UNDEFINED_OPERATION = 0


def operations() -> list[tuple[Instruction, str]]:
    """Every 16-bit operation with its meaning, but B<cond>, which is one for each condition."""
    conditionals = (Kind.CONDITIONAL, Kind.CONDITIONAL_TO_NEXT)
    return [(row, row.meaning) for row in INSTRUCTIONS_16 if row.kind not in conditionals]


@cache
def operation_of_halfword() -> npt.NDArray[np.uint8]:
    """For each of the 65,536 halfwords the number of its operation."""
    halfwords = np.arange(1 << 16)
    numbers = np.full(1 << 16, _UNDEFINED_OPERATION, np.uint8)
    rows = operations()
    for row in INSTRUCTIONS_16:
        hit = halfwords[(halfwords & row.mask) == row.value]
        if row.kind in (Kind.CONDITIONAL, Kind.CONDITIONAL_TO_NEXT):
            numbers[hit] = 1 + len(rows) + (hit >> 8 & 15)
        else:
            numbers[hit] = 1 + next(at for at, (other, _) in enumerate(rows) if other is row)
    return numbers


def _dispatch() -> str:
    """The branches, each with its instruction's meaning."""
    rows = operations()
    branches = [(_UNDEFINED_OPERATION, 0, REFUSE)]
    for at, (row, meaning) in enumerate(rows):
        branches.append((1 + at, row.cycles, _wide() if row.kind is Kind.PREFIX_32 else meaning))
    branches += [(1 + len(rows) + code, 1, conditional(code)) for code in range(14)]
    parts: list[str] = []
    for number, cycles, meaning in branches:
        word = "elif" if parts else "if"
        body = f"cost = int64({cycles})\n{meaning}"
        parts.append(f"{word} op == {number}:\n{indent(body, '    ')}")
    return "\n".join(parts)


def _wide() -> str:
    parts = [_WIDE_BEGINS]
    for row in INSTRUCTIONS_32:
        word = "elif" if len(parts) > 1 else "if"
        body = f"cost = int64({row.cycles})\n{row.meaning}"
        parts.append(f"{word} y & {row.mask} == {row.value}:\n{indent(body, '    ')}")
    parts.append(f"else: {REFUSE}")
    return "\n".join(parts)


class Observed(NamedTuple):
    """What the loop does beside executing."""

    traced: bool
    """Follow calls, and count what each instruction costs."""
    shared_bus: bool
    """Book each access to SRAM, and wait where the other core has its own."""


def source(observed: Observed) -> str:
    """The text of the loop."""
    text = MAIN_LOOP.replace("DISPATCH", indent(_dispatch(), 16 * " "))
    return _written_out(text, observed)


def _written_out(text: str, observed: Observed) -> str:
    """The text with what stands for more: see priot.sim.cpu.meaning."""
    return "\n".join(_line(line, observed) for line in text.split("\n"))


_BOOKED = """\
q_ = {offset}; t_ = {cycle}
p_ = (SRAM0 ^ q_ >> 2 & 3 if q_ < STRIPED else SRAM4 ^ q_ >> 12 & 1) if spread else SRAM0
if accesses(other, t_, p_):
    w_ = contend(core, other, chip, t_, p_, int64(1))
    cyc += w_; t_ += w_
note_access(core, t_, p_)"""
_FETCHED = """\
if pc & ~3 != fetched:
    fetched = pc & ~3
    BOOK cyc - 1, {offset}"""
_FETCHED_SECOND = """\
if pc & 2:
    fetched = pc + 2
    BOOK cyc, z"""
# Not SRAM, which takes no time where nobody else is on the bus.
_BEYOND = """\
if fetched != 0 and next_pc & 2 == 0:
    is_in_flash = uint64(next_pc - FLASH_BASE) < FLASH_SIZE
    if (not is_in_flash or fast == uint64(0) or other[RUNS]
            or not costs_nothing(chip, lines, next_pc)):
        cyc += fetch_beyond(core, other, chip, lines, cyc + cost - 2, next_pc)"""
_BEYOND_SHARED = """\
if next_pc & 2 == 0:
    if uint64(next_pc - SRAM_BASE) < fast:
        BOOK cyc + cost - 2, next_pc - SRAM_BASE
    else:
        cyc += fetch_beyond(core, other, chip, lines, cyc + cost - 2, next_pc)"""
_WAITED = """\
if functions[at >> 1] != here:
    here = arrive(trace, functions, core, cyc, BRANCH, pc, r)
if core[WAITED] != waited:
    counts[at >> 1 << 2 | 2] += core[WAITED] - waited; waited = core[WAITED]
began = cyc"""
_UNFINISHED = """\
waited = core[WAITED] - waited
counts[at >> 1 << 2 | 1] += cyc - began - waited; counts[at >> 1 << 2 | 2] += waited"""
_COUNTED = """\
counts[at >> 1 << 2 | 0] += 1
if core[WAITED] != waited:
    waited = core[WAITED] - waited
    counts[at >> 1 << 2 | 2] += waited; began += waited
if cyc != began + 1: counts[at >> 1 << 2 | 1] += cyc - began - 1"""


def _line(line: str, observed: Observed) -> str:
    space = line[: len(line) - len(line.lstrip())]
    word, _, rest = line.strip().partition(" ")
    if word == "POINTERS":
        text = "; ".join(f"{name} = pointer({name})" for name in rest.split(", "))
    elif word == "BOOK":
        cycle, _, offset = rest.partition(", ")
        text = _BOOKED.format(cycle=cycle, offset=offset) if observed.shared_bus else "pass"
    elif word == "FETCH":
        text = _FETCHED.format(offset=rest) if observed.shared_bus else "pass"
        text = _written_out(text, observed)
    elif word == "FETCH_SECOND":
        text = _written_out(_FETCHED_SECOND if observed.shared_bus else "pass", observed)
    elif word == "BEYOND":
        text = _written_out(_BEYOND_SHARED if observed.shared_bus else _BEYOND, observed)
    elif word == "FETCHED":
        text = _WAITED if observed.traced else "pass"
    elif word == "COUNT":
        text = _COUNTED if observed.traced else "pass"
    elif word == "UNFINISHED":
        text = _UNFINISHED if observed.traced else "pass"
    elif word == "JUMP":
        follows = observed.traced and rest != "BRANCH"
        text = f"jumped = int64({rest})" if follows else "pass"
    elif word == "STACK":
        text = "note_sp_at(trace, cyc + cost, int64(r[13]))" if observed.traced else "pass"
    elif word == "TRACED":
        text = line.strip()[len("TRACED ") :] if observed.traced else ""
    elif word == "SHARED":
        text = line.strip()[len("SHARED ") :] if observed.shared_bus else ""
    else:
        return line
    return indent(text, space)


def names() -> dict[str, Any]:
    """What the text refers to."""
    constants = {name: int(value) for name, value in Core.__members__.items()}
    constants["OVERFLOW_FLAG"] = constants.pop("OVERFLOW")
    constants |= {name: int(value) for name, value in Chip.__members__.items() if name != "END"}
    constants |= {name: int(value) for name, value in Sleep.__members__.items()}
    constants |= {name: int(value) for name, value in Status.__members__.items()}
    reasons = tuple(FaultReason)
    constants |= {
        "SRAM_BASE": SRAM.base,
        "FLASH_BASE": FLASH.base,
        "FLASH_SIZE": FLASH.size,
        "FLASH_AT": FLASH_AT,
        "ROM_SIZE": ROM.size,
        "FLOAT_FUNCTIONS": rom_float.FUNCTIONS,
        "NO_ORDER": rom_float.NO_ORDER,
        "BKPT": 0xBE,  # a halt takes no time, that of its fetch included
        "LONGEST": LONGEST,
        "NEAR": NEAR,
        "FAR": FAR,
        "SECOND": SECOND,
        "SECOND_BIT": SECOND_BIT,
        "NEVER": NEVER,
        "SRAM0": crossbar.SRAM0,
        "SRAM4": crossbar.SRAM4,
        "STRIPED": crossbar.STRIPED,
        "BIAS": memory.BIAS,
        "ATTENTION": memory.ATTENTION,
        "UNDEFINED": reasons.index(FaultReason.UNDEFINED),
        "NO_MEANING": reasons.index(FaultReason.UNPREDICTABLE),
        "NO_CODE": reasons.index(FaultReason.FETCH),
    }
    types = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    functions: dict[str, Any] = {name: getattr(np, name) for name in types}
    functions |= {
        "pointer": pointer,
        "is_ahead": crossbar.is_ahead,
        "accesses": crossbar.accesses,
        "contend": crossbar.contend,
        "note_access": crossbar.note_access,
        "read_flash": flash_cache.read_flash,
        "costs_nothing": flash_cache.costs_nothing,
        "load": memory.load,
        "store": memory.store,
        "fault": memory.fault,
        "fetch_place": memory.fetch_place,
        "code_place": memory.code_place,
        "fetch": memory.fetch,
        "fetch_beyond": memory.fetch_beyond,
        "note_sp": exceptions.note_sp,
        "overflow": exceptions.overflow,
        "BRANCH": call_trace.BRANCH,
        "CALL": call_trace.CALL,
        "INDIRECT": call_trace.INDIRECT,
        "arrive": call_trace.arrive,
        "follow_exceptions": call_trace.follow_exceptions,
        "note_sp_at": call_trace.note_sp,
        "advance_devices": advance_devices,
        "advance_systick": systick.advance_systick,
        "gives_way": exceptions.gives_way,
        "look_around": exceptions.look_around,
        "pauses": exceptions.pauses,
        "rests": exceptions.rests,
        "may_leave": exceptions.may_leave,
        "call_supervisor": exceptions.call_supervisor,
        "compute_float": rom_float.compute_float,
        "read_special": special.read_special,
        "write_special": special.write_special,
    }
    return {**constants, **functions}


def _compiled(text: str, scope: dict[str, Any], observed: Observed) -> Callable[..., int]:
    """A function out of text of our own, compiled at its first call and kept on disk."""
    exec(compile(text, __file__, "exec"), scope)
    made = scope["make"](f"{hash_of_sources()} {observed} {text}")
    with kept_on_disk():
        compiled: Callable[..., int] = numba.njit(cache=True, **OPTIONS)(made)
    return compiled


@cache
def one_core(traced: bool) -> Callable[..., int]:
    """The loop of a core that has the bus for itself."""
    observed = Observed(traced, shared_bus=False)
    return _compiled(source(observed), names() | {"__name__": __name__}, observed)


@cache
def both_cores(traced: bool) -> Callable[..., int]:
    """The loop of two cores."""
    observed = Observed(traced, shared_bus=True)
    scope = names() | {"__name__": __name__}
    run = _compiled(source(observed), dict(scope), observed)
    return _compiled(_written_out(BOTH_CORES, observed), scope | {"run": run}, observed)
