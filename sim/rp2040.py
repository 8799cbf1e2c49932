"""The chip: core, exceptions and peripherals, and the loop that runs them in step.

Between two events the core runs alone and natively. Peripherals are not stepped: each knows the
cycle at which it will next want attention, and the core is stopped there, at the instruction.
"""

from collections.abc import Callable

from sim.bus import Bus
from sim.clock import NEVER, Clock, Timed
from sim.core import RETURN_ADDRESS, Core, Ended, Event
from sim.exceptions import Exceptions, is_return
from sim.faults import FaultReason
from sim.nvic import SV_CALL, Nvic
from sim.peripherals import all_peripherals
from sim.peripherals.peripheral import Peripheral
from sim.profile import Tally
from sim.system_control import SystemControl
from sim.systick import SysTick

_SLICE = 1 << 29  # cycles between two chances for Ctrl-C, about a second


class Rp2040:
    """One core of an RP2040 with all that is modelled around it.

    Args:
        clock_hz: the system clock until the program sets one.
        strict: whether a register that is not modelled is a fault.
        uart: takes the bytes that UART0 sends.
    """

    def __init__(
        self,
        clock_hz: int,
        strict: bool = False,
        uart: Callable[[bytes], None] | None = None,
    ) -> None:
        self.strict = strict
        self.core = Core(self)
        self.machine = self.core.machine
        self.tally = Tally(self.machine)
        self.clock = Clock(self.machine, clock_hz)
        self._nvic = Nvic()
        self.system_control = SystemControl(self._nvic)
        systick = SysTick(self.clock, self._nvic)
        self._blocks: list[Peripheral] = [
            *(self._nvic, self.system_control, systick),
            *all_peripherals(self.clock, self._nvic.irq, uart),
        ]
        self._timed = [block for block in self._blocks if isinstance(block, Timed)]
        self.bus = Bus(self._blocks)
        self._exceptions = Exceptions(self.core, self._nvic, self.system_control)
        self._sleeping: Ended | None = None

    def reset(self) -> None:
        """Power-on of everything but the memories."""
        machine = self.machine
        self.core.forget_all_code()
        self.core.reset_special_registers()
        self.tally.clear()
        machine["now"] = machine["event_register"] = 0
        self.clock.reset()
        for block in self._blocks:
            block.reset()
        self.bus.reset()
        self._sleeping = None

    @property
    def cycles(self) -> int:
        """Cycles since reset."""
        return int(self.machine["cycles"])

    def run(self, limit: int) -> Event | None:
        """Execute until an event that the caller must answer; None at RETURN_ADDRESS.

        It ends at the first block that begins at or beyond `limit` cycles.
        """
        while True:
            event = self._sleep(limit) or self._settle()
            if event is None:
                event = self._stretch(limit)
                if event is None:
                    return None
                event = self._answer(event, limit)
            if event is not None:
                return event

    def walk(self, until: int) -> Event | None:
        """Execute straight ahead up to an instruction of the block at PC; None when it is there."""
        start = self.core.pc
        self.core.forget_code(start, until - start)
        self.machine["next_stop"] = NEVER
        event = self._go(until)
        self.core.forget_code(start, until - start)
        return event

    def is_settled(self, wrote: bool) -> bool:
        """See sim.core.Peripherals."""
        machine = self.machine
        if wrote:
            if self._nvic.next() is not None or self.system_control.reset_requested:
                return False
            machine["event_at"] = due = self._due()
            machine["next_stop"] = min(machine["next_stop"], due)
        return bool(machine["cycles"] + machine["bus_cycles"] < machine["event_at"])

    def _stretch(self, limit: int) -> Event | None:
        """Let the core run up to the next event at most."""
        machine = self.machine
        machine["cycle_limit"] = min(limit, self.cycles + _SLICE)
        machine["next_stop"] = (
            0 if machine["masked"] else min(machine["cycle_limit"], machine["event_at"])
        )
        event = self._go(RETURN_ADDRESS)
        if event == _EVENT and self.core.pc != machine["stop_at"]:
            return self.walk(int(machine["stop_at"])) or _EVENT
        return event

    def _go(self, until: int) -> Event | None:
        event = self.core.go(until)
        if self.tally.is_full:
            self.tally.fold()
        return event

    def _answer(self, event: Event, limit: int) -> Event | None:
        """Do what an event asks for; gives it back where the caller must."""
        match event.reason:
            case Ended.FULL | Ended.ACCESS | Ended.EVENT:
                return None
            case Ended.BUDGET:
                return event if self.cycles >= limit else None
            case Ended.SLEEP | Ended.WAIT:
                self._sleeping = event.reason
                return None
            case FaultReason.SUPERVISOR_CALL if self._nvic.may_take(SV_CALL):
                if self.core.primask or self._exceptions.handler(SV_CALL) is None:
                    return event
                self._nvic.pend(SV_CALL)
                return None
            case FaultReason.FETCH if self._nvic.active and is_return(event.address or 0):
                self._catch_up()
                ended = self._exceptions.end(event.address or 0)
                return self._answer(ended, limit) if ended else None
        return event

    def _settle(self) -> Event | None:
        """Bring the peripherals up to the present and begin the exception that is due, if any."""
        machine = self.machine
        self._catch_up()
        while (number := self._nvic.next()) is not None and not self.core.primask:
            event = self._exceptions.stack()
            if event is None:
                self._catch_up()  # one that arrives late and is more urgent goes first
                event = self._exceptions.begin(self._nvic.next() or number)
            if event is not None:
                return event
        machine["masked"] = number is not None
        machine["event_at"] = self._due()
        return Event(Ended.RESET) if self.system_control.reset_requested else None

    def _sleep(self, limit: int) -> Event | None:
        """Let time pass until something ends a WFI or WFE, if the core is in one."""
        if self._sleeping is Ended.WAIT and self.core.event_register:
            self.core.event_register = False
            self._sleeping = None
        while self._sleeping:
            self._catch_up()
            waits = self._sleeping is Ended.WAIT and self.system_control.event_on_pend
            if self._nvic.next() is not None or (waits and self._nvic.pending):
                self._sleeping = None
                break
            due = self._due()
            if due >= NEVER:
                self._sleeping = None
                return Event(Ended.SLEEP)
            self.core.charge(max(0, min(due, limit) - self.cycles), self.core.pc - 2)
            if due > limit:
                return Event(Ended.BUDGET)
        return None

    def _catch_up(self) -> None:
        self.machine["now"] = self.machine["cycles"]
        for block in self._timed:
            block.advance()

    def _due(self) -> int:
        return min(block.due() for block in self._timed)


_EVENT = Event(Ended.EVENT)
