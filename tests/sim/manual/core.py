"""The order of events: sleep, exceptions, instructions (B1.5)."""

from copy import copy
from dataclasses import fields
from enum import Enum, auto

from manual import entry
from manual.exceptions import FIRST_IRQ, HARD_FAULT, HARD_FAULT_PRIORITY
from manual.memory import Fault
from manual.processor import Abandoned, Processor
from manual.registers import Registers
from manual.thumb16 import execute_16
from manual.thumb32 import execute_32


class Step(Enum):
    """What a call of `ManualCore.step` came to."""

    INSTRUCTION = auto()  # one was executed
    ABANDONED = auto()  # one was, between two of its words: an exception is due
    FAULT = auto()  # one faulted: HardFault is pending now, or the processor locked up
    EXCEPTION = auto()  # one was entered
    ASLEEP = auto()
    LOCKED_UP = auto()
    HALTED = auto()  # by a BKPT, which `pc` still points at


class ManualCore(Processor):
    """A Cortex-M0+ that does one thing at a time."""

    def reset(self) -> None:
        """Stack pointer and PC from the vector table (B1.5.5)."""
        self.msp = self.load_vector(0) & 0xFFFF_FFFC
        start = self.load_vector(1)
        self.thumb, self.pc = bool(start & 1), start & 0xFFFF_FFFE

    def set_irq(self, number: int, level: bool) -> None:
        """Drive the signal of interrupt `number`: pending as it rises, or high and not active."""
        self.exceptions.set_line(FIRST_IRQ + number, level)

    def pend(self, number: int) -> None:
        """Make interrupt `number` pending, as by a pulse or a write to ISPR."""
        self.exceptions.pend(FIRST_IRQ + number)

    def step(self) -> Step:
        """Take one exception if one is due, or execute one instruction, or sleep on."""
        if self.halted:
            return Step.HALTED
        if self.asleep and not self._wakes():
            return Step.ASLEEP
        self.asleep = ""
        if self.exceptions.preempting(self.primask) is not None:
            entry.enter(self)
            return Step.EXCEPTION
        if self.locked_up:
            return Step.LOCKED_UP
        return self._execute()

    def _wakes(self) -> bool:
        """B1.5.18 and B1.5.19; an event that ends a WFE is used up by it."""
        if self.asleep == "WFI":
            return self.exceptions.preempting(primask=False) is not None
        if self.event_register:
            self.event_register = False
            return True
        return self.exceptions.preempting(self.primask) is not None

    def _execute(self) -> Step:
        """One instruction; if it faults or is abandoned, the registers are as before.

        So an LDM or POP that faults halfway has loaded nothing, and an STM or PUSH has not moved
        its base: the handler can repair the cause and repeat the instruction. Words that an STM
        or PUSH stored before stay in memory. A fault takes no time but that of the words before.
        """
        before = {field.name: copy(getattr(self, field.name)) for field in fields(Registers)}
        try:
            cycles = self._fetch_and_execute()
        except (Abandoned, Fault) as reason:
            for name, value in before.items():
                setattr(self, name, value)
            if isinstance(reason, Abandoned):
                return Step.ABANDONED
            if self.execution_priority <= HARD_FAULT_PRIORITY:
                self.lock_up()
            else:
                self.exceptions.pend(HARD_FAULT)
            return Step.FAULT
        if self.halted:
            return Step.HALTED
        self.pc = self.next_pc
        self.pass_time(cycles)
        if self.returning is not None:
            exc_return, self.returning = self.returning, None
            entry.leave(self, exc_return)
        return Step.INSTRUCTION

    def _fetch_and_execute(self) -> int:
        if not self.thumb:
            raise Fault("EPSR.T is 0")
        first = self.fetch(self.pc)
        self.next_pc = self.pc + 2 & 0xFFFF_FFFF
        if first >> 11 not in (0b11101, 0b11110, 0b11111):  # A5.1
            return execute_16(self, first)
        second = self.fetch(self.pc + 2)
        self.next_pc = self.pc + 4 & 0xFFFF_FFFF
        return execute_32(self, first, second)
