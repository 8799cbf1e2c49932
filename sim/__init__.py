"""A cycle-aware simulator of the RP2040 (Raspberry Pi Pico).

Each name is imported when it is first asked for: to read a limit or an error's class loads neither
NumPy nor Numba.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same for those who only read types
    from sim.bus import Unmodelled as Unmodelled
    from sim.cpu.contention import Contention as Contention
    from sim.engine import Engine as Engine
    from sim.errors import AddressError as AddressError
    from sim.errors import BinError as BinError
    from sim.errors import CallError as CallError
    from sim.errors import ElfError as ElfError
    from sim.errors import FlashError as FlashError
    from sim.errors import ProgramError as ProgramError
    from sim.errors import SimError as SimError
    from sim.errors import SymbolError as SymbolError
    from sim.errors import TraceError as TraceError
    from sim.errors import Uf2Error as Uf2Error
    from sim.faults import Fault as Fault
    from sim.faults import FaultReason as FaultReason
    from sim.faults import Registers as Registers
    from sim.loading.elf import Program as Program
    from sim.loading.elf import SourceLine as SourceLine
    from sim.loading.program import load_program as load_program
    from sim.loading.symbols import Symbol as Symbol
    from sim.peripherals.i2c_bus import I2cDevice as I2cDevice
    from sim.peripherals.spi_bus import SpiDevice as SpiDevice
    from sim.pico import Pico as Pico
    from sim.pico import Stop as Stop
    from sim.pico import StopReason as StopReason
    from sim.pin_log import PinChanges as PinChanges
    from sim.reports.call_graph import Call as Call
    from sim.reports.call_graph import CallGraph as CallGraph
    from sim.reports.call_graph import FunctionCost as FunctionCost
    from sim.reports.call_graph import Node as Node
    from sim.reports.call_graph import StackPeak as StackPeak
    from sim.reports.memory_report import MemoryReport as MemoryReport
    from sim.reports.memory_use import MemoryUse as MemoryUse
    from sim.reports.profile import Entry as Entry
    from sim.reports.profile import InstructionCost as InstructionCost
    from sim.reports.profile import Profile as Profile
    from sim.stack_guard import StackWarning as StackWarning
    from sim.xip_cache import Replacement as Replacement
    from sim.xip_cache import XipModel as XipModel
    from sim.xip_cache import XipStatistics as XipStatistics

_HOMES = {
    "bus": ("Unmodelled",),
    "cpu.contention": ("Contention",),
    "engine": ("Engine",),
    "errors": (
        "AddressError",
        "BinError",
        "CallError",
        "ElfError",
        "FlashError",
        "ProgramError",
        "SimError",
        "SymbolError",
        "TraceError",
        "Uf2Error",
    ),
    "faults": (
        "Fault",
        "FaultReason",
        "Registers",
    ),
    "loading.elf": (
        "Program",
        "SourceLine",
    ),
    "loading.program": ("load_program",),
    "loading.symbols": ("Symbol",),
    "peripherals.i2c_bus": ("I2cDevice",),
    "peripherals.spi_bus": ("SpiDevice",),
    "pico": (
        "Pico",
        "Stop",
        "StopReason",
    ),
    "pin_log": ("PinChanges",),
    "reports.call_graph": (
        "Call",
        "CallGraph",
        "FunctionCost",
        "Node",
        "StackPeak",
    ),
    "reports.memory_report": ("MemoryReport",),
    "reports.memory_use": ("MemoryUse",),
    "reports.profile": (
        "Entry",
        "InstructionCost",
        "Profile",
    ),
    "stack_guard": ("StackWarning",),
    "xip_cache": (
        "Replacement",
        "XipModel",
        "XipStatistics",
    ),
}
"""Modules of this package, and what each of them gives to it."""

__all__ = [name for names in _HOMES.values() for name in names]


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value  # asked for once
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
