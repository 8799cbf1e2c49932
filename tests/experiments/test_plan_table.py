"""priot plan --buffers: the table tells where every buffer lies, and the planner told the truth."""

import re
from itertools import combinations

import pytest
from experiment_models import SMALL

from priot.experiments.cli import main
from priot.experiments.device.layout import Layout, lay_out
from priot.experiments.device.placement import Placement
from priot.experiments.device.plan_table import plan_table
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.kernels.methods import method
from priot.kernels.model import initial_model, with_scores

ROW = re.compile(r"^(\w.*?) {2,}([\d,]+) +([\d,]+) +([\d,]+) +([a-z].*)$", re.MULTILINE)


def small_layout(name: str, text: str, variant: Variant = Variant.FAST) -> Layout:
    training = method(name)
    model = with_scores(initial_model(SMALL, 0), training, 0)
    return lay_out(model, training, variant, Placement.parse(text))


def rows_of(table: str) -> list[tuple[str, int, int, int, str]]:
    """Name, first byte, the one behind the last, size and lifetime of each buffer."""
    rows = []
    for name, *numbers, needed in ROW.findall(table):
        start, end, size = (int(number.replace(",", "")) for number in numbers)
        rows.append((name, start, end, size, needed))
    return rows


@pytest.mark.parametrize("variant", ON_ONE_CORE)
@pytest.mark.parametrize(
    ("name", "text"),
    [("niti-dynamic", "default"), ("priot", "weights=flash"), ("priot-s", "edges=bitmap")],
)
def test_table_shows_every_buffer_where_the_plan_has_it(
    name: str, text: str, variant: Variant
) -> None:
    layout = small_layout(name, text, variant)
    table = plan_table(layout)
    assert table.startswith(f"{layout.method.label}, {variant}, placement {text}: ")
    assert f" {layout.size:,} bytes of SRAM" in table
    shown = sorted((start, size) for _, start, _, size, _ in rows_of(table))
    plans = (layout.plan, layout.flash)
    planned = [(plan.offsets[b.name], b.size) for plan in plans for b in plan.buffers]
    assert shown == sorted(planned)
    assert all(end - start == size for _, start, end, size, _ in rows_of(table))
    assert ("In flash" in table) == ("weights=flash" in text)


def test_only_buffers_that_are_never_needed_together_share_bytes() -> None:
    rows = rows_of(plan_table(small_layout("priot", "default")))
    shared = [
        (one, other)
        for one, other in combinations(rows, 2)
        if one[1] < other[2] and other[1] < one[2]
    ]
    assert shared, "something is shared"
    assert not any("always" in (one[4], other[4]) for one, other in shared)


def test_lifetimes_are_told_by_operations() -> None:
    needed = {row[0]: row[4] for row in rows_of(plan_table(small_layout("priot", "default")))}
    assert needed["header and layer table"] == "always"
    assert needed["weights of conv2d 1"] == "always"
    assert needed["input"] == "conv2d 1 forward to conv2d 1 update"
    assert needed["outputs of dense 2"] == "dense 2 forward to conv2d 1 update"
    assert needed["kept of conv2d 2"] == "conv2d 2 forward, conv2d 2 backward"
    assert needed["output error of dense 2"] == "loss to dense 2 update"


def test_lifetimes_end_where_training_does() -> None:
    training = method("niti-static", trained_layers="last")
    table = plan_table(lay_out(initial_model(SMALL, 0), training, Variant.FAST))
    needed = {row[0]: row[4] for row in rows_of(table)}
    assert needed["input"] == "conv2d 1 forward"
    assert needed["outputs of conv2d 2"] == "conv2d 2 forward to dense 1 forward"
    assert needed["outputs of dense 1"] == "dense 1 forward to dense 2 update"
    assert needed["output error of dense 2"] == "loss to dense 2 update"
    assert "output error of dense 1" not in needed
    assert needed["sums of conv2d 1"] == "conv2d 1 forward"


def test_command_prints_a_plan_for_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    placements = ("--placement", "default", "--placement", "weights=flash")
    assert main(["plan", "--buffers", *placements]) == 0
    titles = re.findall(r"^(.*), (plain|fast), placement (.*): ", capsys.readouterr().out, re.M)
    assert len(titles) == 2 * (11 + 9)
    assert ("PRIOT", "fast", "weights=flash") in titles
    assert ("NITI static", "fast", "weights=flash") not in titles
    assert ("NITI static, last layer", "fast", "weights=flash") in titles
