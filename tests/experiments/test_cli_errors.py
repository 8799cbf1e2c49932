"""Bad input to priot: exit code 2 and one line that names the mistake; void results: code 1."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiment_commands import Refused, exit_code
from experiment_models import MNIST_NETWORK, sum_in_refusal

from priot import firmware_elf
from priot.experiments.cli import main
from priot.experiments.cli.registry import COMMANDS
from priot.experiments.device import costs, learner
from priot.experiments.device import host as device_module
from priot.experiments.device.placement import Placement
from priot.experiments.device.simulator import simulated_pico
from priot.experiments.device.variants import Variant
from priot.experiments.errors import UserError
from priot.experiments.pretraining.backbone import Backbone, backbone_record, save_backbone
from priot.kernels.methods import MethodError
from priot.kernels.model import initial_model
from priot.kernels.network import Network, NetworkError
from priot.kernels.operations import Conv2d, Dense, MaxPool2d
from priot.sim import Pico

COSTS = ("costs", "--images", 1)
TRAIN = ("train", "--images", 5, "--test-images", 5, "--epochs", 1, "--method")
PRIOT = (*TRAIN, "priot")


def saved(network: Network, path: Path, **changes: object) -> Path:
    """A backbone for ``network`` whose record has some entries replaced."""
    model = initial_model(network, 0)
    save_backbone(path, Backbone(model, backbone_record(model) | changes))
    return path


# --- options


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "arguments are required: COMMAND; see priot --help"),
        (("cost",), "invalid choice: 'cost' (choose from"),
        (("train",), "priot: no method is named: choose from niti-dynamic, niti-static, priot"),
        ((*COSTS, "--pictures", 3), "unrecognized arguments: --pictures 3"),
        (("costs", "--images", "many"), "argument --images: invalid int value: 'many'"),
        (("costs", "--images", 0), "0 images to train on"),
        (("costs", "--images", -1), "-1 images to train on"),
        (("costs", "--images", 3001), "3,001 images to train on .* allows 1..3,000 in all"),
        ((*COSTS, "--seed", -1), "--seed -1: a seed is 0 or more, at most"),
        ((*COSTS, "--angle", "nan"), "--angle nan: name degrees from -360 to 360"),
        ((*COSTS, "--seed", 2**63), "--seed 9223372036854775808: a seed is 0 or more"),
        ((*COSTS, "--angle", -360.5), "--angle -360.5: name degrees from -360 to 360"),
        ((*COSTS, "--angle", "inf"), "--angle inf: name degrees from -360 to 360"),
        ((*COSTS, "--clock", 0.5), "--clock 0.5: the clock is given in MHz, 1..1000"),
        ((*COSTS, "--clock", 133e6), r"--clock 1.33e\+08: the clock is given in MHz"),
        ((*COSTS, "--clock", "nan"), "--clock nan: the clock is given in MHz"),
        ((*COSTS, "--scored-fraction", 0.1), "no method is named: choose from niti-dynamic"),
        ((*COSTS, "--method", "adam"), "unknown method 'adam': choose from niti-dynamic"),
        (
            (*COSTS, "--method", "niti-static", "--placement", "weights=flash"),
            "none of these methods can have such a placement",
        ),
        ((*COSTS, "--figure", "costs.bmp"), "--figure costs.bmp: the name must end in one of .pdf"),
        ((*COSTS, "--figure", "costs"), "--figure costs: the name must end in one of .pdf"),
        ((*TRAIN, "adam"), "unknown method 'adam': choose from niti-dynamic, niti-static, priot"),
        (("train", "--method", "priot", "--epochs", -1), "epochs -1: train for 0 to 100,000"),
        (("train", "--method", "priot", "--test-images", -1), "-1 to test"),
        (
            ("train", "--method", "priot", "--images", 5, "--test-images", 2937),
            "5 images to train on and 2,937 to test: .* ask for fewer",
        ),
        ((*PRIOT, "--backend", "gpu"), r"argument --backend: invalid choice: 'gpu' \(choose from"),
        ((*PRIOT, "--rounding", "up"), "rounding 'up': choose from pseudo-stochastic, nearest"),
        (
            (*PRIOT, "--calibration", "best"),
            "calibration 'best': choose from rotated, rotated-headroom",
        ),
        ((*TRAIN, "niti-dynamic", "--calibration", "rotated"), "niti-dynamic has no calibration"),
        ((*PRIOT, "--seed", -1), "seed -1: a seed is 0 or more, at most"),
        ((*PRIOT, "--angle", "nan"), "angle nan: name degrees from -360 to 360"),
        ((*PRIOT, "--learning-rate-bits", -1), "learning-rate bits -1 are outside 0..7"),
        ((*PRIOT, "--learning-rate-bits", 8), "learning-rate bits 8 are outside 0..7"),
        ((*PRIOT, "--threshold", 128), "threshold 128 is outside -127..127"),
        ((*PRIOT, "--double-threshold", 64), "priot has no double threshold"),
        (
            (*TRAIN, "priot-ternary", "--double-threshold", 128),
            "double threshold 128 is outside -127..127",
        ),
        (
            (*TRAIN, "priot-ternary", "--threshold", 64),
            "double threshold 64 is not above the threshold 64",
        ),
        ((*PRIOT, "--score-spread", -1), "score spread -1 is outside 0..127"),
        ((*PRIOT, "--scored-fraction", 0.1), "priot has no scored fraction"),
        ((*PRIOT, "--selection", "random"), "priot has no selection"),
        ((*TRAIN, "niti-static", "--threshold", 0), "niti-static has no threshold"),
        ((*TRAIN, "niti-dynamic", "--score-spread", 9), "niti-dynamic has no score spread"),
        ((*TRAIN, "niti-dynamic", "--scored-fraction", 1), "niti-dynamic has no scored fraction"),
        ((*TRAIN, "priot-s", "--scored-fraction", 0), "scored fraction 0.0 is outside 0..1"),
        ((*TRAIN, "priot-s", "--scored-fraction", 1.5), "scored fraction 1.5 is outside 0..1"),
        ((*TRAIN, "priot-s", "--scored-fraction", "nan"), "scored fraction nan is outside 0..1"),
        (
            (*TRAIN, "priot-s", "--selection", "best"),
            "selection 'best' is none of random, magnitude",
        ),
        (
            ("pretrain", "--out", "b.json", "--schedule", "3,x"),
            "--schedule 3,x: give bits per epoch",
        ),
        (("pretrain", "--out", "b.json", "--schedule", ""), "--schedule : give bits per epoch"),
        (("pretrain", "--out", "b.json", "--schedule", "2x"), "--schedule 2x: give bits per epoch"),
        (("pretrain", "--out", "b.json", "--threads", 0), "--threads 0: take 1 or more"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_bad_option_is_named(
    refused: Refused, arguments: tuple[object, ...], expected: str
) -> None:
    outputs = ("--json", "record.json") if arguments[1:] else ()
    message = refused(*arguments, *outputs)
    expected = expected if ".*" in expected or "\\" in expected else re.escape(expected)
    assert re.search(expected, message), message


# --- places to write to


@pytest.mark.parametrize("option", ["--json", "--csv", "--figure"])
def test_output_below_a_file_is_refused_before_any_work(
    refused: Refused, tmp_path: Path, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(costs, "measure_costs", None)
    message = refused(*COSTS, option, "file/costs.png")
    assert message.startswith("priot: file/costs.png: cannot be written (")
    assert message.endswith("; name a file in a writable folder")


def test_output_in_a_read_only_folder_is_refused(refused: Refused) -> None:
    message = refused(*PRIOT, "--json", "/proc/nothing/record.json")
    assert "/proc/nothing/record.json: cannot be written" in message


def test_folder_as_output_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "folder: is a folder; name a file" in refused(*PRIOT, "--json", "folder")
    assert "folder: is a folder; name a file" in refused("pretrain", "--out", "folder")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("accuracy", "--results", "new", "--quick", "--backbone", "none.json"), "cannot be read"),
        (("study", "--results", "new", "--data", "none", "--quick"), "--data none: the dataset is"),
        (("widest", "--results", "file/new"), "cannot be written (Not a directory)"),
        (("widest", "--results", "new", "--data", "none"), "none: found neither test_batch.bin"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_refused_command_leaves_no_folder_behind(
    refused: Refused, tmp_path: Path, arguments: tuple[object, ...], expected: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert expected in refused(*arguments)


# --- backbones


def test_missing_backbone_is_named(refused: Refused) -> None:
    message = refused(*COSTS, "--backbone", "none.json")
    assert "none.json: cannot be read (No such file or directory)" in message
    assert "as priot pretrain writes them" in message


def test_missing_weights_are_named(refused: Refused, tmp_path: Path) -> None:
    path = saved(MNIST_NETWORK, tmp_path / "b.json")
    path.with_suffix(".npz").unlink()
    assert "b.npz: cannot be read (No such file" in refused(*COSTS, "--backbone", path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b"null", b"\xff\xfe", b'{"network": {}, "exponents": {}}'],
    ids=repr,
)
def test_damaged_record_is_refused(refused: Refused, tmp_path: Path, content: bytes) -> None:
    path = saved(MNIST_NETWORK, tmp_path / "b.json")
    path.write_bytes(content)
    message = refused(*COSTS, "--backbone", path)
    assert "b.json: not a backbone (" in message
    assert message.endswith("; make one with priot pretrain")


@pytest.mark.parametrize("content", [b"", b"text"])
def test_file_that_is_no_archive_is_refused(
    refused: Refused, tmp_path: Path, content: bytes
) -> None:
    path = saved(MNIST_NETWORK, tmp_path / "b.json")
    path.with_suffix(".npz").write_bytes(content)
    assert "not a backbone" in refused(*COSTS, "--backbone", path)


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_damaged_weights_are_refused(refused: Refused, tmp_path: Path, damage: str) -> None:
    path = saved(MNIST_NETWORK, tmp_path / "b.json")
    weights = path.with_suffix(".npz")
    content = bytearray(weights.read_bytes())
    if damage == "cut":
        del content[-100:]
    else:
        content[300] ^= 0xFF
    weights.write_bytes(content)
    assert "not a backbone" in refused(*COSTS, "--backbone", path)


def test_weights_of_another_backbone_are_refused(refused: Refused, tmp_path: Path) -> None:
    path = saved(MNIST_NETWORK, tmp_path / "b.json")
    other = initial_model(MNIST_NETWORK, 1)
    save_backbone(tmp_path / "other.json", Backbone(other, backbone_record(other)))
    (tmp_path / "other.npz").replace(tmp_path / "b.npz")
    message = refused(*COSTS, "--backbone", path)
    assert "b.npz: these are not the weights that b.json records; make both anew" in message


def test_weights_that_lack_a_layer_are_refused(refused: Refused, tmp_path: Path) -> None:
    path = saved(MNIST_NETWORK, tmp_path / "b.json")
    np.savez(tmp_path / "b.npz", weights_1=np.zeros(3, np.int8))
    message = refused(*COSTS, "--backbone", path)
    assert "not a backbone (it lacks weights_4)" in message


def test_record_that_lacks_exponents_is_refused(refused: Refused, tmp_path: Path) -> None:
    path = saved(MNIST_NETWORK, tmp_path / "b.json", exponents={})
    assert "not a backbone" in refused(*COSTS, "--backbone", path)


@pytest.mark.parametrize("name", [".", "/"])
def test_backbone_without_a_file_name_is_refused(refused: Refused, name: str) -> None:
    assert "cannot be read" in refused(*COSTS, "--backbone", name)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28)])
@pytest.mark.parametrize("command", [COSTS, PRIOT])
def test_backbone_for_images_of_another_shape_is_refused(
    refused: Refused, tmp_path: Path, command: tuple[object, ...], shape: tuple[int, int, int]
) -> None:
    path = saved(Network("other", shape, (Dense(10),)), tmp_path / "b.json")
    assert "28" in refused(*command, "--backbone", path)


@pytest.mark.parametrize("command", [COSTS, PRIOT])
def test_backbone_with_too_few_classes_is_refused(
    tmp_path: Path, priot: list[str], command: tuple[object, ...]
) -> None:
    """In a process of its own, since a label beyond the logits writes beyond the array."""
    path = saved(Network("five", (1, 28, 28), (Dense(5),)), tmp_path / "b.json")
    arguments = [*priot, *map(str, command), "--backbone", str(path)]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 2
    assert "five has 5 logits, but label 9 occurs" in done.stderr


def test_network_that_is_too_large_is_refused_with_the_sum(
    refused: Refused, tmp_path: Path
) -> None:
    network = Network("large-mlp", (1, 28, 28), (Dense(400), Dense(10)))
    path = saved(network, tmp_path / "large.json")
    message = refused(*COSTS, "--backbone", path, "--json", "costs.json")
    assert message.startswith("priot: large-mlp does not fit with NITI dynamic: ")
    parts, total, capacity = sum_in_refusal(message)
    assert parts["weights"] == 784 * 400 + 400 * 10
    assert sum(parts.values()) == total > capacity
    assert capacity < 264 * 1024


# --- descriptions of networks

FITTING = Network("fitting", (1, 28, 28), (Conv2d(2), MaxPool2d(), Dense(10))).to_json()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"layers": []}, "the last layer must be dense"),
        ({"layers": [{"kind": "dropout"}]}, "not a description of a network: 'dropout'"),
        ({"layers": [{"kind": "dense", "units": 10}]}, "unexpected keyword argument 'units'"),
        ({"layers": [{"kind": "dense", "features": 1}]}, "1 class(es) leave nothing to learn"),
        ({"layers": 5}, "not a description of a network"),
        ({"input_shape": [28, 28]}, "n.json: "),
        ({"input_shape": [0, 28, 28]}, "input shape (0, 28, 28) is not (C, H, W)"),
        ({"input_shape": [1, 1, 1]}, "leaves an output of (2, 0, 0)"),
    ],
    ids=str,
)
def test_bad_description_of_a_network_is_refused(
    refused: Refused, tmp_path: Path, changes: dict[str, object], expected: str
) -> None:
    (tmp_path / "n.json").write_text(json.dumps(FITTING | changes))
    message = refused("pretrain", "--out", "b.json", "--network", "n.json")
    assert "n.json: " in message
    assert expected in message


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "null"])
def test_file_that_describes_no_network_is_refused(
    refused: Refused, tmp_path: Path, content: str
) -> None:
    (tmp_path / "n.json").write_text(content)
    assert "n.json: " in refused("pretrain", "--out", "b.json", "--network", "n.json")


def test_missing_description_is_named(refused: Refused) -> None:
    message = refused("pretrain", "--out", "b.json", "--network", "n.json")
    assert "n.json: cannot be read (No such file or directory)" in message


def test_pool_with_a_window_of_zero_is_refused(refused: Refused, tmp_path: Path) -> None:
    layers = [{"kind": "max_pool2d", "size": 0}, {"kind": "dense", "features": 10}]
    (tmp_path / "n.json").write_text(json.dumps(FITTING | {"layers": layers}))
    assert "n.json: " in refused("pretrain", "--out", "b.json", "--network", "n.json")


@pytest.mark.parametrize("features", [10.0, 10.5])
def test_sizes_that_are_no_integers_are_refused(features: float) -> None:
    layers = [{"kind": "dense", "features": features}]
    with pytest.raises(NetworkError):
        Network.from_json(FITTING | {"layers": layers})


# --- data sets


def test_missing_data_are_named(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    message = refused(*COSTS, "--data", "empty")
    assert "empty: found neither t10k-images-idx3-ubyte.gz nor t10k-images" in message
    assert "nowhere: found neither" in refused(*PRIOT, "--data", "nowhere")
    assert "empty: found neither train-images" in refused(
        "pretrain", "--out", "b.json", "--data", "empty"
    )


def test_damaged_data_are_named(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b damaged")
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"")
    message = refused(*COSTS, "--data", tmp_path)
    assert "t10k-images-idx3-ubyte.gz: damaged gzip file" in message
    assert message.endswith("; fetch the original file again")


@pytest.mark.parametrize(
    ("images", "test_images"),
    [
        (5, 0),
        (3000, None),
    ],
)
def test_no_images_to_test_on_are_refused(
    refused: Refused, images: int, test_images: int | None
) -> None:
    options = ["--images", images, "--epochs", 0]
    if test_images is not None:
        options += ["--test-images", test_images]
    assert "no images are left to test on" in refused("train", "--method", "niti-dynamic", *options)


# --- programs

TRAINER_ELF = firmware_elf.TRAINER.read_bytes()
MACHINE = 18  # offset of e_machine in an ELF header
RISC_V = 243


def with_machine(machine: int) -> bytes:
    changed = bytearray(TRAINER_ELF)
    changed[MACHINE : MACHINE + 2] = machine.to_bytes(2, "little")
    return bytes(changed)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"#!/bin/sh\n", "not an ELF file; give the .elf that the linker wrote"),
        (b"", "not an ELF file"),
        (with_machine(RISC_V), "made for RISC-V, not Arm; build for the Cortex-M0+"),
        (TRAINER_ELF[:40], "damaged ELF file"),
        (TRAINER_ELF[: len(TRAINER_ELF) // 2], "other.elf: "),
        (TRAINER_ELF.replace(b"\0mailbox\0", b"\0mailbag\0"), "no symbol 'mailbox'"),
        (TRAINER_ELF.replace(b"\0__arena_start__\0", b"\0__arena_begin__\0"), "no symbol '__arena"),
    ],
    ids=["text", "empty", "machine", "header cut", "half", "no mailbox", "no arena"],
)
@pytest.mark.parametrize("command", [COSTS, (*PRIOT, "--backend", "pico")])
def test_program_that_is_no_trainer_is_refused(
    refused: Refused,
    tmp_path: Path,
    small_backbone: Path,
    command: tuple[object, ...],
    content: bytes,
    expected: str,
) -> None:
    (tmp_path / "other.elf").write_bytes(content)
    options = ("--backbone", small_backbone, "--json", "record.json")
    message = refused(*command, *options, "--elf", "other.elf")
    assert "other.elf" in message
    assert expected in message


def test_missing_program_is_named(refused: Refused, small_backbone: Path) -> None:
    message = refused(*COSTS, "--backbone", small_backbone, "--elf", "none.elf")
    assert "none.elf: cannot be read (No such file" in message


def test_missing_program_is_named_before_the_reference_trains(
    refused: Refused, small_backbone: Path
) -> None:
    options = ("--backbone", small_backbone, "--backend", "pico", "--elf", "none.elf")
    assert "none.elf" in refused(*PRIOT, *options)
    assert "add it" in refused(*PRIOT, "--elf", "none.elf"), "the reference needs no build"


# --- void results


def void(arguments: tuple[object, ...], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of a command whose result is void."""
    assert exit_code(arguments) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("priot: ")
    assert output.err.count("\n") == 1
    return output.err


