"""priot explain: the record adds up, agrees with other commands, and the page shows it."""

import json
import math
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiment_strategies import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from priot import firmware_elf
from priot.experiments.cli import main
from priot.experiments.device.comparison import operation_name
from priot.experiments.device.host import Device
from priot.experiments.device.planner import ALIGNMENT
from priot.experiments.device.simulator import simulated_pico
from priot.experiments.device.variants import ON_ONE_CORE, Variant
from priot.experiments.explain.memory_map import memory_map
from priot.experiments.pretraining.backbone import Backbone, backbone_record, save_backbone
from priot.kernels.model import initial_model
from priot.kernels.network import Network
from priot.kernels.operations import Dense

SOURCES = Path(firmware_elf.TRAINER).parent
EVERYTHING_IN_FLASH = "weights=flash,code=flash,edges=bitmap"
CASES: dict[str, tuple[str, ...]] = {
    "dynamic": ("--method", "niti-dynamic", "--variant", "plain"),
    "static": ("--method", "niti-static", "--logit-headroom", "1"),
    "priot": ("--method", "priot"),
    "ternary": ("--method", "priot-ternary", "--double-threshold", "32"),
    "last": (
        *("--method", "niti-static", "--trained-layers", "last"),
        *("--placement", "weights=flash"),
    ),
    "flash": ("--method", "priot-s", "--placement", EVERYTHING_IN_FLASH),
}
Record = dict[str, Any]
Explained = Callable[..., Record]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """The embedded network, two steps of each case."""
    path = tmp_path_factory.mktemp("explain") / "record.json"
    found = {}
    for name, arguments in CASES.items():
        assert main(["explain", *arguments, "--images", "2", "--json", str(path)]) == 0
        found[name] = json.loads(path.read_text())
    return found


@pytest.fixture(params=CASES)
def record(request: pytest.FixtureRequest, records: dict[str, Record]) -> Record:
    return records[request.param]


@pytest.fixture
def explained(record_of: Explained, small_backbone: Path) -> Explained:
    """The record of a small network's steps."""

    def explain(*arguments: object) -> Record:
        record: Record = record_of("explain", *arguments, "--backbone", small_backbone)
        return record

    return explain


# --- cycles


def test_operations_add_up_to_the_step(record: Record) -> None:
    rows = [*record["operations"], record["return_to_host"]]
    assert sum(row["cycles"] for row in rows) == record["cycles_per_step"]
    assert sum(row["share"] for row in rows) == pytest.approx(1, rel=1e-12)
    most = 200 if record["costs"]["flash_bytes"] else 20  # the first time code misses the cache
    assert 0 < record["return_to_host"]["cycles"] < most, "and nothing before the first step"
    for row in rows:
        assert row["share"] == row["cycles"] / record["cycles_per_step"]


def test_operations_are_those_of_the_step_in_their_order(record: Record) -> None:
    names = [row["name"] for row in record["operations"]]
    assert names[:3] == ["conv2d 1 forward", "relu 1 forward", "max_pool2d 1 forward"]
    assert names[8:12] == ["dense 2 forward", "loss", "dense 2 backward", "dense 2 update"]
    further = [names[12], names[-1]] if names[12:] else []
    trains_all = "trained_layers" not in record["configuration"]
    assert further == (["relu 3 backward", "conv2d 1 update"] if trains_all else [])
    assert [row["name"] for row in record["operations"] if row["pass"] == "loss"] == ["loss"]
    costs = record["costs"]
    for row in record["operations"]:
        if row["pass"] != "loss":
            assert row["cycles"] == costs["cycles_by_layer"][row["layer"]][row["pass"]]
            per_mac = costs["cycles_per_mac"].get(row["layer"], {}).get(row["pass"])
            assert row["cycles_per_mac"] == per_mac


def test_layers_before_the_first_weights_only_go_forward(explained: Explained) -> None:
    names = [row["name"] for row in explained("--method", "priot", "--images", 1)["operations"]]
    assert names[:2] == ["max_pool2d 1 forward", "conv2d 1 forward"]
    assert not {"max_pool2d 1 backward", "max_pool2d 1 update"} & set(names)
    assert names[-1] == "conv2d 1 update"


