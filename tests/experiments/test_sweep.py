"""priot sweep: interrupted in every way it ends with the same records, wherever runs are done."""

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from experiment_commands import without_progress

from priot.experiments.cli import main
from priot.experiments.errors import UserError
from priot.experiments.records.runs import TrainingRun
from priot.experiments.records.writing import to_json
from priot.experiments.sweeps import sweep as sweep_module
from priot.experiments.sweeps import workers as workers_module
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.sweep import Run, TrainingRuns, run_sweep
from priot.experiments.sweeps.workers import Workers
from priot.experiments.training.configuration import Configuration, read_sweep
from priot.experiments.training.inputs import Inputs, load_inputs
from priot.experiments.training.train import train
from priot.kernels.methods import METHODS
from priot.kernels.trainer import Trainer

SWEEP = """
method = ["niti-dynamic", "niti-static", "priot", "priot-s"]
seed = [0, 1, 2, 3]
images = 100
test_images = 50
epochs = 150  # some 0.2 s a run
"""
RUNS = 16
SHORT_SWEEP = SWEEP.replace("epochs = 150", "epochs = 2")

Start = Callable[..., "subprocess.Popen[str]"]


def settings(folder: Path, text: str) -> Path:
    path = folder / "sweep.toml"
    path.write_text(text)
    return path


def _hears_ctrl_c() -> None:
    """In a new process, which would not where the tests themselves run in a shell's background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def start(small_backbone: Path, priot: list[str], tmp_path: Path) -> Iterator[Start]:
    """Starts the sweep in a process group of its own, which is ended with the test."""
    started = []

    def run(*options: object, text: str = SWEEP) -> "subprocess.Popen[str]":
        command = [*priot, "sweep", settings(tmp_path, text), "--backbone", small_backbone]
        command += ["--runs", tmp_path / "runs.jsonl", *options]
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_hears_ctrl_c,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=240)
    return process.returncode, out, without_progress(err)


@pytest.fixture(scope="module")
def inputs(small_backbone: Path) -> Inputs:
    return load_inputs("mnist-sample", None, small_backbone)


@pytest.fixture(scope="module")
def expected(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The records of SWEEP, made without any sweep."""
    path = settings(tmp_path_factory.mktemp("expected"), SWEEP)
    return [to_json(train(configuration, inputs)) for configuration in read_sweep(path, {})]


