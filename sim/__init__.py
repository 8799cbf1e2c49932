"""A cycle-aware simulator of the RP2040 (Raspberry Pi Pico)."""

from sim.elf import Program, SourceLine, Symbol
from sim.errors import (
    AddressError,
    BinError,
    CallError,
    ElfError,
    FlashError,
    ProgramError,
    SimError,
    SymbolError,
    Uf2Error,
)
from sim.faults import Fault, FaultReason, Registers
from sim.memory_use import MemoryUse
from sim.pico import Pico, Stop, StopReason
from sim.profile import Entry, Profile
from sim.program import load_program

__all__ = [
    "AddressError",
    "BinError",
    "CallError",
    "ElfError",
    "Entry",
    "Fault",
    "FaultReason",
    "FlashError",
    "MemoryUse",
    "Pico",
    "Profile",
    "Program",
    "ProgramError",
    "Registers",
    "SimError",
    "SourceLine",
    "Stop",
    "StopReason",
    "Symbol",
    "SymbolError",
    "Uf2Error",
    "load_program",
]
