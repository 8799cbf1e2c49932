"""The meaning of instructions as text, out of which priot.sim.cpu.loop makes the native loop.

Names in the text: `hw` the halfword; `r` R0 to R15 (uint32; R15 is not kept up); `pc` the
instruction's address; `next_pc`; `cost` its cycles; `nz`, `c`, `v` the flags (N: nz below 0, Z:
its low 32 bits are 0); `x`, `a`, `b` uint32 and `p`, `y`, `z`, `s`, `k` int64 of passing use. A
meaning that ends in `break` leaves the loop with `status`, all registers as before.

`BOOK cycle, offset` stands before an access to SRAM: where two cores share the bus, one may have to
wait. `BEYOND` stands before a branch goes: the word behind it may have been fetched. `JUMP how` and
`STACK` stand behind a branch and a change of SP, `COUNT` where an instruction ends and `UNFINISHED`
where it is left amid its words, for those who follow them.
Arm DDI0419E, A6.7.
"""

from __future__ import annotations

from textwrap import indent

RD, RN, RM = "hw & 7", "hw >> 3 & 7", "hw >> 6 & 7"
R8 = "hw >> 8 & 7"
HIGH_D, HIGH_M = "hw & 7 | hw >> 4 & 8", "hw >> 3 & 15"
IMM5, IMM3, IMM8 = "hw >> 6 & 31", "hw >> 6 & 7", "hw & 255"
SP, LR = 13, 14
ROOM_BY_MOVE = 0x1000  # bytes

_NZ = "nz = int64(int32(x))"
_TO_P = """\
if p < core[SP_LOW]:
    if note_sp(core, p, int64(r[13])): status = overflow(core, p); break
r[13] = uint32(p)
STACK"""
# A MOV that lowers SP by more than room for an array takes goes to another stack.
_TO_P_NEARBY = _TO_P.replace("r[13])): status", f"r[13])) and r[13] - p < {ROOM_BY_MOVE}: status")

CONDITIONS = (
    *("nz & 0xFFFFFFFF == 0", "nz & 0xFFFFFFFF != 0"),  # EQ, NE
    *("c != 0", "c == 0", "nz < 0", "nz >= 0", "v != 0", "v == 0"),  # CS, CC, MI, PL, VS, VC
    *("c != 0 and nz & 0xFFFFFFFF != 0", "c == 0 or nz & 0xFFFFFFFF == 0"),  # HI, LS
    *("(nz < 0) == (v != 0)", "(nz < 0) != (v != 0)"),  # GE, LT
    "nz & 0xFFFFFFFF != 0 and (nz < 0) == (v != 0)",  # GT
    "nz & 0xFFFFFFFF == 0 or (nz < 0) != (v != 0)",  # LE
)


def lines(*parts: str) -> str:
    """Parts one behind the other."""
    return "\n".join(parts)


def reg(number: str) -> str:
    """A register as an operand."""
    return f"r[{number}]"


def inverted(number: str) -> str:
    """A register with all bits inverted."""
    return f"uint32(~r[{number}])"


def number(bits: str) -> str:
    """An immediate as an operand."""
    return f"uint32({bits})"


def add(first: str, second: str, target: str | None) -> str:
    """Sum with flags."""
    return lines(
        f"a = {first}; b = {second}; x = uint32(a + b); c = int64(x < a)",
        "v = int64(((a ^ x) & (b ^ x)) >> uint32(31))",
        *([f"r[{target}] = x"] if target else []),
        _NZ,
    )


def subtract(first: str, second: str, target: str | None) -> str:
    """Difference with flags."""
    return lines(
        f"a = {first}; b = {second}; x = uint32(a - b); c = int64(a >= b)",
        "v = int64(((a ^ b) & (a ^ x)) >> uint32(31))",
        *([f"r[{target}] = x"] if target else []),
        _NZ,
    )


def with_carry(second: str) -> str:
    """ADCS, and SBCS with the second operand inverted."""
    return lines(
        f"a = r[{RD}]; b = {second}; w = uint64(a) + uint64(b) + uint64(c)",
        "x = uint32(w); c = int64(w >> uint64(32))",
        "v = int64(((a ^ x) & (b ^ x)) >> uint32(31))",
        f"r[{RD}] = x",
        _NZ,
    )


def bitwise(expression: str, *, keeps: bool = True) -> str:
    """An operation on a = Rdn and b = Rm."""
    kept = [f"r[{RD}] = x"] if keeps else []
    return lines(f"a = r[{RD}]; b = r[{RN}]; x = uint32({expression})", *kept, _NZ)