@pytest.fixture(scope="module")
def short(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The records of SHORT_SWEEP, made without any sweep."""
    path = settings(tmp_path_factory.mktemp("short"), SHORT_SWEEP)
    return [to_json(train(configuration, inputs)) for configuration in read_sweep(path, {})]


def when_finished(runs: int, path: Path) -> list[str]:
    """The lines of a store once it has ``runs`` of them."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= runs:
            return lines
        time.sleep(0.02)
    raise TimeoutError(f"{path} has no {runs} runs")


def processes_of(group: int) -> dict[int, str]:
    """Command lines of the processes of a group that still run."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, of = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has ended meanwhile
            continue
        if int(of) == group and state != "Z":
            found[int(folder.name)] = command
    return found


def nothing_runs(group: int) -> bool:
    """Whether all processes of a group end within a few seconds."""
    end = time.monotonic() + 10
    while processes_of(group) and time.monotonic() < end:
        time.sleep(0.1)
    return not processes_of(group)


def finished(start: Start, tmp_path: Path) -> list[dict[str, Any]]:
    """The records of the same command, started again and left alone."""
    record = tmp_path / "record.json"
    code, _, err = ended(start("--jobs", 2, "--json", record))
    assert (code, err) == (0, "")
    return json.loads(record.read_text())


# --- interrupted


def test_killed_sweep_goes_on_where_it_stood(
    start: Start, tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    path = tmp_path / "runs.jsonl"
    process = start("--jobs", 2)
    when_finished(3, path)
    os.killpg(process.pid, signal.SIGKILL)
    ended(process)
    before = path.read_bytes()
    before = before[: before.rindex(b"\n") + 1]
    assert 3 <= before.count(b"\n") < RUNS, "it was midway"
    assert finished(start, tmp_path) == expected
    after = path.read_bytes()
    assert after.startswith(before), "nothing was done again"
    keys = [json.loads(line)["key"] for line in after.splitlines()]
    assert len(keys) == len(set(keys)) == RUNS


def test_interrupted_sweep_tells_how_to_go_on(start: Start, tmp_path: Path) -> None:
    """One worker is busy, the other idle: neither has anything to say."""
    path = tmp_path / "runs.jsonl"
    process = start("--jobs", 2, text='method = "priot"\nepochs = [1, 2, 100000]')
    when_finished(2, path)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    told = f"2 of 3 runs are in {path}; the same command goes on"
    assert ended(process) == (130, "", f"priot: interrupted; {told}\n")
    lengths = [len(record.right) for record in RunStore(path).records.values()]
    assert sorted(lengths) == [2, 3]
    assert nothing_runs(process.pid)


SLOW_WORKER = """
import sys, time
if any("popen_loky" in argument for argument in sys.orig_argv):
    open({begun!r}, "w").close()
    time.sleep(3)
"""


def test_ctrl_c_while_workers_begin_leaves_them_nothing_to_say(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    (tmp_path / "sitecustomize.py").write_text(SLOW_WORKER.format(begun=str(begun)))
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    process = start("--jobs", 2)
    while not begun.exists():
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    told = f"0 of {RUNS} runs are in {tmp_path / 'runs.jsonl'}; the same command goes on"
    assert ended(process) == (130, "", f"priot: interrupted; {told}\n")
    assert nothing_runs(process.pid)


def test_workers_end_with_a_sweep_that_is_killed(start: Start, tmp_path: Path) -> None:
    process = start("--jobs", 2)
    when_finished(1, tmp_path / "runs.jsonl")
    process.kill()
    process.wait()
    assert nothing_runs(process.pid)


def test_death_of_a_worker_is_told_and_loses_no_finished_run(
    start: Start, tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    path = tmp_path / "runs.jsonl"
    process = start("--jobs", 2)
    before = when_finished(2, path)
    workers = [pid for pid, line in processes_of(process.pid).items() if "LokyProcess" in line]
    os.kill(workers[0], signal.SIGKILL)
    code, out, err = ended(process)
    assert (code, out) == (2, "")
    assert err.startswith("priot: a worker process died (killed, or out of memory): finished runs")
    assert err.count("\n") == 1
    assert path.read_text().splitlines()[: len(before)] == before
    assert all(to_json(record) in expected for record in RunStore(path).records.values())
    assert nothing_runs(process.pid)


def test_second_sweep_on_the_same_file_is_told(start: Start, tmp_path: Path) -> None:
    endless = 'method = "priot"\nepochs = [1, 100000]'
    first = start("--jobs", 1, text=endless)
    when_finished(1, tmp_path / "runs.jsonl")
    code, _, err = ended(start("--jobs", 1, text=endless))
    assert code == 2
    assert "runs.jsonl: another process adds runs to it; wait, or name another file" in err
    assert first.poll() is None


def test_what_runs_read_goes_to_each_process_once(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with every run: images and weights are megabytes."""
    sent = []

    def reduced(runs: TrainingRuns) -> tuple[Any, ...]:
        sent.append(runs)
        return TrainingRuns, (runs.inputs,)

    monkeypatch.setattr(TrainingRuns, "__reduce__", reduced)
    configurations = [tiny("priot", seed=seed) for seed in range(6)]
    records = run_sweep(configurations, inputs, RunStore(tmp_path / "runs.jsonl"), Workers(2))
    assert len(sent) == 1
    assert records == [train(configuration, inputs) for configuration in configurations]


# --- on a cluster


def test_dask_gives_the_same_records(
    start: Start, tmp_path: Path, short: list[dict[str, Any]]
) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        options = ("--dask", cluster.scheduler_address, "--json", tmp_path / "record.json")
        code, _, err = ended(start(*options, text=SHORT_SWEEP))
    assert (code, err) == (0, "")
    assert json.loads((tmp_path / "record.json").read_text()) == short
    assert len(RunStore(tmp_path / "runs.jsonl").records) == RUNS


def test_bad_address_of_a_cluster_is_one_line(start: Start, tmp_path: Path) -> None:
    code, out, err = ended(start("--dask", "nowhere://x"))
    assert (code, out) == (2, "")
    assert err == (
        "priot: --dask nowhere://x: no Dask scheduler answers there; "
        "name one, such as tcp://10.0.0.1:8786\n"
    )
    assert (tmp_path / "runs.jsonl").read_bytes() == b""


def test_silent_address_of_a_cluster_is_told(
    monkeypatch: pytest.MonkeyPatch, inputs: Inputs, tmp_path: Path
) -> None:
    monkeypatch.setattr(workers_module, "CONNECT_SECONDS", 0.5)
    workers = Workers(dask="tcp://127.0.0.1:1")
    with pytest.raises(UserError, match=r"--dask tcp://127.0.0.1:1: no Dask scheduler answers"):
        run_sweep([tiny("priot")], inputs, RunStore(tmp_path / "runs.jsonl"), workers)


# --- in this process


def tiny(method: str, **changes: Any) -> Configuration:
    small = {"images": 20, "test_images": 20, "epochs": 1}
    return Configuration.from_json({"method": method, **small, **changes})


def test_finished_sweep_computes_nothing_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, inputs: Inputs, tmp_path: Path
) -> None:
    runs = [tiny("priot", seed=seed) for seed in (0, 1, 0)]
    path = tmp_path / "runs.jsonl"
    records = run_sweep(runs, inputs, RunStore(path), Workers(1))
    assert records[0] == records[2] != records[1]
    assert path.read_bytes().count(b"\n") == 2
    path.chmod(0o400)
    monkeypatch.setattr(RunStore, "open_to_append", None)  # root could write all the same
    monkeypatch.setattr(sweep_module, "train", None)
    assert run_sweep(runs, inputs, RunStore(path), Workers(1)) == records
    assert run_sweep(runs[:1], inputs, RunStore(path), Workers(dask="nowhere")) == records[:1]


