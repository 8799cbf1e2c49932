"""Random programs on two processors at once: the core of our own, and the one from the manual.

Both run with the same budgets and are compared wherever a budget ends: registers, what is pending
and active, all of SRAM, and cycles. Some run on Unicorn too. The programs are those of
`pair_programs`.

As a script: `engine_pairs.py SEED COUNT` prints how many programs of each kind ended how, and
stops at the first difference.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from manual import Fault as ManualFault
from manual import ManualCore, Step
from manual.exceptions import HARD_FAULT
from manual.mpu import is_ppb
from pair_programs import CODE, CODE_SIZE, KINDS, PRESENT, TABLE, Case, Signal
from sim_programs import ElfSource

from priot.sim import Engine, Fault, FaultReason, Pico, Program, StopReason
from priot.sim.cpu.lines import set_line
from priot.sim.cpu.native import from_python
from priot.sim.cpu.state import NEVER, Core, Sleep
from priot.sim.cpu.systick import write_systick
from priot.sim.memory_map import ROM, SRAM
from priot.sim.rp2040 import Rp2040

_set_line = from_python(set_line)
_write_systick = from_python(write_systick)

_MOST_RESUMES = 40  # after faults without a handler, and after breakpoints
_LONGEST_STEP = 200  # cycles of an instruction with the entries and returns around it
_ALIAS, _NOT_FOR_UNICORN = "beyond flash or SRAM", {*range(0x10, 0x20), 0x21}
_BKPT, _B_SELF = 0xBE, 0xE7FE
_MPU_RNR, _MPU_RBAR = 0xE000_ED98, 0xE000_ED9C
_GENERAL = [f"r{number}" for number in range(13)]
_OTHERS = ["lr", "pc", "xpsr", "primask", "control", "msp", "psp"]
# Memories and registers of the RP2040 that the manual's processor has not, by the top byte.
_ELSEWHERE = {*range(0x10, 0x20), 0x21, *range(0x40, 0x60), *range(0xD0, 0xE0)}


class DisagreementError(AssertionError):
    """The processors do not agree."""


class End(Enum):
    """Where a run of a processor stopped."""

    BUDGET = "budget"
    HALT = "halt"
    SLEEP = "sleep"
    FAULT = "fault"  # an instruction did, and there is no handler: all as before it
    LOCKUP = "lockup"  # or what comes of a fault at entry to or return from an exception
    BEYOND = "beyond"  # ahead of what is not modelled, or what the manual leaves open
    LEFT = "left"  # amid such a thing


class Memories:
    """SRAM and the boot ROM."""

    def __init__(self, sram: bytearray, rom: bytes) -> None:
        self.sram, self._rom = sram, rom
        self.went_beyond = False

    def read(self, address: int, size: int) -> int:
        offset = address - SRAM.base
        if 0 <= offset < SRAM.size:
            return int.from_bytes(self.sram[offset : offset + size], "little")
        if address < ROM.size:
            return int.from_bytes(self._rom[address : address + size], "little")
        raise self.nothing(address)

    def write(self, address: int, size: int, value: int) -> None:
        offset = address - SRAM.base
        if address < ROM.size:
            return  # the bus takes it, and nothing changes
        if not 0 <= offset < SRAM.size:
            raise self.nothing(address)
        self.sram[offset : offset + size] = value.to_bytes(size, "little")

    def nothing(self, address: int) -> ManualFault:
        """A fault; or something beyond, which is noted."""
        self.went_beyond |= address >> 24 in _ELSEWHERE
        return ManualFault(f"no memory at {address:#010x}")


class Witness(ManualCore):
    """The processor from the manual, run as a Pico is: up to a cycle, or a fault."""

    memory: Memories

    def __init__(self, memory: Memories) -> None:
        super().__init__(memory)
        self.halting_debug = True
        self._fault_is_known = False
        self.abandoned = 0  # instructions
        self.signals: list[Signal] = []

    def pass_time(self, cycles: int) -> None:
        for _ in range(cycles):
            super().pass_time(1)
            self.take_signals()

    def take_signals(self) -> None:
        """Those of this cycle."""
        while self.signals and self.signals[0][0] <= self.cycles:
            _, number, how = self.signals.pop(0)
            if how == "pend":
                self.exceptions.pend(number)
            else:
                self.exceptions.set_line(number, how == "high")

    def load(self, address: int, size: int, privileged: bool | None = None) -> int:
        self._must_be_known(address & 0xFFFF_FFFF, 0)
        return super().load(address, size, privileged)

    def store(self, address: int, size: int, value: int) -> None:
        self._must_be_known(address & 0xFFFF_FFFF, value)
        super().store(address, size, value)

    def _must_be_known(self, address: int, value: int) -> None:
        """Regions of the MPU beyond the eighth are UNPREDICTABLE, as is much of the PPB."""
        region = (address == _MPU_RNR and value > 7) or (
            address == _MPU_RBAR and value & 0x18 == 0x18
        )
        if region or (is_ppb(address) and address >> 12 != 0xE000E):
            self.memory.went_beyond = True
            raise self.memory.nothing(address)

    def run(self, limit: int) -> End:
        """Execute up to the first instruction at or beyond a cycle, exceptions taken before it."""
        while True:
            if (end := self._one(limit)) is not None:
                return end
            if self.memory.went_beyond:
                return End.LEFT

    def _one(self, limit: int) -> End | None:
        stacks = {at - below >> 20 for at in (self.msp, self.psp) for below in (0, 32)}
        if self.system.reset_requested or 0xE00 in stacks:
            return End.LEFT
        if self.asleep and not self._sleep(limit):
            return End.BUDGET if self._ticks or self.signals else End.SLEEP
        if self.exceptions.preempting(self.primask) is not None:
            self.step()
            return self._entered()
        if self.cycles >= limit:
            return End.BUDGET
        if self.pc < ROM.size or self.pc >> 24 in _ELSEWHERE:
            return End.BEYOND
        before, began = (self.pc, self.event_register), self.cycles
        step = self.step()
        self.abandoned += step is Step.ABANDONED
        if step is Step.FAULT and self.memory.went_beyond:
            self.memory.went_beyond = self.locked_up = False
            self._as_before(*before)
            return End.BEYOND if self.cycles == began else End.LEFT
        match step:
            case Step.HALTED:
                return End.HALT
            case Step.FAULT if self.locked_up:
                return End.LOCKUP
            case Step.FAULT if not self._handles_faults:
                if self.memory.went_beyond:
                    return End.LEFT
                self._as_before(*before)
                return End.FAULT
            case Step.FAULT:
                self._fault_is_known = True
                return None
        return self._entered()

    def _as_before(self, pc: int, event: bool) -> None:
        """The fault of the instruction at `pc` is not answered by an exception."""
        self.exceptions.pending.discard(HARD_FAULT)
        self.pc, self.event_register = pc, event

    def _entered(self) -> End | None:
        """The end, if an entry or a return went wrong and nobody can mend it."""
        if HARD_FAULT not in self.exceptions.active:
            self._fault_is_known &= HARD_FAULT in self.exceptions.pending
            return End.LOCKUP if self.locked_up else None
        known, self._fault_is_known = self._fault_is_known, True
        lost = self.locked_up or not (known or self._handles_faults)
        return End.LOCKUP if lost else None

    @property
    def _handles_faults(self) -> bool:
        """Whether there is a HardFault handler, and not one that only halts or hangs."""
        try:
            vector = self.load_vector(HARD_FAULT)
            first = self.memory.read(vector & ~1, 2)
        except ManualFault:
            return False
        return bool(vector & 1) and first >> 8 != _BKPT and first != _B_SELF

    @property
    def _ticks(self) -> bool:
        """Whether SysTick will yet pend its exception."""
        timer = self.systick
        runs = timer.enable and timer.processor_clock and timer.interrupt
        return runs and bool(timer.value or timer.reload) and 15 not in self.exceptions.pending

    def _sleep(self, limit: int) -> bool:
        """Let time pass; whether the sleep is over."""
        while not self._wakes():
            if self.cycles >= limit or not (self._ticks or self.signals):
                return False
            self.pass_time(1)
        self.asleep = ""
        return True

    def pass_breakpoint(self) -> None:
        """Go behind the BKPT that halted."""
        self.halted = False
        self.pc += 2

    def state(self) -> dict[str, int]:
        """All that is to agree, memory excepted."""
        named = {"lr": self.lr, "pc": self.pc, "xpsr": self.xpsr, "primask": int(self.primask)}
        named |= {"control": self.control, "msp": self.msp, "psp": self.psp}
        named |= dict(zip(_GENERAL, self.r, strict=True))
        sets = {"pending": self.exceptions.pending, "active": self.exceptions.active}
        named |= {name: sum(1 << number for number in numbers) for name, numbers in sets.items()}
        return named | {
            "event": int(self.event_register),
            "asleep": int(bool(self.asleep)),
            "cycles": self.cycles,
        }


class Signals:
    """A peripheral that makes exceptions pending at the cycles that it is told."""

    def __init__(self, chip: Rp2040) -> None:
        self._chip = chip
        self._waiting: list[Signal] = []
        self._wakeup = chip._scheduler.wakeup(self)

    def expect(self, signals: list[Signal]) -> None:
        """Instead of all that was to come."""
        self._waiting = list(signals)
        self._wakeup.refresh()

    def advance(self) -> None:
        """See Timed."""
        now = self._chip._scheduler.cycles
        while self._waiting and self._waiting[0][0] <= now:
            _, number, how = self._waiting.pop(0)
            if how == "pend":
                self._chip.nvic.pend(number)
            else:
                _set_line(self._chip.processors[0].core, number - 16, how == "high", now)

    def due(self) -> int:
        """See Timed."""
        return self._waiting[0][0] if self._waiting else NEVER


class Engines:
    """A Pico of each engine, which runs one program after another.

    Attributes:
        abandoned: instructions that an exception made an end of, in all programs.
    """

    def __init__(self) -> None:
        self.abandoned = 0
        image = ElfSource(bytes(CODE - TABLE + CODE_SIZE), TABLE, entry=CODE).build()
        self._program = Program.parse(image)
        self.own = Pico(self._program, engine=Engine.OWN)
        self._signals = Signals(self.own._chip)
        self._rom = self.own._chip.state.memory[SRAM.size : SRAM.size + ROM.size].tobytes()
        self._unicorn: Pico | None = None

    def run(self, case: Case) -> End:
        """Run a program on all; how it ended. Raises DisagreementError."""
        witness = self._witness(case)
        try:
            return self._run(case, witness)
        finally:
            self.abandoned += witness.abandoned

    def _run(self, case: Case, witness: Witness) -> End:
        own = self.own
        self._load(own, case)
        self._signals.expect(case.pends)
        witness.signals = list(case.pends)
        witness.take_signals()
        chip = own._chip
        for address, value in case.writes:
            if _write_systick(chip.core.core, chip.state.chip, 0, address, value) < 0:
                chip._private[0].bus.write(address, 4, value)
        own.set_registers(**case.registers)
        chip.processors[0].set_registers(**case.special)
        rng = random.Random(case.seed)
        resumes = 0
        end = End.BUDGET
        while witness.cycles < case.budget:
            limit = witness.cycles + rng.choice((1, 2, 5, 20, 100, case.budget))
            end = self._advance(witness, min(limit, case.budget))
            if end is End.LEFT:
                return end
            if end is End.SLEEP:  # nothing wakes it but whoever runs it again
                witness.asleep = ""
            self._compare(case, witness, end)
            if end is End.LOCKUP or witness.cycles >= case.budget:
                return end
            if end is not End.BUDGET:
                if resumes == _MOST_RESUMES:
                    return end
                resumes += 1
            if end in (End.HALT, End.FAULT, End.BEYOND):
                self._resume(witness, end, rng)
        return end

    def _advance(self, witness: Witness, limit: int) -> End:
        """Run both; raises DisagreementError if they end in different ways."""
        end = witness.run(limit)
        own = self.own
        if end is End.BEYOND:
            limit = witness.cycles
        if end is End.LEFT:
            return end
        try:
            reason = own.run(limit - own.cycles).reason
        except Fault as fault:
            if fault.reason is FaultReason.SUPERVISOR_CALL and fault.registers.pc != witness.pc:
                return End.LEFT  # its vector leads nowhere, which is told ahead of the entry
            if end not in (End.FAULT, End.LOCKUP):
                raise DisagreementError(f"only ours faults: {fault.report()}") from fault
            if fault.reason is FaultReason.NO_HANDLER:  # it tells what was interrupted
                own.set_registers(pc=witness.pc)
            return end
        expected = {
            End.BUDGET: StopReason.BUDGET,
            End.BEYOND: StopReason.BUDGET,
            End.HALT: StopReason.HALT,
            End.SLEEP: StopReason.SLEEP,
        }.get(end)
        if reason is not expected:
            if end is End.LOCKUP and witness.memory.went_beyond:  # a stack that the chip has there
                return End.LEFT
            raise DisagreementError(f"ours ends by {reason.value}, the manual's by {end.value}")
        return end

    def _witness(self, case: Case) -> Witness:
        witness = Witness(Memories(bytearray(case.image), self._rom))
        witness.system.vector_table = TABLE
        for address, value in case.writes:
            witness.system.write(address, value)
        for name, value in case.registers.items():
            if name[1:].isdigit():
                witness.r[int(name[1:])] = value
            elif name == "xpsr":
                witness.apsr = value
            else:
                setattr(witness, name, value)
        for name, value in case.special.items():
            setattr(witness, name, value)
        return witness

    def _load(self, target: Pico, case: Case) -> None:
        target.reset()
        target.write(SRAM.base, bytes(case.image))
        if target is self.own:
            self.own._chip.system_control.vtor = TABLE
            self.own._chip.processors[0].core[Core.SP_LIMIT] = 0
            self._signals.expect([])
        else:
            target._chip._books["sp_limit"] = 0

    def _resume(self, witness: Witness, end: End, rng: random.Random) -> None:
        """Go behind a BKPT; after a fault, on somewhere else with some registers as new."""
        if end is End.HALT:
            witness.pass_breakpoint()
            self.own.set_registers(pc=witness.pc)
            return
        values = {
            "pc": CODE + 2 * rng.randrange(CODE_SIZE // 2),
            f"r{rng.randrange(8)}": rng.choice(PRESENT),
            f"r{rng.randrange(4, 8)}": rng.choice(PRESENT),
            "sp": rng.choice(PRESENT) & ~3,
        }
        thumb = 1 << 24
        self.own.set_registers(**values, xpsr=self.own.registers.xpsr | thumb)
        witness.thumb = True
        for name, value in values.items():
            if name in _GENERAL:
                witness.r[int(name[1:])] = value
            else:
                setattr(witness, name, value)

    def _compare(self, case: Case, witness: Witness, end: End) -> None:
        expected, seen = witness.state(), self._state_of_ours()
        if end is End.LOCKUP:  # which has no cycles and no registers of its own
            return
        wrong = [name for name, value in expected.items() if seen[name] != value]
        texts = [
            f"{name}: ours {seen[name]:#x}, the manual's {expected[name]:#x}" for name in wrong
        ]
        ours, others = self.own.sram, np.frombuffer(witness.memory.sram, np.uint8)
        texts += [
            f"{SRAM.base + at:#x}: ours {ours[at]:#x}, the manual's {others[at]:#x}"
            for at in np.nonzero(ours != others)[0][:8].tolist()
        ]
        if self.own.cycles >= case.budget + _LONGEST_STEP:
            texts.append(f"{self.own.cycles} cycles with a budget of {case.budget}")
        if texts:
            raise DisagreementError("; ".join(texts))

    def _state_of_ours(self) -> dict[str, int]:
        processor = self.own._chip.processors[0]
        core = processor.core
        return {name: processor.register(name) for name in (*_GENERAL, *_OTHERS)} | {
            "pending": int(core[Core.PENDING]),
            "active": int(core[Core.ACTIVE]),
            "event": int(core[Core.EVENT]),
            "asleep": int(core[Core.SLEEPS] != Sleep.NOT),
            "cycles": self.own.cycles,
        }

    def run_unicorn(self, case: Case) -> End:
        """Run a program that comes to an end on both engines. Raises DisagreementError."""
        if self._unicorn is None:
            self._unicorn = Pico(self._program, engine=Engine.UNICORN)
        found = [_outcome(target, case, self._load) for target in (self.own, self._unicorn)]
        (ours, memory), (theirs, other) = found
        if _differ_in_reason(ours[0], theirs[0]):
            return End.FAULT
        if ours != theirs:
            wrong = [f"{a}, Unicorn's {b}" for a, b in zip(ours, theirs, strict=True) if a != b]
            raise DisagreementError("; ".join(wrong))
        if memory != other:
            raise DisagreementError("memory")
        return End.FAULT if "fault" in ours[0] else End.HALT


def _differ_in_reason(ours: str, theirs: str) -> bool:
    """Whether these ends are known to differ, and registers with them.

    Unicorn's engine has no exceptions, no flash and no peripherals, and goes to sleep at a WFE
    whatever happened before; MSR of an unknown register is no fault there; it does not tell a
    branch to ARM state where there is no memory; SRAM has no second address there; and with the
    budget used up it stops behind a block.
    """
    found = {ours.partition(" ")[2], theirs.partition(" ")[2]}
    arm = {FaultReason.ARM_STATE.name, FaultReason.FETCH.name}
    alone = {FaultReason.NO_HANDLER.name, FaultReason.WRITE_FLASH.name}
    alone |= {FaultReason.UNPREDICTABLE.name, _ALIAS, FaultReason.NOT_HERE.name}
    alone |= {FaultReason.SUPERVISOR_CALL.name, StopReason.SLEEP.value}
    return found == arm or bool(found & alone) or found == {StopReason.BUDGET.value}


def _outcome(
    target: Pico, case: Case, load: Callable[[Pico, Case], None]
) -> tuple[list[str], bytes]:
    """How a run ends, registers and cycles; memory."""
    load(target, case)
    target.set_registers(**case.registers)
    amid_words = False
    try:
        ended = f"ended {target.run(case.budget).reason.value}"
    except Fault as fault:
        elsewhere = fault.address is not None and fault.address >> 24 in _NOT_FOR_UNICORN
        ended = f"fault {_ALIAS if elsewhere else fault.reason.name}"
        amid_words = fault.address is not None and _has_words(target, fault.registers.pc)
    registers = [f"{name} {value:#x}" for name, value in vars(target.registers).items()]
    cycles = [] if amid_words else [f"cycles {target.cycles}"]
    return [ended, *registers, *cycles], target.sram.tobytes()


def _has_words(target: Pico, pc: int) -> bool:
    """Whether it is an LDM, STM, PUSH or POP, of which Unicorn's engine charges all or nothing."""
    at = pc - SRAM.base
    return at + 2 <= SRAM.size and target.sram[at + 1] >> 4 in (0xB, 0xC)


@dataclass
class Found:
    """The first difference."""

    kind: str
    seed: str
    text: str


def run_many(engines: Engines, seed: int, count: int) -> Iterator[tuple[str, End | Found]]:
    """The kinds in turn; a Found ends it."""
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        name = f"{seed}/{number}"
        try:
            yield kind, run_one(engines, kind, name)
        except DisagreementError as difference:
            yield kind, Found(kind, name, str(difference))
            return


def run_one(engines: Engines, kind: str, seed: str) -> End:
    """Run the program that a kind and a seed name. Raises DisagreementError."""
    case = KINDS[kind](seed)
    return engines.run_unicorn(case) if kind.startswith("unicorn") else engines.run(case)


def main(seed: int, count: int) -> int:
    """Run, count, report."""
    ends: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    found, engines = None, Engines()
    for kind, end in run_many(engines, seed, count):
        if isinstance(end, Found):
            found = end
        else:
            ends[kind][end.value] += 1
    for kind, counts in ends.items():
        print(f"{kind}: {counts.total()} {dict(counts.most_common())}")
    print(f"{engines.abandoned} instructions were abandoned")
    if found:
        print(f"DIFFERENCE in {found.kind}, seed {found.seed!r}: {found.text}")
    return int(found is not None)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