# --- source lines


def test_lines_add_up_to_every_cycle_of_the_steps(record: Record) -> None:
    total = sum(line["cycles"] for line in record["lines"]) + record["waits"]
    assert total == record["profile_cycles"] == record["steps"] * record["cycles_per_step"]
    shares = sum(line["share"] for line in record["lines"])
    assert shares + record["waits"] / total == pytest.approx(1, rel=1e-12)
    stalls = sum(line["stalls"] for line in record["lines"])
    per_image = record["costs"]["xip_per_image"]["stall_cycles"]
    assert stalls == record["steps"] * per_image
    assert (stalls > 0) == (record["costs"]["flash_bytes"] > 0)


def test_lines_are_the_firmware_s_own_costliest_first(record: Record) -> None:
    lines = record["lines"]
    assert [line["cycles"] for line in lines] == sorted(
        (line["cycles"] for line in lines), reverse=True
    )
    places = [(line["file"], line["line"]) for line in lines]
    assert len(set(places)) == len(places)
    for line in lines:
        if line["file"] is None or line["file"].startswith("../"):  # libgcc's
            assert line["text"] is None
            continue
        text = (SOURCES / line["file"]).read_text().splitlines()[line["line"] - 1]
        assert line["text"] == text.strip() != ""
    known = sum(line["cycles"] for line in lines if line["text"])
    assert known > 0.99 * record["profile_cycles"]


def test_assembly_has_its_lines_in_the_fast_variant(records: dict[str, Record]) -> None:
    for name, record in records.items():
        files = {line["file"] or "" for line in record["lines"]}
        plain = name == "dynamic"
        assert any(file.endswith(".S") and "trainer_fast" in file for file in files) != plain
        assert {"trainer/main.c"} < files


# --- memory


def test_buffers_that_are_alive_together_never_overlap(record: Record) -> None:
    layout = record["memory_map"]
    for number, use in enumerate(layout["operations"]):
        alive = [buffer for buffer in layout["buffers"] if number in buffer["operations"]]
        for one, other in combinations(alive, 2):
            assert (
                one["offset"] + one["bytes"] <= other["offset"]
                or other["offset"] + other["bytes"] <= one["offset"]
            ), (use["name"], one["name"], other["name"])
        assert use["live_bytes"] == sum(buffer["bytes"] for buffer in alive)
        assert use["end_bytes"] == max(buffer["offset"] + buffer["bytes"] for buffer in alive)


def test_the_map_s_peak_is_the_measured_arena(record: Record) -> None:
    layout, costs = record["memory_map"], record["costs"]
    peak = max(operation["end_bytes"] for operation in layout["operations"])
    # A last byte that is by chance what SRAM held before is not seen to be written.
    assert peak - 2 <= costs["sram"]["arena"] <= peak
    assert 0 <= costs["planned_arena_bytes"] - peak < 8  # the plan is aligned
    assert sum(costs["sram"].values()) == costs["peak_sram_bytes"]
    sections = [part for part in layout["sections"] if part["kind"] != "room"]
    declared = costs["sram"]["code"] + costs["sram"]["static_data"]
    assert sum(section["size"] for section in sections) == declared
    stack = layout["stack"]
    assert stack["top"] - stack["address"] == costs["sram"]["stack"]
    in_flash = sum(buffer["bytes"] for buffer in layout["flash_buffers"])
    assert in_flash == costs["flash"]["weights"]


