"""Random programs for two cores that share memory, spinlocks, mailbox, events and interrupts.

R4 to R7 point at a core's own data, R8 at SIO, R9 at what is shared, R10 at notes of its own; R11
counts rounds. What is shared lies behind spinlock 0 to 3, each with 64 bytes of its own.
"""

import random
import struct
from dataclasses import dataclass, field
from functools import cache

from pair_programs import Writer
from sim_programs import assemble

from priot.sim.memory_map import SRAM

TABLES, CODES = (0x2000_0000, 0x2000_0100), (0x2000_1000, 0x2000_3000)
PARK = 0x2000_0300  # a loop that does nothing
_HANDLERS = 0x2000_5000, 0x2000_5800
_DATA, _STACKS, _SHARED = (0x2001_0000, 0x2001_8000), (0x2003_0000, 0x2003_4000), 0x2002_0000
_NOTES = 0x2002_8000, 0x2002_8100
_SIO, _NVIC, _SCB, _SYSTICK = 0xD000_0000, 0xE000_E100, 0xE000_ED00, 0xE000_E010
_SYSTICK_NUMBER, _PENDSV, _MAILBOX = 15, 14, (31, 32)


def _branch(writer: Writer) -> list[int]:
    """Over some halfwords: what follows is of one halfword each, or the NOPs."""
    condition = writer.rng.randrange(14) << 8
    over = writer.rng.randrange(8)
    return [0xD000 | condition | over if writer.rng.random() < 0.7 else 0xE000 | over]


_PLAIN = {
    Writer.alu: 30,
    Writer.access: 14,
    Writer.from_pc_or_sp: 3,
    Writer.multiple: 14,
    Writer.tame_stack: 14,
    _branch: 8,
}
_NOPS = [0xBF00] * 8  # where a branch of what stands before may lead
_SEND = "mov r3, r8; ldr r0, [r3, #0x50]; lsls r0, r0, #30; bpl a; str r2, [r3, #0x54]; sev; a: nop"
_RECEIVE = (
    "mov r3, r8; ldr r0, [r3, #0x50]; lsls r0, r0, #31; beq a; ldr r0, [r3, #0x58]; mov r1, r10;"
    "ldr r2, [r1]; lsls r2, r2, #1; eors r2, r0; str r2, [r1]; a: nop"
)
_PEND = "ldr r0, =0xE000ED04; movs r1, #1; lsls r1, r1, #28; str r1, [r0]; b a; .pool; a: nop"
_ALONE = (
    "cpsid i",
    "cpsie i",
    "cpsie i",
    "sev",
    "sev; wfe",
    _SEND,
    _SEND,
    _SEND,
    _RECEIVE,
    _RECEIVE,
    "mov r3, r8; str r2, [r3, #0x54]",  # perhaps there is no room
    "mov r3, r8; ldr r0, [r3, #0x58]",  # perhaps there is nothing
    "mov r3, r8; ldr r0, [r3, #0x50]; ldr r1, [r3, #0x5c]; ldr r2, [r3]",
    "bl a; b b; a: bx lr; b: dmb sy",
    _PEND,
)
_WAITS = "wfe", "wfi", "wfe"
_ALL_LOCKS = "movs r0, #1; lsls r0, r0, #8; mov r3, r8; adds r3, r3, r0;"
_BY_WORDS = _ALL_LOCKS + "adds r3, #32; ldm r3!, {r0, r1, r2}; subs r3, #12; stm r3!, {r0, r1, r2}"
_COUNT = "push {r4, lr}; mov r0, r10; ldr r1, [r0, #8]; adds r1, #1; str r1, [r0, #8];"
_MAIL = (
    "push {r4, lr}; mov r3, r8; l: ldr r0, [r3, #0x50]; lsls r0, r0, #31; beq d;"
    "ldr r0, [r3, #0x58]; mov r1, r10; ldr r2, [r1, #4]; adds r2, r2, r0; str r2, [r1, #4];"
)
_TO_THE_END = "b l; d: str r0, [r3, #0x50]; pop {r4, pc}"


@dataclass
class Pair:
    """A program for each core."""

    image: bytearray = field(default_factory=lambda: bytearray(SRAM.size))
    registers: tuple[dict[str, int], ...] = ()
    writes: tuple[list[tuple[int, int]], ...] = ()
    """To registers of each core, before they start."""


def pair(seed: str) -> Pair:
    """The programs that a seed names."""
    rng = random.Random(f"two cores/{seed}")
    made = Pair()
    _put(made, PARK, [0xE7FE])
    for at in range(SRAM.base + 0x1_0000, SRAM.base + 0x2_9000, 4):
        made.image[at - SRAM.base : at - SRAM.base + 4] = rng.randbytes(4)
    cores = [_core(rng, made, number) for number in range(2)]
    made.registers, made.writes = zip(*cores, strict=True)
    return made


