"""The system timer (B3.3)."""

_24_BITS = 0xFF_FFFF


class SysTick:
    """Counts the processor's clock; the other clock (CLKSOURCE 0) never ticks here."""

    def __init__(self) -> None:
        self.enable = self.interrupt = self.processor_clock = self.count_flag = False
        self.reload = self.value = 0

    def tick(self) -> bool:
        """One cycle of the processor's clock; True when the exception becomes pending."""
        if not self.enable or not self.processor_clock:
            return False
        if self.value == 0:
            self.value = self.reload
            return False
        self.value -= 1
        if self.value:
            return False
        self.count_flag = True
        return self.interrupt

    def read_control(self) -> int:
        """SYST_CSR; reading clears COUNTFLAG."""
        flags = self.count_flag << 16 | self.processor_clock << 2
        self.count_flag = False
        return flags | self.interrupt << 1 | self.enable

    def write_control(self, value: int) -> None:
        self.enable, self.interrupt, self.processor_clock = (bool(value >> n & 1) for n in range(3))

    def write_reload(self, value: int) -> None:
        self.reload = value & _24_BITS

    def write_value(self) -> None:
        """SYST_CVR; any value written clears it and COUNTFLAG, and no exception comes of that."""
        self.value = 0
        self.count_flag = False