def test_refusal_by_the_firmware_ends_with_code_1(
    small_backbone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "TRAIN", 9)
    options = ("--backbone", small_backbone)
    for command in (COSTS, (*PRIOT, "--backend", "pico")):
        assert "the firmware refused: unknown command" in void((*command, *options), capsys)


def test_difference_between_device_and_reference_ends_with_code_1(
    small_backbone: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(costs.Comparison, "step", mismatch)
    path = tmp_path / "costs.json"
    message = void((*COSTS, "--backbone", small_backbone, "--json", path), capsys)
    assert "differs" in message
    assert not path.exists()


def mismatch(*_: object) -> None:
    raise costs.MismatchError("differs")


def test_fault_of_the_firmware_ends_with_code_1(
    small_backbone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    undefined = b"\x00\xde"

    def damaged(elf: Path | None, variant: Variant, placement: Placement) -> Pico:
        pico = simulated_pico(elf, variant, placement)
        pico.write("conv2d_forward", undefined)
        return pico

    monkeypatch.setattr(learner, "simulated_pico", damaged)
    command = (*PRIOT, "--backend", "pico", "--backbone", small_backbone)
    assert "undefined instruction" in void(command, capsys)


def test_interruption_ends_with_code_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(COMMANDS, "costs", replace(COMMANDS["costs"], run=interrupted))
    assert exit_code(COSTS) == 130
    assert capsys.readouterr().err == "priot: interrupted\n"


# --- in a process of its own


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "--method", "adam"], "priot: unknown method 'adam': choose from "),
        (["costs", "--backbone", "none.json"], "priot: none.json: cannot be read ("),
        (["fly"], "priot: argument COMMAND: invalid choice: 'fly'"),
    ],
)
def test_process_ends_with_code_2_and_one_line(
    priot: list[str], arguments: list[str], expected: str
) -> None:
    done = subprocess.run([*priot, *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(expected)
    assert done.stderr.count("\n") == 1


def test_reader_that_goes_away_causes_no_traceback(priot: list[str], small_backbone: Path) -> None:
    """As in ``priot costs | head -1``."""
    command = [*priot, *map(str, COSTS), "--backbone", str(small_backbone)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        messages = process.stderr.read()
    assert "BrokenPipeError" not in messages


def test_debug_shows_the_traceback(priot: list[str]) -> None:
    arguments = ["train", "--method", "adam", "--debug"]
    done = subprocess.run([*priot, *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert "MethodError: unknown method 'adam'" in done.stderr


def test_debug_raises_the_error_itself() -> None:
    with pytest.raises(MethodError, match="unknown method"):
        main(["train", "--method", "adam", "--debug"])
    with pytest.raises(UserError, match="--seed -1"):
        main(["costs", "--seed", "-1", "--debug"])


def test_help_names_every_command(priot: list[str]) -> None:
    done = subprocess.run([*priot, "--help"], capture_output=True, text=True, check=True)
    assert all(command in done.stdout for command in ("costs", "train", "pretrain", "download"))
    assert done.stderr == ""


@pytest.mark.parametrize("schedule", ["3x0", "3x-1", "3x2x7", "", "3,,2", "x2"])
def test_a_schedule_without_epochs_is_refused(refused: Refused, schedule: str) -> None:
    assert "--schedule" in refused("pretrain", "--out", "out.json", "--schedule", schedule)
