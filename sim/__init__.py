"""A cycle-aware simulator of the RP2040 (Raspberry Pi Pico)."""

from sim.bus import Unmodelled
from sim.cpu.contention import Contention
from sim.engine import Engine
from sim.errors import (
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
from sim.faults import Fault, FaultReason, Registers
from sim.loading.elf import Program, SourceLine
from sim.loading.program import load_program
from sim.loading.symbols import Symbol
from sim.peripherals.i2c_bus import I2cDevice
from sim.peripherals.spi_bus import SpiDevice
from sim.pico import Pico, Stop, StopReason
from sim.pin_log import PinChanges
from sim.reports.call_graph import Call, CallGraph, FunctionCost, Node, StackPeak
from sim.reports.memory_report import MemoryReport
from sim.reports.memory_use import MemoryUse
from sim.reports.profile import Entry, InstructionCost, Profile
from sim.stack_guard import StackWarning
from sim.xip_cache import Replacement, XipModel, XipStatistics

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
