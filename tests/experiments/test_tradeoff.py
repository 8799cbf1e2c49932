"""priot tradeoff: the Pareto front, the best within limits, and measurements that are kept."""

import csv
import io
import json
import math
import re
import shlex
from collections.abc import Callable
from dataclasses import fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from experiment_models import MNIST_NETWORK
from hypothesis import given
from hypothesis import strategies as st

from priot import firmware_elf
from priot.experiments.cli import main
from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.device import cost_runs
from priot.experiments.device.cost_runs import CostRuns
from priot.experiments.device.costs import Rows, Setup, measure_costs, possible_setups
from priot.experiments.device.layout import DoesNotFitError
from priot.experiments.device.placement import DEFAULT, Placement, Scores
from priot.experiments.device.purpose import Purpose
from priot.experiments.device.simulator import SHIPPED, code_hash_of, is_possible
from priot.experiments.device.variants import Variant
from priot.experiments.errors import UserError
from priot.experiments.paper import tradeoff
from priot.experiments.paper.contenders import CONTENDERS
from priot.experiments.paper.limits import Limits
from priot.experiments.paper.pareto import on_front
from priot.experiments.paper.protocol import QUICK
from priot.experiments.paper.tradeoff import with_front
from priot.experiments.paper.tradeoff_query import most_accurate
from priot.experiments.pretraining.backbone import Backbone, backbone_record
from priot.experiments.records.costs import DoesNotFit
from priot.kernels.methods import Method, method
from priot.kernels.model import initial_model
from priot.kernels.network import Network
from priot.kernels.operations import Dense

SETTINGS = resources.files("priot.experiments") / "paper" / "settings"
OF_CONTENDER = ("method", "scored_fraction", "selection", "trained_layers")
Row = dict[str, Any]
Tradeoff = Callable[..., int]


# --- the front

COSTS = st.lists(st.tuples(*[st.integers(0, 5)] * 3), max_size=20)  # small, so that many are equal


