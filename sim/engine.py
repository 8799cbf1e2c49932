"""What a Pico needs of an engine: what executes a program, and all that it keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from priot.sim.bus import Unmodelled
from priot.sim.events import Event
from priot.sim.faults import Registers
from priot.sim.loading.boot import Boot
from priot.sim.loading.elf import Program
from priot.sim.peripherals import Peripherals
from priot.sim.pin_log import PinChanges
from priot.sim.reports.call_graph import Tracer
from priot.sim.reports.profile import Profile
from priot.sim.stack_guard import StackWarning
from priot.sim.stimuli import Action
from priot.sim.xip_cache import XipModel, XipStatistics


class Engine(Enum):
    """What executes a program."""

    OWN = "own"
    """The core of our own: every program, both cores."""
    UNICORN = "unicorn"
    """Unicorn: what lies in SRAM and touches no peripheral, on core 0."""


class Whereabouts(NamedTuple):
    """Where a core stands, the interrupts that it would take, and whether it may still do
    something by itself."""

    core: int
    pc: int
    enabled: tuple[str, ...]
    goes_on: bool


class EngineCore(Protocol):
    """A core's registers, and the memory that it sees."""

    @property
    def registers(self) -> Registers:
        """A snapshot."""
        ...

    def set_registers(self, **values: int) -> None:
        """Write registers by name, in this order; bit 0 of `pc` is left out of account."""
        ...

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        ...

    def halfword(self, address: int) -> int | None:
        """The halfword at an even address of any memory; None elsewhere."""
        ...

    def forget_code(self, address: int, size: int) -> None:
        """The host changed bytes that may be code."""
        ...


class EngineChip(Protocol):
    """Cores, memories and what is around them; all counts are since reset."""

    @property
    def core(self) -> EngineCore:
        """The core that the last event was about."""
        ...

    @property
    def whereabouts(self) -> list[Whereabouts]:
        """Where each core that runs stands."""
        ...

    @property
    def sram(self) -> npt.NDArray[np.uint8]:
        """SRAM itself."""
        ...

    @property
    def flash(self) -> npt.NDArray[np.uint8]:
        """Flash itself; empty where there is none."""
        ...

    @property
    def tracer(self) -> Tracer | None:
        """What follows the calls of the core that the last event was about, if anything does."""
        ...

    @property
    def tracers(self) -> Sequence[Tracer]:
        """What follows the calls of each core that ran; empty if nothing does."""
        ...

    def load(self, address: int, data: npt.NDArray[np.uint8]) -> None:
        """Put bytes of a program into the memory that holds the address.

        Raises:
            SimError: the engine has no such memory.
        """
        ...

    def copy_of(self, address: int, size: int) -> npt.NDArray[np.uint8]:
        """Bytes of a memory beside SRAM and flash. Raises AddressError where there is none."""
        ...

    def close(self) -> None:
        """It is needed no more: its memory is free at once."""
        ...

    def reset(self, boot: Boot) -> None:
        """Power-on of everything but the memories; core 0 begins as `boot` says."""
        ...

    def run(self, limit: int) -> Event | None:
        """Execute until an event that the caller must answer; None at RETURN_ADDRESS.

        It ends soon at or beyond `limit` cycles since reset.
        """
        ...

    def retire(self) -> None:
        """The core of the last event is at its end: it stands still, and all else goes on."""
        ...

    def end(self) -> None:
        """All is at its end: cores that retired have taken the cycles of theirs."""
        ...

    @property
    def goes_on(self) -> bool:
        """Whether anything but the core that retired has still something to do."""
        ...

    def step(self) -> Event | None:
        """Execute one instruction; an event as from `run`, or None where nothing is to answer."""
        ...

    def present_peripherals(self) -> Peripherals:
        """The peripherals, brought up to the present, for the host to do something to them.

        Raises:
            SimError: the engine has none.
        """
        ...

    def at(self, when: int | Fraction, action: Action) -> None:
        """Do something at a cycle since reset, or at a time in seconds if that is a Fraction.

        Raises:
            SimError: the engine has no peripherals.
        """
        ...

    def pin_changes(self) -> PinChanges:
        """What the pins did since reset. Raises TraceError if that was not kept."""
        ...

    def profile(self, program: Program, core: int | None = None) -> Profile:
        """What each instruction cost a core, or all. Raises TraceError where that was not kept."""
        ...

    @property
    def cycles(self) -> int:
        """Cycles of core 0."""
        ...

    @property
    def instructions(self) -> int:
        """Instructions executed, by both cores."""
        ...

    @property
    def seconds(self) -> float:
        """Time."""
        ...

    @property
    def clock_hz(self) -> Fraction:
        """Frequency of the system clock."""
        ...

    @property
    def resets(self) -> int:
        """How often the program reset the chip and it booted again."""
        ...

    @property
    def nothing_to_boot(self) -> bool:
        """Whether a reset found no program in flash, so that the boot ROM waits for USB."""
        ...

    @property
    def unmodelled(self) -> list[Unmodelled]:
        """Registers that the program touched and that are not modelled, each once, in order."""
        ...

    @property
    def xip_statistics(self) -> XipStatistics:
        """What the XIP cache did."""
        ...

    @property
    def xip_model(self) -> XipModel | None:
        """How it behaves; None where it is not modelled."""
        ...

    @property
    def bus_stalls(self) -> tuple[int, int]:
        """Cycles that each core has waited for the other on the bus."""
        ...

    @property
    def stack_limit(self) -> int:
        """Its lowest SP that is no overflow."""
        ...

    @property
    def stack_warnings(self) -> list[StackWarning]:
        """One for each core whose stack left its room and did no harm."""
        ...

    @property
    def stacks(self) -> Sequence[tuple[int, int]]:
        """Top and lowest SP of each running core's main stack."""
        ...
