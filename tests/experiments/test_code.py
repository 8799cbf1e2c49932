"""priot.experiments.code: what changes the key of a run, and what does not."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from experiment_commands import change_digest

from priot.experiments import code
from priot.experiments.cli import main
from priot.experiments.code import digest_of, sources_of
from priot.experiments.device.code import COSTS, ON_DEVICE
from priot.experiments.floating.configuration import FINE_TUNING
from priot.experiments.training.code import TRAINING

ROOT = Path(__file__).parents[2]
ORDER = "experiments.datasets.order"
Digest = Callable[[str], str]


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Digest:
    """The digest of a module with some source."""

    def of(source: str) -> str:
        path = tmp_path / "module.py"
        path.write_text(source)
        monkeypatch.setattr(code, "sources_of", lambda _: {"module": path})
        return digest_of.__wrapped__(("module",))

    return of


SOURCE = '''
"""A module."""
LIMIT = 3
"""Of something."""


def double(value: int) -> int:
    """Twice as much."""
    return 2 * value if value < LIMIT else value
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A module.", "Another text."),
        ('"""Twice as much."""\n', "# without a docstring\n"),
        ("return 2 * value if value < LIMIT else value", "return (2 * value  # all\n    if value < "
         "LIMIT\n    else value)"),
        ('"""Of something."""', ""),
    ],
)  # fmt: skip
def test_words_and_layout_are_no_code(digest: Digest, before: str, after: str) -> None:
    changed = SOURCE.replace(before, after)
    assert changed != SOURCE
    assert digest(changed) == digest(SOURCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = 3.0"),
        ("2 * value", "value * 2"),
        ("value < LIMIT", "value <= LIMIT"),
        ("LIMIT = 3", 'LIMIT = "3"'),
        ("def double", "@cache\ndef double"),
        ("return 2", "await 2"),
    ],
)
def test_code_is(digest: Digest, before: str, after: str) -> None:
    assert digest(SOURCE.replace(before, after)) != digest(SOURCE)


def test_a_package_stands_for_all_of_its_modules() -> None:
    found = sources_of(("kernels",))
    assert {path.resolve() for path in found.values()} == set((ROOT / "kernels").rglob("*.py"))
    assert {"kernels", "kernels.trainer", "kernels.reference.conv2d"} <= found.keys()
    with pytest.raises(ModuleNotFoundError, match=r"priot\.kernels\.trainor"):
        sources_of(("kernels.trainor",))


# --- from the outside: a run that other code made is made anew


SWEEP = """
method = "priot"
images = 4
test_images = 8
epochs = 1
seed = [0, 1]
"""


@pytest.mark.parametrize(
    ("module", "runs"),
    [
        ("kernels.operations.conv2d", 2),
        ("kernels.reference.scores", 2),
        ("experiments.training.calibration", 2),
        (ORDER, 2),
        ("sim.cpu.meaning", 0),
        ("experiments.output", 0),
    ],
)
def test_kept_runs_count_while_their_code_is_the_same(
    small_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: str,
    runs: int,
) -> None:
    settings, kept = tmp_path / "sweep.toml", tmp_path / "runs.jsonl"
    settings.write_text(SWEEP)
    options = ["--backbone", small_backbone, "--runs", kept, "--jobs", 1]
    command = ["sweep", *map(str, (settings, *options))]
    assert main(command) == 0
    first = kept.read_text()
    capsys.readouterr()
    with monkeypatch.context() as patch:
        change_digest(patch, module)
        assert main(command) == 0
    told = f"priot: {runs} of 2 runs are in {kept} as other code made them, and are made anew\n"
    assert capsys.readouterr().err == (told if runs else "")
    assert kept.read_text().startswith(first), "what is there stays there"
    assert len(kept.read_text().splitlines()) == 2 + runs
    assert main(command) == 0
    assert len(kept.read_text().splitlines()) == 2 + runs, "both codes have their runs now"


# --- what is named is what runs


def _modules_that_run(work: Callable[[], object]) -> set[str]:
    """Modules of priot whose Python is executed, by dotted name below it."""
    files: set[str] = set()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            files.add(frame.f_code.co_filename)

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    paths = (Path(file).resolve() for file in files if Path(file).is_absolute())
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in paths
        if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / ".venv")
    }


IMMATERIAL = {
    # Which run is asked for, and by whom: in the key themselves.
    *("experiments.datasets.idx", "experiments.datasets.mnist", "experiments.pretraining.backbone"),
    *("experiments.training.configuration", "experiments.training.inputs", "experiments.ranges"),
    *("experiments.arrays", "experiments.reading", "sim.reading"),
    # What a record looks like: it has a version.
    *("experiments.records.runs", "experiments.environment", "numba_cache"),
    # Of the simulator what no trainer asks for: built as any chip is, and at rest.
    *("sim.circles", "sim.fault_answers", "sim.stack_guard", "sim.steady_registers"),
    *("sim.stimuli", "sim.loading.elf_file", "sim.loading.symbols"),
}


def _immaterial(module: str) -> bool:
    return module in IMMATERIAL or module.startswith(("tests.", "sim.peripherals.", "sim.devices."))


def test_every_module_that_trains_is_named(small_backbone: Path) -> None:
    from priot.experiments.training.configuration import Configuration
    from priot.experiments.training.inputs import load_inputs
    from priot.experiments.training.train import train
    from priot.kernels.methods import method

    def work() -> None:
        inputs = load_inputs("mnist-sample", None, small_backbone)
        for settings in (
            {"method": method("priot-s", selection="gradient"), "calibration": "rotated-p90"},
            {"method": method("niti-static"), "learning_rate_schedule": "4,3"},
            {"method": method("niti-dynamic")},
        ):
            train(Configuration(**settings, images=70, test_images=5, epochs=2), inputs)

    found = _modules_that_run(work)
    assert "experiments.training.train" in found
    assert {name for name in found - sources_of(TRAINING).keys() if not _immaterial(name)} == set()


def test_every_module_that_measures_costs_is_named(small_backbone: Path) -> None:
    from priot.experiments.datasets.mnist import mnist_sample
    from priot.experiments.datasets.transfer import transfer_task
    from priot.experiments.device.costs import Setup, measure
    from priot.experiments.device.placement import Placement
    from priot.experiments.device.variants import Variant
    from priot.experiments.pretraining.backbone import load_backbone
    from priot.kernels.methods import method

    def work() -> None:
        backbone, task = load_backbone(small_backbone), transfer_task(mnist_sample(), 30, 1, 0, 0)
        in_flash = Placement.parse("weights=flash,code=flash,edges=bitmap")
        for setup in (
            Setup(method("niti-static")),
            Setup(method("priot-s"), in_flash, Variant.FAST),
            Setup(method("priot"), variant=Variant.DUAL),
        ):
            measure(backbone, setup, task, 0)

    found = _modules_that_run(work)
    assert {"sim.pico", "experiments.device.host"} <= found
    assert {name for name in found - sources_of(COSTS).keys() if not _immaterial(name)} == set()


@pytest.mark.parametrize("modules", [TRAINING, ON_DEVICE, COSTS, FINE_TUNING])
def test_what_is_named_is_there(modules: tuple[str, ...]) -> None:
    assert all(path.is_file() for path in sources_of(modules).values())


def test_no_tree_needs_a_newer_python() -> None:
    """What newer versions add to trees (PEP 695, 696, 750) would make digests differ."""
    newer = {"TypeAlias", "TypeVar", "ParamSpec", "TypeVarTuple", "TemplateStr", "Interpolation"}
    for path in sources_of((*COSTS, *FINE_TUNING)).values():
        kinds = {type(node).__name__ for node in ast.walk(ast.parse(path.read_bytes()))}
        assert not kinds & newer, path
