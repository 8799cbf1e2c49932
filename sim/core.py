"""The processor: Unicorn as an ARMv6-M, with the cycle counter in its hooks.

Unicorn 2.1.4 is an ARMv6-M only as CPU model Cortex-M0 *without* UC_MODE_MCLASS (that mode is a
Cortex-M33 whatever model is asked for). It has no NVIC: exceptions arrive as UC_HOOK_INTR.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from unicorn import arm_const, unicorn_const
from unicorn.unicorn_const import UC_ERR_INSN_INVALID
from unicorn.unicorn_py3.unicorn import Uc, UcError, uclib

from sim import cycle_counter, mmio
from sim.bus import Bus
from sim.errors import SimError
from sim.faults import FaultReason, Registers
from sim.instructions import ACCESSES, CYCLES, KIND, SP_CHANGE, WIDE
from sim.machine import (
    FLASH_SLOTS,
    ROM_SLOT,
    SLOTS,
    STOP_BUDGET,
    STOP_EVENT,
    STOP_FULL,
    STOP_NONE,
    STOP_REFUSED,
    STOP_STACK,
    new_machine,
    slot_of,
)
from sim.memory_map import FLASH, FLASH_ALIASES, ROM, SRAM, XIP
from sim.peripherals import BLOCKS
from sim.register_file import RegisterFile

# Where a called function returns to: an address that never holds code (Armv6-M reserves
# 0xE0100000-0xFFFFFFFF for the vendor, execute never), and no EXC_RETURN value.
RETURN_ADDRESS = 0xEFFF_FFFE

_BOOT_ROM = Path(__file__).with_name("bootrom.bin")
_THUMB_BIT = 1 << 24  # XPSR.T
_SPSEL = 1 << 1  # CONTROL.SPSEL
_WFE, _WFI = 0xBF20, 0xBF30
_HALFWORD, _WORD = 2, 4  # bytes
_MEMORIES = ("ROM", "XIP", "XIP_SRAM", "SRAM", "SRAM unstriped")  # among the blocks
# Arm DDI0419E, A5.2.4: encodings of loads.
_LDRSB, _LDRSH = 0b0101011, 0b0101111
_TARGET_IN_BITS_10_TO_8 = (0b01001, 0b10010, 0b10011)  # literal, relative to SP
# QEMU's EXCP_ numbers.
_INTERRUPT_SVC, _INTERRUPT_DATA_ABORT, _INTERRUPT_BKPT, _INTERRUPT_RETURN = 2, 4, 7, 8


class Ended(Enum):
    """Why the core came to rest, where the guest did nothing wrong."""

    BREAKPOINT = auto()
    BUDGET = auto()
    RETURNED = auto()  # came to RETURN_ADDRESS
    SLEEP = auto()  # behind a WFI
    WAIT = auto()  # behind a WFE
    TURN = auto()  # ahead of an access to a peripheral before which the other core has its turn
    ACCESS = auto()  # behind an access to a peripheral that may change what comes next
    EVENT = auto()  # ahead of a block with an event at or inside it
    RESET = auto()  # the program asked for a reset
    DEBUGGER = auto()  # ahead of an instruction at which a debugger's hook stopped the core
    REFUSED = auto()  # ahead of a block with an instruction that an RP2040 does not have
    STACK = auto()  # ahead of a block that would go below the stack limit
    FULL = auto()  # the counter's books must be folded


@dataclass(frozen=True)
class Event:
    """What ended a stretch of execution; `address` and `size` (bytes) of a faulting access."""

    reason: Ended | FaultReason
    address: int | None = None
    size: int = 0


_COUNTER_STOPS = {
    STOP_BUDGET: Ended.BUDGET,
    STOP_EVENT: Ended.EVENT,
    STOP_REFUSED: Ended.REFUSED,
    STOP_STACK: Ended.STACK,
    STOP_FULL: Ended.FULL,
}
_BAD_ACCESSES = {
    unicorn_const.UC_MEM_READ_UNMAPPED: FaultReason.READ,
    unicorn_const.UC_MEM_WRITE_UNMAPPED: FaultReason.WRITE,
    unicorn_const.UC_MEM_FETCH_UNMAPPED: FaultReason.FETCH,
    unicorn_const.UC_MEM_FETCH_PROT: FaultReason.FETCH,
    unicorn_const.UC_MEM_WRITE_PROT: FaultReason.WRITE_FLASH,
}


class Peripherals(Protocol):
    """What the core asks of everything beyond its memories."""

    bus: Bus
    strict: bool

    def may_access(self) -> bool:
        """Whether the other core has come as far as this access, so that it is in order."""
        ...

    def is_settled(self, address: int, wrote: bool) -> bool:
        """Whether the core may go on in the block after an access to a peripheral."""
        ...


class Core:
    """One Cortex-M0+ with its memories; `machine` is the MACHINE record they live in.

    Args:
        peripherals: what it asks about accesses to registers.
        xip_cache: model the cache in front of flash.
        trace: keep the shadow call stack.
        shared_bus: record what each of two cores does on the bus.
    """

    def __init__(
        self,
        peripherals: Peripherals,
        xip_cache: bool = False,
        trace: bool = False,
        shared_bus: bool = False,
    ) -> None:
        self._peripherals = peripherals
        self._machine_array = new_machine()
        self.machine = self._machine_array[0]
        self._base = self._machine_array.ctypes.data
        machine = self.machine
        machine["kind"], machine["cycles_16"], machine["sp_change"] = KIND, CYCLES, SP_CHANGE
        machine["accesses_16"] = ACCESSES
        machine["wide"][:, 1] = 1  # mask 0, value 1: matches nothing
        machine["wide"][: len(WIDE)] = WIDE
        machine["register_address"] = machine["register"].ctypes.data
        machine["block_count"] = 1
        self._memory = machine["code"].view(np.uint32)
        self._event: Event | None = None
        self._xip_cache, self._trace, self._shared_bus = xip_cache, trace, shared_bus
        machine["xip_on"] = xip_cache
        self._on_block, self._on_leave = cycle_counter.block_callbacks(xip_cache, trace, shared_bus)
        self._uc = Uc(
            unicorn_const.UC_ARCH_ARM,
            unicorn_const.UC_MODE_THUMB,
            cpu=arm_const.UC_CPU_ARM_CORTEX_M0,
        )
        self._file = RegisterFile(self._uc._uch)
        self._map_memory()
        self._map_registers()
        self._hook()

    def _map_memory(self) -> None:
        code = self.machine["code"]
        read_execute = unicorn_const.UC_PROT_READ | unicorn_const.UC_PROT_EXEC
        for region, slot, rights in (
            (FLASH, 0, read_execute),
            (SRAM, FLASH_SLOTS, unicorn_const.UC_PROT_ALL),
            (ROM, ROM_SLOT, read_execute),
        ):
            if region is ROM and not _BOOT_ROM.exists():
                continue  # then it is no memory
            pointer = code[slot:].ctypes.data
            self._uc.mem_map_ptr(region.base, region.size, rights, pointer)
            if region is ROM:
                image = np.frombuffer(_BOOT_ROM.read_bytes(), np.uint16)
                code[slot : slot + image.size] = image
        for base in FLASH_ALIASES:
            read = unicorn_const.UC_PROT_READ
            self._uc.mem_map_ptr(base, FLASH.size, read, code.ctypes.data)

    def _map_registers(self) -> None:
        """Register blocks as MMIO without rights, see sim/mmio.py."""
        for block in BLOCKS:
            if block.name in _MEMORIES:
                continue
            status = uclib.uc_mmio_map(
                self._uc._uch,
                ctypes.c_uint64(block.base),
                ctypes.c_size_t(block.size),
                ctypes.c_void_p(mmio.on_bus_read.address),
                ctypes.c_void_p(self._base),
                ctypes.c_void_p(mmio.on_bus_write.address),
                ctypes.c_void_p(self._base),
            )
            if status != unicorn_const.UC_ERR_OK:
                raise SimError(f"Unicorn refuses MMIO: {UcError(status)}; is it version 2.1.4?")
            self._uc.mem_protect(block.base, block.size, unicorn_const.UC_PROT_NONE)

    def _hook(self) -> None:
        """Install all hooks; code translated before would never call them (unicorn #2200)."""
        everywhere = (1, 0)  # begin above end
        hooks = [
            (unicorn_const.UC_HOOK_BLOCK, self._on_block, *everywhere),
            (unicorn_const.UC_HOOK_EDGE_GENERATED, cycle_counter.on_translation, *everywhere),
            (unicorn_const.UC_HOOK_MEM_READ_PROT, mmio.on_access, *everywhere),
            (unicorn_const.UC_HOOK_MEM_WRITE_PROT, mmio.on_access, *everywhere),
        ]
        if self._xip_cache:
            on_read = cycle_counter.on_flash_read
            hooks.append((unicorn_const.UC_HOOK_MEM_READ, on_read, XIP.base, XIP.end - 1))
        if self._shared_bus:
            for kind in (unicorn_const.UC_HOOK_MEM_READ, unicorn_const.UC_HOOK_MEM_WRITE):
                hooks.append((kind, cycle_counter.on_memory, *everywhere))
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
        if number == _INTERRUPT_RETURN:
            # Unicorn looks for handler mode at a CPS or MSR only. After one in a handler, be that
            # over or not, a branch to an EXC_RETURN value comes here, and else is a bad fetch.
            self._event = Event(FaultReason.FETCH, self.pc, _HALFWORD)
            uc.emu_stop()
            return
        reasons: dict[int, Ended | FaultReason] = {
            _INTERRUPT_SVC: FaultReason.SUPERVISOR_CALL,
            _INTERRUPT_DATA_ABORT: FaultReason.UNALIGNED,
            _INTERRUPT_BKPT: Ended.BREAKPOINT,
        }
        self._event = Event(reasons.get(number, FaultReason.UNDEFINED))
        uc.emu_stop()

    def _on_bad_access(
        self, _uc: Uc, access: int, address: int, size: int, value: int, _data: Any
    ) -> bool:
        reads = access == unicorn_const.UC_MEM_READ_PROT
        reason = _BAD_ACCESSES.get(access)
        if reads or (reason is FaultReason.WRITE_FLASH and slot_of(address) == SLOTS):
            return self._access_register(reads, address, size, value)
        if reason is FaultReason.WRITE_FLASH and ROM.holds(address):
            reason = FaultReason.WRITE_ROM
        self._event = Event(reason or FaultReason.READ, address, size)
        return False

    def _access_register(self, reads: bool, address: int, size: int, value: int) -> bool:
        """Let a load or store reach its peripheral; False stops the core at the instruction."""
        bus, machine = self._peripherals.bus, self.machine
        if not self._peripherals.may_access():
            self._event = Event(Ended.TURN, address, size)
            return False
        if reads:
            loaded = bus.read(address, size)
            modelled = loaded is not None
            machine["bus_value"] = loaded or 0
            if size == _WORD:
                machine["polled_at"], machine["polled_value"] = address, loaded or 0
                machine["polled_until"] = bus.steady_until(address)
        else:
            machine["polled_until"] = 0
            modelled = bus.write(address, size, value)
        if not modelled and self._peripherals.strict:
            self._event = Event(FaultReason.UNMODELLED, address, size)
            return False
        if self._peripherals.is_settled(address, not reads):
            return True
        halfword = int(machine["code"][slot_of(int(machine["access_pc"]))])
        if _moves_several(halfword):
            machine["event_at"] = machine["next_stop"] = 0  # settled when the block ends
            return True
        self._event = _Performed(Ended.ACCESS, halfword=halfword, reads=reads)
        return False

    def _complete(self, access: "_Performed") -> None:
        """Finish the load or store whose access was performed, since Unicorn gave it up."""
        halfword = access.halfword
        if access.reads:
            value = int(self.machine["bus_value"])
            if halfword >> 9 == _LDRSB:
                value |= 0xFFFF_FF00 * (value >> 7)
            elif halfword >> 9 == _LDRSH:
                value |= 0xFFFF_0000 * (value >> 15)
            at = 8 if halfword >> 11 in _TARGET_IN_BITS_10_TO_8 else 0
            self.set_registers(**{f"r{halfword >> at & 7}": value})
        self.wait(int(self.machine["bus_cycles"]))
        self.machine["extra_cycles"][slot_of(self.pc)] += self.machine["bus_cycles"]
        self.set_registers(pc=(self.pc + 2) | 1)

    @property
    def registers(self) -> Registers:
        """A snapshot of the registers."""
        return self._file.all()

    def set_registers(self, **values: int) -> None:
        """Write the named registers, in this order."""
        self._file.update(values.items())

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        return self._file["pc"]

    @property
    def is_thumb(self) -> bool:
        """XPSR.T: clear after a branch to an even address."""
        return bool(self._file["xpsr"] & _THUMB_BIT)

    @property
    def primask(self) -> bool:
        """Whether PRIMASK keeps exceptions away."""
        return bool(self._file["primask"] & 1)

    @property
    def event_register(self) -> bool:
        """What SEV and exceptions set and WFE waits for (Arm DDI0419E, B1.5.18)."""
        return bool(self.machine["event_register"])

    @event_register.setter
    def event_register(self, value: bool) -> None:
        self.machine["event_register"] = value

    @property
    def process_stack(self) -> int:
        """PSP."""
        return self._file["psp"]

    @property
    def on_process_stack(self) -> bool:
        """CONTROL.SPSEL; written in thread mode only."""
        return bool(self._file["control"] & _SPSEL)

    @on_process_stack.setter
    def on_process_stack(self, value: bool) -> None:
        self._file["control"] = self._file["control"] & ~_SPSEL | _SPSEL * value

    def reset_special_registers(self) -> None:
        """Thread mode on the main stack, interrupts allowed."""
        self.set_registers(xpsr=_THUMB_BIT, control=0, primask=0, psp=0)

    def halfword(self, address: int) -> int | None:
        """The halfword at an even address of any memory; None elsewhere."""
        slot = slot_of(address)
        return int(self.machine["code"][slot]) if slot < SLOTS else None

    def word(self, address: int) -> int | None:
        """The word at an aligned address of any memory; None elsewhere."""
        slot = slot_of(address)
        return int(self._memory[slot // 2]) if slot < SLOTS and address % 4 == 0 else None

    def set_word(self, address: int, value: int) -> bool:
        """Store a word in SRAM; False elsewhere."""
        if not SRAM.holds(address, 4) or address % 4:
            return False
        self._memory[slot_of(address) // 2] = value
        return True

    def may_push(self, sp: int) -> bool:
        """Whether the present stack may grow down to `sp`, which the books note."""
        machine = self.machine
        if sp >= machine["sp_lowest"] or self._file["sp"] != self._file["msp"]:
            return True
        if sp < machine["sp_limit"]:
            return False
        machine["sp_lowest"] = sp
        return True

    def register(self, name: str) -> int:
        """A register by its name in `Registers`, or msp, psp, primask or control."""
        return self._file[name]

    def add_hook(self, kind: int, callback: Callable[..., None], begin: int, end: int) -> int:
        """A debugger's UC_HOOK_* on `begin` to `end`, both included; returns its handle.

        Code that was translated before does not call it until it is forgotten (unicorn #2200).
        """
        return int(self._uc.hook_add(kind, callback, None, begin, end))

    def remove_hook(self, handle: int) -> None:
        """Take back a hook; as with `add_hook`, code has to be forgotten."""
        self._uc.hook_del(handle)

    def halt(self) -> None:
        """From a debugger's hook: come to rest ahead of the present instruction.

        Unicorn leaves the block there, and behind each access of a load or store: a hook on one
        finds PC at the instruction, which is executed anew when the core goes on.
        """
        self._event = Event(Ended.DEBUGGER)
        self._uc.emu_stop()

    def wait(self, cycles: int) -> None:
        """Count cycles that belong to no instruction."""
        self.machine["cycles"] += cycles

    def forget_code(self, address: int, size: int) -> None:
        """Drop what was translated and decoded of a range, since its bytes changed."""
        if size:  # Unicorn refuses an empty range
            self._uc.ctl_remove_cache(address, address + size)

    def forget_all_code(self) -> None:
        """Drop all that was translated."""
        self._uc.ctl_flush_tb()

    def note(self, callback: Any, number: int = 0, sp: int = 0) -> None:
        """Tell the trace, if there is one, of what no block shows; `callback` is one of
        `cycle_counter.on_exception_enter`, `on_host_call` and `on_resume`.
        """
        if self._trace:
            callback.ctypes(self._uc._uch, number, sp, self._base)

    def charge_trace(self) -> None:
        """Charge the trace's present node with cycles that passed outside of blocks."""
        if self._trace:
            self._on_leave.ctypes(self._uc._uch, self.pc, 0, self._base)

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
            if self._uc._hook_exception is not None:  # what a callback raised says more
                raise self._uc._hook_exception from None
            error = raised.errno
        if isinstance(self._event, _Performed):
            self._complete(self._event)
        pc = self.pc
        hint = error == UC_ERR_INSN_INVALID and self._behind_block(pc)
        self._on_leave.ctypes(self._uc._uch, pc, 0, self._base)
        if hint:
            waits = machine["code"][slot_of(pc - 2)] == _WFE
            return Event(Ended.WAIT) if waits else _HINT
        if machine["stop"] != STOP_NONE:
            return Event(_COUNTER_STOPS[int(machine["stop"])])
        if self._event:
            return self._event
        if error == UC_ERR_INSN_INVALID:
            return Event(FaultReason.UNDEFINED if self.is_thumb else FaultReason.ARM_STATE)
        if error != unicorn_const.UC_ERR_OK:
            raise SimError(f"Unicorn stopped at {pc:#010x}: {UcError(error)}")
        slept = pc != until or self.halfword(pc - 2) == _WFI  # the one ahead of `until`
        return Event(Ended.SLEEP) if slept else None

    def _behind_block(self, pc: int) -> bool:
        """Whether `pc` follows the current block: so does Unicorn's error for WFE and YIELD."""
        block = self.machine["blocks"][self.machine["current"]]
        return bool(pc == block["end"])


@dataclass(frozen=True)
class _Performed(Event):
    """A load or store that reached its peripheral, but whose instruction did not end."""

    halfword: int = 0
    reads: bool = False


def _moves_several(halfword: int) -> bool:
    """Whether it is LDM, STM, PUSH or POP."""
    return halfword >> 12 == 0xC or halfword >> 9 in (0b1011010, 0b1011110)


_HINT = Event(Ended.SLEEP, -1)