def moved(target: str, expression: str) -> str:
    """A value with N and Z."""
    return lines(f"x = uint32({expression}); r[{target}] = x", _NZ)


def plain(target: str, expression: str) -> str:
    """A value without flags."""
    return f"r[{target}] = uint32({expression})"


LSL_IMMEDIATE = lines(
    f"s = {IMM5}; x = r[{RN}]",
    "if s: c = int64(x >> uint32(32 - s) & uint32(1)); x = uint32(x << uint32(s))",
    f"r[{RD}] = x",
    _NZ,
)
LSR_IMMEDIATE = lines(
    f"s = {IMM5}; x = r[{RN}]",
    "if s: c = int64(x >> uint32(s - 1) & uint32(1)); x = uint32(x >> uint32(s))",
    "else: c = int64(x >> uint32(31)); x = uint32(0)",  # by 32
    f"r[{RD}] = x",
    _NZ,
)
ASR_IMMEDIATE = lines(
    f"s = {IMM5}; x = r[{RN}]",
    "if s: c = int64(x >> uint32(s - 1) & uint32(1)); x = uint32(int32(x) >> int32(s))",
    "else: c = int64(x >> uint32(31)); x = uint32(int32(x) >> int32(31))",  # by 32
    f"r[{RD}] = x",
    _NZ,
)


def shift(below_32: str, by_32: str, beyond: str) -> str:
    """A shift by the low byte of a register."""
    return lines(
        f"x = r[{RD}]; s = int64(r[{RN}] & uint32(255))",
        "if s == 0: pass",
        f"elif s < 32: {below_32}",
        f"elif s == 32: {by_32}",
        f"else: {beyond}",
        f"r[{RD}] = x",
        _NZ,
    )


LSL_REGISTER = shift(
    "c = int64(x >> uint32(32 - s) & uint32(1)); x = uint32(x << uint32(s))",
    "c = int64(x & uint32(1)); x = uint32(0)",
    "c = int64(0); x = uint32(0)",
)
LSR_REGISTER = shift(
    "c = int64(x >> uint32(s - 1) & uint32(1)); x = uint32(x >> uint32(s))",
    "c = int64(x >> uint32(31)); x = uint32(0)",
    "c = int64(0); x = uint32(0)",
)
_ALL_SIGN = "c = int64(x >> uint32(31)); x = uint32(int32(x) >> int32(31))"
ASR_REGISTER = shift(
    "c = int64(x >> uint32(s - 1) & uint32(1)); x = uint32(int32(x) >> int32(s))",
    _ALL_SIGN,
    _ALL_SIGN,
)
ROR_REGISTER = lines(
    f"x = r[{RD}]; s = int64(r[{RN}] & uint32(255))",
    "if s:",
    "    s &= 31",
    "    if s: x = uint32(x >> uint32(s) | x << uint32(32 - s))",
    "    c = int64(x >> uint32(31))",
    f"r[{RD}] = x",
    _NZ,
)
NEGATE = subtract("uint32(0)", f"r[{RN}]", RD)

# --- high registers; R15 reads as the address of the instruction and 4

_OPERAND = f"s = {HIGH_M}; b = r[s] if s != 15 else uint32(pc + 4)"
_TARGET = f"k = {HIGH_D}"


def branch(target: str, how: str = "BRANCH") -> str:
    """Go elsewhere: what was fetched ahead is of no use then."""
    return lines("BEYOND", f"next_pc = {target}; fetched = int64(0)", f"JUMP {how}")


ADD_HIGH = lines(_OPERAND, _TARGET, "r[k] = uint32(r[k] + b)")
ADD_SP_REGISTER = lines(_OPERAND, "p = int64(r[13]) + int64(b) & 0xFFFFFFFC", _TO_P)
ADD_PC = lines(_OPERAND, branch("(pc + 4 + int64(b)) & 0xFFFFFFFE", "INDIRECT"))
COMPARE_HIGH = lines(
    _OPERAND, _TARGET, "a = r[k] if k != 15 else uint32(pc + 4)", subtract("a", "b", None)
)
MOVE_HIGH = lines(_OPERAND, _TARGET, "r[k] = b")
MOVE_SP = lines(_OPERAND, "p = int64(b) & 0xFFFFFFFC", _TO_P_NEARBY)
MOVE_PC = lines(_OPERAND, branch("int64(b) & 0xFFFFFFFE", "INDIRECT"))


