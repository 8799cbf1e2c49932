"""The cache through which flash is executed and read in place, as the host sees it.

RP2040 datasheet, 2.6.3.1: 16 KB, two-way set-associative, a hit takes no extra cycle. A line is
8 bytes, filled by halves of 4 (one serial read each; pico-feedback issue 307). The datasheet is
silent on which way gives way; least recently used is assumed. What an access does is native:
`wait_for_flash` in sim.cpu.memory.
"""

from dataclasses import dataclass

from sim.cpu.state import FLASH_AT, Chip, State
from sim.memory_map import FLASH

# Cycles that a missed word costs beyond a hit. Quad read in continuous mode: 20 SCK at half the
# system clock (boot2_w25q080.S of the SDK), so at least 40; 45 to 50 fit published times of code
# on silicon, which the SSI's clock crossing explains (RP2040 datasheet, 4.10).
DEFAULT_MISS_CYCLES = 45


@dataclass(frozen=True)
class XipStatistics:
    """Accesses of words in flash since reset, and the `stall_cycles` that the misses cost.

    `accesses` and `hits` are what the counters CTR_ACC and CTR_HIT show (datasheet, 2.6.3.4).
    """

    accesses: int
    hits: int
    stall_cycles: int

    @property
    def misses(self) -> int:
        """Accesses that had to wait for the flash chip."""
        return self.accesses - self.hits


class XipCache:
    """The cache's lines and counts; `miss_cycles` None: flash is as fast as SRAM.

    Raises:
        ValueError: `miss_cycles` is below 0.
    """

    def __init__(self, state: State, miss_cycles: int | None) -> None:
        if miss_cycles is not None and miss_cycles < 0:
            raise ValueError(f"xip_miss {miss_cycles}: a miss cannot take less than no time")
        self._chip, self._lines = state.chip, state.lines
        self._words = state.words[FLASH_AT // 4 :]
        self._chip[Chip.XIP_MODELLED] = miss_cycles is not None
        self._chip[Chip.XIP_MISS] = miss_cycles or 0

    @property
    def statistics(self) -> XipStatistics:
        """The counts since reset; all zero where the cache is not modelled."""
        return XipStatistics(self.accesses, self.hits, int(self._chip[Chip.XIP_STALLS]))

    @property
    def accesses(self) -> int:
        """Words accessed since reset."""
        return int(self._chip[Chip.XIP_ACCESSES])

    @property
    def hits(self) -> int:
        """Those found in the cache."""
        return int(self._chip[Chip.XIP_HITS])

    @property
    def word_cycles(self) -> int:
        """Cycles that a word takes to come from the flash; 0 where that is not modelled."""
        return int(self._chip[Chip.XIP_MISS])

    def word_at(self, address: int) -> int:
        """The word of the flash at an address, wherever in its windows; the chip repeats itself."""
        return int(self._words[address % FLASH.size // 4])

    def flush(self) -> None:
        """Forget all lines, as a write of 1 to XIP_CTRL.FLUSH does."""
        self._lines[:] = 0

    def enable(self, on: bool) -> None:
        """Use the cache or not, as XIP_CTRL.EN says; what it held is lost when it goes off."""
        self._chip[Chip.XIP_OFF] = not on
        if not on:
            self.flush()

    def reset(self) -> None:
        """Cold, with all counts at zero."""
        self.enable(True)
        self.flush()
        self._chip[[Chip.XIP_ACCESSES, Chip.XIP_HITS, Chip.XIP_STALLS]] = 0
