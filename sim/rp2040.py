"""The chip: core, exceptions and peripherals, and the loop that runs them in step.

Between two events the core runs alone and natively. Peripherals are not stepped: each knows the
cycle at which it will next want attention, and the core is stopped there, at the instruction.
"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from sim.bus import Bus, Unmodelled
from sim.clock import MachineClock
from sim.core import RETURN_ADDRESS, Core, Ended, Event
from sim.errors import AddressError, SimError
from sim.exceptions import Exceptions, is_return
from sim.faults import FaultReason
from sim.instructions import KIND, Kind
from sim.machine import FLASH_SLOTS, ROM_SLOT
from sim.memory_map import FLASH, SRAM, Region, region_of
from sim.nvic import SV_CALL, Nvic
from sim.peripherals import NEVER, Surroundings, all_peripherals
from sim.reports.profile import Tally
from sim.system_control import SystemControl
from sim.systick import SysTick
from sim.xip_cache import XipCache

_SIO = Region("SIO", 0xD000_0000, 0x1000)
_FAR = 1 << 48  # more cycles than any run has
_SLICE = 1 << 29  # cycles between two chances for Ctrl-C, about a second


class Rp2040:
    """One core of an RP2040 with all that is modelled around it.

    Args:
        clock_hz: the system clock until the program sets one.
        strict: whether a register that is not modelled is a fault.
        uart: called with each byte that UART0 sends.
        xip_miss: cycles that a word costs that is not in the XIP cache; None: flash is as fast
            as SRAM.
        trace: whether calls are followed.
        shared_bus: whether accesses are recorded for the other core, see sim.two_cores.
    """

    def __init__(
        self,
        clock_hz: int,
        strict: bool = False,
        uart: Callable[[int], None] | None = None,
        *,
        xip_miss: int | None = None,
        trace: bool = False,
        shared_bus: bool = False,
    ) -> None:
        self.strict = strict
        self.core = Core(self, xip_miss is not None, trace, shared_bus)
        self.machine = self.core.machine
        memory = self.machine["code"].view(np.uint8)
        self.flash = memory[: FLASH.size]
        self.sram = memory[2 * FLASH_SLOTS : 2 * ROM_SLOT]
        self.xip = XipCache(self.machine, xip_miss or 0)
        self.tally = Tally(self.machine)
        self._initial_hz = Fraction(clock_hz)
        clock = MachineClock(self.machine)
        self._nvic = Nvic()
        around = Surroundings(
            irq=self._nvic.irq,
            uart0=uart or (lambda _: None),
            on_reset=self._request_reset,
            on_clock_lost=self._request_reset,
            on_system_hz=self._change_clock,
            cache=self.xip,
        )
        self._peripherals = all_peripherals(clock, around)
        self.system_control = SystemControl(self._nvic)
        self._systick = SysTick(clock, self._peripherals.watchdog.ticks, self._nvic)
        self._private = (self._nvic, self.system_control, self._systick)
        self.bus = Bus([*self._private, *self._peripherals.blocks])
        self._exceptions = Exceptions(self.core, self._nvic, self.system_control, self._catch_up)

    def reset(self) -> None:
        """Power-on of everything but the memories."""
        self.core.forget_all_code()
        self.core.reset_special_registers()
        self.tally.clear()
        self.xip.reset()
        self.machine["now"] = self.machine["event_register"] = 0
        self._clock_hz, self._clock_since, self._seconds = self._initial_hz, 0, Fraction(0)
        self._peripherals.reset()
        for block in self._private:
            block.reset()
        self.bus.reset()
        self._sleeping: Ended | None = None
        self._reset_requested = False

    @property
    def unmodelled(self) -> list[Unmodelled]:
        """Registers that the program touched and that are not modelled, each once, in order."""
        return list(self.bus.unmodelled)

    @property
    def clock_hz(self) -> Fraction:
        """Frequency of clk_sys: what the program set, until then what the caller said."""
        return self._clock_hz

    @property
    def seconds(self) -> float:
        """Time since reset, each cycle at the frequency of its time."""
        return float(self._seconds + (self.cycles - self._clock_since) / self._clock_hz)

    @property
    def cycles(self) -> int:
        """Cycles since reset."""
        return int(self.machine["cycles"])

    def load(self, address: int, data: npt.NDArray[np.uint8]) -> None:
        """Put bytes of a program into flash or SRAM.

        Raises:
            SimError: for memories that Unicorn does not see.
        """
        region = region_of(address, len(data))
        if region not in (FLASH, SRAM):
            raise SimError(f"segment at {address:#010x}: the engine unicorn has no memory there")
        memory = self.sram if region is SRAM else self.flash
        offset = address - (SRAM if region is SRAM else FLASH).base
        memory[offset : offset + len(data)] = data

    def copy_of(self, address: int, size: int) -> npt.NDArray[np.uint8]:
        """Bytes of memories beside flash and SRAM: there are none. Raises AddressError."""
        raise AddressError(
            f"{address:#010x}..{address + size:#010x} does not lie in flash or SRAM; "
            "check address and count"
        )

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

    def step(self) -> Event | None:
        """Execute one instruction, the first of a handler if an exception is due.

        An event as from `run`, or None where there is nothing to answer.
        """
        event = self._sleep(NEVER) or self._settle()
        if event is not None:
            return event
        start = self.core.pc
        wide = KIND[self.core.halfword(start) or 0] == Kind.PREFIX_32
        behind = start + (4 if wide else 2)
        self.core.forget_code(start, behind - start)
        # A branch leads to another block: there this budget is used up.
        self.machine["cycle_limit"] = self.machine["next_stop"] = self.cycles + 1
        event = self._go(behind)
        self.core.forget_code(start, behind - start)
        if event is None or event.reason is Ended.BUDGET:
            return None
        return self._answer(event, NEVER)

    def walk(self, until: int) -> Event | None:
        """Execute straight ahead up to an instruction of the block at PC; None when it is there."""
        start = self.core.pc
        self.core.forget_code(start, until - start)
        self.machine["next_stop"] = NEVER
        event = self._go(until)
        self.core.forget_code(start, until - start)
        return event

    def may_access(self) -> bool:
        """See sim.core.Peripherals."""
        return True

    def is_settled(self, address: int, wrote: bool) -> bool:
        """See sim.core.Peripherals."""
        machine = self.machine
        if wrote and (self._nvic.next() is not None or self._is_resetting):
            return False
        if wrote and not _SIO.holds(address):  # which has no part in what happens when
            self._publish_counters()
            machine["event_at"] = due = self._due()
            machine["next_stop"] = min(machine["next_stop"], due)
        return bool(machine["block_ends"] < machine["event_at"])

    def _stretch(self, limit: int) -> Event | None:
        """Let the core run up to the next event at most."""
        machine = self.machine
        machine["cycle_limit"] = min(limit, self.cycles + _SLICE)
        machine["next_stop"] = (
            0 if machine["masked"] else min(machine["cycle_limit"], machine["event_at"])
        )
        event = self._go(RETURN_ADDRESS)
        while event == _EVENT and self.core.pc != machine["stop_at"]:
            event = self.walk(int(machine["stop_at"])) or _EVENT
        return event

    def _go(self, until: int) -> Event | None:
        event = self.core.go(until)
        if self.tally.is_full:
            self.tally.fold()
        return event

    def _answer(self, event: Event, limit: int) -> Event | None:
        """Do what an event asks for; gives it back where the caller must."""
        match event.reason:
            case Ended.FULL | Ended.ACCESS | Ended.EVENT | Ended.TURN:
                return None
            case Ended.BUDGET:
                return event if self.cycles >= limit else None
            case Ended.SLEEP | Ended.WAIT:
                self._sleeping = event.reason
                return None
            case FaultReason.SUPERVISOR_CALL if self._nvic.may_take(SV_CALL):
                if self.core.primask or self._exceptions.handler(SV_CALL) is None:
                    return self._at_supervisor_call(event)
                self._nvic.pend(SV_CALL)
                return None
            case FaultReason.SUPERVISOR_CALL:
                return self._at_supervisor_call(event)
            case FaultReason.FETCH if self._nvic.active and is_return(event.address or 0):
                self._catch_up()
                ended = self._exceptions.end(event.address or 0)
                return self._answer(ended, limit) if ended else None
        return event

    def _at_supervisor_call(self, event: Event) -> Event:
        """The event with PC on the SVC: Unicorn leaves it behind."""
        self.core.set_registers(pc=(self.core.pc - 2) | 1)
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
        self._publish_counters()
        machine["polled_until"] = 0
        machine["event_at"] = self._due()
        return Event(Ended.RESET) if self._is_resetting else None

    def _sleep(self, limit: int) -> Event | None:
        """Let time pass until something ends a WFI or WFE, if the core is in one."""
        if self._sleeping is Ended.WAIT and self.core.event_register:
            self.core.event_register = False
            self._sleeping = None
        while self._sleeping:
            self._catch_up()
            if self._wakes():
                self._sleeping = None
                break
            due = self._due()
            if due >= NEVER:
                self._sleeping = None
                return Event(Ended.SLEEP)
            self.core.wait(max(0, min(due, limit) - self.cycles))
            if due > limit:
                return Event(Ended.BUDGET)
        return None

    def _wakes(self) -> bool:
        """Whether what is pending ends the sleep (Arm DDI0419E, B1.5.18 and B1.5.19).

        Under PRIMASK, WFI still ends with an exception that could be taken otherwise; WFE does not.
        """
        waits = self._sleeping is Ended.WAIT
        if waits and self.system_control.event_on_pend and self._nvic.pending:
            return True
        return self._nvic.next() is not None and not (waits and self.core.primask)

    def _catch_up(self) -> None:
        self.machine["now"] = self.machine["cycles"]
        self._systick.advance()
        self._peripherals.advance()

    def _publish_counters(self) -> None:
        """Give native code what it needs to read TIMER and SysTick by itself."""
        start, step, since, scale = self._peripherals.watchdog.ticks.line
        offset = self._peripherals.timer.offset
        largest = max(start, step * _FAR, scale, abs(offset or 0))
        simple = offset is not None and largest < NEVER
        self.machine["timer"] = (start, step, since, scale, offset) if simple else (0, 0, 0, 0, 0)
        since, value, reload = self._systick.line
        runs = self._systick.counts_processor_clock and reload > 0
        self.machine["systick"] = (0, 1, since, 1 if runs else 0, 0)
        self.machine["systick_value"], self.machine["systick_reload"] = value, reload

    def _due(self) -> int:
        return min(self._systick.due(), self._peripherals.due())

    @property
    def _is_resetting(self) -> bool:
        return self._reset_requested or self.system_control.reset_requested

    def _request_reset(self) -> None:
        self._reset_requested = True

    def _change_clock(self, hz: Fraction) -> None:
        now = int(self.machine["now"])
        self._seconds += (now - self._clock_since) / self._clock_hz
        self._clock_since, self._clock_hz = now, hz


_EVENT = Event(Ended.EVENT)