def interwork(before: str = "pass", spent: str = "pass") -> str:
    """A branch to `p`, or in a handler a return; `before` is what the instruction does beside.

    `spent` counts what it took so far, where it faults.
    """
    return lines(
        "if p >= 0xF0000000 and core[IPSR]:",
        "    if not may_leave(core, p):",
        "        status = -fault(core, NO_CODE, p, 2)",
        indent(spent, "        "),
        "        break",
        indent(before, "    "),
        "    BEYOND",
        "    cyc += cost; pc = p; status = LEAVE",
        "    COUNT",
        "    break",
        before,
        "if p & 1 == 0: core[THUMB] = 0; stop = int64(0)",
        branch("p & 0xFFFFFFFE", "INDIRECT"),
    )


BRANCH_EXCHANGE = lines(_OPERAND, "p = int64(b)", interwork())
BRANCH_LINK_EXCHANGE = lines(
    _OPERAND,
    "r[14] = uint32(pc + 2 | 1); y = int64(b)",
    "if y & 1 == 0: core[THUMB] = 0; stop = int64(0)",
    branch("y & 0xFFFFFFFE", "CALL"),
)

# --- loads and stores

BOTH = f"int64(uint32(r[{RN}] + r[{RM}]))"


def behind(size: int) -> str:
    """Rn + imm5 * size as an address."""
    return f"int64(uint32(r[{RN}] + uint32(({IMM5}) * {size})))"


LITERAL = f"(pc + 4 & ~3) + ({IMM8}) * 4"
ON_STACK = f"int64(uint32(r[13] + uint32(({IMM8}) * 4)))"

_DONE = "core[ANSWERED] = 0; stop = int64(0) if core[LOOK] else stop"
_FAST = {
    1: "uint64(q) < fast",
    2: "uint64(q) >> uint64(1) | uint64(q) << uint64(63) < fast >> uint64(1)",
    4: "uint64(q) >> uint64(2) | uint64(q) << uint64(62) < fast >> uint64(2)",
}
_PLACE = {1: "memory[q]", 2: "halfwords[q >> 1]", 4: "words[q >> 2]"}


_FREE_FLASH = (
    "uint64(y - FLASH_BASE) < FLASH_SIZE and fast != uint64(0) "
    "and other[RUNS] == 0 and costs_nothing(chip, lines, y)"
)


def load(
    address: str, size: int, target: str, *, signed: bool = False, from_code: bool = False
) -> str:
    """A byte, halfword or word into a register; a word that lies in code perhaps from flash."""
    found = f"y = int64({_PLACE[size]})"
    short = [
        f"elif {_FREE_FLASH}:",
        "    y = int64(words[y - FLASH_BASE + FLASH_AT >> 2])",
    ]
    extend = f"uint32(int32(int{8 * size}(y)))" if signed else "uint32(y)"
    return lines(
        f"y = {address}; q = y - SRAM_BASE",
        f"if {_FAST[size]}:",
        "    BOOK cyc, q",
        f"    {found}",
        *(short if from_code else []),
        "else:",
        f"    y = load(core, other, chip, sio, lines, memory, halfwords, words, cyc, y, "
        f"int64({size}))",
        "    if y < 0: status = -y; break",
        f"    cost += (y >> 32 & 255) - BIAS; {_DONE}",
        "    if y & ATTENTION: stop = int64(0)",
        f"r[{target}] = {extend}",
    )


def store(address: str, size: int, source: str) -> str:
    """A register's low byte or halfword, or all of it."""
    kept = {1: f"uint8(r[{source}])", 2: f"uint16(r[{source}])", 4: f"r[{source}]"}[size]
    return lines(
        f"y = {address}; q = y - SRAM_BASE",
        f"if {_FAST[size]}:",
        "    BOOK cyc, q",
        f"    {_PLACE[size]} = {kept}",
        "else:",
        f"    p = int64(r[{source}])",
        "    y = store(core, other, chip, sio, lines, memory, halfwords, words, cyc, y, "
        f"int64({size}), p)",
        "    if y < 0: status = -y; break",
        f"    cost += (y & 0xFFFF) - BIAS; {_DONE}",
        "    if y & ATTENTION: stop = int64(0)",
    )


