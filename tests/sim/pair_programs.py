"""Random programs for two processors to agree on.

Code, handlers and data lie in SRAM. R4 to R7 mostly point at data, R8 to R12 at the core's own
registers, so that programs get somewhere; one instruction in thirty is anything at all.
"""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from sim_programs import assemble, mrs, msr

from priot.sim.instructions import INSTRUCTIONS_16, INSTRUCTIONS_32, Instruction
from priot.sim.memory_map import SRAM

TABLE, CODE, CODE_SIZE = 0x2000_0000, 0x2000_0100, 0x300
_HANDLERS, _DATA, _DATA_SIZE = 0x2000_0800, 0x2000_4000, 0x400
_PROLOGUE = 0x2000_2000
_COUNT = 0x2000_3FF0  # a word that handlers count in
_STACK, _PROCESS, _END = 0x2000_8100, 0x2000_6000, SRAM.end
_NVIC, _SCB, _SYSTICK, _MPU = 0xE000_E100, 0xE000_ED00, 0xE000_E010, 0xE000_ED90
_NOWHERE = (0x3000_0000, 0x6000_0000, 0x9000_0004, 0xF000_0000, 0x2004_2000, 0x1FFF)
# What a register may hold: places in memory, at its ends, and nowhere.
PRESENT = (
    *(_DATA, _DATA + 0x80, _DATA + 0x104, _DATA + 0x201, _DATA + 0x302, _STACK - 0x80),
    *(_STACK, _STACK + 4, _PROCESS, _END - 8, _END - 20, SRAM.base + 4, *_NOWHERE),
)
_SVCALL, _PENDSV, _SYSTICK_NUMBER, _NMI, _HARD_FAULT = 11, 14, 15, 2, 3
_SPECIAL = {"apsr": 0, "ipsr": 5, "msp": 8, "psp": 9, "primask": 16, "control": 20}
_SHORT, _LONG = (200, 700), (500, 2500)  # budgets in cycles

Signal = tuple[int, int, str]
"""Cycle, exception, and "pend"; or "high" or "low" for an interrupt's line."""


@dataclass
class Case:
    """A program and what happens to it."""

    seed: str
    image: bytearray  # all of SRAM
    registers: dict[str, int]
    budget: int  # cycles
    special: dict[str, int] = field(default_factory=dict)
    writes: list[tuple[int, int]] = field(default_factory=list)
    """To registers of the core, before it starts."""
    pends: list[Signal] = field(default_factory=list)


def _rows(*names: str) -> list[Instruction]:
    return [row for row in INSTRUCTIONS_16 if row.name.startswith(names) and row.kind > 1]


_ALU = _rows(
    *(
        "LSLS",
        "LSRS",
        "ASRS",
        "ADDS",
        "SUBS",
        "MOVS",
        "CMP (imm)",
        "CMP (reg)",
        "ANDS",
        "EORS",
        "ADCS",
        "SBCS",
    ),
    *("RORS", "TST", "RSBS", "CMN", "ORRS", "MULS", "BICS", "MVNS", "ADR", "ADD (Rd", "SXT"),
    *("UXT", "REV", "MOVS (imm)", "MOVS (imm)"),
)
_HIGH = _rows("ADD (high)", "MOV (high)", "CMP (high)")
_IN_BITS_10_TO_8 = ("MOVS (imm)", "CMP (imm)", "ADDS (imm8)", "SUBS (imm8)", "ADR", "ADD (Rd")
_BY_IMMEDIATE = [row for row in _rows("LDR", "STR") if "(imm)" in row.name]
_BY_REGISTER = [row for row in _rows("LDR", "STR") if "(reg)" in row.name]
_FROM_PC_AND_SP = _rows("LDR (literal)", "LDR (SP)", "STR (SP)")
_ANY = [*INSTRUCTIONS_16, *INSTRUCTIONS_32]


