"""priot costs: the table, the record, the CSV and the figure, and whether the numbers add up."""

import csv
import json
import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from experiment_models import SMALL, labels_for, prepared, random_images
from PIL import Image

from priot import firmware_elf
from priot.experiments.cli import main
from priot.experiments.device.host import Device
from priot.experiments.device.simulator import simulated_pico
from priot.kernels.methods import METHODS, method

CLOCK_DEPENDENT = {"clock_hz", "ms_per_image"}


@dataclass(frozen=True)
class Run:
    """A run of the command in a process of its own, with all outputs asked for."""

    table: str
    messages: str
    records: list[dict[str, Any]]
    rows: list[dict[str, str]]
    figure: Path

    def of(
        self,
        name: str,
        fraction: float | None = None,
        variant: str = "plain",
        layers: str = "all",
    ) -> dict[str, Any]:
        (record,) = (
            record
            for record in self.records
            if record["method"] == name
            and record["variant"] == variant
            and record["settings"]["trained_layers"] == layers
            and fraction in (None, record["scored_fraction"])
        )
        return record


@pytest.fixture(scope="module")
def at_125_mhz(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    path = tmp_path_factory.mktemp("costs at 125 MHz") / "costs.json"
    assert main(["costs", "--images", "2", "--clock", "125", "--json", str(path)]) == 0
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
    priot: list[str],
    at_125_mhz: list[dict[str, Any]],  # whatever has to be compiled is compiled by then
) -> Run:
    folder = tmp_path_factory.mktemp("costs")
    files = {kind: folder / f"costs.{kind}" for kind in ("json", "csv", "png")}
    command = [*priot, "costs", "--images", "2", "--full"]
    for option, kind in (("--json", "json"), ("--csv", "csv"), ("--figure", "png")):
        command += [option, str(files[kind])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    with files["csv"].open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    records = json.loads(files["json"].read_text())
    return Run(done.stdout, done.stderr, records, rows, files["png"])


# --- what is printed and written


def test_standard_error_is_silent_when_piped(run: Run) -> None:
    assert run.messages == ""


def test_table_shows_every_method_with_its_time_and_memory(run: Run) -> None:
    assert run.table.startswith("Training step on 2 rotated images: ")
    lines = run.table.splitlines()
    for record in run.records:
        row = re.compile(rf"{re.escape(record['label'])} +{record['variant']} ")
        first, times, memory = (line for line in lines if row.match(line))
        assert f"{record['ms_per_image']:.1f}" in first.split()
        assert f"{record['peak_sram_bytes'] / 1024:.1f}" in first.split()
        assert f"{record['ms_per_image']:.1f}" in times.split()
        assert times.endswith("yes")
        assert f"{record['peak_sram_bytes']:,}" in memory.split()
        assert memory.endswith("yes")


def test_it_opens_with_a_table_that_fits_a_terminal(
    small_backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["costs", "--images", "1", "--backbone", str(small_backbone)]
    assert main(options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 1 + 2 + 20, "a title, and a row for each method and variant"
    assert max(map(len, lines)) <= 80
    assert "NITI static  " in lines[8 + 3]
    placements = ["--placement", "default", "--placement", "weights=flash,code=flash,edges=bitmap"]
    assert main([*options, "--method", "priot-s", *placements]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_record_holds_the_promised_fields(run: Run) -> None:
    kinds = [
        (record["method"], record["scored_fraction"], record["settings"]["trained_layers"])
        for record in run.records
    ]
    assert kinds[::2] == kinds[1::2]
    assert kinds[::2] == [
        *(("niti-dynamic", None, layers) for layers in ("all", "dense", "last")),
        *(("niti-static", None, layers) for layers in ("all", "dense", "last")),
        ("priot", 1.0, "all"),
        ("priot-ternary", 1.0, "all"),
        ("priot-s", 0.2, "all"),
        ("priot-s", 0.1, "all"),
    ]
    assert [record["variant"] for record in run.records] == ["plain", "fast"] * 10
    for record in run.records:
        assert record["images"] == 2
        assert record["angle"] == 30
        assert record["seed"] == 0
        assert record["bit_exact"] is True
        assert record["fits"] is True
        assert record["clock_hz"] == 133_000_000
        assert record["sram_capacity_bytes"] == 264 * 1024
        assert set(record["cycles_per_image"]) == {"mean", "min", "max"}
        assert {"priot", "numpy", "unicorn", "trainer_elf_sha256"} <= set(record["environment"])


def flat(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {"": "" if value is None else str(value)}
    return {
        f"{key}_{inner}".replace(" ", "_").rstrip("_"): text
        for key, below in value.items()
        if key not in ("kind", "version")
        for inner, text in flat(below).items()
    }


def test_csv_agrees_with_the_record(run: Run) -> None:
    flattened = [flat(record) for record in run.records]
    empty = dict.fromkeys(max(flattened, key=len), "")
    assert run.rows == [empty | row for row in flattened]


def test_figure_is_a_picture(run: Run) -> None:
    with Image.open(run.figure) as figure:
        assert figure.format == "PNG"
        assert min(figure.size) > 100


# --- whether the numbers add up


def test_cycles_by_phase_and_by_layer_add_up_to_the_mean(run: Run) -> None:
    for record in run.records:
        cycles, phases = record["cycles_per_image"], record["cycles_by_phase"]
        layers = record["cycles_by_layer"]
        assert sum(phases.values()) == cycles["mean"]
        assert sum(sum(layer.values()) for layer in layers.values()) == cycles["mean"]
        for phase, total in phases.items():
            assert sum(layer.get(phase, 0) for layer in layers.values()) == total
        assert 0 < cycles["min"] <= cycles["mean"] <= cycles["max"]
        assert record["ms_per_image"] == pytest.approx(cycles["mean"] / 133_000, rel=1e-12)


def test_ratios_are_to_niti_static_of_the_same_variant(run: Run) -> None:
    for record in run.records:
        baseline = run.of("niti-static", variant=record["variant"])
        assert baseline["ratio_to_niti_static"] == 1
        ratio = record["cycles_per_image"]["mean"] / baseline["cycles_per_image"]["mean"]
        assert record["ratio_to_niti_static"] == ratio


def test_fast_variant_reaches_its_goals(run: Run) -> None:
    """At most 40 % of the plain cycles, and 3.5 cycles per multiply-accumulate forward."""
    for record in run.records:
        layers = record["settings"]["trained_layers"]
        plain = run.of(record["method"], record["scored_fraction"], layers=layers)
        share = record["cycles_per_image"]["mean"] / plain["cycles_per_image"]["mean"]
        assert record["ratio_to_plain"] == share
        assert record["final_state_sha256"] == plain["final_state_sha256"]
        if record["variant"] == "fast":
            assert share < 0.4
    layers = run.of("priot", variant="fast")["cycles_by_layer"]
    products = 8 * 9 * 28 * 28 + 16 * 8 * 9 * 14 * 14
    assert (layers["conv2d 1"]["forward"] + layers["conv2d 2"]["forward"]) / products <= 3.5


def test_cycles_per_mac_are_those_of_the_layer(run: Run) -> None:
    for record in run.records:
        layers, per_mac = record["cycles_by_layer"], record["cycles_per_mac"]
        assert list(per_mac) == ["conv2d 1", "conv2d 2", "dense 1", "dense 2"]
        trained = record["settings"]["trained_layers"]
        first = {"all": "conv2d 1", "dense": "dense 1", "last": "dense 2"}[trained]
        products = {
            "conv2d 1": 8 * 9 * 28 * 28,
            "conv2d 2": 16 * 8 * 9 * 14 * 14,
            "dense 1": 64 * 784,
            "dense 2": 640,
        }
        for layer, count in products.items():
            passes = {"forward"}
            if list(products).index(layer) >= list(products).index(first):
                passes |= {"backward", "update"}
            assert layers[layer].keys() == passes
            assert per_mac[layer].keys() == passes - ({"backward"} if layer == first else set())
            for phase, found in per_mac[layer].items():
                assert found == pytest.approx(layers[layer][phase] / count, rel=1e-12)


def test_parts_of_the_memory_add_up_to_the_peak(run: Run) -> None:
    for record in run.records:
        assert sum(record["sram"].values()) == record["peak_sram_bytes"]
        assert all(size > 0 for size in record["sram"].values())
        assert record["peak_sram_bytes"] <= record["sram_capacity_bytes"]


def test_measured_arena_is_what_the_planner_promised(run: Run) -> None:
    for record in run.records:
        planned = record["planned_arena_bytes"]
        assert planned - 64 <= record["sram"]["arena"] <= planned


@pytest.mark.parametrize("variant", ["plain", "fast"])
@pytest.mark.parametrize("name", ["niti-dynamic", "niti-static"])
def test_fewer_layers_that_are_trained_take_fewer_cycles_and_no_more_memory(
    run: Run, name: str, variant: str
) -> None:
    few = [run.of(name, variant=variant, layers=layers) for layers in ("last", "dense", "all")]
    for fewer, more in pairwise(few):
        assert fewer["cycles_per_image"]["mean"] < more["cycles_per_image"]["mean"]
        assert fewer["peak_sram_bytes"] <= more["peak_sram_bytes"]
    forward = {record["cycles_by_phase"]["forward"] for record in few}
    assert max(forward) - min(forward) < 0.01 * min(forward), "but for the weights that change"


def test_table_is_empty_where_a_method_has_no_such_pass(run: Run) -> None:
    _, _, below = run.table.partition("Thousand cycles per image by layer, fast")
    header, _, *rows = below.split("\n\n")[1].splitlines()
    (row,) = (row for row in rows if re.match("conv2d 1 +update ", row))
    for label, trains in (("NITI static", True), ("NITI static, last layer", False)):
        (column,) = re.finditer(rf"(?<=  ){label}(?=  )", header)
        assert bool(row[column.start() : column.end()].strip()) == trains


def test_fewer_scores_take_less_memory_and_fewer_cycles(run: Run) -> None:
    order = [run.of("priot-s", 0.1), run.of("priot-s", 0.2), run.of("priot")]
    for fewer, more in pairwise(order):
        assert fewer["peak_sram_bytes"] < more["peak_sram_bytes"]
        assert fewer["cycles_per_image"]["mean"] < more["cycles_per_image"]["mean"]


@pytest.mark.parametrize("variant", ["plain", "fast"])
def test_static_scales_take_less_memory_and_fewer_cycles_than_dynamic_ones(
    run: Run, variant: str
) -> None:
    static, dynamic = (run.of(f"niti-{scale}", variant=variant) for scale in ("static", "dynamic"))
    assert static["peak_sram_bytes"] < dynamic["peak_sram_bytes"]
    assert static["cycles_per_image"]["mean"] < dynamic["cycles_per_image"]["mean"]


def test_static_data_and_code_are_those_of_one_firmware_by_variant(run: Run) -> None:
    sizes = {(r["variant"], r["sram"]["static_data"], r["sram"]["code"]) for r in run.records}
    assert len(sizes) == 2
    hashes = {(r["variant"], r["environment"]["trainer_elf_sha256"]) for r in run.records}
    assert len(hashes) == 2


def test_one_variant_or_another_build_is_measured_alone(small_backbone: Path, record_of) -> None:
    options = ("costs", "--images", 1, "--backbone", small_backbone)
    fast = record_of(*options, "--variant", "fast")
    assert {(r["variant"], r["ratio_to_plain"]) for r in fast} == {("fast", None)}
    build = record_of(*options, "--elf", firmware_elf.TRAINERS["fast"])
    assert build == fast, "a build says itself which variant it is"


def test_one_method_is_measured_alone_with_its_settings(small_backbone: Path, record_of) -> None:
    options = ("costs", "--images", 1, "--backbone", small_backbone, "--method", "priot-s")
    records = record_of(*options, "--scored-fraction", 0.5, "--selection", "magnitude")
    assert [record["label"] for record in records] == ["PRIOT-S 50 % magnitude"] * 2
    assert [record["ratio_to_niti_static"] for record in records] == [None, None]


def test_a_variant_and_a_build_are_not_both_given(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["costs", "--variant", "fast", "--elf", str(firmware_elf.TRAINER)]
    assert main(command) == 2
    assert capsys.readouterr().err == (
        "priot: --elf and --variant name a build of the trainer each: leave one out\n"
    )


# --- repetition


def test_clock_scales_milliseconds_and_nothing_else(
    run: Run, at_125_mhz: list[dict[str, Any]]
) -> None:
    """Two runs in two processes: but for the clock, every number repeats exactly."""
    for record, slower in zip(run.records, at_125_mhz, strict=True):
        assert slower["clock_hz"] == 125_000_000
        assert slower["ms_per_image"] == pytest.approx(record["ms_per_image"] * 133 / 125)
        assert {key: value for key, value in slower.items() if key not in CLOCK_DEPENDENT} == {
            key: value for key, value in record.items() if key not in CLOCK_DEPENDENT
        }


def test_another_seed_draws_other_images(small_backbone: Path, record_of) -> None:
    options = ("costs", "--images", 1, "--backbone", small_backbone)
    states = {
        seed: [record["final_state_sha256"] for record in record_of(*options, "--seed", seed)]
        for seed in (0, 1)
    }
    assert not set(states[0]) & set(states[1])


def test_a_single_image_is_not_called_images(
    small_backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["costs", "--images", "1", "--backbone", str(small_backbone)]) == 0
    assert capsys.readouterr().out.startswith("Training step on 1 rotated image: ")


@pytest.mark.parametrize("name", METHODS)
def test_operations_account_for_all_cycles_of_an_undisturbed_step(name: str) -> None:
    """Halting costs the step nothing but the few cycles of asking whether to halt."""
    settings = method(name)
    model, scales = prepared(SMALL, settings)
    whole, halting = (Device(simulated_pico(None), model, settings, scales) for _ in range(2))
    for image, label in zip(random_images(SMALL, 3), labels_for(SMALL, 3), strict=True):
        start = whole.target.cycles
        whole.step(image, int(label))
        undisturbed = whole.target.cycles - start
        operations = list(halting.step_by_operation(image, int(label)))
        assert 0 <= undisturbed - sum(c.cycles for c in operations) < 10 * len(operations)