def _several(base: str, registers: int, one: str, many: str) -> str:
    """The words of a register list, upwards from `base`; `one` for each in SRAM, `many` elsewhere.

    Both see `i`, the register, and `k`, how many came before it. Where an exception may come
    before all is done, the core looks around between two words: it is abandoned then, or goes on
    where it was. A word begins at `cyc + k`.
    """
    return lines(
        f"y = {base}; q = y - SRAM_BASE; k = int64(0); s = int64(0)",
        "z = int64(uint64(q) < fast and q & 3 == 0 and uint64(q + 36) <= fast)",
        "if z and cyc + LONGEST < core[QUIET_UNTIL]:",
        f"    for i in range({registers}):",
        "        if hw >> i & 1:",
        "            BOOK cyc + k, q + 4 * k",
        indent(one, 12 * " "),
        "            k += 1",
        "else:",
        "    done = core[PROGRESS]; cyc -= done",
        f"    for i in range({registers}):",
        "        if hw >> i & 1:",
        "            if k >= done:",
        "                if z:",
        "                    BOOK cyc + k, q + 4 * k",
        indent(one, 20 * " "),
        "                else:",
        indent(many, 20 * " "),
        "                    if s < 0: break",
        "                    core[ANSWERED] = 0",
        "                if pauses(core, other, chip, priorities, cyc + k + 1): s = -PAUSE",
        "            k += 1",
        "            if s < 0: break",
        "    core[PROGRESS] = 0",
        "    if s < 0:",
        "        status = -s; cyc += k",
        "        if status != FAULT: core[PROGRESS] = k",
        "        UNFINISHED",
        "        break",
        "    if core[LOOK]: stop = int64(0)",
    )


_STORE_ONE = "words[(q >> 2) + k] = r[{source}]"
# The table of cycles knows no single-cycle port for these: Arm DDI0484C, table 3-1.
_STORE_MANY = lines(
    "p = y + 4 * k & 0xFFFFFFFF",
    "s = store(core, other, chip, sio, lines, memory, halfwords, words, cyc + k, p, int64(4), "
    "{source})",
    "if s >= 0:",
    "    cyc += max((s & 0xFFFF) - BIAS, 0)",
    "    if s & ATTENTION: stop = int64(0)",
)
_LOAD_MANY = lines(
    "p = y + 4 * k & 0xFFFFFFFF",
    "s = load(core, other, chip, sio, lines, memory, halfwords, words, cyc + k, p, int64(4))",
    "if s >= 0:",
    "    cyc += max((s >> 32 & 255) - BIAS, 0); loaded[k] = uint32(s)",
    "    if s & ATTENTION: stop = int64(0)",
)
_LINKED = "r[i if i < 8 else 14]"

STORE_MULTIPLE = lines(
    _several(
        f"int64(r[{R8}])",
        8,
        _STORE_ONE.format(source="i"),
        _STORE_MANY.format(source="int64(r[i])"),
    ),
    f"r[{R8}] = uint32(y + 4 * k); cost += k",
)
PUSH = lines(
    "k = int64(0)",
    "for i in range(9): k += hw >> i & 1",
    "p = int64(r[13]) - 4 * k & 0xFFFFFFFF",
    "if p < core[SP_LOW]:",
    "    if note_sp(core, p, int64(r[13])): status = overflow(core, p); break",
    _several(
        "p", 9, f"words[(q >> 2) + k] = {_LINKED}", _STORE_MANY.format(source=f"int64({_LINKED})")
    ),
    "r[13] = uint32(y); cost += k",
    "STACK",
)
# Only when all words are there do registers change.
LOAD_MULTIPLE = lines(
    _several(f"int64(r[{R8}])", 8, "loaded[k] = words[(q >> 2) + k]", _LOAD_MANY),
    "k = int64(0)",
    "for i in range(8):",
    "    if hw >> i & 1: r[i] = loaded[k]; k += 1",
    f"if hw >> ({R8}) & 1 == 0: r[{R8}] = uint32(y + 4 * k)",
    "cost += k",
)
_POP = _several("int64(r[13])", 9, "loaded[k] = words[(q >> 2) + k]", _LOAD_MANY)
_POPPED = lines(
    "r[13] = uint32(y + 4 * k); cost += k",
    "k = int64(0)",
    "for i in range(8):",
    "    if hw >> i & 1: r[i] = loaded[k]; k += 1",
    "STACK",
)
POP = lines(_POP, _POPPED)
POP_PC = lines(_POP, "p = int64(loaded[k - 1])", interwork(_POPPED, "cyc += k\nUNFINISHED"))

# --- stack pointer, extension, reversal

ADD_SP = lines("r[13] = uint32(r[13] + uint32((hw & 127) * 4))", "STACK")
SUBTRACT_SP = lines(
    "p = int64(r[13]) - (hw & 127) * 4 & 0xFFFFFFFF",
    _TO_P,
)


def extended(expression: str) -> str:
    """Some low bits of Rm, extended to a word."""
    return lines(f"x = r[{RN}]", f"r[{RD}] = uint32({expression})")


