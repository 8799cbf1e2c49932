"""Every option of every command: once, on the standard output, into a folder that is there."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from experiment_commands import Refused, exit_code

from priot import firmware_elf
from priot.experiments.cli import help
from priot.experiments.files import output_file, output_or_dash, runs_file
from priot.experiments.output import StandardOutput

(SUBPARSERS,) = (
    action.choices
    for action in help.parser()._actions
    if isinstance(action, argparse._SubParsersAction)
)
HELLO = firmware_elf.BUILT / "hello.no_flash.elf"
PLAN = ("plan", "--method", "niti-static", "--variant", "plain")


def options() -> Iterator[tuple[str, argparse.Action]]:
    for command, parser in SUBPARSERS.items():
        for action in parser._actions:
            if action.option_strings and not isinstance(action, argparse._HelpAction):
                yield command, action


def value_for(action: argparse.Action) -> list[str]:
    if action.nargs == 0:
        return []
    return [str(next(iter(action.choices)))] if action.choices else ["1"]


@pytest.mark.parametrize(
    ("command", "action"),
    [
        pytest.param(command, action, id=f"{command} {action.option_strings[0]}")
        for command, action in options()
        if not isinstance(action, argparse._AppendAction)
    ],
)
def test_an_option_twice_is_refused(
    refused: Refused, command: str, action: argparse.Action
) -> None:
    """Also under a shortened name."""
    once = [action.option_strings[0], *value_for(action)]
    message = refused(command, *once, *once)
    assert f"{action.option_strings[0]}: is given twice; leave one out" in message


# --- standard output


def test_dash_is_the_standard_output_and_a_file_of_that_name_is_a_file() -> None:
    """For every option of this type, and test_files.py knows no others of files to write."""
    assert isinstance(output_or_dash("-"), StandardOutput)
    assert not isinstance(output_or_dash("./-"), StandardOutput)


@pytest.mark.parametrize(
    "arguments",
    [
        ("pretrain", "--out", "-"),
        ("pretrain", "--out", "b.json", "--checkpoint", "-"),
        ("sweep", "s.toml", "--runs", "-"),
        ("accuracy", "--runs", "-"),
        ("study", "--runs", "-"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_a_stream_is_refused(refused: Refused, arguments: tuple[str, ...]) -> None:
    assert "this needs a file, and cannot go to the standard output" in refused(*arguments)


@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_a_result_has_the_standard_output_to_itself(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, option: str
) -> None:
    """So that another program can read it; the table is on standard error."""
    assert exit_code((*PLAN, option, "-")) == 0
    streamed = capfd.readouterr()
    assert exit_code((*PLAN, option, tmp_path / "file")) == 0
    assert streamed.out == (tmp_path / "file").read_text()
    assert streamed.err == capfd.readouterr().out


def test_a_figure_on_the_standard_output_is_a_png(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    command = ("explain", "--method", "niti-static", "--images", 1, "--figure", "-")
    assert exit_code(command) == 0
    assert capfdbinary.readouterr().out.startswith(b"\x89PNG\r\n")


def test_the_record_of_a_program_can_be_piped(capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code(("run", HELLO, "--json", "-")) == 0
    assert json.loads(capfd.readouterr().out)["halt_reason"] == "exit"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((*PLAN, "--json", "-", "--csv", "-"), "--json - and --csv -"),
        (("costs", "--csv", "-", "--figure", "-"), "--csv - and --figure -"),
        (("tune", "--json", "-", "--settings", "-"), "--json - and --settings -"),
        (("run", HELLO, "--json", "-", "--vcd", "-"), "--json - and --vcd -"),
    ],
)
def test_two_results_on_the_standard_output_are_refused(
    refused: Refused, arguments: tuple[object, ...], named: str
) -> None:
    assert f"{named}: one of them can have the standard output" in refused(*arguments)


# --- folders


@pytest.mark.parametrize(
    ("command", "action"),
    [
        pytest.param(command, action, id=f"{command} {action.option_strings[0]}")
        for command, action in options()
        if action.type in (output_or_dash, output_file, runs_file)
    ],
)
def test_a_folder_that_is_not_there_is_told(
    refused: Refused, command: str, action: argparse.Action
) -> None:
    others = [a for a in SUBPARSERS[command]._actions if a.required and a is not action]
    rest = [part for a in others for part in (*a.option_strings[:1], f"{a.dest}.json")]
    message = refused(command, *rest, action.option_strings[0], "new/folder/result.json")
    assert "new/folder/result.json: cannot be written (there is no folder new/folder)" in message
