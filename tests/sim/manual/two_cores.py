"""Two processors on one memory, with what of the RP2040's SIO lets them talk.

Each steps in a thread of its own, and only one of them at a time: the one that is behind, cycle by
cycle; at the same cycle core 0. RP2040 datasheet, 2.3.1 (SIO) and 2.3.2 (its interrupts).
"""

from collections import deque
from threading import Semaphore, Thread

from manual.core import ManualCore, Step
from manual.exceptions import FIRST_IRQ
from manual.memory import BusFault, Memory

_SIO = 0xD000_0000
_CPUID, _FIFO_ST, _FIFO_WR, _FIFO_RD, _SPINLOCK_ST = 0x000, 0x050, 0x054, 0x058, 0x05C
_SPINLOCKS = range(0x100, 0x180, 4)
_DEPTH = 8
_MAILBOX_IRQS = 15, 16


class Sio:
    """Mailbox and spinlocks. A FIFO is that into which the core of its number writes."""

    def __init__(self, cores: "tuple[Core, Core]") -> None:
        self.cores = cores
        self.fifos: tuple[deque[int], deque[int]] = deque(), deque()
        self.locked: set[int] = set()
        self.overflowed, self.underflowed = [False, False], [False, False]

    def read(self, number: int, offset: int) -> int:
        """A register as core `number` sees it."""
        incoming, outgoing = self.fifos[1 - number], self.fifos[number]
        if offset == _CPUID:
            return number
        if offset == _FIFO_ST:
            state = (bool(incoming), len(outgoing) < _DEPTH, self.overflowed[number])
            return sum(bit << at for at, bit in enumerate((*state, self.underflowed[number])))
        if offset == _FIFO_RD:
            word = incoming.popleft() if incoming else None
            self.underflowed[number] |= word is None
            self._interrupt()
            return word or 0
        if offset == _SPINLOCK_ST:
            return sum(1 << lock for lock in self.locked)
        if offset in _SPINLOCKS:
            lock = _SPINLOCKS.index(offset)
            if lock in self.locked:
                return 0
            self.locked.add(lock)
            return 1 << lock
        raise BusFault(f"SIO has nothing that is modelled at {offset:#x}")

    def write(self, number: int, offset: int, value: int) -> None:
        if offset == _FIFO_WR and len(self.fifos[number]) < _DEPTH:
            self.fifos[number].append(value)
        elif offset == _FIFO_WR:
            self.overflowed[number] = True
        elif offset == _FIFO_ST:
            self.overflowed[number] = self.underflowed[number] = False
        elif offset in _SPINLOCKS:
            self.locked.discard(_SPINLOCKS.index(offset))
        else:
            raise BusFault(f"SIO has nothing that is modelled at {offset:#x}")
        self._interrupt()

    def _interrupt(self) -> None:
        for number, core in enumerate(self.cores):
            errors = self.overflowed[number] or self.underflowed[number]
            line = FIRST_IRQ + _MAILBOX_IRQS[number]
            core.exceptions.set_line(line, bool(self.fifos[1 - number]) or errors)


class _Bus:
    """Memory as one core sees it."""

    def __init__(self, machine: "TwoCores", number: int, memory: Memory) -> None:
        self._machine, self._number, self._memory = machine, number, memory

    def read(self, address: int, size: int) -> int:
        if address >> 16 == _SIO >> 16 and size == 4:
            return self._machine.sio.read(self._number, address & 0xFFFF)
        return self._memory.read(address, size)

    def write(self, address: int, size: int, value: int) -> None:
        if address >> 16 == _SIO >> 16 and size == 4:
            self._machine.sio.write(self._number, address & 0xFFFF, value)
        else:
            self._memory.write(address, size, value)


class Core(ManualCore):
    """One of the two."""

    def __init__(self, machine: "TwoCores", number: int, memory: Memory) -> None:
        super().__init__(_Bus(machine, number, memory))
        self.machine, self.number = machine, number
        self.halting_debug = True
        self.may_go = Semaphore(0)
        self.stopped = False
        self.abandoned = 0  # instructions
        self.last = Step.INSTRUCTION

    def pass_time(self, cycles: int) -> None:
        super().pass_time(cycles)
        self.machine.wait_for_turn(self)

    def send_event(self) -> None:
        super().send_event()
        self.machine.cores[1 - self.number].event_register = True

    def run(self, limit: int) -> None:
        """Up to a BKPT, a fault, or a cycle."""
        while self.cycles < limit:
            self.last = self.step()
            self.abandoned += self.last is Step.ABANDONED
            if self.last is Step.ASLEEP:
                self.pass_time(1)
            elif self.last in (Step.HALTED, Step.FAULT, Step.LOCKED_UP):
                return


class TwoCores:
    """Both, and what they share."""

    def __init__(self, memory: Memory) -> None:
        self.cores = Core(self, 0, memory), Core(self, 1, memory)
        self.memory, self.sio = memory, Sio(self.cores)
        self._failure: BaseException | None = None

    def run(self, limit: int) -> None:
        """Run both; whatever goes wrong in one of them is raised here."""
        threads = [Thread(target=self._run, args=(core, limit)) for core in self.cores]
        for thread in threads:
            thread.start()
        self.cores[0].may_go.release()
        for thread in threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def wait_for_turn(self, core: Core) -> None:
        """Let the other core come as far."""
        other = self.cores[1 - core.number]
        if not other.stopped and (other.cycles, other.number) < (core.cycles, core.number):
            other.may_go.release()
            core.may_go.acquire()

    def _run(self, core: Core, limit: int) -> None:
        core.may_go.acquire()
        try:
            core.run(limit)
        except BaseException as failure:
            self._failure = failure
        core.stopped = True
        self.cores[1 - core.number].may_go.release()