def reverse(expression: str) -> str:
    """Bytes in another order."""
    return lines(f"x = r[{RN}]", f"r[{RD}] = uint32({expression})")


REVERSE = reverse(
    "x >> uint32(24) | x >> uint32(8) & uint32(0xFF00) | x << uint32(8) & uint32(0xFF0000) "
    "| x << uint32(24)"
)
REVERSE_16 = reverse("x >> uint32(8) & uint32(0xFF00FF) | x << uint32(8) & uint32(0xFF00FF00)")
REVERSE_SIGNED = reverse("int32(int16(x >> uint32(8) & uint32(0xFF) | x << uint32(8)))")

# --- branches, hints, exceptions


def conditional(condition: int) -> str:
    """B<cond>: one cycle more when taken."""
    target = branch("pc + 4 + 2 * int64(int8(hw & 255)) & 0xFFFFFFFF")
    return lines(f"if {CONDITIONS[condition]}:", "    cost += 1", indent(target, "    "))


BRANCH = lines(
    "y = hw & 0x7FF",
    "if y & 0x400: y -= 0x800",
    branch("pc + 4 + 2 * y & 0xFFFFFFFF"),
)
CHANGE_STATE = lines(
    "if core[IPSR] or core[CONTROL] & 1 == 0: core[PRIMASK] = hw >> 4 & 1; stop = int64(0)"
)
WAIT_FOR_INTERRUPT = "core[SLEEPS] = WFI; stop = int64(0)"
# Events are seen in the order of time, as registers are.
_IN_ORDER = "if is_ahead(core, other, cyc): status = TURN; break"
WAIT_FOR_EVENT = lines(
    _IN_ORDER,
    "if core[EVENT]: core[EVENT] = 0",
    "else: core[SLEEPS] = WFE; stop = int64(0)",
)
SEND_EVENT = lines(
    _IN_ORDER,
    "core[EVENT] = 1; other[EVENT] = 1",
    "if other[RUNS] and other[SLEEPS]:",
    "    other[CYCLES] = max(other[CYCLES], cyc + core[NUMBER])",
    "    core[WINDOW] = 0; stop = int64(0)",
)
NOTHING = "pass"
HALT = "status = BREAKPOINT; break"
SUPERVISE = "status = CALL_SUPERVISOR; break"
REFUSE = "status = -fault(core, UNDEFINED, -1, 0); break"
# In the boot ROM, what the host does in place of code: a function of the floating-point tables, and
# to let as many cycles go by as a low register says, up to the next look around.
UNDEFINED_FOR_EVER = lines(
    f"if pc >= ROM_SIZE: {REFUSE}",
    "s = hw & 255",
    "if s < FLOAT_FUNCTIONS:",
    "    cost = int64(1); y = compute_float(r, s)",
    "    if y != NO_ORDER: nz = y; c = int64(y >= 0); v = int64(0)",
    f"elif s >= FLOAT_FUNCTIONS + 8: {REFUSE}",
    "else:",
    "    k = s & 7; y = int64(r[k]); cost = min(y, stop - cyc)",
    "    r[k] = uint32(y - cost)",
    "    if y > cost: next_pc = pc",
)
UNPREDICTABLE = "status = -fault(core, NO_MEANING, -1, 0); break"

# --- 32 bits; `low` is the second halfword

BRANCH_LINK = lines(
    "s = hw >> 10 & 1; y = (hw & 0x3FF) << 12 | (low & 0x7FF) << 1",
    "y |= (1 ^ low >> 13 & 1 ^ s) << 23 | (1 ^ low >> 11 & 1 ^ s) << 22",
    "if s: y -= 1 << 24",
    "r[14] = uint32(pc + 4 | 1)",
    branch("pc + 4 + y & 0xFFFFFFFF", "CALL"),
)
READ_SPECIAL = lines(
    "core[NZ] = nz; core[CARRY] = c; core[OVERFLOW_FLAG] = v",
    "s = low >> 8 & 15; y = read_special(core, r, low & 255)",
    f"if y < 0 or s == 13 or s == 15: {UNPREDICTABLE}",
    "r[s] = uint32(y)",
)
WRITE_SPECIAL = lines(
    "core[NZ] = nz; core[CARRY] = c; core[OVERFLOW_FLAG] = v",
    f"s = hw & 15\nif s == 13 or s == 15: {UNPREDICTABLE}",
    f"if not write_special(core, r, low & 255, int64(r[s])): {UNPREDICTABLE}",
    "nz = core[NZ]; c = core[CARRY]; v = core[OVERFLOW_FLAG]",
    "fast = uint64(core[FAST]); stop = int64(0)",
    "STACK",
)