def test_network_that_is_named_gives_the_same_key(inputs: Inputs, tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.jsonl")
    run_sweep([tiny("priot"), tiny("priot", network="mnist-network")], inputs, store, Workers(1))
    assert len(store.records) == 1


def test_run_that_does_not_fit_is_told_before_any_starts(inputs: Inputs, tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    for bad, expected in (
        (tiny("priot", images=3001), "3,001 images to train on"),
        (tiny("priot", network="tiny-cnn"), "network 'tiny-cnn': the backbone is of"),
    ):
        with pytest.raises(UserError, match=expected):
            run_sweep([tiny("priot"), bad], inputs, RunStore(path), Workers(1))
    assert not path.exists()


def test_run_that_fails_is_named_and_keeps_the_others(
    monkeypatch: pytest.MonkeyPatch, inputs: Inputs, tmp_path: Path
) -> None:
    def fails(configuration: Configuration, *others: Any) -> TrainingRun:
        if configuration.seed == 1:
            raise UserError("all images are black")
        return train(configuration, *others)

    monkeypatch.setattr(sweep_module, "train", fails)
    path = tmp_path / "runs.jsonl"
    with pytest.raises(UserError, match=r"all images are black \(the run with method priot, .*1\)"):
        run_sweep([tiny("priot", seed=s) for s in (0, 1)], inputs, RunStore(path), Workers(1))
    assert len(RunStore(path).records) == 1


def test_worker_of_another_version_is_refused(inputs: Inputs) -> None:
    with pytest.raises(UserError, match="a worker has another version of priot"):
        workers_module._run(
            "a key made elsewhere", Run("", tiny("priot")), TrainingRuns({"": inputs})
        )


@pytest.mark.parametrize("jobs", [0, -2])
def test_number_of_processes_is_checked(jobs: int) -> None:
    with pytest.raises(UserError, match=f"--jobs {jobs}: name 1 or more processes"):
        Workers(jobs)


def test_table_and_files_show_what_varies(
    tmp_path: Path,
    small_backbone: Path,
    capsys: pytest.CaptureFixture[str],
    short: list[dict[str, Any]],
) -> None:
    text = SHORT_SWEEP.replace("[0, 1, 2, 3]", "[0, 1]")
    options = ["--backbone", small_backbone, "--runs", tmp_path / "runs.jsonl", "--jobs", 1]
    options += ["--csv", tmp_path / "table.csv"]
    assert main(["sweep", str(settings(tmp_path, text)), *map(str, options)]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    header, _, *rows = output.out.splitlines()
    assert header.split()[0] == "method"
    assert header.split()[-3:] == ["seed", "final", "best"]
    with (tmp_path / "table.csv").open() as file:
        table = list(csv.DictReader(file))
    shown = [record for record in short if record["configuration"]["seed"] < 2]
    assert len(rows) == len(table) == len(shown) == 8
    for row, line, record in zip(rows, table, shown, strict=True):
        assert line["method"] == record["configuration"]["method"] == row.split()[0]
        assert float(line["final"]) == 2 * record["right"][-1]
        assert float(line["best"]) == 2 * max(record["right"])
        assert row.split()[-1] == f"{2 * max(record['right']):.2f}"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ('method = "adam"', (), "sweep.toml: unknown method 'adam'"),
        ('method = "priot"\ndataset = ["mnist", "mnist-sample"]', (), "2 datasets; make a sweep"),
        ('method = "priot"', ("--jobs", 0), "--jobs 0: name 1 or more processes"),
        ('method = "priot"', ("--data", "nowhere"), "nowhere: found neither t10k-images"),
        (
            'method = "priot"\ndataset = "mnist-sample"',
            ("--data", "nowhere"),
            "--data nowhere: the dataset is mnist-sample, which needs no folder",
        ),
        ('method = "priot"\nnetwork = "other"', (), "network 'other': the backbone is of 'mnist-n"),
    ],
)
def test_bad_sweep_is_one_line(
    tmp_path: Path,
    small_backbone: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    options: tuple[object, ...],
    expected: str,
) -> None:
    path = settings(tmp_path, text)
    runs = tmp_path / "runs.jsonl"
    arguments = ["sweep", path, "--runs", runs, "--backbone", small_backbone, *options]
    assert main(list(map(str, arguments))) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert expected in output.err
    assert output.err.count("\n") == 1
    assert not runs.exists()


# --- one run, pinned

# What these runs have always given. When one of these numbers changes, so do all results.
PINNED = {
    "niti-dynamic": (
        [76, 87, 85],
        "89b1c5934e728f9b813939e000a485f7b223021cd4b2e6ca04508bee203836d3",
    ),
    "niti-static": (
        [76, 80, 80],
        "4debcc9f869769d6fd15ac5ce9af6651e363cb7b63733027a58561fe3b02b20c",
    ),
    "priot": ([73, 84, 77], "f5fe36af38e42d1cbfc800744dc3d6c9ad9214f1cefb3804224f215cd15648c8"),
    "priot-ternary": (
        [73, 82, 78],
        "762e6d0724ccfb89e1497460db48ec59310281d5515d2468c3922f40771f2a27",
    ),
    "priot-s": ([72, 81, 83], "0ea2a1ca3c659f16b67b57501a7dfe168896fd2dfbd2d67ddf7076bd62030f46"),
}


@pytest.mark.parametrize("method", METHODS)
def test_pinned_run(method: str) -> None:
    calibration = {} if method == "niti-dynamic" else {"calibration": "rotated"}
    run = tiny(method, images=64, test_images=100, epochs=2, **calibration)
    record = train(run, load_inputs("mnist-sample", None, None))
    assert (list(record.right), record.final_state_sha256) == PINNED.get(method)


# --- a run from a file


def test_run_follows_a_file_and_its_options(
    small_backbone: Path, tmp_path: Path, record_of: Any
) -> None:
    path = settings(tmp_path, 'method = "priot"\nimages = 5\ntest_images = 9\nepochs = 0\nseed = 3')
    options = ("train", "--config", path, "--backbone", small_backbone)
    assert record_of(*options)["configuration"]["seed"] == 3
    changed = record_of(*options, "--seed", 4, "--angle", 20)["configuration"]
    assert (changed["seed"], changed["angle"], changed["test_images"]) == (4, 20.0, 9)
    assert changed["network"] == "mnist-network"


def test_file_of_many_runs_is_refused_by_train(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings(tmp_path, 'method = "priot"\nseed = [1, 2]')
    assert main(["train", "--config", str(path)]) == 2
    assert f"{path}: seed is a list; priot sweep carries out many runs" in capsys.readouterr().err


def test_unrotated_calibration_and_progress(inputs: Inputs) -> None:
    """``upright`` sees other images than ``rotated``; every image trained on is reported once."""
    seen: list[int] = []
    upright = train(
        tiny("niti-static", calibration="upright", angle=90), inputs, Trainer, seen.append
    )
    rotated = train(tiny("niti-static", angle=90), inputs)
    assert upright.scales != rotated.scales
    assert sum(seen) == 20


# --- backbones as an axis


def test_every_run_is_carried_out_on_every_backbone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, csv = settings(tmp_path, BACKBONES), tmp_path / "s.csv"
    runs = ["--runs", str(tmp_path / "runs.jsonl"), "--jobs", "1"]
    assert main(["sweep", str(path), *runs, "--csv", str(csv)]) == 0
    assert csv.read_text().splitlines()[0] == "backbone,seed,final,best"
    rows = [line.split(",") for line in csv.read_text().splitlines()[1:]]
    assert [row[:2] for row in rows] == [
        *(["integer-uniform-0", "0"], ["integer-uniform-0", "1"]),
        *(["short-0", "0"], ["short-0", "1"]),
    ]
    for backbone, seed, final, _ in rows:
        source = load_inputs("mnist-sample", None, Path(backbone))
        configuration = read_sweep(path, {})[int(seed)]
        record = train(configuration, source)
        assert float(final) == 100 * record.right[-1] / 50
    capsys.readouterr()
    assert main(["sweep", str(path), *runs, "--backbone", "short-0"]) == 2
    assert "and --backbone name backbones: leave one out" in capsys.readouterr().err


BACKBONES = """
method = "priot"
backbone = ["integer-uniform-0", "short-0"]
images = 40
test_images = 50
epochs = 1
seed = [0, 1]
"""


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("3", "this should be a name, or a list of names"),
        ("[]", "this should be a name, or a list of names"),
        ('["short-0", "short-0"]', "backbone names one twice"),
        ('"shrt-0"', "backbone shrt-0: name a record (.json), or one of few-images-0"),
    ],
)
def test_wrong_backbones_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], named: str, message: str
) -> None:
    path = settings(tmp_path, f'method = "priot"\nbackbone = {named}\n')
    assert main(["sweep", str(path), "--runs", str(tmp_path / "runs.jsonl")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs.jsonl").exists()
