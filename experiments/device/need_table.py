"""What networks would need, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from priot.experiments.device.needs import Need, widest_of
from priot.experiments.output import format_table
from priot.sim.memory_map import FLASH, SRAM


def need_table(needs: Sequence[Need]) -> str:
    """The needs of one network, a row for each."""
    network = needs[0].layout.network
    header = ("method", "placement", "variant", "image", "SRAM", "flash", "fits")
    rows = [
        [
            *_name(need),
            *(f"{size:,}" for size in (need.layout.size, need.sram, need.flash)),
            "yes" if need.fits else "NO",
        ]
        for need in needs
    ]
    title = (
        f"{needs[0].layout.purpose.capitalize()} with {network.name}, {network.weight_count:,} "
        f"weights: bytes of SRAM, of {SRAM.size:,}, and of flash, of {FLASH.size:,}"
    )
    return f"{title}\n\n{format_table(header, rows)}"


def width_table(by_width: Mapping[int, Sequence[Need]]) -> str:
    """The widest network of each row, then SRAM by width, in brackets where it does not fit."""
    header = ("method", "placement", "variant", "widest", "weights", "SRAM", "flash")
    widest = []
    for need in widest_of(by_width):
        network = need.layout.network
        sizes = (network.weight_count, need.sram, need.flash)
        widest.append([*_name(need), network.name, *(f"{size:,}" for size in sizes)])
    parts = ["The widest network that fits a Pico", format_table(header, widest)]
    kinds = list(zip(*by_width.values(), strict=True))
    for placement in dict.fromkeys(needs[0].layout.placement for needs in kinds):
        alike = [needs for needs in kinds if needs[0].layout.placement == placement]
        parts += [f"Bytes of SRAM by width, placement {placement}", _by_width(by_width, alike)]
    return "\n\n".join(parts)


def _name(need: Need) -> list[str]:
    layout = need.layout
    return [layout.method.label, str(layout.placement), str(layout.variant)]


def _by_width(by_width: Mapping[int, Sequence[Need]], columns: Sequence[tuple[Need, ...]]) -> str:
    names = [f"{needs[0].layout.method.label}, {needs[0].layout.variant}" for needs in columns]
    rows = [
        [str(width), *(f"{n.sram:,}" if n.fits else f"({n.sram:,})" for n in needs)]
        for width, needs in zip(by_width, zip(*columns, strict=True), strict=True)
    ]
    return format_table(("width", *names), rows)
