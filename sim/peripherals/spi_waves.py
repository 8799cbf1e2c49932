"""What the lines of an SPI master do in a word. Source: Arm DDI0194H, 2.3.5 to 2.3.14 with figures
2-2 to 2-13.

Times are half periods of the bit clock: of a frame's first word since its chip select changed, of
any other since the last bit of the word ahead of it was sampled.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

CONTROL_BITS = 8  # that the master sends in a Microwire frame, before one bit of silence


class Format(IntEnum):
    """SSPCR0.FRF."""

    MOTOROLA = 0
    TI = 1
    MICROWIRE = 2


class Lines(NamedTuple):
    """What the lines are from a time on; data is a level, or None where nobody drives it."""

    half: int
    select: bool
    clock: bool
    data: bool | None


class Frame(NamedTuple):
    """How words are sent.

    Attributes:
        bits: of a word.
        spo: the clock is high while it rests (Motorola).
        sph: data is sampled with the second edge of the clock, not the first (Motorola).
    """

    format: Format
    bits: int
    spo: bool = False
    sph: bool = False

    @property
    def length(self) -> int:
        """Bits of a word, with what Microwire sends ahead of it."""
        return self.bits + (CONTROL_BITS + 1 if self.format == Format.MICROWIRE else 0)

    @property
    def sampled(self) -> int:
        """When the last bit of a frame's first word is sampled."""
        return 2 * self.length + (self.format == Format.TI)

    @property
    def trail(self) -> int:
        """From there to the end of the frame."""
        return 1 if self.format == Format.TI else 2

    @property
    def goes_on(self) -> bool:
        """Whether the next word follows in the same frame."""
        return self.format != Format.MOTOROLA or self.sph

    def idle(self, half: int = 0) -> Lines:
        """Between frames."""
        is_ti = self.format == Format.TI  # whose chip select is a pulse that is high
        return Lines(half, not is_ti, self.spo and self.format == Format.MOTOROLA, None)

    def word(self, word: int, first: bool) -> Iterator[Lines]:
        """One word, perhaps the first of its frame."""
        if self.format == Format.TI:
            return self._ti(word, first)
        if self.format == Format.MICROWIRE:
            return self._microwire(word, first)
        return self._late(word, first) if self.sph else self._early(word)

    def answer(self, word: int, first: bool) -> Iterator[Lines]:
        """What a slave puts out meanwhile; its select and clock mean nothing."""
        if self.format == Format.TI:
            begins = 2 if first else 1
        else:
            begins = 2 * (self.length - self.bits) + 1
        for number, level in enumerate(self._levels(word, self.bits)):
            half = begins + 2 * number
            if self.format == Format.MOTOROLA and not self.sph and number == 0:
                half = 0  # with chip select, ahead of the first edge
            yield Lines(half, False, False, level)

    def _levels(self, word: int, bits: int) -> list[bool]:
        return [bool(word >> place & 1) for place in reversed(range(bits))]

    def _early(self, word: int) -> Iterator[Lines]:
        """Motorola, SPH = 0. Figures 2-4, 2-5, 2-7 and 2-8."""
        data, rest = self._levels(word, self.bits), self.spo
        yield Lines(0, False, rest, False)
        yield Lines(1, False, rest, data[0])
        for number, level in enumerate(data, 1):
            yield Lines(2 * number, False, not rest, level)
            yield Lines(2 * number + 1, False, rest, data[min(number, self.bits - 1)])

    def _late(self, word: int, first: bool) -> Iterator[Lines]:
        """Motorola, SPH = 1. Figures 2-6 and 2-9."""
        rest = self.spo
        if first:
            yield Lines(0, False, rest, False)
        for number, level in enumerate(self._levels(word, self.bits)):
            yield Lines(2 * number + 1, False, not rest, level)
            yield Lines(2 * number + 2, False, rest, level)

    def pulse(self, word: int) -> Iterator[Lines]:
        """TI: what announces the next word lies in the last bit of this one. Figure 2-3."""
        for half in (0, 1):
            yield Lines(half, True, not half, bool(word & 1))

    def _ti(self, word: int, first: bool) -> Iterator[Lines]:
        """TI. Figures 2-2 and 2-3."""
        begins = 2 if first else 1
        if first:
            yield Lines(0, True, True, None)
            yield Lines(1, True, False, None)
        for number, level in enumerate(self._levels(word, self.bits), 1):
            yield Lines(begins + 2 * number - 2, False, True, level)
            yield Lines(begins + 2 * number - 1, False, False, level)

    def _microwire(self, word: int, first: bool) -> Iterator[Lines]:
        """Microwire. Figures 2-10 and 2-11."""
        data = [*self._levels(word, CONTROL_BITS), *[False] * (1 + self.bits)]
        yield Lines(0 if first else 1, False, False, data[0])
        for number, level in enumerate(data, 1):
            yield Lines(2 * number, False, True, level)
            yield Lines(2 * number + 1, False, False, (*data, False)[number])
