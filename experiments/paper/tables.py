"""What the commands of the paper print: their artefacts as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from priot.experiments.output import format_table
from priot.experiments.paper.accuracy import COMPARISONS, label_of

Rows = Sequence[Mapping[str, Any]]


def accuracy_table(rows: Rows) -> str:
    """Final accuracy by method and angle, one block per comparison."""
    angles = sorted({row["angle"] for row in rows})
    blocks = []
    for comparison, title in COMPARISONS.items():
        lines: dict[str, dict[float, str]] = {}
        for row in rows:
            if row["comparison"] == comparison:
                cell = f"{row['final_mean']:.2f} ± {row['final_std']:.2f}"
                if row["collapsed_share"]:
                    cell += f" ({row['collapsed_share']:g} % collapsed)"
                lines.setdefault(label_of(row), {})[row["angle"]] = cell
        body = [[label, *(cells[angle] for angle in angles)] for label, cells in lines.items()]
        blocks.append(format_table([title, *(f"{angle:g}°" for angle in angles)], body))
    return "\n\n".join(blocks)


def step_table(records: Rows) -> str:
    """Memory and time of one step of each network."""
    header = ("network", "method", "placement", "variant", "SRAM", "flash", "cycles", "ms")
    rows = [
        [
            *(record[name] for name in ("network", "label", "placement", "variant")),
            *(f"{record[size]:,}" for size in ("peak_sram_bytes", "flash_bytes")),
            f"{record['cycles_per_image']['mean']:,.0f}",
            f"{record['ms_per_image']:,.0f}",
        ]
        for record in records
    ]
    return format_table(header, rows)


def overflow_table(rows: Rows) -> str:
    """Accuracy and saturated logits, snapshot by snapshot."""
    columns = ("panel", "epoch", "images", "accuracy", "saturated")
    return format_table(columns, [[str(row[column]) for column in columns] for row in rows])


def device_table(rows: Rows) -> str:
    """Accuracy by method and epoch."""
    labels = list(dict.fromkeys(row["label"] for row in rows))
    epochs = sorted({row["epoch"] for row in rows})
    cells = {(row["label"], row["epoch"]): f"{row['test_accuracy']:.2f}" for row in rows}
    lines = [[label, *(cells[label, epoch] for epoch in epochs)] for label in labels]
    return format_table(["epoch", *map(str, epochs)], lines)
