"""priot.plots.memory: the memory figure, drawn from made-up reports."""

import copy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from priot.plots.memory import draw_memory

FLASH, SRAM = 0x1000_0000, 0x2000_0000


def section(name: str, address: int, size: int, kind: str) -> dict[str, Any]:
    return {"name": name, "address": address, "size": size, "kind": kind}


def report() -> dict[str, Any]:
    top = SRAM + 0x42000
    points = [(step * 1000, top - 8 * (step % 50)) for step in range(1000)]
    return {
        "flash": {
            "address": FLASH,
            "capacity": 2 << 20,
            "used": 40_960,
            "sections": [
                section(".boot2", FLASH, 256, "code"),
                section(".text", FLASH + 256, 40_000, "code"),
            ],
        },
        "sram": {
            "address": SRAM,
            "capacity": 270_336,
            "used": 24_576,
            "sections": [
                section(".data", SRAM, 20_000, "data"),
                section(".bss", SRAM + 20_000, 4_576, "data"),
                section(".heap", SRAM + 24_576, 2_048, "room"),
            ],
        },
        "stacks": [
            {
                "top": top,
                "limit": top - 2_048,
                "high_water": 392,
                "chain": ["main", "deepest_of_all"],
                "cycle": 49_000,
                "over_time": points,
            }
        ],
        "heap": {"address": SRAM + 24_576, "room": 200_000, "high_water": 50_000},
        "touched": 80_000,
        "cycles": 1_000_000,
        "clock_hz": 125_000_000,
    }


def words(data: dict[str, Any], folder: Path) -> str:
    path = folder / "figure.svg"
    draw_memory(data, path)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", ["pdf", "png", "svg"])
def test_the_same_report_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix}"
    draw_memory(report(), first)
    draw_memory(copy.deepcopy(report()), second)
    assert first.read_bytes() == second.read_bytes()


def test_words_come_from_the_report(tmp_path: Path) -> None:
    svg = words(report(), tmp_path)
    for text in (
        ".text",
        ".data",
        "heap",
        "40.0 KB",
        "24.0 KB",
        "392 bytes in deepest_of_all",
        "ms at 125 MHz",
        "KB from 0x20000000",
        "kept free",
    ):
        assert f"{text} -->" in svg
    assert ".boot2" not in svg  # too narrow to bear its name


def test_the_limit_is_drawn_where_it_is_near(tmp_path: Path) -> None:
    near = report()
    near["stacks"][0]["limit"] = near["stacks"][0]["top"] - 1_024
    assert "limit 1,024 bytes -->" in words(near, tmp_path)
    assert "limit" not in words(report(), tmp_path)


def test_both_cores_have_their_stacks(tmp_path: Path) -> None:
    two = report()
    two["stacks"].append(two["stacks"][0] | {"chain": ["core1_main"], "high_water": 392})
    svg = words(two, tmp_path)
    for text in ("stack of core 0, bytes", "stack of core 1, bytes", "392 bytes in core1_main"):
        assert f"{text} -->" in svg


def test_untraced_report_is_the_map_alone(tmp_path: Path) -> None:
    heights = {}
    untraced = report() | {"heap": None}
    untraced["stacks"][0] |= {"chain": None, "cycle": None, "over_time": []}
    for name, data in (("traced", report()), ("untraced", untraced)):
        draw_memory(data, tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.width == 2148  # 7.16 in
            heights[name] = image.height
    assert heights["untraced"] < 0.7 * heights["traced"]


def test_empty_memories_are_drawn(tmp_path: Path) -> None:
    bare = report()
    bare["flash"] |= {"sections": [], "used": 0}
    bare["stacks"][0]["over_time"] = [(0, bare["stacks"][0]["top"])]
    assert "0.0 KB -->" in words(bare, tmp_path)


def test_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.pdf, \.png, \.svg"):
        draw_memory(report(), tmp_path / "figure.jpg")