def beats(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    no_worse = [a <= b for a, b in zip(one, other, strict=True)]
    better = [a < b for a, b in zip(one, other, strict=True)]
    return all(no_worse) and any(better)


@given(COSTS)
def test_front_is_what_nothing_beats(costs: list[tuple[int, ...]]) -> None:
    front = [cost for cost, best in zip(costs, on_front(costs), strict=True) if best]
    others = [cost for cost, best in zip(costs, on_front(costs), strict=True) if not best]
    assert bool(front) is bool(costs)
    assert not any(beats(one, other) for one in costs for other in front)
    assert all(any(beats(one, other) for one in front) for other in others)


def test_equal_rows_are_on_the_front_together() -> None:
    assert on_front([(1, 2), (2, 1), (1, 2), (2, 2)]) == [True, True, True, False]


# --- the best within limits


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Rows with the columns that a question is about, on the front or not."""
    drawn = draw(st.lists(st.tuples(*[st.integers(1, 6)] * 3), min_size=1, max_size=12))
    rows = [
        {
            "label": f"method {number}",
            "placement": "default",
            "variant": "fast",
            "peak_sram_bytes": 1024 * kib,
            "ms": float(ms),
            "final_mean": float(accuracy),
        }
        for number, (kib, ms, accuracy) in enumerate(drawn)
    ]
    return with_front(rows)


BOUNDS = st.builds(
    Limits, sram_kb=st.integers(1, 6) | st.just(math.inf), ms=st.integers(1, 6) | st.just(math.inf)
)


def fits(row: Row, limits: Limits) -> bool:
    return row["peak_sram_bytes"] <= 1024 * limits.sram_kb and row["ms"] <= limits.ms


@given(tables(), BOUNDS)
def test_answer_is_the_best_that_fits_or_tells_what_comes_near(
    rows: list[Row], limits: Limits
) -> None:
    fitting = [row for row in rows if fits(row, limits)]
    if fitting:
        best = most_accurate(rows, limits)
        assert best in fitting
        assert best["final_mean"] == max(row["final_mean"] for row in fitting)
        assert best["pareto"]
        return
    with pytest.raises(UserError, match=re.escape(f"nothing fits in {limits}; nearest: ")) as told:
        most_accurate(rows, limits)
    named = [rows[int(n)] for n in re.findall(r"method (\d+)", str(told.value))]
    within_time = [row for row in rows if row["ms"] <= limits.ms]
    within_sram = [row for row in rows if row["peak_sram_bytes"] <= 1024 * limits.sram_kb]
    least_sram = min(row["peak_sram_bytes"] for row in within_time or rows)
    least_time = min(row["ms"] for row in within_sram or rows)
    if within_time or not within_sram:
        assert least_sram in [row["peak_sram_bytes"] for row in named]
    if within_sram or not within_time:
        assert least_time in [row["ms"] for row in named]


# --- what is combined


def test_every_placement_is_there_once_and_can_be_named() -> None:
    placements = Placement.every()
    assert len(set(placements)) == len(placements)
    assert DEFAULT in placements
    for placement in placements:
        assert Placement.parse(str(placement)) == placement
    for setting in fields(Placement):
        assert len({getattr(placement, setting.name) for placement in placements}) > 1


def test_impossible_setups_are_left_out() -> None:
    setups = possible_setups(
        [method("niti-static"), method("priot-s")], Placement.every(), tuple(Variant)
    )
    assert len(setups) == len(set(setups))
    assert all(setup.placement.suits(setup.method) for setup in setups)
    static, sparse = (
        {setup.placement for setup in setups if setup.method.name == name}
        for name in ("niti-static", "priot-s")
    )
    assert static == {p for p in Placement.every() if p.suits(method("niti-static"))}
    assert static < sparse == {p for p in Placement.every() if p.scores is Scores.INT8}


# --- measurements that are kept


def changed_in(section: str, tmp_path: Path) -> Path:
    """A copy of a firmware with one byte of a section changed."""
    content = bytearray(firmware_elf.TRAINER.read_bytes())
    header = ELFFile(io.BytesIO(content)).get_section_by_name(section)
    content[header["sh_offset"] + header["sh_size"] - 1] ^= 1
    path = tmp_path / "changed.elf"
    path.write_bytes(content)
    return path


def test_measurements_outlive_a_comment_in_the_firmware_and_no_change_of_its_code(
    tmp_path: Path,
) -> None:
    committed = code_hash_of(firmware_elf.TRAINER)
    assert code_hash_of(changed_in(".debug_line", tmp_path)) == committed
    assert code_hash_of(changed_in(".text", tmp_path)) != committed
    assert len({code_hash_of(path) for path in SHIPPED}) == len(SHIPPED)


def runs_with(seed: int = 0, images: int = 1, angle: float = 30.0, start: int = 0) -> CostRuns:
    model = initial_model(MNIST_NETWORK, start)
    task = transfer_task(mnist_sample(), angle, images, 0, seed)
    return CostRuns(Backbone(model, backbone_record(model)), task, seed)


SETUP = Setup(method("priot-s"), DEFAULT, Variant.FAST)


def test_key_follows_from_everything_that_a_measurement_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = [
        runs_with().key(SETUP),
        *(runs_with(**other).key(SETUP) for other in ({"seed": 1}, {"images": 2}, {"start": 1})),
        runs_with(angle=31).key(SETUP),
        *(
            runs_with().key(replace(SETUP, **change))
            for change in (
                {"method": method("priot-s", scored_fraction=0.2)},
                {"method": method("priot-s", selection="magnitude")},
                {"method": method("priot-s", learning_rate_bits=4)},
                {"method": method("priot")},
                {"method": method("niti-static")},
                {"method": method("niti-static", trained_layers="last")},
                {"placement": Placement.parse("weights=flash")},
                {"placement": Placement.parse("code=flash")},
                {"placement": Placement.parse("edges=bitmap")},
                {"variant": Variant.PLAIN},
            )
        ),
    ]
    monkeypatch.setattr(cost_runs, "trainer_elf", lambda *_: firmware_elf.TRAINER)
    keys.append(runs_with().key(SETUP))
    monkeypatch.undo()
    planned = cost_runs.planned_layout
    monkeypatch.setattr(
        cost_runs,
        "planned_layout",
        lambda *given: replace(planned(*given), plan=replace(planned(*given).plan, size=8)),
    )
    keys.append(runs_with().key(SETUP))
    assert len(set(keys)) == len(keys)
    monkeypatch.undo()
    assert runs_with().key(SETUP) == keys[0]


def test_record_is_that_of_priot_costs() -> None:
    runs = runs_with()
    (expected,) = measure_costs(
        runs.backbone,
        runs.task,
        125_000_000,
        0,
        Rows([SETUP.method], variants=[SETUP.variant]),
    )
    record = runs.run(SETUP)
    assert not hasattr(record, "clock_hz"), "a record serves every clock"
    assert vars(record).items() <= vars(expected).items()


def test_setup_that_does_not_fit_is_kept_with_its_sum() -> None:
    model = initial_model(Network("large", (1, 28, 28), (Dense(200), Dense(10))), 0)
    runs = replace(runs_with(), backbone=Backbone(model, backbone_record(model)))
    told = runs.run(Setup(method("priot")))
    assert isinstance(told, DoesNotFit)
    assert told.does_not_fit.startswith("large does not fit with PRIOT: ")


# --- the command


@pytest.fixture(scope="module", autouse=True)
def settings(small_backbone: Path) -> Path:
    """A file with settings of every contender, at their defaults where none were found yet."""
    found = json.loads((SETTINGS / "tiny-cnn.json").read_text())
    for contender in CONTENDERS:
        found["best"].setdefault(contender.name, {"30": {"learning_rate_bits": 3}})
    path = settings_beside(small_backbone)
    path.write_text(json.dumps(found))
    return path


def settings_beside(backbone: Path) -> Path:
    return backbone.with_name("settings.json")


@pytest.fixture(scope="module")
def results(small_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What priot tradeoff --quick writes for a small network."""
    folder = tmp_path_factory.mktemp("tradeoff")
    assert main(command(small_backbone, folder)) == 0
    return folder


def command(backbone: Path, folder: Path, *options: object) -> list[str]:
    places = ["--backbone", backbone, "--results", folder, "--settings", settings_beside(backbone)]
    return ["tradeoff", "--quick", "--jobs", "1", *map(str, (*places, *options))]


@pytest.fixture
def again(
    results: Path, small_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Tradeoff:
    """The command with all runs at hand and no figure; it writes to a folder of the test."""
    runs = results / "runs" / "mnist-sample.jsonl"
    monkeypatch.setattr(tradeoff, "draw_tradeoff", lambda _, path: path.touch())

    def run(*options: object) -> int:
        return main(command(small_backbone, tmp_path / "results", "--runs", runs, *options))

    return run


def rows_of(folder: Path) -> list[Row]:
    return json.loads((folder / "tradeoff.json").read_text())["rows"]


@pytest.fixture
def first_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """NITI and PRIOT, in SRAM and by the plain variant, are all that is possible; no figure."""

    def three(methods: list[Method], *_: object) -> list[Setup]:
        return [
            Setup(one) for one in methods if one.label in ("NITI dynamic", "NITI static", "PRIOT")
        ]

    monkeypatch.setattr(tradeoff, "possible_setups", three)
    monkeypatch.setattr(tradeoff, "draw_tradeoff", lambda _, path: path.touch())


def test_every_possible_combination_is_a_row(results: Path) -> None:
    rows = rows_of(results)
    found = {(*(r[name] for name in OF_CONTENDER), r["placement"], r["variant"]) for r in rows}
    expected = {
        (*(getattr(row, name) for name in OF_CONTENDER), str(placement), str(variant))
        for row in CONTENDERS
        for placement in Placement.every()
        if placement.suits(row.configuration().method)
        for variant in Variant
        if is_possible(variant, placement, Purpose.TRAINING)
    }
    assert found == expected
    assert len(rows) == len(expected)


def test_table_holds_the_rows_and_the_front(results: Path) -> None:
    with (results / "tradeoff.csv").open() as file:
        table = list(csv.DictReader(file))
    rows = rows_of(results)
    assert table == [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]
    costs = [(row["peak_sram_bytes"], row["ms"], -row["final_mean"]) for row in rows]
    assert [row["pareto"] for row in rows] == on_front(costs)


def test_accuracy_is_that_of_table_1_and_the_same_for_every_placement_and_variant(
    results: Path, settings: Path, small_backbone: Path, tmp_path: Path
) -> None:
    runs = results / "runs" / "mnist-sample.jsonl"
    options = ["--backbone", small_backbone, "--results", tmp_path, "--runs", runs, "--jobs", 1]
    options += ["--settings", settings]
    assert main(["accuracy", "--quick", *map(str, options)]) == 0
    table = json.loads((tmp_path / "accuracy.json").read_text())["rows"]
    names = (*OF_CONTENDER, "seeds", "final_mean", "final_std")
    in_table = {
        tuple(row[name] for name in names)
        for row in table
        if (row["comparison"], row["angle"]) == ("paper", 30) and row["method"] != "none"
    }
    assert {tuple(row[name] for name in names) for row in rows_of(results)} == in_table
    assert len(in_table) == len(CONTENDERS)


def test_again_writes_the_same_and_measures_nothing(
    results: Path, small_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("priot.experiments.sweeps.workers._compute", None)
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    assert main(command(small_backbone, results)) == 0
    after = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    assert {path.name for path in before} >= {"tradeoff.pdf", "tradeoff.png", "tradeoff.csv"}
    assert after.keys() == before.keys()
    assert [path.name for path in after if after[path] != before[path]] == []


def test_interrupted_measurements_go_on_where_they_stood(
    results: Path, small_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mnist-sample.jsonl", "mnist-sample-costs.jsonl"):
        lines = (results / "runs" / name).read_bytes().splitlines(keepends=True)
        (tmp_path / "runs").mkdir(exist_ok=True)
        kept = lines if "costs" not in name else lines[:-3]
        (tmp_path / "runs" / name).write_bytes(b"".join(kept))
    measured = []
    measure = cost_runs.measure

    def counted(*given: Any) -> dict[str, Any]:
        measured.append(given)
        return measure(*given)

    monkeypatch.setattr(cost_runs, "measure", counted)
    monkeypatch.setattr(tradeoff, "draw_tradeoff", lambda _, path: path.touch())
    assert main(command(small_backbone, tmp_path)) == 0
    assert len(measured) == 3
    assert (tmp_path / "tradeoff.csv").read_bytes() == (results / "tradeoff.csv").read_bytes()


def test_clock_changes_times_alone_and_needs_no_measurement(
    again: Tradeoff, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("priot.experiments.sweeps.workers._compute", None)
    assert again("--clock", 125) == 0
    for row, slower in zip(rows_of(results), rows_of(tmp_path / "results"), strict=True):
        assert slower["ms"] == pytest.approx(row["ms"] * 133 / 125, abs=1e-3)
        kept = row.keys() - {"ms", "clock_hz"}
        assert {name: row[name] for name in kept} == {name: slower[name] for name in kept}


def test_another_angle_has_its_own_runs(
    small_backbone: Path, results: Path, tmp_path: Path, first_three: None
) -> None:
    assert main(command(small_backbone, tmp_path, "--angle", 60)) == 0
    rows = rows_of(tmp_path)
    assert {row["angle"] for row in rows} == {60.0}
    assert "60 degrees" in (tmp_path / "tradeoff.caption.txt").read_text()
    found = {row["label"]: row for row in rows_of(results)[::-1]}
    for row in rows:
        assert (row["cycles"], row["final_mean"]) != (
            found[row["label"]]["cycles"],
            found[row["label"]]["final_mean"],
        )


def test_question_is_answered_with_commands_that_give_the_row(
    again: Tradeoff,
    results: Path,
    tmp_path: Path,
    record_of: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = sorted(row["peak_sram_bytes"] for row in rows_of(results))[20] / 1024
    assert again("--sram-kb", small, "--ms", 50) == 0
    out = capsys.readouterr().out
    assert f"The most accurate in {small:g} KB of SRAM and 50 ms: " in out
    costs, train = (shlex.split(line)[1:] for line in out.splitlines() if line.startswith("priot "))
    (record,) = record_of(*costs)
    best = most_accurate(rows_of(results), Limits(small, 50))
    assert record["label"] == best["label"]
    assert record["peak_sram_bytes"] == best["peak_sram_bytes"]
    assert record["cycles_per_image"]["mean"] == best["cycles"]
    configuration = record_of(*train)["configuration"]
    assert configuration["method"] == best["method"]
    assert configuration.get("trained_layers") == best["trained_layers"]
    assert configuration["images"] == QUICK.images


def test_either_limit_may_stand_alone(
    again: Tradeoff, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for options, limits, told in (
        (("--ms", 1), Limits(ms=1), "in 1 ms: "),
        (("--sram-kb", 200), Limits(200), "in 200 KB of SRAM: "),
    ):
        assert again(*options) == 0
        best = most_accurate(rows_of(results), limits)
        assert f"The most accurate {told}{best['label']}, " in capsys.readouterr().out


def test_nothing_that_fits_is_an_error_with_what_comes_near(
    again: Tradeoff, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert again("--sram-kb", 1) == 2
    (line,) = capsys.readouterr().err.splitlines()
    least = min(rows_of(results), key=lambda row: row["peak_sram_bytes"])
    assert line.startswith("priot: nothing fits in 1 KB of SRAM; nearest: ")
    assert f"{least['peak_sram_bytes'] / 1024:.1f} KB" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sram-kb", 0), "--sram-kb 0: give KB above 0"),
        (("--sram-kb", "nan"), "--sram-kb nan: give KB above 0"),
        (("--ms", -1), "--ms -1: give ms above 0"),
        (("--clock", 0), "--clock 0: the clock is given in MHz, 1..1000"),
        (("--angle", "nan"), "--angle nan: name degrees from -360 to 360"),
        (("--jobs", 0), "--jobs 0: name 1 or more processes"),
    ],
)
def test_bad_option_is_told_before_any_work(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[object, ...],
    message: str,
) -> None:
    arguments = ["tradeoff", "--quick", "--results", tmp_path / "results", *options]
    assert main([str(argument) for argument in arguments]) == 2
    assert capsys.readouterr().err.startswith(f"priot: {message}")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("too_large", [{"PRIOT"}, {"NITI dynamic", "NITI static", "PRIOT"}])
def test_setups_that_do_not_fit_are_left_out_and_told(
    tmp_path: Path,
    results: Path,
    small_backbone: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    first_three: None,
    too_large: set[str],
) -> None:
    measure = cost_runs.measure

    def limited(backbone: Backbone, setup: Setup, *others: Any) -> dict[str, Any]:
        if setup.method.label in too_large:
            raise DoesNotFitError(f"no room for {setup.method.label}")
        return measure(backbone, setup, *others)

    monkeypatch.setattr(cost_runs, "measure", limited)
    (tmp_path / "runs").mkdir()
    trained = (results / "runs" / "mnist-sample.jsonl").read_bytes()
    (tmp_path / "runs" / "mnist-sample.jsonl").write_bytes(trained)
    code = main(command(small_backbone, tmp_path))
    if len(too_large) == 3:
        assert code == 2
        assert capsys.readouterr().err == "priot: no room for NITI dynamic\n"
        return
    assert code == 0
    assert [row["label"] for row in rows_of(tmp_path)] == ["NITI dynamic", "NITI static"]
    record = json.loads((tmp_path / "tradeoff.json").read_text())
    assert record["made_with"]["too_large"] == ["no room for PRIOT"]
