"""A slow second opinion on interrupts: every instruction by itself, every cycle by itself.

It shares nothing with the simulator but Unicorn's instructions: SysTick and TIMER are stepped
cycle by cycle, exceptions are stacked here by the manual (Arm DDI0419E, B1.5).
"""

import struct
from dataclasses import dataclass, field
from typing import Any

from reference_counter import cost_of, words_of
from unicorn import arm_const, unicorn_const
from unicorn.unicorn_py3.unicorn import Uc, UcError

from priot.sim import Pico

_SRAM = 0x2000_0000
_SYSTICK, _NVIC, _SCB, _TIMER = 0xE000_E010, 0xE000_E100, 0xE000_ED00, 0x4005_4000
_WATCHDOG_TICK = 0x4005_802C
_ENTRY, _RETURN, _CHAIN = 15, 11, 6
_APB_READ, _APB_WRITE = 2, 3
_R = [getattr(arm_const, f"UC_ARM_REG_R{n}") for n in range(13)]
_SP, _LR, _PC, _XPSR = (
    getattr(arm_const, f"UC_ARM_REG_{name}") for name in ("SP", "LR", "PC", "XPSR")
)


@dataclass
class Interrupted:
    """The whole machine, stepped by `run`."""

    cycles_per_tick: int = 0  # once WATCHDOG.TICK was written, at `tick_start`
    tick_start: int = 0
    cycles: int = 0
    instructions: int = 0
    entries: list[tuple[int, int]] = field(default_factory=list)  # exception, cycles when begun
    abandoned: int = 0  # instructions

    def run(self, target: Pico, vector_table: int, limit: int = 20_000) -> None:
        """Execute a copy of a freshly reset Pico up to its first BKPT."""
        self._load(target)
        self.vtor = vector_table
        self.control = self.reload = self.value = 0
        self.alarms, self.armed, self.raised, self.enabled = [0] * 4, 0, 0, 0
        self.irqs = self.pending = 0
        self.priority = [0] * 48
        self.active: list[int] = []
        self.asleep = False
        while self.instructions < limit:
            if self.asleep:
                if self._first() is None:
                    self._pass(1)
                    continue
                self.asleep = False
            if self.pc >> 4 == 0xFFF_FFFF:
                self._leave()
            while (first := self._first()) is not None and not self._primask:
                self._enter(first)
            if not self._step():
                return
        raise AssertionError("no BKPT")

    def _load(self, target: Pico) -> None:
        self.uc = uc = Uc(
            unicorn_const.UC_ARCH_ARM,
            unicorn_const.UC_MODE_THUMB,
            cpu=arm_const.UC_CPU_ARM_CORTEX_M0,
        )
        uc.mem_map(_SRAM, target.sram.size)
        uc.mem_write(_SRAM, target.sram.tobytes())
        for base, size in ((0xE000_E000, 0x1000), (_TIMER, 0x8000)):
            uc.mmio_map(base, size, self._on_read, base, self._on_write, base)
        uc.hook_add(unicorn_const.UC_HOOK_INTR, lambda uc, *_: uc.emu_stop())
        registers = target.registers
        for name in registers.__dataclass_fields__:
            uc.reg_write(getattr(arm_const, f"UC_ARM_REG_{name.upper()}"), getattr(registers, name))
        self.pc = registers.pc

    @property
    def _primask(self) -> bool:
        return bool(self.uc.reg_read(arm_const.UC_ARM_REG_PRIMASK))

    def _step(self) -> bool:
        uc = self.uc
        halfword = struct.unpack("<H", uc.mem_read(self.pc, 2))[0]
        if halfword >> 8 == 0xBE:
            return False
        self.instructions += 1
        xpsr = uc.reg_read(_XPSR)
        flags = tuple(bool(xpsr >> bit & 1) for bit in (31, 30, 29, 28))
        if halfword >> 8 == 0xDF:
            self.pending |= 1 << 11
            self.pc += 2
            return True
        cost = cost_of(halfword, flags)  # type: ignore[arg-type]
        if halfword == 0xBF30:
            self.asleep = True
            self.pc += 2
            self._pass(cost)
            return True
        if words := words_of(halfword):
            return self._step_words(halfword, words, cost)
        self.extra = 0
        try:
            uc.emu_start(self.pc | 1, 0xFFFF_FFFF, count=1)
        except UcError:
            assert uc.reg_read(_PC) >> 4 == 0xFFF_FFFF
        self.pc = uc.reg_read(_PC)
        self._pass(cost + self.extra)
        return True

    def _step_words(self, halfword: int, words: int, cost: int) -> bool:
        """LDM, STM, PUSH or POP: an exception makes an end of it behind any of its words."""
        uc = self.uc
        kept = uc.context_save()
        base = uc.reg_read(_R[halfword >> 8 & 7] if halfword >> 12 == 0xC else _SP)
        start = base - 4 * words if halfword >> 9 == 0b1011010 else base
        before = uc.mem_read(start, 4 * words)
        try:
            uc.emu_start(self.pc | 1, 0xFFFF_FFFF, count=1)
        except UcError:
            assert uc.reg_read(_PC) >> 4 == 0xFFF_FFFF
        after = uc.mem_read(start, 4 * words)
        for done in range(1, words + 1):
            self._pass(1)
            if self._first() is not None and not self._primask:
                uc.context_restore(kept)
                uc.mem_write(start, bytes(after[: 4 * done] + before[4 * done :]))
                self.instructions -= 1
                self.abandoned += 1
                return True
        self.pc = uc.reg_read(_PC)
        self._pass(cost - words)
        return True

    def _pass(self, cycles: int) -> None:
        for _ in range(cycles):
            self.cycles += 1
            if self.control & 1:
                if self.value == 0:
                    self.value = self.reload
                else:
                    self.value -= 1
                    if self.value == 0 and self.control & 2:
                        self.pending |= 1 << 15
            if self.cycles_per_tick and not (self.cycles - self.tick_start) % self.cycles_per_tick:
                for n in range(4):
                    if self.armed >> n & 1 and self._ticks & 0xFFFF_FFFF == self.alarms[n]:
                        self.armed &= ~(1 << n)
                        self.raised |= 1 << n
                        if self.enabled >> n & 1:
                            self.pending |= 1 << 16 + n

    @property
    def _ticks(self) -> int:
        if not self.cycles_per_tick:
            return 0
        return (self.cycles - self.tick_start) // self.cycles_per_tick

    def _first(self) -> int | None:
        now = min((self.priority[n] for n in self.active), default=4)
        ready = [
            (self.priority[n], n)
            for n in range(48)
            if self.pending >> n & 1 and (n < 16 or self.irqs >> n - 16 & 1)
        ]
        return min(ready)[1] if ready and min(ready)[0] < now else None

    def _enter(self, number: int) -> None:
        uc = self.uc
        xpsr, sp = uc.reg_read(_XPSR), uc.reg_read(_SP)
        padded = sp & 4
        frame = sp - 32 - padded
        saved = [uc.reg_read(_R[n]) for n in (0, 1, 2, 3, 12)]
        saved += [uc.reg_read(_LR), self.pc, xpsr & ~(1 << 9) | padded << 7]
        uc.mem_write(frame, struct.pack("<8I", *saved))
        uc.reg_write(_SP, frame)
        uc.reg_write(_LR, 0xFFFF_FFF1 if xpsr & 0x1FF else 0xFFFF_FFF9)
        self._pass(_ENTRY)
        self._begin(self._first() or number)

    def _begin(self, number: int) -> None:
        self.entries.append((number, self.cycles))
        self.pending &= ~(1 << number)
        self.active.append(number)
        self.uc.reg_write(_XPSR, self.uc.reg_read(_XPSR) & ~0x1FF | number)
        self.pc = struct.unpack("<I", self.uc.mem_read(self.vtor + 4 * number, 4))[0] & ~1

    def _leave(self) -> None:
        uc = self.uc
        number = self.active.pop()
        if number >= 16 and (self.raised & self.enabled) >> number - 16 & 1:
            self.pending |= 1 << number
        first = self._first()
        if first is not None and not self._primask:
            uc.reg_write(_LR, self.pc | 1)
            self._pass(_CHAIN)
            self._begin(self._first() or first)
            return
        frame = uc.reg_read(_SP)
        *registers, lr, pc, xpsr = struct.unpack("<8I", uc.mem_read(frame, 32))
        for n, value in zip((0, 1, 2, 3, 12), registers, strict=True):
            uc.reg_write(_R[n], value)
        uc.reg_write(_LR, lr)
        uc.reg_write(_XPSR, xpsr & ~(1 << 9))
        uc.reg_write(_SP, frame + 32 + (xpsr >> 7 & 4))
        self.pc = pc
        self._pass(_RETURN)

    def _on_read(self, _uc: Uc, offset: int, size: int, base: Any) -> int:
        address = base + offset
        if base == _TIMER:
            self.extra += _APB_READ
        return {
            _SYSTICK: self.control,
            _SYSTICK + 4: self.reload,
            _SYSTICK + 8: self.value,
            _TIMER + 0x28: self._ticks,
            _TIMER + 0x34: self.raised,
        }[address]

    def _on_write(self, _uc: Uc, offset: int, size: int, value: int, base: Any) -> None:
        address = base + offset
        if base == _TIMER:
            self.extra += _APB_WRITE
        if address == _SYSTICK:
            self.control = value & 7
        elif address == _SYSTICK + 4:
            self.reload = value
        elif address == _SYSTICK + 8:
            self.value = 0
        elif address == _NVIC:
            self.irqs |= value
        elif address == _NVIC + 0x100:
            self.pending |= value << 16
        elif address >> 5 == (_NVIC + 0x300) >> 5:
            for at in range(4):
                self.priority[16 + address - _NVIC - 0x300 + at] = value >> 8 * at + 6 & 3
        elif address == _SCB + 4:
            self.pending |= (value >> 28 & 1) << 14 | (value >> 26 & 1) << 15
        elif address == _SCB + 0x1C:
            self.priority[11] = value >> 30
        elif address == _SCB + 0x20:
            self.priority[14], self.priority[15] = value >> 22 & 3, value >> 30
        elif address == _TIMER + 0x34:
            self.raised &= ~value
        elif address == _TIMER + 0x38:
            self.enabled = value
        elif _TIMER + 0x10 <= address <= _TIMER + 0x1C:
            number = (offset - 0x10) // 4
            self.alarms[number] = value
            self.armed |= 1 << number
        elif address == _WATCHDOG_TICK:
            self.cycles_per_tick, self.tick_start = value & 0x1FF, self.cycles
        else:
            raise AssertionError(f"{address:#x}")
