"""The processor: Unicorn as an ARMv6-M, with the cycle counter in its hooks.

Unicorn 2.1.4 is an ARMv6-M only as CPU model Cortex-M0 *without* UC_MODE_MCLASS (that mode is a
Cortex-M33 whatever model is asked for). It has no NVIC: exceptions arrive as UC_HOOK_INTR.
"""

import ctypes
from dataclasses import dataclass, fields
from enum import Enum, auto
from typing import Any

from unicorn import arm_const, unicorn_const
from unicorn.unicorn_const import UC_ERR_INSN_INVALID
from unicorn.unicorn_py3.unicorn import Uc, UcError, uclib

from sim import cycle_counter
from sim.errors import SimError
from sim.faults import FaultReason, Registers
from sim.instructions import CYCLES, KIND, SP_CHANGE, WIDE
from sim.machine import (
    FLASH_SLOTS,
    SLOTS,
    STOP_BUDGET,
    STOP_FULL,
    STOP_NONE,
    STOP_REFUSED,
    STOP_SPLIT,
    STOP_STACK,
    new_machine,
    slot_of,
)
from sim.memory_map import FLASH, FLASH_ALIASES, SRAM, XIP

# Where a called function returns to: an address that never holds code (Armv6-M reserves
# 0xE0100000-0xFFFFFFFF for the vendor, execute never), and no EXC_RETURN value.
RETURN_ADDRESS = 0xEFFF_FFFE

_THUMB_BIT = 1 << 24  # XPSR.T
_REGISTER_IDS = {
    name: getattr(arm_const, f"UC_ARM_REG_{name.upper()}")
    for name in (field.name for field in fields(Registers))
}
_INTERRUPT_SVC, _INTERRUPT_DATA_ABORT, _INTERRUPT_BKPT = 2, 4, 7  # QEMU's EXCP_ numbers


class Ended(Enum):
    """Why the core came to rest, where the guest did nothing wrong."""

    BREAKPOINT = auto()
    BUDGET = auto()
    RETURNED = auto()  # came to RETURN_ADDRESS
    SLEEP = auto()  # WFI
    REFUSED = auto()  # ahead of a block with an instruction that an RP2040 does not have
    STACK = auto()  # ahead of a block that would go below the stack limit
    FULL = auto()  # the counter's books must be folded
    SPLIT = auto()  # ahead of a block that sets SP more than once


@dataclass(frozen=True)
class Event:
    """What ended a stretch of execution; `address` and `size` (bytes) of a faulting access."""

    reason: Ended | FaultReason
    address: int | None = None
    size: int = 0


_COUNTER_STOPS = {
    STOP_BUDGET: Ended.BUDGET,
    STOP_REFUSED: Ended.REFUSED,
    STOP_STACK: Ended.STACK,
    STOP_FULL: Ended.FULL,
    STOP_SPLIT: Ended.SPLIT,
}
_BAD_ACCESSES = {
    unicorn_const.UC_MEM_READ_UNMAPPED: FaultReason.READ,
    unicorn_const.UC_MEM_WRITE_UNMAPPED: FaultReason.WRITE,
    unicorn_const.UC_MEM_FETCH_UNMAPPED: FaultReason.FETCH,
    unicorn_const.UC_MEM_FETCH_PROT: FaultReason.FETCH,
    unicorn_const.UC_MEM_WRITE_PROT: FaultReason.WRITE_FLASH,
}