class Writer:
    """Makes code; `rng` decides everything. `tame` code keeps the registers that point at data."""

    def __init__(self, rng: random.Random, tame: bool = False) -> None:
        self.rng, self.tame = rng, tame

    def _word(self, row: Instruction) -> int:
        return self.rng.getrandbits(len(row.bits)) & ~row.mask | row.value

    def _rarely(self, probability: float) -> bool:
        return not self.tame and self._chance(probability)

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def alu(self) -> list[int]:
        """Its result rarely in a register that points somewhere."""
        row = self.rng.choice(_ALU)
        word = self._word(row)
        if not self._rarely(0.05):
            word &= ~(1 << 10 if row.name.startswith(_IN_BITS_10_TO_8) else 1 << 2)
        return [word]

    def high(self) -> list[int]:
        word = self._word(self.rng.choice(_HIGH))
        return [word & ~0x84 | 0x40 if self._chance(0.8) else word]

    def access(self) -> list[int]:
        """By R4 to R7."""
        word = self._word(self.rng.choice(_BY_IMMEDIATE)) | 1 << 5
        return [word if self._rarely(0.1) else word & ~4]

    def indexed(self) -> list[int]:
        row = self.rng.choice(_BY_REGISTER)
        index = self.rng.randrange(256) & (~3 if self._chance(0.8) else 0xFF)
        if self.tame:
            index &= ~3
        word = self._word(row) & ~0x1C4 | 3 << 6 | 1 << 5
        return [0x2300 | index, word]

    def from_pc_or_sp(self) -> list[int]:
        word = self._word(self.rng.choice(_FROM_PC_AND_SP)) & ~0x400
        return [word & ~0xE0 if self._chance(0.8) else word]

    def wild(self) -> list[int]:
        return [self._word(self.rng.choice(_BY_IMMEDIATE + _BY_REGISTER))]

    def multiple(self) -> list[int]:
        kept = 0xFF if self._rarely(0.4) else 0x0F
        base = self.rng.randrange(8) if self._rarely(0.1) else self.rng.randrange(4, 8)
        load = 0x800 if self._chance(0.5) else 0
        return [0xC000 | load | base << 8 | (self.rng.getrandbits(8) & kept or self.rare_zero())]

    def rare_zero(self) -> int:
        return 0 if self._rarely(0.2) else 1

    def stack(self) -> list[int]:
        registers = self.rng.getrandbits(8) or self.rare_zero()
        link = 0x100 if self._chance(0.3) else 0
        match self.rng.randrange(6):
            case 0:
                return [0xB400 | registers | link]
            case 1:
                return [0xBC00 | registers & 0x0F or 0xBC01]
            case 2:
                return [0xB000 | self.rng.getrandbits(8) & 0x87]
            case 3:
                return [0xB400 | registers, *self.alu(), 0xBC00 | registers]
            case 4:  # MOV R3, PC; ADDS; PUSH; POP PC: to behind it, or in ARM state
                return [0x467B, 0x3305 - self._rarely(0.07), 0xB408, 0xBD00]
        return [0xB400 | registers, self._word(self.rng.choice(_HIGH)) & ~0x84, 0xBC00 | registers]

    def branch(self) -> list[int]:
        condition = self.rng.randrange(14) << 8
        match self.rng.randrange(5 if self.tame else 7):
            case 0 | 1 | 2:
                return [0xD000 | condition | self.rng.randrange(8)]
            case 3:
                return [0xE000 | self.rng.randrange(8)]
            case 4:
                return [0xF000, 0xF800 | self.rng.randrange(8)]
            case 5:  # MOV R3, PC; ADDS; BX or BLX R3
                link = 0x80 if self._chance(0.5) else 0
                return [0x467B, 0x3303 - self._rarely(0.07) + 2 * self._chance(0.5), 0x4718 | link]
        return [0x467B, 0x3302, 0x469F]  # MOV R3, PC; ADDS; MOV PC, R3

    def back(self) -> list[int]:
        return [0xD000 | self.rng.randrange(14) << 8 | self.rng.randrange(0xE0, 0x100)]

    def special(self) -> list[int]:
        """MRS and MSR of the flags and of all that this program may change."""
        names = ["apsr"] * 3 + ["primask", "ipsr", "psp"]
        number = _SPECIAL[self.rng.choice(names)] if self._chance(0.95) else self.rng.getrandbits(8)
        if self._chance(0.5):
            return [0xF3EF, 0x8000 | self.rng.randrange(4) << 8 | number]
        if number in (_SPECIAL["psp"], _SPECIAL["msp"]):
            return [0xF384 | self.rng.randrange(4), 0x8800 | number]
        return [0xF380 | self.rng.randrange(4), 0x8800 | number]

    def barrier(self) -> list[int]:
        return self.rng.choice(
            ([0xF3BF, 0x8F4F], [0xF3BF, 0x8F5F], [0xF3BF, 0x8F6F], [0xBF00], [0xBF10], [0xBFE0])
        )

    def tame_high(self) -> list[int]:
        return [self._word(self.rng.choice(_HIGH)) & ~0x8C | 0x40]

    def tame_stack(self) -> list[int]:
        """Balanced, or a step of SP."""
        registers = self.rng.getrandbits(4) or 1
        if self._chance(0.5):
            return [0xB400 | registers, *self.alu(), 0xBC00 | registers]
        return [0xB400 | registers, 0xB001, *self.alu(), 0xB081, 0xBC00 | registers]

    def flags(self) -> list[int]:
        """MRS, or MSR from R12, which holds the four flags alone: Unicorn has a fifth, Q."""
        number = self.rng.randrange(4)
        return [0xF3EF, 0x8000 | number << 8] if self._chance(0.5) else [0xF38C, 0x8800]

    def anything(self) -> list[int]:
        if self._chance(0.3):
            return [self.rng.getrandbits(16)]
        word, row = 0, self.rng.choice(_ANY)
        word = self._word(row)
        return [word] if len(row.bits) == 16 else [word >> 16, word & 0xFFFF]

    def event(self) -> list[int]:
        return [self.rng.choice((0xBF20, 0xBF40, 0xBF40))]

    def wait(self) -> list[int]:
        return [self.rng.choice((0xBF30, 0xBF20, 0xBF40))]

    def mask(self) -> list[int]:
        return [self.rng.choice((0xB672, 0xB662, 0xB662))]

    def supervise(self) -> list[int]:
        """Not by the number 0xAB, which is something else to Unicorn."""
        return [0xDF00 | self.rng.randrange(0xAB)]

    def private(self) -> list[int]:
        """A register of the NVIC, the SCB or SysTick: MOV R3, R8 to R11; STR or LDR."""
        base, offsets = self.rng.choice(
            (
                *((8, (0, 0, 0x20, 0x40 // 4)) for _ in range(2)),  # ISER
                *((12, (0, 0, 1)) for _ in range(2)),  # ISPR
                (9, (1, 1, 1, 4, 4, 7, 8, 9, 0, 3, 5)),  # ICSR, SCR, SHPR and others
                (10, (0, 1, 2, 2, 3)),  # SysTick
                (11, (0, 1, 2, 3)),  # IPR
            )
        )
        store = 0 if self._chance(0.65) else 0x800
        register = self.rng.randrange(3)
        prepared = [0x6800 | self.rng.randrange(32) << 6 | 5 << 3 | register]  # LDR from R5
        return [
            *(prepared if self._chance(0.8) else []),
            0x4603 | base << 3,
            0x6000 | store | self.rng.choice(offsets) << 6 | 3 << 3 | register,
        ]

    def rewrite(self) -> list[int]:
        """A halfword or a word of data over code a little ahead, or behind."""
        back = self._chance(0.2)
        load, store = (0x8820, 0x8018) if self._chance(0.6) else (0x6820, 0x6018)
        halfword = load == 0x8820
        offset = self.rng.randrange(6 if halfword else 4)
        return [
            load | self.rng.randrange(32) << 6 | self.rng.randrange(3),
            0x467B,  # MOV R3, PC
            *([0x3B00 | 2 * self.rng.randrange(16)] if back else []),
            *([] if halfword else [0x3303, 0x2203, 0x4393]),  # to a multiple of 4
            store | offset << 6 | self.rng.randrange(3),
        ]

    def privilege(self) -> list[int]:
        """CONTROL: privilege and stack; SVC gives the privilege back."""
        match self.rng.randrange(4):
            case 0:
                return self.supervise()
            case 1:
                return [0xF3EF, 0x8014 | self.rng.randrange(4) << 8]
        return [0x2000 | self.rng.randrange(4), 0xF380, 0x8814, *self.barrier()]

    def protect(self) -> list[int]:
        """One of the MPU's registers, with a value of data or a small one: MOV R3, R11; STR."""
        if self._chance(0.3):
            number = self.rng.randrange(1, 3)
            return [0x2000 | self.rng.randrange(8), 0x465B, 0x6018 | number << 6]
        at = 2 * self.rng.randrange(16)
        word = [0x6828 | at << 6, 0x6018 | 3 << 6]  # RBAR from an even word, RASR from the next
        next_ = [0x6828 | at + 1 << 6, 0x6018 | 4 << 6]
        return [0x465B, *(word if self._chance(0.5) else []), *next_]


_Part = Callable[[Writer], list[int]]
_PLAIN: dict[_Part, int] = {
    Writer.alu: 30,
    Writer.high: 4,
    Writer.access: 18,
    Writer.indexed: 6,
    Writer.from_pc_or_sp: 4,
    Writer.wild: 2,
    Writer.multiple: 8,
    Writer.stack: 12,
    Writer.branch: 10,
    Writer.special: 4,
    Writer.barrier: 2,
    Writer.event: 2,
    Writer.mask: 2,
    Writer.anything: 4,
}
_INTERRUPTS = _PLAIN | {
    Writer.wild: 1,
    Writer.mask: 6,
    Writer.supervise: 4,
    Writer.wait: 3,
    Writer.private: 14,
    Writer.back: 2,
    Writer.anything: 1,
    Writer.high: 2,
}
_WORDS_AND_INTERRUPTS: dict[_Part, int] = {
    Writer.alu: 10,
    Writer.access: 6,
    Writer.multiple: 30,
    Writer.tame_stack: 20,
    Writer.stack: 8,
    Writer.branch: 6,
    Writer.mask: 1,
}
_REWRITING = _PLAIN | {Writer.rewrite: 40, Writer.back: 3}
_PROTECTED = _INTERRUPTS | {Writer.privilege: 14, Writer.protect: 8, Writer.private: 3}


def _code(rng: random.Random, weights: dict[_Part, int], ending: bytes) -> bytes:
    writer = Writer(rng, weights is _TAME)
    parts, chances = list(weights), list(weights.values())
    words: list[int] = []
    while 2 * len(words) < CODE_SIZE - len(ending):
        words += rng.choices(parts, chances)[0](writer)
    raw = struct.pack(f"<{len(words)}H", *words)
    return raw[: CODE_SIZE - len(ending)] + ending


_AGAIN = struct.pack("<H", 0xE000 | (-(CODE_SIZE - 2 + 4) // 2 + 1) & 0x7FF)  # B to the start
_HALT = struct.pack("<H", 0xBE00) * 8

_FRAME_TO_R0 = f"movs r1, #4; mov r2, lr; mov r0, sp; tst r1, r2; beq m; {mrs(0, 'psp')}; m: nop"
_SET_THUMB = "ldr r2, [r0, #28]; movs r1, #1; lsls r1, r1, #24; orrs r2, r1; str r2, [r0, #28]"
_SKIPPING = (
    f"{_FRAME_TO_R0}; ldr r1, [r0, #24]; adds r1, #2; str r1, [r0, #24]; {_SET_THUMB}; bx lr"
)
_ELSEWHERE = (
    f"{_FRAME_TO_R0}; ldr r1, ={_COUNT}; ldr r2, [r1]; adds r2, #26; str r2, [r1];"
    f"ldr r3, =0x1FE; ands r2, r3; ldr r1, ={CODE}; adds r1, r1, r2; str r1, [r0, #24];"
    f"{_SET_THUMB}; bx lr"
)
_COUNTING = (
    f"push {{r4, lr}}; ldr r4, ={_COUNT}; ldr r0, [r4]; adds r0, #1; str r0, [r4]; pop {{r4, pc}}"
)
_ORDINARY = (
    "bx lr",
    _COUNTING,
    f"push {{r4, lr}}; ldr r4, ={_SYSTICK}; ldr r0, [r4, #8]; ldr r1, [r4]; ldr r4, ={_COUNT};"
    f"str r0, [r4, #4]; str r1, [r4, #8]; {mrs(0, 'ipsr')}; str r0, [r4, #12]; pop {{r4, pc}}",
    f"ldr r0, ={_SCB}; ldr r1, [r0, #4]; ldr r2, ={_COUNT}; str r1, [r2, #16]; bx lr",
    "movs r0, #6; l: subs r0, #1; bne l; bx lr",
    "cpsid i; nop; nop; nop; cpsie i; bx lr",
)
_ODD = (
    f"ldr r0, ={_NVIC + 0x100}; ldr r2, ={_COUNT}; ldr r1, [r2]; adds r1, #0x5B; str r1, [r2];"
    "str r1, [r0]; bx lr",
    f"ldr r0, ={_SCB}; movs r1, #1; lsls r1, r1, #28; str r1, [r0, #4]; bx lr",  # PendSV
    f"ldr r0, ={_SCB}; movs r1, #1; lsls r1, r1, #31; str r1, [r0, #4]; bx lr",  # NMI
    f"ldr r0, ={_SCB}; movs r1, #1; lsls r1, r1, #25; str r1, [r0, #4]; bx lr",  # not SysTick
    f"ldr r0, ={_NVIC + 0x300}; ldr r1, [r0]; mvns r1, r1; str r1, [r0, #4]; bx lr",
    f"ldr r0, ={_NVIC + 0x180}; movs r1, #255; str r1, [r0]; bx lr",
    "svc #1; bx lr",
    "udf #1",
    "ldr r0, =0x30000001; ldr r0, [r0]; bx lr",
    "wfe; sev; wfe; bx lr",
    "wfi; bx lr",
    "ldr r0, =0xFFFFFFF9; bx r0",
    "ldr r0, =0xFFFFFFF1; bx r0",
    "ldr r0, =0xFFFFFFFD; push {r0}; pop {pc}",
    "ldr r0, =0xFFFFFFF8; bx r0",
    "ldr r0, =0xF0000001; push {r0, r1}; pop {r2, pc}",
    "sub sp, #4; bx lr",
    "mov r0, sp; ldr r1, [r0, #28]; movs r2, #1; lsls r2, r2, #9; eors r1, r2; str r1, [r0, #28];"
    "bx lr",
    "mov r0, sp; ldr r1, [r0, #28]; adds r1, #3; str r1, [r0, #28]; bx lr",
    "ldr r0, =0x20042000; mov sp, r0; bx lr",
    f"ldr r0, =0x20000010; {msr('msp', 0)}; bx lr",
    f"movs r0, #3; {msr('control', 0)}; bx lr",
    f"ldr r0, ={_PROCESS - 4}; {msr('psp', 0)}; ldr r0, =0xFFFFFFFD; bx r0",
    f"{msr('primask', 0)}; bx lr",
)
_SUPERVISOR = (f"movs r0, #0; {msr('control', 0)}; bx lr", *_ORDINARY[:4])


@cache
def _assembled(source: str) -> bytes:
    code = assemble(f"{source}; .align 2", _HANDLERS)
    return code + bytes(-len(code) % 4)


class _Layout:
    """Vector table and handlers in an image of SRAM."""

    def __init__(self, rng: random.Random, weights: dict[_Part, int], ending: bytes) -> None:
        self.rng = rng
        self.image = bytearray(SRAM.size)
        self._free = _HANDLERS
        self._places: dict[str, int] = {}
        self.put(CODE, _code(rng, weights, ending))

    def put(self, address: int, data: bytes) -> None:
        offset = address - SRAM.base
        self.image[offset : offset + len(data)] = data

    def handle(self, number: int, source: str) -> None:
        if source not in self._places:
            code = _assembled(source)
            self.put(self._free, code)
            self._places[source] = self._free | 1
            self._free += len(code)
        self.vector(number, self._places[source])

    def vector(self, number: int, value: int) -> None:
        self.put(TABLE + 4 * number, struct.pack("<I", value))

    def handlers(self, odd: float) -> None:
        """A handler for each exception; some of them do strange things."""
        rng = self.rng
        for number in range(48):
            self.handle(number, rng.choice(_ODD if rng.random() < odd else _ORDINARY))
        self.handle(_SVCALL, rng.choice(_SUPERVISOR))
        if rng.random() < 3 * odd:
            for number in rng.sample(range(2, 48), 2):
                self.vector(number, rng.choice((*_NOWHERE, CODE, CODE | 1, CODE + 0x41)))
        self.handle(_HARD_FAULT, rng.choice((_SKIPPING, _ELSEWHERE, _ELSEWHERE)))
        if rng.random() < odd / 2:
            self.handle(_HARD_FAULT, rng.choice(_ODD))

    def data(self, words: list[int]) -> None:
        self.put(_DATA, struct.pack(f"<{len(words)}I", *words))


def _words(rng: random.Random) -> list[int]:
    """Data: numbers large and small, pointers, single bits."""
    return [
        rng.choice((rng.getrandbits(32), rng.getrandbits(8), rng.choice(PRESENT), _bit(rng)))
        for _ in range(_DATA_SIZE // 4)
    ]


def _bit(rng: random.Random) -> int:
    return 1 << rng.randrange(32) | 1 << rng.randrange(32)


def _registers(rng: random.Random, odd: float = 0.1) -> dict[str, int]:
    values = {f"r{number}": rng.choice(_words(rng)[:4]) for number in range(4)}
    values |= {f"r{number}": _DATA + 0x80 * (number - 4) for number in range(4, 8)}
    if rng.random() < 5 * odd:
        values["r6"] = rng.choice(PRESENT)
        values["r7"] = rng.choice(PRESENT) + 4 * rng.randrange(8)
    values |= {"r8": _NVIC, "r9": _SCB, "r10": _SYSTICK, "r11": _NVIC + 0x300, "r12": _NVIC + 0x100}
    sp = _STACK + rng.choice((0, 0, 4))
    if rng.random() < odd:
        sp = rng.choice(
            (_END, _END - 4, SRAM.base + 0x40, SRAM.base + 0x20, rng.choice(PRESENT) & ~3)
        )
    flags = rng.getrandbits(4) << 28
    return values | {"sp": sp, "lr": CODE | 1, "pc": CODE, "xpsr": flags | 1 << 24}


def _tame_registers(rng: random.Random) -> dict[str, int]:
    """None points at the core's own registers, where Unicorn's engine takes bytes."""
    values = {f"r{number}": rng.getrandbits(8) for number in range(8, 12)}
    return _registers(rng, 0) | values | {"r12": rng.getrandbits(4) << 28}


def _budget(rng: random.Random, between: tuple[int, int]) -> int:
    return rng.randrange(*between)


def plain(seed: str) -> Case:
    """No interrupts, no fault handler: each fault is looked at by itself."""
    rng = random.Random(f"plain/{seed}")
    layout = _Layout(rng, _PLAIN, _AGAIN)
    layout.handlers(0)
    layout.vector(_HARD_FAULT, CODE + CODE_SIZE | 1)
    layout.put(CODE + CODE_SIZE, _HALT)
    layout.data(_words(rng))
    case = Case(seed, layout.image, _registers(rng), _budget(rng, _LONG))
    if rng.random() < 0.3:
        case.special = {"psp": _PROCESS + 4 * rng.randrange(2), "control": 2}
    return case


def _interrupted(seed: str, kind: str, weights: dict[_Part, int]) -> Case:
    rng = random.Random(f"{kind}/{seed}")
    layout = _Layout(rng, weights, _AGAIN)
    layout.handlers(rng.choice((0, 0.05, 0.3)))
    layout.data(_words(rng))
    case = Case(seed, layout.image, _registers(rng), _budget(rng, _LONG))
    case.special = {"psp": _PROCESS + 4 * rng.randrange(2)}
    if rng.random() < 0.3:
        case.special["control"] = 2
    enabled = rng.getrandbits(32) & (rng.getrandbits(32) if rng.random() < 0.5 else 0xFFFF_FFFF)
    case.writes = [(_NVIC, enabled)]
    case.writes += [(_NVIC + 0x300 + 4 * n, rng.getrandbits(32)) for n in range(8)]
    case.writes += [(_SCB + 0x1C, rng.getrandbits(32)), (_SCB + 0x20, rng.getrandbits(32))]
    if rng.random() < 0.2:
        case.writes.append((_SCB + 0x10, rng.getrandbits(5)))
    if rng.random() < 0.6:
        reload = rng.choice((0, 1, 3, 10, 40, 100, 300))
        case.writes += [(_SYSTICK + 4, reload), (_SYSTICK + 8, 0)]
        case.writes.append((_SYSTICK, 7 if rng.random() < 0.9 else rng.getrandbits(3)))
    case.pends = _pends(rng, case.budget)
    return case


def _pends(rng: random.Random, budget: int) -> list[Signal]:
    """Now and then several at once, or close by one another."""
    found = []
    at = 0
    while at < budget:
        at += rng.choice((0, 1, 4, 14, 15, 16, 50, 200))
        number = rng.choice((*range(16, 48), _PENDSV, _SYSTICK_NUMBER, _PENDSV, _NMI))
        how = "pend"
        if number >= 16 and rng.random() < 0.3:
            how = rng.choice(("high", "low", "low"))
        if rng.random() < 0.7:
            found.append((at, number, how))
    return found


def interrupts(seed: str) -> Case:
    """Interrupts and faults, with handlers."""
    return _interrupted(seed, "interrupts", _INTERRUPTS)


def abandoned(seed: str) -> Case:
    """Interrupts that come amid LDM, STM, PUSH and POP."""
    case = _interrupted(seed, "abandoned", _WORDS_AND_INTERRUPTS)
    rng = random.Random(f"abandoned/{seed}/signals")
    case.writes[0] = _NVIC, 0xFFFF_FFFF
    case.pends = []
    at = 0
    while at < case.budget:
        at += rng.randrange(12, 120)
        case.pends.append((at, rng.randrange(16, 48), "pend"))
    return case


def rewriting(seed: str) -> Case:
    """Code that stores into the code ahead."""
    rng = random.Random(f"rewriting/{seed}")
    layout = _Layout(rng, _REWRITING, _AGAIN)
    layout.handlers(0)
    code = _code(rng, _PLAIN, b"")
    layout.put(_DATA, (code * 2)[:_DATA_SIZE])
    return Case(seed, layout.image, _registers(rng), _budget(rng, _LONG))


def protected(seed: str) -> Case:
    """Regions of the MPU, with and without privilege."""
    case = _interrupted(seed, "protected", _PROTECTED)
    rng = random.Random(f"protected/{seed}/regions")
    case.pends = case.pends[: rng.randrange(4)]
    for number in rng.sample(range(8), rng.randrange(5)):
        base, attributes = _region(rng)
        case.writes += [(_MPU + 12, base | 0x10 | number), (_MPU + 16, attributes)]
    words = [word for _ in range(16) for word in _region(rng)]
    at = _DATA - SRAM.base + 0x80  # where R5 points
    for position, word in enumerate(words):
        value = word | (0x10 | rng.randrange(8) if position % 2 == 0 else 0)
        case.image[at + 4 * position : at + 4 * position + 4] = struct.pack("<I", value)
    case.writes.append((_MPU + 4, rng.choice((0, 1, 5, 5, 5, 5, 7, 7))))
    case.registers["r11"] = _MPU
    if rng.random() < 0.3:
        case.special["control"] = case.special.get("control", 0) | 1
    return case


def _region(rng: random.Random) -> tuple[int, int]:
    """Base and attributes: around code, data or stack, or all of the address space."""
    base, size = rng.choice(
        (
            *((CODE & ~0xFF, 9), (CODE + 0x200, 7), (TABLE, 10), (_DATA, 9), (_DATA + 0x100, 7)),
            *((_DATA, 7), (_DATA, 8), (_DATA, 9), (_DATA + 0x100, 7), (_COUNT & ~0xFF, 7)),
            *((_STACK - 0x100, 7), (_STACK & ~0xFFF, 11), (_PROCESS - 0x100, 7), (TABLE, 17)),
            *((0, 31), (SRAM.base, 27), (_HANDLERS, 9), (_END - 0x100, rng.randrange(10))),
        )
    )
    access = rng.choice((0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7))
    subregions = rng.getrandbits(8) & rng.getrandbits(8) if rng.random() < 0.4 else 0
    enabled = int(rng.random() < 0.85)
    never = int(rng.random() < 0.15)
    return base, never << 28 | access << 24 | subregions << 8 | size << 1 | enabled


_TAME: dict[_Part, int] = {
    Writer.alu: 30,
    Writer.tame_high: 4,
    Writer.access: 18,
    Writer.indexed: 6,
    Writer.from_pc_or_sp: 4,
    Writer.multiple: 8,
    Writer.tame_stack: 12,
    Writer.branch: 10,
    Writer.flags: 3,
    Writer.barrier: 2,
    Writer.mask: 2,
    Writer.supervise: 2,
}


def unicorn(seed: str) -> Case:
    """What Unicorn can do: nothing that it does otherwise by its nature, and it comes to an end."""
    rng = random.Random(f"unicorn/{seed}")
    layout = _Layout(rng, _TAME, _HALT)
    layout.handlers(0)
    layout.vector(_HARD_FAULT, CODE + CODE_SIZE - 15)
    layout.data(_words(rng))
    return Case(seed, layout.image, _tame_registers(rng), 20_000)


KINDS: dict[str, Callable[[str], Case]] = {
    "plain": plain,
    "interrupts": interrupts,
    "abandoned": abandoned,
    "rewriting": rewriting,
    "protected": protected,
    "unicorn": unicorn,
}
