"""What instructions and exceptions need of the processor: registers, bus, branches and time."""

from typing import Literal

from manual import timing
from manual.bits import MASK
from manual.exceptions import SVCALL, SYSTICK, Exceptions
from manual.memory import Fault, Memory
from manual.mpu import Mpu, is_ppb
from manual.registers import Registers
from manual.system import SystemControl
from manual.systick import SysTick

EXC_RETURN_HANDLER, EXC_RETURN_MAIN, EXC_RETURN_PROCESS = 0xFFFF_FFF1, 0xFFFF_FFF9, 0xFFFF_FFFD
_LOCKUP_ADDRESS = 0xFFFF_FFFE


class Abandoned(Exception):  # noqa: N818 (the manual's word)
    """An exception is due between two words of an LDM, STM, PUSH or POP (DDI0484C, 3.6.1)."""


class Processor(Registers):
    """Everything but the order of events, which is `ManualCore.step`."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.memory = memory
        self.exceptions = Exceptions()
        self.systick = SysTick()
        self.mpu = Mpu()
        self.system = SystemControl(self.exceptions, self.systick, self.mpu)
        self.cycles = 0
        self.next_pc = 0  # where the instruction at work goes on
        self.returning: int | None = None  # the EXC_RETURN of an instruction that returns
        self.asleep: Literal["", "WFE", "WFI"] = ""
        self.locked_up = False
        self.halting_debug = False  # BKPT halts the processor instead of being a fault
        self.halted = False
        self.events_sent = 0  # by SEV, for other processors

    @property
    def event_register(self) -> bool:
        return self.exceptions.event_register

    @event_register.setter
    def event_register(self, value: bool) -> None:
        self.exceptions.event_register = value

    @property
    def execution_priority(self) -> int:
        return self.exceptions.execution_priority(self.primask)

    def send_event(self) -> None:
        """SEV: to this processor and to others."""
        self.event_register = True
        self.events_sent += 1

    def pass_time(self, cycles: int) -> None:
        """Let the clock run, and the timer with it."""
        for _ in range(cycles):
            self.cycles += 1
            if self.systick.tick():
                self.exceptions.pend(SYSTICK)

    def end_word(self) -> None:
        """One of the words of an LDM, STM, PUSH or POP is transferred; raises Abandoned."""
        self.pass_time(timing.WORD)
        if self.exceptions.preempting(self.primask) is not None:
            raise Abandoned

    def get(self, number: int) -> int:
        """A register by number; PC reads as the instruction's address and 4 (A4.2.1)."""
        if number < 13:
            return self.r[number]
        if number == 13:
            return self.sp
        if number == 14:
            return self.lr
        return self.pc + 4 & MASK

    def set(self, number: int, value: int) -> None:
        """Write a register; PC as a simple branch (ALUWritePC, A2.3.1)."""
        if number < 13:
            self.r[number] = value & MASK
        elif number == 13:
            self.sp = value
        elif number == 14:
            self.lr = value & MASK
        else:
            self.branch(value)

    def set_nz(self, result: int) -> None:
        self.n, self.z = bool(result >> 31), result == 0

    def branch(self, address: int) -> None:
        """BranchWritePC."""
        self.next_pc = address & 0xFFFF_FFFE

    def branch_with_state(self, address: int) -> None:
        """BLXWritePC: bit 0 goes to EPSR.T, and without it the next instruction is a fault."""
        self.thumb = bool(address & 1)
        self.branch(address)

    def branch_or_return(self, address: int) -> None:
        """BXWritePC and LoadWritePC: in Handler mode 0xFxxxxxxx returns from an exception."""
        if not (self.handler_mode and address >> 28 == 0xF):
            self.branch_with_state(address)
            return
        nested = len(self.exceptions.active) > 1
        allowed = (EXC_RETURN_HANDLER,) if nested else (EXC_RETURN_MAIN, EXC_RETURN_PROCESS)
        if address not in allowed or self.ipsr not in self.exceptions.active:
            raise Fault(f"return from exception {self.ipsr} by {address:#010x}")  # B1.5.8
        self.returning = address

    def load(self, address: int, size: int, privileged: bool | None = None) -> int:
        """MemA and MemU, which are one on ARMv6-M (A3.2)."""
        address &= MASK
        privileged = self.privileged if privileged is None else privileged
        self._check_data(address, size, "read", privileged)
        if is_ppb(address):
            return self.system.read(address, self.ipsr)
        return self.memory.read(address, size)

    def store(self, address: int, size: int, value: int) -> None:
        address &= MASK
        self._check_data(address, size, "write", self.privileged)
        if is_ppb(address):
            self.system.write(address, value)
        else:
            self.memory.write(address, size, value & (1 << 8 * size) - 1)

    def _check_data(
        self, address: int, size: int, access: Literal["read", "write"], privileged: bool
    ) -> None:
        if address % size:
            raise Fault(f"unaligned {access} at {address:#010x}")
        self.mpu.check(address, access, privileged, self.execution_priority)
        if is_ppb(address) and (not privileged or size != 4):
            raise Fault(f"{access} of {size} bytes at {address:#010x}, {privileged=}")

    def load_vector(self, number: int) -> int:
        """From the vector table, always by the default map and with privilege (B3.5)."""
        return self.memory.read(self.system.vector_table + 4 * number & MASK, 4)

    def fetch(self, address: int) -> int:
        """A halfword of code."""
        address &= MASK
        self.mpu.check(address, "fetch", self.privileged, self.execution_priority)
        return self.memory.read(address, 2)

    def call_supervisor(self) -> None:
        """SVC: a fault if SVCall can't pre-empt what runs now (B1.5.4, escalation)."""
        if self.exceptions.priority_of(SVCALL) >= self.execution_priority:
            raise Fault("SVC at a priority that SVCall cannot pre-empt")
        self.exceptions.pend(SVCALL)

    def lock_up(self) -> None:
        """B1.5.15: nothing but an NMI, if it can pre-empt, leads out of it."""
        self.locked_up = True
        self.pc = _LOCKUP_ADDRESS
