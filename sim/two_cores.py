"""Both cores of an RP2040, which take turns in one engine, and the bus that they share.

Core 0 leads by at most QUANTUM cycles; then core 1 has its turn until it is as far. Before an
access to a peripheral, SIO's mailbox and spinlocks above all, and before a WFE, the other core
comes as far first: so all of these happen in the order of time, as on the chip. What both cores do
in SRAM between two of them is seen in the order of turns. docs/cores.md says what that means.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from sim import bus_trace
from sim.bus import Bus, Unmodelled
from sim.core import RETURN_ADDRESS, Ended, Event
from sim.faults import FaultReason
from sim.launch import Launch
from sim.peripherals import NEVER
from sim.rp2040 import Rp2040

QUANTUM = 1 << 17
_SCRATCH = 0x2004_0000  # the two banks of 4 KB in which the SDK has both stacks
_SCRATCH_SIZE = 0x1000
_THUMB_BIT = 1 << 24
_REGISTERS = (
    *("control", "primask", "msp", "psp", "xpsr"),
    *(f"r{number}" for number in range(13)),
    *("sp", "lr", "pc"),
)
_BOOKS = ("cycles", "event_register", "sp_lowest", "sp_limit")


class Contention(StrEnum):
    """What the cores cost each other on the bus."""

    NONE = "none"
    """Nothing: a lower bound of a program's time, and several times faster to simulate."""
    BANKS = "banks"
    """One waits where both access one port of the crossbar in one cycle."""
    ONE_BANK = "one-bank"
    """One waits wherever both access anything in one cycle: an upper bound."""


@dataclass
class _Rested:
    """A core that does not execute now: its registers and its part of the books."""

    registers: dict[str, int] = field(default_factory=dict)
    books: dict[str, int] = field(default_factory=dict)


