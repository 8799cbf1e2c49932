"""Interrupt numbers and lines. Source: RP2040 datasheet, 2.3.2 (interrupts)."""

from collections.abc import Callable
from enum import IntEnum


class Irq(IntEnum):
    """Interrupt request numbers, as the NVIC counts them."""

    TIMER_0 = 0
    TIMER_1 = 1
    TIMER_2 = 2
    TIMER_3 = 3
    PWM_WRAP = 4
    USBCTRL = 5
    XIP = 6
    PIO0_0 = 7
    PIO0_1 = 8
    PIO1_0 = 9
    PIO1_1 = 10
    DMA_0 = 11
    DMA_1 = 12
    IO_BANK0 = 13
    IO_QSPI = 14
    SIO_PROC0 = 15
    SIO_PROC1 = 16
    CLOCKS = 17
    SPI0 = 18
    SPI1 = 19
    UART0 = 20
    UART1 = 21
    ADC_FIFO = 22
    I2C0 = 23
    I2C1 = 24
    RTC = 25


class InterruptLine:
    """One level-sensitive request; tells the NVIC of changes alone."""

    def __init__(self, irq: Callable[[int, bool], None], number: Irq) -> None:
        self._irq = irq
        self._number = int(number)
        self._level = False

    def set(self, level: bool) -> None:
        """Drive the line."""
        if level != self._level:
            self._level = level
            self._irq(self._number, level)
