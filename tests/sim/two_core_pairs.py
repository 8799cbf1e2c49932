"""Random programs for two cores: ours, and a machine that steps both of them cycle by cycle.

They are compared where each core halts: registers and cycles; and in the end memory, mailbox and
spinlocks. The programs are those of `two_core_programs`; as a script, `two_core_pairs.py SEED
COUNT` prints how many ended how, and stops at the first difference.
"""

import sys
from collections import Counter

import numpy as np
from manual import Ram, Step, TwoCores
from sim_programs import ElfSource
from two_core_programs import CODES, PARK, TABLES, Pair, pair

from priot.sim import Contention, Engine, Pico, Program
from priot.sim.cpu.native import from_python
from priot.sim.cpu.sio import Sio
from priot.sim.cpu.state import Core
from priot.sim.cpu.systick import write_systick
from priot.sim.events import Ended
from priot.sim.memory_map import SRAM

_write_systick = from_python(write_systick)

_BUDGET = 60_000  # cycles; programs that wait for each other for ever use it up
_GENERAL = [f"r{number}" for number in range(13)]


class DisagreementError(AssertionError):
    """The machines do not agree."""


class Machines:
    """A Pico, which runs one pair of programs after another, and its witness."""

    def __init__(self) -> None:
        image = ElfSource(bytes(0x2000), SRAM.base, entry=CODES[0]).build()
        self._pico = Pico(Program.parse(image), engine=Engine.OWN, contention=Contention.NONE)
        self.abandoned = 0

    def run(self, seed: str) -> str:
        """How it ended: "halt" or "budget". Raises DisagreementError."""
        programs = pair(seed)
        witness, expected = self._witness(programs)
        seen = self._ours(programs)
        self.abandoned += sum(core.abandoned for core in witness.cores)
        texts = []
        for number, (theirs, ours) in enumerate(zip(expected, seen, strict=True)):
            texts += [
                f"core {number}, {name}: ours {ours.get(name, 0):#x}, theirs {value:#x}"
                for name, value in theirs.items()
                if ours.get(name) != value
            ]
        if texts:
            raise DisagreementError("; ".join(texts))
        if not all(expected):
            return "budget"
        memory = np.frombuffer(witness.memory.regions[0][1], np.uint8)  # type: ignore[attr-defined]
        wrong = np.nonzero(memory != self._pico.sram)[0][:8].tolist()
        if wrong:
            raise DisagreementError(f"memory at {[hex(SRAM.base + at) for at in wrong]}")
        sio = self._pico._chip.state.sio
        if int(sio[Sio.LOCKS]) != sum(1 << lock for lock in witness.sio.locked):
            raise DisagreementError("spinlocks")
        if [len(fifo) for fifo in witness.sio.fifos] != sio[Sio.COUNTS : Sio.HEADS].tolist():
            raise DisagreementError("words in the mailbox")
        return "halt"

    def _witness(self, programs: Pair) -> tuple[TwoCores, list[dict[str, int]]]:
        machine = TwoCores(Ram([(SRAM.base, bytearray(programs.image))]))
        for core, registers, writes in zip(
            machine.cores, programs.registers, programs.writes, strict=True
        ):
            core.system.vector_table = TABLES[core.number]
            for address, value in writes:
                core.system.write(address, value)
            for name, value in registers.items():
                if name in _GENERAL:
                    core.r[int(name[1:])] = value
                else:
                    setattr(core, name, value)
        machine.run(_BUDGET)
        found = []
        for core in machine.cores:
            if core.last in (Step.FAULT, Step.LOCKED_UP):
                raise AssertionError(f"core {core.number} faults at {core.pc:#x}")
            values = dict(zip(_GENERAL, core.r, strict=True))
            values |= {"sp": core.sp, "lr": core.lr, "pc": core.pc, "xpsr": core.xpsr}
            values["cycles"] = core.cycles
            found.append(values if core.halted else {})
        return machine, found

    def _ours(self, programs: Pair) -> list[dict[str, int]]:
        """Each core halts once; it then loops, with interrupts masked, until the other has."""
        pico, chip = self._pico, self._pico._chip
        pico.reset()
        pico.write(SRAM.base, bytes(programs.image))
        chip._core1._start(TABLES[1], programs.registers[1]["sp"], CODES[1])
        chip.system_control.vtor = TABLES[0]
        for processor, private, registers, writes in zip(
            chip.processors, chip._private, programs.registers, programs.writes, strict=True
        ):
            processor.core[Core.SP_LIMIT] = 0
            for address, value in writes:
                if _write_systick(processor.core, chip.state.chip, 0, address, value) < 0:
                    private.bus.write(address, 4, value)
            processor.set_registers(**registers, xpsr=1 << 24)
        found: list[dict[str, int]] = [{}, {}]
        while not all(found):
            event = chip.run(_BUDGET)
            if event is None or event.reason is not Ended.BREAKPOINT:
                if event is not None and event.reason is Ended.BUDGET:
                    break
                raise DisagreementError(f"ours ends by {event}")
            core = chip.core
            names = (*_GENERAL, "sp", "lr", "pc", "xpsr")
            found[core.number] = {name: core.register(name) for name in names}
            found[core.number]["cycles"] = core.cycles
            core.set_registers(pc=PARK, primask=1)
        return found


def main(seed: int, count: int) -> int:
    """Run, count, report."""
    machines, ends = Machines(), Counter[str]()
    for number in range(count):
        name = f"{seed}/{number}"
        try:
            ends[machines.run(name)] += 1
        except DisagreementError as difference:
            print(f"DIFFERENCE, seed {name!r}: {difference}")
            break
    print(f"{ends.total()} pairs of programs: {dict(ends)}")
    print(f"{machines.abandoned} instructions were abandoned")
    return int(ends.total() < count)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
