"""priot train: device and reference give one history, and PRIOT learns."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from experiment_commands import accuracy_by_epoch

from priot.experiments.cli import main
from priot.experiments.datasets.mnist import mnist_sample
from priot.experiments.datasets.transfer import transfer_task
from priot.experiments.pretraining.backbone import load_backbone
from priot.experiments.training.start import starting_point
from priot.kernels.methods import METHODS, method
from priot.kernels.trainer import Trainer


@pytest.mark.parametrize("name", METHODS)
def test_both_backends_give_the_same_run(name: str, small_backbone: Path, record_of) -> None:
    options = ["train", "--method", name, "--backbone", small_backbone]
    options += ["--images", 30, "--test-images", 20, "--epochs", 2]
    pico, reference = (record_of(*options, "--backend", b) for b in ("pico", "reference"))
    assert (pico.pop("backend"), pico.pop("variant")) == ("pico", "fast")
    assert (reference.pop("backend"), reference.pop("variant")) == ("reference", None)
    assert (pico.pop("placement"), reference.pop("placement")) == ("default", None)
    assert len(pico["environment"].pop("trainer_elf_sha256")) == 64
    assert pico == reference
    assert len(pico["right"]) == len(pico["saturated_logits"]) == 3


def test_both_backends_give_the_same_run_of_the_embedded_backbone(record_of) -> None:
    options = ["train", "--method", "priot-s", "--rounding", "nearest", "--selection", "magnitude"]
    options += ["--images", 3, "--test-images", 5, "--epochs", 2]
    pico, reference = (record_of(*options, "--backend", b) for b in ("pico", "reference"))
    assert pico["configuration"]["rounding"] == "nearest"
    assert pico["environment"].pop("trainer_elf_sha256")
    assert pico | {"backend": "reference", "variant": None, "placement": None} == reference


def test_both_variants_give_the_same_run(small_backbone: Path, record_of) -> None:
    options = ["train", "--method", "priot", "--backbone", small_backbone, "--backend", "pico"]
    options += ["--images", 20, "--test-images", 20, "--epochs", 1]
    plain, fast = (record_of(*options, "--variant", variant) for variant in ("plain", "fast"))
    assert (plain.pop("variant"), fast.pop("variant")) == ("plain", "fast")
    assert plain.pop("environment") != fast.pop("environment")
    assert plain == fast


def test_every_placement_gives_the_same_run(small_backbone: Path, record_of) -> None:
    options = ["train", "--method", "priot-s", "--backbone", small_backbone, "--backend", "pico"]
    options += ["--images", 20, "--test-images", 20, "--epochs", 1]
    usual = record_of(*options)
    placed = record_of(*options, "--placement", "weights=flash,code=flash,edges=bitmap")
    assert usual.pop("placement") == "default"
    assert placed.pop("placement") == "weights=flash,code=flash,edges=bitmap"
    assert usual.pop("environment") != placed.pop("environment"), "another build"
    assert usual == placed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("priot",), "--placement says what lies where on the device: add --backend pico"),
        (("niti-static", "--backend", "pico"), "NITI static trains its weights, and flash is only"),
        (("priot", "--backend", "pico", "--elf", "none.elf"), "leave out --elf"),
    ],
)
def test_placement_without_a_use_is_refused(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--placement", "weights=flash", "--method", *options]) == 2
    assert message in capsys.readouterr().err


def test_priot_improves_on_rotated_images(record_of) -> None:
    options = ["train", "--method", "priot", "--images", 512, "--epochs", 3, "--test-images", 1000]
    accuracies = accuracy_by_epoch(record_of(*options))
    assert accuracies[0] < 80, "30 degrees are hard for the backbone"
    assert accuracies[-1] > accuracies[0] + 5


# --- learning-rate schedules


SCHEDULED = ["--images", 20, "--test-images", 20]


@pytest.mark.parametrize("name", METHODS)
def test_schedule_of_one_part_is_a_constant_learning_rate(
    name: str, small_backbone: Path, record_of
) -> None:
    options = ["train", "--method", name, "--backbone", small_backbone, *SCHEDULED, "--epochs", 3]
    constant = record_of(*options, "--learning-rate-bits", 4)
    scheduled = record_of(*options, "--learning-rate-schedule", "4")
    assert constant["configuration"].pop("learning_rate_bits") == 4
    assert scheduled["configuration"].pop("learning_rate_schedule") == "4"
    assert scheduled == constant


@pytest.mark.parametrize("name", METHODS)
def test_schedule_is_one_run_that_goes_on_with_other_bits(
    name: str, small_backbone: Path, record_of
) -> None:
    record = record_of(
        *("train", "--method", name, "--backbone", small_backbone, *SCHEDULED),
        *("--epochs", 3, "--learning-rate-schedule", "5,2"),
    )
    task = transfer_task(mnist_sample(), 30.0, 20, 20, 0)
    first, then = (method(name, learning_rate_bits=bits) for bits in (5, 2))
    model, scales = starting_point(load_backbone(small_backbone), first, task, 0)
    for epoch, bits in ((1, first), (2, first), (3, then)):
        order = np.random.default_rng([0, epoch]).permutation(20)
        Trainer(model, bits, scales).train(task.images, task.labels, order)
    assert record["final_state_sha256"] == model.state_hash()


@pytest.mark.parametrize("variant", ["plain", "fast", "dual"])
def test_device_follows_a_schedule(variant: str, small_backbone: Path, record_of) -> None:
    options = ["train", "--method", "priot", "--backbone", small_backbone]
    options += ["--images", 8, "--test-images", 4, "--epochs", 3]
    schedule = ["--learning-rate-schedule", "7,5,3"]
    reference = record_of(*options, *schedule)
    pico = record_of(*options, *schedule, "--backend", "pico", "--variant", variant)
    constant = record_of(*options, "--learning-rate-bits", 7)
    for number in ("right", "saturated_logits", "final_state_sha256"):
        assert pico[number] == reference[number]
    assert reference["final_state_sha256"] != constant["final_state_sha256"]


def test_schedule_and_bits_are_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.toml"
    config.write_text('method = "priot"\nlearning_rate_schedule = "6,5"\n')
    options = ["--config", str(config), "--learning-rate-bits", "5"]
    assert main(["train", *options]) == 2
    expected = "learning_rate_bits and learning_rate_schedule are both given: leave one out"
    assert expected in capsys.readouterr().err


def test_no_epochs_measure_the_start(small_backbone: Path, record_of) -> None:
    record = record_of(
        *("train", "--method", "niti-static", "--backbone", small_backbone),
        *("--images", 5, "--test-images", 20, "--epochs", 0),
    )
    assert len(record["right"]) == 1
    assert record["final_state_sha256"] == record["backbone_sha256"]


def test_settings_reach_the_record(small_backbone: Path, record_of) -> None:
    record = record_of(
        *("train", "--method", "priot-s", "--backbone", small_backbone, "--threshold", -3),
        *("--learning-rate-bits", 4, "--score-spread", 9, "--scored-fraction", 0.25),
        *("--images", 5, "--test-images", 5, "--epochs", 1, "--angle", 45, "--seed", 7),
    )
    assert record["label"] == "PRIOT-S 25 % random"
    assert record["configuration"] == {
        "method": "priot-s",
        "learning_rate_bits": 4,
        "threshold": -3,
        "score_spread": 9,
        "scored_fraction": 0.25,
        "selection": "random",
        "rounding": "pseudo-stochastic",
        "network": "mnist-network",
        "dataset": "mnist-sample",
        "angle": 45.0,
        "images": 5,
        "test_images": 5,
        "calibration": "rotated-headroom",
        "epochs": 1,
        "seed": 7,
    }


@pytest.mark.parametrize("backend", ["reference", "pico"])
def test_layers_that_are_trained_reach_the_record(
    small_backbone: Path, record_of, backend: str
) -> None:
    options = ("train", "--method", "niti-static", "--backbone", small_backbone, "--images", 20)
    options = (*options, "--test-images", 5, "--epochs", 1, "--backend", backend)
    every, dense = (record_of(*options, "--trained-layers", layers) for layers in ("all", "dense"))
    assert "trained_layers" not in every["configuration"]
    assert dense["configuration"]["trained_layers"] == "dense"
    assert dense["label"] == "NITI static, dense layers"
    assert dense["scales"]["1"] == every["scales"]["1"] | {"backward": 0, "gradient_bits": 0}
    assert dense["final_state_sha256"] != every["final_state_sha256"]


def test_seed_decides_the_run(small_backbone: Path, record_of) -> None:
    options = ["train", "--method", "priot", "--backbone", small_backbone]
    options += ["--images", 20, "--test-images", 5, "--epochs", 1, "--seed"]
    first, again, other = (record_of(*options, seed)["final_state_sha256"] for seed in (3, 3, 4))
    assert first == again != other


def test_table_has_a_row_for_each_epoch(
    small_backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--backbone", str(small_backbone), "--images", "5", "--test-images", "8"]
    assert main(["train", "--method", "priot", "--epochs", "2", *options]) == 0
    header, rule, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["epoch", "test", "accuracy", "%"]
    assert set(rule) == {"-", " "}
    assert [row.split()[0] for row in rows] == ["0", "1", "2"]


def test_accuracy_is_measured_after_some_epochs_alone(
    small_backbone: Path, record_of, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["train", "--method", "priot", "--backbone", small_backbone, "--epochs", 5]
    options += ["--images", 20, "--test-images", 50]
    every = record_of(*options)
    capsys.readouterr()
    some = record_of(*options, "--measure-every", 2)
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[0] for row in rows] == ["0", "2", "4", "5"]
    assert len(every["right"]) == 6
    for numbers in ("right", "saturated_logits"):
        assert some[numbers] == [every[numbers][epoch] for epoch in (0, 2, 4, 5)]
    assert some["final_state_sha256"] == every["final_state_sha256"]


def test_piped_run_is_silent_and_writes_the_record(
    small_backbone: Path, priot: list[str], tmp_path: Path, record_of
) -> None:
    options = ["train", "--method", "priot", "--backbone", str(small_backbone)]
    options += ["--images", "5", "--test-images", "5", "--epochs", "1"]
    expected = record_of(*options)
    path = tmp_path / "piped.json"
    command = [*priot, *options, "--json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert json.loads(path.read_text()) == expected


def test_less_headroom_shifts_the_logits_less_and_saturates_them(record_of) -> None:
    options = ["train", "--method", "niti-static", "--images", 8, "--test-images", 50]
    options += ["--epochs", 0]
    plain, less = record_of(*options), record_of(*options, "--logit-headroom", -3)
    last = max(plain["scales"], key=int)
    assert less["scales"][last]["forward"] == plain["scales"][last]["forward"] - 3
    assert less["scales"] | {last: plain["scales"][last]} == plain["scales"]
    assert less["saturated_logits"][0] > plain["saturated_logits"][0]


def test_dynamic_scales_have_no_headroom(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--method", "niti-dynamic", "--logit-headroom", "-1"]) == 2
    assert "niti-dynamic has no logit headroom" in capsys.readouterr().err


def test_calibration_goes_on_until_an_image_has_an_error(
    record_of, capsys: pytest.CaptureFixture[str]
) -> None:
    # With seed 6 the backbone is sure of the first 64 upright images, but not of the next.
    options = ["train", "--method", "niti-static", "--calibration", "upright", "--seed", "6"]
    options += ["--epochs", "0", "--test-images", "5", "--images"]
    scales = record_of(*options, 128)["scales"].values()
    assert all(scale["gradient_bits"] > 0 for scale in scales)
    assert main([*options, "8"]) == 2
    assert "all 64 calibration images have an error of zero" in capsys.readouterr().err


def test_calibration_with_headroom_leaves_the_logits_two_bits(record_of) -> None:
    options = ["train", "--method", "priot", "--epochs", "0", "--test-images", "5"]
    plain = record_of(*options, "--calibration", "rotated")["scales"]
    roomy = record_of(*options)["scales"]
    plain["8"]["forward"] += 2
    assert roomy == plain


def test_more_images_may_calibrate(record_of, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["train", "--method", "niti-static", "--epochs", "0", "--test-images", "5"]
    rule = ["--calibration", "rotated-largest"]
    few, many = (record_of(*options, *rule, "--calibration-images", n) for n in (4, 512))
    for index, scale in few["scales"].items():  # the 4 are the first of the 512
        assert all(many["scales"][index][kind] >= shift for kind, shift in scale.items())
    assert few["scales"] != many["scales"]
    assert main([*options, "--images", "100", "--calibration-images", "101"]) == 2
    assert "take 1 to 100, which are drawn like those to train on" in capsys.readouterr().err
    assert main(["train", "--method", "niti-dynamic", "--calibration-images", "5"]) == 2
    assert "niti-dynamic has no calibration images" in capsys.readouterr().err
