"""A cycle-aware simulator of the RP2040 (Raspberry Pi Pico)."""

from sim.bus import Unmodelled
from sim.elf import Program, SourceLine, Symbol
from sim.errors import AddressError, CallError, ElfError, SimError, SymbolError
from sim.faults import Fault, FaultReason, Registers
from sim.memory_use import MemoryUse
from sim.pico import Pico, Stop, StopReason
from sim.profile import Entry, Profile

__all__ = [
    "AddressError",
    "CallError",
    "ElfError",
    "Entry",
    "Fault",
    "FaultReason",
    "MemoryUse",
    "Pico",
    "Profile",
    "Program",
    "Registers",
    "SimError",
    "SourceLine",
    "Stop",
    "StopReason",
    "Symbol",
    "SymbolError",
    "Unmodelled",
]
