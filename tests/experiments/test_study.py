"""priot study: a reduced version from the outside, and the rules that it follows."""

import csv
import json
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest
from experiment_commands import accuracy_by_epoch
from hypothesis import given
from hypothesis import strategies as st

from priot.experiments.cli import main
from priot.experiments.paper.intervals import half_width
from priot.experiments.pretraining.backbone import backbone_names, load_backbone
from priot.experiments.study.confirmation import best_bits, comparisons, safest
from priot.experiments.study.protocol import FULL, QUICK
from priot.experiments.study.screening import cells, gaps
from priot.experiments.study.weights import describe, room, with_steps

PARTS = ("screening", "mechanisms", "confirmation", "methods")
AHEAD = ("less_than_paper", "as_in_paper", "more_than_paper")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What priot study --quick writes."""
    folder = tmp_path_factory.mktemp("study")
    assert main(["study", "--quick", "--results", str(folder)]) == 0
    return folder


def rows_of(results: Path, name: str) -> list[dict[str, str]]:
    with (results / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def runs_of(results: Path) -> list[dict[str, Any]]:
    lines = (results / "runs" / "backbones.jsonl").read_text().splitlines()
    return [json.loads(line)["record"] for line in lines]


@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_its_table_record_and_caption(results: Path, name: str) -> None:
    figures = {".pdf", ".png"} if name == "screening" else set()
    suffixes = {path.name.removeprefix(name) for path in results.glob(f"{name}.*")}
    assert suffixes == {".csv", ".json", ".caption.txt"} | figures
    record = json.loads((results / f"{name}.json").read_text())
    assert "REDUCED" in record["caption"]
    assert record["caption"] == (results / f"{name}.caption.txt").read_text().strip()


def test_again_gives_the_same_bytes_and_runs_nothing(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more_runs(*_: object) -> None:
        raise AssertionError("a run that is in the store is repeated")

    monkeypatch.setattr("priot.experiments.sweeps.workers._compute", no_more_runs)
    files = sorted(path for path in results.rglob("*") if path.is_file())
    before = {path: path.read_bytes() for path in files}
    assert main(["study", "--quick", "--results", str(results)]) == 0
    assert {path: path.read_bytes() for path in files} == before


def test_map_says_what_the_runs_say(results: Path) -> None:
    place = ("float32-minmax-0", "niti-static", "rotated-largest", "60.0", "5")
    names = ("backbone", "method", "calibration", "angle", "learning_rate_bits")
    (row,) = (r for r in rows_of(results, "screening") if tuple(r[n] for n in names) == place)
    backbone = load_backbone(Path("float32-minmax-0")).model
    wanted = {
        "method": "niti-static",
        "calibration": "rotated-largest",
        "angle": 60.0,
        "learning_rate_bits": 5,
        "epochs": QUICK.screening.epochs,
        "seed": 0,
    }
    (run,) = (
        run
        for run in runs_of(results)
        if run["configuration"].items() >= wanted.items()
        and run["backbone_sha256"] == backbone.state_hash()
    )
    assert float(row["final_mean"]) == round(accuracy_by_epoch(run)[-1], 3)
    assert float(row["best_mean"]) == round(max(accuracy_by_epoch(run)), 3)
    shifts = sum(scale["forward"] for scale in run["scales"].values())
    assert int(row["logit_exponents"]) == sum(backbone.exponents.values()) + shifts - 7


def test_map_has_every_cell_once(results: Path) -> None:
    rows = rows_of(results, "screening")
    places = [tuple(row[name] for name in list(row)[:5]) for row in rows]
    assert len(set(places)) == len(places) == 2 * 2 * 2 * 2 * 2
    kinds = ("priot_behind", "within_1_point", *(f"ahead_{much}" for much in AHEAD))
    counted = json.loads((results / "screening.json").read_text())["made_with"]["gaps"]
    assert sum(gap["cells"] for gap in counted) == len(rows) // 2
    for gap in counted:
        assert sum(gap[kind] for kind in kinds) == gap["cells"]


def test_full_map_names_backbones_that_ship() -> None:
    names = {cell.backbone for cell in cells(FULL)}
    names |= {f"{kind}-{seed}" for kind in FULL.confirmed_kinds for seed in FULL.pretraining_seeds}
    assert names <= set(backbone_names())


def test_gaps_are_priot_less_static_niti() -> None:
    rows = [
        {
            "backbone": "short-0",
            "method": method,
            "calibration": "rotated",
            "learning_rate_bits": bits,
            "angle": 30.0,
            "final_mean": accuracy,
            "collapsed_share": 0.0 if accuracy > 20 else 50.0,
        }
        for method, accuracies in (
            ("niti-static", (90, 90, 90, 70, 10)),
            ("priot", (88, 90, 95, 90, 90)),
        )
        for bits, accuracy in enumerate(accuracies)
    ]
    (counted,) = gaps(rows)
    assert [counted[kind] for kind in ("cells", "priot_behind", "within_1_point")] == [5, 1, 1]
    assert [counted[f"ahead_{much}"] for much in AHEAD] == [1, 1, 1]
    assert (counted["collapsed_priot"], counted["collapsed_niti_static"]) == (0.0, 10.0)


# --- the rule of the confirmation


def map_rows(accuracy: dict[tuple[str, str, int], tuple[float, float]]) -> list[dict[str, Any]]:
    """Rows of a map with one angle; values are mean final accuracy and collapsed share."""
    return [
        {
            "backbone": f"{kind}-0",
            "method": method,
            "calibration": calibration.label,
            "angle": 30.0,
            "learning_rate_bits": bits,
            "final_mean": accuracy.get((calibration.rule, method, bits), (50.0, 0.0))[0],
            "collapsed_share": accuracy.get((calibration.rule, method, bits), (50.0, 0.0))[1],
        }
        for kind in QUICK.confirmed_kinds
        for calibration in QUICK.calibrations
        for method in ("niti-static", "priot")
        for bits in QUICK.bits
    ]


def test_own_bits_are_the_best_of_a_method_and_common_bits_the_best_of_both() -> None:
    rows = map_rows(
        {
            ("rotated", "niti-static", 3): (90.0, 0.0),
            ("rotated", "niti-static", 5): (80.0, 0.0),
            ("rotated", "priot", 3): (70.0, 0.0),
            ("rotated", "priot", 5): (95.0, 0.0),
            ("rotated-largest", "niti-static", 5): (99.0, 0.0),  # another calibration has no say
        }
    )
    chosen = [one for one in comparisons(QUICK, rows) if one.calibration.rule == "rotated"]
    settings = {("common", (5, 5)), ("default", (3, 3)), ("own", (3, 5))}
    assert {(one.setting, one.bits) for one in chosen} == settings
    others = {one.setting for one in comparisons(QUICK, rows) if one not in chosen}
    assert others <= {"common", "default"}
    assert best_bits(QUICK, rows, "integer-uniform-0") == 5


def test_safest_calibration_has_the_fewest_collapsed_runs() -> None:
    lost = map_rows({("rotated", "niti-static", 5): (95.0, 33.3)})
    assert safest(QUICK, lost).rule == "rotated-largest"
    better = map_rows({("rotated", "niti-static", 5): (95.0, 0.0)})
    assert safest(QUICK, better).rule == "rotated"
    assert {one.calibration.rule for one in comparisons(QUICK, better)} == {"rotated"}


def test_confirmed_difference_is_paired(results: Path) -> None:
    row = rows_of(results, "confirmation")[0]
    backbone = load_backbone(Path(f"{row['kind']}-{row['pretraining_seed']}")).model
    finals = {}
    for name in ("niti-static", "priot"):
        wanted = {
            "method": name,
            "angle": float(row["angle"]),
            "calibration": row["calibration"],
            "learning_rate_bits": int(row[f"{name.replace('-', '_')}_bits"]),
            "epochs": QUICK.confirmation.epochs,
        }
        finals[name] = {
            run["configuration"]["seed"]: accuracy_by_epoch(run)[-1]
            for run in runs_of(results)
            if run["configuration"].items() >= wanted.items()
            and run["configuration"]["seed"] in QUICK.confirmation.seeds
            and run["backbone_sha256"] == backbone.state_hash()
            and run["configuration"]["seed"] in QUICK.confirmation.seeds
        }
        assert finals[name].keys() == set(QUICK.confirmation.seeds)
    differences = [finals["priot"][seed] - finals["niti-static"][seed] for seed in (10, 11)]
    assert float(row["difference"]) == pytest.approx(fmean(differences), abs=1e-3)
    wide = 12.706 * stdev(differences) / 2**0.5
    assert float(row["half_width"]) == pytest.approx(wide, abs=1e-2)


def test_confirmation_uses_seeds_that_the_map_has_not_seen() -> None:
    for study in (FULL, QUICK):
        assert not set(study.confirmation.seeds) & set(study.screening.seeds)


def test_interval_of_ten_values_is_students() -> None:
    """Example: ten values of standard deviation 1 have 2.262 / sqrt(10) (any table of t)."""
    values = [*[1.0] * 5, *[-1.0] * 5]
    assert half_width(values) == pytest.approx(2.262 * stdev(values) / 10**0.5)
    assert half_width([3.0, 3.0, 3.0]) == 0


# --- steps of weights


@given(bits=st.integers(1, 3), layer=st.sampled_from((0, 3, 6, 8)))
def test_coarser_steps_keep_what_weights_stand_for(bits: int, layer: int) -> None:
    model = load_backbone(None).model
    changed = with_steps(model, bits, [layer])
    for index in model.network.weighted:
        before = model.weights[index] * 2.0 ** model.exponents[index]
        after = changed.weights[index] * 2.0 ** changed.exponents[index]
        if index != layer:
            assert np.array_equal(before, after)
        else:
            assert np.abs(before - after).max() <= 2.0 ** changed.exponents[index] / 2
            # Half of a step is all that rounding can change.
            assert room(changed.weights[index]) > room(model.weights[index]) + bits - 0.5


@given(bits=st.integers(1, 3))
def test_finer_steps_only_clip(bits: int) -> None:
    model = load_backbone(Path("float32-minmax-0")).model
    changed = with_steps(model, -bits, model.network.weighted)
    for index in model.network.weighted:
        exact = model.weights[index].astype(int) << bits
        assert np.array_equal(changed.weights[index], np.clip(exact, -127, 127))
        assert changed.exponents[index] == model.exponents[index] - bits


def test_description_of_weights_counts_what_is_there() -> None:
    model = load_backbone(None).model
    model.weights[8][...] = 0
    model.weights[8].reshape(-1)[:4] = [127, -127, 64, 2]
    row = describe(model)[-1]
    assert (row["layer"], row["exponent"], row["largest"]) == ("dense 2", -8, 127)
    assert row["at_limit_share"] == round(100 * 2 / 640, 2)
    assert row["zero_share"] == round(100 * 636 / 640, 2)
    assert row["room_bits"] == round(np.log2(127 / ((127 + 127 + 64 + 2) / 640)), 3)
