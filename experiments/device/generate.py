"""Writes what the schema of the image says into the firmware's headers and the documentation.

``python -m priot.experiments.device.generate`` replaces declarations in C, the lists of operations
among them, and tables in docs/image-format.md where they stand; everything around them is written
by hand.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

from priot.experiments.device.schema import (
    ALIGNMENT,
    HEADER,
    KIND_NAMES,
    LAYER,
    MAGIC,
    MORE_SCRATCH,
    PREDICTOR_FLAGS,
    SHAPE,
    VERSION,
    Flag,
    Words,
    names_of,
)
from priot.kernels.operations import OPERATIONS, Weighted

ROOT = Path(__file__).resolve().parents[2]
C_COLUMNS = 100


def generated(root: Path) -> dict[Path, str]:
    """Every file that holds something of the schema, as it should be.

    Raises:
        ValueError: when a declaration or table has no place in its file, or two kinds of layers
            share a number.
    """
    _check_kinds(KIND_NAMES)
    image = _read(root / "firmware_elf/trainer/image.h")
    image = _defined(image, "IMAGE_MAGIC", f'0x{MAGIC:X}u /* "RIOT" */')
    image = _defined(image, "IMAGE_VERSION", str(VERSION))
    image = _declared(image, "enum layer_kind", _enumeration(KIND_NAMES, {}))
    image = _defined(image, "LAST_KIND", str(len(KIND_NAMES)))
    flags = [flag for flag in Flag if flag not in PREDICTOR_FLAGS]
    values = {str(flag.name): flag.value for flag in flags}
    meanings = {str(flag.name): flag.meaning for flag in flags}
    image = _declared(image, "enum image_flags", _enumeration(values, meanings))
    for name, words in (("shape", SHAPE), ("layer", LAYER), ("image", HEADER)):
        last = ["    struct layer layers[];"] if words is HEADER else []
        image = _declared(image, f"struct {name}", [*_members(words), *last])
    operations = _read(root / "firmware_elf/trainer/operations.h")
    operations = _listed(operations, "OPERATIONS_WITH_WEIGHTS", True)
    operations = _listed(operations, "OPERATIONS_WITHOUT_WEIGHTS", False)
    split = _read(root / "firmware_elf/trainer_dual/split.h")
    masked = _read(root / "firmware_elf/predictor/masked.h")
    documentation = _read(root / "docs/image-format.md")
    for title, lines in _tables().items():
        documentation = _between_marks(documentation, title, lines)
    return {
        root / "firmware_elf/trainer/image.h": image,
        root / "firmware_elf/trainer/operations.h": operations,
        root / "firmware_elf/trainer_dual/split.h": _declared(
            split, "struct more_scratch", _members(MORE_SCRATCH)
        ),
        root / "firmware_elf/predictor/masked.h": _defined(
            masked, "PACKED_MASK", str(Flag.PACKED_MASK.value)
        ),
        root / "docs/image-format.md": documentation,
    }


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _declared(source: str, declaration: str, lines: list[str]) -> str:
    """C with the body of ``struct name`` or ``enum name`` replaced."""
    return _replaced(source, rf"(?m)(^{declaration} \{{\n).*?(^\}};$)", lines)


def _defined(source: str, name: str, value: str) -> str:
    """C with the value of a macro replaced."""
    return _replaced(source, rf"(?m)()^#define {name} .*?\n()", [f"#define {name} {value}"])


def _listed(source: str, name: str, weighted: bool) -> str:
    """C with the body of a list of operations replaced, up to the next empty line."""
    chosen = [o.name for o in OPERATIONS if issubclass(o, Weighted) is weighted]
    each = [f"    each({name.upper()}, {name})" for name in chosen]
    lines = [*(f"{line} \\" for line in each[:-1]), each[-1]]
    return _replaced(source, rf"(?m)(^#define {name}\(each\) \\\n).*?(^\n)", lines)


def _check_kinds(kinds: dict[str, int]) -> None:
    """Refuse numbers that are not 1, 2, 3 and so on, each once."""
    for kind in kinds.values():
        names = sorted(name for name, number in kinds.items() if number == kind)
        if len(names) > 1:
            raise ValueError(
                f"kind {kind} is both {names[0]} and {names[1]}: give one of them another number; "
                f"the next free one is {max(kinds.values()) + 1}"
            )
    if sorted(kinds.values()) != list(range(1, len(kinds) + 1)):
        raise ValueError(f"kinds {sorted(kinds.values())} leave numbers out: count from 1 on")


def _between_marks(source: str, title: str, lines: list[str]) -> str:
    """Markdown with what stands between a mark and the next end replaced."""
    return _replaced(source, rf"(<!-- {title} -->\n).*?(<!-- end -->)", lines)


def _replaced(source: str, pattern: str, lines: list[str]) -> str:
    """What the pattern has between its two groups is replaced."""
    text = "".join(f"{line}\n" for line in lines)
    replaced, count = re.subn(pattern, lambda m: m[1] + text + m[2], source, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"found {count} places of {pattern!r}, not one")
    return replaced


def _enumeration(values: dict[str, int], meanings: dict[str, str]) -> list[str]:
    last = list(values)[-1]
    declarations = [
        (f"{name} = {value}{'' if name == last else ','}", meanings.get(name, ""))
        for name, value in values.items()
    ]
    return _commented(declarations)


def _members(words: tuple[Words, ...]) -> list[str]:
    return _commented([(f"{w.c_type} {', '.join(w.names)};", w.comment) for w in words])


def _commented(declarations: list[tuple[str, str]]) -> list[str]:
    """Lines of C, with the comments one below the other."""
    column = 5 + max(len(code) for code, comment in declarations)
    lines = []
    for code, comment in declarations:
        first, *others = textwrap.wrap(comment, C_COLUMNS - column - 6) or [""]
        line = f"    {code}".ljust(column) + f"/* {first}"
        lines.append(line if comment else f"    {code}")
        lines += (" " * column + f" * {other}" for other in others)
        if comment:
            lines[-1] += " */"
    return lines


def _tables() -> dict[str, list[str]]:
    """Of docs/image-format.md, by title."""
    flags = [
        f"| {flag.value} | `{flag.name}` | {'; '.join(filter(None, (flag.meaning, flag.where)))} |"
        for flag in Flag
    ]
    kinds = [f"| {number} | `{name}` |" for name, number in KIND_NAMES.items()]
    size = len(names_of(LAYER))
    return {
        "alignment": [f"Offsets are multiples of {ALIGNMENT}. The version is {VERSION}."],
        "header": _table_of(HEADER),
        "flags": ["| flag | name | meaning |", "|---|---|---|", *flags],
        "size of a layer": [f"One record of {size} words per layer, right behind the header:"],
        "layer": _table_of(LAYER),
        "kinds": ["| kind | name |", "|---|---|", *kinds],
        "more scratch": _table_of(MORE_SCRATCH),
    }


def _table_of(words: tuple[Words, ...]) -> list[str]:
    lines, place = ["| word | name | meaning |", "|---|---|---|"], 0
    for group in words:
        each = len(names_of(SHAPE)) if group.c_type == "struct shape" else 1
        places = [place + each * n for n in range(len(group.names))]
        numbers = ", ".join(f"{p} to {p + each - 1}" if each > 1 else str(p) for p in places)
        names = ", ".join(f"`{name}`" for name in group.names)
        meaning = "; ".join(filter(None, (group.comment, group.more)))
        lines.append(f"| {numbers} | {names} | {meaning} |")
        place += each * len(group.names)
    return lines


def main() -> int:
    """Write what differs."""
    for path, content in generated(ROOT).items():
        if _read(path) != content:
            path.write_text(content, encoding="utf-8")
            print(f"{path.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