def _core(
    rng: random.Random, made: Pair, number: int
) -> tuple[dict[str, int], list[tuple[int, int]]]:
    ticks = rng.random() < 0.7
    words = _code(rng, ticks)
    _put(made, CODES[number], words)
    handlers = {
        _SYSTICK_NUMBER: _COUNT + rng.choice(("", "sev;", f"{_SEND};")) + "pop {r4, pc}",
        _PENDSV: rng.choice(("bx lr", f"push {{r4, lr}}; {_lock(rng)}; pop {{r4, pc}}")),
        _MAILBOX[number]: _MAIL + rng.choice(("", "str r2, [r3, #0x54]; sev;")) + _TO_THE_END,
    }
    at = _HANDLERS[number]
    for exception, source in handlers.items():
        code = _assembled(source, at)
        made.image[at - SRAM.base : at - SRAM.base + len(code)] = code
        vector = struct.pack("<I", at | 1)
        place = TABLES[number] + 4 * exception - SRAM.base
        made.image[place : place + 4] = vector
        at += len(code) + 4
    registers = {f"r{n}": rng.getrandbits(32) for n in range(4)}
    registers |= {f"r{n}": _DATA[number] + 0x800 * (n - 4) for n in range(4, 8)}
    registers |= {"r8": _SIO, "r9": _SHARED, "r10": _NOTES[number], "r11": rng.randrange(2, 5)}
    registers |= {"sp": _STACKS[number], "lr": 0xFFFF_FFFF, "pc": CODES[number]}
    writes = [(_NVIC + 0x300 + 4 * n, rng.getrandbits(32)) for n in (3, 4)]
    writes.append((_SCB + 0x20, rng.getrandbits(32)))
    if rng.random() < 0.2:
        writes.append((_SCB + 0x10, 1 << 4))  # SEVONPEND
    if rng.random() < 0.6:
        writes.append((_NVIC, 1 << _MAILBOX[number] - 16))
    if ticks:
        reload = rng.choice((50, 77, 120, 300))
        writes += [(_SYSTICK + 4, reload), (_SYSTICK + 8, 0), (_SYSTICK, 7)]
    return registers, writes


def _code(rng: random.Random, ticks: bool) -> list[int]:
    writer = Writer(rng, tame=True)
    parts, chances = list(_PLAIN), list(_PLAIN.values())
    words: list[int] = []
    while len(words) < 500:
        for _ in range(rng.randrange(12)):
            words += rng.choices(parts, chances)[0](writer)
        words += _NOPS
        for _ in range(rng.randrange(1, 4)):
            words += _halfwords(_together(rng, ticks), 2 * (len(words) % 2))
    words += _NOPS
    end = "mov r0, r11; subs r0, #1; mov r11, r0; beq a; b b; a: cpsid i; bkpt #0; b: nop"
    words += _halfwords(end, 0)
    back = -(2 * len(words) + 4) // 2
    assert back >= -1024
    return [*words, 0xE000 | back & 0x7FF]


def _together(rng: random.Random, ticks: bool) -> str:
    """One of the things that the other core may notice."""
    choice = rng.random()
    if choice < 0.35:
        return _lock(rng, spins=True)
    if choice < 0.42:
        return _BY_WORDS
    if choice < 0.5 and ticks:
        return f"cpsie i; {rng.choice(_WAITS)}"
    return rng.choice(_ALONE)


def _lock(rng: random.Random, spins: bool = False) -> str:
    """Change what a spinlock guards, if it is free, or once it is; masked, as the SDK does it."""
    lock = rng.randrange(4)
    claim = f"ldr r0, [r3, #{4 * lock}]; cmp r0, #0; beq f"
    if spins and rng.random() < 0.5:
        claim = f"g: ldr r0, [r3, #{4 * lock}]; cmp r0, #0; beq g"
    work = rng.choice(
        (
            "ldr r2, [r1]; adds r2, #7; str r2, [r1]",
            "ldm r1!, {r0, r2}; adds r0, r0, r2; adds r2, #1; subs r1, #8; stm r1!, {r0, r2}",
            "ldr r2, [r1, #8]; ldr r0, [r1, #4]; eors r2, r0; str r2, [r1, #4]; strb r0, [r1, #9]",
        )
    )
    masked = ("cpsid i;", "cpsie i;") if spins else ("", "")
    return (
        f"{_ALL_LOCKS} {masked[0]} {claim}; mov r1, r9; adds r1, #{64 * lock}; {work};"
        f"str r3, [r3, #{4 * lock}]; f: nop; {masked[1]} nop"
    )


@cache
def _assembled(source: str, address: int) -> bytes:
    code = assemble(f"{source}; .align 2", address)
    return code + bytes(-len(code) % 4)


@cache
def _halfwords(source: str, address: int) -> tuple[int, ...]:
    code = assemble(source, 0x2000_0000 + address)
    return struct.unpack(f"<{len(code) // 2}H", code)


def _put(made: Pair, address: int, words: list[int]) -> None:
    data = struct.pack(f"<{len(words)}H", *words)
    made.image[address - SRAM.base : address - SRAM.base + len(data)] = data
