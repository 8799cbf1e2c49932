"""Data requests to the DMA. Source: RP2040 datasheet, 2.5.3.1 (DREQ table)."""

from collections.abc import Callable
from enum import IntEnum


class Dreq(IntEnum):
    """Numbers of the requests, as TREQ_SEL names them."""

    PIO0_TX0 = 0
    PIO0_TX1 = 1
    PIO0_TX2 = 2
    PIO0_TX3 = 3
    PIO0_RX0 = 4
    PIO0_RX1 = 5
    PIO0_RX2 = 6
    PIO0_RX3 = 7
    PIO1_TX0 = 8
    PIO1_TX1 = 9
    PIO1_TX2 = 10
    PIO1_TX3 = 11
    PIO1_RX0 = 12
    PIO1_RX1 = 13
    PIO1_RX2 = 14
    PIO1_RX3 = 15
    SPI0_TX = 16
    SPI0_RX = 17
    SPI1_TX = 18
    SPI1_RX = 19
    UART0_TX = 20
    UART0_RX = 21
    UART1_TX = 22
    UART1_RX = 23
    PWM_WRAP0 = 24
    PWM_WRAP1 = 25
    PWM_WRAP2 = 26
    PWM_WRAP3 = 27
    PWM_WRAP4 = 28
    PWM_WRAP5 = 29
    PWM_WRAP6 = 30
    PWM_WRAP7 = 31
    I2C0_TX = 32
    I2C0_RX = 33
    I2C1_TX = 34
    I2C1_RX = 35
    ADC = 36
    XIP_STREAM = 37
    XIP_SSITX = 38
    XIP_SSIRX = 39


class RequestLine:
    """Whether a peripheral has data, or room for it, in terms of one transfer."""

    def __init__(self, tell: Callable[[int, bool], None], number: Dreq) -> None:
        self._tell = tell
        self._number = int(number)
        self._level = False

    def set(self, level: bool) -> None:
        """Drive the line; changes alone are told."""
        if level != self._level:
            self._level = level
            self._tell(self._number, level)
