"""The cache through which flash is executed and read in place, as the host sees it.

What an access does is native: priot.sim.cpu.flash_cache. What a missed word costs follows from how
the program's second stage sets up the serial interface: priot.sim.peripherals.xip_ssi.
"""

from dataclasses import dataclass
from enum import StrEnum

from priot.sim.cpu.state import FLASH_AT, Chip, State
from priot.sim.memory_map import FLASH

# Cycles that a missed word costs beyond a hit with the Pico's own second stage, boot2_w25q080 of
# the SDK: 20 clocks at half the system clock, and the interface's 10
# (priot.sim.peripherals.xip_ssi).
PICO_MISS_CYCLES = 50
_SEEDS = 1 << 32


class Replacement(StrEnum):
    """Which way of a set gives way to a line that is in none."""

    RANDOM = "random"
    """Any, full or empty."""
    LRU = "lru"
    """The one that was not used last."""


@dataclass(frozen=True)
class XipModel:
    """How the cache behaves where the datasheet is silent.

    Attributes:
        miss_cycles: cycles of a missed word beyond a hit; None: as the program's second stage sets
            up the serial interface, or as on a Pico where it has none.
        replacement: which way gives way.
        seed: of the random ways.

    Raises:
        ValueError: `miss_cycles` is below 0, or `seed` has more than 32 bits.
    """

    miss_cycles: int | None = None
    replacement: Replacement = Replacement.RANDOM
    seed: int = 0

    def __post_init__(self) -> None:
        if self.miss_cycles is not None and self.miss_cycles < 0:
            raise ValueError(f"xip_miss {self.miss_cycles}: a miss cannot take less than no time")
        if not 0 <= self.seed < _SEEDS:
            raise ValueError(f"xip_seed {self.seed}: give 0 to {_SEEDS - 1}")


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
    """The cache's lines and counts; `model` None: flash is as fast as SRAM."""

    def __init__(self, state: State, model: XipModel | None) -> None:
        self._chip, self._lines, self._model = state.chip, state.lines, model
        self._chip[Chip.XIP_MODELLED] = model is not None
        self._words = state.words[FLASH_AT // 4 :]
        self.reset()

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
    def model(self) -> XipModel | None:
        """As it was given, with what a missed word costs now."""
        if self._model is None:
            return None
        cycles = int(self._chip[Chip.XIP_MISS])
        return XipModel(cycles, self._model.replacement, self._model.seed)

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

    def read_takes(self, cycles: int) -> None:
        """The serial interface was set up to read a word in so many cycles."""
        if self._model is not None and self._model.miss_cycles is None:
            self._chip[Chip.XIP_MISS] = cycles

    def reset(self) -> None:
        """Cold, with all counts at zero, and the random ways begun anew."""
        self.enable(True)
        self.flush()
        chip, model = self._chip, self._model or XipModel(0)
        chip[[Chip.XIP_ACCESSES, Chip.XIP_HITS, Chip.XIP_STALLS]] = 0
        chip[Chip.XIP_LRU] = model.replacement is Replacement.LRU
        chip[Chip.XIP_RANDOM] = model.seed
        given = model.miss_cycles
        chip[Chip.XIP_MISS] = PICO_MISS_CYCLES if given is None else given