@pytest.mark.parametrize("variant", ON_ONE_CORE)
@pytest.mark.parametrize("name", ["niti-dynamic", "priot", "priot-ternary", "priot-s"])
@given(data=st.data())
@settings(max_examples=8)
def test_an_operation_writes_nothing_but_what_the_map_shows_alive(
    name: str, variant: Variant, data: st.DataObject
) -> None:
    """Looked up in the device's memory after every operation, on random networks.

    Words are written whole, so bytes up to the next multiple of ALIGNMENT belong to a buffer too.
    """
    case = data.draw(cases(name))
    pico, network = simulated_pico(None, variant), case.model.network
    device = Device(pico, case.model, case.method, case.scales, variant)
    start, end = (pico.symbol(f"__arena_{edge}__").address for edge in ("start", "end"))
    arena = pico.view(start, np.uint8, end - start)
    names, states = [], []
    for checkpoint in device.step_by_operation(case.images[0], case.labels[0]):
        name, phase = operation_name(network, checkpoint.layer), checkpoint.phase.name.lower()
        names.append(name if name == "loss" else f"{name} {phase}")
        states.append(arena.copy())
    layout = memory_map(device.layout, pico, names)
    for number, (before, after) in enumerate(pairwise(states), 1):
        written = before != after
        for buffer in layout["buffers"]:
            if number in buffer["operations"]:
                end = buffer["offset"] + buffer["bytes"]
                written[buffer["offset"] : -(-end // ALIGNMENT) * ALIGNMENT] = False
        assert not written.any(), names[number]


# --- energy


def test_energy_is_volts_times_amperes_times_seconds(explained: Explained) -> None:
    arguments = ("--method", "priot", "--images", 1, "--clock", 50)
    record = explained(*arguments, "--volts", 3.3, "--milliamps", 24)
    energy, seconds = record["energy"], record["cycles_per_step"] / 50e6
    assert (energy["volts"], energy["milliamps"]) == (3.3, 24)
    assert energy["seconds_per_step"] == seconds
    assert math.isclose(energy["joules_per_step"], 3.3 * 0.024 * seconds, rel_tol=1e-15)
    assert energy["volts_source"] == energy["milliamps_source"] == "given by the user"


@pytest.mark.parametrize("clock", [48, 133])
def test_usual_current_is_the_datasheet_s_in_proportion_to_the_clock(
    explained: Explained, clock: int
) -> None:
    energy = explained("--method", "priot", "--images", 1, "--clock", clock)["energy"]
    assert energy["volts"] == 1.1
    assert energy["milliamps"] == pytest.approx(10.9 * clock / 48, rel=1e-15)
    assert "table 628" in energy["volts_source"]
    assert "table 631" in energy["milliamps_source"]


# --- the run that is explained


def test_steps_are_those_of_the_run_itself(
    record_of: Explained, small_backbone: Path, tmp_path: Path
) -> None:
    """As many steps as a run has leave the model as priot train does, from the same file."""
    config = tmp_path / "run.toml"
    config.write_text(
        'method = "niti-static"\nangle = 45\nseed = 3\nimages = 5\ntest_images = 1\nepochs = 1\n'
        'logit_headroom = -1\ncalibration = "upright-all"\n'
    )
    given = ("--backbone", small_backbone)
    trained = record_of("train", "--config", config, *given)
    explained = record_of("explain", config, "--images", 5, *given)
    assert explained["configuration"] == trained["configuration"]
    assert explained["costs"]["final_state_sha256"] == trained["final_state_sha256"]
    fewer = record_of("explain", config, "--images", 4, *given)
    assert fewer["costs"]["final_state_sha256"] != trained["final_state_sha256"]


def test_options_say_the_same_as_a_file_and_outdo_it(explained: Explained, tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text('method = "priot-s"\nangle = 60\nthreshold = -5\nseed = 7\n')
    options = ("--method", "priot-s", "--angle", 60, "--threshold", -5)
    by_file = explained(config, "--seed", 1, "--images", 1)
    by_options = explained(*options, "--seed", 1, "--images", 1)
    assert by_file == by_options
    assert by_file["configuration"]["seed"] == 1
    assert by_file["steps"] == 1


def test_another_build_is_explained_as_what_it_is(explained: Explained) -> None:
    elf = firmware_elf.TRAINERS_IN_FLASH["fast"]
    record = explained("--method", "priot", "--images", 1, "--elf", elf)
    assert record["costs"]["variant"] == "fast"
    assert record["costs"]["placement"] == "code=flash"
    assert record["costs"]["sram"]["code"] == 0
    assert record["environment"]["trainer_elf_sha256"]


# --- the page and the figure


def test_page_shows_what_the_record_holds(
    small_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {kind: tmp_path / f"map.{kind}" for kind in ("json", "png")}
    arguments = ["explain", "--method", "priot-s", "--placement", "weights=flash", "--images", "1"]
    arguments += ["--backbone", str(small_backbone), "--json", str(files["json"])]
    assert main([*arguments, "--figure", str(files["png"])]) == 0
    page = capsys.readouterr().out
    record = json.loads(files["json"].read_text())
    with Image.open(files["png"]) as figure:
        assert figure.format == "PNG"
        assert figure.width == 2148  # 7.16 in
    assert page.startswith(
        "# A training step of PRIOT-S 10 % random: mnist-network, fast, weights=flash\n"
    )
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert [heading[3:] for heading in headings] == [
        *("Cycles by layer and pass", "Memory over the step", "Hottest source lines", "Energy")
    ]
    assert f"{record['cycles_per_step']:,.0f} cycles" in page
    assert f"= {record['costs']['peak_sram_bytes']:,} of 270,336 bytes" in page
    for row in record["operations"]:
        assert f" {row['name']} " in page
    count = len(record["operations"])
    for buffer in record["memory_map"]["buffers"]:
        marks = "".join("#" if at in buffer["operations"] else "." for at in range(count))
        address = record["memory_map"]["arena_address"] + buffer["offset"]
        line = next(line for line in page.splitlines() if line.startswith(f"    {buffer['name']} "))
        assert line.split()[-3:] == [f"{address:#010x}", f"{buffer['bytes']:,}", marks]
    hottest = record["lines"][0]
    assert f"    {hottest['file']}:{hottest['line']} " in page
    assert f"= {1000 * record['energy']['joules_per_step']:.4g} mJ a step: an estimate" in page
    for source in ("table 628", "table 631", "It leaves out:"):
        assert source in page


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "no method is named: choose from niti-dynamic, niti-static, priot"),
        (("none.toml",), "none.toml: cannot be read (No such file or directory); name a TOML"),
        (("--method", "adam"), "unknown method 'adam'"),
        (("--method", "priot", "--images", "0"), "--images 0: the run has steps on 1,024 images"),
        (("--method", "priot", "--images", "1025"), "--images 1025: the run has steps on 1,024"),
        (("--method", "priot", "--volts", "0"), "--volts 0: give a number above 0"),
        (("--method", "priot", "--milliamps", "nan"), "--milliamps nan: give a number above 0"),
        (("--method", "priot", "--clock", "0"), "--clock 0: the clock is given in MHz, 1..1000"),
        (("--method", "priot", "--figure", "map.jpg"), "must end in one of .pdf, .png, .svg"),
        (
            ("--method", "niti-static", "--placement", "weights=flash"),
            "NITI static trains its weights, and flash is only read",
        ),
        (("--method", "priot", "--placement", "edges=bitmap"), "edges=bitmap is for priot-s"),
        (("--method", "priot", "--placement", "stack=flash"), "'stack' cannot be placed"),
        (
            *(("--method", "priot", "--placement", "code=flash", "--elf", firmware_elf.TRAINER),),
            "a build lies where it was linked for: leave out code=flash",
        ),
        (("--method", "priot", "--elf", "none.elf"), "none.elf: cannot be read"),
    ],
    ids=str,
)
def test_mistakes_are_named_in_one_line(
    arguments: tuple[object, ...],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["explain", *map(str, arguments)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("priot: ")
    assert output.err.count("\n") == 1
    assert expected in output.err


def test_network_that_does_not_fit_is_refused_with_the_sum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = initial_model(Network("wide", (1, 28, 28), (Dense(200), Dense(10))), 0)
    save_backbone(tmp_path / "wide.json", Backbone(model, backbone_record(model)))
    arguments = ["explain", "--method", "priot", "--backbone", str(tmp_path / "wide.json")]
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert "wide does not fit with PRIOT: header " in message
    assert "weights 158,800 + scores 158,800" in message
    assert main([*arguments, "--placement", "weights=flash", "--images", "1"]) == 0


def test_placement_of_the_record_is_the_one_asked_for(records: dict[str, Record]) -> None:
    assert records["flash"]["costs"]["placement"] == EVERYTHING_IN_FLASH