class Core:
    """One Cortex-M0+ with its memories; `machine` is the MACHINE record they live in.

    Args:
        xip_cache: model the cache in front of flash.
        trace: keep the shadow call stack.
    """

    def __init__(self, xip_cache: bool = False, trace: bool = False) -> None:
        self._machine_array = new_machine()
        self.machine = self._machine_array[0]
        self._base = self._machine_array.ctypes.data
        machine = self.machine
        machine["kind"], machine["cycles_16"], machine["sp_change"] = KIND, CYCLES, SP_CHANGE
        machine["wide"][:, 1] = 1  # mask 0, value 1: matches nothing
        machine["wide"][: len(WIDE)] = WIDE
        machine["register_address"] = machine["register"].ctypes.data
        machine["block_count"] = 1
        self._event: Event | None = None
        self._xip_cache, self._trace = xip_cache, trace
        self._on_block, self._on_leave = cycle_counter.block_callbacks(xip_cache, trace)
        self._uc = Uc(
            unicorn_const.UC_ARCH_ARM,
            unicorn_const.UC_MODE_THUMB,
            cpu=arm_const.UC_CPU_ARM_CORTEX_M0,
        )
        self._map_memory()
        self._hook()

    def _map_memory(self) -> None:
        code = self.machine["code"]
        read_execute = unicorn_const.UC_PROT_READ | unicorn_const.UC_PROT_EXEC
        for region, slot, rights in (
            (FLASH, 0, read_execute),
            (SRAM, FLASH_SLOTS, unicorn_const.UC_PROT_ALL),
        ):
            pointer = code[slot:].ctypes.data
            self._uc.mem_map_ptr(region.base, region.size, rights, pointer)
        for base in FLASH_ALIASES:
            read = unicorn_const.UC_PROT_READ
            self._uc.mem_map_ptr(base, FLASH.size, read, code.ctypes.data)

    def _hook(self) -> None:
        """Install all hooks; code translated before would never call them (unicorn #2200)."""
        everywhere = (1, 0)  # begin above end
        hooks = [
            (unicorn_const.UC_HOOK_BLOCK, self._on_block, *everywhere),
            (unicorn_const.UC_HOOK_EDGE_GENERATED, cycle_counter.on_translation, *everywhere),
        ]
        if self._xip_cache:
            on_read = cycle_counter.on_flash_read
            hooks.append((unicorn_const.UC_HOOK_MEM_READ, on_read, XIP.base, XIP.end - 1))
        for kind, callback, begin, end in hooks:
            handle = ctypes.c_size_t()
            status = uclib.uc_hook_add(
                self._uc._uch,
                ctypes.byref(handle),
                kind,
                ctypes.c_void_p(callback.address),
                ctypes.c_void_p(self._base),
                ctypes.c_uint64(begin),
                ctypes.c_uint64(end),
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
        self._event = Event(_BAD_ACCESSES[access], address, size)
        return False

    @property
    def registers(self) -> Registers:
        """A snapshot of the registers."""
        values = self._uc.reg_read_batch(list(_REGISTER_IDS.values()))
        return Registers(*values)

    def set_registers(self, **values: int) -> None:
        """Write the named registers."""
        self._uc.reg_write_batch([(_REGISTER_IDS[name], value) for name, value in values.items()])

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        return int(self._uc.reg_read(arm_const.UC_ARM_REG_PC))

    @property
    def is_thumb(self) -> bool:
        """XPSR.T: clear after a branch to an even address."""
        return bool(self._uc.reg_read(arm_const.UC_ARM_REG_XPSR) & _THUMB_BIT)

    def forget_code(self, address: int, size: int) -> None:
        """Drop what was translated and decoded of a range, since its bytes changed."""
        self._uc.ctl_remove_cache(address, address + size)

    def forget_all_code(self) -> None:
        """Drop all that was translated."""
        self._uc.ctl_flush_tb()

    def go_in_part(self, until: int) -> Event | None:
        """Like `go`, but only up to `until` in the block ahead; None when it came there."""
        start = self.pc
        self.forget_code(start, until - start)
        event = self.go(until)
        self.forget_code(start, until - start)
        return event

    def note(self, callback: Any, number: int = 0, sp: int = 0) -> None:
        """Tell the trace, if there is one, of what no block shows; `callback` is one of
        `cycle_counter.on_exception_enter`, `on_host_call` and `on_resume`.
        """
        if self._trace:
            callback.ctypes(self._uc._uch, number, sp, self._base)

    def go(self, until: int = RETURN_ADDRESS) -> Event | None:
        """Execute from PC on until something happens; None when it came to `until`."""
        while True:
            event = self._stretch(until)
            if event != _HINT:
                return event

    def _stretch(self, until: int) -> Event | None:
        machine = self.machine
        machine["stop"] = STOP_NONE
        self._event = None
        pc = self.pc
        # The first block of a stretch raises no UC_HOOK_EDGE_GENERATED.
        slot = slot_of(pc)
        if slot < SLOTS:
            machine["index"][slot] = 0
        error = unicorn_const.UC_ERR_OK
        try:
            self._uc.emu_start(pc | self.is_thumb, until)
        except UcError as raised:
            error = raised.errno
        pc = self.pc
        hint = error == UC_ERR_INSN_INVALID and self._behind_block(pc)
        self._on_leave.ctypes(self._uc._uch, pc, 0, self._base)
        if hint:
            return _HINT
        if machine["stop"] != STOP_NONE:
            return Event(_COUNTER_STOPS[int(machine["stop"])])
        if self._event:
            return self._event
        if error == UC_ERR_INSN_INVALID:
            return Event(FaultReason.UNDEFINED if self.is_thumb else FaultReason.ARM_STATE)
        if error != unicorn_const.UC_ERR_OK:
            raise SimError(f"Unicorn stopped at {pc:#010x}: {UcError(error)}")
        return None if pc == until else Event(Ended.SLEEP)

    def _behind_block(self, pc: int) -> bool:
        """Whether `pc` follows the current block: so does Unicorn's error for WFE and YIELD."""
        block = self.machine["blocks"][self.machine["current"]]
        return bool(pc == block["end"])


_HINT = Event(Ended.SLEEP, -1)
