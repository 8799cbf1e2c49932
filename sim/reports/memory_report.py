"""Where a program's memory went, in full: sections, symbols, stack, heap, bytes touched."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from priot.sim.loading.elf import Program
from priot.sim.loading.symbols import Symbol
from priot.sim.memory_map import FLASH, SRAM, Region
from priot.sim.reports.memory_use import KEPT_FREE


@dataclass(frozen=True)
class SectionUse:
    """A section as the program sees it; `kind` is "code" (or constants), "data" or "room"."""

    name: str
    address: int
    size: int
    kind: str


@dataclass(frozen=True)
class SymbolUse:
    """A function or variable, in bytes."""

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class RegionUse:
    """One memory: its sections by address, its largest symbols, in bytes."""

    address: int
    capacity: int
    used: int
    sections: tuple[SectionUse, ...]
    largest: tuple[SymbolUse, ...]


@dataclass(frozen=True)
class StackUse:
    """A core's stack: it grows down from `top`; `high_water` bytes were reached, `limit` ends its
    room.

    `chain` and `cycle` tell the calls under way at the deepest point, `over_time` the points
    (cycle, SP), lowest SP from there on; None and empty if not traced.
    """

    top: int
    limit: int
    high_water: int
    chain: tuple[str, ...] | None = None
    cycle: int | None = None
    over_time: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class HeapUse:
    """The heap's room, and the bytes from its start to the last that was ever changed."""

    address: int
    room: int
    high_water: int


@dataclass(frozen=True)
class MemoryReport:
    """Memory of one run.

    Attributes:
        flash: `used` is what a board's flash would hold, with the initial values of .data.
        sram: `used` is the sum of the sections, without room kept free for heap and stack.
        heap: None where the program names no room for one.
        touched: bytes of SRAM that differ from the power-on pattern: loaded or written. A byte
            that happens to be written its own pattern is missed, one in 256 by chance.
        stacks: of core 0 and, if it runs, core 1.
    """

    flash: RegionUse
    sram: RegionUse
    stacks: tuple[StackUse, ...]
    heap: HeapUse | None
    touched: int
    cycles: int
    clock_hz: int

    def to_json(self) -> dict[str, Any]:
        """Nested dicts, lists, numbers and texts, with the attributes' names."""
        return asdict(self)


@dataclass(frozen=True)
class Measured:
    """What a run tells: changed bytes of SRAM (bool, shape (SRAM.size,)), stacks, cycles."""

    touched: npt.NDArray[np.bool_]
    stacks: Sequence[StackUse]
    cycles: int
    clock_hz: int


def memory_report(program: Program, run: Measured, largest: int = 10) -> MemoryReport:
    """Put together what the ELF file declares and what a run measured."""
    in_flash = sum(len(s.data) for s in program.segments if FLASH.holds(s.address))
    return MemoryReport(
        flash=_region(program, FLASH, largest, in_flash),
        sram=_region(program, SRAM, largest),
        stacks=tuple(run.stacks),
        heap=_heap(program, run.touched),
        touched=int(np.count_nonzero(run.touched)),
        cycles=run.cycles,
        clock_hz=run.clock_hz,
    )


def _region(program: Program, region: Region, largest: int, used: int | None = None) -> RegionUse:
    sections = []
    for section in sorted(program.sections, key=lambda section: section.address):
        if region.holds(section.address):
            is_data = region is SRAM and section.writable and not section.executable
            kind = "data" if is_data else "code"
            if section.name.startswith(KEPT_FREE):
                kind = "room"
            sections.append(SectionUse(section.name, section.address, section.size, kind))
    if used is None:
        used = sum(section.size for section in sections if section.kind != "room")
    symbols = _distinct(one.symbol for one in program.found if region.holds(one.symbol.address))
    symbols.sort(key=lambda symbol: (-symbol.size, symbol.address))
    top = tuple(SymbolUse(s.name, s.address, s.size) for s in symbols[:largest])
    return RegionUse(region.base, region.size, used, tuple(sections), top)


def _distinct(symbols: Iterable[Symbol]) -> list[Symbol]:
    """Symbols with a size, those with several names (aliases) once."""
    places: dict[tuple[int, int], Symbol] = {}
    for symbol in symbols:
        if symbol.size:
            places.setdefault((symbol.address, symbol.size), symbol)
    return list(places.values())


def _heap(program: Program, touched: npt.NDArray[np.bool_]) -> HeapUse | None:
    """Between `__end__` or `end` and `__StackLimit` or `__HeapLimit`.

    In this order: the Pico SDK's _sbrk goes up to `__StackLimit`, its `__HeapLimit` is but what
    the linker made sure of (pico-sdk, pico_clib_interface; memmap_default.ld).
    """
    for first in ("__end__", "end"):
        for last in ("__StackLimit", "__HeapLimit"):
            if first not in program.symbols or last not in program.symbols:
                continue
            start, end = program.symbols[first].address, program.symbols[last].address
            if SRAM.base <= start < end <= SRAM.end:
                used = np.flatnonzero(touched[start - SRAM.base : end - SRAM.base])
                return HeapUse(start, end - start, int(used[-1]) + 1 if used.size else 0)
    return None


def memory_table(report: MemoryReport) -> str:
    """The report as text: both memories with sections and largest symbols, stacks and heap."""
    lines = []
    for name, region in (("SRAM", report.sram), ("flash", report.flash)):
        lines.append(f"{name}: {region.used:,} of {region.capacity:,} bytes used")
        for section in region.sections:
            lines.append(
                f"  {section.address:#010x}  {section.size:>9,}  {section.name} ({section.kind})"
            )
        if region.largest:
            lines.append("  largest symbols:")
        for symbol in region.largest:
            lines.append(f"  {symbol.address:#010x}  {symbol.size:>9,}  {symbol.name}")
    for core, stack in enumerate(report.stacks):
        room = f" of {stack.top - stack.limit:,}" if stack.limit else ""
        name = f"stack of core {core}" if len(report.stacks) > 1 else "stack"
        lines.append(f"{name}: {stack.high_water:,}{room} bytes at its deepest")
        if stack.chain:
            lines.append(f"  at cycle {stack.cycle:,} in {' > '.join(stack.chain)}")
    heap = report.heap
    if heap is not None:
        lines.append(f"heap: {heap.high_water:,} of {heap.room:,} bytes changed")
    lines.append(f"SRAM really touched: {report.touched:,} bytes")
    return "\n".join(lines) + "\n"
