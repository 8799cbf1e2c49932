"""What addresses are called: symbols, each with a readable name of its own, and their code."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from priot.sim.limits import SYMBOL_NAMES

_ROM_SYMBOLS = Path(__file__).parent.parent / "bootrom.symbols"
_MANGLED = ("_Z", "_R")  # C++, Rust


@dataclass(frozen=True)
class Symbol:
    """A named address; functions without their Thumb bit. `size` in bytes, 0 if unknown.

    Attributes:
        name: what reports call it: readable, and no other symbol's.
        linker_name: what the program's own files call it, perhaps several of them.
        is_function: whether code is there: a function, or a label in assembly without a type.
        file: the source file, of a symbol that only that file sees.
    """

    name: str
    address: int
    size: int
    is_function: bool = False
    linker_name: str = ""
    file: str | None = None


class Span(NamedTuple):
    """Code from `start` to before `end` that belongs to one function."""

    start: int
    end: int
    function: Symbol


class Found(NamedTuple):
    """A symbol as it stands in a file; `has_type` if that calls it a function."""

    symbol: Symbol
    has_type: bool
    is_local: bool


def readable(linker_name: str) -> str:
    """A name of C++ or Rust as its source has it; others as they are."""
    if not linker_name.startswith(_MANGLED):
        return linker_name
    import demangle  # programs in C do without

    return demangle.demangle(linker_name, language=("itanium", "rust"))


def _readable_names(linker_names: Iterable[str]) -> Iterator[str]:
    """As `readable`, but what a few bytes of each name can stand for is bounded."""
    size = 0
    for linker_name in linker_names:
        name = linker_name if size > SYMBOL_NAMES else readable(linker_name)
        size += len(name)
        yield name


def told_apart(found: Iterable[Found]) -> list[Found]:
    """The same with readable names, each with one address alone.

    A name that several have goes to the one that all files see; to others their file or, where
    that does not tell, their address is added.
    """
    found = list({(one.symbol.linker_name, one.symbol.address): one for one in found}.values())
    names = list(_readable_names(one.symbol.linker_name for one in found))
    places: dict[str, set[int]] = defaultdict(set)
    for one, name in zip(found, names, strict=True):
        places[name].add(one.symbol.address)
    shared = Counter(name for one, name in zip(found, names, strict=True) if not one.is_local)
    in_files = Counter((name, one.symbol.file) for one, name in zip(found, names, strict=True))
    result = []
    for one, name in zip(found, names, strict=True):
        symbol = one.symbol
        if len(places[name]) > 1 and (one.is_local or shared[name] > 1):
            tells = symbol.file and in_files[name, symbol.file] == 1
            name += f" ({symbol.file})" if tells else f" ({symbol.address:#010x})"
        result.append(one._replace(symbol=replace(symbol, name=name)))
    return result


def by_name(symbols: Sequence[Found]) -> dict[str, Symbol]:
    """Symbols by their own names, and by those of the linker that mean one place alone."""
    linked: dict[str, list[Found]] = defaultdict(list)
    for one in symbols:
        linked[one.symbol.linker_name].append(one)
    names: dict[str, Symbol] = {}
    for name, those in linked.items():
        seen_by_all = [one for one in those if not one.is_local]
        if seen_by_all or len(those) == 1:
            names[name] = (seen_by_all or those)[0].symbol
    return names | {one.symbol.name: one.symbol for one in symbols}


def code_spans(symbols: Iterable[Found]) -> list[Span]:
    """Which function each piece of code belongs to, ascending; the boot ROM's come first.

    One of unknown size reaches to the next. A label is a function where no other has the code: not
    inside of one, nor behind one of unknown size if only its own file sees the label.
    """
    functions = sorted(
        (one for one in symbols if one.symbol.is_function),
        key=lambda one: (one.symbol.address, one.has_type, one.symbol.size, not one.is_local),
    )
    kept: list[Found] = []
    for one in functions:
        if kept and one.symbol.address == kept[-1].symbol.address:
            kept.pop()
        elif kept and not one.has_type:
            before = kept[-1]
            size = before.symbol.size
            inside = one.symbol.address < before.symbol.address + size
            if inside or (before.has_type and not size and one.is_local):
                continue
        kept.append(one)
    own = [one.symbol for one in kept]
    afters = [*(symbol.address for symbol in own), 1 << 32][1:]
    spans = [
        Span(symbol.address, min(after, symbol.address + (symbol.size or after)), symbol)
        for symbol, after in zip(own, afters, strict=True)
    ]
    return [*_rom_spans(), *spans]


def span_at(spans: Sequence[Span], address: int) -> Span | None:
    """The span that holds `address`."""
    position = bisect_right(spans, address, key=lambda span: span.start) - 1
    return spans[position] if position >= 0 and address < spans[position].end else None


@cache
def rom_symbols() -> Mapping[str, Symbol]:
    """The boot ROM's functions, by name."""
    return {span.function.name: span.function for span in _rom_spans()}


@cache
def _rom_spans() -> tuple[Span, ...]:
    """From the table beside the ROM: address, size and name of each function."""
    spans = []
    for line in _ROM_SYMBOLS.read_text().splitlines():
        address, size, name = line.split()
        start, end = int(address, 16), int(address, 16) + int(size)
        symbol = Symbol(f"{name} (boot ROM)", start, int(size), is_function=True, linker_name=name)
        spans.append(Span(start, end, symbol))
    return tuple(spans)
