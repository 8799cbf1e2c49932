"""The processor: Unicorn as an ARMv6-M, with the block counter in its hooks.

Unicorn 2.1.4 is an ARMv6-M only as CPU model Cortex-M0 *without* UC_MODE_MCLASS (that mode is a
Cortex-M33 whatever model is asked for).
"""

import ctypes
from enum import Enum, auto
from pathlib import Path
from typing import Any

import numpy as np
from unicorn import arm_const, unicorn_const
from unicorn.unicorn_py3.unicorn import Uc, UcError, uclib

from priot.sim.cpu.memory import RETURN_ADDRESS
from priot.sim.errors import SimError
from priot.sim.events import Ended, Event
from priot.sim.faults import FaultReason, Registers
from priot.sim.instructions import CYCLES, KIND, SP_CHANGE, WIDE
from priot.sim.interruption import interruptible
from priot.sim.kernel_engine import block_counter
from priot.sim.kernel_engine.accesses import unaligned_access
from priot.sim.kernel_engine.books import (
    ROM_SLOT,
    SLOTS,
    STOP_BUDGET,
    STOP_CAREFUL,
    STOP_FULL,
    STOP_NONE,
    new_books,
    slot_of,
)
from priot.sim.kernel_engine.registers import RegisterFile
from priot.sim.memory_map import ROM, SRAM, region_of
from priot.sim.peripherals.blocks import block_of

_BOOT_ROM = Path(__file__).parents[1] / "bootrom.bin"
_THUMB_BIT = 1 << 24  # XPSR.T
_SPSEL = 1 << 1  # of CONTROL
_WFE, _WFI = 0xBF20, 0xBF30
_HALFWORD = 2  # bytes
_INTERRUPT_SVC, _INTERRUPT_DATA_ABORT, _INTERRUPT_BKPT = 2, 4, 7  # QEMU's EXCP_ numbers


class Pause(Enum):
    """Why the core came to rest, where the engine lets it go on."""

    CAREFUL = auto()  # ahead of a block that the engine has to look at
    FULL = auto()  # the books must be folded


_COUNTER_STOPS: dict[int, Event | Pause] = {
    STOP_BUDGET: Event(Ended.BUDGET),
    STOP_CAREFUL: Pause.CAREFUL,
    STOP_FULL: Pause.FULL,
}