class TwoCores(Rp2040):
    """An RP2040 with both cores; core 1 sleeps in its ROM until core 0 launches it.

    Core 1 has no interrupts: its NVIC and SysTick are not modelled.

    Args:
        clock_hz, strict, uart: as for Rp2040.
        contention: what the cores cost each other.
    """

    def __init__(
        self,
        clock_hz: int,
        strict: bool = False,
        uart: Callable[[int], None] | None = None,
        *,
        contention: Contention = Contention.BANKS,
    ) -> None:
        self._contended = contention is not Contention.NONE
        super().__init__(clock_hz, strict, uart, shared_bus=self._contended)
        sio = self._peripherals.sio
        shared = [block for block in self._peripherals.blocks if block is not sio]
        self._bus_of_core0, self._bus_of_core1 = self.bus, Bus([*shared, sio.core1])
        self._launch = Launch(sio.core1.mailbox, self._start, self._wake_core0)
        self.machine["has_other_core"] = 1
        self.machine["bus_one_bank"] = contention is Contention.ONE_BANK

    def reset(self) -> None:
        """Power-on of everything but the memories."""
        self.machine["bus_core"] = 0
        self.bus = self._bus_of_core0
        for name in ("access_count", "bus_stalls", "bus_lost", "bus_winner", "bus_recorded"):
            self.machine[name] = 0
        self._rested = _Rested(dict.fromkeys(_REGISTERS, 0), dict.fromkeys(_BOOKS, 0))
        self._signals: tuple[list[int], list[int]] = [], []  # cycles of the other core's SEVs
        self._runs_core1 = self._waits_core1 = False
        self._stack_of_core1 = 0
        super().reset()
        self._bus_of_core1.reset()
        self._launch.reset()

    @property
    def unmodelled(self) -> list[Unmodelled]:
        """Registers that either core touched and that are not modelled."""
        return [*self._bus_of_core0.unmodelled, *self._bus_of_core1.unmodelled]

    @property
    def stalls(self) -> tuple[int, int]:
        """Cycles that each core has waited for the other on the bus."""
        first, second = self.machine["bus_stalls"].tolist()
        return first, second

    @property
    def stack_of_core1(self) -> int:
        """Bytes of core 1's stack at its deepest."""
        return self._stack_of_core1 - self._of_core1("sp_lowest") if self._runs_core1 else 0

    def may_access(self) -> bool:
        """See sim.core.Peripherals."""
        now = self.machine["now"]
        if self.machine["bus_core"] == 1:
            return self._sleeping is not None or bool(self._rested.books["cycles"] >= now)
        return not self._is_awake_core1 or bool(self._rested.books["cycles"] >= now)

    def is_settled(self, address: int, wrote: bool) -> bool:
        """See sim.core.Peripherals."""
        return self.machine["bus_core"] == 1 or super().is_settled(address, wrote)

    def _stretch(self, limit: int) -> Event | None:
        if self._is_awake_core1:
            limit = min(limit, self._of_core1("cycles") + QUANTUM)
        self.machine["bus_recorded"] = self._contended and self._is_awake_core1
        event = super()._stretch(limit)
        self._note_signal(to=1)
        return self._let_core1_follow() or event

    def _sleep(self, limit: int) -> Event | None:
        while self._sleeping is Ended.WAIT and self._runs_core1:
            if self.core.event_register or self._take_signal(0):
                self.core.event_register = True
                break
            event = self._let_core1_follow()
            if event is not None:
                return event
            if self._signals[0]:
                continue
            until = min(self._due(), limit)
            if not self._is_awake_core1 or self._wakes() or self.cycles >= until:
                break
            event = self._turn(min(until, self._of_core1("cycles") + QUANTUM))
            if event is not None:
                return event
            if not self._signals[0] and self._of_core1("cycles") >= until:
                break
        return super()._sleep(limit)

    @property
    def _is_awake_core1(self) -> bool:
        wakes = self._signals[1] or self._of_core1("event_register")
        return self._runs_core1 and bool(not self._waits_core1 or wakes)

    def _of_core1(self, name: str) -> int:
        """An entry of core 1's books, whichever core executes."""
        books = self.machine if self.machine["bus_core"] == 1 else self._rested.books
        return int(books[name])

    def _let_core1_follow(self) -> Event | None:
        """Core 1's turn until it is as far as core 0, which the bus may hold up meanwhile."""
        while self._is_awake_core1 and self._of_core1("cycles") < self.cycles:
            if self._sleeping and self._signals[0]:
                break
            event = self._turn(self.cycles)
            if event is not None:
                return event
        self._arbitrate()
        return None

    def _turn(self, until: int) -> Event | None:
        """Execute core 1 up to a cycle, a WFE or a SEV that core 0 waits for.

        Returns what ends the run; the engine holds core 1's registers then.
        """
        core0_waits = self._sleeping is not None
        self._swap()
        machine = self.machine
        machine["bus_recorded"] = self._contended and not core0_waits
        while self.cycles < until and not (core0_waits and self._signals[0]):
            if self._waits_core1:
                if not self._wakes_core1():
                    break
                self._waits_core1 = False
            machine["masked"] = machine["polled_until"] = 0
            machine["event_at"] = NEVER
            machine["cycle_limit"] = machine["next_stop"] = until
            event = self._go(RETURN_ADDRESS)
            self._note_signal(to=0)
            match event and event.reason:
                case Ended.WAIT | Ended.SLEEP:
                    self._waits_core1 = True
                case Ended.TURN:
                    break
                case Ended.BUDGET | Ended.FULL | Ended.ACCESS | Ended.EVENT:
                    pass
                case FaultReason() | Ended.REFUSED | Ended.STACK:
                    return event
                case _:
                    return Event(FaultReason.CORE_1_HALTED)
        self._swap()
        self._arbitrate()
        return None

    def _wakes_core1(self) -> bool:
        if self.core.event_register:
            self.core.event_register = False
            return True
        return self._take_signal(1)

    def _note_signal(self, to: int) -> None:
        if self.machine["sent_event"]:
            self.machine["sent_event"] = 0
            self._signals[to].append(self.cycles)

    def _take_signal(self, core: int) -> bool:
        """Whether the executing core has a SEV to wake to, at which it arrives then."""
        signals = self._signals[core]
        if not signals:
            return False
        self.core.wait(max(0, min(signals) - self.cycles))
        signals[:] = [cycle for cycle in signals if cycle > self.cycles]
        return True

    def _swap(self) -> None:
        """Let the other core have the engine."""
        machine, rested = self.machine, self._rested
        registers = {name: self.core.register(name) for name in _REGISTERS}
        books = {name: int(machine[name]) for name in _BOOKS}
        self._rested = _Rested(registers, books)
        self.core.set_registers(xpsr=_THUMB_BIT)  # in a handler CONTROL would not change
        self.core.set_registers(**rested.registers | {"pc": rested.registers["pc"] | 1})
        for name, value in rested.books.items():
            machine[name] = value
        core = 1 - machine["bus_core"]
        machine["bus_core"] = core
        self.bus = self._bus_of_core1 if core else self._bus_of_core0
        self.tally.cycles_elsewhere = books["cycles"]

    def _arbitrate(self) -> None:
        """Let the cores pay for what they did at the same time; core 0 has the engine."""
        if not self._contended or not self.machine["access_count"].any():
            return
        machine, books = self.machine, self._rested.books
        before = machine["bus_stalls"].copy()
        present = np.array([self.cycles, books["cycles"]]) - before
        rests = np.array([self._sleeping is not None, not self._is_awake_core1])
        bus_trace.arbitrate(machine, present, rests)
        stalls = (machine["bus_stalls"] - before).tolist()
        self.core.wait(stalls[0])
        books["cycles"] += stalls[1]
        self.tally.cycles_elsewhere = books["cycles"]

    def _start(self, sp: int, entry: int) -> None:
        """Launch core 1, which core 0 asks for at this moment."""
        registers = dict.fromkeys(_REGISTERS, 0)
        registers |= {"msp": sp, "sp": sp, "pc": entry & ~1, "lr": 0xFFFF_FFFF, "xpsr": _THUMB_BIT}
        limit = sp - 1 & -_SCRATCH_SIZE if sp > _SCRATCH else 0
        books = {"sp_lowest": sp, "sp_limit": limit, "event_register": 0}
        self._rested = _Rested(registers, books | {"cycles": int(self.machine["now"])})
        self._stack_of_core1 = sp
        self._runs_core1 = True

    def _wake_core0(self) -> None:
        self.core.event_register = True
