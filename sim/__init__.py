"""A cycle-aware simulator of the RP2040 (Raspberry Pi Pico).

Each name is imported when it is first asked for: to read a limit or an error's class loads neither
NumPy nor Numba.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same for those who only read types
    from priot.sim.bus import Unmodelled as Unmodelled
    from priot.sim.cpu.contention import Contention as Contention
    from priot.sim.engine import Engine as Engine
    from priot.sim.errors import AddressError as AddressError
    from priot.sim.errors import BinError as BinError
    from priot.sim.errors import CallError as CallError
    from priot.sim.errors import ElfError as ElfError
    from priot.sim.errors import FlashError as FlashError
    from priot.sim.errors import ProgramError as ProgramError
    from priot.sim.errors import SimError as SimError
    from priot.sim.errors import SymbolError as SymbolError
    from priot.sim.errors import TraceError as TraceError
    from priot.sim.errors import Uf2Error as Uf2Error
    from priot.sim.faults import Fault as Fault
    from priot.sim.faults import FaultReason as FaultReason
    from priot.sim.faults import Registers as Registers
    from priot.sim.loading.elf import Program as Program
    from priot.sim.loading.elf import SourceLine as SourceLine
    from priot.sim.loading.program import load_program as load_program
    from priot.sim.loading.symbols import Symbol as Symbol
    from priot.sim.peripherals.i2c_bus import I2cDevice as I2cDevice
    from priot.sim.peripherals.spi_bus import SpiDevice as SpiDevice
    from priot.sim.pico import Pico as Pico
    from priot.sim.pico import Stop as Stop
    from priot.sim.pico import StopReason as StopReason
    from priot.sim.pin_log import PinChanges as PinChanges
    from priot.sim.reports.call_graph import Call as Call
    from priot.sim.reports.call_graph import CallGraph as CallGraph
    from priot.sim.reports.call_graph import FunctionCost as FunctionCost
    from priot.sim.reports.call_graph import Node as Node
    from priot.sim.reports.call_graph import StackPeak as StackPeak
    from priot.sim.reports.memory_report import MemoryReport as MemoryReport
    from priot.sim.reports.memory_use import MemoryUse as MemoryUse
    from priot.sim.reports.profile import Entry as Entry
    from priot.sim.reports.profile import InstructionCost as InstructionCost
    from priot.sim.reports.profile import Profile as Profile
    from priot.sim.stack_guard import StackWarning as StackWarning
    from priot.sim.xip_cache import Replacement as Replacement
    from priot.sim.xip_cache import XipModel as XipModel
    from priot.sim.xip_cache import XipStatistics as XipStatistics

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
