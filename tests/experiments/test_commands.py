"""Every command is a room: help with an example that parses, at once and without heavy imports."""

import shlex
import subprocess
import sys

import pytest
from experiment_commands import Refused, exit_code

import priot
from priot.experiments.cli.help import parser
from priot.experiments.cli.registry import COMMANDS, GROUPS
from priot.experiments.records.costs import DoesNotFit
from priot.experiments.sweeps import workers
from priot.experiments.sweeps.store import RunStore
from priot.experiments.sweeps.workers import Workers, carry_out
from priot.sim import Engine, Replacement

HEAVY = {"numpy", "numba", "matplotlib", "priot.sim.pico", "priot.kernels.jit"}
LOADED = f"""
import sys
from priot.experiments.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(code, sorted({HEAVY!r} & sys.modules.keys()), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        *(([name, "--help"], 0) for name in COMMANDS),
        (["costs", "--pictures"], 2),
        (["train"], 2),
        (["train", "--method", "adam"], 2),
        (["costs", "--clock", "0.5"], 2),
        (["costs", "--json", "a", "--csv", "a"], 2),
        (["explain", "--method", "priot", "--placement", "weights=rom"], 2),
        (["tradeoff", "--ms", "0"], 2),
        (["run", "none.elf", "--timeout", "0"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_help_and_mistakes_in_options_load_nothing(arguments: list[str], code: int) -> None:
    run = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True)
    assert run.stderr.splitlines()[-1] == f"{code} []"


def test_help_lists_every_command_in_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(("--help",)) == 0
    shown = capsys.readouterr().out
    places = [shown.index(f"{group.title}:") for group in GROUPS]
    assert places == sorted(places)
    for command in COMMANDS.values():
        assert f"\n  {command.name} " in shown
        assert command.summary in shown


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(("--version",)) == 0
    assert capsys.readouterr().out == f"priot {priot.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_are_command_lines(name: str) -> None:
    for example in COMMANDS[name].examples:
        words = shlex.split(example.partition(" > ")[0])
        assert parser().parse_args(words).command == name


def test_choices_that_help_names_are_all_there_are() -> None:
    """Named by hand where the enumeration would load the simulator."""
    (of_commands,) = (action for action in parser()._actions if action.dest == "command")
    choices = {action.dest: action.choices for action in of_commands.choices["run"]._actions}
    assert set(choices["engine"]) == {engine.value for engine in Engine}
    assert set(choices["xip_replacement"]) == {replacement.value for replacement in Replacement}


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(("completion", shell)) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)
    assert "scored-fraction" in script


def test_completion_of_bash_is_bash(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(("completion", "bash")) == 0
    script = capsys.readouterr().out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


# --- what begins is told


class LongRuns:
    """Runs that would take an hour each, were they carried out."""

    def key(self, configuration: int) -> str:
        return str(configuration)

    def seconds(self, configuration: int) -> float:
        return 3600

    def run(self, configuration: int) -> DoesNotFit:
        return DoesNotFit(str(configuration))


def test_many_runs_are_told_before_they_begin(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runs.jsonl"
    store = RunStore(path)
    assert len(carry_out(range(2), LongRuns(), store, Workers(1))) == 2
    told = f"priot: 2 of 2 runs are not in {path} and begin now: some 2.0 h on 1 process\n"
    assert capsys.readouterr().err == told
    carry_out(range(3), LongRuns(), store, Workers(1))
    assert "priot: 1 of 3 runs are not in" in capsys.readouterr().err
    carry_out(range(3), LongRuns(), store, Workers(1))
    assert capsys.readouterr().err == "", "all are there"


def test_few_runs_begin_without_a_word(
    tmp_path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "TOLD_SECONDS", 7201)
    carry_out(range(2), LongRuns(), RunStore(tmp_path / "runs.jsonl"), Workers(1))
    assert capsys.readouterr().err == ""


def test_jobs_are_checked_before_anything_else(refused: Refused) -> None:
    for command in ("tradeoff", "study", "tune", "accuracy"):
        assert "--jobs 0: name 1 or more processes" in refused(command, "--jobs", 0)
