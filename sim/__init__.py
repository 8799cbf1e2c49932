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
from sim.pico import Pico, Stop, StopReason
from sim.reports.call_graph import Call, CallGraph, FunctionCost, Node, StackPeak
from sim.reports.memory_report import MemoryReport
from sim.reports.memory_use import MemoryUse
from sim.reports.profile import Entry, InstructionCost, Profile
from sim.stack_guard import StackWarning
from sim.xip_cache import XipStatistics

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
    "InstructionCost",
    "MemoryReport",
    "MemoryUse",
    "Node",
    "Pico",
    "Profile",
    "Program",
    "ProgramError",
    "Registers",
    "SimError",
    "SourceLine",
    "StackPeak",
    "StackWarning",
    "Stop",
    "StopReason",
    "Symbol",
    "SymbolError",
    "TraceError",
    "Uf2Error",
    "Unmodelled",
    "XipStatistics",
    "load_program",
]
