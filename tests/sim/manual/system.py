"""The system control space, 0xE000E000 to 0xE000EFFF, register by register (B3.2 to B3.5)."""

from manual.exceptions import FIRST_IRQ, IRQS, NMI, PENDSV, SVCALL, SYSTICK, Exceptions
from manual.memory import BusFault
from manual.mpu import REGIONS, Mpu
from manual.systick import SysTick

CPUID = 0x410C_C601  # Cortex-M0+ r0p1
_SYST_CSR, _SYST_RVR, _SYST_CVR = 0x010, 0x014, 0x018
_ISER, _ICER, _ISPR, _ICPR, _IPR, _IPR_END = 0x100, 0x180, 0x200, 0x280, 0x400, 0x420
_CPUID, _ICSR, _VTOR, _AIRCR, _SCR, _CCR = 0xD00, 0xD04, 0xD08, 0xD0C, 0xD10, 0xD14
_SHPR2, _SHPR3, _SHCSR = 0xD1C, 0xD20, 0xD24
_MPU_TYPE, _MPU_CTRL, _MPU_RNR, _MPU_RBAR, _MPU_RASR = 0xD90, 0xD94, 0xD98, 0xD9C, 0xDA0
_STKALIGN_AND_UNALIGN_TRP = 0x208


class SystemControl:
    """Words only; a register that is not there reads as zero and ignores what is written."""

    def __init__(self, exceptions: Exceptions, systick: SysTick, mpu: Mpu) -> None:
        self.exceptions = exceptions
        self.systick = systick
        self.mpu = mpu
        self.vector_table = 0
        self.sleep_control = 0
        self.reset_requested = False  # AIRCR.SYSRESETREQ

    @property
    def sleep_on_exit(self) -> bool:
        return bool(self.sleep_control >> 1 & 1)

    def read(self, address: int, active_number: int) -> int:
        """A word; `active_number` is IPSR."""
        at = _offset(address)
        if at == _SYST_CSR:
            return self.systick.read_control()
        if at == _SYST_RVR:
            return self.systick.reload
        if at == _SYST_CVR:
            return self.systick.value
        if at in (_ISER, _ICER):
            return _mask_of(self.exceptions.enabled)
        if at in (_ISPR, _ICPR):
            return _mask_of(self.exceptions.pending)
        if _IPR <= at < _IPR_END:
            first = FIRST_IRQ + at - _IPR
            return sum(self.exceptions.priority[first + n] << 8 * n + 6 for n in range(4))
        if at == _CPUID:
            return CPUID
        if at == _ICSR:
            return self._interrupt_state(active_number)
        if at == _VTOR:
            return self.vector_table
        if at == _AIRCR:
            return 0xFA05_0000
        if at == _SCR:
            return self.sleep_control
        if at == _CCR:
            return _STKALIGN_AND_UNALIGN_TRP
        if at == _SHPR2:
            return self.exceptions.priority[SVCALL] << 30
        if at == _SHPR3:
            return self.exceptions.priority[SYSTICK] << 30 | self.exceptions.priority[PENDSV] << 22
        if at == _SHCSR:
            return (SVCALL in self.exceptions.pending) << 15
        if at == _MPU_TYPE:
            return REGIONS << 8
        if at == _MPU_CTRL:
            return self.mpu.control
        if at == _MPU_RNR:
            return self.mpu.number
        if at == _MPU_RBAR:
            return self.mpu.base_address
        if at == _MPU_RASR:
            return self.mpu.attributes
        return 0

    def write(self, address: int, value: int) -> None:
        at = _offset(address)
        numbers = {FIRST_IRQ + n for n in range(IRQS) if value >> n & 1}
        if at == _SYST_CSR:
            self.systick.write_control(value)
        elif at == _SYST_RVR:
            self.systick.write_reload(value)
        elif at == _SYST_CVR:
            self.systick.write_value()
        elif at == _ISER:
            self.exceptions.enabled |= numbers
        elif at == _ICER:
            self.exceptions.enabled -= numbers
        elif at == _ISPR:
            for number in numbers:
                self.exceptions.pend(number)
        elif at == _ICPR:
            for number in numbers:
                self.exceptions.unpend(number)
        elif _IPR <= at < _IPR_END:
            for n in range(4):
                self.exceptions.priority[FIRST_IRQ + at - _IPR + n] = value >> 8 * n + 6 & 3
        elif at == _ICSR:
            self._change_interrupt_state(value)
        elif at == _VTOR:
            self.vector_table = value & 0xFFFF_FF00
        elif at == _AIRCR:
            if value >> 16 == 0x05FA and value >> 2 & 1:
                self.reset_requested = True
        elif at == _SCR:
            self.sleep_control = value & 0b10110
            self.exceptions.sev_on_pend = bool(value >> 4 & 1)
        elif at == _SHPR2:
            self.exceptions.priority[SVCALL] = value >> 30
        elif at == _SHPR3:
            self.exceptions.priority[SYSTICK] = value >> 30
            self.exceptions.priority[PENDSV] = value >> 22 & 3
        elif at == _SHCSR:
            if value >> 15 & 1:
                self.exceptions.pend(SVCALL)
            else:
                self.exceptions.unpend(SVCALL)
        elif at == _MPU_CTRL:
            self.mpu.control = value & 7
        elif at == _MPU_RNR:
            self.mpu.number = value & 0xF
        elif at == _MPU_RBAR:
            self.mpu.write_base_address(value)
        elif at == _MPU_RASR:
            self.mpu.write_attributes(value)

    def _interrupt_state(self, active_number: int) -> int:
        """ICSR (B3.2.4); PRIMASK and the current priority hide nothing from VECTPENDING."""
        pending = self.exceptions.pending
        return (
            (NMI in pending) << 31
            | (PENDSV in pending) << 28
            | (SYSTICK in pending) << 26
            | any(number >= FIRST_IRQ for number in pending) << 22
            | (self.exceptions.most_urgent() or 0) << 12
            | active_number
        )

    def _change_interrupt_state(self, value: int) -> None:
        for bit, number in ((31, NMI), (28, PENDSV), (26, SYSTICK)):
            if value >> bit & 1:
                self.exceptions.pend(number)
        for bit, number in ((27, PENDSV), (25, SYSTICK)):
            if value >> bit & 1:
                self.exceptions.unpend(number)


def _offset(address: int) -> int:
    if address >> 12 != 0xE000E:
        raise BusFault(f"nothing is modelled at {address:#010x}")
    return address & 0xFFF


def _mask_of(numbers: set[int]) -> int:
    return sum(1 << number - FIRST_IRQ for number in numbers if number >= FIRST_IRQ)
