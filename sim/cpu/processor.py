"""One core as the host sees it: its registers, by name, over the native loop's arrays."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from priot.sim.cpu.exceptions import program_status, set_program_status, use_stack
from priot.sim.cpu.native import from_python
from priot.sim.cpu.places import place
from priot.sim.cpu.special import guard
from priot.sim.cpu.state import NEVER, SRAM_AT, Core, CoreState, Sleep, State
from priot.sim.faults import Registers
from priot.sim.loading.boot import Boot
from priot.sim.memory_map import SRAM

_place = from_python(place)
_guard = from_python(guard)
_program_status = from_python(program_status)
_set_program_status = from_python(set_program_status)
_use_stack = from_python(use_stack)

_NAMES = tuple(field.name for field in fields(Registers))
_GENERAL = {name: number for number, name in enumerate(_NAMES[:16])}
_SP, _PC = 13, 15
_SPSEL = 1 << 1
_WORD = 0xFFFF_FFFF
_THUMB_BIT = 1 << 24  # XPSR.T


class Processor:
    """A core's registers and what it does on the memories.

    Args:
        state: the machine's memories.
        number: 0 or 1.
    """

    def __init__(self, state: State, number: int = 0) -> None:
        self.arrays = CoreState()
        self.core = self.arrays.core
        self._registers = self.arrays.registers
        self._state = state
        self.number = number
        self.core[Core.NUMBER] = number

    def reset(self) -> None:
        """Everything zero but Thumb state and what a debugger set; where it begins is for the
        caller to say.
        """
        debugged = self.core[[Core.WATCHING, Core.PAUSE_AT]]
        self.core[:] = 0
        self.core[[Core.WATCHING, Core.PAUSE_AT]] = debugged
        self.core[Core.NUMBER] = self.number
        self._registers[:] = 0
        self.core[Core.THUMB] = 1
        self.core[Core.TICK_AT] = NEVER
        _guard(self.core)

    def boot(self, boot: Boot) -> None:
        """Behind a reset: what the boot ROM does, as far as a program can tell."""
        self.set_registers(sp=boot.sp, lr=_WORD, pc=boot.pc, xpsr=_THUMB_BIT)
        core = self.core
        core[Core.VTOR] = boot.vtor
        core[Core.SP_LOW], core[Core.SP_LIMIT] = boot.sp, boot.stack_limit

    @property
    def registers(self) -> Registers:
        """A snapshot."""
        values: list[int] = [*self._registers.tolist(), int(_program_status(self.core))]
        return Registers(*values)

    def set_registers(self, **values: int) -> None:
        """Write registers by name, in this order: those of `Registers`, msp, psp, control, primask.

        Bit 0 of `pc` is left out of account: Thumb state is a matter of XPSR.
        """
        core, registers = self.core, self._registers
        for name, value in values.items():
            value &= _WORD
            if name == "pc":
                registers[_PC] = value & ~1
                core[Core.FETCHED] = core[Core.NO_VECTOR] = 0
                core[Core.ANSWERED] = core[Core.PROGRESS] = 0
            elif name in _GENERAL:
                registers[_GENERAL[name]] = value & ~3 if name == "sp" else value
            elif name == "xpsr":
                _set_program_status(core, value)
            elif name == "control":
                _use_stack(core, registers, bool(value & _SPSEL))
                core[Core.CONTROL] = core[Core.CONTROL] & ~1 | value & 1
                _guard(core)
            elif name == "primask":
                core[Core.PRIMASK] = value & 1
            elif bool(core[Core.CONTROL] & _SPSEL) == (name == "psp"):
                registers[_SP] = value & ~3
            else:
                core[Core[name.upper()]] = value & ~3

    def register(self, name: str) -> int:
        """One register by its name, as in `set_registers`."""
        if name in _GENERAL:
            return int(self._registers[_GENERAL[name]])
        if name == "xpsr":
            return int(_program_status(self.core))
        if name in ("msp", "psp") and bool(self.core[Core.CONTROL] & _SPSEL) == (name == "psp"):
            return int(self._registers[_SP])
        return int(self.core[Core[name.upper()]])

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        return int(self._registers[_PC])

    @property
    def cycles(self) -> int:
        """Since reset."""
        return int(self.core[Core.CYCLES])

    @property
    def sleeps(self) -> bool:
        """Whether it waits in a WFI or WFE."""
        return bool(self.core[Core.SLEEPS] != Sleep.NOT)

    def halfword(self, address: int) -> int | None:
        """The halfword at an even address of any memory; None elsewhere."""
        at = int(_place(address))
        return None if at < 0 else int(self._state.halfwords[at >> 1])

    def word(self, address: int) -> int | None:
        """The word at an aligned address of any memory; None elsewhere."""
        at = int(_place(address))
        return None if at < 0 or address % 4 else int(self._state.words[at >> 2])

    def set_word(self, address: int, value: int) -> bool:
        """Store a word in SRAM; False elsewhere."""
        if not SRAM.holds(address, 4) or address % 4:
            return False
        self._state.words[(address - SRAM.base + SRAM_AT) >> 2] = np.uint32(value)
        return True

    def forget_code(self, address: int, size: int) -> None:
        """Code was changed: nothing was kept of it."""

    def pass_by(self, address: int) -> None:
        """Execute the instruction at `address` next, despite a breakpoint there."""
        self.core[Core.PASSED] = address

    def take_hit(self) -> tuple[int, int] | None:
        """The watchpoint that was hit last, by its place, and the first watched address."""
        number = int(self.core[Core.HIT])
        self.core[Core.HIT] = 0
        return (number - 1, int(self.core[Core.HIT_AT])) if number else None