class KernelCore:
    """One Cortex-M0+ with its memories; `books` is the BOOKS record they live in."""

    def __init__(self) -> None:
        self._books_array = new_books()
        self.books = books = self._books_array[0]
        self._base = self._books_array.ctypes.data
        books["kind"], books["cycles_16"], books["sp_change"] = KIND, CYCLES, SP_CHANGE
        books["wide"][:, 1] = 1  # mask 0, value 1: matches nothing
        books["wide"][: len(WIDE)] = WIDE
        books["register_address"] = books["register"].ctypes.data
        books["block_count"] = 1
        image = np.frombuffer(_BOOT_ROM.read_bytes(), np.uint16)
        books["code"][ROM_SLOT : ROM_SLOT + image.size] = image
        self._event: Event | None = None
        self._uc = Uc(
            unicorn_const.UC_ARCH_ARM,
            unicorn_const.UC_MODE_THUMB,
            cpu=arm_const.UC_CPU_ARM_CORTEX_M0,
        )
        self._file = RegisterFile(self._uc._uch)
        read_execute = unicorn_const.UC_PROT_READ | unicorn_const.UC_PROT_EXEC
        code = books["code"]
        self._uc.mem_map_ptr(SRAM.base, SRAM.size, unicorn_const.UC_PROT_ALL, code.ctypes.data)
        self._uc.mem_map_ptr(ROM.base, ROM.size, read_execute, code[ROM_SLOT:].ctypes.data)
        self._hook()

    def _hook(self) -> None:
        """Install all hooks; code translated before would never call them (unicorn #2200)."""
        for kind, callback in (
            (unicorn_const.UC_HOOK_BLOCK, block_counter.on_block),
            (unicorn_const.UC_HOOK_EDGE_GENERATED, block_counter.on_translation),
        ):
            handle = ctypes.c_size_t()
            status = uclib.uc_hook_add(
                self._uc._uch,
                ctypes.byref(handle),
                kind,
                ctypes.c_void_p(callback.address),
                ctypes.c_void_p(self._base),
                *(ctypes.c_uint64(1), ctypes.c_uint64(0)),  # everywhere: begin above end
            )
            if status != unicorn_const.UC_ERR_OK:
                raise SimError(f"Unicorn refuses a hook: {UcError(status)}; is it version 2.1.4?")
        self._uc.hook_add(unicorn_const.UC_HOOK_INTR, self._on_interrupt)
        self._uc.hook_add(unicorn_const.UC_HOOK_MEM_INVALID, self._on_bad_access)

    def _on_interrupt(self, uc: Uc, number: int, _data: Any) -> None:
        reasons: dict[int, Ended | FaultReason] = {
            _INTERRUPT_SVC: FaultReason.SUPERVISOR_CALL,
            _INTERRUPT_DATA_ABORT: FaultReason.UNALIGNED,
            _INTERRUPT_BKPT: Ended.BREAKPOINT,
        }
        self._event = Event(reasons.get(number, FaultReason.UNDEFINED))
        uc.emu_stop()

    def _on_bad_access(
        self, _uc: Uc, access: int, address: int, size: int, _value: int, _data: Any
    ) -> bool:
        if access == unicorn_const.UC_MEM_FETCH_UNMAPPED:
            reason = FaultReason.FETCH if region_of(address) is None else FaultReason.NOT_HERE
            self._event = Event(reason, address, _HALFWORD)
        elif block_of(address) is not None:
            self._event = Event(FaultReason.NOT_HERE, address, size)
        elif access == unicorn_const.UC_MEM_WRITE_UNMAPPED:
            self._event = Event(FaultReason.WRITE, address, size)
        else:
            self._event = Event(FaultReason.READ, address, size)
        return False

    @property
    def registers(self) -> Registers:
        """A snapshot of the registers."""
        return self._file.all()

    def set_registers(self, **values: int) -> None:
        """Write registers by name, in this order: those of `Registers`, msp, psp, control, primask.

        Bit 0 of `pc` is left out of account: Thumb state is a matter of XPSR.
        """
        for name, value in values.items():
            self._file[name] = value | 1 if name == "pc" else value

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        return self._file["pc"]

    @property
    def main_stack(self) -> int:
        """MSP."""
        return self._file["msp"]

    @property
    def on_process_stack(self) -> bool:
        """CONTROL.SPSEL."""
        return bool(self._file["control"] & _SPSEL)

    @property
    def is_thumb(self) -> bool:
        """XPSR.T: clear after a branch to an even address."""
        return bool(self._file["xpsr"] & _THUMB_BIT)

    def halfword(self, address: int) -> int | None:
        """The halfword at an even address of SRAM or ROM; None elsewhere."""
        slot = slot_of(address)
        return int(self.books["code"][slot]) if slot < SLOTS else None

    def forget_code(self, address: int, size: int) -> None:
        """Drop what was translated and decoded of a range, since its bytes changed."""
        if size:  # Unicorn refuses an empty range
            self._uc.ctl_remove_cache(address, address + size)

    def forget_all_code(self) -> None:
        """Drop all that was translated."""
        self._uc.ctl_flush_tb()

    def go(self, until: int = RETURN_ADDRESS) -> Event | Pause | None:
        """Execute from PC on until something happens; None when it came to `until`."""
        while self._goes_on(until):
            pass
        return self._found

    def _goes_on(self, until: int) -> bool:
        """One call of Unicorn; whether a YIELD alone ended it. Else `_found` says what did."""
        books = self.books
        books["stop"] = STOP_NONE
        self._event = None
        pc = self.pc
        # The first block of a stretch raises no UC_HOOK_EDGE_GENERATED.
        if (slot := slot_of(pc)) < SLOTS:
            books["index"][slot] = 0
        error = unicorn_const.UC_ERR_OK
        try:
            start = pc | self.is_thumb
            interruptible(lambda: self._uc.emu_start(start, until), self._uc.emu_stop)
        except UcError as raised:
            if self._uc._hook_exception is not None:  # what a callback raised says more
                raise self._uc._hook_exception from None
            error = raised.errno
        pc = self.pc
        invalid = error == unicorn_const.UC_ERR_INSN_INVALID
        # Behind a block, that is Unicorn's error for WFE and YIELD.
        hint = invalid and pc == books["blocks"][books["current"]]["end"]
        block_counter.on_leave.ctypes(self._uc._uch, pc, 0, self._base)
        if hint and books["code"][slot_of(pc - 2)] != _WFE and pc != until:
            return True
        self._found = self._outcome(until, pc, hint, error)
        return False

    def _outcome(self, until: int, pc: int, hint: bool, error: int) -> Event | Pause | None:
        books = self.books
        if hint or (error == unicorn_const.UC_ERR_OK and not self._event):
            if books["stop"] != STOP_NONE:
                return _COUNTER_STOPS[int(books["stop"])]
            slept = pc != until or self.halfword(pc - 2) in (_WFE, _WFI)
            return Event(Ended.SLEEP) if slept else None
        if self._event:
            return self._explained(self._event)
        if error == unicorn_const.UC_ERR_INSN_INVALID:
            return Event(FaultReason.UNDEFINED if self.is_thumb else FaultReason.ARM_STATE)
        raise SimError(f"Unicorn stopped at {pc:#010x}: {UcError(error)}")

    def _explained(self, event: Event) -> Event:
        """The event with all that there is to know, PC on its instruction."""
        if event.reason is FaultReason.SUPERVISOR_CALL:
            self.set_registers(pc=self.pc - _HALFWORD)  # Unicorn leaves it behind
        if event.reason is FaultReason.UNALIGNED:
            first = self.halfword(self.pc) or 0
            return Event(event.reason, *unaligned_access(first, self.registers))
        return event
