"""priot.plots.costs: the cost figure, drawn from made-up records."""

import copy
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from PIL import Image

from priot.plots.costs import draw_costs

FORMATS = ["pdf", "png", "svg"]


def record(label: str = "PRIOT-S 10 %", backward: int = 12_000_000) -> dict[str, Any]:
    phases = {"forward": 7_000_000, "backward": backward, "update": 2_000_000}
    sram = {"static_data": 3_072, "arena": 83_968, "stack": 2_048, "code": 5_120}
    cycles = sum(phases.values())
    return {
        "label": label,
        "clock_hz": 133_000_000,
        "cycles_per_image": {"mean": cycles, "min": cycles - 9, "max": cycles + 9},
        "cycles_by_phase": phases,
        "ratio_to_niti_static": cycles / 21_000_000,
        "sram": sram,
        "peak_sram_bytes": sum(sram.values()),
        "sram_capacity_bytes": 270_336,
    }


RECORDS = [record("NITI static"), record("PRIOT", 17_000_000), record()]


def texts(records: list[dict[str, Any]], folder: Path) -> str:
    """The figure's words: an SVG carries each text in a comment before its outlines."""
    path = folder / "figure.svg"
    draw_costs(records, path)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_records_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix}"
    draw_costs(RECORDS, first)
    with mpl.rc_context(
        {"font.size": 20, "savefig.dpi": 50, "svg.hashsalt": "other", "text.color": "red"}
    ):
        draw_costs(copy.deepcopy(RECORDS), second)
    assert first.read_bytes() == second.read_bytes()


def test_other_records_give_another_figure(tmp_path: Path) -> None:
    draw_costs(RECORDS, tmp_path / "first.png")
    draw_costs([*RECORDS[:2], record(backward=1)], tmp_path / "second.png")
    assert (tmp_path / "first.png").read_bytes() != (tmp_path / "second.png").read_bytes()


def test_png_spans_both_columns_at_300_dpi(tmp_path: Path) -> None:
    heights = []
    for count in (1, 3):
        path = tmp_path / f"{count}.png"
        draw_costs(RECORDS[:count], path)
        with Image.open(path) as image:
            assert image.width == 2148  # 7.16 in
            assert "Software" not in image.info
            heights.append(image.height)
    assert 300 < heights[0] < heights[1] < 900


def test_formats_are_what_their_suffix_says(tmp_path: Path) -> None:
    starts = {"pdf": b"%PDF-", "png": b"\x89PNG", "svg": b"<?xml"}
    for suffix, start in starts.items():
        path = tmp_path / f"figure.{suffix}"
        draw_costs(RECORDS, path)
        assert path.read_bytes().startswith(start)


def test_pdf_embeds_its_fonts_and_bears_no_date(tmp_path: Path) -> None:
    path = tmp_path / "figure.pdf"
    draw_costs(RECORDS, path)
    content = path.read_bytes()
    assert b"/FontFile2" in content  # TrueType outlines
    assert b"/Type3" not in content
    assert b"CreationDate" not in content


def test_words_and_values_come_from_the_records(tmp_path: Path) -> None:
    svg = texts(RECORDS, tmp_path)
    for text in (
        "NITI static",
        "158 (1.00\N{MULTIPLICATION SIGN})",  # 21 million cycles at 133 MHz
        "195 (1.24\N{MULTIPLICATION SIGN})",
        "92.0",  # 94,208 bytes
        "264 KB on chip",
        "ms at 133 MHz (ratio to NITI static)",
        *("forward", "backward", "update"),
        *("static data", "arena", "stack", "code in SRAM"),
    ):
        assert f"<!-- {text} -->" in svg


def test_variants_are_named_where_there_are_several(tmp_path: Path) -> None:
    variants = [record("PRIOT") | {"variant": variant} for variant in ("plain", "fast")]
    svg = texts(variants, tmp_path)
    assert "<!-- PRIOT, plain -->" in svg
    assert "<!-- PRIOT, fast -->" in svg
    assert "<!-- PRIOT -->" in texts(variants[:1], tmp_path)


def test_an_unknown_ratio_is_left_out(tmp_path: Path) -> None:
    assert "<!-- 158 -->" in texts([record() | {"ratio_to_niti_static": None}], tmp_path)


def test_method_over_capacity_is_drawn(tmp_path: Path) -> None:
    assert "<!-- 300 -->" in texts([record() | {"peak_sram_bytes": 300 * 1024}], tmp_path)


@pytest.mark.parametrize("name", ["figure.jpg", "figure", "figure.PNG"])
def test_unknown_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"\.pdf, \.png, \.svg"):
        draw_costs(RECORDS, tmp_path / name)


def test_no_records_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no records"):
        draw_costs([], tmp_path / "figure.png")


@pytest.mark.parametrize("key", ["clock_hz", "sram_capacity_bytes"])
def test_records_that_do_not_compare_are_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match=key):
        draw_costs([record(), record() | {key: 125_000_000}], tmp_path / "figure.png")


def test_a_failed_drawing_leaves_the_old_figure_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "figure.png"
    draw_costs(RECORDS, path)
    before = path.read_bytes()

    def full_disk(self: object, part: Path, **_: object) -> None:
        Path(part).write_bytes(b"half a figure")
        raise OSError("disk full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full_disk)
    with pytest.raises(OSError, match="disk full"):
        draw_costs(RECORDS[:1], path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
