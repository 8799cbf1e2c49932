"""A cycle-aware simulator of the RP2040 (Raspberry Pi Pico)."""

from priot.sim.bus import Unmodelled
from priot.sim.cpu.contention import Contention
from priot.sim.engine import Engine
from priot.sim.errors import (
    AddressError,
    BinError,
    CallError,
    ElfError,
    FlashError,
    ProgramError,
    SimError,
    SymbolError,
    TraceError,
    Uf2Error,
)
from priot.sim.faults import Fault, FaultReason, Registers
from priot.sim.loading.elf import Program, SourceLine
from priot.sim.loading.program import load_program
from priot.sim.loading.symbols import Symbol
from priot.sim.peripherals.i2c_bus import I2cDevice
from priot.sim.peripherals.spi_bus import SpiDevice
from priot.sim.pico import Pico, Stop, StopReason
from priot.sim.pin_log import PinChanges
from priot.sim.reports.call_graph import Call, CallGraph, FunctionCost, Node, StackPeak
from priot.sim.reports.memory_report import MemoryReport
from priot.sim.reports.memory_use import MemoryUse
from priot.sim.reports.profile import Entry, InstructionCost, Profile
from priot.sim.stack_guard import StackWarning
from priot.sim.xip_cache import Replacement, XipModel, XipStatistics

__all__ = [
    "AddressError",
    "BinError",
    "Call",
    "CallError",
    "CallGraph",
    "Contention",
    "ElfError",
    "Engine",
    "Entry",
    "Fault",
    "FaultReason",
    "FlashError",
    "FunctionCost",
    "I2cDevice",
    "InstructionCost",
    "MemoryReport",
    "MemoryUse",
    "Node",
    "Pico",
    "PinChanges",
    "Profile",
    "Program",
    "ProgramError",
    "Registers",
    "Replacement",
    "SimError",
    "SourceLine",
    "SpiDevice",
    "StackPeak",
    "StackWarning",
    "Stop",
    "StopReason",
    "Symbol",
    "SymbolError",
    "TraceError",
    "Uf2Error",
    "Unmodelled",
    "XipModel",
    "XipStatistics",
    "load_program",
]
